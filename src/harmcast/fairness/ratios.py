"""What came over what was said: one ratio for everyone and for each group, with a verdict that says when it cannot tell.

R = people who became / sum of the chances given to them. An absolute gap of .02 is half of a usual share of .04, and a band of
gaps that is never left says nothing; a ratio with its interval, and the least ratio that so many expected could have shown, does.
Rows are tested together by Holm's rule: a sound tool is seldom a concern however many groups there are.
Source: Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from scipy.stats import norm, poisson

from harmcast.documents.audit import PeopleRow

RatioVerdict = Literal["met", "stop", "concern", "cannot say"]
LOW, HIGH = 0.8, 1.25
NEAR_LOW, NEAR_HIGH, NEAR_FROM = 0.9, 1.1, 1200  # for everyone, once so many are expected
ERROR = 0.05
POWER = 0.8
EVERYONE = "everyone"
SINGLE = (EVERYONE, "sex", "ethnicity_self", "ethnicity_officer", "age_band")


@dataclass(frozen=True)
class SaidAndCame:
    """One row: how many the chances said, how many distinct people became, and the ratio with its ends."""

    attribute: str
    group: str
    people: int
    said: float
    became: int
    distinct: int

    @property
    def ratio(self) -> float:
        return self.became / self.said if self.said else float("nan")

    def interval(self, z: float) -> tuple[float, float]:
        """Log interval over distinct people who became; from nought where nobody did."""
        if not self.distinct:
            return 0.0, float(poisson.ppf(norm.cdf(z), 0) if not self.said else -np.log(2 * norm.sf(z)) / self.said)
        half = z / np.sqrt(self.distinct)
        return float(self.ratio * np.exp(-half)), float(self.ratio * np.exp(half))

    @property
    def p_value(self) -> float:
        """Two-sided chance of so unusual a number, were the chances right (Poisson; cautious for a sum of yes and no)."""
        if self.said <= 0:
            return 1.0
        return float(min(1.0, 2 * min(poisson.cdf(self.became, self.said), poisson.sf(self.became - 1, self.said))))


def least_ratio(said: float, rows: int = 1) -> float:
    """The least ratio found 8 times in 10 among so many rows tested together: exp((z + .84) / sqrt(said)); 2.8 for one row."""
    z = norm.ppf(1 - ERROR / (2 * max(rows, 1))) + norm.ppf(POWER)
    return float(np.exp(z / np.sqrt(said))) if said > 0 else float("inf")


def least_of_range(rows: int, error: float) -> pl.Expr:
    """The same from a ratio's 95% range (ratio_low, ratio_high), for so many rows that share `error`; null where the range has no end."""
    z = norm.ppf(1 - error / (2 * max(rows, 1))) + norm.ppf(POWER)
    least = ((pl.col("ratio_high") / pl.col("ratio_low")).log() / (2 * norm.ppf(1 - ERROR / 2)) * z).exp()
    return pl.when(least.is_finite()).then(least)


def holm(p_values: Sequence[float], error: float = ERROR) -> list[tuple[bool, float]]:
    """Whether each is found, and the level it was held to, by Holm's rule: the smallest first, until one is not found."""
    order = sorted(range(len(p_values)), key=lambda k: p_values[k])
    found: list[tuple[bool, float]] = [(False, error)] * len(p_values)
    going = True
    for place, k in enumerate(order):
        level = error / (len(p_values) - place)
        going = going and p_values[k] <= level
        found[k] = (going, level)
    return found


def bar_of(row: SaidAndCame) -> tuple[float, float]:
    """Between which ratios a row is met: narrower for everyone, once so many are expected."""
    return (NEAR_LOW, NEAR_HIGH) if row.attribute == EVERYONE and row.said >= NEAR_FROM else (LOW, HIGH)


