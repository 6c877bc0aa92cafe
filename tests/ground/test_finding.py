"""Finding a place: each way of asking, in its own spelling, and what is not there."""

from __future__ import annotations

import pytest
from tests.ground.by_hand import E, N

from harmcast.ground import finding
from harmcast.ground.compiled import Ground

CRS = "EPSG:27700"
CELLS = [(E, N, E + 1000, N + 1000), (E + 1000, N, E + 2000, N + 1000), (E, N - 1000, E + 1000, N), (E - 1000, N, E, N + 1000)]


def cells(text: str, ground: Ground | None) -> tuple[str, list[list[int]]]:
    found = finding.find(text, ground, CRS)
    return found.asked, [finding.cells_of(hit, CELLS) for hit in found.hits]


@pytest.mark.parametrize(
    ("text", "asked", "which"),
    [
        ("E380000N245000", "cell", [[0]]),
        ("SO 805 455", "grid_reference", [[0]]),
        ("so8045", "grid_reference", [[0]]),
        ("SO 8050 4550", "grid_reference", [[0]]),
        ("380500 245500", "easting_northing", [[0]]),
        ("381000, 245000", "easting_northing", [[1]]),  # a west or south edge belongs to the cell
        ("380000,244999.9", "easting_northing", [[2]]),
        ("ZY1 2AB", "postcode", [[0]]),
        ("zy12ad", "postcode", [[1]]),
        ("ZY1 2", "postcode", [[0, 1]]),
        ("ZY1", "postcode", [[0, 1]]),
        ("ZY2", "postcode", []),
        ("karrastow", "name", [[0]]),
        ("northcroft rd", "name", [[0, 1, 3]]),  # every cell the street runs through
        ("North", "name", [[0, 1, 3]]),
        ("birchton ln", "name", [[0, 2]]),
        ("School", "name", []),
        ("no such place", "name", []),
        ("", "name", []),
        ("'\" OR 1=1 -- *", "name", []),
        ("AND", "name", []),
    ],
)
def test_each_way_of_asking(ground: Ground, text: str, asked: str, which: list[list[int]]) -> None:
    assert cells(text, ground) == (asked, which)


def test_a_hit_with_a_square_means_every_cell_it_meets() -> None:
    wide = finding.Hit("", "", ((E - 500, N - 500, E + 500, N + 500),))
    assert finding.cells_of(wide, CELLS) == [0, 2, 3]


def test_without_a_ground_references_and_metres_still_work() -> None:
    assert cells("SO 805 455", None) == ("grid_reference", [[0]])
    assert cells("380500 245500", None) == ("easting_northing", [[0]])
    assert cells("karrastow", None) == ("name", [])
    assert cells("ZY1 2AB", None) == ("postcode", [])


def test_another_grid_has_no_letters(ground: Ground) -> None:
    assert finding.find("SO 805 455", ground, "EPSG:32631").asked != "grid_reference"


def test_very_long_text_is_cut(ground: Ground) -> None:
    assert cells("karrastow " * 4000, ground)[0] == "name"


PRINTED = ["Karrastow: Northcroft Road (A442) / Birchton Lane", "Karrastow west: B4665", "Zelwick: SO 805 455"]


@pytest.mark.parametrize(
    ("text", "which"),
    [
        ("Karrastow west", [1]),
        ("karrastow", [0, 1]),
        ("Northcroft Rd (A442) / Birchton Lane", [0]),
        ("b4665", [1]),
        ("Karrastaw", [0]),  # one letter wrong: those called so alone
        ("Zelwik", [2]),
        ("Ulham", []),
        ("", []),
    ],
)
def test_a_place_is_found_by_what_is_printed_of_it(text: str, which: list[int]) -> None:
    assert finding.by_name(text, PRINTED) == which
