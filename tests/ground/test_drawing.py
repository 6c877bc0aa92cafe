"""Drawings: sound SVG, nothing that a page's policy of content forbids, what shows at which scale."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from tests.ground.by_hand import E, N

from harmcast.ground import drawing, maps
from harmcast.ground.compiled import Ground
from harmcast.ground.drawing import View
from harmcast.ground.labels import Label

SVG = "{http://www.w3.org/2000/svg}"


def texts(root: ET.Element) -> set[str]:
    return {t.text or "" for t in root.iter(f"{SVG}text")}


def test_a_tile_counts_as_leaflet_does(ground: Ground) -> None:
    """At zoom -1 a tile is 1,024 m: x 371 begins at 379,904 m, y -240 ends in the north at 245,760 m."""
    root = ET.fromstring(drawing.tile(ground, -1, 371, -240))
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("512", "512", "0 0 512 512")
    paths = {p.get("id"): p.get("d") for p in root.iter(f"{SVG}path") if p.get("id")}
    # the A road lies at 245,300 m: 460 m under the top, 230 px, 460 half pixels; 12 px stand out on both sides
    assert paths["g2"] == "M-24 460l1072 0"


@pytest.mark.parametrize(
    ("zoom", "shown", "hidden"),
    [
        (-7, {"Karrastow"}, {"A442", "Northcroft Road", "Ulham"}),
        (-2, {"Karrastow", "Northcroft Road"}, {"St Mary's School"}),
    ],
)
def test_what_is_named_at_which_scale(ground: Ground, zoom: int, shown: set[str], hidden: set[str]) -> None:
    side = 512 / 2.0**zoom
    found = texts(ET.fromstring(drawing.tile(ground, zoom, int((E + 500) // side), int(-(N + 400) // side))))
    assert shown <= found
    assert not hidden & found


def test_local_roads_show_from_nine_metres_a_pixel(ground: Ground) -> None:
    def drawn(zoom: float) -> set[str]:
        return set(re.findall(r'id="g(\d+)"', drawing.shapes(ground, View((E, N, E + 1000, N + 1000), zoom))))

    assert "5" in drawn(-3)
    assert "5" not in drawn(-4)
    assert "2" in drawn(-6)
    assert "2" not in drawn(-7)


def test_a_drawing_holds_presentation_attributes_alone(ground: Ground) -> None:
    text = drawing.tile(ground, -1, 371, -240).replace('xmlns="http://www.w3.org/2000/svg"', "")
    for forbidden in ("style=", "<style", "<script", "onload", "http:", "https:", "url(", "<image", "class="):
        assert forbidden not in text


def test_names_are_escaped() -> None:
    label = Label(0, "town", '<script>&"', E, N, 10, 5)
    assert "&lt;script&gt;&amp;&quot;" in drawing._text(label, View((E, N, E + 10, N + 10), 0))


def test_an_empty_place_is_an_empty_tile(ground: Ground) -> None:
    assert drawing.tile(ground, 0, 10, -10).endswith('viewBox="0 0 512 512"></svg>')


def test_nothing_is_drawn_without_a_ground() -> None:
    assert drawing.draw(None, View((0, 0, 100, 100), 0)) == ""


def cell(column: int = 0, key: str = "", recommended: bool = False) -> maps.Cell:
    return maps.Cell(f"E{column}", maps.squares((E + 500 + 1000 * column, N + 500), 1000.0), 3, key, recommended)


BORDERS = maps.Borders([[[E - 1000, N - 1000], [E + 3000, N - 1000], [E + 3000, N + 3000], [E - 1000, N + 3000], [E - 1000, N - 1000]]])


def test_a_cell_fills_at_most_62_hundredths_of_the_height(ground: Ground) -> None:
    """1,000 m at a quarter pixel a metre is 250 px; at half a pixel 500 px would be more than 260."""
    root = ET.fromstring(maps.locator(ground, cell(), BORDERS, "Cell E380000 N245000 in its streets"))
    assert (root.get("role"), root.get("aria-label")) == ("img", "Cell E380000 N245000 in its streets")
    frame = next(p for p in root.iter(f"{SVG}path") if p.get("stroke-width") == "3" and p.get("fill") == "none")
    assert frame.get("d") == "M185 85h250v250h-250z"
    assert {"Karrastow", "Northcroft Road"} <= texts(root)
    assert "200 m" in texts(root)


def test_a_listed_cell_has_its_key_and_names_step_aside(ground: Ground) -> None:
    cells = [cell(0, "A", True), cell(1, "B"), cell(2)]
    root = ET.fromstring(maps.overview(ground, cells, BORDERS, "Map", width_px=560, height_px=420, whole_force=False))
    assert {"A", "B", "Karrastow"} <= texts(root)
    name = next(t for t in root.iter(f"{SVG}text") if t.text == "Karrastow")
    key = next(r for r in root.iter(f"{SVG}rect") if r.get("rx") == "3")
    # its point lies in the middle of A's cell, under the key: its line (12.5 px) stands clear above or below the key (16 px)
    assert abs(float(name.get("y") or 0) - 4 - (float(key.get("y") or 0) + 8)) >= 14
    keys = [r for r in root.iter(f"{SVG}rect") if r.get("rx") == "3"]
    assert [k.get("fill") for k in keys] == ["#0b0c0c", "#fff"]


def test_the_streets_a_place_is_called_by_are_named_on_its_map_once(ground: Ground) -> None:
    """Short Close is 100 m, 25 px at a quarter pixel a metre: no room along it for 61 px of letters, so its name stands level."""

    def named(*streets: str) -> list[str]:
        root = ET.fromstring(maps.locator(ground, cell(), BORDERS, "Cell", streets))
        return [t.text or "" for t in root.iter(f"{SVG}text") if t.text in ("Short Close", "Northcroft Road", "Back Way")]

    assert named().count("Short Close") == 0
    assert sorted(named("Short Close", "Northcroft Road")) == sorted({*named(), "Short Close", "Northcroft Road"})
    assert named("No Such Street") == named()


def test_no_name_of_a_picture_is_cut_by_its_edge(ground: Ground) -> None:
    """Karrastow is 59 px wide: with its point 20 px from the west edge it would be cut, and steps to the east."""
    whole = View((E + 420, N, E + 1420, N + 1000), -2)
    assert ">Karrastow<" in drawing.names(ground, whole)
    x = float(re.search(r'<text x="([\d.]+)"[^>]*>Karrastow<', drawing.names_of_picture(ground, whole))[1])  # type: ignore[index]
    assert x >= 29


def test_a_town_steps_aside_for_a_small_recommended_cell(ground: Ground) -> None:
    """In a window of 42 km the cell is 13 px; Karrastow's point is its middle."""
    far = [maps.Cell(f"far {k}", maps.squares((E + 500 + k, N + 500), 1000.0)) for k in (-20_000, 20_000)]

    def at(recommended: bool) -> float:
        root = ET.fromstring(maps.overview(ground, [cell(0, "", recommended), *far], BORDERS, "Map", width_px=560, height_px=420, whole_force=True))
        return float(next(t for t in root.iter(f"{SVG}text") if t.text == "Karrastow").get("y") or 0)

    assert abs(at(True) - at(False)) >= 12


