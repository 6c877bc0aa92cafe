"""The verdict on a tool, and what changed, from what its releases hold: pages, briefing, register and answers ask here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, cast

import polars as pl

from harmcast.documents import changed, people_results, verdict
from harmcast.documents.changed import AreaTotal, PlacesChanged
from harmcast.documents.verdict import PeopleVerdict, PlacesVerdict, ReleasePeriod, RunningPeriod
from harmcast.gaps import Gap, missing
from harmcast.settings import Settings
from harmcast.store.releases import Release

LONGEST = 60  # releases looked back on: a year and the four weeks before
SINCE = 13  # releases that "still since" looks back on


def counts(weeks: pl.DataFrame, first: date, length_weeks: int = 4) -> dict[str, int]:
    """Offences recorded in each cell in the weeks from `first`; a cell without any is absent.

    Args: `weeks`: tables.FORECAST_WEEKS of the newest release: what is known now.
    """
    end = first + timedelta(weeks=length_weeks)
    rows = weeks.filter((pl.col("week") >= first) & (pl.col("week") < end)).group_by("cell").agg(pl.col("recorded").sum())
    return dict(rows.select("cell", "recorded").iter_rows())


def of_tool(tool: Any, history: Sequence[Release], settings: Settings) -> PlacesVerdict | PeopleVerdict:
    """The verdict on a tool. Args: `tool`: its settings; `history`: its published releases, oldest first."""
    if tool.kind == "people":
        return of_people(tool.name, history)
    return of_places(tool.name, history, tool.horizon_weeks, settings.gap_days)


def of_places(tool: str, history: Sequence[Release], weeks: int, gaps: Sequence[Gap] = ()) -> PlacesVerdict:
    """Every release's period, judged by what the newest release knows; one that a gap touches is left out."""
    recent = [r for r in history if r.has(f"{tool}.parquet")][-LONGEST:]
    if not recent or not recent[-1].has(f"{tool}_weeks.parquet"):
        return verdict.of_places([], [], weeks)
    now, recorded = recent[-1].origin, recent[-1].frame(f"{tool}_weeks")
    oldest: Any = recorded["week"].min()
    over: list[ReleasePeriod] = []
    running: list[RunningPeriod] = []
    for release in recent:
        ends = release.origin + timedelta(weeks=weeks)
        if ends > now:
            running.append(RunningPeriod(release.name, release.origin, ends - timedelta(days=1)))
        elif (oldest is None or release.origin >= oldest) and not missing(gaps, [release.origin], days=7 * weeks)[0]:
            over.append(verdict.period(release.name, release.origin, release.frame(tool), counts(recorded, release.origin, weeks), _force(release, tool)))
    return verdict.of_places(over, running, weeks)


def _force(release: Release, tool: str) -> tuple[int, int] | None:
    total = total_of(release, tool)
    return None if total is None else (int(total["lower"]), int(total["upper"]))


def total_of(release: Release, tool: str, area: str | None = None) -> AreaTotal | None:
    """The row of one area, or of the whole force, in a release; None if it holds none."""
    return total_in(release.frame(f"{tool}_areas"), area) if release.has(f"{tool}_areas.parquet") else None


def total_in(frame: pl.DataFrame, area: str | None) -> AreaTotal | None:
    """The row of one area, or of the whole force, of a release's table of areas; None if it holds none."""
    found = frame.filter(pl.col("area").is_null() if area is None else pl.col("area") == area)
    return cast(AreaTotal, found.row(0, named=True)) if found.height else None


def of_people(tool: str, history: Sequence[Release]) -> PeopleVerdict:
    """What the newest release that holds results says of what was said and what came."""
    held = next((r for r in reversed(history) if r.has(f"{tool}_results.json")), None)
    results = people_results.read(json.loads(held.read(f"{tool}_results.json"))) if held is not None else None
    judged = results is not None and not results.rehearsal
    ends = None if judged or not history else history[0].origin + timedelta(days=365)
    return PeopleVerdict(results, ends)


def what_changed(tool: str, history: Sequence[Release], area: str | None = None) -> PlacesChanged:
    """What changed in the newest of a tool's releases since the one before: of the whole force, or of one area's places."""
    recent = [r for r in history[-SINCE:] if r.has(f"{tool}.parquet")]
    frames = [(r.name, r.frame(tool)) for r in recent]
    within = None if area is None else frozenset(frames[-1][1].filter(pl.col("area") == area)["cell"])
    before = total_of(recent[-2], tool, area) if len(recent) > 1 else None
    return changed.changed([(name, changed.states(frame)) for name, frame in frames], total_of(recent[-1], tool, area), before, within)
