from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from tests.people import by_hand
from tests.people.invented_careers import careers, scrambled_after, scrambled_before

from harmcast.people import bands, features, harm
from harmcast.people.features import FEATURES, NAMES
from harmcast.people.harm import OGRS4_LEFT, OGRS4_MONTHS
from harmcast.people.offences import kinds
from harmcast.tables import PERSONS
from harmcast.transitions.landmarks import People, Rules, eligible
from harmcast.weeks import add_months

DAY = date(2023, 6, 30)
CUT = 200.0
TABLE = list(zip(OGRS4_MONTHS, OGRS4_LEFT, strict=True))


@pytest.fixture(scope="module")
def made() -> tuple[People, pl.DataFrame, pl.DataFrame]:
    persons, charges, _ = careers(1400, 3)
    rules = Rules(harm.default_index(), harm.decay_from(), CUT, unknown_birth="score")
    minors = pl.DataFrame(schema={"person_ref": pl.String, "day": pl.Date, "under_18": pl.Boolean})
    return People(persons, charges, minors, rules), persons, charges


@pytest.fixture(scope="module")
def judged(made: tuple[People, pl.DataFrame, pl.DataFrame]) -> dict[str, list[dict[str, object]]]:
    _, persons, charges = made
    return by_hand.known_charges(charges.to_dicts(), persons.to_dicts(), DAY)


def _weights(charges: pl.DataFrame) -> dict[str, float | None]:
    medians = {"008/01": 365.0, "105/01": 10.0, "046": 1.0, "092/50": 3.0, "028/01": 273.5, "034": 365.0, "058/01": 2.0,
               "008/11": 273.75, "149": 2.0, "019/01": 2555.0, "125/11": 7.5, "ZZ9": None}  # fmt: skip
    assert set(charges["offence_code"].unique()) <= set(medians)
    return medians


@pytest.mark.parametrize("day", [DAY, date(2025, 6, 30)])  # before merges were known, and after
def test_harm_bands_and_features_equal_an_independent_computation(made, day: date) -> None:  # type: ignore[no-untyped-def]
    people, persons, charges = made
    judged = by_hand.known_charges(charges.to_dicts(), persons.to_dicts(), day)
    weights = _weights(charges)
    kind_of = {row["offence_code"]: row for row in kinds(charges["offence_code"]).to_dicts()}
    got = {row["person_ref"]: row for row in people.features(day).to_dicts()}
    assert set(got) == set(judged)
    assert len(judged) >= 1000
    cuts = [2.0, 20.0, CUT, 600.0]
    banded = dict(
        people.features(day).select("person_ref", band=bands.band_of(pl.col("harm"), cuts)).iter_rows()
    )
    for ref, own in judged.items():
        events = by_hand.as_events(own, weights.__getitem__)
        incomplete = any(e["weight"] is None for e in events)
        total = by_hand.harm(events, day, TABLE)
        row = got[ref]
        assert row["incomplete"] == incomplete
        if incomplete:
            assert row["harm"] is None
            assert banded[ref] is None
        else:
            assert row["harm"] == pytest.approx(total, rel=1e-12)
            assert banded[ref] == by_hand.band(total, cuts)
        expected = by_hand.features(events, day, CUT, TABLE, kind_of)
        assert set(expected) == set(NAMES)
        for name, value in expected.items():
            assert row[name] == pytest.approx(value, rel=1e-9, abs=1e-9), (ref, name)


def test_a_charge_copied_at_a_merge_counts_once_in_harm_and_events(made) -> None:  # type: ignore[no-untyped-def]
    """By hand: one wounding of 365 days on the day it happened, held twice, is one event of 365 days and not two of 730."""
    people, _, charges = made
    day = date(2023, 3, 1)
    own = {
        "charge_ref": "C1", "person_ref": "P1", "crime_ref": "K1", "offence_code": "008/01", "happened_on": day, "charged_on": day,
        "outcome": "charged", "outcome_on": None, "known_on": day, "deleted": False,
    }  # fmt: skip
    versions = pl.DataFrame([own, own | {"charge_ref": "C2", "person_ref": "P1b", "crime_ref": None}], schema=charges.schema)
    persons = pl.DataFrame({"person_ref": ["P1", "P1b"], "merged_into": [None, "P1"], "died_on": None, "known_on": day}, schema_overrides={"died_on": pl.Date})
    row = People(persons, versions, people.minors, people.rules).features(day).to_dicts()[0]
    assert (row["person_ref"], row["harm"], row["events_all"], row["events_6m"]) == ("P1", 365.0, 1.0, 1.0)
    once = by_hand.as_events(by_hand.known_charges(versions.to_dicts(), persons.to_dicts(), day)["P1"], _weights(charges).__getitem__)
    assert [(e["key"], e["weight"]) for e in once] == [("K1", 365.0)]


