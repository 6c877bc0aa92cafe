"""Whose record is due to be forgotten, on people written out: the reasons, their order, and the day itself."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

from harmcast.oversight import review

DAY = date(2026, 3, 16)
YEARS = {"1": 10.0, "2": 10.0, "3": 6.0, "4": 1.0}
SCHEMA = {"person_ref": pl.String, "review_group": pl.Int64, "review_due_on": pl.Date, "changed_at": pl.Datetime, "merged_into": pl.String}


def known(*people: tuple[str, int | None, date | None, datetime, str | None]) -> pl.DataFrame:
    return pl.DataFrame(people, schema=SCHEMA, orient="row")


def person(ref: str = "A", group: int | None = 1, due_on: date | None = date(2030, 1, 1), changed: datetime = datetime(2026, 1, 1, 12), into: str | None = None) -> tuple[str, int | None, date | None, datetime, str | None]:
    return (ref, group, due_on, changed, into)


def refs(*names: str) -> pl.DataFrame:
    return pl.DataFrame({"person_ref": list(names)}, schema={"person_ref": pl.String})


def found(people: pl.DataFrame, charged: pl.DataFrame, held: pl.DataFrame | None = None) -> list[tuple[str, str]]:
    return review.due(people.select("person_ref") if held is None else held, people, charged, DAY, YEARS).rows()


@pytest.mark.parametrize(("due_on", "is_due"), [(date(2026, 3, 15), True), (date(2026, 3, 16), False), (date(2026, 3, 17), False)])
def test_a_review_is_overdue_from_the_day_after_it_was_due(due_on: date, is_due: bool) -> None:
    assert found(known(person(due_on=due_on)), refs("A")) == ([("A", "review_overdue")] if is_due else [])


@pytest.mark.parametrize(
    ("group", "changed", "is_due"),
    [
        (4, datetime(2025, 3, 15, 23), True),  # a year is 365 whole days: due on the 15th
        (4, datetime(2025, 3, 16, 0), False),  # due today
        (3, datetime(2020, 3, 14), True),  # six are 2,191
        (3, datetime(2020, 3, 16), False),
        (9, datetime(1990, 1, 1), False),  # a group without a period
        (None, datetime(1990, 1, 1), False),
    ],
)
def test_without_a_date_the_groups_period_since_the_last_change_goes(group: int | None, changed: datetime, is_due: bool) -> None:
    assert found(known(person(group=group, due_on=None, changed=changed)), refs("A")) == ([("A", "review_overdue")] if is_due else [])


def test_the_date_given_goes_before_the_groups_period() -> None:
    assert found(known(person(group=4, changed=datetime(2001, 1, 1))), refs("A")) == []


def test_who_left_the_source_is_due_for_that_whatever_else_is_true() -> None:
    people = known(person("B", due_on=date(2020, 1, 1)))
    assert found(people, refs("A", "B"), held=refs("A", "A", "B")) == [("A", "deleted_at_source"), ("B", "review_overdue")]
    assert review.LEFT_SOURCE == ("deleted_at_source", "no_charge_left")


def test_who_has_no_charge_left_is_due_before_any_review() -> None:
    assert found(known(person("A", due_on=date(2020, 1, 1)), person("B")), refs("B")) == [("A", "no_charge_left")]


def test_neither_of_two_records_of_one_person_is_due_for_having_no_charge() -> None:
    """The older record is merged into the other, whose charges are all under the older: both are one person's."""
    assert found(known(person("A", into="B"), person("B")), refs("A")) == []
    assert found(known(person("A", into="B"), person("B")), refs("B")) == []
    assert found(known(person("A"), person("B")), refs("A")) == [("B", "no_charge_left")]


def test_everybody_merged_into_one_who_is_found_goes_too_for_the_same_reason() -> None:
    people = known(person("A", into="B"), person("B", into="C"), person("C"), person("D", into="E"), person("E"))
    one = pl.DataFrame({"person_ref": ["C"], "reason": ["review_overdue"]})
    assert review.with_merged(one, people).rows() == [("A", "review_overdue"), ("B", "review_overdue"), ("C", "review_overdue")]
    both = pl.DataFrame({"person_ref": ["E", "B"], "reason": ["no_charge_left", "review_overdue"]})
    assert review.with_merged(both, people).rows() == [("A", "review_overdue"), ("B", "review_overdue"), ("D", "no_charge_left"), ("E", "no_charge_left")]
