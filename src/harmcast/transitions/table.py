"""From points to chances: the table that is printed, and that every printed chance is read from.

t = points / 10. A stretch k (0 to 12 months; 12 to 24, none before) has logit h_k = a_k + b_k t with one slope b_k for
all landmarks and a level each. The level of today is filtered from landmarks a year apart (`level`). Chance within the
last stretch = 1 - product of (1 - h_k).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl

from harmcast.documents.person_model import ChanceRow, KeptStretch
from harmcast.transitions import level, ranges
from harmcast.transitions.regression import Array, chance, fit_logistic, sandwich

LEAST_BECAME = 20
DAYS_A_YEAR = 365.25


@dataclass(frozen=True)
class Stretch:
    """One stretch: level `a` with its predictive variance, slope `b` with its own, `centre` m, weights of the walk's step."""

    months: int
    a: float
    b: float
    variance_a: float
    variance_b: float
    centre: float
    became: int
    weights: tuple[float, ...]

    def logit(self, t: Array) -> Array:
        return np.asarray(self.a + self.b * t)

    def document(self) -> KeptStretch:
        return {
            "months": self.months, "a": self.a, "b": self.b, "variance_a": self.variance_a, "variance_b": self.variance_b, "centre": self.centre,
            "became": self.became,
        }  # fmt: skip


def fit_stretch(rows: pl.DataFrame, months: int, scored_on: date, before: Stretch | None = None, slope: float | None = None) -> Stretch | None:
    """The level of today and the slope of one stretch; None where fewer than LEAST_BECAME people became.

    Args:
        rows: landmark, person, points, y, weight: a row a person and landmark whose stretch is known.
        months: the stretch's last month. Its newest landmark lies so many months before `scored_on`, and so far ahead
            the level is looked at.
        before: the stretch before, whose weights of the walk's step this one starts from.
        slope: kept from a card fitted earlier; None: fitted here.
    """
    people_became = rows.filter(pl.col("y") == 1)["person"].n_unique()
    if people_became < LEAST_BECAME:
        return None
    held = rows.filter((pl.col("y") == 1).any().over("landmark"))
    days = held["landmark"].unique().sort().to_list()
    place = held["landmark"].rank("dense").to_numpy().astype(np.int64) - 1
    t, y, weight = (held[name].cast(pl.Float64).to_numpy() for name in ("points", "y", "weight"))
    t = t / 10.0
    clock = (place[:, None] == np.arange(1, len(days))[None, :]).astype(np.float64)
    if slope is None:
        first, found = fit_logistic(np.column_stack([clock, t]), y, 1e-6, [0] * (len(days) - 1) + [1], weight)
        b, starts = float(found[-1]), np.append(first, first + found[:-1])
    else:
        b, starts = slope, np.array([level_at(slope * t[place == k], y[place == k], weight[place == k]) for k in range(len(days))])
    p = chance(starts[place] + b * t)
    design = np.column_stack([np.ones(len(t)), clock, t])
    of_b = float(sandwich(design, y, p, held["person"].to_numpy().astype(np.int64), 1e-6, weight)[-1, -1])
    of_levels = 1.0 / np.bincount(place, weight * p * (1 - p), len(days))
    yearly = _a_year_apart(days)
    years = [(days[j] - days[i]).days / DAYS_A_YEAR for i, j in pairwise(yearly)]
    ahead = (scored_on - days[yearly[-1]]).days / DAYS_A_YEAR
    now = level.level_ahead(
        [float(starts[k]) for k in yearly],
        [float(of_levels[k]) for k in yearly],
        years,
        ahead,
        None if before is None else np.asarray(before.weights),
    )
    centre = float(np.average(t, weights=weight * y))
    return Stretch(months, now.mean, b, now.variance, of_b, centre, people_became, now.weights)


def level_at(offset: Array, y: Array, weight: Array) -> float:
    """The intercept at which, beside the offset, so many are expected as became: Newton steps on one number."""
    a, came = 0.0, float((weight * y).sum())
    for _ in range(100):
        p = chance(a + offset)
        step = (came - float((weight * p).sum())) / max(float((weight * p * (1 - p)).sum()), 1e-9)
        a += float(np.clip(step, -2.0, 2.0))
        if abs(step) < 1e-10:
            break
    return a


def _a_year_apart(days: Sequence[date]) -> list[int]:
    """Places of the newest day and of those at least a year (less a week) before the one kept last; oldest first."""
    kept = [len(days) - 1]
    for k in range(len(days) - 2, -1, -1):
        if (days[kept[-1]] - days[k]).days >= 358:
            kept.append(k)
    return kept[::-1]


def chances_of_points(stretches: Sequence[Stretch], points: Array) -> list[Array]:
    """Chance of becoming by the end of each stretch, a value a sum of points; never falling along stretches."""
    none_yet, out = np.ones(len(points)), []
    for stretch in stretches:
        none_yet = none_yet * (1 - chance(stretch.logit(points / 10.0)))
        out.append(1 - none_yet)
    return out


def chance_table(stretches: Sequence[Stretch], most: int, of_years: float, halving: Sequence[float]) -> list[ChanceRow]:
    """A row for each sum of points from 0 to `most`: points, and for each horizon chance, range and group range.

    Args: `of_years`: predictive variance of the calibration slope; `halving`: a deviation a horizon (`ranges.between_people`).
    """
    points = np.arange(most + 1, dtype=np.float64)
    t = points / 10.0
    opens = [ranges.level_and_slope(np.full(len(t), s.variance_a), s.b, s.variance_b, of_years, t - s.centre) for s in stretches]
    hazards = [chance(s.logit(t)) for s in stretches]
    columns: dict[str, list[float]] = {}
    last_low = last_high = np.zeros(len(t))
    for k, p in enumerate(chances_of_points(stretches, points)):
        months = stretches[k].months
        v = ranges.over_stretches(opens[: k + 1], hazards[: k + 1])
        low, high = ranges.person_range(p, v, ranges.between_people(halving[k]))
        last_low, last_high = np.maximum(low, last_low), np.maximum(high, last_high)
        group_low, group_high = ranges.group_range(p, v)
        ends = {"": p, "_low": last_low, "_high": last_high, "_group_low": group_low, "_group_high": group_high}
        columns |= {f"p{months}{name}": [float(v) for v in values] for name, values in ends.items()}
    return [{"points": int(k), **{name: values[int(k)] for name, values in columns.items()}} for k in points]
