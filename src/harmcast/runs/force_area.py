"""The force's ground: its boundary, areas and neighbourhoods, and the units each places tool forecasts on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
import shapely
from shapely.geometry.base import BaseGeometry

from harmcast.errors import Fault, SettingsRefused
from harmcast.fairness import exposure
from harmcast.places import grid
from harmcast.publish.release_files import UnitShape
from harmcast.settings import PlacesTool, Settings

AREA = ("name", "code")
NEIGHBOURHOOD = ("code", "residents", "deprivation_fifth")
Crimes = Callable[[], pl.DataFrame]


@dataclass(frozen=True)
class Layer:
    """A layer of polygons in the force's metres, with each polygon's properties."""

    properties: list[grid.Properties]
    shapes: list[Any]
    said: tuple[str, ...] = ()

    def rows(self, *keys: str) -> pl.DataFrame:
        """Properties of each polygon as a row; null where it carries none."""
        return pl.DataFrame([{key: p.get(key) for key in keys} for p in self.properties], infer_schema_length=None)

    def named(self, *keys: str) -> dict[str, BaseGeometry]:
        """Polygons by the first of `keys` that they carry; several of a name are unioned."""
        found: dict[str, list[Any]] = {}
        for properties, shape in zip(self.properties, self.shapes, strict=True):
            name = next((str(properties[key]) for key in keys if properties.get(key) is not None), None)
            if name is not None:
                found.setdefault(name, []).append(shape)
        return {name: shapely.union_all(shapes) for name, shapes in sorted(found.items())}


@dataclass(frozen=True)
class ForceArea:
    """Everything about the force's land that a run needs; null where the settings name no such layer."""

    settings: Settings
    boundary: Any | None
    areas: dict[str, BaseGeometry]
    neighbourhoods: Layer | None
    read: Callable[[Path], bytes]

    def units(self, tool: PlacesTool, crimes: Crimes) -> grid.Units:
        """The places a tool forecasts on. `crimes` is asked only where the area is taken from the first days' crimes."""
        if tool.units is not None:
            layer = layer_of(self.read(tool.units), self.settings.force.crs, f"tools.{tool.name}.units")
            missing = [i + 1 for i, p in enumerate(layer.properties) if p.get(tool.unit_key) is None]
            if missing:
                raise SettingsRefused(
                    f"{len(missing)} polygon(s) of the layer of {tool.name} carry no {tool.unit_key}.",
                    code="unit_key_missing",
                    next_step="Name the layer's own key in unit_key.",
                )
            residents = [p.get("residents") for p in layer.properties]
            return grid.from_layer(
                [str(p[tool.unit_key]) for p in layer.properties],
                layer.shapes,
                boundary=self.boundary,
                residents=residents if any(r is not None for r in residents) else None,
                areas=self.areas or None,
            )
        side_m = cast(float, tool.side_m)  # whatever has no layer has squares: the settings say so
        if self.settings.force.area_from == "boundary" and self.boundary is not None:
            return grid.over_boundary(
                side_m, self.boundary, cell_min_inside_share=self.settings.force.cell_min_inside_share, areas=self.areas or None
            )
        first = first_days(crimes(), self.settings.force.area_days)
        easting, northing = first["easting_m"].to_numpy(), first["northing_m"].to_numpy()
        return grid.from_points(side_m, easting, northing, areas=self.areas or None)

    def fifths(self, units: grid.Units) -> pl.DataFrame | None:
        """Which deprivation fifths the residents of each unit live in; null where the force names no layer."""
        if self.neighbourhoods is None:
            return None
        outlines = [units.outline(k) for k in range(len(units))]
        return exposure.overlap(list(units.keys), outlines, self.neighbourhoods.rows(*NEIGHBOURHOOD), self.neighbourhoods.shapes)

    def shape(self, units: grid.Units) -> UnitShape:
        """How the units are drawn and exported."""
        from pyproj import Transformer

        crs = self.settings.force.crs
        to_wgs84 = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
        outlines = [units.outline(i) for i in range(len(units))]
        in_m = {key: rings_of(shape) for key, shape in zip(units.keys, outlines, strict=True)}
        flat = np.array([point for rings in in_m.values() for ring in rings for point in ring])
        lon, lat = to_wgs84.transform(flat[:, 0], flat[:, 1])
        moved = iter(np.column_stack([np.round(lon, 6), np.round(lat, 6)]).tolist())
        wgs84 = {key: [[next(moved) for _ in ring] for ring in rings] for key, rings in in_m.items()}
        return UnitShape(
            crs=crs,
            side_m=units.side_m,
            outline=rings_of(self.boundary, simplify_m=20.0) if self.boundary is not None else [],
            areas={name: rings_of(shape, simplify_m=20.0) for name, shape in self.areas.items()},
            cells_wgs84=wgs84,
            cells_m={} if units.side_m is not None else in_m,
        )


