"""Checkpoints kept elsewhere find what the chain alone cannot: a cut tail, a whole rewrite."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.conftest import SETTINGS

from harmcast.errors import RunStopped, SettingsRefused
from harmcast.oversight.log import Event
from harmcast.store import checkpoints, schema
from harmcast.store.state import State
from harmcast.store.users import Actor

LOOK = Event("ann", "analyst", "consultation", "page_viewed", object="cell:1")
ACTOR = Actor("dora", "Dora", (("data_protection_officer", None),))


@pytest.fixture
def watched(make_state: Callable[..., State], tmp_path: Path) -> State:
    state = make_state(SETTINGS + f'\n[log]\ncheckpoint_dir = "{tmp_path / "elsewhere"}"\n')
    for _ in range(3):
        state.operations.record(LOOK)
        checkpoints.write(state)
    return state


def test_an_honest_log_is_whole(watched: State) -> None:
    found = checkpoints.verify(watched)
    assert (found.is_whole, found.checkpoints) == (True, 3)


def test_without_checkpoints_it_says_what_cannot_be_seen(make_state: Callable[..., State]) -> None:
    state = make_state()
    assert checkpoints.write(state) is None
    found = checkpoints.verify(state)
    assert found.is_whole
    assert any("cannot be seen" in line for line in found.lines())


def test_a_cut_tail_is_found(watched: State) -> None:
    with watched.operations.unlogged() as connection:
        connection.execute(sa.delete(schema.events).where(schema.events.c.seq >= 4))
    found = checkpoints.verify(watched)
    assert {finding.rule for finding in found.findings} == {"tail_cut"}


def test_an_edit_is_found_and_said_where(watched: State) -> None:
    with watched.operations.unlogged() as connection:
        connection.execute(sa.update(schema.events).where(schema.events.c.seq == 3).values(actor="bob"))
    assert ("content", 3) in {(finding.rule, finding.seq) for finding in checkpoints.verify(watched).findings}


def test_a_line_left_by_a_killed_run_is_written_over(watched: State, tmp_path: Path) -> None:
    with watched.operations.unlogged() as connection:
        connection.execute(sa.delete(schema.checkpoints).where(schema.checkpoints.c.number == 3))
    checkpoints.write(watched)
    assert checkpoints.verify(watched, tmp_path / "elsewhere" / checkpoints.FILE).is_whole


def test_checkpoints_that_cannot_be_read_are_named(watched: State, tmp_path: Path) -> None:
    with pytest.raises(RunStopped) as raised:
        checkpoints.verify(watched, tmp_path / "nowhere.jsonl")
    assert raised.value.code == "checkpoints_missing"
    (tmp_path / "elsewhere" / checkpoints.FILE).write_text("{}\n")
    with pytest.raises(RunStopped) as raised:
        checkpoints.verify(watched)
    assert raised.value.code == "checkpoints_unreadable"


def test_the_export_holds_the_days_asked_for_and_is_logged(watched: State, tmp_path: Path) -> None:
    out = tmp_path / "log.jsonl"
    before = len(watched.operations.entries())
    assert checkpoints.export(watched, out, ACTOR)["entries"] == before
    assert len(out.read_text().splitlines()) == before
    assert watched.operations.entries()[-1].action == "log_exported"
    assert checkpoints.export(watched, tmp_path / "none.jsonl", ACTOR, last=date(2001, 1, 1))["entries"] == 0
    with pytest.raises(SettingsRefused):
        checkpoints.export(watched, out, ACTOR)
