"""Alarms for the data protection officer: kept until they are read, and sent by the alert hook."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from harmcast.oversight import log
from harmcast.store import schema
from harmcast.store.operations import Operations, Writing


@dataclass(frozen=True)
class Alarm:
    """One alarm: when, of what kind, of which tool, in words."""

    at: str
    kind: str
    tool: str | None
    words: str


def raise_alarm(tx: Writing, kind: str, tool: str | None, words: str) -> None:
    """Keeps an alarm, named in the event of the transaction too."""
    tx.says(alarm=kind)
    tx.insert(schema.alerts, at=tx.at, kind=kind, week=None, tool=tool, words=words)


def raise_once_a_day(tx: Writing, kind: str, tool: str | None, words: str) -> None:
    """Keeps an alarm unless the same words were kept within a day."""
    table = schema.alerts
    since = log.instant(log.moment(tx.at) - timedelta(days=1))
    same = sa.select(table.c.id).where(table.c.kind == kind, table.c.words == words, table.c.at > since).limit(1)
    if tx.execute(same).first() is None:
        raise_alarm(tx, kind, tool, words)


def newest(operations: Operations, most: int) -> list[Alarm]:
    """The newest alarms first."""
    table = schema.alerts
    query = sa.select(table.c.at, table.c.kind, table.c.tool, table.c.words).order_by(table.c.id.desc()).limit(most)
    return [Alarm(**row) for row in operations.rows(query)]
