"""Why what is shown is not the newest week: one banner a tool, with the first true cause.

Withdrawn stands before held, held before a refused delivery, that before none that came: what a person did or must do comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from harmcast import words
from harmcast.publish import released
from harmcast.store.reads import data_quality
from harmcast.store.releases import Release
from harmcast.store.state import State
from harmcast.words.tools import tool_title

WAITS = ("held", "draft", "reviewed")


@dataclass(frozen=True)
class OldData:
    """A banner: what is old, and why. `tool`: of which tool, so that a page about one shows its own alone."""

    title: str
    reason: str
    tool: str = ""


@dataclass(frozen=True)
class WithdrawnBy:
    """Who withdrew the newest release, when, and why."""

    week: str
    by: str
    on: date
    reason: str


@dataclass(frozen=True)
class RefusedFor:
    """What the newest delivery was refused for: each fault's rule, column and rows, and what to do."""

    delivery: str
    faults: Sequence[tuple[str, str | None, int | None, str]]

    @property
    def says(self) -> str:
        parts = []
        for rule, column, rows, more in self.faults[:3]:
            where = f", column {column}" if column else ""
            many = f", {words.plural(rows, 'row')}" if rows else ""
            parts.append(f"{rule.replace('_', ' ')}{where}{many}{f' ({more})' if more else ''}")
        left = len(self.faults) - len(parts)
        return "; ".join(parts) + (f"; and {left} more" if left > 0 else "")


def first_cause(
    title: str, shown: str | None, data_to: date | None, today: date, withdrawn: WithdrawnBy | None, waits: tuple[str, str, str] | None, refused: RefusedFor | None
) -> OldData | None:
    """The banner of one tool; None where what is shown is the newest week and not old.

    Args:
        title: of the tool. shown: name of the release that pages show; data_to: its newest day.
        withdrawn: the newest release, if it was withdrawn. waits: week, standing and what was found about the newest one, if it waits.
        refused: the newest delivery, if it was refused.
    """
    figures = f"The figures shown are of release {shown}." if shown else "No figures are shown."
    if withdrawn is not None:
        day = f"{withdrawn.on.day} {withdrawn.on:%B}"
        return OldData(f"{title}: week {withdrawn.week} was withdrawn.", f"By {withdrawn.by} on {day}: {withdrawn.reason or 'no reason was written'} {figures}")
    if waits is not None:
        week, standing, found = waits
        state = "is held" if standing == "held" else "has not been released yet"
        return OldData(f"{title}: week {week} {state}.", f"{found or 'A person has to release it.'} {figures}")
    age = (today - data_to).days if data_to else 0
    if shown is None or age <= released.STALE_AFTER_DAYS:
        return None
    old = f"{title}: this data is {age} days old."
    if refused is not None:
        return OldData(old, f"The delivery {refused.delivery} was refused: {refused.says}. {figures}")
    return OldData(old, f"No newer delivery has come. Ask the data team why before acting on it. {figures}")


def of_tool(state: State, tool: Any, today: date) -> OldData | None:
    """The banner of a tool as the records stand."""
    newest = state.releases.newest(tool.name)
    if newest is None:
        return None
    history = released.history(state, tool.name)
    shown = history[-1] if history else None
    withdrawn = _withdrawn(state, newest) if newest.standing == "withdrawn" else None
    waits = (newest.week, newest.standing, " ".join(f.says for f in newest.findings)) if newest.standing in WAITS else None
    data_to = min(shown.as_of or shown.origin, shown.origin - timedelta(days=1)) if shown else None
    found = first_cause(tool_title(tool), shown.name if shown else None, data_to, today, withdrawn, waits, _refused(state))
    return replace(found, tool=tool.name) if found else None


def _withdrawn(state: State, release: Release) -> WithdrawnBy:
    move = state.releases.moves(release)[-1]
    user = state.users.find(move["by"])
    on = released.local(move["at"], state.settings.force.timezone).date()
    return WithdrawnBy(release.week, user.name if user else move["by"], on, (move["reason"] or "").strip())


def _refused(state: State) -> RefusedFor | None:
    """The newest delivery, if it was refused; what came before or after it and was good is newer data."""
    newest = data_quality.deliveries(state.operations, 1)
    if not newest or newest[0].standing != "refused":
        return None
    faults = data_quality.faults(state.operations, newest[0].id)
    return RefusedFor(newest[0].delivery_id, [(f.rule, f.column, f.count, f.next_step) for f in faults])
