"""Tables of counts of people that were closed for a quarter: rounded together, whole, never counted again. Answers read these.

All cells are printed, and every sum still holds (`fairness.rounding`). A rate is taken of rounded counts, and only of
`LEAST_UNDER_A_RATE` or more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypedDict, cast

from harmcast.statistics import share_interval

BASE = 5
TODAY_BASE = 50
LEAST_UNDER_A_RATE = 50
LEAST_MOVES = 300
OPENING = "opening"
ALL, EVERYONE = "all", "everyone"
NO_CHANGE_AGAINST = "no_change_against"  # no change, by an officer who judged otherwise
ZERO_MEANS = f"Counts are rounded to multiples of {BASE}, so that every sum still holds: where 0 stands, there may be up to {BASE - 1}."

# name of a table -> its columns; the last ones are counts. `group` "all" under attribute "everyone" is the total. In a table
# with a single count, "all" in another column is the total over that column.
COLUMNS: dict[str, tuple[str, ...]] = {
    "tracked": ("attribute", "group", "with_conviction", "without_conviction", "people"),
    "charges_fell_away": ("attribute", "group", "fell_away", "held_up"),
    "charges_police_found": ("attribute", "group", "police_found", "others"),
    "bands": ("horizon_months", "band", "people", "followed"),
    "bands_by_group": ("attribute", "group", "band", "people"),
    "considered": ("attribute", "group", "decision", "people"),
    "decisions": ("decision", "reason", "decisions"),
    "sign_offs": ("outcome", "times"),
    "follow_ups": ("step", "times"),
    "representations": ("kind", "outcome", "received"),
    "confusion": ("model", "period", "attribute", "group", "tp", "fp", "fn", "tn"),
}
COUNTS = frozenset(
    {
        "with_conviction", "without_conviction", "people", "fell_away", "held_up", "police_found", "others", "followed",
        "decisions", "times", "received", "tp", "fp", "fn", "tn",
    }
)  # fmt: skip


class ClosedRow(TypedDict, total=False):
    """A row of a closed table: the columns of its table in `COLUMNS`, and no other."""

    attribute: str
    group: str
    horizon_months: int
    band: str
    decision: str
    reason: str
    outcome: str
    step: str
    kind: str
    model: str
    period: str
    with_conviction: int
    without_conviction: int
    people: int
    fell_away: int
    held_up: int
    police_found: int
    others: int
    followed: int
    decisions: int
    times: int
    received: int
    tp: int
    fp: int
    fn: int
    tn: int


def value_in(row: ClosedRow, column: str) -> str | int:
    """What a row has in a column that is named by `COLUMNS`. Raises: KeyError if it has no such column."""
    return cast("Mapping[str, str | int]", row)[column]


@dataclass(frozen=True)
class ClosedTable:
    """One table as it was closed.

    Attributes:
        name: a key of `COLUMNS`.
        quarter: `2026-Q3`, or `opening` for the table closed when the first load was accepted; an older one where so few
            people have moved since that its table stands.
        as_at: the day it counts at the end of; for answers the first day from which it may be said.
        closed_on: the day it was closed: nobody knew it before.
        rows: columns of `COLUMNS`; a count is a multiple of `base`.
        base: what counts are rounded to.
        note: what the table counts, in words (who was flagged, within what time); empty where the name says it.
    """

    name: str
    quarter: str
    as_at: date
    closed_on: date
    rows: tuple[ClosedRow, ...]
    base: int = BASE
    note: str = ""

    @property
    def source(self) -> str:
        """What a fact names as its source: `statistics:2026-Q3/tracked`."""
        return f"statistics:{self.quarter}/{self.name}"

    @property
    def counts(self) -> tuple[str, ...]:
        """Its columns that are counts."""
        return tuple(name for name in COLUMNS[self.name] if name in COUNTS)

    def where(self, **values: Any) -> tuple[ClosedRow, ...]:
        """The rows with these values: `where(attribute="sex")`."""
        return tuple(row for row in self.rows if all(value_in(row, name) == value for name, value in values.items()))


@dataclass(frozen=True)
class NotClosed:
    """A quarter that was over and that no run has closed: which, why, and what to do."""

    quarter: str
    why: str
    next_step: str


@dataclass(frozen=True)
class Closing:
    """The last closing by a day, with its tables; those that stand as an earlier one printed them name that one.

    Attributes:
        name: `opening` or a quarter; as_at: the last day of what it counts; closed_on: the day of the run that closed it.
        absent: table -> why it is not there, in a sentence.
        not_closed: quarters over since that no run has closed.
    """

    name: str
    as_at: date
    closed_on: date
    tables: tuple[ClosedTable, ...]
    absent: Mapping[str, str]
    not_closed: tuple[NotClosed, ...] = ()

    def table(self, name: str) -> ClosedTable | None:
        return next((one for one in self.tables if one.name == name), None)


@dataclass(frozen=True)
class RoundedRate:
    """A rate of two rounded counts, with Wilson's 95% interval. All shares from 0 to 1."""

    numerator: int
    denominator: int
    value: float
    low: float
    high: float


def rate(numerator: int, denominator: int) -> RoundedRate | None:
    """The rate of two rounded counts; None under `LEAST_UNDER_A_RATE`, or where rounding has put the part above the whole."""
    if denominator < LEAST_UNDER_A_RATE or numerator > denominator:
        return None
    interval = share_interval(numerator, denominator)
    return RoundedRate(numerator, denominator, numerator / denominator, *interval) if interval else None


def today(total: int) -> int:
    """A total of today as it is printed beside closed tables: to the nearest 50, halves up."""
    return TODAY_BASE * ((total + TODAY_BASE // 2) // TODAY_BASE)
