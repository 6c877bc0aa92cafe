"""Peers that smooth past crimes: kernel density with decay, prospective hotspots, and Lee, O and Eck's two-step rule."""

from __future__ import annotations

import numpy as np

from harmcast.forecast import baselines, shipped
from harmcast.forecast.smoothing import kernel
from harmcast.places.counts import Panel


def decaying_density(first: Panel) -> shipped.Model:
    """Gaussian kernel density of crimes whose weight halves; bandwidth and half-life chosen before the first origin."""
    distances, windows = first.units.distances_m(), first.windows
    grid = {width: kernel(distances, width, first.units.land_m2) for width in (250.0, 400.0, 600.0, 900.0)}
    tests = range(max(1, len(windows) - 13), len(windows))

    def share(counts: np.ndarray, width: float, half_life: float) -> np.ndarray:
        weighted = baselines.weights_by_age(len(counts), half_life) @ counts
        return baselines.as_share(np.asarray(grid[width] @ weighted, dtype=float))

    def score(pair: tuple[float, float]) -> float:
        return sum(float(windows[t] @ np.log(share(windows[:t], *pair))) for t in tests)

    best = max(((w, h) for w in grid for h in (13.0, 26.0, 52.0, 104.0)), key=score)
    return shipped.poisson(lambda counts: share(counts, *best))


def prospective(first: Panel) -> shipped.Model:
    """Prospective hotspot: crimes of the last 8 weeks, weight 1 / (1 + distance in cells) x 1 / (1 + age in weeks).

    Source: Bowers, Johnson and Pease (2004), British Journal of Criminology 44, 641-658; distances over 400 m + one cell cut.
    """
    distances = first.units.distances_m()
    side = first.units.side_m or float(np.sqrt(np.median(first.units.land_m2)))
    weight = np.where(distances <= 400 + side, 1.0 / (1.0 + distances / side), 0.0)

    def model(panel: Panel) -> object:
        recent = panel.weekly[-8:].astype(float)
        age = 1.0 / (1.0 + np.arange(len(recent))[::-1])
        return shipped.poisson(lambda _: baselines.as_share(weight @ (age @ recent)))(panel)

    return model  # type: ignore[return-value]


def lee_o_eck(first: Panel) -> shipped.Model:
    """Population heterogeneity and state dependence: long-run count ordered first, last four weeks second.

    Source: Lee, O and Eck (2020), Journal of Quantitative Criminology 36, 983-1007 (an ordering; made shares by adding the two).
    """

    def share(counts: np.ndarray) -> np.ndarray:
        long_run = counts.mean(axis=0)
        return baselines.as_share(long_run + 0.1 * counts[-1])

    return shipped.poisson(share)
