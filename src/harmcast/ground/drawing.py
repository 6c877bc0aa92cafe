"""Draws a window of the ground as SVG: presentation attributes only, so that a page's policy of content stays as it is.

Roads are white with a grey edge: they read on pale and on dark cells, and in grey. Paths are whole numbers of half pixels, relative,
because that is a third of the bytes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import numpy as np

from harmcast.ground.compiled import Ground, Lines
from harmcast.ground.kinds import AREAS, DRAWN, ROADS, STREET_NAMES_UP_TO_M, Kind
from harmcast.ground.labels import STYLES, ZOOMS, Label, along, half_size

Window = tuple[float, float, float, float]
Box = tuple[float, float, float, float]
TILE_PX = 512
TILE_ZOOMS = range(-7, 1)
_SIMPLER_PX = 0.4
_MARGIN_PX = 12.0
_EDGE_PX = 6.0
_STEPS_ASIDE = ("city", "town")
FONT = 'font-family="arial,helvetica,sans-serif"'


@dataclass(frozen=True)
class View:
    """A window (west, south, east, north, m) at 2^zoom pixels a metre; the zoom need not be whole."""

    window: Window
    zoom: float

    @property
    def scale(self) -> float:
        return float(2.0**self.zoom)

    @property
    def width_px(self) -> float:
        return (self.window[2] - self.window[0]) * self.scale

    @property
    def height_px(self) -> float:
        return (self.window[3] - self.window[1]) * self.scale

    @property
    def metres(self) -> float:
        """Metres a pixel."""
        return 1 / self.scale

    def x(self, easting_m: float) -> float:
        return (easting_m - self.window[0]) * self.scale

    def y(self, northing_m: float) -> float:
        return (self.window[3] - northing_m) * self.scale

    def wider(self, px: float) -> Window:
        west, south, east, north = self.window
        more = px / self.scale
        return west - more, south - more, east + more, north + more


def tile(ground: Ground, zoom: int, x: int, y: int) -> str:
    """One tile of TILE_PX pixels as Leaflet counts them in a plain system of metres: y grows to the south from northing 0."""
    side = TILE_PX / 2.0**zoom
    view = View((x * side, -(y + 1) * side, (x + 1) * side, -y * side), zoom)
    return framed(view, draw(ground, view))


def framed(view: View, body: str, more: str = "") -> str:
    """A whole SVG document of a view."""
    w, h = f"{view.width_px:g}", f"{view.height_px:g}"
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}"{more}>{body}</svg>'


def draw(ground: Ground | None, view: View) -> str:
    """Everything that shows at the view's scale, then its names. Empty without a ground."""
    return shapes(ground, view) + names(ground, view)


def shapes(ground: Ground | None, view: View, mark: str = "g") -> str:
    """Water, green, rail and roads. Args: `mark`: begins the ids inside, so that two drawings may stand on one page."""
    if ground is None:
        return ""
    kinds = [kind for kind in Kind if view.metres <= DRAWN[kind].up_to_m]
    lines = ground.lines(view.wider(_MARGIN_PX), kinds)
    paths = _paths(lines, view)
    body = []
    for kind, attributes in (
        (Kind.GREEN, 'fill="#7fa77a" fill-opacity=".32"'),
        (Kind.WATER, 'fill="#86a9bf" fill-opacity=".6"'),
    ):
        if kind in paths:
            body.append(f'<path d="{paths[kind]}" {attributes}/>')
    line = []
    if Kind.NEIGHBOURHOOD in paths:
        line.append(f'<path d="{paths[Kind.NEIGHBOURHOOD]}" stroke="#0b0c0c" stroke-opacity=".45" stroke-width="1.6"/>')
    if Kind.WATERLINE in paths:
        line.append(f'<path d="{paths[Kind.WATERLINE]}" stroke="#6f9dbb" stroke-width="{_width(Kind.WATERLINE, view):g}"/>')
    if Kind.RAIL in paths:
        line.append(f'<path d="{paths[Kind.RAIL]}" stroke="#50575c" stroke-width="{_width(Kind.RAIL, view):g}" stroke-dasharray="9 5" stroke-linecap="butt"/>')
    roads = [kind for kind in reversed(ROADS) if kind in paths]
    kept = "".join(f'<path id="{mark}{int(kind)}" d="{paths[kind]}"/>' for kind in roads)
    line += [f"<defs>{kept}</defs>"] if roads else []
    for kind in roads:
        edge = "#4c555b" if kind is Kind.MOTORWAY else "#7b858c"
        line.append(f'<use href="#{mark}{int(kind)}" stroke="{edge}" stroke-width="{_width(kind, view) + 3:g}"/>')
    line += [f'<use href="#{mark}{int(kind)}" stroke="#fff" stroke-width="{_width(kind, view):g}"/>' for kind in roads]
    text = "".join(body) + f'<g fill="none" stroke-linejoin="round" stroke-linecap="round">{"".join(line)}</g>'
    return f'<g transform="scale(.5)">{text}</g>' if body or line else ""


