"""Weeks, four-week horizons, origins and as-of dates: the only module that knows calendars.

Five words, the same everywhere (GLOSSARY.md): `happened_on`, `known_on`, `as_of`, `origin`, `week`.
The origin is the first day that is forecast; everything observed lies before it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

DAYS_A_WEEK = 7
WINDOW_WEEKS = 4
WINDOW_DAYS = WINDOW_WEEKS * DAYS_A_WEEK
_LABEL = re.compile(r"^(\d{4})-W(\d{2})$")


@dataclass(frozen=True, order=True)
class Week:
    """An ISO week, Monday to Sunday; its name is `2026-W47`. A weekly release is named after the week it is made in."""

    monday: date

    def __post_init__(self) -> None:
        if self.monday.isoweekday() != 1:
            raise ValueError("a week begins on a Monday")

    @classmethod
    def of(cls, day: date) -> Week:
        return cls(day - timedelta(days=day.isoweekday() - 1))

    @classmethod
    def named(cls, label: str) -> Week:
        """The week of a label such as `2026-W47`. Raises ValueError on anything else."""
        match = _LABEL.match(label)
        if not match:
            raise ValueError("a week is written like 2026-W47")
        return cls(date.fromisocalendar(int(match[1]), int(match[2]), 1))

    @property
    def origin(self) -> date:
        """First day the week's release forecasts: its own Monday; the week before is the last one observed whole."""
        return self.monday

    @property
    def sunday(self) -> date:
        return self.monday + timedelta(days=6)

    def plus(self, weeks: int) -> Week:
        return Week(self.monday + timedelta(days=DAYS_A_WEEK * weeks))

    def __str__(self) -> str:
        year, number, _ = self.monday.isocalendar()
        return f"{year}-W{number:02d}"


@dataclass(frozen=True, order=True)
class Quarter:
    """A quarter of a calendar year; its name is `2026-Q3`."""

    year: int
    number: int

    @classmethod
    def of(cls, day: date) -> Quarter:
        return cls(day.year, (day.month + 2) // 3)

    @property
    def first(self) -> date:
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def next(self) -> Quarter:
        return Quarter(self.year + self.number // 4, self.number % 4 + 1)

    @property
    def before(self) -> Quarter:
        return Quarter.of(self.first - timedelta(days=1))

    @property
    def last(self) -> date:
        """Its last day."""
        return self.next.first - timedelta(days=1)

    def __str__(self) -> str:
        return f"{self.year}-Q{self.number}"


def origins_back(last_day_observed: date, origins: int, days: int = WINDOW_DAYS) -> list[date]:
    """Origins whose forecast windows do not overlap and whose last window ends with `last_day_observed`, oldest first."""
    end = last_day_observed + timedelta(days=1)
    return [end - timedelta(days=days * k) for k in range(origins, 0, -1)]


def last_complete_week(as_of: date) -> Week:
    """The latest week that is over at the end of `as_of`."""
    return Week.of(as_of + timedelta(days=1)).plus(-1)


def add_months(day: date, months: int) -> date:
    """The same day of the month, `months` later (earlier if negative); the month's last day where it is shorter."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    month += 1
    following = date(year + (month == 12), month % 12 + 1, 1)
    return date(year, month, min(day.day, (following - timedelta(days=1)).day))


def age_on(born_on: date, day: date) -> int:
    """Age in whole years; someone born on 29 February has their birthday on 1 March in other years."""
    return day.year - born_on.year - ((day.month, day.day) < (born_on.month, born_on.day))
