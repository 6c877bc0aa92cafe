"""What of a monitor cannot speak yet: the monitor counts it, and the page names it, by the same rule."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from harmcast.documents.monitor import Break, Calibration

Thing = tuple[str, str]  # kind (input, score, level, a break, calibration) and name
BREAKS = {"time": "break in time", "forecast": "break against forecast"}


def coverage(
    charted: pl.DataFrame,
    breaks: Sequence[Break],
    calibration: Sequence[Calibration],
    levels: Sequence[str] = (),
) -> tuple[tuple[Thing, ...], tuple[Thing, ...]]:
    """Everything watched, and what of it has too few weeks or periods yet to say anything.

    Args: `charted`: a history of charts; `breaks`, `calibration`: rows of a `Monitor`; `levels`: as in `monitor`.
    """
    moved = (pl.col("chart").abs() > 0).fill_null(False).any()
    spoke = {(k, n): bool(m) for k, n, m in charted.group_by("kind", "name").agg(m=moved).sort("kind", "name").iter_rows()}
    for name in sorted({*levels, *(n for k, n in spoke if k == "level")}):
        spoke.setdefault(("level", name), False)
        of_name = {row["against"]: row["verdict"] for row in breaks if row["name"] == name}
        for against, kind in BREAKS.items():
            spoke[kind, name] = of_name.get(against, "too few periods") != "too few periods"
        spoke["calibration", name] = any(row["name"] == name and row["ratio"] is not None for row in calibration)
    return tuple(spoke), tuple(thing for thing, speaks in spoke.items() if not speaks)


def coverage_says(silent: int, watched: int) -> str:
    """How much of what is watched cannot speak yet, in a sentence."""
    return f"{silent} of {watched} things watched cannot speak yet: they have too few weeks or periods."
