"""Map files: what is read, and every kind of bad file refused in one sentence with the way out."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import shapely
from tests.ground import by_hand

from harmcast.errors import SettingsRefused
from harmcast.ground import geopackage, open_names
from harmcast.ground.kinds import Kind

CRS = "EPSG:27700"


def test_every_known_layer_is_read_once(files: tuple[Path, Path]) -> None:
    layers = geopackage.read(files[0], by_hand.near(), CRS)
    roads = sorted((s.kind.name, s.name, s.number) for s in layers.shapes if s.kind < Kind.RAIL)
    assert roads == [
        ("A_ROAD", "Northcroft Road", "A442"),
        ("LOCAL", "Birchton Lane", ""),
        ("LOCAL", "Short Close", ""),
        ("MOTORWAY", "", "M98"),
        ("RESTRICTED", "Back Way", ""),
    ]
    assert {s.kind for s in layers.shapes if s.kind >= Kind.RAIL} == {Kind.RAIL, Kind.WATERLINE, Kind.WATER, Kind.GREEN}
    assert [(s.name, s.easting_m, s.northing_m) for s in layers.stations] == [("Karrastow", 380_500, 245_800)]


def test_open_roads_have_their_own_columns(tmp_path: Path) -> None:
    path = tmp_path / "oproad.gpkg"
    with closing(sqlite3.connect(path)) as file, file:
        file.executescript(
            "create table gpkg_spatial_ref_sys (srs_id, organization, organization_coordsys_id); insert into gpkg_spatial_ref_sys values (27700, 'EPSG', 27700);"
            "create table gpkg_geometry_columns (table_name, column_name, srs_id); insert into gpkg_geometry_columns values ('road_link', 'geometry', 27700);"
            "create table road_link (id integer primary key, geometry blob, road_function, road_classification_number, name_1, primary_route)"
        )
        west, east = by_hand.line((0, 0), (50, 0)), by_hand.line((60, 0), (90, 0))
        for points, *words in ((west, "A Road", "A442", "Northcroft Road", 1), (east, "Local Access Road", None, None, 0), (west, "Guided Busway", None, None, 0)):
            blob = b"GP\x00\x01" + (27700).to_bytes(4, "little") + shapely.to_wkb(shapely.linestrings(points))
            file.execute("insert into road_link (geometry, road_function, road_classification_number, name_1, primary_route) values (?, ?, ?, ?, ?)", (blob, *words))
    shapes = geopackage.read(path, by_hand.near(), CRS).shapes
    assert [(s.kind, s.name, s.number) for s in shapes] == [(Kind.PRIMARY, "Northcroft Road", "A442"), (Kind.LOCAL, "", "")]


@pytest.mark.parametrize(("envelope", "length"), [(0, 0), (1, 32), (2, 48), (3, 48), (4, 64)])
def test_a_geometry_may_have_any_envelope(envelope: int, length: int) -> None:
    wkb = shapely.to_wkb(shapely.Point(1, 2))
    assert geopackage._wkb(b"GP\x00" + bytes([envelope << 1 | 1]) + b"\0\0\0\0" + b"\0" * length + wkb) == wkb


@pytest.mark.parametrize("blob", [b"", b"GP", b"GX\x00\x01\0\0\0\0", b"GP\x01\x01\0\0\0\0", b"GP\x00\x0a\0\0\0\0", "text"])
def test_what_is_no_geometry_is_told(blob: object) -> None:
    assert geopackage._wkb(blob) is None


def _spoiled(files: tuple[Path, Path], folder: Path, sql: str = "", cut: bool = False) -> Path:
    path = folder / "roads.gpkg"
    content = files[0].read_bytes()
    path.write_bytes(content[: len(content) // 2] if cut else content)
    if sql:
        with closing(sqlite3.connect(path)) as file, file:
            file.executescript(sql)
    return path


@pytest.mark.parametrize(
    ("sql", "code", "says"),
    [
        ("update gpkg_spatial_ref_sys set organization_coordsys_id = 3857 where srs_id = 27700", "ground_other_crs", "another coordinate system than EPSG:27700"),
        ("delete from gpkg_geometry_columns where table_name like 'roads%'", "ground_without_roads", "roads_national, road_link"),
        ("drop table gpkg_geometry_columns", "ground_not_geopackage", "tables of layers"),
        ("update roads_local set geom = x'00112233445566778899'", "ground_geometry", "roads_local"),
        ("update roads_local set geom = substr(geom, 1, 60)", "ground_geometry", "roads_local"),
        ("alter table roads_local rename column type to sort", "ground_column_missing", "type in its layer roads_local"),
    ],
)
def test_a_bad_geopackage_is_refused_in_a_sentence(files: tuple[Path, Path], tmp_path: Path, sql: str, code: str, says: str) -> None:
    path = _spoiled(files, tmp_path, sql)
    with pytest.raises(SettingsRefused) as refused:
        geopackage.read(path, by_hand.near(), CRS)
    assert refused.value.code == code
    assert "roads.gpkg" in refused.value.message
    assert says in refused.value.message
    assert "QGIS" in refused.value.next_step
    assert CRS in refused.value.next_step


def test_a_file_cut_short_or_of_another_kind_is_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match="cut short"):
        geopackage.read(_spoiled(files, tmp_path, cut=True), by_hand.near(), CRS)
    (tmp_path / "roads.gpkg").write_text("type,name\n")
    with pytest.raises(SettingsRefused, match="no GeoPackage"):
        geopackage.read(tmp_path / "roads.gpkg", by_hand.near(), CRS)
    with pytest.raises(SettingsRefused, match="not there"):
        geopackage.read(tmp_path / "none.gpkg", by_hand.near(), CRS)


def test_a_ground_without_a_road_near_the_force_is_refused(files: tuple[Path, Path]) -> None:
    far = shapely.box(500_000, 100_000, 510_000, 110_000)
    with pytest.raises(SettingsRefused, match="no road near the force") as refused:
        geopackage.read(files[0], far, CRS)
    assert refused.value.code == "ground_elsewhere"


def test_names_are_settlements_streets_stations_and_postcodes_alone(files: tuple[Path, Path]) -> None:
    places = open_names.read(files[1], by_hand.near(), CRS)
    assert sorted((p.kind, p.name) for p in places) == [
        ("Hamlet", "Ulham"),
        ("Named Road", "Birchton Lane"),
        ("Named Road", "Northcroft Road"),
        ("Postcode", "ZY1 2AB"),
        ("Postcode", "ZY1 2AD"),
        ("Town", "Karrastow"),
    ]


def test_only_files_whose_square_meets_the_force_are_opened(files: tuple[Path, Path], tmp_path: Path) -> None:
    data = tmp_path / "names" / "Data"
    data.mkdir(parents=True)
    (data / "SO84.csv").write_bytes((files[1] / "Data" / "SO84.csv").read_bytes())
    for elsewhere in ("TQ28.csv", "SO62.csv"):
        (data / elsewhere).write_text("not,thirty-four\n")
    assert open_names.read(tmp_path / "names", by_hand.near(), CRS)
    (data / "SO82.csv").write_text("not,thirty-four\n")
    wide = shapely.box(by_hand.E + 100, by_hand.N - 20_000, by_hand.E + 1000, by_hand.N + 1000)
    with pytest.raises(SettingsRefused, match=r"SO82\.csv has 2 columns instead of 34"):
        open_names.read(tmp_path / "names", wide, CRS)


def test_names_that_are_missing_elsewhere_or_unreadable_are_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match="no CSV file"):
        open_names.read(tmp_path, by_hand.near(), CRS)
    far = shapely.box(by_hand.E + 5000, by_hand.N, by_hand.E + 5100, by_hand.N + 100)
    with pytest.raises(SettingsRefused, match="no name near the force"):
        open_names.read(files[1], far, CRS)
    text = (files[1] / "Data" / "SO84.csv").read_text().replace(",380500,", ",east,", 1)
    (tmp_path / "SO84.csv").write_text(text)
    with pytest.raises(SettingsRefused, match="1 name"):
        open_names.read(tmp_path, by_hand.near(), CRS)
    (tmp_path / "SO84.csv").write_bytes(b"\xff\xfe\x41" * 50)
    with pytest.raises(SettingsRefused):
        open_names.read(tmp_path, by_hand.near(), CRS)
