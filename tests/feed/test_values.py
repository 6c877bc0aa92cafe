"""Text as delivered becomes dates, numbers, flags and references; what cannot be read is told apart, at each boundary."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from harmcast.feed import values
from harmcast.tables import Column, Kind

WHOLE_MOST = 9007199254740992  # 2 to the 53rd: from here on a double skips whole numbers


def typed(given: list[Any], kind: Kind, formats: list[str] | None = None, dtype: Any = pl.String) -> list[Any]:
    return values.typed(pl.Series("x", given, dtype=dtype), Column("x", kind, ""), "Europe/London", formats or []).to_list()


def test_text_is_trimmed_and_empty_text_is_nothing() -> None:
    assert values.trimmed(pl.Series([" a ", "", "  ", None, "b"])).to_list() == ["a", None, None, None, "b"]
    assert values.trimmed(pl.Series([" a ", "b"])).to_list() == ["a", "b"]


@pytest.mark.parametrize("word", ["null", "NULL", "<null>", "(null)", "[null]", "\\N", "n/a", "N/A", "#N/A", "NaN", "NaT", "nil"])
def test_words_for_nothing(word: str) -> None:
    assert values.is_null_word(pl.Series([word])).to_list() == [True]


def test_codes_are_no_words_for_nothing() -> None:
    assert values.is_null_word(pl.Series(["none", "unknown", "0", "-", None])).to_list() == [False] * 5


def test_any_column_is_text_whole_numbers_without_a_point() -> None:
    assert values.as_text(pl.Series("x", ["a", None])).to_list() == ["a", None]
    assert values.as_text(pl.Series("x", [411.0, -411.0, 0.5, 1e15, None])).to_list() == ["411", "-411", "0.5", "1000000000000000", None]
    assert values.as_text(pl.Series("x", [411, None])).to_list() == ["411", None]
    assert values.as_text(pl.Series("x", [date(2026, 1, 5)])).to_list() == ["2026-01-05"]
    assert values.as_text(pl.Series("x", [datetime(2026, 1, 5, 22, 10, 1, 250000)])).to_list() == ["2026-01-05 22:10:01.250000"]
    assert values.as_text(pl.Series("x", [1.0])).name == "x"


def test_doubles_are_written_whole_below_2_to_the_53rd_alone() -> None:
    assert values.as_text(pl.Series([float(WHOLE_MOST - 1), -float(WHOLE_MOST - 1)])).to_list() == ["9007199254740991", "-9007199254740991"]
    assert all("." in text or "e" in text for text in values.as_text(pl.Series([float(WHOLE_MOST), -float(WHOLE_MOST), float(WHOLE_MOST + 2)])).to_list())


def test_references_that_became_doubles_are_whole_again_or_damaged() -> None:
    text, damaged = values.reference(pl.Series("ref", [411.0, 411.5, float(WHOLE_MOST - 1), float(WHOLE_MOST), float("nan"), None]))
    assert text.to_list()[0] == "411"
    assert damaged.to_list() == [False, True, False, True, True, False]


def test_references_written_as_text() -> None:
    given = ["411.0", "411", "4.5", "A.0", "2.02E+11", "2e+5", "12.02E+11", "2.02E-11", None]
    text, damaged = values.reference(pl.Series("ref", given))
    assert text.to_list() == ["411", "411", "4.5", "A.0", "2.02E+11", "2e+5", "12.02E+11", "2.02E-11", None]
    assert damaged.to_list() == [False, False, False, False, True, True, False, False, False]
    assert text.name == "ref"
    plain, none = values.reference(pl.Series("ref", ["a", None]))
    assert (plain.to_list(), none.to_list()) == (["a", None], [False, False])


LOCAL = datetime(2026, 1, 5, 22, 10)


@pytest.mark.parametrize(
    ("given", "moment"),
    [
        ("2026-01-05T22:10:00", LOCAL), ("2026-01-05 22:10:00", LOCAL), ("2026-01-05T22:10", LOCAL), ("2026-01-05 22:10", LOCAL), ("2026-01-05", datetime(2026, 1, 5)),
        ("2026-01-05T22:10:00.250", datetime(2026, 1, 5, 22, 10, 0, 250000)), ("2026-01-05 22:10:00.250", datetime(2026, 1, 5, 22, 10, 0, 250000)),
        ("2026-01-05T22:10:00Z", LOCAL), ("2026-01-05 22:10:00+01:00", datetime(2026, 1, 5, 21, 10)), ("2026-01-05T22:10+00:00", LOCAL),
        ("2026-01-05T22:10:00.250Z", datetime(2026, 1, 5, 22, 10, 0, 250000)), ("2026-01-05 22:10:00.250+00:00", datetime(2026, 1, 5, 22, 10, 0, 250000)),
        ("2026-07-05T22:10:00Z", datetime(2026, 7, 5, 23, 10)), ("05/01/2026", None), ("2026-02-30", None), ("soon", None), (None, None),
    ],
)  # fmt: skip
def test_moments_are_read_in_iso_8601_and_are_local(given: str | None, moment: datetime | None) -> None:
    assert typed([given], "datetime") == [moment]
    assert typed([given], "date") == [moment.date() if moment else None]


def test_forms_of_one_column_may_be_mixed_and_each_row_keeps_its_own() -> None:
    given = ["2026-01-05", None, "2026-01-06T10:00:00", "soon", "2026-01-07T10:00:00Z", "2026-01-08 11:00"]
    assert typed(given, "datetime") == [datetime(2026, 1, 5), None, datetime(2026, 1, 6, 10), None, datetime(2026, 1, 7, 10), datetime(2026, 1, 8, 11)]


def test_formats_of_the_mapping_stand_alone() -> None:
    assert typed(["05/01/2026", "2026-01-05"], "datetime", ["%d/%m/%Y"]) == [datetime(2026, 1, 5), None]
    assert typed(["05/01/2026 10:30 PM"], "datetime", ["%d/%m/%Y %I:%M %p"]) == [datetime(2026, 1, 5, 22, 30)]
    assert typed(["05/01/2026 22:10", "06/01/2026"], "datetime", ["%d/%m/%Y %H:%M", "%d/%m/%Y"]) == [LOCAL, datetime(2026, 1, 6)]


def test_typed_dates_and_times_are_taken_as_they_are_and_zones_carried() -> None:
    assert typed([date(2026, 1, 5), None], "datetime", dtype=pl.Date) == [datetime(2026, 1, 5), None]
    assert typed([LOCAL], "datetime", dtype=pl.Datetime("ms")) == [LOCAL]
    at = datetime(2026, 7, 5, 22, 10, tzinfo=ZoneInfo("UTC"))
    assert typed([at], "datetime", dtype=pl.Datetime("us", "UTC")) == [datetime(2026, 7, 5, 23, 10)]
    assert typed([46028, None], "datetime", dtype=pl.Int64) == [None, None]


def test_numbers_are_finite() -> None:
    assert typed(["1.5", "-2", "inf", "-inf", "nan", "1,5", "x", None], "number") == [1.5, -2.0, None, None, None, None, None, None]
    assert typed(["0.5", "inf"], "share") == [0.5, None]


def test_whole_numbers_are_whole_and_below_2_to_the_53rd() -> None:
    given = ["4", "4.0", "4.5", "-4", str(WHOLE_MOST - 1), str(WHOLE_MOST), str(-WHOLE_MOST), "inf", "x", None]
    assert typed(given, "whole") == [4, 4, None, -4, WHOLE_MOST - 1, None, None, None, None, None]


def test_flags_are_words_for_yes_and_no() -> None:
    assert typed(["true", "T", "Yes", "y", "1"], "flag") == [True] * 5
    assert typed(["false", "F", "No", "n", "0"], "flag") == [False] * 5
    assert typed(["perhaps", "", "2", None], "flag") == [None] * 4
    assert typed([True, False, None], "flag", dtype=pl.Boolean) == [True, False, None]


def test_codes_and_text_are_text() -> None:
    assert typed([8, None], "code", dtype=pl.Int64) == ["8", None]
    assert typed(["008/01"], "text") == ["008/01"]
