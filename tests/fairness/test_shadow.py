"""Shadow: the written bar against what came."""

from datetime import date, timedelta

import polars as pl
import pytest

from harmcast.fairness.shadow import RELEASED, Bar, judge_shadow, pooled
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
    sure = Bar("hit_rate_top20", "s", model="ours", at_least=0.1, n=1, surely=True)
    assert judge_shadow(figures(0.2, 500, low=0.05), (sure,), 30, 26, "met").judgement == "not met"
    assert judge_shadow(figures(0.2, 500, low=0.15), (sure,), 30, 26, "met").judgement == "met"


def test_without_a_written_bar_nothing_is_met() -> None:
    assert judge_shadow(figures(0.2, 500), (), 99, 26, "met").judgement == "too early"


FIRST = date(2026, 1, 5)


def weekly(model: str, figure: str, values: list[float], n: int = 100, step_weeks: int = 1) -> pl.DataFrame:
    rows = [
        {"tool": "t", "model": model, "figure": figure, "group": None, "origin": FIRST + timedelta(weeks=k * step_weeks), "value": value,
         "low": None, "high": None, "n": n, "unit": "share", "better": "higher", "reason": None}
        for k, value in enumerate(values)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=SCORES.schema())


def line(table: pl.DataFrame, model: str, figure: str) -> dict[str, object]:
    return table.filter((pl.col("model") == model) & (pl.col("figure") == figure)).row(0, named=True)


def test_windows_that_overlap_count_once() -> None:
    found = line(pooled(weekly("mixture", "hit_rate_top20", [0.9, 0.9, 0.9, 0.9, 0.1, 0.9, 0.9, 0.9, 0.3]), timedelta(weeks=4)), "mixture", "hit_rate_top20")
    assert found["n"] == 300  # origins 8, 4 and 0
    assert found["value"] == pytest.approx((0.3 + 0.1 + 0.9) / 3)
    assert found["low"] < found["value"] < found["high"]  # type: ignore[operator]


def test_what_was_released_is_judged_whichever_method_it_was() -> None:
    ours = pl.concat([weekly("mixture", f, [0.8], step_weeks=4) for f in ("coverage_90", "hit_rate_top20")])
    later = pl.concat([weekly("count_24m", f, [0.8, 0.6], step_weeks=4).tail(1) for f in ("coverage_90", "hit_rate_top20")])
    beside = weekly("count_12m", "hit_rate_top20", [0.1, 0.1], step_weeks=4)
    found = pooled(pl.concat([ours, later, beside]), timedelta(weeks=4))
    assert line(found, RELEASED, "hit_rate_top20")["value"] == pytest.approx(0.7)
    assert line(found, "count_12m", "hit_rate_top20")["value"] == pytest.approx(0.1)
    bar = Bar("hit_rate_top20", "s", at_least=0.5, n=100)
    assert judge_shadow(found, (bar,), 30, 26, "met").judgement == "met"


def test_what_is_known_last_stands() -> None:
    restated, before = weekly("mixture", "total_error", [0.1]), weekly("mixture", "total_error", [0.3])
    assert line(pooled(pl.concat([restated, before]), timedelta(weeks=4)), "mixture", "total_error")["value"] == pytest.approx(0.1)
    assert pooled(pl.DataFrame(schema=SCORES.schema()), timedelta(weeks=4)).is_empty()