def verdict(row: SaidAndCame, found: bool, level: float, bar: tuple[float, float] | None = None) -> RatioVerdict:
    """met: the 95% interval lies inside the bar. stop: found, and its interval at the level held to lies outside. concern: found.

    Args: `bar`: another than `bar_of` the row.
    """
    low, high = bar or bar_of(row)
    inner, outer = row.interval(norm.ppf(1 - ERROR / 2)), row.interval(norm.ppf(1 - level / 2))
    if inner[0] >= low and inner[1] <= high:
        return "met"
    if found and (outer[0] > high or outer[1] < low):
        return "stop"
    return "concern" if found else "cannot say"


def judged(
    rows: Sequence[SaidAndCame], rehearsal: bool = False, small: int = 5, single: Sequence[str] = SINGLE, bar: tuple[float, float] | None = None,
    families: int = 1,
) -> pl.DataFrame:  # fmt: skip
    """The table of what was said and what came: everyone first, then each single attribute, then pairs, printed only.

    Args:
        rehearsal: no released chance is a year old yet, so nothing is ever met.
        single: attributes that are tested, in their order; `bar`: another than `bar_of` each row.
        families: of rows like these, which share one error between them.
    Returns: scope, measure, attribute, group, people, denominator, said, became, ratio, ratio_low, ratio_high (95%), least_ratio, verdict, small.
    """
    tested = [row for row in rows if row.attribute in single]
    decided = dict(zip(map(id, tested), holm([row.p_value for row in tested], ERROR / families), strict=True))
    out: list[PeopleRow] = []
    place = {name: k for k, name in enumerate(single)}
    for row in sorted(rows, key=lambda r: (place.get(r.attribute, len(place)), r.attribute, r.group)):
        low, high = row.interval(norm.ppf(1 - ERROR / 2))
        said: str = verdict(row, *decided[id(row)], bar) if id(row) in decided else "printed"
        out.append({
            "scope": "said", "measure": "said_and_came", "attribute": row.attribute, "group": row.group, "people": row.people, "denominator": row.people, "said": row.said, "became": row.became, "ratio": row.ratio,
            "ratio_low": low, "ratio_high": high, "least_ratio": least_ratio(row.said, families * len(tested)),
            "verdict": "cannot say" if rehearsal and said == "met" else said, "small": 0 < row.became < small,
        })  # fmt: skip
    return pl.DataFrame(out, schema=SCHEMA)


SCHEMA = {
    "scope": pl.String, "measure": pl.String, "attribute": pl.String, "group": pl.String, "people": pl.Int64, "denominator": pl.Int64, "said": pl.Float64, "became": pl.Int64, "ratio": pl.Float64, "ratio_low": pl.Float64,
    "ratio_high": pl.Float64, "least_ratio": pl.Float64, "verdict": pl.String, "small": pl.Boolean,
}  # fmt: skip


def rows_of(given: pl.DataFrame, labels: pl.DataFrame, key: str) -> list[SaidAndCame]:
    """Everyone, and every group of every attribute.

    Args:
        given: the key, chance, became: a row a person and release; rows without a chance or an outcome are passed over.
        labels: the key and a column an attribute (`groups.Groups.labels`).
    """
    known = given.drop_nulls(["chance", "became"])
    together = known.join(labels, on=key, how="left")
    parts = [(EVERYONE, "all", known)]
    for name in (c for c in labels.columns if c != key):
        parts += [(name, str(label), part) for (label,), part in together.drop_nulls(name).sort(name).group_by(name, maintain_order=True)]
    return [of_all(part, key, name, group) for name, group, part in parts]


def of_all(known: pl.DataFrame, key: str, attribute: str = EVERYONE, group: str = "all") -> SaidAndCame:
    """One row of everybody in a table of chance and became, nothing null."""
    became, distinct = int(known["became"].sum()), known.filter("became")[key].n_unique()
    return SaidAndCame(attribute, group, known[key].n_unique(), round(float(known["chance"].sum()), 9), became, distinct)
