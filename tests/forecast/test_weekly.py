from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from tests.forecast.conftest import ORIGIN, invent, lattice

from harmcast import tables
from harmcast.forecast import choose
from harmcast.forecast.choose import Choice
from harmcast.forecast.model import Fitted
from harmcast.forecast.weekly import forecast_places
from harmcast.places.counts import Panel


def at(panel: Panel, weeks_before: int) -> Panel:
    return panel.before(panel.origin - timedelta(days=7 * weeks_before))


@pytest.fixture(scope="module")
def forecast(panel):
    return forecast_places(panel, ORIGIN, 4, 7)


def test_the_tables_are_those_of_a_release(forecast, panel):
    assert forecast.cells.schema == tables.FORECAST.schema()
    assert forecast.areas.schema == tables.FORECAST_AREAS.schema()
    assert forecast.cells["cell"].to_list() == sorted(panel.units.keys)
    assert forecast.areas["area"].to_list() == ["East", "West", None]
    assert forecast.cells.drop("area", "place", "baseline_last_year").null_count().sum_horizontal()[0] == 0


def test_areas_add_up_to_the_force(forecast):
    areas = forecast.areas.filter(pl.col("area").is_not_null())
    force = forecast.areas.filter(pl.col("area").is_null())
    for column in ("expected", "cells", "baseline_4w", "baseline_24m", "baseline_52w", "baseline_last_year"):
        assert areas[column].sum() == pytest.approx(force[column][0])
    assert forecast.cells["expected"].sum() == pytest.approx(force["expected"][0])


def test_ranges_and_chances_agree_with_each_other(forecast):
    cells = forecast.cells
    assert (cells["lower"] <= cells["upper"]).all()
    assert cells.sort("expected", descending=True)["list_group"].is_sorted()
    assert cells["list_group"].min() == 1
    assert cells["chance_top20_year"].sum() == pytest.approx(20, abs=0.01)
    assert cells["chance_top20"].sum() == pytest.approx(20, abs=0.01)
    poisson = 1 - np.exp(-cells["expected"].to_numpy())
    assert (cells["chance_any"].to_numpy() <= poisson + 1e-4).all()
    assert (cells.filter(pl.col("lower") > 0)["chance_any"] >= 0.95 - 1e-9).all()


def test_plain_figures_are_the_counts(forecast, panel):
    cells = forecast.cells
    order = [panel.units.keys.index(key) for key in cells["cell"]]
    assert np.array_equal(cells["baseline_4w"].to_numpy(), panel.weekly[-4:].sum(axis=0)[order])
    assert np.array_equal(cells["baseline_last_year"].to_numpy(), panel.weekly[-52:-48].sum(axis=0)[order])
    assert np.allclose(cells["baseline_24m"].to_numpy(), panel.weekly[-104:].sum(axis=0)[order] / 26)


@pytest.mark.parametrize("weeks", [1, 2, 4, 5, 9])
def test_kept_state_changes_nothing_but_the_time(panel, weeks):
    before = at(panel, weeks)
    first = forecast_places(before, before.origin, 4, 7)
    quick = forecast_places(panel, ORIGIN, 4, 7, kept=first.kept)
    slow = forecast_places(panel, ORIGIN, 4, 7, anchor=before.origin)
    assert quick.cells.equals(slow.cells)
    assert quick.areas.equals(slow.areas)
    assert quick.model == slow.model
    assert quick.kept == slow.kept


@pytest.mark.parametrize("weeks_back", [3, 30, 150])
def test_a_late_correction_replays_from_the_window_it_touches(panel, weeks_back):
    before = at(panel, 1)
    first = forecast_places(before, before.origin, 4, 7)
    weekly = panel.weekly.copy()
    weekly[-weeks_back, 11] += 2
    corrected = Panel(panel.units, ORIGIN, 4, weekly, panel.leading, panel.known_share, near=panel.near)
    quick = forecast_places(corrected, ORIGIN, 4, 7, kept=first.kept)
    slow = forecast_places(corrected, ORIGIN, 4, 7, anchor=before.origin)
    assert quick.cells.equals(slow.cells)
    assert quick.kept == slow.kept
    assert not quick.cells.equals(forecast_places(panel, ORIGIN, 4, 7, kept=first.kept).cells)


