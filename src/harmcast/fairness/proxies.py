"""How far a feature, or all of them, stand in for a protected attribute: measured and printed, never claimed nil.

Strength is the cross-validated AUC of telling one group from everyone else. A cleverer learner may find more: with
`boosted` one is tried.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from harmcast.fairness import binned
from harmcast.fairness.binned import Auc, Whole
from harmcast.fairness.groups import MISSING, Groups
from harmcast.fairness.intervals import USUAL
from harmcast.fairness.thresholds import Thresholds
from harmcast.fairness.verdicts import AuditFinding

FOLDS = 5
BINS_ALONE = 20
BINS_TOGETHER = 8
ROWS_TOGETHER = 60_000
ROWS_BOOSTED = 20_000
ALL = "all together"
LEAST_IN_GROUP = 50
SCHEMA = {
    "attribute": pl.String, "group": pl.String, "feature": pl.String, "kind": pl.String, "auc": pl.Float64,
    "auc_low": pl.Float64, "auc_high": pl.Float64, "half_width": pl.Float64, "n": pl.Int64, "n_group": pl.Int64,
    "verdict": pl.String, "reason": pl.String,
}  # fmt: skip


def proxy_tests(
    features: pl.DataFrame,
    groups: Groups,
    seed: int,
    thresholds: Thresholds | None = None,
    *,
    boosted: bool = False,
) -> pl.DataFrame:
    """How well each feature, each feature's missingness, and all together tell each group from the rest.

    Args:
        features: the key of `groups` and any feature columns.
        seed: of the folds and, above 60,000 people, of the sample taken for all together.
        boosted: whether trees with interactions are tried for all together too (slow; for a refit).
    Returns: a row a group, feature and kind (`value`, `missing`, `together`, `together_missing`, `boosted`): auc with
        its 95% interval; verdict met, concern, stop (refused), printed, or too few to say; null auc with a reason. A
        single attribute of two groups has one row: either group tells the other.
    """
    thresholds = thresholds or Thresholds()
    names = [c for c in features.columns if c != groups.key]
    joined = features.sort(groups.key).join(groups.labels, on=groups.key, how="left", maintain_order="left")
    codes = {name: binned.bin_codes(joined[name], BINS_ALONE) for name in names}
    lost = {name: joined[name].is_null().to_numpy().astype(np.int64) for name in names}
    fold = binned.folds_of(joined.height, FOLDS, seed)
    rows: list[dict[str, str | int | float]] = []
    together = _together(joined, names, groups, seed)
    trees = _boosted(joined, names, groups, seed) if boosted else {}
    for attribute in groups.single:
        labels, shown, sizes = _labels(joined[attribute])
        named: dict[str, str | int | float] = {"attribute": attribute, "n": joined.height}
        for name in names:
            found = binned.alone(codes[name], labels, len(sizes), fold, FOLDS)
            rows += _rows(named | {"feature": name, "kind": "value"}, found, shown, sizes)
            if lost[name].any() and not lost[name].all():
                found = binned.alone(lost[name], labels, len(sizes), fold, FOLDS)
                rows += _rows(named | {"feature": name, "kind": "missing"}, found, shown, sizes)
        for kind, aucs in [*together[attribute].items(), *trees.get(attribute, {}).items()]:
            rows += _rows(named | {"feature": ALL, "kind": kind}, aucs, shown, sizes)
    return _judged(pl.DataFrame(rows, schema_overrides=SCHEMA), thresholds).select(list(SCHEMA))


def findings(table: pl.DataFrame, thresholds: Thresholds) -> list[AuditFinding]:
    """A concern or stop for each feature and attribute, by the group it tells best."""
    found = (
        table.filter(pl.col("verdict").is_in(["concern", "stop"]))
        .sort("auc", "group", descending=[True, False])
        .unique(["attribute", "feature", "kind"], keep="first", maintain_order=True)
    )
    bar = thresholds.proxy_concern_auc
    return [
        AuditFinding(
            f"proxy/{row['feature']}/{row['kind']}/{row['attribute']}",
            row["verdict"],
            f"{'That ' if row['kind'] == 'missing' else ''}{row['feature']}"
            f"{' is missing' if row['kind'] == 'missing' else ''} alone tells {row['group']} "
            f"({row['attribute'].replace('_', ' ')}) from the rest at AUC {row['auc']:.3f} "
            f"({row['auc_low']:.3f} to {row['auc_high']:.3f}): "
            + (
                "it is refused as a feature."
                if row["verdict"] == "stop"
                else "keeping it needs two people and a reason."
            ),
            row["auc"],
            bar,
            round((row["auc"] - 0.5) / (bar - 0.5), 1) if bar > 0.5 else None,
        )
        for row in found.iter_rows(named=True)
    ]


def cost_of_leaving_out(features: pl.DataFrame, became: pl.Series, seed: int) -> pl.DataFrame:
    """What the prediction of the outcome loses without each feature, all else kept: paired, out of fold.

    Measured with the same small learner as the proxy tests, so it says what a feature adds, not what a given model
    would lose to the last digit.

    Args:
        features: feature columns, a row a person with a known outcome.
        became: the outcome, same order.
    Returns: feature, auc (of all), auc_without, auc_cost with auc_cost_low, auc_cost_high (95%, paired), brier_cost
        with its interval (above 0: worse without it), n.
    """
    y = became.cast(pl.Boolean).to_numpy()
    codes = {name: binned.bin_codes(features[name], BINS_TOGETHER) for name in features.columns}
    fold = binned.folds_of(len(y), FOLDS, seed)
    target = y[:, None].astype(np.float32)
    full = binned.out_of_fold(binned.one_hot(list(codes.values())), target, fold, FOLDS)[:, 0]
    rows = []
    for name in features.columns:
        rest = [c for other, c in codes.items() if other != name] or [np.zeros(len(y), dtype=np.int64)]
        without = binned.out_of_fold(binned.one_hot(rest), target, fold, FOLDS)[:, 0]
        difference, se, with_all = _paired_auc(full, without, y)
        brier = (np.clip(without, 0, 1) - y) ** 2 - (np.clip(full, 0, 1) - y) ** 2
        spread = float(brier.std(ddof=1) / np.sqrt(len(y)))
        rows.append(
            {
                "feature": name, "auc": with_all, "auc_without": with_all - difference, "auc_cost": difference,
                "auc_cost_low": difference - USUAL * se, "auc_cost_high": difference + USUAL * se,
                "brier_cost": float(brier.mean()), "brier_cost_low": float(brier.mean()) - USUAL * spread,
                "brier_cost_high": float(brier.mean()) + USUAL * spread, "n": len(y),
            }
        )  # fmt: skip
    return pl.DataFrame(rows).sort("auc_cost", "feature", descending=[True, False])


def _paired_auc(first: np.ndarray, second: np.ndarray, y: np.ndarray) -> tuple[float, float, float]:
    """Difference of two AUCs on the same people, its standard error (DeLong), and the first AUC."""
    parts = [_placements(scores, y) for scores in (first, second)]
    aucs = [float(of_positive.mean()) for of_positive, _ in parts]
    up, down = parts[0][0] - parts[1][0], parts[0][1] - parts[1][1]
    se = np.sqrt(up.var(ddof=1) / len(up) + down.var(ddof=1) / len(down))
    return aucs[0] - aucs[1], float(se), aucs[0]


def _placements(scores: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from scipy.stats import rankdata

    p, n = int(y.sum()), int((~y).sum())
    ranks = rankdata(scores)
    return (ranks[y] - rankdata(scores[y])) / n, 1 - (ranks[~y] - rankdata(scores[~y])) / p


def _labels(column: pl.Series) -> tuple[Whole, list[str], Whole]:
    """Whole-number label of each row, the labels' names, and their sizes."""
    filled = column.fill_null(MISSING)
    names = sorted(filled.unique().to_list())
    labels = filled.replace_strict(
        {name: i for i, name in enumerate(names)}, return_dtype=pl.Int64
    ).to_numpy()
    return labels, names, np.bincount(labels, minlength=len(names))


