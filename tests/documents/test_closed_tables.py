"""Closed tables as read: rates only of fifty or more, today's total to the nearest fifty."""

from __future__ import annotations

from datetime import date

import pytest

from harmcast.documents import closed_tables
from harmcast.documents.closed_tables import ClosedTable, Closing

TRACKED = ClosedTable(
    "tracked", "2026-Q3", date(2026, 9, 30), date(2026, 10, 5),
    (
        {"attribute": "everyone", "group": "all", "with_conviction": 60, "without_conviction": 35, "people": 95},
        {"attribute": "sex", "group": "female", "with_conviction": 30, "without_conviction": 20, "people": 50},
        {"attribute": "sex", "group": "male", "with_conviction": 30, "without_conviction": 15, "people": 45},
    ),
)  # fmt: skip


def test_a_rate_is_taken_of_rounded_counts_from_fifty_up() -> None:
    share = closed_tables.rate(30, 50)
    assert share is not None
    assert (share.numerator, share.denominator, share.value) == (30, 50, 0.6)
    assert share.low == pytest.approx(0.4618, abs=1e-4)
    assert share.high == pytest.approx(0.7239, abs=1e-4)
    assert closed_tables.rate(30, 45) is None
    assert closed_tables.rate(55, 50) is None


def test_a_table_names_its_source_and_finds_its_rows() -> None:
    assert TRACKED.source == "statistics:2026-Q3/tracked"
    assert TRACKED.counts == ("with_conviction", "without_conviction", "people")
    assert [row["people"] for row in TRACKED.where(attribute="sex")] == [50, 45]
    assert TRACKED.where(attribute="sex", group="nobody") == ()
    closing = Closing("2026-Q3", TRACKED.as_at, TRACKED.closed_on, (TRACKED,), {})
    assert closing.table("tracked") is TRACKED
    assert closing.table("confusion") is None


@pytest.mark.parametrize(("total", "printed"), [(0, 0), (24, 0), (25, 50), (74, 50), (75, 100), (9_298, 9_300)])
def test_today_is_printed_to_the_nearest_fifty(total: int, printed: int) -> None:
    assert closed_tables.today(total) == printed
