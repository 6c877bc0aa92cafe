"""Counts first, then rates, by group: every rate stands beside the two numbers it is made of.

A rate is held against the reference group's, or against what was predicted for the same people. A gap is the rate
less what it is held against: above 0 the group has more of it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from harmcast.fairness.groups import Groups
from harmcast.fairness.intervals import gap_interval, ratio_interval
from harmcast.statistics import USUAL, wilson

# measure: what is counted, of what, held against
_RATES: dict[str, tuple[str, str]] = {
    "selection": ("selected", "n"),
    "base_rate": ("became", "known"),
    "fpr": ("fp", "did_not"),
    "fnr": ("fn", "became"),
    "ppv": ("tp", "selected_known"),
}
_AGAINST_PREDICTION: dict[str, tuple[str, str, str, str]] = {
    "observed_against_predicted": ("became_scored", "scored", "predicted", "scored"),
    "fpr_against_predicted": ("fp_scored", "did_not_scored", "predicted_fp", "predicted_did_not"),
    "ppv_against_predicted": ("tp_scored", "selected_scored", "predicted_tp", "selected_scored"),
}
_HITS: dict[str, tuple[str, str]] = {"hits_upheld": ("upheld_selected", "upheld_known")}
MEASURES: dict[str, str] = {
    "selection": "Selected, of all in the group.",
    "base_rate": "Became high harm, of those whose outcome is known.",
    "fpr": "Selected though it did not come, of those to whom it did not come (false positives).",
    "fnr": "Not selected though it came, of those to whom it came (false negatives).",
    "ppv": "It came, of those selected (precision).",
    "observed_against_predicted": "What came, against the sum of the chances given to the same people (calibration).",
    "fpr_against_predicted": "False positive rate against what the chances themselves say it should be.",
    "ppv_against_predicted": "What came among the selected, against their chances.",
    "hits_upheld": "A later conviction, of those selected: lower in a group means that less was needed to select it.",
}
_FIXED_POINT = 2**40  # chances are summed as whole numbers, so that the order of rows never changes a byte
COUNTS = ("n", "known", "base", "tp", "fp", "fn", "tn")


def group_counts(people: pl.DataFrame, groups: Groups, scope: str = "all") -> pl.DataFrame:
    """Counts of each group: n, outcome known, TP, FP, FN, TN, and sums of chances.

    Args:
        people: the key of `groups`, `selected` (flag), `became` (flag; null: not known), `chance` (share; null: none
            was given), and, if there, `upheld` (flag: convicted later; null: not known).
    Returns: a row a group of each attribute: scope, attribute, group, counts. People without a label are
        `not recorded`.
    """
    full = (
        people if "upheld" in people.columns else people.with_columns(upheld=pl.lit(None, dtype=pl.Boolean))
    )
    facts = _facts(full, groups.key).join(groups.labels, on=groups.key, how="left")
    parts = []
    for attribute in groups.attributes:
        missing = ", ".join(["not recorded"] * (attribute.count(" + ") + 1))
        parts.append(
            facts.group_by(pl.col(attribute).fill_null(missing).alias("group"))
            .agg(
                pl.col(c).sum() / _FIXED_POINT if c.startswith("_predicted") else pl.col(c).sum()
                for c in facts.columns
                if c.startswith("_")
            )
            .rename(lambda name: name.removeprefix("_"))
            .with_columns(attribute=pl.lit(attribute))
        )
    counts = pl.concat(parts).with_columns(scope=pl.lit(scope), base=pl.col("became"))
    first = ["scope", "attribute", "group"]
    return counts.select(*first, *(c for c in counts.columns if c not in first)).sort(first)


def _facts(people: pl.DataFrame, key: str) -> pl.DataFrame:
    """One row a person with 0/1 columns whose sums are the counts."""
    selected, became, chance, upheld = (pl.col(c) for c in ("selected", "became", "chance", "upheld"))
    known = became.is_not_null()
    scored = known & chance.is_not_null()
    flags = {
        "n": pl.lit(True),
        "selected": selected,
        "known": known,
        "became": known & became,
        "did_not": known & ~became,
        "selected_known": known & selected,
        "tp": known & selected & became,
        "fp": known & selected & ~became,
        "fn": known & ~selected & became,
        "tn": known & ~selected & ~became,
        "scored": scored,
        "became_scored": scored & became,
        "did_not_scored": scored & ~became,
        "fp_scored": scored & selected & ~became,
        "tp_scored": scored & selected & became,
        "selected_scored": scored & selected,
        "upheld_known": selected & upheld.is_not_null(),
        "upheld_selected": selected & upheld,
    }
    sums = {
        "predicted": pl.when(scored).then(chance),
        "predicted_tp": pl.when(scored & selected).then(chance),
        "predicted_fp": pl.when(scored & selected).then(1 - chance),
        "predicted_did_not": pl.when(scored).then(1 - chance),
    }
    return people.select(
        key,
        *(flag.fill_null(False).cast(pl.Int64).alias(f"_{name}") for name, flag in flags.items()),
        *(
            (value.fill_null(0.0) * _FIXED_POINT).round().cast(pl.Int64).alias(f"_{name}")
            for name, value in sums.items()
        ),
    )


def group_measures(counts: pl.DataFrame, groups: Groups) -> pl.DataFrame:
    """The long table of rates, each with its interval, and its gap to the reference group or to the prediction.

    Returns: scope, attribute, group, is_reference, measure, numerator, denominator, value (= numerator / denominator;
        null where the denominator is 0), low, high (95%), against (`reference` or `prediction`), against_numerator,
        against_denominator, gap, gap_low, gap_high, half_width, ratio, ratio_low, ratio_high, the counts n, known, base, tp, fp, fn, tn,
        and `reason` for a null.
    """
    references = pl.DataFrame(
        {"attribute": list(groups.references), "reference": list(groups.references.values())},
        schema={"attribute": pl.String, "reference": pl.String},
    )
    named = counts.join(references, on="attribute", how="left")
    parts = [_against_reference(named, m, *columns) for m, columns in {**_RATES, **_HITS}.items()]
    parts += [_against_prediction(named, m, *columns) for m, columns in _AGAINST_PREDICTION.items()]
    return with_intervals(pl.concat(parts, how="diagonal"))


def _identity(frame: pl.DataFrame, measure: str) -> list[pl.Expr]:
    return [
        pl.col("scope"),
        pl.col("attribute"),
        pl.col("group"),
        (pl.col("group") == pl.col("reference")).alias("is_reference"),
        pl.lit(measure).alias("measure"),
        *(pl.col(c) for c in COUNTS),
    ]


def _against_reference(counts: pl.DataFrame, measure: str, numerator: str, denominator: str) -> pl.DataFrame:
    rows = counts.select(
        *_identity(counts, measure),
        pl.col("reference"),
        pl.col(numerator).cast(pl.Float64).alias("numerator"),
        pl.col(denominator).cast(pl.Float64).alias("denominator"),
        pl.lit("reference").alias("against"),
    )
    reference = rows.filter("is_reference").select(
        "scope",
        "attribute",
        pl.col("numerator").alias("against_numerator"),
        pl.col("denominator").alias("against_denominator"),
    )
    return rows.drop("reference").join(reference, on=["scope", "attribute"], how="left")


def _against_prediction(
    counts: pl.DataFrame, measure: str, numerator: str, denominator: str, predicted: str, of: str
) -> pl.DataFrame:
    return counts.select(
        *_identity(counts, measure),
        pl.col(numerator).cast(pl.Float64).alias("numerator"),
        pl.col(denominator).cast(pl.Float64).alias("denominator"),
        pl.lit("prediction").alias("against"),
        pl.col(predicted).cast(pl.Float64).alias("against_numerator"),
        pl.col(of).cast(pl.Float64).alias("against_denominator"),
    )


def with_intervals(rows: pl.DataFrame) -> pl.DataFrame:
    """Adds value, gap, ratio with their 95% intervals, and the reason of a null."""
    k, n, k0, n0, exact = columns_for_intervals(rows)
    low, high = wilson(k, n)
    gap_low, gap_high = gap_interval(k, n, k0, n0, exact)
    ratio_low, ratio_high = ratio_interval(k, n, k0, n0, exact)
    with np.errstate(divide="ignore", invalid="ignore"):
        value, against = k / n, k0 / n0
        columns = {
            "value": value,
            "low": low,
            "high": high,
            "gap": value - against,
            "gap_low": gap_low,
            "gap_high": gap_high,
            "half_width": (gap_high - gap_low) / 2,
            "ratio": value / against,
            "ratio_low": ratio_low,
            "ratio_high": ratio_high,
        }
    return rows.with_columns(
        *(pl.Series(name, np.where(np.isfinite(v), v, np.nan)).fill_nan(None) for name, v in columns.items()),
        reason=pl.when(pl.col("denominator") == 0).then(pl.lit("nobody to take the rate of")),
    )


def columns_for_intervals(
    rows: pl.DataFrame,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """k, n, against_k, against_n as floats (NaN for null) and whether the second is a prediction."""
    numbers: Iterable[str] = ("numerator", "denominator", "against_numerator", "against_denominator")
    k, n, k0, n0 = (rows[c].cast(pl.Float64).fill_null(float("nan")).to_numpy() for c in numbers)
    return k, n, k0, n0, (rows["against"] == "prediction").to_numpy()


def gaps_at(rows: pl.DataFrame, z: float = USUAL) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Bounds of gap and ratio of every row at another quantile: gap_low, gap_high, ratio_low, ratio_high."""
    columns = columns_for_intervals(rows)
    return (*gap_interval(*columns, z), *ratio_interval(*columns, z))
