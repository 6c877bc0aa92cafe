"""Dates that stand for unknown: they count as unknown, and how many is said. Nothing here is guessed from one row alone.

A birth is unknown where it is a date that systems write for "none", where one date is held by far more people than any
other, where it lies after a charge, or where it makes the person under 10 (the age of criminal responsibility in England
and Wales) or over 100 at a charge. An offence date that stands for unknown gives way to the day of the charge.
"""

from __future__ import annotations

from datetime import date

import polars as pl

WRITTEN_FOR_NONE = (
    date(1753, 1, 1), date(1800, 1, 1), date(1899, 12, 30), date(1899, 12, 31), date(1900, 1, 1), date(1901, 1, 1),
    date(2999, 12, 31), date(9999, 1, 1), date(9999, 12, 31),
)  # fmt: skip
EPOCH = date(1970, 1, 1)  # may be a real birthday: unknown only where it is crowded
CROWDED_LEAST, CROWDED_TIMES = 5, 20
YOUNGEST, OLDEST = 10, 100


def crowded(days: pl.Series) -> pl.Series:
    """Whether each day is one that far more rows hold than hold any usual day."""
    counts = days.drop_nulls().value_counts()
    usual = counts["count"].median() or 1
    many = counts.filter((pl.col("count") >= CROWDED_LEAST) & (pl.col("count") > CROWDED_TIMES * pl.lit(usual)))
    return days.is_in(many.to_series(0).implode()).fill_null(False)


def unknown_births(persons: pl.DataFrame, charges: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """People with births that stand for unknown set to null; and how many by note.

    Args: `persons`: person_ref, born_on and more; `charges`: person_ref, charged_on of all charges known.
    """
    if "born_on" not in persons.columns or persons.is_empty():
        return persons, {}
    first = charges.group_by("person_ref").agg(first=pl.col("charged_on").min(), last=pl.col("charged_on").max())
    seen = persons.select("person_ref", "born_on").join(first, on="person_ref", how="left", maintain_order="left")
    written = seen["born_on"].is_in(list(WRITTEN_FOR_NONE)).fill_null(False)
    shared = crowded(seen["born_on"]) & ~written
    stands_in = written | shared
    after_first = seen.select((pl.col("born_on").dt.offset_by(f"{YOUNGEST}y") > pl.col("first")).fill_null(False)).to_series()
    too_old = seen.select((pl.col("born_on").dt.offset_by(f"{OLDEST + 1}y") <= pl.col("last")).fill_null(False)).to_series()
    unlikely = (after_first | too_old) & ~stands_in
    gone = stands_in | unlikely
    counts = {"birth_placeholder": int(written.sum()), "birth_shared": int(shared.sum()), "birth_unlikely": int(unlikely.sum())}
    rows = persons.with_columns(pl.when(gone).then(None).otherwise(pl.col("born_on")).alias("born_on"))
    return rows, {note: count for note, count in counts.items() if count}


def unknown_offence_dates(charges: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """Charges whose offence date stands for unknown, dated at the charge; and how many."""
    if charges.is_empty():
        return charges, {}
    days = charges["happened_on"]
    is_epoch = (days == EPOCH).fill_null(False) & crowded(days)
    gone = days.is_in(list(WRITTEN_FOR_NONE)).fill_null(False) | is_epoch
    rows = charges.with_columns(pl.when(gone).then(pl.col("charged_on")).otherwise(pl.col("happened_on")).alias("happened_on"))
    return rows, {"happened_placeholder": int(gone.sum())} if gone.any() else {}
