"""Quarters are closed once: what was known at a quarter's end is counted, rounded whole, and never counted again.

The first weekly run after a quarter closes it; a new state closes an opening table when its first load is accepted. Answers
read the last closing by their day, so that the order in which they are made changes nothing. Where fewer than 300 people
have moved since a table was printed (joined, left, were convicted, came into another age band), that table stands.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from harmcast.documents.closed_tables import BASE, LEAST_MOVES, OPENING, ClosedTable, Closing
from harmcast.errors import NotFit
from harmcast.fairness import tallies
from harmcast.oversight.log import Event
from harmcast.progress import Progress, quiet
from harmcast.runs import explore, quarter_counts
from harmcast.settings import PeopleTool
from harmcast.store import statistics
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.weeks import Quarter


def close_opening(state: State, day: date, actor: Actor, progress: Progress = quiet) -> list[str]:
    """The opening table of a new state, of the day its first load was made; says why where it cannot be closed yet."""
    tool = state.settings.people_tool
    if tool is None or statistics.closed(state.root, state.operations):
        return []
    return _close(state, tool, OPENING, day, day, actor, progress)


def close_what_is_due(state: State, as_of: date, actor: Actor, progress: Progress = quiet) -> list[str]:
    """Closes the last quarter that is over, if no run has yet; says what it did, and why where it did not.

    A state without any closing (of an earlier version, or killed while it opened) closes its opening table first.
    """
    tool, quarter = state.settings.people_tool, Quarter.of(as_of).before
    every = statistics.closed(state.root, state.operations)
    days = statistics.days_delivered(state.operations)
    if tool is not None and days and not every:
        return close_opening(state, max((day for day in days if day <= as_of), default=days[0]), actor, progress)
    if tool is None or any(one.name == str(quarter) or one.as_at >= quarter.last for one in every):
        return []
    if statistics.is_short(quarter, days):
        said = statistics.why_not_closed(quarter, days)
        return [f"{said.quarter} is not closed. {said.why} {said.next_step}"]
    return _close(state, tool, str(quarter), quarter.last, as_of, actor, progress)


def _close(state: State, tool: PeopleTool, name: str, day: date, closed_on: date, actor: Actor, progress: Progress) -> list[str]:
    progress(f"Closing {name}", 0.0)
    before = statistics.closed_by(state.root, state.operations, closed_on)
    printed = before.table("tracked") if before else None
    try:
        exact, moved = quarter_counts.exact(state, tool, day, printed.as_at if printed else None, actor, name)
    except NotFit as error:
        return [f"{name} is not closed. {error} {error.next_step}"]
    closing = closed(exact, moved, before, name, closed_on, statistics.drawn(state.operations, name))
    event = Event(actor.account, "operator", "combination", "quarter_closed", object=f"statistics:{name}")
    stands = [table.name for table in closing.tables if table.quarter != name]
    event = event.with_detail(as_at=day.isoformat(), tables=len(closing.tables), standing=stands)
    statistics.keep(state.root, state.operations, closing, event)
    scored = exact.standing["person_ref"]
    explore.keep_groups(state, explore.of_groups(state, name, day, closed_on, exact.labels, exact.source, scored, exact.charged, exact.model), actor)
    until = ", until the first quarter is closed" if name == OPENING else ""
    what = "The opening counts by group are" if name == OPENING else f"{name} is"
    said = f"{what} closed, as known at the end of {day.isoformat()}: {len(closing.tables)} tables, from which answers take their counts of groups{until}."
    if stands:
        said += f" Fewer than {LEAST_MOVES} people have moved since: {', '.join(stands)} stand as printed before."
    return [said]


def closed(exact: quarter_counts.ExactTables, moved: int | None, before: Closing | None, name: str, closed_on: date, draw: Any) -> Closing:
    """The closing of exact tables: rounded whole, or, under 300 moves, as printed before where it was printed before."""
    stand = {} if before is None or moved is None or moved >= LEAST_MOVES else {table.name: table for table in before.tables}
    fresh = {of: rows for of, rows in exact.tables.items() if of not in stand}
    rounded = tallies.rounded(fresh, draw)
    new = {of: ClosedTable(of, name, exact.day, closed_on, tuple(rows), BASE, exact.notes.get(of, "")) for of, rows in rounded.items()}
    tables = {**stand, **new}
    absent = {of: why for of, why in exact.absent.items() if of not in tables}
    order = [of for together in tallies.TOGETHER for of in together]
    return Closing(name, exact.day, closed_on, tuple(sorted(tables.values(), key=lambda table: order.index(table.name))), absent)
