"""What people wrote on a cell: notes, recommendations to tasking and what was decided, activity. Nothing is edited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, TypedDict, cast
from zoneinfo import ZoneInfo

import polars as pl
import sqlalchemy as sa

from harmcast.oversight import log
from harmcast.oversight.access import ROLES, Role
from harmcast.store import schema, strikes
from harmcast.store.operations import Operations, Writing

OUTCOMES: dict[str, str] = {
    "adopted": "Adopted",
    "adopted_in_part": "Adopted in part",
    "not_adopted": "Not adopted",
    "deferred": "Deferred",
}
DONE: dict[str, str] = {
    "done": "Done",
    "done_in_part": "Done in part",
    "not_done": "Not done",
    "not_known": "Not known what was done",
}
PATROLS = {"cell": pl.String(), "started_on": pl.Date(), "minutes": pl.Float64()}
ACTIVITIES: dict[str, str] = {"patrol": "Patrol", "visit": "Visit", "other": "Other"}


class CellEntry(TypedDict, total=False):
    """A row that somebody wrote on a cell: number, by whom and in which role, when; `struck`: the later entry that strikes it."""

    id: int
    tool: str
    cell: str
    words: str | None
    by: str
    by_name: str | None
    role: str
    role_name: str
    at: str
    struck: strikes.Struck | None


class CellNote(CellEntry, total=False):
    week: str


class CellActivity(CellEntry, total=False):
    """A patrol or visit; `minutes` null: not said how long."""

    kind: str
    happened_on: date
    minutes: float | None


class TaskingStep(CellEntry, total=False):
    """A recommendation to tasking, or what was decided (`outcome`) or done (`done`) on the one numbered `about`."""

    week: str
    step: str
    about: int
    choice: str | None
    place_words: str | None
    time_words: str | None
    asked: str | None
    decided_on: date | None
    deferred_to: date | None


class KeptRecommendation(TaskingStep, total=False):
    """A recommendation with every step recorded on it, oldest first."""

    outcomes: list[TaskingStep]


def _signed(row: Mapping[str, object]) -> dict[str, object]:
    role = row["role"]
    return {**row, "role_name": ROLES[Role(str(role))][0] if role in list(Role) else role}


def _rows(operations: Operations, table: sa.Table, tool: str, cell: str, most: int = 100) -> list[dict[str, object]]:
    users = schema.users
    query = (
        sa.select(table, users.c.name.label("by_name"))
        .outerjoin(users, users.c.account == table.c.by)
        .where(table.c.tool == tool, table.c.cell == cell)
        .order_by(table.c.id.desc())
        .limit(most)
    )
    struck = strikes.of(operations, table.name)
    return [{**_signed(row), "struck": struck.get(row["id"])} for row in operations.rows(query)]


def notes(operations: Operations, tool: str, cell: str) -> list[CellNote]:
    """Notes on the cell, the newest first."""
    return cast("list[CellNote]", _rows(operations, schema.cell_notes, tool, cell))


def activity(operations: Operations, tool: str, cell: str) -> list[CellActivity]:
    """Patrols and visits recorded on the cell, the newest first."""
    return cast("list[CellActivity]", _rows(operations, schema.cell_activity, tool, cell))


def patrols_before(operations: Operations, tool: str, day: date, timezone: str) -> pl.DataFrame:
    """Patrols and visits recorded on a tool's cells before a day began: cell, started_on, minutes.

    What is recorded or struck later changes nothing of it, so that a week made again holds the same.
    """
    table, struck = schema.cell_activity, schema.strikes
    first = log.instant(datetime.combine(day, time(), ZoneInfo(timezone)).astimezone(UTC))
    was_struck = sa.exists().where(struck.c.table_name == table.name, struck.c.row == table.c.id, struck.c.at < first)
    query = sa.select(table.c.cell, table.c.happened_on.label("started_on"), table.c.minutes).where(
        table.c.tool == tool, table.c.kind.in_(("patrol", "visit")), table.c.minutes.is_not(None), table.c.at < first, ~was_struck
    )
    return pl.DataFrame(operations.rows(query.order_by(table.c.id)), schema=PATROLS)


def patrol_hours(operations: Operations, tool: str, since: date) -> dict[str, float]:
    """Hours of patrol recorded on each cell from a day on; what was recorded without minutes counts for none."""
    table = schema.cell_activity
    query = (
        sa.select(table.c.cell, sa.func.sum(table.c.minutes).label("minutes"))
        .where(table.c.tool == tool, table.c.kind == "patrol", table.c.happened_on >= since, table.c.minutes.is_not(None), ~strikes.is_struck(table))
        .group_by(table.c.cell)
        .order_by(table.c.cell)
    )
    return {row["cell"]: float(row["minutes"]) / 60 for row in operations.rows(query)}


def recommendations(operations: Operations, tool: str, cell: str) -> list[KeptRecommendation]:
    """Recommendations to tasking, the newest first, each with its `outcomes`."""
    return _with_outcomes(cast("list[TaskingStep]", _rows(operations, schema.tasking, tool, cell)))


def of_week(operations: Operations, tool: str, week: str) -> list[KeptRecommendation]:
    """Recommendations to tasking made on a week's release, over all cells, by cell and age, each with its `outcomes`."""
    users, tasking = schema.users, schema.tasking
    query = (
        sa.select(tasking, users.c.name.label("by_name"))
        .outerjoin(users, users.c.account == tasking.c.by)
        .where(tasking.c.tool == tool, (tasking.c.week == week) | (tasking.c.step != "recommendation"))
        .order_by(tasking.c.cell, tasking.c.id)
    )
    return _with_outcomes(_steps(operations, query))


