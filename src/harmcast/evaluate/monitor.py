"""The monitor: does what comes in, and what goes out, still look as it did, and are the forecasts still right?

One row a week for each thing watched goes in; a history of charts, alarms and a state come out. Distributions are
watched by bins of their own values: bins by quantile would see nothing in counts that are mostly zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, cast

import numpy as np
import polars as pl

from harmcast.documents.monitor import Break, Calibration
from harmcast.documents.monitor_coverage import Thing, coverage, coverage_says
from harmcast.documents.plain import PlainRecord
from harmcast.evaluate import sequential
from harmcast.evaluate.monitor_thresholds import MonitorThresholds

State = Literal["fine", "watch", "suspend"]


@dataclass(frozen=True)
class Monitor:
    """What the monitor says at the last week held.

    Attributes:
        state: fine; watch (an open alarm); suspend (a named threshold is crossed: publication stops until looked at).
        reasons: why, in plain words, and where it is fine how much cannot speak yet; rules: the thresholds that were crossed.
        history: week, kind, name, bin, value (count, or recorded), expected (forecast, for levels), share, score
            (standard normal while nothing changes), chart (cumulative sum; its sign is the direction), limit, alarm.
        alarms: week, kind, name, bins, direction.
        breaks: name, period, change, chance, verdict.
        calibration: period, recorded, expected, ratio, ratio_low, ratio_high.
        said: of chances about people, what was said and what came (`people_monitor.SAID`); no row for places. rehearsal: of it, whether nobody saw those chances.
        watched: everything that is watched; silent: what of it cannot speak yet.
    """

    state: State
    reasons: tuple[str, ...]
    rules: tuple[str, ...]
    history: pl.DataFrame
    alarms: pl.DataFrame
    breaks: pl.DataFrame
    calibration: pl.DataFrame
    thresholds: MonitorThresholds
    watched: tuple[Thing, ...] = ()
    silent: tuple[Thing, ...] = ()
    said: pl.DataFrame = field(default_factory=pl.DataFrame)
    rehearsal: bool = False

    def document(self) -> PlainRecord:
        """The same, ready for JSON; the history is left to its table."""
        return {
            "state": self.state,
            "reasons": list(self.reasons),
            "rules": list(self.rules),
            "alarms": _rows(self.alarms),
            "breaks": _rows(self.breaks),
            "calibration": _rows(self.calibration),
            "said": _rows(self.said),
            "rehearsal": self.rehearsal,
            "thresholds": self.thresholds.document(),
            "watched": len(self.watched),
            "silent": [{"kind": kind, "name": name} for kind, name in self.silent],
        }


def _rows(table: pl.DataFrame) -> list[PlainRecord]:
    return [
        {
            k: v.isoformat() if isinstance(v, date) else (None if isinstance(v, float) and v != v else v)
            for k, v in row.items()
        }
        for row in table.iter_rows(named=True)
    ]


def monitor(
    history: pl.DataFrame, thresholds: MonitorThresholds | None = None, seed: int = 0, levels: Sequence[str] = ()
) -> Monitor:
    """Charts over everything watched, alarms, breaks, calibration, and what follows.

    Args:
        history: rows of `streams`, one a week, kind, name and bin: `week` (date of its Monday), `kind` (`input` or `score`: `value` is
            the count in the bin that week; `level`: `value` is what was recorded that week and `expected` what had
            been forecast for it, bin empty), `name`, `bin`, `value`, `expected`. Inputs are best given as what
            arrived in the week, not as the whole stock. Weeks that are not there are passed over.
        seed: of the shuffles that size the breaks.
        levels: names whose level is watched from when its first week is over; they cannot speak while they have no row.
    Returns: a Monitor. With nothing changing, `false_alarms` alarms are expected in 104 weeks over all charts together.
    """
    t = thresholds or MonitorThresholds()
    rows = history.with_columns(pl.col("bin").fill_null("")).sort("kind", "name", "bin", "week")
    weeks = sorted(rows["week"].unique().to_list())
    series = [*_distributions(rows, weeks, t), *_levels(rows, weeks, t)]
    parts = []
    for which, allowance in ((False, 1 - t.level_allowance), (True, t.level_allowance)):
        family = [one for one in series if (one.kind == "level") == which]
        count = max(1, sum(one.values.shape[1] for one in family))
        error = allowance * t.false_alarms
        height = sequential.height_for((1 - sequential.SHARE_JUMP) * error, 104, count)
        limit = sequential.limit_for(sequential.SHARE_JUMP * error, 104, count)
        parts += [_chart(one, weeks, height, limit, t) for one in family]
    charted = pl.concat(parts) if parts else pl.DataFrame(schema=_SCHEMA)
    alarms = (
        charted.filter("alarm")
        .sort("week", "kind", "name", "bin")
        .group_by("week", "kind", "name", maintain_order=True)
        .agg(pl.col("bin").str.join("; ").alias("bins"), pl.col("chart").first().sign().alias("direction"))
    )
    of_level = rows.filter(pl.col("kind") == "level")
    breaks, calibration = _breaks(of_level, t, seed), _calibration(of_level, t)
    state, reasons, rules = _state(rows, weeks, alarms, breaks, calibration, t)
    watched, silent = coverage(charted, cast(list[Break], breaks.rows(named=True)), cast(list[Calibration], calibration.rows(named=True)), levels)
    if state == "fine" and silent:
        reasons = (*reasons, coverage_says(len(silent), len(watched)))
    return Monitor(state, reasons, rules, charted, alarms, breaks, calibration, t, watched, silent)


@dataclass(frozen=True)
class _Series:
    kind: str
    name: str
    bins: tuple[str, ...]
    counts: np.ndarray  # (weeks, bins)
    expected: np.ndarray | None
    values: np.ndarray  # (weeks, bins): what is charted
    centre: float | None
    floor: np.ndarray | float = 0.0


_SCHEMA = {
    "week": pl.Date, "kind": pl.String, "name": pl.String, "bin": pl.String, "value": pl.Float64,
    "expected": pl.Float64, "share": pl.Float64, "score": pl.Float64, "chart": pl.Float64, "limit": pl.Float64,
    "alarm": pl.Boolean,
}  # fmt: skip


def _distributions(rows: pl.DataFrame, weeks: list[date], t: MonitorThresholds) -> list[_Series]:
    """Shares by bin on the angular scale, on which their noise is the same everywhere; thin bins put together."""
    found: list[_Series] = []
    counted: set[str] = set()
    year = _year(weeks)
    parts = rows.filter(pl.col("kind") != "level").partition_by(
        "kind", "name", maintain_order=True, as_dict=True
    )
    for (kind, name), part in parts.items():
        wide = part.pivot("bin", index="week", values="value", aggregate_function="sum", maintain_order=True)
        bins, counts = _merged(wide, weeks, t)
        total = counts.sum(axis=1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            angle = np.arcsin(np.sqrt((counts + 0.375) / (total + 0.75)))
        angle = np.where(total > 0, angle, np.nan)
        if len(bins) == 2:  # one bin tells the other
            bins, counts, angle = bins[:1], counts[:, :1], angle[:, :1]
        family = str(name).split(".")[0]
        if kind == "input" and family not in counted:  # the columns of one table arrive together
            counted.add(family)
            volume = np.where(total > 0, np.sqrt(total + 0.375), np.nan)
            bins, counts = (*bins, "how many"), np.hstack([counts, total])
        fresh = sequential.innovations(angle, t.reference_weeks, year, stock=kind == "score")
        if "how many" in bins:
            fresh = np.hstack([fresh, sequential.from_local_level(volume, year)])
        size = np.median(total[: t.reference_weeks])
        floor = t.least_stock_spread * 0.5 / np.sqrt(max(size, 1.0)) if kind == "score" else 0.0
        found.append(_Series(str(kind), str(name), bins, counts, None, fresh, None, floor))
    return found


def _year(weeks: list[date]) -> np.ndarray:
    """The share of the year gone by at each week."""
    return np.array([(week.timetuple().tm_yday - 1) / 365.25 for week in weeks])


def _merged(
    wide: pl.DataFrame, weeks: list[date], t: MonitorThresholds
) -> tuple[tuple[str, ...], np.ndarray]:
    """Counts (weeks, bins) with the thin bins of the reference weeks in one; a bin never seen then is thin."""
    full = pl.DataFrame({"week": weeks}).join(wide, on="week", how="left").fill_null(0).sort("week")
    names = [c for c in full.columns if c != "week"]
    counts = full.select(names).to_numpy().astype(float)
    usual = counts[: t.reference_weeks].mean(axis=0)
    thin = (usual < t.least_a_week) | (usual < t.least_share * usual.sum())
    kept = tuple(n for n, is_thin in zip(names, thin, strict=True) if not is_thin)
    if not thin.any():
        return kept, counts
    return (*kept, "all thin bins"), np.column_stack([counts[:, ~thin], counts[:, thin].sum(axis=1)])


def _levels(rows: pl.DataFrame, weeks: list[date], t: MonitorThresholds) -> list[_Series]:
    """Forecast errors on the square-root scale, held against 0: a forecast that is right has no mean error."""
    found = []
    levels = rows.filter(pl.col("kind") == "level").partition_by("name", maintain_order=True, as_dict=True)
    for (name,), part in levels.items():
        full = (
            pl.DataFrame({"week": weeks})
            .join(part.select("week", "value", "expected"), on="week", how="left")
            .sort("week")
        )
        value, expected = (
            full[c].cast(pl.Float64).fill_null(float("nan")).to_numpy()[:, None]
            for c in ("value", "expected")
        )
        error = 2 * (np.sqrt(value + 0.375) - np.sqrt(np.maximum(expected, 0) + 0.375))
        fresh = sequential.innovations(error, t.reference_weeks, _year(weeks), centre=0.0)
        found.append(_Series("level", str(name), ("",), value, expected, fresh, 0.0))
    return found


def _chart(
    one: _Series, weeks: list[date], height: float, limit: float, t: MonitorThresholds
) -> pl.DataFrame:
    scores = sequential.self_starting(one.values, one.centre, t.least_past_weeks, one.floor)
    sums, alarms = sequential.charts(scores, height, limit)
    total = np.nansum(one.counts[:, : max(1, len(one.bins) - ("how many" in one.bins))], axis=1)
    frames = []
    for b, name in enumerate(one.bins):
        plain = one.kind == "level" or name == "how many"
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.full(len(weeks), np.nan) if plain else one.counts[:, b] / total
        expected = np.full(len(weeks), np.nan) if one.expected is None else one.expected[:, 0]
        frames.append(
            pl.DataFrame(
                {
                    "week": weeks, "kind": one.kind, "name": one.name, "bin": name, "value": one.counts[:, b],
                    "expected": expected, "share": share, "score": scores[:, b], "chart": sums[:, b], "limit": height,
                    "alarm": alarms[:, b],
                },
                schema=_SCHEMA,
            ).with_columns(pl.selectors.float().fill_nan(None))
        )  # fmt: skip
    return pl.concat(frames)


PERIOD_WEEKS = 4


def _periods(part: pl.DataFrame) -> pl.DataFrame:
    """Sums over whole periods of four weeks, counted back from the last week."""
    done = part.filter(pl.col("value").is_not_null() & pl.col("expected").is_not_null()).sort(
        "week", descending=True
    )
    numbered = done.with_row_index("place").with_columns(period=pl.col("place") // PERIOD_WEEKS)
    return (
        numbered.group_by("period")
        .agg(pl.col("week").min(), pl.col("value").sum(), pl.col("expected").sum(), pl.len().alias("weeks"))
        .filter(pl.col("weeks") == PERIOD_WEEKS)
        .sort("week")
    )


def _breaks(levels: pl.DataFrame, t: MonitorThresholds, seed: int) -> pl.DataFrame:
    rows = []
    for (name,), part in levels.partition_by("name", maintain_order=True, as_dict=True).items():
        periods = _periods(part)
        for against, out_of in (
            ("time", np.ones(periods.height)),
            ("forecast", periods["expected"].to_numpy()),
        ):
            at, change, chance = sequential.break_in_rate(periods["value"].to_numpy(), out_of, seed)
            rows.append(
                {
                    "name": str(name), "against": against, "period": None if at is None else periods["week"][at],
                    "change": None if at is None else change, "chance": chance,
                    "verdict": "too few periods" if at is None else "break" if chance < t.break_error else "none",
                }
            )  # fmt: skip
    schema = {
        "name": pl.String,
        "against": pl.String,
        "period": pl.Date,
        "change": pl.Float64,
        "chance": pl.Float64,
        "verdict": pl.String,
    }
    return pl.DataFrame(rows, schema=schema)


def _calibration(levels: pl.DataFrame, t: MonitorThresholds) -> pl.DataFrame:
    """Recorded over forecast by period, and over the last periods together (`period` null), with 95% ranges."""
    numbers = dict.fromkeys(("recorded", "expected"), pl.Float64)
    parts = [pl.DataFrame(schema={"period": pl.Date, **numbers, "name": pl.String, "spread": pl.Float64})]
    for (name,), part in levels.partition_by("name", maintain_order=True, as_dict=True).items():
        periods = _periods(part)
        value, expected = periods["value"].to_numpy(), periods["expected"].to_numpy()
        spread = _overdispersion(value, expected)
        last = periods.tail(t.calibration_periods)
        table = periods.select(pl.col("week").alias("period"), pl.col("value").alias("recorded"), "expected")
        if last.height:
            table = pl.concat(
                [
                    table,
                    pl.DataFrame(
                        {
                            "period": [None],
                            "recorded": [last["value"].sum()],
                            "expected": [last["expected"].sum()],
                        },
                        schema=table.schema,
                    ),
                ]
            )
        parts.append(table.with_columns(name=pl.lit(str(name)), spread=pl.lit(spread)))
    half = 1.959963984540054 * (pl.col("spread") / (pl.col("recorded") + 0.5)).sqrt()
    ratio = pl.when(pl.col("expected") > 0).then(pl.col("recorded") / pl.col("expected"))
    base = pl.when(pl.col("expected") > 0).then((pl.col("recorded") + 0.5) / pl.col("expected"))
    return pl.concat(parts).select(
        "name",
        "period",
        "recorded",
        "expected",
        ratio.alias("ratio"),
        (base * (-half).exp()).alias("ratio_low"),
        (base * half.exp()).alias("ratio_high"),
    )


def _overdispersion(value: np.ndarray, expected: np.ndarray) -> float:
    """Spread of the periods about the forecast scaled to their own level, over Poisson's; at least 1."""
    if len(value) < 3 or expected.sum() <= 0 or value.sum() <= 0:
        return 1.0
    fitted = np.maximum(expected * value.sum() / expected.sum(), 1e-9)
    return float(max(1.0, (((value - fitted) ** 2) / fitted).sum() / (len(value) - 1)))


