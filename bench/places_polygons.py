"""Units other than squares: Toronto robbery on hexagons, and the 1,680 LSOAs of a real police area under invented counts."""

from __future__ import annotations

import json
import time
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from bench import panels
from bench.results import Row
from bench.rolling import rolling
from bench.verdicts import at_least, at_most, within
from harmcast.evaluate import backtest
from harmcast.forecast import shipped
from harmcast.forecast.weekly import forecast_places
from harmcast.places import counts, grid

HEXAGON_KM2 = 0.5
ORIGINS = 39
LAYER_WEEKS = 156
SEED = 20211101


def hexagons(area_km2: float, easting_m: np.ndarray, northing_m: np.ndarray) -> grid.Units:
    """Regular hexagons over the points, those that hold any."""
    import shapely

    radius = float(np.sqrt(area_km2 * 1e6 / (1.5 * np.sqrt(3.0))))
    across, up = 1.5 * radius, np.sqrt(3.0) * radius
    shapes, keys = [], []
    corners = np.arange(6) * np.pi / 3
    for column in range(int(easting_m.min() // across), int(easting_m.max() // across) + 2):
        for row in range(int(northing_m.min() // up) - 1, int(northing_m.max() // up) + 2):
            middle = (column * across, (row + 0.5 * (column % 2)) * up)
            shapes.append(shapely.Polygon(np.column_stack([middle[0] + radius * np.cos(corners), middle[1] + radius * np.sin(corners)])))
            keys.append(f"H{column}_{row}")
    held, _ = shapely.STRtree(shapely.points(easting_m, northing_m)).query(shapes, predicate="contains")
    some = np.unique(held).tolist()
    return grid.from_layer([keys[k] for k in some], [shapes[k] for k in some])


def _toronto() -> dict[str, Any]:
    points = panels.toronto_first_points()
    units = hexagons(HEXAGON_KM2, *points)
    panel = panels.toronto_on(units, ("Robbery",))
    at_origin, came = rolling(panel, ORIGINS)
    models = {name: one for name, one in shipped.models(at_origin[0]).items() if name in (shipped.CHOSEN, "count_24m")}
    return backtest.backtest_places(
        at_origin, came, models, tool="hexagons", chosen=shipped.CHOSEN, level=shipped.level, in_turn=shipped.IN_TURN, seed=SEED
    )


def _layer() -> dict[str, Any]:
    """LSOAs with residents; true rates are the residents' share times a Gamma factor, so that what is right is known."""
    folder = panels.needed() / "geo"
    properties, shapes = grid.shapes_of(json.loads((folder / "west_midlands_lsoa_2011.geojson").read_text()), "EPSG:27700")
    people = dict(pl.read_parquet(folder / "lsoa2011_population_ew.parquet").select("lsoa", "persons").iter_rows())
    keys = [one["LSOA11CD"] for one in properties]
    began = time.perf_counter()
    units = grid.from_layer(keys, shapes, residents=[people.get(key) for key in keys])
    made = time.perf_counter() - began
    rng = np.random.default_rng(SEED)
    share = np.asarray(units.residents) * rng.gamma(1.5, 1.0, len(units))
    share /= share.sum()
    weekly = rng.poisson(60.0 * share, (LAYER_WEEKS, len(units))).astype(np.int32)
    origin = date(2026, 6, 1)
    panel = counts.Panel(units, origin, 4, weekly, {}, np.ones(LAYER_WEEKS))
    began, spent = time.perf_counter(), time.process_time()
    made_forecast = forecast_places(panel, origin, 4, SEED, anchor=origin)
    seconds, cpu = time.perf_counter() - began, time.process_time() - spent
    began = time.process_time()
    forecast_places(panel, origin, 4, SEED, made_forecast.kept)
    true = 240.0 * share
    ours = made_forecast.cells["expected"].to_numpy()
    plain = made_forecast.cells["baseline_24m"].to_numpy()
    apart = lambda one: float(np.sqrt(np.mean((one - true) ** 2)) / true.mean())  # noqa: E731
    return {"units": len(units), "made_s": made, "seconds": seconds, "cpu_seconds": cpu, "kept_cpu_seconds": time.process_time() - began,
            "error_ours": apart(ours), "error_24m": apart(plain)}  # fmt: skip


def measure() -> dict[str, Any]:
    return {"hexagons": _toronto(), "layer": _layer()}


def rows(found: dict[str, Any]) -> list[Row]:
    """What is asked of units other than squares."""
    six, layer = found["hexagons"], found["layer"]
    ours = six["models"][shipped.CHOSEN]
    print(f"\nToronto robbery on {six['units']} hexagons of {HEXAGON_KM2} km2, {ORIGINS} origins")
    print(f"  gap closed {100 * ours['gap_closed_share']:.1f}%, log score {ours['log_score']:.5f}, 24-month count {six['models']['count_24m']['log_score']:.5f}; "
          f"hit rate {100 * ours['hit_rate_top20']:.1f}%, PAI at 5% by units {ours['pai_5pct']:.2f}, by land {ours['pai_5pct_by_land']:.2f}")  # fmt: skip
    print(f"\nWest Midlands, {layer['units']} LSOAs with residents, invented counts of known rates")
    print(f"  units made in {layer['made_s']:.1f} s; forecast from history {layer['seconds']:.1f} s ({layer['cpu_seconds']:.1f} s CPU), from kept state {layer['kept_cpu_seconds']:.2f} s CPU")
    return [
        at_least("places", f"{six['units']} hexagons: log score less the 24-month count's, lower 95% bound", ours["log_score_gain_low"], 0.0, "+.5f"),
        within(15, f"{six['units']} hexagons: share of randomised PIT inside .05 to .95", ours["coverage_90"], (0.88, 0.92), ".3f"),
        at_most("places", f"{layer['units']} LSOAs: error against the true rates over their mean (24-month count's is what is asked)", layer["error_ours"], round(layer["error_24m"], 3), ".3f"),
    ]  # fmt: skip
