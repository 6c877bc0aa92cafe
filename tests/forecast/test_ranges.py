import numpy as np
import pytest
from scipy import stats

from harmcast.forecast import ranges

RNG = np.random.default_rng(2)
MEAN = RNG.gamma(0.7, 1.5, 300) + 0.001
ALPHA = np.where(RNG.random(300) < 0.2, 0.0, RNG.gamma(1.0, 0.4, 300) + 1e-4)


def listed(prediction, seed, top=20):
    return ranges.listed(prediction, ranges.drawn(prediction, seed), seed, top)


def law(k):
    return stats.poisson(MEAN[k]) if ALPHA[k] == 0 else stats.nbinom(1 / ALPHA[k], 1 / (1 + ALPHA[k] * MEAN[k]))


def test_quantiles_chances_and_tails_are_those_of_scipy():
    below = ranges.cdf(MEAN, ALPHA)
    low, high = ranges.quantile(0.05, below), ranges.quantile(0.95, below)
    came = RNG.poisson(MEAN)
    logs, tail = ranges.log_chance(came, MEAN, ALPHA), ranges.lower_tail(came, below)
    for k in range(300):
        assert (low[k], high[k]) == (law(k).ppf(0.05), law(k).ppf(0.95))
        assert np.isclose(logs[k], law(k).logpmf(came[k]))
        assert np.isclose(tail[k], law(k).cdf(came[k]))
        assert np.isclose(below[k, 0], law(k).cdf(0))


@pytest.mark.parametrize(("mean", "dispersion", "reach", "most"), [
    (0.5, 0.0, 0, 30),  # never fewer than 30
    (0.5, 0.0, 45, 45),
    (90.25, 0.0, 0, 167),  # 90.25 + 8 x 9.5
    (9.0, 3.0, 0, 136),  # 9 + 8 x the root of 9 + 3 x 81, 135.99
])  # fmt: skip
def test_chances_of_incidents_reach_eight_deviations_above_the_mean(mean, dispersion, reach, most):
    found = ranges.incident_chances(np.array([mean]), np.array([dispersion]), reach=reach)
    assert found.shape == (1, most + 1)
    assert found.sum() == pytest.approx(1.0, abs=1e-3)


