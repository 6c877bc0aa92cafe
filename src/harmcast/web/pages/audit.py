"""Who bears it? Each tool's audit for the ethics panel, its monitor, and what it does in shadow."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from harmcast import words
from harmcast.oversight import access, release_rules
from harmcast.oversight.access import Action
from harmcast.publish import group_impact
from harmcast.store.releases import Release
from harmcast.web import person_page, released, watching
from harmcast.web.analysis_plan import AnalysisPlan, PeoplePlan, analysis_plan, people_plan
from harmcast.web.guard import Here, Pages, Refused, Visit
from harmcast.web.shell import go, page
from harmcast.words.tools import tool_title

pages = Pages()
VIEWS = {"": "Audit", "monitor": "Monitor", "shadow": "In shadow"}


@pages.get("/audit", Action.VIEW_AUDIT, view=None)
def audit_home(visit: Here) -> Response:
    """On to the first tool that this visitor may see."""
    for tool in visit.settings.tools:
        if visit.may_see(tool.name):
            return go(f"/audit/{tool.name}")
    raise Refused(403, "No tool is open to you yet", "A tool's audit is shown once the tool is in trial or in use.")


@pages.get("/audit/{tool}", Action.VIEW_AUDIT, view="audit_viewed")
def audit_page(visit: Here, tool: str, by: str = "", week: str = "", view: str = "") -> Response:
    """One tool's audit, its monitor (`view=monitor`), its judgement in shadow (`view=shadow`), or the dated file (`view=file`)."""
    chosen = _tool(visit, tool)
    history = visit.state.releases.history(tool, None)
    if view == "monitor":
        return _monitor(visit, chosen, history, week)
    if view == "shadow":
        return _shadow(visit, chosen, history)
    audited = [r for r in history if f"{tool}_audit.json" in released.manifest(r).get("files", {})]
    release = next((r for r in audited if r.name == week), audited[-1] if audited else None)
    if view == "file":
        return _file(release, tool)
    document = released.document(release, f"{tool}_audit") if release else {}
    attributes = group_impact.Reading(document).attributes if document else []
    by = by if by in attributes else (attributes[0] if attributes else "")
    return page(
        visit,
        "audit",
        **_around(visit, chosen, ""),
        release=release,
        releases=list(reversed(audited))[:26],
        history=[(r, _verdict(r, tool)) for r in reversed(audited[-26:])],
        document=document,
        body=group_impact.body(document, by or None, _lifted(visit, release, document["verdict"])) if document else "",
        has_file=release is not None and f"{tool}_audit.html" in released.manifest(release).get("files", {}),
        attributes=[(name, group_impact.title_of(name)) for name in attributes],
        by=by,
    )


def _around(visit: Visit, chosen: Any, view: str) -> dict[str, Any]:
    """What the three views of a tool share: its name, the tools, the views."""
    asked = f"?view={view}" if view else ""
    views = dict(VIEWS)
    if visit.statuses.get(chosen.name, "shadow") != "shadow" or visit.role not in access.SHADOW_ROLES:
        views.pop("shadow")
    return {
        "title": "Who bears it?" if not view else VIEWS[view],
        "tool": chosen,
        "tool_title": tool_title(chosen),
        "tabs": [
            {
                "text": tool_title(t),
                "href": f"/audit/{t.name}{asked if view != 'shadow' else ''}",
                "current": t.name == chosen.name,
            }
            for t in visit.settings.tools
            if visit.may_see(t.name)
        ],
        "views": [
            {"text": text, "href": f"/audit/{chosen.name}" + (f"?view={name}" if name else ""), "current": name == view}
            for name, text in views.items()
        ],
    }


def _verdict(release: Release, tool: str) -> str:
    """A release's verdict, kept apart from its document: a year of documents would fill the memory."""

    def read() -> str:
        return str(group_impact.from_json(release.read(f"{tool}_audit.json"))["verdict"])

    return released.kept.get((released.fingerprint(release), tool, "verdict"), read)


def _monitor(visit: Visit, chosen: Any, history: list[Release], week: str) -> Response:
    """Is it still what it was? What arrives, what is forecast, and what came against it."""
    name = f"{chosen.name}_monitor"
    watched = [r for r in history if f"{name}.json" in released.manifest(r).get("files", {})]
    release = next((r for r in watched if r.name == week), watched[-1] if watched else None)
    return page(
        visit,
        "monitor",
        **_around(visit, chosen, "monitor"),
        release=release,
        found=watching.monitor_page(release, chosen.name, chosen.kind) if release else None,
        states=watching.states(watched, chosen.name),
        kinds=watching.KINDS,
        kinds_say=watching.KINDS_SAY,
        thresholds=[
            (t["says"], group_impact.amount(t["value"], t["unit"])) for t in released.document(release, name)["thresholds"]
        ]
        if release
        else [],
    )


