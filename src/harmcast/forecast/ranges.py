"""From means and spreads to what an analyst reads: ranges, chances, the list, and totals that add up.

Every chance speaks of crimes that will be counted, never of a rate nobody sees.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harmcast.documents.places_model import ListSays
from harmcast.tables import LISTED_CELLS, RANGE_LEVEL

Floats = NDArray[np.float64]
Wholes = NDArray[np.int64]
Counts = NDArray[np.int32]

TOP = LISTED_CELLS
DRAWS, RANGE_TIMES = 1000, 20
MOST_INCIDENTS = 30
SURE, AT_A_TIME = 0.6, 64


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a method says of one window: for each unit a negative binomial count of incidents, each of one or more crimes.

    Attributes:
        expected: mean number of crimes of each unit, above 0.
        dispersion: variance of incidents is mean + dispersion x mean squared; 0 is Poisson.
        victims: chance of 1, 2, ... crimes an incident; None where each crime is its own.
        levels: 20,000 draws of the force's level over its mean; None where the level is taken as known.
        totals: draws of the force's number of incidents; None where a method has none.
        dealing: (draws, units) shares by which each of `totals` falls on the units.
        year: the same for the coming 52 weeks; None where too little is known.
        plain: the same with the 24-month count's shares and a spread of its own; None where a method has none.
    """

    expected: Floats
    dispersion: Floats
    victims: Floats | None = None
    levels: Floats | None = None
    totals: Wholes | None = None
    dealing: Floats | None = None
    year: Prediction | None = None
    plain: Prediction | None = None


def sizes(victims: Floats) -> Floats:
    """Crimes an incident may have: 1, 2, ..."""
    return np.arange(1.0, len(victims) + 1)


def incident_chances(expected: Floats, dispersion: Floats, victims: Floats | None = None, reach: int = 0) -> Floats:
    """(units, incidents + 1) chance of each number of incidents, cut where nothing is left, but not before 30 or `reach`."""
    mean = (expected if victims is None else expected / (victims @ sizes(victims)))[:, None]
    alpha = np.maximum(np.broadcast_to(dispersion, len(expected)), 1e-12)[:, None]
    most = max(MOST_INCIDENTS, reach, int(np.ceil(np.max(mean + 8 * np.sqrt(mean + alpha * mean**2)))))
    size, n = 1.0 / alpha, np.arange(1, most + 1)
    logs = np.cumsum(np.hstack([-size * np.log1p(mean / size), np.log((size + n - 1) / (size + mean) * mean / n)]), axis=1)
    return np.asarray(np.exp(logs))


def of_incidents(incidents: int, victims: Floats) -> Floats:
    """(incidents + 1, crimes + 1) chance of each number of crimes, given 0, 1, 2, ... incidents."""
    found = np.zeros((incidents + 1, incidents * len(victims) + 1))
    found[0, 0] = 1.0
    for n in range(incidents):
        found[n + 1, n + 1 : n + 1 + n * (len(victims) - 1) + len(victims)] = np.convolve(found[n, n : n * len(victims) + 1], victims)
    return found


def cdf(expected: Floats, dispersion: Floats, victims: Floats | None = None, reach: int = 0) -> Floats:
    """(units, crimes + 1) chance of at most 0, 1, 2, ... crimes, the last at least `reach`: a sum over incidents of so many victims each."""
    chances = incident_chances(expected, dispersion, victims, reach)
    return np.cumsum(chances if victims is None else chances @ of_incidents(chances.shape[1] - 1, victims), axis=1)


def lower_tail(counts: NDArray[np.integer], below: Floats) -> Floats:
    """P(Y <= count) of each unit, from its `cdf`; 0 for counts below 0."""
    held = np.clip(counts, 0, below.shape[1] - 1)
    return np.where(counts < 0, 0.0, below[np.arange(len(below)), held])


def log_chance(
    counts: NDArray[np.integer] | float, expected: Floats, dispersion: Floats, victims: Floats | None = None
) -> Floats:
    """Natural logarithm of the chance of each unit's count; 0 or less, higher is better.

    Source: Good (1952), JRSS B 14, 107-114.
    """
    from scipy.special import gammaln, xlogy

    if victims is not None:
        by_incidents = incident_chances(expected, dispersion, victims, int(np.max(counts)))
        given = of_incidents(by_incidents.shape[1] - 1, victims)
        chance = (by_incidents * given[:, np.asarray(counts, dtype=np.int64)].T).sum(axis=1)
        return np.asarray(np.log(np.maximum(chance, 1e-300)))
    y = np.asarray(counts, dtype=float)
    poisson = dispersion < 1e-9
    size = 1.0 / np.where(poisson, 1.0, dispersion)
    spread = gammaln(y + size) - gammaln(size) + size * np.log(size / (size + expected)) + xlogy(y, expected / (size + expected))
    return np.asarray(np.where(poisson, xlogy(y, expected) - expected, spread) - gammaln(y + 1))


def quantile(probability: float, below: Floats) -> Wholes:
    """Smallest whole number whose lower tail reaches `probability`, for each unit, from its `cdf`."""
    return np.asarray((below < probability).sum(axis=1))


def drawn(prediction: Prediction, seed: int, draws: int = DRAWS) -> Counts:
    """(draws, units) crimes of one window: incidents Poisson around mean x Gamma of the unit's dispersion x one draw of the level, each
    of as many victims as drawn."""
    rng = np.random.default_rng(seed)
    return _crimes(rng.poisson(_rates(prediction, draws, rng)), prediction.victims, rng)


