"""Checkpoints kept elsewhere find what the chain alone cannot: a cut tail, a whole rewrite."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.conftest import SETTINGS

from harmcast.errors import RunStopped
from harmcast.oversight.log import Event
from harmcast.store import checkpoints, schema
from harmcast.store.state import State

LOOK = Event("ann", "analyst", "consultation", "page_viewed", object="cell:1")


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


def test_a_new_folder_for_checkpoints_is_given_those_that_came_before(watched: State, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").rename(tmp_path / "moved")
    checkpoints.write(watched)
    found = checkpoints.verify(watched)
    assert (found.is_whole, found.checkpoints) == (True, 4)


def test_checkpoints_cut_at_the_front_are_found(watched: State, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere" / checkpoints.FILE
    file.write_text("".join(file.read_text().splitlines(keepends=True)[1:]))
    assert {finding.rule for finding in checkpoints.verify(watched).findings} == {"checkpoint_order"}
