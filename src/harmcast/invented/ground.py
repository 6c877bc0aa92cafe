"""The ground of an invented county: streets, roads, rail, water, green and names, in the layouts of real map files.

Streets are a jittered grid, turned from neighbourhood to neighbourhood and thinned to a Gabriel graph (no junction inside the
circle over an edge); main roads are shortest paths over it; a street goes straight on at a junction. Written as a GeoPackage in the
layout of OS Open Zoomstack and as CSV in the layout of OS Open Names. Postcodes are of an area that is not in use.
"""

from __future__ import annotations

import sqlite3
import struct
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from harmcast.ground import grid_reference
from harmcast.ground.open_names import COLUMNS
from harmcast.invented import names
from harmcast.invented.county import County
from harmcast.invented.draws import pick, stream

SEGMENTS = 30_000
GEOPACKAGE, NAMES = "invented_ground.gpkg", "invented_names"
ATTRIBUTION = "Invented ground: no place on it is real."
_MARGIN_M = 1900.0
_OUTSIDE_M = 520.0
_UNIT_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"
_ZOOMSTACK = {"motorway": "Motorway", "primary": "Primary", "a": "A Road", "b": "B Road", "minor": "Minor", "local": "Local", "restricted": "Restricted"}


@dataclass
class NamesRow:
    """One row of names: kind as Open Names has it, where, its reach and the place it is in."""

    name: str
    kind: str
    xy: tuple[float, float]
    box: tuple[float, float, float, float] | None = None
    near: str = ""


@dataclass
class Land:
    """Everything drawn: lines and polygons by layer with their words, and names."""

    roads: list[tuple[str, str, str, np.ndarray]] = field(default_factory=list)  # class, name, number, points
    rail: list[np.ndarray] = field(default_factory=list)
    stations: list[tuple[str, tuple[float, float]]] = field(default_factory=list)
    rivers: list[np.ndarray] = field(default_factory=list)
    water: list[np.ndarray] = field(default_factory=list)
    green: list[np.ndarray] = field(default_factory=list)
    names: list[NamesRow] = field(default_factory=list)


def build(county: County, seed: int, segments: int = SEGMENTS) -> Land:
    """The land of a county: about so many segments of road."""
    rng = stream(seed, "ground")
    land = Land()
    settled = _settlements(county, rng)
    xy, residents = _junctions(county, rng, segments)
    edges = _gabriel(xy)
    edges = edges[np.linalg.norm(xy[edges[:, 0]] - xy[edges[:, 1]], axis=1) < 2500]
    kinds, numbers = _main_roads(xy, edges, settled, rng)
    xy = _smoothed(xy, edges, kinds)
    _streets(land, xy, edges, kinds, numbers, residents, settled, rng)
    _long_lines(land, county, settled, rng)
    _patches(land, county, settled, rng)
    land.names += settled
    return land


def _settlements(county: County, rng: np.random.Generator) -> list[NamesRow]:
    """Towns, suburbs around them, villages and hamlets, apart from one another."""
    count = len(county.towns_xy)
    at = county.centres
    area_of = county.area_of_square[np.argmin(np.linalg.norm(at[:, None] - county.towns_xy[None], axis=2), axis=0)]
    lived = np.array([county.residents[np.linalg.norm(at - town, axis=1) < 2500].sum() for town in county.towns_xy])
    order = np.argsort(-lived, kind="stable")
    more = iter(names.villages(rng, 440, county.areas))
    found: list[NamesRow] = []
    used: set[str] = set()
    for rank, k in enumerate(order.tolist()):
        own = county.areas[int(area_of[k])]
        name = own if own not in used else next(more)
        used.add(name)
        found.append(_settled(name, "City" if rank == 0 else "Town", county.towns_xy[k], 1400.0 if rank < 4 else 1000.0))
    taken = [np.array(p.xy) for p in found]
    density = county.residents / county.residents.sum()
    for kind, wanted, gap, power, reach in (("Suburban Area", 70, 1300.0, 1.0, 500.0), ("Village", 110, 1500.0, 0.2, 350.0), ("Hamlet", 90, 1300.0, 0.0, 150.0)):
        tried = at[pick(rng, density**power, wanted * 25)]
        for place in tried:
            if wanted and np.min(np.linalg.norm(np.array(taken) - place, axis=1)) > gap:
                taken.append(place)
                found.append(_settled(next(more), kind, place + rng.uniform(-90, 90, 2), reach))
                wanted -= 1
    return found[: count + 440]


