"""Rows that a real export gets wrong, planted in small known numbers so that the accounting can be checked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

# kind -> what a sound loader does with it
FATES = {
    "unknown_code": "loaded, flagged as a code without a weight",
    "no_place": "loaded, not on the map",
    "off_area": "loaded or set aside by rule, never in a cell",
    "repeated_key": "superseded",
    "no_status": "quarantined",
    "no_outcome": "quarantined",
    "no_key": "quarantined",
    "text_date": "quarantined",
    "text_number": "quarantined",
    "person_later": "waits for the person's row",
    "person_never": "waits, counted",
}


@dataclass(frozen=True)
class Planted:
    """One planted bad row. `row` counts the file's data rows from 1."""

    table: str
    row: int
    kind: str
    ref: str | None


def _take(rng: np.random.Generator, free: list[int], share: float, rows: int) -> list[int]:
    count = min(len(free), int(rng.binomial(rows, share)))
    return [free.pop() for _ in range(count)]


def spoil_crimes(
    frame: pl.DataFrame, rng: np.random.Generator, share: float, as_text: bool
) -> tuple[pl.DataFrame, list[Planted]]:
    """Crimes of one delivery with bad rows planted. `as_text`: the file is CSV, so dates and numbers may be words.

    Args:
        share: of the rows, spread over the kinds; off-area points come three times as often.
    Returns: the rows (columns as text where `as_text`) and what was planted.
    """
    rows = len(frame)
    free = list(rng.permutation(rows))
    kinds = {"unknown_code": 1.0, "off_area": 3.0, "no_status": 0.6, "no_key": 0.4}
    if as_text:
        kinds |= {"text_date": 1.0, "text_number": 0.6}
    chosen = {kind: _take(rng, free, share * weight / 7, rows) for kind, weight in kinds.items()}
    again = _take(rng, free, share / 7, rows)

    def at(kind: str) -> pl.Series:
        mask = np.zeros(rows, bool)
        mask[chosen[kind]] = True
        return pl.Series(mask)

    refs = frame["crime_ref"]
    spoiled = frame.with_columns(
        pl.when(at("unknown_code")).then(pl.lit("999/99")).otherwise(pl.col("offence_code")).alias("offence_code"),
        pl.when(at("off_area")).then(pl.col("easting_m") + 90_000).otherwise(pl.col("easting_m")).alias("easting_m"),
        pl.when(at("no_status")).then(pl.lit(None, pl.String)).otherwise(pl.col("status")).alias("status"),
        pl.when(at("no_key")).then(None).otherwise(pl.col("crime_ref")).alias("crime_ref"),
    )
    if as_text:
        spoiled = spoiled.with_columns(
            pl.col("happened_from", "happened_to", "recorded_at", "changed_at").dt.strftime("%Y-%m-%dT%H:%M:%S"),
            pl.col("easting_m", "northing_m").round(1).cast(pl.String),
        ).with_columns(
            pl.when(at("text_date"))
            .then(pl.lit("sometime last week"))
            .otherwise(pl.col("happened_from"))
            .alias("happened_from"),
            pl.when(at("text_number")).then(pl.lit("see log")).otherwise(pl.col("northing_m")).alias("northing_m"),
        )
    if again:  # the same key twice: an earlier state of the row, sent with it
        older = frame[again].with_columns(pl.col("changed_at") - timedelta(hours=3), pl.lit("recorded").alias("status"))
        if as_text:
            older = older.with_columns(
                pl.col("happened_from", "happened_to", "recorded_at", "changed_at").dt.strftime("%Y-%m-%dT%H:%M:%S"),
                pl.col("easting_m", "northing_m").round(1).cast(pl.String),
            )
        spoiled = pl.concat([spoiled, older])
    planted = [
        Planted("crimes", int(row) + 1, kind, None if kind == "no_key" else refs[int(row)])
        for kind, at_rows in chosen.items()
        for row in sorted(at_rows)
    ]
    planted += [Planted("crimes", rows + i + 1, "repeated_key", refs[int(row)]) for i, row in enumerate(again)]
    return spoiled, planted


def spoil_charges(frame: pl.DataFrame, rng: np.random.Generator, share: float) -> tuple[pl.DataFrame, list[Planted]]:
    """Charges of one delivery with a few outcomes missing, and a few whose person never comes."""
    rows = len(frame)
    free = list(rng.permutation(rows))
    unlisted, orphaned = (_take(rng, free, share / 4, rows) for _ in range(2))
    mask, lost = np.zeros(rows, bool), np.zeros(rows, bool)
    mask[unlisted] = True
    lost[orphaned] = True
    refs = frame["charge_ref"]
    spoiled = frame.with_columns(
        pl.when(pl.Series(mask)).then(pl.lit(None, pl.String)).otherwise(pl.col("outcome")).alias("outcome"),
        pl.when(pl.Series(lost))
        .then(pl.lit("PX") + pl.col("person_ref"))
        .otherwise(pl.col("person_ref"))
        .alias("person_ref"),
    )
    return spoiled, [
        *[Planted("charges", int(r) + 1, "no_outcome", refs[int(r)]) for r in sorted(unlisted)],
        *[Planted("charges", int(r) + 1, "person_never", refs[int(r)]) for r in sorted(orphaned)],
    ]
