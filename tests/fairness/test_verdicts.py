"""A share against another: which ratio is met, a concern, a stop or too few to say, at values written out."""

from __future__ import annotations

import json
import math
from datetime import date
from typing import Any

import polars as pl
import pytest
from scipy.stats import fisher_exact, norm

from harmcast.fairness.measures import with_intervals
from harmcast.fairness.thresholds import Thresholds
from harmcast.fairness.verdicts import Audit, AuditFinding, AuditRule, judge, worst

RULE = AuditRule("fpr", ("ethnicity_self",), 0.8, 0.5)


def rows(*counts: tuple[float, float, float, float], measure: str = "fpr") -> pl.DataFrame:
    """A row a group: numerator, denominator, and the reference group's."""
    names = ("numerator", "denominator", "against_numerator", "against_denominator")
    found = [dict(zip(names, map(float, one), strict=True)) for one in counts]
    table = pl.DataFrame(found).with_columns(
        scope=pl.lit("not managed"), attribute=pl.lit("ethnicity_self"), group=pl.lit("Black"), is_reference=pl.lit(False), measure=pl.lit(measure), against=pl.lit("reference")
    )
    return with_intervals(table)


@pytest.mark.parametrize(
    ("own", "of", "verdict"),
    [
        (400, 8_000, "met"),  # 1, from .87 to 1.15
        (40, 800, "too few to say"),  # 1, from .73 to 1.37
        (460, 8_000, "too few to say"),  # 1.15, from 1.01 to 1.31: not found at .01
        (600, 8_000, "concern"),  # 1.5
        (250, 8_000, "concern"),  # .625
        (1_200, 8_000, "stop"),  # 3, at .01 from 2.6
        (100, 8_000, "stop"),  # .25
    ],
)
def test_a_share_beside_five_in_a_hundred_of_the_reference_group(own: int, of: int, verdict: str) -> None:
    assert judge(rows((own, of, 400, 8_000)), [RULE], Thresholds())["verdict"].to_list() == [verdict]


def test_the_same_absolute_gap_is_a_concern_of_a_small_share_and_met_of_a_large_one() -> None:
    small = judge(rows((1_120, 16_000, 800, 16_000)), [RULE], Thresholds())  # 7 against 5 in 100
    large = judge(rows((6_720, 16_000, 6_400, 16_000)), [RULE], Thresholds())  # 42 against 40
    assert (small["verdict"][0], large["verdict"][0]) == ("concern", "met")
    assert small["gap"][0] == pytest.approx(large["gap"][0])


def test_a_ratio_found_but_wholly_inside_the_bar_is_met() -> None:
    assert judge(rows((4_600, 80_000, 4_000, 80_000)), [RULE], Thresholds())["verdict"].to_list() == ["met"]  # 1.15, from 1.10 to 1.20


def test_many_rows_are_held_to_smaller_errors_and_each_says_the_least_it_would_find() -> None:
    alone = judge(rows((500, 8_000, 400, 8_000)), [RULE], Thresholds())  # p .0007
    among = judge(rows((500, 8_000, 400, 8_000), *[(400, 8_000, 400, 8_000)] * 99), [RULE], Thresholds())
    bar = Thresholds(ratio_concern=0.9)
    rule = AuditRule("fpr", (), bar.ratio_concern, None)
    assert [judge(table, [rule], bar)["verdict"][0] for table in (alone.drop("verdict", "judged_low", "judged_high", "least_ratio"), among.drop("verdict", "judged_low", "judged_high", "least_ratio"))] == ["concern", "too few to say"]
    # Standard error of the logarithm sqrt(1/400 - 1/8000 + 1/400 - 1/8000) = .0689; (2.576 + .842) x .0689 alone, (3.891 + .842) x .0689 among a hundred.
    assert judge(rows((400, 8_000, 400, 8_000)), [RULE], Thresholds())["least_ratio"][0] == pytest.approx(1.266, abs=0.001)
    assert among["least_ratio"][5] == pytest.approx(1.386, abs=0.001)


def test_what_no_rule_speaks_of_is_printed_without_a_least_ratio() -> None:
    found = judge(rows((400, 8_000, 400, 8_000), measure="ppv"), [RULE], Thresholds())
    assert (found["verdict"][0], found["least_ratio"][0]) == ("printed", None)


def test_a_rule_about_one_side_meets_the_other() -> None:
    higher = AuditRule("fpr", (), 0.9, None, "higher")
    assert judge(rows((200, 8_000, 400, 8_000)), [higher], Thresholds())["verdict"].to_list() == ["met"]
    assert judge(rows((600, 8_000, 400, 8_000)), [higher], Thresholds())["verdict"].to_list() == ["concern"]


