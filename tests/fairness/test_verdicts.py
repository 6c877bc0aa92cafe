"""A share against another: which ratio is met, a concern, a stop or too few to say, at values written out."""

from __future__ import annotations

import polars as pl
import pytest

from harmcast.fairness.measures import with_intervals
from harmcast.fairness.thresholds import Thresholds
from harmcast.fairness.verdicts import AuditRule, judge

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
