"""The level of the chances today, and how sure it is: a random walk over past landmarks, and a slope that varies by year.

Charging drifts. A level pooled over all landmarks is late where it does; the newest alone is noise where it does not.
The walk's step is averaged over what the landmarks themselves allow, so it follows no more than they show.
Source: local level model, Harvey (1989), Forecasting, Structural Time Series Models and the Kalman Filter, chapter 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harmcast.transitions.regression import Array

STEP_PRIOR = 0.15  # half-normal, logit a year
STEPS = (np.arange(30) + 0.5) / 30 * 0.6  # midpoints: four prior deviations wide
SLOPE_PRIOR = 0.15  # on the mean slope around 1, and between years


@dataclass(frozen=True)
class LevelAhead:
    """Mean and predictive variance of a level (logit), and the weight of each of STEPS after it."""

    mean: float
    variance: float
    weights: tuple[float, ...]


def prior_weights() -> Array:
    """Half-normal prior on the step of the walk, on STEPS; sums to 1."""
    density = np.exp(-0.5 * (STEPS / STEP_PRIOR) ** 2)
    return np.asarray(density / density.sum())


def filtered(levels: Sequence[float], variances: Sequence[float], years: Sequence[float], ahead: float, step: float) -> tuple[float, float, float]:
    """Mean and variance of the level `ahead` years after the last one seen, and the log likelihood, at one step.

    Args: `levels` seen with noise of `variances`, oldest first; `years`: from each to the next (one fewer).
    """
    mean, variance, loglik = levels[0], variances[0], 0.0  # nothing is known before the first
    for level, noise, gap in zip(levels[1:], variances[1:], years, strict=True):
        variance += step**2 * gap
        spread = variance + noise
        loglik -= 0.5 * (np.log(spread) + (level - mean) ** 2 / spread)
        gain = variance / spread
        mean, variance = mean + gain * (level - mean), variance * (1 - gain)
    return float(mean), float(variance + step**2 * ahead), float(loglik)


def level_ahead(
    levels: Sequence[float], variances: Sequence[float], years: Sequence[float], ahead: float, weights: Array | None = None
) -> LevelAhead:
    """The level `ahead` years after the newest landmark, averaged over the step of the walk.

    Args: `weights`: of STEPS before these landmarks are seen; None: the prior.
    """
    start = prior_weights() if weights is None else weights
    found = [filtered(levels, variances, years, ahead, float(step)) for step in STEPS]
    means, spreads, logs = (np.array(column) for column in zip(*found, strict=True))
    after = start * np.exp(logs - logs.max())
    after = after / after.sum()
    mean = float(after @ means)
    return LevelAhead(mean, float(after @ (spreads + (means - mean) ** 2)), tuple(float(w) for w in after))


@dataclass(frozen=True)
class Slope:
    """Calibration slope over years as random effects: mean with its standard deviation, and the variance of a new year's."""

    mean: float
    deviation: float
    variance: float

    @property
    def low(self) -> float:
        return self.mean - 1.959963984540054 * self.deviation

    @property
    def high(self) -> float:
        return self.mean + 1.959963984540054 * self.deviation


def slope_of_years(slopes: Sequence[float], errors: Sequence[float]) -> Slope:
    """Random effects over years: prior N(1, .15 squared) on the mean, half-normal .15 between years, by a grid.

    Args: `slopes` with standard `errors`, a value a year; none: the prior alone.
    """
    seen, noise = np.asarray(slopes, dtype=np.float64), np.asarray(errors, dtype=np.float64) ** 2
    between = STEPS * (SLOPE_PRIOR / STEP_PRIOR)
    weights, means, variances = prior_weights(), np.zeros(len(between)), np.zeros(len(between))
    logs = np.zeros(len(between))
    for k, tau in enumerate(between):
        spread = noise + tau**2
        precision = 1 / SLOPE_PRIOR**2 + (1 / spread).sum()
        means[k] = (1 / SLOPE_PRIOR**2 + (seen / spread).sum()) / precision
        variances[k] = 1 / precision
        # Marginal likelihood of the slopes with the mean integrated out.
        together = np.diag(spread) + SLOPE_PRIOR**2
        off = seen - 1
        if len(seen):
            logs[k] = -0.5 * (np.linalg.slogdet(together)[1] + off @ np.linalg.solve(together, off))
    after = weights * np.exp(logs - logs.max())
    after = after / after.sum()
    mean = float(after @ means)
    of_mean = float(after @ (variances + (means - mean) ** 2))
    return Slope(mean, float(np.sqrt(of_mean)), of_mean + float(after @ between**2))
