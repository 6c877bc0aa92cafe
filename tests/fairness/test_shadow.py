"""Shadow: the written bar against what came."""

import math
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


def only(figures: pl.DataFrame, **bar: object) -> tuple[object, ...]:
    """The line of one bar: value, low, high, n, bar, judgement, reason."""
    made = Bar("hit_rate_top20", "Said", **{"model": "ours", **bar})  # type: ignore[arg-type]
    return judge_shadow(figures, (made,), 26, None, "met").lines.row(0)[3:]


def test_every_line_is_whole() -> None:
    found = judge_shadow(figures(0.2, 100, 0.1, 0.3), (BAR,), 26, 26, "concern")
    assert found.lines.rows() == [
        ("Share of crimes in the top 20 cells", "hit_rate_top20", "ours", 0.2, 0.1, 0.3, 100, "at least 0.1", "met", None),
        ("Weeks run in shadow", "weeks", "", 26.0, None, None, 26, "at least 26", "met", None),
        ("Fairness audit", "audit", "", None, None, None, None, "not stop", "met", "concern"),
    ]
    assert judge_shadow(figures(0.2, 100), (BAR,), 25, 26, "met").judgement == "too early"
    bare = judge_shadow(figures(0.2, 100), (), 0, None, None)
    assert bare.lines.select("says", "judgement", "reason").rows() == [("Fairness audit", "too early", "no audit yet"), ("Bar for a trial", "too early", "no bar is written")]
    assert judge_shadow(figures(0.05, 100), (BAR,), 1, 26, None).judgement == "not met"


def test_a_bar_is_met_at_its_ends() -> None:
    row = figures(0.2, 100, 0.1, 0.3)
    for bar, text, judgement in (
        ({"at_least": 0.2}, "at least 0.2", "met"), ({"at_least": 0.2001}, "at least 0.2001", "not met"), ({"at_most": 0.2}, "at most 0.2", "met"), ({"at_most": 0.1999}, "at most 0.1999", "not met"),
        ({"at_least": 0.1, "surely": True}, "at least 0.1", "met"), ({"at_least": 0.1001, "surely": True}, "at least 0.1001", "not met"), ({"at_most": 0.3, "surely": True}, "at most 0.3", "met"),
        ({"at_most": 0.2999, "surely": True}, "at most 0.2999", "not met"), ({"holds": 0.1}, "the range holds 0.1", "met"), ({"holds": 0.3}, "the range holds 0.3", "met"), ({"holds": 0.0999}, "the range holds 0.0999", "not met"),
        ({"holds": 0.3001}, "the range holds 0.3001", "not met"), ({"at_least": 0.1, "at_most": 0.25, "holds": 0.2}, "at least 0.1 and at most 0.25 and the range holds 0.2", "met"),
        ({"at_least": 0.1, "at_most": 0.15}, "at least 0.1 and at most 0.15", "not met"), ({"at_least": 0.1, "holds": 0.4}, "at least 0.1 and the range holds 0.4", "not met"), ({}, "", "met"),
    ):  # fmt: skip
        assert only(row, **bar) == (0.2, 0.1, 0.3, 100, text, judgement, None), bar


def test_what_rests_on_too_little_or_has_no_range_or_is_not_there_is_too_early() -> None:
    assert only(figures(0.2, 99), n=100)[-2:] == ("too early", "rests on fewer than 100")
    assert only(figures(0.2, 100), n=100)[-2] == "met"
    assert only(figures(0.2, 99).with_columns(n=pl.lit(None, pl.Int64)), n=1)[-2:] == ("too early", "rests on fewer than 1")
    assert only(figures(0.2, 99).with_columns(n=pl.lit(None, pl.Int64)), n=0)[-2] == "met"
    for missing in ("low", "high"):
        row = figures(0.2, 9).with_columns(pl.lit(None, pl.Float64).alias(missing))
        assert only(row, at_least=0.1, surely=True)[-2:] == only(row, holds=0.2)[-2:] == ("too early", "the figure has no range")
        assert only(row, at_least=0.1)[-2] == "met"
    assert only(figures(None, 9).with_columns(reason=pl.lit("few")), at_least=0.1) == (None, None, None, None, "at least 0.1", "too early", "few")
    assert only(figures(0.2, 9).clear(), at_least=0.1) == (None, None, None, None, "at least 0.1", "too early", "no figure yet")
    for other in (figures(0.2, 9).with_columns(model=pl.lit("other")), figures(0.2, 9).with_columns(group=pl.lit("g")), figures(0.2, 9).with_columns(origin=pl.lit(FIRST)), figures(0.2, 9).with_columns(figure=pl.lit("other"))):
        assert only(other, at_least=0.1)[-1] == "no figure yet"


def test_origins_are_taken_together_by_what_each_rests_on() -> None:
    values, sizes = [0.2, 0.6, 0.5], [100, 300, 50]
    rows = pl.concat([weekly("ours", "hit_rate_top20", [value], n).with_columns(origin=pl.lit(FIRST + timedelta(weeks=4 * k))) for k, (value, n) in enumerate(zip(values, sizes, strict=True))])
    apart = timedelta(weeks=4)
    found = line(pooled(rows, apart), "ours", "hit_rate_top20")
    mean = (20 + 180 + 25) / 450
    noise = sum((n / 450) ** 2 * (value - mean) ** 2 for value, n in zip(values, sizes, strict=True)) * 3 / 2
    half = 4.302653 * math.sqrt(noise)  # Student's t of two degrees
    assert (found["value"], found["low"], found["high"], found["n"]) == pytest.approx((mean, mean - half, mean + half, 450), abs=1e-6)
    assert (found["tool"], found["unit"], found["better"], found["origin"], found["group"], found["reason"]) == ("t", "share", "higher", None, None, None)
    two = line(pooled(rows.head(2), apart), "ours", "hit_rate_top20")
    assert (two["value"], two["low"], two["high"], two["n"]) == (pytest.approx(0.5), None, None, 400)
    single = rows.head(1).with_columns(low=pl.lit(0.1), high=pl.lit(0.4))
    alone = line(pooled(single, apart), "ours", "hit_rate_top20")
    assert (alone["value"], alone["low"], alone["high"], alone["n"]) == (pytest.approx(0.2), 0.1, 0.4, 100)
    assert pooled(single.with_columns(n=0), apart).is_empty()
    assert pooled(rows.with_columns(group=pl.lit("g")), apart).is_empty()
    assert pooled(rows.with_columns(value=pl.lit(None, pl.Float64)), apart).is_empty()
    assert line(pooled(rows, timedelta(weeks=4, days=1)), "ours", "hit_rate_top20")["n"] == 150  # the newest and the one eight weeks before


@pytest.mark.parametrize(("figure", "tells"), [("coverage_90", True), ("expected_total", True), ("auc_12", True), ("expected_12", True), ("hit_rate_top20", False)])
def test_which_method_was_released_is_told_by_figures_that_no_other_has(figure: str, tells: bool) -> None:
    rows = pl.concat([weekly("ours", figure, [0.8]), weekly("other", "total_error", [0.3])])
    models = pooled(rows, timedelta(weeks=4)).filter(figure=figure)["model"].to_list()
    assert models == (["ours", RELEASED] if tells else ["ours"])
