"""Where: one places tool's forecast, and what its records say of the weeks before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from harmcast import tables
from harmcast.documents.places_model import PlacesModel
from harmcast.errors import NotFit
from harmcast.forecast.model import one_thread
from harmcast.forecast.weekly import PlacesForecast, forecast_places
from harmcast.gaps import Gap
from harmcast.places import counts as counting
from harmcast.places.counts import Panel
from harmcast.places.grid import Units
from harmcast.publish.release_files import PlacesPart, read_model
from harmcast.runs.force_area import ForceArea
from harmcast.settings import PlacesTool
from harmcast.store.releases import Releases
from harmcast.weeks import Week

WEEKS_SHOWN = 156
SEED = 20_211_101
ANCHOR_WEEKS = 104
YEAR_WEEKS, MOST_MISSING = 52, 26


@dataclass(frozen=True)
class PlacesMade:
    """One places tool's share of a week: the part released, its panel and the state that makes the next one quick."""

    tool: PlacesTool
    part: PlacesPart
    panel: Panel
    forecast: PlacesForecast
    weeks: pl.DataFrame

    @property
    def fell_back(self) -> bool:
        return bool(self.forecast.model["fell_back"])


def crime_columns(tools: list[PlacesTool]) -> list[str]:
    """The columns of crimes that these tools read: nothing else is opened for them."""
    named = {key for tool in tools for where in (tool.where, *tool.leading) for key in where}
    always = {"crime_ref", "happened_from", "recorded_at", "status", "easting_m", "northing_m", "known_on"}
    return sorted(named | always)


@dataclass(frozen=True)
class Since:
    """What a week takes over from the one before: the day windows are counted from, and whether the plain count spoke before them.

    While the day stays the same, so does what is said of the time before: who speaks then follows from the windows alone. A week
    that is made again takes over what it took over then, so that nothing that happened since can change it.
    """

    anchor: date | None = None
    fell_back: bool = False


def since(releases: Releases, tool: str, week: Week) -> Since:
    """What the week's own release recorded, if it stands already; else what the release before leaves."""
    own = [r for r in releases.of_week(str(week)) if r.tool == tool]
    if own and own[-1].has(f"{tool}_model.json"):
        model = read_model(own[-1].read(f"{tool}_model.json"))
        return Since(date.fromisoformat(model["anchor"]), bool(model["fell_back_before"]))
    before = releases.before(tool, str(week))
    if before is None or not before.has(f"{tool}_model.json"):
        return Since()
    model = read_model(before.read(f"{tool}_model.json"))
    anchor = date.fromisoformat(model["anchor"])
    is_old = (week.origin - anchor).days >= 7 * ANCHOR_WEEKS
    if is_old or model.get("fallback") is None:
        return Since(None if is_old else anchor, bool(model["fell_back"]))
    return Since(anchor, bool(model["fell_back_before"]))


def make_places(
    tools: Sequence[PlacesTool],
    ground: ForceArea,
    crimes: pl.DataFrame,
    origin: date,
    taken_over: Sequence[Since],
    kept: Sequence[bytes | None],
    named: Callable[[Units], Sequence[str]],
    gaps: Sequence[Gap] = (),
) -> list[PlacesMade]:
    """Each places tool's forecast from crimes as known at the week's as-of date; two tools at a time. `named` names the units.

    Each tool's linear algebra stays on one thread, so the bytes do not depend on the cores.
    """
    panels = []
    for tool in tools:
        units = ground.units(tool, lambda: crimes)
        panels.append(with_enough_weeks(counting.panel(crimes, units, tool.where, tool.leading, origin, tool.horizon_weeks, gaps=gaps)))

    def forecast(one: tuple[PlacesTool, Panel, Since, bytes | None]) -> PlacesForecast:
        tool, panel, since, state = one
        return forecast_places(panel, origin, tool.horizon_weeks, SEED, state, since.fell_back, since.anchor or origin)

    with one_thread(), ThreadPoolExecutor(max_workers=2) as pool:
        forecasts = list(pool.map(forecast, zip(tools, panels, taken_over, kept, strict=True)))
    found = []
    for tool, panel, since, made in zip(tools, panels, taken_over, forecasts, strict=True):
        about: PlacesModel = {**_about(panel, made), "fell_back_before": since.fell_back}
        names = pl.DataFrame({"cell": panel.units.keys, "place": named(panel.units)}, schema={"cell": pl.String, "place": pl.String})
        cells = made.cells.update(names, on="cell")
        part = PlacesPart(tool.name, cells, made.areas, ground.shape(panel.units), about)
        found.append(PlacesMade(tool, part, panel, made, recorded_weeks(panel)))
    return found


def with_enough_weeks(panel: Panel) -> Panel:
    """The panel. Raises: NotFit (`too_many_weeks_missing`) where over 26 of the last 52 weeks are missing."""
    missing = 0 if panel.seen is None else int((~panel.seen[-YEAR_WEEKS:].any(axis=1)).sum())
    if missing > MOST_MISSING:
        raise NotFit(
            f"{missing} of the last {YEAR_WEEKS} weeks are missing by the settings' gaps; with over {MOST_MISSING} there is no forecast of places.",
            code="too_many_weeks_missing",
            next_step="Load what is missing, or shorten the gap if records came in.",
        )
    return panel


def recorded_weeks(panel: Panel, weeks: int = WEEKS_SHOWN) -> pl.DataFrame:
    """tables.FORECAST_WEEKS: what was recorded, by cell and week, back from the origin; zeros left out."""
    shown = panel.weekly[-weeks:]
    week, cell = np.nonzero(shown)
    mondays = [panel.origin - timedelta(days=7 * (len(shown) - int(w))) for w in week]
    keys = np.array(panel.units.keys, dtype=object)
    return pl.DataFrame(
        {"cell": keys[cell].tolist(), "week": mondays, "recorded": shown[week, cell].astype(np.int64)},
        schema=tables.FORECAST_WEEKS.schema(),
    ).sort("cell", "week")


def _about(panel: Panel, made: PlacesForecast) -> PlacesModel:
    return {**made.model, "trials": made.trials, "account": panel.account, "units": len(panel.units)}
