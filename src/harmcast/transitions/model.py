"""The models side by side, in one discrete-time form: a chance for each stretch of months, given none before.

Chance within 12 months = h1; within 24 = 1 - (1 - h1)(1 - h2): so it never falls with the horizon. Every model is a
document of plain numbers: score = intercept + a contribution a feature, on the logit of each stretch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harmcast.people.features import NAMES
from harmcast.transitions import baselines, card, linear, steps
from harmcast.transitions.regression import Array, Document, chance
from harmcast.transitions.thinning import thinned

# From the simplest to the richest: the order in which the choosing rule prefers them.
SIMPLEST_FIRST = ("base_rate", "plain_harm", "card", "logistic", "steps")
_CONTRIBUTIONS = {
    "base_rate": baselines.contributions,
    "plain_harm": baselines.contributions,
    "card": card.contributions,
    "logistic": linear.contributions,
    "steps": steps.contributions,
}


def matrix(table: pl.DataFrame) -> Array:
    """Features of a table as rows x features, in the order of features.NAMES."""
    return np.ascontiguousarray(table.select(NAMES).to_numpy(), dtype=np.float64)


def person_numbers(table: pl.DataFrame) -> NDArray[np.int64]:
    """Each row's person as a number from 0."""
    return table["person_ref"].rank("dense").to_numpy().astype(np.int64) - 1


def weights_of(table: pl.DataFrame) -> Array:
    """How many rows each stands for: its `weight`, or 1."""
    return table["weight"].to_numpy() if "weight" in table.columns else np.ones(table.height)


def stretch_rows(table: pl.DataFrame, months: Sequence[int], k: int) -> pl.DataFrame:
    """Rows that speak of stretch `k` (months[k-1] to months[k]): it is known, and nothing came before it; with `y`."""
    known = table.filter(pl.col(f"became_{months[k]}m").is_not_null())
    if k:
        known = known.filter(~pl.col(f"became_{months[k - 1]}m").fill_null(False))
    return known.with_columns(y=pl.col(f"became_{months[k]}m").cast(pl.Float64))


def _fit_card(parts: list[pl.DataFrame], seed: int) -> list[Document]:
    stacked = pl.concat(parts)
    period = np.concatenate([np.full(part.height, k) for k, part in enumerate(parts)])
    y = stacked["y"].to_numpy()
    weights = np.concatenate([weights_of(part) for part in parts])
    rows, weight = thinned(y, card.MOST_ROWS, seed, weights)
    lines = card.fit_card(matrix(stacked[rows]), y[rows], period[rows], weight)
    return [card.fit_level(lines, matrix(part), part["y"].to_numpy(), weights_of(part)) for part in parts]


def fit(name: str, table: pl.DataFrame, months: Sequence[int], seed: int = 20) -> Document:
    """One model fitted to a panel (`landmarks.panel`, or a `thinning.thinned_panel` of it).

    Returns: {"name", "months", "stretches": one document a stretch}.
    Raises: ValueError if a stretch has no row whose outcome is known.
    """
    parts = [stretch_rows(table, months, k) for k in range(len(months))]
    if any(part.is_empty() for part in parts):
        raise ValueError("no landmark whose outcome is known for every horizon")
    if name == "card":
        return {"name": name, "months": list(months), "stretches": _fit_card(parts, seed)}
    fits = {
        "base_rate": baselines.fit_base_rate,
        "plain_harm": baselines.fit_plain_harm,
        "logistic": linear.fit_linear,
        "steps": steps.fit_steps,
    }
    stretches = []
    for part in parts:
        x, y, weight = matrix(part), part["y"].to_numpy(), weights_of(part)
        either = 0 < y.sum() < len(y)
        stretches.append((fits[name] if either else baselines.fit_base_rate)(x, y, weight))
    return {"name": name, "months": list(months), "stretches": stretches}


def contributions(stretch: Document, x: Array) -> tuple[float, Array]:
    """Intercept and what each feature adds to the logit of one stretch: rows x features."""
    return _CONTRIBUTIONS[stretch["kind"]](stretch, x)


def logits(stretch: Document, x: Array) -> Array:
    """Logit of one stretch: the intercept and the contributions, added in the order of features.NAMES."""
    intercept, effects = contributions(stretch, x)
    total = np.full(len(x), intercept)
    for k in range(effects.shape[1]):
        total = total + effects[:, k]
    return total


def chances(document: Document, x: Array) -> Array:
    """Chance of becoming high harm within each horizon: rows x horizons, never falling along a row."""
    none_yet = np.ones(len(x))
    columns = []
    for stretch in document["stretches"]:
        none_yet = none_yet * (1.0 - chance(logits(stretch, x)))
        columns.append(1.0 - none_yet)
    return np.column_stack(columns)
