"""What the log itself says of the lines signed outside: how many, which place got which, and the code of each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from harmcast.oversight.log import Checkpoint
from harmcast.store import schema
from harmcast.store.operations import Operations

SIGNED = "checkpoint_signed"
RESTORED = "restore_declared"


@dataclass(frozen=True)
class KnownLines:
    """Lines that the log knows: the newest number; of each place the newest number it was given and when."""

    number: int
    of_place: Mapping[str, int]
    last_at: Mapping[str, str]
    signed_at: Mapping[int, str]

    def first_missed(self, place: str) -> str | None:
        """When the first line was signed that a place has not been given since its newest; None if it has all."""
        missed = [number for number in self.signed_at if number > self.of_place.get(place, 0)]
        return self.signed_at[min(missed)] if missed else None


def _signed(operations: Operations, *where: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
    table = schema.events
    query = sa.select(table.c.at, table.c.detail).where(table.c.action.in_((SIGNED, RESTORED)), *where).order_by(table.c.seq)
    return [{"at": row["at"], **json.loads(row["detail"])} for row in operations.rows(query)]


def known(operations: Operations, first_place: str) -> KnownLines:
    """What the log knows. `first_place` got every line signed before entries named their places."""
    number = 0
    of_place: dict[str, int] = {}
    last_at: dict[str, str] = {}
    signed_at: dict[int, str] = {}
    for said in _signed(operations):
        number = max(number, int(said["number"]))
        signed_at[int(said["number"])] = said["at"]
        for place in said.get("places", [first_place]):
            of_place[place] = max(of_place.get(place, 0), int(said["number"]))
            last_at[place] = said["at"]
    return KnownLines(number, of_place, last_at, signed_at)


def newest_code(operations: Operations, before: str | None = None) -> str | None:
    """The witness code of the newest line signed (before an instant of the log); None if there is none, or none with a code."""
    table = schema.events
    query = sa.select(table.c.detail).where(table.c.action == SIGNED).order_by(table.c.seq.desc()).limit(1)
    rows = operations.rows(query if before is None else query.where(table.c.at < before))
    return json.loads(rows[0]["detail"]).get("code") if rows else None


def with_code(operations: Operations, code: str) -> list[Checkpoint]:
    """The lines that entries of the log name with a code. Nobody can make another line of the same code, so each is what was signed."""
    table = schema.events
    return [Checkpoint.of_line(said["line"]) for said in _signed(operations, table.c.detail.contains(f'"{code}"', autoescape=True)) if "line" in said]
