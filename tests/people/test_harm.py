from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmcast.people import bands, charges, harm, paths
from harmcast.people.offences import crosswalk, kinds


def index(**columns: list[object]) -> pl.DataFrame:
    n = len(next(iter(columns.values())))
    return pl.DataFrame({"unit": ["days"] * n, "edition": ["2026"] * n, "source": ["x"] * n} | columns)


def test_a_class_stands_for_its_subclasses_and_the_report_says_so() -> None:
    own = harm.index_from(index(offence_code=["008", "008/01", "034 "], weight=["10", "365", "300"]))
    codes = pl.Series(["008/01", "008/06", "034", "999/99", "008N"])
    found = {code: (w, how) for code, w, how in harm.weights_of(codes, own).iter_rows()}
    assert found == {
        "008/01": (365.0, "exact"), "008/06": (10.0, "class"), "034": (300.0, "exact"), "999/99": (None, "missing"), "008N": (10.0, "class"),
    }  # fmt: skip
    report = harm.weight_report(pl.DataFrame({"offence_code": codes}), own)
    assert [report[how]["charges"] for how in ("exact", "class", "missing")] == [2, 2, 1]
    assert report["codes_without_weight"] == {"999/99": 1}
    assert report["filled_or_coarse_share"] == pytest.approx(0.6)
    assert report["concern"] is True


def test_an_index_without_a_column_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"column missing: unit, source$"):
        harm.index_from(index(offence_code=["1"], weight=["1"]).drop("unit", "source"))


@pytest.mark.parametrize(("without", "concern"), [(0, False), (1, False), (2, True), (10, True)])
def test_weights_filled_are_a_concern_above_a_tenth_of_the_charges(without: int, concern: bool) -> None:
    own = harm.index_from(index(offence_code=["008/01"], weight=["365"]))
    codes = ["999/99"] * without + ["008/01"] * (10 - without)
    report = harm.weight_report(pl.DataFrame({"offence_code": codes}), own)
    assert (report["filled_or_coarse_share"], report["concern"]) == (pytest.approx(without / 10), concern)


def test_no_charge_at_all_is_no_concern_about_weights() -> None:
    report = harm.weight_report(pl.DataFrame({"offence_code": []}, schema={"offence_code": pl.String}), harm.default_index())
    assert (report["charges"], report["filled_or_coarse_share"], report["concern"]) == (0, None, False)


@pytest.mark.parametrize(
    ("columns", "rule"),
    [
        ({"offence_code": ["1", "1"], "weight": ["1", "2"]}, "twice"),
        ({"offence_code": ["1"], "weight": ["-1"]}, "below 0"),
        ({"offence_code": ["1"], "weight": ["many"]}, "no number"),
        ({"offence_code": ["1", "2"], "weight": ["1", "2"], "unit": ["days", "score"]}, "scales are never mixed"),
    ],
)
def test_an_index_that_cannot_be_used_is_refused(columns: dict[str, list[object]], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        harm.index_from(index(**columns))


def test_the_shipped_index_has_a_weight_for_every_class_and_says_it_is_coarse() -> None:
    shipped = harm.default_index()
    assert shipped.coarse
    assert shipped.table["weight"].null_count() == 0
    assert shipped.table["offence_code"].is_unique().all()
    classes = {f"{k:03d}" for k in [*range(1, 10), *range(11, 100), *range(101, 127), 130, 131, *range(135, 171), *range(802, 806), *range(807, 826)]}
    assert classes <= set(crosswalk()["offence_code"])
    weighed = dict(harm.weights_of(pl.Series(["001/01", "004/04", "005/01", "019/08", "046/00", "092/50", "092/30"]), shipped).select("offence_code", "weight").iter_rows())
    assert weighed == {"001/01": 5475.0, "004/04": 365.0, "005/01": 365.0, "019/08": 2555.0, "046/00": 1.0, "092/50": 3.0, "092/30": 5.0}


def test_violence_and_weapons_follow_the_crosswalk_and_the_setting() -> None:
    found = {r["offence_code"]: (r["violent"], r["weapon"]) for r in kinds(pl.Series(["008/01", "008/26", "046", "X1"]), ("X1",)).to_dicts()}
    assert found == {"008/01": (True, False), "008/26": (False, True), "046": (False, False), "X1": (False, True)}


def test_decay_follows_its_evidence() -> None:
    assert harm.DAYS_A_MONTH == 30.4375
    ogrs4 = harm.decay_from()
    days = np.array([0, 6, 12, 18, 24, 30, 36]) * harm.DAYS_A_MONTH
    assert ogrs4.share_left(days) == pytest.approx([1, 0.8332, 0.7074, 0.6114, 0.5348, 0.4685, 0.4047])
    assert ogrs4.share_left(np.array([48 * harm.DAYS_A_MONTH])) == pytest.approx([0.4047 * 0.4047 / 0.5348])
    assert harm.decay_from("half_life", 24.0).share_left(np.array([24, 72]) * harm.DAYS_A_MONTH) == pytest.approx([0.5, 0.125])
    assert harm.decay_from("none").share_left(np.array([5000.0])) == pytest.approx([1.0])


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0, 20000), min_size=2, max_size=30))
def test_what_is_left_never_rises_with_time(days: list[float]) -> None:
    left = harm.decay_from().share_left(np.sort(np.array(days)))
    assert (np.diff(left) <= 1e-15).all()
    assert ((left > 0) & (left <= 1)).all()


