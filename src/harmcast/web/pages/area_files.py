"""Files of a places tool: cells as CSV, GeoJSON and GeoPackage; recommendations and recorded activity; what the columns mean."""

from __future__ import annotations

import hashlib
import json
import re

import polars as pl
from starlette.responses import Response

from harmcast import tables
from harmcast.oversight.access import Action
from harmcast.publish import geopackage, released
from harmcast.publish.release_files import NOTICE
from harmcast.publish.verdicts import counts
from harmcast.store import cell_records, exports
from harmcast.store.cell_records import TaskingStep
from harmcast.web import csv_files, open_work
from harmcast.web.guard import Here, Pages, Visit, not_found
from harmcast.web.pages.area import Chosen, about, choose
from harmcast.web.shell import download
from harmcast.words.tools import tool_title

pages = Pages()
CSV = csv_files.MEDIA
COLUMNS = ["cell", "place", "area", "easting_m", "northing_m", "origin", "horizon_weeks", "expected", "lower", "upper", "range_level", "chance_any", "chance_top20", "chance_top20_year", "list_group", "model", "baseline_4w", "baseline_last_year", "baseline_52w", "baseline_24m", "baseline_weeks_seen_4w", "baseline_weeks_seen_last_year", "baseline_weeks_seen_52w", "baseline_weeks_seen_24m"]
RECOMMENDATIONS = {
    "number": "Number of the recommendation.",
    "written_on": "Day it was written.",
    "written_on_release": "Release it was written on.",
    "words": "What was recommended, and why.",
    "state": "Where it stands now, in the words of the pages.",
    "due_on": "Day the next step is due; empty where it is closed.",
    "closed_on": "Day it was closed.",
    "decided": "What tasking decided last: adopted, adopted_in_part, not_adopted, deferred.",
    "decided_on": "Day tasking decided.",
    "done": "What was recorded as done: done, done_in_part, not_done, not_known.",
    "done_words": "What was done, in words.",
    "recorded": "Offences recorded in the cell in the weeks the release spoke of, so far; empty where weekly counts are not published.",
    "by_role": "Role of whoever wrote it.",
}
ACTIVITY = {
    "kind": "Patrol, visit or other.",
    "happened_on": "Day it happened.",
    "minutes": "Minutes, if known.",
    "words": "In words.",
    "by_role": "Role of whoever recorded it.",
}


@pages.get("/areas/{tool}/download.csv", Action.EXPORT_AREAS, view=None)
def download_csv(visit: Here, tool: str, week: str = "", area: str = "") -> Response:
    """The release's cells as CSV."""
    chosen = choose(visit, tool, week)
    frame = _cells(chosen, area)
    return _sent(visit, chosen, _csv(visit, chosen, frame.select([c for c in COLUMNS if c in frame.columns])), frame.height, "csv", CSV, area)


def _csv(visit: Visit, chosen: Chosen, frame: pl.DataFrame) -> bytes:
    line = about(visit, chosen)
    notice = f"{visit.settings.force.name}. {NOTICE}"
    if visit.settings.force.invented:
        notice += " Invented force: no place or figure here is real."
    return csv_files.csv_file(frame, chosen.tool.name, line.week, line.data_to, notice)


@pages.get("/areas/{tool}/columns.csv", Action.EXPORT_AREAS, view=None)
def columns(visit: Here, tool: str, of: str = "cells") -> Response:
    """What each column of a file means: of the cells, of `recommendations` or of `activity`."""
    chosen = choose(visit, tool, "")
    place = [c for c in tables.FORECAST.columns if c.name in ("cell", "place", "area")]
    more = {"recommendations": RECOMMENDATIONS, "activity": ACTIVITY}.get(of)
    content = csv_files.columns_file([c for c in tables.FORECAST.columns if c.name in COLUMNS] if more is None else place, more or {})
    return _sent(visit, chosen, content, 0, f"columns-{of if more else 'cells'}.csv", CSV)


@pages.get("/areas/{tool}/recommendations.csv", Action.EXPORT_AREAS, view=None)
def recommendations(visit: Here, tool: str, area: str = "") -> Response:
    """Every recommendation to tasking on this tool, with what was decided, what was done, and what came."""
    chosen = choose(visit, tool, "")
    places = _places(chosen, area)
    items = {item.number: item for item in open_work.everything(visit.state, visit.today).items if item.kind == "recommendation"}
    weeks = released.frame(chosen.release, f"{tool}_weeks") if released.has(chosen.release, f"{tool}_weeks") else None
    origins = {release.week: release.origin for release in chosen.history}
    rows = []
    for one in cell_records.every(visit.operations, tool):
        item, place = items.get(one["id"]), places.get(one["cell"])
        if place is None or item is None:
            continue
        decided = next((s for s in reversed(one["outcomes"]) if s["step"] == "outcome"), TaskingStep())
        done = next((s for s in reversed(one["outcomes"]) if s["step"] == "done"), TaskingStep())
        origin = origins.get(one["week"])
        came = counts(weeks, origin, chosen.tool.horizon_weeks).get(one["cell"], 0) if weeks is not None and origin else None
        rows.append(
            (one["cell"], *place, one["id"], visit.local(one["at"]).date(), one["week"], one["words"], item.state,
             item.due_on if item.is_open else None, item.closed_on, decided.get("choice"), decided.get("decided_on"), done.get("choice"),
             done.get("words"), came, one["role"])
        )  # fmt: skip
    frame = pl.DataFrame(rows, schema={"cell": pl.String, "place": pl.String, "area": pl.String, **_RECOMMENDED}, orient="row")
    return _sent(visit, chosen, _csv(visit, chosen, frame), frame.height, "recommendations.csv", CSV, area)


