"""Under 18 on a day: the birthday itself, the days and months around it, 29 February, and what is not known."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from harmcast.people import minors

DAY = date(2026, 3, 15)


@pytest.mark.parametrize(
    ("born", "day", "under_18"),
    [
        (date(2008, 3, 14), DAY, False),
        (date(2008, 3, 15), DAY, False),  # 18 today
        (date(2008, 3, 16), DAY, True),  # 18 tomorrow
        (date(2008, 2, 28), DAY, False),  # an earlier month, a later day of it
        (date(2008, 4, 1), DAY, True),  # a later month, an earlier day of it
        (date(2008, 12, 31), DAY, True),
        (date(2007, 12, 31), DAY, False),
        (date(2008, 1, 1), date(2025, 12, 31), True),
        (date(2008, 1, 1), date(2026, 1, 1), False),
        (date(2008, 2, 29), date(2026, 2, 28), True),
        (date(2008, 2, 29), date(2026, 3, 1), False),
        (date(2026, 3, 15), DAY, True),  # born today
        (date(2026, 3, 16), DAY, None),  # born after the day: nobody knows
        (None, DAY, None),
    ],
)
def test_the_eighteenth_birthday(born: date | None, day: date, under_18: bool | None) -> None:
    table = pl.DataFrame({"person_ref": ["p"], "born_on": [born]}, schema={"person_ref": pl.String, "born_on": pl.Date})
    assert minors.flags(table, [day]).rows() == [("p", day, under_18)]


def test_each_person_on_each_day_and_no_date_of_birth_leaves() -> None:
    table = pl.DataFrame({"person_ref": ["p", "q"], "born_on": [date(2008, 3, 15), date(1990, 1, 1)], "sex": ["f", "m"]})
    days = [date(2026, 3, 14), date(2026, 3, 15)]
    assert minors.flags(table, days).sort("person_ref", "day").rows() == [("p", days[0], True), ("p", days[1], False), ("q", days[0], False), ("q", days[1], False)]
    assert minors.flags(table, []).columns == ["person_ref", "day", "under_18"]


def test_births_that_a_load_changes_are_counted() -> None:
    held = pl.DataFrame({"person_ref": list("abcdef"), "born_on": [date(1990, 3, 4), date(1990, 3, 4), date(1990, 3, 4), date(1990, 3, 4), date(1990, 3, 4), None]})
    new = pl.DataFrame({"person_ref": list("abcdefx"), "born_on": [date(1990, 3, 4), date(1990, 4, 3), date(1991, 4, 3), date(1990, 4, 4), None, date(1990, 3, 4), date(1990, 3, 4)]})
    assert minors.changed(held, new) == minors.BirthsChanged(changed=3, exchanged=1)
