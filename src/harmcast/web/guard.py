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
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Annotated, Any, NoReturn, TypeVar

import polars as pl
from annotated_types import Ge, Le
from fastapi import Depends, FastAPI, Request
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match

from harmcast.documents.person import PersonRow
from harmcast.errors import AccessDenied, RunStopped, StoreDamaged
from harmcast.operate import copies
from harmcast.oversight import access, register
from harmcast.oversight.access import Action, Ask, Role
from harmcast.oversight.budgets import LISTED_ALARM, WAYS
from harmcast.oversight.log import Event
from harmcast.publish import released, roster
from harmcast.publish.roster import Roster
from harmcast.settings import PeopleTool, PlacesTool, Settings
from harmcast.store import alerts, kept_forms, seen, sessions
from harmcast.store import keys as people_keys
from harmcast.store.operations import Operations, Writing
from harmcast.store.reads import events, looks
from harmcast.store.releases import Release
from harmcast.store.seen import BudgetReached
from harmcast.store.sessions import Session
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.web import tickets
from harmcast.web.forms import Form

ACCESS = "x-access"
VIEW = "x-view"
CHANGES = "x-changes"
SESSION_COOKIE = "harmcast"
TOKEN_LEAST = 32
RELEASE_NAME = re.compile(r"^\d{4}-W\d{2}(-r\d{1,3})?$")
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
ABOUT_PEOPLE = frozenset(action for action, rule in access.RULES.items() if rule.own_unit or rule.names) | {
    Action.OPEN_PERSON_PSEUDONYMISED
}
OPENS = frozenset({Action.OPEN_PERSON, Action.OPEN_PERSON_PSEUDONYMISED})  # their forms say why
OPEN_HOURS = 12
NEVER_KEPT = frozenset({Action.SIGN_IN, Action.USE_OWN_ACCOUNT, Action.LIST_PEOPLE})  # passwords, searches; purposes neither
BESIDE_THE_TOOL = frozenset({Action.TAKE_TRAINING, Action.MANAGE_USERS})  # about a tool, and nothing of it is shown


class Refused(Exception):
    """A page that is not given: the status, and words for whoever asked."""

    def __init__(self, status: int, title: str, words: str, where: str | None = None) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.words = words
        self.where = where


class PurposeNeeded(Exception):
    """Nobody has said yet why this person is opened: the page that asks is shown instead."""

    def __init__(self, visit: Visit, key: str) -> None:
        super().__init__()
        self.visit = visit
        self.key = key


# What `Refused` says: made anew each time, since one that is raised again keeps the frames, and so the people, of each time before.
NOBODY = (
    404,
    "No such person",
    "There is no such person among your unit's scored people. Check the reference; people without a standing charge, and anyone under 18, are not scored.",
)
NOBODY_OF_KEY = (404, "No such person", "Nobody of this key is scored in the newest release.")
RESTRICTED = (
    403, "Restricted access", "This person's record is restricted. Ask your supervisor, who can open it."
)
NOT_OPENED = (
    403, "Open this person first", "This person is not on your list: open the record for a purpose, and send the form from there. Nothing was saved."
)


def not_found(words: str = "Check the address, or go back to where you came from.") -> Refused:
    return Refused(404, "Page not found", words)