def _charge(ref: str, crime: str | None, weight: float | None, day: int, counted: int) -> dict[str, object]:
    return {
        "charge_ref": ref, "person_ref": "p", "crime_ref": crime, "offence_code": ref, "happened_on": date(2020, 1, day),
        "charged_on": date(2020, 2, counted), "counted_on": date(2020, 2, counted), "outcome": "charged", "weight": weight,
        "kind": "k", "violent": False, "weapon": False,
    }  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from([None, "c1", "c2"]), st.floats(0, 500), st.integers(1, 5), st.integers(1, 9)), min_size=1, max_size=10))
def test_an_event_counts_once_by_its_heaviest_charge_now_and_along_the_path(made: list[tuple[str | None, float, int, int]]) -> None:
    rows = pl.DataFrame([_charge(f"r{i}", *own) for i, own in enumerate(made)], infer_schema_length=None).with_columns(pl.col("crime_ref").cast(pl.String))
    with_events = charges.numbered(rows)
    once = charges.events(with_events)
    groups: dict[object, float] = {}
    for crime, weight, day, _ in made:
        key = crime or day
        groups[key] = max(groups.get(key, 0.0), weight)
    assert sorted(once["weight"]) == pytest.approx(sorted(groups.values()))
    assert charges.increments(with_events)["added"].sum() == pytest.approx(sum(groups.values()))
    assert once["charges"].sum() == len(made)
    each = charges.events(charges.numbered(rows, "each_charge"))
    assert each.height == len(made)


def test_a_charge_without_a_weight_makes_the_harm_incomplete_not_small() -> None:
    rows = charges.numbered(pl.DataFrame([_charge("a", "c", 300.0, 1, 1), _charge("b", "d", None, 2, 2)]))
    found = harm.harm_at(charges.events(rows), date(2020, 3, 1), harm.decay_from("none"))
    assert found.row(0) == ("p", None, True)


def test_a_persons_harm_is_what_is_left_of_each_events_weight() -> None:
    """Half is left after a year of 365.25 days, a quarter after two: 100 of today, 50 of 200, 75 of 300."""
    events = pl.DataFrame({"person_ref": ["b", "a", "b", "b"], "weight": [100.0, 7.0, 100.0, 300.0], "happened_on": [date(2024, 1, 1), date(2024, 1, 1), date(2023, 1, 1), date(2022, 1, 1)]})
    left = harm.harm_at(events, date(2024, 1, 1), harm.decay_from("half_life", 12.0))
    assert left["person_ref"].to_list() == ["a", "b"]
    assert left["harm"].to_list() == pytest.approx([7.0, 100.0 + 50.0 + 75.0], rel=1e-3)
    whole = harm.harm_at(events, date(2024, 1, 1), harm.decay_from("none"))
    assert whole.rows() == [("a", 7.0, False), ("b", 500.0, False)]


