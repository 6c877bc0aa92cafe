"""The rule by which the plain count steps in. Its arithmetic is followed by hand; its errors by simulation, as the design printed them."""

import numpy as np
import pytest

from harmcast.forecast import choose


def ever(mean: float, windows: int = 130, runs: int = 200, spread: float = 0.012) -> float:
    drawn = np.random.default_rng(16).normal(mean, spread, (runs, windows))
    return float(np.mean([bool(choose.decide(row).stepped) for row in drawn]))


def test_the_seventh_window_by_hand():
    """Six windows of 1, -1, 1, -1, 1, -1: s squared is 2. The seventh, -s x 3 x 5, is x = -5: M is the mean of 1 + 5 l, l = .1 .2 .4 .8."""
    d = [1.0, -1.0, 1.0, -1.0, 1.0, -1.0, -5 * 3 * np.sqrt(2.0)]
    found = choose.decide(d)
    assert found.detector == pytest.approx((1.5 + 2.0 + 3.0 + 5.0) / 4)
    assert (found.fell_back, found.windows, found.stepped) == (False, 7, ())
    assert found.mean_difference == pytest.approx(np.mean(d))


def test_one_wild_window_is_cut_and_cannot_decide_alone():
    """x is cut at -10: M is at most the mean of 2, 3, 5 and 9."""
    found = choose.decide([1.0, -1.0, 1.0, -1.0, 1.0, -1.0, -1e9])
    assert found.detector == pytest.approx(4.75)
    assert not found.fell_back


def test_under_seven_windows_there_is_no_detector_and_that_is_said():
    for now in (False, True):
        found = choose.decide([-1.0] * 6, now)
        assert (found.fell_back, found.detector) == (now, 0.0)
        assert "6 completed windows" in found.reason
    assert choose.decide([]).mean_difference is None


def test_a_plain_count_that_is_better_steps_in_and_steps_back_by_the_mirror_rule():
    worse = np.random.default_rng(1).normal(-0.02, 0.012, 60)
    away = choose.decide(worse)
    assert away.fell_back
    assert len(away.stepped) == 1
    back = choose.decide(np.concatenate([worse, -worse]))
    assert not back.fell_back
    assert len(back.stepped) == 2
    assert choose.decide(-worse, True).fell_back is False
    assert choose.decide(worse, True).fell_back is True


def test_the_same_windows_give_the_same_answer_however_often_it_is_asked():
    """Weeks between two windows ask again: nothing is remembered but the windows."""
    d = np.random.default_rng(3).normal(-0.004, 0.012, 50)
    assert [choose.decide(d[:40]).detector for _ in range(2)] == [choose.decide(d[:40]).detector] * 2


def test_it_seldom_steps_in_while_ours_is_the_better_and_finds_a_bad_map_soon():
    """Ten years of windows that vary by .012: .00 at +.010, .16 at 0; a map that is worse by .05 is found by the 20th window."""
    assert ever(0.010) <= 0.01
    assert ever(0.0) <= 0.25
    bad = np.random.default_rng(5).normal(-0.05, 0.012, 40)
    assert choose.decide(bad).stepped[0] <= 20
