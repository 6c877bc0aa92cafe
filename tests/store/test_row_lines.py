"""Rows behind entries: what is written has its line, what no entry wrote is named and refused, and a past day is read from lines."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from alembic import command

from harmcast.errors import StoreDamaged
from harmcast.oversight import log
from harmcast.oversight.log import Event
from harmcast.store import desk, keys, row_lines, schema, upgrade, users, verify
from harmcast.store.operations import Operations
from harmcast.store.state import State

WRITE = Event("ann", "administrator", "administration", "role_given", object="user:bob")
BOB = {
    "account": "bob", "name": "Bob", "os_account": "bob", "password_hash": "argon", "standing": "active",
    "made_at": "2026-01-01T00:00:00.000000Z", "changed_at": "2026-01-01T00:00:00.000000Z",
}  # fmt: skip


def kinds(state: State) -> set[tuple[str, str | None, str | None]]:
    return {(fault.kind, fault.table, fault.key) for fault in verify.verify_state(state).faults}


@pytest.fixture
def held(any_state: State) -> State:
    """Bob, an offender manager of North, and one person with a decision about them."""
    with any_state.operations.writing(WRITE) as tx:
        users.enter(tx, "bob", "Bob", os_account="bob", password_hash="argon")
        users.give(tx, "bob", "offender_manager", "North", "ann")
    with any_state.operations.writing(Event("bob", "offender_manager", "alteration", "decided")) as tx:
        keys.assign(tx, any_state.secret, ["P-REAL-REFERENCE"])
        key = keys.person_key(any_state.secret, 1)
        new = desk.NewDecision(
            key, "2026-W46", 1, "North", "plain", "high", "refer", "other", ["pnc"], "same", date(2027, 1, 4), "1 to 3 minutes",
            False, "words", {"band": "high"}, 0,
        )  # fmt: skip
        desk.sign_off(tx, key, desk.decide(tx, new, "bob", "offender_manager"), "agreed", "seen", "sue", "supervisor")
    return any_state


def by_sql(state: State, words: str, **values: object) -> None:
    with state.operations.unlogged() as connection:
        connection.execute(sa.text(words), values)


def test_every_table_is_declared_kept_or_left_out() -> None:
    assert set(schema.KEPT) | schema.LEFT_OUT == set(schema.metadata.tables)
    assert set(schema.KEPT) & schema.LEFT_OUT == set()
    for name, first in schema.KEPT.items():
        assert first is None or first in schema.metadata.tables[name].columns
    with pytest.raises(KeyError):
        schema.is_kept("a_table_of_tomorrow")


def test_the_line_of_a_row_is_what_the_words_say() -> None:
    text = (
        '{"account":"bob","changed_at":"2026-01-01T00:00:00.000000Z","made_at":"2026-01-01T00:00:00.000000Z","name":"Bob",'
        f'"os_account":"bob","password_hash":"sha256:{hashlib.sha256(b"argon").hexdigest()}","standing":"active"}}'
    )
    line = row_lines.line(schema.users, {**BOB, "oidc_subject": None})
    assert (line.tab, line.key, line.row) == ("users", "bob", text)
    assert line.hash == hashlib.sha256(f"users\nbob\nis\n{text}".encode()).hexdigest()
    assert row_lines.line(schema.users, BOB, gone=True).hash == hashlib.sha256(b"users\nbob\ngone\n").hexdigest()
    assert row_lines.writes(["a", "b"]) == hashlib.sha256(b"a\nb\n").hexdigest()


def test_a_key_row_keeps_neither_reference_nor_content(held: State) -> None:
    rows = held.operations.rows(sa.select(schema.versions))
    assert any(row["tab"] == "person_keys" and row["row"] is None for row in rows)
    assert "P-REAL-REFERENCE" not in json.dumps(rows)


def test_an_entry_vouches_for_its_lines_and_an_honest_state_is_whole(held: State) -> None:
    found = verify.verify_state(held)
    assert found.faults == ()
    assert found.events == len(held.operations.entries())
    given = next(entry for entry in held.operations.entries() if entry.action == "role_given")
    lines = held.operations.rows(sa.select(schema.versions.c.hash).where(schema.versions.c.seq == given.seq).order_by(schema.versions.c.n))
    assert given.writes == row_lines.writes(line["hash"] for line in lines)
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("UPDATE users SET name = 'Rob' WHERE account = 'bob'", ("row_changed", "users", "bob")),
        ("DELETE FROM user_roles", ("row_missing", "user_roles", "1")),
        ("DELETE FROM sign_offs", ("row_missing", "sign_offs", "1")),
        ("UPDATE decisions SET words_enc = shown_enc", ("row_changed", "decisions", "1")),
        (
            "INSERT INTO user_roles (id, account, role, given_at, given_by) VALUES (9, 'bob', 'administrator', 'x', 'bob')",
            ("row_unknown", "user_roles", "9"),
        ),
        ("UPDATE events SET writes = NULL WHERE action = 'role_given'", ("writes", None, None)),
        ("UPDATE events SET seal = NULL WHERE action = 'decided'", ("seal", None, None)),
        ("UPDATE versions SET row = 'x' WHERE tab = 'users'", ("version", "users", "bob")),
    ],
)
def test_sql_on_the_database_is_named(held: State, sql: str, fault: tuple[str, str | None, str | None]) -> None:
    by_sql(held, sql)
    assert fault in kinds(held)


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("UPDATE user_roles SET until = 'never'", ("row_changed", "user_roles", "1")),
        ("UPDATE events SET at = x'00ff' WHERE action = 'decided'", ("content", None, None)),
        ("UPDATE versions SET row = x'00ff' WHERE tab = 'sign_offs'", ("version", "sign_offs", "1")),
        ("UPDATE versions SET seq = 'x' WHERE tab = 'sign_offs'", ("version", "sign_offs", "1")),
    ],
)
def test_what_no_column_of_its_kind_holds_is_named_too(held: State, sql: str, fault: tuple[str, str | None, str | None]) -> None:
    """SQLite keeps anything in any column: a verification that stopped there would name nothing."""
    if not held.operations.is_sqlite:
        return
    by_sql(held, sql)
    assert fault in kinds(held)
    if "until" in sql:
        with pytest.raises(StoreDamaged, match="user_roles"):
            held.users.get("bob")


def test_a_row_put_back_to_an_earlier_version_is_named(held: State) -> None:
    with held.operations.writing(WRITE) as tx:
        users.take(tx, "bob", "offender_manager", "North")
    by_sql(held, "UPDATE user_roles SET ended_at = NULL")
    assert kinds(held) == {("row_gone_back", "user_roles", "1")}


def test_a_forged_grant_with_entry_and_line_lacks_the_seal(held: State) -> None:
    forger = Operations(held.operations.engine, b"x" * 32)
    with forger.writing(Event("ann", "administrator", "administration", "role_given", object="user:bob")) as tx:
        users.give(tx, "bob", "administrator", None, "ann")
    assert log.verify(held.operations.entries()) == []
    assert kinds(held) == {("seal", None, None)}
    with pytest.raises(StoreDamaged) as raised:
        held.users.find("bob")
    assert raised.value.code == "row_unwritten"


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE user_roles SET unit = 'South'",
        "UPDATE users SET os_account = 'eve'",
        "INSERT INTO user_roles (id, account, role, given_at, given_by) VALUES (9, 'bob', 'administrator', 'x', 'bob')",
    ],
)
def test_a_role_that_no_entry_wrote_is_refused(held: State, sql: str) -> None:
    assert held.users.roles_of("bob")[0].unit == "North"
    by_sql(held, sql)
    with pytest.raises(StoreDamaged):
        held.users.find("bob")


def test_a_decision_or_sign_off_that_no_entry_wrote_is_refused(held: State) -> None:
    key = keys.person_key(held.secret, 1)
    assert desk.of_person(held.operations, key)[0].is_referral
    by_sql(held, "UPDATE sign_offs SET outcome = 'not_agreed'")
    with pytest.raises(StoreDamaged):
        desk.of_person(held.operations, key)


@pytest.mark.parametrize(
    ("sql", "change"),
    [
        ("UPDATE users SET os_account = 'eve'", sa.update(schema.users).where(schema.users.c.account == "bob").values(name="Robert")),
        ("UPDATE users SET os_account = 'eve'", sa.update(schema.users).values(name="Robert")),
        (
            "INSERT INTO user_roles (id, account, role, given_at, given_by) VALUES (9, 'bob', 'administrator', 'x', 'bob')",
            sa.update(schema.user_roles).where(schema.user_roles.c.id == 9).values(ended_at="2026-11-16"),
        ),
        ("UPDATE person_keys SET person_ref = 'P-ANOTHER'", sa.delete(schema.person_keys).where(schema.person_keys.c.person_ref == "P-ANOTHER")),
    ],
)
def test_a_proper_change_never_makes_a_forged_row_a_proper_one(held: State, sql: str, change: sa.Update | sa.Delete) -> None:
    entries = len(held.operations.entries())
    by_sql(held, sql)
    with pytest.raises(StoreDamaged) as refused, held.operations.writing(WRITE) as tx:
        tx.execute(change)
    assert refused.value.code == "row_unwritten"
    assert len(held.operations.entries()) == entries
    assert verify.verify_state(held).faults


def test_a_row_written_twice_in_one_transaction_is_its_own(held: State) -> None:
    with held.operations.writing(WRITE) as tx:
        for name in ("Rob", "Robert"):
            tx.execute(sa.update(schema.users).values(name=name))
        users.enter(tx, "eve", "Eve")
        tx.execute(sa.update(schema.users).where(schema.users.c.account == "eve").values(name="Evelyn"))
    assert verify.verify_state(held).faults == ()
    assert [row["name"] for row in held.operations.checked(schema.users, order_by=(schema.users.c.account,))] == ["Robert", "Evelyn"]


def test_a_key_led_to_another_person_is_refused(held: State) -> None:
    key = keys.person_key(held.secret, 1)
    assert keys.key_of(held.operations, "P-REAL-REFERENCE") == key
    with held.operations.reading() as connection:
        keys.must_be_written(held.operations, connection, [key, "a key that nobody has"])
        keys.must_be_written(held.operations, connection, [])
    by_sql(held, "UPDATE person_keys SET person_ref = 'P-ANOTHER'")
    again = Operations(held.operations.engine, held.secret)
    for operations in (held.operations, again):
        with pytest.raises(StoreDamaged), operations.reading() as connection:
            keys.must_be_written(operations, connection, [key])
        with pytest.raises(StoreDamaged):
            keys.key_of(operations, "P-ANOTHER")


def test_nothing_is_made_of_rows_that_no_entry_wrote(held: State) -> None:
    verify.must_be_whole(held.operations)
    by_sql(held, "UPDATE users SET name = 'Rob'")
    with pytest.raises(StoreDamaged) as refused:
        verify.must_be_whole(held.operations)
    assert refused.value.code == "row_unwritten"
    assert [(fault.rule, fault.where) for fault in refused.value.faults] == [("row_changed", "users bob")]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE versions SET row = replace(row, 'North', 'South') WHERE tab = 'user_roles'",
        "UPDATE versions SET hash = (SELECT hash FROM versions WHERE tab = 'users') WHERE tab = 'user_roles'",
        "UPDATE versions SET row = NULL WHERE tab = 'user_roles'",
        "INSERT INTO versions (seq, n, tab, key, row, hash) SELECT seq, 900, tab, '9', row, hash FROM versions WHERE tab = 'user_roles'",
    ],
)
def test_a_past_day_is_not_read_from_lines_that_no_entry_wrote(held: State, sql: str) -> None:
    assert held.operations.as_of(schema.user_roles, date(2100, 1, 1))[0]["unit"] == "North"
    by_sql(held, sql)
    for operations in (held.operations, Operations(held.operations.engine, held.secret)):
        with pytest.raises(StoreDamaged, match="user_roles"):
            operations.as_of(schema.user_roles, date(2100, 1, 1))


def test_lines_changed_after_they_were_proven_are_refused(held: State) -> None:
    assert held.users.find("bob")
    row = {**held.operations.rows(sa.select(schema.users))[0], "name": "Rob"}
    line = row_lines.line(schema.users, row)
    by_sql(held, "UPDATE users SET name = 'Rob'")
    by_sql(held, "UPDATE versions SET row = :row, hash = :hash WHERE tab = 'users'", row=line.row, hash=line.hash)
    with pytest.raises(StoreDamaged):
        held.users.find("bob")


def test_what_is_only_added_to_is_held_as_it_was_first_read_and_never_changed(held: State) -> None:
    """A row changed behind the log's back after that changes nothing of what is decided on."""
    first = held.operations.added(schema.sign_offs)
    assert [(row["decision"], row["outcome"]) for row in first] == [(1, "agreed")]
    assert "words_enc" not in first[0]
    by_sql(held, "UPDATE sign_offs SET outcome = 'not_agreed'")
    assert held.operations.added(schema.sign_offs) == first
    again = Operations(held.operations.engine, held.secret)
    with pytest.raises(StoreDamaged, match="sign_offs"):
        again.added(schema.sign_offs)
    for statement in (sa.update(schema.sign_offs).values(outcome="agreed"), sa.delete(schema.decisions)):
        with pytest.raises(TypeError, match="only added to"), held.operations.writing(WRITE) as tx:
            tx.execute(statement)
    with pytest.raises(KeyError, match="users"):
        held.operations.added(schema.users)


