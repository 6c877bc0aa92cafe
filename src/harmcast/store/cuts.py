"""The cuts of the bands: taken when the first load is accepted, stored, and the same until a logged command takes them again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from harmcast.store import schema
from harmcast.store.operations import Operations, Writing


@dataclass(frozen=True)
class Cuts:
    """Four cuts in the unit of the index that `index_sha256` names, and the day they were taken on."""

    values: tuple[float, ...]
    reference_date: date
    harm_unit: str
    index_sha256: str
    people: int | None


def frozen(operations: Operations, tool: str, index_sha256: str, by: str | None = None) -> Cuts | None:
    """The cuts of a tool under a harm index that held at an instant (None: now); None if none were taken yet. Raises StoreDamaged (`row_unwritten`)."""
    table = schema.band_cuts
    until = sa.true() if by is None else table.c.frozen_at <= by
    rows = operations.checked(table, table.c.tool == tool, table.c.index_sha256 == index_sha256, until, order_by=(table.c.id,))
    if not rows:
        return None
    row = rows[-1]
    return Cuts(tuple(json.loads(row["cuts"])), row["reference_date"], row["harm_unit"], index_sha256, row["people"])


def enter(tx: Writing, tool: str, cuts: Cuts, percentiles: Sequence[float] | None, by: str) -> None:
    """Stores cuts; they hold until others are stored."""
    tx.insert(
        schema.band_cuts,
        tool=tool,
        reference_date=cuts.reference_date,
        percentiles=json.dumps(list(percentiles) if percentiles is not None else None),
        cuts=json.dumps(list(cuts.values)),
        harm_unit=cuts.harm_unit,
        index_sha256=cuts.index_sha256,
        people=cuts.people,
        frozen_at=tx.at,
        by=by,
    )
