"""What surrounds every page: the force's name, who is signed in, navigation, what warns; and how a page is rendered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse, Response

from harmcast.oversight.access import ROLES, RULES, Action, Role
from harmcast.publish.release_files import NOTICE, code_version
from harmcast.settings import PeopleTool, PlacesTool
from harmcast.store import kept_forms
from harmcast.web import old_data, open_work
from harmcast.web.guard import seen_ticket
from harmcast.web.old_data import OldData
from harmcast.web.visit import Refused, Visit
from harmcast.words.tools import tool_title


class Tab(TypedDict):
    """A link that leads to one of several views of a page."""

    text: str
    href: str
    current: bool


class NavigationLink(TypedDict):
    href: str
    html: Markup
    current: bool


Link = tuple[Action, str, str]  # the action it needs, its address, its text
_TRACK: Link = (Action.VIEW_TRACK_RECORD, "/track-record", "Were we right?")
_AUDIT: Link = (Action.VIEW_AUDIT, "/audit", "Who bears it?")
_AREAS: Link = (Action.VIEW_AREAS, "/areas", "My area")
_RELEASES: Link = (Action.VIEW_RELEASES, "/releases", "Releases")
_QUALITY: Link = (Action.VIEW_DATA_QUALITY, "/data-quality", "Data quality")
_REGISTER: Link = (Action.VIEW_REGISTER, "/register", "Register")
_TRAINING: Link = (Action.TAKE_TRAINING, "/training", "Training")
_UNNAMED: Link = (Action.OPEN_PERSON_PSEUDONYMISED, "/pseudonymised", "People without names")
_REVIEWS: Link = (Action.VIEW_CASE_REVIEWS, "/case-reviews", "Case reviews")
_DOWNLOADS: Link = (Action.EXPORT_PEOPLE, "/exports", "Downloads")
_ROLES: Link = (Action.VIEW_ROLES, "/roles", "Roles")
_LOOKS: Link = (Action.VIEW_LOOKS, "/looks", "People opened")
HOMES: dict[Role, Link] = {
    Role.INTELLIGENCE_ANALYST: (Action.USE_OWN_ACCOUNT, "/home", "Home"),
    Role.OFFENDER_MANAGER: (Action.LIST_PEOPLE, "/people", "My people"),
    Role.SUPERVISOR: (Action.VIEW_UNIT_WORK, "/unit-work", "Home"),
    Role.DATA_SCIENTIST: (Action.USE_OWN_ACCOUNT, "/home", "Home"),
    Role.ETHICS_REVIEWER: (Action.USE_OWN_ACCOUNT, "/home", "Home"),
    Role.DATA_PROTECTION_OFFICER: (Action.USE_OWN_ACCOUNT, "/home", "Home"),
    Role.ADMINISTRATOR: (Action.USE_OWN_ACCOUNT, "/home", "Home"),
}
# The home and at most five more; what else a role may open stands at the foot of its home.
NAVIGATION: dict[Role, tuple[Link, ...]] = {
    Role.INTELLIGENCE_ANALYST: (_AREAS, _TRACK, _QUALITY, _REGISTER, _TRAINING),
    Role.OFFENDER_MANAGER: (_TRACK, _DOWNLOADS, _REGISTER, _TRAINING),
    Role.SUPERVISOR: ((Action.LIST_PEOPLE, "/people", "My people"), _DOWNLOADS, _RELEASES, _TRACK, _REGISTER),
    Role.DATA_SCIENTIST: (_AREAS, _RELEASES, _QUALITY, _AUDIT, _TRACK),
    Role.ETHICS_REVIEWER: (_AUDIT, _TRACK, _REGISTER, (Action.READ_ANSWERS, "/answers", "Answers"), _TRAINING),
    Role.DATA_PROTECTION_OFFICER: (
        (Action.VIEW_RETENTION, "/representations", "Objections"), (Action.READ_LOG, "/log", "Log"), (Action.VIEW_RETENTION, "/retention", "Retention"),
        (Action.READ_ANSWERS, "/answers", "Answers"), _REGISTER,
    ),
    Role.ADMINISTRATOR: ((Action.MANAGE_USERS, "/users", "Users"), _ROLES, _REGISTER, _TRAINING),
}  # fmt: skip
BESIDE = (
    _AREAS, _TRACK, _AUDIT, _RELEASES, _QUALITY, (Action.READ_ANSWERS, "/answers", "Answers"), _UNNAMED, _REVIEWS, _DOWNLOADS, _LOOKS, _ROLES, _REGISTER, _TRAINING,
)  # fmt: skip


def shell(visit: Visit) -> dict[str, object]:
    """What surrounds the page of this visit."""
    session = visit.session
    around: dict[str, object] = {
        "force": visit.settings.force.name,
        "invented": visit.settings.force.invented,
        "now": visit.now,
        "version": code_version(),
        "notice": NOTICE,
        "log_down": visit.log_down,
    }
    if session is None:
        return {**around, "user": None, "csrf": "", "seen": "", "navigation": [], "old": [], "kept": 0, "idle_seconds": 0}
    return around | {
        "user": {"name": session.name, "role_name": ROLES[session.role][0], "unit": session.unit},
        "csrf": session.csrf,
        "seen": seen_ticket(visit),
        "navigation": _navigation(visit),
        "old": _old(visit),
        "kept": kept_forms.waiting(visit.operations, session.account) if visit.request.url.path != "/kept" else 0,
        "idle_seconds": 60 * visit.settings.web.idle_minutes,
    }


def home_of(visit: Visit) -> Link:
    """The home of the visitor's role; a supervisor's without people where nothing of the tool about them may be shown."""
    tool = visit.settings.people_tool
    if visit.role is Role.SUPERVISOR and (tool is None or not visit.may_see(tool.name)):
        return (Action.USE_OWN_ACCOUNT, "/home", "Home")
    return HOMES[visit.role]


def _navigation(visit: Visit) -> list[NavigationLink]:
    """The role's links, the home first with how much is open and overdue."""
    path, held = visit.request.url.path, visit.role
    home = home_of(visit)
    links = [link for link in (home, *NAVIGATION[held]) if _is_there(visit, link)]
    desk = open_work.desk(visit)
    items: list[NavigationLink] = []
    for _, address, text in links:
        counts = _counts(len(desk.mine), desk.overdue(visit.today)) if address == home[1] else Markup()
        current = path == address or path.startswith(f"{address}/")
        items.append({"href": address, "html": Markup("{}{}").format(text, counts), "current": current})
    return items


