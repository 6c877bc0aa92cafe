"""What followed in each band: where people stood a year and two ago, and what came of them since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from harmcast.people import bands
from harmcast.people import charges as charge_rules
from harmcast.people.cohort import cohort
from harmcast.people.features import SERIOUS_SHARE
from harmcast.people.harm import harm_at
from harmcast.people.paths import reached_on
from harmcast.tables import BANDS
from harmcast.transitions.landmarks import People, reached_by
from harmcast.weeks import add_months

# What is asked, each of those not yet high by then alone.
WHAT = ("reached_high", "new_serious_event")


def what_followed(people: People, as_of: date, months: Sequence[int], cuts: Sequence[float]) -> pl.DataFrame:
    """For each horizon, everyone of the cohort on the day so many months before `as_of`, by band then, and what came by its end.

    reached_high: stood at the high cut at a charge after that day. new_serious_event: charged after that day with an event
    whose weight is a quarter of the high cut or more. Both are asked of those who were not high by then alone, and by what was
    known at the horizon's end.

    Args: `people`: with minors' flags for each of those days.
    Returns: horizon_months, day, what, and the columns of `bands.what_followed`; a row a horizon, question and band,
        lowest band first. Horizons before the first charge held have people 0 and shares null.
    """
    tables = []
    for horizon in months:
        day = add_months(as_of, -horizon)
        end = add_months(day, horizon)
        on_day = banded(people, day, cuts)
        refs = on_day["person_ref"]
        high_by_then = reached_on(people.path(day), people.rules.high_cut)["person_ref"].unique()
        was_high = refs.is_in(high_by_then.implode()) | on_day["band"].is_in(BANDS[bands.HIGH :]).fill_null(True)
        came = on_day.with_columns(
            pl.select(pl.when(~was_high).then(column).alias(what)).to_series()
            for what, column in zip(WHAT, (reached_by(people, day, end, refs), _new_serious_event(people, day, end, refs)), strict=True)
        )
        for what in WHAT:
            found = bands.what_followed(came, what)
            tables.append(
                found.select(
                    pl.lit(horizon, pl.Int64).alias("horizon_months"),
                    pl.lit(day).alias("day"),
                    pl.lit(what).alias("what"),
                    pl.all(),
                )
            )
    return pl.concat(tables)


def banded(people: People, day: date, cuts: Sequence[float]) -> pl.DataFrame:
    """person_ref, band of the cohort on `day`, as known then."""
    weighed = people.weighed(day)
    held = charge_rules.as_known(people.held.persons, day)
    inside, _ = cohort(held, weighed, people.minors, day, people.rules.unknown_birth)
    harm = harm_at(charge_rules.events(weighed), day, people.rules.decay)
    return harm.join(inside, on="person_ref", how="inner").select(
        "person_ref", band=bands.band_of(pl.col("harm"), cuts)
    )


def _new_serious_event(people: People, day: date, end: date, refs: pl.Series) -> pl.Series:
    events = charge_rules.events(people.weighed(end))
    heavy = events.filter((pl.col("counted_on") > day) & (pl.col("weight") >= SERIOUS_SHARE * people.rules.high_cut))
    return people.stand_under(refs, end).is_in(heavy["person_ref"].unique().implode())
