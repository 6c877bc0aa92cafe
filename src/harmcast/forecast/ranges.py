"""From means and spreads to what an analyst reads: ranges, chances, the list, and totals that add up.

Every chance speaks of crimes that will be counted, never of a rate nobody sees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Wholes = NDArray[np.int64]
Counts = NDArray[np.int32]

RANGE_LEVEL = 0.9
TOP = 20
DRAWS = 1000
SURE = 0.6


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a method says of one window: a negative binomial count for each unit.

    Attributes:
        expected: mean number of crimes of each unit, above 0.
        dispersion: variance is mean + dispersion x mean squared; 0 is Poisson.
        levels: draws of the force's level over its mean; None where the level is taken as known.
        totals: draws of the force's total; None where a method has none.
        dealing: (draws, units) shares by which each of `totals` falls on the units.
        year: the same for the coming 52 weeks; None where too little is known.
        plain: the same with the 24-month count's shares and a spread of its own; None where a method has none.
    """

    expected: Floats
    dispersion: Floats
    levels: Floats | None = None
    totals: Wholes | None = None
    dealing: Floats | None = None
    year: Prediction | None = None
    plain: Prediction | None = None


def lower_tail(counts: Wholes | Floats, expected: Floats, dispersion: Floats) -> Floats:
    """P(Y <= count) of each unit; 0 for counts below 0."""
    from scipy.special import betainc, gammaincc

    y = np.asarray(counts, dtype=float)
    mu, alpha = np.broadcast_to(expected, y.shape), np.broadcast_to(dispersion, y.shape)
    poisson = alpha < 1e-9
    size = 1.0 / np.where(poisson, 1.0, alpha)
    tail = np.where(poisson, gammaincc(np.maximum(y, 0) + 1, mu), betainc(size, np.maximum(y, 0) + 1, size / (size + mu)))
    return np.asarray(np.where(y < 0, 0.0, tail))


def log_chance(counts: Wholes | NDArray[np.integer], expected: Floats, dispersion: Floats) -> Floats:
    """Natural logarithm of the chance of each unit's count; 0 or less."""
    from scipy.special import gammaln, xlogy

    y = np.asarray(counts, dtype=float)
    poisson = dispersion < 1e-9
    size = 1.0 / np.where(poisson, 1.0, dispersion)
    spread = gammaln(y + size) - gammaln(size) + size * np.log(size / (size + expected)) + xlogy(y, expected / (size + expected))
    return np.asarray(np.where(poisson, xlogy(y, expected) - expected, spread) - gammaln(y + 1))


def quantile(probability: float, expected: Floats, dispersion: Floats) -> Wholes:
    """Smallest whole number whose lower tail reaches `probability`, for each unit."""
    spread = np.sqrt(expected + dispersion * expected**2)
    most = int(np.ceil(np.max(expected + 12 * spread + 12)))
    found = np.zeros(len(expected), dtype=np.int64)
    left = np.arange(len(expected))
    for count in range(most + 1):
        below = lower_tail(np.full(len(left), count), expected[left], dispersion[left]) < probability
        found[left[below]] = count + 1
        left = left[below]
        if not len(left):
            break
    return found


def chance_any(expected: Floats, dispersion: Floats) -> Floats:
    """Chance of at least one crime in each unit."""
    return np.asarray(1.0 - lower_tail(np.zeros(len(expected)), expected, dispersion))


def drawn(prediction: Prediction, seed: int, draws: int = DRAWS) -> Counts:
    """(draws, units) counts of one window: Poisson around mean x Gamma of the unit's dispersion x one draw of the level."""
    rng = np.random.default_rng(seed)
    rates = np.broadcast_to(prediction.expected, (draws, len(prediction.expected)))
    if prediction.levels is not None:
        rates = rates * np.resize(prediction.levels, draws)[:, None]
    if prediction.dispersion.max() >= 1e-9:
        alpha = np.maximum(prediction.dispersion, 1e-9)
        rates = rates * (rng.standard_gamma(1.0 / alpha, rates.shape) * alpha)
    return rng.poisson(rates).astype(np.int32)


