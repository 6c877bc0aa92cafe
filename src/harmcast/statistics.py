"""Wilson's interval of a share: the one place that has it, whole columns at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
USUAL = 1.959963984540054  # two-sided normal quantile of 95%


def wilson(successes: Numbers, n: Numbers, z: float = USUAL) -> tuple[Numbers, Numbers]:
    """Wilson's interval of each share successes / n; NaN where n is 0. As `scipy.stats.binomtest` has it, for whole columns.

    Source: Wilson (1927), Journal of the American Statistical Association 22, 209-212.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        share = successes / n
        centre = (share + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * np.sqrt(np.maximum(share * (1 - share) / n + z * z / (4 * n * n), 0))
    low = np.where(successes == 0, 0.0, np.clip(centre - half, 0, 1))
    high = np.where(successes == n, 1.0, np.clip(centre + half, 0, 1))
    unknown = ~(n > 0)
    return np.where(unknown, np.nan, low), np.where(unknown, np.nan, high)


def share_interval(successes: float, n: float) -> tuple[float, float] | None:
    """Wilson's 95% interval of one share; None when nothing was counted."""
    if not n > 0:
        return None
    low, high = wilson(np.array([float(successes)]), np.array([float(n)]))
    return float(low[0]), float(high[0])
