from __future__ import annotations

import json
import math
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from tests.people import by_hand
from tests.people.invented_careers import careers, scrambled_after, scrambled_before

from harmcast import tables
from harmcast.evaluate import people_choose
from harmcast.evaluate.landmarks import backtest_people
from harmcast.people import harm, minors
from harmcast.people.features import NAMES
from harmcast.people.harm import OGRS4_LEFT, OGRS4_MONTHS
from harmcast.tables import BANDS, SCORED_PEOPLE
from harmcast.transitions import card, followed, model, refit
from harmcast.transitions.changes import LastWeek
from harmcast.transitions.history import history
from harmcast.transitions.landmarks import People, Rules, eligible, panel
from harmcast.transitions.weekly import ScoredPeople, score_people
from harmcast.weeks import add_months

AS_OF = date(2025, 12, 29)
MONTHS = (12, 24)
CUTS = [5.0, 60.0, 300.0, 900.0]
TABLE = list(zip(OGRS4_MONTHS, OGRS4_LEFT, strict=True))
FIRST_DAY = date(2018, 12, 30)  # 84 months before AS_OF: the look-back is 60


HELD = history(FIRST_DAY, AS_OF)


@pytest.fixture(scope="module")
def made() -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    return careers(2500, 11, unknown_code=True)


@pytest.fixture(scope="module")
def rules() -> Rules:
    return Rules(harm.default_index(), harm.decay_from(), CUTS[2], "leave_out")


@pytest.fixture(scope="module")
def fitted(made: tuple[pl.DataFrame, ...], rules: Rules) -> dict[str, Any]:
    persons, charges, births = made
    return refit.refit(persons, charges, minors.flags(births, refit.all_days(HELD)), HELD, rules, people_choose.choose, MONTHS)


def _scored(
    made: tuple[pl.DataFrame, ...], fitted: dict[str, Any] | None, rules: Rules, day: date, last: LastWeek | None = None
) -> ScoredPeople:
    persons, charges, births = made
    return score_people(persons, charges, minors.flags(births, [day]), day, fitted, rules, CUTS, MONTHS, last)


@pytest.fixture(scope="module")
def scored(made: tuple[pl.DataFrame, ...], fitted: dict[str, Any], rules: Rules) -> ScoredPeople:
    return _scored(made, fitted, rules, AS_OF)


def test_the_model_is_plain_numbers_and_the_same_records_give_the_same_bytes(
    made: tuple[pl.DataFrame, ...], fitted: dict[str, Any], rules: Rules
) -> None:
    persons, charges, births = made
    flags = minors.flags(births, refit.all_days(HELD))
    later = charges.with_columns(
        outcome=pl.when(pl.col("known_on") > AS_OF).then(pl.lit("quashed")).otherwise(pl.col("outcome"))
    )
    again = refit.refit(persons, later.reverse().sort("known_on", "charge_ref"), flags, HELD, rules, people_choose.choose, MONTHS)
    assert refit.to_json(again) == refit.to_json(fitted)
    assert json.loads(refit.to_json(fitted)) == json.loads(json.dumps(fitted))
    assert fitted["chosen"] in card.CARDS
    assert fitted["history"]["look_back_months"] == 60
    assert fitted["became"]["12m"] >= 20


def test_scrambling_everything_known_after_the_day_changes_no_byte_of_the_model_and_no_score(made: tuple[pl.DataFrame, ...], rules: Rules) -> None:
    persons, charges, births = made
    day = date(2024, 6, 30)
    held = history(FIRST_DAY, day)
    flags = minors.flags(births, refit.all_days(held))
    found = []
    for folk, known in ((persons, charges.filter(pl.col("known_on") <= day)), scrambled_after(persons, charges, day)):
        one = refit.refit(folk, known, flags, held, rules, people_choose.choose, MONTHS)
        found.append((refit.to_json(one), score_people(folk, known, flags, day, one, rules, CUTS, MONTHS).people))
    assert found[0][0] == found[1][0]
    assert found[0][1].equals(found[1][1])
    assert (charges["known_on"] > day).sum() > 500


