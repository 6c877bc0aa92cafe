"""ETAS, the self-exciting point process of the PredPol family, on cells and weeks, fitted by expectation-maximisation.

Source: Mohler and others (2015), JASA 110, 1399-1411: background rate a cell, each crime raises its own cell's rate
by theta, fading exponentially.
"""

from __future__ import annotations

import numpy as np

from harmcast.forecast import baselines, shipped
from harmcast.forecast.ranges import Prediction
from harmcast.places.counts import Panel

FADES_A_WEEK = (0.05, 0.15, 0.5)
HISTORY_WEEKS = 156


def etas(first: Panel) -> shipped.Model:
    """Cells' rates of the coming window by EM on the last three years, rescaled to the plain level."""

    def model(panel: Panel) -> Prediction:
        weekly = panel.weekly[-HISTORY_WEEKS:].astype(float)
        background, theta = _fit(weekly)
        horizon = panel.horizon_weeks
        excess = np.zeros(weekly.shape[1])
        for fade, strength in zip(FADES_A_WEEK, theta, strict=True):
            age = np.arange(len(weekly))[::-1]
            left = np.exp(-fade * age) * (1 - np.exp(-fade * horizon)) / fade
            excess += strength * fade * (left @ weekly)
        share = baselines.as_share(background * horizon + excess)
        expected = np.maximum(shipped.level(panel) * share, 1e-12)
        return Prediction(expected, np.zeros(len(expected)))

    return model


def _fit(weekly: np.ndarray, steps: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Background rate a cell and week, and the crimes each crime triggers by each fade."""
    weeks, n = weekly.shape
    stirred = np.zeros((len(FADES_A_WEEK), weeks, n))
    for k, fade in enumerate(FADES_A_WEEK):
        for t in range(1, weeks):
            stirred[k, t] = np.exp(-fade) * stirred[k, t - 1] + fade * weekly[t - 1]
    background = weekly.mean(axis=0) * 0.5 + weekly.mean() * 0.1
    theta = np.full(len(FADES_A_WEEK), 0.1)
    for _ in range(steps):
        rate = background + np.einsum("k,ktn->tn", theta, stirred)
        part = weekly / np.maximum(rate, 1e-12)
        own = (background * part).sum(axis=0)
        background = (own + 0.5 * weekly.mean() * 1.0) / (weeks + 0.5)
        theta = theta * np.einsum("tn,ktn->k", part, stirred) / np.maximum(stirred.sum(axis=(1, 2)), 1e-9)
    return background, theta
