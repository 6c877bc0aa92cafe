"""Who is scored: charged at least once and still so; and for everyone left out, why."""

from __future__ import annotations

from datetime import date
from typing import Literal

import polars as pl

from harmcast.people.charges import survivors

UnknownBirth = Literal["leave_out", "score"]

# In the order in which they are asked: a person left out for several reasons is counted under the first.
REASONS: dict[str, str] = {
    "merged_away": "The reference was merged into another; the charges count there.",
    "no_charge_stands": "Every charge fell away, or none is held.",
    "dead": "Died on or before the day.",
    "review_overdue": "The record's review is overdue; not scored until it is reviewed.",
    "under_18": "Under 18 on the day.",
    "birth_unknown": "No usable date of birth, so an age under 18 cannot be ruled out.",
}


def is_merged_away() -> pl.Expr:
    return (pl.col("survivor") != pl.col("person_ref")).fill_null(False)


def is_dead(day: date) -> pl.Expr:
    return (pl.col("died_on") <= day).fill_null(False)


def is_review_overdue(day: date) -> pl.Expr:
    """Past its review date: the day after the date and later."""
    return (pl.col("review_due_on") < day).fill_null(False)


def cohort(
    persons: pl.DataFrame,
    charges: pl.DataFrame,
    minors: pl.DataFrame,
    as_of: date,
    unknown_birth: UnknownBirth = "leave_out",
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Everyone held, parted into those scored and those left out.

    Args:
        persons: as known at `as_of`: person_ref, unit, merged_into, died_on, review_due_on; a row a person.
        charges: those standing as known at `as_of` (`charges.standing`); only person_ref is read.
        minors: person_ref, day, under_18 (`minors.flags`); rows of other days are passed over.
        unknown_birth: whether people without a date of birth are scored.
    Returns: (person_ref, unit) of those in; (person_ref, reason) of those out, reason a key of REASONS. Together they
        are everyone in `persons`, each once.
    """
    flags = minors.filter(pl.col("day") == as_of).select("person_ref", "under_18").unique("person_ref", keep="last")
    charged = charges.select("person_ref").unique().with_columns(charged=pl.lit(True))
    sorted_out = (
        persons.join(survivors(persons), on="person_ref", how="left")
        .join(flags, on="person_ref", how="left")
        .join(charged, on="person_ref", how="left")
        .with_columns(
            reason=pl.when(is_merged_away())
            .then(pl.lit("merged_away"))
            .when(pl.col("charged").is_null())
            .then(pl.lit("no_charge_stands"))
            .when(is_dead(as_of))
            .then(pl.lit("dead"))
            .when(is_review_overdue(as_of))
            .then(pl.lit("review_overdue"))
            .when(pl.col("under_18").fill_null(False))
            .then(pl.lit("under_18"))
            .when(pl.col("under_18").is_null() & pl.lit(unknown_birth == "leave_out"))
            .then(pl.lit("birth_unknown"))
        )
        .sort("person_ref")
    )
    inside = sorted_out.filter(pl.col("reason").is_null()).select("person_ref", "unit")
    outside = sorted_out.filter(pl.col("reason").is_not_null()).select("person_ref", "reason")
    return inside, outside


def left_out_counts(left_out: pl.DataFrame) -> dict[str, int]:
    """How many are left out, for every reason, 0 included."""
    counted = dict(left_out.group_by("reason").len().iter_rows())
    return {reason: int(counted.get(reason, 0)) for reason in REASONS}
