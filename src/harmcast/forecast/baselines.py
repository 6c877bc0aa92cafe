"""Plain counts: what anyone could compute, and what every forecast has to stand beside.

A method gives each unit's share of the crimes to come; the level (how many in all) is forecast apart, the same for
every method, so that methods differ in where, and only in where.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int32]
Share = Callable[[Counts], Floats]

YEAR_WINDOWS = 13
LEVEL_SMOOTHING = 0.3
SEASON_SHRINK_YEARS = 3.0
UNIFORM_SHARE = 0.005


def exponential_level(totals: Floats, smoothing: float = LEVEL_SMOOTHING) -> float:
    """Exponentially weighted mean of the window totals, oldest first; crimes a window.

    Starts from the first total. Raises: ValueError without any total.
    """
    if len(totals) == 0:
        raise ValueError("a level needs at least one window")
    level = float(totals[0])
    for total in totals[1:]:
        level += smoothing * (float(total) - level)
    return level


def season(totals: Floats, smoothing: float = LEVEL_SMOOTHING, period: int = YEAR_WINDOWS) -> float:
    """Factor by which the coming window usually departs from the level before it, at the same time of past years.

    1 without a whole year of history. With k past years the mean ratio counts k / (k + 3), the rest is 1.
    """
    years = range(len(totals) % period or period, len(totals), period)
    before = [exponential_level(totals[:t], smoothing) for t in years]
    ratios = [float(totals[t]) / level for t, level in zip(years, before, strict=True) if level > 0]
    k = len(ratios)
    return 1.0 + (float(np.mean(ratios)) - 1.0) * k / (k + SEASON_SHRINK_YEARS) if k else 1.0


def level(totals: Floats) -> float:
    """Expected crimes of the coming window: exponentially weighted level (smoothing .3) times the season."""
    return exponential_level(totals) * season(totals)


def gamma_prior(counts: Floats, windows: int) -> Floats:
    """Rate of each unit a window, shrunk to a Gamma prior fitted by moments.

    Args:
        counts: crimes of each unit over `windows` windows.
    Returns: posterior mean rate of each unit, above 0 where any crime was counted anywhere.
    Source: Clayton and Kaldor (1987), Biometrics 43, 671-681.
    """
    mean = float(counts.mean()) / windows
    if mean == 0:
        return np.zeros(len(counts))
    spread = float(counts.var(ddof=1)) / windows**2 - mean / windows if len(counts) > 1 else 0.0
    if spread <= 0:
        return np.full(len(counts), mean)
    rate = mean / spread
    shape = mean * rate
    return np.asarray((counts + shape) / (windows + rate))


def as_share(rates: Floats) -> Floats:
    """Shares that add up to 1, from rates of 0 or more; .005 of the whole is spread evenly over all units."""
    n, total = len(rates), float(rates.sum())
    pure = rates / total if total > 0 else np.full(n, 1.0 / n)
    return np.asarray((1.0 - UNIFORM_SHARE) * pure + UNIFORM_SHARE / n)


def count_last(windows: int, *, shrink: bool) -> Share:
    """Count over the last `windows` windows (0: all of them)."""

    def share(counts: Counts) -> Floats:
        kept = counts[-windows:] if windows else counts
        summed = kept.sum(axis=0, dtype=np.float64)
        return as_share(gamma_prior(summed, len(kept)) if shrink else summed)

    return share


def count_last_year(counts: Counts) -> Floats:
    """Count of the same 4 weeks 52 weeks ago; the last 12 months where that is not held."""
    if len(counts) < YEAR_WINDOWS:
        return as_share(counts.sum(axis=0, dtype=np.float64))
    return as_share(counts[-YEAR_WINDOWS].astype(np.float64))


def weights_by_age(windows: int, half_life: float) -> Floats:
    """Weight of each window, oldest first: 1 for the last, halved every `half_life` windows."""
    return np.asarray(0.5 ** (np.arange(windows)[::-1] / half_life))


def exponential_count(half_life_windows: float) -> Share:
    """Exponentially weighted count."""

    def share(counts: Counts) -> Floats:
        return as_share(weights_by_age(len(counts), half_life_windows) @ counts.astype(np.float64))

    return share


def best_before(shares: Sequence[Share], counts: Counts, trials: int = YEAR_WINDOWS) -> Share:
    """The method that would have forecast the last `trials` windows best; the first where there are too few to try any."""
    tried = range(max(1, len(counts) - trials), len(counts))
    return max(shares, key=lambda share: sum(float(counts[t] @ np.log(share(counts[:t]))) for t in tried))


HALF_LIVES = (26.0, 6.0, 10.0, 13.0, 20.0, 39.0, 52.0, 78.0, 104.0)


def plain_counts(counts: Counts) -> dict[str, Share]:
    """The plain counts by name; the exponentially weighted one with the half-life (windows) that `counts` ask for."""
    return {
        "count_4w": count_last(1, shrink=False),
        "count_last_year": count_last_year,
        "count_12m": count_last(YEAR_WINDOWS, shrink=True),
        "count_24m": count_last(2 * YEAR_WINDOWS, shrink=True),
        "count_36m": count_last(3 * YEAR_WINDOWS, shrink=True),
        "count_all": count_last(0, shrink=True),
        "ewma": best_before([exponential_count(half_life) for half_life in HALF_LIVES], counts),
    }
