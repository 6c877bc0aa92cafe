"""No write without its event, on SQLite and on PostgreSQL."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import sqlalchemy as sa

from harmcast.errors import RunStopped, StoreDamaged
from harmcast.oversight import log
from harmcast.oversight.log import Event
from harmcast.store import operations, schema, upgrade
from harmcast.store import state as states
from harmcast.store.state import State

LOOK = Event("ann", "analyst", "consultation", "page_viewed", object="cell:1")
WRITE = Event("ann", "analyst", "alteration", "note_written", object="cell:1")


def note(words: str = "seen") -> sa.Insert:
    return sa.insert(schema.cell_notes).values(
        tool="knife_injury", cell="1", words=words, by="ann", role="analyst", at="2026-01-01T00:00:00.000000Z"
    )


def notes(state: State) -> int:
    return len(state.operations.rows(sa.select(schema.cell_notes)))


def test_a_write_and_its_event_stand_together(any_state: State) -> None:
    before = len(any_state.operations.entries())
    with any_state.operations.writing(WRITE) as tx:
        tx.execute(note())
        tx.says(length=4)
        tx.also(LOOK)
    entries = any_state.operations.entries()
    assert notes(any_state) == 1
    assert [entry.action for entry in entries[before:]] == ["note_written", "page_viewed"]
    assert entries[before].detail == '{"length":4}'
    assert log.verify(entries) == []


def test_a_write_that_fails_leaves_neither_row_nor_event(any_state: State) -> None:
    before = any_state.operations.entries()
    with pytest.raises(ZeroDivisionError), any_state.operations.writing(WRITE) as tx:  # noqa: PT012
        tx.execute(note())
        _ = 1 / 0
    assert notes(any_state) == 0
    assert any_state.operations.entries() == before


def test_an_event_that_cannot_be_written_takes_the_write_with_it(
    any_state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_log(*_: object) -> None:
        raise sa.exc.OperationalError("insert", {}, Exception("disk is full"))

    monkeypatch.setattr(any_state.operations, "_append", no_log)
    with pytest.raises(RunStopped) as raised, any_state.operations.writing(WRITE) as tx:
        tx.execute(note())
    assert raised.value.code == "log_unavailable"
    monkeypatch.undo()
    assert notes(any_state) == 0


def test_recording_numbers_events_without_gaps_from_many_threads(any_state: State) -> None:
    before = len(any_state.operations.entries())
    errors: list[Exception] = []

    def look() -> None:
        try:
            for _ in range(15):
                any_state.operations.record(LOOK)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = any_state.operations.entries()
    assert errors == []
    assert len(entries) == before + 90
    assert log.verify(entries) == []


def test_a_reader_does_not_wait_for_a_writer(any_state: State) -> None:
    with any_state.operations.writing(WRITE) as tx:
        tx.execute(note())
        assert notes(any_state) == 0
    assert notes(any_state) == 1


def test_a_clock_set_back_does_not_turn_the_log_round(any_state: State) -> None:
    from datetime import UTC, datetime

    any_state.operations.record(LOOK)
    any_state.operations._now = lambda: datetime(2001, 1, 1, tzinfo=UTC)
    any_state.operations.record(LOOK)
    assert log.verify(any_state.operations.entries()) == []


def made_of(engine: sa.Engine) -> dict[str, object]:
    """Every table with its columns, keys, indexes and checks, as the database says them."""
    seen = sa.inspect(engine)

    def listed(of: Callable[[str], Iterable[object]], table: str) -> list[str]:
        return sorted(str(one) for one in of(table))

    return {
        table: (
            sorted((c["name"], str(c["type"]), c["nullable"], str(c["default"])) for c in seen.get_columns(table)), str(seen.get_pk_constraint(table)),
            *(listed(of, table) for of in (seen.get_indexes, seen.get_unique_constraints, seen.get_foreign_keys, seen.get_check_constraints)),
        )
        for table in seen.get_table_names()
    }  # fmt: skip


def test_the_schema_is_what_its_history_makes_of_it(any_state: State, store_url: str | None, tmp_path: Path) -> None:
    """By the migrations themselves, one after the other; and the tables that tests take over from an earlier state are the same."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    url = f"sqlite:///{tmp_path / 'by-migrations.db'}"
    if store_url:
        import psycopg

        with psycopg.connect(store_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {store_url.rsplit('/', 1)[1]}_m")
        url = f"{store_url}_m".replace("postgresql:", "postgresql+psycopg:")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        upgrade.to_revision(connection, upgrade.HEAD)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []
    assert upgrade.revision(any_state.operations) == upgrade.HEAD
    assert made_of(engine) == made_of(any_state.operations._writer)
    engine.dispose()


def test_a_state_of_a_later_version_is_left_alone(any_state: State) -> None:
    with any_state.operations.writing(WRITE) as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(RunStopped) as raised:
        states.open_state(any_state.root)
    assert raised.value.code == "schema_newer"


def test_a_damaged_database_is_named(make_state: Callable[..., State]) -> None:
    state = make_state()
    state.operations.close()
    path = state.root / "operations.db"
    path.write_bytes(b"not a database at all, not even a little" * 200)
    with pytest.raises(StoreDamaged) as raised:
        states.open_state(state.root)
    assert raised.value.code == "operations_damaged"


def test_a_database_that_another_holds_is_named(
    make_state: Callable[..., State], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "BUSY_MS", 100)
    state = make_state()
    blocker = sqlite3.connect(state.root / "operations.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(RunStopped) as raised:
        state.operations.record(LOOK)
    assert raised.value.code == "log_unavailable"
    blocker.execute("ROLLBACK")
    blocker.close()
    assert state.operations.record(LOOK) > 0


def test_a_missing_address_is_named(tmp_path: object) -> None:
    with pytest.raises(RunStopped) as raised:
        operations.database_url("env:HARMCAST_NO_SUCH_VARIABLE", states.Path("."))
    assert raised.value.code == "store_url_missing"


def test_running_numbers_go_on(any_state: State) -> None:
    with any_state.operations.writing(WRITE) as tx:
        assert operations.count_from(tx, "thing", 3) == 1
        assert operations.count_from(tx, "thing", 2) == 4
    with any_state.operations.writing(WRITE) as tx:
        assert operations.count_from(tx, "thing", 1) == 6


def test_a_full_disk_is_named_by_the_databases_own_code(tmp_path: Path) -> None:
    small = sqlite3.connect(tmp_path / "small.db")
    small.execute("PRAGMA max_page_count = 2")
    with pytest.raises(sqlite3.OperationalError) as full:
        small.execute("CREATE TABLE t AS SELECT randomblob(100000) AS x")
    small.close()
    named = operations._named(sa.exc.OperationalError("insert", {}, full.value))
    assert named is not None
    assert named.code == "disk_full"


@pytest.mark.parametrize(("code", "expected"), [("53100", "disk_full"), ("25006", "state_read_only"), ("XX001", "operations_damaged"), ("57P01", "log_unavailable")])
def test_postgresql_says_by_its_sqlstate_what_it_cannot_do(code: str, expected: str) -> None:
    class Problem(Exception):
        sqlstate = code

    named = operations._named(sa.exc.OperationalError("insert", {}, Problem()))
    assert named is not None
    assert named.code == expected
