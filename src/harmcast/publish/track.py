"""Were we right? Published forecasts beside what came: by area, by size, by place, and by the windows of the fallback rule."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from harmcast.charts.series import Period, Point
from harmcast.publish import released, verdicts
from harmcast.publish.released import Outcome
from harmcast.settings import PlacesTool
from harmcast.store.releases import Release

GROUPS = 8
FEWEST_CELLS = 30
HISTORY_WINDOWS = 39


@dataclass(frozen=True)
class AreaWindow:
    """One policing area in one closed window: what was expected, with its printed range, what came, what the list caught.

    Attributes:
        caught: offences in those of the force's highest cells that lie in the area; 0 to `recorded`.
    """

    origin: date
    expected: float
    lower: int
    upper: int
    recorded: int
    caught: int

    @property
    def inside(self) -> bool:
        return self.lower <= self.recorded <= self.upper


@dataclass(frozen=True)
class AreaRecord:
    """One policing area over closed windows that do not overlap, the newest first."""

    area: str
    windows: tuple[AreaWindow, ...]

    @property
    def expected(self) -> float:
        return sum(one.expected for one in self.windows)

    @property
    def recorded(self) -> int:
        return sum(one.recorded for one in self.windows)

    @property
    def inside(self) -> int:
        """Windows in which the area's count lay inside its printed range."""
        return sum(one.inside for one in self.windows)

    @property
    def caught(self) -> int:
        return sum(one.caught for one in self.windows)


def by_area(
    history: Sequence[Release], newest: Release, tool: str, origins: Collection[date], weeks: int, top: int
) -> list[AreaRecord]:
    """Each policing area's record over the releases of `origins`, by name; empty where no area or count is published."""
    if not released.has(newest, f"{tool}_weeks"):
        return []
    chosen = [r for r in history if r.origin in origins and released.has(r, f"{tool}_areas")]
    key = (newest.manifest_sha256, "by_area", tool, tuple(r.name for r in chosen))
    return released.kept.get(key, lambda: _by_area(chosen, released.frame(newest, f"{tool}_weeks"), tool, weeks, top))


def _by_area(chosen: Sequence[Release], recorded: pl.DataFrame, tool: str, weeks: int, top: int) -> list[AreaRecord]:
    found: dict[str, list[AreaWindow]] = {}
    for release in sorted(chosen, key=lambda r: r.origin, reverse=True):
        came = verdicts.counts(recorded, release.origin, weeks)
        cells = released.frame(release, tool).sort(["expected", "cell"], descending=[True, False])
        seen: dict[str, list[int]] = {}
        for place, (cell, area) in enumerate(cells.select("cell", "area").iter_rows()):
            here = seen.setdefault(area, [0, 0])
            here[0] += came.get(cell, 0)
            here[1] += came.get(cell, 0) if place < top else 0
        rows = released.frame(release, f"{tool}_areas").filter(pl.col("area").is_not_null())
        for area, expected, lower, upper in rows.select("area", "expected", "lower", "upper").iter_rows():
            window = AreaWindow(release.origin, expected, lower, upper, *seen.get(area, [0, 0]))
            found.setdefault(area, []).append(window)
    return [AreaRecord(area, tuple(found[area])) for area in sorted(found)]


@dataclass(frozen=True)
class Trial:
    """The windows that the fallback rule looks at, made again from the records as known now.

    Attributes:
        better: windows in which our log score was above the 24-month count's, of `windows`.
    """

    better: int
    windows: int


def trial(newest: Release, tool: str) -> Trial | None:
    """How our model and the 24-month count did on the last completed windows; None where the release says nothing of it."""
    if not released.has(newest, "scores"):
        return None
    frame = released.frame(newest, "scores").filter((pl.col("tool") == tool) & (pl.col("figure") == "log_score_trial"))
    sides: dict[str, dict[date, float]] = {"ours": {}, "count_24m": {}}
    for model, origin, value in frame.select("model", "origin", "value").iter_rows():
        if model in sides and value is not None:
            sides[model][origin] = value
    gains = [value - sides["count_24m"][origin] for origin, value in sides["ours"].items() if origin in sides["count_24m"]]
    return Trial(sum(g > 0 for g in gains), len(gains)) if gains else None