_RECOMMENDED: dict[str, type[pl.DataType]] = {
    name: {"number": pl.Int64, "recorded": pl.Int64, "written_on": pl.Date, "due_on": pl.Date, "closed_on": pl.Date, "decided_on": pl.Date}.get(name, pl.String)
    for name in RECOMMENDATIONS
}


@pages.get("/areas/{tool}/activity.csv", Action.EXPORT_AREAS, view=None)
def activity(visit: Here, tool: str, area: str = "") -> Response:
    """Every patrol and visit recorded on this tool's cells."""
    chosen = choose(visit, tool, "")
    places = _places(chosen, area)
    rows = [
        (one["cell"], *places[one["cell"]], one["kind"], one["happened_on"], one["minutes"], one["words"], one["role"])
        for one in cell_records.every_activity(visit.operations, tool)
        if one["cell"] in places
    ]
    kinds: dict[str, type[pl.DataType]] = {"happened_on": pl.Date, "minutes": pl.Float64}
    schema: dict[str, type[pl.DataType]] = {"cell": pl.String, "place": pl.String, "area": pl.String, **{name: kinds.get(name, pl.String) for name in ACTIVITY}}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return _sent(visit, chosen, _csv(visit, chosen, frame), frame.height, "activity.csv", CSV, area)


def _places(chosen: Chosen, area: str) -> dict[str, tuple[str | None, str | None]]:
    """Name and area of each cell of the release, or of one area."""
    frame = _cells(chosen, area)
    frame = frame if "place" in frame.columns else frame.with_columns(place=pl.lit(None, pl.String))
    return {cell: (place, in_area) for cell, place, in_area in frame.select("cell", "place", "area").iter_rows()}


@pages.get("/areas/{tool}/download.geojson", Action.EXPORT_AREAS, view=None)
def download_geojson(visit: Here, tool: str, week: str = "", area: str = "") -> Response:
    """The release's cells as GeoJSON in WGS84, for a map of one's own."""
    chosen = choose(visit, tool, week)
    frame = _cells(chosen, area)
    wanted = set(frame["cell"].to_list())
    document = json.loads(chosen.release.read(f"{tool}.geojson"))
    document["features"] = [f for f in document["features"] if f["properties"]["cell"] in wanted]
    line = about(visit, chosen)
    document.update(notice=NOTICE, release=line.week, data_to=line.data_to.isoformat(), model=line.model)
    content = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    return _sent(visit, chosen, content, frame.height, "geojson", "application/geo+json", area)


@pages.get("/areas/{tool}/download.gpkg", Action.EXPORT_AREAS, view=None)
def download_geopackage(visit: Here, tool: str, week: str = "", area: str = "") -> Response:
    """The release's cells and areas as a GeoPackage with styles, for QGIS or ArcGIS."""
    chosen = choose(visit, tool, week)
    frame = _cells(chosen, area)
    content = geopackage.of_release(chosen.release, tool, tool_title(chosen.tool), visit.settings.force.name, area)
    return _sent(visit, chosen, content, frame.height, "gpkg", "application/geopackage+sqlite3", area)


def _cells(chosen: Chosen, area: str) -> pl.DataFrame:
    frame = released.frame(chosen.release, chosen.tool.name)
    if area:
        frame = frame.filter(pl.col("area") == area)
    if frame.height == 0:
        raise not_found("No area of the release has this name.")
    return frame.sort(["expected", "cell"], descending=[True, False])


def _sent(visit: Visit, chosen: Chosen, content: bytes, rows: int, kind: str, media_type: str, area: str = "") -> Response:
    """The download, after its row and its event are written; the file is named for tool, release and area."""
    what = f"areas:{chosen.tool.name}:{chosen.release.name}:{kind}"
    event = visit.event("disclosure", "areas_downloaded", about=what, rows=rows)
    with visit.writing(event) as tx:
        digest = hashlib.sha256(content).hexdigest()
        exports.note(tx, what, rows, digest, visit.user.account, visit.role.value, visit.user.unit)
    of_area = f"-{re.sub(r'[^A-Za-z0-9]+', '-', area).strip('-').lower()}" if area else ""
    parts = kind if "." in kind else f"cells.{kind}"
    name = f"{chosen.tool.name}-{chosen.release.name}{of_area}-{parts}"
    return download(content, name, media_type)
