"""Decisions as kept: added and never changed, sealed, refused when overtaken, unreadable once the person is forgotten."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from harmcast.oversight.log import Event, broken_links
from harmcast.store import desk, keys, representations, schema
from harmcast.store.operations import Operations
from harmcast.store.state import State

EVENT = Event("sam", "offender_manager", "alteration", "decision_made")


@pytest.fixture
def operations(any_state: State) -> Operations:
    made = any_state.operations
    with made.writing(EVENT) as tx:
        keys.assign(tx, b"s" * 32, ["P1", "P2"])
        tx.insert(schema.users, account="sam", name="Sam Aster", standing="active", made_at=tx.at, changed_at=tx.at)
    return made


def new(person: str, after: int, words: str = "seen at home") -> desk.NewDecision:
    return desk.NewDecision(
        person_key=person, week="2026-W47", release=1, unit="Brede Unit", model="m", band="high", decision="refer",
        reason_code="escalating", checks=["connect"], own_judgement="same", review_on=date(2027, 2, 8),
        time_band="1 to 3 minutes", judged_first=False, words=words, shown={"harm": 12.5}, after=after,
    )  # fmt: skip


def decide(operations: Operations, decision: desk.NewDecision, by: str = "sam") -> int:
    with operations.writing(EVENT) as tx:
        return desk.decide(tx, decision, by, "offender_manager")


def key(operations: Operations, ref: str = "P1") -> str:
    found = keys.key_of(operations, ref)
    assert found
    return found


def test_a_decision_is_kept_whole_and_sealed(operations: Operations) -> None:
    person = key(operations)
    number = decide(operations, new(person, 0))
    (kept,) = desk.of_person(operations, person)
    assert (kept.id, kept.words, kept.shown, kept.checks) == (number, "seen at home", {"harm": 12.5}, ("connect",))
    assert kept.by_name == "Sam Aster"
    assert (kept.is_referral, kept.sign_offs) == (True, ())
    raw = operations.rows(sa.select(schema.decisions.c.words_enc, schema.decisions.c.shown_enc))[0]
    assert b"seen at home" not in raw["words_enc"]
    assert b"harm" not in raw["shown_enc"]
    assert desk.latest(operations)["decision_id"].to_list() == [number]


def test_noting_a_band_leaves_the_review_that_was_set(operations: Operations) -> None:
    person = key(operations)
    number = decide(operations, new(person, 0))
    noted = decide(operations, replace(new(person, number), decision="no_change", reason_code=desk.NOTED, review_on=None))
    assert desk.latest(operations).select("decision_id", "decision", "review_on").rows() == [(noted, "no_change", date(2027, 2, 8))]


def test_a_lost_update_is_refused_and_nothing_is_written(operations: Operations) -> None:
    person = key(operations)
    first = decide(operations, new(person, 0))
    before = len(operations.entries())
    with pytest.raises(desk.Overtaken):
        decide(operations, new(person, 0))
    assert len(operations.entries()) == before
    assert decide(operations, new(person, first)) > first
    assert [d.id for d in desk.of_person(operations, person)][-1] == first


def test_many_at_once_lose_nothing(operations: Operations) -> None:
    """Eight hands, 120 saves, each made in view of the newest it saw: what is kept is a chain without a fork."""
    person, kept, refused = key(operations), [], []

    def save() -> None:
        for _ in range(15):
            with operations.reading() as connection:
                after = desk.newest_number(connection, person)
            try:
                kept.append(decide(operations, new(person, after)))
            except desk.Overtaken:
                refused.append(after)

    hands = [threading.Thread(target=save) for _ in range(8)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    rows = operations.rows(
        sa.select(schema.decisions.c.id, schema.decisions.c.after, schema.decisions.c.at).order_by(
            schema.decisions.c.id
        )
    )
    assert len(kept) + len(refused) == 120
    assert sorted(kept) == [r["id"] for r in rows]
    assert [r["after"] for r in rows] == [0, *[r["id"] for r in rows][:-1]]
    assert [r["at"] for r in rows] == sorted(r["at"] for r in rows)
    assert not broken_links(operations.entries())
    decided = [e for e in operations.entries() if e.action == "decision_made" and e.seq > 2]
    assert len(decided) >= len(kept)


def test_forgetting_the_key_leaves_the_fact_and_no_word(operations: Operations) -> None:
    person, other = key(operations), key(operations, "P2")
    number = decide(operations, new(person, 0))
    decide(operations, new(other, 0, "about the other"))
    with operations.writing(EVENT) as tx:
        desk.sign_off(tx, person, number, "agreed", "yes", "lee", "supervisor")
        representations.receive(
            tx, person, "iom", "objection", date(2026, 11, 1), "person", "not me", "sam", "data_protection_officer"
        )
        tx.execute(sa.delete(schema.person_keys).where(schema.person_keys.c.person_key == person))
    (kept,) = desk.of_person(operations, person)
    assert kept.words is None
    assert kept.shown is None
    assert kept.sign_offs[0]["words"] is None
    assert kept.decision == "refer"
    (raised,) = representations.of_person(operations, person)
    assert raised.words is None
    assert raised.is_open
    assert desk.of_person(operations, other)[0].words == "about the other"
    with pytest.raises(KeyError):
        decide(operations, new(person, number))


def test_a_referral_is_signed_once_and_by_somebody_else(operations: Operations) -> None:
    person = key(operations)
    number = decide(operations, new(person, 0))
    with pytest.raises(PermissionError), operations.writing(EVENT) as tx:
        desk.sign_off(tx, person, number, "agreed", "", "sam", "supervisor")
    with operations.writing(EVENT) as tx:
        desk.sign_off(tx, person, number, "not_agreed", "not yet", "lee", "supervisor")
    with pytest.raises(desk.Overtaken), operations.writing(EVENT) as tx:
        desk.sign_off(tx, person, number, "agreed", "", "kim", "supervisor")
    with operations.writing(EVENT) as tx:
        desk.follow_up(
            tx, person, number, "offered", date(2026, 11, 20), "a place on a course", "sam", "offender_manager"
        )
    (kept,) = desk.of_person(operations, person)
    assert [s["outcome"] for s in kept.sign_offs] == ["not_agreed"]
    assert kept.follow_ups[0]["words"] == "a place on a course"
    assert not desk.waiting_for_sign_off(operations)


@pytest.mark.parametrize(
    ("seconds", "band"),
    [(0, "under 1 minute"), (60, "1 to 3 minutes"), (599, "3 to 10 minutes"), (86400, "over 10 minutes")],
)
def test_time_is_kept_in_bands(seconds: float, band: str) -> None:
    assert desk.time_band(seconds) == band


def test_a_representation_and_its_steps(operations: Operations) -> None:
    person = key(operations)
    with operations.writing(EVENT) as tx:
        number = representations.receive(
            tx, person, "iom", "data_error", date(2026, 11, 1), "unit", "wrong charge", "sam", "offender_manager"
        )
        representations.add_step(tx, number, person, "looked_at", None, None, "", "dpo", "data_protection_officer")
        representations.add_step(
            tx, number, person, "outcome", "upheld", None, "put right", "dpo", "data_protection_officer"
        )
        representations.add_step(tx, number, person, "rescored", None, "2026-W47", "", "dpo", "data_protection_officer")
    found = representations.find(operations, number)
    assert found
    assert found.outcome == "upheld"
    assert not found.is_open
    assert [s["step"] for s in found.steps] == ["looked_at", "outcome", "rescored"]
    assert found.steps[-1]["rescored_week"] == "2026-W47"
    assert representations.find(operations, number + 1) is None


def test_decisions_before_a_day_hold_no_words_and_nothing_later(operations: Operations) -> None:
    key = operations.rows(sa.select(schema.person_keys.c.person_key))[0]["person_key"]
    decide(operations, new(key, 0))
    today = date.fromisoformat(operations.now()[:10])
    assert desk.before(operations, today - timedelta(days=1), "Europe/London").is_empty()
    held = desk.before(operations, today + timedelta(days=2), "Europe/London")
    assert held.schema == desk.BEFORE
    assert held.select("person_key", "decision", "review_on").rows() == [(key, "refer", date(2027, 2, 8))]
