"""Where names stand on the map: placed once for each zoom, the most important first, no two boxes touching.

A zoom z is 2^z pixels a metre. A label keeps its size in pixels, so the labels of a zoom also serve every zoom up to the
next: the room between them only grows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harmcast.ground.geopackage import Shape, Station
from harmcast.ground.kinds import DRAWN, NAMED_UP_TO_M, ROADS, SETTLEMENTS, STATIONS_UP_TO_M, STREET_NAMES_UP_TO_M, Kind
from harmcast.ground.open_names import Place

ZOOMS = range(-9, 1)
# style -> size of the letters, px, and whether they are bold
STYLES: dict[str, tuple[float, bool]] = {
    "city": (14.0, True),
    "town": (12.5, True),
    "suburb": (11.0, True),
    "village": (11.0, False),
    "hamlet": (10.0, False),
    "motorway": (9.0, True),
    "shield": (9.0, True),
    "station": (9.0, False),
    "street": (9.5, False),
}
_STYLE_OF = dict(zip(SETTLEMENTS, ("city", "town", "suburb", "village", "hamlet"), strict=True))
_LETTER_EM, _BOLD_EM = 0.58, 0.66
_SHIELD_PAD_PX, _STATION_PX = 3.0, 9.0
_GAP_PX = 3.0
_SHIELD_EVERY_PX, _NAME_EVERY_PX = 380.0, 560.0
_BEND_PX = 3.5


@dataclass(frozen=True)
class Label:
    """One name at one zoom: its middle (m), its half width and half height (px) and its turn (degrees, clockwise)."""

    zoom: int
    style: str
    words: str
    easting_m: float
    northing_m: float
    half_width_px: float
    half_height_px: float
    angle: float = 0.0

    @property
    def reach_px(self) -> tuple[float, float]:
        """Half the width and the height of the upright box around it, px."""
        turn = np.deg2rad(self.angle)
        c, s = abs(float(np.cos(turn))), abs(float(np.sin(turn)))
        return self.half_width_px * c + self.half_height_px * s, self.half_width_px * s + self.half_height_px * c


def half_size(style: str, words: str) -> tuple[float, float]:
    """Half the width and height of a label, px, its letters reckoned at a mean width."""
    size, is_bold = STYLES[style]
    pad = _SHIELD_PAD_PX if style in ("motorway", "shield") else 0.0
    if style == "station":
        return _STATION_PX / 2, _STATION_PX / 2
    return len(words) * size * (_BOLD_EM if is_bold else _LETTER_EM) / 2 + pad, size * 0.62 + pad / 2


class _Taken:
    """Boxes already taken, px, found by the square of 64 px they touch."""

    def __init__(self) -> None:
        self._at: dict[tuple[int, int], list[tuple[float, float, float, float]]] = defaultdict(list)

    def take(self, boxes: Sequence[tuple[float, float, float, float]]) -> bool:
        """Takes all the boxes if none of them meets one that is taken."""
        for box in boxes:
            for square in self._squares(box):
                for other in self._at.get(square, ()):
                    if box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]:
                        return False
        for box in boxes:
            for square in self._squares(box):
                self._at[square].append(box)
        return True

    @staticmethod
    def _squares(box: tuple[float, float, float, float]) -> Iterable[tuple[int, int]]:
        for i in range(int(box[0] // 64), int(box[2] // 64) + 1):
            for j in range(int(box[1] // 64), int(box[3] // 64) + 1):
                yield i, j


def placed(roads: Sequence[Shape], settlements: Sequence[Place], stations: Sequence[Station]) -> list[Label]:
    """Labels of every zoom of ZOOMS. `roads`: lines already merged by kind, number and name."""
    return [label for zoom in ZOOMS for label in _of_zoom(zoom, roads, settlements, stations)]


def _of_zoom(zoom: int, roads: Sequence[Shape], settlements: Sequence[Place], stations: Sequence[Station]) -> list[Label]:
    scale, taken = 2.0**zoom, _Taken()
    found: list[Label] = []
    metres = 1 / scale

    def put(options: Sequence[Label]) -> None:
        for label in options:
            if taken.take(_boxes(label, scale)):
                found.append(label)
                return

    def named(kinds: Sequence[str]) -> None:
        for kind in kinds:
            if metres <= NAMED_UP_TO_M[kind]:
                for place in sorted((p for p in settlements if p.kind == kind), key=lambda p: (-p.reach_m2, p.name, p.easting_m)):
                    put(_around(zoom, place))

    named(("City", "Town"))
    _shields(zoom, [r for r in roads if r.kind in (Kind.MOTORWAY, Kind.PRIMARY, Kind.A_ROAD)], put)
    if metres <= STATIONS_UP_TO_M:
        for station in stations:
            put([Label(zoom, "station", station.name, station.easting_m, station.northing_m, *half_size("station", ""))])
    named(("Suburban Area", "Village"))
    _shields(zoom, [r for r in roads if r.kind is Kind.B_ROAD], put)
    named(("Hamlet",))
    if metres <= STREET_NAMES_UP_TO_M:
        along(zoom, [r for r in roads if r.kind in ROADS and r.kind is not Kind.MOTORWAY and r.name], put)
    return found


def _around(zoom: int, place: Place) -> list[Label]:
    """A settlement's name on its point, or else a little above, below, right or left of it."""
    style = _STYLE_OF[place.kind]
    w, h = half_size(style, place.name)
    up, side = 2 * h / 2.0**zoom, w / 2.0**zoom
    steps = ((0.0, 0.0), (0.0, up), (0.0, -up), (side, 0.0), (-side, 0.0))
    return [Label(zoom, style, place.name, place.easting_m + dx, place.northing_m + dy, w, h) for dx, dy in steps]


