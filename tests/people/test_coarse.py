"""People in classes that ten share: what sets one apart turns to a star, in its order; nobody is left in a class of fewer."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmcast.people import coarse

AS_OF = date(2026, 9, 30)


def charge(person: str, day: date, code: str = "008/01", outcome: str = "charged") -> dict[str, object]:
    return {"person_ref": person, "charged_on": day, "offence_code": code, "outcome": outcome}


def shown(people: list[tuple[str, str | None, float | None]], charges: list[dict[str, object]], least: int = 10) -> pl.DataFrame:
    frame = pl.DataFrame([(ref, f"key-{ref}", band, chance) for ref, band, chance in people], schema={"person_ref": pl.String, "person_key": pl.String, "band": pl.String, "chance": pl.Float64}, orient="row")
    held = pl.DataFrame(charges, schema={"person_ref": pl.String, "charged_on": pl.Date, "offence_code": pl.String, "outcome": pl.String})
    return coarse.coarse(frame, held, AS_OF, least)


@pytest.mark.parametrize(("n", "words"), [(1, "1 to 2"), (2, "1 to 2"), (3, "3 to 4"), (4, "3 to 4"), (5, "5 to 9"), (9, "5 to 9"), (10, "10 or more"), (30, "10 or more")])
def test_charges_in_classes(n: int, words: str) -> None:
    rows = coarse.of_charges(pl.DataFrame([charge("a", date(2026, 9, 1))] * n), AS_OF)
    assert rows["charges"].to_list() == [words]


@pytest.mark.parametrize(
    ("day", "words"),
    [(date(2026, 9, 30), "in 6 months"), (date(2026, 3, 31), "in 6 months"), (date(2026, 3, 30), "in 2 years"), (date(2024, 10, 1), "in 2 years"), (date(2024, 9, 30), "older")],
)
def test_how_new_the_newest_charge_is(day: date, words: str) -> None:
    held = pl.DataFrame([charge("a", day), charge("a", date(2019, 1, 1))])
    assert coarse.of_charges(held, AS_OF)["newest"].to_list() == [words]


@pytest.mark.parametrize(
    ("chance", "words"),
    [(None, "none given"), (0.0, "under 2 in 100"), (0.0199, "under 2 in 100"), (0.02, "2 to 5 in 100"), (0.05, "5 to 10 in 100"), (0.1, "10 in 100 or more"), (0.9, "10 in 100 or more")],
)
def test_chances_in_classes(chance: float | None, words: str) -> None:
    rows = shown([("a", "low", chance)], [charge("a", date(2026, 9, 1))], least=1)
    assert rows["chance"].to_list() == [words]


def test_charges_that_fell_away_say_nothing_and_the_main_group_is_the_one_with_most() -> None:
    held = pl.DataFrame([charge("a", date(2020, 1, 1), "092/01"), charge("a", date(2020, 1, 2), "092/01"), charge("a", date(2020, 1, 3)), charge("a", date(2026, 9, 1), outcome="acquitted")])
    assert coarse.of_charges(held, AS_OF).to_dicts() == [{"person_ref": "a", "charges": "3 to 4", "newest": "older", "group": "Drugs"}]


def test_who_has_no_charge_that_stands_is_among_those_with_the_fewest_and_the_oldest() -> None:
    rows = shown([("a", "low", None), ("b", None, None)], [charge("a", date(2026, 9, 1), outcome="acquitted")], least=1)
    told = {"chance": "none given", "charges": "1 to 2", "newest": "older", "group": "Other"}
    assert rows.to_dicts() == [{"person_key": "key-a", "band": "low", **told}, {"person_key": "key-b", "band": "harm incomplete", **told}]


def test_the_group_turns_first_then_how_new_then_how_many_then_the_chance() -> None:
    people = [(f"p{k}", "low", 0.01) for k in range(20)]
    charges = [charge(f"p{k}", date(2026, 9, 1), "008/01" if k < 19 else "092/01") for k in range(20)]
    rows = shown(people, charges)
    starred = rows.filter(pl.col("group") == "*")
    assert starred.height == 20  # the one alone draws the others of its kind, who would be ten but for it, to it
    assert set(rows["newest"]) == {"in 6 months"}
    both = shown([*people, ("q", "low", 0.01)], [*charges[:19], charge("p19", date(2026, 9, 1)), charge("q", date(2020, 1, 1))])
    assert set(both["chance"]) == {"under 2 in 100"}
    assert both.filter(pl.col("person_key") == "key-q")["newest"].to_list() == ["*"]


def test_a_band_of_too_few_is_not_told() -> None:
    people = [*((f"p{k}", "low", 0.01) for k in range(30)), *((f"s{k}", "super high", None) for k in range(3))]
    rows = shown(people, [charge(ref, date(2026, 9, 1)) for ref, _, _ in people])
    assert "super high" not in set(rows["band"])
    assert rows.group_by(coarse.SHOWN).len()["len"].min() >= 10  # type: ignore[operator]


@pytest.mark.parametrize(("n", "told"), [(16, set()), (17, {"super high"})])
def test_seventeen_share_a_row_of_a_high_band(n: int, told: set[str]) -> None:
    people = [*((f"p{k}", "low", 0.01) for k in range(30)), *((f"s{k}", "super high", None) for k in range(n))]
    rows = shown(people, [charge(ref, date(2026, 9, 1)) for ref, _, _ in people])
    assert set(rows["band"]) & {"super high"} == told


@given(
    st.lists(
        st.tuples(st.sampled_from(["low", "high", None]), st.sampled_from([None, 0.01, 0.03, 0.2]), st.integers(1, 12), st.sampled_from([2026, 2025, 2020]), st.sampled_from(["008/01", "092/01", "999"])),
        min_size=10,
        max_size=70,
    )
)
def test_whoever_is_shown_shares_a_row_with_nine_others(people: list[tuple[str | None, float | None, int, int, str]]) -> None:
    rows = shown(
        [(f"p{k}", band, chance) for k, (band, chance, *_) in enumerate(people)],
        [charge(f"p{k}", date(year, 9, 1), code) for k, (_, _, n, year, code) in enumerate(people) for _ in range(n)],
    )
    assert rows.height == len(people)
    sizes = rows.group_by(coarse.SHOWN).len()
    assert sizes["len"].min() >= 10  # type: ignore[operator]
    assert (sizes.filter(pl.col("band") == "high")["len"].min() or 17) >= 17  # type: ignore[operator]


def test_nine_people_are_shown_as_stars_alone() -> None:
    rows = shown([(f"p{k}", "low", 0.01) for k in range(9)], [charge(f"p{k}", date(2026, 9, 1)) for k in range(9)])
    assert all(set(rows[name]) == {"*"} for name in coarse.SHOWN)


def test_somebody_who_holds_the_charges_is_right_once_in_as_many_as_share_a_row() -> None:
    row = {"chance": "x", "charges": "x", "newest": "x", "group": "x"}
    rows = pl.DataFrame([*({"person_key": f"a{k}", "band": "low", **row} for k in range(10)), *({"person_key": f"b{k}", "band": "high", **row} for k in range(20))])
    assert coarse.told_apart(rows) == pytest.approx((2 / 30, 1 / 20))
