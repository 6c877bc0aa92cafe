"""What the analysis says of groups: a planted proxy and planted over-policing are named, their absence is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from harmcast.documents.closed_tables import ClosedTable
from harmcast.documents.exploration import GroupsExplored, Told
from harmcast.fairness import explored
from harmcast.fairness.groups import groups_of
from harmcast.fairness.thresholds import Thresholds

DAY = date(2026, 9, 30)


def told(variable: str = "events_24m", auc: float | None = 0.5, low: float | None = 0.48, high: float | None = 0.52, attribute: str = "ethnicity_self") -> Told:
    return Told(variable, "Events.", attribute, "Black", auc, low, high, 4000, 400)


def measured(*every: Told) -> GroupsExplored:
    return GroupsExplored("2026-Q3", DAY, DAY, "iom-model", every, ())


@pytest.mark.parametrize(("low", "high", "none"), [(0.45, 0.55, True), (0.449, 0.55, False), (0.45, 0.551, False), (None, None, False)])
def test_none_correlated_is_said_only_if_every_interval_lies_between(low: float | None, high: float | None, none: bool) -> None:
    groups = measured(told(), told("harm_share", None if low is None else 0.5, low, high))
    assert groups.none_correlated is none
    assert explored.correlated(groups).startswith("None correlated") is none


def test_else_the_largest_is_named_with_its_interval_and_numbers() -> None:
    said = explored.correlated(measured(told(), told("harm_share", 0.44, 0.40, 0.48), told("events_24m", 0.54, 0.50, 0.57)))
    assert said == "Correlation was measured. Largest: harm_share and Black (ethnicity (self-defined)), AUC 0.440 (0.400 to 0.480; n 400 of 4,000); 0.5 is a coin."
    assert explored.correlated(measured()) == "No model had been released, so no variable was held against a group."


@pytest.mark.parametrize(("low", "high", "named"), [(0.551, 0.6, True), (0.55, 0.6, False), (0.4, 0.449, True), (0.4, 0.45, False)])
def test_a_variable_is_a_finding_where_its_whole_interval_lies_outside(low: float, high: float, named: bool) -> None:
    one = told("harm_share", (low + high) / 2, low, high)
    assert bool(explored.findings(measured(one), ["age_band"])) is named
    assert explored.findings(measured(replace(one, attribute="age_band")), ["age_band"]) == ()


def people(n: int = 4000) -> tuple[pl.DataFrame, np.random.Generator]:
    rng = np.random.default_rng(7)
    return pl.DataFrame({"person_ref": [f"P{i}" for i in range(n)], "ethnicity_self": np.where(rng.random(n) < 0.2, "Black", "White")}), rng


def test_a_planted_proxy_is_told_from_a_variable_that_tells_nothing() -> None:
    labels, rng = people()
    groups = groups_of(labels, "person_ref", ["ethnicity_self"])
    features = groups.labels.select("person_ref", proxy=pl.Series(rng.normal(size=4000)) + (pl.col("ethnicity_self") == "Black") * 0.8, noise=pl.Series(rng.normal(size=4000)))
    found = explored.told(features, groups, {"proxy": "Planted.", "noise": "Noise."}, 1, lambda key: 0.5)
    assert all(one.n == 4000 and one.n_group % 5 == 0 for one in found)
    said = explored.findings(measured(*found), ["age_band"])
    assert any(line.startswith("proxy tells Black") for line in said)
    assert not any(line.startswith("noise") for line in said)


def charges(fell: dict[str, float]) -> tuple[pl.DataFrame, pl.DataFrame]:
    labels, rng = people(6000)
    rate = labels["ethnicity_self"].replace_strict(fell, return_dtype=pl.Float64).to_numpy()
    outcome = np.where(rng.random(6000) < rate, "acquitted", "convicted")
    return labels, pl.DataFrame({"person_ref": labels["person_ref"], "offence_code": "008/01", "outcome": outcome, "crime_ref": "C"})


def test_charges_that_fall_away_more_in_one_group_are_a_finding_and_alike_are_none() -> None:
    for fell, expected in (({"Black": 0.35, "White": 0.2}, 1), ({"Black": 0.2, "White": 0.2}, 0)):
        labels, held = charges(fell)
        groups = groups_of(labels, "person_ref", ["ethnicity_self"])
        table = explored.charge_gaps(held, groups, Thresholds())
        found = explored.findings(replace(measured(), tables=(table,)), [])
        assert len(found) == expected
        assert all("Black" in line and "fell away" in line for line in found)


def test_charges_are_counted_by_group_with_those_undecided_left_out_of_one_table_alone() -> None:
    labels = pl.DataFrame({"person_ref": ["a", "b"], "sex": ["female", "male"]})
    held = pl.DataFrame(
        {"person_ref": ["a", "a", "b", "b"], "offence_code": ["008/01", "092/01", "092/01", "008/01"], "outcome": ["acquitted", "charged", "convicted", "quashed"]}
    )
    rows = explored.charge_rows(held, groups_of(labels, "person_ref", ["sex"]), Thresholds())
    assert rows["charges_fell_away"] == [
        {"attribute": "everyone", "group": "all", "fell_away": 2, "held_up": 1},
        {"attribute": "sex", "group": "female", "fell_away": 1, "held_up": 0},
        {"attribute": "sex", "group": "male", "fell_away": 1, "held_up": 1},
    ]
    assert rows["charges_police_found"][0] == {"attribute": "everyone", "group": "all", "police_found": 2, "others": 2}


def test_who_is_scored_stands_beside_residents_with_source_and_year() -> None:
    rows = ({"attribute": "everyone", "group": "all", "people": 100}, {"attribute": "sex", "group": "female", "people": 20}, {"attribute": "sex", "group": "male", "people": 80})
    tracked = ClosedTable("tracked", "2026-Q3", DAY, DAY, tuple({**row, "with_conviction": 0, "without_conviction": row["people"]} for row in rows))
    neutral = [
        {"attribute": "sex", "group": "female", "residents": 6000, "source": "Census", "year": 2021},
        {"attribute": "sex", "group": "male", "residents": 4000, "source": "Census", "year": 2021},
    ]
    assert explored.composition(tracked, neutral).rows == (
        ("sex", "female", 20, 20.0, 6000, 60.0, 3.3, "Census", 2021),
        ("sex", "male", 80, 80.0, 4000, 40.0, 20.0, "Census", 2021),
    )
    assert explored.composition(tracked, []).rows[0] == ("sex", "female", 20, 20.0, None, None, None, None, None)


def test_crimes_and_forecast_per_1000_residents_by_fifth() -> None:
    cells = pl.DataFrame({"cell": ["a", "b"], "recorded": [10, 4], "expected": [1.0, 0.5]})
    lives = pl.DataFrame({"cell": ["a", "a", "b"], "fifth": ["1", "2", "2"], "residents": [500.0, 500.0, 0.0], "share": [0.5, 0.5, 1.0]})
    assert explored.per_residents(cells, lives, 13.0) == (("1", 500, 5.0, 6.5, 10.0, 13.0), ("2", 500, 9.0, 13.0, 18.0, 26.0))


@pytest.mark.parametrize("n", [1, 60])
def test_where_everybody_is_of_one_group_there_is_no_gap_and_no_error(n: int) -> None:
    labels = pl.DataFrame({"person_ref": [f"P{k}" for k in range(n)], "sex": ["female"] * n})
    held = labels.select("person_ref", offence_code=pl.lit("008/01"), outcome=pl.lit("convicted"), crime_ref=pl.lit(None, pl.String))
    assert explored.charge_gaps(held, groups_of(labels, "person_ref", ["sex"]), Thresholds()).rows == ()
