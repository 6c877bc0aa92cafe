"""Which releases are judged, by their days alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from harmcast.runs.people_results import judged_releases


@dataclass
class OfDay:
    as_of: date
    standing: str = "published"


def test_one_release_in_thirteen_weeks_whose_year_is_over() -> None:
    first = date(2025, 1, 6)
    weekly = [OfDay(first + timedelta(weeks=k)) for k in range(60)]
    weekly[30].standing = "withdrawn"
    today = date(2026, 2, 16)  # 58 weeks on: releases to 2025-02-16 are a year old
    found = [r.as_of for r in judged_releases(weekly, today, 12)]  # type: ignore[arg-type]
    assert found == [date(2025, 2, 10)]
    later = [r.as_of for r in judged_releases(weekly, date(2026, 8, 10), 12)]  # type: ignore[arg-type]
    assert later == [date(2025, 7, 28), date(2025, 4, 28), date(2025, 1, 27)]
    assert judged_releases(weekly, date(2026, 1, 5), 12) == []  # type: ignore[arg-type]