def _steps(operations: Operations, query: sa.Select[Any]) -> list[TaskingStep]:
    return cast("list[TaskingStep]", [_signed(row) for row in operations.rows(query)])


def _with_outcomes(rows: list[TaskingStep]) -> list[KeptRecommendation]:
    """Recommendations as they stand in `rows`, each with what tasking decided on it, the first decision first."""
    answered: dict[int, list[TaskingStep]] = {}
    for row in sorted(rows, key=lambda r: int(r["id"])):
        if row["step"] in ("outcome", "done"):
            answered.setdefault(row["about"], []).append(row)
    return [{**row, "outcomes": answered.get(row["id"], [])} for row in rows if row["step"] == "recommendation"]


def every(operations: Operations, tool: str) -> list[KeptRecommendation]:
    """Every recommendation on a tool's cells, oldest first, each with its `outcomes`."""
    table = schema.tasking
    return _with_outcomes(_steps(operations, sa.select(table).where(table.c.tool == tool).order_by(table.c.id)))


def every_activity(operations: Operations, tool: str) -> list[CellActivity]:
    """Every patrol and visit recorded on a tool's cells, oldest first."""
    table = schema.cell_activity
    return cast("list[CellActivity]", operations.rows(sa.select(table).where(table.c.tool == tool).order_by(table.c.id)))


def recommendation(operations: Operations, number: int) -> KeptRecommendation | None:
    """One recommendation by its number, with everything recorded on it as `outcomes`, oldest first; None if there is none."""
    users, tasking = schema.users, schema.tasking
    query = (
        sa.select(tasking, users.c.name.label("by_name"))
        .outerjoin(users, users.c.account == tasking.c.by)
        .where((tasking.c.id == number) | (tasking.c.about == number))
        .order_by(tasking.c.id)
    )
    rows = _steps(operations, query)
    found = [row for row in rows if row["id"] == number and row["step"] == "recommendation"]
    return {**found[0], "outcomes": [row for row in rows if row["about"] == number]} if found else None


def newest_step(tx: Writing, number: int) -> int:
    """Number of the newest thing recorded on a recommendation; 0 if nothing was."""
    table = schema.tasking
    return int(tx.execute(sa.select(sa.func.max(table.c.id)).where(table.c.about == number)).scalar() or 0)


def marked(operations: Operations, tool: str, week: str) -> dict[str, str]:
    """Cells on which something was written on a week's release, and in a word what: decided, recommended or noted."""
    notes = schema.cell_notes
    query = sa.select(notes.c.cell).where(notes.c.tool == tool, notes.c.week == week).distinct()
    found = {row["cell"]: "noted" for row in operations.rows(query)}
    for row in of_week(operations, tool, week):
        found[row["cell"]] = "decided by tasking" if row["outcomes"] else "recommended to tasking"
    return found


def add_note(tx: Writing, tool: str, cell: str, week: str, text: str, by: str, role: str) -> int:
    return tx.insert(schema.cell_notes, tool=tool, cell=cell, week=week, words=text, by=by, role=role, at=tx.at)


@dataclass(frozen=True)
class Recommendation:
    """What is recommended to tasking: each part as long as LENGTHS allows, so that the briefing has room for it."""

    place: str
    time: str
    why: str
    asked: str


LENGTHS = {"place": 30, "time": 26, "why": 110, "asked": 110}


def recommend(tx: Writing, tool: str, cell: str, week: str, said: Recommendation, by: str, role: str) -> int:
    return tx.insert(
        schema.tasking, tool=tool, cell=cell, week=week, step="recommendation", words=said.why, place_words=said.place, time_words=said.time,
        asked=said.asked, by=by, role=role, at=tx.at,
    )  # fmt: skip


def record(
    tx: Writing, about: TaskingStep, step: str, choice: str, text: str, on: date, deferred_to: date | None, by: str, role: str
) -> int:  # fmt: skip
    """Keeps what tasking decided (`outcome`, a key of OUTCOMES) on a recommendation, or what was done (`done`, a key of DONE)."""
    return tx.insert(
        schema.tasking,
        tool=about["tool"],
        cell=about["cell"],
        week=about["week"],
        step=step,
        about=about["id"],
        choice=choice,
        words=text or None,
        decided_on=on,
        deferred_to=deferred_to,
        by=by,
        role=role,
        at=tx.at,
    )


def add_activity(
    tx: Writing,
    tool: str,
    cell: str,
    kind: str,
    happened_on: date,
    minutes: float | None,
    text: str,
    by: str,
    role: str,
) -> int:
    return tx.insert(
        schema.cell_activity,
        tool=tool,
        cell=cell,
        kind=kind,
        happened_on=happened_on,
        minutes=minutes,
        words=text or None,
        by=by,
        role=role,
        at=tx.at,
    )