def _settled(name: str, kind: str, at: np.ndarray, reach_m: float) -> NamesRow:
    x, y = float(round(at[0])), float(round(at[1]))
    return NamesRow(name, kind, (x, y), (x - reach_m, y - reach_m, x + reach_m, y + reach_m), name)


def _junctions(county: County, rng: np.random.Generator, segments: int) -> tuple[np.ndarray, np.ndarray]:
    """Junctions (n, 2) and the people a square kilometre around each: a turned grid in each neighbourhood, a thin one outside."""
    import shapely

    shapes = np.array(county.neighbourhood_shapes, dtype=object)
    area = shapely.area(shapes)
    lived = np.bincount(county.neighbourhood_of_square, weights=county.residents, minlength=len(shapes))
    lived = np.maximum(lived, county.neighbourhood_residents * 0.3)
    share = lived**0.7 * area**0.3
    wanted = segments / 2.45 * share / share.sum()
    points, dense = [], []
    for k, shape in enumerate(shapes):
        spacing = float(np.sqrt(area[k] / max(1.0, wanted[k])))
        turn = rng.uniform(0, np.pi / 2)
        own = _grid(shape.bounds, spacing, turn, rng)
        own = own[shapely.contains_xy(shape, own[:, 0], own[:, 1])]
        points.append(own)
        dense.append(np.full(len(own), lived[k] / area[k] * 1e6))
    around = shapely.buffer(county.outline, _MARGIN_M)
    outside = _grid(around.bounds, _OUTSIDE_M, 0.3, rng)
    near = shapely.contains_xy(around, outside[:, 0], outside[:, 1]) & ~shapely.contains_xy(county.outline, outside[:, 0], outside[:, 1])
    points.append(outside[near])
    dense.append(np.full(int(near.sum()), 150.0))
    return np.round(np.concatenate(points), 1), np.concatenate(dense)


def _grid(bounds: tuple[float, float, float, float], spacing: float, turn: float, rng: np.random.Generator) -> np.ndarray:
    low, high = np.array(bounds[:2]), np.array(bounds[2:])
    middle, reach = (low + high) / 2, float(np.linalg.norm(high - low)) / 2
    steps = np.arange(-reach, reach + spacing, spacing)
    x, y = np.meshgrid(steps * 1.25, steps * 0.8)
    at = np.column_stack([x.ravel(), y.ravel()]) + rng.normal(0, 0.13 * spacing, (x.size, 2))
    c, s = np.cos(turn), np.sin(turn)
    return np.asarray(at @ np.array([[c, s], [-s, c]]) + middle)