def _width(kind: Kind, view: View) -> float:
    """Width of a line in half pixels: wider as the map is nearer."""
    nearer = min(2.6, max(0.6, (8 / view.metres) ** 0.4))
    return round(2 * DRAWN[kind].width_px * float(nearer), 1)


def _paths(lines: Lines, view: View) -> dict[Kind, str]:
    import shapely

    if not len(lines.kinds):
        return {}
    is_area = np.isin(lines.kinds, [int(kind) for kind in AREAS])
    index = np.repeat(np.arange(len(lines.kinds)), lines.lengths)
    found: dict[Kind, str] = {}
    window = view.wider(_MARGIN_PX)
    if not is_area.all():
        own = ~is_area[index]
        order = np.cumsum(~is_area) - 1
        drawn = shapely.linestrings(lines.xy[own], indices=order[index[own]])
        drawn = shapely.clip_by_rect(shapely.simplify(drawn, _SIMPLER_PX / view.scale, preserve_topology=False), *window)
        found |= _by_kind(drawn, lines.kinds[~is_area], view, close=False)
    if is_area.any():
        own = is_area[index]
        order = np.cumsum(is_area) - 1
        drawn = shapely.polygons(shapely.linearrings(lines.xy[own], indices=order[index[own]]))
        drawn = shapely.simplify(shapely.clip_by_rect(drawn, *window), _SIMPLER_PX / view.scale, preserve_topology=True)
        parts, whose = shapely.get_parts(drawn, return_index=True)
        polygons = shapely.get_type_id(parts) == 3
        rings, whose = shapely.get_exterior_ring(parts[polygons]), whose[polygons]
        # a hole runs the other way round, so that it stays open and overlapping parks stay full
        turned = shapely.is_ccw(rings) == lines.holes[is_area][whose]
        rings[turned] = shapely.reverse(rings[turned])
        found |= _by_kind(rings, lines.kinds[is_area][whose], view, close=True)
    return found


def _by_kind(drawn: Any, kinds: Any, view: View, *, close: bool) -> dict[Kind, str]:
    """Path data by kind: "M" and relative "l" in half pixels; what is one point is dropped, or it would hide the rest."""
    import shapely

    parts, whose = shapely.get_parts(drawn, return_index=True)
    is_line = np.isin(shapely.get_type_id(parts), (1, 2))
    parts, whose = parts[is_line], whose[is_line]
    xy, part = shapely.get_coordinates(parts, return_index=True)
    if not len(xy):
        return {}
    at = np.rint(np.column_stack([xy[:, 0] - view.window[0], view.window[3] - xy[:, 1]]) * 2 * view.scale).astype(np.int64)
    begins = np.r_[True, part[1:] != part[:-1]]
    moved = np.r_[True, (at[1:] != at[:-1]).any(axis=1)]
    keep = begins | moved
    at, part = at[keep], part[keep]
    starts = np.flatnonzero(np.r_[True, part[1:] != part[:-1]])
    ends = np.r_[starts[1:], len(part)]
    words = list(map(str, np.diff(at, axis=0, prepend=at[:1]).ravel().tolist()))
    first = at[starts].tolist()
    by_kind: dict[int, list[str]] = defaultdict(list)
    tail = "z" if close else ""
    for (x, y), start, end, owner in zip(first, starts.tolist(), ends.tolist(), whose[part[starts]].tolist(), strict=True):
        if end - start > (2 if close else 1):
            by_kind[int(kinds[owner])].append(f"M{x} {y}l{' '.join(words[2 * start + 2 : 2 * end])}{tail}")
    return {Kind(kind): "".join(texts) for kind, texts in by_kind.items()}


def names(ground: Ground | None, view: View) -> str:
    """Names and road numbers of the view, as placed for the whole zoom at or below its own."""
    return "" if ground is None else _told(ground.labels(view.window, _zoom_of(view)), view)


