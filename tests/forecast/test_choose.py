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


def after(*steps: float) -> list[float]:
    """Six windows of 1, -1, ... and one more for each x: the mean of half the squared differences before it is its s squared."""
    d = [1.0, -1.0, 1.0, -1.0, 1.0, -1.0]
    for x in steps:
        d.append(3.0 * float(np.sqrt(np.mean(np.diff(d) ** 2) / 2)) * x)
    return d


def test_the_other_steps_in_at_260_and_the_evidence_begins_again():
    """Three windows of x = -10 make 14, 39, 155 and 819, a mean of 256.75; a fourth of x makes 257.75 - 181.975 x."""
    assert choose.decide(after(-10, -10, -10)).detector == pytest.approx(256.75)
    under = choose.decide(after(-10, -10, -10, -0.0118))
    assert (under.fell_back, under.stepped, under.windows) == (False, (), 10)
    assert under.detector == pytest.approx(259.897, abs=1e-3)
    over = choose.decide(after(-10, -10, -10, -0.0129))
    assert (over.fell_back, over.stepped, over.detector) == (True, (10,), 0.0)
    assert choose.decide(after(-10, -10, -10, -0.0129, -0.5)).detector == pytest.approx((0.95 + 0.9 + 0.8 + 0.6) / 4), "the mirror, from nought"
    assert choose.decide(after(10, 10, 10, 0.0129), True).stepped == (10,)


def test_a_window_in_favour_lowers_the_evidence_by_no_more_than_the_bets():
    """x is cut at 1: M is the mean of .9, .8, .6 and .2. Windows that are all alike count as far apart as can be, none as nothing."""
    assert choose.decide(after(2.0)).detector == pytest.approx(0.625)
    assert choose.decide([0.01] * 7).detector == pytest.approx(0.625)
    assert choose.decide([0.0] * 7).detector == 1.0
    assert choose.decide(after(0.5, 0.25)).detector == pytest.approx((1.95 * 0.975 + 1.9 * 0.95 + 1.8 * 0.9 + 1.6 * 0.8) / 4)


def test_what_is_said_names_who_speaks_and_the_evidence():
    words = "over 7 windows the evidence that {} places crime better is {}; it changes at 260."
    assert choose.decide(after(-5.0)).reason == "Our procedure makes the numbers: " + words.format("the 24-month count", "2.9")
    assert choose.decide(after(-5.0), True).reason == "The 24-month count makes the numbers: " + words.format("our procedure", "0.6")
    assert choose.decide([0.1] * 6).reason == "6 completed windows; the detector needs 7."


@pytest.mark.parametrize(("mean", "gain", "share"), [(0.02, 0.05, 0.4), (0.02, 0.0, None), (0.02, -0.05, None), (None, 0.05, None), (-0.02, 0.05, -0.4)])
def test_the_share_that_comes_from_where_is_of_a_gain_alone(mean, gain, share):
    found = choose.Choice(False, "", mean, 1.5, 9).document(gain)
    assert found == {"mean_difference": mean, "detector": 1.5, "from_where_share": share if share is None else pytest.approx(share)}


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
