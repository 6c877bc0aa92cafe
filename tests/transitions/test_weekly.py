from __future__ import annotations

import json
import math
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.people import by_hand
from tests.people.invented_careers import careers

from harmcast.evaluate import people_choose
from harmcast.evaluate.landmarks import backtest_people
from harmcast.people import harm, minors
from harmcast.people.features import NAMES
from harmcast.tables import SCORED_PEOPLE
from harmcast.transitions import card, followed, model, refit
from harmcast.transitions.changes import LastWeek
from harmcast.transitions.landmarks import People, Rules, panel
from harmcast.transitions.weekly import ScoredPeople, score_people

AS_OF = date(2025, 12, 29)
MONTHS = (12, 24)
CUTS = [5.0, 60.0, 300.0, 900.0]
SMALL = {"models": ("base_rate", "plain_harm", "card", "logistic"), "step_months": 12, "count": 4}


@pytest.fixture(scope="module")
def tables() -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    return careers(2500, 11, unknown_code=True)


@pytest.fixture(scope="module")
def rules() -> Rules:
    return Rules(harm.default_index(), harm.decay_from(), CUTS[2], "leave_out")


@pytest.fixture(scope="module")
def fitted(tables: tuple[pl.DataFrame, ...], rules: Rules) -> dict[str, Any]:
    persons, charges, births = tables
    flags = minors.flags(births, refit.all_days(AS_OF, MONTHS, 12, 4))
    return refit.refit(persons, charges, flags, AS_OF, rules, people_choose.choose, MONTHS, **SMALL)  # type: ignore[arg-type]


def _scored(
    tables: tuple[pl.DataFrame, ...], fitted: dict[str, Any] | None, rules: Rules, day: date, last: LastWeek | None = None
) -> ScoredPeople:
    persons, charges, births = tables
    return score_people(persons, charges, minors.flags(births, [day]), day, fitted, rules, CUTS, MONTHS, last)


@pytest.fixture(scope="module")
def scored(tables: tuple[pl.DataFrame, ...], fitted: dict[str, Any], rules: Rules) -> ScoredPeople:
    return _scored(tables, fitted, rules, AS_OF)


def test_the_model_is_plain_numbers_and_the_same_records_give_the_same_bytes(
    tables: tuple[pl.DataFrame, ...], fitted: dict[str, Any], rules: Rules
) -> None:
    persons, charges, births = tables
    flags = minors.flags(births, refit.all_days(AS_OF, MONTHS, 12, 4))
    later = charges.with_columns(
        outcome=pl.when(pl.col("known_on") > AS_OF).then(pl.lit("quashed")).otherwise(pl.col("outcome"))
    )
    again = refit.refit(persons, later.reverse().sort("known_on", "charge_ref"), flags, AS_OF, rules, people_choose.choose, MONTHS, **SMALL)  # type: ignore[arg-type]
    assert refit.to_json(again) == refit.to_json(fitted)
    assert json.loads(refit.to_json(fitted)) == json.loads(json.dumps(fitted))
    assert fitted["chosen"] in SMALL["models"]  # type: ignore[operator]
    assert fitted["became"]["12m"] >= 20


def test_every_row_is_as_the_release_wants_it(scored: ScoredPeople) -> None:
    people = scored.people
    assert set(SCORED_PEOPLE.names) - {"person_key"} <= set(people.columns)
    assert people["person_ref"].is_sorted()
    waiting = people.filter(pl.col("chance_high_harm_12m").is_not_null())
    assert waiting.height > 500
    for h in MONTHS:
        middle, low, high = (waiting[f"chance_high_harm_{h}m{end}"] for end in ("", "_low", "_high"))
        assert ((low <= middle) & (middle <= high) & (low >= 0) & (high <= 1)).all()
        assert waiting[f"told_{h}m"].is_in(["may become", "does not", "cannot tell"]).all()
    for end in ("", "_low", "_high"):
        assert (waiting[f"chance_high_harm_12m{end}"] <= waiting[f"chance_high_harm_24m{end}"]).all()
    assert waiting["band"].is_in(["low", "low-medium", "high-medium"]).all()
    nulls = people.filter(pl.col("chance_high_harm_12m").is_null())
    assert (nulls["high_before"] | nulls["incomplete"] | nulls["band"].is_in(["high", "super high"]).fill_null(True)).all()
    incomplete = people.filter(pl.col("incomplete"))
    assert incomplete.height > 0
    assert incomplete["band"].null_count() == incomplete.height
    assert scored.scores["people"] == people.height
    assert scored.scores["harm_incomplete"] == incomplete.height


