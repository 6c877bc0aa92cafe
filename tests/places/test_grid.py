import hypothesis.strategies as st
import numpy as np
import pytest
import shapely
from hypothesis import given

from harmcast.errors import SettingsRefused
from harmcast.places import grid

COUNTY = shapely.Polygon([(1200, 300), (9300, 100), (9900, 7200), (4000, 9500), (800, 6100)])


def test_cells_lie_on_multiples_of_the_side_and_are_named_by_their_corner():
    units = grid.over_boundary(707.1, COUNTY)
    assert len(set(units.keys)) == len(units)
    for key, column, row in zip(units.keys, units.columns, units.rows, strict=True):
        assert key == f"E{round(column * 707.1)}N{round(row * 707.1)}"
    assert np.allclose(units.easting_m, (units.columns + 0.5) * 707.1)


def test_land_of_all_cells_is_the_land_of_the_force():
    units = grid.over_boundary(1000, COUNTY)
    assert units.land_m2.sum() == pytest.approx(COUNTY.area)
    assert units.land_m2.min() > 0


def test_the_least_share_inside_is_kept():
    kept = grid.over_boundary(1000, COUNTY, cell_min_inside_share=0.25)
    assert (kept.land_m2 / 1e6).min() >= 0.25
    assert set(kept.keys) < set(grid.over_boundary(1000, COUNTY).keys)


@given(st.floats(-2000, 12000), st.floats(-2000, 12000))
def test_a_point_is_placed_in_the_cell_whose_square_holds_it(easting, northing):
    units = grid.over_boundary(1000, COUNTY)
    found = int(units.place(np.array([easting]), np.array([northing]))[0])
    own = [k for k in range(len(units)) if units.columns[k] * 1000 <= easting < (units.columns[k] + 1) * 1000
           and units.rows[k] * 1000 <= northing < (units.rows[k] + 1) * 1000]  # fmt: skip
    assert [found] == (own or [-1])


def test_cells_from_the_first_crimes_are_those_with_any():
    units = grid.from_points(1000, np.array([100.0, 200.0, 5300.0, np.nan]), np.array([100.0, 900.0, -20.0, 3.0]))
    assert units.keys == ("E0N0", "E5000N-1000")


def test_a_cell_takes_the_area_that_covers_most_of_it():
    areas = {"East": shapely.box(5400, 0, 10000, 10000), "West": shapely.box(0, 0, 5400, 10000)}
    units = grid.over_boundary(1000, COUNTY, areas=areas)
    at = dict(zip(units.keys, units.areas, strict=True))
    assert at["E5000N3000"] == "East"
    assert at["E4000N3000"] == "West"


def test_a_polygon_layer_places_points_and_knows_its_neighbours():
    shapes = [shapely.box(0, 0, 1000, 1000), shapely.box(1000, 0, 4000, 1000), shapely.box(1000, 1000, 4000, 2000)]
    units = grid.from_layer(["a", "b", "c"], shapes, residents=[1500, 1400, None])
    assert units.place(np.array([500.0, 2000.0, 2000.0, 9e9]), np.array([500.0, 500.0, 1500.0, 0.0])).tolist() == [0, 1, 2, -1]
    assert [list(one) for one in grid.neighbours(units)] == [[1], [0, 2], [1]]
    assert units.residents.tolist() == [1500, 1400, 1450]
    assert units.land_m2.tolist() == [1e6, 3e6, 3e6]


def test_squares_and_the_same_squares_as_polygons_agree():
    squares = grid.over_boundary(1000, COUNTY)
    layer = grid.from_layer(squares.keys, [squares.outline(k) for k in range(len(squares))], boundary=COUNTY)
    order = [layer.keys.index(key) for key in squares.keys]
    assert np.allclose(layer.land_m2[order], squares.land_m2)
    neighbours = [{layer.keys[j] for j in grid.neighbours(layer)[k]} for k in order]
    assert neighbours == [{squares.keys[j] for j in one} for one in grid.neighbours(squares)]


def test_a_layer_in_degrees_is_moved_to_metres():
    document = {"type": "Polygon", "coordinates": [[[-2, 52], [-1.9, 52], [-1.9, 52.1], [-2, 52.1], [-2, 52]]]}
    _, (shape,) = grid.shapes_of(document, "EPSG:27700")
    assert shape.area == pytest.approx(6860 * 11125, rel=0.01)
    with pytest.raises(SettingsRefused):
        grid.shapes_of({"type": "Point", "coordinates": [0, 0]}, "EPSG:27700")


RING_WGS84 = [[-1.9, 52.4], [-1.8, 52.4], [-1.8, 52.5], [-1.9, 52.5], [-1.9, 52.4]]
RING_METRES = [[400000.0, 280000.0], [406000.0, 280000.0], [406000.0, 286000.0], [400000.0, 286000.0], [400000.0, 280000.0]]


def layer(ring: list[list[float]], **more: object) -> dict[str, object]:
    return {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}], **more}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (layer(RING_METRES), ["no coordinate system is named; its coordinates are metres, so it is read as EPSG:27700"]),
        (layer(RING_METRES, crs={"type": "EPSG", "properties": {"code": "27700"}}), []),
        (layer(RING_METRES, crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::27700"}}), []),
    ],
)
def test_a_boundary_in_metres_is_read_as_what_it_can_only_be(document: dict[str, object], said: list[str]) -> None:
    heard: list[str] = []
    _, (shape,) = grid.shapes_of(document, "EPSG:27700", heard)
    assert heard == said
    assert shape.area == pytest.approx(36e6)


def test_a_collection_keeps_its_polygons_and_a_bow_tie_is_mended_and_it_is_said() -> None:
    heard: list[str] = []
    bow = {"type": "Polygon", "coordinates": [[[-1.9, 52.4], [-1.8, 52.5], [-1.8, 52.4], [-1.9, 52.5], [-1.9, 52.4]]]}
    document = {"type": "GeometryCollection", "geometries": [bow, {"type": "Point", "coordinates": [0, 52]}]}
    assert grid.shapes_of(document, "EPSG:27700", heard)[1][0].area > 0
    assert heard == ["1 part(s) that are no polygon were dropped", "1 polygon(s) with crossing rings were mended"]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (layer([[y, x] for x, y in RING_WGS84]), "layer_axes_exchanged"),
        (layer(RING_METRES, crs={"properties": {"name": "Minishire grid"}}), "layer_crs_unknown"),
        (layer([]) | {"features": [{"geometry": None}]}, "layer_unreadable"),
    ],
)
def test_a_layer_that_cannot_be_placed_is_refused_by_name(document: dict[str, object], code: str) -> None:
    with pytest.raises(SettingsRefused) as refused:
        grid.shapes_of(document, "EPSG:27700")
    assert refused.value.code == code