def _gabriel(xy: np.ndarray) -> np.ndarray:
    """Edges (m, 2) of the Gabriel graph: of the Delaunay triangles' sides those without a corner inside their circle."""
    from scipy.spatial import Delaunay

    triangles = Delaunay(xy).simplices
    n = len(xy)
    sides, keeps = [], []
    for a, b, c in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        one, other, corner = triangles[:, a], triangles[:, b], triangles[:, c]
        sides.append(np.minimum(one, other).astype(np.int64) * n + np.maximum(one, other))
        keeps.append(((xy[one] - xy[corner]) * (xy[other] - xy[corner])).sum(axis=1) >= 0)
    side, keep = np.concatenate(sides), np.concatenate(keeps)
    unique, whose = np.unique(side, return_inverse=True)
    good = np.ones(len(unique), dtype=bool)
    np.logical_and.at(good, whose, keep)
    kept = unique[good]
    return np.column_stack([kept // n, kept % n])


def _main_roads(xy: np.ndarray, edges: np.ndarray, settled: list[NamesRow], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Class ("", "primary", "a", "b") and number of each edge: shortest paths from town to town, and from smaller places to a road."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import dijkstra
    from scipy.spatial import cKDTree

    n = len(xy)
    length = np.linalg.norm(xy[edges[:, 0]] - xy[edges[:, 1]], axis=1)
    cost = length * rng.uniform(0.9, 1.25, len(edges))
    kinds = np.full(len(edges), "", dtype=object)
    numbers = np.full(len(edges), "", dtype=object)
    place = {(int(a), int(b)): k for k, (a, b) in enumerate(edges)}
    tree = cKDTree(xy)
    towns = [p for p in settled if p.kind in ("City", "Town")]
    node = {p.name: int(tree.query(p.xy)[1]) for p in settled}

    def graph() -> Any:
        both = np.concatenate([edges, edges[:, ::-1]])
        return coo_array((np.tile(cost, 2), (both[:, 0], both[:, 1])), shape=(n, n)).tocsr()

    def lay(start: int, end: int, before: np.ndarray, kind: str, number: str) -> None:
        at = end
        while at != start and before[at] >= 0:
            k = place[min(at, int(before[at])), max(at, int(before[at]))]
            if not kinds[k]:
                kinds[k], numbers[k], cost[k] = kind, number, cost[k] * 0.45
            at = int(before[at])

    free = iter(400 + rng.permutation(99))
    joined = {towns[0].name}
    pairs = []
    while len(joined) < len(towns):  # a tree over the towns, then a few more ways
        _, a, b = min((float(np.hypot(*np.subtract(p.xy, q.xy))), p.name, q.name) for p in towns if p.name in joined for q in towns if q.name not in joined)
        pairs.append((a, b))
        joined.add(b)
    for p in towns:
        near = sorted((q for q in towns if q is not p), key=lambda q: (np.hypot(*np.subtract(p.xy, q.xy)), q.name))[:2]
        pairs += [(p.name, q.name) for q in near if (p.name, q.name) not in pairs and (q.name, p.name) not in pairs and p.name < q.name]
    for number, (a, b) in enumerate(pairs):
        before = dijkstra(graph(), indices=node[a], return_predecessors=True)[1]
        lay(node[a], node[b], before, "primary" if number < 4 else "a", f"A{next(free)}")
    free = iter(4000 + rng.permutation(999))
    before = dijkstra(graph(), indices=[node[t.name] for t in towns], return_predecessors=True)[1]
    for p in settled:
        if p.kind in ("Suburban Area", "Village"):
            home = int(np.argmin([np.hypot(*np.subtract(p.xy, t.xy)) for t in towns]))
            kind = "a" if p.kind == "Suburban Area" and rng.random() < 0.12 else "b"
            lay(node[towns[home].name], node[p.name], before[home], kind, f"{kind.upper()}{next(free)}")
    return kinds, numbers


def _smoothed(xy: np.ndarray, edges: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Junctions on main roads moved towards the mean of their neighbours on them, so that these run smoothly."""
    main = edges[kinds != ""]
    xy = xy.copy()
    for _ in range(3):
        total, count = np.zeros_like(xy), np.zeros(len(xy))
        for a, b in ((0, 1), (1, 0)):
            np.add.at(total, main[:, a], xy[main[:, b]])
            np.add.at(count, main[:, a], 1)
        on = count > 1
        xy[on] = 0.5 * xy[on] + 0.5 * total[on] / count[on, None]
    return np.round(xy, 1)


def _strokes(xy: np.ndarray, edges: np.ndarray, kinds: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """The street each edge belongs to: at a junction two edges of one class that go straight on (within 35 degrees) are one street."""
    parent = list(range(len(edges)))

    def root(k: int) -> int:
        while parent[k] != k:
            parent[k] = parent[parent[k]]
            k = parent[k]
        return k

    size = [1] * len(edges)
    at: dict[int, list[int]] = defaultdict(list)
    for k, (a, b) in enumerate(edges.tolist()):
        at[a].append(k)
        at[b].append(k)
    step = xy[edges[:, 1]] - xy[edges[:, 0]]
    heading = np.arctan2(step[:, 1], step[:, 0])
    begins = edges[:, 0]
    for junction, own in at.items():
        ways = [heading[k] if begins[k] == junction else heading[k] + np.pi for k in own]
        turns = sorted(
            (abs((ways[i] - ways[j] + 2 * np.pi) % (2 * np.pi) - np.pi), i, j)
            for i in range(len(own))
            for j in range(i)
            if kinds[own[i]] == kinds[own[j]] and numbers[own[i]] == numbers[own[j]]
        )
        used: set[int] = set()
        for turn, i, j in turns:
            if turn > np.deg2rad(35) or i in used or j in used:
                continue
            a, b = root(own[i]), root(own[j])
            if a != b and size[a] + size[b] <= 14:
                parent[b] = a
                size[a] += size[b]
                used |= {i, j}
    return np.array([root(k) for k in range(len(edges))])


def _streets(
    land: Land,
    xy: np.ndarray,
    edges: np.ndarray,
    kinds: np.ndarray,
    numbers: np.ndarray,
    residents: np.ndarray,
    settled: list[NamesRow],
    rng: np.random.Generator,
) -> None:
    """Every edge as a road with its street's class and name; names of streets and postcodes beside them."""
    from scipy.spatial import cKDTree

    stroke = _strokes(xy, edges, kinds, numbers)
    which, first, street = np.unique(stroke, return_index=True, return_inverse=True)
    called = names.streets(rng, len(which))
    middle = (xy[edges[:, 0]] + xy[edges[:, 1]]) / 2
    dense = (residents[edges[:, 0]] + residents[edges[:, 1]]) / 2
    lengths = np.bincount(street, minlength=len(which))
    luck = rng.random(len(which))
    kind_of = []
    for s in range(len(which)):
        main = str(kinds[first[s]])
        rural = dense[first[s]] < 900
        kind_of.append(main or ("minor" if (rural and lengths[s] >= 3) or lengths[s] >= 10 else "restricted" if luck[s] < 0.07 and lengths[s] == 1 else "local"))
    nameless = np.array([dense[first[s]] < 260 and kind_of[s] != "local" for s in range(len(which))])
    for k, (a, b) in enumerate(edges.tolist()):
        s = int(street[k])
        name = "" if nameless[s] or kind_of[s] == "restricted" else called[s]
        land.roads.append((kind_of[s], name, str(numbers[k]), xy[[a, b]]))
    near = cKDTree(np.array([p.xy for p in settled])).query(middle)[1]
    members: dict[int, list[int]] = defaultdict(list)
    for k, s in enumerate(street.tolist()):
        members[s].append(k)
    for s, own in members.items():
        if nameless[s] or kind_of[s] == "restricted":
            continue
        points = xy[edges[own].ravel()]
        at = middle[own[len(own) // 2]]
        (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
        land.names.append(NamesRow(called[s], "Named Road", (float(at[0]), float(at[1])), (x0, y0, x1, y1), settled[int(near[own[0]])].name))
    _postcodes(land, middle, dense, settled)


def _postcodes(land: Land, middle: np.ndarray, dense: np.ndarray, settled: list[NamesRow]) -> None:
    """A postcode on every third edge where people live: district by town, sector and unit in order of place."""
    from scipy.spatial import cKDTree

    towns = [p for p in settled if p.kind in ("City", "Town")]
    lived = np.flatnonzero(dense > 300)
    order = lived[np.lexsort((middle[lived, 0] % 1000, middle[lived, 1] // 1000, middle[lived, 0] // 1000))][::3]
    district = cKDTree(np.array([t.xy for t in towns])).query(middle[order])[1]
    counts: dict[int, int] = defaultdict(int)
    for k, home in zip(order.tolist(), district.tolist(), strict=True):
        number = counts[home]
        counts[home] += 1
        sector, unit = divmod(number, len(_UNIT_LETTERS) ** 2)
        code = f"ZY{home + 1 + 14 * (sector // 10)} {sector % 10}{_UNIT_LETTERS[unit // len(_UNIT_LETTERS)]}{_UNIT_LETTERS[unit % len(_UNIT_LETTERS)]}"
        land.names.append(NamesRow(code, "Postcode", (float(round(middle[k, 0])), float(round(middle[k, 1]))), None, towns[home].name))


def _spline(points: np.ndarray, step_m: float = 120.0) -> np.ndarray:
    from scipy.interpolate import CubicSpline

    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    at = np.linspace(0, along[-1], max(4, int(along[-1] / step_m)))
    curve: np.ndarray = CubicSpline(along, points)(at)
    return np.asarray(np.round(curve, 1))


def _long_lines(land: Land, county: County, settled: list[NamesRow], rng: np.random.Generator) -> None:
    """Two motorways, a river and a railway: smooth lines across the county."""
    low, high = np.array(county.outline.bounds[:2]) - 3500, np.array(county.outline.bounds[2:]) + 3500
    span = high - low

    def across(turned: bool, share: float, sway: float) -> np.ndarray:
        t = np.linspace(0, 1, 6)
        off = share + rng.normal(0, sway, 6)
        return np.asarray(low + span * (np.column_stack([off, t]) if turned else np.column_stack([t, off])))

    for number, points in (("M98", across(True, 0.37, 0.035)), ("M97", across(False, 0.62, 0.035))):
        land.roads.append(("motorway", "", number, _spline(points)))
    land.rivers += [_spline(across(False, 0.42, 0.05), 80.0), _spline(across(True, 0.72, 0.06), 80.0)]
    towns = np.array([p.xy for p in settled if p.kind in ("City", "Town")][:7])
    by = np.argsort(towns[:, 0], kind="stable")
    stops = towns[by] + rng.uniform(150, 400, (len(towns), 2))
    ends = (stops[0] + (low[0] - stops[0, 0]) * np.array([1, 0.2]), stops[-1] + (high[0] - stops[-1, 0]) * np.array([1, 0.2]))
    land.rail.append(_spline(np.vstack([ends[0], stops, ends[1]]), 150.0))
    named = [p.name for p in settled if p.kind in ("City", "Town")][:7]
    land.stations += [(named[int(k)], (float(round(x)), float(round(y)))) for k, (x, y) in zip(by, stops, strict=True)]
    land.names += [NamesRow(f"{name} Railway Station", "Railway Station", at, None, name) for name, at in land.stations]


def _patches(land: Land, county: County, settled: list[NamesRow], rng: np.random.Generator) -> None:
    """Lakes and parks: rounded patches."""
    at = county.centres
    angle = np.linspace(0, 2 * np.pi, 25)[:-1]

    def patch(middle: np.ndarray, radius: float) -> np.ndarray:
        round_ = radius * (1 + 0.22 * np.cos(2 * angle + rng.uniform(0, 6)) + 0.12 * np.cos(3 * angle + rng.uniform(0, 6)))
        ring = middle + np.column_stack([round_ * np.cos(angle), round_ * np.sin(angle)])
        return np.round(np.vstack([ring, ring[:1]]), 1)

    thin = 1 / (county.residents + county.residents.mean())
    land.water += [patch(at[k], rng.uniform(60, 260)) for k in pick(rng, thin, 26)]
    land.green += [patch(at[k], rng.uniform(120, 520)) for k in pick(rng, county.residents**0.5, 90)]


# --- the layouts ---------------------------------------------------------------------------------------------------

_GPKG = """
create table gpkg_spatial_ref_sys (srs_name text not null, srs_id integer primary key, organization text not null, organization_coordsys_id integer not null, definition text not null, description text);
create table gpkg_contents (table_name text primary key, data_type text not null, identifier text unique, description text default '', last_change datetime not null, min_x double, min_y double, max_x double, max_y double, srs_id integer);
create table gpkg_geometry_columns (table_name text not null, column_name text not null, geometry_type_name text not null, srs_id integer not null, z tinyint not null, m tinyint not null, primary key (table_name, column_name));
create table gpkg_extensions (table_name text, column_name text, extension_name text not null, definition text not null, scope text not null);
insert into gpkg_spatial_ref_sys values ('OSGB36 / British National Grid', 27700, 'EPSG', 27700, 'undefined', ''), ('undefined cartesian', -1, 'NONE', -1, 'undefined', ''), ('undefined geographic', 0, 'NONE', 0, 'undefined', '');
"""
_POINT, _LINE, _POLYGON = 1, 2, 3


def _blob(kind: int, points: np.ndarray) -> bytes:
    """A GeoPackage geometry with its envelope (west, east, south, north) before the WKB."""
    body = struct.pack("<BI", 1, kind)
    if kind == _POLYGON:
        body += struct.pack("<I", 1)
    if kind != _POINT:
        body += struct.pack("<I", len(points))
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    return struct.pack("<2sBBi4d", b"GP", 0, 0b0000_0011, 27700, x0, x1, y0, y1) + body + np.ascontiguousarray(points, "<f8").tobytes()


def write_geopackage(land: Land, path: Path) -> None:
    """The land as a GeoPackage in the layout of OS Open Zoomstack, with an R-tree a layer; the same land gives the same bytes."""
    by_class: dict[str, list[tuple[bytes, np.ndarray, tuple[str, ...]]]] = {"roads_local": [], "roads_regional": [], "roads_national": []}
    for kind, name, number, points in land.roads:
        row = (_blob(_LINE, points), points, (_ZOOMSTACK[kind], name, number))
        by_class["roads_local"].append(row)
        if kind in ("motorway", "primary", "a", "b"):
            by_class["roads_regional"].append(row)
        if kind in ("motorway", "primary"):
            by_class["roads_national"].append(row)

    def plain(kind: int, shapes: list[np.ndarray], words: tuple[str, ...]) -> list[tuple[bytes, np.ndarray, tuple[str, ...]]]:
        return [(_blob(kind, points), points, words) for points in shapes]

    layers: list[tuple[str, str, tuple[str, ...], list[tuple[bytes, np.ndarray, tuple[str, ...]]]]] = [
        *((name, "LINESTRING", ("type", "name", "number"), rows) for name, rows in by_class.items()),
        ("rail", "LINESTRING", ("type",), plain(_LINE, land.rail, ("Multi Track",))),
        ("railway_stations", "POINT", ("type", "name"), [(_blob(_POINT, np.array([at])), np.array([at]), ("Railway Station", name)) for name, at in land.stations]),
        ("waterlines", "LINESTRING", ("type", "name"), plain(_LINE, land.rivers, ("Local", ""))),
        ("surfacewater", "POLYGON", ("type",), plain(_POLYGON, land.water, ("Local",))),
        ("greenspace", "POLYGON", ("type",), plain(_POLYGON, land.green, ("Public Park Or Garden",))),
    ]
    with closing(sqlite3.connect(path)) as file, file:
        file.executescript("pragma journal_mode = off; pragma synchronous = off; pragma application_id = 1196444487; pragma user_version = 10300;" + _GPKG)
        for name, kind, columns, rows in layers:
            file.execute(f"create table {name} (fid integer primary key autoincrement not null, geom blob, {', '.join(f'{c} text' for c in columns)})")
            file.execute(f"create virtual table rtree_{name}_geom using rtree (id, minx, maxx, miny, maxy)")
            every = np.concatenate([points for _, points, _ in rows]) if rows else np.zeros((1, 2))
            low, high = every.min(axis=0), every.max(axis=0)
            file.execute("insert into gpkg_contents values (?, 'features', ?, 'Invented: no place is real', '2026-01-01T00:00:00.000Z', ?, ?, ?, ?, 27700)", (name, name, *low.tolist(), *high.tolist()))
            file.execute("insert into gpkg_geometry_columns values (?, 'geom', ?, 27700, 0, 0)", (name, kind))
            file.execute("insert into gpkg_extensions values (?, 'geom', 'gpkg_rtree_index', 'http://www.geopackage.org/spec120/#extension_rtree', 'write-only')", (name,))
            marks = ", ".join("?" * (2 + len(columns)))
            file.executemany(f"insert into {name} values ({marks})", [(k, blob, *words) for k, (blob, _, words) in enumerate(rows, start=1)])
            boxes = [(k, *_box(points)) for k, (_, points, _) in enumerate(rows, start=1)]
            file.executemany(f"insert into rtree_{name}_geom values (?, ?, ?, ?, ?)", boxes)


def _box(points: np.ndarray) -> tuple[float, float, float, float]:
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    return float(x0), float(x1), float(y0), float(y1)


def write_names(land: Land, folder: Path) -> None:
    """The names as OS Open Names has them: Doc with the header, Data with a file a 20 km square."""
    (folder / "Doc").mkdir(parents=True)
    (folder / "Data").mkdir()
    (folder / "Doc" / "OS_Open_Names_Header.csv").write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    by_square: dict[str, list[dict[str, str]]] = defaultdict(list)
    for number, named in enumerate(land.names):
        x, y = named.xy
        reference = (grid_reference.of_point(x, y, 2) or "XX 0 0").split()
        square = f"{reference[0]}{int(reference[1]) // 2 * 2}{int(reference[2]) // 2 * 2}"
        box = named.box or (x, y, x, y)
        row = dict.fromkeys(COLUMNS, "")
        row |= {"ID": f"inv{number:07d}", "NAME1": named.name, "LOCAL_TYPE": named.kind, "GEOMETRY_X": f"{x:.0f}", "GEOMETRY_Y": f"{y:.0f}"}
        row |= {"TYPE": "other" if named.kind == "Postcode" else "transportNetwork" if "Road" in named.kind else "populatedPlace"}
        if named.box:
            row |= {k: f"{v:.0f}" for k, v in zip(("MBR_XMIN", "MBR_YMIN", "MBR_XMAX", "MBR_YMAX"), box, strict=True)}
        row |= {"POPULATED_PLACE": named.near, "COUNTRY": "England"}
        by_square[square].append(row)
    for square, rows in sorted(by_square.items()):
        pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, pl.String)).write_csv(folder / "Data" / f"{square}.csv", include_header=False)


def write(county: County, seed: int, folder: Path, segments: int = SEGMENTS) -> None:
    """The ground and the names of the county into `folder`."""
    land = build(county, seed, segments)
    write_geopackage(land, folder / GEOPACKAGE)
    write_names(land, folder / NAMES)
