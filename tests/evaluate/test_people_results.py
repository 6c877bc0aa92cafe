"""Were we right about people: put high, became, missed, beside plain harm, against values written out."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from harmcast.documents.people_results import PutHigh, YearOfReleases, read
from harmcast.evaluate.people_results import GIVEN, Capacity, flagged, gain, net_benefit, put_high, results

FIRST, SECOND = date(2024, 12, 30), date(2025, 4, 7)


def given(rows: list[tuple[str, date, str | None, float | None, float | None, bool | None]]) -> pl.DataFrame:
    return pl.DataFrame([(*row, None, None) for row in rows], schema=GIVEN, orient="row")


def of_size(n: int, day: date, became: int, offset: float = 0.0) -> list[tuple[str, date, str, float, float, bool]]:
    """The highest chances became; harm falls the other way, so plain harm's first hold nobody of them unless they are many."""
    return [(f"p{k:03d}", day, "north", 0.5 - k / 1000, k + offset, k < became) for k in range(n)]


def test_the_first_of_each_unit_ties_by_harm_then_reference() -> None:
    rows = given([
        ("d", FIRST, "north", 0.3, 5.0, False), ("c", FIRST, "north", 0.3, 5.0, False), ("b", FIRST, "north", 0.3, 9.0, False), ("a", FIRST, "north", 0.1, 99.0, False),
        ("e", FIRST, "south", 0.2, 1.0, False), ("f", FIRST, None, 0.1, 2.0, False), ("a", SECOND, "north", 0.1, 1.0, False),
    ])  # fmt: skip
    assert put_high(rows, Capacity(2, 0.05), ("chance", "harm")).to_list() == [False, True, True, False, True, True, True]
    assert put_high(rows, Capacity(1, 0.05), ("harm", "chance")).to_list() == [False, False, False, True, True, True, True]


def test_without_a_capacity_a_share_of_each_release_and_one_at_least() -> None:
    rows = given([*of_size(40, FIRST, 0), *of_size(3, SECOND, 0)])
    found = rows.with_columns(first=put_high(rows, Capacity(None, 0.05), ("chance", "harm")))
    assert found.filter("first").select("person_ref", "released_on").rows() == [("p000", FIRST), ("p001", FIRST), ("p000", SECOND)]


def test_net_benefit_by_hand() -> None:
    assert net_benefit(10, 40, 1000, 0.2) == pytest.approx(10 / 1000 - 30 / 1000 * 0.25)
    assert net_benefit(8, 40, 1000, 0.2) == pytest.approx(0.0)


def test_gain_counts_a_person_once_and_only_where_the_orders_differ() -> None:
    rows = given([
        ("a", FIRST, "n", 0.9, 1.0, True), ("a", SECOND, "n", 0.9, 1.0, True), ("b", FIRST, "n", 0.1, 9.0, True), ("b", SECOND, "n", 0.1, 9.0, False),
        ("c", FIRST, "n", 0.2, 2.0, False), ("c", SECOND, "n", 0.2, 2.0, False),
    ])  # fmt: skip
    found = gain(flagged(rows, Capacity(1, 0.05)))
    assert found is not None
    # The card's first: a twice, both became; plain harm's: b twice, once became. Off: a 2, b -1.
    assert found == pytest.approx((1.0, 1.0 - 1.6448536 * 5**0.5, 1.0 + 1.6448536 * 5**0.5))
    assert gain(flagged(rows.filter(pl.col("person_ref") == "c"), Capacity(1, 0.05))) is None


def test_the_record_by_hand_and_as_kept() -> None:
    rows = [*of_size(100, FIRST, 12), *of_size(100, SECOND, 8)]
    found = results(given(rows), 12, Capacity(10, 0.05, 0.2), False, 1)
    assert found is not None
    assert (found.releases, found.people, found.came, found.distinct) == (2, 200, 20, 12)
    assert found.said == pytest.approx(2 * sum(0.5 - k / 1000 for k in range(100)))
    assert found.card == PutHigh(20, 18, 2, pytest.approx(18 / 200 - 2 / 200 * 0.25))
    assert found.plain == PutHigh(20, 0, 20, pytest.approx(-20 / 200 * 0.25))
    assert found.gain is None
    assert found.years == (
        YearOfReleases(2024, 1, 100, pytest.approx(45.05), 12, PutHigh(10, 10, 2, pytest.approx(0.1))),
        YearOfReleases(2025, 1, 100, pytest.approx(45.05), 8, PutHigh(10, 8, 0, pytest.approx(0.08 - 0.02 * 0.25))),
    )
    assert found.verdict == "stop"
    assert read(found.document()) == found


def test_small_counts_are_not_kept_nor_given_away_by_the_total() -> None:
    rows = [*of_size(100, FIRST, 30), *of_size(100, date(2025, 4, 7), 12), *of_size(100, date(2026, 1, 5), 3)]
    found = results(given(rows), 12, Capacity(40, 0.05), False, 5)
    assert found is not None
    assert found.came == 45
    assert [year.came for year in found.years] == [30, None, None]
    assert [year.card.became for year in found.years] == [30, None, None]
    # 44 came, all but 4 of them put high: the count of all stands, those that add up to it do not.
    most = results(given(of_size(100, FIRST, 44)), 12, Capacity(40, 0.05), False, 5)
    assert most is not None
    assert (most.came, most.card, most.gain) == (44, PutHigh(40, None, None, None), None)
    few = results(given(of_size(100, FIRST, 4)), 12, Capacity(40, 0.05, 0.1), False, 5)
    assert few is not None
    assert (few.came, few.ratio, few.distinct, few.gain, few.card, few.plain) == (None, None, None, None, PutHigh(40, None, None, None), PutHigh(40, None, None, None))


def test_a_rehearsal_is_never_met_and_nothing_known_gives_nothing() -> None:
    rows = [(f"p{k}", FIRST, "n", 0.5, 1.0, k % 2 == 0) for k in range(2000)]
    assert results(given(rows), 12, Capacity(None, 0.05), True, 5).verdict == "cannot say"  # type: ignore[union-attr]
    assert results(given(rows), 12, Capacity(None, 0.05), False, 5).verdict == "met"  # type: ignore[union-attr]
    assert results(given([("a", FIRST, "n", None, 1.0, True), ("b", FIRST, "n", 0.1, 1.0, None)]), 12, Capacity(None, 0.05), False, 5) is None
