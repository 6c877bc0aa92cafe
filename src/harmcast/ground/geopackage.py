"""Roads, rail, water and green of a GeoPackage: OS Open Zoomstack, OS Open Roads, or a layer of the same names and columns.

Only what lies near the force is read, through the file's own R-tree where it has one. A file that is not what it should be
is refused in one sentence with the way out.
Source: OGC GeoPackage 1.3, 2.1.3 (geometry: "GP", version, flags, an envelope of 0, 32, 48 or 64 bytes, then WKB).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harmcast.errors import SettingsRefused
from harmcast.ground.kinds import AREAS, ROADS, Kind

WAY_OUT = "Export it from QGIS as GeoPackage in {crs}, with the layers and columns of OS Open Zoomstack or OS Open Roads."
_MAGIC = b"SQLite format 3\x00"
_ENVELOPE_BYTES = (0, 32, 48, 48, 64)
_POINT, _LINE, _AREA = 0, 1, 3

# Zoomstack's three road layers hold the same roads for three scales: each kind is read from the most detailed that has it
_ZOOMSTACK_ROADS = ("roads_local", "roads_regional", "roads_national")
_OPEN_ROADS = "road_link"
_OTHER = {
    "rail": Kind.RAIL,
    "waterlines": Kind.WATERLINE,
    "surfacewater": Kind.WATER,
    "greenspace": Kind.GREEN,
}
_STATIONS = "railway_stations"
_ZOOMSTACK_TYPES = {
    "motorway": Kind.MOTORWAY,
    "primary": Kind.PRIMARY,
    "a road": Kind.A_ROAD,
    "b road": Kind.B_ROAD,
    "minor": Kind.MINOR,
    "local": Kind.LOCAL,
    "restricted": Kind.RESTRICTED,
}
_OPEN_ROADS_FUNCTIONS = {
    "motorway": Kind.MOTORWAY,
    "a road": Kind.A_ROAD,
    "b road": Kind.B_ROAD,
    "minor road": Kind.MINOR,
    "local road": Kind.LOCAL,
    "local access road": Kind.LOCAL,
    "secondary access road": Kind.RESTRICTED,
    "restricted local access road": Kind.RESTRICTED,
}


@dataclass(frozen=True)
class Shape:
    """One thing on the ground: a line or a polygon (shapely, m), its name and its road number, both empty where it has none."""

    kind: Kind
    geometry: Any
    name: str = ""
    number: str = ""


@dataclass(frozen=True)
class Station:
    name: str
    easting_m: float
    northing_m: float


@dataclass(frozen=True)
class Layers:
    """What a GeoPackage holds near a force, and which of its layers were read."""

    shapes: list[Shape]
    stations: list[Station]
    read: list[str]


@dataclass(frozen=True)
class _Table:
    name: str
    geometry: str
    columns: dict[str, str]  # a column's name in small letters without underscores -> as written

    def column(self, *names: str) -> str:
        """SQL of the first of the columns that is there, as text; an empty text if none is."""
        for name in names:
            if name in self.columns:
                return f"coalesce(cast({_quoted(self.columns[name])} as text), '')"
        return "''"


def read(path: Path, near: Any, crs: str) -> Layers:
    """Everything of a known layer that meets `near`.

    Args:
        near: shapely polygon in metres of `crs`: the force's boundary and a margin.
        crs: the force's own system, which the file must have too.
    Raises: SettingsRefused, naming the file, the layer and the way out.
    """
    import shapely

    _sound(path, crs)
    shapely.prepare(near)
    try:
        with closing(_opened(path)) as file:
            tables = _tables(file, path, crs)
            shapes, roads_read = _roads(file, path, tables, near, crs)
            other = [(t, kind) for t, kind in _OTHER.items() if t in tables]
            for name, kind in other:
                shapes += [Shape(kind, row[0]) for row in _rows(file, path, tables[name], [], near, crs, _AREA if kind in AREAS else _LINE)]
            stations = [
                Station(name, float(shapely.get_x(g)), float(shapely.get_y(g)))
                for g, name in (
                    _rows(file, path, tables[_STATIONS], [tables[_STATIONS].column("name", "name1")], near, crs, _POINT)
                    if _STATIONS in tables
                    else []
                )
            ]
    except sqlite3.DatabaseError:
        raise _refused(path, "cannot be read to its end: it is damaged or cut short", crs, "ground_damaged") from None
    if not any(shape.kind in ROADS for shape in shapes):
        raise _refused(path, f"has no road near the force in its layer(s) {', '.join(roads_read)}", crs, "ground_elsewhere")
    return Layers(shapes, stations, [*roads_read, *(name for name, _ in other), *([_STATIONS] if stations else [])])


def _refused(path: Path, what: str, crs: str, code: str) -> SettingsRefused:
    return SettingsRefused(f"The map file {path.name} {what}.", code=code, next_step=WAY_OUT.format(crs=crs))


def _sound(path: Path, crs: str) -> None:
    """Raises SettingsRefused unless the file is an SQLite file of its full length."""
    try:
        with path.open("rb") as file:
            head = file.read(100)
        size = path.stat().st_size
    except OSError:
        raise _refused(path, "is not there or may not be read", crs, "ground_missing") from None
    if not head.startswith(_MAGIC):
        raise _refused(path, "is no GeoPackage", crs, "ground_not_geopackage")
    page = int.from_bytes(head[16:18], "big")
    pages = int.from_bytes(head[28:32], "big")
    if size < pages * (65536 if page == 1 else page):
        raise _refused(path, "is cut short", crs, "ground_damaged")


def _opened(path: Path) -> sqlite3.Connection:
    file = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    file.execute("pragma trusted_schema = off")
    return file


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _tables(file: sqlite3.Connection, path: Path, crs: str) -> dict[str, _Table]:
    """The known layers of the file, all in the force's system. Raises SettingsRefused."""
    known = {*_ZOOMSTACK_ROADS, _OPEN_ROADS, *_OTHER, _STATIONS}
    try:
        listed = file.execute("select table_name, column_name, srs_id from gpkg_geometry_columns").fetchall()
        systems = {row[0]: f"{row[1]}:{row[2]}".upper() for row in file.execute("select srs_id, organization, organization_coordsys_id from gpkg_spatial_ref_sys")}
    except sqlite3.OperationalError:
        raise _refused(path, "is no GeoPackage: its tables of layers are missing", crs, "ground_not_geopackage") from None
    found = {}
    for name, geometry, srs in listed:
        plain = str(name).lower()
        if plain not in known:
            continue
        if systems.get(srs) != crs.upper():
            raise _refused(path, f"has its layer {plain} in another coordinate system than {crs}", crs, "ground_other_crs")
        columns = [str(row[1]) for row in file.execute(f"pragma table_info({_quoted(str(name))})")]
        found[plain] = _Table(str(name), str(geometry), {c.lower().replace("_", ""): c for c in columns})
    if not any(name in found for name in (*_ZOOMSTACK_ROADS, _OPEN_ROADS)):
        raise _refused(path, f"has no layer of roads ({', '.join((*_ZOOMSTACK_ROADS, _OPEN_ROADS))})", crs, "ground_without_roads")
    return found


