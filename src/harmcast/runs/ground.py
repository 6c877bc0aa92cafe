"""The force's map: compiled from the files that the settings name, and the names it gives to cells."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import shapely

from harmcast.documents.plain import PlainRecord
from harmcast.errors import RunStopped, SettingsRefused
from harmcast.ground import compiled, geopackage, naming, open_names
from harmcast.ground.compiled import About, Ground
from harmcast.ground.geopackage import Layers, Shape
from harmcast.ground.kinds import Kind
from harmcast.oversight.log import Event
from harmcast.places.grid import Units
from harmcast.progress import Progress, quiet
from harmcast.runs import force_area
from harmcast.store.grounds import name_of
from harmcast.store.state import State

AROUND_M = 1500.0
FEWEST_CELLS_WITH_ROADS = 0.9


@dataclass(frozen=True)
class GroundMade:
    """What was compiled: its name, what it holds, and what someone should look at."""

    name: str
    about: About
    warnings: tuple[str, ...]

    def document(self) -> PlainRecord:
        return {"ground": self.name, **asdict(self.about), "warnings": list(self.warnings)}

    def lines(self) -> list[str]:
        about = self.about
        said = f"Ground {self.name}: {about.roads:,} roads, {about.places:,} names, {about.postcodes:,} postcodes within {AROUND_M / 1000:g} km of the force."
        return [said, *(f"  Look: {warning}" for warning in self.warnings)]


def compile_ground(state: State, actor: str, progress: Progress = quiet) -> GroundMade:
    """Reads the map files that `[map]` names and keeps what lies near the force; until that is done the last ground stays.

    Raises: SettingsRefused in one sentence, with the file, the layer and the way out.
    """
    settings = state.settings
    if settings.map.ground is None:
        raise SettingsRefused("No map is named.", code="ground_not_named", next_step="Set ground, and names, in [map].")
    force = force_area.force_area_of(settings, state.named_bytes)
    near = _near(force)
    crs = settings.force.crs
    progress("Reading the map", 0.0)
    layers = geopackage.read(_place(state, "map.ground"), near, crs)
    places = open_names.read(_place(state, "map.names"), near, crs) if settings.map.names is not None else []
    layers = Layers(layers.shapes + _neighbourhoods(force), layers.stations, layers.read)
    progress("Placing names", 0.4)
    about: list[About] = []
    event = Event(actor, "operator", "administration", "ground_compiled", object="ground", detail={"roads": sum(s.kind < Kind.RAIL for s in layers.shapes)})
    path = state.grounds.keep(lambda at: about.append(compiled.write(at, layers, places, near, crs)), event, _in_use(state))
    progress("Done", 1.0)
    return GroundMade(name_of(path), about[0], tuple(_warnings(state, force, Ground(path))))


def _place(state: State, setting: str) -> Path:
    path = state.file(setting)
    if path is None:
        raise SettingsRefused(
            "The state does not know where the map files lie.", code="ground_missing", next_step="Give their whole path in [map]."
        )
    return path


def _near(force: force_area.ForceArea) -> Any:
    whole = force.boundary if force.boundary is not None else shapely.union_all(list(force.areas.values())) if force.areas else None
    if whole is None:
        raise SettingsRefused(
            "A map needs the force's boundary, or its areas.", code="boundary_missing", next_step="Name a layer in force.boundary."
        )
    return shapely.buffer(shapely.simplify(whole, 50.0), AROUND_M)


def _neighbourhoods(force: force_area.ForceArea) -> list[Shape]:
    if force.neighbourhoods is None:
        return []
    lines = shapely.line_merge(shapely.union_all(shapely.boundary(force.neighbourhoods.shapes)))
    return [Shape(Kind.NEIGHBOURHOOD, part) for part in shapely.get_parts(lines) if part.geom_type == "LineString"]


def _in_use(state: State) -> set[str]:
    """Names of grounds that releases held were made on."""
    manifests = (state.releases.named(name)[0].manifest() for name in state.releases.names())
    return {str(ground["name"]) for manifest in manifests if (ground := manifest.get("ground"))}


def _warnings(state: State, force: force_area.ForceArea, ground: Ground) -> list[str]:
    found = []
    for tool in state.settings.places_tools:
        if tool.units is None and (state.settings.force.area_from != "boundary" or force.boundary is None):
            continue
        units = force.units(tool, force_area.no_crimes)
        held = ground.holds_roads([tuple(units.outline(i).bounds) for i in range(len(units))])
        if held < FEWEST_CELLS_WITH_ROADS * len(units):
            found.append(f"roads lie in {100 * held / len(units):.0f}% of the cells of {tool.name}: is this the force's own ground?")
    words = state.settings.map.attribution
    if ground.about.postcodes and "OS data" in words and "Royal Mail" not in words:
        found.append('postcodes are shown: the licence asks for "Contains Royal Mail data © Royal Mail copyright and database right" as well.')
    return found


def of_week(state: State, week: str, is_again: bool) -> Ground | None:
    """The ground a week's cells are named by: the current one; for a week made again the one its release names.

    Raises: RunStopped if that one is no longer held.
    """
    if not is_again:
        path = state.grounds.current()
        return Ground(path) if path is not None else None
    own = [r for r in state.releases.of_week(week)]
    named = own[-1].manifest().get("ground") if own else None
    if named is None:
        return None
    path = state.grounds.named(str(named["name"]))
    if path is None:
        raise RunStopped(
            f"The ground {named['name']} that the week's cells were named by is gone.", code="ground_gone", next_step="Restore the newest backup."
        )
    return Ground(path)


def names_of(ground: Ground | None, units: Units, crs: str) -> list[str]:
    """Names of the units, no two alike; without a ground their references alone."""
    outlines = [units.outline(i) for i in range(len(units))]
    return naming.names(outlines, ground.roads() if ground else [], ground.settlements() if ground else [], crs)