def test_a_row_changed_while_another_reads_is_the_row_of_its_own_moment(held: State) -> None:
    """What is held of newest lines may be ahead of a reader whose transaction began before."""
    with held.operations.reading() as earlier:
        assert earlier.execute(sa.select(schema.users.c.name)).first()
        with held.operations.writing(WRITE) as tx:
            tx.execute(sa.update(schema.users).values(name="Rob"))
        assert held.operations.checked(schema.users)[0]["name"] == "Rob"
        seen = held.operations.checked(schema.users, connection=earlier)[0]["name"]
        assert seen == ("Bob" if held.operations.is_sqlite else "Rob")


# -- as of a day -----------------------------------------------------------------------------------------------------


def test_a_past_day_is_what_was_written_by_its_end_whatever_came_after(held: State) -> None:
    moments = iter(datetime(2030, 1, day, 23, 30, tzinfo=UTC) for day in (1, 2, 3))
    for role in ("supervisor", "data_scientist", "ethics_reviewer"):
        moment = next(moments)
        held.operations._now = lambda at=moment: at  # type: ignore[misc]
        with held.operations.writing(WRITE) as tx:
            users.give(tx, "bob", role, "North", "ann")
            if role == "ethics_reviewer":
                users.take(tx, "bob", "supervisor", "North")
    table = schema.user_roles

    def standing(day: date, zone: str = "UTC") -> list[tuple[str, bool]]:
        return [(row["role"], row["ended_at"] is not None) for row in held.operations.as_of(table, day, zone)]

    first = standing(date(2030, 1, 2))
    assert first == [("offender_manager", False), ("supervisor", False), ("data_scientist", False)]
    assert standing(date(2030, 1, 3)) == [*first[:1], ("supervisor", True), first[2], ("ethics_reviewer", False)]
    assert standing(date(2030, 1, 2), "Europe/Kyiv") == first[:2]  # 23:30 in Greenwich is the next day there
    with held.operations.writing(WRITE) as tx:
        tx.execute(sa.update(table).values(unit="everywhere"))
        tx.execute(sa.delete(table))
    assert standing(date(2030, 1, 2)) == first
    assert held.operations.as_of(schema.decisions, date(2030, 1, 1))[0]["review_on"] == date(2027, 1, 4)
    with pytest.raises(KeyError):
        held.operations.as_of(schema.person_keys, date(2030, 1, 1))