def beside_others(*cells: tuple[float, float, float], **how: Any) -> pl.DataFrame:
    """Rows held against others: gap, ratio, and the half-width of the ratio's 95% range; others' share is .2."""
    frame = pl.DataFrame(
        [
            {"numerator": 1.0, "denominator": 100.0, "against_numerator": 20.0, "against_denominator": 100.0, "gap": gap, "ratio": ratio, "ratio_low": ratio - half, "ratio_high": ratio + half, "half_width": 0.2 * half}
            for gap, ratio, half in cells
        ]
    )
    named = {"scope": "records", "attribute": "sex", "group": "f", "is_reference": False, "measure": "charges_fell_away", "against": "others"} | how
    return frame.with_columns(pl.lit(value).alias(name) for name, value in named.items())


def test_rows_held_against_others_are_judged_by_their_own_standard_error() -> None:
    rule = AuditRule("charges_fell_away", (), 0.9, 0.5)
    # Of the gaps .1, .03, .024, .4 and 0 with standard errors of .2 x half / 1.96: z of 4.9, 1.47, 2.94, 3.92, 0.
    table = beside_others((0.1, 1.5, 0.2), (0.03, 1.15, 0.2), (0.024, 1.12, 0.08), (0.4, 3.0, 1.0), (0.0, 1.0, 0.1))
    found = judge(table, [rule], Thresholds())
    assert found["verdict"].to_list() == ["concern", "too few to say", "concern", "concern", "met"]
    # Holm's levels: .01 / 5 to the smallest tail, .01 / 4 to the next and so on; the interval of each is as wide as its level asks.
    z = [norm.isf(0.01 / (2 * k)) for k in (5, 2, 3, 4, 1)]
    halves = (0.2, 0.2, 0.08, 1.0, 0.1)
    for row, level, half in zip(found.iter_rows(named=True), z, halves, strict=True):
        assert row["judged_low"] == pytest.approx(row["ratio"] - half * level / 1.959964)
        assert row["judged_high"] == pytest.approx(row["ratio"] + half * level / 1.959964)
    wide, sure = (judge(beside_others((0.4, 3.0, half)), [rule], Thresholds())["verdict"][0] for half in (0.77, 0.75))  # z 2.576 of 1.96: 3 - 1.012 and 3 - .986
    assert (wide, sure) == ("concern", "stop")


def test_a_tail_is_of_both_sides_and_held_to_the_whole_error_where_one_row_is_judged() -> None:
    """Two-sided .01 is z 2.5758: a gap of 2.57 standard errors is not found, one of 2.58 is; on either side."""
    rule = AuditRule("charges_fell_away", (), 0.9, None)
    for z, verdict in ((2.57, "too few to say"), (2.58, "concern")):
        for sign in (1, -1):
            ratio = 1 + sign * 0.5
            rows = beside_others((sign * 0.1, ratio, 0.1 / z * 1.959964 / 0.2))
            assert judge(rows, [rule], Thresholds())["verdict"].to_list() == [verdict], (z, sign)


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({}, "concern"),
        ({"scope": "managed"}, "printed"),
        ({"measure": "fnr"}, "printed"),
        ({"attribute": "age_band"}, "printed"),
        ({"is_reference": True}, "printed"),
        ({"is_reference": True, "against": "prediction"}, "concern"),
        ({"gap": None}, "printed"),
        ({"is_reference": None}, "printed"),
    ],
)
def test_a_rule_speaks_of_its_measure_and_attributes_among_those_not_managed_and_not_of_the_reference_itself(changed: dict[str, Any], verdict: str) -> None:
    found = judge(rows((600, 8_000, 400, 8_000)).with_columns(pl.lit(value, dtype=pl.Boolean if name == "is_reference" else None).alias(name) for name, value in changed.items()), [RULE], Thresholds())
    assert found["verdict"].to_list() == [verdict]
    assert (found["least_ratio"][0] is None) == (verdict == "printed")


def test_the_worst_of_several_rules_stands_and_no_rule_prints_all() -> None:
    table = rows((1_200, 8_000, 400, 8_000))
    mild, other = AuditRule("fpr", (), 0.8, None), AuditRule("fnr", (), 0.8, 0.5)
    assert [judge(table, every, Thresholds())["verdict"][0] for every in ([mild], [mild, RULE], [RULE, mild], [other, mild], [other])] == ["concern", "stop", "stop", "concern", "printed"]


@pytest.mark.parametrize(
    ("low", "high", "worse", "verdict"),
    [
        (0.8, 1.25, "both", "met"),
        (0.7999, 1.25, "both", "too few to say"),
        (0.8, 1.2501, "both", "too few to say"),
        (0.1, 1.25, "higher", "met"),
        (0.1, 1.2501, "higher", "too few to say"),
        (0.8, 9.0, "lower", "met"),
        (0.7999, 9.0, "lower", "too few to say"),
    ],
)
def test_met_is_a_whole_range_inside_the_bar_its_ends_included(low: float, high: float, worse: Any, verdict: str) -> None:
    table = beside_others((0.0, 1.0, 0.1)).with_columns(ratio_low=pl.lit(low), ratio_high=pl.lit(high))
    assert judge(table, [AuditRule("charges_fell_away", ("sex",), 0.8, None, worse)], Thresholds())["verdict"].to_list() == [verdict]


