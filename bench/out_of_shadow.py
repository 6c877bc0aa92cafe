"""A tool brought out of shadow for tests and benchmarks: its approvals first, then its status, all of them invented."""

from __future__ import annotations

from datetime import date

from harmcast.oversight.log import Event
from harmcast.oversight.register import REQUIRED_ENTRIES, Status
from harmcast.store.state import State

OFFICER = Event("officer", "data_protection_officer", "administration", "register_entered")


def enter(state: State, tool: str | None, kind: str, day: date, outcome: str = "approved", event: Event = OFFICER) -> None:
    """One entry of the register; `tool` None: for every tool."""
    values = {"tool": tool, "kind": kind, "title": None, "outcome": outcome, "dated": day, "by_whom": "an invented committee"}
    state.register.enter({**values, "document_ref": None, "conditions": None, "review_by": None}, event)


def approve(state: State, tool: str | None, day: date) -> None:
    """Each approval that a tool needs, dated a day."""
    for kind in REQUIRED_ENTRIES:
        enter(state, tool, kind, day)


def bring_out(state: State, tool: str, status: Status, day: date) -> None:
    """A tool's approvals and its status, from a day on."""
    approve(state, tool, day)
    state.register.set_status(tool, status, day, "invented", OFFICER)
