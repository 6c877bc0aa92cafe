"""Level and slope by formulas written out a second time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from harmcast.transitions import level

STEPS = [(k + 0.5) * 0.02 for k in range(30)]  # .01, .03, ... .59
PRIOR = [math.exp(-0.5 * (step / 0.15) ** 2) for step in STEPS]


def _ahead_at(levels: Sequence[float], variances: Sequence[float], years: Sequence[float], ahead: float, step: float) -> tuple[float, float, float]:
    """Mean, variance and log likelihood (but for a constant) by the normal distribution of all levels at once, the first as seen."""
    at = np.cumsum([0.0, *years])
    seen, times = np.array(levels[1:]), at[1:]
    if not len(seen):
        return levels[0], variances[0] + step**2 * ahead, 0.0
    together = variances[0] + step**2 * np.minimum.outer(times, times) + np.diag(variances[1:])
    with_ahead = variances[0] + step**2 * times
    off = seen - levels[0]
    mean = levels[0] + with_ahead @ np.linalg.solve(together, off)
    variance = variances[0] + step**2 * (at[-1] + ahead) - with_ahead @ np.linalg.solve(together, with_ahead)
    return float(mean), float(variance), float(multivariate_normal(np.full(len(seen), levels[0]), together).logpdf(seen)) + 0.5 * len(seen) * math.log(2 * math.pi)


def ahead_by_grid(
    levels: Sequence[float], variances: Sequence[float], years: Sequence[float], ahead: float, prior: Sequence[float] = PRIOR
) -> tuple[float, float, list[float]]:
    """Mean, variance and weights of the steps: each step's answer weighed by prior and likelihood."""
    each = [_ahead_at(levels, variances, years, ahead, step) for step in STEPS]
    weights = [p * math.exp(loglik) for p, (_, _, loglik) in zip(prior, each, strict=True)]
    weights = [w / math.fsum(weights) for w in weights]
    mean = math.fsum(w * m for w, (m, _, _) in zip(weights, each, strict=True))
    second = math.fsum(w * (v + m * m) for w, (m, v, _) in zip(weights, each, strict=True))
    return mean, second - mean**2, weights


SEEN = ([-3.0, -2.65, -2.9, -2.2], [0.01, 0.02, 0.005, 0.04], [1.0, 1.02, 0.98], 1.37)


def test_one_landmark_gives_its_level_and_the_prior_step() -> None:
    found = level.level_ahead([-3.0], [0.04], [], 1.0)
    assert found.mean == pytest.approx(-3.0)
    assert found.variance == pytest.approx(0.04 + 0.15**2, rel=0.02)
    assert found.weights == pytest.approx([p / sum(PRIOR) for p in PRIOR])


def test_the_filter_at_a_known_step_equals_the_recursion_by_hand() -> None:
    # step .2 a year: after two landmarks variance .01 + .04 = .05; gain .05 / (.05 + .02) = 5/7.
    mean, variance, _ = level.filtered([-3.0, -2.65], [0.01, 0.02], [1.0], 1.0, 0.2)
    assert mean == pytest.approx(-3.0 + 5 / 7 * 0.35)
    assert variance == pytest.approx(0.05 * 2 / 7 + 0.04)


@pytest.mark.parametrize("step", [0.05, 0.3])
@pytest.mark.parametrize("seen", [1, 2, 3, 4])
def test_the_filter_equals_the_normal_distribution_of_all_levels_at_once(step: float, seen: int) -> None:
    levels, variances, years, ahead = SEEN
    found = level.filtered(levels[:seen], variances[:seen], years[: seen - 1], ahead, step)
    assert found == pytest.approx(_ahead_at(levels[:seen], variances[:seen], years[: seen - 1], ahead, step), rel=1e-9)


def test_the_level_ahead_is_the_mean_over_the_grid_of_steps_by_prior_and_likelihood() -> None:
    found = level.level_ahead(*SEEN)
    mean, variance, weights = ahead_by_grid(*SEEN)
    assert (found.mean, found.variance) == (pytest.approx(mean, rel=1e-9), pytest.approx(variance, rel=1e-9))
    assert found.weights == pytest.approx(weights, rel=1e-9)
    # A second stretch begins with the first one's weights, and not with the prior.
    second = level.level_ahead([-3.4, -3.0], [0.03, 0.05], [1.0], 2.0, np.asarray(found.weights))
    assert (second.mean, second.variance) == pytest.approx(ahead_by_grid([-3.4, -3.0], [0.03, 0.05], [1.0], 2.0, weights)[:2], rel=1e-9)


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
    assert found.variance == pytest.approx(0.15**2 + math.fsum(p * tau**2 for p, tau in zip(PRIOR, STEPS, strict=True)) / math.fsum(PRIOR), rel=1e-12)


@pytest.mark.parametrize(("slopes", "errors"), [([0.7], [0.2]), ([0.5, 0.9, 1.3], [0.1, 0.2, 0.15]), ([0.8, 0.82, 0.79], [0.02, 0.03, 0.04])])
def test_the_slope_of_years_is_the_mean_over_the_grid_of_spreads(slopes: list[float], errors: list[float]) -> None:
    """At each spread between years slopes and their mean are normal together: mean 1, variance .15 squared in common."""
    own = np.full(len(slopes), 0.15**2)
    each = []
    for tau in STEPS:
        together = np.full((len(slopes), len(slopes)), 0.15**2) + np.diag([e**2 + tau**2 for e in errors])
        off = np.array(slopes) - 1
        likelihood = multivariate_normal(np.ones(len(slopes)), together).pdf(slopes)
        each.append((likelihood, 1 + own @ np.linalg.solve(together, off), 0.15**2 - own @ np.linalg.solve(together, own)))
    weights = [p * likelihood for p, (likelihood, _, _) in zip(PRIOR, each, strict=True)]
    weights = [w / math.fsum(weights) for w in weights]
    mean = math.fsum(w * m for w, (_, m, _) in zip(weights, each, strict=True))
    of_mean = math.fsum(w * (v + m * m) for w, (_, m, v) in zip(weights, each, strict=True)) - mean**2
    found = level.slope_of_years(slopes, errors)
    assert (found.mean, found.deviation) == (pytest.approx(mean, rel=1e-9), pytest.approx(math.sqrt(of_mean), rel=1e-9))
    assert found.variance == pytest.approx(of_mean + math.fsum(w * tau**2 for w, tau in zip(weights, STEPS, strict=True)), rel=1e-9)
    assert (found.low, found.high) == pytest.approx((mean - 1.959963984540054 * math.sqrt(of_mean), mean + 1.959963984540054 * math.sqrt(of_mean)), rel=1e-9)


def test_the_priors_of_step_and_slope_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are equal today; were the slope's twice as wide, so would be the years."""
    monkeypatch.setattr(level, "SLOPE_PRIOR", 0.3)
    found = level.slope_of_years([], [])
    assert found.deviation == pytest.approx(0.3)
    assert found.variance == pytest.approx(0.09 + 4 * math.fsum(p * tau**2 for p, tau in zip(PRIOR, STEPS, strict=True)) / math.fsum(PRIOR), rel=1e-12)


def test_years_that_agree_tell_the_slope_and_years_that_differ_widen_it() -> None:
    sure = level.slope_of_years([0.8, 0.8, 0.8], [0.02] * 3)
    assert sure.mean == pytest.approx(0.81, abs=0.01)
    apart = level.slope_of_years([0.5, 0.9, 1.3], [0.02] * 3)
    assert apart.variance > 2 * sure.variance
    assert apart.low < 1 < apart.high
