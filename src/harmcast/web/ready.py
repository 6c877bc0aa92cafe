"""What every page of a new release needs, read before anyone asks: a thread beside the server looks for one each second."""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from zoneinfo import ZoneInfo

from harmcast.errors import HarmcastError
from harmcast.oversight import access
from harmcast.oversight.access import Role
from harmcast.publish import released, roster
from harmcast.settings import PlacesTool
from harmcast.store import keys
from harmcast.store.releases import Release
from harmcast.store.state import State
from harmcast.web import areas, open_work, past_scores, templating

log = logging.getLogger("harmcast.web")
EVERY_SECONDS = 1.0


def prepare(state: State) -> None:
    """Reads what the newest releases' pages share, into the same memory that the pages ask; then they are shown."""
    for places in state.settings.places_tools:
        history = state.releases.history(places.name)
        if history:
            _read_places(state, history, places)
            released.is_read(state, places.name, history[-1])
    people = state.settings.people_tool
    history = state.releases.history(people.name) if people else []
    if people and history:
        _read_people(state, history, people.name)
        released.is_read(state, people.name, history[-1])
        threading.Thread(target=_read_past, args=(history, people.name), name="past", daemon=True).start()


def _read_places(state: State, history: list[Release], tool: PlacesTool) -> None:
    newest = history[-1]
    areas.of_release(newest, tool, history)
    for name in (f"{tool.name}_areas", f"{tool.name}_weeks"):
        if released.has(newest, name):
            released.frame(newest, name)
    released.verdict_on(state, tool, history)
    released.what_changed(tool.name, history)


def _read_people(state: State, history: list[Release], tool: str) -> None:
    """The people of each unit that somebody works in, as its officers and its supervisors see them, and their lists."""
    newest = history[-1]
    today = datetime.now(ZoneInfo(state.settings.force.timezone)).date()
    for role, unit in state.users.roles_in_use():
        if role in (Role.OFFENDER_MANAGER, Role.SUPERVISOR):
            leads = role == Role.SUPERVISOR
            people = roster.roster(state, history, tool, unit, leads, today, _as(role))
            roster.listed(state, people, state.settings, today, leads)
            roster.places_on_list(state, people, state.settings, today, leads)
            roster.counts_of_list(state, people, state.settings, today, leads)
    roster.everyone(state, history, tool)
    roster.circumstances_of(state, "")
    with state.operations.reading() as connection:
        keys.must_be_written(state.operations, connection, newest.frame(tool)["person_key"].head(1).to_list())
    open_work.everything(state, today)
    newest.row_of(tool, "", ("reasons",))
    roster.model_of(state, newest)


def _as(role: Role) -> access.Ask:
    """The question that somebody of this role asks by opening the unit's list, as the door will ask it: what is read ahead is for them."""
    return access.Ask(
        role=role,
        action=access.Action.LIST_PEOPLE,
        about_tool=False,
        tool_status="in use",
        tool_shown=True,
        trained=True,
        about_person=False,
        own_unit=True,
        restricted=False,
        on_list=False,
        purpose=None,
        ask_purpose=False,
    )


def _read_past(history: list[Release], tool: str) -> None:
    """A person's half year reads 26 releases: beside the server, while pages already go out."""
    try:
        past_scores.read_ahead(history, tool)
    except HarmcastError as error:
        log.warning("past releases not read: code=%s", error.code)


def keep(state: State) -> threading.Event:
    """Prepares now and whenever a release or a load comes, until the event that is given back is set."""
    stop = threading.Event()
    templating.compile_all()
    mark = _attempt(state, None)

    def watch() -> None:
        nonlocal mark
        while not stop.wait(EVERY_SECONDS):
            mark = _attempt(state, mark)

    threading.Thread(target=watch, name="ready", daemon=True).start()
    return stop


def _attempt(state: State, before: object) -> object:
    """Prepares if something came since `before`; what is wrong is left for the page that meets it."""
    try:
        now = _mark(state)
        if now != before:
            prepare(state)
        return now
    except HarmcastError as error:
        log.warning("not prepared: code=%s", error.code)
        return before


def _mark(state: State) -> tuple[object, ...]:
    today = datetime.now(ZoneInfo(state.settings.force.timezone)).date()
    return state.releases.newest_move(), *roster.records_mark(state), today