def _rows(
    named: dict[str, str | int | float], aucs: list[Auc | None], groups: list[str], sizes: Whole
) -> list[dict[str, str | int | float]]:
    """A row a group; of two groups the smaller alone, since each tells the other."""
    kept = range(len(groups)) if len(groups) != 2 else [int(np.argmin(sizes))]
    rows = []
    for g in kept:
        auc = aucs[g] if sizes[g] >= LEAST_IN_GROUP and len(groups) > 1 else None
        row = named | {"group": groups[g], "n_group": int(sizes[g])}
        if auc is None:
            rows.append(row | {"reason": f"fewer than {LEAST_IN_GROUP} people, or nobody to tell them from"})
            continue
        half = max(USUAL * auc.se, 1e-6)
        rows.append(
            row
            | {
                "auc": round(auc.value, 6), "half_width": round(half, 6),
                "auc_low": round(max(auc.value - half, 0), 6), "auc_high": round(min(auc.value + half, 1), 6),
            }
        )  # fmt: skip
    return rows


def _judged(table: pl.DataFrame, t: Thresholds) -> pl.DataFrame:
    for column, dtype in SCHEMA.items():
        if column not in table.columns:
            table = table.with_columns(pl.lit(None, dtype=dtype).alias(column))
    one = pl.col("kind").is_in(["value", "missing"]) & ~pl.col("attribute").is_in(list(t.proxy_noted))
    few = pl.col("auc").is_null() | (pl.col("half_width") > t.proxy_judged_half_width)
    return table.with_columns(
        verdict=pl.when(~one)
        .then(pl.lit("printed"))
        .when(few)
        .then(pl.lit("too few to say"))
        .when(pl.col("auc") > t.proxy_refuse_auc)
        .then(pl.lit("stop"))
        .when(pl.col("auc") > t.proxy_concern_auc)
        .then(pl.lit("concern"))
        .otherwise(pl.lit("met")),
    )


