"""From means and draws to what an analyst reads: ranges, chances, ranks, and totals that add up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Wholes = NDArray[np.int64]

RANGE_LEVEL = 0.9
TOP = 20


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a method says of one window: a negative binomial count for each unit.

    Attributes:
        expected: mean number of crimes of each unit, above 0.
        dispersion: variance is mean + dispersion x mean squared; 0 is Poisson.
        draws: (draws, units) draws of the units' rates; None where a method has none.
        totals: draws of the force's total, as many as `draws`; None likewise.
        dealing: (draws, units) shares by which each total falls on the units: rates and what else varies between windows.
    """

    expected: Floats
    dispersion: Floats
    draws: Floats | None = None
    totals: Wholes | None = None
    dealing: Floats | None = None


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


def rank_range(draws: Floats, level: float = RANGE_LEVEL, top: int = TOP) -> tuple[Floats, Wholes, Wholes]:
    """What is known of each unit's place in the order of rates, 1 being the highest.

    Returns: chance of being among the `top` highest; best and worst rank of the credible range of `level`.
    Source: Goldstein and Spiegelhalter (1996), JRSS A 159, 385-443.
    """
    order = np.argsort(-draws, axis=1, kind="stable")
    ranks = np.empty(order.shape, dtype=np.int32)
    np.put_along_axis(ranks, order, np.arange(1, draws.shape[1] + 1, dtype=np.int32)[None, :], axis=1)
    chance = (ranks <= top).mean(axis=0)
    tail = (1.0 - level) / 2.0
    ranks.sort(axis=0)
    last = len(ranks) - 1
    return chance, ranks[int(np.floor(tail * last))].astype(np.int64), ranks[int(np.ceil((1 - tail) * last))].astype(np.int64)


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
