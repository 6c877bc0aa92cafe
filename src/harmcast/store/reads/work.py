"""What followed decisions up to an instant, counted: sign-offs, steps after a referral, objections."""

from __future__ import annotations

import polars as pl
import sqlalchemy as sa

from harmcast.store import schema
from harmcast.store.operations import Operations


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
