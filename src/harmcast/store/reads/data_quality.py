"""How good the data is: the last deliveries, how the rows of each add up, what was set aside by which rule."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date

import sqlalchemy as sa

from harmcast.errors import Fault
from harmcast.store import schema
from harmcast.store.operations import Operations

FIRST_ROWS = 5
PARTS = ("loaded", "unchanged", "superseded", "quarantined", "left_out")


@dataclass(frozen=True)
class DeliveryHeld:
    """A delivery, loaded or refused; `code`: of the refusal."""

    id: int
    delivery_id: str
    loaded_at: str
    standing: str
    code: str | None


@dataclass(frozen=True)
class FileHeld:
    """What became of the rows of one table of one file of a delivery.

    `made`: rows that an SQL mapping made of those received, `unread` those it could not be given; null where there is none.
    """

    file: str
    table_name: str
    received: int
    loaded: int
    unchanged: int
    superseded: int
    quarantined: int
    left_out: int
    deleted: int
    waiting: int
    made: int | None = None
    unread: int | None = None
    notes: dict[str, int] = field(default_factory=dict)

    @property
    def adds_up(self) -> bool:
        to_account_for = self.received if self.made is None else self.made + (self.unread or 0)
        return to_account_for == self.loaded + self.unchanged + self.superseded + self.quarantined + self.left_out


def deliveries(operations: Operations, most: int) -> list[DeliveryHeld]:
    """The last deliveries, the newest first."""
    table = schema.deliveries
    columns = (table.c.id, table.c.delivery_id, table.c.loaded_at, table.c.standing, table.c.code)
    return [DeliveryHeld(**row) for row in operations.rows(sa.select(*columns).order_by(table.c.id.desc()).limit(most))]


def faults(operations: Operations, delivery: int) -> list[Fault]:
    """What a refused delivery was refused for, as kept: without any value of a record."""
    table = schema.deliveries
    (row,) = operations.rows(sa.select(table.c.document).where(table.c.id == delivery))
    kept = json.loads(row["document"]).get("faults", [])
    return [Fault(**{**one, "rows": tuple(one["rows"]), "values": tuple((v, n) for v, n in one["values"])}) for one in kept]


def files(operations: Operations, delivery: int) -> list[FileHeld]:
    """One delivery table by table."""
    table = schema.delivery_files
    columns = ("file", "table_name", "received", *PARTS, "deleted", "waiting", "made", "unread", "notes")
    query = sa.select(*(table.c[name] for name in columns)).where(table.c.delivery == delivery).order_by(table.c.file)
    return [FileHeld(**{**row, "notes": json.loads(row["notes"])}) for row in operations.rows(query)]


def set_aside(operations: Operations, delivery: int | None, most: int = 100) -> list[Fault]:
    """Rows set aside by file, rule and column, the most first; of one delivery with its first five rows, or of all."""
    table = schema.quarantine
    by = (table.c.file, table.c.rule, table.c.column)
    query = sa.select(*by, sa.func.count().label("rows")).group_by(*by).order_by(sa.desc("rows")).limit(most)
    place = sa.func.row_number().over(partition_by=by, order_by=table.c.row).label("place")
    numbered = sa.select(*by, table.c.row, place).where(table.c.delivery == delivery, table.c.row.is_not(None)).subquery()
    first: dict[tuple[str, str, str | None], list[int]] = {}
    for one in operations.rows(sa.select(numbered).where(numbered.c.place <= FIRST_ROWS).order_by(numbered.c.place)) if delivery is not None else ():
        first.setdefault((one["file"], one["rule"], one["column"]), []).append(one["row"])
    held = operations.rows(query if delivery is None else query.where(table.c.delivery == delivery))
    return [
        Fault(one["rule"], one["file"], column=one["column"], count=one["rows"], rows=tuple(first.get((one["file"], one["rule"], one["column"]), ()))) for one in held
    ]


def delivery_days(operations: Operations) -> tuple[date | None, date | None]:
    """The days on which the first and the last delivery that counts were made; nulls where none is."""
    table = schema.deliveries
    query = sa.select(sa.func.min(table.c.made_at).label("first"), sa.func.max(table.c.made_at).label("last")).where(table.c.standing == "loaded")
    found = operations.rows(query)[0]
    return tuple(date.fromisoformat(found[end][:10]) if found[end] else None for end in ("first", "last"))  # type: ignore[return-value]
