from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmcast import weeks
from harmcast.weeks import Week

days = st.dates(date(1990, 1, 1), date(2090, 12, 31))


@given(days)
def test_a_week_holds_its_day_and_its_name_leads_back(day):
    week = Week.of(day)
    assert week.monday <= day <= week.sunday
    assert Week.named(str(week)) == week
    assert week.origin.isoweekday() == 1


def test_names_are_iso_weeks():
    assert str(Week.of(date(2026, 11, 16))) == "2026-W47"
    assert str(Week.of(date(2021, 1, 1))) == "2020-W53"
    with pytest.raises(ValueError, match="2026-W47"):
        Week.named("2026-47")


def test_origins_back_leave_the_last_window_to_end_with_the_last_day():
    origins = weeks.origins_back(date(2023, 6, 30), 3)
    assert origins[-1] == date(2023, 6, 3)
    assert origins[1] - origins[0] == timedelta(days=28)


def test_last_complete_week_is_over():
    assert weeks.last_complete_week(date(2026, 11, 22)).sunday == date(2026, 11, 22)
    assert weeks.last_complete_week(date(2026, 11, 21)).sunday == date(2026, 11, 15)


@given(days, st.integers(-60, 60))
def test_months_keep_the_day_or_the_months_last(day, months):
    later = weeks.add_months(day, months)
    assert (later.year - day.year) * 12 + later.month - day.month == months
    assert later.day == day.day or (later.day < day.day and (later + timedelta(days=1)).day == 1)


def test_a_leap_day_birthday_falls_on_the_first_of_march():
    assert weeks.age_on(date(2008, 2, 29), date(2026, 2, 28)) == 17
    assert weeks.age_on(date(2008, 2, 29), date(2026, 3, 1)) == 18
