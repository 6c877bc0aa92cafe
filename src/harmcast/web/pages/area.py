"""My area: one tool's release as a table and a map, what changed first; and its one-page briefing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import polars as pl
from markupsafe import Markup
from starlette.responses import Response

from harmcast.documents.changed import AreaTotal
from harmcast.ground import naming
from harmcast.oversight.access import Action
from harmcast.publish import released
from harmcast.settings import PlacesTool
from harmcast.store import cell_records
from harmcast.store.grounds import name_of
from harmcast.store.releases import Release
from harmcast.web import areas, force_map, open_work
from harmcast.web.areas import Row
from harmcast.web.guard import Here, Pages, Refused, Visit, not_found
from harmcast.web.shell import page, rows_shown, to_first, tool_tabs
from harmcast.words.tools import tool_title

pages = Pages()
RECENT_RELEASES = 26
MOST_RECOMMENDED = 5  # places of one briefing: more do not fit on its page
NAMED_CHANGES = 3
KEYS = "ABCDE"
PATROL_DAYS = 28


@dataclass(frozen=True)
class Chosen:
    """A tool's release as asked for: published, or the newest one."""

    tool: PlacesTool
    release: Release
    history: list[Release]
    is_newest: bool

    @property
    def upto(self) -> list[Release]:
        """The releases up to this one, oldest first."""
        return [r for r in self.history if r.origin <= self.release.origin]

    @property
    def before(self) -> Release | None:
        """The release before this one."""
        earlier = [r for r in self.history if r.origin < self.release.origin]
        return earlier[-1] if earlier else None


def choose(visit: Visit, name: str, week: str) -> Chosen:
    """The published release that was asked for. Raises Refused where there is none."""
    tool = visit.places_tool(name)
    history = released.history(visit.state, name)
    if not history:
        raise Refused(
            404,
            "Nothing is published yet",
            f"{tool_title(tool)} has no published release. It appears here after the first weekly run is released.",
        )
    if not week:
        return Chosen(tool, history[-1], history, True)
    for release in history:
        if release.name == week:
            return Chosen(tool, release, history, release.name == history[-1].name)
    raise not_found("No published release has this name.")


def rows_of(chosen: Chosen) -> list[Row]:
    """Every cell of the release with what came of the releases before, read once a release."""
    return areas.of_release(chosen.release, chosen.tool, chosen.history)


@pages.get("/areas", Action.VIEW_AREAS, view=None)
def my_area_home(visit: Here) -> Response:
    """On to the first tool that this visitor may see."""
    none = Refused(403, "No area tool is open to you yet", "A tool is shown once it is in trial or in use, and once your training on it is recorded.")
    return to_first(open_tools(visit), "areas", none)


@pages.get("/areas/{tool}", Action.VIEW_AREAS, view="areas_viewed")
def my_area(visit: Here, tool: str, week: str = "", area: str = "", sort: str = "expected", at: int = 1) -> Response:
    """The table, the map, what changed first."""
    chosen = choose(visit, tool, week)
    everything = rows_of(chosen)
    named = sorted({row.area for row in everything if row.area})
    if area and area not in named:
        raise not_found("No area of the release has this name.")
    if sort not in areas.ORDERS:
        sort = "expected"
    inside = [row for row in everything if not area or row.area == area]
    shown = areas.ordered(inside, sort)
    part = rows_shown(at, len(shown), areas.PAGE_ROWS)
    recommended = {r["cell"] for r in cell_records.of_week(visit.state.operations, tool, chosen.release.week)}
    hours = patrol_hours(visit, tool)
    return page(
        visit,
        "area",
        title=f"{tool_title(chosen.tool)}{f': {area}' if area else ''}",
        **around(visit, chosen, week=week, area=area, sort=sort if sort != "expected" else ""),
        releases=[r for r in reversed(chosen.history)][:RECENT_RELEASES],
        areas_named=named,
        area=area,
        total=released.total(chosen.release, tool, area or None),
        changes=released.what_changed(tool, chosen.upto, area or None).lines(area or "The force"),
        rows=shown[part["start"] :][: areas.PAGE_ROWS],
        **part,
        groups=areas.groups(inside),
        list_says=areas.list_says(chosen.release, tool),
        sort=sort,
        orders=areas.ORDERS,
        classes=areas.classes([row.expected for row in everything]),
        map_data=map_data(chosen, inside),
        written=cell_records.marked(visit.state.operations, tool, chosen.release.week),
        places={row.cell: row.where for row in everything},
        marked_cells=recommended,
        overview=force_map.overviews(
            visit.state, chosen.release, chosen.tool, inside, everything, {}, recommended, whole_force=not area,
            label=f"Map of {area or 'the force'}: places by expected offences",
        ),
        has_ground=visit.state.grounds.current() is not None,
        map_layers=map_layers(visit, chosen, recommended, hours),
        patrols=hours,
        patrol_days=PATROL_DAYS,
        area_rows=area_rows(chosen.release, tool) if not area else [],
    )


