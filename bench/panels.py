"""The measuring panels: two cities' recorded crimes as panels, read straight from the measuring data.

The data lie outside the project: HARMCAST_DATA, or ../shared/data from the project's root.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from harmcast.places import counts, grid

ROOT = Path(__file__).resolve().parent.parent
TORONTO_KINDS = ("Assault", "Robbery", "Break and Enter", "Auto Theft", "Theft Over")


def folder() -> Path | None:
    """Where the measuring data are; None where they are not."""
    found = Path(os.environ.get("HARMCAST_DATA", ROOT.parent / "shared" / "data"))
    return found if (found / "places").is_dir() else None


def _crimes(events: pl.DataFrame) -> pl.DataFrame:
    return events.select(
        pl.col("date").alias("happened_from"),
        pl.col("x").alias("easting_m"),
        pl.col("y").alias("northing_m"),
        pl.col("kind").alias("offence_code"),
    )


def new_york(side_m: float, least_inside: float = 0.25) -> counts.Panel:
    """Shootings to 2023-06-30, one row an incident."""
    place = needed() / "places" / "nypd_shootings"
    _, shapes = grid.shapes_of(json.loads((place / "study_area.geojson").read_text()), "EPSG:32618")
    units = grid.over_boundary(side_m, shapes, cell_min_inside_share=least_inside)
    events = pl.read_parquet(place / "events.parquet").unique("incident", keep="first", maintain_order=True)
    kinds = events["kind"].unique().sort().to_list()
    return counts.panel(_crimes(events), units, {"offence_code": kinds}, [], date(2023, 7, 1))


def new_york_by_victims(side_m: float = 1000.0, least_inside: float = 0.2475) -> tuple[counts.Panel, counts.Panel]:
    """Shootings, one row a victim with its hour: incidents taken together as they are, and every victim as an incident of its own."""
    place = needed() / "places" / "nypd_shootings"
    _, shapes = grid.shapes_of(json.loads((place / "study_area.geojson").read_text()), "EPSG:32618")
    units = grid.over_boundary(side_m, shapes, cell_min_inside_share=least_inside)
    events = pl.read_parquet(place / "events.parquet").with_columns(pl.col("date") + pl.duration(hours="hour"))
    kinds = {"offence_code": events["kind"].unique().sort().to_list()}
    together = counts.panel(_crimes(events), units, kinds, [], date(2023, 7, 1))
    minutes = pl.int_range(pl.len()).over("date", "x", "y")  # an hour of its own for each, within its day
    apart = events.with_columns(pl.col("date").dt.truncate("1d") + pl.duration(hours=minutes % 24, minutes=1))
    return together, counts.panel(_crimes(apart), units, kinds, [], date(2023, 7, 1))


def toronto(side_m: float, kinds: tuple[str, ...]) -> counts.Panel:
    """Toronto crimes of `kinds` to 2021-12-31; the other kinds lead."""
    return toronto_on(grid.from_points(side_m, *toronto_first_points()), kinds)


def toronto_first_points() -> tuple[np.ndarray, np.ndarray]:
    """Where crimes happened in the first 1,096 days: what stands in for a boundary."""
    events = _toronto_events()
    first = events.filter(pl.col("date").dt.date() < date(2014, 1, 1) + timedelta(days=1096))
    return first["x"].to_numpy(), first["y"].to_numpy()


def toronto_on(units: grid.Units, kinds: tuple[str, ...]) -> counts.Panel:
    """The same crimes on any units."""
    leading = {kind: {"offence_code": [kind]} for kind in TORONTO_KINDS if kind not in kinds}
    return counts.panel(_crimes(_toronto_events()), units, {"offence_code": list(kinds)}, leading, date(2022, 1, 1))


def _toronto_events() -> pl.DataFrame:
    events = pl.read_parquet(needed() / "places" / "toronto_mci" / "events.parquet")
    return events.with_columns(pl.col("date") + pl.duration(hours=pl.col("hour").fill_null(0)))


PANELS: dict[str, tuple[str, Callable[[], counts.Panel]]] = {
    # One cell is 24.8% inside by this file's boundary; the printed figures count it: 869 cells.
    "ny_1km": ("New York shootings 1 km", lambda: new_york(1000.0, 0.2475)),
    "ny_707m": ("New York shootings 707 m", lambda: new_york(707.0)),
    "to_robbery_1km": ("Toronto robbery 1 km", lambda: toronto(1000.0, ("Robbery",))),
    "to_robbery_707m": ("Toronto robbery 707 m", lambda: toronto(707.0, ("Robbery",))),
    "to_both_707m": ("Toronto assault + robbery 707 m", lambda: toronto(707.0, ("Assault", "Robbery"))),
}


def needed() -> Path:
    """Where the measuring data are. Raises: FileNotFoundError."""
    found = folder()
    if found is None:
        raise FileNotFoundError("no measuring data: set HARMCAST_DATA")
    return found
