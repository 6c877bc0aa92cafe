"""Things that happen to a force's data, and what the forecast should then do."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
import shapely
from tests.forecast.conftest import ORIGIN, invent, lattice, somewhere

from harmcast.forecast.weekly import forecast_places
from harmcast.places import counts, grid

TOOL = {"offence_code": ["008"]}


def force(panel):
    return forecast_places(panel, panel.origin, panel.horizon_weeks, 3).areas.row(-1, named=True)


def with_weekly(panel, weekly, **more):
    return replace(panel, weekly=weekly.astype(np.int32), leading={}, near=somewhere(panel.units, weekly), **more)


def crimes(rows: int, weeks: int, seed: int, delay_days: int = 0) -> pl.DataFrame:
    """Crimes about a few chronic places in a square of 8 km."""
    rng = np.random.default_rng(seed)
    centre = rng.uniform(401_000, 407_000, (6, 2)) - np.array([0, 120_000])
    place = centre[rng.integers(0, 6, rows)] + rng.normal(0, 500, (rows, 2))
    start = ORIGIN - timedelta(weeks=weeks)
    happened = [datetime(start.year, start.month, start.day) + timedelta(minutes=int(m)) for m in rng.integers(0, weeks * 10080, rows)]
    late = rng.geometric(1 / delay_days, rows) - 1 if delay_days else np.zeros(rows)
    recorded = [h + timedelta(days=int(d)) for h, d in zip(happened, late, strict=True)]
    return pl.DataFrame({"crime_ref": [f"k{k}" for k in range(rows)], "offence_code": ["008/01"] * rows, "happened_from": happened,
                         "recorded_at": recorded, "known_on": [r.date() for r in recorded], "status": ["recorded"] * rows,
                         "easting_m": place[:, 0], "northing_m": place[:, 1]})  # fmt: skip


SQUARE = shapely.box(400_000, 280_000, 408_000, 288_000)


def test_reporting_lag_does_not_pull_the_total_down():
    """Crimes of the last weeks that are not recorded yet are allowed for: the total stays near the truth."""
    every = crimes(8000, 160, 1, delay_days=20)
    known = every.filter(pl.col("known_on") < ORIGIN)
    units = grid.over_boundary(1000, SQUARE)
    panel = counts.panel(known, units, TOOL, [], ORIGIN, first_day=ORIGIN - timedelta(weeks=159))
    truth = 8000 / 160 * 4
    assert panel.windows[-1].sum() < 0.75 * truth
    allowed, blind = force(panel), force(replace(panel, known_share=np.ones(len(panel.weekly))))
    assert abs(allowed["expected"] - truth) < 0.12 * truth
    assert blind["expected"] < allowed["expected"]


def test_a_level_shock_is_followed_within_two_windows_and_the_range_widens():
    """Crime halves overnight: two windows later the total is nearer the new level than the old."""
    panel, _ = invent(weeks=200, mean_a_week=40, seed=9, leading=False)
    before = force(panel)
    rng = np.random.default_rng(0)
    halved = panel.weekly.copy()
    halved[-8:] = rng.binomial(halved[-8:], 0.4)
    after = force(with_weekly(panel, halved))
    new = halved[-8:].sum() / 2
    assert abs(after["expected"] - new) < abs(after["expected"] - before["expected"])
    assert (after["upper"] - after["lower"]) / after["expected"] > (before["upper"] - before["lower"]) / before["expected"]


def test_an_area_that_stops_reporting_is_named_and_the_rest_keeps_its_forecast():
    """Zeros from an area that usually reports are not spread; the other area's numbers hardly move."""
    panel, _ = invent(weeks=160, mean_a_week=40, seed=2, leading=False)
    west = np.array([area == "West" for area in panel.units.areas])
    silent = panel.weekly.copy()
    silent[-4:, west] = 0
    gone = with_weekly(panel, silent)

    def expected(one, area):
        return forecast_places(one, ORIGIN, 4, 3).areas.filter(pl.col("area") == area)["expected"][0]

    usual = expected(with_weekly(panel, panel.weekly), "East")
    assert expected(gone, "East") == pytest.approx(usual, rel=0.3)
    assert expected(gone, "West") > 0.15 * usual


def test_six_months_of_history_give_a_forecast_without_a_year():
    """A new force gets numbers of the right size; what it cannot know stays empty."""
    panel, rate = invent(weeks=26, mean_a_week=12, seed=4, leading=False)
    found = forecast_places(panel, ORIGIN, 4, 3)
    assert found.cells["expected"].sum() == pytest.approx(rate.sum(), rel=0.4)
    assert found.cells["chance_top20_year"].null_count() == len(found.cells)
    assert found.cells["chance_top20"].sum() == pytest.approx(20)
    assert found.cells["baseline_last_year"].null_count() == len(found.cells)
    assert "24-month" not in found.model["reason"]


