"""Loads and whether they count: a load waits until it is accepted, and what waits no read sees.

The files of a waiting load stand in the ledger as `waiting`. Every reader asks for those that are `current`, so there is
one place that keeps a waiting load out. Accepting and rejecting are one transaction each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from harmcast.documents import comparison
from harmcast.documents import effects as kept_effects
from harmcast.documents.comparison import Counts
from harmcast.documents.effects import Effect
from harmcast.errors import NotFit, RunStopped
from harmcast.store import ledger, schema
from harmcast.store.operations import Operations, Writing

WAITING, LOADED, REJECTED = "waiting", "loaded", "rejected"
NEWEST = 52  # loads that a new one is compared with


@dataclass(frozen=True)
class Load:
    """One load on record.

    Attributes:
        number: what `--load` names.
        standing: loaded, again (it changed nothing), waiting, rejected, refused.
        sequence: of its files; null: it wrote none.
        why_waits: first_load, new_mapping, effects; empty where it did not have to wait.
        comparison: figures for comparing with those the force has published, of a load that is the first or newly mapped.
        needs: how many people must accept it.
        mapping_sha256: of the mapping it was read under; null: none, or it was not kept.
    """

    number: int
    delivery_id: str
    standing: str
    sequence: int | None
    made_at: str | None
    loaded_at: str
    why_waits: tuple[str, ...]
    needs: int
    effects: tuple[Effect, ...]
    left_source: tuple[str, ...]
    comparison: tuple[Counts, ...]
    first_by: str | None
    accepted_by: str | None
    accepted_at: str | None
    reason: str | None
    mapping_sha256: str | None = None

    @property
    def counts(self) -> bool:
        return self.standing in (LOADED, "again")


def of(row: Mapping[str, Any]) -> Load:
    """A row of `deliveries` as a load."""
    note = json.loads(row["document"])
    return Load(
        row["id"], row["delivery_id"], row["standing"], row["sequence"], row["made_at"], row["loaded_at"],
        tuple(note.get("why_waits", ())), int(note.get("needs", 1)), tuple(kept_effects.read(note.get("effects", ()))),
        tuple(note.get("left_source", ())), tuple(comparison.read(note.get("comparison", ()))), row["first_by"], row["accepted_by"], row["accepted_at"], row["accept_reason"],
        row["mapping_sha256"],
    )  # fmt: skip


def _newest(operations: Operations, *conditions: Any) -> Load | None:
    table = schema.deliveries
    rows = operations.rows(sa.select(table).where(*conditions).order_by(table.c.id.desc()).limit(1))
    return of(rows[0]) if rows else None


def waiting(operations: Operations) -> Load | None:
    """The load that waits; None if none does."""
    return _newest(operations, schema.deliveries.c.standing == WAITING)


def numbered(operations: Operations, number: int) -> Load:
    """A load by its number. Raises RunStopped (`load_unknown`)."""
    found = _newest(operations, schema.deliveries.c.id == number)
    if found is None:
        raise RunStopped("There is no load of that number.", code="load_unknown", next_step="`harmcast effects STATE` names the newest.")
    return found


def newest(operations: Operations) -> Load | None:
    """The newest load, refused ones too; None before the first."""
    return _newest(operations)


def newest_accepted(operations: Operations) -> Load | None:
    """The newest load that counts and changed something; None before the first."""
    return _newest(operations, schema.deliveries.c.standing == LOADED)


def stop_if_waiting(operations: Operations) -> None:
    """Raises NotFit (`load_waiting`) while a load waits to be accepted."""
    found = waiting(operations)
    if found is None:
        return
    raise NotFit(
        f"Load {found.number} waits to be accepted.",
        code="load_waiting",
        next_step=f"Look at it with `harmcast effects STATE --load {found.number}`, then `harmcast accept STATE --load {found.number} --reason TEXT`, "
        f"or `harmcast reject STATE --load {found.number} --reason TEXT`.",
    )


# -- moves ---------------------------------------------------------------------------------------


def _set(tx: Writing, load: Load, **values: Any) -> None:
    tx.execute(sa.update(schema.deliveries).where(schema.deliveries.c.id == load.number).values(**values))


def look_first(tx: Writing, load: Load, by: str, reason: str) -> None:
    """Keeps that the first of two people accepts; the load goes on waiting."""
    _set(tx, load, first_by=by, accept_reason=reason)


def accept(tx: Writing, load: Load, by: str, reason: str) -> None:
    """From the commit on the load counts."""
    _set(tx, load, standing=LOADED, accepted_by=by, accepted_at=tx.at, accept_reason=reason)
    if load.sequence is not None:
        ledger.move(tx, load.sequence, ledger.WAITING, ledger.CURRENT)


def reject(tx: Writing, load: Load, by: str, reason: str) -> None:
    """From the commit on the load is dropped: its files are swept by the next run that writes."""
    _set(tx, load, standing=REJECTED, accepted_by=by, accepted_at=tx.at, accept_reason=reason)
    if load.sequence is not None:
        ledger.move(tx, load.sequence, ledger.WAITING, "removed")


def effects_before(operations: Operations, number: int) -> Sequence[Effect]:
    """Effects of the load that counted before this one, to compare with; empty if none was."""
    table = schema.deliveries
    found = _newest(operations, table.c.standing.in_([LOADED, "again"]), table.c.id < number)
    return found.effects if found else ()


def past_values(operations: Operations, check: str) -> dict[str, list[float]]:
    """Values of a check in the newest loads that count, by scope, the newest first."""
    table = schema.deliveries
    query = sa.select(table.c.document).where(table.c.standing == LOADED).order_by(table.c.id.desc()).limit(NEWEST)
    found: dict[str, list[float]] = {}
    for row in operations.rows(query):
        for effect in json.loads(row["document"]).get("effects", ()):
            if effect["check"] == check:
                found.setdefault(effect["scope"], []).append(float(effect["value"]))
    return found


def deleted_since(operations: Operations, since: str) -> dict[str, int]:
    """Keys of each table that went with loads that count and were made after an instant."""
    files, table = schema.delivery_files, schema.deliveries
    query = (
        sa.select(files.c.table_name, sa.func.sum(files.c.deleted).label("deleted"))
        .join(table, table.c.id == files.c.delivery)
        .where(table.c.standing == LOADED, table.c.made_at > since)
        .group_by(files.c.table_name)
    )
    return {row["table_name"]: int(row["deleted"] or 0) for row in operations.rows(query)}


def held_between(operations: Operations, after: int, upto: int) -> list[tuple[str, Effect]]:
    """Held effects of the loads that count, numbered after one and up to another: digest of the delivery, effect; the oldest first."""
    table = schema.deliveries
    query = (
        sa.select(table.c.content_sha256, table.c.document)
        .where(table.c.standing == LOADED, table.c.sequence > after, table.c.sequence <= upto)
        .order_by(table.c.id)
    )
    return [
        (str(row["content_sha256"]), effect)
        for row in operations.rows(query)
        for effect in kept_effects.read(json.loads(row["document"]).get("effects", ()))
        if effect.verdict == "hold"
    ]


def rows_received(operations: Operations) -> dict[str, list[float]]:
    """Rows of each table in the newest loads that count, the newest first."""
    files, table = schema.delivery_files, schema.deliveries
    query = (
        sa.select(files.c.table_name, files.c.received)
        .join(table, table.c.id == files.c.delivery)
        .where(table.c.standing.in_([LOADED, "again"]))
        .order_by(table.c.id.desc())
    )
    found: dict[str, list[float]] = {}
    for row in operations.rows(query):
        found.setdefault(row["table_name"], []).append(float(row["received"]))
    return {name: values[:NEWEST] for name, values in found.items()}
