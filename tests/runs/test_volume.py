"""Odd volume holds a week: too few, too many, an area silent, nothing at all for long."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest

from harmcast.gaps import Gap
from harmcast.runs.volume import displaced, robust_deviations, volume_of

ORIGIN = date(2026, 11, 16)


def crimes(weekly: list[int], areas: tuple[str, ...] = ("North", "South")) -> pl.DataFrame:
    """So many crimes in each week before the origin, the last week first, shared out among the areas."""
    rows = [
        (datetime(2026, 11, 16, 3) - timedelta(days=7 * back + 1 + i % 6), areas[i % len(areas)])
        for back, count in enumerate(weekly)
        for i in range(count)
    ]
    return pl.DataFrame(rows, schema={"recorded_at": pl.Datetime("us"), "area": pl.String}, orient="row")


@pytest.mark.parametrize(
    ("now", "held"), [(100, False), (70, False), (140, False), (59, True), (141, True), (0, True), (1000, True)]
)
def test_a_week_far_from_those_before_is_odd(now: int, held: bool) -> None:
    """A steady 100 a week: its deviation is counting noise, 10, and 4 of them are the limit."""
    assert bool(volume_of(crimes([now] + [100] * 30), ORIGIN, 4.0).findings) is held


def test_a_wide_past_allows_more() -> None:
    past = [100, 60, 140, 90, 150, 70, 110, 130, 80, 120, 95, 105, 75]
    assert robust_deviations(30, past) is not None
    assert volume_of(crimes([30, *past]), ORIGIN, 4.0).findings == ()


def test_too_short_a_past_judges_nothing() -> None:
    assert robust_deviations(0, [100] * 11) is None


def test_an_area_at_nothing_is_odd_though_the_total_is_not() -> None:
    usual = crimes([0] + [100] * 30)
    odd = pl.concat([usual, crimes([100], ("South",))])
    found = volume_of(odd, ORIGIN, 4.0)
    assert found.silent_areas == ("North",)
    assert [odd.check for odd in found.findings] == ["silent_areas"]


@pytest.mark.parametrize("weeks", [1, 13, 14, 26, 40, 60, 520])
def test_silence_never_becomes_the_usual(weeks: int) -> None:
    """Weeks of nothing soon are most of the weeks compared; the week is held all the same."""
    assert volume_of(crimes([0] * weeks + [100] * 60), ORIGIN, 4.0).findings


GAP = Gap(date(2026, 11, 9), date(2026, 11, 15))


def test_a_week_that_the_force_says_is_missing_is_not_odd() -> None:
    assert volume_of(crimes([0] + [100] * 30), ORIGIN, 4.0).findings
    assert volume_of(crimes([0] + [100] * 30), ORIGIN, 4.0, [GAP]).findings == ()


def test_missing_weeks_are_not_part_of_the_past_a_week_is_compared_with() -> None:
    """Thirteen weeks of nothing among twenty-five would make 100 crimes odd."""
    gone = Gap(date(2026, 8, 10), date(2026, 11, 8))
    weekly = [100] + [0] * 13 + [100] * 12
    assert volume_of(crimes(weekly), ORIGIN, 4.0).findings
    assert volume_of(crimes(weekly), ORIGIN, 4.0, [gone]).findings == ()


def test_a_gap_of_one_area_excuses_that_area_alone() -> None:
    usual = pl.concat([crimes([0] + [100] * 30, ("North", "South", "East")), crimes([100], ("South",))])
    gap = Gap(GAP.first, GAP.last, ("North",))
    assert volume_of(usual, ORIGIN, 4.0).silent_areas == ("East", "North")
    assert volume_of(usual, ORIGIN, 4.0, [gap]).silent_areas == ("East",)


def cells(listed: range, counted: range) -> pl.DataFrame:
    """A hundred cells, of which `listed` have most expected and `counted` most crimes in 24 months."""
    return pl.DataFrame(
        {
            "cell": [f"c{k:03}" for k in range(100)],
            "expected": [2.0 if k in listed else 0.1 for k in range(100)],
            "baseline_24m": [3.0 if k in counted else 0.2 for k in range(100)],
        }
    )


@pytest.mark.parametrize(
    ("listed", "last", "counted", "held"),
    [
        (range(40, 60), range(20), range(20), True),
        (range(16, 36), range(20), range(20), True),  # 4 shared with each
        (range(15, 35), range(20), range(60, 80), False),  # 5 shared with last week's
        (range(15, 35), range(60, 80), range(20), False),  # 5 shared with the count's
        (range(20), range(60, 80), range(20), False),  # the units are new, the count agrees
    ],
)
def test_a_map_that_moved_in_one_week_is_held(listed: range, last: range, counted: range, held: bool) -> None:
    found = displaced(cells(listed, counted), cells(last, counted))
    assert (found is not None) is held


def test_a_first_release_has_nothing_to_be_displaced_from() -> None:
    assert displaced(cells(range(40, 60), range(20)), None) is None