def test_a_force_without_a_single_crime_still_gets_a_forecast():
    """Nothing ever recorded: a small total, spread evenly, no error."""
    panel, _ = invent(weeks=30, leading=False)
    found = forecast_places(with_weekly(panel, np.zeros_like(panel.weekly)), ORIGIN, 4, 3).cells
    assert 0 < found["expected"].sum() < 1
    assert found["expected"].max() == pytest.approx(found["expected"].min(), rel=1e-3)


def test_a_shifted_grid_moves_cells_and_not_the_total():
    """The lattice is our choice: half a cell aside the force's total stays, the best places stay where they were."""
    every = crimes(6000, 120, 5)
    moved = every.with_columns(pl.col("easting_m") + 500, pl.col("northing_m") + 500)
    units = grid.over_boundary(1000, shapely.box(399_000, 279_000, 410_000, 290_000))
    one, two = (forecast_places(counts.panel(e, units, TOOL, [], ORIGIN), ORIGIN, 4, 3).cells for e in (every, moved))
    assert one["expected"].sum() == pytest.approx(two["expected"].sum(), rel=0.01)
    best, other = one.sort("expected").tail(1), two.sort("expected").tail(5)
    apart = np.hypot(other["easting_m"] - 500 - best["easting_m"][0], other["northing_m"] - 500 - best["northing_m"][0])
    assert apart.min() <= 1500


def test_a_rotated_grid_as_a_polygon_layer_gives_the_same_total():
    """Any layer of polygons works, squares turned by 30 degrees too."""
    every = crimes(6000, 120, 5)
    lattice_over = grid.over_boundary(1000, shapely.box(396_000, 276_000, 412_000, 292_000))
    turned = [shapely.affinity.rotate(lattice_over.outline(k), 30, origin=(404_000, 284_000)) for k in range(len(lattice_over))]
    layer = grid.from_layer(lattice_over.keys, turned, boundary=SQUARE.buffer(1500))
    straight = counts.panel(every, grid.over_boundary(1000, SQUARE.buffer(1500)), TOOL, [], ORIGIN)
    rotated = counts.panel(every, layer, TOOL, [], ORIGIN)
    assert rotated.weekly.sum() == pytest.approx(straight.weekly.sum(), rel=0.01)
    assert force(rotated)["expected"] == pytest.approx(force(straight)["expected"], rel=0.02)


def test_units_of_unequal_size_get_what_their_land_and_people_say_before_anything_is_known():
    """A big empty unit next to small full ones: without history of its own it gets its exposure's share, not an even one."""
    shapes = [shapely.box(0, 0, 1000, 1000), shapely.box(1000, 0, 2000, 1000), shapely.box(0, 1000, 2000, 9000)]
    units = grid.from_layer(["a", "b", "big"], shapes, residents=[3000, 3000, 30])
    weekly = np.zeros((30, 3), dtype=np.int32)
    panel = counts.Panel(units, ORIGIN, 4, weekly)
    share = forecast_places(panel, ORIGIN, 4, 3).cells.sort("cell")["expected"].to_numpy()
    share = share / share.sum()
    assert share[2] < share[0]
    land_only = replace(panel, units=grid.from_layer(["a", "b", "big"], shapes))
    other = forecast_places(land_only, ORIGIN, 4, 3).cells.sort("cell")["expected"].to_numpy()
    assert other[2] > 4 * other[0]


def test_a_boundary_change_adds_cells_and_starts_from_history_again():
    """The state kept for the old units does not fit the new ones: it is left out, not bent."""
    panel, _ = invent(weeks=100, seed=1, units=lattice(6), leading=False)
    kept = forecast_places(panel, ORIGIN, 4, 3).kept
    wider, _ = invent(weeks=101, seed=1, units=lattice(7), leading=False)
    later = replace(wider, origin=ORIGIN + timedelta(days=7))
    one = forecast_places(later, later.origin, 4, 3, kept=kept)
    assert one.cells.equals(forecast_places(later, later.origin, 4, 3, anchor=ORIGIN).cells)
    assert len(one.cells) == 49


def test_snapped_points_leave_the_total_as_it_is():
    """Points moved to a 400 m lattice: the total is untouched."""
    every = crimes(4000, 120, 7)
    snap = every.with_columns((pl.col("easting_m") / 400).round() * 400, (pl.col("northing_m") / 400).round() * 400)
    units = grid.over_boundary(1000, SQUARE.buffer(2500))
    one, two = (force(counts.panel(e, units, TOOL, [], ORIGIN)) for e in (every, snap))
    assert one["expected"] == pytest.approx(two["expected"], rel=0.01)