# -- upgrade ---------------------------------------------------------------------------------------------------------


def test_rows_of_an_older_state_are_adopted_in_one_entry_and_count_from_their_own_day(make_state: Callable[..., State]) -> None:
    state = make_state()
    before = log.GENESIS
    with state.operations.unlogged() as connection:
        for entry in state.operations.entries():  # as that version chained them
            old = replace(entry, writes=None, prev_hash=before)
            before = log.digest(old)
            connection.execute(sa.update(schema.events).where(schema.events.c.seq == entry.seq).values(prev_hash=old.prev_hash, hash=before))
        command.downgrade(upgrade._config(connection), "0005")  # the schema that version knew
        connection.execute(sa.insert(schema.users).values(**BOB))
        connection.execute(sa.insert(schema.alerts).values(at="2026-02-02T00:00:00.000000Z", kind="late", words="x"))
    upgrade.upgrade(state.operations, Event("system", "operator", "administration", "schema_upgraded"))
    adopted = state.operations.entries()[-1]
    assert (adopted.action, json.loads(adopted.detail)) == ("rows_adopted", {"alerts": 1, "facts": 2, "users": 1})
    assert verify.verify_state(state).faults == ()
    assert state.users.find("bob")
    assert state.operations.as_of(schema.alerts, date(2026, 2, 1)) == []
    assert [row["kind"] for row in state.operations.as_of(schema.alerts, date(2026, 2, 2))] == ["late"]


def test_an_upgrade_never_adopts_a_row_that_was_wrong_before(held: State) -> None:
    by_sql(held, "UPDATE users SET name = 'Rob'")
    with held.operations.writing(WRITE) as tx:
        before = upgrade._vouched(tx.connection)
        upgrade._adopt(tx, WRITE, before)
        assert tx.lines == []
    assert ("row_changed", "users", "bob") in kinds(held)


def test_what_an_entry_holds_of_its_lines_is_one_digest_of_a_hash_a_line() -> None:
    assert row_lines.writes([]) == hashlib.sha256(b"").hexdigest()
    assert row_lines.writes(["aa", "bb"]) == hashlib.sha256(b"aa\nbb\n").hexdigest()