def no_crimes() -> Any:
    """In place of crimes, where units are wanted without any. Raises SettingsRefused."""
    raise SettingsRefused("The area is taken from crimes, and none are held yet.", code="no_crimes")


def first_days(crimes: pl.DataFrame, days: int) -> pl.DataFrame:
    """Crimes with a place that happened in the first `days` days held."""
    placed = crimes.filter(pl.col("easting_m").is_not_null() & pl.col("northing_m").is_not_null())
    return placed.filter(pl.col("happened_from") < pl.col("happened_from").min() + timedelta(days=days))


def rings_of(shape: Any, simplify_m: float = 0.0) -> list[list[list[float]]]:
    """Outer and inner rings of a polygon or polygons, points to the decimetre."""
    if simplify_m:
        shape = shapely.simplify(shape, simplify_m)
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    rings = [ring for part in parts for ring in (part.exterior, *part.interiors)]
    return [[[round(x, 1), round(y, 1)] for x, y in np.asarray(ring.coords)[:, :2].tolist()] for ring in rings]


def layer_of(content: bytes, crs: str, setting: str) -> Layer:
    """A GeoJSON layer in the force's metres. Raises SettingsRefused naming the setting, never a value."""
    try:
        document = json.loads(content)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise SettingsRefused(
            "A layer is not GeoJSON.",
            code="layer_unreadable",
            faults=(Fault("not_geojson", setting),),
            next_step="Export it again as GeoJSON (WGS84).",
        ) from None
    said: list[str] = []
    try:
        properties, shapes = grid.shapes_of(document, crs, said)
    except SettingsRefused as error:
        raise SettingsRefused(error.message, code=error.code, faults=(Fault(error.code, setting, next_step=error.next_step),), next_step=error.next_step) from None
    except (AttributeError, KeyError, TypeError, ValueError, shapely.errors.ShapelyError):
        raise SettingsRefused(
            "A layer is not GeoJSON of polygons.", code="layer_unreadable", faults=(Fault("not_geojson", setting),), next_step="Export it again as GeoJSON."
        ) from None
    return Layer(properties, shapes, tuple(said))


def force_area_of(settings: Settings, read: Callable[[Path], bytes]) -> ForceArea:
    """The ground that the settings name; `read` gives a named file's content from the state."""
    force = settings.force
    boundary = None
    if force.boundary is not None:
        boundary = shapely.union_all(layer_of(read(force.boundary), force.crs, "force.boundary").shapes)
    areas = _with(layer_of(read(force.areas), force.crs, "force.areas"), "force.areas", AREA).named(*AREA) if force.areas is not None else {}
    neighbourhoods = None
    if force.neighbourhoods is not None:
        neighbourhoods = _with(layer_of(read(force.neighbourhoods), force.crs, "force.neighbourhoods"), "force.neighbourhoods", *((key,) for key in NEIGHBOURHOOD))
    return ForceArea(settings, boundary, areas, neighbourhoods, read)


def _with(layer: Layer, setting: str, *columns: Sequence[str]) -> Layer:
    """The layer, if some polygon of it carries each column, or one of several that may stand for it. Raises SettingsRefused (`layer_column_missing`)."""
    gone = [" or ".join(names) for names in columns if not any(p.get(name) is not None for p in layer.properties for name in names)]
    if gone:
        step = "export the layer with this property, under this name"
        raise SettingsRefused(
            "A layer lacks what it is named for.", code="layer_column_missing", next_step="Export it again with the properties named.",
            faults=tuple(Fault("layer_column_missing", setting, column=name, next_step=step) for name in gone),
        )  # fmt: skip
    return layer
