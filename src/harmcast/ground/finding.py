"""Finds a place from what someone types: a grid reference, an easting and northing, a postcode or its start, a name, a cell."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harmcast.ground import grid_reference
from harmcast.ground.compiled import Ground
from harmcast.ground.kinds import POSTCODE, ROADS, STREET
from harmcast.ground.naming import BETWEEN

Asked = Literal["cell", "grid_reference", "easting_northing", "postcode", "name"]
LIKE = 0.8  # of `difflib`: one letter of nine may be wrong
Box = tuple[float, float, float, float]
MOST = 30
LONGEST = 120

_CELL = re.compile(r"^E(-?\d{1,7})\s*N(-?\d{1,7})$", re.IGNORECASE)
_METRES = re.compile(r"^(\d{4,7}(?:\.\d+)?)\s*[,;\s]\s*(\d{4,7}(?:\.\d+)?)$")
_POSTCODE = re.compile(r"^[A-Z]{1,2}\d[A-Z\d]?(\d?|\d[A-Z]{1,2})$")
_WORD = re.compile(r"\w+", re.UNICODE)
# what people shorten, opened: the short form stays, since a place may be called so
_OPENED = {
    "st": ("street", "saint"), "rd": ("road",), "ave": ("avenue",), "av": ("avenue",), "ln": ("lane",), "dr": ("drive",), "cl": ("close",),
    "cres": ("crescent",), "ct": ("court",), "gdns": ("gardens",), "gr": ("grove",), "hl": ("hill",), "pk": ("park",), "pl": ("place",),
    "sq": ("square",), "ter": ("terrace",), "terr": ("terrace",), "wy": ("way",), "mt": ("mount",), "nth": ("north",), "sth": ("south",),
}  # fmt: skip
_RANK = ("City", "Town", "Suburban Area", "Village", "Hamlet", "Railway Station", STREET)


@dataclass(frozen=True)
class Hit:
    """One thing found: in words, what it is, the boxes (m) whose cells are meant, and whether only those that hold a point are."""

    words: str
    kind: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class Found:
    """What was asked for, by kind (this is what the log keeps, never the words), and what was found."""

    asked: Asked
    hits: tuple[Hit, ...]


def find(text: str, ground: Ground | None, crs: str) -> Found:
    """What `text` may mean, the likeliest first; at most MOST things. Without a ground: references and metres alone."""
    plain = " ".join(text.split())[:LONGEST]
    cell = _CELL.match(plain)
    if cell is not None:
        e, n = float(cell[1]) + 1, float(cell[2]) + 1
        return Found("cell", (Hit(plain.upper(), "Cell", ((e, n, e, n),)),))
    metres = _METRES.match(plain)
    if metres is not None:
        e, n = float(metres[1]), float(metres[2])
        return Found("easting_northing", (Hit(f"E{e:.0f} N{n:.0f}", "Easting and northing", ((e, n, e, n),)),))
    if crs.upper() == grid_reference.NATIONAL_GRID and re.search(r"\d", plain):
        square = grid_reference.square_of(plain)
        # two figures after two letters may be the start of a postcode too: a reference has four or more
        if square is not None and len(re.sub(r"\D", "", plain)) >= 4:
            return Found("grid_reference", (Hit(plain.upper(), "Grid reference", (_within(square),)),))
    code = plain.upper().replace(" ", "")
    if _POSTCODE.match(code):
        return Found("postcode", _postcodes(code, ground))
    return Found("name", _names(plain, ground))


def _within(square: Box) -> Box:
    """A square without its far edges, which belong to the next one."""
    return square[0], square[1], square[2] - 0.001, square[3] - 0.001


def _postcodes(code: str, ground: Ground | None) -> tuple[Hit, ...]:
    if ground is None:
        return ()
    rows = ground.ask("select code, x, y from postcode where code >= ? and code < ? order by code limit 5000", (code, code + "~"))
    if not rows:
        return ()
    exact = [row for row in rows if row[0] == code]
    points = tuple((x / 10, y / 10, x / 10, y / 10) for _, x, y in exact or rows)
    words = f"{code[:-3]} {code[-3:]}" if exact else f"{code} and what begins so"
    return (Hit(words, POSTCODE, tuple(dict.fromkeys(points))),)


def _names(plain: str, ground: Ground | None) -> tuple[Hit, ...]:
    words = _words(plain)
    if ground is None or not words:
        return ()
    asked = " AND ".join("(" + " OR ".join(f'"{w}"*' for w in (word, *_OPENED.get(word, ()))) + ")" for word in words)
    rows = ground.ask(
        "select p.name, p.kind, p.x, p.y, p.x0, p.y0, p.x1, p.y1, p.near from place_words w join place p on p.id = w.rowid "
        "where place_words match ? limit 400",
        (asked,),
    )
    rows.sort(key=lambda row: (row[0].lower() != plain.lower(), _RANK.index(row[1]), len(row[0]), row[0], row[2], row[3]))
    hits: dict[tuple[str, str, str], Hit] = {}
    along = functools.cache(lambda name: _along(ground, name))  # streets of one name lie in many places
    for name, kind, *whole, near in rows:
        x, y, x0, y0, x1, y1 = (v / 10 for v in whole)
        boxes = _reached(along(name), (x0, y0, x1, y1)) if kind == STREET else ()
        told = f"{name}, {near}" if near and near != name else name
        key = (told, kind, "" if kind == STREET else f"{x} {y}")
        before = hits[key].boxes if key in hits else ()
        hits[key] = Hit(told, kind, tuple(dict.fromkeys((*before, *(boxes or ((x, y, x, y),))))))
        if len(hits) >= MOST:
            break
    return tuple(hits.values())


def by_name(text: str, names: Sequence[str]) -> list[int]:
    """Positions of the cells whose printed name holds every word of `text`, each whole or begun; else of those called nearly so.

    Args:
        names: as cells are called, e.g. "Karrastow east: Northcroft Road (A442) / Birchton Road".
    """
    asked = [(word, *_OPENED.get(word, ())) for word in _words(text)]
    if not asked:
        return []
    held = [_words(name) for name in names]
    found = [k for k, words in enumerate(held) if all(any(word.startswith(form) for word in words for form in forms) for forms in asked)]
    if found:
        return found
    called = [" ".join(_words(name.partition(BETWEEN)[0])) for name in names]
    nearest = difflib.get_close_matches(" ".join(_words(text)), sorted(set(called)), n=3, cutoff=LIKE)
    return [k for name in nearest for k, one in enumerate(called) if one == name]


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _along(ground: Ground, name: str) -> NDArray[np.float64]:
    """Points along every street of a name, m: (points, 2). Their cells are those the street runs through."""
    import shapely

    rows = ground.ask(f"select xy from shape where name = ? and kind <= {int(ROADS[-1])}", (name,))
    lines = [shapely.linestrings(np.frombuffer(blob, dtype="<i4").reshape(-1, 2) / 10) for (blob,) in rows]
    return np.asarray(shapely.get_coordinates(shapely.segmentize(lines, 100.0)), dtype=float)


def _reached(points: NDArray[np.float64], reach: Box) -> tuple[Box, ...]:
    """Those of the points that lie inside the reach of a name, or near it."""
    x, y = points.T
    inside = (reach[0] - 50 <= x) & (x <= reach[2] + 50) & (reach[1] - 50 <= y) & (y <= reach[3] + 50)
    return tuple((x, y, x, y) for x, y in points[inside].tolist())


def sectors(ground: Ground, box: Box) -> list[str]:
    """Postcode sectors (a code without its last two letters) of the postcodes in a box (west, south, east, north, m)."""
    west, south, east, north = (round(v * 10) for v in box)
    rows = ground.ask("select code from postcode where x >= ? and x < ? and y >= ? and y < ?", (west, east, south, north))
    codes = sorted({str(code)[:-2] for (code,) in rows}, key=lambda code: (len(code), code))
    return [f"{code[:-1]} {code[-1]}" for code in codes]


def cells_of(hit: Hit, cells: Sequence[Box]) -> list[int]:
    """Positions of the cells (boxes: west, south, east, north, m) that a hit means: those its boxes meet.

    A west or south edge belongs to the cell, an east or north edge to the next one.
    """
    x0, y0, x1, y1 = np.array(cells, dtype=float).reshape(-1, 4).T
    found = np.zeros(len(cells), dtype=bool)
    for west, south, east, north in hit.boxes:
        found |= (x0 <= east) & (west < x1) & (y0 <= north) & (south < y1)
    return [int(k) for k in np.flatnonzero(found)]
