"""Closed tables and what was explored beside them, as kept: one file a closing, named in the ledger, never written again.

STATE/statistics/2026-Q3.parquet            the rounded tables; no other count of them is kept anywhere
STATE/statistics/exploration-2026-Q3.json   the half of the exploratory analysis that opened protected columns
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

import polars as pl
import sqlalchemy as sa

from harmcast.documents.closed_tables import COLUMNS, COUNTS, ClosedRow, ClosedTable, Closing, NotClosed
from harmcast.documents.exploration import GroupsExplored
from harmcast.oversight.log import Event
from harmcast.store import files, ledger, schema
from harmcast.store.operations import Operations
from harmcast.weeks import Quarter

FOLDER = "statistics"
CLOSED, EXPLORED = "statistics", "exploration"
DELIVERED_WITHIN_DAYS = 7
_META = ("table", "quarter", "as_at", "closed_on", "base", "note")


def drawn(operations: Operations, name: str) -> Callable[[tuple[str, ...]], float]:
    """For a cell of a closing or an audit a number from 0 to under 1, of the state's secret: which of two equally near roundings is taken."""
    return lambda key: int(operations.keyed("rounding", "\t".join((name, *key)))[:13], 16) / 16**13


def keep(root: Path, operations: Operations, closing: Closing, event: Event) -> None:
    """Writes a closing's file and names it in the ledger, with its event. Raises: RunStopped where it cannot be written."""
    about = {"name": closing.name, "as_at": closing.as_at.isoformat(), "closed_on": closing.closed_on.isoformat(), "absent": dict(closing.absent)}
    name = f"{FOLDER}/{closing.name}.parquet"
    frame = _frame(closing.tables)
    files.write_whole(root / name, lambda path: frame.write_parquet(path, metadata={"closing": json.dumps(about, sort_keys=True)}))
    _name(root, operations, name, CLOSED, closing.as_at, event, frame.height)


def keep_explored(root: Path, operations: Operations, explored: GroupsExplored, event: Event) -> None:
    """Writes the explored half of groups and names it in the ledger. Raises: RunStopped where it cannot be written."""
    name = f"{FOLDER}/{EXPLORED}-{explored.name}.json"
    text = json.dumps(explored.document(), ensure_ascii=False, default=str)  # columns keep their order
    files.write_bytes(root / name, f"{text}\n".encode())
    _name(root, operations, name, EXPLORED, explored.known_on, event, len(explored.told))


def _name(root: Path, operations: Operations, name: str, kind: str, day: date, event: Event, rows: int) -> None:
    with operations.writing(event) as tx:
        part = ledger.part_of(root, name, kind, 0, None, day.isoformat(), rows)
        tx.says(file=name, sha256=part.sha256)
        ledger.add(tx, [part])


def closed(root: Path, operations: Operations) -> list[Closing]:
    """Every closing, the oldest first; quarters not closed are not looked for. Raises: StoreDamaged if a file is not what was kept."""
    found = [_read(ledger.checked(root, part)) for part in ledger.named(operations, CLOSED)]
    return sorted(found, key=lambda one: (one.as_at, one.closed_on))


def closed_by(root: Path, operations: Operations, as_of: date, known_on: date | None = None) -> Closing | None:
    """The last closing of what held by a day and was known by another (none named: the same), with the quarters over by the first
    that none has closed; None before the first closing."""
    every = [one for one in closed(root, operations) if one.as_at <= as_of and one.closed_on <= (known_on or as_of)]
    if not every:
        return None
    last = every[-1]
    days = days_delivered(operations)
    missing, quarter = [], Quarter.of(last.as_at + timedelta(days=1))
    while quarter.last < as_of:
        missing.append(why_not_closed(quarter, days))
        quarter = quarter.next
    return Closing(last.name, last.as_at, last.closed_on, last.tables, last.absent, tuple(missing))


def why_not_closed(quarter: Quarter, days: Sequence[date]) -> NotClosed:
    """Why a quarter that is over is not closed: it is short of a delivery, or no run has come since."""
    if is_short(quarter, days):
        newest = max((day for day in days if day <= quarter.last), default=None)
        said = f"the newest delivery made by then is of {newest.isoformat()}" if newest else "no delivery was made by then"
        return NotClosed(str(quarter), f"No delivery of its last {DELIVERED_WITHIN_DAYS} days counts: {said}.", "Load it, and accept it, before the next weekly run.")
    return NotClosed(str(quarter), "No weekly run has closed it.", "The next weekly run closes the last quarter that is over.")


def is_short(quarter: Quarter, days: Sequence[date]) -> bool:
    """Whether no delivery that counts was made in the last seven days of a quarter: what was known at its end is then not known."""
    first = quarter.last - timedelta(days=DELIVERED_WITHIN_DAYS - 1)
    return not any(first <= day <= quarter.last for day in days)


def days_delivered(operations: Operations) -> list[date]:
    """Days on which the deliveries that count were made."""
    table = schema.deliveries
    rows = operations.rows(sa.select(table.c.made_at).where(table.c.standing.in_(["loaded", "again"])))
    return sorted({date.fromisoformat(row["made_at"][:10]) for row in rows})


def explored_by(root: Path, operations: Operations, as_of: date, known_on: date | None = None, model: str | None = None) -> GroupsExplored | None:
    """The newest explored half of groups of what held by a day and was known by another (none named: the same), of a model where one is named
    and was looked at; None before the first."""
    parts = [part for part in ledger.named(operations, EXPLORED) if part.made_at is not None and date.fromisoformat(part.made_at) <= (known_on or as_of)]
    found = [GroupsExplored.read(json.loads(ledger.checked(root, part).read_text(encoding="utf-8"))) for part in parts]
    every = sorted((one for one in found if one.day <= as_of), key=lambda one: (one.model == model if model else True, one.known_on))
    return every[-1] if every else None


def _frame(tables: Sequence[ClosedTable]) -> pl.DataFrame:
    """The tables below one another; a column that a table does not have is null."""
    columns = list(dict.fromkeys(column for each in COLUMNS.values() for column in each))
    rows = [
        {
            "table": table.name, "quarter": table.quarter, "as_at": table.as_at, "closed_on": table.closed_on, "base": table.base, "note": table.note,
            **{column: row.get(column) for column in columns},
        }
        for table in tables
        for row in table.rows
    ]  # fmt: skip
    whole = {*COUNTS, "horizon_months", "base"}
    types: dict[str, Any] = {name: pl.Date if name in ("as_at", "closed_on") else pl.Int64 if name in whole else pl.String for name in (*_META, *columns)}
    return pl.DataFrame(rows, schema=types)


def _read(path: Path) -> Closing:
    about = json.loads(pl.read_parquet_metadata(path)["closing"])
    held: dict[tuple[Any, ...], list[ClosedRow]] = {}
    for row in pl.read_parquet(path).iter_rows(named=True):
        held.setdefault(tuple(row[name] for name in _META), []).append(cast(ClosedRow, {column: row[column] for column in COLUMNS[row["table"]]}))
    tables = tuple(
        ClosedTable(name, quarter, as_at, closed_on, tuple(rows), base, note) for (name, quarter, as_at, closed_on, base, note), rows in held.items()
    )
    return Closing(about["name"], date.fromisoformat(about["as_at"]), date.fromisoformat(about["closed_on"]), tables, about["absent"])
