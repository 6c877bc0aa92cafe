"""A line for each version of a kept row, so that a row which no entry of the log wrote can be told.

Pure. A line holds the row as canonical JSON and `hash = SHA-256(table, key, is|gone, row)`; an entry's `writes` is the SHA-256 of
its lines' hashes in order. Bytes and password hashes stand in a row as their own SHA-256. Where a row has gone, and in tables that
link a key to a person, a line keeps the hash alone: it proves the row and says nothing of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from harmcast.store import schema

DIGESTED = frozenset({"password_hash"})
ROWLESS = frozenset({schema.person_keys.name})
KEYS = {schema.person_keys.name: ("person_key",)}  # the table's own key is the force's reference


@dataclass(frozen=True)
class RowLine:
    """One version of one row. `row` is None where it has gone and in `ROWLESS` tables."""

    tab: str
    key: str
    row: str | None
    hash: str

    @property
    def is_gone(self) -> bool:
        return self.hash == digest(self.tab, self.key, None)

    @property
    def is_whole(self) -> bool:
        """Whether the hash is that of the row beside it; of a line without a row only the table can say."""
        return self.row is None or self.hash == digest(self.tab, self.key, self.row)


def digest(tab: str, key: str, row: str | None) -> str:
    """SHA-256 over table, key and row; None: the row has gone."""
    return hashlib.sha256("\n".join((tab, key, "gone" if row is None else "is", row or "")).encode()).hexdigest()


def canonical(row: Mapping[str, Any]) -> str:
    """A row as JSON with sorted keys. Empty columns are left out, so that a new empty column changes no hash."""
    held = {name: _plain(name, value) for name, value in row.items() if value is not None}
    return json.dumps(held, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return f"sha256:{hashlib.sha256(bytes(value)).hexdigest()}"
    if name in DIGESTED:
        return f"sha256:{hashlib.sha256(str(value).encode()).hexdigest()}"
    return value.isoformat() if isinstance(value, date) else value


def key_of(table: sa.Table, row: Mapping[str, Any]) -> str:
    """What names a row of a table: its key's values, one after the other; never a force's reference."""
    names = KEYS.get(table.name) or tuple(column.name for column in table.primary_key.columns)
    return "/".join(str(_plain(name, row[name])) for name in names)


def line(table: sa.Table, row: Mapping[str, Any], gone: bool = False) -> RowLine:
    """The line of a row as it is now, or as gone."""
    if gone or any(isinstance(value, bytes | memoryview) for value in row.values()):
        return _line(table, row, gone)
    return _line_of(table, tuple(row), tuple(row.values()))


@lru_cache(maxsize=20_000)
def _line_of(table: sa.Table, names: tuple[str, ...], values: tuple[Any, ...]) -> RowLine:
    """The line of a row without bytes: pages read the same few thousand again and again."""
    return _line(table, dict(zip(names, values, strict=True)))


def _line(table: sa.Table, row: Mapping[str, Any], gone: bool = False) -> RowLine:
    key = key_of(table, row)
    text = None if gone else canonical(_floats(table, row))
    return RowLine(table.name, key, None if table.name in ROWLESS else text, digest(table.name, key, text))


def _floats(table: sa.Table, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row with whole figures of its float columns as floats: SQLite gives 2.0 as 2 where it is written, as 2.0 where it is read."""
    return {name: float(value) if isinstance(value, int) and isinstance(table.c[name].type, sa.Float) else value for name, value in row.items()}


def writes(hashes: Iterable[str]) -> str:
    """What an entry holds of its lines: SHA-256 of their hashes in order, one a line."""
    return hashlib.sha256("\n".join([*hashes, ""]).encode()).hexdigest()


def values(table: sa.Table, row: str) -> dict[str, Any]:
    """A line's row again, every column of the table, dates as dates; bytes and password hashes stay digests."""
    held: dict[str, Any] = json.loads(row)
    found = {column.name: held.get(column.name) for column in table.columns}
    dates = [column.name for column in table.columns if isinstance(column.type, sa.Date) and column.name in held]
    return found | {name: date.fromisoformat(held[name]) for name in dates}