def _state(
    rows: pl.DataFrame,
    weeks: list[date],
    alarms: pl.DataFrame,
    breaks: pl.DataFrame,
    calibration: pl.DataFrame,
    t: MonitorThresholds,
) -> tuple[State, tuple[str, ...], tuple[str, ...]]:
    since = weeks[-t.recent_weeks] if len(weeks) >= t.recent_weeks else (weeks[0] if weeks else date.min)
    open_alarms = alarms.filter(pl.col("week") >= since)
    reasons = [
        f"{row['kind']} {row['name']} changed ({row['bins'] or 'level'}), alarmed in the week of {row['week'].isoformat()}."
        for row in open_alarms.iter_rows(named=True)
    ]
    rules, watched = [], open_alarms.height > 0
    inputs = rows.filter(pl.col("kind") == "input")["name"].n_unique()
    alarmed = open_alarms.filter(pl.col("kind") == "input")["name"].n_unique()
    if alarmed > 1 and alarmed >= t.suspend_inputs_share * inputs:  # one alone is not the feed
        rules.append("suspend_inputs_share")
        reasons.append(
            f"{alarmed} of {inputs} inputs are in open alarm together: the feed is not what it was."
        )
    for row in calibration.filter(pl.col("period").is_null() & pl.col("ratio").is_not_null()).iter_rows(
        named=True
    ):
        told = f"{row['name']}: recorded over forecast is {row['ratio']:.2f} ({row['ratio_low']:.2f} to {row['ratio_high']:.2f}) over the last periods"
        if row["ratio_high"] < t.calibration_low or row["ratio_low"] > t.calibration_high:
            rules.append("calibration_low" if row["ratio"] < 1 else "calibration_high")
            reasons.append(told + ".")
        elif row["ratio_high"] < 1 / t.calibration_watch or row["ratio_low"] > t.calibration_watch:
            watched = True
            reasons.append(told + ": watched.")
    for row in breaks.filter((pl.col("verdict") == "break") & (pl.col("against") == "forecast")).iter_rows(
        named=True
    ):
        reasons.append(
            f"{row['name']}: the forecast's level broke about the four weeks from {row['period'].isoformat()}."
        )
    state: State = "suspend" if rules else "watch" if watched else "fine"
    return state, tuple(reasons), tuple(rules)
