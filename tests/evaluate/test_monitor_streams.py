"""What the monitor watches: bins by value, counted to the last row."""

from datetime import date, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmcast.evaluate import sequential, streams

YEAR = np.arange(156) * 7 / 365.25 % 1


def test_bins_are_fixed_by_value() -> None:
    values = pl.Series([0.0, 0.0, 1.0, 2.5, 7.0, 99.0, -1.0, None])
    assert streams.bins_of(values).to_list() == [
        "0 to under 1", "0 to under 1", "1 to under 2", "2 to under 3", "6 to under 11", "51 and over", "under 0", "missing",
    ]


def test_a_change_among_mostly_zeros_is_seen() -> None:
    """Ten-quantile bins of 95% zeros are one bin; fixed bins tell 5% from 10%."""
    few, more = (pl.Series([0] * (100 - k) + [1] * k) for k in (5, 10))
    assert streams.bins_of(few).value_counts().rows() != streams.bins_of(more).value_counts().rows()


@given(st.lists(st.one_of(st.none(), st.floats(-5, 200)), min_size=1, max_size=60))
def test_every_value_has_one_bin(values: list[float | None]) -> None:
    counts = streams.scores(date(2026, 1, 5), "x", pl.Series(values, dtype=pl.Float64), streams.VALUE_EDGES)
    assert counts["value"].sum() == len(values)


def test_flows_count_every_row_in_its_week() -> None:
    table = pl.DataFrame({"at": [datetime(2026, 1, 5), datetime(2026, 1, 11, 23, 59), datetime(2026, 1, 12)], "weapon": ["knife", None, "none"]})
    rows = streams.flows(table, "at", {"weapon": None}, "crimes")
    assert rows["value"].sum() == 3
    first = dict(rows.filter(pl.col("week") == date(2026, 1, 5)).select("bin", "value").rows())
    assert first == {"knife": 1.0, "missing": 1.0, "none": 0.0}
    assert set(rows["name"]) == {"crimes.weapon"}


def test_run_length_is_what_simulation_gives() -> None:
    rng = np.random.default_rng(1)
    height = 3.0
    lengths = []
    for _ in range(1500):
        up, n = 0.0, 0
        while up <= height:
            up, n = max(0.0, up + rng.normal() - sequential.SLACK), n + 1
        lengths.append(n)
    assert np.mean(lengths) == pytest.approx(sequential.run_length(height), rel=0.12)


def test_self_starting_scores_are_standard_normal() -> None:
    rng = np.random.default_rng(2)
    scores = sequential.self_starting(rng.normal(7.0, 3.0, (200, 400)))
    held = scores[np.isfinite(scores)]
    assert held.mean() == pytest.approx(0, abs=0.02)
    assert held.std() == pytest.approx(1, abs=0.02)
    assert np.isnan(scores[: sequential.LEAST_PAST]).all()


def test_false_alarms_are_as_promised() -> None:
    rng = np.random.default_rng(3)
    runs, charts, weeks, error = 200, 20, 104, 0.2
    height, limit = sequential.height_for(error / 2, weeks, charts), sequential.limit_for(error / 2, weeks, charts)
    found = sum(int(sequential.charts(rng.normal(size=(weeks, charts)), height, limit)[1].sum()) for _ in range(runs))
    assert found / runs < 0.3


def test_a_followed_figure_is_cleared_of_the_week_before() -> None:
    rng = np.random.default_rng(4)
    noise, walk = rng.normal(size=(150, 50)), np.zeros((150, 50))
    for w in range(1, 150):
        walk[w] = 0.95 * walk[w - 1] + noise[w]
    fresh = sequential.innovations(walk, 52, YEAR[:150])[60:]
    carried = [np.corrcoef(fresh[1:, s], fresh[:-1, s])[0, 1] for s in range(50)]
    assert abs(np.mean(carried)) < 0.15


def test_season_is_no_news_and_a_jump_still_is() -> None:
    rng = np.random.default_rng(6)
    wave = 3 * np.sin(2 * np.pi * YEAR)[:, None]
    left = sequential.seasonless(wave + rng.normal(size=(156, 200)), YEAR)
    assert np.abs(left[60:].mean(axis=1)).max() < 0.4  # of a wave of 3
    assert left[104:].std() == pytest.approx(1, abs=0.08)
    jumped = sequential.seasonless(wave + rng.normal(size=(156, 200)) + np.where(np.arange(156) >= 130, 3.0, 0.0)[:, None], YEAR)
    assert jumped[130:134].mean() > 2.5


def test_a_level_that_wanders_is_followed_from_the_past_alone() -> None:
    rng = np.random.default_rng(7)
    walk = np.cumsum(rng.normal(0, 0.4, (156, 100)), axis=0) + rng.normal(size=(156, 100))
    left = sequential.from_local_level(walk, YEAR)
    carried = [np.corrcoef(left[31:, s], left[30:-1, s])[0, 1] for s in range(100)]
    assert abs(np.mean(carried)) < 0.2  # of the walk itself: above .9
    cut = sequential.from_local_level(walk[:100], YEAR[:100])
    assert np.array_equal(cut, left[:100], equal_nan=True)
    jumped = sequential.from_local_level(walk + np.where(np.arange(156) >= 130, 6.0, 0.0)[:, None], YEAR)
    assert (jumped - left)[130].mean() == pytest.approx(6, abs=1e-6)


def test_a_shift_from_a_known_centre_lasts() -> None:
    """Errors that carry over were once charted by their change alone, which shows a lasting shift for one week."""
    rng = np.random.default_rng(8)
    error = np.zeros((156, 100))
    for w in range(1, 156):
        error[w] = 0.6 * error[w - 1] + rng.normal(size=100)
    shifted = error + np.where(np.arange(156) >= 130, 5.0, 0.0)[:, None]
    new = sequential.innovations(shifted, 52, YEAR, centre=0.0) - sequential.innovations(error, 52, YEAR, centre=0.0)
    assert new[131:138].mean() > 2


def test_break_is_sized_by_shuffling() -> None:
    rng = np.random.default_rng(5)
    chances = [sequential.break_in_rate(rng.poisson(50, 30).astype(float), np.ones(30), s, draws=199)[2] for s in range(60)]
    assert np.mean(np.array(chances) < 0.1) < 0.25
    at, change, chance = sequential.break_in_rate(np.r_[np.full(15, 50.0), np.full(15, 80.0)] + rng.normal(0, 3, 30), np.ones(30), 0)
    assert at is not None
    assert abs(at - 15) <= 1
    assert change > 0
    assert chance < 0.01
