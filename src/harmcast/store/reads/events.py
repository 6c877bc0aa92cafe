"""What happened: events of the log by kind, action, account, person and day, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa

from harmcast.oversight.log import Entry
from harmcast.store import schema
from harmcast.store.operations import Operations


@dataclass(frozen=True)
class Sought:
    """Which events are sought; an empty word seeks all.

    Attributes:
        subject: key of a person, also where it stands in a list that an event names.
        first, last: days, both included.
    """

    kind: str = ""
    action: str = ""
    actor: str = ""
    subject: str = ""
    first: date | None = None
    last: date | None = None


def newest(operations: Operations) -> int:
    """Number of the newest entry; 0 before the first."""
    return operations.number(sa.select(sa.func.max(schema.events.c.seq)))


def changed_since(operations: Operations, objects: Sequence[str], seq: int, account: str) -> Entry | None:
    """The newest entry after `seq` by which somebody other than an account changed one of these things, or a part of one; None without any.

    Args: `objects`: as events name them, e.g. `release:2026-W47`, whose parts are `release:2026-W47:iom`.
    """
    table = schema.events
    about = sa.or_(*(condition for one in objects for condition in (table.c.object == one, table.c.object.startswith(f"{one}:", autoescape=True))))
    query = sa.select(table).where(table.c.seq > seq, table.c.actor != account, table.c.role != "none", table.c.kind != "consultation", about)
    with operations.reading() as connection:
        found = connection.execute(query.order_by(table.c.seq.desc()).limit(1)).first()
    return Entry(**found._mapping) if found else None


def page(operations: Operations, sought: Sought, before: int, rows: int) -> tuple[list[Entry], int]:
    """The newest events first, those before the entry numbered `before` where it is above 0, and how many there are in all."""
    table = schema.events
    chosen = _conditions(sought)
    page_of = [*chosen, table.c.seq < before] if before > 0 else chosen
    query = sa.select(table).where(*page_of).order_by(table.c.seq.desc()).limit(rows)
    with operations.reading() as connection:
        count = int(connection.execute(sa.select(sa.func.count()).select_from(table).where(*chosen)).scalar_one())
        return [Entry(**row._mapping) for row in connection.execute(query)], count


def actions(operations: Operations) -> list[str]:
    """Every action that the log holds, by name."""
    table = schema.events
    return [row["action"] for row in operations.rows(sa.select(table.c.action).distinct().order_by(table.c.action))]


def _conditions(sought: Sought) -> list[sa.ColumnElement[bool]]:
    table = schema.events
    words = {table.c.kind: sought.kind, table.c.action: sought.action, table.c.actor: sought.actor}
    found: list[sa.ColumnElement[bool]] = [column == word for column, word in words.items() if word]
    if sought.subject:
        named = table.c.detail.contains(f'"{sought.subject}"', autoescape=True)
        found.append(sa.or_(table.c.subject == sought.subject, named))
    if sought.first:
        found.append(table.c.at >= sought.first.isoformat())
    if sought.last:
        found.append(table.c.at < (sought.last + timedelta(days=1)).isoformat())
    return found
