"""A draft is published by two people who sign the same bytes; a changed file, one person twice and the wrong role publish nothing."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from harmcast.errors import AccessDenied, NotFit
from harmcast.oversight.log import Event
from harmcast.runs.answer import write_answer
from harmcast.runs.publish_answer import publish_answer
from harmcast.store import reports
from harmcast.store.state import State
from harmcast.store.users import Actor

DAY = date(2026, 11, 1)
ADDED = Event("setup", "operator", "administration", "user_added")
SCIENTIST = Actor("sam", "Sam", (("data_scientist", None),))
OFFICER = Actor("dora", "Dora", (("data_protection_officer", None),))
BOTH = Actor("bob", "Bob", (("data_scientist", None), ("data_protection_officer", None)))


@pytest.fixture
def draft(any_state: State, tmp_path: Path) -> tuple[State, Path]:
    any_state.users.add("dora", "Dora", ADDED)
    write_answer(any_state, "foi", DAY, tmp_path / "out", Actor("os:x", "x", (("operator", None),)), today=DAY)
    return any_state, tmp_path / "out" / "foi.html"


def test_two_people_publish_and_the_bytes_stay(draft: tuple[State, Path]) -> None:
    state, file = draft
    first = publish_answer(state, file, "1353A/22", SCIENTIST)
    assert (first.second, reports.bytes_of(state.operations, first.id, "html")) == (None, None)
    done = publish_answer(state, file.with_suffix(".json"), "1353A/22", OFFICER)
    assert (done.id, done.first, done.second, done.supersedes) == (first.id, "sam", "dora", None)
    assert (done.as_of, done.reference, done.kind) == (DAY, "1353A/22", "foi")
    html = reports.bytes_of(state.operations, done.id, "html")
    assert html is not None
    assert b"Published answer, reference 1353A/22." in html
    assert b"Draft. Not published" not in html
    data = json.loads(reports.bytes_of(state.operations, done.id, "json") or b"")
    assert (data["standing"], data["reference"]) == ("published", "1353A/22")
    file.write_text("gone")
    assert reports.bytes_of(state.operations, done.id, "html") == html
    events = [(e.actor, e.action) for e in state.operations.entries() if e.action.startswith("answer_")]
    assert events == [("sam", "answer_proposed"), ("dora", "answer_published")]
    with pytest.raises(NotFit):
        publish_answer(state, file, "1353A/22", OFFICER)


def test_a_corrected_answer_supersedes_the_first_and_both_stay(draft: tuple[State, Path], tmp_path: Path) -> None:
    state, file = draft
    for who in (SCIENTIST, OFFICER):
        publish_answer(state, file, "1353A/22", who)
    write_answer(state, "foi", date(2026, 11, 2), tmp_path / "later", Actor("os:x", "x", (("operator", None),)), today=date(2026, 11, 2))
    for who in (SCIENTIST, OFFICER):
        publish_answer(state, tmp_path / "later" / "foi.html", "1353A/22", who)
    newest, oldest = reports.answers(state.operations)
    assert (newest.supersedes, oldest.supersedes) == (oldest.id, None)
    assert all(reports.bytes_of(state.operations, one.id, "html") for one in (newest, oldest))


def test_nobody_signs_twice_and_roles_are_asked(draft: tuple[State, Path]) -> None:
    state, file = draft
    for nobody in (Actor("ann", "Ann", (("administrator", None),)), Actor("os:x", "x", (("operator", None),)), OFFICER):
        with pytest.raises(AccessDenied):
            publish_answer(state, file, "R", nobody)  # a data protection officer signs what another proposed
    publish_answer(state, file, "R", BOTH)
    for nobody in (BOTH, SCIENTIST):
        with pytest.raises(AccessDenied):
            publish_answer(state, file, "R", nobody)
    assert [one.second for one in reports.answers(state.operations)] == [None]


@pytest.mark.parametrize("half", [".html", ".json"])
def test_a_file_that_was_changed_is_refused(draft: tuple[State, Path], half: str) -> None:
    state, file = draft
    changed = file.with_suffix(half)
    changed.write_text(changed.read_text(encoding="utf-8").replace("Answers about predictive tools", "Answers about nothing"), encoding="utf-8")
    with pytest.raises(NotFit) as told:
        publish_answer(state, file, "R", SCIENTIST)
    assert told.value.code == {".html": "draft_changed", ".json": "draft_unknown"}[half]
    assert reports.answers(state.operations) == []


def test_no_file_a_letter_and_no_reference_are_refused(draft: tuple[State, Path], tmp_path: Path) -> None:
    state, file = draft
    letter = tmp_path / "subject.json"
    letter.write_text('{"kind": "subject"}')
    for path, reference, code in ((tmp_path / "none.html", "R", "draft_unknown"), (letter, "R", "draft_unknown"), (file, " ", "reference_needed")):
        with pytest.raises(NotFit) as told:
            publish_answer(state, path, reference, SCIENTIST)
        assert told.value.code == code