def _rates(prediction: Prediction, draws: int, rng: np.random.Generator) -> Floats:
    """(draws, units) mean incidents: mean x Gamma x one draw of the level."""
    victims = prediction.victims
    mean = prediction.expected if victims is None else prediction.expected / (victims @ sizes(victims))
    rates = np.broadcast_to(mean, (draws, len(mean)))
    if prediction.levels is not None:
        rates = rates * np.resize(prediction.levels, draws)[:, None]
    if prediction.dispersion.max() < 1e-9:
        return rates
    alpha = np.maximum(prediction.dispersion, 1e-9)
    spread = rng.standard_gamma(1.0 / alpha, rates.shape)
    spread *= alpha
    spread *= rates
    return spread


def _crimes(incidents: NDArray[np.integer], victims: Floats | None, rng: np.random.Generator) -> Counts:
    """Crimes of so many incidents each, the victims of every incident drawn."""
    if victims is None:
        return incidents.astype(np.int32)
    where = np.repeat(np.arange(incidents.size), incidents.ravel())
    drawn_sizes = rng.choice(sizes(victims), size=len(where), p=victims)
    return np.bincount(where, weights=drawn_sizes, minlength=incidents.size).reshape(incidents.shape).astype(np.int32)


def inside(counts: NDArray[np.integer], top: int = TOP) -> Floats:
    """(draws, units) 1 where a unit is among the `top` highest counts, 0 where not; units that tie for the last places share them.

    Each row sums to `top`, or to the number of units where there are fewer.
    """
    top = min(top, counts.shape[1])
    cut = np.sort(counts, axis=1)[:, -top, None]  # quicker than a partition: counts are small and tie
    above, tied = counts > cut, counts == cut
    left = (top - above.sum(axis=1)) / tied.sum(axis=1)
    found = tied * left[:, None]
    found += above
    return np.asarray(found)


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

    def document(self) -> ListSays:
        """JSON-ready, without what stands in the table of cells."""
        return {
            "cells": min(TOP, len(self.chance)), "range_level": RANGE_LEVEL, "expected": self.expected, "low": self.low, "high": self.high,
            "total": self.total, "best_possible": self.best_possible, "among_best": self.among_best,
        }  # fmt: skip


def listed(prediction: Prediction, counts: Counts, seed: int, top: int = TOP) -> Listed:
    """The list of the `top` highest expected numbers, from `drawn` counts; equal ones in the units' own order.

    The ends of the range are drawn twenty times as often, or luck would move them by a crime or two: a sum of Poisson counts is a
    Poisson count, so it costs little.
    """
    mean, rng = prediction.expected, np.random.default_rng(seed)
    first = np.argsort(-mean, kind="stable")[:top]
    chance = inside(counts, top).mean(axis=0)
    rates = _rates(replace(prediction, expected=mean[first], dispersion=prediction.dispersion[first]), RANGE_TIMES * len(counts), rng)
    low, high = whole_range(_crimes(rng.poisson(rates.sum(axis=1)), prediction.victims, rng))
    best = np.sort(counts, axis=1)[:, -top:].sum(axis=1)
    return Listed(chance, float(mean[first].sum()), low, high, float(mean.sum()), float(best.mean()), float(chance[first].sum()))


def groups(expected: Floats, counts: NDArray[np.integer]) -> Wholes:
    """Number of each unit's group, from the highest expected number down: a new one begins where the first of the group has more
    crimes than the unit with a chance of at least .6, ties counted half. Within one nobody can say which comes first."""
    order, by_unit = np.argsort(-expected, kind="stable"), np.ascontiguousarray(counts.T)
    found, number, at, first = np.zeros(len(order), dtype=np.int64), 1, 0, by_unit[order[0]]
    while at < len(order):
        units = order[at : at + AT_A_TIME]
        own = by_unit[units]
        is_surely_lower = ((first > own).sum(axis=1) + 0.5 * (first == own).sum(axis=1)) / len(first) >= SURE
        same = int(is_surely_lower.argmax()) if is_surely_lower.any() else len(units)
        found[units[:same]] = number
        at += same
        if same < len(units):
            number, first = number + 1, own[same]
    return found


def counts_by_area(
    draws: Floats, totals: Wholes, areas: list[str | None], seed: int, victims: Floats | None = None
) -> dict[str, NDArray[np.integer]]:
    """Draws of each area's crimes: each draw of the force's incidents is dealt out by that draw's rates, each of so many victims.

    Areas add up to the force in every draw; units without an area are dealt to the name "" so that nothing is lost.
    """
    names = sorted({area or "" for area in areas})
    code = np.searchsorted(names, [area or "" for area in areas])
    rates = np.zeros((len(draws), len(names)))
    for k in range(len(names)):
        rates[:, k] = draws[:, code == k].sum(axis=1)
    shares = rates / rates.sum(axis=1, keepdims=True)
    rng = np.random.default_rng(seed)
    dealt = _crimes(rng.multinomial(totals, shares), victims, rng)
    return {name: dealt[:, k] for k, name in enumerate(names)}


def whole_range(draws: NDArray[np.integer], level: float = RANGE_LEVEL) -> tuple[int, int]:
    """Whole-number range that holds at least `level` of the draws, its tails as even as whole numbers allow."""
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(draws, [tail, 1.0 - tail], method="inverted_cdf")
    return int(low), int(high)
