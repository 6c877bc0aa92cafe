"""Maps that stand on a page without scripts and on paper: one cell in its streets, the listed cells in the force."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from harmcast.ground import drawing
from harmcast.ground.compiled import Ground
from harmcast.ground.drawing import FONT, Box, View, Window

Ring = Sequence[Sequence[float]]
SHADES = ("#f4f8fb", "#d3e4f3", "#9fc6e3", "#5a9fcf", "#1f6cb0", "#0a3a6b")
_BREAKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
LOCATOR_PX = (620.0, 420.0)
_FORCE_PX = 190.0
_CELL_SHARE = 0.62
_VEIL = 0.52
_AROUND_SIDES = 1.2
_KEY_PX = 16.0
_KEY_INSIDE_PX = 23.0  # 6 mm: under this a key stands outside its cell with a line to it
_BAR_PX = 96.0
_NEAREST_ZOOM = 0


@dataclass(frozen=True)
class Cell:
    """One cell of a map: its rings (m), its shade 0 to 5 and, where it is listed, its key and whether it is recommended."""

    name: str
    rings: Sequence[Ring]
    shade: int = 0
    key: str = ""
    is_recommended: bool = False

    @property
    def box(self) -> Box:
        xs = [p[0] for ring in self.rings for p in ring]
        ys = [p[1] for ring in self.rings for p in ring]
        return min(xs), min(ys), max(xs), max(ys)


@dataclass(frozen=True)
class Borders:
    """The force's outline as rings, and the borders of its policing areas as lines (`shared`), in metres."""

    outline: Sequence[Ring]
    areas: Sequence[Ring] = ()


def shared(rings: Sequence[Ring]) -> list[Ring]:
    """The borders of rings, each line once though two neighbours have it: dashes drawn twice would run together."""
    import shapely

    lines = shapely.line_merge(shapely.union_all([shapely.linestrings(ring) for ring in rings]))
    return [shapely.get_coordinates(line).tolist() for line in shapely.get_parts(lines)]


def squares(centre_m: tuple[float, float], side_m: float) -> list[Ring]:
    """The ring of a square cell."""
    (e, n), half = centre_m, side_m / 2
    return [[[e - half, n - half], [e + half, n - half], [e + half, n + half], [e - half, n + half], [e - half, n - half]]]


def locator(ground: Ground, cell: Cell, borders: Borders, label: str, streets: Sequence[str] = ()) -> str:
    """The cell in its streets, what is around it veiled, at the nearest whole zoom at which it fills at most 62% of the height.

    Args: `streets`: names that are put on the map before all others, since the place is called by them.
    """
    west, south, east, north = cell.box
    width, height = LOCATOR_PX
    zoom = min(_NEAREST_ZOOM, math.floor(math.log2(_CELL_SHARE * height / max(east - west, north - south))))
    view = _centred(((west + east) / 2, (south + north) / 2), zoom, width, height)
    ring = _path(cell.rings, view)
    veil = f'<path d="M0 0h{width:g}v{height:g}H0z{ring}" fill="#fff" fill-opacity="{_VEIL}" fill-rule="evenodd"/>'
    frame = f'<path d="{ring}" fill="none" stroke="#0b0c0c" stroke-width="3"/>'
    body = (
        drawing.shapes(ground, view, "l")
        + _borders(borders, view)
        + veil
        + drawing.names_of_picture(ground, view, [_bar_box(view, middle=True)], streets)
        + frame
        + _bar(view, middle=True)
    )
    return _map(view, body, label, "app-locator__map", "xMidYMid slice")


