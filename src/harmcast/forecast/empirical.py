"""Empirical Bayes: each unit's weighted count, shrunk to what its neighbourhood has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harmcast.forecast.baselines import Counts, Floats, as_share, weights_by_age
from harmcast.forecast.smoothing import kernel
from harmcast.places.grid import Units


@dataclass(frozen=True)
class Habits:
    """Hyper-parameters: half-life of a crime's weight (windows), reach of the neighbourhood (m), crimes' worth of the prior."""

    half_life_windows: float
    bandwidth_m: float
    prior_crimes: float


CANDIDATES: tuple[Habits, ...] = tuple(
    Habits(half_life, reach, worth)
    for half_life in (26.0, 52.0, 104.0)
    for reach in (600.0, 1200.0)
    for worth in (0.5, 1.0, 2.0, 4.0)
)


class EmpiricalBayes:
    """Shares of one set of units under any habits; keeps the kernels it has built."""

    def __init__(self, units: Units) -> None:
        self._units = units
        self._distances = units.distances_m()
        self._kernels: dict[float, np.ndarray] = {}

    def share(self, counts: Counts, habits: Habits) -> Floats:
        """Share of each unit in the crimes of the coming window, from (windows, units) counts before it.

        Posterior mean of a Gamma rate whose prior mean is the smoothed rate of the neighbourhood.
        Source: Marshall (1991), Applied Statistics 40, 283-294.
        """
        if habits.bandwidth_m not in self._kernels:
            self._kernels[habits.bandwidth_m] = kernel(self._distances, habits.bandwidth_m, self._units.land_m2)
        age = weights_by_age(len(counts), habits.half_life_windows)
        own = age @ counts.astype(np.float64)
        prior = self._kernels[habits.bandwidth_m] @ own
        typical = prior.mean()
        if typical <= 0:
            return as_share(self._units.land_m2)
        strength = habits.prior_crimes / typical
        return as_share((own + strength * prior) / (1.0 + strength))

    def choose(self, counts: Counts, trials: int = 13, candidates: Sequence[Habits] = CANDIDATES) -> Habits:
        """The habits that would have forecast the last `trials` windows best; the first candidate on a short history."""
        trials = min(trials, max(0, len(counts) - 13))
        best, best_score = candidates[len(candidates) // 2], -np.inf
        for habits in candidates if trials else ():
            score = sum(
                float(counts[t] @ np.log(self.share(counts[:t], habits)))
                for t in range(len(counts) - trials, len(counts))
            )
            if score > best_score:
                best, best_score = habits, score
        return best
