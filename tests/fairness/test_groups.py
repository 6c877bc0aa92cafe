"""Groups: what is missing is a group; labels and a reference are all that leaves."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmcast.fairness.groups import (
    MISSING,
    GroupRules,
    age_band,
    count_people,
    ethnicity_label,
    groups_of,
    read_groups,
    sex_label,
)

ON = date(2026, 11, 16)


def persons() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "person_ref": ["a", "b", "c", "d", "e"],
            "born_on": [date(2000, 11, 16), date(2001, 11, 17), None, date(1960, 1, 1), date(2010, 1, 1)],
            "sex": ["M", "2", " ", "F", "X"],
            "ethnicity_self": ["W1", "B9", None, "NS", "A3"],
            "ethnicity_officer": ["IC1", "IC3", "IC9", "IC1", "IC4"],
        }
    )


def test_labels_of_each_person() -> None:
    labels = read_groups(persons(), ON).labels.sort("person_ref")
    assert labels["age_band"].to_list() == ["25 to 34", "18 to 24", MISSING, "50 and over", "under 18"]
    assert labels["sex"].to_list() == ["male", "female", MISSING, "female", "x"]
    assert labels["ethnicity_self"].to_list() == ["White", "Black", MISSING, MISSING, "Asian"]
    assert labels["ethnicity_officer"].to_list() == ["White", "Black", MISSING, "White", "Asian"]
    assert labels["sex + ethnicity_self"][1] == "female, Black"


def test_no_protected_value_leaves() -> None:
    groups = read_groups(persons(), ON)
    assert not any(dtype == pl.Date for dtype in groups.labels.dtypes)
    told = {value for row in groups.labels.rows() for value in row}
    assert not told & {"M", "2", "W1", "B9", "A3", "IC1", "IC3", "IC4"}
    assert "born_on" not in groups.labels.columns


def test_labels_come_by_random_key_for_the_people_asked() -> None:
    keys = pl.DataFrame({"person_ref": ["b", "zz"], "person_key": ["k2", "k9"]})
    groups = read_groups(persons(), ON, keys)
    assert groups.key == "person_key"
    assert groups.labels["person_key"].to_list() == ["k2", "k9"]
    assert groups.labels.filter(pl.col("person_key") == "k9")["sex"][0] == MISSING


def test_reference_is_named_or_largest_recorded() -> None:
    assert read_groups(persons(), ON).references["sex"] == "female"
    named = read_groups(persons(), ON, rules=GroupRules(references={"sex": "male", "ethnicity_self": "White"}))
    assert named.references["sex"] == "male"
    assert named.references["sex + ethnicity_self"] == "male, White"
    absent = read_groups(persons(), ON, rules=GroupRules(references={"sex": "nobody is"}))
    assert absent.references["sex"] == "female"
    mostly_missing = groups_of(pl.DataFrame({"k": [1, 2, 3], "a": [None, None, "x"]}), "k", ["a"])
    assert mostly_missing.references["a"] == "x"


def test_force_codes_come_first() -> None:
    assert ethnicity_label("W1", {"W1": "British"}) == "British"
    assert sex_label("9", {"9": "other"}) == "other"
    assert ethnicity_label("Roma", {}) == "Roma"


@given(st.dates(date(1920, 1, 1), date(2026, 11, 16)), st.dates(date(2020, 1, 1), date(2026, 12, 31)))
def test_every_age_has_one_band(born: date, on: date) -> None:
    band = age_band(born, on)
    if born > on:
        assert band == MISSING
        return
    age = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
    expected = next(b for edge, b in ((18, "under 18"), (25, "18 to 24"), (35, "25 to 34"), (50, "35 to 49"), (999, "50 and over")) if age < edge)
    assert band == expected


def test_counts_for_answers_add_up() -> None:
    groups = read_groups(persons(), ON)
    of = pl.DataFrame({"person_ref": ["a", "b", "c", "d", "nobody"], "has_conviction": [True, False, True, True, False]})
    counts = count_people(groups, of, ["has_conviction"])
    for attribute in ("everyone", *groups.single):
        assert counts.filter(pl.col("attribute") == attribute)["people"].sum() == 5
    women = counts.filter((pl.col("attribute") == "sex") & (pl.col("group") == "female"))
    assert dict(women.select("has_conviction", "people").rows()) == {True: 1, False: 1}
    assert counts.filter((pl.col("attribute") == "sex") & (pl.col("group") == MISSING))["people"].sum() == 2
    assert count_people(groups, of)["people"].sum() == 5 * 5


@pytest.mark.parametrize("column", ["sex", "ethnicity_self"])
def test_a_column_wholly_empty_is_one_group(column: str) -> None:
    empty = persons().with_columns(pl.lit(None, dtype=pl.String).alias(column))
    assert read_groups(empty, ON).labels[column].unique().to_list() == [MISSING]
