"""The invented people: who they are on paper. None of it moves a career, unless over-policing is planted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from harmcast.invented import names
from harmcast.invented.county import County
from harmcast.invented.draws import pick, stream

# shares of the charged; the audit's groups. Self-defined ethnicity is missing more often than the officer's view.
ETHNIC_SHARE = {"White": 0.63, "Asian": 0.18, "Black": 0.11, "Mixed": 0.05, "Other": 0.03}
OVER_POLICED = "Black"
SELF_MISSING_SHARE = 0.17
OFFICER_MISSING_SHARE = 0.05
OFFICER_SEES = {"White": "White", "Asian": "Asian", "Black": "Black", "Mixed": "Black", "Other": "Other"}
OFFICER_WRONG_SHARE = 0.06
MALE_SHARE = 0.82
UNCHARGED_SHARE = 0.08
DUPLICATE_SHARE = 0.008
MIXED_SHARE = 0.0006
NO_UNIT_SHARE = 0.03
BIRTH_MISSING_SHARE = 0.006


@dataclass(frozen=True)
class InventedPeople:
    """Positions 0 to `charged` - 1 have careers; the rest are in the feed without a charge.

    Attributes:
        entry_day: day of the first charge, counted from the first day.
        over_policed: whether the person belongs to the group that may be policed more.
    """

    frame: pl.DataFrame
    charged: int
    entry_day: np.ndarray
    over_policed: np.ndarray


def build(county: County, seed: int, people: int, first_day: date, days: int) -> InventedPeople:
    """`people` persons of the feed, most of whom are charged at some time before day `days`."""
    rng = stream(seed, "people")
    charged = people - round(people * UNCHARGED_SHARE)
    entry = np.sort(rng.integers(0, days, charged))
    seen = np.concatenate([entry, rng.integers(0, days, people - charged)])
    age_days = np.clip(rng.lognormal(np.log(15.5), 0.62, people) + 11.0, 10.2, 88).astype(np.float64) * 365.25
    epoch = (first_day - date(1970, 1, 1)).days
    born = epoch + seen - age_days.astype(np.int64)
    groups = list(ETHNIC_SHARE)
    ethnic = pick(rng, np.array(list(ETHNIC_SHARE.values())), people)
    self_missing = rng.random(people) < SELF_MISSING_SHARE
    officer = pl.Series([OFFICER_SEES[g] for g in groups]).gather(
        np.where(rng.random(people) < OFFICER_WRONG_SHARE, rng.integers(0, len(groups), people), ethnic)
    )
    weight = np.bincount(
        county.area_of_square, weights=county.residents * np.exp(0.5 * county.deprivation), minlength=len(county.areas)
    )
    unit = county.unit_of_area[pick(rng, weight, people)]

    def nulled(values: pl.Series, missing: np.ndarray) -> pl.Series:
        return values.zip_with(pl.Series(~missing), pl.Series([None] * len(values), dtype=values.dtype))

    by_entry = np.argsort(seen, kind="stable")
    number = np.empty(people, np.int64)
    number[by_entry] = np.arange(people)
    ref = "P" + pl.Series(number * 7 + 1_000_003).cast(pl.String).str.zfill(8)
    frame = pl.DataFrame(
        {
            "person": np.arange(people, dtype=np.int32),
            "person_ref": ref,
            "name": names.people(rng, people),
            "born_on": nulled(pl.Series(born).cast(pl.Int32).cast(pl.Date), rng.random(people) < BIRTH_MISSING_SHARE),
            "sex": nulled(
                pl.Series(["male", "female"]).gather((rng.random(people) > MALE_SHARE).astype(np.int64)),
                rng.random(people) < 0.004,
            ),
            "ethnicity_self": nulled(pl.Series(groups).gather(ethnic), self_missing),
            "ethnicity_officer": nulled(officer, rng.random(people) < OFFICER_MISSING_SHARE),
            "unit": nulled(pl.Series(county.units).gather(unit), rng.random(people) < NO_UNIT_SHARE),
            "first_seen_on": pl.Series(seen + epoch).cast(pl.Int32).cast(pl.Date),
        }
    )
    return InventedPeople(frame, charged, entry, ethnic[:charged] == groups.index(OVER_POLICED))


def with_records(
    frame: pl.DataFrame, charges: pl.DataFrame, died_day: np.ndarray, seed: int, first_day: date, last_day: date
) -> pl.DataFrame:
    """Adds what the records keep about a person: death, restriction, review group and date.

    Review group 1 and 2 follow grave charges, 3 the rest, 4 nobody charged (groups of the code of practice on
    records). Reviews are mostly up to date; one in forty of those due is overdue.
    """
    rng = stream(seed, "records about people")
    people = len(frame)
    worst = charges.group_by("person").agg(
        pl.col("kind").is_in([0, 3]).any().alias("gravest"),
        pl.col("kind").is_in([1, 4, 5, 9, 10]).any().alias("grave"),
        pl.col("charged_on").max().alias("last_charged_on"),
    )
    died = np.full(people, -1)
    died[: len(died_day)] = died_day
    epoch = (first_day - date(1970, 1, 1)).days
    joined = frame.join(worst, on="person", how="left").with_columns(
        pl.when(pl.col("gravest") & pl.Series(rng.random(people) < 0.5))
        .then(1)
        .when(pl.col("gravest") | pl.col("grave"))
        .then(2)
        .when(pl.col("last_charged_on").is_not_null())
        .then(3)
        .otherwise(4)
        .cast(pl.Int64)
        .alias("review_group"),
        pl.Series(died + epoch)
        .cast(pl.Int32)
        .cast(pl.Date)
        .zip_with(pl.Series(died >= 0), pl.Series([None] * people, dtype=pl.Date))
        .alias("died_on"),
        pl.Series(rng.random(people) < 0.002).alias("restricted"),
    )
    years = pl.when(pl.col("review_group") <= 2).then(10).otherwise(6)
    due = pl.coalesce("last_charged_on", "first_seen_on").dt.offset_by(pl.format("{}y", years))
    reviewed = pl.lit(last_day) + pl.duration(days=pl.lit(pl.Series(rng.integers(30, 1800, people))))
    overdue = pl.Series(rng.random(people) < 0.025)
    return joined.with_columns(
        pl.when(due > last_day)
        .then(due)
        .when(overdue)
        .then(due)
        .otherwise(reviewed)
        .cast(pl.Date)
        .alias("review_due_on"),
    ).drop("gravest", "grave", "last_charged_on")


def duplicates(frame: pl.DataFrame, charged: int, seed: int, days: int, first_day: date) -> pl.DataFrame:
    """People who were entered twice: the second reference, from when, and when the two were found to be one.

    Columns `person`, `second_ref`, `split_on` (charges from then go under the second reference) and `merged_on`.
    """
    rng = stream(seed, "duplicates")
    count = round(charged * DUPLICATE_SHARE)
    who = np.sort(rng.choice(charged, count, replace=False))
    begin = rng.integers(0, days, count)
    found = begin + rng.integers(20, 500, count)
    return pl.DataFrame(
        {
            "person": who.astype(np.int32),
            "second_ref": frame["person_ref"].gather(who) + "D",
            "split_on": [first_day + timedelta(days=int(d)) for d in begin],
            "merged_on": [first_day + timedelta(days=int(d)) for d in found],
        },
        schema_overrides={"person": pl.Int32},
    )


def mixed(frame: pl.DataFrame, charges: pl.DataFrame, not_these: pl.Series, seed: int, last_day: date) -> pl.DataFrame:
    """Two people held under one reference until that was found: columns `person`, `own_ref`, `own_from`, `parted_on`.

    Charges brought from `own_from` belong to another person, who gets `own_ref` on `parted_on`, in the last half year.
    """
    rng = stream(seed, "mixed people")
    again = (
        charges.filter(~pl.col("person").is_in(not_these.implode()))
        .group_by("person")
        .agg(pl.col("charged_on").min().alias("first"), pl.col("charged_on").max().alias("own_from"))
        .filter((pl.col("own_from") > pl.col("first")) & (pl.col("own_from") < last_day - timedelta(days=190)))
        .sort("person")
    )
    count = min(len(again), max(2, round(len(frame) * MIXED_SHARE)))
    chosen = again[np.sort(rng.choice(len(again), count, replace=False))]
    parted = [last_day - timedelta(days=int(d)) for d in rng.integers(0, 180, count)]
    return pl.DataFrame(
        {
            "person": chosen["person"],
            "own_ref": frame["person_ref"].gather(chosen["person"].to_numpy()) + "S",
            "own_from": chosen["own_from"],
            "parted_on": parted,
        },
        schema_overrides={"parted_on": pl.Date},
    )
