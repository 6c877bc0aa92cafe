"""Landmarks: on a day in the past, who was not yet high harm, what was known of them, and what came.

Not yet high harm: below the high cut on the day and at every charge held before it, by the charges standing as known
then (harm only rises at a charge, so this covers every past week). Becoming: reaching the same cut at a charge within the
horizon, by the charges standing as known at the end of that horizon. Both are asked of all that is held, as the bands are,
so that high harm is one thing. With a look-back of L months features are of events that first counted in (day - L, day]
alone, on landmarks and at scoring alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Literal

import polars as pl

from harmcast.people import charges as charge_rules
from harmcast.people.cohort import is_dead
from harmcast.people.features import features_at
from harmcast.people.harm import Decay, HarmIndex, harm_at, weights_of
from harmcast.people.offences import kinds
from harmcast.people.paths import harm_at_charges, reached_on
from harmcast.weeks import add_months


@dataclass(frozen=True)
class Rules:
    """What harm means here: the index, its decay, the cut of high harm, and the rules about people."""

    index: HarmIndex
    decay: Decay
    high_cut: float
    unknown_birth: Literal["leave_out", "score"] = "leave_out"
    weapon_codes: tuple[str, ...] = ()
    one_event: charge_rules.OneEvent = "crime_or_day"


@dataclass
class People:
    """The tables a panel is made from, and what was computed of them, kept by day so that no day is computed twice.

    Attributes:
        persons: versions: person_ref, unit, merged_into, died_on, review_due_on, known_on.
        charge_versions: see tables.CHARGES, with known_on (and `deleted`).
        minors: person_ref, day, under_18 for every landmark asked for.
    """

    persons: pl.DataFrame
    charge_versions: pl.DataFrame
    minors: pl.DataFrame
    rules: Rules
    _kept: dict[tuple[str, date, int | None], pl.DataFrame] = field(default_factory=dict, repr=False)

    def weighed(self, as_of: date) -> pl.DataFrame:
        """Charges standing as known at `as_of`, weighed."""
        return self._keep("weighed", as_of)

    def path(self, as_of: date) -> pl.DataFrame:
        """Harm at every charge, with the charges standing as known at `as_of`."""
        return self._keep("path", as_of)

    def features(self, day: date, look_back: int | None = None) -> pl.DataFrame:
        """Features on `day` as known at `day`, of everyone with an event in the look-back, with what they are by all that is held:
        `harm_held` and `incomplete`, and `high_before`: whether the cut was reached by then.
        """
        return self._keep("features", day, look_back)

    def _keep(self, what: Literal["weighed", "path", "features"], day: date, look_back: int | None = None) -> pl.DataFrame:
        key = (what, day, look_back)
        if key not in self._kept:
            if what == "weighed":
                self.forget("weighed")
                self._kept[key] = self.held.weighed(day)
            elif what == "path":
                self._kept[key] = harm_at_charges(self.weighed(day), self.rules.decay)
            else:
                self._kept[key] = self.features_known(day, day, look_back)
        return self._kept[key]

    @cached_property
    def held(self) -> charge_rules.Held:
        """Every version, weighed and numbered once."""
        codes = self.charge_versions["offence_code"]
        weights, sorts = weights_of(codes, self.rules.index), kinds(codes, self.rules.weapon_codes)
        return charge_rules.held(self.charge_versions, self.persons, weights, sorts, self.rules.one_event)

    def features_known(self, known: date, day: date, look_back: int | None) -> pl.DataFrame:
        """As `features` on `day`, from the records known at the end of an earlier day `known`."""
        events = charge_rules.events(self.weighed(known))
        by_all = harm_at(events, day, self.rules.decay).rename({"harm": "harm_held"})
        if look_back is not None:
            events = events.filter(pl.col("counted_on") > add_months(day, -look_back))
        table = features_at(events, day, self.rules.decay, self.rules.high_cut).drop("incomplete")
        high = reached_on(self.path(known), self.rules.high_cut).select("person_ref").unique()
        return (
            table.join(by_all, on="person_ref", how="left")
            .join(high.with_columns(high_before=pl.lit(True)), on="person_ref", how="left")
            .with_columns(high_before=pl.col("high_before").fill_null(False))
        )

    def stand_under(self, refs: pl.Series, as_of: date) -> pl.Series:
        """The reference each person's charges stand under as known at `as_of`: their own, or the one merged into."""
        table = pl.DataFrame({"person_ref": refs}).join(
            self.held.survivors(as_of), on="person_ref", how="left", maintain_order="left"
        )
        return table.select(pl.coalesce("survivor", "person_ref")).to_series()

    def with_minors(self, minors: pl.DataFrame) -> People:
        """The same people with flags for other days; what was computed is shared."""
        other = People(self.persons, self.charge_versions, minors, self.rules, self._kept)
        other.__dict__["held"] = self.held
        return other

    def forget(self, what: Literal["weighed", "path", "features"]) -> None:
        """Drops what was kept of one kind, to save memory."""
        for key in [key for key in self._kept if key[0] == what]:
            del self._kept[key]


