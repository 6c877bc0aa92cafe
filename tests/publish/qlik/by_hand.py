"""A state whose tools are in use, and whose people may leave for Qlik."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from harmcast.oversight.log import Event
from harmcast.store.state import State
from harmcast.store.users import Actor

ENTERED = Event("officer", "data_protection_officer", "administration", "register_entry")
WRITTEN = Actor("officer", "Officer", (("data_protection_officer", None),))


def _enter(state: State, tool: str, kind: str, day: date) -> None:
    values = {"tool": tool, "kind": kind, "title": None, "outcome": "approved", "dated": day, "by_whom": "Somebody invented"}
    state.register.enter({**values, "document_ref": None, "conditions": None, "review_by": None}, ENTERED)


def in_use(state: State, today: date) -> State:
    """Every tool in use with its approvals, since a month ago."""
    since = today - timedelta(days=30)
    for tool in state.settings.tools:
        state.register.set_status(tool.name, "in use", since, "Invented", ENTERED)
        for kind in ("dpia", "legal", "ethics"):
            _enter(state, tool.name, kind, since)
    return state


def with_people(state: State, today: date) -> State:
    """The same state, its setting on and the entry made that lets people leave."""
    tool = state.settings.people_tool
    assert tool is not None
    _enter(state, tool.name, "qlik_control", today - timedelta(days=30))
    web = state.settings.web.model_copy(update={"qlik_people": True, "base_url": "https://harmcast.force.example"})
    return replace(state, settings=state.settings.model_copy(update={"web": web}))