def test_a_thousand_draws_are_made_and_a_count_beyond_the_usual_is_not_cut():
    prediction = ranges.Prediction(np.array([2.0, 0.1]), np.zeros(2))
    assert ranges.drawn(prediction, 4).shape == (1000, 2)
    victims = np.array([0.7, 0.3])
    mean, far = 2.0 / 1.3, 80  # more crimes than 30 incidents of two
    by_hand = [stats.poisson(mean).logpmf(n) + stats.binom(n, 0.3).logpmf(far - n) for n in range(far // 2, far + 1)]
    found = ranges.log_chance(np.array([far, 0]), prediction.expected, prediction.dispersion, victims)
    assert found == pytest.approx([np.logaddexp.reduce(by_hand), -0.1 / 1.3], rel=1e-6)


def test_areas_add_up_in_every_draw():
    draws = RNG.gamma(1.0, 1.0, (200, 12))
    totals = RNG.poisson(30, 200)
    dealt = ranges.counts_by_area(draws, totals, ["a"] * 5 + ["b"] * 6 + [None], 1)
    assert np.array_equal(sum(dealt.values()), totals)
    assert set(dealt) == {"", "a", "b"}


def test_units_that_tie_for_the_last_places_share_them():
    counts = np.array([[5, 2, 2, 2, 0], [0, 0, 0, 0, 0], [3, 9, 1, 0, 0]])
    assert np.allclose(ranges.inside(counts, 2), [[1, 1 / 3, 1 / 3, 1 / 3, 0], [0.4] * 5, [1, 1, 0, 0, 0]])
    assert ranges.inside(counts, 20).tolist() == [[1] * 5] * 3


def test_chances_of_the_top_are_those_of_counts_and_sum_to_it():
    """Two sure units, one never: the eighteen others share the places that are left, whatever their order."""
    expected = np.array([200.0, 150.0, *[1.0] * 30, 1e-9])
    found = listed(ranges.Prediction(expected, np.zeros(33)), 3, top=20)
    assert found.chance[:2].tolist() == [1.0, 1.0]
    assert np.allclose(found.chance[2:32], 18 / 30, atol=0.06)
    assert found.chance[32] < 0.05
    assert np.isclose(found.chance.sum(), 20)


def test_without_any_crime_expected_every_unit_has_the_same_chance():
    found = listed(ranges.Prediction(np.full(50, 1e-9), np.full(50, 0.2)), 1)
    assert np.allclose(found.chance, 20 / 50)


def test_the_list_speaks_as_one():
    expected = np.array([12.0, 10.0, 5.0, *[0.1] * 60])
    found = listed(ranges.Prediction(expected, np.zeros(63)), 5, top=3)
    assert (found.expected, found.total) == (27.0, 33.0)
    assert np.isclose(found.best_possible, 27, atol=0.5)
    assert 2.9 < found.among_best <= 3


def test_the_ends_of_the_lists_range_are_those_of_its_sum_whatever_the_seed():
    told = [listed(ranges.Prediction(np.array([12.0, 10.0, 5.0, 0.1]), np.zeros(4)), seed, top=3) for seed in range(8)]
    assert [(one.low, one.high) for one in told] == [tuple(stats.poisson(27).ppf([0.05, 0.95]))] * 8


def test_a_level_that_is_not_known_widens_the_list_and_leaves_its_mean():
    expected = np.full(40, 5.0)
    known = listed(ranges.Prediction(expected, np.zeros(40)), 2)
    unsure = listed(ranges.Prediction(expected, np.zeros(40), levels=np.random.default_rng(1).gamma(25, 1 / 25, 1000)), 2)
    assert unsure.high - unsure.low > 1.5 * (known.high - known.low)
    assert unsure.expected == known.expected == 100.0


def test_a_group_ends_where_its_first_unit_has_more_in_six_of_ten_draws_ties_half():
    """Of ten draws: unit 1 ties everywhere (.5), unit 2 loses six (.6), unit 3 then ties with unit 2 in eight and loses one."""
    first, second = [3] * 10, [3] * 10
    third = [2] * 6 + [4] * 4
    fourth = [2] * 6 + [4] * 2 + [5, 3]
    counts = np.array([first, second, third, fourth]).T
    assert ranges.groups(np.array([4.0, 3.0, 2.0, 1.0]), counts).tolist() == [1, 1, 2, 2]
    assert ranges.groups(np.array([3.0, 2.0, 4.0, 1.0]), counts).tolist() == [1, 1, 1, 1]


def test_a_whole_range_holds_at_least_its_level():
    for mean in (0.2, 3.0, 80.0):
        draws = RNG.poisson(mean, 4000)
        low, high = ranges.whole_range(draws)
        assert ((draws >= low) & (draws <= high)).mean() >= 0.9


VICTIMS = np.array([0.7, 0.2, 0.1])


def by_simulation(mean: float, alpha: float, runs: int = 200_000) -> np.ndarray:
    """Crimes of so many windows: incidents negative binomial, victims of each drawn one by one."""
    rng = np.random.default_rng(9)
    incidents = rng.poisson(mean / 1.4 * (rng.gamma(1 / alpha, alpha, runs) if alpha else 1.0), runs)
    each = rng.choice([1, 2, 3], size=incidents.sum(), p=VICTIMS)
    return np.bincount(np.repeat(np.arange(runs), incidents), weights=each, minlength=runs).astype(int)


@pytest.mark.parametrize(("mean", "alpha"), [(0.4, 0.0), (3.0, 0.5)])
def test_victims_of_incidents_make_the_distribution_of_a_simulation(mean, alpha):
    came = by_simulation(mean, alpha)
    expected, spread = np.full(6, mean), np.full(6, alpha)
    at = np.arange(6)
    assert np.allclose(np.exp(ranges.log_chance(at, expected, spread, VICTIMS)), [(came == y).mean() for y in at], atol=0.004)
    below = ranges.cdf(expected, spread, VICTIMS)
    assert np.allclose(ranges.lower_tail(at, below), [(came <= y).mean() for y in at], atol=0.004)
    assert ranges.lower_tail(at - 6, below).tolist() == [0.0] * 6
    assert abs(ranges.quantile(0.95, below)[0] - np.quantile(came, 0.95)) <= 1
    drawn = ranges.drawn(ranges.Prediction(expected, spread, VICTIMS), 4, 20_000)
    assert np.allclose(drawn.mean(axis=0), mean, rtol=0.05)
    assert np.allclose(drawn.var(axis=0), came.var(), rtol=0.12)


def test_one_victim_each_is_the_negative_binomial_itself():
    one = np.array([1.0])
    came = RNG.poisson(MEAN)
    assert np.allclose(ranges.cdf(MEAN, ALPHA, one), ranges.cdf(MEAN, ALPHA))
    assert np.allclose(ranges.log_chance(came, MEAN, ALPHA, one), ranges.log_chance(came, MEAN, ALPHA), atol=1e-5)


def test_areas_of_incidents_with_victims_hold_as_many_crimes_as_the_force():
    draws, totals = RNG.gamma(1.0, 1.0, (4000, 12)), RNG.poisson(30, 4000)
    dealt = ranges.counts_by_area(draws, totals, ["a"] * 6 + ["b"] * 6, 1, VICTIMS)
    assert sum(one.mean() for one in dealt.values()) == pytest.approx(30 * 1.4, rel=0.02)
