"""The log, for the data protection officer: who looked, who changed, who decided; by person, account, kind and time."""

from __future__ import annotations

import json
from datetime import date

from starlette.responses import Response

from harmcast import words
from harmcast.oversight import log as rules
from harmcast.oversight.access import ROLES, Action, Role, why
from harmcast.store import alerts, keys
from harmcast.store.reads import events
from harmcast.web.guard import Here, Number, Pages
from harmcast.web.shell import go, page

pages = Pages()
PAGE_ROWS = 50
ALERTS_SHOWN = 5


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@pages.get("/log", Action.READ_LOG, view="log_viewed")
def log_page(
    visit: Here, kind: str = "", action: str = "", actor: str = "", subject: str = "", first: str = "", last: str = "", before: Number = 0
) -> Response:
    """Events, the newest first, 50 at a time. `first` and `last` are days, both included."""
    sought = events.Sought(kind if kind in rules.KINDS else "", action[:60], actor[:200], subject[:40], _day(first), _day(last))
    rows, count = events.page(visit.operations, sought, before, PAGE_ROWS)
    return page(
        visit,
        "log",
        title="Log",
        rows=[
            {
                **vars(r),
                "when": visit.local(r.at),
                "role_name": _role(r.role),
                "told": told(r.detail),
                "purpose": why(r.purpose),
            }
            for r in rows
        ],
        alerts=[{"words": a.words, "when": visit.local(a.at)} for a in alerts.newest(visit.operations, ALERTS_SHOWN)],
        count=count,
        kinds=rules.KINDS,
        actions=events.actions(visit.operations),
        given={"kind": kind, "action": action, "actor": actor, "subject": subject, "first": first, "last": last},
        older=rows[-1].seq if len(rows) == PAGE_ROWS else None,
    )


def told(detail: str) -> str:
    """An event's small facts in words; the people of a list are counted."""
    facts = json.loads(detail)
    shown = facts.pop("shown", None)
    parts = [] if shown is None else [words.plural(len(shown), "person", "people") + " shown"]
    parts += [f"{name.replace('_', ' ')}: {str(value)[:80]}" for name, value in facts.items()]
    return "; ".join(parts)


def _role(role: str) -> str:
    return ROLES[Role(role)][0] if role in list(Role) else role


@pages.post("/log/person", Action.READ_LOG)
def by_reference(visit: Here) -> Response:
    """On to the events about one person, found by the force's reference; sent as a form, so that it stands in no address."""
    form = visit.fields
    reference = form.words("reference", "Enter the person's reference", 100)
    key = keys.key_of(visit.operations, reference) if reference else None
    visit.looked(visit.event("consultation", "log_searched", subject=key))
    if reference and key is None:
        form.fault("reference", "Nobody of this reference is held")
    if form.errors:
        return log_page(visit)
    return go(f"/log?subject={key}")
