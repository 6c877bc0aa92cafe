"""Who bears it? Each tool's audit for the ethics panel: one screen, and all that it rests on."""

from __future__ import annotations

import json
from typing import Any, cast

from starlette.responses import Response

from harmcast import words
from harmcast.charts import people as people_charts
from harmcast.documents.audit import AuditDocument
from harmcast.documents.verdict import PeopleVerdict
from harmcast.oversight import release_rules
from harmcast.oversight.access import Action
from harmcast.publish import group_impact, released
from harmcast.publish import panel as panels
from harmcast.publish.panel import LayAudit
from harmcast.settings import PeopleTool, PlacesTool
from harmcast.store.releases import Release
from harmcast.web import open_work
from harmcast.web.guard import Here, Pages, Refused, Visit
from harmcast.web.shell import download, page, to_first, tool_tabs
from harmcast.words.tools import tool_title

pages = Pages()
PICTURE, NARROW_PICTURE = 280, 200  # px


@pages.get("/audit", Action.VIEW_AUDIT, view=None)
def audit_home(visit: Here) -> Response:
    """On to the first tool that this visitor may see."""
    return to_first(visit.seen_tools, "audit", Refused(403, "No tool is open to you yet", "A tool's audit is shown once the tool is in trial or in use."))


@pages.get("/audit/{tool}", Action.VIEW_AUDIT, view="audit_viewed")
def audit_page(visit: Here, tool: str, by: str = "", week: str = "", view: str = "") -> Response:
    """One tool on one screen for the panel, all that was compared (`view=all`), or the dated file of it (`view=file`)."""
    chosen = visit.tool(tool)
    history = visit.state.releases.history(tool, None)
    audited = [r for r in history if f"{tool}_audit.json" in released.manifest(r).get("files", {})]
    release = next((r for r in audited if r.name == week), audited[-1] if audited else None)
    if view == "file":
        return _file(release, tool)
    held = released.document(release, f"{tool}_audit") if release else {}
    document = cast(AuditDocument, held) if held else None
    screen = panels.panel(document, by) if document and view != "all" else None
    if screen is not None and release is not None:
        return _panel(visit, chosen, release, screen)
    attributes = group_impact.Reading(document).attributes if document else []
    by = by if by in attributes else (attributes[0] if attributes else "")
    return page(
        visit,
        "audit",
        **_around(visit, chosen, release),
        releases=list(reversed(audited))[:26],
        history=[(r, _verdict(r, tool)) for r in reversed(audited[-26:])],
        document=document,
        body=group_impact.body(document, by or None, _lifted(visit, release, document["verdict"])) if document else "",
        has_file=release is not None and f"{tool}_audit.html" in released.manifest(release).get("files", {}),
        attributes=[(name, group_impact.title_of(name)) for name in attributes],
        by=by,
    )


def _around(visit: Visit, tool: PlacesTool | PeopleTool, release: Release | None) -> dict[str, Any]:
    """What both views share; among it how good the tool is at all, as every page says it, empty where nothing is published."""
    history = released.history(visit.state, tool.name)
    judged = released.verdict_on(visit.state, tool, history) if history else None
    return {
        "title": f"Who bears it? {tool_title(tool)}",
        "tool": tool,
        "tool_title": tool_title(tool),
        "tabs": tool_tabs(visit.seen_tools, "audit", tool.name),
        "verdict_says": judged.says if judged else "",
        "first_outcomes": judged.ends if isinstance(judged, PeopleVerdict) else None,
        "release": release,
    }


def _panel(visit: Visit, tool: PlacesTool | PeopleTool, release: Release, screen: LayAudit) -> Response:
    """The screen that a lay panel reads: groups judged and not, how good the score is at all, what it could not see, what waits."""
    waits = [item for item in open_work.seen(visit) if item.is_open and item.kind == "finding" and item.owner is visit.role]
    entries = [entry for entry in visit.state.register.entries(visit.today) if entry.tool in (tool.name, None) and entry.review_by]
    pictures = {
        row.group: people_charts.group_scale(row.rate.value, row.rate.low, row.rate.high, screen.middle, screen.limits, screen.most, PICTURE if len(screen.others_say) == 1 else NARROW_PICTURE)
        for row in screen.rows
        if row.rate and row.rate.low is not None and row.rate.high is not None
    }
    return page(
        visit,
        "audit_panel",
        **_around(visit, tool, release),
        panel=screen,
        pictures=pictures,
        ends=[f"{100 * screen.most * k / 5:g}" for k in range(6)],
        own=[item for item in waits if item.tool == tool.name],
        others=[item for item in waits if item.tool != tool.name],
        next_look=min((entry.review_by for entry in entries if entry.review_by and entry.review_by >= visit.today), default=None),
        may_enter=visit.may(Action.ENTER_APPROVAL),
        lifted=_lifted(visit, release, _verdict(release, tool.name)),
        names={t.name: tool_title(t) for t in visit.settings.tools},
    )


def _verdict(release: Release, tool: str) -> str:
    """A release's verdict, kept apart from its document: a year of documents would fill the memory."""

    return released.kept.get((release.manifest_sha256, tool, "verdict"), lambda: str(json.loads(release.read(f"{tool}_audit.json"))["verdict"]))


def _file(release: Release | None, tool: str) -> Response:
    """The audit as a dated file of the release, to keep or to hand on."""
    name = f"{tool}_audit.html"
    if release is None or name not in released.manifest(release).get("files", {}):
        raise Refused(404, "Page not found", "The release holds no such file.")
    return download(release.read(name), f"{release.name}-{name}", "text/html; charset=utf-8")


def _lifted(visit: Visit, release: Release | None, verdict: str) -> str:
    """Which of the audit's findings two people have lifted, and until when."""
    if release is None or not release.findings or verdict not in ("concern", "stop"):
        return ""
    makers, lifts = visit.state.releases.makers(release), visit.state.lifts.all()
    standing = [
        (finding, lift)
        for finding in release.findings
        for lift in lifts
        if release_rules.is_lifted(finding, lift, visit.today, makers)
    ]
    if not standing:
        return "It stands: nobody has lifted it. Two people may lift a concern for a time, on the page of releases."
    return " ".join(
        f"Lifted until {words.day(lift.until)} by {lift.first} and {lift.second}: {finding.says} {lift.first_reason}" for finding, lift in standing
    )
