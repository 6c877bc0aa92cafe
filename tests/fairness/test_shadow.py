"""Shadow: the written bar against what came."""

import polars as pl
import pytest

from harmcast.fairness.shadow import Bar, judge_shadow
from harmcast.tables import SCORES

BAR = Bar("hit_rate_top20", "Share of crimes in the top 20 cells", model="ours", at_least=0.1, n=100)


def figures(value: float | None, n: int, low: float = 0.0, high: float = 1.0) -> pl.DataFrame:
    row = {"tool": "t", "model": "ours", "figure": "hit_rate_top20", "group": None, "origin": None, "value": value, "low": low, "high": high, "n": n, "unit": "share", "better": "higher", "reason": None}
    return pl.DataFrame([row], schema=SCORES.schema())


@pytest.mark.parametrize(
    ("value", "n", "weeks", "audit", "judged"),
    [
        (0.2, 500, 30, "met", "met"),
        (0.2, 500, 30, "concern", "met"),
        (0.2, 500, 30, "stop", "not met"),
        (0.2, 500, 10, "met", "too early"),
        (0.2, 50, 30, "met", "too early"),
        (None, 500, 30, "met", "too early"),
        (0.05, 500, 10, "met", "not met"),
        (0.2, 500, 30, None, "too early"),
    ],
)
def test_judgement(value: float | None, n: int, weeks: int, audit: str | None, judged: str) -> None:
    found = judge_shadow(figures(value, n), (BAR,), weeks, 26, audit)
    assert found.judgement == judged
    assert found.lines.height == 3


def test_a_sure_bar_needs_the_whole_range() -> None:
    sure = Bar("hit_rate_top20", "s", at_least=0.1, n=1, surely=True)
    assert judge_shadow(figures(0.2, 500, low=0.05), (sure,), 30, 26, "met").judgement == "not met"
    assert judge_shadow(figures(0.2, 500, low=0.15), (sure,), 30, 26, "met").judgement == "met"


def test_without_a_written_bar_nothing_is_met() -> None:
    assert judge_shadow(figures(0.2, 500), (), 99, 26, "met").judgement == "too early"
