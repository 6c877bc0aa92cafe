import numpy as np
import pytest
from scipy import stats

from harmcast.evaluate import choose

WORSE = np.linspace(-0.012, -0.008, 13)


def test_falls_back_when_the_upper_bound_is_below_zero_and_returns_by_the_mirror_rule():
    away = choose.decide(WORSE)
    assert away.fell_back
    assert away.upper < 0
    assert choose.decide(WORSE, True).fell_back
    back = choose.decide(-WORSE, True)
    assert not back.fell_back
    assert back.lower > 0


def test_stays_as_it_is_when_nothing_is_shown_or_windows_are_few():
    unsure = np.tile([0.01, -0.011], 7)[:13]
    for now in (False, True):
        assert choose.decide(unsure, now).fell_back is now
        assert choose.decide(WORSE[:12], now).fell_back is now
        assert choose.decide([], now).fell_back is now


def test_only_the_last_thirteen_windows_count():
    assert choose.decide(np.concatenate([np.full(50, 1.0), WORSE])).fell_back


def test_bounds_are_those_of_the_t_test():
    found = choose.decide(WORSE)
    test = stats.ttest_1samp(WORSE, 0.0)
    interval = test.confidence_interval(0.90)
    assert (found.lower, found.upper) == pytest.approx((interval.low, interval.high))


def test_simulated_rates_run_the_same_rule():
    good = choose.simulate(0.01, 0.012, runs=300, windows=60)
    same = choose.simulate(0.0, 0.012, runs=300, windows=60)
    bad = choose.simulate(-0.02, 0.012, runs=300, windows=60)
    assert good["ever_share"] < 0.02 < same["ever_share"]
    assert bad["ever_share"] > 0.99
    assert bad["first_window"] == 13
    rng = np.random.default_rng(0)
    drawn = 0.0 + 0.012 * rng.standard_normal((300, 60))
    state, times = np.zeros(300, dtype=bool), 0
    for t in range(13, 61):
        state = np.array([choose.decide(row[t - 13 : t], bool(now)).fell_back for row, now in zip(drawn, state, strict=True)])
        times += state.sum()
    assert same["time_share"] == pytest.approx(times / (300 * 48))


def test_the_best_setting_is_the_first_of_equals():
    assert choose.best_setting([1, 2, 3], lambda s: -abs(s - 2)) == 2
    assert choose.best_setting([1, 2], lambda s: 0.0) == 1
    with pytest.raises(ValueError, match="choose"):
        choose.best_setting([], lambda s: 0.0)
