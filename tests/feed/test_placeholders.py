"""Dates that stand for unknown count as unknown; a real birthday, however odd, stays."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from harmcast.feed.placeholders import crowded, unknown_births, unknown_offence_dates


def births(*days: date | None) -> pl.DataFrame:
    return pl.DataFrame({"person_ref": [f"P{i}" for i in range(len(days))], "born_on": days}, schema={"person_ref": pl.String, "born_on": pl.Date})


def charged(*days: date) -> pl.DataFrame:
    return pl.DataFrame({"person_ref": [f"P{i}" for i in range(len(days))], "charged_on": days}, schema={"person_ref": pl.String, "charged_on": pl.Date})


NONE = charged()


@pytest.mark.parametrize("day", [date(1900, 1, 1), date(1899, 12, 31), date(9999, 12, 31)])
def test_a_date_written_for_none_is_unknown(day: date) -> None:
    rows, notes = unknown_births(births(day, date(1985, 3, 4)), NONE)
    assert rows["born_on"].to_list() == [None, date(1985, 3, 4)]
    assert notes == {"birth_placeholder": 1}


def test_the_epoch_is_a_birthday_until_it_is_crowded() -> None:
    epoch, others = date(1970, 1, 1), [date(1980, 1, 1 + i) for i in range(25)]
    assert unknown_births(births(epoch, epoch, *others), NONE)[1] == {}
    assert unknown_births(births(*[epoch] * 20, *others), NONE)[1] == {}
    assert unknown_births(births(*[epoch] * 21, *others), NONE)[1] == {"birth_shared": 21}


@pytest.mark.parametrize(
    ("born", "charge", "stays"),
    [
        (date(2016, 3, 1), date(2026, 3, 1), True),  # the tenth birthday
        (date(2016, 3, 2), date(2026, 3, 1), False),  # the day before it
        (date(1925, 3, 2), date(2026, 3, 1), True),  # the last day at 100
        (date(1925, 3, 1), date(2026, 3, 1), False),  # the 101st birthday
        (date(2026, 3, 2), date(2026, 3, 1), False),  # after the charge
    ],
)
def test_an_age_under_10_or_over_100_at_a_charge_is_no_age(born: date, charge: date, stays: bool) -> None:
    rows, notes = unknown_births(births(born), charged(charge))
    assert (rows["born_on"][0] is not None) is stays
    assert notes == ({} if stays else {"birth_unlikely": 1})


def test_an_unknown_birth_stays_unknown_and_is_not_counted() -> None:
    assert unknown_births(births(None), charged(date(2026, 3, 1)))[1] == {}


def test_an_offence_date_for_none_gives_way_to_the_day_of_the_charge() -> None:
    days = [date(1900, 1, 1), date(2026, 1, 5), date(1970, 1, 1)]
    rows, notes = unknown_offence_dates(charged(*[date(2026, 2, 1)] * 3).with_columns(happened_on=pl.Series(days)))
    assert rows["happened_on"].to_list() == [date(2026, 2, 1), date(2026, 1, 5), date(1970, 1, 1)]
    assert notes == {"happened_placeholder": 1}


def test_crowded_asks_for_five_and_twenty_times_the_usual() -> None:
    days = pl.Series([date(2000, 1, 1)] * 5)
    assert crowded(days).sum() == 0
    spread = pl.Series([date(2000, 1, 1)] * 21 + [date(2001, 1, 1 + i) for i in range(20)])
    assert crowded(spread).sum() == 21
