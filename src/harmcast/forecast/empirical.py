"""Empirical Bayes: each unit's weighted count, shrunk to what its neighbourhood has."""

from __future__ import annotations

import itertools

import numpy as np

from harmcast.forecast.baselines import Counts, Floats, Share, as_share, best_before, weights_by_age
from harmcast.forecast.smoothing import kernel
from harmcast.places.grid import Units

HALF_LIVES, REACHES_M, WORTHS = (26.0, 52.0, 104.0), (1200.0, 600.0), (0.5, 1.0, 2.0, 4.0)


def empirical_bayes(units: Units, counts: Counts) -> Share:
    """Posterior mean of a Gamma rate whose prior mean is the smoothed rate of the neighbourhood, as a share.

    Half-life of a crime's weight (windows), reach of the neighbourhood (m) and crimes' worth of the prior are those that would have
    forecast the last year of `counts` best.
    Source: Marshall (1991), Applied Statistics 40, 283-294.
    """
    distances = units.distances_m()
    kernels = {reach: kernel(distances, reach, units.land_m2) for reach in REACHES_M}

    def shrunk(half_life: float, reach: float, worth: float) -> Share:
        def share(seen: Counts) -> Floats:
            own = weights_by_age(len(seen), half_life) @ seen.astype(np.float64)
            prior = kernels[reach] @ own
            typical = prior.mean()
            return as_share(own + worth / typical * prior) if typical > 0 else as_share(units.land_m2)

        return share

    return best_before([shrunk(*habits) for habits in itertools.product(HALF_LIVES, REACHES_M, WORTHS)], counts)
