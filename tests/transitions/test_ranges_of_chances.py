"""Ranges by arithmetic written out."""

from __future__ import annotations

import math

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


def test_what_is_open_grows_away_from_the_centre() -> None:
    found = ranges.level_and_slope(np.array([0.02, 0.02]), 2.0, 0.04, 0.03, np.array([0.0, 0.5]))
    assert found == pytest.approx([0.02, 0.02 + (0.03 + 0.01) * 1.0])


def test_over_two_stretches_the_delta_rule() -> None:
    h1, h2 = np.array([0.1]), np.array([0.2])
    whole = 1 - 0.9 * 0.8
    found = ranges.over_stretches([np.array([0.04]), np.array([0.09])], [h1, h2])
    assert found[0] == pytest.approx((0.1 / whole * 0.2 + 0.2 / whole * 0.3) ** 2)
    assert ranges.over_stretches([np.array([0.04])], [h1])[0] == pytest.approx(0.04)


def test_the_group_range_is_of_the_mean() -> None:
    low, high = ranges.group_range(np.array([0.5]), np.array([0.04]))
    assert (low[0], high[0]) == pytest.approx((1 / (1 + math.exp(1.6448536269514722 * 0.2)), 1 / (1 + math.exp(-1.6448536269514722 * 0.2))))