def test_scrambling_every_event_before_the_look_back_changes_no_chance(
    made: tuple[pl.DataFrame, ...], fitted: dict[str, Any], rules: Rules, scored: ScoredPeople
) -> None:
    """Of people not yet high harm both ways: what was high before is asked of all that is held."""
    persons, charges, births = made
    other = scrambled_before(charges, add_months(AS_OF, -fitted["history"]["look_back_months"]))
    assert (other["offence_code"] != charges["offence_code"]).sum() > 500
    columns = ["person_ref", *(f"chance_high_harm_{h}m{end}" for h in MONTHS for end in ("", "_low", "_high"))]
    then, again = (one.people.select(columns).drop_nulls() for one in (scored, _scored((persons, other, births), fitted, rules, AS_OF)))
    both = then.join(again, on="person_ref", how="semi")
    assert both.height > then.height / 2
    assert both.equals(again.join(then, on="person_ref", how="semi"))


def test_every_row_is_as_the_release_wants_it(scored: ScoredPeople) -> None:
    people = scored.people
    assert set(SCORED_PEOPLE.names) - {"person_key"} <= set(people.columns)
    assert people["person_ref"].is_sorted()
    waiting = people.filter(pl.col("chance_high_harm_12m").is_not_null())
    assert waiting.height > 500
    for h in MONTHS:
        middle, low, high = (waiting[f"chance_high_harm_{h}m{end}"] for end in ("", "_low", "_high"))
        assert ((low <= middle) & (middle <= high) & (low >= 0) & (high <= 1)).all()
    for end in ("", "_low", "_high"):
        assert (waiting[f"chance_high_harm_12m{end}"] <= waiting[f"chance_high_harm_24m{end}"]).all()
    assert waiting["band"].is_in(["low", "low-medium", "high-medium"]).all()
    nulls = people.filter(pl.col("chance_high_harm_12m").is_null())
    by_reason = {reason: nulls.filter(pl.col("no_chance") == reason) for reason in tables.NO_CHANCE}
    assert sum(part.height for part in by_reason.values()) == nulls.height
    assert waiting["no_chance"].null_count() == waiting.height
    assert by_reason["harm_incomplete"]["incomplete"].all()
    assert by_reason["high_now"]["band"].is_in(["high", "super high"]).all()
    assert by_reason["high_before"]["high_before"].all()
    assert by_reason["not_charged_lately"].height > 20
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
        own = fitted["cards"][fitted["chosen"]]
        values = dict(zip(NAMES, told["values"], strict=True))
        by_hand = [
            line["points"] if (values[line["feature"]] < line["threshold"]) == line["below"] else 0 for line in own["lines"]
        ]
        assert told["card"] == {"points": sum(by_hand), "lines": by_hand}
        at = own["table"][sum(by_hand)]
        assert at["points"] == sum(by_hand)
        for h in MONTHS:
            assert row[f"chance_high_harm_{h}m"] == at[f"p{h}"]  # to the digit
            assert row[f"chance_high_harm_{h}m_low"] == at[f"p{h}_low"]
            assert told["group"][f"group_high_{h}m"] == at[f"p{h}_group_high"]
    assert checked > 50


def test_the_table_is_redone_from_the_cards_levels_and_slopes(fitted: dict[str, Any]) -> None:
    own = fitted["cards"][fitted["chosen"]]
    assert len(own["table"]) == sum(line["points"] for line in own["lines"]) + 1
    for row in own["table"]:
        none_yet = 1.0
        for stretch in own["stretches"]:
            none_yet *= 1 - 1 / (1 + math.exp(-(stretch["a"] + stretch["b"] * row["points"] / 10)))
            assert row[f"p{stretch['months']}"] == pytest.approx(1 - none_yet, abs=1e-12)
    assert all(a["p12"] <= b["p12"] for a, b in pairwise(own["table"]))


@pytest.mark.parametrize("new_rules", [False, True])
def test_time_records_and_model_add_up_to_the_change(
    made: tuple[pl.DataFrame, ...], fitted: dict[str, Any], rules: Rules, scored: ScoredPeople, new_rules: bool
) -> None:
    day = AS_OF + timedelta(days=7)
    now_rules = Rules(rules.index, harm.decay_from("half_life", 18.0), CUTS[2], "leave_out") if new_rules else rules
    last = LastWeek(scored.people, AS_OF, fitted, rules)
    now = _scored(made, fitted, now_rules, day, last)
    _, charges, _ = made
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


