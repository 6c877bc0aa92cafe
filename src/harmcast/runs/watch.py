"""Is it still what it was? The monitor of a week: what arrived, what was scored, and the level forecast, with their history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from harmcast.documents.monitor import MonitorHistoryRow
from harmcast.evaluate import streams
from harmcast.evaluate.monitor import Monitor, monitor
from harmcast.evaluate.monitor_thresholds import MonitorThresholds
from harmcast.evaluate.people_monitor import HALF_YEAR_MONTHS, said_and_came, with_said
from harmcast.evaluate.people_results import GIVEN
from harmcast.runs.people import PeopleMade
from harmcast.runs.people_results import JudgedChances, released_chances
from harmcast.runs.places import PlacesMade
from harmcast.store.state import State
from harmcast.weeks import Week

WEEKS_WATCHED = 156
SEED = 104


def watch_places(state: State, made: PlacesMade, crimes: pl.DataFrame, week: Week) -> Monitor:
    """The monitor of a places tool: the tool's own recorded crime by week, and what was recorded against what was forecast."""
    tool = made.tool
    columns: dict[str, None] = {key: None for where in (tool.where, *tool.leading) for key in where if key != "offence_code"}
    rows = [streams.flows(_recent(crimes, "recorded_at", week), "recorded_at", columns, "crimes")] if columns else []
    totals = made.panel.weekly_total
    for release in state.releases.history(tool.name, None):
        recorded_week = Week.of(release.origin).plus(tool.horizon_weeks - 1)
        back = (week.origin - recorded_week.monday).days // 7
        if 1 <= back <= len(totals) and release.has(f"{tool.name}_areas.parquet"):
            whole = release.frame(f"{tool.name}_areas").filter(pl.col("area").is_null())["expected"][0]
            rows.append(streams.level(recorded_week.monday, tool.name, float(totals[-back]), whole / tool.horizon_weeks))
        if release.has(f"{tool.name}.parquet"):
            rows.append(streams.scores(Week.named(release.week).monday, f"{tool.name}.expected", release.frame(tool.name)["expected"], streams.EXPECTED_EDGES))
    rows.append(streams.scores(week.monday, f"{tool.name}.expected", made.part.cells["expected"], streams.EXPECTED_EDGES))
    return _monitored(state, rows, week, (tool.name,))


def watch_people(state: State, who: PeopleMade, judged: JudgedChances | str, as_of: date, week: Week) -> Monitor:
    """The monitor of the person tool: charges as they arrive, the chances released each week, and what came of those that are old enough."""
    charges = who.known.charge_versions.unique("charge_ref", keep="first", maintain_order=True)
    charges = charges.with_columns(offence_class=pl.col("offence_code").str.split("/").list.first())
    rows = [streams.flows(_recent(charges, "charged_on", week), "charged_on", {"offence_class": None}, "charges")]
    column = f"chance_high_harm_{who.tool.horizons_months[0]}m"
    for release in state.releases.history(who.tool.name, None):
        if release.week < str(week) and release.has(f"{who.tool.name}.parquet"):
            frame = release.frame(who.tool.name)
            if column in frame.columns:
                rows.append(streams.scores(Week.named(release.week).monday, column, frame[column], streams.CHANCE_EDGES))
    rows.append(streams.scores(week.monday, column, who.scored.people[column], streams.CHANCE_EDGES))
    given, rehearsal = (pl.DataFrame(schema=GIVEN), True) if isinstance(judged, str) else (judged.given, judged.rehearsal)
    first, *longer = who.tool.horizons_months
    over = {first: given} | {months: released_chances(state, who, as_of, months) for months in longer}
    said = said_and_came(over, released_chances(state, who, as_of, first, HALF_YEAR_MONTHS), rehearsal, state.settings.people.small_number)
    return with_said(_monitored(state, rows, week), said, rehearsal)


def _recent(table: pl.DataFrame, on: str, week: Week) -> pl.DataFrame:
    """Rows of whole weeks before the origin, as far back as is watched."""
    first = week.plus(-WEEKS_WATCHED).monday
    day = pl.col(on).cast(pl.Date)
    return table.filter((day >= first) & (day < week.origin))


def _monitored(state: State, rows: Sequence[pl.DataFrame], week: Week, levels: Sequence[str] = ()) -> Monitor:
    history = pl.concat([r.cast(dict(streams.SCHEMA)) for r in rows])  # type: ignore[arg-type]
    history = history.filter(pl.col("week") <= week.monday).unique(["week", "kind", "name", "bin"], keep="last", maintain_order=True)
    return monitor(history, MonitorThresholds.chosen(state.settings.monitor.model_dump()), seed=SEED, levels=levels)


def history_rows(found: Monitor, tool: str, week: Week) -> list[MonitorHistoryRow]:
    """This week's state and open alarms, for the table that keeps the monitor's history."""
    state: MonitorHistoryRow = {
        "week": str(week), "tool": tool, "figure": "state", "part": None, "value": None, "low": None, "high": None, "n": None,
        "verdict": found.state, "reason": " ".join(found.reasons) or None,
    }  # fmt: skip
    since: date = week.monday - timedelta(weeks=1)
    alarms: list[MonitorHistoryRow] = [
        {**state, "figure": f"alarm.{row['kind']}", "part": str(row["name"])[:200], "verdict": "alarm", "reason": str(row.get("direction"))}
        for row in found.alarms.filter(pl.col("week") >= since).iter_rows(named=True)
    ]
    return [state, *alarms]