def test_high_before_equals_an_independent_computation_at_every_charge(made, judged) -> None:  # type: ignore[no-untyped-def]
    people, _, charges = made
    weights = _weights(charges)
    got = dict(people.features(DAY).select("person_ref", "high_before").iter_rows())
    highs = 0
    for ref, own in judged.items():
        reached = by_hand.ever_high(own, weights.__getitem__, CUT, TABLE)
        assert got[ref] == reached
        highs += reached
    assert 50 < highs < len(judged) - 50


def test_scrambling_everything_known_later_changes_nothing(made) -> None:  # type: ignore[no-untyped-def]
    people, persons, charges = made
    folk, shuffled = scrambled_after(persons, charges, DAY)
    other = People(folk, shuffled, people.minors, people.rules)
    assert (charges["known_on"] > DAY).sum() > 500
    assert other.features(DAY).equals(people.features(DAY))
    assert eligible(other, DAY).equals(eligible(people, DAY))
    cut = People(persons, charges.filter(pl.col("known_on") <= DAY), people.minors, people.rules)
    assert cut.features(DAY).equals(people.features(DAY))


def test_scrambling_every_event_before_the_look_back_changes_no_feature_in_it(made) -> None:  # type: ignore[no-untyped-def]
    people, persons, charges = made
    back = 24
    other_charges = scrambled_before(charges, add_months(DAY, -back))
    assert (other_charges["offence_code"] != charges["offence_code"]).sum() > 500
    other = People(persons, other_charges, people.minors, people.rules)
    asked = ["person_ref", *NAMES]
    assert other.features(DAY, back).select(asked).equals(people.features(DAY, back).select(asked))
    assert not other.features(DAY).select(asked).equals(people.features(DAY).select(asked))  # without a look-back it would


def test_quick_harm_is_a_half_after_half_a_year_and_never_more_than_the_weight() -> None:
    """Half is left of it after 6 months; an event dated after the day counts whole."""
    assert features.QUICK_HALF_LIFE_MONTHS == 6.0
    day = date(2025, 7, 2)
    events = pl.DataFrame([
        {
            "person_ref": ref, "person_no": k, "kind": "x", "violent": False, "weapon": False, "convicted": False, "weight": 100.0, "happened_on": happened, "counted_on": day,
        }
        for k, (ref, happened) in enumerate([("a", date(2024, 12, 31)), ("b", day), ("c", date(2025, 7, 3))])
    ])  # fmt: skip
    found = features.features_at(events, day, harm.decay_from("none"), 200.0)
    assert found["quick_harm_share"].to_list() == pytest.approx([0.25, 0.5, 0.5], rel=1e-2)
    assert found["quick_harm_share"][2] == 0.5


def test_no_feature_is_protected_or_says_where() -> None:
    protected = set(PERSONS.having("protected"))
    assert not protected & set(NAMES)
    assert all(feature.says and feature.unit for feature in FEATURES)
    assert not [name for name in NAMES if any(word in name for word in ("age", "born", "sex", "ethnic", "unit", "area", "cell"))]


def test_which_way_each_feature_may_move_the_chance() -> None:
    rises = ["harm_share", "quick_harm_share", "heaviest_share", "last_weight_share", "events_all", "events_6m", "events_12m", "events_24m", "serious_events"]
    rises += ["kinds", "violent_events", "violent_24m", "weapon_events"]
    falls = ["months_since_last", "mean_gap_months", "last_gap_months"]
    free = ["weight_trend", "months_since_first", "convicted_share"]
    expected = dict.fromkeys(rises, 1) | dict.fromkeys(falls, -1) | dict.fromkeys(free, 0)
    assert {feature.name: feature.direction for feature in FEATURES} == expected