def test_without_a_model_there_are_bands_and_no_chances(made: tuple[pl.DataFrame, ...], rules: Rules) -> None:
    bare = _scored(made, None, rules, AS_OF)
    assert bare.people["chance_high_harm_24m"].null_count() == bare.people.height
    assert bare.people["band"].drop_nulls().len() > 500


def test_twelve_and_twenty_four_months_are_asked_where_nobody_says(made: tuple[pl.DataFrame, ...], rules: Rules) -> None:
    persons, charges, births = made
    held = refit.history_of(charges, AS_OF)
    assert held is not None
    assert held.horizons == (12, 24)
    bare = score_people(persons, charges, minors.flags(births, [AS_OF]), AS_OF, None, rules, CUTS).people
    given = [name for name in bare.columns if name.startswith("chance_high_harm_")]
    assert given == [f"chance_high_harm_{h}m{end}" for h in (12, 24) for end in ("", "_low", "_high")]


def test_too_little_history_gives_no_chances_and_says_from_when(made: tuple[pl.DataFrame, ...], rules: Rules) -> None:
    persons, charges, births = made
    early = date(2018, 3, 1)
    held = refit.history_of(charges, early, MONTHS)
    assert held is not None
    assert held.months < 30
    found = refit.refit(persons, charges, minors.flags(births, refit.all_days(held)), held, rules, people_choose.choose, MONTHS)
    assert found["chosen"] is None
    assert held.chances_from.isoformat() in found["because"]
    scored = _scored(made, found, rules, AS_OF)
    assert scored.people["chance_high_harm_12m"].drop_nulls().len() == 0
    assert scored.scores["no_chance"]["history_short"] > 100


def test_a_model_of_another_form_gives_no_chances_and_says_so(made: tuple[pl.DataFrame, ...], fitted: dict[str, Any], rules: Rules) -> None:
    old = {"form": 1, "chosen": "logistic", "models": {"logistic": {"stretches": []}}}
    bare = _scored(made, old, rules, AS_OF)
    assert bare.people["chance_high_harm_12m"].null_count() == bare.people.height
    assert bare.scores["no_chance"]["old_model"] > 100
    after = _scored(made, fitted, rules, AS_OF + timedelta(days=7), LastWeek(bare.people, AS_OF, old, rules))
    assert after.people["chance_high_harm_12m"].drop_nulls().len() > 500


def test_three_years_of_records_print_twelve_months_alone(made: tuple[pl.DataFrame, ...], rules: Rules) -> None:
    persons, charges, births = made
    held = history(date(2022, 12, 30), AS_OF)
    assert (held.months, held.look_back, held.horizons) == (36, 18, (12,))
    found = refit.refit(persons, charges, minors.flags(births, refit.all_days(held)), held, rules, people_choose.choose, MONTHS)
    assert found["chosen"] == "card_three"
    assert "too short" in found["because"]
    people = _scored(made, found, rules, AS_OF).people
    assert people["chance_high_harm_12m"].drop_nulls().len() > 300
    assert people["chance_high_harm_24m"].drop_nulls().len() == 0


def test_what_was_charged_before_the_look_back_and_after_the_day_changes_no_chance(
    made: tuple[pl.DataFrame, ...], fitted: dict[str, Any], rules: Rules, scored: ScoredPeople
) -> None:
    persons, charges, births = made
    cut = add_months(AS_OF, -60)
    old = (pl.col("charged_on") <= cut) & (pl.col("happened_on") <= cut)
    again = charges.with_columns(
        offence_code=pl.when((pl.col("known_on") > AS_OF) | old).then(pl.lit("149")).otherwise(pl.col("offence_code")),
    )
    other = _scored((persons, again, births), fitted, rules, AS_OF).people
    both = scored.people.drop_nulls("chance_high_harm_12m").join(other.drop_nulls("chance_high_harm_12m"), on="person_ref", suffix="_other")
    assert both.height > 500
    events_across = (both["chance_high_harm_12m"] != both["chance_high_harm_12m_other"]).sum()
    assert events_across == 0


