"""The GeoPackage of a release: the same bytes twice, layers, notice and styles as QGIS looks for them."""

from __future__ import annotations

import sqlite3
import xml.etree.ElementTree as ET
from contextlib import closing
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import shapely

from harmcast.ground.geopackage import _wkb
from harmcast.publish import geopackage

SQUARE = [[[380_000.0, 245_000.0], [381_000.0, 245_000.0], [381_000.0, 246_000.0], [380_000.0, 246_000.0], [380_000.0, 245_000.0]]]
HOLE = [[380_400.0, 245_400.0], [380_400.0, 245_600.0], [380_600.0, 245_600.0], [380_600.0, 245_400.0], [380_400.0, 245_400.0]]
CELLS = pl.DataFrame({"cell": ["E380000N245000", "E381000N245000"], "place": ["Karrastow: High <Street>", "SO 815 455"], "origin": [date(2026, 11, 16)] * 2, "expected": [1.9, 0.04], "lower": [0, 0]})
AREAS = pl.DataFrame({"area": ["Karrastow & <Elmesk>"], "expected": [1.94]})


def made() -> bytes:
    moved = [[[x + 1000, y] for x, y in ring] for ring in SQUARE]
    return geopackage.content(
        CELLS, AREAS, {"E380000N245000": SQUARE, "E381000N245000": moved}, {"Karrastow & <Elmesk>": [*SQUARE, HOLE]}, [(0.0, 4), (1.0, 5)], "EPSG:27700", "Test force. Release 2026-W47."
    )  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "r.gpkg").write_bytes(made())
    return tmp_path / "r.gpkg"


def test_the_same_release_gives_the_same_bytes() -> None:
    assert made() == made()


def test_it_is_a_geopackage_with_the_notice_on_each_layer(file: Path) -> None:
    head = file.read_bytes()[:100]
    assert head[68:72] == b"GPKG"
    with closing(sqlite3.connect(file)) as held:
        layers = dict(held.execute("select table_name, description from gpkg_contents where data_type = 'features'").fetchall())
        systems = held.execute("select organization_coordsys_id, definition from gpkg_spatial_ref_sys where srs_id = 27700").fetchall()
        bounds = held.execute("select min_x, min_y, max_x, max_y from gpkg_contents where table_name = 'cells'").fetchone()
        assert held.execute("pragma integrity_check").fetchone() == ("ok",)
    assert set(layers) == {"cells", "areas"}
    assert all(text.startswith("Decision support. A person decides. Not evidence. Not grounds for a stop, search or arrest.") for text in layers.values())
    assert systems[0][0] == 27700
    assert "British National Grid" in systems[0][1]
    assert bounds == (380_000, 245_000, 382_000, 246_000)


def test_every_column_and_shape_is_there(file: Path) -> None:
    with closing(sqlite3.connect(file)) as held:
        rows = held.execute("select cell, place, origin, expected, lower, geom from cells order by fid").fetchall()
        (area,) = held.execute("select geom from areas").fetchone()
    assert [row[:5] for row in rows] == [("E380000N245000", "Karrastow: High <Street>", "2026-11-16", 1.9, 0), ("E381000N245000", "SO 815 455", "2026-11-16", 0.04, 0)]
    assert shapely.from_wkb(_wkb(rows[0][5])).equals(shapely.box(380_000, 245_000, 381_000, 246_000))
    assert shapely.from_wkb(_wkb(area)).area == 1_000_000 - 40_000


def test_styles_are_found_and_parse(file: Path) -> None:
    with closing(sqlite3.connect(file)) as held:
        styles = held.execute("select f_table_name, styleQML, styleSLD, useAsDefault from layer_styles order by id").fetchall()
    assert [(row[0], row[3]) for row in styles] == [("cells", 1), ("areas", 1)]
    ranges = ET.fromstring(styles[0][1].split("'SYSTEM'>")[1]).findall(".//range")
    assert [(r.get("lower"), r.get("label")) for r in ranges] == [("0.000000", "under 1"), ("1.000000", "1 or more")]
    for _, qml, sld, _ in styles:
        ET.fromstring(qml.split("'SYSTEM'>")[1])
        ET.fromstring(sld.split("?>")[1])
