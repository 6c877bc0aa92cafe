"""A places tool's release as a GeoPackage with styles: cells and areas, the notice in each layer's description.

Made from the release when asked for, like the CSV; the same release gives the same bytes, so nothing in it is of today.
Source: OGC GeoPackage 1.3; `layer_styles` as QGIS reads it.
"""

from __future__ import annotations

import json
import sqlite3
import struct
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from harmcast.ground import maps
from harmcast.ground.maps import SHADES
from harmcast.publish.release_files import NOTICE
from harmcast.store.releases import Release

Rings = Sequence[Sequence[Sequence[float]]]
_APPLICATION, _VERSION = 0x47504B47, 10300
_TYPES: dict[Any, str] = {pl.String: "TEXT", pl.Float64: "DOUBLE", pl.Int64: "INTEGER", pl.Date: "DATE", pl.Boolean: "BOOLEAN"}
_SCHEMA = """
create table gpkg_spatial_ref_sys (srs_name text not null, srs_id integer not null primary key, organization text not null, organization_coordsys_id integer not null, definition text not null, description text);
create table gpkg_contents (table_name text not null primary key, data_type text not null, identifier text unique, description text default '', last_change datetime not null, min_x double, min_y double, max_x double, max_y double, srs_id integer references gpkg_spatial_ref_sys (srs_id));
create table gpkg_geometry_columns (table_name text not null, column_name text not null, geometry_type_name text not null, srs_id integer not null, z tinyint not null, m tinyint not null, primary key (table_name, column_name));
create table layer_styles (id integer primary key autoincrement not null, f_table_catalog text, f_table_schema text, f_table_name text, f_geometry_column text, styleName text, styleQML text, styleSLD text, useAsDefault boolean, description text, owner text, ui text, update_time datetime);
"""


def content(
    cells: pl.DataFrame,
    areas: pl.DataFrame,
    cell_rings: Mapping[str, Rings],
    area_rings: Mapping[str, Rings],
    classes: Sequence[tuple[float, int]],
    crs: str,
    about: str,
) -> bytes:
    """The file's bytes.

    Args:
        cells: the release's cells; `cell_rings`: rings of each, outer first, in metres of `crs`.
        areas: the release's areas, the force (area null) left out; `area_rings`: rings of each.
        classes: lowest expected number and shade (0 to 5) of each class, ascending.
        about: which release it is, in words.
    """
    origin = f"{cells['origin'][0]}T00:00:00.000Z"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "release.gpkg"
        with closing(sqlite3.connect(path)) as file, file:
            file.executescript(f"pragma page_size = 4096; pragma journal_mode = off; pragma application_id = {_APPLICATION}; pragma user_version = {_VERSION};{_SCHEMA}")
            number = _systems(file, crs)
            description = f"{NOTICE} {about}"
            _layer(file, "cells", cells, "cell", cell_rings, number, description, origin)
            _layer(file, "areas", areas, "area", area_rings, number, description, origin)
            styles = (("cells", _qml_cells(classes), _sld_cells(classes)), ("areas", _QML_AREAS, _SLD_AREAS))
            for name, qml, sld in styles:
                file.execute(
                    "insert into layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, styleQML, styleSLD, useAsDefault, description, owner, update_time) "
                    "values ('', '', ?, 'geom', ?, ?, ?, 1, ?, '', ?)",
                    (name, name, qml, sld, NOTICE, origin),
                )
            file.execute("insert into gpkg_contents (table_name, data_type, identifier, description, last_change) values ('layer_styles', 'attributes', 'layer_styles', '', ?)", (origin,))
        return path.read_bytes()