def where_in_force(cell: Cell, borders: Borders, label: str) -> str:
    """The force's outline and areas with the cell as a black square: where in the force it is. Empty without an outline."""
    if not borders.outline:
        return ""
    xs = [p[0] for ring in borders.outline for p in ring]
    ys = [p[1] for ring in borders.outline for p in ring]
    view = _fitted((min(xs), min(ys), max(xs), max(ys)), _FORCE_PX, _FORCE_PX, 3.0)
    x, y = view.x((cell.box[0] + cell.box[2]) / 2), view.y((cell.box[1] + cell.box[3]) / 2)
    side = max(6.0, (cell.box[2] - cell.box[0]) * view.scale)
    body = f'<path d="{_path(borders.areas, view)}" fill="none" stroke="#7b858c" stroke-width=".8"/>' if borders.areas else ""
    body += f'<path d="{_path(borders.outline, view)}" fill="none" stroke="#0b0c0c" stroke-width="1.6"/>'
    body += f'<rect x="{x - side / 2:.1f}" y="{y - side / 2:.1f}" width="{side:.1f}" height="{side:.1f}" fill="#0b0c0c"/>'
    return _map(view, body, label, "app-locator__force")


def overview(
    ground: Ground | None,
    cells: Sequence[Cell],
    borders: Borders,
    label: str,
    *,
    width_px: float,
    height_px: float,
    whole_force: bool,
    mark: str = "o",
) -> str:
    """Cells by shade under the ground, keys on the listed ones. A key is the page's own and says nothing of rank.

    The window is the whole force, or else the listed cells and 1.2 sides around them.
    """
    listed = [cell for cell in cells if cell.key or cell.is_recommended]
    view = _fitted(_window(cells if whole_force or not listed else listed, borders, whole_force or not listed), width_px, height_px)
    keys, boxes = _keys([cell for cell in listed if cell.key], view)
    outlined = [cell for cell in listed if cell.is_recommended and not cell.key]
    boxes += [box for box in (_on_paper(cell.box, view) for cell in outlined) if box[2] - box[0] < _KEY_INSIDE_PX]
    body = (
        f'<rect width="{view.width_px:.1f}" height="{view.height_px:.1f}" fill="#fff"/>'
        + _shaded(cells, view)
        + drawing.shapes(ground, view, mark)
        + _borders(borders, view)
        + drawing.names_of_picture(ground, view, [*boxes, _bar_box(view)])
        + "".join(_recommended(cell, view) for cell in outlined)
        + keys
        + _bar(view)
    )
    return _map(view, body, label, "app-overview__map")


def _window(cells: Sequence[Cell], borders: Borders, whole: bool) -> Window:
    boxes = [cell.box for cell in cells]
    west, south = min(b[0] for b in boxes), min(b[1] for b in boxes)
    east, north = max(b[2] for b in boxes), max(b[3] for b in boxes)
    more = 0.02 * (east - west) if whole else _AROUND_SIDES * max(boxes[0][2] - boxes[0][0], boxes[0][3] - boxes[0][1])
    return west - more, south - more, east + more, north + more


def _centred(at: tuple[float, float], zoom: float, width_px: float, height_px: float) -> View:
    half_w, half_h = width_px / 2 / 2.0**zoom, height_px / 2 / 2.0**zoom
    return View((at[0] - half_w, at[1] - half_h, at[0] + half_w, at[1] + half_h), zoom)


def _fitted(window: Window, width_px: float, height_px: float, pad_px: float = 0.0) -> View:
    """The view of the asked size in which the window just fits, but never nearer than the ground is drawn for."""
    west, south, east, north = window
    scale = min((width_px - 2 * pad_px) / (east - west), (height_px - 2 * pad_px) / (north - south))
    return _centred(((west + east) / 2, (south + north) / 2), min(math.log2(scale), _NEAREST_ZOOM), width_px, height_px)


def _path(rings: Sequence[Ring], view: View) -> str:
    """Path data of rings and lines, in tenths of a pixel; consecutive points that fall together are one."""
    found = []
    for ring in rings:
        if _is_upright(ring):
            (e0, n0), (e1, n1) = ring[0], ring[2]
            x, y = round(view.x(min(e0, e1)), 1), round(view.y(max(n0, n1)), 1)
            w, h = round(view.x(max(e0, e1)) - x, 1), round(view.y(min(n0, n1)) - y, 1)
            found.append(f"M{x:g} {y:g}h{w:g}v{h:g}h{-w:g}z")
            continue
        points: list[str] = []
        for p in ring:
            at = f"{view.x(p[0]):.1f} {view.y(p[1]):.1f}"
            if not points or points[-1] != at:
                points.append(at)
        is_ring = ring[0] == ring[-1]
        if len(points) > 1 + is_ring:
            found.append("M" + "L".join(points) + ("z" if is_ring else ""))
    return "".join(found)


