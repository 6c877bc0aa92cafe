"""The units of a places tool: square cells on a fixed lattice, or any layer of polygons.

Cells lie on multiples of their side from 0,0 of the force's projected system, so that two runs, two tools of one
side and two forces of one system share the same lattice. Everything here is arithmetic on shapes handed in.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from harmcast.errors import SettingsRefused

Floats = NDArray[np.float64]
Wholes = NDArray[np.int64]
Matrix = NDArray[np.float32]
OUTSIDE = -1
BLOCK = 64
WGS84, WEB_MERCATOR = "EPSG:4326", "EPSG:3857"


Properties = dict[str, Any]  # of a GeoJSON feature: whatever the force's layer carries


class GeoJson(TypedDict, total=False):
    """What is read of a GeoJSON document, feature or geometry."""

    type: str
    features: list[GeoJson]
    geometry: GeoJson
    geometries: list[GeoJson]
    properties: Properties
    crs: NamedSystem | None


class NamedSystem(TypedDict, total=False):
    properties: Properties


@dataclass(frozen=True, eq=False)
class Units:
    """The places that are forecast, in the order of their keys.

    Attributes:
        keys: cell name (`E412000N289000`, its lower left corner in metres) or the layer's own key.
        easting_m, northing_m: centre of each unit, m.
        land_m2: area of the unit that lies inside the force, m2; above 0.
        areas: policing area of most of the unit; None where the force names none.
        residents: people living there; None where not known.
        side_m: side of the square cells, m; None for a polygon layer.
        columns, rows: lattice position of square cells; empty for a polygon layer.
        shapes: the polygons of a layer; empty for square cells (see `outline`).
    """

    keys: tuple[str, ...]
    easting_m: Floats
    northing_m: Floats
    land_m2: Floats
    areas: tuple[str | None, ...]
    residents: Floats | None = None
    side_m: float | None = None
    columns: Wholes = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    rows: Wholes = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    shapes: tuple[Any, ...] = ()

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def is_square(self) -> bool:
        return self.side_m is not None

    def place(self, easting_m: Floats, northing_m: Floats) -> Wholes:
        """Index of the unit that holds each point; -1 where none does. A point on an edge belongs to one unit."""
        if self.side_m is None:
            return _place_in_polygons(self.shapes, easting_m, northing_m)
        columns = np.floor(np.asarray(easting_m) / self.side_m).astype(np.int64)
        rows = np.floor(np.asarray(northing_m) / self.side_m).astype(np.int64)
        return self.place_lattice(columns, rows)

    def place_lattice(self, columns: Wholes, rows: Wholes) -> Wholes:
        """Index of the unit at each lattice position; -1 where none is kept."""
        first, last = int(self.rows.min()), int(self.rows.max())
        width = last - first + 1
        own = self.columns * width + (self.rows - first)
        order = np.argsort(own, kind="stable")
        known = np.isfinite(columns) & (rows >= first) & (rows <= last)
        asked = np.where(known, columns * width + (rows - first), np.iinfo(np.int64).min)
        found = np.minimum(np.searchsorted(own[order], asked), len(own) - 1)
        return np.where(own[order][found] == asked, order[found], OUTSIDE)

    def outline(self, index: int) -> Any:
        """The unit's polygon (the whole square, for a cell), in metres of the force's system."""
        if self.side_m is None:
            return self.shapes[index]
        left, low = float(self.columns[index]) * self.side_m, float(self.rows[index]) * self.side_m
        return shapely.box(left, low, left + self.side_m, low + self.side_m)

    def distances_m(self) -> Matrix:
        """Distance between the centres of any two units, m: square and symmetric, 0 on the diagonal."""
        found = np.empty((len(self), len(self)), dtype=np.float32)
        for some in blocks(len(self)):
            across, up = self.easting_m[some, None] - self.easting_m, self.northing_m[some, None] - self.northing_m
            found[some] = np.sqrt(across**2 + up**2)
        return found


def blocks(rows: int) -> list[slice]:
    """So many rows a few at a time: what is worked out of them then stays in the processor's own memory."""
    return [slice(k, min(k + BLOCK, rows)) for k in range(0, rows, BLOCK)]


