"""Twelve people whose every harm is known: who is eligible, what came, and what is said of them, written out."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import FrozenInstanceError, replace
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from harmcast.people.harm import HarmIndex, decay_from
from harmcast.transitions import explain, level, model, refit, table, weekly
from harmcast.transitions import history as records
from harmcast.transitions.changes import LastWeek
from harmcast.transitions.history import history
from harmcast.transitions.landmarks import People, Rules, eligible, not_charged_lately, outcomes, panel
from harmcast.transitions.weekly import score_people

DAY = date(2025, 6, 30)
OPENS = date(2024, 6, 30)  # twelve months before: this day itself is not looked at
GRAVE, MIDDLE, LIGHT, UNKNOWN = "008/01", "105/01", "046", "ZZ9"
WEIGHTS = {GRAVE: 100.0, MIDDLE: 40.0, LIGHT: 10.0}
INDEX = HarmIndex(
    pl.DataFrame({"offence_code": list(WEIGHTS), "weight": list(WEIGHTS.values()), "unit": "days", "edition": "1", "source": "invented"}), "days", "1", "invented"
)
RULES = Rules(INDEX, decay_from("half_life", 12.0), 100.0)
CUTS = [5.0, 30.0, 100.0, 300.0]


def _left(days: int) -> float:
    """Half after twelve months of 365.25 / 12 days."""
    return 0.5 ** (days / 365.25)


def _charge(ref: str, person: str, code: str, day: date, **other: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"charge_ref": ref, "person_ref": person, "crime_ref": f"K{ref}", "offence_code": code, "happened_on": day, "charged_on": day, "outcome": "charged", "known_on": day, "deleted": False}
    return row | other


AFTER = DAY + timedelta(days=1)
CHARGES = [
    _charge("a1", "a", MIDDLE, date(2025, 6, 20)),
    _charge("b1", "b", MIDDLE, OPENS),  # on the day the look-back opens: not in it
    _charge("c1", "c", MIDDLE, OPENS + timedelta(days=1)),  # the day after: in it
    _charge("d1", "d", GRAVE, DAY),  # the cut itself is high
    _charge("e1", "e", MIDDLE, DAY), _charge("e2", "e", MIDDLE, DAY, outcome="convicted"), _charge("e3", "e", LIGHT, DAY),  # 90
    _charge("f1", "f", UNKNOWN, DAY), _charge("f2", "f", LIGHT, DAY),
    _charge("g1", "g", GRAVE, date(2023, 6, 30)), _charge("g2", "g", LIGHT, date(2025, 6, 1)),  # high two years ago, about 25 now
    _charge("h1", "h", MIDDLE, date(2025, 6, 20)),  # dead on the day
    _charge("i1", "i", MIDDLE, date(2025, 6, 20)),  # dies the day after
    _charge("j1", "j", MIDDLE, date(2025, 6, 20)),  # under 18
    _charge("k1", "k", MIDDLE, date(2025, 6, 20)),  # birth unknown
    _charge("l1", "l", MIDDLE, date(2025, 6, 20)), _charge("l1", "l", MIDDLE, date(2025, 6, 20), outcome="quashed", known_on=DAY),  # fell away on the day
    # What came: on the last day, a day too late, on the landmark itself (d), and known too late.
    _charge("a2", "a", GRAVE, date(2026, 6, 30)),
    _charge("c2", "c", GRAVE, date(2026, 7, 1)),
    _charge("e4", "e", GRAVE, date(2026, 6, 1), known_on=date(2026, 7, 3)),
    _charge("i2", "n", GRAVE, AFTER),  # under another reference, into which i is merged later
]  # fmt: skip
PERSONS = pl.DataFrame([
    {"person_ref": ref, "unit": "North", "merged_into": None, "died_on": {"h": DAY, "i": AFTER}.get(ref), "review_due_on": None, "known_on": date(2020, 1, 1)} for ref in "abcdefghijkln"
] + [{"person_ref": "i", "unit": "North", "merged_into": "n", "died_on": AFTER, "review_due_on": None, "known_on": date(2026, 1, 1)}], infer_schema_length=None).with_columns(pl.col("died_on", "review_due_on").cast(pl.Date))  # fmt: skip
UNDER_18 = {"j": True, "k": None}


def _minors(*days: date) -> pl.DataFrame:
    rows = [{"person_ref": ref, "day": day, "under_18": UNDER_18.get(ref, False)} for day in days for ref in "abcdefghijkln"]
    return pl.DataFrame(rows, schema={"person_ref": pl.String, "day": pl.Date, "under_18": pl.Boolean})


def _people(rules: Rules = RULES, charges: list[dict[str, Any]] | None = None) -> People:
    return People(PERSONS, pl.DataFrame(charges or CHARGES, infer_schema_length=None), _minors(DAY, OPENS), rules)


def test_who_is_eligible_on_the_day_with_what_harm() -> None:
    got = eligible(_people(), DAY, 12)
    harm = {"a": 40 * _left(10), "c": 40 * _left(364), "e": 90.0, "i": 40 * _left(10)}
    assert dict(got.select("person_ref", "harm").iter_rows()) == pytest.approx(harm)
    assert got["person_ref"].to_list() == ["a", "c", "e", "i"]
    assert not {"incomplete", "high_before", "harm_held"} & set(got.columns)
    assert got["events_all"].to_list() == [1, 1, 3, 1]
    # Without a look-back the one charged on its first day is there; a month longer takes that day in.
    for look_back in (None, 13):
        assert eligible(_people(), DAY, look_back)["person_ref"].to_list() == ["a", "b", "c", "e", "i"]
    unknown = eligible(_people(replace(RULES, unknown_birth="score")), DAY, 12)
    assert unknown["person_ref"].to_list() == ["a", "c", "e", "i", "k"]
    lower = eligible(_people(replace(RULES, high_cut=90.0)), DAY, 12)
    assert lower["person_ref"].to_list() == ["a", "c", "i"]


def test_harm_is_of_all_that_is_held_though_features_look_back() -> None:
    """Harm 90 within the look-back and 20 before it: 110 is high, though what is looked at is not."""
    old = _charge("e0", "e", MIDDLE, OPENS)
    people = _people(charges=[*CHARGES, old])
    row = people.features(DAY, 12).row(by_predicate=pl.col("person_ref") == "e", named=True)
    assert (row["harm"], row["harm_held"], row["events_all"]) == (pytest.approx(90.0), pytest.approx(90 + 40 * _left(365)), 3)
    assert "e" not in eligible(people, DAY, 12)["person_ref"]


def test_who_was_not_charged_lately() -> None:
    """b alone: g was high before, f's harm is incomplete, l's charge fell away, the rest were charged within twelve months."""
    assert not_charged_lately(_people(), DAY, 12).to_list() == ["b"]
    held = _people()
    assert not_charged_lately(held, DAY, 0).to_list() == ["a", "b", "c", "e", "i"]
    figure = refit.group_figure(_people(), replace(history(date(2020, 1, 1), date(2026, 6, 30), (12,)), look_back=12))
    assert figure == {"12m": {"day": "2025-06-30", "people": 1, "became": 0, "share": 0.0}}
    some = refit.group_figure(_people(charges=[*CHARGES, _charge("b2", "b", GRAVE, AFTER)]), replace(history(date(2020, 1, 1), date(2026, 6, 30), (12,)), look_back=12))
    assert some["12m"] == {"day": "2025-06-30", "people": 1, "became": 1, "share": 1.0}
    nobody = refit.group_figure(_people(charges=[_charge("a1", "a", MIDDLE, DAY)]), replace(history(date(2020, 1, 1), date(2026, 6, 30), (12,)), look_back=12))
    assert nobody["12m"] == {"day": "2025-06-30", "people": 0, "became": 0, "share": None}


def test_what_came_by_the_last_day_as_known_then() -> None:
    people, refs = _people(), pl.Series("person_ref", ["a", "c", "d", "e", "i"])
    got = outcomes(people, DAY, refs, [11, 12, 13, 24], date(2026, 7, 30))
    assert got.rows() == [
        ("a", False, True, True, None),  # on the same day a year on
        ("c", False, False, True, None),  # a day later
        ("d", False, False, False, None),  # on the landmark itself: not after it
        ("e", False, False, True, None),  # charged within the year, known after it
        ("i", True, True, True, None),  # under the reference merged into
    ]
    assert outcomes(people, DAY, refs, [12], date(2026, 6, 30))["became_12m"].null_count() == 0
    assert outcomes(people, DAY, refs, [12], date(2026, 6, 29))["became_12m"].null_count() == 5
    both = panel(_people(), [DAY, OPENS], [12], date(2026, 6, 30), 12)
    assert both.select("landmark", "person_ref", "became_12m").rows() == [(OPENS, "b", False), *((DAY, ref, ref in "ai") for ref in "acei")]


def test_what_was_computed_is_kept_by_kind_and_day() -> None:
    people = _people()
    one = people.features(DAY, 12)
    assert people.features(DAY, 12) is one
    assert people.features(DAY) is not one
    shared = people.with_minors(_minors(DAY))
    assert shared.features(DAY, 12) is one
    assert shared.held is people.held
    path = people.path(DAY)
    people.forget("features")
    assert people.path(DAY) is path
    assert people.features(DAY, 12) is not one


LINES = [
    {"feature": "events_24m", "threshold": 2.0, "below": False, "points": 3},
    {"feature": "months_since_last", "threshold": 6.0, "below": True, "points": 4},
]


def _row(points: int) -> dict[str, float]:
    p = 0.01 * (points + 1)
    return {"points": points} | {f"p{m}{end}": p * by * (m / 12) for m in (12, 24) for end, by in (("", 1.0), ("_low", 0.5), ("_high", 2.0), ("_group_low", 0.75), ("_group_high", 1.5))}


MODEL: Any = {
    "form": 2, "chosen": "card_three", "as_of": "2025-06-30", "history": {"look_back_months": 12},
    "cards": {"card_three": {"lines": LINES, "stretches": [], "table": [_row(points) for points in range(8)]}},
}  # fmt: skip


def _scored(**other: Any) -> weekly.ScoredPeople:
    given: dict[str, Any] = {"model": MODEL, "rules": RULES, "day": DAY, "charges": CHARGES, "last": None, "second": None, "months": (12, 24)} | other
    table = pl.DataFrame(given["charges"], infer_schema_length=None)
    return score_people(PERSONS, table, _minors(given["day"]), given["day"], given["model"], given["rules"], CUTS, given["months"], given["last"], given["second"])


def test_the_weeks_rows_and_figures_are_those_written_out() -> None:
    found = _scored()
    people = found.people
    assert people["person_ref"].to_list() == ["a", "b", "c", "d", "e", "f", "g", "i"]
    assert people["band"].to_list() == ["high-medium", "low-medium", "low-medium", "high", "high-medium", None, "high-medium", "high-medium"]  # 39, 20, 20, 100, 90, none, 34, 39
    assert people["no_chance"].to_list() == [None, "not_charged_lately", None, "high_now", None, "harm_incomplete", "high_before", None]
    points = {"a": 4, "c": 0, "e": 7, "i": 4}
    for row in people.to_dicts():
        of = points.get(row["person_ref"])
        for m in (12, 24):
            for end in ("", "_low", "_high"):
                assert row[f"chance_high_harm_{m}m{end}"] == (None if of is None else _row(of)[f"p{m}{end}"])
    assert (people["harm_unit"].unique().to_list(), people["unit"].unique().to_list()) == (["days"], ["North"])
    assert people["band_last_week"].null_count() == people["other_band"].null_count() == 8
    assert dict(found.left_out.iter_rows()) == {"h": "dead", "j": "under_18", "k": "birth_unknown", "l": "no_charge_stands", "n": "no_charge_stands"}
    chance = 0.05 + 0.01 + 0.08 + 0.05
    assert found.scores == {
        "people": 8, "bands": {"low": 0, "low-medium": 2, "high-medium": 4, "high": 1, "super high": 0}, "harm_incomplete": 1, "high_before": 2, "band_changed": 0,
        "another_band_under_second_index": 0, "second_index_compared": 0,
        "no_chance": {"harm_incomplete": 1, "high_now": 1, "high_before": 1, "no_model": 0, "old_model": 0, "other_outcome": 0, "history_short": 0, "too_few_became": 0, "not_charged_lately": 1},
        "12m": {"people": 4, "expected": pytest.approx(chance), "mean_chance": pytest.approx(chance / 4)},
        "24m": {"people": 4, "expected": pytest.approx(2 * chance), "mean_chance": pytest.approx(chance / 2)},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (None, "no_model"), ({**MODEL, "form": 1}, "old_model"), ({**MODEL, "chosen": None}, "too_few_became"), ({**MODEL, "chosen": None, "other_outcome": True}, "other_outcome"), ({**MODEL, "chosen": None, "history": None}, "history_short"),
        ({**MODEL, "chosen": None, "history": {"look_back_months": None}}, "history_short"), (MODEL, None),
    ],
)  # fmt: skip
def test_why_nobody_has_a_chance(model: Any, why: str | None) -> None:
    assert weekly.why_not(model) == why
    if why is not None:
        found = _scored(model=model)
        assert found.people["no_chance"].to_list() == [why, why, why, "high_now", why, "harm_incomplete", "high_before", why]
        assert found.scores["12m"] == {"people": 0, "expected": 0.0, "mean_chance": None}
        assert found.people["chance_high_harm_24m_high"].null_count() == 8


def test_a_band_last_week_and_a_second_index_are_told_and_counted() -> None:
    last = _scored(day=DAY - timedelta(days=7))
    assert dict(last.people.select("person_ref", "band").iter_rows())["a"] == "high-medium"
    before = last.people.with_columns(band=pl.when(pl.col("person_ref") == "c").then(pl.lit("low")).otherwise("band"))
    heavier = replace(INDEX, table=INDEX.table.with_columns(pl.col("weight") * 3.0))
    found = _scored(last=LastWeek(before, DAY - timedelta(days=7), MODEL, RULES), second=(replace(RULES, index=heavier), CUTS))
    assert dict(found.people.select("person_ref", "band_last_week").iter_rows())["c"] == "low"
    assert dict(found.people.select("person_ref", "band_last_week").iter_rows())["d"] is None
    assert found.scores["band_changed"] == 1
    # 3 x 20, 3 x 39, 3 x 90, 3 x 100: another band where a cut lies between; f has none.
    cut = [sum(value >= c for c in CUTS) for value in (40 * _left(10), 40 * _left(365), 40 * _left(364), 100.0, 90.0, 100 * _left(731) + 10 * _left(29), 40 * _left(10))]
    three = [sum(3 * value >= c for c in CUTS) for value in (40 * _left(10), 40 * _left(365), 40 * _left(364), 100.0, 90.0, 100 * _left(731) + 10 * _left(29), 40 * _left(10))]
    assert found.scores["another_band_under_second_index"] == sum(a != b for a, b in zip(cut, three, strict=True))
    assert found.scores["second_index_compared"] == 7


def test_all_that_is_said_of_one_person() -> None:
    """Person e, seven events: five shown by effect and reference, two others; card, group and what is not known."""
    more = [_charge("e5", "e", LIGHT, date(2025, 6, 25)), _charge("e6", "e", LIGHT, date(2025, 6, 23)), _charge("e7", "e", LIGHT, date(2025, 1, 1), outcome="acquitted"), _charge("e8", "e", LIGHT, date(2023, 6, 30))]
    both = [_charge("e9", "e", LIGHT, DAY, crime_ref="Ke3", outcome="convicted")]  # of one crime with e3: one event
    charges = [c | ({"offence_code": LIGHT} if c["charge_ref"] == "e2" else {}) for c in [*CHARGES, *more, *both]]
    told = json.loads(_scored(charges=charges).people.filter(pl.col("person_ref") == "e")["reasons"][0])

    def said(ref: str, code: str, day: date, outcome: str = "charged", charges: int = 1) -> dict[str, Any]:
        left = _left((DAY - day).days)
        kind = {MIDDLE: said_kind[MIDDLE], LIGHT: said_kind[LIGHT]}[code]
        return {
            "charge_ref": ref, "happened_on": str(day), "charged_on": str(day), "offence_code": code, "outcome": outcome, "charges": charges,
            "weight": WEIGHTS[code], "left": pytest.approx(left), "effect": pytest.approx(WEIGHTS[code] * left),
        } | kind  # fmt: skip

    every = [*told["charges"], *told["others"]["events"]]
    said_kind = {one["offence_code"]: {name: one[name] for name in ("kind", "violent", "weapon")} for one in every}
    assert told["charges"] == [
        said("e1", MIDDLE, DAY), said("e2", LIGHT, DAY, "convicted"), said("e3", LIGHT, DAY, charges=2), said("e5", LIGHT, date(2025, 6, 25)), said("e6", LIGHT, date(2025, 6, 23)),
    ]  # fmt: skip
    assert told["others"] == {"count": 1, "effect": pytest.approx(10 * _left(731)), "events": [said("e8", LIGHT, date(2023, 6, 30))]}
    assert told["card"] == {"points": 7, "lines": [3, 4]}
    assert len(told["values"]) == 19
    assert told["group"] == {f"group_{end}_{m}m": _row(7)[f"p{m}_group_{end}"] for m in (12, 24) for end in ("low", "high")}
    assert told["not_known"] == {"charges_standing": 7, "events": 6, "convicted": 2, "awaiting_result": 5, "without_weight": 0, "first_charged_on": "2023-06-30"}
    assert (told["no_chance"], told["high_before"], told["harm_incomplete"], told["other_band"], told["changed"]) == (None, False, False, None, None)
    assert set(told) == {"charges", "others", "values", "card", "group", "no_chance", "high_before", "harm_incomplete", "other_band", "not_known", "changed"}
    assert explain.CHARGES_SHOWN == 5
    other = json.loads(_scored(charges=charges).people.filter(pl.col("person_ref") == "f")["reasons"][0])
    assert (other["not_known"]["without_weight"], other["harm_incomplete"], other["values"], other["card"]) == (1, True, None, None)
    assert [one["effect"] for one in other["charges"]] == [None, 10.0]  # the charge that has no weight first
    assert other["others"] == {"count": 0, "effect": 0.0, "events": []}


def test_a_card_without_lines_gives_everyone_its_nought() -> None:
    bare = {**MODEL, "cards": {"card_three": {**MODEL["cards"]["card_three"], "lines": []}}}
    told = json.loads(_scored(model=bare).people["reasons"][0])
    assert told["card"] == {"points": 0, "lines": []}


def test_what_changed_of_each_person_in_three_parts_written_out() -> None:
    """a: time alone; c: a new charge; d: not scored last week. Then a model that doubles every chance."""
    before = DAY - timedelta(days=7)
    charges = [*CHARGES, _charge("c9", "c", LIGHT, DAY - timedelta(days=1))]
    last = _scored(day=before, charges=charges)
    twice: Any = {**MODEL, "cards": {"card_three": {**MODEL["cards"]["card_three"], "table": [{k: v if k == "points" else 2 * v for k, v in _row(p).items()} for p in range(8)]}}}
    now = _scored(charges=charges, model=twice, last=LastWeek(last.people, before, MODEL, RULES))
    told = {ref: json.loads(text)["changed"] for ref, text in now.people.select("person_ref", "reasons").iter_rows()}
    assert told["d"] is None
    assert told["a"]["harm"] == {"last": pytest.approx(40 * _left(3)), "time": pytest.approx(40 * _left(10) - 40 * _left(3)), "records": 0.0, "model": 0.0, "now": pytest.approx(40 * _left(10))}
    assert told["c"]["harm"] == {
        "last": pytest.approx(40 * _left(357)), "time": pytest.approx(40 * _left(364) - 40 * _left(357)), "records": pytest.approx(10 * _left(1)), "model": pytest.approx(0.0),
        "now": pytest.approx(40 * _left(364) + 10 * _left(1)),
    }  # fmt: skip
    # c had no point; two events in 24 months and one in the last six: 7 points, .08, and the new model says .16.
    assert told["c"]["chance_12m"] == {"last": 0.01, "time": 0.0, "records": pytest.approx(0.07), "model": pytest.approx(0.08), "now": 0.16}
    assert told["a"]["chance_24m"] == {"last": pytest.approx(0.1), "time": 0.0, "records": 0.0, "model": pytest.approx(0.1), "now": pytest.approx(0.2)}
    assert told["b"]["chance_12m"] == {"last": 0.01, "time": None, "records": None, "model": None, "now": None}  # a week ago still within the look-back


def test_a_data_hash_is_of_names_kinds_and_values_in_order() -> None:
    table = pl.DataFrame({"ref": ["x", None], "n": [1, None], "p": [0.5, 2.0]}, schema={"ref": pl.String, "n": pl.Int64, "p": pl.Float64})
    wanted = hashlib.sha256(b"ref:String|n:Int64|p:Float64")
    wanted.update(b"x\n\0")
    wanted.update(struct.pack("<d", 1.0) + struct.pack("<d", float("nan")))
    wanted.update(struct.pack("<2d", 0.5, 2.0))
    assert refit.data_hash(table) == wanted.hexdigest()


def test_the_days_that_are_judged_and_for_which_ages_are_asked() -> None:
    held = history(date(2021, 7, 1), DAY)  # 48 months: look-back 24
    assert refit.judged_days(held) == [date(2024, 6, 30)]  # 36 months then; 24 a year before are too few
    assert refit.judged_days(history(date(2019, 12, 31), DAY)) == [date(2022, 6, 30), date(2023, 6, 30), date(2024, 6, 30)]
    assert refit.judged_days(history(date(2020, 1, 2), DAY)) == [date(2023, 6, 30), date(2024, 6, 30)]
    assert refit.level_days(held) == [date(2023, 6, 30), date(2023, 12, 30), date(2024, 6, 30), DAY]
    # Looked back on 30 months, then 18, then 12 on the judged days of a longer one.
    longer = [date(2020, 12, 30), *(date(year, month, 30) for year in (2021, 2022, 2023) for month in (6, 12)), date(2024, 6, 30), DAY]
    assert refit.all_days(history(date(2019, 12, 31), DAY)) == longer
    assert refit.all_days(history(date(2019, 12, 31), DAY), 1) == longer[3:]
    assert (refit.JUDGED_LANDMARKS, refit.JUDGED_STEP_MONTHS, refit.HALF_YEAR, refit.SEED) == (3, 12, 6, 20)


def test_the_records_held_are_of_each_charge_once_as_known_on_the_day() -> None:
    rows = [_charge(f"x{m}-{k}", "a", LIGHT, date(2024, m, 2 + k)) for m in range(1, 13) for k in range(20)]
    later = [_charge(f"y{k}", "a", LIGHT, date(2023, 6, 2), known_on=date(2025, 1, 5)) for k in range(50)]
    again = [row | {"outcome": "convicted", "known_on": date(2024, 12, 30)} for row in rows if row["charged_on"].month == 1]
    few = [_charge(f"z{k}", "a", LIGHT, date(2023, 12, 5 + k)) for k in range(9)]  # under half of 20; twice as many versions are not more charges
    twice = [row | {"known_on": date(2024, 2, 1)} for row in few]
    found = refit.history_of(pl.DataFrame([*rows, *later, *again, *few, *twice], infer_schema_length=None), date(2024, 12, 31))
    assert found is not None
    assert (found.first_day, found.left_out, found.months) == (date(2024, 1, 1), ("2023-12-01",), 12)
    assert refit.history_of(pl.DataFrame(later, infer_schema_length=None), date(2024, 12, 31)) is None


def test_two_models_side_by_side_by_counts_written_out() -> None:
    """Forty people: bands, chances moved by more than .01 and .05, and two of the highest twentieth, of whom one stays."""
    refs = [f"p{k:02d}" for k in range(40)]
    chance = [k / 100 for k in range(40)]
    old = pl.DataFrame({"person_ref": refs, "band": ["low"] * 30 + ["high-medium"] * 9 + [None], "chance_high_harm_12m": chance})
    new_chance = list(chance)
    new_chance[0], new_chance[1], new_chance[2], new_chance[38] = 0.0101, 0.0225, 0.0800, 0.30
    new = pl.DataFrame({"person_ref": refs, "band": ["low"] * 28 + ["low-medium"] * 2 + ["high-medium"] * 8 + ["high", "low"], "chance_high_harm_12m": new_chance})
    got = refit.side_by_side(old, new)
    assert got == {
        "people": 40, "bands_changed": 4,
        "bands": [{"band": None, "band_new": "low", "people": 1}, {"band": "high-medium", "band_new": "high", "people": 1}, {"band": "low", "band_new": "low-medium", "people": 2}],
        "chances_compared": 40, "mean_change": pytest.approx((0.0101 + 0.0125 + 0.06 - 0.08) / 40), "moved_over_01": 4, "moved_over_05": 2, "top5": 2, "top5_kept": 1,
    }  # fmt: skip
    none = old.with_columns(chance_high_harm_12m=pl.lit(None, dtype=pl.Float64))
    empty = refit.side_by_side(none, new)
    assert (empty["chances_compared"], empty["mean_change"], empty["top5"], empty["top5_kept"], empty["moved_over_01"]) == (0, None, 0, 0, 0)
    assert refit.side_by_side(old.head(9), new)["top5"] == 1


@pytest.mark.parametrize("record", [Rules, explain.LastWeek, weekly.ScoredPeople, level.LevelAhead, level.Slope, table.Stretch, model.Card, records.RecordsHeld, records.Vouched])
def test_what_many_read_nobody_changes(record: Any) -> None:
    one = object.__new__(record)
    with pytest.raises(FrozenInstanceError):
        one.months = 3
