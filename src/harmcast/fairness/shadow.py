"""Shadow: has a tool that nobody acts on yet earned a trial? The written bar against what came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import numpy as np
import polars as pl

from harmcast.tables import SCORES

Judgement = Literal["met", "not met", "too early"]
RELEASED = "released"


@dataclass(frozen=True)
class Bar:
    """One line of the bar for a trial, as a force has written it before the tool ran.

    Attributes:
        figure, model: the row of `pooled` figures that is held against it; no model: what was released.
        at_least, at_most: the bar; the range of the figure must lie on its right side if `surely`, else the figure.
        holds: a value that the range of the figure must hold.
        n: how many the figure must rest on before it is judged.
    """

    figure: str
    says: str
    model: str = ""
    at_least: float | None = None
    at_most: float | None = None
    holds: float | None = None
    n: int = 0
    surely: bool = False


@dataclass(frozen=True)
class Shadow:
    """`lines`: says, figure, model, value, low, high, n, bar, judgement, reason; the worst line decides."""

    judgement: Judgement
    lines: pl.DataFrame


def judge_shadow(
    figures: pl.DataFrame,
    bars: tuple[Bar, ...],
    weeks_run: int,
    weeks_asked: int | None = 26,
    audit_verdict: str | None = None,
) -> Shadow:
    """Whether the written bar for a trial is met.

    Args:
        figures: `tables.SCORES` of what came since the tool has run in shadow.
        bars: as written in the settings; without any, nothing can be met.
        weeks_run, weeks_asked: weeks of shadow, and how many are asked; None: no time is asked, only what the bars rest on.
        audit_verdict: of the last audit; None: none yet.
    Returns: met if every line is; not met if any line is not, however early; else too early.
    """
    rows = [_line(figures, bar) for bar in bars]
    if weeks_asked is not None:
        ran: Judgement = "met" if weeks_run >= weeks_asked else "too early"
        rows.append(_row("Weeks run in shadow", "weeks", "", weeks_run, None, None, weeks_run, f"at least {weeks_asked}", ran))
    if audit_verdict is None:
        rows.append(
            _row(
                "Fairness audit", "audit", "", None, None, None, None, "not stop", "too early", "no audit yet"
            )
        )
    else:
        kept: Judgement = "not met" if audit_verdict == "stop" else "met"
        rows.append(
            _row("Fairness audit", "audit", "", None, None, None, None, "not stop", kept, audit_verdict)
        )
    if not bars:
        rows.append(
            _row("Bar for a trial", "bar", "", None, None, None, None, "", "too early", "no bar is written")
        )
    lines = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    seen = set(lines["judgement"])
    overall: Judgement = "not met" if "not met" in seen else "too early" if "too early" in seen else "met"
    return Shadow(overall, lines)


def pooled(figures: pl.DataFrame, apart: timedelta) -> pl.DataFrame:
    """Figures of single origins taken together: the mean weighed by what each rests on, n added up.

    Windows that overlap would count the same outcomes twice, so from the newest origin back only those at least `apart`
    count. What is known of an origin last stands. Beside each method stands `released`: whatever was released, week by week.

    Args:
        figures: `tables.SCORES` rows, those known last first.
    Returns: `tables.SCORES` with origin null; low and high (95%) from how the origins differ, where there are three or
        more, of a single origin its own, else null.
    """
    single = figures.filter(pl.col("origin").is_not_null() & pl.col("value").is_not_null() & pl.col("group").is_null())
    single = single.unique(["model", "figure", "origin"], keep="first", maintain_order=True)
    released = single.join(_released(single), on=["origin", "model"], how="semi").with_columns(model=pl.lit(RELEASED))
    rows = []
    for (model, figure), part in pl.concat([single, released]).partition_by("model", "figure", as_dict=True).items():
        kept = _far_apart(part.sort("origin", descending=True), apart)
        value, weight = kept["value"].to_numpy(), kept["n"].cast(pl.Float64).to_numpy()
        if weight.sum() <= 0:
            continue
        mean = float((value * weight).sum() / weight.sum())
        low, high = (kept["low"][0], kept["high"][0]) if len(value) == 1 else (None, None)
        if len(value) >= 3:
            share = weight / weight.sum()
            half = float(_t(len(value) - 1) * np.sqrt((share**2 * (value - mean) ** 2).sum() * len(value) / (len(value) - 1)))
            low, high = mean - half, mean + half
        first = kept.row(0, named=True)
        rows.append(
            {
                "tool": first["tool"], "model": model, "figure": figure, "group": None, "origin": None, "value": mean, "low": low,
                "high": high, "n": int(weight.sum()), "unit": first["unit"], "better": first["better"], "reason": None,
            }
        )  # fmt: skip
    return pl.DataFrame(rows, schema=SCORES.schema()).sort("figure", "model")


def _released(single: pl.DataFrame) -> pl.DataFrame:
    """Which method was released at each origin: the only one that figures of ranges or of people's ranking are given for."""
    alone = pl.col("figure").is_in(["coverage_90", "expected_total"]) | pl.col("figure").str.starts_with("auc_") | pl.col("figure").str.starts_with("expected_")
    return single.filter(alone).select("origin", "model").unique()


