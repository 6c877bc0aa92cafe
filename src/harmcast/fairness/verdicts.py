"""From gaps to a verdict: met, concern or stop, by written rules that know their own noise.

A gap is judged where its 95% half-width is small enough; otherwise there are too few to say. A judged gap is a concern
if it is above its bar and chance alone, over everything judged together, would not give it; a stop if it lies above
the stop bar even at the near end of that wider interval. Few people are no excuse: a concern whose whole
95% interval lies above the bar stands whatever its half-width.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import polars as pl

from harmcast.documents.plain import PlainRecord
from harmcast.fairness.intervals import USUAL, chance_alone, simultaneous
from harmcast.fairness.measures import columns_for_intervals, gaps_at
from harmcast.fairness.thresholds import Thresholds

Verdict = Literal["met", "concern", "stop"]
_ORDER = {"printed": 0, "too few to say": 1, "met": 2, "concern": 3, "stop": 4}


@dataclass(frozen=True)
class AuditRule:
    """One thing that is judged.

    Attributes:
        attributes: attributes it is judged for; empty: every one, intersections too.
        quantity: the gap (share), or the ratio, held against 1.
        concern, stop: bars; for a ratio the lower one, its inverse being the upper. None: never a stop.
        half_width: largest half-width of the gap at which it is judged, share.
        worse: which side is a fault.
    """

    measure: str
    attributes: tuple[str, ...]
    quantity: Literal["gap", "ratio"]
    concern: float
    stop: float | None
    half_width: float
    worse: Literal["both", "higher", "lower"] = "both"

    def over(self, row: Mapping[str, Any]) -> tuple[float, float, float] | None:
        """A row's figure, the bar of a concern and how far over it the figure lies (1 is at it); None where the rule is not about it."""
        value = row[self.quantity]
        if row["measure"] != self.measure or value is None or (self.attributes and row["attribute"] not in self.attributes):
            return None
        if self.quantity == "gap":
            return value, self.concern, abs(value) / self.concern
        if value <= 0 or self.concern in (0, 1):
            return None
        return value, self.concern, abs(math.log(value) / math.log(self.concern))


@dataclass(frozen=True)
class AuditFinding:
    """One concern or stop.

    Attributes:
        name: measure, attribute, group and direction: stable from week to week, so that a lift can name it.
        measured, limit: the figure and the bar of a concern, in the measure's unit; null where it has none.
        severity: how far over that bar, in tenths: 1 is at it; null without a figure.
    """

    name: str
    verdict: Verdict
    says: str
    measured: float | None = None
    limit: float | None = None
    severity: float | None = None

    def document(self) -> PlainRecord:
        """As the audit's document says it."""
        return {"name": self.name, "verdict": self.verdict, "says": self.says}


@dataclass(frozen=True)
class Audit:
    """The evidence of one audit, its verdict and the reasons in plain words.

    Attributes:
        kind: people or places.
        table: the long table, every row with counts, rate, interval, gap and its own verdict.
        extra: further tables by title (proxies, exposure), for pages and documents.
        is_printable: whether its counts of people are rounded (`fairness.printed`); an audit of exact counts has no document.
        judged, too_few: how many comparisons were judged, and how many could not be.
    """

    kind: Literal["people", "places"]
    verdict: Verdict
    findings: tuple[AuditFinding, ...]
    table: pl.DataFrame
    thresholds: Thresholds
    judged: int
    too_few: int
    cannot_see: tuple[str, ...] = ()
    extra: dict[str, pl.DataFrame] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    is_printable: bool = False

    def document(self) -> PlainRecord:
        """The whole audit, ready for JSON and for a page. Raises: ValueError where its counts of people are exact."""
        if not self.is_printable:
            raise ValueError("an audit of exact counts is not for printing")
        return {
            "kind": self.kind,
            "verdict": self.verdict,
            "judged": self.judged,
            "too_few_to_say": self.too_few,
            "findings": [f.document() for f in self.findings],
            "notes": list(self.notes),
            "cannot_see": list(self.cannot_see),
            "thresholds": self.thresholds.document(),
            "tables": [
                _section("What was measured", self.table),
                *(_section(title, table) for title, table in self.extra.items()),
            ],
        }


