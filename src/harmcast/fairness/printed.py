"""An audit as it is printed: counts of people rounded whole, rates taken of rounded counts, verdicts of the exact ones.

All counts are printed, multiples of 5 (`fairness.rounding`): the parts of a group add up to it, the groups of an attribute to everyone.
Attributes crossed are rounded each by itself. A rate needs `LEAST_UNDER_A_RATE` or more under it. What is no count of people (a mean
chance, an AUC, how far off a gap may be) is printed to four digits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from harmcast.documents.closed_tables import LEAST_UNDER_A_RATE
from harmcast.fairness import measures, ratios
from harmcast.fairness.groups import MISSING, Groups
from harmcast.fairness.ratios import SaidAndCame
from harmcast.fairness.rounding import CountFamily, CountKey, CountSum, Drawn, controlled
from harmcast.statistics import wilson

Parts = Sequence[tuple[str, tuple[str, ...]]]
TOO_FEW = f"under {LEAST_UNDER_A_RATE}"
PLACES = 4
KEY = ["scope", "attribute", "group", "measure"]
RATES = ("value", "low", "high", "gap", "gap_low", "gap_high", "half_width", "ratio", "ratio_low", "ratio_high")
HELD_AGAINST = RATES[3:]
# Which count of a group is made up of which others; what they leave of it is kept beside them.
OF_PEOPLE = (
    ("n", ("selected",)), ("n", ("known",)), ("known", ("became", "did_not")), ("known", ("scored",)), ("selected", ("selected_known",)), ("became", ("tp", "fn")),
    ("did_not", ("fp", "tn")), ("selected_known", ("tp", "fp")), ("selected", ("upheld_known",)), ("upheld_known", ("upheld_selected",)), ("tp", ("tp_scored",)),
    ("fp", ("fp_scored",)), ("scored", ("became_scored", "did_not_scored")), ("became", ("became_scored",)), ("did_not", ("did_not_scored",)),
    ("selected_scored", ("tp_scored", "fp_scored")), ("became_scored", ("tp_scored",)), ("did_not_scored", ("fp_scored",)),
)  # fmt: skip
SUMS_OF_CHANCES = {"predicted": "scored", "predicted_did_not": "scored", "predicted_tp": "selected_scored", "predicted_fp": "selected_scored"}


def rounded(of: str, table: pl.DataFrame, columns: Sequence[str], parts: Parts, drawn: Drawn) -> pl.DataFrame:
    """The table with its counts rounded whole; `drawn` as in `rounding.controlled`, for a key that begins with `of`.

    Args: `table`: attribute, group and `columns`, whole numbers, a row a group; `parts`: as `OF_PEOPLE`.
    """
    found: dict[CountKey, int] = {}
    for family in reversed(families(table, columns, parts)):  # the single attributes last: theirs is the total of everyone
        found |= controlled(family, lambda key: drawn((of, *key))).counts
    keys = list(table.select("attribute", "group").iter_rows())
    return table.with_columns(pl.Series(column, [found[*key, column] for key in keys], dtype=pl.Int64) for column in columns)


def families(table: pl.DataFrame, columns: Sequence[str], parts: Parts) -> list[CountFamily]:
    """Counts that are rounded together: those of every single attribute, and those of each that crosses two."""
    rows = {(row["attribute"], row["group"]): row for row in table.iter_rows(named=True)}
    crossed = [name for name in dict.fromkeys(attribute for attribute, _ in rows) if " + " in name]
    own = [{key: row for key, row in rows.items() if key[0] not in crossed}, *({key: row for key, row in rows.items() if key[0] == name} for name in crossed)]
    return [_family(group, columns, parts) for group in own]


def _family(rows: Mapping[tuple[str, str], Mapping[str, int]], columns: Sequence[str], parts: Parts) -> CountFamily:
    counts: dict[CountKey, int] = {(*key, column): int(row[column]) for key, row in rows.items() for column in columns}
    sums: list[CountSum] = []

    def made_up(whole: CountKey, of: Sequence[CountKey]) -> None:
        rest = (*whole, "without", *of[0])
        counts[rest] = counts[whole] - sum(counts[key] for key in of)
        sums.append((whole, (*of, rest)))

    for key in rows:
        for whole, of in parts:
            made_up((*key, whole), [(*key, column) for column in of])
    own = [[key for key in rows if key[0] == name] for name in dict.fromkeys(attribute for attribute, _ in rows) if name != ratios.EVERYONE]
    for column in columns:
        total = (ratios.EVERYONE, "all", column)
        counts.setdefault(total, max((sum(counts[*key, column] for key in keys) for keys in own), default=0))
        for keys in own:
            made_up(total, [(*key, column) for key in keys])
    return CountFamily(counts, tuple(sums))


def measured(exact: pl.DataFrame, counts: pl.DataFrame, groups: Groups, drawn: Drawn, error: float) -> pl.DataFrame:
    """The rows of `measures.group_measures` and of `records.record_measures`, judged, as they are printed.

    Args: `exact`: these rows; `counts`: of `measures.group_counts`, what the first were made of; `error`: that the rows judged share.
    """
    columns = [name for name, kind in counts.schema.items() if kind.is_integer() and name != "base"]
    parts = []
    for (scope,), own in counts.group_by("scope", maintain_order=True):
        means = {name: (pl.col(name) / pl.col(of)).fill_nan(0.0).round(PLACES) for name, of in SUMS_OF_CHANCES.items()}
        whole = rounded(str(scope), own.with_columns(**means), columns, OF_PEOPLE, drawn)
        whole = whole.with_columns(base="became", **{name: pl.col(name) * pl.col(of) for name, of in SUMS_OF_CHANCES.items()})
        parts.append(measures.group_measures(whole, groups))
    charges = exact.filter(pl.col("against") == "others").drop("verdict", "judged_low", "judged_high", "least_ratio")
    for (measure,), own in charges.group_by("measure", maintain_order=True):
        parts.append(_of_charges(str(measure), own, drawn))
    found = pl.concat(parts, how="diagonal_relaxed")
    few, few_beside = (pl.col(name).fill_null(0) < LEAST_UNDER_A_RATE for name in ("denominator", "against_denominator"))
    hidden = [pl.when(few_beside if name in HELD_AGAINST else few).then(None).otherwise(name).alias(name) for name in RATES]
    found = found.with_columns(hidden).with_columns(pl.when(few).then(None).otherwise(name).alias(name) for name in HELD_AGAINST)
    found = found.with_columns(reason=pl.when(few).then(pl.lit(TOO_FEW)))
    told = exact.select(*KEY, "verdict").join(found, on=KEY, how="left", maintain_order="left", validate="1:1").select(*found.columns, "verdict")
    least = ratios.least_of_range(int((exact["verdict"] != "printed").sum()), error)
    return told.with_columns(least_ratio=pl.when(pl.col("verdict") != "printed").then(least))


def _of_charges(measure: str, own: pl.DataFrame, drawn: Drawn) -> pl.DataFrame:
    """One measure of charges: its gap is of shares held against others' at the same mix, so how far off it may be stays as it was."""
    mean = (pl.col("against_numerator") / pl.col("denominator")).round(PLACES)
    exact = own.with_columns(mean, pl.col("half_width").round(PLACES), pl.col("numerator", "denominator").cast(pl.Int64))
    found = rounded(measure, exact, ("n", "numerator", "denominator"), (("denominator", ("numerator",)),), drawn)
    low, high = wilson(found["numerator"].cast(pl.Float64).to_numpy(), found["denominator"].cast(pl.Float64).to_numpy())
    value, gap = pl.col("numerator") / pl.col("denominator"), pl.col("value") - pl.col("against_numerator")
    found = found.with_columns(value=value, low=pl.Series(low), high=pl.Series(high)).with_columns(gap=gap, ratio=pl.col("value") / pl.col("against_numerator"))
    return found.with_columns(
        pl.col("numerator", "denominator").cast(pl.Float64), gap_low=pl.col("gap") - pl.col("half_width"), gap_high=pl.col("gap") + pl.col("half_width"),
        ratio_low=pl.col("ratio") - pl.col("half_width") / pl.col("against_numerator"), ratio_high=pl.col("ratio") + pl.col("half_width") / pl.col("against_numerator"),
        against_numerator=pl.col("against_numerator") * pl.col("denominator"), against_denominator=pl.col("denominator").cast(pl.Float64),
    )  # fmt: skip