def test_a_level_taken_anew_keeps_the_card(made: tuple[pl.DataFrame, ...], fitted: dict[str, Any], rules: Rules) -> None:
    persons, charges, births = made
    before = history(FIRST_DAY, date(2025, 9, 29))
    held = history(FIRST_DAY, AS_OF)
    flags = minors.flags(births, sorted({*refit.all_days(before), *refit.all_days(held)}))
    older = refit.refit(persons, charges, flags, before, rules, people_choose.choose, MONTHS)
    people = People(persons, charges, flags, rules)
    now = refit.relevel(older, people, held)
    ours, theirs = (one["cards"][older["chosen"]] for one in (now, older))
    assert ours["lines"] == theirs["lines"]
    assert [s["b"] for s in ours["stretches"]] == [s["b"] for s in theirs["stretches"]]
    assert [s["a"] for s in ours["stretches"]] != [s["a"] for s in theirs["stretches"]]
    assert now["as_of"] == "2025-12-29"
    assert refit.relevel(now, people, held)["cards"] == now["cards"]


def test_a_level_taken_on_the_same_records_says_the_same_of_them(made: tuple[pl.DataFrame, ...], fitted: dict[str, Any], rules: Rules) -> None:
    persons, charges, births = made
    people = People(persons, charges, minors.flags(births, refit.all_days(HELD)), rules)
    now = refit.relevel(fitted, people, HELD)
    same = ["as_of", "history", "rows", "people", "became", "base_rate", "data_hash", "not_charged_lately", "chosen", "halving", "calibration_slope", "rehearsal"]
    assert {name: now[name] for name in same} == {name: fitted[name] for name in same}
    assert (now["card_as_of"], now["because"]) == ("2025-12-29", "the card of 2025-12-29 with its level of 2025-12-29")
    ours, theirs = (one["cards"][fitted["chosen"]] for one in (now, fitted))
    assert [s["a"] for s in ours["stretches"]] == pytest.approx([s["a"] for s in theirs["stretches"]], abs=1e-4)
    assert ours["half_year"]["a"] == pytest.approx(theirs["half_year"]["a"], abs=1e-4)
    for row, then in zip(ours["table"], theirs["table"], strict=True):
        assert row == pytest.approx(then, abs=1e-4)
    others = [name for name in fitted["cards"] if name != fitted["chosen"]]
    assert {name: now["cards"][name] for name in others} == {name: fitted["cards"][name] for name in others}
    few = People(persons, charges.filter(pl.col("person_ref").str.slice(1, 5) < "00080"), minors.flags(births, refit.all_days(HELD)), rules)
    with pytest.raises(ValueError, match="fewer than 20 people became high harm"):
        refit.relevel(fitted, few, HELD)


def test_a_chance_out_of_time_is_that_of_what_was_known_on_its_day(made: tuple[pl.DataFrame, ...], rules: Rules) -> None:
    persons, charges, births = made
    day = date(2024, 12, 29)
    people = People(persons, charges, minors.flags(births, refit.all_days(HELD)), rules)
    found = refit.out_of_time(people, [day], FIRST_DAY, MONTHS, AS_OF, ("base_rate", "card_three"))
    before = history(FIRST_DAY, day)
    assert (before.months, before.look_back) == (72, 48)
    then = panel(people, before.landmarks(), MONTHS, day, 48)
    one = model.fit("card_three", then, MONTHS, day)
    judged = panel(people, [day], MONTHS, AS_OF, 48)
    assert found.columns == ["landmark", "person_ref", "harm", "became_12m", "became_24m", "base_rate_12m", "base_rate_24m", "card_three_12m", "card_three_24m"]
    assert found.select("landmark", "person_ref", "harm", "became_12m", "became_24m").equals(judged.select("landmark", "person_ref", "harm", "became_12m", "became_24m"))
    chances = one.chances(model.matrix(judged))
    assert found["card_three_12m"].to_list() == chances[:, 0].tolist()
    assert found["card_three_24m"].to_list() == chances[:, 1].tolist()
    assert found["base_rate_12m"].n_unique() == 1
    early = refit.out_of_time(people, [date(2021, 12, 29)], FIRST_DAY, MONTHS, AS_OF, ("card_three",))  # 36 months held: the first horizon alone
    assert early["card_three_12m"].null_count() == 0
    assert early["card_three_24m"].null_count() == early.height > 0
    assert refit.out_of_time(people, [date(2021, 5, 29)], FIRST_DAY, MONTHS, AS_OF).is_empty()  # 29 months: none would have been printed