def judge(rows: pl.DataFrame, rules: Iterable[AuditRule], thresholds: Thresholds) -> pl.DataFrame:
    """The rows with `verdict`, and `judged_low`, `judged_high`: the interval of the gap the verdict was held against.

    Verdict is `printed` where no rule speaks, `too few to say` where the noise is too wide, else met, concern or stop;
    the worst of several rules stands.
    """
    meeting = [(rule, _speaks(rows, rule)) for rule in rules]
    half = rows["half_width"].fill_null(float("inf")).to_numpy()
    clear = [(rule, speaks, speaks & (half <= rule.half_width)) for rule, speaks in meeting]
    comparisons = sum(int(speaks.sum()) for _, speaks, _ in clear)
    z = simultaneous(thresholds.family_error, comparisons)
    bounds = _bounds(rows, z)
    unlikely = _unlikely(rows, thresholds.family_error / max(1, comparisons))
    worst = np.full(rows.height, _ORDER["printed"])
    for rule, speaks, judged in clear:
        found, surely = _found(rows, rule, bounds)
        found, surely = np.where(unlikely, found, _ORDER["met"]), surely & unlikely
        few = np.where(surely, found, _ORDER["too few to say"])
        found = np.where(judged, found, np.where(speaks, few, 0))
        worst = np.maximum(worst, found)
    words = {number: word for word, number in _ORDER.items()}
    return rows.with_columns(
        verdict=pl.Series([words[int(w)] for w in worst], dtype=pl.String),
        judged_low=pl.Series(bounds["gap"][0]).fill_nan(None),
        judged_high=pl.Series(bounds["gap"][1]).fill_nan(None),
    )


def _speaks(rows: pl.DataFrame, rule: AuditRule) -> np.ndarray:
    """Rows the rule is about: its measure and attributes, with a value, and not the reference against itself."""
    about = (pl.col("measure") == rule.measure) & pl.col("gap").is_not_null() & (pl.col("scope") != "managed")
    about &= (pl.col("against") != "reference") | ~pl.col("is_reference")
    if rule.attributes:
        about &= pl.col("attribute").is_in(list(rule.attributes))
    return rows.select(about.fill_null(False)).to_series().to_numpy()


def _bounds(rows: pl.DataFrame, z: float) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Bounds of gap and ratio at the widened quantile; rows held against others scale their own standard error."""
    gap_low, gap_high, ratio_low, ratio_high = gaps_at(rows, z)
    gap, half = (rows[c].fill_null(float("nan")).to_numpy() for c in ("gap", "half_width"))
    others = (rows["against"] == "others").to_numpy()
    wide = half * z / USUAL
    return {
        "gap": (np.where(others, gap - wide, gap_low), np.where(others, gap + wide, gap_high)),
        "ratio": (ratio_low, ratio_high),
    }


def _unlikely(rows: pl.DataFrame, error: float) -> np.ndarray:
    """Rows whose gap chance alone gives less often than `error`, by exact tails; those held against others by their own."""
    tails = chance_alone(*columns_for_intervals(rows))
    return np.asarray((tails <= error) | (rows["against"] == "others").to_numpy())


def _found(
    rows: pl.DataFrame, rule: AuditRule, bounds: dict[str, tuple[np.ndarray, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray]:
    """What a rule finds in every row, and whether the whole 95% interval lies beyond the bar of a concern."""
    low, high = bounds[rule.quantity]
    near_low, near_high = (
        rows[f"{rule.quantity}_{end}"].fill_null(float("nan")).to_numpy() for end in ("low", "high")
    )
    middle = rows[rule.quantity].fill_null(float("nan")).to_numpy()
    if rule.quantity == "ratio":
        with np.errstate(divide="ignore", invalid="ignore"):
            low, middle, high = np.log(low), np.log(middle), np.log(high)
            near_low, near_high = np.log(near_low), np.log(near_high)
        concern, stop = -np.log(rule.concern), None if rule.stop is None else -np.log(rule.stop)
    else:
        concern, stop = rule.concern, rule.stop
    above = (middle > concern) & (low > 0) & (rule.worse != "lower")
    below = (middle < -concern) & (high < 0) & (rule.worse != "higher")
    found = np.where(above | below, _ORDER["concern"], _ORDER["met"])
    if stop is not None:
        beyond = (above & (low > stop)) | (below & (high < -stop))
        found = np.where(beyond, _ORDER["stop"], found)
    return found, (above & (near_low > concern)) | (below & (near_high < -concern))


def worst(verdicts: Iterable[str]) -> Verdict:
    """The overall verdict: stop over concern over met. Nothing judged at all is a concern: silence is no evidence."""
    seen = set(verdicts)
    if "stop" in seen:
        return "stop"
    return "met" if "concern" not in seen and "met" in seen else "concern"


def _section(title: str, table: pl.DataFrame) -> PlainRecord:
    return {
        "title": title,
        "columns": table.columns,
        "rows": [list(map(_plain, row)) for row in table.iter_rows()],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return None if value != value else value
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
