"""The door of every page: who is asking, may they, is the form theirs, and is the view in the log before the page goes.

Every route is made by `Pages.get` or `Pages.post` and names one action of `oversight/access.py`; `app.create_app` refuses
to start with a route that does not. Before a handler runs the door has resolved tool, unit, restriction and purpose from the
request and asked `access.may`; the handler gets a `Visit` that can only do what was allowed: `visit.person` is the person asked
for, `visit.people` the asker's own people, and there is no other.
"""

from __future__ import annotations

import hmac
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, TypeVar

from annotated_types import Ge, Le
from fastapi import APIRouter, Depends, Request
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match

from harmcast.documents.person import PersonRow
from harmcast.errors import RunStopped, StoreDamaged
from harmcast.operate import copies
from harmcast.oversight import access
from harmcast.oversight.access import Action
from harmcast.publish import roster
from harmcast.settings import Settings
from harmcast.store import kept_forms, sessions
from harmcast.store.reads import events, looks
from harmcast.store.sessions import Session
from harmcast.store.state import State
from harmcast.web import tickets
from harmcast.web.visit import NO_TOOL, UNSAFE, PurposeNeeded, Refused, Visit, not_found

__all__ = ["Here", "Number", "Pages", "Refused", "Visit", "not_found", "ticket_of"]  # what a page needs stands here
ACCESS = "x-access"
VIEW = "x-view"
CHANGES = "x-changes"
SESSION_COOKIE = "harmcast"
TOKEN_LEAST = 32
RELEASE_NAME = re.compile(r"^\d{4}-W\d{2}(-r\d{1,3})?$")
ABOUT_PEOPLE = frozenset(action for action, rule in access.RULES.items() if rule.own_unit or rule.names) | {
    Action.OPEN_PERSON_PSEUDONYMISED
}
OPENS = frozenset({Action.OPEN_PERSON, Action.OPEN_PERSON_PSEUDONYMISED})  # their forms say why
OPEN_HOURS = 12
NEVER_KEPT = frozenset({Action.SIGN_IN, Action.USE_OWN_ACCOUNT, Action.LIST_PEOPLE})  # passwords, searches; purposes neither
# What `Refused` says: made anew each time, since one that is raised again keeps the frames, and so the people, of each time before.
NOBODY = (
    404,
    "No such person",
    "There is no such person among your unit's scored people. Check the reference; people without a standing charge, and anyone under 18, are not scored.",
)
NOBODY_OF_KEY = (404, "No such person", "Nobody of this key is scored in the newest release.")
RESTRICTED = (403, "Restricted access", "This person's record is restricted. Ask your supervisor, who can open it.")
EXPIRED = (403, "This form has expired", "Go back, load the page again and send it once more. Nothing was saved.")
NOT_OPENED = (
    403, "Open this person first", "This person is not on your list: open the record for a purpose, and send the form from there. Nothing was saved."
)


async def posted_form(request: Request) -> Mapping[str, str]:
    """The form of an unsafe request: single values, text only."""
    if request.method not in UNSAFE:
        return {}
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data", ""):
        raise Refused(415, "This form cannot be read", "Send the form from its page.")
    try:
        form = await request.form(max_files=0, max_fields=60)
    except ClientDisconnect:  # the sender went, or sent more than is read of one form (`security.MOST_BYTES`)
        raise Refused(413, "This form is too large", "Send a shorter form. Nothing was saved.") from None
    found: dict[str, str] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            continue
        found[name] = f"{found[name]}\n{value}" if name in found else value
    request.state.sent = found  # for a page that says what went wrong, which gives back what was typed
    return found


def current_visit(request: Request, form: Annotated[Mapping[str, str], Depends(posted_form)]) -> Visit:
    """Who is asking, checked against the route's action. Raises Refused."""
    state: State = request.app.state.harmcast
    named = request.scope["route"].openapi_extra
    action = Action(named[ACCESS])
    rule = access.RULES[action]
    session = session_of(request, state)
    visit = Visit(request, state, session, action, form)
    if rule.machine:
        _require_collector(request, state.settings)
        return visit
    if not rule.signed_in:
        return visit
    if session is None:
        where = "/kept" if _kept(request, state, action, form) else _return_to(request)
        raise Refused(401, "Sign in first", "You are signed out. Sign in to go on.", where=where)
    if request.method in UNSAFE and not session.holds(form.get("csrf", "")):
        raise Refused(*EXPIRED)
    visit.trained = state.users.tools_trained(session.account)
    _require(visit)
    visit.newest = events.newest(visit.operations)
    _require_unchanged(visit, named.get(CHANGES, ()))
    if "key" in request.path_params and action in ABOUT_PEOPLE:
        _require_person(visit, str(request.path_params["key"]))
    _log_view(visit, named.get(VIEW))
    return visit