@dataclass
class Visit:
    """One request by someone: the state, the session, and the form that was sent.

    `purpose` is why the person asked for is opened, as given for that person, or what put the person on the asker's list; it
    stands in each event. `log_down` is true when a page about areas went on although its event could not be written.
    """

    request: Request
    state: State
    session: Session | None
    action: Action
    form: Mapping[str, str] = field(default_factory=dict)
    trained: frozenset[str] = frozenset()
    purpose: str | None = None
    log_down: bool = False
    newest: int = 0
    _person: PersonRow | None = field(default=None, repr=False)

    @cached_property
    def standings(self) -> tuple[Mapping[str, str], frozenset[str]]:
        """Each tool's status, and the tools that nothing in the register stops from being shown today: read where a tool is asked about."""
        if self.session is None:
            return {}, frozenset()
        tools, entries = self.state.register.tools(self.today), self.state.register.entries(self.today)
        return {t.name: t.status for t in tools}, frozenset(t.name for t in tools if register.standing(t, entries, self.today).may_show)

    @property
    def statuses(self) -> Mapping[str, str]:
        return self.standings[0]

    @property
    def shown(self) -> frozenset[str]:
        return self.standings[1]

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
        return self.local(self.operations.now())

    @property
    def today(self) -> date:
        return self.now.date()

    def local(self, at: str) -> datetime:
        """An instant of the log in the force's zone."""
        return released.local(at, self.settings.force.timezone)

    @property
    def actor(self) -> Actor:
        """Who is signed in, in the role of the session: what is done on a page is done in that role alone."""
        return Actor(self.user.account, self.user.name, ((self.role.value, self.user.unit),))

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Name of each account."""
        return {user.account: user.name for user in self.state.users.everyone()}

    @property
    def seen_tools(self) -> list[PlacesTool | PeopleTool]:
        """The tools that the register lets this visitor see, in the settings' order."""
        return [tool for tool in self.settings.tools if self.may_see(tool.name)]

    @cached_property
    def fields(self) -> Form:
        """The form that was sent, with the faults found in it so far; empty on a page to look at."""
        return Form(self.form)

    def saved(self, says: Mapping[str, str]) -> str | None:
        """What the page says that a saved form leads to: by the name in its address."""
        return says.get(self.request.query_params.get("saved", ""))

    def event(
        self, kind: Any, action: str, *, subject: str | None = None, about: str | None = None, **detail: Any
    ) -> Event:
        """An event by this visitor."""
        who = self.user
        return Event(who.account, who.role.value, kind, action, self.purpose, subject, about, detail)

    @contextmanager
    def writing(self, event: Event) -> Iterator[Writing]:
        """A transaction with its event, which also keeps the session awake; what was kept of this form goes with its saving.

        A form sent again from what was kept of it saves nothing, whatever its handler does. Raises Refused.
        """
        saves = self.request.method in UNSAFE and event.kind != "consultation"
        if saves and self.form.get("kept"):
            raise Refused(409, "Nothing was saved", "This is what you typed. Open the page again and put it there.")
        with self.operations.writing(event) as tx:
            if self.session is not None:
                sessions.touch(tx, self.session)
            if saves and self.session is not None:
                kept_forms.drop(tx.connection, self.session.account, self.request.url.path)
            yield tx

    def second(self, form: Form, command: str) -> str | None:
        """The account whose code for a command stands in a form that takes two people; it is used up. None: the form has a fault."""
        code = form.value("second-code").strip()
        if not code:
            form.fault("second-code", "Enter a second person's code")
        elif not form.errors:  # a code opens once: none is spent on a form that saves nothing
            try:
                return self.state.second_person(command, code, self.user.account)
            except AccessDenied as refused:
                form.fault("second-code", refused.message)
        return None

    def looked(self, event: Event) -> None:
        """Writes that something was looked at, before the page is sent."""
        with self.writing(event):
            pass

    def ask(self, action: Action, tool: str | None = None) -> Ask:
        """A question about an action and, if one is named, a tool; about no person."""
        return Ask(
            role=self.session.role if self.session else None,
            action=action,
            about_tool=tool is not None and action not in BESIDE_THE_TOOL,
            tool_status=self.statuses.get(tool, "shadow") if tool else "shadow",
            tool_shown=tool is not None and tool in self.shown,
            trained=tool in self.trained if tool else bool(self.trained),
            about_person=False,
            own_unit=False,
            restricted=False,
            on_list=False,
            purpose=None,
            ask_purpose=self.settings.log.ask_purpose,
        )

    def may(self, action: Action, tool: str | None = None) -> bool:
        """Whether this visitor may do something: for links and forms. The route asks again."""
        return bool(access.may(self.ask(action, tool)))

    def may_see(self, tool: str) -> bool:
        """Whether the register lets this visitor see anything of the tool."""
        return self.session is not None and bool(access.may(replace(self.ask(Action.VIEW_REGISTER, tool), trained=True)))

    def history(self) -> tuple[PeopleTool, list[Release]]:
        """The tool about people and its published releases, oldest first. Raises Refused where there is none."""
        tool = self.people_tool()
        found = released.history(self.state, tool.name)
        if not found:
            raise Refused(
                404,
                "Nothing is published yet",
                "No release about people is published. It appears here after the first weekly run is released.",
            )
        return tool, found

    @property
    def people(self) -> Roster:
        """The asker's own people, and nobody else's: the unit's, and for a supervisor those without a unit. Raises Refused."""
        if not access.RULES[self.action].own_unit:
            raise RuntimeError(f"{self.action} is not about the asker's own people")
        tool, releases = self.history()
        leads, ask = self.role == Role.SUPERVISOR, self.ask(self.action, tool.name)
        return roster.roster(self.state, releases, tool.name, self.user.unit, leads, self.today, ask)

    @property
    def listed(self) -> pl.DataFrame:
        """Who stands on the asker's list, in its order."""
        return roster.listed(self.state, self.people, self.settings, self.today, self.role == Role.SUPERVISOR)

    @property
    def places(self) -> Mapping[str, int]:
        """Which row of `listed` each person has, by key."""
        return roster.places_on_list(self.state, self.people, self.settings, self.today, self.role == Role.SUPERVISOR)

    @property
    def list_counts(self) -> roster.ListCounts:
        """What the head of the asker's list says of it."""
        return roster.counts_of_list(self.state, self.people, self.settings, self.today, self.role == Role.SUPERVISOR)

    @property
    def newest_of_people(self) -> Release | None:
        """The newest published release about people."""
        tool = self.settings.people_tool
        return self.state.releases.published(tool.name) if tool else None

    @property
    def person(self) -> PersonRow:
        """The person asked for, whom the door has let this visitor open."""
        if self._person is None:
            raise RuntimeError("no person was asked for")
        return self._person

    def looked_at(self, action: str, *, subject: str | None = None, about: str | None = None, **detail: Any) -> None:
        """Writes a look at people before the page is made, and counts whom it shows (`subject`, or `shown` of the detail).

        Raises: RunStopped (`log_unavailable`): a page about people that cannot be logged is not shown; Refused where they would be
        more people than one may open.
        """
        keys = [subject] if subject is not None else list(detail.get("shown", ()))
        event = self.event("consultation", action, subject=subject, about=about, **detail)
        try:
            with self.writing(event) as tx:
                self.count_people(tx, action, keys)
        except BudgetReached:
            self.refuse_more_people(len(keys))

    def count_people(self, tx: Writing, action: str, keys: Collection[str]) -> None:
        """Counts people looked at or taken away, in the transaction that says so.

        Raises: BudgetReached; StoreDamaged (`row_unwritten`) where a key of theirs was led to somebody else.
        """
        people_keys.must_be_written(self.operations, tx.connection, keys)
        way = WAYS.get(action)
        if way is None:
            return
        web = self.settings.web
        if seen.take(tx, self.user.account, self.today, keys, way, web.people_a_day, web.people_in_7_days):
            words = f"{self.user.name} ({self.user.account}) saw {LISTED_ALARM} different people of a list in a day."
            alerts.raise_alarm(tx, "scraping", self.people_tool().name, words)

    def refuse_more_people(self, people: int) -> NoReturn:
        """Says that nobody more can be opened; the officer is told once a day. Raises Refused."""
        web, account = self.settings.web, self.user.account
        words = f"{self.user.name} ({account}) reached the number of people to be opened in a day or in seven."
        with self.writing(self.event("administration", "people_budget_reached", people=people)) as tx:
            alerts.raise_once_a_day(tx, "people_budget", self.people_tool().name, words)
        raise Refused(
            429,
            "You have opened as many people as one may",
            f"One account opens, finds or downloads at most {web.people_a_day} people a day and {web.people_in_7_days} in seven days. If your work needs more "
            "today, ask your supervisor, or as a supervisor the data protection officer, to open one more day under People opened.",
        )

    def tool(self, name: str) -> PlacesTool | PeopleTool:
        """A tool that this visitor may see, by name. Raises Refused."""
        found = next((tool for tool in self.settings.tools if tool.name == name), None)
        if found is None:
            raise not_found("There is no such tool.")
        _require_visible(self, name)
        return found

    def places_tool(self, name: str) -> PlacesTool:
        """A places tool that this visitor may see, by name. Raises Refused."""
        found = self.tool(name)
        if not isinstance(found, PlacesTool):
            raise not_found("There is no such tool.")
        return found

    def people_tool(self) -> PeopleTool:
        """The tool about people, if this visitor may see it. Raises Refused."""
        tool = self.settings.people_tool
        if tool is None:
            raise not_found("This force runs no tool about people.")
        _require_visible(self, tool.name)
        return tool