def _is_upright(ring: Ring) -> bool:
    """Whether a ring is a square or rectangle along the axes."""
    if len(ring) != 5 or ring[0] != ring[4]:
        return False
    return all(ring[k][0] == ring[k + 1][0] or ring[k][1] == ring[k + 1][1] for k in range(4))


def _shaded(cells: Sequence[Cell], view: View) -> str:
    by_shade: dict[int, list[str]] = {}
    for cell in cells:
        if _inside(cell.box, view.wider(2)):
            by_shade.setdefault(cell.shade, []).append(_path(cell.rings, view))
    edge = 'stroke="#8a949c" stroke-width=".4"'
    return "".join(f'<path d="{"".join(paths)}" fill="{SHADES[shade]}" {edge}/>' for shade, paths in sorted(by_shade.items()))


def _inside(box: Box, window: Window) -> bool:
    return box[0] <= window[2] and window[0] <= box[2] and box[1] <= window[3] and window[1] <= box[3]


def _borders(borders: Borders, view: View) -> str:
    areas, outline = _path(borders.areas, view), _path(borders.outline, view)
    return (f'<path d="{areas}" fill="none" stroke="#0b0c0c" stroke-width="1.1" stroke-dasharray="4 3"/>' if areas else "") + (
        f'<path d="{outline}" fill="none" stroke="#0b0c0c" stroke-width="1.8"/>' if outline else ""
    )


def _on_paper(box: Box, view: View) -> Box:
    """A box in metres as pixels of the view: left, top, right, bottom."""
    west, south, east, north = box
    return view.x(west), view.y(north), view.x(east), view.y(south)


def _recommended(cell: Cell, view: View) -> str:
    d = _path(cell.rings, view)
    return f'<path d="{d}" fill="none" stroke="#fff" stroke-width="5"/><path d="{d}" fill="none" stroke="#0b0c0c" stroke-width="2.5"/>'


def _keys(cells: Sequence[Cell], view: View) -> tuple[str, list[Box]]:
    """Keys in their cells, or outside with a line where a cell is smaller than 6 mm; and the boxes that names keep off, px."""
    body: list[str] = []
    lines: list[str] = []
    boxes = [_on_paper(cell.box, view) for cell in cells]
    taken, kept_clear = list(boxes), []
    for cell, box in zip(cells, boxes, strict=True):
        cx, cy = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        frame = f'<rect x="{box[0]:.1f}" y="{box[1]:.1f}" width="{box[2] - box[0]:.1f}" height="{box[3] - box[1]:.1f}" fill="none"'
        lines.append(f'{frame} stroke="#fff" stroke-width="4"/>{frame} stroke="#0b0c0c" stroke-width="2"/>')
        if min(box[2] - box[0], box[3] - box[1]) >= _KEY_INSIDE_PX:
            x, y = cx, cy
        else:
            x, y = _beside(cx, cy, taken, view)
            kept_clear.append(box)
            ex, ey = _edge(box, x, y)
            lines.append(f'<path d="M{ex:.1f} {ey:.1f}L{x:.1f} {y:.1f}" stroke="#fff" stroke-width="4"/><path d="M{ex:.1f} {ey:.1f}L{x:.1f} {y:.1f}" stroke="#0b0c0c" stroke-width="1.4"/>')
        own = (x - _KEY_PX / 2, y - _KEY_PX / 2, x + _KEY_PX / 2, y + _KEY_PX / 2)
        taken.append(own)
        kept_clear.append(own)
        body.append(_key(cell, x, y))
    return "".join([*lines, *body]), kept_clear


def _edge(box: Box, x: float, y: float) -> tuple[float, float]:
    """Where the line from a box's middle to a point outside leaves the box; the point itself where it lies inside."""
    cx, cy = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    dx, dy = x - cx, y - cy
    part = min([1.0, *(half / abs(d) for half, d in (((box[2] - box[0]) / 2, dx), ((box[3] - box[1]) / 2, dy)) if d)])
    return cx + part * dx, cy + part * dy


