"""Intervals that stay honest at small numbers, over whole columns at once."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from harmcast.statistics import USUAL, Numbers, wilson

__all__ = ["USUAL", "Numbers", "chance_alone", "gap_interval", "ratio_interval", "simultaneous", "z_of"]


@cache
def z_of(error: float) -> float:
    """Two-sided normal quantile: 1.96 for an error of .05."""
    from scipy.special import ndtri

    return float(ndtri(1 - error / 2))


def simultaneous(error: float, comparisons: int) -> float:
    """Quantile that keeps the chance of any false alarm in so many comparisons at most `error` (Bonferroni)."""
    return z_of(error / max(1, comparisons))


def gap_interval(
    k: Numbers, n: Numbers, against_k: Numbers, against_n: Numbers, exact: NDArray[np.bool_], z: float = USUAL
) -> tuple[Numbers, Numbers]:
    """Interval of k/n less against_k/against_n, by Newcombe's hybrid score method.

    Args:
        exact: where true the second share is a prediction, known without error, and only the first is uncertain.
    Source: Newcombe (1998), Statistics in Medicine 17, 873-890, method 10.
    """
    low, high = wilson(k, n, z)
    with np.errstate(divide="ignore", invalid="ignore"):
        share, other = k / n, against_k / against_n
        other_low, other_high = wilson(np.minimum(against_k, against_n), against_n, z)
    other_low, other_high = np.where(exact, other, other_low), np.where(exact, other, other_high)
    gap = share - other
    return (
        gap - np.sqrt((share - low) ** 2 + (other_high - other) ** 2),
        gap + np.sqrt((high - share) ** 2 + (other - other_low) ** 2),
    )


def ratio_interval(
    k: Numbers, n: Numbers, against_k: Numbers, against_n: Numbers, exact: NDArray[np.bool_], z: float = USUAL
) -> tuple[Numbers, Numbers]:
    """Interval of (k/n) / (against_k/against_n): on the log scale, half a case added where a count is 0.

    Source: Katz and others (1978), Biometrics 34, 469-474; against a prediction, Wilson's bounds over it.
    """
    low, high = wilson(k, n, z)
    with np.errstate(divide="ignore", invalid="ignore"):
        some = np.where((k == 0) | (against_k == 0), 0.5, 0.0)
        middle = np.log(((k + some) / (n + some)) / ((against_k + some) / (against_n + some)))
        se = np.sqrt(
            np.maximum(1 / (k + some) - 1 / (n + some) + 1 / (against_k + some) - 1 / (against_n + some), 0)
        )
        fixed = against_k / against_n
        return (
            np.where(exact, low / fixed, np.exp(middle - z * se)),
            np.where(exact, high / fixed, np.exp(middle + z * se)),
        )


def chance_alone(
    k: Numbers, n: Numbers, against_k: Numbers, against_n: Numbers, exact: NDArray[np.bool_]
) -> Numbers:
    """How seldom chance alone gives so large a gap, both sides together; 1 where there is nothing to compare.

    Wilson's bounds are made for 95%: at the far smaller errors that many comparisons ask for they are too narrow at
    small counts. These tails are exact there.

    Args:
        exact: where true the second share is a prediction: a binomial tail, which is never below that of people with
            chances of their own (Hoeffding 1956). Otherwise Fisher's exact test of two counts.
    Source: Hoeffding (1956), Annals of Mathematical Statistics 27, 713-721; Fisher (1922), Journal of the Royal
        Statistical Society 85, 87-94.
    """
    from scipy.special import bdtr, bdtrc
    from scipy.stats import hypergeom

    result = np.ones(len(k))
    there = (n > 0) & (against_n > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.clip(against_k / against_n, 0, 1)
    at = there & exact
    whole, of = np.round(k[at]), np.round(n[at]).astype(np.int64)
    above = np.where(whole > 0, bdtrc(whole - 1, of, share[at]), 1.0)
    result[at] = 2 * np.minimum(above, bdtr(whole, of, share[at]))
    at = there & ~exact
    k_, of_, other, other_n = (np.round(v[at]) for v in (k, n, against_k, against_n))
    table = hypergeom(of_ + other_n, k_ + other, of_)
    result[at] = 2 * np.minimum(table.sf(k_ - 1), table.cdf(k_))
    return np.asarray(np.minimum(result, 1.0))