def of_release(release: Release, tool: str, title: str, force: str, area: str = "") -> bytes:
    """A places tool's release, or one policing area of it, as a GeoPackage."""
    every = release.frame(tool)
    cells = every.filter(pl.col("area") == area) if area else every
    areas = release.frame(f"{tool}_areas").filter(pl.col("area").is_not_null())
    areas = areas.filter(pl.col("area") == area) if area else areas
    drawn = json.loads(release.read(f"{tool}_map.json"))
    rings = {
        cell: maps.rings_of(drawn, cell, (easting, northing), None)
        for cell, easting, northing in cells.select("cell", "easting_m", "northing_m").iter_rows()
    }
    own = {name: rings for name, rings in (drawn.get("areas") or {}).items() if not area or name == area}
    about = f"{force}. {title}. Release {release.name}, from {release.origin.isoformat()}."
    return content(cells, areas, rings, own, maps.classes(every["expected"].to_list()), drawn["crs"], about)


def _systems(file: sqlite3.Connection, crs: str) -> int:
    """Writes the systems of reference; gives the number of the force's own."""
    from pyproj import CRS

    system = CRS.from_user_input(crs)
    authority, code = system.to_authority() or ("NONE", "100000")
    rows = [
        ("Undefined cartesian", -1, "NONE", -1, "undefined", ""),
        ("Undefined geographic", 0, "NONE", 0, "undefined", ""),
        ("WGS 84", 4326, "EPSG", 4326, CRS.from_epsg(4326).to_wkt("WKT1_GDAL"), ""),
    ]
    if int(code) != 4326:
        rows.append((system.name, int(code), authority, int(code), system.to_wkt("WKT1_GDAL"), ""))
    file.executemany("insert into gpkg_spatial_ref_sys values (?, ?, ?, ?, ?, ?)", rows)
    return int(code)


def _layer(
    file: sqlite3.Connection,
    name: str,
    frame: pl.DataFrame,
    key: str,
    rings: Mapping[str, Rings],
    system: int,
    description: str,
    changed: str,
) -> None:
    columns = ", ".join(f'"{c}" {_TYPES.get(t, _TYPES.get(type(t), "TEXT"))}' for c, t in frame.schema.items())
    file.execute(f"create table {name} (fid integer primary key autoincrement not null, geom blob, {columns})")
    held = frame.with_columns(pl.col(pl.Date).cast(pl.String)).sort(key)
    marks = ", ".join("?" * (held.width + 2))
    rows = [(k, _blob(rings.get(row[key], ()), system), *row.values()) for k, row in enumerate(held.iter_rows(named=True), start=1)]
    file.executemany(f"insert into {name} values ({marks})", rows)
    points = [p for own in rings.values() for ring in own for p in ring]
    bounds = (min(p[0] for p in points), min(p[1] for p in points), max(p[0] for p in points), max(p[1] for p in points)) if points else (None,) * 4
    file.execute("insert into gpkg_contents values (?, 'features', ?, ?, ?, ?, ?, ?, ?, ?)", (name, name, description, changed, *bounds, system))
    file.execute("insert into gpkg_geometry_columns values (?, 'geom', 'MULTIPOLYGON', ?, 0, 0)", (name, system))


def _blob(rings: Rings, system: int) -> bytes | None:
    """A GeoPackage geometry of one multipolygon; a ring that runs the other way round than the first is a hole of the part before."""
    if not rings:
        return None
    import shapely

    lines = shapely.linearrings(np.concatenate([np.asarray(ring, dtype=float)[:, :2] for ring in rings]), indices=np.repeat(np.arange(len(rings)), [len(ring) for ring in rings]))
    turns = shapely.is_ccw(lines)
    whose = np.cumsum(turns == turns[0]) - 1
    whole = shapely.multipolygons([shapely.polygons(own[0], own[1:]) for own in (lines[whose == k] for k in range(whose[-1] + 1))])
    low_x, low_y, high_x, high_y = whole.bounds
    return struct.pack("<2sBBi4d", b"GP", 0, 0b0000_0011, system, low_x, high_x, low_y, high_y) + bytes(shapely.to_wkb(whole, byte_order=1))