def over_boundary(
    side_m: float, boundary: Any, *, cell_min_inside_share: float = 0.0, areas: Mapping[str, BaseGeometry] | None = None
) -> Units:
    """Square cells that lie over the force's boundary.

    Args:
        side_m: side of a cell, m.
        boundary: shapely polygon or polygons in the force's projected system.
        cell_min_inside_share: share of a cell that must lie inside; 0 keeps a cell with any overlap.
        areas: policing areas by name (shapely), for the cells' labels.
    Returns: the cells, with the land inside the boundary.
    """
    whole = shapely.union_all(shapely.make_valid(np.atleast_1d(np.asarray(boundary, dtype=object))))
    left, low, right, high = (float(v) for v in whole.bounds)
    columns = np.arange(math.floor(left / side_m), math.floor(right / side_m) + 1)
    rows = np.arange(math.floor(low / side_m), math.floor(high / side_m) + 1)
    column, row = (part.ravel() for part in np.meshgrid(columns, rows, indexing="ij"))
    squares = shapely.box(column * side_m, row * side_m, (column + 1) * side_m, (row + 1) * side_m)
    shapely.prepare(whole)
    near = shapely.intersects(whole, squares)
    land = np.zeros(len(squares))
    land[near] = shapely.area(shapely.intersection(squares[near], whole))
    share = land / side_m**2
    keep = (share > 0) & (share >= cell_min_inside_share - 1e-12)
    if not keep.any():
        raise SettingsRefused("No cell lies inside the boundary.", next_step="Check [force] boundary and crs.")
    return squares_at(side_m, column[keep], row[keep], land_m2=land[keep], areas=areas)


def from_points(
    side_m: float, easting_m: Floats, northing_m: Floats, *, areas: Mapping[str, BaseGeometry] | None = None
) -> Units:
    """Square cells that hold at least one of the points: for a force without a boundary (the first days' crimes).

    Points without a place are ignored. Raises: SettingsRefused if no point is left.
    """
    easting, northing = np.asarray(easting_m, dtype=float), np.asarray(northing_m, dtype=float)
    placed = np.isfinite(easting) & np.isfinite(northing)
    if not placed.any():
        raise SettingsRefused("No crime with a place in the first days: there is no area to forecast.")
    corners = np.floor(np.column_stack([easting[placed], northing[placed]]) / side_m).astype(np.int64)
    kept = np.unique(corners, axis=0)
    return squares_at(side_m, kept[:, 0], kept[:, 1], areas=areas)


def squares_at(
    side_m: float,
    columns: Wholes,
    rows: Wholes,
    *,
    land_m2: Floats | None = None,
    areas: Mapping[str, BaseGeometry] | None = None,
) -> Units:
    """The square cells at lattice positions, ordered by column, then row."""
    order = np.lexsort((rows, columns))
    columns, rows = np.asarray(columns, dtype=np.int64)[order], np.asarray(rows, dtype=np.int64)[order]
    land = np.full(len(columns), side_m**2) if land_m2 is None else np.asarray(land_m2, dtype=float)[order]
    keys = tuple(
        f"E{round(c * side_m)}N{round(r * side_m)}" for c, r in zip(columns.tolist(), rows.tolist(), strict=True)
    )
    squares = shapely.box(columns * side_m, rows * side_m, (columns + 1) * side_m, (rows + 1) * side_m)
    return Units(
        keys=keys,
        easting_m=columns.astype(np.float64) * side_m + 0.5 * side_m,
        northing_m=rows.astype(np.float64) * side_m + 0.5 * side_m,
        land_m2=land,
        areas=_areas_of(squares, areas),
        side_m=float(side_m),
        columns=columns,
        rows=rows,
    )


