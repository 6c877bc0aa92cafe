"""What the records said before they were put right: cancelled crimes, late corrections, rows deleted at source."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import numpy as np
import polars as pl

from harmcast.invented.draws import stream

CANCELLED_SHARE = 0.025
CORRECTED_SHARE = 0.04
NO_PLACE_SHARE = 0.015
CORRECTED_AFTER_DAYS = 25.0
CHANGED = ("offence_code", "happened_from", "easting_m", "northing_m", "weapon", "injury")


def _later(rng: np.random.Generator, recorded: pl.Series, hit: np.ndarray, mean_days: float) -> pl.Series:
    """A moment some days after each row was recorded where `hit`, null elsewhere."""
    minutes = (rng.exponential(mean_days * 1440, len(hit)) + 600).astype(np.int64)
    moment = recorded + pl.Series(minutes * 60_000_000).cast(pl.Duration("us"))
    return moment.zip_with(pl.Series(hit), pl.Series([None] * len(hit), dtype=pl.Datetime("us")))


def plan(crimes: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Crimes with `cancelled_at`, `corrected_at` and, where corrected, `was_...` columns with what stood before.

    One crime in 65 keeps no place at all.
    """
    rng = stream(seed, "corrections")
    n = len(crimes)
    no_place = pl.Series(rng.random(n) < NO_PLACE_SHARE)
    cancelled = _later(rng, crimes["recorded_at"], rng.random(n) < CANCELLED_SHARE, 40.0)
    corrected = rng.random(n) < CORRECTED_SHARE
    corrected_at = _later(rng, crimes["recorded_at"], corrected, CORRECTED_AFTER_DAYS)
    way = rng.integers(0, 5, n)
    moved = rng.normal(0, 400, (n, 2)).round()
    earlier_hours = rng.integers(1, 72, n)
    is_way = [pl.Series(corrected & (way == w)) for w in range(5)]
    frame = crimes.with_columns(
        pl.when(no_place).then(None).otherwise(pl.col("easting_m")).alias("easting_m"),
        pl.when(no_place).then(None).otherwise(pl.col("northing_m")).alias("northing_m"),
        cancelled.alias("cancelled_at"),
        corrected_at.alias("corrected_at"),
    )
    hurt_before = {"serious": "minor", "fatal": "serious", "minor": "unknown"}
    code_before = {"001/01": "005/01", "008/01": "008/06", "005/01": "008/01", "008/06": "105/01", "028/02": "028/01"}
    return frame.with_columns(
        pl.when(is_way[0])
        .then(pl.col("offence_code").replace(code_before))
        .otherwise(pl.col("offence_code"))
        .alias("was_offence_code"),
        pl.when(is_way[1])
        .then(
            pl.min_horizontal(
                pl.col("happened_from") + pl.duration(hours=pl.lit(pl.Series(earlier_hours))),
                pl.col("recorded_at"),
                pl.coalesce("happened_to", "recorded_at"),
            )
        )
        .otherwise(pl.col("happened_from"))
        .alias("was_happened_from"),
        pl.when(is_way[2])
        .then(pl.col("easting_m") + pl.Series(moved[:, 0]))
        .otherwise(pl.col("easting_m"))
        .alias("was_easting_m"),
        pl.when(is_way[2])
        .then(pl.col("northing_m") + pl.Series(moved[:, 1]))
        .otherwise(pl.col("northing_m"))
        .alias("was_northing_m"),
        pl.when(is_way[3]).then(pl.lit("unknown")).otherwise(pl.col("weapon")).alias("was_weapon"),
        pl.when(is_way[4]).then(pl.col("injury").replace(hurt_before)).otherwise(pl.col("injury")).alias("was_injury"),
    )


def as_shown(planned: pl.DataFrame, until: datetime, since: datetime | None = None) -> pl.DataFrame:
    """Crimes as the records stand just before `until`; with `since`, only those new or changed from then on."""
    cancelled = pl.col("cancelled_at").is_not_null() & (pl.col("cancelled_at") < until)
    corrected = pl.col("corrected_at").is_not_null() & (pl.col("corrected_at") < until)
    waiting = pl.col("corrected_at").is_not_null() & (pl.col("corrected_at") >= until)
    changed_at = pl.max_horizontal(
        pl.col("recorded_at"),
        pl.when(cancelled).then(pl.col("cancelled_at")),
        pl.when(corrected).then(pl.col("corrected_at")),
    )
    shown = planned.lazy().filter(pl.col("recorded_at") < until).with_columns(changed_at.alias("changed_at"))
    if since is not None:
        shown = shown.filter(pl.col("changed_at") >= since)
    return shown.with_columns(
        pl.when(cancelled).then(pl.lit("cancelled")).otherwise(pl.lit("recorded")).alias("status"),
        *[pl.when(waiting).then(pl.col(f"was_{name}")).otherwise(pl.col(name)).alias(name) for name in CHANGED],
    ).collect()


def deletions(planned: pl.DataFrame, seed: int, moments: list[datetime], a_week: int) -> pl.DataFrame:
    """Crimes deleted at source in the weeks between `moments`: table, ref, deleted_at, reason."""
    rng = stream(seed, "deletions")
    frames = []
    for since, until in pairwise(moments):
        held = planned.filter(pl.col("recorded_at") < since)["crime_ref"]
        chosen = np.unique(rng.integers(max(0, len(held) - 20_000), len(held), a_week))
        minutes = rng.integers(600, int((until - since).total_seconds() // 60), len(chosen))
        frames.append(
            pl.DataFrame(
                {
                    "table": ["crimes"] * len(chosen),
                    "ref": held.gather(chosen),
                    "deleted_at": pl.Series([since] * len(chosen), dtype=pl.Datetime("us"))
                    + pl.Series(minutes * 60_000_000).cast(pl.Duration("us")),
                    "reason": ["entered twice"] * len(chosen),
                }
            )
        )
    every = (
        pl.concat(frames)
        if frames
        else pl.DataFrame(
            schema={"table": pl.String, "ref": pl.String, "deleted_at": pl.Datetime("us"), "reason": pl.String}
        )
    )
    return every.unique("ref", keep="first", maintain_order=True)
