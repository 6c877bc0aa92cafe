"""Said and came: ratios, Holm's rule and verdicts against values written out."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from harmcast.fairness import ratios
from harmcast.fairness.ratios import SaidAndCame


def _row(said: float, became: int, attribute: str = "sex", group: str = "a") -> SaidAndCame:
    return SaidAndCame(attribute, group, 1000, said, became, became)


def test_the_interval_is_on_the_logarithm_over_distinct_people() -> None:
    row = SaidAndCame("everyone", "all", 1000, 100.0, 80, 64)
    assert row.ratio == 0.8
    assert row.interval(1.96) == pytest.approx((0.8 * np.exp(-1.96 / 8), 0.8 * np.exp(1.96 / 8)))


@pytest.mark.parametrize(("said", "least"), [(50, 1.49), (100, 1.32), (160, 1.25), (400, 1.15)])
def test_the_least_ratio_found_eight_times_in_ten(said: float, least: float) -> None:
    assert ratios.least_ratio(said) == pytest.approx(least, abs=0.006)
    assert ratios.least_ratio(said, 15) > least


def test_holms_rule_by_hand() -> None:
    found = ratios.holm([0.04, 0.001, 0.02, 0.5])
    assert found == [(False, 0.05 / 2), (True, 0.05 / 4), (False, 0.05 / 3), (False, 0.05)]
    assert ratios.holm([0.0125, 0.001, 0.02, 0.5])[0] == (True, 0.05 / 3)


@pytest.mark.parametrize(
    ("row", "found", "level", "verdict"),
    [
        (_row(400, 400), False, 0.05, "met"),
        (_row(100, 100), False, 0.05, "met"),  # .822 to 1.217
        (_row(60, 60), False, 0.05, "cannot say"),  # .776 to 1.288
        (_row(400, 500), True, 0.05, "concern"),
        (_row(400, 640), True, 0.01, "stop"),
        (_row(400, 240), True, 0.01, "stop"),
        (_row(1500, 1500, "everyone"), False, 0.05, "met"),
        (_row(1500, 1610, "everyone"), True, 0.05, "concern"),
        (_row(1100, 1180, "everyone"), True, 0.05, "met"),
        (_row(50, 0), True, 0.05, "stop"),
        (_row(3, 0), False, 0.05, "cannot say"),
    ],
)
def test_verdicts(row: SaidAndCame, found: bool, level: float, verdict: str) -> None:
    assert ratios.verdict(row, found, level) == verdict


def test_a_rehearsal_is_never_met_and_everyone_comes_first() -> None:
    rows = [_row(400, 400), _row(400, 400, "everyone", "all"), _row(400, 640, "sex|age_band", "a, b")]
    table = ratios.judged(rows, rehearsal=True)
    assert table["attribute"].to_list() == ["everyone", "sex", "sex|age_band"]
    assert table["verdict"].to_list() == ["cannot say", "cannot say", "printed"]
    assert ratios.judged(rows)["verdict"].to_list() == ["met", "met", "printed"]
    assert ratios.judged([_row(400, 3)])["small"].to_list() == [True]


def test_rows_count_people_once_and_pass_over_what_is_not_known() -> None:
    given = pl.DataFrame({"person_ref": ["a", "a", "b", "c"], "chance": [0.2, 0.3, 0.1, None], "became": [True, True, False, True]})
    labels = pl.DataFrame({"person_ref": ["a", "b", "c"], "sex": ["f", "m", "m"]})
    everyone, women, men = ratios.rows_of(given, labels, "person_ref")
    assert everyone == SaidAndCame("everyone", "all", 2, 0.6, 2, 1)
    assert women == SaidAndCame("sex", "f", 1, 0.5, 2, 1)
    assert men == SaidAndCame("sex", "m", 1, 0.1, 0, 0)


def _simulated(seed: int, people: int, base: float, ratio: float = 1.0, group_ratio: float = 1.0) -> pl.DataFrame:
    """A force's audit with groups of usual sizes; `ratio`: came over said of all, `group_ratio`: of one group more."""
    rng = np.random.default_rng(seed)
    said_all = people * base
    rows = [SaidAndCame("everyone", "all", people, said_all, *[int(rng.poisson(said_all * ratio))] * 2)]
    for attribute, shares in (("sex", (0.8, 0.2)), ("ethnicity_self", (0.7, 0.15, 0.1, 0.05)), ("age_band", (0.3, 0.3, 0.2, 0.2))):
        for k, share in enumerate(shares):
            came = int(rng.poisson(said_all * share * ratio * (group_ratio if attribute == "ethnicity_self" and k == 1 else 1.0)))
            rows.append(SaidAndCame(attribute, str(k), int(people * share), said_all * share, came, came))
    return ratios.judged(rows)


