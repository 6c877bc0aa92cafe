"""The force's map as pages show it: the open ground, a tile, a cell in its streets, the listed cells in the force."""

from __future__ import annotations

import gzip
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from markupsafe import Markup

from harmcast import words
from harmcast.ground import drawing, finding, maps, naming
from harmcast.ground.compiled import Ground
from harmcast.ground.maps import Borders, Cell
from harmcast.publish import released
from harmcast.settings import PlacesTool
from harmcast.store.releases import Release
from harmcast.store.state import State
from harmcast.web import areas
from harmcast.web.areas import Row

TILES_KEPT = 2_000
WIDE_PX, NARROW_PX = (560.0, 440.0), (300.0, 300.0)
_tiles = released.ReadCache(TILES_KEPT)
_open = released.ReadCache(8)


def open_ground(path: Path) -> Ground:
    """The ground of a file, opened once."""
    return _open.get(path, lambda: Ground(path))


def ground_of(state: State) -> Ground | None:
    """The ground that maps are drawn on; None where none was compiled."""
    path = state.grounds.current()
    return open_ground(path) if path is not None else None


def tile(ground: Ground, zoom: int, x: int, y: int) -> bytes:
    """A tile, gzipped; the last TILES_KEPT are kept."""
    return _tiles.get(
        (ground.path, zoom, x, y), lambda: gzip.compress(drawing.tile(ground, zoom, x, y).encode(), compresslevel=5, mtime=0)
    )


def covers(ground: Ground, zoom: int, x: int, y: int) -> bool:
    """Whether a tile meets what the ground covers."""
    side = drawing.TILE_PX / 2.0**zoom
    west, south, east, north = ground.about.bounds
    return x * side <= east and (x + 1) * side >= west and -(y + 1) * side <= north and -y * side >= south


def attribution(state: State) -> str:
    """What stands under every map: the licence's wording, and for an invented force that nothing on it is real."""
    said = state.settings.map.attribution if state.grounds.current() is not None else ""
    return said if said or not state.settings.force.invented else "Invented force: no place is real."


def drawn_by(release: Release, tool: PlacesTool) -> dict[str, Any]:
    """What the release draws: outline, areas, cells."""
    return released.document(release, f"{tool.name}_map")


def cell_of(drawn: dict[str, Any], tool: PlacesTool, row: Row) -> Cell:
    """A row's cell as its release draws it; without rings where it does not."""
    return Cell(row.cell, maps.rings_of(drawn, row.cell, (row.easting_m, row.northing_m), tool.side_m))


def borders(release: Release, tool: str) -> Borders:
    """The force's outline and areas as the release draws them."""
    drawn = released.document(release, f"{tool}_map")
    return Borders(drawn.get("outline") or [], maps.shared([ring for rings in (drawn.get("areas") or {}).values() for ring in rings]))


def cells(release: Release, tool: PlacesTool, rows: Sequence[Row], every: Sequence[Row], keys: Mapping[str, str], recommended: Collection[str]) -> list[Cell]:
    """Rows as cells of a map; `every` row of the release gives the shades."""
    drawn, classes = drawn_by(release, tool), [(c.low, c.shade) for c in areas.classes([row.expected for row in every])]
    return [
        replace(cell_of(drawn, tool, row), shade=maps.shade_of(row.expected, classes), key=keys.get(row.cell, ""), is_recommended=row.cell in recommended)
        for row in rows
    ]


def overviews(
    state: State,
    release: Release,
    tool: PlacesTool,
    rows: Sequence[Row],
    every: Sequence[Row],
    keys: Mapping[str, str],
    recommended: Collection[str],
    *,
    whole_force: bool,
    label: str,
) -> Markup:
    """The listed cells in the force, wide and narrow: the page's style shows the one that fits."""
    ground = ground_of(state)
    key = (
        release.manifest_sha256, tool.name, "overview", ground.name if ground else "", len(rows), rows[0].cell if rows else "",
        tuple(keys.items()), tuple(sorted(recommended)), whole_force, label,
    )  # fmt: skip

    def make() -> Markup:
        drawn = cells(release, tool, rows, every, keys, recommended)
        around = borders(release, tool.name)
        made = [
            f'<div class="app-overview__{name}">'
            + maps.overview(ground, drawn, around, label, width_px=width, height_px=height, whole_force=whole_force, mark=name)
            + "</div>"
            for name, (width, height) in (("wide", WIDE_PX), ("narrow", NARROW_PX))
        ]
        return Markup("".join(made))  # noqa: S704

    return released.kept.get(key, make)


def locators(state: State, release: Release, tool: PlacesTool, row: Row) -> tuple[Markup, Markup]:
    """The cell in its streets, empty without a ground; and where in the force it is."""
    ground = ground_of(state)
    key = (release.manifest_sha256, tool.name, "locator", ground.name if ground else "", row.cell)

    def make() -> tuple[Markup, Markup]:
        cell, around = cell_of(drawn_by(release, tool), tool, row), borders(release, tool.name)
        if not cell.rings:
            return Markup(), Markup()
        label = f"{row.where} in its streets: the frame is square {words.cell(row.cell)}"
        streets = maps.locator(ground, cell, around, label, naming.streets(row.ways)) if ground else ""
        force = maps.where_in_force(cell, around, f"Where {row.where} lies in the force")
        return Markup(streets), Markup(force)  # noqa: S704

    return released.kept.get(key, make)


def postcode_sectors(state: State, release: Release, tool: PlacesTool, row: Row, most: int = 6) -> list[str]:
    """Sectors of the postcodes in the cell, e.g. "ZY1 2"; the last one is "..." where there are more."""
    ground = ground_of(state)
    if ground is None:
        return []
    cell = cell_of(drawn_by(release, tool), tool, row)
    found = finding.sectors(ground, cell.box) if cell.rings else []
    return [*found[:most], "..."] if len(found) > most else found