def _bounds(classes: Sequence[tuple[float, int]]) -> list[tuple[float, float, str, str]]:
    """Lower and upper end of each class, its words and its colour."""
    found = []
    for k, (low, shade) in enumerate(classes):
        high = classes[k + 1][0] if k + 1 < len(classes) else 1e9
        words = f"under {high:g}" if k == 0 else f"{low:g} or more" if high == 1e9 else f"{low:g} to {high:g}"
        found.append((low, high, words, SHADES[shade]))
    return found


def _qml_cells(classes: Sequence[tuple[float, int]]) -> str:
    ranges, symbols = [], []
    for k, (low, high, words, colour) in enumerate(_bounds(classes)):
        ranges.append(f'<range lower="{low:.6f}" upper="{high:.6f}" symbol="{k}" label="{escape(words)}" render="true"/>')
        symbols.append(_qml_fill(str(k), _rgb(colour), "138,148,156,255", "0.1", "solid"))
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'><qgis version=\"3.22\" styleCategories=\"Symbology\">"
        '<renderer-v2 type="graduatedSymbol" attr="expected" graduatedMethod="GraduatedColor" symbollevels="0" enableorderby="0" forceraster="0">'
        f"<ranges>{''.join(ranges)}</ranges><symbols>{''.join(symbols)}</symbols></renderer-v2></qgis>"
    )


def _qml_fill(name: str, fill: str, line: str, width: str, brush: str) -> str:
    options = {"color": fill, "outline_color": line, "outline_width": width, "outline_style": "solid", "style": brush}
    return (
        f'<symbol name="{name}" type="fill" alpha="1" clip_to_extent="1" force_rhr="0"><layer class="SimpleFill" enabled="1" locked="0" pass="0">'
        + "".join(f'<prop k="{key}" v="{value}"/>' for key, value in options.items())
        + "</layer></symbol>"
    )


def _rgb(colour: str) -> str:
    return ",".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5)) + ",255"


_QML_AREAS = (
    "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'><qgis version=\"3.22\" styleCategories=\"Symbology\">"
    '<renderer-v2 type="singleSymbol" symbollevels="0" enableorderby="0" forceraster="0"><symbols>'
    + _qml_fill("0", "255,255,255,0", "11,12,12,255", "0.4", "no")
    + "</symbols></renderer-v2></qgis>"
)
_SLD = '<?xml version="1.0" encoding="UTF-8"?><StyledLayerDescriptor xmlns="http://www.opengis.net/sld" xmlns:ogc="http://www.opengis.net/ogc" version="1.0.0"><NamedLayer><Name>{name}</Name><UserStyle><FeatureTypeStyle>{rules}</FeatureTypeStyle></UserStyle></NamedLayer></StyledLayerDescriptor>'
_SLD_AREAS = _SLD.format(
    name="areas",
    rules='<Rule><PolygonSymbolizer><Stroke><CssParameter name="stroke">#0b0c0c</CssParameter><CssParameter name="stroke-width">1.2</CssParameter></Stroke></PolygonSymbolizer></Rule>',
)


def _sld_cells(classes: Sequence[tuple[float, int]]) -> str:
    rules = []
    for low, high, words, colour in _bounds(classes):
        between = (
            f"<ogc:Filter><ogc:And><ogc:PropertyIsGreaterThanOrEqualTo><ogc:PropertyName>expected</ogc:PropertyName><ogc:Literal>{low:g}</ogc:Literal></ogc:PropertyIsGreaterThanOrEqualTo>"
            f"<ogc:PropertyIsLessThan><ogc:PropertyName>expected</ogc:PropertyName><ogc:Literal>{high:g}</ogc:Literal></ogc:PropertyIsLessThan></ogc:And></ogc:Filter>"
        )
        fill = f'<PolygonSymbolizer><Fill><CssParameter name="fill">{colour}</CssParameter></Fill><Stroke><CssParameter name="stroke">#8a949c</CssParameter><CssParameter name="stroke-width">0.3</CssParameter></Stroke></PolygonSymbolizer>'
        rules.append(f"<Rule><Title>{escape(words)}</Title>{between}{fill}</Rule>")
    return _SLD.format(name="cells", rules="".join(rules))
