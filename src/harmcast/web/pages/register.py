"""The register of tools: what each is for, where it stands, which approvals are dated and until when; who may, enters them."""

from __future__ import annotations

from datetime import date

from starlette.responses import Response

from harmcast.oversight import register as rules
from harmcast.oversight.access import Action
from harmcast.publish import released
from harmcast.web.forms import FIRST_DAY, Form
from harmcast.web.guard import Here, Pages, Visit
from harmcast.web.shell import go, page

pages = Pages()
OUTCOMES = {
    "approved": "Approved",
    "approved with conditions": "Approved with conditions",
    "refused": "Refused",
    "none made": "None was made",
}
SAVED = {"entry": "The entry is saved."}
LAST_DAY = date(2100, 1, 1)


@pages.get("/register", Action.VIEW_REGISTER, view="register_viewed")
def register_page(visit: Here, enter: str = "") -> Response:
    """Every tool with its status, what it is for, its entries and whether it may be published."""
    entries = visit.state.register.entries()
    tools = []
    for tool in visit.state.register.tools(visit.today):
        own = [e for e in entries if e.tool == tool.name]
        tools.append(
            {
                "tool": tool,
                "cost": visit.state.register.cost(tool.name),
                "verdict": _verdict(visit, tool.name),
                "standing": rules.standing(tool, own, visit.today),
                "taken_off": tool.status != "stopped" and tool.name not in visit.shown,
                "entries": sorted(own, key=lambda e: e.dated, reverse=True),
                "statuses": visit.state.register.statuses(tool.name),
                "missing": [name for kind, name in rules.ENTRY_KINDS.items() if kind not in rules.ONLY_IF_ANY and not any(e.kind == kind for e in own)],
            }
        )
    return page(
        visit,
        "register",
        title="Register of tools",
        tools=tools,
        kinds=rules.ENTRY_KINDS,
        may_enter=visit.may(Action.ENTER_APPROVAL),
        own_kinds=_own_kinds(visit),
        outcomes=OUTCOMES,
        today=visit.today,
        form=Form({"kind": enter}) if enter in rules.ENTRY_KINDS else visit.fields,
        notice=visit.saved(SAVED),
    )


def _own_kinds(visit: Visit) -> dict[str, str]:
    """What this visitor's role may enter."""
    return {kind: name for kind, name in rules.ENTRY_KINDS.items() if rules.may_enter(kind, visit.role.value)}


def _verdict(visit: Visit, name: str) -> str:
    """Whether the tool was right, as every page says it, to whoever may see its track record; empty for anyone else."""
    tool = next((t for t in visit.settings.tools if t.name == name), None)
    history = released.history(visit.state, name) if tool and visit.may_see(name) and visit.may(Action.VIEW_TRACK_RECORD) else []
    return released.verdict_on(visit.state, tool, history).says if history else ""


@pages.post("/register", Action.ENTER_APPROVAL, "tool:{tool}", "tool:all")
def enter(visit: Here) -> Response:
    """Adds a dated entry. Nothing is edited: a later entry of a kind stands over an earlier one."""
    form = visit.fields
    tool = form.choice("tool", [*(tool.name for tool in visit.settings.tools), "all"], "Choose the tool")
    kind = form.choice("kind", _own_kinds(visit), "Choose what you enter; your role enters the kinds listed")
    outcome = form.choice("outcome", OUTCOMES, "Choose the outcome")
    dated = form.day("dated", "Enter the date of the document or decision", first=FIRST_DAY, last=visit.today)
    by_whom = form.words("by-whom", "Enter whose document or decision it is", 200)
    title = form.words("title", "Say what it is, in a line", 200)
    reference = form.words("reference", None, 200)
    conditions = form.words("conditions", "Enter the conditions" if outcome == "approved with conditions" else None)
    needs_review = kind in rules.REQUIRED_ENTRIES and outcome.startswith("approved")
    asks_review = needs_review or form.has_day("review")
    review_by = form.day("review", "Enter by when it is reviewed", first=visit.today, last=LAST_DAY) if asks_review else None
    if rules.opens(kind, outcome):
        visit.second(form, "register enter approval")
    if form.errors:
        return register_page(visit)
    entry = {
        "tool": None if tool == "all" else tool,
        "kind": kind,
        "title": title,
        "outcome": outcome,
        "dated": dated,
        "by_whom": by_whom,
        "document_ref": reference or None,
        "conditions": conditions or None,
        "review_by": review_by,
    }
    visit.state.register.enter(entry, visit.event("administration", "register_entered", about=f"tool:{tool}"))
    return go("/register?saved=entry")
