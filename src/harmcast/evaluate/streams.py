"""What the monitor watches, as rows: week, kind, name, bin, value, expected.

Values fall into bins fixed by value. Quantile bins would put all the zeros of a sparse count into one bin and never
see them change.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import polars as pl

VALUE_EDGES = (0.0, 1.0, 2.0, 3.0, 6.0, 11.0, 21.0, 51.0)
CHANCE_EDGES = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
EXPECTED_EDGES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
MISSING = "missing"
SCHEMA = {
    "week": pl.Date, "kind": pl.String, "name": pl.String, "bin": pl.String, "value": pl.Float64, "expected": pl.Float64,
}  # fmt: skip


def bins_of(values: pl.Series, edges: Sequence[float] = VALUE_EDGES) -> pl.Series:
    """The bin of each value, as text. Missing is a bin; each text or flag is a bin of its own.

    Args:
        edges: rising lower edges of the bins of a numeric column; what lies below the first is a bin too.
    """
    if not values.dtype.is_numeric():
        return values.cast(pl.String).fill_null(MISSING).alias("bin")
    floats = values.cast(pl.Float64).fill_nan(None)
    place = np.searchsorted(np.asarray(edges), floats.fill_null(0).to_numpy(), side="right")
    between = (f"{a:g} to under {b:g}" for a, b in itertools.pairwise(edges))
    labels = pl.Series([f"under {edges[0]:g}", *between, f"{edges[-1]:g} and over"])
    missing = pl.Series([MISSING] * len(floats), dtype=pl.String)
    return labels.gather(place).zip_with(floats.is_not_null(), missing).alias("bin")


def flows(
    table: pl.DataFrame, on: str, columns: Mapping[str, Sequence[float] | None], prefix: str
) -> pl.DataFrame:
    """Inputs: what arrived in each week, by bin of each column.

    Args:
        on: date or datetime that says in which week a row arrived (`recorded_at`, `charged_on`).
        columns: column -> edges of its bins; None for text or the usual edges.
        prefix: of the names, e.g. `crimes`.
    Returns: rows of kind `input`, named `prefix.column`; weeks without a row hold 0 for every bin.
    """
    weekly = table.with_columns(week=pl.col(on).cast(pl.Date).dt.truncate("1w"))
    weeks = weekly.select("week").unique()
    parts = []
    for column, edges in columns.items():
        binned = weekly.select("week", bins_of(weekly[column], edges or VALUE_EDGES))
        counts = binned.group_by("week", "bin").agg(pl.len().cast(pl.Float64).alias("value"))
        every = weeks.join(binned.select("bin").unique(), how="cross")
        parts.append(
            every.join(counts, on=["week", "bin"], how="left").with_columns(
                pl.col("value").fill_null(0.0), kind=pl.lit("input"), name=pl.lit(f"{prefix}.{column}"),
                expected=pl.lit(None, dtype=pl.Float64),
            )
        )  # fmt: skip
    return pl.concat(parts).select(list(SCHEMA)).sort("name", "week", "bin")


def scores(week: date, name: str, values: pl.Series, edges: Sequence[float]) -> pl.DataFrame:
    """Scores: how many of a week's released values lie in each bin."""
    counts = (
        bins_of(values, edges)
        .to_frame()
        .group_by("bin")
        .agg(pl.len().cast(pl.Float64).alias("value"))
        .sort("bin")
    )
    return counts.with_columns(
        week=pl.lit(week), kind=pl.lit("score"), name=pl.lit(name), expected=pl.lit(None, dtype=pl.Float64)
    ).select(list(SCHEMA))


def level(week: date, name: str, recorded: float, expected: float) -> pl.DataFrame:
    """Level: what was recorded in a week, and what had been forecast for it by the release four weeks before.

    A later forecast would already have seen part of a shift, and hide it.
    """
    return pl.DataFrame(
        [
            {
                "week": week,
                "kind": "level",
                "name": name,
                "bin": "",
                "value": float(recorded),
                "expected": float(expected),
            }
        ],
        schema=SCHEMA,
    )
