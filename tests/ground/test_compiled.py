"""The compiled file: the same bytes twice, lines joined, labels that do not touch."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path

import pytest
import shapely
from tests.ground import by_hand

from harmcast.errors import StoreDamaged
from harmcast.ground import compiled, geopackage, labels, open_names
from harmcast.ground.compiled import Ground
from harmcast.ground.geopackage import Layers, Shape
from harmcast.ground.kinds import SETTLEMENTS, Kind
from harmcast.invented import ground as layout
from harmcast.invented.county import build


def test_the_same_files_give_the_same_bytes(files: tuple[Path, Path], tmp_path: Path) -> None:
    near, digests = by_hand.near(), []
    for name in ("one", "two"):
        path = tmp_path / name
        compiled.write(path, geopackage.read(files[0], near, "EPSG:27700"), open_names.read(files[1], near, "EPSG:27700"), near, "EPSG:27700")
        digests.append(hashlib.sha256(path.read_bytes()).hexdigest())
    assert digests[0] == digests[1]


def test_what_was_read_is_held(ground: Ground) -> None:
    about = ground.about
    assert (about.crs, about.roads, about.places, about.postcodes) == ("EPSG:27700", 5, 4, 2)
    assert ground.name == "0123456789ab"
    window = (by_hand.E, by_hand.N, by_hand.E + 1000, by_hand.N + 1000)
    lines = ground.lines(window, list(Kind))
    assert sorted(lines.kinds.tolist()) == [Kind.A_ROAD, Kind.LOCAL, Kind.LOCAL, Kind.RESTRICTED, Kind.RAIL, Kind.WATER, Kind.GREEN]
    assert ground.holds_roads([window, (by_hand.E + 2000, by_hand.N - 2000, by_hand.E + 2100, by_hand.N - 1900)]) == 1


def test_pieces_of_one_street_are_one_line() -> None:
    def piece(x0: float, x1: float, name: str = "High Street") -> Shape:
        return Shape(Kind.LOCAL, shapely.linestrings([[x0, 0.0], [x1, 0.0]]), name)

    joined = compiled.merged([piece(0, 10), piece(20, 10), piece(20, 30), piece(30, 40, "Low Street")])
    assert [(s.name, shapely.length(s.geometry)) for s in joined] == [("High Street", 30.0), ("Low Street", 10.0)]


def test_a_hole_of_a_lake_stays_a_hole(tmp_path: Path) -> None:
    lake = shapely.Polygon([(0, 0), (100, 0), (100, 100), (0, 100)], [[(40, 40), (60, 40), (60, 60), (40, 60)]])
    road = Shape(Kind.LOCAL, shapely.linestrings([[0.0, 0.0], [10.0, 0.0]]))
    compiled.write(tmp_path / "g", Layers([Shape(Kind.WATER, lake), road], [], []), [], shapely.box(0, 0, 200, 200), "EPSG:27700")
    held = Ground(tmp_path / "g").lines((0, 0, 200, 200), [Kind.WATER])
    assert held.holes.tolist() == [False, True]


KIND_OF = {"motorway": Kind.MOTORWAY, "primary": Kind.PRIMARY, "a": Kind.A_ROAD, "b": Kind.B_ROAD, "minor": Kind.MINOR, "local": Kind.LOCAL, "restricted": Kind.RESTRICTED}


def test_no_two_labels_touch_at_their_own_zoom() -> None:
    """Upright boxes of an invented county's labels: those that are not turned never overlap."""
    land = layout.build(build(3, 300, areas=4), 3, 4000)
    roads = compiled.merged([Shape(KIND_OF[k], shapely.linestrings(xy), name, number) for k, name, number, xy in land.roads])
    settlements = [open_names.Place(n.name, n.kind, *n.xy, n.box or (*n.xy, *n.xy), n.near) for n in land.names if n.kind in SETTLEMENTS]
    placed = labels.placed(roads, settlements, [])
    assert {label.style for label in placed} >= {"city", "town", "suburb", "village", "motorway", "shield", "street"}
    for zoom in (-6, -4, -3, -2):
        boxes = [_box(label) for label in placed if label.zoom == zoom and not label.angle]
        assert len(boxes) > 5
        assert not [1 for a, b in itertools.combinations(boxes, 2) if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]]


def _box(label: labels.Label) -> tuple[float, float, float, float]:
    x, y = label.easting_m * 2.0**label.zoom, label.northing_m * 2.0**label.zoom
    return x - label.half_width_px, y - label.half_height_px, x + label.half_width_px, y + label.half_height_px


def test_a_file_that_is_gone_or_damaged_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreDamaged, match="ground-aaaaaaaaaaaa"):
        Ground(tmp_path / "ground-aaaaaaaaaaaa.sqlite").roads()
    (tmp_path / "ground-bbbbbbbbbbbb.sqlite").write_bytes(b"SQLite format 3\x00" + b"\0" * 5000)
    with pytest.raises(StoreDamaged, match="harmcast ground"):
        Ground(tmp_path / "ground-bbbbbbbbbbbb.sqlite").roads()