def _boxes(label: Label, scale: float) -> list[tuple[float, float, float, float]]:
    """The upright boxes, px, that a label takes: one, or a row of small ones along a turned one."""
    x, y = label.easting_m * scale, -label.northing_m * scale
    w, h = label.half_width_px + _GAP_PX, label.half_height_px + _GAP_PX
    if not label.angle:
        return [(x - w, y - h, x + w, y + h)]
    turn = np.deg2rad(label.angle)
    c, s = float(np.cos(turn)), float(np.sin(turn))
    count = max(1, int(np.ceil(w / h)))
    step = 2 * w / count
    return [
        (x + c * at - h, y + s * at - h, x + c * at + h, y + s * at + h)
        for at in (step * (k + 0.5) - w for k in range(count))
    ]


def _shields(zoom: int, roads: Sequence[Shape], put: Any) -> None:
    """Road numbers on their roads, every few hundred pixels, the largest roads first."""
    shown = [r for r in roads if r.number and 2.0**-zoom <= min(150.0, DRAWN[r.kind].up_to_m)]
    _spread(zoom, shown, lambda road: "motorway" if road.kind is Kind.MOTORWAY else "shield", lambda road: road.number, _SHIELD_EVERY_PX, put, turned=False)


def along(zoom: int, roads: Sequence[Shape], put: Any) -> None:
    """Names of streets along them, where a street is long and straight enough."""
    _spread(zoom, roads, lambda road: "street", lambda road: road.name, _NAME_EVERY_PX, put, turned=True)


def _spread(
    zoom: int, roads: Sequence[Shape], style_of: Any, words_of: Any, every_px: float, put: Any, *, turned: bool
) -> None:
    """Labels along lines: one for every `every_px`, at its middle or a little beside."""
    import shapely

    if not roads:
        return
    scale = 2.0**zoom
    lines = np.array([road.geometry for road in roads], dtype=object)
    length: NDArray[np.float64] = shapely.length(lines) * scale
    halves = np.array([half_size(style_of(road), words_of(road)) for road in roads])
    needed = 2 * halves[:, 0] + 6 if turned else np.full(len(roads), 24.0)
    order: list[int] = sorted(np.flatnonzero(length >= needed).tolist(), key=lambda k: (roads[k].kind, -length[k], words_of(roads[k])))
    which, group, at = [], [], []
    for number, k in enumerate(order):
        count = max(1, int(length[k] // every_px))
        for part in range(count):
            for aside in (0.0, 0.2, -0.2, 0.33, -0.33):
                which.append(k)
                group.append((number, part))
                at.append((part + 0.5 + aside) / count)
    if not which:
        return
    index, share = np.array(which), np.array(at)
    here = lines[index]
    reach = halves[index, 0] / length[index] if turned else np.zeros(len(index))
    middle = shapely.line_interpolate_point(here, share, normalized=True)
    x, y = shapely.get_x(middle), shapely.get_y(middle)
    angle = np.zeros(len(index))
    fits = np.ones(len(index), dtype=bool)
    if turned:
        ends = [shapely.line_interpolate_point(here, np.clip(share + side * reach, 0, 1), normalized=True) for side in (-1, -0.5, 0.5, 1)]
        ex, ey = np.array([shapely.get_x(p) for p in ends]), np.array([shapely.get_y(p) for p in ends])
        dx, dy = ex[3] - ex[0], ey[3] - ey[0]
        chord = np.hypot(dx, dy)
        bent = np.max(
            [np.abs((px - ex[0]) * dy - (py - ey[0]) * dx) for px, py in ((x, y), (ex[1], ey[1]), (ex[2], ey[2]))], axis=0
        )
        fits = (share - reach >= 0) & (share + reach <= 1) & (chord * scale >= 2 * halves[index, 0] * 0.97)
        fits &= bent <= _BEND_PX / scale * np.maximum(chord, 1e-9)
        angle = np.rad2deg(np.arctan2(-dy, dx))
        angle = np.where(angle > 90, angle - 180, np.where(angle < -90, angle + 180, angle))
    options: dict[tuple[int, int], list[Label]] = {}
    for k in np.flatnonzero(fits).tolist():
        road = roads[which[k]]
        w, h = halves[which[k]]
        label = Label(zoom, style_of(road), words_of(road), float(x[k]), float(y[k]), float(w), float(h), round(float(angle[k]), 1))
        options.setdefault(group[k], []).append(label)
    for key in sorted(options):
        put(options[key])
