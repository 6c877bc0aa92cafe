"""Where: one places tool's forecast, and what its records say of the weeks before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from harmcast import tables
from harmcast.evaluate import choose
from harmcast.forecast.weekly import PlacesForecast, forecast_places
from harmcast.places import counts as counting
from harmcast.places.counts import Panel
from harmcast.publish.release import PlacesPart
from harmcast.settings import PlacesTool
from harmcast.stages.ground import Ground

WEEKS_SHOWN = 156
SEED = 20_211_101


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


def make_places(
    tool: PlacesTool,
    ground: Ground,
    crimes: pl.DataFrame,
    origin: date,
    kept: bytes | None = None,
    fell_back: bool = False,
) -> PlacesMade:
    """A places tool's forecast from crimes as known at the week's as-of date."""
    units = ground.units(tool, lambda: crimes)
    panel = counting.panel(crimes, units, tool.where, tool.leading, origin, tool.horizon_weeks)
    made = forecast_places(panel, origin, tool.horizon_weeks, SEED, kept, choose.decide, fell_back)
    part = PlacesPart(tool.name, made.cells, made.areas, ground.shape(units), _about(panel, made))
    return PlacesMade(tool, part, panel, made, recorded_weeks(panel))


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


def _about(panel: Panel, made: PlacesForecast) -> Mapping[str, Any]:
    return {**made.model, "trials": made.trials, "account": panel.account, "units": len(panel.units)}
