"""Entries that were wrong: struck by a second entry that says why and by whom. Nothing is changed or removed; what is struck counts for nothing."""

from __future__ import annotations

from typing import TypedDict, cast

import sqlalchemy as sa

from harmcast.store import schema
from harmcast.store.operations import Operations, Writing

TABLES = {"note": schema.cell_notes.name, "activity": schema.cell_activity.name, "recommendation": schema.tasking.name}


class StruckAlready(Exception):
    """Somebody struck the entry before; nothing was saved."""


def strike(tx: Writing, table: str, row: int, reason: str, by: str, role: str) -> int:
    """Strikes an entry. Args: `table`: one of TABLES' values. Raises StruckAlready."""
    struck = schema.strikes
    if tx.execute(sa.select(struck.c.id).where(struck.c.table_name == table, struck.c.row == row)).first():
        raise StruckAlready
    return tx.insert(struck, table_name=table, row=row, reason=reason, by=by, role=role, at=tx.at)


class Struck(TypedDict):
    """A second entry that strikes the entry numbered `row`."""

    row: int
    reason: str
    by: str
    by_name: str | None
    role: str
    at: str


def of(operations: Operations, table: str) -> dict[int, Struck]:
    """What was struck in a table: number of the entry -> why, by whom (`by_name`), when."""
    struck, users = schema.strikes, schema.users
    query = sa.select(struck, users.c.name.label("by_name")).outerjoin(users, users.c.account == struck.c.by).where(struck.c.table_name == table)
    return {row["row"]: cast(Struck, row) for row in operations.rows(query)}


def is_struck(table: sa.Table) -> sa.ColumnElement[bool]:
    """The condition that a row of a table was struck."""
    struck = schema.strikes
    return sa.exists().where(struck.c.table_name == table.name, struck.c.row == table.c.id)
