"""Has the tool about people earned a trial? The figures that the written bar is held against, of chances as released.

Everyone first: came over said. Then the slope over years, tenths inside their group ranges, and what the first people of the
list are worth beside plain harm's.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.stats import binom

from harmcast.evaluate.people_monitor import tenths_of
from harmcast.evaluate.people_results import Capacity, flagged, gain, net_benefit
from harmcast.evaluate.people_scores import calibration_slope
from harmcast.fairness import ratios
from harmcast.fairness.intervals import USUAL
from harmcast.fairness.shadow import RELEASED
from harmcast.tables import SCORES
from harmcast.transitions.level import slope_of_years

TAIL = 0.05  # of binomial noise on each side of a group range


def figures(given: pl.DataFrame, tool: str, months: int, capacity: Capacity) -> pl.DataFrame:
    """tables.SCORES rows without an origin, model `released`; each rests (n) on the number expected.

    Args: `given`: `people_results.GIVEN` of the releases judged; rows without a chance or an outcome are passed over.
    """
    known = given.drop_nulls(["chance", "became", "harm"])
    if known.is_empty():
        return pl.DataFrame(schema=SCORES.schema())
    everyone, rows = ratios.of_all(known, "person_ref"), flagged(known, capacity)
    low, high = everyone.interval(USUAL)
    more = gain(rows)
    ours, plain = (_net_benefit(rows, by, capacity) for by in ("by_card", "by_harm"))
    slope, inside = _slope(known), tenths_inside(known)
    found: list[tuple[str, float | None, float | None, float | None, str, str | None]] = [
        ("came_over_said", everyone.ratio, low, high, "ratio", None),
        ("calibration_slope", *(slope or (None, None, None)), "slope", None if slope else "nobody, or everybody, became high harm"),
        ("tenths_inside", inside, None, None, "tenths", None if inside is not None else "the model says no group range"),
        ("gain_at_capacity", *(more or (None, None, None)), "share", None if more else "nobody among plain harm's first became high harm"),
        ("net_benefit", ours, None, None, "people a person", None if ours is not None else "[people] useful_share is not set"),
        ("net_benefit_over_plain", None if ours is None or plain is None else ours - plain, None, None, "people a person", None if ours is not None else "[people] useful_share is not set"),
    ]  # fmt: skip
    return pl.DataFrame(
        [
            {"tool": tool, "model": RELEASED, "figure": f"{name}_{months}m", "group": None, "origin": None, "value": value, "low": lower, "high": upper,
             "n": int(everyone.said), "unit": unit, "better": "none", "reason": reason}
            for name, value, lower, upper, unit, reason in found
        ],
        schema=SCORES.schema(),
    )  # fmt: skip


def _net_benefit(rows: pl.DataFrame, by: str, capacity: Capacity) -> float | None:
    if capacity.useful is None:
        return None
    return net_benefit(int((rows[by] & rows["became"]).sum()), int(rows[by].sum()), rows.height, capacity.useful)


def _slope(known: pl.DataFrame) -> tuple[float, float, float] | None:
    """The calibration slope over calendar years of release as random effects, with its 95% interval; None where no year has one."""
    slopes, errors = [], []
    for (_,), part in known.sort("released_on").group_by(pl.col("released_on").dt.year(), maintain_order=True):
        people = part["person_ref"].rank("dense").to_numpy().astype(np.int64) - 1
        one = calibration_slope(part["chance"].to_numpy(), part["became"].cast(pl.Float64).to_numpy(), people)
        if one is not None:
            slopes.append(one[0])
            errors.append((one[2] - one[1]) / (2 * USUAL))
    if not slopes:
        return None
    found = slope_of_years(slopes, errors)
    return found.mean, found.low, found.high


def tenths_inside(known: pl.DataFrame) -> float | None:
    """Of ten tenths of chance, in how many the count that became lies inside the mean group range and binomial noise around it.

    Tenths that equal chances leave out count for those that are there, in proportion. None where a chance has no group range.
    """
    if known["group_low"].null_count() or known["group_high"].null_count():
        return None
    parts = known.with_columns(tenth=tenths_of(known["chance"])).partition_by("tenth")
    inside = 0
    for part in parts:
        low, high = (float(part[name].mean()) for name in ("group_low", "group_high"))  # type: ignore[arg-type]
        inside += bool(binom.ppf(TAIL, part.height, low) <= part["became"].sum() <= binom.ppf(1 - TAIL, part.height, high))
    return 10 * inside / len(parts)
