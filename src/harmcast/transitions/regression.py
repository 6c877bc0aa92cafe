"""Logistic regression with a ridge, and with signs that may be held: small, deterministic, weights as plain numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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


def fit_logistic(
    x: Array, y: Array, ridge: float, directions: Sequence[int] | None = None, weight: Array | None = None
) -> tuple[float, Array]:
    """Intercept and coefficients that minimise the negative log-likelihood + ridge/2 x sum of squared coefficients.

    Args:
        x: rows x columns, on the scale on which the ridge is meant (standardised); y: 0 or 1 a row.
        directions: for each column 1 (coefficient at least 0), -1 (at most 0) or 0 (free); None: all free.
    Returns: (intercept, coefficients); the intercept is not shrunk.
    """
    from scipy.optimize import minimize

    rows, columns = x.shape
    weights = np.ones(rows) if weight is None else weight
    total = float(weights.sum())
    start = np.zeros(columns + 1)
    share = min(max(float((weights * y).sum() / total), 1e-6), 1 - 1e-6)
    start[0] = float(logit(share))

    def loss(theta: Array) -> tuple[float, Array]:
        eta = theta[0] + x @ theta[1:]
        value = float((weights * (np.logaddexp(0.0, eta) - y * eta)).sum()) + 0.5 * ridge * float(theta[1:] @ theta[1:])
        residual = weights * (chance(eta) - y)
        gradient = np.concatenate([[residual.sum()], x.T @ residual + ridge * theta[1:]])
        return value / total, gradient / total

    limits = {1: (0.0, None), -1: (None, 0.0), 0: (None, None)}
    bounds = [(None, None)] + [limits[d] for d in (directions if directions is not None else [0] * columns)]
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-9}
    )
    return float(found.x[0]), np.asarray(found.x[1:])


def sandwich(x1: Array, y: Array, p: Array, people: NDArray[np.int64], ridge: float) -> Array:
    """Covariance of ridge logistic coefficients that allows for a person's rows belonging together.

    Args: `x1`: rows x columns, the first column 1; `p`: fitted chances; `people`: number of each row's person, 0 up.
    Source: Huber (1967); Liang and Zeger (1986), Biometrika 73, 13-22.
    """
    bread = (x1 * (p * (1 - p))[:, None]).T @ x1 + ridge * np.diag([0.0] + [1.0] * (x1.shape[1] - 1))
    scores = np.zeros((int(people.max()) + 1, x1.shape[1]))
    np.add.at(scores, people, x1 * (y - p)[:, None])
    inverse = np.linalg.inv(bread)
    return np.asarray(inverse @ (scores.T @ scores) @ inverse)


def floats(values: Array) -> list[float]:
    """Plain numbers for a JSON document, exact in their shortest form."""
    return [float(value) for value in np.asarray(values).ravel()]


Document = dict[str, Any]
