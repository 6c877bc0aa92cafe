"""How far back the records go, how far back the procedure therefore looks, and on which days it learns.

A force whose records begin a few years ago knows less of people on early landmarks than today. So one look-back is
used at training and at scoring: on day d only what was charged in (d - L, d] is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

import numpy as np
import polars as pl

from harmcast.documents.person_model import ModelHistory
from harmcast.weeks import add_months

LEAST_MONTHS = 30  # of records before any chance is printed
LONG_MONTHS = 42  # from here both horizons, and a landmark out of time
MOST_LOOK_BACK = 60
STEP_MONTHS = 6
MOST_LANDMARKS = 10
LOW_SHARE = 0.5


@dataclass(frozen=True)
class RecordsHeld:
    """What one day has to go on.

    Attributes:
        first_day: B, the first day of records the force vouches for; scored_on: A, the last whole day known.
        months: H, whole months held on A; look_back: L in months, None where no chance may be printed.
        horizons: months ahead for which a chance may be printed, given enough people who became.
        left_out: first days of whole months before B with too few charges; low_later: of such months after it, which are not cut out.
    """

    first_day: date
    scored_on: date
    months: int
    look_back: int | None
    horizons: tuple[int, ...]
    left_out: tuple[str, ...] = ()
    low_later: tuple[str, ...] = ()

    @property
    def chances_from(self) -> date:
        """The first day on whose records a chance may be printed."""
        return add_months(self.first_day, LEAST_MONTHS) - timedelta(days=1)

    def landmarks(self, horizon: int = 12) -> list[date]:
        """Days learnt from, oldest first: A - horizon - 6j whose look-back lies within the records, ten at most."""
        if self.look_back is None:
            return []
        days = [add_months(self.scored_on, -horizon - STEP_MONTHS * j) for j in range(MOST_LANDMARKS)]
        return sorted(day for day in days if months_held(self.first_day, day) >= self.look_back)

    def document(self) -> ModelHistory:
        days = self.landmarks()
        return {
            "first_day": self.first_day.isoformat(),
            "months": self.months,
            "look_back_months": self.look_back,
            "horizons_months": list(self.horizons),
            "chances_from": self.chances_from.isoformat(),
            "first_landmark": days[0].isoformat() if days else None,
            "landmarks": len(days),
            "left_out": list(self.left_out),
            "low_later": list(self.low_later),
        }

    def says(self) -> list[str]:
        """What people must know of the start and of thin months, in sentences; none where nothing is odd."""
        found = []
        if self.left_out:
            found.append(
                f"Charge records of {len(self.left_out)} month(s) from {self.left_out[0]} hold under half the usual charges a month and are left out: "
                f"chances look back to {self.first_day.isoformat()} at most."
            )
        if self.low_later:
            found.append(
                f"{len(self.low_later)} later month(s) hold under half the usual charges ({', '.join(self.low_later[:6])}{', ...' if len(self.low_later) > 6 else ''}): "
                "they are counted as they stand. Whether charging fell or records are missing is for the force to say."
            )
        return found


def months_between(first: date, last: date) -> int:
    """Whole months from `first` to `last`, 0 at least: the largest n with first + n months on or before last."""
    months = (last.year - first.year) * 12 + last.month - first.month
    return max(months - (add_months(first, months) > last), 0)


def months_held(first_day: date, last_day: date) -> int:
    """Whole months of records from `first_day` to `last_day`, both of them in."""
    return months_between(first_day, last_day + timedelta(days=1))


def look_back(months: int) -> int | None:
    """Months looked back with so many months of records; None: too few for any chance. Always a multiple of 6.

    30 to 41: the months held less 18. From 42: less 24, and 60 at most.
    """
    if months < LEAST_MONTHS:
        return None
    wanted = months - 18 if months < LONG_MONTHS else min(MOST_LOOK_BACK, months - 24)
    return wanted - wanted % STEP_MONTHS


def horizons(months: int, asked: Sequence[int]) -> tuple[int, ...]:
    """Of the horizons asked for, those that so many months of records can carry: the first from 30, all from 42."""
    if months < LEAST_MONTHS:
        return ()
    return tuple(asked) if months >= LONG_MONTHS else tuple(asked[:1])


def history(first_day: date, scored_on: date, asked: Sequence[int] = (12, 24)) -> RecordsHeld:
    """What the procedure has to go on where records are vouched for from `first_day` on."""
    months = months_held(first_day, scored_on)
    return RecordsHeld(first_day, scored_on, months, look_back(months), horizons(months, asked))


@dataclass(frozen=True)
class Vouched:
    """B, and what was found while looking for it: leading months with too few charges, and low months after B."""

    first_day: date
    left_out: tuple[str, ...]
    low_later: tuple[str, ...]


def vouched_from(charged_on: pl.Series, scored_on: date, given: date | None = None) -> Vouched | None:
    """The first day of records to go by: the day given, or that of the first charge, moved past a thin start.

    Months are counted back from the scoring day. One is thin where it holds under half the median charges of the later
    ones, a first month that the records begin in by its days. Months later on that are thin are named, not cut out: whether they are a gap is for people to say.

    Args: `charged_on`: a day a charge. Returns: None where nothing was charged by `scored_on`.
    """
    days = charged_on.drop_nulls()
    days = days.filter(days <= scored_on)
    if given is not None:
        days = days.filter(days >= given)
    if days.is_empty():
        return None
    ends = _month_ends(days.min(), scored_on)  # type: ignore[arg-type]
    counts, firsts = _charges_a_month(days, ends), [end + timedelta(days=1) for end in ends[:-1]]
    begins = given if given is not None else _first_day(days.min(), firsts[0])  # type: ignore[arg-type]
    cut_off = max((begins - firsts[0]).days, 0) / ((ends[1] - ends[0]).days)  # share of the first month before the records begin
    start = 0
    while start < len(counts) - 1 and counts[start] < LOW_SHARE * (1 - cut_off if start == 0 else 1) * median(counts[start + 1 :]):
        start += 1
    usual, first = median(counts[start:]), max(firsts[start], begins)
    return Vouched(
        first,
        tuple(day.isoformat() for k, day in enumerate(firsts[:start]) if k or not cut_off),
        tuple(day.isoformat() for day, n in list(zip(firsts, counts, strict=True))[start + 1 :] if n < LOW_SHARE * usual),
    )


def _first_day(first_charge: date, month: date) -> date:
    """When records begin whose first charge lies in `month`: with the month, where that charge came within its first week."""
    return month if (first_charge - month).days < 7 else first_charge


def _month_ends(first: date, last: date) -> list[date]:
    """Edges of the months counted back from `last` that reach `first`, oldest first: month k lies after edge k, up to edge k + 1."""
    ends = [last]
    while ends[-1] >= first:
        ends.append(add_months(last, -len(ends)))
    return ends[::-1]


def _charges_a_month(days: pl.Series, ends: Sequence[date]) -> list[int]:
    """Charges after each edge and up to the next."""
    edges = pl.Series(list(ends), dtype=pl.Date).to_physical().to_numpy()
    month = np.searchsorted(edges, days.cast(pl.Date).to_physical().to_numpy(), side="left") - 1
    return [int(n) for n in np.bincount(month, minlength=len(ends) - 1)]
