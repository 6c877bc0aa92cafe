"""How the weekly runs ended, for an operator: a row a call of the timer."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from harmcast.store import schema
from harmcast.store.operations import Operations, Writing


@dataclass(frozen=True)
class WeekRun:
    """One run: `standing` is `done`, `held` or `failed`; `code` that of the error it failed with."""

    week: str
    started_at: str
    ended_at: str
    standing: str
    code: str | None


def note(tx: Writing, week: str, started_at: str, standing: str, code: str | None) -> None:
    """Keeps how a run ended."""
    tx.insert(schema.runs, week=week, started_at=started_at, ended_at=tx.at, standing=standing, code=code, document="{}")


def last(operations: Operations) -> WeekRun | None:
    """The run that ended last; None before the first."""
    table = schema.runs
    query = sa.select(table.c.week, table.c.started_at, table.c.ended_at, table.c.standing, table.c.code)
    rows = operations.rows(query.order_by(table.c.id.desc()).limit(1))
    return WeekRun(**rows[0]) if rows else None
