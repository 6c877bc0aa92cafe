"""Under 18 on a date: yes, no, or unknown; and how many births a load changes. One of the two modules that are handed a date of birth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

ADULT_YEARS = 18


def flags(persons_protected: pl.DataFrame, days: Sequence[date]) -> pl.DataFrame:
    """Whether each person is under 18 on each day.

    Someone born on 29 February turns 18 on 1 March. A birth date after the day counts as unknown.

    Args: `persons_protected`: person_ref, born_on; other columns are not looked at.
    Returns: person_ref, day, under_18 (null: birth unknown); a row a person and day. The date itself does not leave.
    """
    births = persons_protected.select("person_ref", "born_on")
    tables = [births.select("person_ref", day=pl.lit(day), under_18=_under_18(day)) for day in days]
    schema = pl.Schema({"person_ref": pl.String(), "day": pl.Date(), "under_18": pl.Boolean()})
    return pl.concat(tables).cast(schema) if tables else pl.DataFrame(schema=schema)


@dataclass(frozen=True)
class BirthsChanged:
    """How many people have another date of birth by a load, and of these how many by day and month exchanged; unknown ones are not counted."""

    changed: int
    exchanged: int


def changed(persons_protected: pl.DataFrame, new_people: pl.DataFrame) -> BirthsChanged:
    """Counts alone; the dates do not leave.

    Args: both tables: person_ref, born_on; a row a person.
    """
    held, new = (table.select("person_ref", "born_on") for table in (persons_protected, new_people))
    other = held.join(new, on="person_ref", how="inner", suffix="_new").filter(pl.col("born_on") != pl.col("born_on_new"))
    was, now = pl.col("born_on").dt, pl.col("born_on_new").dt
    exchanged = other.filter(was.year() == now.year(), was.day() == now.month(), was.month() == now.day())
    return BirthsChanged(other.height, exchanged.height)


def _under_18(day: date) -> pl.Expr:
    born = pl.col("born_on")
    had_birthday = (born.dt.month() < day.month) | ((born.dt.month() == day.month) & (born.dt.day() <= day.day))
    years = pl.lit(day.year) - born.dt.year() - (~had_birthday).cast(pl.Int32)
    return pl.when(born > day).then(None).otherwise(years < ADULT_YEARS)