def test_days_that_are_judged_lie_a_year_apart_and_have_enough_to_go_by() -> None:
    assert refit.judged_days(HELD) == [date(2022, 12, 29), date(2023, 12, 29), date(2024, 12, 29)]
    assert refit.judged_days(history(date(2021, 12, 30), AS_OF)) == [date(2024, 12, 29)]  # 36 months then; 24 the year before
    assert refit.judged_days(history(date(2022, 7, 1), date(2025, 12, 31), MONTHS)) == [date(2024, 12, 31)]  # 30 months, the least
    assert refit.judged_days(history(date(2022, 7, 2), date(2025, 12, 31), MONTHS)) == []
    four_years = history(date(2021, 12, 30), AS_OF)
    assert refit.level_days(four_years) == [date(2023, 12, 29), date(2024, 6, 29), date(2024, 12, 29), AS_OF]


def test_those_not_charged_lately_are_counted_together(made: tuple[pl.DataFrame, ...], fitted: dict[str, Any], rules: Rules) -> None:
    """Of the cohort on the day, by all that is held: without a charge counted in the 60 months, not yet high; and who of them became."""
    persons, charges, births = made
    people = People(persons, charges, minors.flags(births, refit.all_days(HELD)), rules)
    into = {p["person_ref"]: p["merged_into"] for p in persons.to_dicts() if p["merged_into"] is not None and p["known_on"] <= AS_OF}
    since = people.path(AS_OF).filter(pl.col("harm") >= 300)
    for h, day in ((12, date(2024, 12, 29)), (24, date(2023, 12, 29))):
        refs = set(eligible(people, day)["person_ref"]) - set(people.features(day, 60)["person_ref"])
        high = set(since.filter(pl.col("counted_on") > day)["person_ref"])
        became = sum(into.get(ref, ref) in high for ref in refs)
        assert fitted["not_charged_lately"][f"{h}m"] == {"day": day.isoformat(), "people": len(refs), "became": became, "share": became / len(refs)}
        assert len(refs) > 50


def test_a_second_index_says_who_would_be_in_another_band(made: tuple[pl.DataFrame, ...], rules: Rules) -> None:
    persons, charges, births = made
    other = Rules(harm.HarmIndex(rules.index.table.with_columns(pl.col("weight") * 3), "x", "1", "y"), rules.decay, CUTS[2])
    flags = minors.flags(births, [AS_OF])
    moved = score_people(persons, charges, flags, AS_OF, None, rules, CUTS, second=(other, CUTS))
    same = score_people(persons, charges, flags, AS_OF, None, rules, CUTS, second=(other, [c * 3 for c in CUTS]))
    assert moved.scores["another_band_under_second_index"] > 50
    assert same.scores["another_band_under_second_index"] == 0
    assert same.scores["second_index_compared"] == same.people["band"].drop_nulls().len()


