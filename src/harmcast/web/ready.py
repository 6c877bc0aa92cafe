"""What every page of a new release needs, read before anyone asks: a thread beside the server looks for one each second."""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from harmcast.errors import HarmcastError
from harmcast.store import schema
from harmcast.store.releases import Release
from harmcast.store.state import State
from harmcast.web import past_scores, released, roster

log = logging.getLogger("harmcast.web")
EVERY_SECONDS = 1.0


def prepare(state: State) -> None:
    """Reads what the newest releases' pages share, into the same memory that the pages ask."""
    for places in state.settings.places_tools:
        history = state.releases.history(places.name)
        if history:
            released.frame(history[-1], places.name)
            released.outcomes(history[-1], history, places.name, places.horizon_weeks)
    people = state.settings.people_tool
    history = state.releases.history(people.name) if people else []
    if people and history:
        everyone = roster.everyone(state, history, people.name)
        today = datetime.now(ZoneInfo(state.settings.force.timezone)).date()
        for unit in everyone["unit"].unique().drop_nulls().sort():
            roster.roster(state, history, people.name, unit, False, today)
        threading.Thread(target=_read_past, args=(history, people.name), name="past", daemon=True).start()


def _read_past(history: list[Release], tool: str) -> None:
    """A person's half year reads 26 releases: beside the server, while pages already go out."""
    try:
        past_scores.read_ahead(history, tool)
    except HarmcastError as error:
        log.warning("past releases not read: code=%s", error.code)


def keep(state: State) -> threading.Event:
    """Prepares now and whenever a release or a load comes, until the event that is given back is set."""
    stop = threading.Event()
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
    table = schema.release_moves
    newest = state.operations.rows(sa.select(sa.func.max(table.c.id).label("id")))[0]["id"]
    return newest, *roster.records_mark(state)
