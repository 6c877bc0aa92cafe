import numpy as np
from scipy import stats

from harmcast.forecast import ranges

RNG = np.random.default_rng(2)
MEAN = RNG.gamma(0.7, 1.5, 300) + 0.001
ALPHA = np.where(RNG.random(300) < 0.2, 0.0, RNG.gamma(1.0, 0.4, 300) + 1e-4)


def law(k):
    return stats.poisson(MEAN[k]) if ALPHA[k] == 0 else stats.nbinom(1 / ALPHA[k], 1 / (1 + ALPHA[k] * MEAN[k]))


def test_quantiles_chances_and_tails_are_those_of_scipy():
    low, high = ranges.quantile(0.05, MEAN, ALPHA), ranges.quantile(0.95, MEAN, ALPHA)
    came = RNG.poisson(MEAN)
    logs, chance = ranges.log_chance(came, MEAN, ALPHA), ranges.chance_any(MEAN, ALPHA)
    for k in range(300):
        assert (low[k], high[k]) == (law(k).ppf(0.05), law(k).ppf(0.95))
        assert np.isclose(logs[k], law(k).logpmf(came[k]))
        assert np.isclose(chance[k], law(k).sf(0))


def test_areas_add_up_in_every_draw():
    draws = RNG.gamma(1.0, 1.0, (200, 12))
    totals = RNG.poisson(30, 200)
    dealt = ranges.counts_by_area(draws, totals, ["a"] * 5 + ["b"] * 6 + [None], 1)
    assert np.array_equal(sum(dealt.values()), totals)
    assert set(dealt) == {"", "a", "b"}


def test_ranks_of_units_that_cannot_be_told_apart_are_wide_and_of_clear_ones_narrow():
    draws = np.exp(RNG.normal(0, 0.05, (400, 40)))
    draws[:, 7] *= 10
    chance, low, high = ranges.rank_range(draws, top=5)
    assert (chance[7], low[7], high[7]) == (1.0, 1, 1)
    others = np.arange(40) != 7
    assert (high - low)[others].min() > 25
    assert np.isclose(chance.sum(), 5)


def test_a_whole_range_holds_at_least_its_level():
    for mean in (0.2, 3.0, 80.0):
        draws = RNG.poisson(mean, 4000)
        low, high = ranges.whole_range(draws)
        assert ((draws >= low) & (draws <= high)).mean() >= 0.9
