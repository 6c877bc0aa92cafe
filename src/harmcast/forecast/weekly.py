"""The forecast of one places tool at one origin: tables out, ready to be released."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from harmcast import tables
from harmcast.documents.places_model import PlacesModel, WindowTrial
from harmcast.forecast import choose, ranges
from harmcast.forecast.kept import ForecastMemory
from harmcast.forecast.model import NAME, Fitted, Procedure, one_thread
from harmcast.places.counts import Panel


@dataclass(frozen=True, eq=False)
class PlacesForecast:
    """One tool's forecast.

    Attributes:
        cells: tables.FORECAST, a row a unit, ordered by key.
        areas: tables.FORECAST_AREAS, areas by name, the force (area null) last.
        kept: state that makes the next forecast quick (`kept.py`); without it the same numbers come from history.
        model: settings, weights, hashes and the reason of the choice, JSON-ready.
        trials: `Fitted.trials` of the completed windows, oldest first.
    """

    cells: pl.DataFrame
    areas: pl.DataFrame
    kept: memoryview
    model: PlacesModel
    trials: list[WindowTrial] = field(default_factory=list)


def forecast_places(
    panel: Panel,
    origin: date,
    horizon_weeks: int = 4,
    seed: int = 0,
    kept: bytes | memoryview | None = None,
    fell_back: bool = False,
    anchor: date | None = None,
) -> PlacesForecast:
    """How many crimes each unit will see from the origin on, with ranges and chances.

    Args:
        panel: counts before the origin (`places.counts.panel`).
        origin, horizon_weeks: the window forecast; must be the panel's own.
        seed: every draw follows from it.
        kept: `PlacesForecast.kept` of an earlier forecast of the same tool; changes nothing but the time taken.
        anchor: day from which windows are counted; None: that of `kept`, or the origin. To make a past release again hand
            over its `model["anchor"]`.
        fell_back: whether the 24-month count spoke before the first of those windows.
    Returns: the tables of a release. `model["reason"]` says why which model made the numbers.
    Raises: ValueError if origin or horizon are not the panel's.
    """
    if origin != panel.origin or horizon_weeks != panel.horizon_weeks:
        raise ValueError("origin and horizon must be those the panel was counted for")
    with one_thread():
        fitted = Fitted(Procedure(anchor, ForecastMemory.load(kept) if kept else None), panel)
    trials = fitted.trials()
    ours, alike, count = (np.array(each) for each in ([one["ours"] for one in trials], [one["alike"] for one in trials], [one["count_24m"] for one in trials]))
    choice = choose.decide(ours - alike, fell_back)
    name = "count_24m" if choice.fell_back else NAME
    with one_thread():
        prediction = fitted.predict(seed, plain=choice.fell_back)
    counts = ranges.drawn(prediction, seed)
    listed, group = ranges.listed(prediction, counts, seed), ranges.groups(prediction.expected, counts)
    year = None if prediction.year is None else ranges.inside(ranges.drawn(prediction.year, seed)).mean(axis=0)
    chances = {"chance_top20": listed.chance, "chance_top20_year": year, "list_group": group}
    cells = _cells(panel, prediction, name, chances | _baselines(panel))
    model = fitted.document() | {
        "name": name,
        "reason": choice.reason,
        "fell_back": choice.fell_back,
        "fallback": choice.document(float((ours - count).mean()) if trials else 0.0),
        "seed": seed,
        "origin": origin.isoformat(),
        "horizon_weeks": horizon_weeks,
        "list": listed.document(),
        "counts_sha256": counts_hash(panel),
    }
    return PlacesForecast(cells, _areas(panel, prediction, cells, seed), fitted.kept.dump(), model, trials)


def counts_hash(panel: Panel) -> str:
    """SHA-256 of everything a forecast reads: units, weekly counts, leading counts, delays."""
    digest = hashlib.sha256()
    digest.update("\n".join(panel.units.keys).encode())
    digest.update(np.ascontiguousarray(panel.units.land_m2).tobytes())
    for counts in (panel.weekly, panel.incidents, panel.sizes, panel.seen):
        digest.update(b"" if counts is None else np.ascontiguousarray(counts).tobytes())
    for name in sorted(panel.leading):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(panel.leading[name]).tobytes())
    digest.update(np.ascontiguousarray(panel.known_share).tobytes())
    return digest.hexdigest()


def _baselines(panel: Panel) -> dict[str, np.ndarray | None]:
    """The four plain figures of every row, a window of the tool's own length by the weeks seen, and how many those are."""
    whole, horizon = len(panel.weekly), panel.horizon_weeks
    spans = {
        "4w": (max(0, whole - 4), whole),
        "last_year": (whole - 52, whole - 52 + horizon) if whole >= 52 else (0, 0),
        "52w": (max(0, whole - 52), whole),
        "24m": (max(0, whole - 104), whole),
    }
    found: dict[str, np.ndarray | None] = {}
    for name, (first, end) in spans.items():
        seen = np.full(len(panel.units), end - first) if panel.seen is None else panel.seen[first:end].sum(axis=0)
        mean = panel.weekly[first:end].sum(axis=0, dtype=np.float64) * horizon / np.maximum(seen, 1)
        found |= {f"baseline_{name}": np.where(seen > 0, mean, np.nan), f"baseline_weeks_seen_{name}": seen}
    return found