def test_contributions_sum_to_the_score_and_charges_to_the_harm(scored: ScoredPeople, fitted: dict[str, Any]) -> None:
    checked = 0
    for row in scored.people.head(400).to_dicts():
        told = json.loads(row["reasons"])
        rest = told["others"]["events"]
        assert len(rest) == told["others"]["count"]
        assert min(c["charged_on"] for c in [*told["charges"], *rest]) >= told["not_known"]["first_charged_on"]
        if row["harm"] is not None:
            assert sum(c["effect"] for c in rest) == pytest.approx(told["others"]["effect"], rel=1e-12)
            total = sum(c["effect"] for c in told["charges"]) + told["others"]["effect"]
            assert total == pytest.approx(row["harm"], rel=1e-12)
            assert all(c["effect"] == pytest.approx(c["weight"] * c["left"], rel=1e-12) for c in told["charges"])
        counts = told["not_known"]
        assert counts["convicted"] + counts["awaiting_result"] == counts["charges_standing"]
        assert counts["events"] == len(told["charges"]) + told["others"]["count"]
        if row["chance_high_harm_12m"] is None:
            assert told["values"] is None
            continue
        checked += 1
        none_yet = 1.0
        for stretch, h in zip(told["effects"], MONTHS, strict=True):
            logit = stretch["intercept"]
            for effect in stretch["effects"]:
                logit += effect
            none_yet *= 1 - 0.5 * (1 + float(np.tanh(0.5 * logit)))
            assert 1 - none_yet == pytest.approx(row[f"chance_high_harm_{h}m"], abs=1e-14)
        lines = fitted["models"]["card"]["stretches"][0]["card"]
        values = dict(zip(NAMES, told["values"], strict=True))
        by_hand = [
            line["points"] if (values[line["feature"]] < line["threshold"]) == line["below"] else 0 for line in lines
        ]
        assert told["card"] == {"points": sum(by_hand), "lines": by_hand}
    assert checked > 50


def test_a_card_is_redone_by_hand_to_the_chance(fitted: dict[str, Any], tables: tuple[pl.DataFrame, ...], rules: Rules) -> None:
    persons, charges, births = tables
    table = panel(People(persons, charges, minors.flags(births, [AS_OF]), rules), [AS_OF], MONTHS, AS_OF)
    own = fitted["models"]["card"]
    x = model.matrix(table)
    chances, total = model.chances(own, x), card.points(own["stretches"][0]["card"], x)
    assert total.max() > total.min()
    assert (total == np.rint(total)).all()
    for points in np.unique(total):
        none_yet, by_hand = 1.0, []
        for stretch in own["stretches"]:
            none_yet /= 1 + np.exp(stretch["intercept"] + stretch["slope"] * points)
            by_hand.append(1 - none_yet)
        np.testing.assert_allclose(chances[total == points], np.tile(by_hand, (int((total == points).sum()), 1)), atol=1e-12)
    assert (np.diff([chances[total == p][0, 0] for p in np.unique(total)]) >= 0).all()


@pytest.mark.parametrize("new_rules", [False, True])
def test_time_records_and_model_add_up_to_the_change(
    tables: tuple[pl.DataFrame, ...], fitted: dict[str, Any], rules: Rules, scored: ScoredPeople, new_rules: bool
) -> None:
    day = AS_OF + timedelta(days=7)
    now_rules = Rules(rules.index, harm.decay_from("half_life", 18.0), CUTS[2], "leave_out") if new_rules else rules
    last = LastWeek(scored.people, AS_OF, fitted, rules)
    now = _scored(tables, fitted, now_rules, day, last)
    _, charges, _ = tables
    before = dict(scored.people.select("person_ref", "chance_high_harm_12m").iter_rows())
    seen = {"records": 0, "model": 0, "time": 0}
    for row in now.people.to_dicts():
        changed = json.loads(row["reasons"])["changed"]
        if changed is None:
            assert row["person_ref"] not in before
            continue
        for name, part in changed.items():
            value = row["harm"] if name == "harm" else row[f"chance_high_harm_{name.removeprefix('chance_')}"]
            assert part["now"] == value
            if None not in part.values():
                assert part["last"] + part["time"] + part["records"] + part["model"] == pytest.approx(part["now"], abs=1e-12, rel=1e-12)
                for key in seen:
                    seen[key] += part[key] != 0
    assert seen["time"] > 300
    assert seen["records"] > 0
    assert (seen["model"] > 0) is new_rules
    new = charges.filter((pl.col("known_on") > AS_OF) & (pl.col("known_on") <= day))
    quiet = set(before) - set(new["person_ref"]) - {ref.removesuffix("b") for ref in new["person_ref"]}
    for row in now.people.filter(pl.col("person_ref").is_in(list(quiet))).to_dicts():
        part = json.loads(row["reasons"])["changed"]["harm"]
        assert part["records"] in (0.0, None)


