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
    known_labels,
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


@pytest.mark.parametrize(
    ("born", "band"),
    [
        (date(2008, 11, 17), "under 18"), (date(2008, 11, 16), "18 to 24"), (date(2001, 11, 17), "18 to 24"), (date(2001, 11, 16), "25 to 34"), (date(1991, 11, 17), "25 to 34"),
        (date(1991, 11, 16), "35 to 49"), (date(1976, 11, 17), "35 to 49"), (date(1976, 11, 16), "50 and over"), (ON, "under 18"), (date(2026, 11, 17), MISSING), (None, MISSING),
    ],
)  # fmt: skip
def test_a_band_begins_on_the_birthday(born: date | None, band: str) -> None:
    assert age_band(born, ON) == band


def test_bands_of_other_edges() -> None:
    assert [age_band(date(2026 - years, 1, 1), ON, (18, 21)) for years in (17, 18, 20, 21)] == ["under 18", "18 to 20", "18 to 20", "21 and over"]
    assert [age_band(date(2026 - years, 1, 1), ON, (30,)) for years in (29, 30)] == ["under 30", "30 and over"]


def test_codes_of_sex_and_ethnicity_one_by_one() -> None:
    assert [sex_label(code, {}) for code in ("M", " male ", "1", "f", "Female", "2", "X", "u", "Not known", "", None)] == ["male"] * 3 + ["female"] * 3 + ["x"] + [MISSING] * 4
    assert sex_label("U", {"U": "other"}) == "other"
    assert [ethnicity_label(code, {}) for code in ("W", "W9", "m1", "A2", "B3", "o9", "O")] == ["White", "White", "Mixed", "Asian", "Black", "Other", "Other"]
    assert [ethnicity_label(code, {}) for code in ("IC1", "ic2", "IC3", "IC4", "IC5", "IC6")] == ["White", "White", "Black", "Asian", "East Asian", "Arab or North African"]
    assert [ethnicity_label(code, {}) for code in ("IC0", "IC7", "IC9", "ns", "N/S", "not stated", "Prefer not to say", " ", None)] == [MISSING] * 9
    assert [ethnicity_label(code, {}) for code in ("W12", "X1", "Z")] == ["W12", "X1", "Z"]
    assert ethnicity_label(" W1 ", {"W1": "British"}) == "British"


def test_labels_that_codes_can_become() -> None:
    assert known_labels(GroupRules()) == {
        "age_band": {"under 18", "18 to 24", "25 to 34", "35 to 49", "50 and over"},
        "sex": {"male", "female"},
        "ethnicity_self": {"White", "Mixed", "Asian", "Black", "Other", "East Asian", "Arab or North African"},
        "ethnicity_officer": {"White", "Mixed", "Asian", "Black", "Other", "East Asian", "Arab or North African"},
    }
    own = known_labels(GroupRules((21,), {"9": "other", "8": MISSING}, {"R1": "Roma", "R2": MISSING}))
    assert own["age_band"] == {"under 21", "21 and over"}
    assert own["sex"] == {"male", "female", "other"}
    assert "Roma" in own["ethnicity_self"]
    assert MISSING not in own["ethnicity_officer"]


def test_rules_of_a_force_stand_beside_those_shipped() -> None:
    assert GroupRules.chosen({}) == GroupRules((18, 25, 35, 50))
    assert GroupRules.chosen({"age_edges": [18, 30], "sexes": {"9": "other"}, "neutral": 3}) == GroupRules((18, 30), {"9": "other"})
    aged = read_groups(persons(), ON, rules=GroupRules((18, 26), {"X": "other"}, {"A3": "Indian"}))
    assert aged.labels["age_band"].to_list() == ["26 and over", "18 to 25", MISSING, "26 and over", "under 18"]
    assert aged.labels["sex"].to_list() == ["male", "female", MISSING, "female", "other"]
    assert aged.labels["ethnicity_self"].to_list() == ["White", "Black", MISSING, MISSING, "Indian"]


def test_attributes_single_first_then_pairs_and_self_with_officer_is_none() -> None:
    groups = read_groups(persons().reverse(), ON)
    assert groups.single == ("age_band", "sex", "ethnicity_self", "ethnicity_officer")
    assert groups.attributes[4:] == ("age_band + sex", "age_band + ethnicity_self", "sex + ethnicity_self", "age_band + ethnicity_officer", "sex + ethnicity_officer")
    assert groups.labels.columns == ["person_ref", *groups.attributes]
    assert groups.labels["person_ref"].to_list() == ["a", "b", "c", "d", "e"]
    assert groups.labels.row(1)[5:] == ("18 to 24, female", "18 to 24, Black", "female, Black", "18 to 24, Black", "female, Black")


def test_a_reference_is_the_largest_recorded_group_first_by_name_and_of_a_pair_both_where_anybody_is() -> None:
    labels = pl.DataFrame({"k": range(7), "a": ["x", "x", "y", "y", None, None, None], "b": ["p", "p", "q", "q", "q", "p", "q"]})
    groups = groups_of(labels, "k", ["a", "b"], [("a", "b")])
    assert dict(groups.references) == {"a": "x", "b": "q", "a + b": "x, p"}  # nobody is `x, q`: the largest recorded pair, first by name
    named = groups_of(labels, "k", ["a", "b"], [("a", "b")], {"a": "y", "b": "p", "a + b": "y, q"})
    assert dict(named.references) == {"a": "y", "b": "p", "a + b": "y, q"}
    assert groups_of(labels.with_columns(a=pl.lit(None, pl.String)), "k", ["a"]).references["a"] == MISSING
    assert groups_of(labels.clear(), "k", ["a"]).references["a"] == MISSING


def test_people_are_counted_once_row_by_row() -> None:
    groups = groups_of(pl.DataFrame({"k": ["a", "b", "c"], "sex": ["f", "m", "m"]}), "k", ["sex"])
    of = pl.DataFrame({"k": ["a", "a", "b", "c", "z"], "old": [True, False, False, False, True]})
    assert count_people(groups, of, ["old"]).rows() == [("everyone", "all", False, 2), ("everyone", "all", True, 2), ("sex", "f", True, 1), ("sex", "m", False, 2), ("sex", MISSING, True, 1)]
    assert count_people(groups, of).rows() == [("everyone", "all", 4), ("sex", "f", 1), ("sex", "m", 2), ("sex", MISSING, 1)]