def _cells(
    panel: Panel, prediction: ranges.Prediction, name: str, more: Mapping[str, np.ndarray | None]
) -> pl.DataFrame:
    units, n = panel.units, len(panel.units)
    tail, below = (1.0 - tables.RANGE_LEVEL) / 2.0, ranges.cdf(prediction.expected, prediction.dispersion, prediction.victims)
    columns: dict[str, Any] = {
        "cell": list(units.keys),
        "place": [None] * n,  # named by the run: a forecast knows no map
        "area": list(units.areas),
        "easting_m": units.easting_m,
        "northing_m": units.northing_m,
        "origin": [panel.origin] * n,
        "horizon_weeks": [panel.horizon_weeks] * n,
        "expected": prediction.expected,
        "lower": ranges.quantile(tail, below),
        "upper": ranges.quantile(1.0 - tail, below),
        "range_level": np.full(n, tables.RANGE_LEVEL),
        "chance_any": 1.0 - below[:, 0],
        "dispersion": prediction.dispersion,
        "model": [name] * n,
    }
    columns |= {key: [None] * n if value is None else value for key, value in more.items()}
    return pl.DataFrame(columns, schema=tables.FORECAST.schema()).with_columns(pl.col(pl.Float64).fill_nan(None)).sort("cell")


def _areas(panel: Panel, prediction: ranges.Prediction, cells: pl.DataFrame, seed: int) -> pl.DataFrame:
    if prediction.dealing is None or prediction.totals is None:
        raise ValueError("areas need draws of rates and of the total")
    dealt = ranges.counts_by_area(prediction.dealing, prediction.totals, list(panel.units.areas), seed, prediction.victims)
    force = np.sum(list(dealt.values()), axis=0)
    names: list[str | None] = [name for name in dealt if name]
    rows = []
    for name in [*names, None]:
        part = cells if name is None else cells.filter(pl.col("area") == name)
        low, high = ranges.whole_range(force if name is None else dealt[name])
        named = [column for column in tables.FORECAST_AREAS.names if column == "expected" or column.startswith("baseline_")]
        sums = {column: None if part[column].null_count() else float(part[column].sum()) for column in named}
        rows.append(
            {"area": name, "cells": len(part), "origin": panel.origin, "horizon_weeks": panel.horizon_weeks,
             "lower": low, "upper": high, "range_level": tables.RANGE_LEVEL, **sums}
        )  # fmt: skip
    return pl.DataFrame(rows, schema=tables.FORECAST_AREAS.schema())

