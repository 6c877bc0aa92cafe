"""What stood on a day is read from that day's lines alone: everything written since, scrambled or deleted, changes no answer of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tests.scrambled import kept_then, scramble, snapshot, write_everywhere

from harmcast.store import schema
from harmcast.store.state import State
from harmcast.store.verify import verify_database

BEGIN = datetime(2060, 11, 14, 9, tzinfo=UTC)  # after the state was made: no entry is older than the one before
DAY = date(2060, 11, 16)


def test_scrambling_every_row_after_a_day_leaves_that_day_as_it_was(make_state: Callable[..., State], tmp_path: Path) -> None:
    state = make_state()
    at = BEGIN
    state.operations._now = lambda: at
    answers = {}
    for n in range(6):  # three days before the day's end, three after
        at = BEGIN + timedelta(days=n)
        assert write_everywhere(state.operations, n) == set(schema.KEPT)
        if at.date() == DAY:
            then, answers = snapshot(state.operations, tmp_path / "then.db"), kept_then(state.operations, DAY)
    assert [name for name in answers if not answers[name]] == []
    assert not verify_database(state.operations).faults
    assert kept_then(state.operations, DAY) == answers
    now = kept_then(state.operations, at.date())
    assert {name for name in now if now[name] == answers[name]} == set()
    assert scramble(state.operations, then) > 3 * len(schema.KEPT)
    assert kept_then(state.operations, DAY) == answers
    assert kept_then(state.operations, at.date()) != now
    assert verify_database(state.operations).faults
