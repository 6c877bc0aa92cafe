"""The ledger: which files of record stand. What it does not name does not exist."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import sqlalchemy as sa

from harmcast.errors import StoreDamaged
from harmcast.store import files, schema
from harmcast.store.once import once
from harmcast.store.operations import Operations, Writing

CURRENT = "current"
WAITING = "waiting"  # of a load that nobody has accepted yet: no reader sees it


@dataclass(frozen=True)
class Part:
    """One file of record. `sequence` numbers the load that wrote it; `made_at` is its delivery's."""

    kind: str
    name: str
    table_name: str | None
    sequence: int
    made_at: str | None
    rows: int | None
    bytes: int
    sha256: str

    @property
    def made_on(self) -> date:
        if self.made_at is None:
            raise ValueError("not a part of a delivery")
        return date.fromisoformat(self.made_at[:10])


def part_of(
    root: Path, name: str, kind: str, sequence: int, table_name: str | None = None, made_at: str | None = None,
    rows: int | None = None,
) -> Part:  # fmt: skip
    """The ledger's entry of a file that stands at `root / name`."""
    path = root / name
    return Part(kind, name, table_name, sequence, made_at, rows, path.stat().st_size, files.sha256(path))


def add(tx: Writing, parts: list[Part], standing: str = CURRENT) -> None:
    """Names the files in the ledger: from the commit on they exist."""
    if parts:
        tx.execute(sa.insert(schema.ledger), [{**vars(part), "standing": standing, "added_at": tx.at} for part in parts])


def move(tx: Writing, sequence: int, before: str, after: str) -> None:
    """Moves the parts of one load from one standing to another."""
    table = schema.ledger
    of_load = (table.c.kind == "part") & (table.c.sequence == sequence) & (table.c.standing == before)
    tx.execute(sa.update(table).where(of_load).values(standing=after))


def last_number(operations: Operations) -> int:
    """The highest number that a load's parts ever had, rejected loads too; 0 before the first."""
    table = schema.ledger
    return operations.number(sa.select(sa.func.max(table.c.sequence)).where(table.c.kind == "part"))


def replace(tx: Writing, old: Part, new: Part | None) -> None:
    """Names `new` in place of `old`, standing as it stood; the old file is then swept. For erasure alone."""
    table = schema.ledger
    standing = tx.execute(sa.select(table.c.standing).where(table.c.name == old.name)).scalar_one()
    tx.execute(sa.update(table).where(table.c.name == old.name).values(standing="replaced" if new else "removed"))
    if new is not None:
        add(tx, [new], standing)


def named(operations: Operations, kind: str = "part", upto: int | None = None, *, waiting: bool = False) -> list[Part]:
    """The files of a kind that stand, in the order they were written; `waiting`: with those of a load nobody has accepted."""
    table = schema.ledger
    standings = [CURRENT, WAITING] if waiting else [CURRENT]
    query = (
        sa.select(table)
        .where(table.c.kind == kind, table.c.standing.in_(standings))
        .order_by(table.c.sequence, table.c.name)
    )
    if upto is not None:
        query = query.where(table.c.sequence <= upto)
    fields = Part.__dataclass_fields__
    return [Part(**{name: row[name] for name in fields}) for row in operations.rows(query)]


def mark(operations: Operations) -> tuple[int, int]:
    """What changes with every load and every erasure: number of the newest file that stands, and how many do."""
    table = schema.ledger
    query = sa.select(sa.func.max(table.c.id).label("newest"), sa.func.count().label("count")).where(table.c.standing == CURRENT)
    (found,) = once((operations, "ledger"), lambda: operations.rows(query))
    return int(found["newest"] or 0), int(found["count"])


def checked(root: Path, part: Part) -> Path:
    """The path of a part. Raises StoreDamaged if the file is gone or has another length."""
    path = root / part.name
    try:
        length = path.stat().st_size
    except FileNotFoundError:
        length = -1
    if length != part.bytes:
        raise StoreDamaged(
            f"{part.name} is not the file that the ledger names.",
            code="part_damaged",
            next_step="Restore the newest backup (`harmcast restore`) and tell the data owner.",
        )
    return path


def sweep(root: Path, folder: str, operations: Operations) -> list[str]:
    """Removes files below `folder` that the ledger does not name; gives their names. Only under the run lock."""
    table = schema.ledger
    standing = {row["name"] for row in operations.rows(sa.select(table.c.name).where(table.c.standing.in_([CURRENT, WAITING])))}
    swept = []
    for path in sorted((root / folder).rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and name not in standing:
            path.unlink()
            swept.append(name)
    return swept
