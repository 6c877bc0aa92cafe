"""Said and came: ratios, Holm's rule and verdicts against values written out."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

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