def from_layer(
    keys: Sequence[str],
    shapes: Sequence[Any],
    *,
    boundary: Any | None = None,
    residents: Sequence[float | None] | None = None,
    areas: Mapping[str, BaseGeometry] | None = None,
) -> Units:
    """Any polygon layer as units: LSOAs, wards, hexagons.

    Args:
        keys: the layer's key of each polygon.
        shapes: shapely polygons in the force's projected system; invalid rings are mended; several of a key are unioned.
        boundary: the force's area: units without land inside it are left out, land counts inside it only.
        residents: people living in each polygon; None where not known (then the layer's median stands in).
        areas: policing areas by name.
    Raises: SettingsRefused if no polygon has land.
    """
    names = np.array([str(key) for key in keys])
    mended = shapely.make_valid(np.array(list(shapes), dtype=object))
    unique = np.unique(names)
    united = np.array([shapely.union_all(mended[names == name]) for name in unique], dtype=object)
    inside = united
    if boundary is not None:
        whole = shapely.union_all(shapely.make_valid(np.atleast_1d(np.asarray(boundary, dtype=object))))
        inside = shapely.intersection(united, whole)
    land = shapely.area(inside)
    keep = land > 0
    if not keep.any():
        raise SettingsRefused("No unit of the layer has land inside the boundary.")
    people: Floats | None = None
    if residents is not None:
        given = np.array([np.nan if value is None else float(value) for value in residents])
        summed = np.array([np.nansum(given[names == name]) if np.isfinite(given[names == name]).any() else np.nan
                           for name in unique])[keep]  # fmt: skip
        if np.isfinite(summed).any():
            people = np.where(np.isfinite(summed), summed, np.nanmedian(summed))
    centres = shapely.centroid(inside[keep])
    return Units(
        keys=tuple(unique[keep].tolist()),
        easting_m=shapely.get_x(centres),
        northing_m=shapely.get_y(centres),
        land_m2=land[keep],
        areas=_areas_of(united[keep], areas),
        residents=people,
        shapes=tuple(united[keep]),
    )


def neighbours(units: Units) -> tuple[Wholes, ...]:
    """For each unit the indices of those that share a stretch of border with it (corners do not count)."""
    if units.side_m is not None:
        sides = [units.place_lattice(units.columns + dc, units.rows + dr)
                 for dc, dr in ((-1, 0), (0, -1), (0, 1), (1, 0))]  # fmt: skip
        table = np.column_stack(sides)
        return tuple(np.sort(row[row >= 0]) for row in table)
    shapes = np.array(units.shapes, dtype=object)
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    border = shapely.length(shapely.intersection(shapes[one], shapes[other]))
    real = (one != other) & (border > 0)
    return tuple(np.sort(other[real & (one == k)]) for k in range(len(shapes)))


def shapes_of(document: GeoJson, crs: str, said: list[str] | None = None) -> tuple[list[Properties], list[Any]]:
    """Properties and polygons of a GeoJSON document, moved from WGS84 (or its own named system) to `crs` metres.

    Args: said: receives what was inferred, mended or dropped, in words.
    Raises: SettingsRefused if it holds no polygon, names a system that is unknown, or has its axes exchanged.
    """
    from pyproj import Transformer

    said = said if said is not None else []
    features = document.get("features") or [document]
    properties, shapes, dropped = [], [], 0
    for feature in features:
        geometry = feature.get("geometry", feature)
        parts, other = _polygons(geometry)
        dropped += other
        if parts:
            read = [shapely.from_geojson(json.dumps(part)) for part in parts]
            shapes.append(shapely.union_all(read) if len(read) > 1 else read[0])
            properties.append(dict(feature.get("properties") or {}))
    if not any(not shape.is_empty for shape in shapes):
        raise SettingsRefused("The layer holds no polygon.", code="layer_unreadable", next_step="Export its polygons as GeoJSON.")
    if dropped:
        said.append(f"{dropped} part(s) that are no polygon were dropped")
    move = Transformer.from_crs(_system_of(document, shapes, crs, said), crs, always_xy=True)
    moved = [shapely.transform(shape, lambda xy: np.column_stack(move.transform(xy[:, 0], xy[:, 1]))) for shape in shapes]
    mended = sum(not shapely.is_valid(shape) for shape in moved)
    if mended:
        said.append(f"{mended} polygon(s) with crossing rings were mended")
    return properties, [shapely.make_valid(shape) for shape in moved]


