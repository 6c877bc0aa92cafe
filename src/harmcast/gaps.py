"""Gaps: days that the force has no records of, by its own word. A gap's weeks are missing, never zero.

Plain days, built by `runs` from the `[[gaps]]` settings and handed to the pure rooms. A week that a gap touches is
missing whole, because a part of a week cannot be compared with a week.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from harmcast.weeks import DAYS_A_WEEK


@dataclass(frozen=True)
class Gap:
    """Days from `first` to `last`, both included, without records; `areas`: policing areas, none named: the whole force."""

    first: date
    last: date
    areas: tuple[str, ...] = ()

    def touches(self, first: date, days: int = DAYS_A_WEEK) -> bool:
        """Whether any of the `days` days from `first` on lies in the gap."""
        return self.first < first + timedelta(days=days) and first <= self.last


def missing(gaps: Iterable[Gap], starts: Sequence[date], area: str | None = None, days: int = DAYS_A_WEEK) -> list[bool]:
    """For each period of `days` days that begins on `starts`, whether a gap of the area touches it.

    Args: `area`: None asks for the whole force, of which a gap of some areas is only a part.
    """
    of_area = [gap for gap in gaps if not gap.areas or area in gap.areas]
    return [any(gap.touches(start, days) for gap in of_area) for start in starts]