def not_yet_high(high_cut: float) -> pl.Expr:
    """Below the high cut today and at every charge held before, with a complete harm; of `People.features`."""
    return ~pl.col("high_before") & ~pl.col("incomplete") & (pl.col("harm_held") < high_cut)


def _in_cohort(people: People, day: date) -> pl.DataFrame:
    """person_ref of those that the cohort's rules leave in on `day`, as far as they were known then: not dead, not under 18."""
    dead = charge_rules.as_known(people.held.persons, day).filter(is_dead(day)).select("person_ref")
    flags = people.minors.filter(pl.col("day") == day).select("person_ref", "under_18").unique("person_ref", keep="last")
    keep_unknown = people.rules.unknown_birth == "score"
    return (
        people.weighed(day)
        .select("person_ref")
        .unique()
        .join(dead, on="person_ref", how="anti")
        .join(flags, on="person_ref", how="left")
        .filter(~pl.col("under_18").fill_null(not keep_unknown))
        .select("person_ref")
    )


def eligible(people: People, day: date, look_back: int | None = None) -> pl.DataFrame:
    """Those charged in the look-back and not yet high harm on `day`, with their features.

    Left out: harm incomplete, dead by then as known then, under 18 that day, birth unknown (unless told to score).
    """
    return (
        people.features(day, look_back)
        .filter(not_yet_high(people.rules.high_cut))
        .join(_in_cohort(people, day), on="person_ref", how="semi")
        .drop("incomplete", "high_before", "harm_held")
        .sort("person_ref")
    )


def not_charged_lately(people: People, day: date, look_back: int) -> pl.Series:
    """References of those not yet high harm on `day` who have no event in the look-back: they get one figure together."""
    high = reached_on(people.path(day), people.rules.high_cut).select("person_ref").unique()
    lately = people.features(day, look_back).select("person_ref")
    by_all = harm_at(charge_rules.events(people.weighed(day)), day, people.rules.decay)
    return (
        by_all.filter(~pl.col("incomplete") & (pl.col("harm") < people.rules.high_cut))
        .join(_in_cohort(people, day), on="person_ref", how="semi")
        .join(high, on="person_ref", how="anti")
        .join(lately, on="person_ref", how="anti")
        .sort("person_ref")["person_ref"]
    )


def reached_by(people: People, day: date, end: date, refs: pl.Series) -> pl.Series:
    """Whether each person reached the cut at a charge after `day` and by `end`, as known at `end`."""
    reached = reached_on(people.path(end), people.rules.high_cut).filter(pl.col("counted_on") > day)
    return people.stand_under(refs, end).is_in(reached["person_ref"].unique().implode())


def outcomes(people: People, day: date, refs: pl.Series, months: Sequence[int], as_of: date) -> pl.DataFrame:
    """What came of each person after `day`, each horizon as known at its own end, so that every landmark is judged alike.

    Returns: person_ref and for each horizon `became_<months>m`: whether the cut was reached at a charge after `day` and
        on or before the same day so many months later, or had been by an earlier horizon; null where that day is after
        `as_of`.
    """
    columns: dict[str, pl.Series] = {}
    so_far = pl.Series([False] * len(refs), dtype=pl.Boolean)
    for horizon in months:
        end = add_months(day, horizon)
        if end > as_of:
            columns[f"became_{horizon}m"] = pl.Series([None] * len(refs), dtype=pl.Boolean)
            continue
        so_far = so_far | reached_by(people, day, end, refs)
        columns[f"became_{horizon}m"] = so_far
    return pl.DataFrame({"person_ref": refs, **columns})


def panel(
    people: People, days: Sequence[date], months: Sequence[int], as_of: date, look_back: int | None = None
) -> pl.DataFrame:
    """Eligible people on each landmark with features then and outcomes since: a row a person and landmark.

    Returns: landmark, person_ref, harm, features, `became_<months>m`; sorted by landmark and person_ref.
    """
    tables = []
    for day in sorted(days):
        table = eligible(people, day, look_back)
        came = outcomes(people, day, table["person_ref"], months, as_of)
        tables.append(table.join(came, on="person_ref", how="left").select(pl.lit(day).alias("landmark"), pl.all()))
    return pl.concat(tables)
