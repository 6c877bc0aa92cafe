"""Ranges by arithmetic written out."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from harmcast.transitions import ranges


def test_a_persons_range_is_longer_below_by_half_the_variance() -> None:
    low, high = ranges.person_range(np.array([0.1]), np.array([0.11]), 0.25)
    middle, half = math.log(0.1 / 0.9) - 0.25 * 0.9 / 2, 1.6448536269514722 * 0.6
    assert low[0] == pytest.approx(1 / (1 + math.exp(-(middle - half))))
    assert high[0] == pytest.approx(1 / (1 + math.exp(-(middle + half))))


def test_the_spread_between_people_is_the_assumed_and_half_of_what_halving_changes() -> None:
    assert ranges.between_people(0.4) == pytest.approx(0.25 + 0.08)
    assert ranges.between_people(0.0) == pytest.approx(0.25)


def test_another_assumed_spread_goes_in_squared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "UNSEEN", 0.6)
    assert ranges.between_people(0.7) == pytest.approx(0.36 + 0.245)


def test_what_is_open_grows_away_from_the_centre() -> None:
    found = ranges.level_and_slope(np.array([0.02, 0.02]), 2.0, 0.04, 0.03, np.array([0.0, 0.5]))
    assert found == pytest.approx([0.02, 0.02 + (0.03 + 0.01) * 1.0])
    steep = ranges.level_and_slope(np.array([0.02, 0.05]), 1.7, 0.3, 0.03, np.array([-0.4, 1.1]))
    share = 0.3 / 2.89
    assert steep == pytest.approx([0.02 + (0.03 + share) * 0.68**2, 0.05 + (0.03 + share) * 1.87**2])
    small = ranges.level_and_slope(np.array([0.02]), 0.5, 0.01, 0.03, np.array([2.0]))
    assert small == pytest.approx([0.02 + (0.03 + 0.04) * 1.0])


@pytest.mark.parametrize("slope", [0.0, -0.5])
def test_a_slope_not_above_nought_adds_no_share_of_itself(slope: float) -> None:
    found = ranges.level_and_slope(np.array([0.02]), slope, 0.04, 0.03, np.array([0.5]))
    assert found == pytest.approx([0.02 + 0.03 * (slope * 0.5) ** 2])


def test_over_two_stretches_the_delta_rule() -> None:
    h1, h2 = np.array([0.1]), np.array([0.2])
    whole = 1 - 0.9 * 0.8
    found = ranges.over_stretches([np.array([0.04]), np.array([0.09])], [h1, h2])
    assert found[0] == pytest.approx((0.1 / whole * 0.2 + 0.2 / whole * 0.3) ** 2)
    assert ranges.over_stretches([np.array([0.04])], [h1])[0] == pytest.approx(0.04)


def test_the_delta_rule_is_the_slope_of_the_whole_chances_logit() -> None:
    """Three stretches, two sums of points: each logit moved a little on its own, and what the whole then moves by."""
    hazards, variances = [[0.1, 0.3], [0.2, 0.05], [0.04, 0.6]], [[0.04, 0.3], [0.09, 0.02], [0.5, 0.01]]
    found = ranges.over_stretches([np.array(v) for v in variances], [np.array(h) for h in hazards])

    def logit_of_whole(at: list[float]) -> float:
        none = math.prod(1 / (1 + math.exp(x)) for x in at)
        return math.log((1 - none) / none)

    for row in range(2):
        at = [math.log(h[row] / (1 - h[row])) for h in hazards]
        moved = 0.0
        for k in range(3):
            up, down = ([x + sign * 1e-5 * (j == k) for j, x in enumerate(at)] for sign in (1, -1))
            moved += (logit_of_whole(up) - logit_of_whole(down)) / 2e-5 * math.sqrt(variances[k][row])
        assert found[row] == pytest.approx(moved**2, rel=1e-6)


def test_the_group_range_is_of_the_mean() -> None:
    low, high = ranges.group_range(np.array([0.5]), np.array([0.04]))
    assert (low[0], high[0]) == pytest.approx((1 / (1 + math.exp(1.6448536269514722 * 0.2)), 1 / (1 + math.exp(-1.6448536269514722 * 0.2))))
    low, high = ranges.group_range(np.array([0.03, 0.2]), np.array([0.3, 0.09]))
    for row, (p, deviation) in enumerate([(0.03, math.sqrt(0.3)), (0.2, 0.3)]):
        middle, half = math.log(p / (1 - p)), 1.6448536269514722 * deviation
        assert (low[row], high[row]) == (pytest.approx(1 / (1 + math.exp(half - middle))), pytest.approx(1 / (1 + math.exp(-half - middle))))


def test_a_persons_range_by_the_formula_at_several_chances() -> None:
    low, high = ranges.person_range(np.array([0.02, 0.3, 0.7]), np.array([0.3, 0.05, 0.02]), 0.36)
    for row, (p, v) in enumerate([(0.02, 0.3), (0.3, 0.05), (0.7, 0.02)]):
        middle, half = math.log(p / (1 - p)) - 0.36 * (1 - p) / 2, 1.6448536269514722 * math.sqrt(v + 0.36)
        assert (low[row], high[row]) == (pytest.approx(1 / (1 + math.exp(half - middle))), pytest.approx(1 / (1 + math.exp(-half - middle))))


def test_a_chance_lies_within_its_own_range_however_far_people_differ() -> None:
    low, high = ranges.person_range(np.array([0.05]), np.array([0.0]), 16.0)
    assert high[0] == 0.05  # by the formula it would end below: 4 x .95 / 2 is more than 1.645
    assert low[0] < 0.05
    assert ranges.LEVEL == 0.9
    assert abs(ranges.Z - NormalDist().inv_cdf(0.95)) < 1e-12
