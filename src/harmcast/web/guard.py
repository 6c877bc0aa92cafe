"""The door of every page: who is asking, may they, is the form theirs, and is the view in the log before the page goes.

Every route is made by `Pages.get` or `Pages.post` and names one action of `oversight/access.py`; `app.create_app` refuses
to start with a route that does not. A page's handler gets a `Visit`: the signed-in user, the form, and ways to write
with an event.
"""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Any

from annotated_types import Ge, Le
from fastapi import Depends, FastAPI, Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from harmcast.errors import RunStopped, StoreDamaged
from harmcast.oversight import access, register
from harmcast.oversight.access import Action, Role
from harmcast.oversight.log import Event
from harmcast.settings import PeopleTool, PlacesTool, Settings
from harmcast.store import sessions
from harmcast.store.operations import Operations, Writing
from harmcast.store.sessions import Session
from harmcast.store.state import State
from harmcast.web import released

ACCESS = "x-access"
VIEW = "x-view"
TOKEN_LEAST = 32
RELEASE_NAME = re.compile(r"^\d{4}-W\d{2}(-r\d{1,3})?$")
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
ABOUT_PEOPLE = frozenset(action for action, rule in access.RULES.items() if rule.own_unit or rule.names) | {
    Action.OPEN_PERSON_PSEUDONYMISED
}
BESIDE_THE_TOOL = frozenset({Action.TAKE_TRAINING, Action.MANAGE_USERS})  # about a tool, and nothing of it is shown


class Refused(Exception):
    """A page that is not given: the status, and words for whoever asked."""

    def __init__(self, status: int, title: str, words: str, where: str | None = None) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.words = words
        self.where = where


def not_found(words: str = "Check the address, or go back to where you came from.") -> Refused:
    return Refused(404, "Page not found", words)


@dataclass
class Visit:
    """One request by someone: the state, the session, and the form that was sent.

    `log_down` is true when a page about areas went on although its event could not be written.
    """

    request: Request
    state: State
    session: Session | None
    action: Action
    form: Mapping[str, str] = field(default_factory=dict)
    trained: frozenset[str] = frozenset()
    statuses: Mapping[str, str] = field(default_factory=dict)
    shown: frozenset[str] = frozenset()
    log_down: bool = False

    @property
    def operations(self) -> Operations:
        return self.state.operations

    @property
    def settings(self) -> Settings:
        return self.state.settings

    @property
    def user(self) -> Session:
        """Who is signed in; a page that needs one names an action that does."""
        if self.session is None:
            raise Refused(401, "Sign in first", "You are not signed in.")
        return self.session

    @property
    def role(self) -> Role:
        return self.user.role

    @property
    def now(self) -> datetime:
        """This moment in the force's zone."""
        return released.local(self.operations.now(), self.settings.force.timezone)

    @property
    def today(self) -> date:
        return self.now.date()

    def event(
        self, kind: Any, action: str, *, subject: str | None = None, about: str | None = None, **detail: Any
    ) -> Event:
        """An event by this visitor."""
        who = self.user
        return Event(who.account, who.role.value, kind, action, who.purpose, subject, about, detail)

    @contextmanager
    def writing(self, event: Event) -> Iterator[Writing]:
        """A transaction with its event, which also keeps the session awake."""
        with self.operations.writing(event) as tx:
            if self.session is not None:
                sessions.touch(tx, self.session)
            yield tx

    def looked(self, event: Event) -> None:
        """Writes that something was looked at, before the page is sent."""
        with self.writing(event):
            pass

    def may(self, action: Action, tool: str | None = None) -> bool:
        """Whether this visitor may do something: for links and forms. The route asks again."""
        if self.session is None:
            return False
        trained = tool in self.trained if tool else bool(self.trained)
        return bool(access.may(self.session.role, action, trained=trained, purpose="review"))

    def may_see(self, tool: str) -> bool:
        """Whether the tool's status in the register lets this visitor see it."""
        return self.session is not None and bool(
            access.may_see_tool(self.session.role, self.statuses.get(tool, "shadow"), tool in self.shown)
        )

    def places_tool(self, name: str) -> PlacesTool:
        """A places tool that this visitor may see, by name. Raises Refused."""
        for tool in self.settings.places_tools:
            if tool.name == name:
                _require_visible(self, name)
                found: PlacesTool = tool
                return found
        raise not_found("There is no such tool.")

    def people_tool(self) -> PeopleTool:
        """The tool about people, if this visitor may see it. Raises Refused."""
        tool = self.settings.people_tool
        if tool is None:
            raise not_found("This force runs no tool about people.")
        _require_visible(self, tool.name)
        return tool