def _require_visible(visit: Visit, tool: str) -> None:
    answer = access.may(replace(visit.ask(Action.VIEW_REGISTER, tool), trained=True))
    if not answer:
        raise Refused(403, "You cannot see this tool", f"{answer.reason} {why_not_shown(visit.state, tool, visit.today)}".strip())


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
    session = _session(request, state)
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
        raise Refused(
            403, "This form has expired", "Go back, load the page again and send it once more. Nothing was saved."
        )
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
        raise Refused(403, "This form has expired", "Go back, load the page again and send it once more. Nothing was saved.")
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


def why_not_shown(state: State, name: str, today: date) -> str:
    """Whose refusal took a tool off the pages, when and why, in a sentence; empty where none did."""
    entries = state.register.entries(today)
    refused = [e for e in entries if e.tool == name and e.refused and e is register.latest([x for x in entries if x.tool == name], e.kind)]
    if not refused:
        return ""
    last = max(refused, key=lambda e: e.dated)
    return f"Refused on {last.dated.day} {last.dated:%B %Y} by {last.by}: {last.words or 'no reason is entered'}."


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


def _session(request: Request, state: State) -> Session | None:
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
    if answer.missing == "role":
        raise Refused(403, "You cannot open this page", answer.reason)
    if not is_known:
        raise not_found("There is no such tool.")
    if answer.missing == "training":
        raise Refused(
            403, "Your training is not recorded yet", f"{answer.reason} See Training for what it is and who gives it."
        )
    if answer.missing == "status" and tool is not None:
        raise Refused(403, "You cannot see this tool", f"{answer.reason} {why_not_shown(visit.state, tool, visit.today)}".strip())
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


