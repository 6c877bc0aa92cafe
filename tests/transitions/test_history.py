"""Look-back, landmarks and the first day vouched for, against values written out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from harmcast.transitions import history


@pytest.mark.parametrize(
    ("months", "look_back", "horizons"),
    [
        (0, None, ()), (29, None, ()), (30, 12, (12,)), (35, 12, (12,)), (36, 18, (12,)), (41, 18, (12,)), (42, 18, (12, 24)), (47, 18, (12, 24)),
        (48, 24, (12, 24)), (72, 48, (12, 24)), (83, 54, (12, 24)), (84, 60, (12, 24)), (144, 60, (12, 24)),
    ],
)  # fmt: skip
def test_the_look_back_follows_from_the_months_held(months: int, look_back: int | None, horizons: tuple[int, ...]) -> None:
    assert history.look_back(months) == look_back
    assert history.horizons(months, (12, 24)) == horizons


@pytest.mark.parametrize(
    ("first", "last", "months"),
    [
        (date(2023, 1, 1), date(2025, 12, 31), 36), (date(2023, 1, 2), date(2025, 12, 31), 35), (date(2023, 4, 1), date(2026, 3, 31), 36),
        (date(2024, 2, 29), date(2025, 2, 26), 11), (date(2024, 2, 29), date(2025, 2, 27), 12), (date(2026, 5, 1), date(2025, 5, 1), 0),
    ],
)  # fmt: skip
def test_months_held_are_whole_and_count_both_ends(first: date, last: date, months: int) -> None:
    assert history.months_held(first, last) == months


def test_landmarks_lie_six_months_apart_and_look_back_within_the_records() -> None:
    held = history.history(date(2023, 4, 1), date(2026, 3, 31))
    assert (held.months, held.look_back, held.horizons) == (36, 18, (12,))
    assert held.landmarks() == [date(2024, 9, 30), date(2025, 3, 31)]
    assert held.chances_from == date(2025, 9, 30)
    four = history.history(date(2022, 4, 1), date(2026, 3, 31))
    assert four.landmarks() == [date(2024, 3, 31), date(2024, 9, 30), date(2025, 3, 31)]
    assert four.landmarks(24) == [date(2024, 3, 31)]
    assert len(history.history(date(2010, 1, 1), date(2026, 3, 31)).landmarks()) == 10


def test_too_little_says_from_when() -> None:
    short = history.history(date(2025, 1, 1), date(2026, 12, 31))
    assert (short.look_back, short.landmarks(), short.chances_from) == (None, [], date(2027, 6, 30))
    assert short.document()["first_landmark"] is None


def _days(*months: tuple[date, int]) -> pl.Series:
    return pl.Series([first + timedelta(days=k % 25) for first, n in months for k in range(n)])


def test_a_thin_start_moves_the_first_day_and_says_so() -> None:
    usual = [(date(2024, m, 2), 40) for m in range(1, 13)]
    thin = [(date(2023, 10, 2), 5), (date(2023, 11, 2), 19), (date(2023, 12, 2), 20)]
    found = history.vouched_from(_days(*thin, *usual), date(2024, 12, 31))
    assert found is not None
    assert found.first_day == date(2023, 12, 1)  # 20 is half of 40, not under it
    assert found.left_out == ("2023-10-01", "2023-11-01")
    assert found.low_later == ()


def test_a_thin_start_is_said_and_so_is_a_thin_month_later() -> None:
    held = replace(history.history(date(2023, 12, 1), date(2026, 11, 30)), left_out=("2023-10-01", "2023-11-01"), low_later=("2025-07-01",))
    first, later = held.says()
    assert "2 month(s) from 2023-10-01" in first
    assert "look back to 2023-12-01 at most" in first
    assert "2025-07-01" in later
    assert history.history(date(2023, 12, 1), date(2026, 11, 30)).says() == []
    assert held.document()["left_out"] == ["2023-10-01", "2023-11-01"]


def test_a_month_the_records_begin_in_is_judged_by_its_days() -> None:
    """From the 21st on at the usual pace: nothing is thin, and the records begin with the first charge, not before it."""
    months = [(date(2024, m, 2), 50) for m in range(2, 13)]
    usual_pace = pl.Series([date(2024, 1, 21) + timedelta(days=k % 11) for k in range(18)])
    found = history.vouched_from(pl.concat([usual_pace, _days(*months)]), date(2024, 12, 31))
    assert found is not None
    assert (found.first_day, found.left_out, found.low_later) == (date(2024, 1, 21), (), ())  # 18 of 50, but of a third of a month
    slower = history.vouched_from(pl.concat([usual_pace[:6], _days(*months)]), date(2024, 12, 31))
    assert slower is not None
    assert (slower.first_day, slower.left_out) == (date(2024, 2, 1), ())  # part of a month: not a whole one left out


def test_a_thin_month_later_is_named_and_not_cut_out() -> None:
    months = [(date(2024, m, 2), 3 if m == 7 else 40) for m in range(1, 13)]
    found = history.vouched_from(_days(*months), date(2024, 12, 31))
    assert found is not None
    assert (found.first_day, found.low_later) == (date(2024, 1, 1), ("2024-07-01",))


def test_the_day_given_is_kept_and_nothing_charged_gives_nothing() -> None:
    months = [(date(2024, m, 2), 40) for m in range(1, 13)]
    found = history.vouched_from(_days(*months), date(2024, 12, 31), date(2024, 3, 1))
    assert found is not None
    assert found.first_day == date(2024, 3, 1)
    assert history.vouched_from(pl.Series([date(2025, 1, 1)]), date(2024, 12, 31)) is None


def test_months_without_any_charge_at_the_end_are_named_too() -> None:
    months = [(date(2024, m, 2), 40) for m in range(1, 11)]
    found = history.vouched_from(_days(*months), date(2024, 12, 31))
    assert found is not None
    assert (found.first_day, found.left_out, found.low_later) == (date(2024, 1, 1), (), ("2024-11-01", "2024-12-01"))
