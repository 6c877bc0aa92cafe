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
from scipy.linalg import blas, lapack

from harmcast.places.grid import Matrix, blocks

Vector = NDArray[np.float32]

THERE, NEARLY_THERE = 0.01, 0.1
MOST_GRADIENTS = 30
BLOCK = 128


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
    own: float = 0.15
    step: float = 0.0015
    step_km: float = 3.0
    own_step: float = 0.0004
    excess: float = 0.1
    beta_step: float = 0.0001
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
    gained = np.empty(distances_m.shape, dtype=np.float32, order="F")
    for some in blocks(len(gained)):
        gained[:, some] = np.float32(walk.step) * np.exp(-distances_m[:, some] / np.float32(1000.0 * walk.step_km))
    gained[np.arange(len(gained)), np.arange(len(gained))] += np.float32(walk.own_step)
    return gained


def moved(field: Field, gained: Matrix, windows: float, walk: Walk) -> Field:
    """The field after `windows` windows have passed unseen. The field handed in is used up: its covariance is overwritten."""
    n, tail = len(gained), np.arange(len(gained), len(field.mean))
    for some in blocks(n):
        field.covariance[:n, some] += np.float32(windows) * gained[:, some]
    field.covariance[tail, tail] += np.float32(windows * walk.beta_step)
    return field


def predictor(field: Field, offset: Vector, x: Matrix) -> tuple[Vector, Vector]:
    """Mean and variance of each unit's log rate, given the exposure's logarithm and the (units, betas) features."""
    n = len(offset)
    mean = offset + field.mean[:n] + x @ field.mean[n:]
    cross, beta = field.covariance[:n, n:], field.covariance[n:, n:]
    variance = field.covariance[np.arange(n), np.arange(n)] + 2 * np.sum(cross * x, axis=1) + np.sum((x @ beta) * x, axis=1)
    return mean, np.maximum(variance, np.float32(1e-6))


def seen(field: Field, counts: NDArray[np.integer], offset: Vector, x: Matrix, walk: Walk) -> Field:
    """The field after a window's counts: the mode by damped Laplace-Newton steps, the covariance at the mode.

    The first and the last step factor their own matrix; those between are solved by conjugate gradients that the first
    factor preconditions, which costs a tenth and is as good, since the last step starts from where they end.
    The field handed in is used up: its covariance is overwritten.
    """
    n = len(offset)
    y = counts.astype(np.float32)
    total = np.float32(y.sum())
    if total == 0:
        return field
    reach, spread = _between(field, x)
    prior, variance = predictor(field, offset, x)
    prior = prior + np.float32(0.5) * variance  # the window's rates are means, not medians
    f = np.zeros(n, dtype=np.float32)
    low, low_root, largest = None, f, np.float32(np.inf)
    for step in range(walk.newton_steps):
        rate = total * _softmax(prior + f)
        thin = 1.0 + np.float32(walk.excess) * rate
        weight, slope = rate / thin, (y - rate) / thin
        root = np.sqrt(weight)
        b = weight * f + slope
        right = root * (spread @ b)
        is_last = largest < NEARLY_THERE or step == walk.newton_steps - 1
        if low is None or is_last:
            low, low_root = _factor(spread, root), root
            solved, _ = lapack.spotrs(low, right, lower=1)
        else:
            solved = _solve(spread, root, right, low)
        a = b - root * solved
        shift = spread @ a - f
        largest = np.abs(shift).max()
        f = f + shift * min(np.float32(1.0), np.float32(2.0) / max(largest, np.float32(1e-9)))
        if is_last or (low_root is root and largest < THERE):
            break
    mean = field.mean + reach.T @ a
    reach *= root[:, None]
    halfway = blas.strsm(1.0, low, reach, lower=1, overwrite_b=1)
    covariance = blas.ssyrk(-1.0, halfway, beta=1.0, c=field.covariance, trans=1, lower=1, overwrite_c=1)
    return Field(mean.astype(np.float32), mirrored(covariance))


def mirrored(lower: Matrix) -> Matrix:
    """A symmetric matrix whose upper half is overwritten with its lower, in place."""
    n = len(lower)
    for start in range(0, n, BLOCK):
        end = min(start + BLOCK, n)
        corner = np.tril(lower[start:end, start:end])
        lower[start:end, start:end] = corner + np.tril(corner, -1).T
        lower[start:end, end:] = lower[end:, start:end].T
    return lower


def _between(field: Field, x: Matrix) -> tuple[Matrix, Matrix]:
    """Covariance of the units' log rates with (u, beta), and with one another."""
    n = len(x)
    reach = field.covariance[:n, :].copy(order="F")
    reach = blas.sgemm(1.0, x, field.covariance[n:, :], beta=1.0, c=reach, overwrite_c=1)
    spread = reach[:, :n].copy(order="F")
    return reach, blas.sgemm(1.0, reach[:, n:], x, beta=1.0, c=spread, trans_b=1, overwrite_c=1)


def _factor(spread: Matrix, root: Vector) -> Matrix:
    """Lower factor of I + W^.5 S W^.5; what is above its diagonal means nothing."""
    mixed = np.multiply(spread, root[:, None], order="F")
    mixed *= root[None, :]
    mixed[np.arange(len(root)), np.arange(len(root))] += 1.0
    low, failed = lapack.spotrf(mixed, lower=1, clean=0, overwrite_a=1)
    if failed:
        raise ArithmeticError("the covariance of the field is not positive")
    return np.asarray(low)


def _solve(spread: Matrix, root: Vector, right: Vector, low: Matrix) -> Vector:
    """(I + W^.5 S W^.5)^-1 right by conjugate gradients, preconditioned with the factor of an earlier W."""
    enough = np.float32(1e-4) * np.sqrt(right @ right)
    found = lapack.spotrs(low, right, lower=1)[0]
    left = right - found - root * (spread @ (root * found))
    eased = lapack.spotrs(low, left, lower=1)[0]
    way, merit = eased, left @ eased
    for _ in range(MOST_GRADIENTS):
        if np.sqrt(left @ left) <= enough:
            break
        onto = way + root * (spread @ (root * way))
        length = merit / (way @ onto)
        found, left = found + length * way, left - length * onto
        eased = lapack.spotrs(low, left, lower=1)[0]
        merit, before = left @ eased, merit
        way = eased + (merit / before) * way
    return np.asarray(found)


def expected_share(field: Field, offset: Vector, x: Matrix) -> Vector:
    """Each unit's share of the window to come: its mean rate over the sum of mean rates."""
    mean, variance = predictor(field, offset, x)
    return _softmax(mean + np.float32(0.5) * variance)


def draw_factor(field: Field, x: Matrix) -> tuple[Matrix, Vector]:
    """Lower factor of the log rates' covariance between units, and their variances."""
    n = len(x)
    _, full = _between(field, x)
    full[np.arange(n), np.arange(n)] += np.float32(1e-4)
    variance = np.diag(full).copy()
    low, failed = lapack.spotrf(full, lower=1, clean=1, overwrite_a=1)
    if failed:
        raise ArithmeticError("the covariance of the field is not positive")
    return low, variance


def _softmax(values: Vector) -> Vector:
    raised = np.exp(values - values.max())
    return np.asarray(raised / raised.sum(), dtype=np.float32)
