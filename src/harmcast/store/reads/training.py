"""Who was trained: by tool and kind, by whom; and what the tries of the guided tour got wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from harmcast.store import schema
from harmcast.store.operations import Operations


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
