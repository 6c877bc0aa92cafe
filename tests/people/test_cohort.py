from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmcast.people import minors
from harmcast.people.charges import copies_joined, survivors
from harmcast.people.cohort import REASONS, cohort, left_out_counts

DAY = date(2026, 11, 16)
days = st.one_of(st.none(), st.dates(date(1950, 1, 1), date(2027, 12, 31)))
person = st.fixed_dictionaries(
    {"merged_into": st.one_of(st.none(), st.integers(0, 11)), "died_on": days, "review_due_on": days, "born_on": days, "charged": st.booleans()}
)
SCHEMA = {"person_ref": pl.String, "unit": pl.String, "merged_into": pl.String, "died_on": pl.Date, "review_due_on": pl.Date, "born_on": pl.Date}


def _tables(people: list[dict[str, object]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    rows = [
        {k: v for k, v in p.items() if k in SCHEMA}
        | {"person_ref": f"p{i:02d}", "unit": "U", "merged_into": None if p["merged_into"] is None else f"p{p['merged_into']:02d}"}
        for i, p in enumerate(people)
    ]
    charged = [f"p{i:02d}" for i, p in enumerate(people) if p["charged"]]
    return pl.DataFrame(rows, schema=SCHEMA), pl.DataFrame({"person_ref": charged}, schema={"person_ref": pl.String})


@settings(max_examples=200, deadline=None)
@given(st.lists(person, min_size=1, max_size=12), st.sampled_from(["leave_out", "score"]))
def test_everyone_is_in_or_out_once_and_nobody_is_in_who_must_not_be(people: list[dict[str, object]], unknown: str) -> None:
    persons, charges = _tables(people)
    flags = minors.flags(persons, [DAY])
    inside, outside = cohort(persons.drop("born_on"), charges, flags, DAY, "".join(unknown))  # type: ignore[arg-type]  # a word as read from a file, not the one written here
    assert sorted([*inside["person_ref"], *outside["person_ref"]]) == sorted(persons["person_ref"])
    assert sum(left_out_counts(outside).values()) == outside.height
    assert set(outside["reason"]) <= set(REASONS)
    gone = set(survivors(persons).filter(pl.col("survivor") != pl.col("person_ref"))["person_ref"])
    for ref in inside["person_ref"]:
        own = people[int(ref[1:])]
        born, died, due = own["born_on"], own["died_on"], own["review_due_on"]
        assert own["charged"]
        assert ref not in gone
        assert died is None or died > DAY  # type: ignore[operator]
        assert due is None or due >= DAY  # type: ignore[operator]
        if born is None or born > DAY:  # type: ignore[operator]
            assert unknown == "score"
        else:
            assert (born.year + 18, born.month, born.day) <= (DAY.year, DAY.month, DAY.day)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("due_on", "is_in"), [(date(2026, 11, 15), False), (date(2026, 11, 16), True), (date(2026, 11, 17), True), (None, True)])
def test_a_review_due_on_the_very_day_is_not_overdue(due_on: date | None, is_in: bool) -> None:
    persons = pl.DataFrame([{"person_ref": "p1", "unit": "U", "review_due_on": due_on}], schema={name: kind for name, kind in SCHEMA.items() if name != "born_on"})
    flags = pl.DataFrame([("p1", date(2026, 11, 16), False)], schema=["person_ref", "day", "under_18"], orient="row")
    inside, outside = cohort(persons, pl.DataFrame({"person_ref": ["p1"]}), flags, date(2026, 11, 16))
    assert (inside.height, outside["reason"].to_list()) == ((1, []) if is_in else (0, ["review_overdue"]))


def test_merging_in_a_circle_or_a_chain_ends_at_one_reference() -> None:
    links = pl.DataFrame({"person_ref": ["a", "b", "c", "d", "e"], "merged_into": ["b", "c", None, "e", "d"]})
    assert dict(survivors(links).iter_rows()) == {"a": "c", "b": "c", "d": "d", "e": "d"}


def test_who_is_merged_into_nobody_else_is_no_link() -> None:
    assert survivors(pl.DataFrame({"person_ref": ["a", "b"], "merged_into": ["a", None]}, schema={"person_ref": pl.String, "merged_into": pl.String})).is_empty()


@pytest.mark.parametrize("other", [date(2026, 11, 15), date(2026, 11, 17)])
def test_who_is_under_18_is_asked_of_the_day_itself(other: date) -> None:
    persons = pl.DataFrame([{"person_ref": "p1", "unit": "U"}, {"person_ref": "p2", "unit": "U"}], schema={name: kind for name, kind in SCHEMA.items() if name != "born_on"})
    charges = pl.DataFrame({"person_ref": ["p1", "p2"]})
    rows = [("p1", other, True), ("p1", DAY, False), ("p1", other, True), ("p2", other, False), ("p2", DAY, True), ("p2", other, False)]
    flags = pl.DataFrame(rows, schema=["person_ref", "day", "under_18"], orient="row")
    inside, outside = cohort(persons, charges, flags, DAY)
    assert (inside["person_ref"].to_list(), outside.rows()) == (["p1"], [("p2", "under_18")])


def test_somebody_merged_into_one_who_is_not_held_stays_under_the_old_reference() -> None:
    links = pl.DataFrame({"person_ref": ["a", "b"], "merged_into": ["b", "nobody"]})
    assert dict(survivors(links).iter_rows()) == {"a": "b"}


def charge(number: int, person: int, event: int, is_linked: bool, code: str = "008/01", charged_on: date = date(2026, 1, 9)) -> dict[str, object]:
    return {"charge_no": number, "person_no": person, "event_no": event, "is_linked": is_linked, "offence_code": code, "happened_on": date(2026, 1, 5), "charged_on": charged_on}


@pytest.mark.parametrize(
    ("copy", "event"),
    [
        (charge(2, 1, 9, False), 5),  # copied at a merge, its link left behind
        (charge(2, 2, 9, False), 9),  # somebody else
        (charge(2, 1, 9, False, "001"), 9),  # another offence
        (charge(2, 1, 9, False, charged_on=date(2026, 1, 10)), 9),  # another day
        (charge(2, 1, 9, True), 9),  # linked to another crime
    ],
)
def test_a_charge_copied_at_a_merge_without_its_crime_is_the_event_it_was(copy: dict[str, object], event: int) -> None:
    assert copies_joined(pl.DataFrame([charge(1, 1, 5, True), copy]))["event_no"].to_list() == [5, event]


def test_where_two_crimes_fit_a_copy_is_given_neither() -> None:
    rows = pl.DataFrame([charge(1, 1, 5, True), charge(2, 1, 6, True), charge(3, 1, 9, False)])
    assert copies_joined(rows)["event_no"].to_list() == [5, 6, 9]


def test_under_18_on_the_day_before_and_on_the_birthday() -> None:
    births = pl.DataFrame({"person_ref": ["a", "leap", "none"], "born_on": [date(2008, 11, 17), date(2008, 2, 29), None]})
    found = minors.flags(births, [date(2026, 11, 16), date(2026, 11, 17), date(2026, 2, 28), date(2026, 3, 1)])
    said = {(r, d): u for r, d, u in found.iter_rows()}
    assert said["a", date(2026, 11, 16)] is True
    assert said["a", date(2026, 11, 17)] is False
    assert said["leap", date(2026, 2, 28)] is True
    assert said["leap", date(2026, 3, 1)] is False
    assert said["none", date(2026, 3, 1)] is None
    assert found.columns == ["person_ref", "day", "under_18"]


def test_births_changed_are_counted_and_of_these_those_of_day_and_month_exchanged() -> None:
    held = pl.DataFrame({"person_ref": list("abcdefg"), "born_on": [date(1990, 3, 4)] * 5 + [None, date(1990, 5, 5)]}, schema_overrides={"born_on": pl.Date})
    new = pl.DataFrame({
        "person_ref": list("abcdfgz"),
        "born_on": [date(1990, 3, 4), date(1990, 4, 3), date(1991, 4, 3), None, date(1990, 4, 3), date(1990, 5, 5), date(1990, 4, 3)],
    })  # fmt: skip
    assert minors.changed(held, new) == minors.BirthsChanged(changed=2, exchanged=1)
