"""Alarms for the data protection officer: kept until they are read, and sent by the alert hook."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from harmcast.store import schema
from harmcast.store.operations import Operations, Writing


@dataclass(frozen=True)
class Alarm:
    """One alarm: when, of what kind, of which tool, in words."""

    at: str
    kind: str
    tool: str | None
    words: str


def raise_alarm(tx: Writing, kind: str, tool: str, words: str) -> None:
    """Keeps an alarm, named in the event of the transaction too."""
    tx.says(alarm=kind)
    tx.insert(schema.alerts, at=tx.at, kind=kind, week=None, tool=tool, words=words)


def newest(operations: Operations, most: int) -> list[Alarm]:
    """The newest alarms first."""
    table = schema.alerts
    query = sa.select(table.c.at, table.c.kind, table.c.tool, table.c.words).order_by(table.c.id.desc()).limit(most)
    return [Alarm(**row) for row in operations.rows(query)]