def said(rows: Sequence[SaidAndCame], exact: pl.DataFrame, drawn: Drawn) -> pl.DataFrame:
    """The rows of `ratios.judged` as they are printed: a ratio where `LEAST_UNDER_A_RATE` or more were expected."""
    counts = pl.DataFrame(rows, schema_overrides={"people": pl.Int64, "became": pl.Int64, "distinct": pl.Int64})
    whole = rounded("said", counts, ("people", "became", "distinct"), (("people", ("distinct",)), ("became", ("distinct",))), drawn)
    found = ratios.judged([SaidAndCame(**{**row, "said": round(row["said"], 1)}) for row in whole.iter_rows(named=True)])
    few = pl.col("said") < LEAST_UNDER_A_RATE
    hidden = [pl.when(few).then(None).otherwise(name).alias(name) for name in ("ratio", "ratio_low", "ratio_high")]
    return found.drop("small").with_columns(*hidden, verdict=exact["verdict"], least_ratio=exact["least_ratio"].round(PLACES))


def proxies(table: pl.DataFrame, people: pl.DataFrame, groups: Groups, drawn: Drawn) -> pl.DataFrame:
    """The rows of `proxies.proxy_tests` as they are printed. Args: `people`: the key of those tested."""
    labels = people.select(groups.key).join(groups.labels, on=groups.key, how="left")
    sizes = pl.concat(labels.group_by(group=pl.col(name).fill_null(MISSING)).agg(n_group=pl.len().cast(pl.Int64)).select(pl.lit(name).alias("attribute"), "group", "n_group") for name in groups.single)
    whole = rounded("proxies", sizes.sort("attribute", "group"), ("n_group",), (), drawn).with_columns(n=pl.col("n_group").sum().over("attribute"))
    found = table.drop("n", "n_group").join(whole, on=["attribute", "group"], how="left", maintain_order="left")
    return found.with_columns(pl.col("auc", "auc_low", "auc_high", "half_width").round(PLACES)).select(table.columns)
