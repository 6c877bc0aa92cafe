"""The quality of what is held, over its whole history: rows, what is missing, delays, midnights, repeated places, trends.

Pure tables of tables. No protected column and no name is looked at; places leave as counts alone, never as coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from harmcast.documents.exploration import ExploredTable

UNKNOWN = ["unknown", ""]
REPEATED = 50
SHOWN_UNITS = 40


def rows(held: Mapping[str, tuple[int, int, int]], matched: Mapping[str, int]) -> ExploredTable:
    """Rows and versions. Args: `held`: table -> (rows as known, versions, deleted); `matched`: tool -> records of its definition."""
    found = [(name, *counts) for name, counts in held.items()] + [(f"of them for {tool}", n, None, None) for tool, n in matched.items()]
    return ExploredTable(
        "rows", "What is held", "Rows as known, the versions of them that deliveries brought, and rows deleted at source.",
        {"table": "Table", "rows": "Rows", "versions": "Versions", "deleted": "Deleted"}, tuple(found),
    )  # fmt: skip


def is_missing(frame: pl.DataFrame, column: str) -> pl.Expr:
    """Whether a value is missing: null, or a code that says unknown."""
    absent = pl.col(column).is_null()
    return (absent | pl.col(column).is_in(UNKNOWN)) if frame.schema[column] == pl.String else absent


def missing_by_column(frames: Mapping[str, tuple[pl.DataFrame, Sequence[str]]]) -> ExploredTable:
    """Missing or unknown values by table and column. Args: `frames`: table -> rows, columns looked at."""
    found = []
    for name, (frame, columns) in frames.items():
        for column in columns:
            missing = int(frame.select(is_missing(frame, column).sum()).item()) if frame.height else 0
            found.append((name, column, frame.height, missing, round(100 * missing / frame.height, 2) if frame.height else None))
    return ExploredTable(
        "missing_by_column", "What is missing, by column", "Empty, or a code that says unknown; of every row as known.",
        {"table": "Table", "column": "Column", "rows": "Rows", "missing": "Missing", "share": "Share, %"}, tuple(found),
    )  # fmt: skip


def missing_by_month(name: str, frame: pl.DataFrame, day: pl.Expr, columns: Sequence[str]) -> ExploredTable:
    """Share missing of each column by month of `day`, in %."""
    aggregated = frame.group_by(day.dt.strftime("%Y-%m").alias("month")).agg(
        pl.len().alias("rows"), *((100 * is_missing(frame, c).mean()).round(2).alias(c) for c in columns)
    )
    return ExploredTable(
        f"{name}_missing_by_month", f"What is missing of {name}, by month", "Share of the month's rows, in %.",
        {"month": "Month", "rows": "Rows", **{c: f"{c}, %" for c in columns}}, tuple(aggregated.drop_nulls("month").sort("month").iter_rows()),
        "line", "month", tuple(columns),
    )  # fmt: skip


def missing_by_unit(name: str, frame: pl.DataFrame, unit: str, columns: Sequence[str]) -> ExploredTable:
    """Share missing of each column by policing area or unit, the largest first, in %."""
    aggregated = frame.group_by(pl.col(unit).fill_null("not known")).agg(
        pl.len().alias("rows"), *((100 * is_missing(frame, c).mean()).round(2).alias(c) for c in columns)
    )
    shown = aggregated.sort(["rows", unit], descending=[True, False]).head(SHOWN_UNITS)
    return ExploredTable(
        f"{name}_missing_by_{unit}", f"What is missing of {name}, by {unit}", f"Share of its rows, in %; the {SHOWN_UNITS} largest.",
        {unit: unit.capitalize(), "rows": "Rows", **{c: f"{c}, %" for c in columns}}, tuple(shown.iter_rows()),
    )  # fmt: skip


def delays(measured: Mapping[str, pl.Series]) -> ExploredTable:
    """Days from one moment to the next: by when half, 90 and 99 in 100 have come. Args: name -> days, nulls left out."""
    found = []
    for name, days in measured.items():
        values = days.drop_nulls()
        shares = [None if values.is_empty() else round(float(values.quantile(q, "linear") or 0.0), 1) for q in (0.5, 0.9, 0.99)]
        found.append((name, len(values), *shares, int((values < 0).sum())))
    return ExploredTable(
        "delays", "Delays, in days", "From the first moment to the second: half, 90 and 99 in 100 have come by then. Before: the second stands before the first.",
        {"from_to": "From, to", "rows": "Rows", "half": "50%", "most": "90%", "nearly_all": "99%", "before": "Before"}, tuple(found),
    )  # fmt: skip


def midnights(crimes: pl.DataFrame) -> ExploredTable:
    """Crimes that happened at exactly midnight, by year: where time is not known, systems write 00:00."""
    at = crimes.filter(pl.col("happened_from").is_not_null()).select(
        year=pl.col("happened_from").dt.year(), midnight=pl.col("happened_from").dt.time() == pl.time(0, 0, 0)
    )
    table = at.group_by("year").agg(pl.len().alias("rows"), pl.col("midnight").sum().cast(pl.Int64), (100 * pl.col("midnight").mean()).round(2).alias("share"))
    return ExploredTable(
        "midnights", "Crimes at exactly midnight, by year", "By chance alone it would be 0.07% of them (one minute of a day).",
        {"year": "Year", "rows": "Crimes", "midnight": "At 00:00", "share": "Share, %"}, tuple(table.sort("year").iter_rows()), "line", "year", ("share",),
    )  # fmt: skip


def repeated_places(crimes: pl.DataFrame) -> ExploredTable:
    """How many crimes share their very point with others; points themselves are not printed."""
    points = crimes.drop_nulls(["easting_m", "northing_m"]).group_by("easting_m", "northing_m").agg(pl.len().alias("crimes"))
    placed = int(points["crimes"].sum()) if points.height else 0
    found = []
    for least in (2, 10, REPEATED, 10 * REPEATED):
        there = points.filter(pl.col("crimes") >= least)
        here = int(there["crimes"].sum()) if there.height else 0
        found.append((f"{least} or more", there.height, here, round(100 * here / placed, 2) if placed else None))
    return ExploredTable(
        "repeated_places", "Crimes that share their very point", f"{placed:,} crimes with a place lie on {points.height:,} points. A point that gathers many is often a station, a shop or a default.",
        {"crimes_there": "Crimes on one point", "points": "Points", "crimes": "Crimes on them", "share": "Share, %"}, tuple(found),
    )  # fmt: skip


def trend(counts: Mapping[str, pl.Series]) -> ExploredTable:
    """Records by month, a column a tool or table. Args: name -> days."""
    joined = pl.DataFrame({"month": []}, schema={"month": pl.String})
    for name, days in counts.items():
        own = days.drop_nulls().dt.strftime("%Y-%m").alias("month").value_counts(name=name)
        joined = joined.join(own, on="month", how="full", coalesce=True)
    table = joined.fill_null(0).sort("month")
    return ExploredTable(
        "trend", "Records by month", "By the month in which it happened, or the charge was brought. The last months fill up as late records come.",
        {"month": "Month", **{name: name for name in counts}}, tuple(table.iter_rows()), "line", "month", tuple(counts),
    )  # fmt: skip
