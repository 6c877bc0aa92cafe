"""How the records themselves came about, by group: what calibration cannot see.

Where a group is charged more for the same conduct, the recorded outcome is inflated with the prediction, and both
agree. What such policing leaves behind is charges that hold up less often, or that rest on what officers found rather
than on what somebody reported. Source of the idea: Becker's outcome test; Knowles, Persico and Todd (2001), Journal
of Political Economy 109, 203-229; its limit, inframarginality: Simoiu, Corbett-Davies and Goel (2017), Annals of
Applied Statistics 11, 1193-1216.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from harmcast.fairness.groups import MISSING, Groups
from harmcast.fairness.thresholds import Thresholds
from harmcast.statistics import USUAL, wilson
from harmcast.tables import FALLEN_AWAY

MEASURES: dict[str, str] = {
    "charges_fell_away": "Charges acquitted, withdrawn, discontinued or quashed, of those decided, against everyone "
    "else's at the same mix of offence classes.",
    "charges_police_found": "Charges in classes that mostly come to notice by police activity, of all charges.",
    "charges_unlinked": "Charges without a recorded crime behind them, of all charges.",
}


def record_measures(charges: pl.DataFrame, groups: Groups, thresholds: Thresholds) -> pl.DataFrame:
    """Measures of the charges' making by group, each against everyone else, one charge's person counted as a cluster.

    Args:
        charges: as known: the key of `groups`, `offence_code`, `outcome`, `crime_ref` (null: none).
    Returns: rows of the shape of `measures.group_measures`, with `against` = `others`; `gap` is the share less what
        others' rates give, its interval robust to several charges of one person; n counts people.
    """
    found = list(thresholds.police_found_classes)
    facts = charges.select(
        groups.key,
        "offence_code",
        pl.col("offence_code").str.split("/").list.first().alias("class"),
        pl.col("outcome").is_in(list(FALLEN_AWAY)).alias("fell_away"),
        (pl.col("outcome") != "charged").alias("decided"),
        pl.col("crime_ref").is_null().alias("unlinked"),
    ).with_columns(police_found=pl.col("class").is_in(found) | pl.col("offence_code").is_in(found))
    whole = pl.lit("all").alias("class")
    views = {
        "charges_fell_away": facts.filter("decided").select(
            groups.key, "class", pl.col("fell_away").alias("hit")
        ),
        "charges_police_found": facts.select(groups.key, whole, pl.col("police_found").alias("hit")),
        "charges_unlinked": facts.select(groups.key, whole, pl.col("unlinked").alias("hit")),
    }
    parts = []
    for measure, view in views.items():
        people = (
            view.group_by(groups.key, "class")
            .agg(pl.col("hit").sum().cast(pl.Float64).alias("k"), pl.len().cast(pl.Float64).alias("n"))
            .join(groups.labels.select(groups.key, *groups.single), on=groups.key, how="inner")
        )
        parts += [_by_group(people, groups, attribute, measure, thresholds) for attribute in groups.single]
    return pl.concat(parts, how="vertical_relaxed")  # of an attribute with one group alone no column has a type


def _by_group(
    people: pl.DataFrame, groups: Groups, attribute: str, measure: str, thresholds: Thresholds
) -> pl.DataFrame:
    labelled = people.with_columns(group=pl.col(attribute).fill_null(MISSING))
    totals = labelled.group_by("class").agg(
        pl.col("k").sum().alias("all_k"), pl.col("n").sum().alias("all_n")
    )
    rates = (
        labelled.group_by("group", "class")
        .agg(pl.col("k").sum(), pl.col("n").sum())
        .join(totals, on="class")
        .with_columns(other_n=pl.col("all_n") - pl.col("n"))
        .filter(pl.col("other_n") > 0)
        .select("group", "class", rate=(pl.col("all_k") - pl.col("k")) / pl.col("other_n"))
    )
    one = (
        labelled.join(rates, on=["group", "class"], how="inner")
        .group_by("group", groups.key)
        .agg(pl.col("k").sum(), pl.col("n").sum(), (pl.col("n") * pl.col("rate")).sum().round(9).alias("e"))
    )
    return _rows(_sums(one.sort("group", groups.key)), groups, attribute, measure, thresholds)


def _sums(one: pl.DataFrame) -> pl.DataFrame:
    """Sums by group, added up in the order of rows, so that the same people give the same bytes."""
    names = one["group"].unique().sort()
    place = np.searchsorted(names.to_numpy().astype(str), one["group"].to_numpy().astype(str))
    k, n, e = (one[c].to_numpy() for c in ("k", "n", "e"))
    parts = {"k": k, "n": n, "e": e, "square": (k - e) ** 2, "cross": (k - e) * n, "n_square": n**2}
    sums = {c: np.bincount(place, weights=v, minlength=len(names)) for c, v in parts.items()}
    people = np.bincount(place, minlength=len(names)).astype(np.int64)
    return pl.DataFrame({"group": names, **sums, "people": people})


def _rows(
    sums: pl.DataFrame, groups: Groups, attribute: str, measure: str, thresholds: Thresholds
) -> pl.DataFrame:
    k, n, e = (sums[c].to_numpy() for c in ("k", "n", "e"))
    gap = (k - e) / n
    own = (
        sums["square"].to_numpy() - 2 * gap * sums["cross"].to_numpy() + gap**2 * sums["n_square"].to_numpy()
    ) / n**2
    people = sums["people"].to_numpy()
    own = own * people / np.maximum(people - 1, 1)
    # every other group's own noise, at the size all of them have together
    other_n = n.sum() - n
    with np.errstate(divide="ignore", invalid="ignore"):
        others = np.array([(own * n**2)[np.arange(len(n)) != i].sum() for i in range(len(n))]) / other_n**2
        se = np.sqrt(np.maximum(own, 0.25 / np.maximum(n, 1) ** 2) + np.nan_to_num(others))
    low, high = wilson(k, n)
    return pl.DataFrame(
        {
            "scope": "records",
            "attribute": attribute,
            "group": sums["group"],
            "is_reference": sums["group"] == groups.references.get(attribute, MISSING),
            "measure": measure,
            "n": sums["people"],
            "numerator": k,
            "denominator": n,
            "value": k / n,
            "low": low,
            "high": high,
            "against": "others",
            "against_numerator": e,
            "against_denominator": n,
            "gap": gap,
            "gap_low": gap - USUAL * se,
            "gap_high": gap + USUAL * se,
            "half_width": USUAL * se,
            **{name: np.where(e > 0, 1 + g * n / np.where(e > 0, e, 1), np.nan) for name, g in (("ratio", gap), ("ratio_low", gap - USUAL * se), ("ratio_high", gap + USUAL * se))},
        }
    ).with_columns(pl.col("ratio", "ratio_low", "ratio_high").fill_nan(None))
