"""Challengers on the same landmarks and features: random forest, LightGBM, the recency-frequency-severity rule, survival.

Measured, never shipped. Each gives a chance a horizon from the panel known on the landmark. The survival model is
gradient-boosted in discrete time: one hazard a quarter of a year, the quarter itself a column, so that a landmark whose
horizon is not over yet still teaches what its first quarters showed.
Source: Tutz and Schmid (2016), Modeling Discrete Time-to-Event Data, chapters 3 and 7.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from harmcast.people.features import NAMES as FEATURE_NAMES
from harmcast.transitions import refit
from harmcast.transitions.landmarks import People, panel
from harmcast.transitions.model import matrix, stretch_rows
from harmcast.transitions.regression import chance, fit_logistic

NAMES = ("rfs_rule", "forest", "lightgbm", "survival")
QUARTER_MONTHS = 3
Array = np.ndarray[Any, np.dtype[np.float64]]


def _rfs(x: Array, y: Array, test: Array) -> Array:
    """Recency, frequency, severity: a logistic line in three numbers."""
    columns = [FEATURE_NAMES.index(n) for n in ("months_since_last", "events_all", "harm_share")]

    def z(rows: Array) -> Array:
        return np.log(rows[:, columns] + np.array([1.0, 1.0, 0.01]))

    intercept, slopes = fit_logistic(z(x), y, 1e-3)
    return np.asarray(chance(intercept + z(test) @ slopes))


def _forest(x: Array, y: Array, test: Array) -> Array:
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(500, min_samples_leaf=10, max_features="sqrt", n_jobs=1, random_state=20).fit(x, y)
    return np.asarray(model.predict_proba(test)[:, 1])


def _lightgbm(x: Array, y: Array, test: Array) -> Array:
    import lightgbm

    model = lightgbm.LGBMClassifier(
        n_estimators=150, learning_rate=0.03, num_leaves=8, min_child_samples=30, reg_lambda=5.0, n_jobs=1,
        random_state=20, deterministic=True, verbose=-1,
    ).fit(x, y)  # fmt: skip
    return np.asarray(model.predict_proba(test)[:, 1])


_FITS: dict[str, Callable[[Array, Array, Array], Array]] = {"rfs_rule": _rfs, "forest": _forest, "lightgbm": _lightgbm}


def quarters(learn: pl.DataFrame, months: Sequence[int]) -> tuple[Array, Array]:
    """A row a person, landmark and quarter they were at risk in and that is over: features and the quarter; whether they became then."""
    rows, came = [], []
    for k in range(len(months)):
        own = stretch_rows(learn, months, k)
        rows.append(np.column_stack([matrix(own), np.full(own.height, float(k))]))
        came.append(own["y"].to_numpy())
    return np.concatenate(rows), np.concatenate(came)


def _survival(people: People, day: date, test: Array, months: Sequence[int]) -> list[Array]:
    """Chance within each horizon from the hazards of its quarters."""
    ends = list(range(QUARTER_MONTHS, months[-1] + 1, QUARTER_MONTHS))
    learn = panel(people, refit.training_days(day, months), ends, day)
    x, y = quarters(learn, ends)
    tests = np.concatenate([np.column_stack([test, np.full(len(test), float(k))]) for k in range(len(ends))])
    hazards = np.split(_lightgbm(x, y, tests), len(ends))
    left = np.cumprod([1 - hazard for hazard in hazards], axis=0)
    return [1 - left[ends.index(horizon)] for horizon in months]


def beside(people: People, judged: pl.DataFrame, days: Sequence[date], months: Sequence[int]) -> pl.DataFrame:
    """`judged` with columns of the challengers beside."""
    tables = []
    for day in days:
        part = judged.filter(pl.col("landmark") == day)
        if part.is_empty():
            continue
        learn = panel(people, refit.training_days(day, months), months, day)
        rows = panel(people, [day], months, day).join(part.select("person_ref"), on="person_ref", how="semi")
        test = matrix(rows)
        columns = {}
        for name in _FITS:
            none_yet = np.ones(len(test))
            for k, horizon in enumerate(months):
                own = stretch_rows(learn, months, k)
                none_yet = none_yet * (1 - _FITS[name](matrix(own), own["y"].to_numpy(), test))
                columns[f"{name}_{horizon}m"] = 1 - none_yet
        for horizon, given in zip(months, _survival(people, day, test, months), strict=True):
            columns[f"survival_{horizon}m"] = given
        tables.append(part.join(rows.select("person_ref", *(pl.Series(k, v) for k, v in columns.items())), on="person_ref"))
    return pl.concat(tables)
