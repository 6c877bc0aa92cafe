"""Logistic regression with a ridge, and with signs that may be held: small, deterministic, weights as plain numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def chance(logit: Array) -> Array:
    """The chance of a logit, 0 to 1."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * np.asarray(logit, dtype=np.float64))))


def logit(share: Array | float) -> Array:
    """The logit of a chance strictly between 0 and 1."""
    share = np.asarray(share, dtype=np.float64)
    return np.asarray(np.log(share) - np.log1p(-share))


def _boxed(hessian: Array, gradient: Array, at: Array, low: Array, high: Array) -> Array:
    """Step to the least point of a quadratic in a box: hessian positive definite, from `at`.

    Block pivoting: columns on a bound are held, the rest solved at once; all that break a bound or pull off one
    change places, the last one alone where that goes in circles.
    Source: Kim and Park (2011), SIAM Journal on Scientific Computing 33, 3261-3281; Murty (1974).
    """
    slope = gradient - hessian @ at  # of the quadratic, in the coordinates themselves
    held = np.where(np.isfinite(low) & (at <= low), -1, np.where(np.isfinite(high) & (at >= high), 1, 0))
    fewest, tries = len(at) + 1, 10
    to = at.copy()
    for _ in range(20 * len(at) + 100):
        free = held == 0
        to = np.where(held < 0, low, np.where(held > 0, high, 0.0))
        to[free] = 0.0
        to[free] = np.linalg.solve(hessian[np.ix_(free, free)], -(slope + hessian @ to)[free]) if free.any() else 0.0
        pull = slope + hessian @ to
        slack = 1e-12 * (1.0 + np.abs(pull).max())
        wrong = (
            (free & ((to < low - 1e-12) | (to > high + 1e-12)))
            | ((held < 0) & (pull < -slack))
            | ((held > 0) & (pull > slack))
        )
        if not wrong.any():
            break
        count = int(wrong.sum())
        if count < fewest:
            fewest, tries = count, 10
        else:
            tries -= 1
        if tries < 0:
            wrong = np.arange(len(at)) == np.flatnonzero(wrong)[-1]
        held = np.where(wrong, np.where(free, np.where(to < low, -1, 1), 0), held)
    return np.asarray(np.clip(to, low, high) - at)


def fit_logistic(
    x: Array,
    y: Array,
    ridge: float,
    directions: Sequence[int] | None = None,
    weight: Array | None = None,
    start: tuple[float, Array] | None = None,
) -> tuple[float, Array]:
    """Intercept and coefficients that minimise the negative log-likelihood + ridge/2 x sum of squared coefficients.

    Newton steps, each the least point of the quadratic inside the signs allowed, halved where the loss would rise.

    Args:
        x: rows x columns, on the scale on which the ridge is meant (standardised).
        y: share that became, a row: 0 or 1, or between for rows that stand for several.
        directions: for each column 1 (coefficient at least 0), -1 (at most 0) or 0 (free); None: all free.
        weight: how many rows each stands for.
        start: intercept and coefficients to begin at, inside the signs.
    Returns: (intercept, coefficients); the intercept is not shrunk.
    """
    weights = np.ones(len(y)) if weight is None else weight
    design = np.column_stack([np.ones(len(y)), x])
    signs = np.array([0, *(directions if directions is not None else [0] * x.shape[1])])
    low, high = np.where(signs > 0, 0.0, -np.inf), np.where(signs < 0, 0.0, np.inf)
    shrink = np.full(design.shape[1], ridge)
    shrink[0] = 0.0
    share = min(max(float((weights * y).sum() / weights.sum()), 1e-6), 1 - 1e-6)
    theta = np.zeros(design.shape[1])
    theta[0] = float(logit(share))
    if start is not None:
        theta = np.append(start[0], start[1])

    def loss(beta: Array, eta: Array) -> float:
        return float((weights * (np.logaddexp(0.0, eta) - y * eta)).sum()) + 0.5 * float(shrink @ beta**2)

    eta = design @ theta
    least = loss(theta, eta)
    for _ in range(100):
        p = chance(eta)
        gradient = design.T @ (weights * (p - y)) + shrink * theta
        hessian = (design * (weights * np.maximum(p * (1 - p), 1e-9))[:, None]).T @ design
        hessian[np.diag_indices_from(hessian)] += shrink + 1e-9
        step = _boxed(hessian, gradient, theta, low, high)
        size = 1.0
        while True:
            tried = theta + size * step
            eta_tried = design @ tried
            now = loss(tried, eta_tried)
            if now <= least or size < 1e-6:
                break
            size *= 0.5
        gained = least - now
        if now <= least:
            theta, eta, least = tried, eta_tried, now
        if gained < 1e-9 * (1.0 + abs(least)):
            break
    return float(theta[0]), np.asarray(theta[1:])


def sandwich(
    x1: Array, y: Array, p: Array, people: NDArray[np.int64], ridge: float, weight: Array | None = None
) -> Array:
    """Covariance of ridge logistic coefficients that allows for a person's rows belonging together.

    Args: `x1`: rows x columns, the first column 1; `p`: fitted chances; `people`: number of each row's person, 0 up.
    Source: Huber (1967); Liang and Zeger (1986), Biometrika 73, 13-22.
    """
    w = np.ones(len(y)) if weight is None else weight
    bread = (x1 * (w * p * (1 - p))[:, None]).T @ x1 + ridge * np.diag([0.0] + [1.0] * (x1.shape[1] - 1))
    surplus = w * (y - p)
    scores = np.column_stack([np.bincount(people, surplus * x1[:, j]) for j in range(x1.shape[1])])
    inverse = np.linalg.inv(bread)
    return np.asarray(inverse @ (scores.T @ scores) @ inverse)


def floats(values: Array) -> list[float]:
    """Plain numbers for a JSON document, exact in their shortest form."""
    return [float(value) for value in np.asarray(values).ravel()]
