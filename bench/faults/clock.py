"""A clock that jumps under the weekly run: back, forward, to and fro. What is made must not know, and the log must not turn round.

A clock that stands behind the delivery's own date refuses it by name; put right, the same command ends as one never disturbed.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bench.accepted import with_acceptance
from bench.faults import disk, kill
from harmcast.errors import FeedRefused, RunStopped
from harmcast.store.users import Actor

OPERATOR = Actor("operator", "Operator", (("operator", None),))
NOW = datetime(2026, 3, 9, 5, tzinfo=UTC)
JUMPS: dict[str, Callable[[int, int], timedelta]] = {
    "back a year": lambda asked, at: timedelta(days=-365 if asked >= at else 0),
    "forward ten years": lambda asked, at: timedelta(days=3650 if asked >= at else 0),
    "to and fro by a day": lambda asked, at: timedelta(days=1 if (asked + at) % 2 else -1),
    "the hour that comes twice": lambda asked, at: timedelta(hours=-1 if asked >= at else 0),
}


def jumping(jump: Callable[[int, int], timedelta], at: int) -> Callable[[], datetime]:
    """A clock that goes on by a second each time it is asked, and jumps from the time asked `at` on."""
    asked = [0]

    def now() -> datetime:
        asked[0] += 1
        return NOW + timedelta(seconds=asked[0]) + jump(asked[0], at)

    return now


def jumps(folder: Path, made: Path, delivery: Path, day: str, points: list[int], expected: dict[str, Any]) -> tuple[int, list[str]]:
    """The week under each jump, at each point: (how many, which ended as another than the undisturbed one)."""
    from harmcast.store.state import open_state
    from harmcast.weekly import run_week

    wrong, tried = [], 0
    for name, jump in JUMPS.items():
        for at in points:
            tried += 1
            copy = folder / f"clock-{tried}"
            shutil.copytree(made, copy)
            state = open_state(copy)
            state.operations._now = jumping(jump, at)
            week = partial(run_week, state, date.fromisoformat(day), OPERATOR, delivery)
            try:
                with_acceptance(state, week)
            except FeedRefused as error:  # by a clock behind the delivery's own: loaded once it is put right
                wrong += [] if [fault.rule for fault in error.faults] == ["effect_time"] else [f"{name}: refused by {error.code}"]
                state.operations._now = jumping(lambda asked, at: timedelta(0), at)
                with_acceptance(state, week)
            state.close()
            wrong += [] if kill.summary(copy) == expected else [f"{name} from the {at}th time it was asked: another outcome"]
            shutil.rmtree(copy)
    return tried, wrong


def far_ahead(folder: Path, made: Path, delivery: Path, day: str, expected: dict[str, Any]) -> list[str]:
    """A timer that fires with the clock years ahead, then again with the clock put right."""
    from harmcast.operate.service import run_due
    from harmcast.store.state import open_state

    copy = folder / "far-ahead"
    shutil.copytree(made, copy)
    before = disk.served(copy)
    state = open_state(copy)
    try:
        run_due(state, date.fromisoformat(day) + timedelta(days=3650), OPERATOR, pauses_s=())
        wrong = ["a week ten years ahead was made of what nobody sent"]
    except RunStopped as error:
        wrong = [] if error.code == "no_delivery" else [f"ten years ahead: {error.code}"]
    wrong += [] if disk.served(copy) == before else ["the last good week is not what is served"]
    with_acceptance(state, lambda: run_due(state, date.fromisoformat(day), OPERATOR, delivery, pauses_s=()))
    state.close()
    now = kill.summary(copy)
    wrong += [] if now["files"] == expected["files"] else ["the week made with the clock put right is another"]
    wrong += [] if now["log"] == [] else ["the log does not verify"]
    shutil.rmtree(copy)
    return wrong
