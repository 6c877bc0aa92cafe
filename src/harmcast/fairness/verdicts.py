"""From ratios to a verdict: met, concern or stop, by written rules that know their own noise.

Each share is held against another as a ratio: an absolute gap says little where shares differ from measure to measure. Every row that a
rule speaks of is tested together with the others by Holm's rule. Found and beyond its bar it is a concern; beyond the bar of a stop even
at the near end of its interval, a stop. Met says that the whole 95% interval lies inside the bar; all else is too few to say.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import polars as pl

from harmcast.documents.audit import MEASURED, AuditDocument, AuditSection, FindingSays, PeopleRow
from harmcast.fairness.intervals import USUAL, chance_alone, z_of
from harmcast.fairness.measures import columns_for_intervals, gaps_at
from harmcast.fairness.ratios import holm, least_of_range
from harmcast.fairness.thresholds import Thresholds

Verdict = Literal["met", "concern", "stop"]
_ORDER = {"printed": 0, "too few to say": 1, "met": 2, "concern": 3, "stop": 4}


@dataclass(frozen=True)
class AuditRule:
    """One thing that is judged.

    Attributes:
        attributes: attributes it is judged for; empty: every one, intersections too.
        concern, stop: bars of the ratio, the lower one each, its inverse being the upper. None: never a stop.
        worse: which side is a fault.
    """

    measure: str
    attributes: tuple[str, ...]
    concern: float
    stop: float | None
    worse: Literal["both", "higher", "lower"] = "both"

    def over(self, row: PeopleRow) -> tuple[float, float, float] | None:
        """A row's ratio, the bar of a concern and how far over it the ratio lies (1 is at it); None where the rule is not about it."""
        value = row["ratio"]
        if row["measure"] != self.measure or not value or (self.attributes and row["attribute"] not in self.attributes) or self.concern in (0, 1):
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

    def document(self) -> FindingSays:
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

    def document(self) -> AuditDocument:
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
                _section(MEASURED, self.table),
                *(_section(title, table) for title, table in self.extra.items()),
            ],
        }


def judge(rows: pl.DataFrame, rules: Iterable[AuditRule], thresholds: Thresholds) -> pl.DataFrame:
    """The rows with `verdict`, `judged_low` and `judged_high`: the interval of the ratio the verdict was held against, and `least_ratio`:
    how far above or below 1 a true ratio must lie to be found 8 times in 10; null where no rule speaks.

    Verdict is `printed` where no rule speaks; the worst of several rules stands.
    """
    spoken = [(rule, _speaks(rows, rule)) for rule in rules]
    tested = np.flatnonzero(np.any([speaks for _, speaks in spoken], axis=0))
    found, level = np.zeros(rows.height, bool), np.full(rows.height, thresholds.family_error)
    for place, (is_found, held_to) in zip(tested, holm(_tails(rows)[tested].tolist(), thresholds.family_error), strict=True):
        found[place], level[place] = is_found, held_to
    outer = _bounds(rows, level)
    worst = np.full(rows.height, _ORDER["printed"])
    for rule, speaks in spoken:
        worst = np.maximum(worst, np.where(speaks, _verdicts(rows, rule, found, outer), _ORDER["printed"]))
    words = {number: word for word, number in _ORDER.items()}
    ends = {"judged_low": outer[0], "judged_high": outer[1]}
    return rows.with_columns(
        pl.Series("verdict", [words[int(w)] for w in worst], dtype=pl.String),
        *(pl.Series(name, np.where(np.isfinite(values), values, np.nan)).fill_nan(None) for name, values in ends.items()),
    ).with_columns(least_ratio=pl.when(pl.col("verdict") != "printed").then(least_of_range(len(tested), thresholds.family_error)))


def _speaks(rows: pl.DataFrame, rule: AuditRule) -> np.ndarray:
    """Rows the rule is about: its measure and attributes, with a value, and not the reference against itself."""
    about = (pl.col("measure") == rule.measure) & pl.col("gap").is_not_null() & (pl.col("scope") != "managed")
    about &= (pl.col("against") != "reference") | ~pl.col("is_reference")
    if rule.attributes:
        about &= pl.col("attribute").is_in(list(rule.attributes))
    return rows.select(about.fill_null(False)).to_series().to_numpy()


def _floats(rows: pl.DataFrame, column: str) -> np.ndarray:
    return rows[column].cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _bounds(rows: pl.DataFrame, level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ends of each ratio at its own level; rows held against others widen their own interval."""
    wider = np.array([z_of(float(one)) for one in level])
    low, high = (np.full(rows.height, np.nan) for _ in range(2))
    for z in np.unique(wider):
        at = np.flatnonzero(wider == z)
        low[at], high[at] = gaps_at(rows[at], float(z))[2:]
    others, half = (rows["against"] == "others").to_numpy(), (_floats(rows, "ratio_high") - _floats(rows, "ratio_low")) / 2 * wider / USUAL
    middle = _floats(rows, "ratio")
    return np.where(others, middle - half, low), np.where(others, middle + half, high)


def _tails(rows: pl.DataFrame) -> np.ndarray:
    """How seldom chance alone gives so unequal a row: exact tails, and for rows held against others those of their own standard error."""
    from scipy.special import ndtr

    with np.errstate(divide="ignore", invalid="ignore"):
        own = 2 * ndtr(-np.abs(_floats(rows, "gap")) / (_floats(rows, "half_width") / USUAL))
    return np.where((rows["against"] == "others").to_numpy(), np.nan_to_num(own, nan=1.0), chance_alone(*columns_for_intervals(rows)))


def _verdicts(rows: pl.DataFrame, rule: AuditRule, found: np.ndarray, outer: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """What a rule says of every row, by number of _ORDER."""
    middle, low, high = (_floats(rows, name) for name in ("ratio", "ratio_low", "ratio_high"))
    above, below = (middle > 1 / rule.concern) & (rule.worse != "lower"), (middle < rule.concern) & (rule.worse != "higher")
    inside = ((low >= rule.concern) | (rule.worse == "higher")) & ((high <= 1 / rule.concern) | (rule.worse == "lower"))
    said = np.where(inside & np.isfinite(middle), _ORDER["met"], _ORDER["too few to say"])
    said = np.where(found & (above | below), _ORDER["concern"], said)
    if rule.stop is not None:
        beyond = (above & (outer[0] > 1 / rule.stop)) | (below & (outer[1] < rule.stop))
        said = np.where(found & beyond, _ORDER["stop"], said)
    return said


def worst(verdicts: Iterable[str]) -> Verdict:
    """The overall verdict: stop over concern over met. Nothing judged at all is a concern: silence is no evidence."""
    seen = set(verdicts)
    if "stop" in seen:
        return "stop"
    return "met" if "concern" not in seen and "met" in seen else "concern"


def _section(title: str, table: pl.DataFrame) -> AuditSection:
    return {
        "title": title,
        "columns": table.columns,
        "rows": [list(map(_plain, row)) for row in table.iter_rows()],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return None if value != value else value
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