def test_old_and_new_side_by_side_counts_every_band_change(
    made: tuple[pl.DataFrame, ...], fitted: dict[str, Any], rules: Rules, scored: ScoredPeople
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


def test_old_and_new_side_by_side_by_hand() -> None:
    """Forty people by both: a twentieth is 2 of the 40 with both chances. One more is scored by the new alone, one has lost its band."""
    def table(rows: list[tuple[str, str | None, float | None]]) -> pl.DataFrame:
        return pl.DataFrame(rows, schema={"person_ref": pl.String, "band": pl.String, "chance_high_harm_12m": pl.Float64}, orient="row")

    old = [(f"P{k:02}", "low", 0.01 * k) for k in range(1, 41)] + [("Q1", "high", None), ("Q2", "low", 0.9)]
    moves = {40: 0.0, 39: -0.04, 38: 0.03, 1: 0.01, 2: 0.0101, 3: 0.05, 4: 0.0501, 5: -0.06}
    new = [(f"P{k:02}", "low-medium" if k in (7, 8) else "low", 0.01 * k + moves.get(k, 0.0)) for k in range(40, 0, -1)]
    new += [("Q1", None, 0.3), ("Q2", "low", None), ("R1", "high", 0.95)]
    found = refit.side_by_side(table(old), table(new))
    assert found["mean_change"] == pytest.approx((-0.04 + 0.03 + 0.01 + 0.0101 + 0.05 + 0.0501 - 0.06) / 40)
    assert {name: found[name] for name in found if name != "mean_change"} == {
        "people": 42, "bands_changed": 3, "chances_compared": 40, "moved_over_01": 6, "moved_over_05": 2, "top5": 2, "top5_kept": 1,
        "bands": [{"band": "high", "band_new": None, "people": 1}, {"band": "low", "band_new": "low-medium", "people": 2}],
    }  # fmt: skip
    none = refit.side_by_side(table([("P1", "low", None)]), table([("P1", "low", 0.2)]))
    assert (none["people"], none["chances_compared"], none["top5"], none["top5_kept"], none["mean_change"]) == (1, 0, 0, 0, None)
    few = refit.side_by_side(table([("P1", "low", 0.1), ("P2", "low", 0.1)]), table([("P2", "low", 0.1), ("P1", "low", 0.1)]))
    assert (few["top5"], few["top5_kept"]) == (1, 1)  # one at the least; of equals the first reference


def test_backtest_prints_the_contracts_figures_and_they_recompute(made: tuple[pl.DataFrame, ...], rules: Rules) -> None:
    persons, charges, births = made
    days = refit.judged_days(HELD, 2)
    assert days == [date(2023, 12, 29), date(2024, 12, 29)]
    people = People(persons, charges, minors.flags(births, refit.all_days(HELD, 2)), rules)
    judged = refit.out_of_time(people, days, FIRST_DAY, MONTHS, AS_OF)
    found = backtest_people("iom", judged, MONTHS, model.SIMPLEST_FIRST, HELD.document())
    assert found["history"]["look_back_months"] == 60
    wanted = {"auc", "auc_low", "auc_high", "brier", "log_loss", "calibration_slope", "calibration_slope_low",
              "calibration_slope_high", "ece", "precision_top5", "recall_top5", "n", "base_rate",
              "said_over_came", "said_over_came_low", "said_over_came_high"}  # fmt: skip
    for h in ("12m", "24m"):
        assert found["chosen"][h] in found["horizon"][h]
        for own in found["horizon"][h].values():
            assert wanted <= set(own)
            assert own["said_over_came"] == pytest.approx(own["mean_chance"] * own["n"] / own["became"])
            assert own["said_over_came_low"] < own["said_over_came"] < own["said_over_came_high"]
            top = own["top5"]
            assert own["base_rate"] == own["became"] / own["n"]
            assert own["precision_top5"] == pytest.approx(top["true_positives"] / top["flagged"], abs=1e-12)
            assert own["recall_top5"] == pytest.approx(top["true_positives"] / own["became"], abs=1e-12)
            assert top["true_positives"] + top["false_positives"] == pytest.approx(top["flagged"])
            assert sum(g["n"] for g in own["tenths"]) == own["n"]
    assert found["horizon"]["12m"]["base_rate"]["auc"] == pytest.approx(0.5, abs=0.08)
    assert json.dumps(found, allow_nan=False)


def test_outcomes_are_not_known_before_their_day(made: tuple[pl.DataFrame, ...], rules: Rules) -> None:
    persons, charges, births = made
    days = [date(2022, 6, 29), date(2022, 12, 29), date(2023, 6, 29), date(2023, 12, 29), date(2024, 6, 29), date(2024, 12, 29)]
    table = panel(People(persons, charges, minors.flags(births, days), rules), days, MONTHS, AS_OF)
    for (day,), part in table.group_by("landmark"):
        assert part["became_12m"].null_count() == 0
        assert (part["became_24m"].null_count() == part.height) == (day > date(2023, 12, 29))  # type: ignore[operator]
        both = part.drop_nulls("became_24m")
        assert (both["became_12m"] <= both["became_24m"]).all()


def test_what_followed_in_each_band_equals_a_count_by_hand(made: tuple[pl.DataFrame, ...], rules: Rules) -> None:
    persons, charges, births = made
    day = date(2024, 12, 29)
    people = People(persons, charges, minors.flags(births, [day, date(2023, 12, 29)]), rules)
    found = followed.what_followed(people, AS_OF, MONTHS, CUTS)
    assert found.height == len(MONTHS) * len(followed.WHAT) * 5
    then = _scored(made, None, rules, day).people.drop_nulls("band")
    own = by_hand.known_charges(charges.to_dicts(), persons.to_dicts(), AS_OF)
    weights = dict(harm.weights_of(charges["offence_code"], rules.index).select("offence_code", "weight").iter_rows())
    there = {p["person_ref"] for p in persons.to_dicts() if p["known_on"] <= AS_OF}
    into = {p["person_ref"]: p["merged_into"] for p in persons.to_dicts() if p["merged_into"] in there and p["known_on"] <= AS_OF}
    counted: dict[str, list[int]] = {band: [] for band in BANDS}
    before = by_hand.known_charges(charges.to_dicts(), persons.to_dicts(), day)
    for ref, band in then.select("person_ref", "band").iter_rows():
        if band in BANDS[3:] or by_hand.ever_high(before[ref], weights.__getitem__, rules.high_cut, TABLE):
            continue
        while ref in into:
            ref = into[ref]
        events = by_hand.as_events(own.get(ref, []), weights.__getitem__)
        heavy = any(e["counted_on"] > day and e["weight"] is not None and e["weight"] >= rules.high_cut / 4 for e in events)
        counted[band].append(heavy)
    rows = found.filter((pl.col("horizon_months") == 12) & (pl.col("what") == "new_serious_event"))
    assert {r["band"]: (r["people"], r["followed"]) for r in rows.to_dicts()} == {b: (len(c), sum(c)) for b, c in counted.items()}
    assert rows["followed"].sum() > 20
    assert sum(len(c) for c in counted.values()) < then.height
    assert rows.filter(pl.col("band").is_in(BANDS[3:]))["people"].to_list() == [0, 0]


def test_the_level_of_six_months_is_kept_and_never_printed(fitted: dict[str, Any], scored: ScoredPeople) -> None:
    kept = fitted["cards"][fitted["chosen"]]
    first, half = kept["stretches"][0], kept["half_year"]
    assert (half["months"], half["b"]) == (6, first["b"])
    assert half["a"] < first["a"]
    assert not [name for row in kept["table"] for name in row if name.startswith("p6")]


def test_a_printed_chance_leads_back_to_its_row_of_the_card(fitted: dict[str, Any], scored: ScoredPeople) -> None:
    kept = fitted["cards"][fitted["chosen"]]
    row = kept["table"][3]
    found = model.by_chance(fitted, pl.Series([row["p12"], 0.123456]), 12)
    a, b = kept["half_year"]["a"], kept["half_year"]["b"]
    assert found.row(0) == (row["p12_group_low"], row["p12_group_high"], pytest.approx(1 / (1 + math.exp(-(a + 0.3 * b))), rel=1e-12))
    assert found.row(1) == (None, None, None)
    chances = scored.people["chance_high_harm_12m"].drop_nulls()
    beside = model.by_chance(fitted, chances, 12)
    assert beside["group_low"].null_count() == 0
    assert (beside["half_year"] < chances).all()
    older = {**fitted, "cards": {**fitted["cards"], fitted["chosen"]: {k: v for k, v in kept.items() if k != "half_year"}}}
    assert model.by_chance(older, chances, 12)["half_year"].null_count() == len(chances)


@pytest.mark.parametrize(
    ("today", "due"),
    [(date(2026, 4, 26), None), (date(2026, 4, 27), "level"), (date(2027, 1, 26), "level"), (date(2027, 1, 27), "refit")],
)
def test_what_is_due_of_a_model_is_said(fitted: dict[str, Any], today: date, due: str | None) -> None:
    """Made on 29 December 2025: three months, or twelve, and four weeks to spare."""
    found = model.overdue(fitted, today)
    assert [due in one for one in found] == ([] if due is None else [True])
    assert model.overdue(None, today) == []
    assert model.overdue({"form": 1, "chosen": "logistic"}, today) == []


def test_a_level_taken_anew_leaves_the_card_its_day(fitted: dict[str, Any]) -> None:
    newer = {**fitted, "card_as_of": "2025-12-29", "as_of": "2026-09-28"}
    assert model.overdue(newer, date(2026, 10, 30)) == []
    assert "refit" in model.overdue(newer, date(2027, 1, 27))[0]


def test_what_the_document_says_of_the_panel_is_counted_again(made: tuple[pl.DataFrame, ...], fitted: dict[str, Any], rules: Rules) -> None:
    """Rows, people, outcomes and hash from the panel itself; the range's part from half the look-back; the rehearsal from the day a year ago."""
    persons, charges, births = made
    assert [fitted[name] for name in ("form", "months", "as_of", "high_cut", "seed", "most_rows_fitted")] == [2, [12, 24], "2025-12-29", 300.0, 20, 120_000]
    assert [one["name"] for one in fitted["features"]] == list(NAMES)
    year_ago = date(2024, 12, 29)
    people = People(persons, charges, minors.flags(births, refit.all_days(HELD)), rules)
    own = panel(people, HELD.landmarks(), MONTHS, AS_OF, 60)
    assert fitted["landmarks"] == [str(day) for day in HELD.landmarks()] == ["2023-12-29", "2024-06-29", "2024-12-29"]
    assert (fitted["rows"], fitted["people"]) == (own.height, len(set(own["person_ref"])))
    for h in MONTHS:
        known = own[f"became_{h}m"].drop_nulls().to_list()
        assert (fitted["became"][f"{h}m"], fitted["base_rate"][f"{h}m"]) == (sum(known), pytest.approx(sum(known) / len(known)))
    assert fitted["data_hash"] == refit.data_hash(own)

    short = panel(people, HELD.landmarks(), MONTHS, AS_OF, 30)
    half = model.fit(fitted["chosen"], short, MONTHS, AS_OF)
    now, then = (people.features(AS_OF, months).filter(~pl.col("incomplete") & ~pl.col("high_before") & (pl.col("harm_held") < 300)) for months in (60, 30))
    both = sorted(set(now["person_ref"]) & set(then["person_ref"]))
    p, q = [], []
    for table, found in ((now, p), (then, q)):
        x = model.matrix(table.filter(pl.col("person_ref").is_in(both)).sort("person_ref"))
        kept = fitted["cards"][fitted["chosen"]] if table is now else {"lines": half.lines, "stretches": [s.document() for s in half.stretches]}
        found.extend(model.card_chances(kept, x).tolist())
    for k in (0, 1):
        off = [math.log(a[k] / (1 - a[k])) - math.log(b[k] / (1 - b[k])) for a, b in zip(p, q, strict=True)]
        mean = math.fsum(off) / len(off)
        assert fitted["halving"][k] == pytest.approx(math.sqrt(math.fsum((d - mean) ** 2 for d in off) / len(off)), rel=1e-9)

    told = fitted["rehearsal"]
    before = history(FIRST_DAY, year_ago)
    learnt = model.fit(fitted["chosen"], panel(people, before.landmarks(), MONTHS, year_ago, 48), MONTHS, year_ago)
    assert (told["day"], told["look_back_months"], told["lines"]) == ("2024-12-29", 48, learnt.lines)
    assert told["stretches"] == [stretch.document() for stretch in learnt.stretches]
    assert set(told) == {"day", "look_back_months", "lines", "stretches"}
    assert [name for name, one in fitted["cards"].items() if "table" in one] == [fitted["chosen"]]


def test_too_few_who_became_print_nothing_and_say_so(made: tuple[pl.DataFrame, ...], rules: Rules) -> None:
    persons, charges, births = made
    few = charges.filter(pl.col("person_ref").str.slice(1, 5) < "00080")
    found = refit.refit(persons, few, minors.flags(births, refit.all_days(HELD)), HELD, rules, people_choose.choose, MONTHS)
    assert (found["chosen"], found["because"]) == (None, "fewer than 20 people became high harm in the records looked at")
    assert 0 < found["became"]["12m"] < 20
    assert refit.rehearsal(People(persons, few, minors.flags(births, refit.all_days(HELD)), rules), HELD, "card_three") is None
