"""What people did with what was published, up to an instant: decisions, sign-offs, steps after a referral, objections."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
import sqlalchemy as sa

from harmcast.store import schema
from harmcast.store.operations import Operations


@dataclass(frozen=True)
class DecisionMade:
    """A decision about a person, without words."""

    person_key: str
    decision: str
    reason_code: str
    own_judgement: str | None


def decisions(operations: Operations, before: str) -> list[DecisionMade]:
    """Every decision made before an instant, the oldest first."""
    table = schema.decisions
    query = sa.select(table.c.person_key, table.c.decision, table.c.reason_code, table.c.own_judgement)
    return [DecisionMade(**row) for row in operations.rows(query.where(table.c.at < before).order_by(table.c.id))]


def counted(operations: Operations, table: str, column: str, before: str) -> dict[str, int]:
    """How often each value of a column of a table, such as `outcome` of `sign_offs`, was written before an instant, by value."""
    kept = schema.metadata.tables[table]
    query = sa.select(kept.c[column], sa.func.count().label("n")).where(kept.c.at < before).group_by(kept.c[column])
    return dict(sorted((str(row[column]), int(row["n"])) for row in operations.rows(query)))


def representations(operations: Operations, before: str) -> pl.DataFrame:
    """Objections, complaints and data errors by kind and outcome (`open` without one): kind, outcome, received."""
    table, steps = schema.representations, schema.representation_steps
    with_outcome = sa.select(steps.c.representation, steps.c.outcome).where(steps.c.at < before, steps.c.outcome.is_not(None))
    outcomes = {row["representation"]: row["outcome"] for row in operations.rows(with_outcome.order_by(steps.c.id))}
    held = operations.rows(sa.select(table.c.id, table.c.kind).where(table.c.at < before))
    frame = pl.DataFrame(
        [(row["kind"], outcomes.get(row["id"], "open")) for row in held], schema={"kind": pl.String, "outcome": pl.String}, orient="row"
    )
    return frame.group_by("kind", "outcome").agg(pl.len().cast(pl.Int64).alias("received")).sort("kind", "outcome")
