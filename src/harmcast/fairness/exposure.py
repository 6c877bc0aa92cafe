"""Who lives where the maps point: forecasts, flagged cells and errors by deprivation fifth and resident population."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from harmcast.fairness.intervals import USUAL, simultaneous
from harmcast.fairness.thresholds import Thresholds

UNKNOWN = "not known"


def overlap(
    cells: Sequence[str], shapes: Sequence[Any], layer: pl.DataFrame, layer_shapes: Sequence[Any]
) -> pl.DataFrame:
    """Which deprivation fifths a cell's residents live in, neighbourhoods being spread evenly over their own area.

    Args:
        shapes: polygon of each cell; layer_shapes: of each row of `layer`; one projected system, metres.
        layer: `code, residents, deprivation_fifth` (1 most deprived; may be null).
    Returns: cell, fifth (text; `not known` where the layer says none or does not reach), residents (number), share
        (of the cell: by residents, by area where nobody lives; sums to 1 in each cell).
    """
    import shapely

    tree = shapely.STRtree(list(layer_shapes))
    own, other = tree.query(list(shapes), predicate="intersects")
    outlines, areas = np.array(list(shapes), dtype=object), np.array(list(layer_shapes), dtype=object)
    shared = shapely.area(shapely.intersection(outlines[own], areas[other]))
    fifth = layer["deprivation_fifth"].cast(pl.String).fill_null(UNKNOWN)
    residents = layer["residents"].cast(pl.Float64).fill_null(0.0).to_numpy()
    pieces = pl.DataFrame(
        {
            "cell": pl.Series(list(cells), dtype=pl.String).gather(own),
            "fifth": fifth.gather(other),
            "m2": shared,
            "residents": residents[other] * shared / np.maximum(shapely.area(areas[other]), 1e-9),
        }
    ).filter(pl.col("m2") > 0)
    known = pieces.group_by("cell", "fifth").agg(pl.col("m2").sum(), pl.col("residents").sum())
    missing = pl.DataFrame({"cell": list(cells)}, schema={"cell": pl.String}).join(
        known, on="cell", how="anti"
    )
    known = pl.concat(
        [known, missing.with_columns(fifth=pl.lit(UNKNOWN), m2=pl.lit(1.0), residents=pl.lit(0.0))]
    )
    living = pl.col("residents").sum().over("cell")
    share = (
        pl.when(living > 0)
        .then(pl.col("residents") / living)
        .otherwise(pl.col("m2") / pl.col("m2").sum().over("cell"))
    )
    return known.select("cell", "fifth", pl.col("residents").round(6), share.round(9).alias("share")).sort(
        "cell", "fifth"
    )


def flagged(forecast: pl.DataFrame, top: int) -> pl.Expr:
    """Whether a cell is among the `top` highest of its origin (ties by name)."""
    order = pl.struct(pl.col("expected") * -1, "cell").rank("ordinal").over("origin")
    return order <= top


def by_fifth(
    forecast: pl.DataFrame,
    outcomes: pl.DataFrame,
    neighbourhoods: pl.DataFrame,
    thresholds: Thresholds,
    top: int = 20,
) -> pl.DataFrame:
    """Forecast, recorded, flagged and missed by deprivation fifth, over all origins with known outcomes.

    Args:
        forecast: `origin, cell, expected`, one or more origins; outcomes: `origin, cell, recorded` (a cell that is
            absent at an origin that is there had none); neighbourhoods: from `overlap`.
    Returns: a row a fifth: residents, cells (number), expected, recorded, flagged_cells (mean an origin), flagged_
        residents, flagged_share (of the fifth's residents who live in flagged cells, mean an origin), recorded_in_
        flagged, empty_flagged (flagged cells of the fifth in which nothing was recorded, over those flagged), ratio
        (recorded over expected, relative to the whole) with ratio_low, ratio_high (95%, robust to what is persistent
        in a cell), judged_low, judged_high, per_1000 (expected a 1,000 residents an origin), verdict (met: the
        whole 95% range of the ratio lies inside the bar of a concern, as for people).
    """
    known = _known(forecast, outcomes, top)
    origins = known["origin"].n_unique()
    whole = float(known["recorded"].sum()) / max(float(known["expected"].sum()), 1e-12)
    split = known.join(neighbourhoods, on="cell", how="inner").sort("origin", "cell", "fifth")
    sums = split.group_by("fifth").agg(
        (pl.col("expected") * pl.col("share")).sum().alias("expected"),
        (pl.col("recorded") * pl.col("share")).sum().alias("recorded"),
        (pl.col("flagged") * pl.col("share")).sum().alias("flagged_cells"),
        (pl.col("flagged") * pl.col("residents")).sum().alias("flagged_residents"),
        (pl.col("flagged") * pl.col("recorded") * pl.col("share")).sum().alias("recorded_in_flagged"),
        (pl.col("flagged") * (pl.col("recorded") == 0) * pl.col("share")).sum().alias("empty"),
        pl.col("residents").sum(),
        pl.col("share").sum().alias("cells"),
    )
    own = sums.select("fifth", (pl.col("recorded") / pl.col("expected")).alias("own"))
    noise = (
        split.join(own, on="fifth")
        .group_by("fifth", "cell")
        .agg(((pl.col("recorded") - pl.col("own") * pl.col("expected")) * pl.col("share")).sum().alias("off"))
        .group_by("fifth")
        .agg(pl.col("off").pow(2).sum().sqrt().alias("noise"))
    )
    table = sums.join(noise, on="fifth").sort("fifth").with_columns(pl.selectors.float().round(9))
    per_origin = {
        name: pl.col(name) / max(origins, 1)
        for name in ("residents", "cells", "flagged_cells", "flagged_residents")
    }
    table = table.with_columns(
        empty_flagged=pl.when(pl.col("flagged_cells") > 0).then(pl.col("empty") / pl.col("flagged_cells")),
        flagged_share=pl.when(pl.col("residents") > 0).then(
            pl.col("flagged_residents") / pl.col("residents")
        ),
        per_1000=pl.when(pl.col("residents") > 0).then(1000 * pl.col("expected") / pl.col("residents")),
    ).with_columns(**per_origin)
    return _judged(table.drop("empty"), whole, thresholds)


def _known(forecast: pl.DataFrame, outcomes: pl.DataFrame, top: int) -> pl.DataFrame:
    marked = forecast.select("origin", "cell", "expected").with_columns(
        flagged(forecast, top).cast(pl.Int64).alias("flagged")
    )
    there = outcomes.select("origin").unique()
    return (
        marked.join(there, on="origin", how="semi")
        .join(outcomes.select("origin", "cell", "recorded"), on=["origin", "cell"], how="left")
        .with_columns(pl.col("recorded").fill_null(0))
    )


def _judged(table: pl.DataFrame, whole: float, t: Thresholds) -> pl.DataFrame:
    expected, recorded, noise = (table[c].to_numpy() for c in ("expected", "recorded", "noise"))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = recorded / (whole * expected)
        se = noise / (whole * expected)
    clear = (table["fifth"] != UNKNOWN).to_numpy() & (USUAL * se <= t.places_judged_half_width)
    z = simultaneous(t.family_error, int(clear.sum()))
    low, high = (
        ratio * np.exp(-z * se / np.maximum(ratio, 1e-9)),
        ratio * np.exp(z * se / np.maximum(ratio, 1e-9)),
    )
    off = np.maximum(ratio, 1 / np.maximum(ratio, 1e-9))
    far = (off > 1 / t.places_ratio_concern) & ((low > 1) | (high < 1))
    sure = far & ((low > 1 / t.places_ratio_stop) | (high < t.places_ratio_stop))
    spread = USUAL * se / np.maximum(ratio, 1e-9)
    inside = (ratio * np.exp(-spread) >= t.places_ratio_concern) & (ratio * np.exp(spread) <= 1 / t.places_ratio_concern)
    words = np.where(sure, "stop", np.where(far, "concern", np.where(inside, "met", "too few to say")))
    words = np.where(clear, words, np.where(table["fifth"] == UNKNOWN, "printed", "too few to say"))
    numbers = {
        "ratio": ratio, "ratio_low": ratio * np.exp(-spread), "ratio_high": ratio * np.exp(spread),
        "half_width": USUAL * se, "judged_low": low, "judged_high": high,
    }  # fmt: skip
    return table.drop("noise").with_columns(
        *(pl.Series(name, np.where(np.isfinite(v), v, np.nan)).fill_nan(None) for name, v in numbers.items()),
        verdict=pl.Series(words.tolist(), dtype=pl.String),
    )


def recording_by_area(crimes: pl.DataFrame) -> pl.DataFrame:
    """How crimes are recorded, by policing area: explored, never judged, because nobody knows what should be equal.

    Args:
        crimes: `tables.CRIMES` as known.
    Returns: a row an area (`not known` where none is recorded): crimes (count); shares of them without a place, with
        an unknown weapon, with an unknown injury, cancelled; median days from happening to recording.
    """
    delay = (pl.col("recorded_at") - pl.col("happened_from")).dt.total_seconds() / 86_400
    return (
        crimes.group_by(pl.col("area").fill_null(UNKNOWN))
        .agg(
            pl.len().cast(pl.Int64).alias("crimes"),
            pl.col("easting_m").is_null().mean().alias("no_place_share"),
            (pl.col("weapon").fill_null("unknown") == "unknown").mean().alias("weapon_unknown_share"),
            (pl.col("injury").fill_null("unknown") == "unknown").mean().alias("injury_unknown_share"),
            (pl.col("status") == "cancelled").mean().alias("cancelled_share"),
            delay.median().alias("recorded_after_days"),
        )
        .sort("area")
    )
