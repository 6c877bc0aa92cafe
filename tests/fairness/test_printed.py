"""What an audit prints: counts rounded whole, rates of rounded counts, verdicts of exact ones; nothing small is told."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest
from bench import closings
from charging import force
from scipy.stats import binomtest, norm

from harmcast.fairness import measures, printed, ratios
from harmcast.fairness.audit import audit_people
from harmcast.fairness.groups import groups_of
from harmcast.fairness.ratios import SaidAndCame
from harmcast.fairness.rounding import CountFamily, controlled
from harmcast.fairness.thresholds import Thresholds
from harmcast.fairness.verdicts import Audit, AuditRule, judge

CONFUSION = ("n", "selected", "became", "did_not", "tp", "fp", "fn", "tn")
PARTS = (("n", ("became", "did_not")), ("became", ("tp", "fn")), ("did_not", ("fp", "tn")), ("selected", ("tp", "fp")))
COUNTED = ("n", "known", "base", "tp", "fp", "fn", "tn", "numerator", "denominator")


def drawn(key: tuple[str, ...]) -> float:
    return random.Random(repr(key)).random()


@cache
def audited(people: int = 3000, over_policing: float = 0.0, is_exact: bool = False) -> Audit:
    """The audit as it is printed, or of exact counts; made once for all tests that read it."""
    groups, scored, outcomes, charges = force(7, people=people, over_policing=over_policing)
    managed = scored.sort("person_ref")[::9].select("person_ref")
    features = scored.select("person_ref", leak=pl.col("selected").cast(pl.Int64))
    return audit_people(scored, features, groups, outcomes, managed, Thresholds(), charges=charges, drawn=None if is_exact else drawn)


def counts(seed: int, people: int) -> pl.DataFrame:
    groups, scored, outcomes, _ = force(seed, people=people)
    return measures.group_counts(scored.join(outcomes, on="person_ref"), groups)


def test_counts_before_rounding_are_those_of_a_plain_loop() -> None:
    groups, scored, outcomes, _ = force(7, people=900)
    exact = audited(900, is_exact=True)
    labels = {row["person_ref"]: row for row in groups.labels.iter_rows(named=True)}
    apart = set(scored.sort("person_ref")[::9]["person_ref"])
    came = dict(outcomes.select("person_ref", "became").iter_rows())
    theirs: dict[tuple[str, str, str], list[int]] = {}
    for row in scored.iter_rows(named=True):
        who = row["person_ref"]
        for attribute in groups.attributes:
            cell = theirs.setdefault(("managed" if who in apart else "not managed", attribute, labels[who][attribute]), [0, 0, 0, 0])
            cell[2 * (not row["selected"]) + (row["selected"] != came[who])] += 1
    ours = exact.table.filter(pl.col("measure") == "selection").select("scope", "attribute", "group", "tp", "fp", "fn", "tn")
    assert {(s, a, g): [tp, fp, fn, tn] for s, a, g, tp, fp, fn, tn in ours.iter_rows()} == {k: [v[0], v[1], v[3], v[2]] for k, v in theirs.items()}


def test_every_count_is_a_multiple_of_five_less_than_five_away_and_verdicts_are_those_of_exact_counts() -> None:
    exact, shown = audited(over_policing=0.6, is_exact=True), audited(over_policing=0.6)
    assert shown.table.select(*printed.KEY, "verdict").equals(exact.table.select(*printed.KEY, "verdict"))
    assert [(f.name, f.verdict, f.severity) for f in shown.findings] == [(f.name, f.verdict, f.severity) for f in exact.findings]
    assert shown.verdict == exact.verdict == "stop"
    assert (exact.table["n"].drop_nulls() % 5).sum() > 0
    for name in COUNTED:
        assert (shown.table[name].drop_nulls() % 5).sum() == 0, name
        assert (shown.table[name] - exact.table[name]).abs().max() < 5, name  # type: ignore[operator]
    said, proxies = shown.extra["Said and came"], shown.extra["Proxies"]
    assert all((frame[name] % 5).sum() == 0 for frame, names in ((said, ("people", "became")), (proxies, ("n", "n_group"))) for name in names)
    assert said.select("group", "verdict").equals(exact.extra["Said and came"].select("group", "verdict"))


def test_every_sum_holds() -> None:
    shown = audited()
    rows = shown.table.filter(measure="selection")
    assert (rows["tp"] + rows["fp"] + rows["fn"] + rows["tn"]).equals(rows["known"])
    assert (rows["tp"] + rows["fn"]).equals(rows["base"])
    for scope in ("managed", "not managed"):
        totals = {tuple(rows.filter(pl.col("attribute") == name, scope=scope).select("n", "tp", "fp", "fn", "tn").sum().row(0)) for name in ("sex", "age_band", "ethnicity_self")}
        assert len(totals) == 1
    said = shown.extra["Said and came"]
    for name in ("sex", "age_band", "ethnicity_self"):
        assert said.filter(attribute=name)["became"].sum() == said.filter(attribute="everyone")["became"].item()


def test_a_rate_is_of_printed_counts_and_of_fifty_or_more() -> None:
    shown = audited()
    told, untold = shown.table.filter(pl.col("value").is_not_null()), shown.table.filter(pl.col("value").is_null())
    assert told["denominator"].min() >= 50  # type: ignore[operator]
    assert (told["numerator"] / told["denominator"] - told["value"]).abs().max() < 1e-12  # type: ignore[operator]
    assert untold.height > 0
    assert untold["denominator"].max() < 50  # type: ignore[operator]
    assert untold.select("gap", "gap_low", "ratio", "low").null_count().row(0) == (untold.height,) * 4
    against = told.filter(pl.col("gap").is_not_null())
    assert (against["value"] - against["against_numerator"] / against["against_denominator"] - against["gap"]).abs().max() < 1e-12  # type: ignore[operator]
    said = shown.extra["Said and came"]
    assert (said["ratio"].is_not_null() == (said["said"] >= 50)).all()


def test_ranges_of_charges_are_as_wide_as_they_were_about_the_printed_share() -> None:
    exact, shown = audited(over_policing=0.6, is_exact=True), audited(over_policing=0.6)
    rows = shown.table.join(exact.table.filter(pl.col("against") == "others"), on=printed.KEY, suffix="_exact").filter(pl.col("ratio").is_not_null())
    assert rows.height > 4
    share, width = rows["against_numerator"] / rows["against_denominator"], rows["half_width_exact"].round(4)
    assert (share - (rows["against_numerator_exact"] / rows["denominator_exact"]).round(4)).abs().max() < 1e-12  # type: ignore[operator]
    assert (width > 0).all()
    for low, middle, high, wide in (("gap_low", "gap", "gap_high", width), ("ratio_low", "ratio", "ratio_high", width / share)):
        assert (rows[middle] - rows[low] - wide).abs().max() < 1e-9, low  # type: ignore[operator]
        assert (rows[high] - rows[middle] - wide).abs().max() < 1e-9, high  # type: ignore[operator]


def test_nothing_is_held_against_a_reference_group_of_fewer_than_fifty() -> None:
    groups, scored, outcomes, _ = force(7, people=1500)
    few = replace(groups, references={**groups.references, "sex": "not recorded"})
    shown = audit_people(scored, None, few, outcomes, None, Thresholds(), drawn=drawn).table.filter(attribute="sex", against="reference", measure="selection")
    assert shown["against_denominator"].max() < 50 < shown["denominator"].max()  # type: ignore[operator]
    assert shown["value"].null_count() < shown["gap"].null_count() == shown.height


def test_what_is_no_count_gives_no_count_away() -> None:
    """Sums of chances are printed as a mean chance times the printed count."""
    shown = audited()
    of = shown.table.filter(measure="observed_against_predicted").filter(pl.col("denominator") > 0)
    mean = of["against_numerator"] / of["against_denominator"]
    assert (mean - mean.round(4)).abs().max() < 1e-12  # type: ignore[operator]
    proxies = shown.extra["Proxies"]["auc"].drop_nulls()
    assert (proxies - proxies.round(4)).abs().max() == 0


def test_the_same_counts_are_printed_alike_and_another_secret_prints_others() -> None:
    groups, scored, outcomes, charges = force(7, people=1500)
    made = [json.dumps(audit_people(scored, None, groups, outcomes, None, Thresholds(), charges=charges, drawn=of).document(), allow_nan=False) for of in (drawn, drawn, lambda key: drawn(("x", *key)))]
    assert made[0] == made[1] != made[2]


@pytest.mark.parametrize("seed", range(4))
def test_no_count_of_one_to_four_is_told_by_all_that_is_printed_together(seed: int) -> None:
    """The attacker knows the groups that a crossed attribute's are of, and every sum that nobody printed."""
    table = counts(seed, 260).filter(pl.col("attribute").is_in(["sex", "age_band", "age_band + sex"]))
    singles, crossed = printed.families(table, CONFUSION, PARTS)
    shown = [controlled(family, drawn) for family in (singles, crossed)]
    assert max(one.slack for one in shown) == 0
    links = []
    for key in singles.counts:
        if len(key) == 3 and key[0] in ("sex", "age_band") and key[2] in CONFUSION:
            place = ("age_band", "sex").index(key[0])
            parts = tuple(k for k in crossed.counts if len(k) == 3 and k[0] == "age_band + sex" and k[2] == key[2] and k[1].split(", ")[place] == key[1])
            links.append((key, parts))
    whole = replace(singles, counts={**crossed.counts, **singles.counts}, sums=(*singles.sums, *crossed.sums, *links))
    told = closings.told(closings.Printed({**shown[1].counts, **shown[0].counts}, 4, whole))
    assert told[0] == 0
    assert told[1] > 20
    assert closings.told(closings.exact(whole))[0] == told[1]


