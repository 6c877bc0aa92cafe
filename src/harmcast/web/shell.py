"""What surrounds every page: the force's name, who is signed in, navigation, what warns; and how a page is rendered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.responses import HTMLResponse, RedirectResponse

from harmcast.oversight.access import ROLES, Action
from harmcast.publish.release_files import NOTICE, code_version
from harmcast.web.guard import Visit
from harmcast.words.tools import tool_title


@dataclass(frozen=True)
class SignedIn:
    """The signed-in user as the header shows them."""

    name: str
    role_name: str
    unit: str | None


@dataclass(frozen=True)
class HeldWeek:
    """A week that is held, and why: said on every page."""

    title: str
    reason: str


@dataclass(frozen=True)
class Shell:
    force: str
    invented: bool
    user: SignedIn | None
    csrf: str
    navigation: list[dict[str, Any]]
    held: list[HeldWeek]
    now: datetime
    version: str
    notice: str
    log_down: bool


# Order of the navigation; a page module adds its home here: action, address, text, what its addresses begin with.
NAVIGATION: list[tuple[Action, str, str, tuple[str, ...]]] = [
    (Action.VIEW_AREAS, "/areas", "My area", ("/areas",)),
    (Action.LIST_PEOPLE, "/people", "My people", ("/people",)),
    (Action.VIEW_UNIT_WORK, "/unit-work", "Unit work", ("/unit-work",)),
    (Action.OPEN_PERSON_PSEUDONYMISED, "/pseudonymised", "People without names", ("/pseudonymised",)),
    (Action.VIEW_TRACK_RECORD, "/track-record", "Were we right?", ("/track-record",)),
    (Action.VIEW_AUDIT, "/audit", "Who bears it?", ("/audit",)),
    (Action.VIEW_RELEASES, "/releases", "Releases", ("/releases",)),
    (Action.READ_LOG, "/log", "Log", ("/log",)),
    (Action.VIEW_RETENTION, "/retention", "Retention", ("/retention",)),
    (Action.VIEW_RETENTION, "/representations", "Objections", ("/representations",)),
    (Action.VIEW_DATA_QUALITY, "/data-quality", "Data quality", ("/data-quality",)),
    (Action.VIEW_REGISTER, "/register", "Register", ("/register",)),
    (Action.TAKE_TRAINING, "/training", "Training", ("/training",)),
    (Action.MANAGE_USERS, "/users", "Users", ("/users",)),
]


def shell(visit: Visit) -> Shell:
    """What surrounds the page of this visit."""
    session = visit.session
    path = visit.request.url.path
    items = []
    if session:
        for action, address, text, begins in NAVIGATION:
            if _offered(visit, action):
                items.append(
                    {
                        "href": address,
                        "text": text,
                        "current": any(path == b or path.startswith(b + "/") for b in begins),
                    }
                )
    return Shell(
        force=visit.settings.force.name,
        invented=visit.settings.force.invented,
        user=SignedIn(session.name, ROLES[session.role][0], session.unit) if session else None,
        csrf=session.csrf if session else "",
        navigation=items,
        held=_held(visit) if session else [],
        now=visit.now,
        version=code_version(),
        notice=NOTICE,
        log_down=visit.log_down,
    )


def _offered(visit: Visit, action: Action) -> bool:
    """Whether the navigation shows a home: the role allows it, trained or not, so that the page can say what is missing."""
    from harmcast.oversight.access import RULES

    return visit.session is not None and visit.session.role in RULES[action].roles


def _held(visit: Visit) -> list[HeldWeek]:
    """The newest week of each tool, where it is held or still waits for its release."""
    found = []
    for tool in visit.settings.tools:
        if not visit.may_see(tool.name):
            continue
        newest = visit.state.releases.newest(tool.name)
        if newest is None or newest.standing not in ("held", "draft", "reviewed"):
            continue
        name = tool_title(tool)
        state = "is held" if newest.standing == "held" else "has not been released yet"
        reason = " ".join(f.says for f in newest.findings) or "A person has to release it."
        found.append(
            HeldWeek(f"{name}: week {newest.week} {state}.", f"{reason} The figures shown are of the release before.")
        )
    return found


def page(visit: Visit, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page of this visit, rendered."""
    env = visit.request.app.state.templates
    html = env.get_template(f"pages/{template}.html").render(
        shell=shell(visit), visit=visit, **{"errors": [], **values}
    )
    return HTMLResponse(html, status_code=status)


def go(address: str) -> RedirectResponse:
    """On to another page after a form was saved, or because the address moved."""
    return RedirectResponse(address, status_code=303)
