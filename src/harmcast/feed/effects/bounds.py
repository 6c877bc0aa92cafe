"""Between which values a count or a share is as it was before: one bound for every check.

Robust where counts are large (median and median absolute deviation), exact where they are small (tails of the Poisson, or
of the negative binomial where the past scatters more).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LEAST_WEEKS = 12
WEEKS_COMPARED = 52
MAD_TO_SD = 1.4826
SMALL = 10.0  # a median of fewer says too little: the mean is taken


def bound(past: Sequence[float], deviations: float, weeks: int = 1) -> tuple[float, float] | None:
    """Low and high of a count over `weeks` weeks, given the weekly counts before; None with fewer than 12 of them."""
    from scipy import stats

    if len(past) < LEAST_WEEKS:
        return None
    sums = np.convolve(np.asarray(past, float), np.ones(weeks), "valid")
    median = float(np.median(sums))
    middle = max(median if median >= SMALL else float(sums.mean()), 0.5 / len(sums))
    variance = max((MAD_TO_SD * float(np.median(np.abs(sums - median)))) ** 2, middle)
    tail = float(stats.norm.sf(deviations))
    if variance <= middle * 1.001:
        spread = stats.poisson(middle)
    else:
        spread = stats.nbinom(middle**2 / (variance - middle), middle / variance)
    return float(spread.ppf(tail)), float(spread.isf(tail))


def share_bound(usual: float, n: int, deviations: float) -> tuple[float, float]:
    """Low and high of a share of `n`, given the usual share: exact binomial tails."""
    from scipy import stats

    tail = float(stats.norm.sf(deviations))
    spread = stats.binom(n, min(max(usual, 0.5 / max(n, 1)), 1.0))
    return float(spread.ppf(tail)) / max(n, 1), float(spread.isf(tail)) / max(n, 1)


def at_most(n: int, least: int, share: float) -> int:
    """A cap of so many, or of a share of `n` where that is more: max(20, 1%), say."""
    return max(least, int(share * n))
