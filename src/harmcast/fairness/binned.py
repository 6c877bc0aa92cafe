"""Features as bins, and what bins can tell: the small learner behind the proxy tests.

Every feature is cut into bins by its own values, missing being a bin, so that a bent relation and missingness count as
much as a straight one. One ridge regression on all bins together serves every group at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Numbers = NDArray[np.float64]
RIDGE = 10.0


@dataclass(frozen=True)
class Auc:
    """Area under the curve with its standard error; `value` None where a side is empty."""

    value: float
    se: float


def bin_codes(column: pl.Series, bins: int) -> Whole:
    """Whole-number bin of each row: 0 is missing; few distinct values have a bin each, many are cut evenly by rank."""
    if not column.dtype.is_numeric():
        column = column.cast(pl.String)
    distinct = column.drop_nulls().n_unique()
    if distinct <= bins or not column.dtype.is_numeric():
        codes = column.rank("dense")
    else:
        cuts = np.unique(np.quantile(column.drop_nulls().to_numpy(), np.linspace(0, 1, bins + 1)[1:-1]))
        places = np.searchsorted(cuts, column.fill_null(0).to_numpy(), side="right") + 1
        codes = pl.Series(np.where(column.is_null().to_numpy(), 0, places))
    return codes.fill_null(0).cast(pl.Int64).to_numpy()


def auc_of_counts(positive: Numbers, negative: Numbers) -> Auc | None:
    """AUC and its DeLong standard error from counts by score, lowest score first; None if a side is empty.

    Source: DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44, 837-845.
    """
    p, n = positive.sum(), negative.sum()
    if p == 0 or n == 0:
        return None
    of_positive = (np.cumsum(negative) - negative / 2) / n
    of_negative = (p - np.cumsum(positive) + positive / 2) / p
    value = float((positive * of_positive).sum() / p)
    spread_p = (positive * (of_positive - value) ** 2).sum() / max(p - 1, 1)
    spread_n = (negative * (of_negative - value) ** 2).sum() / max(n - 1, 1)
    return Auc(value, float(np.sqrt(spread_p / p + spread_n / n)))


def auc_of_scores(scores: Numbers, positive: NDArray[np.bool_]) -> Auc | None:
    """The same from a score a row; None without rows."""
    if not len(scores):
        return None
    _, place = np.unique(scores, return_inverse=True)
    size = int(place.max()) + 1
    return auc_of_counts(
        np.bincount(place[positive], minlength=size).astype(float),
        np.bincount(place[~positive], minlength=size).astype(float),
    )


def pooled(aucs: list[Auc | None]) -> Auc | None:
    """Mean of the folds' AUCs; None if no fold has one."""
    held = [a for a in aucs if a is not None]
    if not held:
        return None
    return Auc(
        float(np.mean([a.value for a in held])), float(np.sqrt(sum(a.se**2 for a in held)) / len(held))
    )


def folds_of(rows: int, folds: int, seed: int) -> Whole:
    """A fold for each row, evenly, shuffled by the seed."""
    return np.random.default_rng(seed).permutation(np.arange(rows) % folds)


def alone(codes: Whole, labels: Whole, groups: int, fold: Whole, folds: int) -> list[Auc | None]:
    """Out-of-fold AUC of one binned feature for each group against the rest; each bin scores its rate elsewhere."""
    bins = int(codes.max()) + 1
    flat = np.bincount((fold * bins + codes) * groups + labels, minlength=folds * bins * groups)
    counts = flat.reshape(folds, bins, groups).astype(float)
    whole = counts.sum(axis=0)
    result = []
    for g in range(groups):
        aucs = []
        for f in range(folds):
            elsewhere = whole - counts[f]
            n = elsewhere.sum(axis=1)
            prior = elsewhere[:, g].sum() / max(n.sum(), 1)
            order = np.argsort((elsewhere[:, g] + 5 * prior) / (n + 5), kind="stable")
            own = counts[f][order]
            aucs.append(auc_of_counts(own[:, g], own.sum(axis=1) - own[:, g]))
        result.append(pooled(aucs))
    return result


def one_hot(codes: list[Whole]) -> NDArray[np.float32]:
    """All bins of all features side by side, 0 or 1, the first column 1 throughout."""
    rows = len(codes[0])
    widths = [int(c.max()) + 1 for c in codes]
    matrix = np.zeros((rows, 1 + sum(widths)), dtype=np.float32)
    matrix[:, 0] = 1
    start = 1
    for code, width in zip(codes, widths, strict=True):
        matrix[np.arange(rows), start + code] = 1
        start += width
    return matrix


def out_of_fold(
    matrix: NDArray[np.float32], targets: NDArray[np.float32], fold: Whole, folds: int
) -> Numbers:
    """Ridge predictions of every target column for every row, from a fit that never saw the row's fold."""
    grams = [matrix[fold == f].T @ matrix[fold == f] for f in range(folds)]
    moments = [matrix[fold == f].T @ targets[fold == f] for f in range(folds)]
    gram, moment = np.sum(grams, axis=0, dtype=float), np.sum(moments, axis=0, dtype=float)
    penalty = RIDGE * np.eye(matrix.shape[1])
    penalty[0, 0] = 1e-6
    predicted = np.empty((len(matrix), targets.shape[1]))
    for f in range(folds):
        weights = np.linalg.solve(gram - grams[f] + penalty, moment - moments[f])
        predicted[fold == f] = matrix[fold == f] @ weights
    return predicted
