"""Between which values a count or a share is as it was before: one bound for every check.

Robust where counts are large (median, and the scatter of all but the wildest weeks), exact where they are small (tails of
the Poisson, or of the negative binomial where the past scatters more).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LEAST_WEEKS = 12
WEEKS_COMPARED = 52
WINDOWS = (1, 4)  # weeks that are looked at as one sum
MAD_TO_SD = 1.4826
DRAWN_IN = 0.1  # share of the sums at either end that is taken for the next one inwards
DRAWN_IN_VARIANCE = 0.68  # what that leaves of the variance of a normal
MOST_WIDER = 2.25  # times the variance by the median deviation: a past with many wild weeks widens a bound by half at most
SMALL = 10.0  # a median of fewer says too little: the mean is taken


def bound(past: Sequence[float], deviations: float, weeks: int = 1) -> tuple[float, float] | None:
    """Low and high of a count over `weeks` weeks, given the weekly counts before; None with fewer than 12 of them."""
    from scipy import stats

    if len(past) < LEAST_WEEKS:
        return None
    sums = np.convolve(np.asarray(past, float), np.ones(weeks), "valid")
    median = float(np.median(sums))
    middle = max(median if median >= SMALL else float(sums.mean()), 0.5 / len(sums))
    variance = _scatter(sums, middle)
    tail = float(stats.norm.sf(deviations))
    if variance <= middle * 1.001:
        spread = stats.poisson(middle)
    else:
        spread = stats.nbinom(middle**2 / (variance - middle), middle / variance)
    return float(spread.ppf(tail)), float(spread.isf(tail))


def none_is_unlikely(past: Sequence[float], weeks: int, deviations: float) -> bool:
    """Whether `weeks` weeks without a single one are too many to be chance, given the weekly counts before; never with fewer than 12 of them.

    Asked of single weeks, and of sums of four once it lasts as long: what has a season scatters more in those.
    """
    from scipy import stats

    tail = float(stats.norm.sf(deviations))
    return len(past) >= LEAST_WEEKS and all(_chance_of_none(past, weeks, window) < tail for window in WINDOWS if window <= weeks)


def _chance_of_none(past: Sequence[float], weeks: int, window: int) -> float:
    """Chance of no count in so many weeks: Poisson, or negative binomial where sums of `window` weeks scatter more."""
    sums = _drawn_in(np.convolve(np.asarray(past, float), np.ones(window), "valid"))
    middle, variance = float(sums.mean()), float(sums.var(ddof=1)) / DRAWN_IN_VARIANCE
    if variance <= middle * 1.001:
        return float(np.exp(-middle * weeks / window))
    return float((middle / variance) ** (middle**2 / (variance - middle) * weeks / window))


def _drawn_in(sums: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The sums, a tenth at either end taken for the next one inwards."""
    end = round(DRAWN_IN * len(sums))
    low, high = np.sort(sums)[[end, -end - 1]]
    return np.clip(sums, low, high)


def _scatter(sums: np.ndarray[tuple[int], np.dtype[np.float64]], least: float) -> float:
    """Variance of all but the wildest sums, at least `least`: by the median absolute deviation, or with either end drawn in where that is more.

    A year holds 13 sums of four weeks that share none, so by the median deviation alone it often looks calmer than it is.
    """
    by_deviation = max((MAD_TO_SD * float(np.median(np.abs(sums - np.median(sums))))) ** 2, least)
    drawn_in = float(_drawn_in(sums).var(ddof=1)) / DRAWN_IN_VARIANCE
    return max(by_deviation, min(drawn_in, MOST_WIDER * by_deviation))


def share_bound(usual: float, n: int, deviations: float) -> tuple[float, float]:
    """Low and high of a share of `n`, given the usual share: exact binomial tails."""
    from scipy import stats

    tail = float(stats.norm.sf(deviations))
    spread = stats.binom(n, min(max(usual, 0.5 / max(n, 1)), 1.0))
    return float(spread.ppf(tail)) / max(n, 1), float(spread.isf(tail)) / max(n, 1)


def at_most(n: int, least: int, share: float) -> int:
    """A cap of so many, or of a share of `n` where that is more: max(20, 1%), say."""
    return max(least, int(share * n))