def inside(counts: NDArray[np.integer], top: int = TOP) -> Floats:
    """(draws, units) 1 where a unit is among the `top` highest counts, 0 where not; units that tie for the last places share them.

    Each row sums to `top`, or to the number of units where there are fewer.
    """
    top = min(top, counts.shape[1])
    cut = np.sort(counts, axis=1)[:, -top, None]  # quicker than a partition: counts are small and tie
    above, tied = counts > cut, counts == cut
    left = (top - above.sum(axis=1)) / tied.sum(axis=1)
    return np.asarray(above + tied * left[:, None])


@dataclass(frozen=True, eq=False)
class Listed:
    """What the list of the highest expected numbers says as one; every figure from the same draws.

    Attributes:
        chance: chance of each unit to be among the `top` highest counts; sums to `top`.
        expected, low, high: crimes of the listed units together, and the range of `RANGE_LEVEL`.
        total: crimes expected in all units.
        best_possible: mean number that the best `top` units, known only afterwards, will hold.
        among_best: how many of the listed will be among those.
    """

    chance: Floats
    expected: float
    low: int
    high: int
    total: float
    best_possible: float
    among_best: float

    def document(self) -> dict[str, float]:
        """JSON-ready, without what stands in the table of cells."""
        figures = {name: getattr(self, name) for name in ("expected", "low", "high", "total", "best_possible", "among_best")}
        return {"cells": min(TOP, len(self.chance)), "range_level": RANGE_LEVEL, **figures}


def listed(prediction: Prediction, counts: Counts, top: int = TOP) -> Listed:
    """The list of the `top` highest expected numbers, from `drawn` counts; equal ones in the units' own order."""
    order = np.argsort(-prediction.expected, kind="stable")
    top = min(top, len(order))
    chance = inside(counts, top).mean(axis=0)
    low, high = whole_range(counts[:, order[:top]].sum(axis=1))
    best = np.sort(counts, axis=1)[:, -top:].sum(axis=1)
    mean = prediction.expected
    return Listed(chance, float(mean[order[:top]].sum()), low, high, float(mean.sum()),
                  float(best.mean()), float(chance[order[:top]].sum()))  # fmt: skip


def groups(expected: Floats, counts: NDArray[np.integer]) -> Wholes:
    """Number of each unit's group, from the highest expected number down: a new one begins where the first of the group has more
    crimes than the unit with a chance of at least .6, ties counted half. Within one nobody can say which comes first."""
    order, by_unit = np.argsort(-expected, kind="stable"), np.ascontiguousarray(counts.T)
    found, number, first = np.zeros(len(order), dtype=np.int64), 1, by_unit[order[0]]
    for unit in order:
        own = by_unit[unit]
        if (np.count_nonzero(first > own) + 0.5 * np.count_nonzero(first == own)) / len(own) >= SURE:
            number, first = number + 1, own
        found[unit] = number
    return found


def counts_by_area(draws: Floats, totals: Wholes, areas: list[str | None], seed: int) -> dict[str, Wholes]:
    """Draws of each area's total: each draw of the force's total is dealt out by that draw's rates, so that areas add up.

    Units without an area are dealt to the name "" so that nothing is lost.
    """
    names = sorted({area or "" for area in areas})
    code = np.searchsorted(names, [area or "" for area in areas])
    rates = np.zeros((len(draws), len(names)))
    for k in range(len(names)):
        rates[:, k] = draws[:, code == k].sum(axis=1)
    shares = rates / rates.sum(axis=1, keepdims=True)
    dealt = np.random.default_rng(seed).multinomial(totals, shares)
    return {name: dealt[:, k] for k, name in enumerate(names)}


def whole_range(draws: Wholes, level: float = RANGE_LEVEL) -> tuple[int, int]:
    """Whole-number range that holds at least `level` of the draws, its tails as even as whole numbers allow."""
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(draws, [tail, 1.0 - tail], method="inverted_cdf")
    return int(low), int(high)
