"""Were we right? The verdict on each tool, the periods or people it rests on, and whether the tool is still what it was."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, TypedDict, cast

from markupsafe import Markup
from starlette.responses import Response

from harmcast import tables
from harmcast.charts import series as charts
from harmcast.documents import audit, verdict
from harmcast.documents.audit import AuditDocument
from harmcast.documents.person import ReleaseAbout
from harmcast.documents.places_model import PlacesModel
from harmcast.documents.verdict import PlacesVerdict
from harmcast.oversight import access
from harmcast.oversight.access import Action
from harmcast.publish import group_impact, released, roster, track
from harmcast.settings import PlacesTool
from harmcast.store.releases import Release
from harmcast.web import watching
from harmcast.web.analysis_plan import AnalysisPlan, PeoplePlan, analysis_plan, people_plan
from harmcast.web.guard import Here, Pages, Refused, Visit
from harmcast.web.shell import Tab, page, to_first, tool_tabs
from harmcast.words.tools import tool_title

pages = Pages()
VIEWS = {"": "Were we right?", "monitor": "Is it still what it was?", "shadow": "Has it earned a trial?"}


@pages.get("/track-record", Action.VIEW_TRACK_RECORD, view=None)
def track_record_home(visit: Here) -> Response:
    """On to the first tool that this visitor may see."""
    none = Refused(404, "No track record is open to you yet", "A tool is shown once it is in trial or in use.")
    return to_first(visit.seen_tools, "track-record", none)


@pages.get("/track-record/{tool}", Action.VIEW_TRACK_RECORD, view="track_record_viewed")
def track_record(visit: Here, tool: str, view: str = "", week: str = "") -> Response:
    """The track record of one tool, its monitor (`view=monitor`), or its judgement in shadow (`view=shadow`)."""
    found = visit.tool(tool)
    if view in VIEWS and view:
        history = visit.state.releases.history(tool, None)
        return _monitor(visit, found, history, week) if view == "monitor" else _shadow(visit, found, history)
    history = released.history(visit.state, tool)
    if not history:
        raise Refused(404, "Nothing is published yet", "A track record begins with the first release.")
    judged = released.verdict_on(visit.state, found, history)
    record: Any = _record(found, history, judged) if isinstance(found, PlacesTool) and isinstance(judged, PlacesVerdict) else {}
    return page(
        visit,
        "track_record",
        **_around(visit, found, ""),
        about=released.about(history[-1], found, visit.settings.force.timezone),
        verdict=judged,
        parts=by_horizon(history[-1], tool) if found.kind == "people" else [],
        small=visit.settings.people.small_number,
        **record,
    )


class PlacesTrackRecord(TypedDict):
    """What a release settles of a tool for places: areas, sizes of forecast, ranges of places, the fallback rule."""

    listed: int
    groups: list[track.Calibrated]
    calibration_chart: Markup | None
    outcomes: int
    apart: int
    inside: int
    areas: list[track.AreaRecord]
    trial: track.Trial | None
    fallback: list[ModelChange]


def _record(tool: PlacesTool, history: list[Release], judged: PlacesVerdict) -> PlacesTrackRecord:
    """What a release settles, worked out once: areas, sizes of forecast, ranges of places, the fallback rule."""
    newest = history[-1]

    def make() -> PlacesTrackRecord:
        apart = {p.origin for p in verdict.apart(judged.periods, tool.horizon_weeks)}
        past = released.outcomes(newest, history, tool.name, tool.horizon_weeks)
        outcomes = [o for cell in past.values() for o in cell if o.origin in apart]
        groups = track.calibration(outcomes)
        label = "Expected against recorded offences a place"
        return PlacesTrackRecord(
            listed=tables.LISTED_CELLS,
            groups=groups,
            calibration_chart=charts.calibration([g.point for g in groups], label) if groups else None,
            outcomes=len(outcomes),
            apart=len(apart),
            inside=sum(o.place == "inside" for o in outcomes),
            areas=track.by_area(history, newest, tool.name, apart, tool.horizon_weeks, tables.LISTED_CELLS),
            trial=track.trial(newest, tool.name),
            fallback=_fallback_history(history, tool.name),
        )

    return released.kept.get((newest.manifest_sha256, tool.name, "track record", tuple(r.id for r in history)), make)


class Around(TypedDict):
    """What the views of a tool share: its name, the tools, the views that this visitor may open."""

    title: str
    tool: Any
    tool_title: str
    tabs: list[Tab]
    views: list[Tab]


def _around(visit: Visit, tool: Any, view: str) -> Around:
    """What the views of a tool share: its name, the tools, the views that this visitor may open."""
    asked = f"?view={view}" if view == "monitor" else ""
    open_ = [name for name in VIEWS if not name or (visit.may(Action.VIEW_AUDIT) if name == "monitor" else _may_see_shadow(visit, tool))]
    return {
        "title": f"{VIEWS[view]} {tool_title(tool)}",
        "tool": tool,
        "tool_title": tool_title(tool),
        "tabs": tool_tabs(visit.seen_tools, "track-record", tool.name, asked),
        "views": [
            {"text": VIEWS[name], "href": f"/track-record/{tool.name}" + (f"?view={name}" if name else ""), "current": name == view}
            for name in open_
        ],
    }


def _may_see_shadow(visit: Visit, tool: Any) -> bool:
    return visit.role in access.SHADOW_ROLES and visit.statuses.get(tool.name, "shadow") == "shadow"


def _monitor(visit: Visit, tool: Any, history: list[Release], week: str) -> Response:
    """Is it still what it was? What arrives, what is forecast, and what came against it."""
    name = f"{tool.name}_monitor"
    watched = [r for r in history if f"{name}.json" in released.manifest(r).get("files", {})]
    release = next((r for r in watched if r.name == week), watched[-1] if watched else None)
    return page(
        visit,
        "monitor",
        **_around(visit, tool, "monitor"),
        release=release,
        found=watching.monitor_page(release, tool.name, tool.kind) if release else None,
        states=watching.states(watched, tool.name),
        kinds_say=watching.KINDS_SAY,
        thresholds=[
            (t["says"], group_impact.amount(t["value"], t["unit"])) for t in released.document(release, name)["thresholds"]
        ]
        if release
        else [],
    )


def _shadow(visit: Visit, tool: Any, history: list[Release]) -> Response:
    """Has a tool that nobody acts on yet earned a trial? For those who judge it alone."""
    if visit.role not in access.SHADOW_ROLES:
        raise Refused(
            403,
            "You cannot see this",
            "What a tool does in shadow is shown to data scientists and the ethics reviewer alone.",
        )
    weeks = tool.horizon_weeks if tool.kind == "places" else 4
    return page(
        visit,
        "shadow",
        **_around(visit, tool, "shadow"),
        tool_status=visit.statuses.get(tool.name, "shadow"),
        found=watching.shadow_page(history, tool.name, tool.kind, weeks),
        plan=_plan(visit, tool, history) if tool.kind == "places" else None,
        people_plan=_people_plan(visit, tool, history) if tool.kind == "people" else None,
        horizon_weeks=weeks,
    )


def _plan(visit: Visit, tool: Any, history: list[Release]) -> AnalysisPlan:
    shadow = visit.settings.shadow
    model = cast(PlacesModel, released.document(history[-1], f"{tool.name}_model") if history else {})
    entries = visit.state.register.entries(visit.today)
    filed = sorted(entry.dated.isoformat() for entry in entries if entry.tool == tool.name and entry.kind == "analysis_plan" and entry.dated)
    return analysis_plan([bar.says for bar in shadow.places_bar], shadow.weeks_asked, tool.horizon_weeks, model, filed)


def _people_plan(visit: Visit, tool: Any, history: list[Release]) -> PeoplePlan:
    """The plan of the tool about people, of its newest release; groups as the newest audit counted them."""
    newest = history[-1] if history else None
    about = cast(ReleaseAbout, released.document(newest, f"{tool.name}_about") if newest else {})
    model = roster.model_of(visit.state, newest) if newest else None
    newest_audit = next((found for r in reversed(history) if (found := released.document(r, f"{tool.name}_audit"))), {})
    groups = [row for row in audit.said_rows(cast(AuditDocument, newest_audit)) if row["verdict"] != "printed" and row["attribute"] != "everyone"]
    settings = visit.settings
    return people_plan(
        visit.state.register.tool(tool.name, visit.today), visit.state.register.entries(visit.today), [bar.says for bar in settings.shadow.people_bar],
        about, (model or {}).get("outcome"), groups, tool.horizons_months[0], settings.people.capacity, settings.people.useful_share,
    )  # fmt: skip


class ModelChange(TypedDict):
    """A release at which the model that makes the numbers changed, and why."""

    week: str
    fell_back: bool
    model: str | None
    reason: str | None


class BandsCame(TypedDict):
    """What came of each band over one horizon, from the release of one day."""

    months: int
    title: str
    day: date
    rows: list[Mapping[str, object]]


def _fallback_history(history: list[Release], tool: str) -> list[ModelChange]:
    """Releases at which the model that makes the numbers changed, the newest first."""
    found: list[ModelChange] = []
    last = None
    for release in history:
        record = released.document(release, f"{tool}_model")
        fell_back = bool(record.get("fell_back"))
        if last is None or fell_back != last:
            model = release.model or record.get("model")
            found.append({"week": release.name, "fell_back": fell_back, "model": model, "reason": record.get("reason")})
        last = fell_back
    return found[::-1]


WHAT = {
    "reached_high": "High harm reached at a later charge",
    "new_serious_event": "Charged with a new serious event",
}


def by_horizon(release: Release, tool: str) -> list[BandsCame]:
    """What came of each band over whole horizons, from the records as the release published it; empty where it holds none."""
    name = f"{tool}_bands"
    if not released.has(release, name):
        return []
    rows = released.frame(release, name).rows(named=True)
    heads = list(dict.fromkeys((row["horizon_months"], row["what"], row["day"]) for row in rows))
    return [
        {
            "months": months,
            "title": WHAT.get(what, what.replace("_", " ").capitalize()),
            "day": day,
            "rows": [row for row in rows if (row["horizon_months"], row["what"]) == (months, what)],
        }
        for months, what, day in heads
    ]


