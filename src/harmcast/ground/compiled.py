"""The ground of one force in one SQLite file: shapes in two R-trees, labels placed for each zoom, places in an index of words.

Written once (`write`) from what `geopackage` and `open_names` read; opened to read only (`Ground`). The same files give
the same bytes. Coordinates are whole decimetres.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harmcast.errors import StoreDamaged
from harmcast.ground import labels as placing
from harmcast.ground.geopackage import Layers, Shape
from harmcast.ground.kinds import AREAS, POSTCODE, ROADS, SETTLEMENTS, STREETS, Kind
from harmcast.ground.labels import Label
from harmcast.ground.open_names import Place

FORM = 1
_DM = 10.0
_SCHEMA = """
create table about (name text primary key, value text not null) without rowid;
create table shape (id integer primary key, kind integer not null, hole integer not null, name text not null, number text not null, xy blob not null);
create index shape_name on shape (name) where name <> '';
create virtual table streets using rtree (id, x0, x1, y0, y1);
create virtual table other using rtree (id, x0, x1, y0, y1);
create table label (id integer primary key, zoom integer not null, style text not null, words text not null, x integer not null, y integer not null, half_width real not null, half_height real not null, angle real not null);
create virtual table label_at using rtree (id, x0, x1, y0, y1, z0, z1);
create table place (id integer primary key, name text not null, kind text not null, x integer not null, y integer not null, x0 integer not null, y0 integer not null, x1 integer not null, y1 integer not null, near text not null);
create virtual table place_words using fts5 (name, content='', tokenize="unicode61 remove_diacritics 2");
create table postcode (code text primary key, x integer not null, y integer not null) without rowid;
create index postcode_at on postcode (x, y);
"""


@dataclass(frozen=True)
class About:
    """What a compiled ground says of itself.

    Attributes:
        crs: the system of its metres.
        bounds: what it covers, m: west, south, east, north.
        layers: layers of the GeoPackage that were read.
        roads, places, postcodes: how many shapes of roads, names and postcodes it holds.
    """

    crs: str
    bounds: tuple[float, float, float, float]
    layers: tuple[str, ...]
    roads: int
    places: int
    postcodes: int


def merged(shapes: Sequence[Shape]) -> list[Shape]:
    """Lines joined end to end where kind, number and name are the same; polygons as they are; sorted."""
    import shapely

    lines: dict[tuple[Kind, str, str], list[Any]] = defaultdict(list)
    whole = []
    for shape in shapes:
        if shape.kind in AREAS:
            whole.append(shape)
        else:
            lines[shape.kind, shape.number, shape.name].append(shape.geometry)
    joined = [
        Shape(kind, part, name, number)
        for (kind, number, name), parts in sorted(lines.items())
        for part in shapely.get_parts(shapely.line_merge(shapely.multilinestrings(parts)))
    ]
    found = [*joined, *whole]
    first = shapely.bounds(np.array([shape.geometry for shape in found], dtype=object)) if found else np.zeros((0, 4))
    order = sorted(range(len(found)), key=lambda k: (found[k].kind, found[k].name, found[k].number, *first[k].tolist()))
    return [found[k] for k in order]


def write(path: Path, layers: Layers, places: Sequence[Place], near: Any, crs: str) -> About:
    """Writes the file at `path`, which must not exist."""
    shapes = merged(layers.shapes)
    settlements = [p for p in places if p.kind in SETTLEMENTS]
    names = [p for p in places if p.kind != POSTCODE]
    postcodes = {p.name.upper().replace(" ", ""): p for p in places if p.kind == POSTCODE}
    about = About(
        crs,
        tuple(float(v) for v in near.bounds),  # type: ignore[arg-type]
        tuple(layers.read),
        sum(shape.kind in ROADS for shape in shapes),
        len(names),
        len(postcodes),
    )
    with closing(sqlite3.connect(path)) as file, file:
        file.executescript("pragma page_size = 8192; pragma journal_mode = off; pragma synchronous = off;" + _SCHEMA)
        file.execute(f"pragma user_version = {FORM}")
        file.execute("insert into about values ('about', ?)", [json.dumps(about.__dict__, sort_keys=True)])
        _write_shapes(file, shapes)
        roads = [shape for shape in shapes if shape.kind in ROADS]
        _write_labels(file, placing.placed(roads, settlements, layers.stations))
        _write_places(file, names, postcodes)
    return about


def _rings(shape: Shape) -> list[tuple[int, NDArray[np.float64]]]:
    """The lines of a shape: 1 with each ring that is a hole, else 0."""
    import shapely

    if shape.kind not in AREAS:
        return [(0, shapely.get_coordinates(shape.geometry))]
    polygon = shape.geometry
    return [(0, np.asarray(polygon.exterior.coords)), *((1, np.asarray(ring.coords)) for ring in polygon.interiors)]


def _write_shapes(file: sqlite3.Connection, shapes: Sequence[Shape]) -> None:
    rows, boxes = [], {"streets": [], "other": []}  # type: ignore[var-annotated]
    for shape in shapes:
        for hole, xy in _rings(shape):
            whole = np.round(xy[:, :2] * _DM).astype("<i4")
            number = len(rows) + 1
            rows.append((number, int(shape.kind), hole, shape.name, shape.number, whole.tobytes()))
            (x0, y0), (x1, y1) = whole.min(axis=0) / _DM, whole.max(axis=0) / _DM
            boxes["streets" if shape.kind in STREETS else "other"].append((number, x0, x1, y0, y1))
    file.executemany("insert into shape values (?, ?, ?, ?, ?, ?)", rows)
    for table, held in boxes.items():
        file.executemany(f"insert into {table} values (?, ?, ?, ?, ?)", held)


def _write_labels(file: sqlite3.Connection, labels: Sequence[Label]) -> None:
    rows, boxes = [], []
    for number, label in enumerate(labels, start=1):
        x, y = round(label.easting_m * _DM), round(label.northing_m * _DM)
        rows.append((number, label.zoom, label.style, label.words, x, y, label.half_width_px, label.half_height_px, label.angle))
        w, h = (v / 2.0**label.zoom for v in label.reach_px)
        box = (label.easting_m - w, label.easting_m + w, label.northing_m - h, label.northing_m + h)
        boxes.append((number, *box, label.zoom, label.zoom))
    file.executemany("insert into label values (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    file.executemany("insert into label_at values (?, ?, ?, ?, ?, ?, ?)", boxes)


def _write_places(file: sqlite3.Connection, names: Sequence[Place], postcodes: dict[str, Place]) -> None:
    def whole(*values: float) -> list[int]:
        return [round(v * _DM) for v in values]

    rows = [
        (k, p.name, p.kind, *whole(p.easting_m, p.northing_m, *p.box), p.populated_place)
        for k, p in enumerate(names, start=1)
    ]
    file.executemany("insert into place values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    file.executemany("insert into place_words (rowid, name) values (?, ?)", [(row[0], row[1]) for row in rows])
    file.execute("insert into place_words (place_words) values ('optimize')")
    file.executemany(
        "insert into postcode values (?, ?, ?)", [(code, *whole(p.easting_m, p.northing_m)) for code, p in sorted(postcodes.items())]
    )


@dataclass(frozen=True)
class Lines:
    """Shapes of a window: coordinates of all of them (m), and the number of the shape that each point belongs to."""

    kinds: NDArray[np.int64]
    holes: NDArray[np.bool_]
    lengths: NDArray[np.int64]
    xy: NDArray[np.float64]


class Ground:
    """A compiled ground, open to read. One connection a thread; the file never changes once it is named."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mine = threading.local()

    @property
    def name(self) -> str:
        """The twelve characters that name the file by its content."""
        return self.path.stem.removeprefix("ground-")

    @property
    def _file(self) -> sqlite3.Connection:
        held: sqlite3.Connection | None = getattr(self._mine, "file", None)
        if held is None:
            try:
                held = sqlite3.connect(f"{self.path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
            except sqlite3.OperationalError:
                raise _gone(self.path) from None
            self._mine.file = held
        return held

    def ask(self, sql: str, given: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a question. Raises StoreDamaged if the file cannot be read."""
        try:
            return self._file.execute(sql, tuple(given)).fetchall()
        except sqlite3.DatabaseError:
            raise _gone(self.path) from None

    @cached_property
    def about(self) -> About:
        said = json.loads(self.ask("select value from about where name = 'about'")[0][0])
        return About(**{**said, "bounds": tuple(said["bounds"]), "layers": tuple(said["layers"])})

    def lines(self, window: tuple[float, float, float, float], kinds: Sequence[Kind]) -> Lines:
        """Every shape of the kinds whose box meets the window (west, south, east, north, m)."""
        west, south, east, north = window
        wanted = ",".join(str(int(kind)) for kind in kinds)
        rows: list[tuple[Any, ...]] = []
        for table, own in (("streets", STREETS), ("other", frozenset(Kind) - STREETS)):
            if own & frozenset(kinds):
                rows += self.ask(
                    f"select s.kind, s.hole, s.xy from {table} r join shape s on s.id = r.id "
                    f"where r.x1 >= ? and r.x0 <= ? and r.y1 >= ? and r.y0 <= ? and s.kind in ({wanted}) order by s.id",
                    (west, east, south, north),
                )
        xy = np.frombuffer(b"".join(row[2] for row in rows), dtype="<i4").reshape(-1, 2) / _DM
        return Lines(
            np.array([row[0] for row in rows], dtype=np.int64),
            np.array([bool(row[1]) for row in rows], dtype=bool),
            np.array([len(row[2]) // 8 for row in rows], dtype=np.int64),
            xy,
        )

    def labels(self, window: tuple[float, float, float, float], zoom: int) -> list[Label]:
        """Labels of a zoom whose box meets the window, in the order they were placed."""
        west, south, east, north = window
        rows = self.ask(
            "select l.zoom, l.style, l.words, l.x, l.y, l.half_width, l.half_height, l.angle from label_at a join label l on l.id = a.id "
            "where a.x1 >= ? and a.x0 <= ? and a.y1 >= ? and a.y0 <= ? and a.z0 = ? order by l.id",
            (west, east, south, north, zoom),
        )
        return [Label(z, style, words, x / _DM, y / _DM, w, h, angle) for z, style, words, x, y, w, h, angle in rows]

    def roads(self) -> list[Shape]:
        """Every road with a name or a number, as lines."""
        import shapely

        rows = self.ask(
            f"select kind, name, number, xy from shape where kind < {int(Kind.RAIL)} and (name <> '' or number <> '') order by id"
        )
        return [
            Shape(Kind(kind), shapely.linestrings(np.frombuffer(xy, dtype="<i4").reshape(-1, 2) / _DM), name, number)
            for kind, name, number, xy in rows
        ]

    def street(self, name: str, window: tuple[float, float, float, float]) -> list[Shape]:
        """The parts of the roads of one name that run through a window (m), longest first; joined where they meet."""
        import shapely

        rows = self.ask("select kind, xy from shape where name = ? and kind < ?", (name, int(Kind.RAIL)))
        if not rows:
            return []
        lines = [shapely.linestrings(np.frombuffer(xy, dtype="<i4").reshape(-1, 2) / _DM) for _, xy in rows]
        inside = shapely.get_parts(shapely.clip_by_rect(shapely.line_merge(shapely.union_all(lines)), *window))
        parts = [part for part in inside if shapely.get_type_id(part) == 1]
        return [Shape(Kind(rows[0][0]), part, name) for part in sorted(parts, key=shapely.length, reverse=True)]

    def settlements(self) -> list[Place]:
        """Cities, towns, suburbs, villages and hamlets."""
        marks = ",".join("?" * len(SETTLEMENTS))
        return [_place(row) for row in self.ask(f"select {_PLACE} from place where kind in ({marks}) order by id", SETTLEMENTS)]

    def holds_roads(self, boxes: Sequence[tuple[float, float, float, float]]) -> int:
        """In how many of the boxes (west, south, east, north, m) some road's box lies."""
        sql = "select exists (select 1 from {} r join shape s on s.id = r.id where r.x1 >= ? and r.x0 <= ? and r.y1 >= ? and r.y0 <= ? and s.kind < ?)"
        found = 0
        for west, south, east, north in boxes:
            given = (west, east, south, north, int(Kind.RAIL))
            found += any(self.ask(sql.format(table), given)[0][0] for table in ("streets", "other"))
        return found


_PLACE = "name, kind, x, y, x0, y0, x1, y1, near"


def _place(row: tuple[Any, ...]) -> Place:
    name, kind, *whole, near = row
    x, y, x0, y0, x1, y1 = (v / _DM for v in whole)
    return Place(name, kind, x, y, (x0, y0, x1, y1), near)


def _gone(path: Path) -> StoreDamaged:
    return StoreDamaged(
        f"The compiled ground {path.name} cannot be read.", code="ground_unreadable", next_step="Run `harmcast ground STATE` again."
    )
