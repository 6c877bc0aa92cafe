"""Deliveries on record: what came and when, what became of its rows file by file, what was set aside, what was refused."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from harmcast.documents.effects import Effect
from harmcast.errors import Fault
from harmcast.store import schema
from harmcast.store.operations import Operations, Writing

# -- writing -------------------------------------------------------------------------------------


def note(tx: Writing, delivery: Mapping[str, Any], files: Iterable[Mapping[str, Any]], set_aside: Iterable[tuple[str, Fault]]) -> int:
    """Keeps a loaded delivery and gives its number.

    Args:
        delivery: columns of `deliveries`.
        files: columns of `delivery_files`, a row a table of a file.
        set_aside: table and fault of each row quarantined.
    """
    number = tx.insert(schema.deliveries, **delivery, loaded_at=tx.at)
    for file in files:
        tx.insert(schema.delivery_files, delivery=number, **file)
    rows = [
        {"delivery": number, "file": f.where, "table_name": table, "row": f.row, "column": f.column, "rule": f.rule}
        for table, f in set_aside
    ]
    if rows:
        tx.execute(sa.insert(schema.quarantine), rows)
    return number


def note_refused(tx: Writing, delivery_id: str, code: str, faults: Sequence[Fault], effects: Iterable[Effect] = ()) -> None:
    """Keeps that a delivery was refused, and why; its effects too, where it was read so far."""
    tx.insert(
        schema.deliveries,
        delivery_id=delivery_id[:200],
        standing="refused",
        loaded_at=tx.at,
        code=code[:60],
        document=json.dumps({"faults": [asdict(fault) for fault in faults], "effects": [effect.document() for effect in effects]}),
    )


# -- reading -------------------------------------------------------------------------------------


def names_loaded(operations: Operations) -> set[str]:
    """Names of the deliveries that were loaded; one that waits or was rejected is among them: no timer loads it again."""
    table = schema.deliveries
    return {row["delivery_id"] for row in operations.rows(sa.select(table.c.delivery_id).where(table.c.standing != "refused"))}


def digests_of(operations: Operations, delivery_id: str) -> set[str]:
    """SHA-256 of the contents of each delivery loaded under a name: more than one where a name was used again."""
    table = schema.deliveries
    query = sa.select(table.c.content_sha256).where(table.c.delivery_id == delivery_id, table.c.standing.not_in(["refused", "rejected"]))
    return {row["content_sha256"] for row in operations.rows(query)}


def days_made(operations: Operations) -> set[date]:
    """Days on which the deliveries loaded were made."""
    table = schema.deliveries
    rows = operations.rows(sa.select(table.c.made_at).where(table.c.standing != "refused"))
    return {date.fromisoformat(row["made_at"][:10]) for row in rows}


def newest_made_at(operations: Operations, table_name: str | None = None) -> datetime | None:
    """When the newest delivery loaded, or the newest that held a table, was made; None if there is none."""
    files, deliveries = schema.delivery_files, schema.deliveries
    query = sa.select(sa.func.max(deliveries.c.made_at).label("made_at")).where(deliveries.c.standing.in_(["loaded", "again"]))
    if table_name is not None:
        query = query.join(files, deliveries.c.id == files.c.delivery).where(files.c.table_name == table_name)
    found = operations.rows(query)[0]["made_at"]
    return datetime.fromisoformat(found) if found else None


def columns_before(operations: Operations) -> dict[str, dict[str, str]]:
    """Columns and their kinds of each `file/table` in the last delivery loaded that held it."""
    files, deliveries = schema.delivery_files, schema.deliveries
    query = (
        sa.select(files.c.file, files.c.table_name, files.c.columns)
        .join(deliveries, deliveries.c.id == files.c.delivery)
        .where(deliveries.c.standing == "loaded")
        .order_by(files.c.id)
    )
    return {f"{row['file']}/{row['table_name']}": json.loads(row["columns"]) for row in operations.rows(query)}
