"""The kept tables as they stood: what answers of a day read, and nothing else of the operational database."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from harmcast.store import schema
from harmcast.store.operations import Operations
from harmcast.store.releases import Release, Releases


def rows(operations: Operations, table: str, known_on: date, timezone: str) -> list[dict[str, Any]]:
    """A kept table as it was known at the end of a day, with the day each row was written first as `known_on`.

    Raises: KeyError for a table that is not kept.
    """
    first = schema.KEPT[table]
    held = operations.as_of(schema.metadata.tables[table], known_on, timezone)
    return [{**row, "known_on": day_of(row[first], timezone) if first and row.get(first) else known_on} for row in held]


def releases(held: Releases, tool: str, as_of: date, known_on: date, timezone: str) -> list[Release]:
    """A tool's releases whose files are held, made by the day of knowing of what was known by the day asked, each standing as it did then; oldest first."""
    stood = {row["id"]: row["standing"] for row in rows(held.operations, "releases", known_on, timezone)}
    return [replace(r, standing=stood[r.id]) for r in held.history(tool, None) if r.id in stood and (r.as_of or r.origin) <= as_of]


def day_of(instant: str, timezone: str) -> date:
    """The day of an instant in a zone."""
    return datetime.fromisoformat(instant.replace("Z", "+00:00")).astimezone(ZoneInfo(timezone)).date()


def begun(operations: Operations, timezone: str) -> date | None:
    """The day of the log's first entry; null before it."""
    table = schema.events
    found = operations.rows(sa.select(table.c.at).order_by(table.c.seq).limit(1))
    return day_of(found[0]["at"], timezone) if found else None


def looks(operations: Operations, known_on: date, timezone: str) -> int:
    """How often a person's record had been looked at by the end of a day; making an answer is no look."""
    table = schema.events
    about_one = sa.and_(table.c.kind == "consultation", table.c.subject.is_not(None))
    held = operations.rows(sa.select(table.c.at).where(about_one))
    return sum(day_of(row["at"], timezone) <= known_on for row in held)