def _beside(cx: float, cy: float, taken: Sequence[Box], view: View) -> tuple[float, float]:
    """The nearest free place for a key around a cell's middle; the cell itself where there is none."""
    half = _KEY_PX / 2 + 1.5
    for radius in range(18, 150, 6):
        for step in range(16):
            x = cx + radius * math.cos(step * math.pi / 8)
            y = cy - radius * math.sin(step * math.pi / 8)
            own = (x - half, y - half, x + half, y + half)
            if own[0] < 0 or own[1] < 0 or own[2] > view.width_px or own[3] > view.height_px:
                continue
            if not any(own[0] < b[2] and b[0] < own[2] and own[1] < b[3] and b[1] < own[3] for b in taken):
                return x, y
    return cx, cy


def _key(cell: Cell, x: float, y: float) -> str:
    fill, ink = ("#0b0c0c", "#fff") if cell.is_recommended else ("#fff", "#0b0c0c")
    half = _KEY_PX / 2
    return (
        f'<rect x="{x - half:.1f}" y="{y - half:.1f}" width="{_KEY_PX:g}" height="{_KEY_PX:g}" rx="3" fill="{fill}" stroke="#0b0c0c" stroke-width="1.4"/>'
        f'<text x="{x:.1f}" y="{y + 4:.1f}" {FONT} font-size="11.5" font-weight="700" text-anchor="middle" fill="{ink}">{escape(cell.key)}</text>'
    )


def _bar_length(view: View) -> float:
    """A round length of at most _BAR_PX pixels, m."""
    most = _BAR_PX * view.metres
    size = 10.0 ** math.floor(math.log10(most))
    return max(k * size for k in (1, 2, 5) if k * size <= most)


def _bar_box(view: View, middle: bool = False) -> Box:
    width = _bar_length(view) * view.scale + 16
    right = view.width_px / 2 + width / 2 if middle else view.width_px - 6
    return right - width, view.height_px - 32, right, view.height_px - 6


def _bar(view: View, middle: bool = False) -> str:
    metres = _bar_length(view)
    words = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
    x0, y0, x1, y1 = _bar_box(view, middle)
    return (
        f'<rect x="{x0:.1f}" y="{y0:.1f}" width="{x1 - x0:.1f}" height="{y1 - y0:.1f}" fill="#fff" fill-opacity=".85"/>'
        f'<path d="M{x0 + 8:.1f} {y1 - 10:.1f}v5H{x1 - 8:.1f}v-5" fill="none" stroke="#0b0c0c" stroke-width="1.6"/>'
        f'<text x="{(x0 + x1) / 2:.1f}" y="{y1 - 12:.1f}" {FONT} font-size="10.5" text-anchor="middle" fill="#0b0c0c">{words}</text>'
    )


def _map(view: View, body: str, label: str, css: str, fit: str = "xMidYMid meet") -> str:
    more = f' class="{css}" role="img" aria-label="{escape(label)}" preserveAspectRatio="{fit}" focusable="false"'
    return drawing.framed(view, body, more)


def classes(expected: Sequence[float]) -> list[tuple[float, int]]:
    """Lowest number and shade of each class, light to dark: round breaks, as many as the numbers need; the darkest begins at the
    highest break that at least one cell reaches."""
    most = max(expected, default=0.0)
    edges = [0.0, *[b for b in _BREAKS if b <= most][-(len(SHADES) - 1) :]]
    return [(low, len(SHADES) - len(edges) + k) for k, low in enumerate(edges)]


def shade_of(expected: float, classes: Sequence[tuple[float, int]]) -> int:
    """The shade of a number: that of the highest class it reaches. `classes`: (low, shade), ascending."""
    return max((shade for low, shade in classes if expected >= low), default=0)


def rings_of(drawn: dict[str, Any], cell: str, centre_m: tuple[float, float], side_m: float | None) -> list[Ring]:
    """The rings of a cell as a release's map document holds them: of a layer, or a square's from its centre."""
    own = (drawn.get("cells") or {}).get(cell)
    if own:
        return list(own)
    side = drawn.get("side_m") or side_m
    return squares(centre_m, float(side)) if side else []
