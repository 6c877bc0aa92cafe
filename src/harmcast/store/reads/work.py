"""What people did with what was published, up to an instant: decisions, sign-offs, objections, tasking, downloads, looks."""

from __future__ import annotations

from collections import Counter
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
    """Every decision made before an instant."""
    table = schema.decisions
    query = sa.select(table.c.person_key, table.c.decision, table.c.reason_code, table.c.own_judgement)
    return [DecisionMade(**row) for row in operations.rows(query.where(table.c.at < before))]


def sign_offs(operations: Operations, before: str) -> dict[str, int]:
    """Sign-offs of referrals by outcome."""
    return _counted(operations, schema.sign_offs, "outcome", before)


def follow_ups(operations: Operations, before: str) -> dict[str, int]:
    """Steps after a referral by kind."""
    return _counted(operations, schema.follow_ups, "step", before)


def _counted(operations: Operations, table: sa.Table, column: str, before: str) -> dict[str, int]:
    query = sa.select(table.c[column], sa.func.count().label("n")).where(table.c.at < before).group_by(table.c[column])
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


def exports(operations: Operations, before: str) -> tuple[int, int]:
    """Lists that left, and how many of them with names."""
    table = schema.exports
    held = operations.rows(sa.select(table.c.with_names).where(table.c.at < before))
    return len(held), sum(bool(row["with_names"]) for row in held)


def views(operations: Operations, before: str) -> int:
    """How often a person's record was looked at."""
    table = schema.events
    about_one = sa.and_(table.c.at < before, table.c.kind == "consultation", table.c.subject.is_not(None))
    return int(operations.rows(sa.select(sa.func.count().label("n")).where(about_one))[0]["n"])


def tasking(operations: Operations, tool: str, before: str) -> dict[str, int]:
    """What was written on a tool's areas: `recommendations`, `outcome: WORD` for each, `notes`."""
    table, notes = schema.tasking, schema.cell_notes
    held = operations.rows(sa.select(table.c.step, table.c.choice).where(table.c.tool == tool, table.c.at < before).order_by(table.c.id))
    counts = Counter({"recommendations": sum(row["step"] == "recommendation" for row in held)})
    counts.update(f"outcome: {row['choice'] or 'not said'}" for row in held if row["step"] != "recommendation")
    written = operations.rows(sa.select(sa.func.count().label("n")).where(notes.c.tool == tool, notes.c.at < before))
    return {**counts, "notes": int(written[0]["n"])}