def names_of_picture(ground: Ground | None, view: View, avoid: Sequence[Box] = (), wanted: Sequence[str] = ()) -> str:
    """Names of a picture that stands alone: none is cut by its edge, and a town's steps aside for what is to be kept clear.

    Args:
        avoid: boxes (px) that names keep off.
        wanted: streets that are named first, wherever they run through the picture.
    """
    if ground is None:
        return ""
    shown: list[Label] = []
    taken = list(avoid)

    def put(options: Sequence[Label]) -> None:
        for label in options:
            if _is_whole(label, view) and not _meets(label, view, taken):
                shown.append(label)
                taken.append(_box(label, view))
                return

    zoom, inside = _zoom_of(view), view.wider(-_EDGE_PX)
    for name in wanted if view.metres <= STREET_NAMES_UP_TO_M else ():
        parts = ground.street(name, inside)
        options: list[Label] = []
        along(zoom, parts, options.extend)
        for part in parts[:1]:  # too short or bent for its name: level beside it
            middle = part.geometry.interpolate(0.5, normalized=True)
            level = Label(zoom, "street", name, middle.x, middle.y, *half_size("street", name))
            options += [level, *_aside(level, view)]
        put(options)
    for label in ground.labels(view.window, zoom):
        if label.style != "street" or all(one.words != label.words for one in shown):
            put([label, *_aside(label, view)] if label.style in _STEPS_ASIDE else [label])
    return _told(shown, view)


def _zoom_of(view: View) -> int:
    return min(max(int(np.floor(view.zoom + 1e-9)), ZOOMS[0]), ZOOMS[-1])


def _aside(label: Label, view: View) -> list[Label]:
    """The label a little below, above, right and left of its place."""
    w, h = label.half_width_px + 9, 2 * label.half_height_px + 3
    steps = ((0.0, -h), (0.0, h), (w, 0.0), (-w, 0.0), (0.0, -2 * h), (0.0, 2 * h))
    return [replace(label, easting_m=label.easting_m + dx / view.scale, northing_m=label.northing_m + dy / view.scale) for dx, dy in steps]


def _box(label: Label, view: View) -> Box:
    w, h = label.reach_px
    x, y = view.x(label.easting_m), view.y(label.northing_m)
    return x - w, y - h, x + w, y + h


def _is_whole(label: Label, view: View) -> bool:
    x0, y0, x1, y1 = _box(label, view)
    return x0 >= 0 and y0 >= 0 and x1 <= view.width_px and y1 <= view.height_px


def _told(shown: Sequence[Label], view: View) -> str:
    groups: dict[str, list[str]] = defaultdict(list)
    for label in shown:
        groups[label.style].append(_MADE.get(label.style, _text)(label, view))
    return "".join(f"<g {_attributes(style)}>{''.join(groups[style])}</g>" for style in reversed(STYLES) if style in groups)


def _meets(label: Label, view: View, avoid: Sequence[Box]) -> bool:
    x0, y0, x1, y1 = _box(label, view)
    return any(x0 < box[2] and box[0] < x1 and y0 < box[3] and box[1] < y1 for box in avoid)


def _attributes(style: str) -> str:
    size, is_bold = STYLES[style]
    weight = ' font-weight="700"' if is_bold else ""
    halo = "" if style in ("motorway", "shield", "station") else ' stroke="#fff" stroke-width="3" stroke-linejoin="round" paint-order="stroke"'
    return f'{FONT} font-size="{size:g}" text-anchor="middle" fill="#0b0c0c"{weight}{halo}'


def _text(label: Label, view: View) -> str:
    x, y = round(view.x(label.easting_m), 1), round(view.y(label.northing_m), 1)
    size = STYLES[label.style][0]
    turn = f' transform="rotate({label.angle:g} {x:g} {y:g})"' if label.angle else ""
    return f'<text x="{x:g}" y="{y + size * 0.35:g}"{turn}>{escape(label.words)}</text>'


def _shield(label: Label, view: View) -> str:
    x, y = round(view.x(label.easting_m), 1), round(view.y(label.northing_m), 1)
    w, h = label.half_width_px, label.half_height_px
    fill, ink = ("#1d4477", "#fff") if label.style == "motorway" else ("#fff", "#0b0c0c")
    box = f'<rect x="{x - w:g}" y="{y - h:g}" width="{2 * w:g}" height="{2 * h:g}" rx="2" fill="{fill}" stroke="#4c555b" stroke-width=".8"/>'
    return f'{box}<text x="{x:g}" y="{y + STYLES[label.style][0] * 0.35:g}" fill="{ink}">{escape(label.words)}</text>'


def _station(label: Label, view: View) -> str:
    x, y = round(view.x(label.easting_m), 1), round(view.y(label.northing_m), 1)
    return f'<circle cx="{x:g}" cy="{y:g}" r="4" fill="#fff" stroke="#0b0c0c" stroke-width="1.4"/><path d="M{x - 2:g} {y:g}h4" stroke="#0b0c0c" stroke-width="1.4"/>'


_MADE: dict[str, Callable[[Label, View], str]] = {"motorway": _shield, "shield": _shield, "station": _station}
