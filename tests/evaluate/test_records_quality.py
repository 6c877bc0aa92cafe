"""Quality of what is held, on a handful of rows counted by hand."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl

from harmcast.evaluate import records_quality as quality

CRIMES = pl.DataFrame(
    {
        "happened_from": [datetime(2026, 1, 5), datetime(2026, 1, 9, 22, 10), datetime(2026, 2, 1, 3), datetime(2026, 2, 2)],
        "weapon": ["knife", "unknown", None, "none"],
        "area": ["North", "North", "South", None],
        "easting_m": [1.0, 1.0, None, 2.0],
        "northing_m": [1.0, 1.0, None, 2.0],
    }
)


def test_missing_is_null_or_a_code_that_says_unknown() -> None:
    table = quality.missing_by_column({"crimes": (CRIMES, ["weapon", "easting_m"])})
    assert table.rows == (("crimes", "weapon", 4, 2, 50.0), ("crimes", "easting_m", 4, 1, 25.0))
    by_month = quality.missing_by_month("crimes", CRIMES, pl.col("happened_from"), ["weapon"])
    assert by_month.rows == (("2026-01", 2, 50.0), ("2026-02", 2, 50.0))
    by_area = quality.missing_by_unit("crimes", CRIMES, "area", ["weapon"])
    assert by_area.rows == (("North", 2, 50.0), ("South", 1, 100.0), ("not known", 1, 0.0))


def test_midnights_and_points_shared() -> None:
    assert quality.midnights(CRIMES).rows == ((2026, 4, 2, 50.0),)
    shared = quality.repeated_places(CRIMES)
    assert shared.rows[0] == ("2 or more", 1, 2, 66.67)
    assert shared.says.startswith("3 crimes with a place lie on 2 points.")


def test_delays_by_when_half_and_nearly_all_have_come() -> None:
    days = pl.Series([0.0, 1.0, 2.0, 3.0, 4.0, None, -1.0])
    assert quality.delays({"a": days}).rows == (("a", 6, 1.5, 3.5, 4.0, 1),)
    assert quality.delays({"a": pl.Series([], dtype=pl.Float64)}).rows == (("a", 0, None, None, None, 0),)


def test_the_trend_sets_months_of_several_beside_each_other() -> None:
    table = quality.trend({"a": pl.Series([date(2026, 1, 2), date(2026, 1, 3)]), "b": pl.Series([date(2026, 2, 3), None])})
    assert table.rows == (("2026-01", 2, 0), ("2026-02", 0, 1))


def test_nothing_held_gives_empty_tables_and_no_error() -> None:
    empty = CRIMES.clear()
    assert quality.missing_by_column({"crimes": (empty, ["weapon"])}).rows == (("crimes", "weapon", 0, 0, None),)
    assert quality.midnights(empty).rows == ()
    assert quality.repeated_places(empty).rows[0] == ("2 or more", 0, 0, None)
