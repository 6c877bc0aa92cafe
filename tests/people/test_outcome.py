"""What becoming high harm is, counted on charges written out; and which cuts are taken or refused."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from harmcast.errors import SettingsRefused
from harmcast.people import charges, outcome
from harmcast.people.harm import decay_from

NONE = decay_from("none")


def _charges(*rows: tuple[str, str, float, int]) -> pl.DataFrame:
    """Charges of (person, offence code, weight, day of 2025)."""
    table = pl.DataFrame([
        {
            "charge_ref": f"C{k:03d}", "person_ref": person, "crime_ref": f"K{k:03d}", "offence_code": code, "weight": weight, "kind": "x", "violent": False,
            "weapon": False, "outcome": "charged", "happened_on": date(2025, 1, 1) + timedelta(days=day), "counted_on": date(2025, 1, 1) + timedelta(days=day),
        }
        for k, (person, code, weight, day) in enumerate(rows)
    ])  # fmt: skip
    return charges.numbered(table)


def test_arrivals_are_first_and_told_by_one_event_or_by_many() -> None:
    held = _charges(("a", "008/01", 100.0, 1), ("a", "034", 400.0, 9), ("a", "034", 900.0, 30), ("b", "046", 200.0, 3), ("b", "046", 165.0, 40), ("c", "046", 10.0, 5))
    found = outcome.arrivals(held, NONE, 365.0)
    assert found.sort("person_ref").rows() == [("a", date(2025, 1, 10), "034", True), ("b", date(2025, 2, 10), "046", False)]
    counts = outcome.counts_of(found)
    assert (counts.arrivals, counts.alone, counts.by_class) == (2, 1, (("034", 1),))
    assert counts.says == outcome.REACHED
    assert outcome.counts_of(found.clear()).says == outcome.REACHED


def test_an_event_reaches_the_cut_alone_by_what_is_left_of_it_that_day() -> None:
    """Half is left after a year: 800 of a year before are 400, and with the 100 of today 500."""
    rows = charges.numbered(
        pl.DataFrame([
            {
                "charge_ref": ref, "person_ref": "a", "crime_ref": ref, "offence_code": code, "weight": weight, "kind": "x", "violent": False, "weapon": False,
                "outcome": "charged", "happened_on": happened, "counted_on": date(2026, 1, 1),
            }
            for ref, code, weight, happened in (("C1", "034", 800.0, date(2024, 12, 31)), ("C2", "046", 100.0, date(2026, 1, 1)))
        ])
    )  # fmt: skip
    decay = decay_from("half_life", 12.0)
    assert outcome.arrivals(rows, decay, 450.0).rows() == [("a", date(2026, 1, 1), "034", False)]
    assert outcome.arrivals(rows, decay, 399.0).rows() == [("a", date(2026, 1, 1), "034", True)]
    assert outcome.arrivals(rows, decay, 501.0).is_empty()


@pytest.mark.parametrize(
    ("alone", "together", "by_class", "says"),
    [
        (8, 2, (("034", 5), ("019", 3)), outcome.REACHED),  # .8 and .5 exactly: neither is over its limit
        (9, 1, (("034", 5), ("019", 4)), outcome.LIST),
        (6, 4, (("034", 6),), outcome.LIST),
        (0, 10, (), outcome.REACHED),
    ],
)
def test_the_two_limits(alone: int, together: int, by_class: tuple[tuple[str, int], ...], says: str) -> None:
    assert outcome.OutcomeCounts(alone + together, alone, by_class).says == says


def test_default_cuts_are_of_sentence_days_and_another_unit_needs_its_own() -> None:
    nobody = pl.Series([], dtype=pl.Float64)
    assert outcome.taken(nobody, pl.DataFrame(), NONE, "days", None, None) == (30.0, 180.0, 365.0, 1825.0)
    assert outcome.taken(nobody, pl.DataFrame(), NONE, "seriousness", [1, 2, 3, 4], None) == (1.0, 2.0, 3.0, 4.0)
    with pytest.raises(SettingsRefused) as refused:
        outcome.taken(nobody, pl.DataFrame(), NONE, "seriousness", None, None)
    assert refused.value.code == "cuts_needed"


def test_percentile_cuts_are_refused_where_one_event_decides_and_taken_where_harm_adds_up() -> None:
    percentiles = (50, 75, 90, 97.5)
    harm = pl.Series([float(k) for k in range(1, 401)])  # cuts 201, 301, 361, 391
    single = _charges(*((f"p{k}", "034", 400.0, 1) for k in range(20)))
    with pytest.raises(SettingsRefused) as refused:
        outcome.taken(harm, single, NONE, "days", None, percentiles)
    assert refused.value.code == "percentile_cuts_refused"
    assert str(refused.value).startswith(
        "Percentile cuts are refused: of 20 first arrivals at high harm 100 in 100 came by one event alone (limit 80), 100 in 100 by one class of offence (limit 50)."
    )
    many = _charges(*((f"p{k}", f"{40 + j:03d}", 100.0, 1 + j) for k in range(20) for j in range(5)))
    assert outcome.taken(harm, many, NONE, "days", None, percentiles) == (201.0, 301.0, 361.0, 391.0)
    with pytest.raises(SettingsRefused) as refused:
        outcome.taken(pl.Series([1.0] * 50), many, NONE, "days", None, percentiles)
    assert refused.value.code == "cuts_not_taken"
