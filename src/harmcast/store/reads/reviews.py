"""Reviews of whether a person's record is kept: who is due, by group."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl

from harmcast.oversight.review import with_review_dates
from harmcast.store.state import State

STATES = ("overdue", "soon", "later", "unknown")


def states(state: State, today: date, soon_days: int) -> pl.DataFrame:
    """Everyone held with key, and how the review stands (`state`: one of STATES; soon: within so many days)."""
    due = pl.col("review_due_on")
    stands = (
        pl.when(due.is_null()).then(pl.lit("unknown"))
        .when(due < today).then(pl.lit("overdue"))
        .when(due <= today + timedelta(days=soon_days)).then(pl.lit("soon"))
        .otherwise(pl.lit("later"))
    )  # fmt: skip
    people = with_review_dates(state.records.persons(), state.settings.retention.group_years)
    return people.join(state.person_keys(), on="person_ref", how="inner").with_columns(state=stands)


def by_group(people: pl.DataFrame) -> list[dict[str, Any]]:
    """Each review group with its people and how many of them are in each of STATES."""
    counts = {name: (pl.col("state") == name).sum() for name in STATES}
    return people.group_by("review_group").agg(people=pl.len(), **counts).sort("review_group", nulls_last=True).rows(named=True)