@pytest.mark.parametrize(("ratio", "worse", "verdict"), [(1.25, "both", "too few to say"), (1.2501, "both", "concern"), (0.8, "both", "too few to say"), (0.7999, "both", "concern"), (1.2501, "lower", "too few to say"), (0.7999, "higher", "too few to say")])
def test_a_ratio_at_the_bar_is_no_concern_and_one_beyond_it_is(ratio: float, worse: Any, verdict: str) -> None:
    """Found, with a range that leaves the bar on both sides."""
    table = beside_others((1.0, ratio, 0.5)).with_columns(half_width=0.01, ratio_low=pl.lit(0.7), ratio_high=pl.lit(1.4))
    assert judge(table, [AuditRule("charges_fell_away", (), 0.8, 0.5, worse)], Thresholds())["verdict"].to_list() == [verdict]


def test_counts_are_judged_by_fishers_exact_test() -> None:
    """Between 30 and 60 of 1,000 beside 30 of 1,000 the first that is found is the first whose exact tail is at most .01."""
    for own in range(45, 60):
        sides = [fisher_exact([[own, 1000 - own], [30, 970]], side).pvalue for side in ("less", "greater")]
        found = judge(rows((own, 1_000, 30, 1_000)), [RULE], Thresholds())["verdict"][0]
        assert found == ("concern" if 2 * min(sides) <= 0.01 else "too few to say"), own


def test_how_far_over_its_bar_a_row_lies() -> None:
    row: Any = {"measure": "fpr", "attribute": "ethnicity_self", "ratio": 2.0}
    assert RULE.over(row) == (2.0, 0.8, pytest.approx(math.log(2) / -math.log(0.8)))
    assert RULE.over(row | {"ratio": 0.8}) == (0.8, 0.8, pytest.approx(1.0))
    assert RULE.over(row | {"ratio": 1.25}) == (1.25, 0.8, pytest.approx(1.0))
    assert AuditRule("fpr", (), 0.8, None).over(row | {"attribute": "sex"}) == (2.0, 0.8, pytest.approx(3.106, abs=0.001))
    for other in ({"ratio": 0.0}, {"ratio": None}, {"measure": "fnr"}, {"attribute": "sex"}):
        assert RULE.over(row | other) is None
    assert [AuditRule("fpr", (), bar, None).over(row) for bar in (0.0, 1.0)] == [None, None]


def test_the_worst_verdict_decides_and_silence_is_a_concern() -> None:
    assert worst(["met", "concern", "stop"]) == worst(["stop"]) == "stop"
    assert worst(["met", "concern"]) == "concern"
    assert worst(["met", "printed", "too few to say", "cannot say"]) == "met"
    assert worst([]) == worst(["printed", "too few to say"]) == "concern"


def test_an_audits_document_is_plain_json() -> None:
    table = pl.DataFrame({"group": ["a", None], "n": [5, 10], "value": [0.25, float("nan")], "flag": [True, False], "on": [date(2026, 1, 2), None]})
    audit = Audit("people", "stop", (AuditFinding("fpr/sex/f/higher", "stop", "Said.", 2.0, 0.8, 3.1),), table, Thresholds(), 7, 4, ("Unseen.",), {"Beside": table.select("n")}, ("Noted.",), True)
    document = audit.document()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert {name: value for name, value in document.items() if name != "thresholds"} == {
        "kind": "people", "verdict": "stop", "judged": 7, "too_few_to_say": 4, "findings": [{"name": "fpr/sex/f/higher", "verdict": "stop", "says": "Said."}], "notes": ["Noted."], "cannot_see": ["Unseen."],
        "tables": [
            {"title": "What was measured", "columns": ["group", "n", "value", "flag", "on"], "rows": [["a", 5, 0.25, True, "2026-01-02"], [None, 10, None, False, None]]},
            {"title": "Beside", "columns": ["n"], "rows": [[5], [10]]},
        ],
    }  # fmt: skip
    limits = {row["name"]: row for row in document["thresholds"]}
    assert limits["ratio_concern"]["value"] == 0.8
    assert limits["ratio_concern"]["unit"] == "ratio"
    assert limits["like_for_like"]["value"] == ["ethnicity_self", "ethnicity_officer"]


def test_thresholds_are_those_written_unless_a_force_sets_others() -> None:
    t = Thresholds()
    numbers = {row["name"]: row["value"] for row in t.document() if not isinstance(row["value"], list)}
    assert numbers == {
        "ratio_concern": 0.8, "ratio_stop": 0.5, "records_ratio_concern": 0.9, "family_error": 0.01, "proxy_concern_auc": 0.65, "proxy_refuse_auc": 0.75, "proxy_judged_half_width": 0.05,
        "feedback_error": 0.01, "places_ratio_concern": 0.8, "places_ratio_stop": 0.5, "places_judged_half_width": 0.2,
    }  # fmt: skip
    assert t.proxy_noted == ("age_band",)
    own = Thresholds.chosen({"ratio_stop": 0.4, "proxy_noted": ["sex", "age_band"], "not_of_the_audit": 3})
    assert (own.ratio_stop, own.proxy_noted, own.ratio_concern) == (0.4, ("sex", "age_band"), 0.8)