@dataclass(frozen=True)
class Calibrated:
    """One group of forecasts by expected number: how many, mean expected, mean recorded with its 95% range."""

    point: Point
    lowest: float
    highest: float
    recorded: int


def calibration(outcomes: Sequence[Outcome]) -> list[Calibrated]:
    """Forecasts in groups by expected number, each with what came on average; the smallest expected first.

    Groups hold about as many expected offences each. The range of the mean recorded takes counts as Poisson.
    """
    if len(outcomes) < FEWEST_CELLS:
        return []
    ordered = sorted(outcomes, key=lambda o: o.expected)
    share = sum(o.expected for o in ordered) / GROUPS
    found: list[Calibrated] = []
    part: list[Outcome] = []
    held = 0.0
    for outcome in ordered:
        part.append(outcome)
        held += outcome.expected
        if held >= share and len(part) >= FEWEST_CELLS:
            found.append(_calibrated(part))
            part, held = [], 0.0
    if len(part) >= FEWEST_CELLS:
        found.append(_calibrated(part))
    return found


def _calibrated(part: Sequence[Outcome]) -> Calibrated:
    n, came = len(part), sum(o.recorded for o in part)
    half = 1.96 * math.sqrt(max(came, 1))
    point = Point(sum(o.expected for o in part) / n, came / n, max(0.0, came - half) / n, (came + half) / n, n)
    return Calibrated(point, part[0].expected, part[-1].expected, came)


def periods(release: Release, history: Sequence[Release], tool: PlacesTool, cell: str) -> list[Period]:
    """4-week windows counted back from the release's origin, with what was recorded and what was forecast then; oldest first.

    The last one is the window the release speaks of. A window before the weekly counts begin is left out.
    """
    name, length = f"{tool.name}_weeks", tool.horizon_weeks
    if not released.has(release, name):
        return []
    weeks = released.frame(release, name)
    oldest: Any = weeks["week"].min()
    by_week = dict(weeks.filter(weeks["cell"] == cell).select("week", "recorded").iter_rows())
    said = {r.origin: r for r in history}
    found = []
    for back in range(HISTORY_WINDOWS, -1, -1):
        first = release.origin - timedelta(days=7 * length * back)
        if oldest is None or (back and first < oldest):
            continue
        recorded = sum(by_week.get(first + timedelta(days=7 * k), 0) for k in range(length)) if back else None
        forecast = _forecast(said.get(first), tool.name, cell)
        found.append(Period(first, recorded, *forecast))
    return found


def _forecast(release: Release | None, tool: str, cell: str) -> tuple[float | None, int | None, int | None]:
    if release is None or not released.has(release, tool):
        return None, None, None
    rows = released.kept.get(
        (release.manifest_sha256, tool, "by cell"),
        lambda: {
            r[0]: r[1:] for r in released.frame(release, tool).select("cell", "expected", "lower", "upper").iter_rows()
        },
    )
    found: tuple[float | None, int | None, int | None] = rows.get(cell, (None, None, None))
    return found


def came(history: Sequence[Release], tool: PlacesTool, week: str, cell: str) -> dict[str, Any] | None:
    """What the release said of the place, and what was recorded there by the newest release; None where it is not held."""
    said = next((r for r in reversed(history) if r.week == week), None)
    if said is None or not released.has(history[-1], f"{tool.name}_weeks"):
        return None
    row = released.frame(said, tool.name).filter(released.frame(said, tool.name)["cell"] == cell)
    ends = said.origin + timedelta(weeks=tool.horizon_weeks)
    known = verdicts.counts(released.frame(history[-1], f"{tool.name}_weeks"), said.origin, tool.horizon_weeks).get(cell, 0)
    return {
        "from": said.origin, "to": ends - timedelta(days=1), "is_over": history[-1].origin >= ends, "known_to": history[-1].origin - timedelta(days=1),
        "recorded": known, "lower": row["lower"][0] if row.height else None, "upper": row["upper"][0] if row.height else None,
    }  # fmt: skip
