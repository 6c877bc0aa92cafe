"""The points card: whole numbers an officer adds up by hand. `table` gives the chance of each sum.

Each line asks one question of one feature ("3 or more events in the last 12 months?") and gives its points for yes.
Lines of one feature stand together: they are steps of one item, so that an officer looks up at most MOST_ITEMS facts.
Three cards are tried: one item (steps of harm), three, and up to twelve. One card serves every horizon.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harmcast.documents.person_model import PointsLine
from harmcast.people.features import FEATURES, NAMES
from harmcast.transitions.regression import Array, fit_logistic

QUESTIONS: dict[str, tuple[float, ...]] = {
    "harm_share": (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8),
    "quick_harm_share": (0.01, 0.05, 0.1, 0.25, 0.5),
    "heaviest_share": (0.1, 0.25, 0.5, 0.75),
    "last_weight_share": (0.05, 0.1, 0.25, 0.5),
    "events_all": (2, 3, 4, 5, 7, 10, 15, 20),
    "events_6m": (1, 2, 3, 4),
    "events_12m": (1, 2, 3, 4, 6),
    "events_24m": (1, 2, 3, 5, 8),
    "serious_events": (1, 2, 3),
    "months_since_last": (1, 3, 6, 12, 18, 24, 36, 48, 72),
    "mean_gap_months": (2, 4, 6, 9, 12, 18, 24, 36, 48),
    "last_gap_months": (1, 3, 6, 12, 24),
    "kinds": (2, 3, 4, 5),
    "violent_events": (1, 2, 3, 5),
    "violent_24m": (1, 2, 3),
    "weapon_events": (1, 2),
}
# From the simplest to the richest: what each card may ask about.
CARDS: dict[str, tuple[str, ...]] = {
    "card_plain": ("harm_share",),
    "card_three": ("harm_share", "events_24m", "months_since_last"),
    "card_twelve": tuple(QUESTIONS),
}
# Set by cross-validation on the learning half of the Georgia releases and on Philadelphia landmarks before the one
# reported (`card_sizes` of bench/peers/people_columns.py): more lines and a firmer ridge ranked better; fewer items cost nothing.
MOST_ITEMS = 12
MOST_LINES = 30
MOST_POINTS = 9
MOST_ROWS = 20_000
RIDGE = 60.0
LEAST_SLOPE = 0.02


def questions(items: Sequence[str] = tuple(QUESTIONS)) -> list[tuple[int, float, bool]]:
    """(feature, threshold, below): yes if the value is at least the threshold, or below it where `below`."""
    return [
        (k, float(threshold), FEATURES[k].direction < 0)
        for k, name in enumerate(NAMES)
        if name in items
        for threshold in QUESTIONS[name]
    ]


def answers(x: Array, asked: list[tuple[int, float, bool]]) -> Array:
    """1 for yes, 0 for no: rows x questions."""
    return np.column_stack([(x[:, k] < t) if below else (x[:, k] >= t) for k, t, below in asked]).astype(np.float64)


def _chosen_lines(
    yes: Array, y: Array, weight: Array, clock: Array, items: NDArray[np.int64]
) -> tuple[list[int], Array]:
    """Lines kept and their coefficients: the non-negative fit, the least useful items and then lines dropped until few enough.

    Args: `items`: the feature each line asks about. How useful: the spread of what it gives, an item's lines together.
    """
    lines = [j for j in range(yes.shape[1]) if 0.002 < float(yes[:, j].mean()) < 0.998]
    free = [0] * clock.shape[1]
    start: tuple[float, Array] | None = None
    while True:
        design = np.column_stack([yes[:, lines], clock])
        intercept, found = fit_logistic(design, y, RIDGE, [1] * len(lines) + free, weight, start)
        slopes = found[: len(lines)]
        kept = [j for j in range(len(lines)) if slopes[j] > LEAST_SLOPE]
        if len(kept) == len(lines):
            kept = _fewer(yes[:, lines] * slopes, items[lines])
            if len(kept) == len(lines):
                return lines, slopes
        if not kept:
            return [], np.zeros(0)
        start = (intercept, np.append(slopes[kept], found[len(lines) :]))
        lines = [lines[j] for j in kept]


def _fewer(given: Array, items: NDArray[np.int64]) -> list[int]:
    """Positions of the lines to go on with: without half the items too many, else half the lines too many, else all."""
    kinds = np.unique(items)
    if len(kinds) > MOST_ITEMS:
        spread = [float(given[:, items == k].sum(axis=1).std()) for k in kinds]
        drop = max(1, (len(kinds) - MOST_ITEMS) // 2)
        gone = kinds[np.argsort(spread, kind="stable")[:drop]]
        return [j for j in range(len(items)) if items[j] not in gone]
    spread = given.std(axis=0).tolist()
    if len(spread) <= MOST_LINES:
        return list(range(len(spread)))
    drop = max(1, (len(spread) - MOST_LINES) // 2)
    return sorted(sorted(range(len(spread)), key=lambda j: spread[j])[drop:])


def _deviance(points: Array, yes: Array, y: Array, weight: Array, period: NDArray[np.int64]) -> float:
    """Negative log-likelihood of the best line through the points, with each period's own level and one slope.

    Rows with the same points and period are one row, so this costs one pass.
    """
    total = np.rint(yes @ points).astype(np.int64)
    periods = int(period.max()) + 1
    cell = total * periods + period
    n, became = (np.bincount(cell, w).astype(np.float64) for w in (weight, weight * y))
    held = np.flatnonzero(n)
    n, share = n[held], became[held] / n[held]
    clock = [(held % periods == k).astype(np.float64) for k in range(1, periods)]
    design = np.column_stack([(held // periods) / 10.0, *clock])
    intercept, slopes = fit_logistic(design, share, 1e-9, [1] + [0] * len(clock), n)
    eta = intercept + design @ slopes
    return float((n * (np.logaddexp(0.0, eta) - share * eta)).sum())


def _rounded(slopes: Array, yes: Array, y: Array, weight: Array, period: NDArray[np.int64]) -> Array:
    """Whole points: the best of several scales of rounding, then each line tried one up and one down."""
    best, least = np.round(slopes), np.inf
    for most in range(3, MOST_POINTS + 1):
        tried = np.round(slopes * (most / slopes.max()))
        loss = _deviance(tried, yes, y, weight, period)
        if loss < least - 0.5:
            best, least = tried, loss
    for _ in range(2):
        moved = False
        for j in range(len(best)):
            for step in (-1.0, 1.0):
                tried = best.copy()
                tried[j] = min(max(tried[j] + step, 0.0), float(MOST_POINTS))
                loss = _deviance(tried, yes, y, weight, period)
                if loss < least - 0.5:
                    best, least, moved = tried, loss, True
        if not moved:
            break
    return best


def fit_card(
    x: Array, y: Array, period: NDArray[np.int64], weight: Array, items: Sequence[str] = tuple(QUESTIONS)
) -> list[PointsLine]:
    """The card's lines, from rows of all periods stacked: feature, threshold, below, points.

    Args: `period`: which landmark and stretch of months a row speaks of, numbered from 0; each has its own level.
    """
    asked = questions(items)
    yes = answers(x, asked)
    clock = np.column_stack(
        [(period == k).astype(np.float64) for k in range(1, int(period.max()) + 1)] or [np.zeros(len(y))]
    )
    lines, slopes = _chosen_lines(yes, y, weight, clock, np.array([k for k, _, _ in asked]))
    if not lines:
        return []
    points = _rounded(slopes, yes[:, lines], y, weight, period)
    return [
        {"feature": NAMES[asked[j][0]], "threshold": asked[j][1], "below": asked[j][2], "points": int(p)}
        for j, p in zip(lines, points, strict=True)
        if p > 0
    ]


def points(card: list[PointsLine], x: Array) -> Array:
    """The sum of points a row; whole numbers."""
    return np.asarray(line_points(card, x).sum(axis=1))


def line_points(card: list[PointsLine], x: Array) -> Array:
    """Points each line gives each row: rows x lines."""
    if not card:
        return np.zeros((len(x), 0))
    asked = [(NAMES.index(line["feature"]), float(line["threshold"]), bool(line["below"])) for line in card]
    return np.asarray(answers(x, asked) * np.asarray([float(line["points"]) for line in card]))
