"""Crimes spread around the places where they happened: mass by numeric integration, sums, and what a week rests on."""

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
import shapely

from harmcast.places import counts, grid, spreading
from harmcast.places.spreading import masses, spread

ORIGIN = date(2026, 6, 1)
SIDE, CELLS = 707.0, 7


def squares() -> grid.Units:
    columns, rows = np.meshgrid(np.arange(CELLS) + 500, np.arange(CELLS) + 300, indexing="ij")
    kept = (columns + 3 * rows) % 11 != 0  # holes, as water leaves them
    return grid.squares_at(SIDE, columns[kept], rows[kept])


def places(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    units = squares()
    at = rng.integers(0, len(units), n)
    return (units.columns[at] + rng.random(n)) * SIDE, (units.rows[at] + rng.random(n)) * SIDE


@pytest.mark.parametrize("width", counts.NEAR_M)
def test_masses_equal_a_sum_over_a_fine_lattice(width):
    """A second computation: the Gaussian summed at points 10 m apart, cell by cell."""
    units = squares()
    easting, northing = places(6)
    found = masses(units, easting, northing, width).toarray()
    steps = (np.arange(70) + 0.5) * SIDE / 70
    for place in range(6):
        by_hand = np.zeros(len(units))
        for k, (column, row) in enumerate(zip(units.columns, units.rows, strict=True)):
            across = np.exp(-0.5 * ((column * SIDE + steps - easting[place]) / width) ** 2).sum()
            up = np.exp(-0.5 * ((row * SIDE + steps - northing[place]) / width) ** 2).sum()
            by_hand[k] = across * up * units.land_m2[k]
        assert found[place] == pytest.approx(by_hand / by_hand.sum(), abs=2e-4)


def test_nothing_is_lost_over_the_border():
    units = squares()
    for width in counts.NEAR_M:
        assert np.asarray(masses(units, *places(200), width).sum(axis=1)).ravel() == pytest.approx(1.0)


def test_a_crime_at_the_edge_counts_for_its_neighbour_and_less_the_narrower():
    units = squares()
    here, beside = 8, int(units.place_lattice(units.columns[8:9] + 1, units.rows[8:9])[0])
    assert beside >= 0
    edge = np.array([(units.columns[here] + 1) * SIDE - 20.0, (units.columns[here] + 0.5) * SIDE])
    middle = np.repeat((units.rows[here] + 0.5) * SIDE, 2)
    narrow, wide = (masses(units, edge, middle, width).toarray()[:, beside] for width in (150.0, 600.0))
    assert narrow[0] > 10 * narrow[1]
    assert narrow[0] > 0.4
    assert wide[1] > narrow[1]


def test_polygons_have_no_masses():
    layer = grid.from_layer(["a", "b"], [shapely.box(0, 0, 900, 900), shapely.box(900, 0, 1800, 900)])
    with pytest.raises(ValueError, match="square"):
        masses(layer, np.array([10.0]), np.array([10.0]), 300.0)


def crimes(rows: int = 900, seed: int = 4) -> pl.DataFrame:
    easting, northing = places(rows, seed)
    rng = np.random.default_rng(seed)
    happened = [datetime(2025, 1, 6) + timedelta(minutes=int(m)) for m in rng.integers(0, 511 * 1440, rows)]
    late = rng.geometric(0.1, rows)
    return pl.DataFrame(
        {"offence_code": rng.choice(["008", "034"], rows), "happened_from": happened, "easting_m": easting, "northing_m": northing,
         "known_on": [h.date() + timedelta(days=int(d)) for h, d in zip(happened, late, strict=True)]}
    )  # fmt: skip


def of(frame: pl.DataFrame, known_at: date | None = None) -> counts.Panel:
    return counts.panel(frame, squares(), {"offence_code": ["008"]}, [], ORIGIN, known_at=known_at, first_day=date(2025, 1, 6))


def test_a_panel_spreads_the_crimes_that_it_counts():
    panel = of(crimes(), known_at=date(2026, 3, 1))
    assert panel.weekly.sum() > 300
    for width in counts.NEAR_M:
        assert panel.near[width].shape == panel.weekly.shape
        assert panel.near[width].sum(axis=1) == pytest.approx(panel.weekly.sum(axis=1), abs=1e-3)
    before = panel.before(ORIGIN - timedelta(weeks=5))
    assert (before.near[300.0] == panel.near[300.0][:-5]).all()


def test_a_layer_of_polygons_goes_without():
    layer = grid.from_layer(["a"], [shapely.box(500 * SIDE, 300 * SIDE, 507 * SIDE, 307 * SIDE)])
    panel = counts.panel(crimes(), layer, {"offence_code": ["008"]}, [], ORIGIN, first_day=date(2025, 1, 6))
    assert panel.weekly.sum() > 300
    assert panel.near == {}


def test_a_weeks_bytes_rest_on_its_own_crimes_alone():
    frame = crimes()
    whole = of(frame)
    shuffled = of(frame.sample(fraction=1.0, shuffle=True, seed=3))
    later = frame.filter(pl.col("happened_from") < datetime(2026, 5, 1))
    assert all((whole.near[width] == shuffled.near[width]).all() for width in counts.NEAR_M)
    assert all((whole.near[width][:60] == of(later).near[width][:60]).all() for width in counts.NEAR_M)


def test_weeks_worked_out_a_few_at_a_time_are_the_same(monkeypatch):
    whole = of(crimes())
    monkeypatch.setattr(spreading, "ENTRIES", 7)
    assert all((whole.near[width] == of(crimes()).near[width]).all() for width in counts.NEAR_M)


def test_units_of_thousands_of_crimes_go_without(monkeypatch):
    monkeypatch.setattr(counts, "NEAR_AT_MOST", 5)
    assert of(crimes()).near == {}


def test_several_crimes_at_one_place_add_up():
    units = squares()
    easting, northing = (np.repeat(one, 2) for one in places(1))
    found = spread(units, easting, northing, np.array([0, 1]), np.array([3, 1]), 2, 300.0)
    assert found[0] == pytest.approx(3 * found[1], rel=1e-5)
