"""The name of a cell: the settlement it lies in or by, and the two roads that matter most in it.

A name says where a square lies, never where offences were. Settlements and roads alone name a cell: no school, place of worship,
hospital, pub or estate, which it would stain.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harmcast.ground import grid_reference
from harmcast.ground.geopackage import Shape
from harmcast.ground.kinds import DRAWN
from harmcast.ground.open_names import Place

# how much nearer, m, a settlement of a kind counts than it is; the order is the order of those with their point inside
_NEARER_M = {"City": 500.0, "Town": 350.0, "Suburban Area": 100.0, "Village": 0.0, "Hamlet": -100.0}
_INSIDE_FIRST = {"City": 0, "Town": 0, "Suburban Area": 1, "Village": 2, "Hamlet": 3}
_LEAST_ROAD_M = 150.0
_BESIDE_SIDES = 0.55
_EIGHTHS = ("east", "north-east", "north", "north-west", "west", "south-west", "south", "south-east")
BETWEEN = ": "
_NUMBER = re.compile(r"\s*\([ABM]\d.*\)$|^[ABM]\d+\S*$")


def names(outlines: Sequence[Any], roads: Sequence[Shape], settlements: Sequence[Place], crs: str) -> list[str]:
    """A name for each cell, no two alike, e.g. "Karrastow east: Northcroft Road (A442) / Birchton Road".

    Args:
        outlines: the cells (shapely polygons, m). roads, settlements: of the ground, in the same system.
        crs: whether references have the letters of the National Grid.
    """
    import shapely

    shapes = np.array(list(outlines), dtype=object)
    centres = shapely.get_coordinates(shapely.centroid(shapes))
    sides = np.sqrt(shapely.area(shapes))
    where = _settlements(shapes, centres, sides, settlements)
    ways = _roads(shapes, roads)
    references = [reference(e, n, crs) for e, n in centres.tolist()]
    found = [_told(where[k], ways[k][:2], references[k]) for k in range(len(shapes))]
    alike = Counter(found)
    found = [_told(where[k], ways[k][:3], references[k]) if alike[name] > 1 else name for k, name in enumerate(found)]
    alike = Counter(found)
    return [f"{name}, {references[k]}" if alike[name] > 1 else name for k, name in enumerate(found)]


def parted(name: str) -> tuple[str, str]:
    """A name as two lines: the settlement, and the roads or the reference."""
    first, _, rest = name.partition(BETWEEN)
    return first, rest


def streets(ways: str) -> list[str]:
    """The names of the roads in the second line of a name, without their numbers; a road that has but a number is left out."""
    return [name for way in ways.split(" / ") if (name := _NUMBER.sub("", way).strip())]


def reference(easting_m: float, northing_m: float, crs: str) -> str:
    """Six figures of the National Grid; on another grid the easting and northing in metres."""
    found = grid_reference.of_point(easting_m, northing_m) if crs.upper() == grid_reference.NATIONAL_GRID else None
    return found or f"E{easting_m:.0f} N{northing_m:.0f}"


def _told(where: str, ways: Sequence[str], reference: str) -> str:
    last = " / ".join(ways) or reference
    return f"{where}{BETWEEN}{last}" if where else last


def _settlements(shapes: NDArray[Any], centres: NDArray[Any], sides: NDArray[Any], settlements: Sequence[Place]) -> list[str]:
    """The settlement of each cell, with the eighth of the compass the cell lies in if it lies beside; empty if there is none."""
    import shapely

    if not settlements:
        return [""] * len(shapes)
    at = np.array([(p.easting_m, p.northing_m) for p in settlements])
    bonus = np.array([_NEARER_M[p.kind] for p in settlements])
    inside: dict[int, list[int]] = defaultdict(list)
    points, cells = shapely.STRtree(shapes).query(shapely.points(at), predicate="intersects")
    for point, cell in zip(points.tolist(), cells.tolist(), strict=True):
        inside[cell].append(point)
    found = []
    for k, centre in enumerate(centres):
        away = np.hypot(*(at - centre).T)
        if k in inside:
            best = min(inside[k], key=lambda p: (_INSIDE_FIRST[settlements[p].kind], away[p], settlements[p].name))
            found.append(settlements[best].name)
            continue
        best = int(np.argmin(away - bonus))
        name = settlements[best].name
        if away[best] > _BESIDE_SIDES * sides[k]:
            east, north = centre - at[best]
            name += " " + _EIGHTHS[round(float(np.degrees(np.arctan2(north, east))) / 45) % 8]
        found.append(name)
    return found


def _roads(shapes: NDArray[Any], roads: Sequence[Shape]) -> list[list[str]]:
    """Of each cell its roads in words, the greatest length inside x weight first; roads shorter than 150 m inside left out."""
    import shapely

    length: list[dict[str, float]] = [defaultdict(float) for _ in shapes]
    weight: list[dict[str, float]] = [defaultdict(float) for _ in shapes]
    if len(roads):
        lines = np.array([road.geometry for road in roads], dtype=object)
        line, cell = shapely.STRtree(shapes).query(lines, predicate="intersects")
        inside = shapely.length(shapely.intersection(lines[line], shapes[cell]))
        for k, c, metres in zip(line.tolist(), cell.tolist(), inside.tolist(), strict=True):
            words = called(roads[k].name, roads[k].number)
            length[c][words] += metres
            weight[c][words] += metres * DRAWN[roads[k].kind].weight
    return [
        sorted((words for words, metres in own.items() if metres >= _LEAST_ROAD_M), key=lambda words: (-weight[c][words], words))
        for c, own in enumerate(length)
    ]


def called(name: str, number: str) -> str:
    """A road in words: its name with its number, or whichever it has."""
    return f"{name} ({number})" if name and number else name or number
