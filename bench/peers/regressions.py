"""Peers that regress counts on features of the past: negative binomial GLM, LightGBM, random forest.

Trained at the first origin on the windows before it and refitted once a year; every prediction is rescaled to the plain
level, without which each of them loses on every panel.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from harmcast.forecast import bank, baselines, shipped
from harmcast.forecast.ranges import Prediction
from harmcast.places.counts import Panel

TRAIN_WINDOWS = 39
REFIT_WINDOWS = 13
Predict = Callable[[np.ndarray], np.ndarray]


def _rows(panel: Panel, around: bank.Surroundings, positions: list[int]) -> np.ndarray:
    """(positions, units, features): logarithms of the bank's shares over the exposure."""
    history = bank.History(panel.weekly, panel.leading, around, positions, panel.near)
    members = np.stack([history.shares(k) for k in range(len(positions))])
    return np.log(members + 0.05 * around.exposure).transpose(0, 2, 1) - np.log(around.exposure)[None, :, None]


def _refitted(first: Panel, fit: Callable[[np.ndarray, np.ndarray, np.ndarray], Predict]) -> shipped.Model:
    around = bank.surroundings(first.units)
    state: dict[str, object] = {}

    def model(panel: Panel) -> Prediction:
        weeks, horizon = len(panel.weekly), panel.horizon_weeks
        since = (weeks - len(first.weekly)) // horizon
        if state.get("fitted") != since // REFIT_WINDOWS:
            trained = min(TRAIN_WINDOWS, weeks // horizon - 13)
            positions = [weeks - horizon * k for k in range(trained, 0, -1)]
            x = _rows(panel, around, positions)
            y = np.stack([panel.weekly[t : t + horizon].sum(axis=0) for t in positions]).astype(float)
            totals = np.repeat(y.sum(axis=1), y.shape[1])
            offset = np.log(np.maximum(totals, 1.0) * np.tile(around.exposure, len(y)))
            state["predict"] = fit(x.reshape(-1, x.shape[2]), y.ravel(), offset)
            state["fitted"] = since // REFIT_WINDOWS
        predict: Predict = state["predict"]  # type: ignore[assignment]
        relative = predict(_rows(panel, around, [weeks])[0])
        share = baselines.as_share(np.maximum(relative, 1e-9) * around.exposure)
        expected = np.maximum(shipped.level(panel) * share, 1e-12)
        return Prediction(expected, np.zeros(len(expected)))

    return model


def negative_binomial(first: Panel) -> shipped.Model:
    """Ridge negative binomial regression (glum)."""

    def fit(x: np.ndarray, y: np.ndarray, offset: np.ndarray) -> Predict:
        from glum import GeneralizedLinearRegressor, NegativeBinomialDistribution

        centre, scale = x.mean(axis=0), x.std(axis=0) + 1e-9
        found = GeneralizedLinearRegressor(family=NegativeBinomialDistribution(theta=0.2), link="log", alpha=1e-4, l1_ratio=0)
        found.fit((x - centre) / scale, y, offset=offset)
        return lambda rows: np.exp(np.clip(found.intercept_ + ((rows - centre) / scale) @ found.coef_, -12, 12))

    return _refitted(first, fit)


def lightgbm(first: Panel, seed: int) -> shipped.Model:
    """Gradient-boosted trees, Tweedie loss."""

    def fit(x: np.ndarray, y: np.ndarray, offset: np.ndarray) -> Predict:
        import lightgbm as gbm

        data = gbm.Dataset(x, label=y, init_score=offset)
        settings = {"objective": "tweedie", "tweedie_variance_power": 1.1, "learning_rate": 0.05, "num_leaves": 15,
                    "min_data_in_leaf": 200, "lambda_l2": 10.0, "feature_fraction": 0.7, "bagging_fraction": 0.8,
                    "bagging_freq": 1, "seed": seed, "num_threads": 1, "deterministic": True, "verbose": -1}  # fmt: skip
        found = gbm.train(settings, data, num_boost_round=150)
        return lambda rows: np.exp(np.clip(np.asarray(found.predict(rows, raw_score=True)), -12, 12))

    return _refitted(first, fit)


def random_forest(first: Panel, seed: int) -> shipped.Model:
    """Random forest on the count over what the exposure alone would give."""

    def fit(x: np.ndarray, y: np.ndarray, offset: np.ndarray) -> Predict:
        from sklearn.ensemble import RandomForestRegressor

        found = RandomForestRegressor(100, min_samples_leaf=50, max_features=0.4, max_samples=0.5, n_jobs=1, random_state=seed)
        found.fit(x, y / np.exp(offset), sample_weight=np.exp(offset))
        return lambda rows: np.asarray(found.predict(rows))

    return _refitted(first, fit)
