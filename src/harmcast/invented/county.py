"""The county: its outline, towns, policing areas, neighbourhoods, and the fine squares its crime is spread over."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from harmcast.invented import names
from harmcast.invented.draws import pick, stream
from harmcast.places.grid import GeoJson, Properties

CENTRE = (381_000.0, 254_000.0)
SQUARE_M = 250.0
TOWNS = 14
UNITS = 5
AREA_KM2 = 900.0
RESIDENTS_A_KM2 = 3000


@dataclass(frozen=True)
class County:
    """One invented county in metres of EPSG:27700.

    Attributes:
        outline: the boundary polygon.
        squares: (n, 2) lower left corners of the 250 m squares whose centre lies inside.
        edge: (n,) whether a square may reach over the boundary.
        residents: (n,) people living in a square.
        deprivation: (n,) smooth field, mean 0, spread 1, high is more deprived.
        footfall: (n,) town-centre activity, sums to 1.
        area_of_square, neighbourhood_of_square: (n,) positions in `areas`, `neighbourhoods`.
        areas: name of each policing area; `unit_of_area`: its Local Offender Management Unit.
    """

    name: str
    outline: Any
    towns_xy: np.ndarray
    squares: np.ndarray
    edge: np.ndarray
    residents: np.ndarray
    deprivation: np.ndarray
    footfall: np.ndarray
    area_of_square: np.ndarray
    neighbourhood_of_square: np.ndarray
    areas: list[str]
    units: list[str]
    unit_of_area: np.ndarray
    area_shapes: list[Any]
    neighbourhood_shapes: list[Any]
    neighbourhood_residents: np.ndarray
    neighbourhood_fifth: np.ndarray

    @property
    def centres(self) -> np.ndarray:
        return self.squares + SQUARE_M / 2


def _outline(rng: np.random.Generator, area_km2: float) -> np.ndarray:
    """A smooth irregular ring of the asked area, (m, 2)."""
    angle = np.linspace(0, 2 * np.pi, 361)[:-1]
    radius = np.ones_like(angle)
    for wave in range(2, 9):
        radius += rng.normal(0, 0.16 / wave) * np.cos(wave * angle + rng.uniform(0, 2 * np.pi))
    ring = np.column_stack([1.18 * radius * np.cos(angle), radius * np.sin(angle)])
    x, y = ring.T
    ring_area = 0.5 * abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))
    return np.asarray(ring * np.sqrt(area_km2 * 1e6 / ring_area) + np.array(CENTRE))


def smooth_field(rng: np.random.Generator, xy: np.ndarray, scale_m: float, bumps: int = 160) -> np.ndarray:
    """A random smooth surface over points, mean 0 and spread 1."""
    low, high = xy.min(axis=0) - scale_m, xy.max(axis=0) + scale_m
    centres = rng.uniform(low, high, (bumps, 2))
    heights = rng.normal(0, 1, bumps)
    field = np.zeros(len(xy))
    for centre, height in zip(centres, heights, strict=True):
        field += height * np.exp(-((xy - centre) ** 2).sum(axis=1) / (2 * scale_m**2))
    return np.asarray((field - field.mean()) / field.std())


def _town_sizes(rng: np.random.Generator) -> np.ndarray:
    sizes = (np.arange(TOWNS) + 1.0) ** -0.9 * np.exp(rng.normal(0, 0.15, TOWNS))
    return np.asarray(sizes / sizes.max())


def build(seed: int, area_km2: float = AREA_KM2, areas: int = 10) -> County:
    """The county of a seed, its people and neighbourhoods by its area; the same seed gives the same county whatever is recorded in it."""
    import shapely
    from shapely.geometry import MultiPoint, Polygon
    from shapely.ops import unary_union, voronoi_diagram

    residents, neighbourhoods = RESIDENTS_A_KM2 * area_km2, round(1600 * area_km2 / AREA_KM2)
    rng = stream(seed, "county")
    outline = Polygon(_outline(rng, area_km2))
    low_x, low_y, high_x, high_y = outline.bounds
    grid_x, grid_y = np.meshgrid(
        np.arange(np.floor(low_x / SQUARE_M), np.ceil(high_x / SQUARE_M)) * SQUARE_M,
        np.arange(np.floor(low_y / SQUARE_M), np.ceil(high_y / SQUARE_M)) * SQUARE_M,
    )
    corners = np.column_stack([grid_x.ravel(), grid_y.ravel()])
    mid = corners + SQUARE_M / 2
    inside = shapely.contains_xy(outline, mid[:, 0], mid[:, 1])
    squares, mid = corners[inside], mid[inside]
    edge = shapely.distance(outline.exterior, shapely.points(mid)) < SQUARE_M * 0.75

    towns_at = [int(pick(rng, np.where(edge, 0.0, 1.0), 1)[0])]
    while len(towns_at) < TOWNS:  # towns keep away from one another
        candidates = rng.integers(0, len(mid), 30)
        gap = np.min(np.linalg.norm(mid[candidates][:, None] - mid[towns_at][None], axis=2), axis=1)
        towns_at.append(int(candidates[np.argmax(gap * rng.uniform(0.4, 1.0, 30) * ~edge[candidates])]))
    towns_xy, sizes = mid[towns_at], _town_sizes(rng)
    away = np.linalg.norm(mid[:, None, :] - towns_xy[None, :, :], axis=2)
    density = (sizes * np.exp(-away / (1500 + 2600 * sizes))).sum(axis=1) + 0.18
    density *= np.exp(0.42 * smooth_field(rng, mid, 1400, 400))
    lived = residents * density / density.sum()
    deprivation = (
        smooth_field(rng, mid, 3200) * 0.8 + 0.6 * (np.log(density) - np.log(density).mean()) / np.log(density).std()
    )
    deprivation = (deprivation - deprivation.mean()) / deprivation.std()
    footfall = (sizes * np.exp(-((away / (260 + 420 * sizes)) ** 2) / 2)).sum(axis=1)
    for _ in range(110):  # high streets, stations, retail parks
        at = mid[pick(rng, density, 1)[0]]
        footfall += rng.pareto(1.6) * 0.06 * np.exp(-((mid - at) ** 2).sum(axis=1) / (2 * 230.0**2))
    footfall /= footfall.sum()

    seeds = mid[pick(rng, lived, neighbourhoods * 2)] + rng.uniform(-110, 110, (neighbourhoods * 2, 2))
    seeds = np.unique(np.round(seeds), axis=0)
    seeds = seeds[rng.permutation(len(seeds))[:neighbourhoods]]
    cells = voronoi_diagram(MultiPoint(seeds), envelope=outline.buffer(4000))
    tree = shapely.STRtree(list(cells.geoms))
    order = tree.query(shapely.points(seeds), predicate="within")[1]
    shapes = [cells.geoms[i].intersection(outline) for i in order]
    kept = [i for i, shape in enumerate(shapes) if not shape.is_empty]
    shapes, seeds = [shapes[i] for i in kept], seeds[kept]

    from scipy.spatial import cKDTree

    neighbourhood_of_square = cKDTree(seeds).query(mid)[1]
    capitals = towns_xy[np.argsort(-sizes, kind="stable")][:areas]
    area_of_neighbourhood = cKDTree(capitals).query(seeds)[1]
    counted = np.bincount(neighbourhood_of_square, weights=lived, minlength=len(seeds))
    people_in = np.maximum(
        300, np.round(0.35 * counted + 0.65 * residents / len(seeds) * np.exp(rng.normal(0, 0.18, len(seeds))))
    )
    nearest_square = cKDTree(mid).query(seeds)[1]
    score = deprivation[nearest_square] + rng.normal(0, 0.35, len(seeds))
    fifth = 5 - np.minimum(4, (np.argsort(np.argsort(score, kind="stable"), kind="stable") * 5) // len(seeds))
    town_names = names.places(rng, areas + UNITS + 1)
    unit_of_area = (
        np.argsort(np.argsort(np.arctan2(*(capitals - capitals.mean(axis=0)).T), kind="stable"), kind="stable")
        * UNITS
        // areas
    )
    return County(
        name=town_names[-1] + "shire",
        outline=outline,
        towns_xy=towns_xy,
        squares=squares,
        edge=edge,
        residents=lived,
        deprivation=deprivation,
        footfall=footfall,
        area_of_square=area_of_neighbourhood[neighbourhood_of_square],
        neighbourhood_of_square=neighbourhood_of_square,
        areas=town_names[:areas],
        units=[f"{n} LOMU" for n in town_names[areas : areas + UNITS]],
        unit_of_area=unit_of_area,
        area_shapes=[
            unary_union([shapes[i] for i in np.flatnonzero(area_of_neighbourhood == a)]) for a in range(areas)
        ],
        neighbourhood_shapes=shapes,
        neighbourhood_residents=people_in.astype(np.int64),
        neighbourhood_fifth=fifth.astype(np.int64),
    )


@cache
def _to_degrees() -> Any:
    from pyproj import Transformer

    return Transformer.from_crs("EPSG:27700", "EPSG:4326", always_xy=True)


def _feature(shape: Any, properties: Properties) -> GeoJson:
    import shapely
    from shapely.geometry import mapping

    to_degrees = _to_degrees()

    def turned(xy: np.ndarray) -> np.ndarray:
        return np.round(np.column_stack(to_degrees.transform(xy[:, 0], xy[:, 1])), 6)

    return {"type": "Feature", "properties": properties, "geometry": mapping(shapely.transform(shape, turned))}


def _write_layer(path: Path, name: str, features: list[GeoJson]) -> None:
    layer = {"type": "FeatureCollection", "name": name, "features": features}
    path.write_text(json.dumps(layer, separators=(",", ":")) + "\n", encoding="utf-8")


def write_layers(county: County, folder: Path) -> None:
    """boundary.geojson, areas.geojson and neighbourhoods.geojson (WGS84) into `folder`."""
    _write_layer(folder / "boundary.geojson", "boundary", [_feature(county.outline, {"name": county.name})])
    _write_layer(
        folder / "areas.geojson",
        "areas",
        [
            _feature(
                shape, {"code": county.areas[a], "name": county.areas[a], "unit": county.units[county.unit_of_area[a]]}
            )
            for a, shape in enumerate(county.area_shapes)
        ],
    )
    _write_layer(
        folder / "neighbourhoods.geojson",
        "neighbourhoods",
        [
            _feature(
                shape,
                {
                    "code": f"N{i + 1:05d}",
                    "residents": int(county.neighbourhood_residents[i]),
                    "deprivation_fifth": int(county.neighbourhood_fifth[i]),
                },
            )
            for i, shape in enumerate(county.neighbourhood_shapes)
        ],
    )
