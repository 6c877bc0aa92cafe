"""What was erased: when, from which table, why; never whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from harmcast.store import schema
from harmcast.store.operations import Operations


@dataclass(frozen=True)
class Erased:
    """What was erased on one day from one table for one reason."""

    table_name: str
    reason: str
    on: date
    rows: int


def by_day(operations: Operations, most: int = 50) -> list[Erased]:
    """What was erased, the newest day first."""
    table = schema.erased
    day = sa.func.substr(table.c.erased_at, 1, 10).label("day")
    query = (
        sa.select(table.c.table_name, table.c.reason, day, sa.func.count().label("rows"))
        .group_by(table.c.table_name, table.c.reason, sa.text("day"))
        .order_by(sa.text("day desc"))
        .limit(most)
    )
    return [Erased(row["table_name"], row["reason"], date.fromisoformat(row["day"]), row["rows"]) for row in operations.rows(query)]