def test_a_version_that_says_nothing_of_a_deletion_is_held() -> None:
    versions = pl.DataFrame({"charge_ref": ["a", "b", "c"], "known_on": [date(2024, 1, 1)] * 3, "deleted": [None, False, True]})
    assert charges.last_versions(versions, "charge_ref", date(2024, 1, 1))["charge_ref"].to_list() == ["a", "b"]


def test_a_charge_without_a_weight_adds_nothing_along_the_path() -> None:
    rows = charges.numbered(pl.DataFrame([_charge("a", "c", None, 1, 1), _charge("b", "c", 300.0, 1, 2), _charge("d", "e", None, 3, 3)]))
    found = charges.increments(rows).select("counted_on", "added").rows()
    assert found == [(date(2020, 2, 1), 0.0), (date(2020, 2, 2), 300.0), (date(2020, 2, 3), 0.0)]


def test_the_path_has_one_harm_a_day_that_of_the_last_charge_of_it() -> None:
    rows = charges.numbered(pl.DataFrame([_charge(ref, ref, 100.0, 1, day) for ref, day in (("a", 1), ("b", 1), ("c", 2), ("d", 2), ("e", 2), ("f", 9))]))
    path = paths.harm_at_charges(rows, harm.decay_from("none"))
    assert path.rows() == [("p", date(2020, 2, 1), 200.0), ("p", date(2020, 2, 2), 500.0), ("p", date(2020, 2, 9), 600.0)]
    assert paths.reached_on(path, 500.0).rows() == [("p", date(2020, 2, 2)), ("p", date(2020, 2, 9))]


def test_high_harm_begins_at_the_third_of_the_four_cuts() -> None:
    assert bands.high_cut((30, 180, 365, 1825)) == 365.0


def test_cuts_are_percentiles_and_a_value_on_a_cut_is_above_it() -> None:
    values = pl.Series([float(k) for k in range(1, 201)] + [None])
    cuts = bands.cuts_at(values)
    assert cuts == [101.0, 151.0, 181.0, 196.0]
    banded = pl.DataFrame({"harm": [100.9, 101.0, 180.0, 181.0, 500.0, None]}).select(bands.band_of(pl.col("harm"), cuts)).to_series()
    assert banded.to_list() == ["low", "low-medium", "high-medium", "high", "super high", None]
    with pytest.raises(ValueError, match="fall together"):
        bands.cuts_at(pl.Series([1.0] * 50))


def test_what_followed_recomputes_from_its_counts() -> None:
    banded = pl.DataFrame({"band": ["low"] * 100 + ["high"] * 50 + ["super high"] * 50, "came": [False] * 95 + [True] * 5 + [True, False] * 50})
    found = {r["band"]: r for r in bands.what_followed(banded, "came").to_dicts()}
    assert found["low"]["followed_share"] == found["low"]["followed"] / found["low"]["people"] == 0.05
    assert (found["low"]["low"], found["low"]["high"]) == pytest.approx((0.02154, 0.11175), abs=1e-5), "Wilson, 5 of 100"
    assert (found["high"]["low"], found["high"]["high"]) == pytest.approx((0.36645, 0.63355), abs=1e-5), "Wilson, 25 of 50"
    assert found["high"]["rises"] is True
    assert found["super high"]["rises"] is False
    assert found["low"]["rises"] is None, "nothing lies below it"
    assert found["low-medium"]["followed_share"] is None


def test_a_band_rises_above_the_one_below_where_their_intervals_are_apart() -> None:
    """Of 100: 10 are .055 to .174, 15 .093 to .233, 30 .219 to .396, 55 .452 to .644: the last alone begins above the end of the one below."""
    rates = {"low": 10, "low-medium": 15, "high-medium": 30, "high": 55}
    banded = pl.DataFrame([(band, k < came) for band, came in rates.items() for k in range(100)], schema=["band", "came"], orient="row")
    found = {r["band"]: r["rises"] for r in bands.what_followed(banded, "came").to_dicts()}
    assert found == {"low": None, "low-medium": False, "high-medium": False, "high": True, "super high": None}
