"""A dynamic log-Gaussian Cox filter: slowly moving log rates of all units at once, with what they share.

    log rate = level + log exposure + u + x' beta

u is a Gaussian field over the units that walks a little every window, x are what recent crime and other recorded
crime say, beta walks too. The level is none of the filter's business: it works on the window's total as given.

Sources: Moller, Syversveen and Waagepetersen (1998), Scandinavian Journal of Statistics 25, 451-482 (the process);
West and Harrison (1997), Bayesian Forecasting and Dynamic Models, ch. 14 (filtering by Laplace steps); Rasmussen and
Williams (2006), Gaussian Processes for Machine Learning, alg. 3.1 (the stable Newton step).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Walk:
    """Priors and speed of the field; the same for every force and every cell size.

    Attributes:
        near, near_km, wide, wide_km, own: starting variance shared over short and long distances, and unshared.
        step, step_km, own_step: variance gained in a window, shared and unshared.
        excess: extra variance of counts that makes one window's evidence count for less.
        beta_step: variance gained by each coefficient in a window.
        newton_steps: most Laplace-Newton steps in a window.
    """

    near: float = 1.0
    near_km: float = 2.0
    wide: float = 1.6
    wide_km: float = 8.0
    own: float = 0.3
    step: float = 0.0015
    step_km: float = 3.0
    own_step: float = 0.0004
    excess: float = 0.3
    beta_step: float = 0.00002
    newton_steps: int = 6


@dataclass(frozen=True, eq=False)
class Field:
    """What is believed before a window: mean and covariance of (u, beta), units first."""

    mean: Vector
    covariance: Matrix


def starting_field(distances_m: Matrix, betas: NDArray[np.float64], variances: NDArray[np.float64], walk: Walk) -> Field:
    """The field before any window: no unit known to differ, coefficients at their prior."""
    n, p = len(distances_m), len(betas)
    km = distances_m / np.float32(1000.0)
    covariance = np.zeros((n + p, n + p), dtype=np.float32, order="F")
    covariance[:n, :n] = walk.near * np.exp(-km / walk.near_km) + walk.wide * np.exp(-km / walk.wide_km)
    covariance[np.arange(n), np.arange(n)] += np.float32(walk.own)
    covariance[np.arange(n, n + p), np.arange(n, n + p)] = variances
    mean = np.concatenate([np.zeros(n), betas]).astype(np.float32)
    return Field(mean, covariance)


def step_covariance(distances_m: Matrix, walk: Walk) -> Matrix:
    """Variance that the field gains in one window."""
    gained = np.float32(walk.step) * np.exp(-distances_m / np.float32(1000.0 * walk.step_km))
    gained[np.arange(len(gained)), np.arange(len(gained))] += np.float32(walk.own_step)
    return np.asfortranarray(gained, dtype=np.float32)


def moved(field: Field, gained: Matrix, windows: float, walk: Walk) -> Field:
    """The field after `windows` windows have passed unseen."""
    n = len(gained)
    covariance = field.covariance.copy(order="F")
    covariance[:n, :n] += np.float32(windows) * gained
    tail = np.arange(n, len(field.mean))
    covariance[tail, tail] += np.float32(windows * walk.beta_step)
    return Field(field.mean, covariance)


def predictor(field: Field, offset: Vector, x: Matrix) -> tuple[Vector, Vector]:
    """Mean and variance of each unit's log rate, given the exposure's logarithm and the (units, betas) features."""
    n = len(offset)
    mean = offset + field.mean[:n] + x @ field.mean[n:]
    cross, beta = field.covariance[:n, n:], field.covariance[n:, n:]
    variance = field.covariance[np.arange(n), np.arange(n)] + 2 * np.sum(cross * x, axis=1) + np.sum((x @ beta) * x, axis=1)
    return mean, np.maximum(variance, np.float32(1e-6))


def seen(field: Field, counts: NDArray[np.integer], offset: Vector, x: Matrix, walk: Walk) -> Field:
    """The field after a window's counts: the mode by damped Laplace-Newton steps, the covariance at the mode."""
    from scipy.linalg import blas, lapack

    n = len(offset)
    y = counts.astype(np.float32)
    total = np.float32(y.sum())
    if total == 0:
        return field
    reach = np.empty((n, len(field.mean)), dtype=np.float32, order="F")
    np.add(field.covariance[:n, :], x @ field.covariance[n:, :], out=reach)
    spread = np.asfortranarray(reach[:, :n] + reach[:, n:] @ x.T)
    prior, _ = predictor(field, offset, x)
    f = np.zeros(n, dtype=np.float32)
    for _ in range(walk.newton_steps):
        rate = total * _softmax(prior + f)
        thin = 1.0 + np.float32(walk.excess) * rate
        weight, slope = rate / thin, (y - rate) / thin
        root = np.sqrt(weight)
        mixed = root[:, None] * spread * root[None, :]
        mixed[np.arange(n), np.arange(n)] += 1.0
        low, failed = lapack.spotrf(mixed, lower=1, clean=0, overwrite_a=1)
        if failed:
            raise ArithmeticError("the covariance of the field is not positive")
        b = weight * f + slope
        solved, _ = lapack.spotrs(low, root * (spread @ b), lower=1)
        a = b - root * solved
        target = spread @ a
        shift = target - f
        largest = np.abs(shift).max()
        f = f + shift * min(np.float32(1.0), np.float32(2.0) / max(largest, np.float32(1e-9)))
        if largest < 0.01:
            break
    mean = field.mean + reach.T @ a
    halfway = blas.strsm(1.0, low, np.asfortranarray(root[:, None] * reach), lower=1)
    covariance = blas.ssyrk(-1.0, halfway, beta=1.0, c=field.covariance.copy(order="F"), trans=1, lower=1, overwrite_c=1)
    covariance = np.asfortranarray(np.tril(covariance) + np.tril(covariance, -1).T)
    return Field(mean.astype(np.float32), covariance)


def expected_share(field: Field, offset: Vector, x: Matrix) -> Vector:
    """Each unit's share of the window to come: its mean rate over the sum of mean rates."""
    mean, variance = predictor(field, offset, x)
    return _softmax(mean + np.float32(0.5) * variance)


def draw_factor(field: Field, x: Matrix) -> tuple[Matrix, Vector]:
    """Lower factor of the log rates' covariance between units, and their variances."""
    from scipy.linalg import lapack

    n = len(x)
    top, cross = field.covariance[:n, :n], field.covariance[:n, n:]
    full = top + cross @ x.T + x @ cross.T + x @ field.covariance[n:, n:] @ x.T
    full[np.arange(n), np.arange(n)] += np.float32(1e-4)
    low, failed = lapack.spotrf(np.asfortranarray(full), lower=1, clean=1, overwrite_a=0)
    if failed:
        raise ArithmeticError("the covariance of the field is not positive")
    return low, np.diag(full).copy()


def _softmax(values: Vector) -> Vector:
    raised = np.exp(values - values.max())
    return np.asarray(raised / raised.sum(), dtype=np.float32)