@pytest.mark.parametrize(("people", "base"), [(3_000, 0.04), (30_000, 0.02), (300_000, 0.08)])
def test_a_sound_force_is_seldom_a_concern(people: int, base: float) -> None:
    concern = sum(_simulated(seed, people, base)["verdict"].is_in(["concern", "stop"]).any() for seed in range(400))
    assert concern <= 28  # .07 of 400


@pytest.mark.parametrize("became", [100, 400])
def test_a_planted_inflation_is_found_at_the_events_stated(became: int) -> None:
    """Chances so many times too high as the row of so many expected states are found where so many became."""
    least = ratios.least_ratio(became, 11)
    found = 0
    for seed in range(400):
        table = _simulated(seed, 10_000, became * least / 10_000, ratio=1 / least)
        found += table.row(0, named=True)["verdict"] in ("concern", "stop")
    assert found >= 300  # power .75


def test_one_groups_ratio_is_found_at_the_events_stated() -> None:
    said = 10_000 * 0.1 * 0.15
    least = ratios.least_ratio(said, 11)
    found = 0
    for seed in range(400):
        row = _simulated(seed, 10_000, 0.1, group_ratio=least).filter((pl.col("attribute") == "ethnicity_self") & (pl.col("group") == "1"))
        found += row["verdict"][0] in ("concern", "stop")
    assert found >= 300


def _poisson(count: int, mean: float) -> float:
    return math.exp(-mean) * mean**count / math.factorial(count)


@pytest.mark.parametrize(("became", "said"), [(3, 8.0), (8, 8.0), (15, 8.0), (0, 2.5), (1, 0.4), (4, 0.5)])
def test_the_chance_of_so_unusual_a_number_is_the_poisson_tail_twice_and_never_over_one(became: int, said: float) -> None:
    at_most = sum(_poisson(k, said) for k in range(became + 1))
    at_least = 1 - sum(_poisson(k, said) for k in range(became))
    assert _row(said, became).p_value == pytest.approx(min(1.0, 2 * min(at_most, at_least)), rel=1e-9)


def test_where_nobody_was_expected_or_nobody_became_a_row_still_has_its_ends() -> None:
    assert (_row(0.0, 0).p_value, _row(0.0, 3).p_value) == (1.0, 1.0)
    assert math.isnan(_row(0.0, 3).ratio)
    assert _row(0.0, 0).interval(1.96) == (0.0, 0.0)
    assert _row(50.0, 0).interval(norm.isf(0.025)) == pytest.approx((0.0, -math.log(0.05) / 50))
    assert _row(50.0, 0).interval(norm.isf(0.005)) == pytest.approx((0.0, -math.log(0.01) / 50))


def test_the_least_ratio_by_its_formula() -> None:
    assert ratios.least_ratio(100.0) == pytest.approx(math.exp((1.959964 + 0.841621) / 10))
    assert ratios.least_ratio(100.0, 0) == ratios.least_ratio(100.0)
    assert ratios.least_ratio(25.0, 10) == pytest.approx(math.exp((norm.isf(0.0025) + 0.841621) / 5))
    assert ratios.least_ratio(0.0) == math.inf
    frame = pl.DataFrame({"ratio_low": [0.8, 0.0, None, 0.5], "ratio_high": [1.25, 2.0, 2.0, 2.0]})
    found = frame.select(ratios.least_of_range(4, 0.02)).to_series().to_list()
    z = norm.isf(0.0025) + norm.isf(0.2)
    assert found[1:3] == [None, None]
    assert found[::3] == pytest.approx([math.exp(math.log(1.25 / 0.8) / (2 * 1.959964) * z), math.exp(math.log(4) / (2 * 1.959964) * z)], rel=1e-6)
    assert frame.select(ratios.least_of_range(0, 0.02)).to_series()[0] == pytest.approx(math.exp(math.log(1.25 / 0.8) / (2 * 1.959964) * (norm.isf(0.01) + norm.isf(0.2))), rel=1e-6)


@pytest.mark.parametrize(
    ("attribute", "said", "bar"), [("everyone", 1200.0, (0.9, 1.1)), ("everyone", 1199.9, (0.8, 1.25)), ("everyone", 5000.0, (0.9, 1.1)), ("sex", 5000.0, (0.8, 1.25))]
)
def test_the_bar_is_narrower_for_everyone_from_1200_expected(attribute: str, said: float, bar: tuple[float, float]) -> None:
    assert ratios.bar_of(_row(said, 0, attribute)) == bar


def test_a_verdict_turns_where_an_end_of_its_range_lies_on_the_bar() -> None:
    row = _row(400, 400)
    low, high = row.interval(norm.ppf(0.975))
    far_low, far_high = row.interval(norm.ppf(0.995))
    for bar, found, said in (
        ((low, high), False, "met"), ((low, high), True, "met"), ((low + 1e-9, high), False, "cannot say"), ((low, high - 1e-9), True, "concern"), ((0.1, far_low - 1e-9), True, "stop"),
        ((0.1, far_low), True, "concern"), ((far_high + 1e-9, 9.0), True, "stop"), ((far_high, 9.0), True, "concern"), ((0.1, far_low - 1e-9), False, "cannot say"),
    ):  # fmt: skip
        assert ratios.verdict(row, found, 0.01, bar) == said, (bar, found)


