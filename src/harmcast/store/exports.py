"""Lists that left: each one counted, and those asked for with names, which a second person grants or refuses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from harmcast.store import schema
from harmcast.store.operations import Operations, Writing, answer


@dataclass(frozen=True)
class ExportRequest:
    """A list with names that somebody asks for. `decision`: `granted`, `refused` or None; `taken`: it was downloaded."""

    id: int
    band: str
    reason: str
    by: str
    at: str
    decision: str | None
    decided_by: str | None
    taken: bool


@dataclass(frozen=True)
class Exported:
    """A list that left."""

    id: int
    rows: int
    with_names: bool
    reason: str | None
    by: str
    at: str


# -- writing -------------------------------------------------------------------------------------


def note(
    tx: Writing, what: str, rows: int, sha256: str, by: str, role: str, unit: str | None, *,
    with_names: bool = False, reason: str | None = None, request: int | None = None, subjects: Sequence[str] | None = None,
) -> int:  # fmt: skip
    """Keeps that a list left. `subjects`: keys of the people on it."""
    listed = {} if subjects is None else {"subjects": json.dumps(list(subjects))}
    return tx.insert(
        schema.exports, what=what, rows=rows, with_names=with_names, reason=reason, request=request, sha256=sha256,
        by=by, role=role, unit=unit, at=tx.at, **listed,
    )  # fmt: skip


def ask(tx: Writing, what: str, band: str, reason: str, by: str, role: str, unit: str | None) -> int:
    """Keeps that somebody asks for a list with names."""
    return tx.insert(
        schema.export_requests, what=what, query=json.dumps({"band": band}), with_names=True, reason=reason,
        by=by, role=role, unit=unit, at=tx.at,
    )  # fmt: skip


def decide(tx: Writing, number: int, decision: str, by: str) -> bool:
    """Keeps the answer to a request; False if somebody else answered it in between."""
    return answer(tx, schema.export_requests, number, decision, by)


# -- reading -------------------------------------------------------------------------------------


def requests(operations: Operations, what: str, unit: str | None, most: int, number: int | None = None) -> list[ExportRequest]:
    """The requests of one unit (None: of people without a unit), the newest first, or the one of a number."""
    table, exports = schema.export_requests, schema.exports
    rows = _newest(operations, table, most, _of_unit(table, unit), table.c.what == what, *([] if number is None else [table.c.id == number]))
    taken = {row["request"] for row in operations.checked(exports, exports.c.request.in_([row["id"] for row in rows]))}
    return [
        ExportRequest(
            row["id"], json.loads(row["query"]).get("band") or "", row["reason"], row["by"], row["at"],
            row["decision"], row["decided_by"], row["id"] in taken,
        )
        for row in rows
    ]  # fmt: skip


def of_unit(operations: Operations, what: str, unit: str | None, most: int) -> list[Exported]:
    """The lists that left for one unit, the newest first."""
    table = schema.exports
    rows = _newest(operations, table, most, _of_unit(table, unit), table.c.what == what)
    return [Exported(row["id"], row["rows"], row["with_names"], row["reason"], row["by"], row["at"]) for row in rows]


def _newest(operations: Operations, table: sa.Table, most: int, *where: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
    """The newest rows, each as an entry wrote it. Raises StoreDamaged for one that is not."""
    numbers = [row["id"] for row in operations.rows(sa.select(table.c.id).where(*where).order_by(table.c.id.desc()).limit(most))]
    return operations.checked(table, table.c.id.in_(numbers), order_by=(table.c.id.desc(),))


def was_taken(tx: Writing, number: int) -> bool:
    """Whether the list of a request has left already, by the log's lines: a row taken away since changes nothing."""
    lines = schema.versions
    of_request = sa.or_(*(lines.c.row.contains(f'"request":{number}{end}', autoescape=True) for end in ",}"))
    return tx.execute(sa.select(lines.c.seq).where(lines.c.tab == schema.exports.name, of_request)).first() is not None


def _of_unit(table: sa.Table, unit: str | None) -> sa.ColumnElement[bool]:
    return table.c.unit.is_(None) if unit is None else table.c.unit == unit
