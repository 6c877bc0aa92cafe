from datetime import date

import hypothesis.strategies as st
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from scipy import stats

from harmcast import tables
from harmcast.evaluate import scores
from harmcast.forecast.pool import Spread

RNG = np.random.default_rng(4)
MEAN = RNG.gamma(1.0, 1.5, 400) + 0.01
ALPHA = RNG.gamma(1.0, 0.5, 400)
COUNT = RNG.poisson(MEAN)


def binomial(mean, alpha):
    return stats.nbinom(1 / alpha, 1 / (1 + alpha * mean))


def test_the_gap_of_chances_is_between_said_and_true_within_bins_weighed_by_units():
    """Two units said .2, one came true (.3 apart, twice); one said .95 came true (.05); one said .01 is left out."""
    said, came = np.array([0.2, 0.2, 0.95, 0.01]), np.array([1.0, 0.0, 1.0, 1.0])
    assert scores.chance_gap(said, came) == pytest.approx((0.6 + 0.05) / 3)
    assert scores.chance_gap(np.array([0.01]), np.array([1.0])) is None


def released(expected, seen, baseline):
    n = len(expected)
    cells = pl.DataFrame(
        {
            "cell": [f"c{k:03}" for k in range(n)], "origin": [date(2026, 6, 1)] * n, "expected": expected, "lower": [0] * n, "upper": [9] * n,
            "dispersion": [0.1] * n, "model": ["dynamic_pool"] * n, **{f"baseline_{span}": baseline for span in ("4w", "last_year", "52w", "24m")},
        }
    )  # fmt: skip
    counts = pl.DataFrame({"cell": cells["cell"], "count": seen})
    found = scores.judge(cells, counts, "t", spread=Spread(-2.3, 0.0))
    return {figure: value for figure, value in found.filter(pl.col("model") == "dynamic_pool").select("figure", "value").iter_rows()}


def test_a_uniform_map_is_worse_than_the_plain_count_and_a_true_map_better():
    """Of 300 cells thirty hold nearly all crime. The count saw it with noise; a uniform map says every cell alike."""
    rng = np.random.default_rng(4)
    truth = np.where(np.arange(300) < 30, 4.0, 0.02)
    seen, counted = rng.poisson(truth), rng.poisson(truth * 3) / 3.0
    uniform = released(np.full(300, truth.mean()), seen, counted)
    true = released(truth, seen, counted)
    assert uniform["log_score_gain"] < -0.1
    assert uniform["hit_rate_gain"] < -0.3
    assert true["log_score_gain"] > 0.0


def test_the_pit_without_draws_is_the_mean_of_drawn_ones():
    below, upto = scores.lower_tails(COUNT, scores.cdf(MEAN, ALPHA))
    drawn = (below + np.random.default_rng(0).random((200, len(below))) * (upto - below)).ravel()
    levels = np.array([0.0, 0.05, 0.5, 0.95, 1.0])
    assert np.allclose(scores.pit_cdf(below, upto, levels), [(drawn <= level).mean() for level in levels], atol=0.005)


def test_log_scores_are_those_of_scipy():
    assert np.allclose(scores.log_chance(COUNT, MEAN, ALPHA), binomial(MEAN, ALPHA).logpmf(COUNT))
    assert np.allclose(scores.log_chance(COUNT, MEAN, np.zeros(400)), stats.poisson(MEAN).logpmf(COUNT))


def test_lower_tails_are_those_of_scipy():
    below, upto = scores.lower_tails(COUNT, scores.cdf(MEAN, ALPHA))
    assert np.allclose(below, binomial(MEAN, ALPHA).cdf(COUNT - 1))
    assert np.allclose(upto, binomial(MEAN, ALPHA).cdf(COUNT))


def test_crps_is_the_mean_distance_less_half_the_mean_spread():
    grid = np.arange(400)
    for mean, alpha, count in [(0.3, 0.5, 0), (4.0, 0.2, 9), (2.0, 1.5, 1)]:
        mass = binomial(mean, alpha).pmf(grid)
        apart = np.abs(grid[:, None] - grid[None, :])
        direct = mass @ np.abs(grid - count) - 0.5 * mass @ apart @ mass
        found = scores.crps(np.array([count]), scores.cdf(np.array([mean]), np.array([alpha]), None, 90))
        assert found[0] == pytest.approx(direct, abs=1e-6)


