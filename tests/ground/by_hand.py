"""A few roads and names drawn by hand, as a GeoPackage and as Open Names, so that every expected value can be read off."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from harmcast.invented import ground as layout
from harmcast.invented.ground import Land, NamesRow

# around SO 80 45: the square kilometre E380000N245000 with its south-west corner there
E, N = 380_000.0, 245_000.0


def line(*points: tuple[float, float]) -> np.ndarray:
    """A line of points given in metres east and north of the corner."""
    return np.array(points, dtype=float) + np.array([E, N])


def land() -> Land:
    """A town with its point in the cell, a main road across it, a lane, a short close, a river, a lake with a park over it."""
    drawn = Land()
    drawn.roads = [
        ("a", "Northcroft Road", "A442", line((-500, 300), (1500, 300))),
        ("local", "Birchton Lane", "", line((200, -400), (200, 900))),
        ("local", "Short Close", "", line((600, 600), (700, 600))),
        ("restricted", "Back Way", "", line((800, 50), (800, 950))),
        ("motorway", "", "M98", line((-500, 1200), (1500, 1200))),
    ]
    drawn.rail = [line((-500, 800), (1500, 800))]
    drawn.stations = [("Karrastow", (E + 500, N + 800))]
    drawn.rivers = [line((-500, -200), (1500, -200))]
    drawn.water = [line((100, 100), (300, 100), (300, 300), (100, 300), (100, 100))]
    drawn.green = [line((0, 0), (400, 0), (400, 400), (0, 400), (0, 0))]
    drawn.names = [
        named("Karrastow", "Town", 500, 500),
        named("Ulham", "Hamlet", 520, 480),
        named("St Mary's School", "Primary Education", 510, 510),
        NamesRow("Northcroft Road", "Named Road", (E + 500, N + 300), (E - 500, N + 300, E + 1500, N + 300), "Karrastow"),
        NamesRow("Birchton Lane", "Named Road", (E + 200, N + 200), (E + 200, N - 400, E + 200, N + 900), "Karrastow"),
        NamesRow("ZY1 2AB", "Postcode", (E + 450, N + 450), None, "Karrastow"),
        NamesRow("ZY1 2AD", "Postcode", (E + 1450, N + 450), None, "Karrastow"),
    ]
    return drawn


def named(name: str, kind: str, x: float, y: float) -> NamesRow:
    return NamesRow(name, kind, (E + x, N + y), (E + x - 300, N + y - 300, E + x + 300, N + y + 300), name)


def near() -> object:
    import shapely

    return shapely.box(E - 2500, N - 2500, E + 3500, N + 3500)


def written(folder: Path) -> tuple[Path, Path]:
    """The land's GeoPackage and its folder of names."""
    drawn = land()
    layout.write_geopackage(drawn, folder / "roads.gpkg")
    layout.write_names(drawn, folder / "names")
    return folder / "roads.gpkg", folder / "names"
