"""Everything that was written after a day, made worthless: for tests that an answer of that day hangs on nothing later."""

from __future__ import annotations

import random
import shutil
import sqlite3
from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from harmcast.oversight.log import Event
from harmcast.store import row_lines, schema
from harmcast.store.operations import Operations, Writing

BY = Event("mallory", "operator", "administration", "rows_written")
STAND = frozenset({"facts", "releases", "models", "ledger", "deliveries", "person_keys"})  # rows of that day's files: added to, not changed


def write_everywhere(operations: Operations, seed: int) -> set[str]:
    """Through the one door: in each kept table a row changed, one deleted where there are several, one added. Gives the tables."""
    rng, touched = random.Random(seed), set()
    with operations.writing(BY) as tx:
        for table in schema.metadata.sorted_tables:
            if table.name in schema.KEPT:
                if table.name not in STAND:
                    _change(tx, table, rng)
                tx.insert(table, **{c.name: _value(tx, c, rng) for c in table.columns if not _is_numbered(c)})
                touched.add(table.name)
    return touched


def _is_numbered(column: sa.Column[Any]) -> bool:
    return bool(column.primary_key and isinstance(column.type, sa.Integer | sa.BigInteger))


def _value(tx: Writing, column: sa.Column[Any], rng: random.Random) -> Any:
    if column.foreign_keys:
        there = next(iter(column.foreign_keys)).column
        found = list(tx.execute(sa.select(there)).scalars())
        return rng.choice(found) if found else None
    of = column.type
    if isinstance(of, sa.LargeBinary):
        return rng.randbytes(32)
    if isinstance(of, sa.Boolean):
        return rng.random() < 0.5
    if isinstance(of, sa.Date):
        return date(2026, 1, 1 + rng.randrange(28))
    if isinstance(of, sa.Float):
        return rng.random()
    if isinstance(of, sa.Integer | sa.BigInteger):
        return rng.randrange(10**6, 10**9)
    if column.name == schema.KEPT[column.table.name]:
        return tx.at
    return f"{rng.randrange(10**9)}"[: getattr(of, "length", None) or 9]


def _change(tx: Writing, table: sa.Table, rng: random.Random) -> None:
    if table.name in schema.ADDED_ONLY:
        return
    pointed_to = {f.column.table.name for other in schema.metadata.sorted_tables for c in other.columns for f in c.foreign_keys}
    key = list(table.primary_key.columns)
    rows = sorted(tuple(row) for row in tx.execute(sa.select(*key)))
    free = [c for c in table.columns if not c.primary_key and not c.unique and not c.foreign_keys and c.name != schema.KEPT[table.name]]

    def of_key(row: tuple[Any, ...]) -> sa.ColumnElement[bool]:
        return sa.and_(*(c == v for c, v in zip(key, row, strict=True)))

    if rows and free:
        column = rng.choice(free)
        tx.execute(sa.update(table).where(of_key(rows[-1])).values({column.name: _value(tx, column, rng)}))
    if len(rows) > 1 and table.name not in pointed_to:
        tx.execute(sa.delete(table).where(of_key(rows[0])))


def kept_then(operations: Operations, day: date) -> dict[str, list[dict[str, Any]]]:
    """Each kept table as it stood at the end of a day."""
    tables = [schema.metadata.tables[name] for name in sorted(schema.KEPT) if name not in row_lines.ROWLESS]
    return {table.name: operations.as_of(table, day) for table in tables}


def snapshot(operations: Operations, to: Path) -> Path:
    """A copy of the SQLite database as it is now."""
    held = Path(str(operations.engine.url.database))
    with sqlite3.connect(held) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(held, to)
    return to


def scramble(operations: Operations, then: Path) -> int:
    """By SQL, past the door: each row of each table that the copy `then` does not hold as it is now is deleted or filled with rubbish.

    Its key stays, and when an entry was written, so that it is later than the day for whoever asks; no entry is deleted, or the next one
    would take its number, which lines of `versions` hold. Gives how many.
    """
    rng, count = random.Random(7), 0
    with sqlite3.connect(str(operations.engine.url.database)) as raw:
        raw.execute("ATTACH ? AS past", (str(then),))
        for table in schema.metadata.sorted_tables:
            names = [c.name for c in table.columns]
            keys = [c.name for c in table.primary_key.columns]
            listed = ", ".join(f'"{name}"' for name in names)
            later = raw.execute(f"SELECT {listed} FROM main.{table.name} EXCEPT SELECT {listed} FROM past.{table.name}").fetchall()
            free = [c for c in table.columns if c.name not in keys and not c.foreign_keys and (table.name, c.name) != ("events", "at")]
            for row in later:
                held = dict(zip(names, row, strict=True))
                where = " AND ".join(f'"{key}" = ?' for key in keys)
                of_key = [held[key] for key in keys]
                if (rng.random() < 0.5 and table.name != schema.events.name) or not free:
                    raw.execute(f"DELETE FROM main.{table.name} WHERE {where}", of_key)
                else:
                    columns = ", ".join(f'"{c.name}" = ?' for c in free)
                    raw.execute(f"UPDATE main.{table.name} SET {columns} WHERE {where}", [*(_rubbish(c, rng) for c in free), *of_key])
                count += 1
    return count


def _rubbish(column: sa.Column[Any], rng: random.Random) -> Any:
    if isinstance(column.type, sa.Integer | sa.BigInteger | sa.Float | sa.Boolean):
        return rng.randrange(10**6, 10**9)
    if isinstance(column.type, sa.LargeBinary):
        return rng.randbytes(8)
    return f"rubbish {rng.randrange(10**12)}"