def test_the_pit_of_the_true_distribution_is_flat_and_of_a_wrong_one_is_not():
    mean = RNG.gamma(1.0, 0.5, 60_000)
    count = RNG.poisson(mean)
    laws = [scores.cdf(by * mean, np.zeros(len(mean))) for by in (1.0, 1.5)]
    right, wrong = (10 * np.diff(scores.pit_cdf(*scores.lower_tails(count, law), np.linspace(0, 1, 11))) for law in laws)
    assert np.abs(right - 1).max() < 0.04
    assert np.abs(wrong - 1).max() > 0.1
    assert scores.coverage(count, laws[0]) == pytest.approx(0.9, abs=0.01)


@given(st.lists(st.integers(0, 9), min_size=3, max_size=40), st.integers(1, 40), st.integers(0, 99))
def test_hits_lie_between_nothing_and_the_best_possible(counts, flagged, seed):
    y = np.array(counts)
    flagged = min(flagged, len(y))
    mu = np.random.default_rng(seed).random(len(y)).round(1)
    found = scores.hits(mu, y, flagged, seed)
    assert 0 <= found <= scores.best_hits(y, flagged) <= y.sum()
    assert scores.hits(y, y, flagged, seed) == scores.best_hits(y, flagged)


def test_ties_fall_at_random_but_the_same_way_for_a_seed():
    mu, y = np.zeros(1000), np.arange(1000)
    assert scores.hits(mu, y, 20, 1) == scores.hits(mu, y, 20, 1)
    assert len({scores.hits(mu, y, 20, seed) for seed in range(20)}) > 15


def test_indices_by_hand():
    assert scores.accuracy_index(5, 20, 1.0, 20.0) == 5.0
    assert scores.accuracy_index(0, 0, 1.0, 20.0) is None
    assert scores.efficiency_index(5, 10) == 0.5
    assert scores.efficiency_index(0, 0) is None
    with pytest.raises(ValueError, match="more hits"):
        scores.accuracy_index(3, 2, 1, 2)


def test_the_bootstrap_range_covers_the_mean_about_as_often_as_it_says():
    inside = 0
    for seed in range(200):
        low, high = scores.bootstrap_range(np.random.default_rng(seed).normal(1.0, 1.0, 39), seed, draws=400)
        inside += low <= 1.0 <= high
    assert 0.85 <= inside / 200 <= 0.98


def test_a_released_window_is_judged_into_the_long_table():
    n = 30
    cells = pl.DataFrame(
        {
            "cell": [f"E{k}N0" for k in range(n)], "place": ["Elmesk"] * n, "area": [None] * n, "easting_m": np.arange(n) * 1.0, "northing_m": [0.0] * n,
            "origin": [date(2026, 6, 1)] * n, "horizon_weeks": [4] * n, "expected": np.linspace(0.1, 3, n), "lower": [0] * n,
            "upper": [6] * n, "range_level": [0.9] * n, "chance_any": [0.5] * n, "chance_top20": [20 / n] * n,
            "chance_top20_year": [None] * n, "list_group": [1] * n, **{f"baseline_weeks_seen_{span}": [52] * n for span in ("4w", "last_year", "52w", "24m")}, "dispersion": [0.2] * n, "model": ["dynamic_pool"] * n,
            "baseline_4w": np.arange(n) % 5 * 1.0, "baseline_last_year": [None] * n, "baseline_52w": np.arange(n) % 3 * 1.0,
            "baseline_24m": np.arange(n) % 7 * 1.0,
        },
        schema=tables.FORECAST.schema(),
    )  # fmt: skip
    came = pl.DataFrame({"cell": ["E29N0", "E3N0"], "count": [4, 1]})
    table = scores.judge(cells, came, "knife_injury")
    assert table.schema == tables.SCORES.schema()
    assert not table.select("model", "figure").is_duplicated().any()

    def value(model, figure):
        return table.filter((pl.col("model") == model) & (pl.col("figure") == figure))["value"][0]

    assert value("dynamic_pool", "hits_top20") == 4
    assert value("dynamic_pool", "hit_rate_top20") == pytest.approx(0.8)
    assert value("foresight", "hits_top20") == 5
    assert value("dynamic_pool", "total") == 5
    assert "count_last_year" not in set(table["model"])
    seen = np.zeros(n)
    seen[[29, 3]] = 4, 1
    logs = binomial(np.linspace(0.1, 3, n), 0.2).logpmf(seen).mean()
    assert value("dynamic_pool", "log_score") == pytest.approx(logs)
