"""Were we right? What came of windows that are over, judged beside the plain counts printed at the time.

What came of a window is known four weeks after it closes, when late records are mostly in, and restated at 52 weeks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl

from harmcast import tables
from harmcast.evaluate import scores
from harmcast.forecast.pool import Spread
from harmcast.places.counts import Panel
from harmcast.publish.release_files import read_model
from harmcast.runs.places import PlacesMade
from harmcast.store.releases import Release

SETTLED_WEEKS = 4
RESTATED_WEEKS = 52
TRIALS_SHOWN = 13


def touches_gap(panel: Panel, origin: date, horizon_weeks: int) -> bool:
    """Whether weeks of the window that began at `origin` are missing: such a window is not judged."""
    last = len(panel.weekly) - (panel.origin - origin).days // 7 + horizon_weeks
    return panel.seen is not None and not panel.seen[max(0, last - horizon_weeks) : last].all()


def recorded_in(panel: Panel, origin: date, horizon_weeks: int) -> pl.DataFrame:
    """Columns cell and count: what the records say now of the window that began at `origin`."""
    last = len(panel.weekly) - (panel.origin - origin).days // 7 + horizon_weeks
    window = panel.weekly[max(0, last - horizon_weeks) : last].sum(axis=0, dtype=np.int64)
    return pl.DataFrame({"cell": list(panel.units.keys), "count": window})


def judged(made: PlacesMade, released: Sequence[Release]) -> pl.DataFrame:
    """tables.SCORES of every release of the tool whose window is due to be judged or restated this week."""
    now, weeks = made.panel.origin, made.tool.horizon_weeks
    found = [pl.DataFrame(schema=tables.SCORES.schema())]
    for settled, words in ((SETTLED_WEEKS, "known 4 weeks after the window closed"), (RESTATED_WEEKS, "restated at 52 weeks")):
        for release in released:
            if release.origin + timedelta(weeks=weeks + settled) == now and release.has(f"{made.tool.name}.parquet") and not touches_gap(made.panel, release.origin, weeks):
                cells = release.frame(made.tool.name)
                model = read_model(release.read(f"{made.tool.name}_model.json"))
                each = model.get("victims")
                chances = None if each is None else np.array(each) / sum(each)
                spread = Spread(**model["spread"]) if "spread" in model else None
                rows = scores.judge(cells, recorded_in(made.panel, release.origin, weeks), made.tool.name, victims=chances, spread=spread)
                found.append(rows.with_columns(reason=pl.coalesce("reason", pl.lit(words))))
    return pl.concat(found)


def trials(made: PlacesMade) -> pl.DataFrame:
    """tables.SCORES of the last completed windows that the fallback rule looks at: ours, and the 24-month count with our level."""
    rows = [
        {
            "tool": made.tool.name,
            "model": model,
            "figure": "log_score_trial",
            "group": None,
            "origin": made.panel.origin - timedelta(weeks=int(one["weeks_ago"])),
            "value": value,
            "low": None,
            "high": None,
            "n": len(made.panel.units),
            "unit": "nats a cell",
            "better": "higher",
            "reason": "made again from records as known now",
        }
        for one in made.forecast.trials[-TRIALS_SHOWN:]
        for model, value in (("ours", one["ours"]), ("count_24m", one["alike"]))
    ]
    return pl.DataFrame(rows, schema=tables.SCORES.schema())
