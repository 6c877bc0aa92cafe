"""One person's report from a real state: what was received and came of it, what was decided, who looked, alone or in a list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from bench.accepted import load_accepted

from harmcast.errors import AccessDenied, RunStopped
from harmcast.oversight.log import Event
from harmcast.publish.answers import person_facts
from harmcast.runs.answer import write_answer
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
    load_accepted(any_state, deliver({"crimes": [rows["crimes"]], "persons": [rows["persons"], other], "charges": charges}))
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
    assert [(v.role, v.action) for v in held.views if v.kind == "consultation"] == [
        ("offender_manager", "person_viewed"), ("supervisor", "list_viewed"),
    ]  # fmt: skip
    other = person_facts.gather(known[0], "P2", FOREVER)
    assert other is not None
    assert [v for v in other.views if v.kind == "consultation"] == []


def test_the_report_is_written_logged_about_the_person_and_never_about_an_unknown_one(known: tuple[State, str], tmp_path: Path) -> None:
    state, key = known
    operator = Actor("os:x", "x", (("operator", None),))
    written = write_answer(state, "subject", FOREVER, tmp_path / "out", operator, person="P1")
    html = next(p for p in written.paths if p.suffix == ".html").read_text()
    for words in ("you were right, and it is put right", "score worked out again, week of 9 March 2026", "a mentor", "not my charge"):
        assert words in html
    last = state.operations.entries()[-1]
    assert (last.action, last.kind, last.subject) == ("report_made", "disclosure", key)
    again = write_answer(state, "subject", FOREVER, tmp_path / "again", operator, person="P1")
    assert again.sha256 == written.sha256
    with pytest.raises(RunStopped):
        write_answer(state, "subject", FOREVER, tmp_path / "none", operator, person="P3")


def test_once_there_are_users_only_the_data_protection_officer_has_it_written(known: tuple[State, str], tmp_path: Path) -> None:
    state, out = known[0], tmp_path / "out"
    state.users.add("dora", "Dora", SAVED, os_account="dora")
    before = len(state.operations.entries())
    others = (Actor("os:x", "x", (("operator", None),)), Actor("ann", "Ann", (("administrator", None),)), Actor("bob", "Bob", ()))
    for other in others:
        with pytest.raises(AccessDenied, match="role of data protection officer"):
            write_answer(state, "subject", FOREVER, out, other, person="P1")
    assert not out.exists()
    assert len(state.operations.entries()) == before
    write_answer(state, "subject", FOREVER, out, Actor("dora", "Dora", (("data_protection_officer", None),)), person="P1")
    last = state.operations.entries()[-1]
    assert (last.actor, last.role, last.action) == ("dora", "data_protection_officer", "report_made")


def test_its_files_open_to_their_writer_only_even_over_older_ones(known: tuple[State, str], tmp_path: Path) -> None:
    operator, out = Actor("os:x", "x", (("operator", None),)), tmp_path / "deep" / "out"
    for _ in range(2):
        written = write_answer(known[0], "subject", FOREVER, out, operator, person="P1")
        assert out.stat().st_mode & 0o777 == 0o700
        assert [path.stat().st_mode & 0o777 for path in written.paths] == [0o600, 0o600]
        for path in written.paths:
            path.chmod(0o644)


def test_what_was_written_on_an_older_record_stands_in_the_report_of_the_surviving_one(
    known: tuple[State, str], deliver: Callable[..., Path], rows: dict[str, Row]
) -> None:
    state, old = known
    load_accepted(state, deliver({"persons": [{**rows["persons"], "merged_into": "P2", "changed_at": "2026-03-08T10:00:00"}]}, made_at="2026-03-09T05:00:00"))
    for reference in ("P2", "P1"):  # whichever the officer enters
        held = person_facts.gather(state, reference, FOREVER)
        assert held is not None
        assert (held.person_ref, held.older_refs) == ("P2", ["P1"])
        assert held.person_key == keys.key_of(state.operations, "P2") != old
        assert sorted(held.charges["person_ref"]) == ["P1", "P2"]
        assert [d["words"] for d in held.decisions] == ["a talk"]
        assert [f["words"] for f in held.followed] == ["a mentor", "yes"]
        assert held.representations[0]["words"] == "not my charge"
        assert held.views
