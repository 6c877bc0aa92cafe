"""Do records follow patrols? A check with a known size, the figures with and without patrolled cells, a simulation.

The check asks whether a cell patrolled more than it used to be brings more records afterwards than its forecast and its
own history give. Patrols early in a window are set against records late in it, and the records early in it are held
fixed, so that patrols sent where something has just happened are no alarm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harmcast.fairness.exposure import flagged
from harmcast.fairness.intervals import z_of
from harmcast.fairness.thresholds import Thresholds

Numbers = NDArray[np.float64]
LEAST_WINDOWS = 6
LEAST_RECORDS = 50


@dataclass(frozen=True)
class Feedback:
    """What the check found.

    Attributes:
        z: strength, standard normal where records do not follow patrols; None with `reason`.
        extra_share: more records late in the window for each standard deviation of early patrols, share; low, high
            are its 95% range.
        alarm: z above its threshold.
        records, windows: what it rests on.
    """

    z: float | None
    extra_share: float | None
    extra_low: float | None
    extra_high: float | None
    alarm: bool
    records: int
    windows: int
    reason: str | None = None


def panel(
    forecast: pl.DataFrame, crimes: pl.DataFrame, activity: pl.DataFrame, days: int = 28
) -> pl.DataFrame:
    """A row a cell and origin for the check, from dated crimes and patrols already placed in cells.

    Args:
        forecast: `origin, cell, expected`; origins that do not overlap.
        crimes: `cell, happened_on`; activity: `cell, started_on, minutes`.
        days: length of the window; its first half is early.
    Returns: origin, cell, expected, early, late (records), minutes (of patrols, early), minutes_all.
    """
    base = forecast.select("origin", "cell", "expected").sort("origin", "cell")
    half = days // 2
    counted = _window(
        crimes.select("cell", pl.col("happened_on").alias("on")), base["origin"].unique().to_list(), days
    )
    walked = _window(
        activity.select("cell", pl.col("started_on").alias("on"), "minutes"),
        base["origin"].unique().to_list(),
        days,
    )
    early = pl.col("day") < half
    records = counted.group_by("origin", "cell").agg(early.sum().alias("early"), (~early).sum().alias("late"))
    minutes = walked.group_by("origin", "cell").agg(
        pl.when(early).then(pl.col("minutes")).sum().round(6).alias("minutes"),
        pl.col("minutes").sum().round(6).alias("minutes_all"),
    )
    joined = base.join(records, on=["origin", "cell"], how="left").join(
        minutes, on=["origin", "cell"], how="left"
    )
    return joined.with_columns(
        pl.col("early", "late").fill_null(0).cast(pl.Int64), pl.col("minutes", "minutes_all").fill_null(0.0)
    ).sort("origin", "cell")


def _window(events: pl.DataFrame, origins: Sequence[date], days: int) -> pl.DataFrame:
    """Each event with the origin whose window holds it and the day within it; others dropped."""
    starts = pl.DataFrame({"origin": sorted(origins)}, schema={"origin": pl.Date}).with_columns(
        on=pl.col("origin")
    )
    placed = (
        events.with_columns(pl.col("on").cast(pl.Date))
        .sort("on")
        .join_asof(starts.sort("on"), on="on", strategy="backward")
    )
    return placed.with_columns(day=(pl.col("on") - pl.col("origin")).dt.total_days()).filter(
        pl.col("day") < days
    )


def check(rows: pl.DataFrame, thresholds: Thresholds) -> Feedback:
    """The check on a `panel` of several windows: a score test, patrols cleared of what forecast and history foretell.

    Records late in each window are fitted on the forecast, the records before and early in it and the cell's long
    mean; patrols early in it, as a departure from the cell's own past, on the same. What is left of both is multiplied
    and summed; its noise is taken over cells, so that neither overdispersion nor what is persistent in a cell matters.

    Source: score test with cluster-robust variance: Boos (1992), American Statistician 46, 327-333; both sides cleared
    of the same history as in Chernozhukov and others (2018), Econometrics Journal 21, C1-C68.
    """
    cells = rows["cell"].n_unique()
    windows = rows["origin"].n_unique()
    grid = rows.sort("origin", "cell")
    if grid.height != cells * windows:
        raise ValueError("the panel must hold every cell at every origin")
    late, early, expected, minutes = (
        grid[c].cast(pl.Float64).to_numpy().reshape(windows, cells)
        for c in ("late", "early", "expected", "minutes")
    )
    if windows < LEAST_WINDOWS or late.sum() < LEAST_RECORDS:
        reason = f"fewer than {LEAST_WINDOWS} windows or {LEAST_RECORDS} records"
        return Feedback(None, None, None, None, False, int(late.sum()), windows, reason)
    patrol = np.log1p(minutes)
    past_patrol, past_records = _past_mean(patrol), _past_mean(early + late)
    before = np.vstack([np.zeros((1, cells)), (early + late)[:-1]])
    use = slice(3, None)  # the first windows have too short a past
    y = late[use].ravel()
    moved = (patrol - past_patrol)[use].ravel()
    columns = [
        np.log(np.maximum(expected[use], 1e-4)).ravel(), np.log1p(early[use]).ravel(), np.log1p(before[use]).ravel(),
        np.log(past_records[use] + 0.05).ravel(), past_patrol[use].ravel(),
    ]  # fmt: skip
    x = np.column_stack([np.ones_like(y), *columns, *[c**2 for c in columns], _level(late[use])])
    if (minutes == minutes[0]).all():
        return Feedback(None, None, None, None, False, int(late.sum()), windows, "patrols never change")
    fitted = _poisson_fit(x, y)
    cleared = (
        moved - x @ np.linalg.lstsq(x * np.sqrt(fitted)[:, None], moved * np.sqrt(fitted), rcond=None)[0]
    )
    parts = ((y - fitted) * cleared).reshape(windows - 3, cells).sum(axis=0)
    score, noise = float(parts.sum()), float(np.sqrt((parts**2).sum()))
    information = float((fitted * cleared**2).sum())
    if noise == 0 or information == 0:
        return Feedback(
            None, None, None, None, False, int(late.sum()), windows, "patrols follow history wholly"
        )
    spread = float(np.sqrt((fitted * cleared**2).sum() / fitted.sum()))
    z = score / noise
    slope, half = score / information * spread, 1.96 * noise / information * spread
    share, low, high = (round(float(np.expm1(v)), 6) for v in (slope, slope - half, slope + half))
    alarm = z > z_of(2 * thresholds.feedback_error)
    return Feedback(round(z, 6), share, low, high, alarm, int(late.sum()), windows)


def _past_mean(values: Numbers) -> Numbers:
    """Mean of each cell over the windows before; the first window has 0."""
    running = np.vstack([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)[:-1]])
    return running / np.maximum(np.arange(len(values)), 1)[:, None]


def _level(late: Numbers) -> Numbers:
    """The log of each window's total, so that a level moving for the whole force is no evidence."""
    total = np.log(np.maximum(late.sum(axis=1), 1))
    return np.repeat(total - total.mean(), late.shape[1])