def seen_ticket(visit: Visit) -> str:
    """What every form carries: the newest entry of the log when its page was made, and whose page it is."""
    return tickets.issue(visit.state.secret, "seen", {"account": visit.user.account, "entry": visit.newest})


def _require_unchanged(visit: Visit, objects: Sequence[str]) -> None:
    """That nobody else changed what a form is about after its page was made. Raises Refused. Args: `objects`: as the route names them."""
    if not objects or visit.request.method not in UNSAFE or visit.form.get("kept"):
        return  # what was kept saves nothing: its page is shown again
    facts = tickets.read(visit.state.secret, "seen", visit.form.get("seen", ""))
    if facts is None or facts["account"] != visit.user.account:
        raise Refused(*EXPIRED)
    named = {**visit.form, **{name: str(value) for name, value in visit.request.path_params.items()}}
    about = [one.format_map(defaultdict(str, named)) for one in objects]
    later = events.changed_since(visit.operations, about, facts["entry"], visit.user.account)
    if later is not None:
        by = visit.names.get(later.actor, later.actor)
        raise Refused(
            409,
            "Somebody else was here first",
            f"{by} changed this after you opened the page ({later.action.replace('_', ' ')}). Nothing was saved. Open the page again, read what stands now, then decide.",
        )


def _require_collector(request: Request, settings: Settings) -> None:
    """Lets the force's own collector in by its token; without one set nobody reads the figures here. Raises Refused."""
    token = _token(settings.web.metrics_token)
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    if token is not None and kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode()):
        return
    raise Refused(403, "For the force's own collector", "These figures are read by a machine, with the token that the settings name.")


def _token(setting: str | None) -> str | None:
    """The collector's token; None where none is set, where the environment lacks it, or where it could be guessed."""
    found = os.environ.get(setting[4:]) if setting and setting.startswith("env:") else setting
    return found if found and len(found) >= TOKEN_LEAST else None


def session_of(request: Request, state: State) -> Session | None:
    """The session that a request comes with, where it holds."""
    token = request.cookies.get(cookie_name(request))
    return sessions.find(state.operations, token, state.settings.web) if token else None


def _kept(request: Request, state: State, action: Action, form: Mapping[str, str]) -> bool:
    """Keeps a form whose session had ended by itself, where its token and its form's key fit; whether it is kept."""
    token = request.cookies.get(cookie_name(request))
    key = request.path_params.get("key") if action in ABOUT_PEOPLE else None
    if request.method not in UNSAFE or not token or action in NEVER_KEPT or (key is not None and action in OPENS):
        return False
    ended = sessions.find_ended(state.operations, token, state.settings.web)
    if ended is None or not ended.holds(form.get("csrf", "")):
        return False
    kept_forms.keep(state.operations, ended, request.url.path, action.value, key, form)
    return True


def cookie_name(request: Request, name: str = SESSION_COOKIE) -> str:
    """Name of a cookie, by default the session's; bound to the host where the connection is https."""
    return f"__Host-{name}" if request.app.state.https else name


def _return_to(request: Request) -> str:
    """Where to go after signing in: the same page; of a form, the nearest page above the address that it was sent to."""
    if request.method in UNSAFE:
        path = request.url.path
        while path and not any(route.matches({"type": "http", "path": path, "method": "GET"})[0] is Match.FULL for route in request.app.routes):
            path = path.rpartition("/")[0]
        return path or "/"
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _require(visit: Visit) -> None:
    """That this visitor may do what the route does, with its tool, whoever it is about. Raises Refused."""
    tool = _tool_of(visit)
    answer = access.may(visit.ask(visit.action, tool))
    is_known = tool is None or tool in {known.name for known in visit.settings.tools}
    if not is_known and answer.missing != "role":
        raise not_found(NO_TOOL)
    if answer.missing == "training":
        raise Refused(
            403, "Your training is not recorded yet", f"{answer.reason} See Training for what it is and who gives it."
        )
    if answer.missing == "status" and tool is not None:
        raise visit.not_shown(tool, answer)
    if not answer:
        raise Refused(403, "You cannot open this page", answer.reason)


def _require_person(visit: Visit, key: str) -> None:
    """Resolves the person asked for, and why, before a handler runs. Someone else and nobody give the same answer and the same event.

    Raises: Refused, PurposeNeeded.
    """
    rule = access.RULES[visit.action]
    tool, releases = visit.history()
    people = visit.people if rule.own_unit else roster.pseudonymised(visit.state, releases, tool.name)
    row = people.person(key)
    basis, given = _why(visit, key, row, rule.own_unit)
    answer = access.may(
        replace(
            visit.ask(visit.action, tool.name),
            about_person=True,
            own_unit=row is not None and rule.own_unit,
            restricted=row is not None and bool(row.get("restricted")),
            on_list=basis is not None,
            purpose=given,
        )
    )
    if row is None:
        visit.looked_at("person_not_found")
        raise Refused(*(NOBODY if rule.own_unit else NOBODY_OF_KEY))
    if answer.missing == "restricted":
        visit.looked_at("restricted_refused", subject=key)
        raise Refused(*RESTRICTED)
    if answer.missing == "purpose":
        if visit.request.method in UNSAFE and visit.action not in OPENS:
            raise Refused(*NOT_OPENED)
        raise PurposeNeeded(visit, key)
    if not answer:
        raise Refused(*NOBODY)
    visit._person, visit.purpose = row, given or basis


