"""Level and slope by formulas written out a second time."""

from __future__ import annotations

import numpy as np
import pytest

from harmcast.transitions import level


def test_one_landmark_gives_its_level_and_the_prior_step() -> None:
    found = level.level_ahead([-3.0], [0.04], [], 1.0)
    assert found.mean == pytest.approx(-3.0)
    assert found.variance == pytest.approx(0.04 + 0.15**2, rel=0.02)
    assert sum(found.weights) == pytest.approx(1.0)


def test_the_filter_at_a_known_step_equals_the_recursion_by_hand() -> None:
    # step .2 a year: after two landmarks variance .01 + .04 = .05; gain .05 / (.05 + .02) = 5/7.
    mean, variance, _ = level.filtered([-3.0, -2.65], [0.01, 0.02], [1.0], 1.0, 0.2)
    assert mean == pytest.approx(-3.0 + 5 / 7 * 0.35)
    assert variance == pytest.approx(0.05 * 2 / 7 + 0.04)


def test_a_level_that_moves_is_followed_and_one_that_stands_is_averaged() -> None:
    moving = level.level_ahead([-4.0, -3.6, -3.2, -2.8], [1e-3] * 4, [1.0] * 3, 1.0)
    assert moving.mean == pytest.approx(-2.8, abs=0.02)
    still = level.level_ahead([-3.1, -2.9, -3.1, -2.9], [0.04] * 4, [1.0] * 3, 1.0)
    assert still.mean == pytest.approx(-3.0, abs=0.05)
    assert still.variance < moving.variance
    two = level.level_ahead([-3.0], [0.04], [], 2.0, np.asarray(moving.weights))
    assert two.variance > level.level_ahead([-3.0], [0.04], [], 2.0).variance


def test_without_a_year_the_slope_is_the_prior() -> None:
    found = level.slope_of_years([], [])
    assert found.mean == pytest.approx(1.0)
    assert found.deviation == pytest.approx(0.15)
    assert found.variance == pytest.approx(2 * 0.15**2, rel=0.02)


def test_years_that_agree_tell_the_slope_and_years_that_differ_widen_it() -> None:
    sure = level.slope_of_years([0.8, 0.8, 0.8], [0.02] * 3)
    assert sure.mean == pytest.approx(0.81, abs=0.01)
    apart = level.slope_of_years([0.5, 0.9, 1.3], [0.02] * 3)
    assert apart.variance > 2 * sure.variance
    assert apart.low < 1 < apart.high
