"""One person's report from a real state: what was received and came of it, what was decided, who looked, alone or in a list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from harmcast.answering import write_answer
from harmcast.errors import RunStopped
from harmcast.loading import load_delivery
from harmcast.oversight.log import Event
from harmcast.publish.answers import person_facts
from harmcast.store import desk, keys, representations
from harmcast.store.state import State
from harmcast.store.users import Actor

FOREVER = date(2100, 1, 1)
SAVED = Event("ann", "offender_manager", "alteration", "saved")
Row = dict[str, str]


@pytest.fixture
def known(any_state: State, deliver: Callable[..., Path], rows: dict[str, Row]) -> tuple[State, str]:
    other = {**rows["persons"], "person_ref": "P2"}
    charges = [rows["charges"], {**rows["charges"], "charge_ref": "H2", "person_ref": "P2"}]
    load_delivery(any_state, deliver({"crimes": [rows["crimes"]], "persons": [rows["persons"], other], "charges": charges}))
    key = str(keys.key_of(any_state.operations, "P1"))
    with any_state.operations.writing(SAVED) as tx:
        new = desk.NewDecision(
            person_key=key, week="2026-W10", release=1, unit="North", model=None, band="high", decision="refer", reason_code="support_agreed", checks=[],
            own_judgement=None, review_on=date(2026, 6, 1), time_band="1 to 5 minutes", judged_first=False, words="a talk", shown={}, after=0,
        )  # fmt: skip
        decision = desk.decide(tx, new, "ann", "offender_manager")
        desk.sign_off(tx, key, decision, "agreed", "yes", "sue", "supervisor")
        desk.follow_up(tx, key, decision, "offered", date(2026, 3, 9), "a mentor", "ann", "offender_manager")
        number = representations.receive(tx, key, "iom", "data_error", date(2026, 3, 10), "person", "not my charge", "dora", "data_protection_officer")
        representations.add_step(tx, number, key, "looked_at", None, None, "", "dora", "data_protection_officer")
        representations.add_step(tx, number, key, "outcome", "upheld", None, "it was another's", "dora", "data_protection_officer")
        representations.add_step(tx, number, key, "rescored", None, "2026-W11", "", "dora", "data_protection_officer")
    any_state.operations.record(Event("ann", "offender_manager", "consultation", "person_viewed", purpose="review", subject=key))
    any_state.operations.record(Event("sue", "supervisor", "consultation", "list_viewed", detail={"shown": [key]}))
    any_state.operations.record(Event("sue", "supervisor", "consultation", "list_viewed", detail={"shown": ["somebody else"]}))
    return any_state, key


def test_what_was_received_has_its_outcome_and_when_the_person_was_scored_again(known: tuple[State, str]) -> None:
    held = person_facts.gather(known[0], "P1", FOREVER)
    assert held is not None
    (received,) = held.representations
    assert received["words"] == "not my charge"
    assert [(s["step"], s["outcome"], s["rescored_week"]) for s in received["steps"]] == [
        ("looked_at", None, None), ("outcome", "upheld", None), ("rescored", None, "2026-W11"),
    ]  # fmt: skip
    assert [(f["step"], f["words"]) for f in held.followed] == [("offered", "a mentor"), ("supervisor: agreed", "yes")]


def test_who_looked_counts_lists_too_and_nobody_else_s(known: tuple[State, str]) -> None:
    held = person_facts.gather(known[0], "P1", FOREVER)
    assert held is not None
    assert [(v["role"], v["action"]) for v in held.views if v["kind"] == "consultation"] == [
        ("offender_manager", "person_viewed"), ("supervisor", "list_viewed"),
    ]  # fmt: skip
    other = person_facts.gather(known[0], "P2", FOREVER)
    assert other is not None
    assert [v for v in other.views if v["kind"] == "consultation"] == []


def test_the_report_is_written_logged_about_the_person_and_never_about_an_unknown_one(known: tuple[State, str], tmp_path: Path) -> None:
    state, key = known
    operator = Actor("os:x", "x", (("operator", None),))
    written = write_answer(state, "subject", FOREVER, tmp_path / "out", operator, person="P1")
    html = next(p for p in written.paths if p.suffix == ".html").read_text()
    for words in ("outcome: upheld: the record is put right at source", "scored again, in the release of 2026-W11", "a mentor", "not my charge"):
        assert words in html
    last = state.operations.entries()[-1]
    assert (last.action, last.kind, last.subject) == ("report_made", "disclosure", key)
    again = write_answer(state, "subject", FOREVER, tmp_path / "again", operator, person="P1")
    assert again.sha256 == written.sha256
    with pytest.raises(RunStopped):
        write_answer(state, "subject", FOREVER, tmp_path / "none", operator, person="P3")
