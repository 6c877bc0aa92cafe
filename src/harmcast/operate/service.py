"""The weekly service: weeks that were missed are made in order, what may pass is tried again, somebody is told.

A timer calls `harmcast week STATE`, which comes here. What happens is kept three times, each for another reader: in the
log of the state (who did what), in `runs` of the operational database (how the run ended), and as JSON lines in
`STATE/logs/` for the operator's own tools. None of them holds a record's value.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from harmcast.documents.plain import PlainRecord
from harmcast.errors import FeedRefused, HarmcastError, RunStopped
from harmcast.feed.extract import read_manifest
from harmcast.operate import alerts, copies
from harmcast.oversight.log import Event
from harmcast.progress import Progress, quiet
from harmcast.runs import inbox
from harmcast.store import deliveries, loads, week_runs
from harmcast.store import state as states
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.weekly import WeekResult, run_week
from harmcast.weeks import Week

PASSES = frozenset({"log_unavailable", "source_unreachable"})
PAUSES_S = (10.0, 60.0)
T = TypeVar("T")


@dataclass
class Served:
    """What one call of the timer did: weeks made up for, oldest first, and the week asked for."""

    weeks: list[WeekResult]
    skipped: list[str] = field(default_factory=list)

    def document(self) -> PlainRecord:
        return {**self.weeks[-1].document(), "caught_up": [week.document() for week in self.weeks[:-1]], "not_made": self.skipped}

    def lines(self) -> list[str]:
        said = [f"No delivery came for {week}: it is not made." for week in self.skipped]
        for week in self.weeks:
            said += week.lines()
        return said


def opened(folder: Path, pauses_s: Sequence[float] = PAUSES_S) -> State:
    """The state the timer runs in, waited for where its database is away; somebody is told if it stays away.

    Raises: RunStopped, StoreDamaged, SettingsRefused.
    """
    state = states.unopened(folder)
    try:
        return patiently(lambda: states.brought_up(state), state, pauses_s)
    except HarmcastError as error:
        write_line(state, "run_ended", level="error", standing="failed", code=error.code)
        alerts.send(state, "week_failed", str(Week.of(date.fromisoformat(state.operations.now()[:10]))), error=error, tell=write_line)
        raise


def run_due(
    state: State,
    as_of: date,
    actor: Actor,
    delivery: Path | None = None,
    *,
    catch_up: bool = True,
    again: str | None = None,
    progress: Progress = quiet,
    pauses_s: Sequence[float] = PAUSES_S,
) -> Served:
    """Makes the weeks that were missed, then the week of `as_of`; tells who is to be told how it ended.

    With `catch_up` (the timer's call) the week is made only if a delivery came for it.

    Raises: RunStopped (`no_delivery`), NotFit (`load_waiting`), and what the weekly run raises; everything made before it stands.
    """
    begun = state.operations.now()
    week = str(Week.of(as_of))
    write_line(state, "run_begun", week=week)
    try:
        missed = [] if not catch_up else missed_weeks(state, as_of)
        made = [patiently(partial(run_week, state, day, actor), state, pauses_s) for _, day in missed if day is not None]
        if catch_up and delivery is None:
            stop_if_nothing_came(state, as_of)
        made.append(patiently(lambda: run_week(state, as_of, actor, delivery, progress, again), state, pauses_s))
    except HarmcastError as error:
        _ended(state, actor, week, begun, "failed", error.code)
        alerts.send(state, _kind(error), week, error=error, tell=write_line)
        with suppress(HarmcastError, OSError):  # whom a load hides it hides at once, also where the run then stopped
            _copies_follow(state, actor)
        raise
    except Exception as error:
        _ended(state, actor, week, begun, "failed", "bug")
        alerts.send(state, "week_failed", week, words=f"A bug: {type(error).__name__}.", tell=write_line)
        raise
    held = {tool: [f.says for f in found] for tool, (standing, found) in made[-1].standings.items() if standing == "held"}
    _ended(state, actor, week, begun, "held" if held else "done", None)
    if held and not made[-1].already:
        alerts.send(state, "week_held", week, tools=held, tell=write_line)
    _copies_follow(state, actor)
    _say_if_late(state, as_of, week)
    return Served(made, [str(missing) for missing, day in missed if day is None])


def _copies_follow(state: State, actor: Actor) -> None:
    for said in copies.refresh(state, actor.account, "operator"):
        write_line(state, "copies", said=said)


def stop_if_nothing_came(state: State, as_of: date) -> None:
    """A week is not made of what nobody sent: one delivery at least was made from the day after the last timer's Monday to `as_of`.

    A database as source is read by the run itself, so nothing has to come. Raises: NotFit (`load_waiting`) where a load waits for a person,
    who is asked before the force's data team is; RunStopped (`no_delivery`).
    """
    if state.settings.feed.source == "sql":
        return
    monday, days = Week.of(as_of).monday, _delivery_days(state)
    if any(monday - timedelta(days=7) < day <= as_of for day in days):
        return
    loads.stop_if_waiting(state.operations)
    newest = max((day for day in days if day <= as_of), default=None)
    stopped = RunStopped(
        f"No delivery came for {Week.of(as_of)}, so it is not made. " + (f"The newest was made on {newest}." if newest else "None was ever loaded."),
        code="no_delivery",
        next_step="Ask the force's data team for the delivery, then run the week again; harmcast week STATE --as-of DAY makes it of what is held.",
    )
    stopped.who_acts = FeedRefused.who_acts
    raise stopped


def _kind(error: HarmcastError) -> alerts.Kind:
    own: dict[str, alerts.Kind] = {"no_delivery": "no_delivery", "load_waiting": "load_waits"}
    return own.get(error.code, "feed_refused" if isinstance(error, FeedRefused) else "week_failed")


def missed_weeks(state: State, as_of: date) -> list[tuple[Week, date | None]]:
    """Weeks after the newest release and before that of `as_of`, each with the day it is made as of.

    That day is the week's Monday where a delivery was made in the seven days up to it, as the timer would have found
    it; else the day of the week's last delivery. None: none was made, and a week is not made of what nobody sent.
    """
    names = [release.week for tool in state.settings.tools if (release := state.releases.newest(tool.name)) is not None]
    if not names:
        return []
    days = _delivery_days(state)
    week, found = Week.named(max(names)).plus(1), []
    while week.monday < Week.of(as_of).monday:
        monday = week.monday
        in_time = [day for day in days if monday - timedelta(days=7) < day <= monday]
        later = [day for day in days if monday < day <= week.sunday]
        found.append((week, monday if in_time else max(later, default=None)))
        week = week.plus(1)
    return found


def _delivery_days(state: State) -> set[date]:
    """Days on which deliveries were made, loaded ones and those that wait."""
    zone = state.settings.force.timezone
    return deliveries.days_made(state.operations) | {read_manifest(path, zone).made_at.date() for path in inbox.waiting(state, date.max)}


def patiently(work: Callable[[], T], state: State, pauses_s: Sequence[float]) -> T:
    """Does it again after a pause where a service was away: a weekly run again changes nothing it has done."""
    for number, pause in enumerate(pauses_s):
        try:
            return work()
        except RunStopped as error:
            if error.code not in PASSES:
                raise
            write_line(state, "run_tried_again", level="warning", code=error.code, number=number + 1)
            time.sleep(pause)
    return work()


def _ended(state: State, actor: Actor, week: str, begun: str, standing: str, code: str | None) -> None:
    write_line(state, "run_ended", level="info" if standing == "done" else "error", week=week, standing=standing, code=code)
    event = Event(actor.account, "operator", "run", "week_run_ended", object=f"week:{week}", detail={"standing": standing, "code": code})
    try:
        with state.operations.writing(event) as tx:
            week_runs.note(tx, week, begun, standing, code)
    except HarmcastError as error:
        write_line(state, "run_not_kept", level="error", code=error.code)


def _say_if_late(state: State, as_of: date, week: str) -> None:
    newest = max(_delivery_days(state), default=None)
    if newest is None or newest < as_of - timedelta(days=state.settings.feed.late_days):
        words = "Nothing was ever loaded." if newest is None else f"The newest delivery was made on {newest}."
        alerts.send(state, "delivery_late", week, words=words, tell=write_line)


def write_line(state: State, what: str, level: str = "info", **facts: Any) -> None:
    """One JSON line in `STATE/logs/`, a file a month; on standard error where that cannot be written."""
    at = state.operations.now()
    line = json.dumps({"at": at, "level": level, "event": what, **{k: v for k, v in facts.items() if v is not None}}, ensure_ascii=False)
    try:
        folder = state.root / "logs"
        folder.mkdir(mode=0o700, exist_ok=True)
        with (folder / f"{datetime.fromisoformat(at):%Y-%m}.jsonl").open("a", encoding="utf-8") as out:
            out.write(line + "\n")
    except OSError:
        print(line, file=sys.stderr)
