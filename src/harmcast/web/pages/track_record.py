"""Were we right? Hits, ceiling and plain counts by release; expected against recorded; ranges; when the plain count stepped in."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from harmcast import tables
from harmcast.charts import series as charts
from harmcast.charts.series import Line
from harmcast.oversight.access import Action
from harmcast.settings import PlacesTool
from harmcast.statistics import share_interval
from harmcast.store.releases import Release
from harmcast.web import released, track
from harmcast.web.guard import Here, Pages, Refused, Visit
from harmcast.web.shell import go, page
from harmcast.words.tools import tool_title

pages = Pages()
SHOWN = 52
SHORT = {"ours": "This tool", "foresight": "Best possible", "count_24m": "24-month count", "count_4w": "Last 4 weeks"}


@pages.get("/track-record", Action.VIEW_TRACK_RECORD, view=None)
def track_record_home(visit: Here) -> Response:
    """On to the first tool that this visitor may see."""
    for tool in visit.settings.places_tools:
        if visit.may_see(tool.name):
            return go(f"/track-record/{tool.name}")
    raise Refused(404, "No track record is open to you yet", "A tool is shown once it is in trial or in use.")


@pages.get("/track-record/{tool}", Action.VIEW_TRACK_RECORD, view="track_record_viewed")
def track_record(visit: Here, tool: str) -> Response:
    """The track record of one tool."""
    found = visit.places_tool(tool)
    history = released.history(visit.state, tool)
    if not history:
        raise Refused(404, "Nothing is published yet", "A track record begins with the first release.")
    newest = history[-1]
    return page(
        visit,
        "track_record",
        title=f"Were we right? {tool_title(found)}",
        about=released.about(newest, found, visit.today, visit.settings.force.timezone),
        tool=found,
        tool_title=tool_title(found),
        tabs=_tabs(visit, tool),
        names=track.NAMES,
        **released.kept.get((released.fingerprint(newest), tool, "track record", tuple(r.id for r in history)), lambda: _record(found, history)),
    )


def _record(tool: PlacesTool, history: list[Release]) -> dict[str, Any]:
    """What a release settles: figures and pictures of the track record, worked out once."""
    newest = history[-1]
    rows = track.judged(track.scores(history, tool.name))[:SHOWN]
    past = released.outcomes(newest, history, tool.name, tool.horizon_weeks)
    apart = {row.origin for row in track.not_overlapping(rows)} or {o.origin for o in _every_fourth(past)}
    outcomes = [o for cell in past.values() for o in cell if o.origin in apart]
    groups = track.calibration(outcomes)
    return dict(
        rows=rows,
        listed_cells=tables.LISTED_CELLS,
        apart=track.not_overlapping(rows),
        pooled=_pooled(rows),
        hits_chart=_hits_chart(rows) if len(rows) > 1 else None,
        hits_narrow=_hits_chart(rows[:13], width=380, height=260) if len(rows) > 1 else None,
        groups=groups,
        calibration_chart=charts.calibration([g.point for g in groups], "Expected against recorded offences a cell")
        if groups
        else None,
        outcomes=len(outcomes),
        windows=len({o.origin for o in outcomes}),
        areas=track.by_area(history, newest, tool.name, apart, tool.horizon_weeks, tables.LISTED_CELLS),
        trial=track.trial(newest, tool.name),
        fallback=_fallback_history(history, tool.name),
        inside=_inside(rows),
    )


def _every_fourth(past: dict[str, list[released.Outcome]]) -> list[released.Outcome]:
    longest = max(past.values(), key=len, default=[])
    return longest[::-1][::4]


def _tabs(visit: Visit, tool: str) -> list[dict[str, Any]]:
    return [
        {"text": tool_title(t), "href": f"/track-record/{t.name}", "current": t.name == tool}
        for t in visit.settings.places_tools
        if visit.may_see(t.name)
    ]


def _pooled(rows: list[track.ClosedRelease]) -> list[dict[str, Any]]:
    """Hits pooled over windows that do not overlap: ours, each plain count's, the best possible."""
    found = []
    for name in ("ours", *track.BASELINES, "foresight"):
        counted = track.pooled_hits(rows, name)
        if counted is not None:
            hits, crimes = counted
            span = share_interval(hits, crimes)
            found.append(
                {
                    "name": track.NAMES[name],
                    "key": name,
                    "hits": hits,
                    "crimes": crimes,
                    "share": hits / crimes if crimes else None,
                    "span": span,
                }
            )
    return found


def _hits_chart(rows: list[track.ClosedRelease], width: int = 760, height: int = 300) -> Any:
    ordered = sorted(rows, key=lambda r: r.origin)
    labels = [f"{r.origin.day} {r.origin:%b %y}" for r in ordered]

    def values(name: str) -> list[float | None]:
        return [r.hits[name] / r.crimes if name in r.hits and r.crimes else None for r in ordered]

    kinds = {"foresight": "ceiling", "ours": "ours", "count_24m": "plain", "count_4w": "short"}
    series = [Line(SHORT[name], values(name), kind) for name, kind in kinds.items()]
    label = "Share of offences that fell in the 20 highest cells, by release"
    return charts.lines(labels, series, label, width=width, height=height)


def _fallback_history(history: list[Any], tool: str) -> list[dict[str, Any]]:
    """Releases at which the model that makes the numbers changed, the newest first."""
    found: list[dict[str, Any]] = []
    last = None
    for release in history:
        record = released.document(release, f"{tool}_model")
        fell_back = bool(record.get("fell_back"))
        if last is None or fell_back != last:
            found.append(
                {
                    "week": release.name,
                    "fell_back": fell_back,
                    "model": release.model or record.get("model"),
                    "reason": record.get("reason"),
                }
            )
        last = fell_back
    return found[::-1]


def _inside(rows: list[track.ClosedRelease]) -> dict[str, Any] | None:
    apart = [r for r in track.not_overlapping(rows) if r.inside_share is not None]
    if not apart:
        return None
    asked = [r.inside_expected for r in apart if r.inside_expected is not None]
    return {
        "share": sum(r.inside_share or 0 for r in apart) / len(apart),
        "expected": sum(asked) / len(asked) if asked else None,
        "n": len(apart),
    }
