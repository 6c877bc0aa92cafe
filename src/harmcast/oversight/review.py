"""Whose record may no longer be held: pure rules over what is known of people on a day.

Reasons, the first that applies:

| reason | whose | source |
|---|---|---|
| deleted_at_source | the force deleted the person | the feed; hidden at once, forgotten 14 days later if still gone, by `forget --left-source`, which a timer runs weekly: within 4 weeks |
| no_charge_left | every charge was deleted at source | nobody without a charge is held |
| review_overdue | past `review_due_on`; without a date, longer since the last change than the group's period | records management groups 1 to 4, College of Policing practice; periods in `[retention] group_years` |

A review that was done shows as a new `review_due_on` in the feed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

REASONS = ("deleted_at_source", "no_charge_left", "review_overdue")
LEFT_SOURCE = REASONS[:2]  # the force has decided already: what is left is to follow
DAYS_A_YEAR = 365.25


def with_review_dates(people: pl.DataFrame, group_years: Mapping[str, float]) -> pl.DataFrame:
    """People with `review_due_on` filled: the date given, else so many years of their group after the record last changed; null where neither is known.

    The one rule by which a record is overdue: for scoring, for the page of reviews, and for removal.

    Args: `people`: review_group, review_due_on, changed_at.
    """
    periods = {int(group): years * DAYS_A_YEAR for group, years in group_years.items()}
    days = pl.col("review_group").replace_strict(list(periods), list(periods.values()), default=None, return_dtype=pl.Float64)
    by_group = pl.col("changed_at").dt.date() + pl.duration(days=days.floor().cast(pl.Int64))
    return people.with_columns(review_due_on=pl.coalesce("review_due_on", by_group))


def due(
    held: pl.DataFrame, known: pl.DataFrame, charged: pl.DataFrame, as_of: date, group_years: Mapping[str, float]
) -> pl.DataFrame:
    """Who is to be forgotten on `as_of`, and why: `person_ref, reason`, by reference.

    Args:
        held: `person_ref` of everybody with any row held.
        known: people as known, deleted ones gone: person_ref, review_group, review_due_on, changed_at, merged_into.
        charged: `person_ref` of everybody with a charge that was not deleted at source.
        group_years: years from one review to the next, by review group.
    """
    people = (
        held.select("person_ref")
        .unique()
        .join(with_review_dates(known, group_years).with_columns(pl.lit(True).alias("is_known")), on="person_ref", how="left")
    )
    people = people.join(
        charged.select("person_ref").unique().with_columns(pl.lit(True).alias("is_charged")),
        on="person_ref",
        how="left",
    )
    surviving_records = people["merged_into"].drop_nulls().unique()
    reason = (
        pl.when(pl.col("is_known").is_null())
        .then(pl.lit("deleted_at_source"))
        .when(
            pl.col("is_charged").is_null()
            & pl.col("merged_into").is_null()
            & ~pl.col("person_ref").is_in(surviving_records.implode())
        )
        .then(pl.lit("no_charge_left"))
        .when(pl.col("review_due_on") < as_of)
        .then(pl.lit("review_overdue"))
    )
    return people.select("person_ref", reason.alias("reason")).drop_nulls().sort("person_ref")


def with_merged(found: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """The people found and everybody merged into one of them, however often: the same person under an older reference."""
    while True:
        into = known.select("person_ref", "merged_into").join(
            found.select(pl.col("person_ref").alias("merged_into"), "reason"), on="merged_into", how="inner"
        )
        more = into.select("person_ref", "reason").join(found, on="person_ref", how="anti")
        if more.is_empty():
            return found.sort("person_ref")
        found = pl.concat([found, more.unique("person_ref", keep="first")])
