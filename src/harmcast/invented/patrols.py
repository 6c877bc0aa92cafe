"""Where patrols go, and, if asked for, records that follow them."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from harmcast.invented.crimes import DAY_MINUTES, CrimesDrawn
from harmcast.invented.draws import stream
from harmcast.invented.intensity import STEP_DAYS, Intensity
from harmcast.invented.offences import GROUPS

CELL_M = 1000.0
HOT_CELLS = 40
SPOTS = 60
MEMORY_STEPS = 3
_WATCHED = [GROUPS.index(g) for g in ("street", "night", "drugs")]


def allocate(intensity: Intensity, drawn: CrimesDrawn, seed: int, feedback: float) -> tuple[np.ndarray, CrimesDrawn | None]:
    """Patrol spots a step, and crimes recorded only because a patrol was there.

    Patrols go to the square kilometres with most recorded street, night and drug crime of the last three steps. With
    `feedback` above 0 each crime of those kinds in a patrolled cell brings on average so many more records like it,
    which count when the next patrols are sent.

    Returns: spots (steps, 60, 2) in metres, the hottest first; the extra crimes, or None when feedback is 0.
    """
    rng = stream(seed, "patrol places")
    watched = np.flatnonzero(np.isin(drawn.group, _WATCHED))
    column, row = (drawn.east[watched] // CELL_M).astype(np.int64), (drawn.north[watched] // CELL_M).astype(np.int64)
    low_column, low_row = column.min(), row.min()
    width = int(row.max() - low_row + 1)
    cell = (column - low_column) * width + row - low_row
    cells = int(cell.max()) + 1
    step = np.minimum(drawn.minute[watched] // (STEP_DAYS * DAY_MINUTES), intensity.steps - 1)
    counts = (
        np.bincount(step * cells + cell, minlength=intensity.steps * cells)
        .reshape(intensity.steps, cells)
        .astype(float)
    )
    by_step = np.argsort(step, kind="stable")
    edges = np.searchsorted(step[by_step], np.arange(intensity.steps + 1))
    used = np.flatnonzero(counts.sum(axis=0) > 0)
    spots = np.empty((intensity.steps, SPOTS, 2))
    copied = []
    for s in range(intensity.steps):
        heat = counts[max(0, s - MEMORY_STEPS) : s].sum(axis=0) if s else np.zeros(cells)
        hot = np.argsort(-heat, kind="stable")[:HOT_CELLS]
        chosen = np.concatenate([hot, rng.choice(used, SPOTS - HOT_CELLS, replace=len(used) < SPOTS)])
        spots[s] = (np.column_stack([chosen // width + low_column, chosen % width + low_row]) + 0.5) * CELL_M
        if feedback > 0 and s:
            now = by_step[edges[s] : edges[s + 1]]
            now = now[np.isin(cell[now], hot)]
            again = np.repeat(now, rng.poisson(feedback, len(now)))
            counts[s] += np.bincount(cell[again], minlength=cells)
            copied.append(watched[again])
    if not copied:
        return spots, None
    source = np.concatenate(copied)
    within = drawn.minute[source] // (STEP_DAYS * DAY_MINUTES) * (STEP_DAYS * DAY_MINUTES)
    return spots, CrimesDrawn(
        drawn.line[source],
        drawn.group[source],
        within + rng.integers(0, STEP_DAYS * DAY_MINUTES, len(source)),
        drawn.east[source],
        drawn.north[source],
        drawn.square[source],
        np.full(len(source), -1),
    )


def visits(seed: int, first_day: date, days: int, spots: np.ndarray, a_day: int) -> pl.DataFrame:
    """The `activity` table: patrols and visits of about half an hour, most at the first of a step's `spots`."""
    rng = stream(seed, "patrols")
    n = days * a_day
    day = np.repeat(np.arange(days), a_day)
    spot = (rng.random(n) ** 1.6 * spots.shape[1]).astype(np.int64)
    at = spots[np.minimum(day // STEP_DAYS, len(spots) - 1), spot] + rng.normal(0, 220, (n, 2)).round()
    minute = day * 1440 + (rng.triangular(300, 1150, 1439, n)).astype(np.int64)
    begun = np.datetime64(first_day, "us") + minute.astype("timedelta64[m]")
    return (
        pl.DataFrame(
            {
                "kind": pl.Series(["patrol", "visit"]).gather((rng.random(n) < 0.15).astype(np.int64)),
                "started_at": begun,
                "minutes": rng.integers(10, 75, n).astype(np.float64),
                "easting_m": at[:, 0],
                "northing_m": at[:, 1],
            }
        )
        .unique(["kind", "started_at", "easting_m", "northing_m"], keep="first", maintain_order=True)
        .sort("started_at", "easting_m", "northing_m")
    )