def _roads(
    file: sqlite3.Connection, path: Path, tables: dict[str, _Table], near: Any, crs: str
) -> tuple[list[Shape], list[str]]:
    read: list[str] = []
    found: list[Shape] = []
    have: set[Kind] = set()
    for layer in (name for name in _ZOOMSTACK_ROADS if name in tables):
        table = tables[layer]
        if "type" not in table.columns:
            raise _refused(path, f"has no column type in its layer {layer}", crs, "ground_column_missing")
        words = [table.column("type"), table.column("name", "name1"), table.column("number", "roadnumber")]
        own = [
            Shape(_ZOOMSTACK_TYPES[kind.lower()], line, name, number)
            for line, kind, name, number in _rows(file, path, table, words, near, crs)
            if kind.lower() in _ZOOMSTACK_TYPES
        ]
        found += [shape for shape in own if shape.kind not in have]
        have |= {shape.kind for shape in own}
        read.append(layer)
    if _OPEN_ROADS in tables and not found:
        table = tables[_OPEN_ROADS]
        if not {"roadfunction", "roadclassification"} & set(table.columns):
            raise _refused(path, f"has no column road_function in its layer {_OPEN_ROADS}", crs, "ground_column_missing")
        words = [
            table.column("roadfunction", "roadclassification"),
            table.column("name1"),
            table.column("roadclassificationnumber"),
            table.column("primaryroute"),
        ]
        for line, function, name, number, primary in _rows(file, path, table, words, near, crs):
            kind = _OPEN_ROADS_FUNCTIONS.get(function.lower())
            if kind is not None:
                is_primary = kind is Kind.A_ROAD and primary.lower() in ("1", "true", "t", "yes")
                found.append(Shape(Kind.PRIMARY if is_primary else kind, line, name, number))
        read.append(_OPEN_ROADS)
    return found, read


def _rows(
    file: sqlite3.Connection,
    path: Path,
    table: _Table,
    words: list[str],
    near: Any,
    crs: str,
    wanted_type: int = _LINE,
) -> Iterator[tuple[Any, ...]]:
    """Parts of each geometry that meets `near`, with the row's words; nothing of another type (as shapely numbers them) is given."""
    import shapely

    low_x, low_y, high_x, high_y = near.bounds
    name, geometry = _quoted(table.name), _quoted(table.geometry)
    index = f"rtree_{table.name}_{table.geometry}"
    wanted = ", ".join([geometry, *words])
    if file.execute("select 1 from sqlite_master where name = ?", [index]).fetchone():
        sql = f"select {wanted} from {name} where rowid in (select id from {_quoted(index)} where maxx >= ? and minx <= ? and maxy >= ? and miny <= ?)"
        rows = file.execute(f"{sql} order by rowid", (low_x, high_x, low_y, high_y)).fetchall()
    else:
        rows = file.execute(f"select {wanted} from {name} order by rowid").fetchall()
    blobs = [_wkb(row[0]) for row in rows if row[0] is not None]
    if any(blob is None for blob in blobs):
        raise _refused(path, f"holds something that is no geometry in its layer {table.name}", crs, "ground_geometry")
    try:
        shapes = shapely.force_2d(shapely.from_wkb(np.array(blobs, dtype=object)))
    except (shapely.errors.GEOSException, TypeError):
        raise _refused(path, f"holds a geometry that cannot be read in its layer {table.name}", crs, "ground_geometry") from None
    if wanted_type == _AREA:
        shapes = shapely.make_valid(shapes)
    told = [row[1:] for row in rows if row[0] is not None]
    meets = shapely.intersects(near, shapes) if len(shapes) else []
    for k in np.flatnonzero(meets):
        for part in shapely.get_parts(shapes[k]):
            if shapely.get_type_id(part) == wanted_type and not shapely.is_empty(part):
                yield (part, *(str(word).strip() for word in told[k]))


def _wkb(blob: Any) -> bytes | None:
    """The WKB of a GeoPackage geometry; None if it is none."""
    if not isinstance(blob, bytes) or len(blob) < 8 or blob[:2] != b"GP" or blob[2] != 0:
        return None
    envelope = blob[3] >> 1 & 7
    return blob[8 + _ENVELOPE_BYTES[envelope] :] if envelope < len(_ENVELOPE_BYTES) else None