def _polygons(geometry: Any) -> tuple[list[Any], int]:
    """The polygons of a geometry, those of a collection too, and how many other parts it has."""
    kind = geometry.get("type") if isinstance(geometry, Mapping) else None
    if kind in ("Polygon", "MultiPolygon"):
        return [geometry], 0
    if kind == "GeometryCollection":
        found = [_polygons(part) for part in geometry.get("geometries") or []]
        return [part for parts, _ in found for part in parts], sum(other for _, other in found)
    return [], 1 if geometry else 0


def _system_of(document: GeoJson, shapes: Sequence[Any], crs: str, said: list[str]) -> str:
    """The coordinate system of a layer: the one it names, or what its coordinates can only be; its middle must lie where `crs` is used."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    about = (document.get("crs") or {}).get("properties") or {}
    named = about.get("name") or (f"EPSG:{about['code']}" if about.get("code") else None)
    west, south, east, north = (float(v) for v in shapely.total_bounds(np.array(shapes, dtype=object)))
    x, y = (west + east) / 2, (south + north) / 2
    is_metres = max(abs(west), abs(east)) > 180
    if named is None:
        could = [crs, WEB_MERCATOR] if is_metres else [WGS84]
    else:
        could = [WGS84 if "CRS84" in str(named) else str(named)]
        try:
            CRS.from_user_input(could[0])
        except CRSError:
            raise SettingsRefused(
                "The layer names a coordinate system that is not known.", code="layer_crs_unknown", next_step="Export it as WGS84, or with an EPSG code."
            ) from None
    found = next((system for system in could if _in_use(x, y, system, crs)), None)
    if found is None and any(_in_use(y, x, system, crs) for system in could):
        raise SettingsRefused("The layer has its axes exchanged.", code="layer_axes_exchanged", next_step="Export it with longitude or easting first, as GeoJSON has it.")
    if found is None:
        raise SettingsRefused(
            "The layer lies where the force's coordinate system is not used.", code="layer_elsewhere", next_step="Look at the system it was exported in, and at [force] crs."
        )
    if named is None and is_metres:
        said.append(f"no coordinate system is named; its coordinates are metres, so it is read as {found}")
    return found


def _in_use(x: float, y: float, system: str, crs: str) -> bool:
    """Whether a point of `system` lies in the area in which `crs` is used."""
    from pyproj import CRS, Transformer

    use = CRS.from_user_input(crs).area_of_use
    lon, lat = Transformer.from_crs(system, WGS84, always_xy=True).transform(x, y)
    return use is None or bool(use.west <= lon <= use.east and use.south <= lat <= use.north)


def _areas_of(shapes: Any, areas: Mapping[str, BaseGeometry] | None) -> tuple[str | None, ...]:
    """Name of the policing area that covers most of each shape; None where no area touches it."""
    if not areas:
        return (None,) * len(shapes)
    names = sorted(areas)
    layer = shapely.make_valid(np.array([areas[name] for name in names], dtype=object))
    cover = np.zeros((len(shapes), len(names)))
    one, other = shapely.STRtree(layer).query(shapes, predicate="intersects")
    cover[one, other] = shapely.area(shapely.intersection(np.asarray(shapes)[one], layer[other]))
    best = cover.argmax(axis=1)
    return tuple(names[b] if cover[k, b] > 0 else None for k, b in enumerate(best))


def _place_in_polygons(shapes: tuple[Any, ...], easting_m: Floats, northing_m: Floats) -> Wholes:
    easting, northing = np.asarray(easting_m, dtype=float), np.asarray(northing_m, dtype=float)
    found = np.full(len(easting), len(shapes), dtype=np.int64)
    placed = np.flatnonzero(np.isfinite(easting) & np.isfinite(northing))
    points = shapely.points(easting[placed], northing[placed])
    one, other = shapely.STRtree(list(shapes)).query(points, predicate="intersects")
    np.minimum.at(found, placed[one], other)
    return np.where(found == len(shapes), OUTSIDE, found)