def _poisson_fit(x: Numbers, y: Numbers, steps: int = 30) -> Numbers:
    """Fitted means of a log-linear Poisson regression, lightly ridged so that empty directions do no harm."""
    scale = np.maximum(x.std(axis=0), 1e-9)
    scale[0] = 1.0
    design = (x - np.r_[0.0, x[:, 1:].mean(axis=0)]) / scale
    weights = np.zeros(x.shape[1])
    weights[0] = np.log(max(y.mean(), 1e-6))
    penalty = 1e-3 * np.eye(x.shape[1])
    penalty[0, 0] = 0
    for _ in range(steps):
        mean = np.exp(np.clip(design @ weights, -20, 10))
        step = np.linalg.solve(
            design.T @ (design * mean[:, None]) + penalty, design.T @ (y - mean) - penalty @ weights
        )
        weights = weights + step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-9))
        if np.abs(step).max() < 1e-8:
            break
    return np.asarray(np.exp(np.clip(design @ weights, -20, 10)))


def with_and_without(rows: pl.DataFrame, top: int = 20) -> pl.DataFrame:
    """The track record with every cell, with patrolled cells alone, and without them.

    Returns: part (`all cells`, `patrolled cells`, `cells not patrolled`), cell_windows, expected, recorded, ratio
        (recorded over expected), in_top (records in the `top` cells of each origin), hit_rate (of the part's records;
        null without any).
    """
    seen = rows.with_columns(
        recorded=pl.col("early") + pl.col("late"), top=flagged(rows, top), patrolled=pl.col("minutes_all") > 0
    )
    parts = [
        ("all cells", seen), ("patrolled cells", seen.filter("patrolled")), ("cells not patrolled", seen.filter(~pl.col("patrolled")))
    ]  # fmt: skip
    lines = []
    for name, part in parts:
        recorded, expected = int(part["recorded"].sum()), round(float(part["expected"].sum()), 6)
        hits = int(part.filter("top")["recorded"].sum())
        lines.append(
            {
                "part": name, "cell_windows": part.height, "expected": expected, "recorded": recorded,
                "ratio": recorded / expected if expected else None, "in_top": hits,
                "hit_rate": hits / recorded if recorded else None,
            }
        )  # fmt: skip
    return pl.DataFrame(lines)


def simulate(
    seed: int,
    follow_share: float,
    *,
    cells: int = 400,
    windows: int = 39,
    patrolled: int = 40,
    first: date = date(2023, 1, 2),
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A place where conduct never changes, patrols go where records were, and records may follow patrols.

    Args:
        follow_share: more records in a patrolled cell, as a share of what it would have brought; 0: none follow.
        patrolled: cells patrolled in each window: those with most records in the last three windows, and some by chance.
    Returns: a panel for `check`, its forecast being a weighted count of past records, and what became of the map:
        origin, patrolled_share (of records that lie in patrolled cells) and true_share (of the conduct there).
    """
    rng = np.random.default_rng(seed)
    rate = rng.gamma(0.4, 1.2, cells)
    level, heat = np.full(cells, rate.mean()), np.zeros((3, cells))
    rows, story = [], []
    for w in range(windows):
        by_chance = rng.choice(cells, patrolled // 4, replace=False)
        hottest = np.argsort(-(heat.sum(axis=0) + rng.random(cells) * 0.01))[: patrolled - len(by_chance)]
        here = np.zeros(cells, bool)
        here[hottest] = here[by_chance] = True
        minutes = np.where(here, rng.gamma(4, 60, cells), 0.0)
        early, late = (rng.poisson(rate / 2 * (1 + follow_share * here)) for _ in range(2))
        rows.append(
            pl.DataFrame(
                {
                    "origin": [first + timedelta(days=28 * w)] * cells, "cell": [f"c{i:04d}" for i in range(cells)],
                    "expected": level, "early": early, "late": late, "minutes": minutes, "minutes_all": 2 * minutes,
                }
            )
        )  # fmt: skip
        records = early + late
        story.append(
            {
                "origin": first + timedelta(days=28 * w),
                "patrolled_share": float(records[here].sum() / max(records.sum(), 1)),
                "true_share": float(rate[here].sum() / rate.sum()),
            }
        )
        level = 0.8 * level + 0.2 * records
        heat = np.vstack([heat[1:], records])
    return pl.concat(rows), pl.DataFrame(story)
