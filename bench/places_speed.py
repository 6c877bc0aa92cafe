"""Time of a weekly forecast from kept state: both tools of a large force, and 500 m cells. The least of five runs, as others may be at work."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import numpy as np

from bench.results import Row
from bench.verdicts import at_most
from harmcast.forecast.model import one_thread
from harmcast.forecast.weekly import forecast_places
from harmcast.places.counts import NEAR_M, Panel
from harmcast.places.grid import squares_at
from harmcast.places.spreading import spread

ORIGIN = date(2026, 6, 1)
WEEKS, TIMES = 209, 5
BOTH_TOOLS, HALF_KM = (974, 1904), (3600,)


def invented(cells: int, side_m: float) -> Panel:
    """Four years of counts on a square of cells, two leading kinds."""
    across = int(np.sqrt(cells)) + 1
    columns, rows = np.meshgrid(np.arange(across) + 400, np.arange(across) + 280, indexing="ij")
    units = squares_at(side_m, columns.ravel()[:cells], rows.ravel()[:cells])
    rng = np.random.default_rng(cells)
    share = rng.gamma(0.6, 1.0, cells) + 0.02
    share /= share.sum()
    weekly = rng.poisson(40 * share, (WEEKS, cells)).astype(np.int32)
    leading = {kind: rng.poisson(120 * share, (WEEKS, cells)).astype(np.int32) for kind in ("one", "other")}
    week, unit = np.nonzero(weekly)
    spot = rng.uniform(0, side_m, (2, cells))
    at = (units.columns * side_m + spot[0])[unit], (units.rows * side_m + spot[1])[unit]
    near = {width: spread(units, *at, week, weekly[week, unit], WEEKS, width) for width in NEAR_M}
    return Panel(units, ORIGIN, 4, weekly, leading, np.ones(WEEKS), near=near)


def _least(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds and processor seconds of the quickest of five runs."""
    took = []
    for _ in range(TIMES):
        began, spent = time.perf_counter(), time.process_time()
        work()
        took.append((time.perf_counter() - began, time.process_time() - spent))
    seconds, cpu = (min(each) for each in zip(*took, strict=True))
    return seconds, cpu


def _one(cells: int, side_m: float) -> tuple[dict[str, float], Callable[[], object]]:
    """What the week before and this one took, and this one to be run again."""
    panel = invented(cells, side_m)
    before = panel.before(ORIGIN - timedelta(days=7))
    began, spent = time.perf_counter(), time.process_time()
    kept = forecast_places(before, before.origin, 4, 1, None, False, before.origin).kept
    first = (time.perf_counter() - began, time.process_time() - spent)

    def week() -> object:
        return forecast_places(panel, ORIGIN, 4, 1, kept, False, before.origin)

    seconds, cpu = _least(week)
    return {"cells": cells, "first_s": first[0], "first_cpu_s": first[1], "next_s": seconds, "next_cpu_s": cpu, "kept_mb": len(kept) / 1e6}, week


def measure(with_half_km: bool) -> dict[str, Any]:
    """Each tool alone, and both at once as `runs.places.make_places` makes them."""
    both = [_one(cells, 707.0) for cells in BOTH_TOOLS]
    with one_thread(), ThreadPoolExecutor(max_workers=2) as pool:
        together = _least(lambda: list(pool.map(lambda one: one[1](), both)))
    half_km = [_one(cells, 500.0)[0] for cells in HALF_KM] if with_half_km else []
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"both": [one for one, _ in both], "together": together, "half_km": half_km, "peak_mb": peak}


def rows(found: dict[str, Any]) -> list[Row]:
    """What is asked of a weekly forecast's time."""
    print("\nOne weekly forecast, four years of history, two leading kinds")
    for one in [*found["both"], *found["half_km"]]:
        print(f"  {one['cells']} cells: from history {one['first_s']:.1f} s (CPU {one['first_cpu_s']:.1f}), from kept state {one['next_s']:.2f} s "
              f"(CPU {one['next_cpu_s']:.2f}); kept {one['kept_mb']:.0f} MB")  # fmt: skip
    cells, (both, cpu) = " and ".join(str(one["cells"]) for one in found["both"]), found["together"]
    wanted = [at_most("places", f"weekly forecast of both tools ({cells} cells) from kept state, both at once as a week makes them, s", both, 1.0, ".2f", f"(CPU {cpu:.2f})")]
    return wanted + [
        at_most("places", f"weekly forecast of {one['cells']} cells of 500 m from kept state, s", one["next_s"], 10.0, ".2f", f"(CPU {one['next_cpu_s']:.2f})")
        for one in found["half_km"]
    ]
