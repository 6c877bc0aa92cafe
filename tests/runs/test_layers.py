"""Layers of land as forces export them: `check` names what is wrong with each, says what it inferred, and never ends in a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyproj import Transformer

from harmcast.errors import SettingsRefused
from harmcast.runs.check import check_state
from harmcast.runs.force_area import layer_of
from harmcast.store.state import State

MakeState = Callable[..., State]
SETTINGS = """
[force]
name = "Test force"
boundary = "boundary.geojson"
areas = "areas.geojson"
neighbourhoods = "hoods.geojson"
[[tools]]
name = "serious_violence"
kind = "places"
cell_area_km2 = 1.0
where = { offence_code = ["008/01"] }
"""
METRES = [[400000.0, 280000.0], [406000.0, 280000.0], [406000.0, 286000.0], [400000.0, 286000.0], [400000.0, 280000.0]]
BOW = [[400000.0, 280000.0], [406000.0, 286000.0], [406000.0, 280000.0], [400000.0, 286000.0], [400000.0, 280000.0]]
HOOD = {"code": "E1", "residents": 900, "deprivation_fifth": 3}


def moved(system: str) -> list[list[float]]:
    move = Transformer.from_crs("EPSG:27700", system, always_xy=True)
    return [list(move.transform(x, y)) for x, y in METRES]


def layer(ring: Any, properties: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": properties or {}, "geometry": geometry}], **more}


def checked(make_state: MakeState, boundary: Any = None, areas: Any = None, hoods: Any = None) -> tuple[set[tuple[str, str, str | None]], str]:
    """Faults as rule, setting and column; and what was said of the layers."""
    files = {
        "boundary.geojson": boundary if boundary is not None else layer(METRES),
        "areas.geojson": areas if areas is not None else layer(METRES, {"name": "North"}),
        "hoods.geojson": hoods if hoods is not None else layer(METRES, HOOD),
    }
    state = make_state(SETTINGS, {name: text if isinstance(text, str) else json.dumps(text) for name, text in files.items()})
    found = check_state(state.root)
    return {(f.rule, f.where, f.column) for f in found.faults}, " ".join(line for line in found.seen if line.startswith("layers"))


INFERRED = "force.boundary: no coordinate system is named; its coordinates are metres, so it is read as "
READ = {
    "eastings without crs": (layer(METRES), INFERRED + "EPSG:27700"),
    "an EPSG code alone": (layer(METRES, crs={"type": "EPSG", "properties": {"code": "27700"}}), ""),
    "Web Mercator without crs": (layer(moved("EPSG:3857")), INFERRED + "EPSG:3857"),
    "Web Mercator by name": (layer(moved("EPSG:3857"), crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}), ""),
    "degrees": (layer(moved("EPSG:4326")), ""),
    "CRS84 by name": (layer(moved("EPSG:4326"), crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}), ""),
    "a bow-tie": (layer(BOW), "force.boundary: 1 polygon(s) with crossing rings were mended"),
    "a collection with a point": (
        {"type": "GeometryCollection", "geometries": [layer(METRES)["features"][0]["geometry"], {"type": "Point", "coordinates": [400000, 280000]}]},
        "force.boundary: 1 part(s) that are no polygon were dropped",
    ),
}


@pytest.mark.parametrize("kind", READ)
def test_a_boundary_that_can_be_placed_is_read_and_what_was_inferred_is_said(make_state: MakeState, kind: str) -> None:
    document, says = READ[kind]
    faults, said = checked(make_state, document)
    assert faults == set()
    assert says in said
    assert "serious_violence" in said
    if kind != "a bow-tie":
        assert "serious_violence 36 units" in said or "serious_violence 49 units" in said  # moved by a metre or two, a cell's edge is touched


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        (layer([[y, x] for x, y in moved("EPSG:4326")]), "layer_axes_exchanged"),
        (layer([[y, x] for x, y in moved("EPSG:3857")]), "layer_axes_exchanged"),
        (layer(METRES, crs={"properties": {"name": "Minishire grid"}}), "layer_crs_unknown"),
        (layer([[-74.0, 40.7], [-73.9, 40.7], [-73.9, 40.8], [-74.0, 40.7]]), "layer_elsewhere"),
        (layer(METRES, crs={"properties": {"name": "EPSG:4326"}}), "layer_elsewhere"),
        (layer([]), "layer_unreadable"),
        ({"type": "Point", "coordinates": [400000, 280000]}, "layer_unreadable"),
        ("no JSON", "not_geojson"),
    ],
)  # fmt: skip
def test_a_boundary_that_cannot_be_placed_is_refused_by_name(make_state: MakeState, document: Any, rule: str) -> None:
    faults, _ = checked(make_state, document)
    assert faults == {(rule, "force.boundary", None)}


def test_a_layer_without_the_column_it_is_named_for_is_a_fault_by_setting_and_column(make_state: MakeState) -> None:
    faults, _ = checked(make_state, areas=layer(METRES, {"NAME": "North"}))
    assert faults == {("layer_column_missing", "force.areas", "name or code")}


def test_every_column_that_neighbourhoods_lack_is_named_at_once(make_state: MakeState) -> None:
    faults, _ = checked(make_state, hoods=layer(METRES, {"code": "E1"}))
    assert faults == {("layer_column_missing", "force.neighbourhoods", "residents"), ("layer_column_missing", "force.neighbourhoods", "deprivation_fifth")}


NONSENSE: list[Any] = [
    None, 1, "x", [], {}, {"features": 3}, {"features": [1]}, {"features": [None]}, {"features": [{"geometry": 1}]}, {"type": "Polygon"},
    {"type": "Polygon", "coordinates": 1}, {"type": "Polygon", "coordinates": [[[1]]]}, {"type": "Polygon", "coordinates": [[["a", "b"]] * 4]},
    {"type": "Polygon", "coordinates": [[[float("nan"), 1.0]] * 4]}, {"type": "Polygon", "coordinates": [[[1e308, 1e308], [-1e308, 1e308], [1, 1], [1e308, 1e308]]]},
    {"type": "GeometryCollection", "geometries": {}}, {"type": "GeometryCollection", "geometries": [1]}, layer(METRES, crs="EPSG:27700"), layer(METRES, crs={"properties": []}),
    layer(METRES, crs={"properties": {"name": {}}}), {"type": "FeatureCollection", "features": [{"properties": 1, "geometry": layer(METRES)["features"][0]["geometry"]}]},
]  # fmt: skip


@pytest.mark.parametrize("document", NONSENSE, ids=[str(number) for number in range(len(NONSENSE))])
def test_nonsense_is_read_or_refused_by_name_and_ends_in_no_traceback(document: Any) -> None:
    refused: SettingsRefused | None = None
    try:
        assert layer_of(json.dumps(document).encode(), "EPSG:27700", "force.areas").shapes
    except SettingsRefused as error:
        refused = error
    assert refused is None or [fault.where for fault in refused.faults] == ["force.areas"]


def test_deeply_nested_text_is_refused_by_name() -> None:
    with pytest.raises(SettingsRefused):
        layer_of(b"[" * 200_000, "EPSG:27700", "force.areas")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"{"])
def test_bytes_that_are_no_text_are_refused_by_name(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused):
        layer_of(content, "EPSG:27700", "force.areas")


@pytest.mark.parametrize("way", ["../boundary.geojson", "absolute"])
def test_a_boundary_from_elsewhere_is_read_from_the_states_own_copy(make_state: MakeState, tmp_path: Path, way: str) -> None:
    original = tmp_path / "boundary.geojson"
    original.write_text(json.dumps(layer(METRES)), encoding="utf-8")
    named = str(original) if way == "absolute" else way
    state = make_state(f'[force]\nname = "Test force"\nboundary = "{named}"\n[[tools]]\nname = "x"\nkind = "places"\ncell_area_km2 = 1.0\nwhere = {{ offence_code = ["008/01"] }}\n')
    original.unlink()
    assert state.named_bytes(Path(named)) == json.dumps(layer(METRES)).encode()
    assert check_state(state.root).faults == []