def test_without_a_model_there_are_bands_and_no_chances(tables: tuple[pl.DataFrame, ...], rules: Rules) -> None:
    bare = _scored(tables, None, rules, AS_OF)
    assert bare.people["chance_high_harm_24m"].null_count() == bare.people.height
    assert bare.people["band"].drop_nulls().len() > 500


def test_too_little_history_gives_no_chances_and_says_why(tables: tuple[pl.DataFrame, ...], rules: Rules) -> None:
    persons, charges, births = tables
    early = date(2017, 3, 1)
    flags = minors.flags(births, refit.all_days(early, MONTHS, 12, 2))
    found = refit.refit(persons, charges, flags, early, rules, people_choose.choose, MONTHS, step_months=12, count=2)
    assert found["chosen"] is None
    assert "fewer than 20" in found["because"]
    assert _scored(tables, found, rules, early).people["chance_high_harm_12m"].drop_nulls().len() == 0


def test_a_second_index_says_who_would_be_in_another_band(tables: tuple[pl.DataFrame, ...], rules: Rules) -> None:
    persons, charges, births = tables
    other = Rules(harm.HarmIndex(rules.index.table.with_columns(pl.col("weight") * 3), "x", "1", "y"), rules.decay, CUTS[2])
    flags = minors.flags(births, [AS_OF])
    moved = score_people(persons, charges, flags, AS_OF, None, rules, CUTS, second=(other, CUTS))
    same = score_people(persons, charges, flags, AS_OF, None, rules, CUTS, second=(other, [c * 3 for c in CUTS]))
    assert moved.scores["another_band_under_second_index"] > 50
    assert same.scores["another_band_under_second_index"] == 0
    assert same.scores["second_index_compared"] == same.people["band"].drop_nulls().len()


def test_old_and_new_side_by_side_counts_every_band_change(
    tables: tuple[pl.DataFrame, ...], fitted: dict[str, Any], rules: Rules, scored: ScoredPeople
) -> None:
    moved = scored.people.with_columns(
        band=pl.when(pl.col("band") == "low").then(pl.lit("low-medium")).otherwise(pl.col("band")),
        chance_high_harm_12m=pl.col("chance_high_harm_12m") + 0.02,
    )
    found = refit.side_by_side(scored.people, moved)
    assert found["bands_changed"] == scored.people.filter(pl.col("band") == "low").height
    assert found["moved_over_01"] == found["chances_compared"]
    assert found["moved_over_05"] == 0
    assert found["top5_kept"] == found["top5"]


def test_backtest_prints_the_contracts_figures_and_they_recompute(tables: tuple[pl.DataFrame, ...], rules: Rules) -> None:
    persons, charges, births = tables
    days = refit.judged_days(AS_OF, MONTHS, 2)
    flags = minors.flags(births, sorted({d for day in days for d in [day, *refit.training_days(day, MONTHS, 12, 4)]}))
    people = People(persons, charges, flags, rules)
    judged = refit.out_of_time(people, days, MONTHS, AS_OF, ("base_rate", "plain_harm", "logistic"), 12, 4)
    found = backtest_people("iom", judged, MONTHS, ("base_rate", "plain_harm", "logistic"))
    wanted = {"auc", "auc_low", "auc_high", "brier", "log_loss", "calibration_slope", "calibration_slope_low",
              "calibration_slope_high", "ece", "precision_top5", "recall_top5", "n", "base_rate"}  # fmt: skip
    for h in ("12m", "24m"):
        assert found["chosen"][h] in found["horizon"][h]
        for own in found["horizon"][h].values():
            assert wanted <= set(own)
            top = own["top5"]
            assert own["base_rate"] == own["became"] / own["n"]
            assert own["precision_top5"] == pytest.approx(top["true_positives"] / top["flagged"], abs=1e-12)
            assert own["recall_top5"] == pytest.approx(top["true_positives"] / own["became"], abs=1e-12)
            assert top["true_positives"] + top["false_positives"] == pytest.approx(top["flagged"])
            assert sum(g["n"] for g in own["tenths"]) == own["n"]
    assert found["horizon"]["12m"]["base_rate"]["auc"] == pytest.approx(0.5, abs=0.08)
    assert json.dumps(found, allow_nan=False)


