"""`make bench-fairness`: the audit, its proxy tests, the feedback check and the monitor, each beside what is asked.

Real people's data come from the folder that HARMCAST_DATA names; without it those parts are left out aloud.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from harmcast.fairness import audit, feedback, proxies
from harmcast.fairness.groups import Groups, groups_of, read_groups
from harmcast.fairness.thresholds import Thresholds
from harmcast.fairness.verdicts import Audit

TO = date(2026, 11, 15)
SEEDS = 20
PEOPLE, YEARS = 20_000, 6
OVER_POLICING = 0.7  # log odds of a charge for what police find: odds doubled
FEEDBACK = 0.5
GRAVE = ("001", "002", "004", "005", "008/01", "008/59", "017", "019", "020", "028", "034")
RESULTS: list[tuple[str, str, str, bool]] = []


def say(what: str, asked: str, got: str, held: bool) -> None:
    RESULTS.append((what, asked, got, held))
    print(f"  {'ok  ' if held else 'MISS'} {what}: asked {asked}; got {got}", flush=True)


# --- the invented force: people ---------------------------------------------------------------------------------


def people_of_invented(seed: int, over_policing: float) -> Audit:
    """The audit of a plain score on an invented force, at an origin a year before its end.

    The score: a logistic regression on recency, frequency and severity of charges that stood at the origin; the
    outcome: a grave charge within 12 months. Both as recorded, so both carry what was planted.
    """
    from harmcast.feed.invented import Plan, make

    force = make(Plan(PEOPLE, YEARS, seed, TO, over_policing=over_policing, crimes_a_year=60_000))
    origin = TO - timedelta(days=364)
    refs = force.people.frame["person_ref"]
    charges = force.charges.with_columns(person_ref=refs.gather(force.charges["person"].to_numpy()))
    grave = pl.any_horizontal(pl.col("offence_code").str.starts_with(code) for code in GRAVE)
    before = charges.filter(pl.col("charged_on") < origin).with_columns(grave=grave)
    people = before.group_by("person_ref").agg(
        pl.len().alias("charges"), pl.col("grave").sum().alias("grave"), pl.col("offence_code").n_unique().alias("breadth"),
        ((pl.lit(origin) - pl.col("charged_on").max()).dt.total_days() / 365.25).alias("years_since"),
        (pl.col("charged_on") >= origin - timedelta(days=365)).sum().alias("charges_12m"),
    ).sort("person_ref")  # fmt: skip
    later = charges.filter(grave & (pl.col("charged_on") >= origin)).select("person_ref").unique()
    became = people["person_ref"].is_in(later["person_ref"].implode())
    features = people.drop("person_ref")
    chance = _logistic(features, became)
    groups = read_groups(force.people.frame.join(people, on="person_ref", how="semi"), origin)
    known = charges.with_columns(
        outcome=pl.when(pl.col("outcome_on") <= TO).then("outcome").otherwise(pl.lit("charged"))
    )
    scored = people.select("person_ref").with_columns(
        chance=pl.Series(chance), selected=pl.Series(chance >= np.quantile(chance, 0.9))
    )
    return audit.audit_people(
        scored, people, groups, people.select("person_ref").with_columns(became=became), None, Thresholds(), charges=known
    )


def _logistic(features: pl.DataFrame, became: pl.Series) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x = np.log1p(features.cast(pl.Float64).to_numpy())
    y = became.cast(pl.Int64).to_numpy()
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(x, y)
    return np.asarray(model.predict_proba(x)[:, 1])


# --- drifts ------------------------------------------------------------------------------------------------------

DRIFTS: dict[str, str] = {
    "input_weapon": "a third of knives come as unknown",
    "input_injury": "minor injuries come as unknown, half of them",
    "input_place": "one crime in ten loses its place",
    "input_delay": "recording takes three days longer",
    "score_scale": "every cell's expected number is a quarter too high",
    "score_flat": "the map is half flattened",
    "level_fall": "a quarter of crimes is no longer sent",
    "level_rise": "recorded serious violence rises by a third",
}
LEVEL_TOOL = ("001", "002", "004/01", "005", "008/01", "008/06", "008/59")
WEEKS_WATCHED, DRIFT_WEEK = 156, 130


def watched(seed: int, drift: str | None) -> pl.DataFrame:
    """Three years of weekly rows from an invented force; from week 130 one thing is different, if a drift is named."""
    from harmcast.evaluate import streams
    from harmcast.feed.invented import Plan, make

    force = make(Plan(200, 4, seed, TO, crimes_a_year=60_000))
    first = TO + timedelta(days=1 - 7 * WEEKS_WATCHED)
    begins = first + timedelta(days=7 * DRIFT_WEEK)
    crimes = force.crimes.select("offence_code", "happened_from", "recorded_at", "easting_m", "northing_m", "weapon", "injury")
    rng = np.random.default_rng(seed + 1000)
    crimes = _drifted(crimes, drift, begins, rng)
    late = (pl.col("recorded_at") - pl.col("happened_from")).dt.total_seconds() / 86_400
    seen = crimes.filter(
        (pl.col("recorded_at").cast(pl.Date) >= first) & (pl.col("recorded_at").cast(pl.Date) <= TO)
    ).with_columns(no_place=pl.col("easting_m").is_null(), days_late=late)
    rows = [
        streams.flows(
            seen, "recorded_at",
            {"weapon": None, "injury": None, "no_place": None, "days_late": (0.0, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 91.0)}, "crimes",
        )
    ]  # fmt: skip
    rows += _forecasts(crimes, first, drift, begins)
    return pl.concat(rows)


def _drifted(crimes: pl.DataFrame, drift: str | None, begins: date, rng: np.random.Generator) -> pl.DataFrame:
    from datetime import datetime

    after = pl.col("recorded_at") >= datetime.combine(begins, datetime.min.time())
    hit = pl.Series("hit", rng.random(crimes.height))
    frame = crimes.with_columns(hit)
    if drift == "input_weapon":
        lost = after & (pl.col("weapon") == "knife") & (pl.col("hit") < 1 / 3)
        frame = frame.with_columns(weapon=pl.when(lost).then(pl.lit("unknown")).otherwise("weapon"))
    if drift == "input_injury":
        lost = after & (pl.col("injury") == "minor") & (pl.col("hit") < 0.5)
        frame = frame.with_columns(injury=pl.when(lost).then(pl.lit("unknown")).otherwise("injury"))
    if drift == "input_place":
        lost = after & (pl.col("hit") < 0.1)
        frame = frame.with_columns(pl.when(~lost).then(pl.col("easting_m")), pl.when(~lost).then(pl.col("northing_m")))
    if drift == "input_delay":
        frame = frame.with_columns(recorded_at=pl.when(after).then(pl.col("recorded_at").dt.offset_by("3d")).otherwise("recorded_at"))
    if drift == "level_fall":
        frame = frame.filter(~after | (pl.col("hit") >= 0.25))
    if drift == "level_rise":
        frame = pl.concat([frame, frame.filter(after & (pl.col("hit") < 1 / 3))])
    return frame.drop("hit")


def _forecasts(crimes: pl.DataFrame, first: date, drift: str | None, begins: date) -> list[pl.DataFrame]:
    """A forecast a week: the shipped level, shared out by weighted counts; cells as scores, its last week as level."""
    from harmcast.evaluate import streams
    from harmcast.forecast.level import LevelBank

    counted = pl.any_horizontal(pl.col("offence_code").str.starts_with(code) for code in LEVEL_TOOL)
    own = crimes.filter(counted & pl.col("easting_m").is_not_null()).select(
        week=((pl.col("happened_from").cast(pl.Date) - pl.lit(first)).dt.total_days() // 7),
        cell=(pl.col("easting_m") // 1000).cast(pl.Int64) * 10_000 + (pl.col("northing_m") // 1000).cast(pl.Int64),
    )
    names = own["cell"].unique().sort()
    start = int(own["week"].min())  # type: ignore[arg-type]
    counts = np.zeros((WEEKS_WATCHED - start, len(names)))
    kept = own.filter(pl.col("week") < WEEKS_WATCHED)
    np.add.at(counts, (kept["week"].to_numpy() - start, np.searchsorted(names.to_numpy(), kept["cell"].to_numpy())), 1)
    totals = counts.sum(axis=1)
    origins = list(range(13, len(totals)))
    first_week = (first + timedelta(days=7 * start) - date(2000, 1, 3)).days // 7
    levels, _ = LevelBank(4).forecasts(totals, np.ones(len(totals)), first_week, origins)
    share, rows = counts[:1].mean(axis=0) + 0.01, []
    day_of_drift = (begins - first).days // 7
    for w in range(start, WEEKS_WATCHED):
        if w >= 0:
            week = first + timedelta(days=7 * w)
            expected = levels[w - start].mean * share / share.sum()
            if w >= day_of_drift and drift == "score_scale":
                expected = expected * 1.25
            if w >= day_of_drift and drift == "score_flat":
                expected = 0.5 * expected + 0.5 * expected.mean()
            rows.append(streams.scores(week, "serious_violence.expected", pl.Series(expected), streams.EXPECTED_EDGES))
            rows.append(streams.level(week, "serious_violence", totals[w - start], levels[w - start - 3].mean / 4))
        share = share * 0.5 ** (1 / 104) + counts[w - start]
    return rows


def weeks_to_alarm(seed: int, drift: str | None) -> tuple[dict[str, int | None], int]:
    """Weeks from the drift to the first alarm of each kind, and alarms before it (in the 104 weeks the charts spoke)."""
    from harmcast.evaluate.monitor import monitor

    rows = watched(seed, drift)
    found = monitor(rows).alarms
    begins = TO + timedelta(days=1 - 7 * WEEKS_WATCHED) + timedelta(days=7 * DRIFT_WEEK)
    took: dict[str, int | None] = {}
    for kind in ("input", "score", "level"):
        after = found.filter((pl.col("kind") == kind) & (pl.col("week") >= begins))
        took[kind] = None if after.is_empty() else (after["week"].min() - begins).days // 7 + 1  # type: ignore[operator]
    return took, found.filter(pl.col("week") < begins).height