def _why(visit: Visit, key: str, row: PersonRow | None, of_list: bool) -> tuple[str | None, str | None]:
    """What puts a person on the asker's list (None: not on it), and the purpose given for this very person (None: none was).

    A purpose is given with the form that opens a person, and goes on for the day with the page's ticket; a form sent from the page
    carries why that page was opened.
    """
    if row is None:
        return None, None
    basis = _basis(visit, key) if of_list else None
    if visit.request.method in UNSAFE and visit.action in OPENS:
        given = visit.form.get("purpose")
        return basis, given if given in access.PURPOSES else None
    if visit.request.method in UNSAFE:
        said = looks.opened_for(visit.operations, visit.user.account, key, kept_forms.HOURS if visit.form.get("kept") else OPEN_HOURS)
    else:
        said = opened_by_ticket(visit, key)
    if basis is None and said in access.BASES and of_list:
        basis = said  # it stood on the list when this asker opened it
    return basis, said if said in access.PURPOSES else None


def _basis(visit: Visit, key: str) -> str | None:
    place = visit.places.get(key)
    if place is None:
        return None
    row = visit.listed.row(place, named=True)
    return "list_changed" if row["changed"] else "list_overdue" if row["overdue"] else "list"


def ticket_of(visit: Visit, key: str) -> str:
    """What keeps a person open for the rest of the day to whoever said why, or had the page from the list."""
    facts = {"key": key, "account": visit.user.account, "day": visit.today.isoformat(), "purpose": visit.purpose}
    return tickets.issue(visit.state.secret, "opened", facts)


def opened_by_ticket(visit: Visit, key: str) -> str | None:
    """Why the asker opened this person today, by the ticket in the address; None without one."""
    facts = tickets.read(visit.state.secret, "opened", visit.request.query_params.get("opened", ""))
    own = facts is not None and (facts["key"], facts["account"], facts["day"]) == (key, visit.user.account, visit.today.isoformat())
    return str(facts["purpose"]) if facts is not None and own and facts.get("purpose") else None


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


Here = Annotated[Visit, Depends(current_visit)]
# What these actions save may change what copies outside the pages may show; True: somebody was erased.
FOLLOWED = {Action.ENTER_APPROVAL: False, Action.LIFT_FINDING: False, Action.RELEASE: False, Action.SECOND_ERASURE: True}


def copies_follow(visit: Here) -> Iterator[None]:
    """Brings Qlik's folder and the shared map to what may be shown, after the handler; no handler has to remember it."""
    yield
    copies.refresh(visit.state, visit.user.account, visit.role.value, erased=FOLLOWED[visit.action])


Handler = TypeVar("Handler", bound=Callable[..., Any])


class Pages:
    """Routes of one part of the service. Each names the action it needs, and the view it is in the log.

    pages = Pages()

    @pages.get("/areas/{tool}", Action.VIEW_AREAS, view="areas_viewed")
    def my_area(visit: Here, tool: str) -> Response: ...
    """

    def __init__(self) -> None:
        self.router = APIRouter()

    def get(self, path: str, action: Action, *, view: str | None) -> Callable[[Handler], Handler]:
        """A page to look at. `view` is the event written before it is sent; None only where the handler writes its own."""
        return self._route("GET", path, action, {VIEW: view} if view else {}, [])

    def post(self, path: str, action: Action, *changes: str) -> Callable[[Handler], Handler]:
        """A form's address. The handler writes its event in the transaction of what it saves.

        Args: `changes`: what the form is about, as events name it, e.g. `release:{name}`: refused where somebody else changed that
            after the form's page was made.
        """
        return self._route("POST", path, action, {CHANGES: changes} if changes else {}, [Depends(copies_follow)] if action in FOLLOWED else [])

    def _route(self, method: str, path: str, action: Action, named: Mapping[str, object], after: list[Any]) -> Callable[[Handler], Handler]:
        return self.router.api_route(
            path,
            methods=[method],
            dependencies=[Depends(current_visit), *after],
            response_class=Response,
            response_model=None,
            openapi_extra={ACCESS: action.value, **named},
        )


Number = Annotated[int, Ge(0), Le(2**53)]  # of a row, as an address names it: no more than a database can hold
