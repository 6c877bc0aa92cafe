"""Whose charges are looked at again because something about them became known since last week."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from harmcast.people import harm
from harmcast.transitions.changes import touched
from harmcast.transitions.landmarks import People, Rules

BEFORE, AS_OF = date(2025, 1, 1), date(2025, 1, 8)
LONG_AGO = date(2023, 5, 1)
Charge = tuple[str, str, date, date]
Person = tuple[str, str | None, date]


def people(charges: list[Charge], persons: list[Person]) -> People:
    """Charges (reference, person, charged on, known on) and versions of people (reference, merged into, known on)."""
    return People(
        pl.DataFrame(
            [{"person_ref": ref, "unit": "u", "merged_into": into, "died_on": None, "review_due_on": None, "known_on": known} for ref, into, known in persons],
            schema={"person_ref": pl.String, "unit": pl.String, "merged_into": pl.String, "died_on": pl.Date, "review_due_on": pl.Date, "known_on": pl.Date},
        ),
        pl.DataFrame(
            [
                {"charge_ref": ref, "person_ref": person, "crime_ref": None, "offence_code": "008/06", "happened_on": charged, "charged_on": charged,
                 "outcome": "charged", "outcome_on": None, "known_on": known, "deleted": False}
                for ref, person, charged, known in charges
            ],
            schema_overrides={"crime_ref": pl.String, "outcome_on": pl.Date},
        ),
        pl.DataFrame(schema={"person_ref": pl.String, "day": pl.Date, "under_18": pl.Boolean}),
        Rules(harm.default_index(), harm.decay_from(), 300.0, "leave_out"),
    )  # fmt: skip


OLD: list[Charge] = [(f"{name}1", name, LONG_AGO, LONG_AGO) for name in "ABCDH"]
THERE: list[Person] = [(name, None, LONG_AGO) for name in "ABCD"] + [("H", "A", LONG_AGO)]


@pytest.mark.parametrize(
    ("charges", "persons", "again"),
    [
        ([], [], set()),
        ([("D2", "D", date(2025, 1, 2), date(2025, 1, 2))], [], {"D1", "D2"}),  # a new charge: all of that person
        ([("D2", "D", BEFORE, BEFORE)], [], set()),  # known last week
        ([("D2", "D", date(2025, 1, 2), BEFORE)], [], {"D1", "D2"}),  # known last week, dated after it
        ([("D2", "D", LONG_AGO, AS_OF)], [], {"D1", "D2"}),
        ([("D2", "D", LONG_AGO, date(2025, 1, 9))], [], set()),  # not known yet
        ([("C1", "D", LONG_AGO, date(2025, 1, 4))], [], {"C1", "D1"}),  # a charge that went from one to another: both
        ([], [("B", "A", date(2025, 1, 5))], {"A1", "B1", "H1"}),  # merged since: both, and who was merged before
        ([], [("B", "A", BEFORE)], set()),
        ([], [("B", "A", date(2025, 1, 9))], set()),
        ([], [("H", None, date(2025, 1, 5))], {"A1", "H1"}),  # parted since
        ([("A2", "A", date(2025, 1, 2), date(2025, 1, 2))], [], {"A1", "A2", "H1"}),  # onward and back
        ([("H2", "H", date(2025, 1, 2), date(2025, 1, 2))], [], {"A1", "H1", "H2"}),
    ],
)
def test_charges_are_looked_at_again_where_something_became_known(charges: list[Charge], persons: list[Person], again: set[str]) -> None:
    found = touched(people([*OLD, *charges], [*THERE, *persons]), BEFORE, AS_OF)
    assert found.columns == ["charge_ref"]
    assert sorted(found["charge_ref"]) == sorted(again)