def _require_visible(visit: Visit, tool: str) -> None:
    answer = access.may_see_tool(visit.role, visit.statuses.get(tool, "shadow"), tool in visit.shown)
    if not answer:
        raise Refused(403, "You cannot see this tool", answer.reason)


async def posted_form(request: Request) -> Mapping[str, str]:
    """The form of an unsafe request: single values, text only."""
    if request.method not in UNSAFE:
        return {}
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data", ""):
        raise Refused(415, "This form cannot be read", "Send the form from its page.")
    form = await request.form(max_files=0, max_fields=60)
    found: dict[str, str] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            continue
        found[name] = f"{found[name]}\n{value}" if name in found else value
    return found


def current_visit(request: Request, form: Annotated[Mapping[str, str], Depends(posted_form)]) -> Visit:
    """Who is asking, checked against the route's action. Raises Refused."""
    state: State = request.app.state.harmcast
    named = request.scope["route"].openapi_extra
    action = Action(named[ACCESS])
    rule = access.RULES[action]
    session = _session(request, state)
    visit = Visit(request, state, session, action, form)
    if rule.machine:
        _require_collector(request, state.settings)
        return visit
    if not rule.signed_in:
        return visit
    if session is None:
        raise Refused(401, "Sign in first", "You are signed out. Sign in to go on.", where=_return_to(request))
    if request.method in UNSAFE and not session.holds(form.get("csrf", "")):
        raise Refused(
            403, "This form has expired", "Go back, load the page again and send it once more. Nothing was saved."
        )
    visit.trained = state.users.tools_trained(session.account)
    visit.statuses, visit.shown = standings(state, visit.today)
    _require(visit, rule)
    _require_shown(visit)
    _log_view(visit, named.get(VIEW))
    return visit


def standings(state: State, today: date) -> tuple[dict[str, str], frozenset[str]]:
    """Each tool's status, and the tools that nothing in the register stops from being shown today."""
    tools, entries = state.register.tools(today), state.register.entries(today)
    return {t.name: t.status for t in tools}, frozenset(t.name for t in tools if register.standing(t, entries, today).may_show)


def _require_collector(request: Request, settings: Settings) -> None:
    """Lets the force's own collector in: by its token, or from this machine where no proxy stands before the service.

    Behind a proxy every request comes from this machine, so its address proves nothing there. Raises Refused.
    """
    token = _token(settings.web.metrics_token)
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    if token is not None and kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode()):
        return
    forwarded = any(name in request.headers for name in ("forwarded", "x-forwarded-for", "x-real-ip", "via"))
    host = request.client.host if request.client is not None else ""
    if settings.web.base_url is None and not forwarded and host in ("127.0.0.1", "::1"):
        return
    raise Refused(403, "For the force's own collector", "These figures are read by a machine, with a token or from this machine.")


def _token(setting: str | None) -> str | None:
    """The collector's token; None where none is set, where the environment lacks it, or where it could be guessed."""
    found = os.environ.get(setting[4:]) if setting and setting.startswith("env:") else setting
    return found if found and len(found) >= TOKEN_LEAST else None


def _session(request: Request, state: State) -> Session | None:
    token = request.cookies.get(cookie_name(request))
    return sessions.find(state.operations, token, state.settings.web) if token else None


