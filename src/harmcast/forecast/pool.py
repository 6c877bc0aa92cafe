"""A linear pool of shares whose weights are learned from past origins only, and the spread of counts around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HALF_LIFE_WINDOWS = 52.0
UNIFORM_SHARE = 0.001
FILTER_PRIOR = 40.0
MEMBER_PRIOR = 0.1
STEPS = 60
SPREAD_HALF_LIFE = 13.0
SPREAD_WINDOWS = 39
SPREAD_PRIOR = (-2.0, 0.0)
SPREAD_PRIOR_SD = (2.0, 0.7)


def prior_weights(filters: int, members: int) -> Floats:
    """Dirichlet prior: pseudo-crimes of the filter, if there is one, and of each simple share."""
    return np.concatenate([np.full(filters, FILTER_PRIOR), np.full(members, MEMBER_PRIOR)])


def weigh(
    at_crimes: NDArray[np.float32], crimes: Floats, prior: Floats, before: Floats | None = None
) -> Floats:
    """Simplex weights that make past crimes likeliest under the pool, by expectation-maximisation.

    Args:
        at_crimes: (members, places) share that each member gave to each place and window where crimes came.
        crimes: how many came there, weighed by age.
        prior: Dirichlet pseudo-crimes.
        before: weights to start from (the window before's); None starts from the prior.
    Source: Dempster, Laird and Rubin (1977), JRSS B 39, 1-38.
    """
    weights = prior / prior.sum() if before is None else before
    for _ in range(STEPS if len(crimes) else 0):
        mixed = weights @ at_crimes
        raised = weights * (at_crimes @ (crimes / np.maximum(mixed, 1e-12))) + prior
        weights = raised / raised.sum()
    return np.asarray(weights, dtype=np.float64)


def pooled(weights: Floats, shares: NDArray[np.float32]) -> Floats:
    """The pool's share of each unit; .001 of the whole is spread evenly."""
    mixed = weights @ shares.astype(np.float64)
    return np.asarray((1.0 - UNIFORM_SHARE) * mixed / mixed.sum() + UNIFORM_SHARE / shares.shape[1])


@dataclass(frozen=True)
class Spread:
    """Negative binomial dispersion of a unit as a power of its mean: log dispersion = b0 + b1 log mean."""

    b0: float
    b1: float

    def of(self, expected: Floats) -> Floats:
        return np.asarray(np.exp(np.clip(self.b0 + self.b1 * np.log(expected), -12.0, 3.0)))


def fit_spread(expected: Sequence[Floats], came: Sequence[NDArray[np.integer]]) -> Spread:
    """The spread that makes past counts likeliest given what was expected of them; windows oldest first, half-life 13.

    Units are binned by their mean (24 bins to a factor of e), so that the cost does not grow with the force.
    Source: ridge on (b0, b1) around (-2, 0); negative binomial of quadratic variance, Cameron and Trivedi (2013), ch. 3.
    """
    from scipy.special import digamma, gammaln

    expected, came = expected[-SPREAD_WINDOWS:], came[-SPREAD_WINDOWS:]
    if not len(expected):
        return Spread(*SPREAD_PRIOR)
    log_mean = np.log(np.concatenate(expected))
    counts = np.concatenate(came).astype(np.int64)
    ages = np.arange(len(came) - 1, -1, -1)
    weights = np.repeat(0.5 ** (ages / SPREAD_HALF_LIFE), [len(one) for one in came])
    bins = np.floor(24.0 * log_mean).astype(np.int64)
    code = (bins - bins.min()) * (counts.max() + 1) + counts
    sums = np.stack([np.bincount(code, weights=weights * by) for by in (1.0, log_mean, counts)])
    w, m, y = sums[:, sums[0] > 0]
    m, y = m / w, y / w
    mu, prior, prior_sd = np.exp(m), np.array(SPREAD_PRIOR), np.array(SPREAD_PRIOR_SD)

    def loss(b: Floats) -> float:
        size, away = np.exp(-np.clip(b[0] + b[1] * m, -12.0, 3.0)), (b - prior) / prior_sd
        value = gammaln(y + size) - gammaln(size) + size * np.log(size / (size + mu)) - y * np.log(size + mu)
        return float(-(w @ value) + 0.5 * away @ away)

    def slopes(at: Floats) -> Floats:
        log_dispersion = at[:, :1] + at[:, 1:] * m
        clipped = np.clip(log_dispersion, -12.0, 3.0)
        size = np.exp(-clipped)
        by_size = digamma(y + size) - digamma(size) + np.log(size / (size + mu)) + 1.0 - (size + y) / (size + mu)
        each = np.where(clipped == log_dispersion, -size * by_size, 0.0) * w
        return np.asarray([(-one.sum(), -(one @ m)) for one in each] + (at - prior) / prior_sd / prior_sd)

    return Spread(*_lowest(loss, slopes, prior).tolist())


def _lowest(loss: Callable[[Floats], float], slopes: Callable[[Floats], Floats], at: Floats) -> Floats:
    """Where a smooth function of a few numbers is least, by damped Newton steps on differences of its slope.

    `scipy.optimize` would do it too; loading it costs a weekly run more than the rest of its forecast.
    """
    value, steps = loss(at), 1e-4 * np.eye(len(at))
    for _ in range(50):
        slope, ahead_of, behind = np.split(slopes(np.vstack([at, at + steps, at - steps])), [1, 1 + len(at)])
        bend = (ahead_of - behind) / 2e-4
        curves, ways = np.linalg.eigh((bend + bend.T) / 2)
        move = -ways @ ((ways.T @ slope[0]) / np.maximum(np.abs(curves), 1e-3))
        move *= min(1.0, 2.0 / max(float(np.abs(move).max()), 1e-12))
        for _ in range(30):
            ahead = loss(at + move)
            if ahead <= value:
                break
            move = move / 2
        else:
            return at
        at, value = at + move, ahead
        if np.abs(move).max() < 1e-7:
            break
    return at