def cells(*rows: tuple[str, str, int, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["attribute", "group", "n", "known"], orient="row")


def test_families_have_every_sum_with_what_is_left_of_it_and_no_other() -> None:
    table = cells(("sex", "f", 7, 5), ("sex", "m", 6, 6), ("age", "old", 12, 10), ("age + sex", "old, f", 4, 1))
    single, crossed = printed.families(table, ("n", "known"), (("n", ("known",)),))
    all_n, all_known = ("everyone", "all", "n"), ("everyone", "all", "known")
    f, m, old, both = ("sex", "f"), ("sex", "m"), ("age", "old"), ("age + sex", "old, f")

    def left(whole: tuple[str, ...], first: tuple[str, ...]) -> tuple[str, ...]:
        return (*whole, "without", *first)

    own: dict[tuple[str, ...], tuple[int, int]] = {f: (7, 5), m: (6, 6), old: (12, 10), both: (4, 1)}

    def counts_of(*groups: tuple[str, ...]) -> dict[tuple[str, ...], int]:
        found = {(*group, name): own[group][k] for group in groups for k, name in enumerate(("n", "known"))}
        return found | {left((*group, "n"), (*group, "known")): own[group][0] - own[group][1] for group in groups}

    # An attribute that counts fewer than another leaves a rest of everyone: 13 - 12, 11 - 10.
    assert single.counts == counts_of(f, m, old) | {
        all_n: 13, all_known: 11, left(all_n, (*f, "n")): 0, left(all_n, (*old, "n")): 1, left(all_known, (*f, "known")): 0, left(all_known, (*old, "known")): 1,
    }  # fmt: skip
    assert set(single.sums) == {
        *(((*g, "n"), ((*g, "known"), left((*g, "n"), (*g, "known")))) for g in (f, m, old)),
        *((whole, ((*f, c), (*m, c), left(whole, (*f, c)))) for whole, c in ((all_n, "n"), (all_known, "known"))),
        *((whole, ((*old, c), left(whole, (*old, c)))) for whole, c in ((all_n, "n"), (all_known, "known"))),
    }
    assert crossed.counts == counts_of(both) | {all_n: 4, all_known: 1, left(all_n, (*both, "n")): 0, left(all_known, (*both, "known")): 0}
    assert len(crossed.sums) == 3


def test_everyone_is_the_row_given_where_there_is_one_and_its_print_is_that_beside_single_attributes() -> None:
    """Eight people: 10 beside one group of eight; beside eight crossed cells of one they would be 5."""
    table = cells(("everyone", "all", 8, 8), ("sex", "f", 8, 8), *(("age + sex", f"{k}, f", 1, 1) for k in range(8)))
    (single, crossed) = printed.families(table, ("n",), ())
    assert [one.counts["everyone", "all", "n"] for one in (single, crossed)] == [8, 8]
    assert controlled(crossed, drawn).counts["everyone", "all", "n"] == 5
    asked: list[tuple[str, ...]] = []

    def listened(key: tuple[str, ...]) -> float:
        asked.append(key)
        return drawn(key)

    found = printed.rounded("not managed", table, ("n",), (), listened)
    assert found["n"].to_list()[:2] == [10, 10]
    assert found["n"].dtype == pl.Int64
    assert found.select("attribute", "group", "known").equals(table.select("attribute", "group", "known"))
    assert {key[0] for key in asked} == {"not managed"}
    assert ("not managed", "sex", "f", "n") in asked
    nobody: CountFamily = printed.families(cells(), ("n",), ())[0]
    assert nobody.counts == {("everyone", "all", "n"): 0}


def tenfold() -> tuple[pl.DataFrame, Any]:
    """Counts by sex and by age that are multiples of 5 already, so that printed figures must be the exact ones: made by hand."""
    women = {"tp": 40, "fp": 60, "fn": 10, "tn": 390}
    men = {"tp": 100, "fp": 100, "fn": 100, "tn": 1200}
    other = {"tp": 20, "fp": 20, "fn": 5, "tn": 10}
    tiny = {"tp": 5, "fp": 0, "fn": 0, "tn": 20}
    rows = []
    for attribute, group, c, mean in (("sex", "female", women, 0.1234), ("sex", "male", men, 0.2), ("sex", "other", other, 0.3), ("sex", "tiny", tiny, 0.5)):
        n, selected, became = sum(c.values()), c["tp"] + c["fp"], c["tp"] + c["fn"]
        counted = {
            "n": n, "selected": selected, "known": n, "became": became, "did_not": n - became, "selected_known": selected, **c, "scored": n, "became_scored": became,
            "did_not_scored": n - became, "fp_scored": c["fp"], "tp_scored": c["tp"], "selected_scored": selected, "upheld_known": selected, "upheld_selected": c["tp"],
        }  # fmt: skip
        chances = {"predicted": mean * n, "predicted_tp": 0.5 * selected, "predicted_fp": 0.5 * selected, "predicted_did_not": (1 - mean) * n}
        rows.append({"scope": "not managed", "attribute": attribute, "group": group, **counted, **chances, "base": became})
    groups = groups_of(pl.DataFrame({"person_ref": ["a", "b"], "sex": ["male", "female"]}), "person_ref", ["sex"], references={"sex": "male"})
    return pl.DataFrame(rows), groups


def test_what_is_printed_of_counts_that_need_no_rounding_is_what_was_measured_from_fifty_upwards() -> None:
    table, groups = tenfold()
    t = Thresholds()
    rules = [AuditRule("fpr", ("sex",), 0.8, 0.5), AuditRule("selection", ("sex",), 0.8, None)]
    exact = judge(measures.group_measures(table, groups), rules, t)
    shown = printed.measured(exact, table, groups, drawn, t.family_error)
    assert shown.select(*printed.KEY, "verdict").equals(exact.select(*printed.KEY, "verdict"))
    names = ("numerator", "denominator", "n", "known", "base", "tp", "fp", "fn", "tn")
    assert shown.select(names).equals(exact.select(names))
    hidden = 0
    for was, now in zip(exact.iter_rows(named=True), shown.iter_rows(named=True), strict=True):
        own, beside = was["denominator"] >= 50, was["denominator"] >= 50 and was["against_denominator"] >= 50
        for name, told in [*((n, own) for n in ("value", "low", "high")), *((n, beside) for n in ("gap", "gap_low", "gap_high", "half_width", "ratio", "ratio_low", "ratio_high"))]:
            assert (now[name] is not None) == told, (was["group"], was["measure"], name)
            assert not told or now[name] == pytest.approx(was[name], abs=1e-9), (was["group"], was["measure"], name)
        assert now["reason"] == (None if own else "under 50")
        hidden += not own
        judged = was["measure"] in ("fpr", "selection") and was["group"] != "male"
        assert (now["least_ratio"] is not None) == (judged and own)
        if judged and own:  # six rows share .01: a standard error of the logarithm from the range, times (z of .01 / 12 + .84)
            se = np.log(now["ratio_high"] / now["ratio_low"]) / 2 / 1.959964
            assert now["least_ratio"] == pytest.approx(np.exp(se * (norm.isf(0.01 / 12) + norm.isf(0.2))), rel=1e-6)
    assert hidden == 15  # all nine of the tiny group; of `other` (55: 40 selected, 25 became, 30 did not) all but selection, base rate and what was expected
    fnr = shown.filter(measure="fnr").select("group", "denominator", "value").rows()
    assert fnr == [("female", 50.0, 0.2), ("male", 200.0, 0.5), ("other", 25.0, None), ("tiny", 5.0, None)]


def test_a_mean_chance_of_a_group_is_of_those_scored_and_nought_where_nobody_was() -> None:
    table, groups = tenfold()
    odd = table.with_columns(pl.when(pl.col("group") == "tiny").then(0).otherwise(pl.col(name)).alias(name) for name in ("scored", "became_scored", "did_not_scored", "fp_scored", "tp_scored", "selected_scored"))
    odd = odd.with_columns(pl.when(pl.col("group") == "tiny").then(0.0).otherwise(pl.col("predicted") + 0.04).alias("predicted"))  # .04 of 500 people is no fourth digit: .12348 is .1235
    odd = odd.with_columns(predicted_tp=pl.when(pl.col("group") == "tiny").then(0.0).otherwise("predicted_tp"))
    exact = judge(measures.group_measures(odd, groups), [], Thresholds())
    shown = printed.measured(exact, odd, groups, drawn, 0.01)
    of = {row["group"]: row for row in shown.filter(measure="observed_against_predicted").iter_rows(named=True)}
    assert of["female"]["against_numerator"] == pytest.approx(0.1235 * 500)
    assert of["male"]["against_numerator"] == pytest.approx(0.2 * 1500)
    assert of["other"]["against_numerator"] == pytest.approx(0.3007 * 55)
    assert (of["tiny"]["against_numerator"], of["tiny"]["against_denominator"]) == (0.0, 0.0)
    assert shown["least_ratio"].null_count() == shown.height


@pytest.mark.parametrize(("denominator", "told"), [(50, True), (45, False)])
def test_a_measure_of_charges_is_printed_from_rounded_counts_about_others_exact_share(denominator: int, told: bool) -> None:
    own = pl.DataFrame({
        "scope": "records", "attribute": "sex", "group": ["f", "m"], "measure": "charges_fell_away", "is_reference": False, "against": "others", "n": [40, 600], "numerator": [15.0, 200.0],
        "denominator": [float(denominator), 1000.0], "value": [15 / denominator, 0.2], "low": 0.0, "high": 0.0, "against_numerator": [0.24996 * denominator, 300.0],
        "against_denominator": [float(denominator), 1000.0], "gap": 0.0, "gap_low": 0.0, "gap_high": 0.0, "half_width": [0.10004, 0.03], "ratio": 1.2, "ratio_low": 1.0, "ratio_high": 1.4,
        "verdict": ["concern", "met"], "judged_low": 0.0, "judged_high": 0.0, "least_ratio": 0.0,
    })  # fmt: skip
    made = printed._of_charges("charges_fell_away", own, drawn)
    f, m = made.iter_rows(named=True)
    assert (f["n"], f["numerator"], f["denominator"], f["against_denominator"]) == (40, 15.0, float(denominator), float(denominator))
    share = 15 / denominator
    assert [f[name] for name in ("value", "against_numerator", "gap", "gap_low", "gap_high")] == pytest.approx([share, 0.25 * denominator, share - 0.25, share - 0.35, share - 0.15])
    assert [f[name] for name in ("ratio", "ratio_low", "ratio_high")] == pytest.approx([share / 0.25, share / 0.25 - 0.4, share / 0.25 + 0.4])
    assert [m[name] for name in ("value", "against_numerator", "gap", "gap_low", "gap_high", "ratio", "ratio_low", "ratio_high")] == pytest.approx([0.2, 300.0, -0.1, -0.13, -0.07, 2 / 3, 2 / 3 - 0.1, 2 / 3 + 0.1])
    wilson = binomtest(15, denominator).proportion_ci(method="wilson")
    assert (f["low"], f["high"]) == pytest.approx((wilson.low, wilson.high))
    table, groups = tenfold()
    exact = pl.concat([judge(measures.group_measures(table, groups), [], Thresholds()), own], how="diagonal_relaxed")
    row = printed.measured(exact, table, groups, drawn, 0.01).filter(measure="charges_fell_away", group="f").row(0, named=True)
    assert (row["verdict"], row["value"] is not None, row["gap"] is not None, row["reason"]) == ("concern", told, told, None if told else "under 50")
    # Two rows are judged: se .4 / 1.96 on either side of the ratio, as a logarithm.
    z = (norm.isf(0.01 / 4) + norm.isf(0.2)) / (2 * norm.isf(0.025))
    assert row["least_ratio"] == (pytest.approx(((share + 0.1) / (share - 0.1)) ** z) if told else None)


def test_charges_are_rounded_with_those_that_fell_away_among_those_decided() -> None:
    frame = {"scope": "records", "attribute": "sex", "group": ["f", "m"], "against": "others", "n": [37, 601], "numerator": [13.0, 202.0], "denominator": [52.0, 1003.0], "against_numerator": [13.0, 300.0], "half_width": 0.1}
    made = printed._of_charges("charges_fell_away", pl.DataFrame(frame), drawn)
    for name, exact in (("n", (37, 601)), ("numerator", (13, 202)), ("denominator", (52, 1003))):
        assert all(value % 5 == 0 and abs(value - count) < 5 for value, count in zip(made[name].to_list(), exact, strict=True)), name
    left = made["denominator"] - made["numerator"]
    assert all(abs(a - b) < 5 for a, b in zip(left.to_list(), (39, 801), strict=True))


def test_a_ratio_of_what_was_said_is_printed_from_fifty_expected() -> None:
    rows = [SaidAndCame("everyone", "all", 1000, 149.92, 150, 100), SaidAndCame("sex", "f", 400, 49.94, 50, 40), SaidAndCame("sex", "m", 600, 49.96, 100, 60)]
    exact = ratios.judged(rows)
    shown = printed.said(rows, exact, drawn)
    assert shown["verdict"].equals(exact["verdict"])
    assert (shown["least_ratio"] - exact["least_ratio"]).abs().max() <= 5e-5  # type: ignore[operator]
    assert shown["least_ratio"].equals(exact["least_ratio"].round(4))
    assert "small" not in shown.columns
    assert shown.select("attribute", "group", "people", "said", "became").rows() == [("everyone", "all", 1000, 149.9, 150), ("sex", "f", 400, 49.9, 50), ("sex", "m", 600, 50.0, 100)]
    assert [row is None for row in shown["ratio"]] == [False, True, False]
    assert shown.select("ratio", "ratio_low", "ratio_high").row(1) == (None, None, None)
    half = np.exp(1.959964 / np.sqrt(60))
    assert shown.select("ratio", "ratio_low", "ratio_high").row(2) == pytest.approx((2.0, 2 / half, 2 * half))


def test_proxies_are_printed_with_rounded_sizes_and_four_digits() -> None:
    labels = pl.DataFrame({"person_ref": [f"p{k}" for k in range(20)], "sex": ["f"] * 9 + ["m"] * 11})
    groups = groups_of(labels, "person_ref", ["sex"])
    people = pl.DataFrame({"person_ref": [f"p{k}" for k in range(19)] + ["nobody knows"], "x": range(20)})  # nine, ten, and one without a label
    table = pl.DataFrame({
        "attribute": "sex", "group": ["f", "m", "not recorded"], "feature": "x", "kind": "value", "auc": [0.61237, 0.5, None], "auc_low": [0.51234, 0.4, None], "auc_high": [0.71236, 0.6, None],
        "half_width": [0.10004, 0.1, None], "n": 20, "n_group": [9, 10, 1], "verdict": "met", "reason": None,
    })  # fmt: skip
    shown = printed.proxies(table, people, groups, drawn)
    assert shown.columns == table.columns
    assert shown.select("auc", "auc_low", "auc_high", "half_width").rows() == [(0.6124, 0.5123, 0.7124, 0.1), (0.5, 0.4, 0.6, 0.1), (None,) * 4]
    assert shown["n_group"].to_list() == [10, 10, 0]
    assert shown["n"].to_list() == [20, 20, 20]
    assert shown.select("group", "feature", "kind", "verdict").equals(table.select("group", "feature", "kind", "verdict"))