def _sample(joined: pl.DataFrame, rows: int, seed: int) -> pl.DataFrame:
    if joined.height <= rows:
        return joined
    chosen = np.sort(np.random.default_rng(seed).choice(joined.height, rows, replace=False))
    return joined[chosen]


def _together(
    joined: pl.DataFrame, names: list[str], groups: Groups, seed: int
) -> dict[str, dict[str, list[Auc | None]]]:
    part = _sample(joined, ROWS_TOGETHER, seed)
    fold = binned.folds_of(part.height, FOLDS, seed + 1)
    matrices = {"together": binned.one_hot([binned.bin_codes(part[n], BINS_TOGETHER) for n in names])}
    gaps = [part[n].is_null().to_numpy().astype(np.int64) for n in names if part[n].null_count()]
    if gaps:
        matrices["together_missing"] = binned.one_hot(gaps)
    whole = {attribute: _labels(joined[attribute])[1] for attribute in groups.single}
    targets = np.concatenate([_indicators(part[a], shown) for a, shown in whole.items()], axis=1)
    result: dict[str, dict[str, list[Auc | None]]] = {attribute: {} for attribute in whole}
    for kind, matrix in matrices.items():
        scores = binned.out_of_fold(matrix, targets, fold, FOLDS)
        start = 0
        for attribute, shown in whole.items():
            result[attribute][kind] = [
                _by_fold(scores[:, start + g], targets[:, start + g] > 0, fold) for g in range(len(shown))
            ]
            start += len(shown)
    return result


def _indicators(column: pl.Series, names: list[str]) -> np.ndarray:
    filled = column.fill_null(MISSING).to_numpy()
    return np.stack([filled == name for name in names], axis=1).astype(np.float32)


def _by_fold(scores: np.ndarray, positive: np.ndarray, fold: Whole) -> Auc | None:
    rounded = np.round(scores, 9)
    return binned.pooled(
        [binned.auc_of_scores(rounded[fold == f], positive[fold == f]) for f in range(FOLDS)]
    )


def _boosted(
    joined: pl.DataFrame, names: list[str], groups: Groups, seed: int
) -> dict[str, dict[str, list[Auc | None]]]:
    """Gradient-boosted trees on a sample: finds interactions that the additive learner cannot."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    part = _sample(joined, ROWS_BOOSTED, seed)
    fold = binned.folds_of(part.height, FOLDS, seed + 2)
    matrix = np.stack([binned.bin_codes(part[n], BINS_ALONE) for n in names], axis=1).astype(float)
    result: dict[str, dict[str, list[Auc | None]]] = {}
    for attribute in groups.single:
        shown = _labels(joined[attribute])[1]
        truth = _indicators(part[attribute], shown) > 0
        scores = np.zeros(truth.shape)
        for g in range(len(shown) if len(shown) != 2 else 1):
            if truth[:, g].sum() < LEAST_IN_GROUP:
                continue
            for f in range(FOLDS):
                trees = HistGradientBoostingClassifier(max_iter=80, learning_rate=0.1, random_state=seed)
                trees.fit(matrix[fold != f], truth[fold != f, g])
                scores[fold == f, g] = trees.predict_proba(matrix[fold == f])[:, 1]
        if len(shown) == 2:
            scores[:, 1] = 1 - scores[:, 0]
        result[attribute] = {
            "boosted": [_by_fold(scores[:, g], truth[:, g], fold) for g in range(len(shown))]
        }
    return result
