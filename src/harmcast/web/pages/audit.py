"""Who bears it? The fairness audit of each tool's newest release, for the ethics panel: counts first, then rates, gaps, verdicts."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from harmcast.oversight.access import Action
from harmcast.web import released
from harmcast.web.guard import Here, Pages, Refused, Visit
from harmcast.web.shell import go, page

pages = Pages()
MEASURES: dict[str, tuple[str, str]] = {
    "selection": ("Selected", "Of everyone, the share among the twentieth with the highest chances."),
    "base_rate": ("Became high harm", "Of everyone, the share that became high harm within the horizon."),
    "fpr": ("Wrongly selected (FPR)", "Of those who did not become high harm, the share selected."),
    "fnr": ("Missed (FNR)", "Of those who became high harm, the share not selected."),
    "ppv": ("Right when selected (PPV)", "Of those selected, the share that became high harm."),
    "hits_upheld": ("Later convicted", "Of those selected who became high harm, the share convicted for it."),
    "observed_against_predicted": (
        "Came against predicted",
        "What came, less what the chances said: above 0 the score is too low for the group, below 0 too high.",
    ),
    "fpr_against_predicted": ("Wrongly selected against predicted", "What came, against what the chances imply."),
    "ppv_against_predicted": ("Right when selected against predicted", "What came, against what the chances imply."),
    "charges_fell_away": ("Charges that fell away", "Of decided charges, the share that fell away."),
    "charges_police_found": (
        "Charges that officers find",
        "Of charges, the share of kinds that come to notice through officers' own activity.",
    ),
    "charges_unlinked": ("Charges without a crime", "Of charges, the share that names no recorded crime."),
}
SCOPES = {
    "not managed": "People not under management",
    "managed": "People under management: counted apart, not judged",
    "records": "How the records came about",
}


def _records(section: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(zip(section["columns"], row, strict=True)) for row in section["rows"]]


def _title(name: str) -> str:
    return " and ".join(part.replace("_", " ") for part in name.split(" + ")).capitalize()


@pages.get("/audit", Action.VIEW_AUDIT, view=None)
def audit_home(visit: Here) -> Response:
    """On to the first tool that this visitor may see."""
    for tool in visit.settings.tools:
        if visit.may_see(tool.name):
            return go(f"/audit/{tool.name}")
    raise Refused(403, "No tool is open to you yet", "A tool's audit is shown once the tool is in trial or in use.")


@pages.get("/audit/{tool}", Action.VIEW_AUDIT, view="audit_viewed")
def audit_page(visit: Here, tool: str, by: str = "", week: str = "") -> Response:
    """One tool's audit: verdict, findings, then the tables for one attribute at a time."""
    chosen = _tool(visit, tool)
    history = visit.state.releases.history(tool, None)
    audited = [r for r in history if released.document(r, f"{tool}_audit")]
    release = next((r for r in audited if r.name == week), audited[-1] if audited else None)
    document = released.document(release, f"{tool}_audit") if release else {}
    sections = document.get("tables", [])
    measured = _records(sections[0]) if sections else []
    attributes = list(dict.fromkeys(row["attribute"] for row in measured if row.get("attribute")))
    by = by if by in attributes else (attributes[0] if attributes else "")
    return page(
        visit,
        "audit",
        title="Who bears it?",
        tool=chosen,
        tool_title=title_of(chosen),
        tabs=[
            {"text": title_of(t), "href": f"/audit/{t.name}", "current": t.name == tool}
            for t in visit.settings.tools
            if visit.may_see(t.name)
        ],
        release=release,
        releases=list(reversed(audited))[:26],
        history=[(r, released.document(r, f"{tool}_audit").get("verdict")) for r in reversed(audited)][:26],
        document=document,
        attributes=[(name, _title(name)) for name in attributes],
        by=by,
        parts=_parts([row for row in measured if row.get("attribute") == by])
        if measured and "measure" in measured[0]
        else [],
        plain=[] if measured and "measure" in measured[0] else sections,
        proxies=_proxies(sections[1:], by),
        others=[s for s in sections[1:] if s["title"] != "Proxies"],
        entry=_signed(visit, tool),
    )


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


def title_of(tool: Any) -> str:
    """The tool's name as read on pages."""
    return str(tool.title or tool.name.replace("_", " ").capitalize())


def _parts(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tables of one attribute: a table a scope and measure, a row a group."""
    found = []
    for order, (scope, scope_title) in enumerate(SCOPES.items()):
        for measure, (title, says) in MEASURES.items():
            part = [row for row in rows if row["scope"] == scope and row["measure"] == measure]
            if any(row["value"] is not None for row in part):
                found.append(
                    {
                        "scope": scope_title,
                        "order": order,
                        "folded": scope == "managed",
                        "title": title,
                        "says": says,
                        "rows": part,
                        "judged": any(r["verdict"] in ("met", "concern", "stop", "too few to say") for r in part),
                    }
                )
    return found


def _proxies(sections: list[dict[str, Any]], by: str) -> list[dict[str, Any]]:
    """Each feature's strength in telling the attribute's groups apart, the strongest first."""
    rows = [row for s in sections if s["title"] == "Proxies" for row in _records(s)]
    own = [row for row in rows if row["attribute"] == by and row["auc"] is not None]
    return sorted(own, key=lambda row: -abs(row["auc"] - 0.5))[:15]


def _signed(visit: Visit, tool: str) -> Any:
    from harmcast.oversight import register

    return register.latest([e for e in visit.state.register.entries(visit.today) if e.tool == tool], "signed_reason")