def test_weeks_missing_leave_the_total_and_are_not_scored(panel):
    """The last four weeks have no records: missing, the total stays within a tenth (a level that drifts); as zeros it falls by half."""
    gone = np.zeros(panel.weekly.shape, dtype=bool)
    gone[-4:] = True
    empty = np.where(gone, 0, panel.weekly).astype(np.int32)
    near = {width: np.where(gone, np.float32(0), one) for width, one in panel.near.items()}
    leading = {kind: np.where(gone, 0, one).astype(np.int32) for kind, one in panel.leading.items()}
    missing = replace(panel, weekly=empty, near=near, leading=leading, seen=~gone)
    whole, found, zeros = (forecast_places(one, ORIGIN) for one in (panel, missing, replace(missing, seen=None)))
    total = whole.cells["expected"].sum()
    assert found.cells["expected"].sum() == pytest.approx(total, rel=0.1)
    assert zeros.cells["expected"].sum() < 0.5 * total
    assert len(found.trials) == len(whole.trials) - 1
    assert found.cells["baseline_4w"].null_count() == len(found.cells)
    assert found.areas["baseline_4w"].null_count() == len(found.areas)
    assert found.cells["baseline_weeks_seen_52w"].unique().to_list() == [48]
    assert found.cells["baseline_52w"].sum() == pytest.approx(empty[-52:].sum() * 4 / 48)
    assert found.model["weeks_missing"] == 4
    again = forecast_places(missing, ORIGIN, kept=forecast_places(missing.before(ORIGIN - timedelta(days=7)), ORIGIN - timedelta(days=7), anchor=ORIGIN).kept, anchor=ORIGIN)
    assert again.cells.equals(forecast_places(missing, ORIGIN, anchor=ORIGIN).cells)


def test_an_area_without_records_keeps_its_share(panel):
    """The West's last ten weeks are missing: what is expected there stays near what it was, and its plain count rests on 42 weeks."""
    west = np.array([area == "West" for area in panel.units.areas])
    gone = np.zeros(panel.weekly.shape, dtype=bool)
    gone[-10:, west] = True
    near = {width: np.where(gone, np.float32(0), one) for width, one in panel.near.items()}
    leading = {kind: np.where(gone, 0, one).astype(np.int32) for kind, one in panel.leading.items()}
    missing = replace(panel, weekly=np.where(gone, 0, panel.weekly).astype(np.int32), near=near, leading=leading, seen=~gone)

    def expected(one):
        cells = forecast_places(one, ORIGIN).cells
        return cells.filter(pl.col("area") == "West")["expected"].sum(), cells

    (before, _), (found, cells), (zeros, _) = (expected(one) for one in (panel, missing, replace(missing, seen=None)))
    assert found == pytest.approx(before, rel=0.15)
    assert zeros < 0.8 * before
    assert cells.filter(pl.col("area") == "West")["baseline_4w"].null_count() == west.sum()
    assert cells.filter(pl.col("area") == "East")["baseline_weeks_seen_52w"].unique().to_list() == [52]


def test_sixty_victims_of_one_evening_do_not_move_cells_far_away():
    """One incident more in one cell: cells far from it move under 2%, and its own chance of the top 20 does not become sure."""
    panel, _ = invent(mean_a_week=40.0)
    busy = panel.weekly.copy()
    quiet = int(busy.sum(axis=0).argmin())
    busy[-3, quiet] += 60
    incidents = panel.weekly.copy()
    incidents[-3, quiet] += 1
    sizes = np.zeros((len(busy), 15), dtype=np.int64)
    sizes[:, 0] = panel.weekly.sum(axis=1)
    sizes[-3, 14] = 1
    near = somewhere(panel.units, incidents)
    one = forecast_places(replace(panel, weekly=busy, incidents=incidents, sizes=sizes, near=near), ORIGIN).cells
    before = forecast_places(panel, ORIGIN).cells
    apart = np.hypot(panel.units.easting_m - panel.units.easting_m[quiet], panel.units.northing_m - panel.units.northing_m[quiet])
    far = pl.Series([panel.units.keys[k] for k in np.flatnonzero(apart > 3000)])
    moved = one.filter(pl.col("cell").is_in(far.implode()))["expected"] / before.filter(pl.col("cell").is_in(far.implode()))["expected"]
    assert (moved - 1).abs().max() < 0.02
    own = one.filter(pl.col("cell") == panel.units.keys[quiet])
    assert own["chance_top20"][0] < 0.5


def test_above_so_many_units_the_forecast_goes_without_the_filter_and_says_so(panel, monkeypatch):
    monkeypatch.setattr("harmcast.forecast.model.FILTER_UNITS", 80)
    first = forecast_places(panel.before(ORIGIN - timedelta(days=7)), ORIGIN - timedelta(days=7), anchor=ORIGIN)
    assert first.model["filter"] is False
    assert "filter" not in first.model["pool"]
    found = forecast_places(panel, ORIGIN, kept=first.kept, anchor=ORIGIN)
    assert found.cells.equals(forecast_places(panel, ORIGIN, anchor=ORIGIN).cells)
    with_it = panel.weekly[-4:].sum()
    assert found.cells["expected"].sum() == pytest.approx(with_it, rel=0.5)