def test_outcomes_are_not_known_before_their_day(tables: tuple[pl.DataFrame, ...], rules: Rules) -> None:
    persons, charges, births = tables
    days = refit.training_days(AS_OF, MONTHS, 6, 6)
    table = panel(People(persons, charges, minors.flags(births, days), rules), days, MONTHS, AS_OF)
    for (day,), part in table.group_by("landmark"):
        assert part["became_12m"].null_count() == 0
        assert (part["became_24m"].null_count() == part.height) == (day > date(2023, 12, 29))  # type: ignore[operator]
        both = part.drop_nulls("became_24m")
        assert (both["became_12m"] <= both["became_24m"]).all()


def test_the_card_is_redone_from_the_printed_reasons_with_plain_arithmetic(
    scored: ScoredPeople, fitted: dict[str, Any], tables: tuple[pl.DataFrame, ...], rules: Rules
) -> None:
    shipped = fitted | {"chosen": "card"}
    people = _scored(tables, shipped, rules, AS_OF).people.drop_nulls("chance_high_harm_12m").head(200)
    assert people.height == 200
    names = [feature["name"] for feature in shipped["features"]]
    seen = set()
    for row in people.to_dicts():
        told = json.loads(row["reasons"])
        value = dict(zip(names, told["values"], strict=True))
        points = 0
        for line in shipped["models"]["card"]["stretches"][0]["card"]:
            yes = value[line["feature"]] < line["threshold"] if line["below"] else value[line["feature"]] >= line["threshold"]
            points += line["points"] if yes else 0
        assert points == told["card"]["points"]
        seen.add(points)
        not_by_then = 1.0
        for months, stretch in zip(MONTHS, shipped["models"]["card"]["stretches"], strict=True):
            odds = math.exp(stretch["intercept"] + stretch["slope"] * points)
            not_by_then *= 1 - odds / (1 + odds)
            assert round(100 * (1 - not_by_then), 6) == round(100 * row[f"chance_high_harm_{months}m"], 6)
    assert len(seen) > 3


def test_what_followed_in_each_band_equals_a_count_by_hand(tables: tuple[pl.DataFrame, ...], rules: Rules) -> None:
    persons, charges, births = tables
    day = date(2024, 12, 29)
    people = People(persons, charges, minors.flags(births, [day, date(2023, 12, 29)]), rules)
    found = followed.what_followed(people, AS_OF, MONTHS, CUTS)
    assert found.height == len(MONTHS) * len(followed.WHAT) * 5
    then = _scored(tables, None, rules, day).people.drop_nulls("band")
    own = by_hand.known_charges(charges.to_dicts(), persons.to_dicts(), AS_OF)
    weights = dict(harm.weights_of(charges["offence_code"], rules.index).select("offence_code", "weight").iter_rows())
    into = {p["person_ref"]: p["merged_into"] for p in persons.to_dicts() if p["merged_into"] and p["known_on"] <= AS_OF}
    counted: dict[str, list[int]] = {}
    for ref, band in then.select("person_ref", "band").iter_rows():
        while ref in into:
            ref = into[ref]
        events = by_hand.as_events(own.get(ref, []), weights.__getitem__)
        heavy = any(e["counted_on"] > day and e["weight"] is not None and e["weight"] >= rules.high_cut / 4 for e in events)
        counted.setdefault(band, []).append(heavy)
    rows = found.filter((pl.col("horizon_months") == 12) & (pl.col("what") == "new_serious_event"))
    assert {r["band"]: (r["people"], r["followed"]) for r in rows.to_dicts()} == {b: (len(c), sum(c)) for b, c in counted.items()}
    assert rows["followed"].sum() > 20