def patrol_hours(visit: Visit, tool: str) -> dict[str, float]:
    """Hours of patrol recorded on each place in the last PATROL_DAYS days, to a tenth."""
    since = visit.today - timedelta(days=PATROL_DAYS)
    return {cell: round(value, 1) for cell, value in cell_records.patrol_hours(visit.operations, tool, since).items()}


def map_layers(visit: Visit, chosen: Chosen, recommended: set[str], hours: Mapping[str, float]) -> Markup:
    """What the map draws over and under the cells, as JSON that is safe inside a page: ground, marks, patrols."""
    ground = visit.state.grounds.current()
    data = {
        "tiles": f"/ground/{name_of(ground)}/{{z}}/{{x}}/{{y}}.svg" if ground else None,
        "service": "/map-service/{z}/{x}/{y}" if visit.settings.map.wms_url else None,
        "recommended": sorted(recommended),
        "patrols": hours,
        "patrol_days": PATROL_DAYS,
    }
    return in_page(data)


def in_page(data: Any) -> Markup:
    """JSON that may stand inside a page's script element."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))  # noqa: S704


def open_tools(visit: Visit) -> list[PlacesTool]:
    """The places tools that this visitor may see and is trained on."""
    return [tool for tool in visit.settings.places_tools if visit.may_see(tool.name) and tool.name in visit.trained]


def about(visit: Visit, chosen: Chosen) -> released.ReleaseLine:
    """The line about the release."""
    return released.about(chosen.release, chosen.tool, visit.settings.force.timezone)


def around(visit: Visit, chosen: Chosen, **given: str) -> dict[str, Any]:
    """What the pages of a places tool share; `given`: what their links ask for again."""
    return {
        "about": about(visit, chosen),
        "tool": chosen.tool,
        "tool_title": tool_title(chosen.tool),
        "tabs": tool_tabs(open_tools(visit), "areas", chosen.tool.name),
        "chosen": chosen,
        "attribution": force_map.attribution(visit.state),
        "given": {"week": "" if chosen.is_newest else chosen.release.name, **given},
    }


def area_rows(release: Release, tool: str) -> list[AreaTotal]:
    """Policing areas with their expected totals, the highest first; the force last."""
    if not released.has(release, f"{tool}_areas"):
        return []
    frame = released.frame(release, f"{tool}_areas")
    parts = frame.filter(pl.col("area").is_not_null()).sort("expected", descending=True)
    return cast("list[AreaTotal]", pl.concat([parts, frame.filter(pl.col("area").is_null())]).rows(named=True))


def map_data(chosen: Chosen, inside: Sequence[Row]) -> Markup:
    """What the map draws, as JSON that is safe inside a page."""
    release, tool = chosen.release, chosen.tool
    key = (release.manifest_sha256, tool.name, "map", tuple(row.cell for row in inside))

    def make() -> Markup:
        drawn = released.document(release, f"{tool.name}_map")
        shades = areas.classes([row.expected for row in rows_of(chosen)])
        borders = force_map.borders(release, tool.name)
        data = {
            "fields": areas.MAP_FIELDS,
            "cells": areas.map_cells(inside),
            "shapes": drawn.get("cells") or {},
            "side_m": drawn.get("side_m") or tool.side_m,
            "outline": borders.outline,
            "areas": borders.areas,
            "classes": [[c.low, c.shade] for c in shades],
            "address": f"/areas/{tool.name}/cells/",
            "week": "" if chosen.is_newest else release.name,
        }
        return in_page(data)

    return released.kept.get(key, make)


@dataclass(frozen=True)
class BriefingPlace:
    """One recommended place as the briefing prints it; what an older recommendation does not hold is said so."""

    letter: str
    number: int
    row: Row
    reference: str
    place: str
    time: str
    why: str
    asked: str


def recommended(visit: Visit, tool: str, rows: Sequence[Row]) -> tuple[list[BriefingPlace], list[int]]:
    """The newest open recommendations on these places, MOST_RECOMMENDED of them and in the order they were made; numbers of the rest."""
    by_cell = {row.cell: row for row in rows}
    found = [i for i in open_work.seen(visit) if i.kind == "recommendation" and i.key in open_work.ON_BRIEFING and i.tool == tool and i.about in by_cell]
    numbers = sorted({item.number for item in found}, reverse=True)
    shown = []
    for letter, number in zip(KEYS, sorted(numbers[:MOST_RECOMMENDED]), strict=False):
        held = cell_records.recommendation(visit.operations, number)
        if held is None:
            continue
        row = by_cell[held["cell"]]
        reference = naming.reference(row.easting_m, row.northing_m, visit.settings.force.crs)
        why = str(held["words"] or "")
        most = cell_records.LENGTHS["why"]
        shown.append(
            BriefingPlace(letter, number, row, reference, held["place_words"] or row.where, held["time_words"] or "Not known",
                        why if len(why) <= most else f"{why[: most - 1].rstrip()}…", held["asked"] or "Not said: ask the analyst.")
        )  # fmt: skip
    return shown, sorted(numbers[MOST_RECOMMENDED:])


@pages.get("/areas/{tool}/briefing", Action.VIEW_AREAS, view="briefing_viewed")
def briefing(visit: Here, tool: str, week: str = "", area: str = "") -> Response:
    """One A4 page for tasking: the force, what changed, how far to trust it, and the recommended places with boxes to fill in."""
    chosen = choose(visit, tool, week)
    everything = rows_of(chosen)
    inside = [row for row in everything if not area or row.area == area]
    if not inside:
        raise not_found("No area of the release has this name.")
    shown, left = recommended(visit, tool, inside)
    letters = {one.row.cell: one.letter for one in reversed(shown)}
    spans = areas.groups(everything)
    return page(
        visit,
        "briefing",
        title=f"Tasking briefing: {tool_title(chosen.tool)}",
        **around(visit, chosen, week=week, area=area),
        area=area,
        total=released.total(chosen.release, tool, area or None),
        shown=shown,
        left=left,
        first_group=spans[everything[0].group].cells,
        overview=force_map.overviews(
            visit.state, chosen.release, chosen.tool, everything, everything, letters, set(letters), whole_force=not area,
            label="Map of the places listed below; a letter is the table's own",
        ),
        changes=released.what_changed(tool, chosen.upto, area or None).sentences(
            {row.cell: letters.get(row.cell) or name for row, name in zip(everything, areas.names(everything), strict=True)}, area or "The force", NAMED_CHANGES
        ),
        verdict=released.verdict_on(visit.state, chosen.tool, chosen.history),
        back=f"/areas/{tool}",
    )