def _counts(mine: int, overdue: int) -> Markup:
    """How many items are one's own, and how many of them overdue, as a header shows it."""
    if not mine:
        return Markup()
    late = Markup(' <span class="app-count app-count--overdue">{} overdue</span>').format(overdue) if overdue else Markup()
    return Markup(' <span class="app-count"><span class="govuk-visually-hidden">, open work: </span>{}</span>{}').format(mine, late)


def beside(visit: Visit) -> list[tuple[str, str]]:
    """Pages that the role may open and its navigation does not name: address and text."""
    named = {home_of(visit)[1], *(address for _, address, _ in NAVIGATION[visit.role])}
    return [(link[1], link[2]) for link in BESIDE if link[1] not in named and _is_there(visit, link)]


def _is_there(visit: Visit, link: Link) -> bool:
    """Whether a link is offered: the role allows it, trained or not, so that the page can say what is missing."""
    paths = {getattr(route, "path", "") for route in visit.request.app.routes}
    return visit.role in RULES[link[0]].roles and link[1] in paths


def _old(visit: Visit) -> list[OldData]:
    """Why a tool's newest week is not what is shown, one banner a tool; those of one cause and reason are said once."""
    found = [old_data.of_tool(visit.state, tool, visit.today) for tool in visit.seen_tools]
    return list(dict.fromkeys(one for one in found if one is not None))


def tool_tabs(tools: Sequence[PlacesTool | PeopleTool], room: str, current: str, asked: str = "") -> list[Tab]:
    """A tab a tool, to its page of a room of the service; `asked`: a query that goes along."""
    return [{"text": tool_title(t), "href": f"/{room}/{t.name}{asked}", "current": t.name == current} for t in tools]


def to_first(tools: Sequence[PlacesTool | PeopleTool], room: str, none: Refused) -> RedirectResponse:
    """On to the page of the first of these tools. Raises `none` where there is none."""
    if not tools:
        raise none
    return go(f"/{room}/{tools[0].name}")


class RowsShown(TypedDict):
    """Which rows of a long table a page shows: the page's number and the last one's, the first row's place, all rows."""

    at: int
    last_page: int
    start: int
    count: int


def rows_shown(at: int, count: int, rows: int) -> RowsShown:
    """The page `at` of a table, `rows` a page; the nearest one there is."""
    last_page = max(1, -(-count // rows))
    at = min(max(1, at), last_page)
    return {"at": at, "last_page": last_page, "start": (at - 1) * rows, "count": count}


def download(content: bytes, name: str, media_type: str) -> Response:
    """A file to keep, under its name."""
    return Response(content, media_type=media_type, headers={"content-disposition": f'attachment; filename="{name}"'})


def page(visit: Visit, template: str, status: int | None = None, **values: Any) -> HTMLResponse:
    """A page of this visit, rendered with its form, its faults and its status unless another is said, and with `local`, which gives an instant of the log in the force's zone."""
    form = values.get("form", visit.fields)
    always = {"shell": shell(visit), "visit": visit, "form": form, "errors": form.errors, "local": visit.local}
    html = visit.request.app.state.templates.get_template(f"pages/{template}.html").render(**{**always, **values})
    return HTMLResponse(html, status_code=status or form.status)


def go(address: str) -> RedirectResponse:
    """On to another page after a form was saved, or because the address moved."""
    return RedirectResponse(address, status_code=303)
