"""Every report of a state with weeks made, by the command's own way: rates, small counts, the same bytes again, logged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harmcast.publish import disclosure
from harmcast.publish.answers import checking
from harmcast.publish.disclosure import Published
from harmcast.runs.answer import ANSWERS, write_answer
from harmcast.store.state import State
from harmcast.store.users import Actor

ASKER = Actor("os:asker", "asker", (("operator", None),))


@pytest.fixture
def answered(own_weeks: State, tmp_path: Path) -> tuple[State, Path]:
    for kind in ANSWERS:
        write_answer(own_weeks, kind, own_weeks.releases.history("iom", None)[-1].as_of, tmp_path / "first", ASKER)  # type: ignore[arg-type]
    return own_weeks, tmp_path / "first"


def test_reports_recompute_hide_repeat_and_are_logged(answered: tuple[State, Path], tmp_path: Path) -> None:
    state, folder = answered
    as_of = state.releases.history("iom", None)[-1].as_of
    assert as_of is not None
    documents = {kind: json.loads((folder / f"{kind}.json").read_text()) for kind in ANSWERS}
    assert sum(len(list(checking.rates(d))) for d in documents.values()) > 20
    assert {kind: checking.faults(d) for kind, d in documents.items()} == {kind: [] for kind in ANSWERS}
    attacked = 0
    for path in sorted((state.root / "answers").glob("*.json")):
        for held in json.loads(path.read_text()).values():
            table = Published.read(held)
            for key, value in table.shown.items():
                most = disclosure.bounds(table.shown, table.sums, key)[1] if value is None else value
                assert most >= disclosure.SMALL_NUMBER, (path.name, key)
                attacked += value is None
    assert attacked
    made = [e for e in state.operations.entries() if e.action == "report_made"]
    assert [json.loads(e.detail)["as_of"] for e in made] == [as_of.isoformat()] * len(ANSWERS)
    for kind in ANSWERS:
        write_answer(state, kind, as_of, tmp_path / "second", ASKER)
        for name in (f"{kind}.html", f"{kind}.json"):
            assert (folder / name).read_bytes() == (tmp_path / "second" / name).read_bytes(), name