def _shadow(visit: Visit, chosen: Any, history: list[Release]) -> Response:
    """Has a tool that nobody acts on yet earned a trial? For those who judge it alone."""
    if visit.role not in access.SHADOW_ROLES:
        raise Refused(
            403,
            "You cannot see this",
            "What a tool does in shadow is shown to data scientists and the ethics reviewer alone.",
        )
    weeks = chosen.horizon_weeks if chosen.kind == "places" else 4
    return page(
        visit,
        "shadow",
        **_around(visit, chosen, "shadow"),
        tool_status=visit.statuses.get(chosen.name, "shadow"),
        found=watching.shadow_page(history, chosen.name, chosen.kind, weeks),
        plan=_plan(visit, chosen, history) if chosen.kind == "places" else None,
        people_plan=_people_plan(visit, chosen, history) if chosen.kind == "people" else None,
        horizon_weeks=weeks,
    )


def _plan(visit: Visit, tool: Any, history: list[Release]) -> AnalysisPlan:
    shadow = visit.settings.shadow
    model = released.document(history[-1], f"{tool.name}_model") if history else {}
    entries = visit.state.register.entries(visit.today)
    filed = sorted(entry.dated.isoformat() for entry in entries if entry.tool == tool.name and entry.kind == "analysis_plan" and entry.dated)
    return analysis_plan([bar.says for bar in shadow.places_bar], shadow.weeks_asked, tool.horizon_weeks, model, filed)


def _people_plan(visit: Visit, tool: Any, history: list[Release]) -> PeoplePlan:
    """The plan of the tool about people, of its newest release; groups as the newest audit counted them."""
    newest = history[-1] if history else None
    about = released.document(newest, f"{tool.name}_about") if newest else {}
    model = person_page.model_of(visit.state, newest) if newest else None
    audit = next((found for r in reversed(history) if (found := released.document(r, f"{tool.name}_audit"))), {})
    tables = audit.get("tables", [])
    said: dict[str, Any] = next((t for t in tables if "said and came" in t["title"].lower()), {"columns": [], "rows": []})
    rows = [dict(zip(said["columns"], row, strict=True)) for row in said["rows"]]
    groups = [row for row in rows if row["verdict"] != "printed" and row["attribute"] != "everyone"]
    settings = visit.settings
    return people_plan(
        visit.state.register.tool(tool.name, visit.today), visit.state.register.entries(visit.today), [bar.says for bar in settings.shadow.people_bar],
        about, (model or {}).get("outcome"), groups, tool.horizons_months[0], settings.people.capacity, settings.people.useful_share,
    )  # fmt: skip


def _file(release: Release | None, tool: str) -> Response:
    """The audit as a dated file of the release, to keep or to hand on."""
    name = f"{tool}_audit.html"
    if release is None or name not in released.manifest(release).get("files", {}):
        raise Refused(404, "Page not found", "The release holds no such file.")
    head = {"Content-Disposition": f'attachment; filename="{release.name}-{name}"'}
    return Response(release.read(name), media_type="text/html; charset=utf-8", headers=head)


def _tool(visit: Visit, name: str) -> Any:
    for tool in visit.settings.tools:
        if tool.name == name:
            if not visit.may_see(name):
                raise Refused(
                    403,
                    "You cannot see this tool",
                    "The tool runs in shadow or is stopped: it is shown to data scientists and the ethics reviewer alone.",
                )
            return tool
    raise Refused(404, "Page not found", "There is no such tool.")


def _lifted(visit: Visit, release: Release | None, verdict: str) -> str:
    """Which of the audit's findings two people have lifted, and until when."""
    if release is None or verdict not in ("concern", "stop"):
        return ""
    makers, lifts = visit.state.releases.makers(release), visit.state.lifts.all()
    standing = [
        (finding, lift)
        for finding in release.findings
        for lift in lifts
        if release_rules.is_lifted(finding, lift, visit.today, makers)
    ]
    if not standing:
        return "Nothing of it is lifted: two people may lift a concern for a time, on the page of releases."
    return " ".join(
        f"Lifted until {words.day(lift.until)} by {lift.first} and {lift.second}: {finding.says} {lift.first_reason}" for finding, lift in standing
    )
