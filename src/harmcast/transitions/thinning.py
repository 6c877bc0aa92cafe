"""Fewer rows to learn from where there are very many: everyone who became, and a seeded sample of the others, weighed up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harmcast.transitions.regression import Array

MOST_ROWS = 120_000


def thinned(y: Array, most: int, seed: int, weight: Array | None = None) -> tuple[NDArray[np.int64], Array]:
    """Rows to fit on and their weights: every row that became, and so many of the others, weighed up, as make `most`.

    At least `most` / 2 others stay, however many became. Everything stays where there are no more than `most` rows.
    """
    own = np.ones(len(y)) if weight is None else weight
    became, others = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    keep = max(most - len(became), min(len(others), most // 2))
    if len(others) <= keep:
        return np.arange(len(y)), own
    chosen = np.sort(np.random.default_rng(seed).choice(others, keep, replace=False))
    rows = np.concatenate([became, chosen])
    up = float(own[others].sum()) / float(own[chosen].sum())
    weights = np.concatenate([own[became], own[chosen] * up])
    order = np.argsort(rows, kind="stable")
    return rows[order], weights[order]


def thinned_panel(table: pl.DataFrame, months: Sequence[int], seed: int, most: int = MOST_ROWS) -> pl.DataFrame:
    """A panel with `weight`: how many rows each stands for; all 1 where there are no more than `most` rows."""
    became = pl.any_horizontal(pl.col(f"became_{h}m").fill_null(False) for h in months)
    rows, weight = thinned(table.select(became.cast(pl.Float64)).to_series().to_numpy(), most, seed)
    return table[rows].with_columns(weight=pl.Series(weight))


