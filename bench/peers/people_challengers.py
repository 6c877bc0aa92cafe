"""Challengers on the same landmarks and features: random forest, LightGBM, the recency-frequency-severity rule.

Measured, never shipped. Each gives a chance a horizon from the panel known on the landmark.
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

NAMES = ("rfs_rule", "forest", "lightgbm")
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
        for name in NAMES:
            none_yet = np.ones(len(test))
            for k, horizon in enumerate(months):
                own = stretch_rows(learn, months, k)
                none_yet = none_yet * (1 - _FITS[name](matrix(own), own["y"].to_numpy(), test))
                columns[f"{name}_{horizon}m"] = 1 - none_yet
        tables.append(part.join(rows.select("person_ref", *(pl.Series(k, v) for k, v in columns.items())), on="person_ref"))
    return pl.concat(tables)