def cookie_name(request: Request, name: str = "harmcast") -> str:
    """Name of a cookie, by default the session's; bound to the host where the connection is https."""
    return f"__Host-{name}" if request.app.state.https else name


def _return_to(request: Request) -> str:
    """Where to go after signing in: the same page, if it is one to look at."""
    if request.method != "GET":
        return "/"
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _require(visit: Visit, rule: access.Rule) -> None:
    tool = _tool_of(visit)
    trained = tool in visit.trained if tool else bool(visit.trained)
    answer = access.may(visit.role, visit.action, trained=trained, purpose="review")
    if answer:
        return
    if tool and tool not in {known.name for known in visit.settings.tools}:
        raise not_found("There is no such tool.")
    if answer.missing == "training":
        raise Refused(
            403, "Your training is not recorded yet", f"{answer.reason} See Training for what it is and who gives it."
        )
    raise Refused(403, "You cannot open this page", answer.reason)


def _require_shown(visit: Visit) -> None:
    """Before anything of a tool is shown, or done about what it showed: the register and its status let this visitor see it."""
    tool = _tool_of(visit)
    if tool is None or visit.action in BESIDE_THE_TOOL:
        return
    if tool not in {known.name for known in visit.settings.tools}:
        raise not_found("There is no such tool.")
    _require_visible(visit, tool)


def _tool_of(visit: Visit) -> str | None:
    named: str | None = visit.request.path_params.get("tool")
    if named is None and visit.action in ABOUT_PEOPLE and visit.settings.people_tool:
        return str(visit.settings.people_tool.name)
    return named


def _log_view(visit: Visit, view: str | None) -> None:
    """Writes the view before the page is made. Without a log pages about people refuse; others go on and say so."""
    if view is None or visit.request.method in UNSAFE:
        return
    params = visit.request.path_params
    about = ":".join([view.removesuffix("_viewed"), *(str(params[name])[:80] for name in sorted(params, reverse=True))])
    week = visit.request.query_params.get("week", "")
    detail = {"week": week} if RELEASE_NAME.match(week) else {}
    try:
        visit.looked(visit.event("consultation", view, about=about, **detail))
    except (RunStopped, StoreDamaged):
        if visit.action in ABOUT_PEOPLE:
            raise
        visit.log_down = True


Handler = Callable[..., Any]


@dataclass(frozen=True)
class Route:
    """One address: what it needs, what its view is called in the log, and who answers it."""

    method: str
    path: str
    action: Action
    view: str | None
    handler: Handler

    def add_to(self, app: FastAPI) -> None:
        app.add_api_route(
            self.path,
            self.handler,
            methods=[self.method],
            dependencies=[Depends(current_visit)],
            response_class=Response,
            response_model=None,
            openapi_extra={ACCESS: self.action.value, **({VIEW: self.view} if self.view else {})},
            name=self.handler.__name__,
        )


class Pages:
    """Routes of one part of the service. Each names the action it needs, and the view it is in the log.

    pages = Pages()

    @pages.get("/areas/{tool}", Action.VIEW_AREAS, view="areas_viewed")
    def my_area(visit: Here, tool: str) -> Response: ...
    """

    def __init__(self) -> None:
        self.routes: list[Route] = []

    def get(self, path: str, action: Action, *, view: str | None) -> Callable[[Handler], Handler]:
        """A page to look at. `view` is the event written before it is sent; None only where the handler writes its own."""
        return self._route("GET", path, action, view)

    def post(self, path: str, action: Action) -> Callable[[Handler], Handler]:
        """A form's address. The handler writes its event in the transaction of what it saves."""
        return self._route("POST", path, action, None)

    def _route(self, method: str, path: str, action: Action, view: str | None) -> Callable[[Handler], Handler]:
        def add(handler: Handler) -> Handler:
            self.routes.append(Route(method, path, action, view, handler))
            return handler

        return add


Here = Annotated[Visit, Depends(current_visit)]
Number = Annotated[int, Ge(0), Le(2**53)]  # of a row, as an address names it: no more than a database can hold