def test_a_row_is_found_at_its_level_itself_and_none_after_one_that_is_not() -> None:
    assert ratios.holm([0.05]) == [(True, 0.05)]
    assert ratios.holm([0.05 + 1e-12]) == [(False, 0.05)]
    assert ratios.holm([]) == []
    assert ratios.holm([0.03, 0.026], 0.05) == [(False, 0.05), (False, 0.025)]  # .03 alone would be found at .05
    assert ratios.holm([0.03, 0.025], 0.05) == [(True, 0.05), (True, 0.025)]
    assert ratios.holm([0.3, 0.3, 0.01], 0.06) == [(False, 0.03), (False, 0.06), (True, 0.02)]


def test_the_table_row_by_row() -> None:
    rows = [
        SaidAndCame("sex|age_band", "m, old", 30, 10.0, 4, 4), SaidAndCame("ethnicity_self", "b", 40, 5.0, 5, 5), SaidAndCame("sex", "m", 60, 8.0, 0, 0), SaidAndCame("sex", "f", 50, 20.0, 44, 40),
        SaidAndCame("everyone", "all", 110, 28.0, 44, 40), SaidAndCame("another", "z", 9, 1.0, 1, 1),
    ]  # fmt: skip
    table = ratios.judged(rows)
    assert table.select("attribute", "group", "people", "denominator", "said", "became", "verdict", "small").rows() == [
        ("everyone", "all", 110, 110, 28.0, 44, "concern", False),  # tail .0065: level .05 / 2
        ("sex", "f", 50, 50, 20.0, 44, "stop", False),  # 2.2, from 1.48 at .05 / 4
        ("sex", "m", 60, 60, 8.0, 0, "stop", False),  # at most -log(.05 / 3) / 8 = .51
        ("ethnicity_self", "b", 40, 40, 5.0, 5, "cannot say", False),
        ("another", "z", 9, 9, 1.0, 1, "printed", True),
        ("sex|age_band", "m, old", 30, 30, 10.0, 4, "printed", True),
    ]
    assert set(table["scope"]) == {"said"}
    assert set(table["measure"]) == {"said_and_came"}
    half = math.exp(1.959964 / math.sqrt(40))
    assert table.select("ratio", "ratio_low", "ratio_high").row(1) == pytest.approx((2.2, 2.2 / half, 2.2 * half))
    assert table["least_ratio"][1] == pytest.approx(math.exp((norm.isf(0.05 / 8) + norm.isf(0.2)) / math.sqrt(20)))
    assert table["least_ratio"][4] == pytest.approx(math.exp(norm.isf(0.05 / 8) + norm.isf(0.2)))


def test_families_share_one_error_and_other_attributes_and_bars_may_be_asked() -> None:
    rows = [SaidAndCame("b", "x", 100, 100.0, 123, 123), SaidAndCame("a", "y", 100, 400.0, 400, 400)]  # tail of 123: .028
    one, two = (ratios.judged(rows, single=("b",), bar=(0.9, 1.1), families=k) for k in (1, 2))
    assert one.select("attribute", "verdict").rows() == [("b", "concern"), ("a", "printed")]
    assert two["verdict"].to_list() == ["cannot say", "printed"]
    assert two["least_ratio"][0] == pytest.approx(math.exp((norm.isf(0.0125) + norm.isf(0.2)) / 10))
    assert ratios.judged(rows, single=("a", "b"), bar=(0.5, 2.0))["verdict"].to_list() == ["met", "met"]
    assert ratios.judged(rows, rehearsal=True, single=("a", "b"), bar=(0.5, 2.0))["verdict"].to_list() == ["cannot say", "cannot say"]
    many = ratios.judged([SaidAndCame("sex", "f", 9, 4.0, n, n) for n in (0, 1, 4, 5)])
    assert many["small"].to_list() == [False, True, True, False]


def test_every_attribute_is_counted_by_label_in_the_alphabet_those_without_a_label_left_out() -> None:
    given = pl.DataFrame({"k": ["a", "b", "c", "d", "d"], "chance": [0.1, 0.2, 0.3, 0.4, 0.1], "became": [True, None, False, True, True]})
    labels = pl.DataFrame({"k": ["a", "b", "c", "d"], "sex": ["m", "f", "f", None], "age": ["old", "old", "new", "new"]})
    assert ratios.rows_of(given, labels, "k") == [
        SaidAndCame("everyone", "all", 3, 0.9, 3, 2), SaidAndCame("sex", "f", 1, 0.3, 0, 0), SaidAndCame("sex", "m", 1, 0.1, 1, 1), SaidAndCame("age", "new", 2, 0.8, 2, 1), SaidAndCame("age", "old", 1, 0.1, 1, 1),
    ]  # fmt: skip