def _far_apart(newest_first: pl.DataFrame, apart: timedelta) -> pl.DataFrame:
    kept: list[int] = []
    for place, origin in enumerate(newest_first["origin"]):
        if not kept or newest_first["origin"][kept[-1]] - origin >= apart:
            kept.append(place)
    return newest_first[kept]


def _t(freedom: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.975))


_SCHEMA = {
    "says": pl.String, "figure": pl.String, "model": pl.String, "value": pl.Float64, "low": pl.Float64,
    "high": pl.Float64, "n": pl.Int64, "bar": pl.String, "judgement": pl.String, "reason": pl.String,
}  # fmt: skip


def _row(
    says: str, figure: str, model: str, value: float | None, low: float | None, high: float | None, n: int | None,
    bar: str, judgement: str, reason: str | None = None,
) -> tuple[object, ...]:  # fmt: skip
    return (says, figure, model, value, low, high, n, bar, judgement, reason)


def _line(figures: pl.DataFrame, bar: Bar) -> tuple[object, ...]:
    wanted = (pl.col("figure") == bar.figure) & pl.col("group").is_null() & pl.col("origin").is_null()
    wanted &= pl.col("model") == (bar.model or RELEASED)
    found = figures.filter(wanted)
    text = " and ".join(
        f"{word} {value:g}"
        for word, value in (("at least", bar.at_least), ("at most", bar.at_most), ("the range holds", bar.holds))
        if value is not None
    )
    if found.is_empty() or found["value"][0] is None:
        return _row(
            bar.says, bar.figure, bar.model, None, None, None, None, text, "too early", found["reason"][0] if found.height else "no figure yet"
        )
    row = found.row(0, named=True)
    value, low, high, n = (row[c] for c in ("value", "low", "high", "n"))
    if (n or 0) < bar.n:
        return _row(
            bar.says,
            bar.figure,
            bar.model,
            value,
            low,
            high,
            n,
            text,
            "too early",
            f"rests on fewer than {bar.n}",
        )
    least, most = (low, high) if bar.surely else (value, value)
    if least is None or most is None or (bar.holds is not None and (low is None or high is None)):
        return _row(
            bar.says, bar.figure, bar.model, value, low, high, n, text, "too early", "the figure has no range"
        )
    kept = (bar.at_least is None or least >= bar.at_least) and (bar.at_most is None or most <= bar.at_most)
    kept = kept and (bar.holds is None or low <= bar.holds <= high)
    return _row(bar.says, bar.figure, bar.model, value, low, high, n, text, "met" if kept else "not met")
