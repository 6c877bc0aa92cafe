"""What a person's charges say on a day: recency, frequency, severity, spacing, breadth. Known by then only.

No feature holds or is made from a protected characteristic, a place or anything but charges.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import polars as pl

from harmcast.people.harm import DAYS_A_MONTH, Decay, day_number, day_numbers

QUICK_HALF_LIFE_MONTHS = 6.0
NO_EARLIER_MONTHS = 120.0
SERIOUS_SHARE = 0.25


@dataclass(frozen=True)
class Feature:
    """One feature. `direction`: 1 the chance may only rise with it, -1 only fall, 0 free. `scale`: how the logistic sees it."""

    name: str
    says: str
    unit: str
    direction: Literal[-1, 0, 1]
    scale: Literal["log", "plain"]


FEATURES: tuple[Feature, ...] = (
    Feature(
        "harm_share", "Harm today as a share of the cut at which high harm begins.", "share of the high cut", 1, "log"
    ),
    Feature(
        "quick_harm_share",
        "The same with weights that halve every 6 months: a burst.",
        "share of the high cut",
        1,
        "log",
    ),
    Feature("heaviest_share", "Weight of the heaviest event, not decayed.", "share of the high cut", 1, "log"),
    Feature("last_weight_share", "Weight of the latest event, not decayed.", "share of the high cut", 1, "log"),
    Feature(
        "weight_trend",
        "Mean log weight of the latest 3 events less that of the earlier ones; 0 with 3 events or fewer.",
        "log share",
        0,
        "plain",
    ),
    Feature("events_all", "Events charged, of all looked at.", "events", 1, "log"),
    Feature("events_6m", "Events charged in the last 6 months.", "events", 1, "log"),
    Feature("events_12m", "Events charged in the last 12 months.", "events", 1, "log"),
    Feature("events_24m", "Events charged in the last 24 months.", "events", 1, "log"),
    Feature("serious_events", "Events whose weight is a quarter of the high cut or more.", "events", 1, "log"),
    Feature("months_since_last", "Months since the latest event was charged.", "months", -1, "log"),
    Feature("months_since_first", "Months since the first event was charged.", "months", 0, "log"),
    Feature("mean_gap_months", "Months since the first event for each event charged: spacing.", "months", -1, "log"),
    Feature(
        "last_gap_months",
        "Months between the latest two events; 120 where there is one only, or more than 120.",
        "months",
        -1,
        "log",
    ),
    Feature("kinds", "Different kinds of offence charged: breadth.", "kinds", 1, "log"),
    Feature("violent_events", "Events with a violent charge.", "events", 1, "log"),
    Feature("violent_24m", "Events with a violent charge in the last 24 months.", "events", 1, "log"),
    Feature("weapon_events", "Events with a weapon charge.", "events", 1, "log"),
    Feature("convicted_share", "Share of the events with a conviction.", "share", 0, "plain"),
)
NAMES = tuple(feature.name for feature in FEATURES)


def features_at(events: pl.DataFrame, day: date, decay: Decay, high_cut: float) -> pl.DataFrame:
    """Features of every person with an event, on `day`.

    Args:
        events: one row an event standing as known at `day`, in the order of `charges.events`; nothing later may be in it.
        high_cut: harm at which high harm begins, in the index's unit, above 0.
    Returns: person_ref, harm (null: harm incomplete), incomplete, and a column for each of FEATURES, none null; sorted by
        person_ref. Weights missing count as 0 in features; the person is marked incomplete.
    """
    since_happened = day_number(day) - day_numbers(events["happened_on"])
    since_counted = (day_number(day) - day_numbers(events["counted_on"])) / DAYS_A_MONTH
    weight = events["weight"].fill_null(0.0).to_numpy()
    quick = np.exp2(-np.maximum(since_happened, 0) / DAYS_A_MONTH / QUICK_HALF_LIFE_MONTHS)
    rows = events.select("person_ref", "person_no", "kind", "violent", "weapon", "convicted").with_columns(
        no_weight=events["weight"].is_null(),
        share=pl.Series(weight / high_cut, dtype=pl.Float64),
        left=pl.Series(weight * decay.share_left(since_happened), dtype=pl.Float64),
        quick=pl.Series(weight * quick, dtype=pl.Float64),
        months=pl.Series(since_counted, dtype=pl.Float64),
    )
    log_share = (pl.col("share") + 0.01).log()
    count = pl.len().cast(pl.Float64)
    many = (
        rows.group_by("person_no", maintain_order=True)
        .agg(
            pl.col("person_ref").first(),
            harm=pl.col("left").sum(),
            incomplete=pl.col("no_weight").any(),
            quick_harm_share=pl.col("quick").sum() / high_cut,
            heaviest_share=pl.col("share").max(),
            last_weight_share=pl.col("share").last(),
            weight_trend=pl.when(pl.len() > 3)
            .then(log_share.tail(3).mean() - (log_share.sum() - log_share.tail(3).sum()) / (count - 3.0))
            .otherwise(0.0),
            events_all=count,
            events_6m=(pl.col("months") < 6.0).sum().cast(pl.Float64),
            events_12m=(pl.col("months") < 12.0).sum().cast(pl.Float64),
            events_24m=(pl.col("months") < 24.0).sum().cast(pl.Float64),
            serious_events=(pl.col("share") >= SERIOUS_SHARE).sum().cast(pl.Float64),
            months_since_last=pl.col("months").last(),
            months_since_first=pl.col("months").first(),
            last_gap_months=pl.when(pl.len() > 1)
            .then((pl.col("months").tail(2).first() - pl.col("months").last()).clip(0.0, NO_EARLIER_MONTHS))
            .otherwise(NO_EARLIER_MONTHS),
            kinds=pl.col("kind").n_unique().cast(pl.Float64),
            violent_events=pl.col("violent").sum().cast(pl.Float64),
            violent_24m=(pl.col("violent") & (pl.col("months") < 24.0)).sum().cast(pl.Float64),
            weapon_events=pl.col("weapon").sum().cast(pl.Float64),
            convicted_share=pl.col("convicted").sum() / count,
        )
        .with_columns(
            harm_share=pl.col("harm") / high_cut,
            mean_gap_months=pl.col("months_since_first") / pl.col("events_all"),
            harm=pl.when("incomplete").then(None).otherwise(pl.col("harm")),
        )
    )
    return many.select("person_ref", "harm", "incomplete", *NAMES)
