"""Checkpoints kept elsewhere find what the chain alone cannot: a cut tail, a whole rewrite."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.conftest import SETTINGS

from harmcast.errors import AccessDenied, RunStopped
from harmcast.oversight.log import Event
from harmcast.store import checkpoints, schema
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.store.verify import verify

OFFICER = Actor("dora", "Dora", (("data_protection_officer", None),))
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
    assert {finding.rule for finding in found.findings} == {"witness_ahead"}


def test_an_edit_is_found_and_said_where(watched: State) -> None:
    with watched.operations.unlogged() as connection:
        connection.execute(sa.update(schema.events).where(schema.events.c.seq == 3).values(actor="bob"))
    assert ("content", 3) in {(finding.rule, finding.seq) for finding in checkpoints.verify(watched).findings}


def refused(state: State) -> str:
    """The code by which the next signing refuses, which is the weekly run's first step too."""
    codes = []
    for step in (checkpoints.must_agree, checkpoints.write):
        with pytest.raises(RunStopped) as raised:
            step(state)
        codes.append(raised.value.code)
    assert codes[0] == codes[1]
    return codes[0]


def file_of(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere" / checkpoints.FILE


def test_a_run_killed_between_outside_and_log_goes_on(watched: State, tmp_path: Path) -> None:
    before = watched.operations.entries()[-1].seq
    checkpoints.write(watched)
    with watched.operations.unlogged() as connection:  # the line is out, its entry never came
        connection.execute(sa.delete(schema.events).where(schema.events.c.seq > before))
    checkpoints.write(watched)
    assert checkpoints.verify(watched, file_of(tmp_path)).is_whole
    assert [point.number for point in checkpoints.outside(watched)] == [1, 2, 3, 4, 5]


def test_a_torn_line_stays_and_is_passed_over(watched: State, tmp_path: Path) -> None:
    with file_of(tmp_path).open("a") as out:
        out.write('{"number":4,"sta')
    before = file_of(tmp_path).read_text()
    checkpoints.write(watched)
    assert file_of(tmp_path).read_text().startswith(before + "\n")
    assert (checkpoints.verify(watched).is_whole, checkpoints.verify(watched).checkpoints) == (True, 4)


def test_a_log_older_than_what_was_seen_is_refused_and_nothing_outside_changes(watched: State, tmp_path: Path) -> None:
    before = file_of(tmp_path).read_bytes()
    with watched.operations.unlogged() as connection:
        connection.execute(sa.delete(schema.events).where(schema.events.c.seq >= 4))
    assert refused(watched) == "witness_ahead"
    for _ in range(20):  # grown longer again: another log
        watched.operations.record(LOOK)
    assert refused(watched) == "witness_fork"
    assert file_of(tmp_path).read_bytes() == before


def test_an_outside_cut_short_or_gone_is_refused(watched: State, tmp_path: Path) -> None:
    lines = file_of(tmp_path).read_text().splitlines(keepends=True)
    file_of(tmp_path).write_text("".join(lines[:-1]))
    assert refused(watched) == "witness_short"
    assert {finding.rule for finding in checkpoints.verify(watched).findings} == {"witness_short"}
    (tmp_path / "elsewhere").rename(tmp_path / "moved")
    assert refused(watched) == "witness_missing"
    assert {finding.rule for finding in checkpoints.verify(watched).findings} == {"witness_missing"}


def test_another_key_or_another_state_is_refused(watched: State) -> None:
    key = (watched.root / "signing.key").read_bytes()
    (watched.root / "signing.key").write_bytes(b"x" * 32)
    assert refused(watched) == "witness_key"
    (watched.root / "signing.key").write_bytes(key)
    with watched.operations.unlogged() as connection:
        connection.execute(sa.text("UPDATE facts SET value = 'other' WHERE name = 'state_id'"))
    assert refused(watched) == "witness_foreign"


def test_a_restore_is_declared_by_an_officer_said_by_every_verification_and_lets_the_week_go_on(watched: State, tmp_path: Path) -> None:
    with pytest.raises(RunStopped) as raised:
        checkpoints.declare_restore(watched, OFFICER, "nothing happened")
    assert raised.value.code == "no_restore"
    seen = [point.seq for point in checkpoints.outside(watched)]
    with watched.operations.unlogged() as connection:
        connection.execute(sa.delete(schema.events).where(schema.events.c.seq > seen[0]))
    with pytest.raises(AccessDenied):
        checkpoints.declare_restore(watched, Actor("eve", "Eve", (("operator", None),)), "quietly")
    point = checkpoints.declare_restore(watched, OFFICER, "the disk failed")
    assert point is not None
    assert point.lost == (seen[0] + 1, seen[2])
    checkpoints.must_agree(watched)
    checkpoints.write(watched)
    assert checkpoints.verify(watched).is_whole
    assert any(f"entries {seen[0] + 1} to {seen[2]} were lost" in line for line in verify(watched).lines())


def test_checkpoints_that_cannot_be_read_are_named(watched: State, tmp_path: Path) -> None:
    with pytest.raises(RunStopped) as raised:
        checkpoints.verify(watched, tmp_path / "nowhere.jsonl")
    assert raised.value.code == "checkpoints_missing"
    (tmp_path / "elsewhere" / checkpoints.FILE).write_text("{}\n")
    with pytest.raises(RunStopped) as raised:
        checkpoints.verify(watched)
    assert raised.value.code == "checkpoints_unreadable"


def test_checkpoints_cut_at_the_front_are_found(watched: State, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere" / checkpoints.FILE
    file.write_text("".join(file.read_text().splitlines(keepends=True)[1:]))
    assert {finding.rule for finding in checkpoints.verify(watched).findings} == {"witness_fork"}