def test_a_correction_finds_a_checkpoint_not_far_before_it():
    """Of any of the last 16 windows, at any length of history; and what is wanted was kept a window ago."""
    for whole in range(2, 200):
        now = Fitted._checkpoints(whole)
        assert now - {whole} <= Fitted._checkpoints(whole - 1)
        assert len(now) <= 7
        for back, far in ((4, 4), (8, 8), (16, 16)):
            before = [k for k in now if k <= whole - back]
            assert (whole - back - max(before) < far) if before else whole - back < far, (whole, back)


@pytest.mark.parametrize("weeks_back", [3, 150])
def test_a_crime_moved_within_its_cell_replays_too(panel, weeks_back):
    """The counts stay, the place does not: kept state rests on both."""
    before = at(panel, 1)
    first = forecast_places(before, before.origin, 4, 7)
    near = {width: one.copy() for width, one in panel.near.items()}
    for one in near.values():
        one[-weeks_back] = one[-weeks_back][::-1]
    moved = Panel(panel.units, ORIGIN, 4, panel.weekly, panel.leading, panel.known_share, near=near)
    quick = forecast_places(moved, ORIGIN, 4, 7, kept=first.kept)
    assert quick.cells.equals(forecast_places(moved, ORIGIN, 4, 7, anchor=before.origin).cells)
    assert not quick.cells["expected"].equals(forecast_places(panel, ORIGIN, 4, 7, kept=first.kept).cells["expected"])


def test_the_same_twice_and_another_seed_moves_draws_only(panel):
    one, same, other = (forecast_places(panel, ORIGIN, 4, seed) for seed in (7, 7, 8))
    assert one.cells.equals(same.cells)
    assert one.kept == same.kept
    assert one.cells["expected"].equals(other.cells["expected"])
    assert not one.cells["chance_top20"].equals(other.cells["chance_top20"])


def test_the_plain_count_steps_in_when_the_rule_says_so(panel, monkeypatch):
    def rule(differences, fell_back):
        assert len(differences) == 28  # 6 blocks of 4 of 52 windows, then single ones
        return Choice(True, "said so", 0.0, 0.0, 28)

    ours = forecast_places(panel, ORIGIN, 4, 7)
    monkeypatch.setattr(choose, "decide", rule)
    found = forecast_places(panel, ORIGIN, 4, 7)
    assert set(found.cells["model"]) == {"count_24m"}
    assert (found.model["fell_back"], found.model["reason"]) == (True, "said so")
    assert found.cells["expected"].sum() == pytest.approx(ours.cells["expected"].sum())
    plain = found.cells.sort("baseline_24m", "cell")["expected"].to_numpy()
    assert (np.diff(plain) >= -1e-6).all()


def test_other_horizons_forecast_windows_of_that_length(panel):
    short = forecast_places(Panel(panel.units, ORIGIN, 2, panel.weekly, panel.leading, panel.known_share, near=panel.near), ORIGIN, 2, 7)
    long = forecast_places(Panel(panel.units, ORIGIN, 8, panel.weekly, panel.leading, panel.known_share, near=panel.near), ORIGIN, 8, 7)
    assert long.cells["expected"].sum() / short.cells["expected"].sum() == pytest.approx(4, rel=0.25)


def test_a_panel_of_another_origin_is_a_mistake_of_the_caller(panel):
    with pytest.raises(ValueError, match="origin"):
        forecast_places(panel, ORIGIN + timedelta(days=7), 4, 7)


def test_ranges_hold_what_comes_as_often_as_they_say():
    inside, cells, top, among = 0, 0, 0.0, 0
    for seed in range(6):
        panel, rate = invent(weeks=160, seed=seed, units=lattice(7))
        found = forecast_places(panel, ORIGIN, 4, seed).cells.sort("cell")
        order = [panel.units.keys.index(key) for key in found["cell"]]
        came = np.random.default_rng(seed + 100).poisson(rate[order])
        inside += ((came >= found["lower"].to_numpy()) & (came <= found["upper"].to_numpy())).sum()
        cells += len(came)
        best = np.argsort(-rate[order])[:20]
        sure = found["chance_top20"].to_numpy()
        among += np.isin(np.flatnonzero(sure > 0.9), best).sum()
        top += (sure > 0.9).sum()
    assert inside / cells > 0.9
    assert among / top > 0.9