@dataclass(frozen=True)
class Route:
    """One address: what it needs, what its view is called in the log, who answers it, and what its form changes."""

    method: str
    path: str
    action: Action
    view: str | None
    handler: Callable[..., Any]
    changes: tuple[str, ...] = ()

    def add_to(self, app: FastAPI) -> None:
        app.add_api_route(
            self.path,
            self.handler,
            methods=[self.method],
            dependencies=[Depends(current_visit), *([Depends(copies_follow)] if self.action in FOLLOWED and self.method in UNSAFE else [])],
            response_class=Response,
            response_model=None,
            openapi_extra={ACCESS: self.action.value, **({VIEW: self.view} if self.view else {}), **({CHANGES: self.changes} if self.changes else {})},
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

    def post(self, path: str, action: Action, *changes: str) -> Callable[[Handler], Handler]:
        """A form's address. The handler writes its event in the transaction of what it saves.

        Args: `changes`: what the form is about, as events name it, e.g. `release:{name}`: refused where somebody else changed that
            after the form's page was made.
        """
        return self._route("POST", path, action, None, changes)

    def _route(self, method: str, path: str, action: Action, view: str | None, changes: tuple[str, ...] = ()) -> Callable[[Handler], Handler]:
        def add(handler: Handler) -> Handler:
            self.routes.append(Route(method, path, action, view, handler, changes))
            return handler

        return add


Number = Annotated[int, Ge(0), Le(2**53)]  # of a row, as an address names it: no more than a database can hold
