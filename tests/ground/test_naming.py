"""Names of cells by the written rule; expected names are written out."""

from __future__ import annotations

import pytest
import shapely
from tests.ground import by_hand
from tests.ground.by_hand import E, N

from harmcast.ground import naming
from harmcast.ground.compiled import Ground
from harmcast.ground.geopackage import Shape
from harmcast.ground.kinds import Kind
from harmcast.ground.open_names import Place

CRS = "EPSG:27700"


def square(column: int, row: int) -> object:
    return shapely.box(E + 1000 * column, N + 1000 * row, E + 1000 * (column + 1), N + 1000 * (row + 1))


def place(name: str, kind: str, x: float, y: float) -> Place:
    return Place(name, kind, E + x, N + y, (E + x, N + y, E + x, N + y), name)


def road(name: str, kind: Kind, *points: tuple[float, float], number: str = "") -> Shape:
    return Shape(kind, shapely.linestrings(by_hand.line(*points)), name, number)


def test_the_land_drawn_by_hand(ground: Ground) -> None:
    cells = [square(0, 0), square(1, 0), square(0, 1), square(0, -2), square(-1, -1)]
    assert naming.names(cells, ground.roads(), ground.settlements(), CRS) == [
        "Karrastow: Northcroft Road (A442) / Birchton Lane",  # 3,000 and 900 before 540 of the restricted way; the close is short
        "Karrastow east: Northcroft Road (A442)",
        "Karrastow north: M98",
        "Karrastow south: SO 805 435",
        "Karrastow south-west: SO 795 445",
    ]


def test_a_town_inside_comes_before_a_nearer_hamlet_inside() -> None:
    settlements = [place("Ulham", "Hamlet", 500, 500), place("Karrastow", "Town", 900, 900)]
    assert naming.names([square(0, 0)], [], settlements, CRS) == ["Karrastow: SO 805 455"]


def test_outside_a_bonus_in_metres_decides() -> None:
    """Town: 350 m nearer than it is; hamlet: 100 m farther."""
    town, village = place("Karrastow", "Town", 500 + 1340, 500), place("Wilwold", "Village", 500 - 1000, 500)
    assert naming.names([square(0, 0)], [], [town, village], CRS)[0].startswith("Karrastow west")
    town = place("Karrastow", "Town", 500 + 1360, 500)
    assert naming.names([square(0, 0)], [], [town, village], CRS)[0].startswith("Wilwold east")
    hamlet = place("Ulham", "Hamlet", 500, 500 - 910)
    assert naming.names([square(0, 0)], [], [village, hamlet], CRS)[0].startswith("Wilwold east")


def test_the_direction_is_left_out_within_55_hundredths_of_a_side() -> None:
    assert naming.names([square(0, 0)], [], [place("Wilwold", "Village", -49, 500)], CRS)[0] == "Wilwold: SO 805 455"
    assert naming.names([square(0, 0)], [], [place("Wilwold", "Village", -51, 500)], CRS)[0] == "Wilwold east: SO 805 455"


def test_eighths_of_the_compass() -> None:
    around = {
        "east": (-900, 500), "north-east": (-900, -900), "north": (500, -900), "north-west": (1900, -900),
        "west": (1900, 500), "south-west": (1900, 1900), "south": (500, 1900), "south-east": (-900, 1900),
    }  # fmt: skip
    for eighth, (x, y) in around.items():
        assert naming.names([square(0, 0)], [], [place("Wilwold", "Village", x, y)], CRS) == [f"Wilwold {eighth}: SO 805 455"]


def test_a_road_counts_from_150_metres() -> None:
    short = road("Short Road", Kind.LOCAL, (100, 100), (249, 100))
    enough = road("Enough Road", Kind.LOCAL, (100, 200), (250, 200))
    assert naming.names([square(0, 0)], [short, enough], [], CRS) == ["Enough Road"]


def test_a_motorway_weighs_less_than_a_street() -> None:
    roads = [
        road("", Kind.MOTORWAY, (0, 100), (1000, 100), number="M98"),
        road("Low Street", Kind.LOCAL, (0, 200), (810, 200)),
        road("Back Way", Kind.RESTRICTED, (0, 300), (1000, 300)),
    ]
    assert naming.names([square(0, 0)], roads, [], CRS) == ["Low Street / M98"]


def test_two_alike_are_told_apart_by_a_third_road_then_by_reference() -> None:
    main = [road("Long Road", Kind.A_ROAD, (0, 100), (3000, 100)), road("Far Road", Kind.A_ROAD, (0, 200), (3000, 200))]
    third = road("Third Lane", Kind.LOCAL, (100, 300), (600, 300))
    assert naming.names([square(k, 0) for k in range(3)], [*main, third], [], CRS) == [
        "Far Road / Long Road / Third Lane",
        "Far Road / Long Road, SO 815 455",
        "Far Road / Long Road, SO 825 455",
    ]


def test_without_a_map_a_cell_has_its_reference_alone() -> None:
    assert naming.names([square(0, 0)], [], [], CRS) == ["SO 805 455"]
    assert naming.names([square(0, 0)], [], [], "EPSG:32631") == ["E380500 N245500"]


def test_a_name_comes_apart_into_two_lines() -> None:
    assert naming.parted("Karrastow east: Northcroft Road (A442)") == ("Karrastow east", "Northcroft Road (A442)")
    assert naming.parted("SO 805 455") == ("SO 805 455", "")


@pytest.mark.parametrize(
    ("ways", "streets"),
    [
        ("Northcroft Road (A442) / Birchton Lane", ["Northcroft Road", "Birchton Lane"]),
        ("B4665 / Low Street", ["Low Street"]),
        ("M98", []),
        ("Acre Way", ["Acre Way"]),
        ("High Street (A1(M)) / A38(M)", ["High Street"]),
        ("", []),
    ],
)
def test_streets_of_a_name(ways: str, streets: list[str]) -> None:
    assert naming.streets(ways) == streets