def test_a_key_stands_outside_a_small_cell_with_a_line_to_it() -> None:
    far = maps.Cell("far", maps.squares((E + 40_000, N + 500), 1000.0))
    root = ET.fromstring(maps.overview(None, [cell(0, "A"), far], BORDERS, "Map", width_px=560, height_px=420, whole_force=True))
    key = next(r for r in root.iter(f"{SVG}rect") if r.get("rx") == "3")
    frame = next(r for r in root.iter(f"{SVG}rect") if r.get("fill") == "none")
    left, right = float(key.get("x") or 0), float(key.get("x") or 0) + 16
    top, bottom = float(key.get("y") or 0), float(key.get("y") or 0) + 16
    x0, y0 = float(frame.get("x") or 0), float(frame.get("y") or 0)
    x1, y1 = x0 + float(frame.get("width") or 0), y0 + float(frame.get("height") or 0)
    assert right <= x0 or left >= x1 or bottom <= y0 or top >= y1
    assert [p for p in root.iter(f"{SVG}path") if p.get("stroke-width") == "1.4"]


def test_a_shade_is_that_of_the_highest_class_reached() -> None:
    classes = [(0.0, 2), (0.1, 3), (1.0, 4)]
    assert [maps.shade_of(x, classes) for x in (0.0, 0.0999, 0.1, 5.0)] == [2, 2, 3, 4]


def test_a_border_that_two_areas_share_is_drawn_once_and_stays_open() -> None:
    west = [[0.0, 0.0], [0.0, 20.0], [10.0, 20.0], [10.0, 5.0], [10.0, 0.0], [0.0, 0.0]]
    east = [[10.0, 0.0], [10.0, 20.0], [20.0, 20.0], [20.0, 0.0], [10.0, 0.0]]
    lines = maps.shared([west, east])
    metres = sum(abs(a[0] - b[0]) + abs(a[1] - b[1]) for line in lines for a, b in pairwise(line))
    assert metres == 2 * (10 + 20 + 10) + 20  # the 20 m between them once
    view = maps._centred((10.0, 10.0), 0.0, 40.0, 40.0)
    assert maps._path(lines, view).count("M") == len(lines) == 3
    assert "z" not in maps._path(lines, view)
    assert maps._path([west], view).endswith("z")


def test_a_lone_area_is_a_ring_and_no_area_is_nothing() -> None:
    ring = [[0.0, 0.0], [0.0, 9.0], [7.0, 12.0], [9.0, 0.0], [0.0, 0.0]]
    (line,) = maps.shared([ring])
    assert line[0] == line[-1]
    assert maps.shared([]) == []
