"""The cuts of the bands: taken once at a reference date, stored, and from then on the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from harmcast.oversight.log import Event
from harmcast.store import schema
from harmcast.store.operations import Operations


@dataclass(frozen=True)
class Cuts:
    """Four cuts in the unit of the index that `index_sha256` names, and the day they were taken on."""

    values: tuple[float, ...]
    reference_date: date
    harm_unit: str
    index_sha256: str
    people: int | None


def frozen(operations: Operations, tool: str, index_sha256: str) -> Cuts | None:
    """The cuts of a tool under a harm index; None if none were taken yet."""
    table = schema.band_cuts
    rows = operations.rows(
        sa.select(table).where(table.c.tool == tool, table.c.index_sha256 == index_sha256).order_by(table.c.id).limit(1)
    )
    if not rows:
        return None
    row = rows[0]
    return Cuts(tuple(json.loads(row["cuts"])), row["reference_date"], row["harm_unit"], index_sha256, row["people"])


def freeze(operations: Operations, tool: str, cuts: Cuts, percentiles: Sequence[float] | None, event: Event) -> None:
    """Stores cuts for good."""
    with operations.writing(event) as tx:
        tx.says(tool=tool, reference_date=cuts.reference_date.isoformat(), people=cuts.people)
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
            by=event.actor,
        )
