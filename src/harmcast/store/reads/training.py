"""Who was trained: by tool and kind, by whom; and what the tries of the guided tour got wrong."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TypedDict

import sqlalchemy as sa

from harmcast.oversight.register import Tool
from harmcast.store import schema
from harmcast.store.operations import Operations
from harmcast.store.state import State
from harmcast.store.users import TOUR
from harmcast.words import tour_questions


@dataclass(frozen=True)
class TrainingGiven:
    """A training of an account on a tool."""

    account: str
    tool: str
    kind: str
    trainer: str | None
    trainer_contact: str | None
    passed_on: date


@dataclass(frozen=True)
class TourTry:
    """One try of a tool's guided tour, with the names of the questions it got wrong."""

    tool: str
    missed: tuple[str, ...]


def given(operations: Operations, tool: str, until: date | None = None) -> list[TrainingGiven]:
    """Trainings on a tool, those of a day and before where one is named."""
    table = schema.training
    columns = (table.c.account, table.c.tool, table.c.kind, table.c.trainer, table.c.trainer_contact, table.c.passed_on)
    query = sa.select(*columns).where(table.c.tool == tool)
    return [TrainingGiven(**row) for row in operations.rows(query if until is None else query.where(table.c.passed_on <= until))]


def tour_tries(operations: Operations) -> Iterator[TourTry]:
    """Every try of a guided tour."""
    table = schema.events
    for row in operations.rows(sa.select(table.c.object, table.c.detail).where(table.c.action == "tour_answered")):
        yield TourTry((row["object"] or "").removeprefix("tool:"), tuple(json.loads(row["detail"] or "{}").get("missed", ())))


class Progress(TypedDict):
    """A tool's training: active accounts, trained, passed the tour, tries; `missed`: the question missed most and how often."""

    tool: Tool
    people: int
    trained: int
    passed: int
    tries: int
    missed: tuple[str, int] | None


def progress(state: State, today: date) -> list[Progress]:
    """By tool: active accounts, those trained on it, those who passed the tour, tries, and the question missed most."""
    active = {user.account for user in state.users.everyone() if user.is_active}
    tries = list(tour_tries(state.operations))
    found: list[Progress] = []
    for tool in state.register.tools(today):
        own = [each for each in given(state.operations, tool.name) if each.account in active]
        tried = [each for each in tries if each.tool == tool.name]
        missed = Counter(name for each in tried for name in each.missed)
        texts = {q.name: q.text for q in tour_questions.questions(tool.kind)}
        often = [(texts[name], n) for name, n in sorted(missed.items(), key=lambda i: (-i[1], i[0])) if name in texts]
        found.append(
            {
                "tool": tool,
                "people": len(active),
                "trained": len({each.account for each in own if each.kind != TOUR}),
                "passed": len({each.account for each in own if each.kind == TOUR}),
                "tries": len(tried),
                "missed": often[0] if often else None,
            }
        )
    return found
