"""The logistic fit judged by what makes a least point: each slope of the loss nought, or pushing against its bound."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from harmcast.transitions import regression
from harmcast.transitions.regression import Array


def test_chance_and_logit_by_their_formulas() -> None:
    for value in (-30.0, -2.5, -0.7, 0.0, 0.4, 3.0, 30.0):
        assert float(regression.chance(np.array(value))) == pytest.approx(1 / (1 + math.exp(-value)), rel=1e-9, abs=1e-16)
    for share in (1e-9, 0.02, 0.5, 0.7, 0.999):
        assert float(regression.logit(share)) == pytest.approx(math.log(share / (1 - share)), rel=1e-12, abs=1e-12)
    assert regression.floats(np.array([[0.1, 2.0], [3.0, -4.5]])) == [0.1, 2.0, 3.0, -4.5]


def _is_least_in_box(hessian: Array, gradient: Array, at: Array, low: Array, high: Array) -> None:
    to = at + regression._boxed(hessian, gradient, at, low, high)
    assert ((to >= low - 1e-9) & (to <= high + 1e-9)).all()
    pull = gradient + hessian @ (to - at)
    slack = 1e-7 * (1 + np.abs(gradient).max())
    inside = (to > low + 1e-9) & (to < high - 1e-9)
    assert np.abs(pull[inside]).max(initial=0.0) < slack
    assert (pull[~inside & (to <= low + 1e-9)] > -slack).all()
    assert (pull[~inside & (to >= high - 1e-9)] < slack).all()


@pytest.mark.parametrize("size", [1, 2, 3, 5, 9, 14])
def test_a_step_ends_at_the_least_point_of_the_box(size: int) -> None:
    """From a bound or from inside; bounds on one side, on both, on none; columns that all but go together."""
    rng = np.random.default_rng(size)
    for k in range(60):
        root = rng.normal(size=(size, size)) + (3.0 * rng.normal(size=(size, 1)) if k % 2 else 0.0)
        hessian = root @ root.T + 1e-3 * np.eye(size)
        low = np.where(rng.random(size) < 0.7, -rng.random(size) * (k % 3), -np.inf)
        high = np.where(rng.random(size) < 0.5, rng.random(size) + 0.01, np.inf)
        at = np.clip(rng.normal(size=size), low, high)
        _is_least_in_box(hessian, rng.normal(size=size) * 5, at, low, high)


def test_two_columns_in_a_box_by_hand() -> None:
    hessian = np.array([[2.0, 1.0], [1.0, 3.0]])
    low, high = np.array([0.0, -np.inf]), np.array([np.inf, 0.5])
    # From (1, 0), slope (-1, -4) there: the free least point is (1 - 1/5, 7/5); the second stops at 1/2, then the first at 1 - (1/2 - 1)/2.
    assert regression._boxed(hessian, np.array([-1.0, -4.0]), np.array([1.0, 0.0]), low, high) == pytest.approx([0.25, 0.5])
    # Slope (4, 4): the first stops at 0, where 4 - 2 + y pulls it on, and the second goes to -(4 - 1)/3.
    assert regression._boxed(hessian, np.array([4.0, 4.0]), np.array([1.0, 0.0]), low, high) == pytest.approx([-1.0, -1.0])
    # From a bound it may leave.
    assert regression._boxed(np.array([[2.0]]), np.array([-3.0]), np.array([0.0]), np.array([0.0]), np.array([np.inf])) == pytest.approx([1.5])
    assert regression._boxed(np.array([[2.0]]), np.array([3.0]), np.array([0.5]), np.array([-np.inf]), np.array([0.5])) == pytest.approx([-1.5])
    # No bound at all, and one column held on each side.
    assert regression._boxed(hessian, np.array([-5.0, 0.0]), np.zeros(2), np.full(2, -np.inf), np.full(2, np.inf)) == pytest.approx([3.0, -1.0])
    assert regression._boxed(hessian, np.array([5.0, -9.0]), np.array([0.0, 0.5]), low, high) == pytest.approx([0.0, 0.0])


def _rows() -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(160, 4)) * [1.0, 2.0, 0.5, 1.0] + [0.3, 0.0, 1.0, -0.5]
    eta = -1.0 + x @ np.array([0.8, -0.5, 0.0, 0.3])
    y = (rng.random(160) < 1 / (1 + np.exp(-eta))).astype(float)
    y[:20] = rng.random(20)  # shares, for rows that stand for several
    return x, y, rng.integers(1, 5, 160).astype(float)


@pytest.mark.parametrize("ridge", [1e-6, 3.0, 60.0])
@pytest.mark.parametrize("directions", [None, [1, -1, 1, -1], [-1, -1, 0, 1]])
@pytest.mark.parametrize("weighed", [False, True])
def test_a_fit_is_at_its_least_point(monkeypatch: pytest.MonkeyPatch, ridge: float, directions: list[int] | None, weighed: bool) -> None:
    x, y, counts = _rows()
    weight = counts if weighed else np.ones(len(y))
    steps = _counted(monkeypatch)
    intercept, found = regression.fit_logistic(x, y, ridge, directions, counts if weighed else None)
    p = 1 / (1 + np.exp(-(intercept + x @ found)))
    assert float((weight * (p - y)).sum()) == pytest.approx(0.0, abs=1e-5)  # the intercept is not shrunk
    slopes = x.T @ (weight * (p - y)) + ridge * found
    for sign, value, slope in zip(directions or [0] * 4, found, slopes, strict=True):
        assert value * sign >= 0
        if sign and value == 0:
            assert slope * sign > 0
        else:
            assert slope == pytest.approx(0.0, abs=1e-4)
    assert 2 <= len(steps) <= 8
    assert bool(found[0] == 0) is (directions is not None and directions[0] == -1)
    # Begun at its end, one step says that it is there.
    steps.clear()
    again = regression.fit_logistic(x, y, ridge, directions, counts if weighed else None, (intercept, found))
    assert again[0] == pytest.approx(intercept, abs=1e-7)
    assert again[1] == pytest.approx(found, abs=1e-7)
    assert len(steps) == 1


def _counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    steps: list[int] = []
    own = regression._boxed

    def boxed(*given: Array) -> Array:
        steps.append(1)
        return own(*given)

    monkeypatch.setattr(regression, "_boxed", boxed)
    return steps


def test_a_start_far_off_is_brought_back_by_shorter_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y, weight = _rows()
    near = regression.fit_logistic(x, y, 0.5, [1, 0, 0, 0], weight)
    steps = _counted(monkeypatch)
    far = regression.fit_logistic(x, y, 0.5, [1, 0, 0, 0], weight, (-6.0, np.array([4.0, 3.0, -5.0, 2.0])))
    assert far[0] == pytest.approx(near[0], abs=1e-4)
    assert far[1] == pytest.approx(near[1], abs=1e-4)
    assert len(steps) < 40


def test_the_ridge_counts_in_whether_a_step_is_taken() -> None:
    """Rows that weigh next to nothing, begun far off: the ridge alone brings the coefficients back, half of each squared."""
    x, y, _ = _rows()
    weight = np.full(len(y), 1e-3)
    found = regression.fit_logistic(x, y, 60.0, None, weight, (0.0, np.array([5.0, -5.0, 3.0, -1.0])))
    assert np.abs(found[1]).max() < 0.01


def test_a_fit_of_one_column_by_hand() -> None:
    """Two cells: 3 of 10 without, 6 of 10 with. Unshrunk, the logits themselves; held at 0 or more the other way round, the mean."""
    x, y, weight = np.array([[0.0], [1.0]]), np.array([0.3, 0.6]), np.array([10.0, 10.0])
    intercept, slopes = regression.fit_logistic(x, y, 0.0, None, weight)
    assert (intercept, slopes[0]) == (pytest.approx(math.log(3 / 7), abs=1e-6), pytest.approx(math.log(6 / 4) - math.log(3 / 7), abs=1e-6))
    intercept, slopes = regression.fit_logistic(x, y, 0.0, [-1], weight)
    assert (intercept, slopes[0]) == (pytest.approx(math.log(0.45 / 0.55), abs=1e-9), 0.0)


@pytest.mark.parametrize("weighed", [False, True])
def test_a_persons_rows_go_together_in_the_covariance(weighed: bool) -> None:
    x, y, counts = _rows()
    x1 = np.column_stack([np.ones(12), x[:12, :2]])
    y, weight = y[30:42], counts[:12] if weighed else np.ones(12)
    p = np.linspace(0.1, 0.8, 12)
    people: NDArray[np.int64] = np.array([0, 0, 1, 2, 2, 2, 3, 4, 5, 6, 6, 7])
    bread, meat = np.diag([0.0, 0.7, 0.7]), np.zeros((3, 3))
    for i in range(12):
        bread += weight[i] * p[i] * (1 - p[i]) * np.outer(x1[i], x1[i])
    for person in range(8):
        own = sum((weight[i] * (y[i] - p[i]) * x1[i] for i in range(12) if people[i] == person), np.zeros(3))
        meat += np.outer(own, own)
    wanted = np.linalg.solve(bread, np.linalg.solve(bread, meat).T)
    assert regression.sandwich(x1, y, p, people, 0.7, weight if weighed else None) == pytest.approx(wanted, rel=1e-9)
