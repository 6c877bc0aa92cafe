"""One visit: who asks, in which state, what they may do and see, and what they write; and how a page is refused."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any, NoReturn, TypeVar

import polars as pl
from fastapi import Request

from harmcast.documents.person import PersonRow
from harmcast.errors import AccessDenied
from harmcast.oversight import access, register
from harmcast.oversight.access import Action, Answer, Ask, Role
from harmcast.oversight.budgets import LISTED_ALARM, WAYS
from harmcast.oversight.log import Event
from harmcast.publish import released, roster
from harmcast.publish.roster import Roster
from harmcast.settings import PeopleTool, PlacesTool, Settings
from harmcast.store import alerts, kept_forms, seen, sessions
from harmcast.store import keys as people_keys
from harmcast.store.operations import Operations, Writing
from harmcast.store.releases import Release
from harmcast.store.seen import BudgetReached
from harmcast.store.sessions import Session
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.web.forms import Form

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
BESIDE_THE_TOOL = frozenset({Action.TAKE_TRAINING, Action.MANAGE_USERS})  # about a tool, and nothing of it is shown
NO_TOOL = "There is no such tool."
AnyTool = TypeVar("AnyTool", bound=PlacesTool | PeopleTool)

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
        return bool(self._sight(tool))

    def _sight(self, tool: str) -> Answer:
        return access.may(replace(self.ask(Action.VIEW_REGISTER, tool), trained=True))

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
        return self._visible(next((tool for tool in self.settings.tools if tool.name == name), None))

    def places_tool(self, name: str) -> PlacesTool:
        """A places tool that this visitor may see, by name. Raises Refused."""
        return self._visible(next((tool for tool in self.settings.places_tools if tool.name == name), None))

    def people_tool(self) -> PeopleTool:
        """The tool about people, if this visitor may see it. Raises Refused."""
        return self._visible(self.settings.people_tool, "This force runs no tool about people.")

    def _visible(self, tool: AnyTool | None, missing: str = NO_TOOL) -> AnyTool:
        if tool is None:
            raise not_found(missing)
        answer = self._sight(tool.name)
        if not answer:
            raise self.not_shown(tool.name, answer)
        return tool

    def not_shown(self, tool: str, answer: Answer) -> Refused:
        """Says that a tool is not shown; whose refusal took it off the pages, when and why, where one did."""
        entries = [entry for entry in self.state.register.entries(self.today) if entry.tool == tool]
        refused = [entry for entry in entries if entry.refused and entry is register.latest(entries, entry.kind)]
        last = max(refused, key=lambda entry: entry.dated, default=None)
        said = f" Refused on {last.dated.day} {last.dated:%B %Y} by {last.by}: {last.words or 'no reason is entered'}." if last else ""
        return Refused(403, "You cannot see this tool", answer.reason + said)
