"""Odd volume: a week far from its own past, or an area that has fallen silent, holds the release for two people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from harmcast.gaps import Gap, missing

WEEKS_COMPARED = 52
LEAST_WEEKS = 12
LISTED, LEAST_SHARED = 20, 5
SILENT_WEEKS = 13  # by then weeks of nothing could pass for the usual, so silence itself is odd
MAD_TO_SD = 1.4826


@dataclass(frozen=True)
class VolumeFinding:
    """One thing that is not as usual: which check says so, in words, with the figure and its limit where there is one."""

    check: str
    says: str
    measured: float | None = None
    limit: float | None = None


@dataclass(frozen=True)
class Volume:
    """Recorded crimes of the last complete week against the weeks before.

    Attributes:
        recorded: crimes recorded in the week before the origin.
        median, deviation: of the weeks compared; the deviation is the median absolute one scaled to a standard deviation,
            at least the square root of the median (counting noise).
        silent_areas: policing areas with a past and nothing in the week.
        odd: what is not as usual, which holds the release; empty if nothing is.
    """

    recorded: int
    median: float | None
    deviation: float | None
    silent_areas: tuple[str, ...]
    findings: tuple[VolumeFinding, ...]


def robust_deviations(value: float, past: Sequence[float]) -> tuple[float, float, float] | None:
    """How many robust deviations `value` lies from the median of `past`, with the median and the deviation.

    None with fewer than 12 past values.
    """
    if len(past) < LEAST_WEEKS:
        return None
    median = float(np.median(past))
    spread = MAD_TO_SD * float(np.median(np.abs(np.asarray(past) - median)))
    deviation = max(spread, float(np.sqrt(median)), 1.0)
    return (value - median) / deviation, median, deviation


def volume_of(crimes: pl.DataFrame, origin: date, deviations: float, gaps: Sequence[Gap] = ()) -> Volume:
    """Whether the week before the origin is odd.

    Args:
        crimes: as known, with recorded_at and, where the force sends it, area.
        origin: first day forecast.
        deviations: how many robust deviations are too many.
        gaps: weeks that are missing: neither judged nor counted among those before.
    """
    begins = origin - timedelta(weeks=WEEKS_COMPARED + 1)
    recent = crimes.filter((pl.col("recorded_at") >= begins) & (pl.col("recorded_at") < origin)).with_columns(
        back=((pl.lit(origin) - pl.col("recorded_at").dt.date()).dt.total_days() - 1) // 7
    )
    held_weeks = 0
    if crimes.height:
        first = crimes.select(pl.col("recorded_at").min().dt.date()).item()
        held_weeks = min(WEEKS_COMPARED + 1, (origin - first).days // 7)
    weekly = dict(recent.group_by("back").len().iter_rows())
    gone = missing(gaps, [origin - timedelta(weeks=back + 1) for back in range(held_weeks)])
    now = int(weekly.get(0, 0))
    past = [float(weekly.get(back, 0)) for back in range(1, held_weeks) if not gone[back]]
    judged = None if gone[:1] == [True] else robust_deviations(now, past)
    findings = []
    if judged is not None and abs(judged[0]) > deviations:
        says = (
            f"{now} crimes were recorded in the week to {origin - timedelta(days=1)}; the weeks before had about {judged[1]:.0f}. "
            f"That is {abs(judged[0]):.1f} robust deviations away; the limit is {deviations:g}."
        )
        findings.append(VolumeFinding("weekly_volume", says, judged[0], deviations))
    newest = crimes.select(pl.col("recorded_at").max().dt.date()).item()
    if newest is not None and newest < origin - timedelta(weeks=SILENT_WEEKS):
        findings.append(VolumeFinding("silence", f"Nothing was recorded since {newest}, over {SILENT_WEEKS} weeks before the week forecast."))
    silent = _silent(recent, past) if "area" in crimes.columns else ()
    silent = tuple(area for area in silent if missing(gaps, [origin - timedelta(weeks=1)], area) == [False])
    if silent:
        findings.append(VolumeFinding("silent_areas", f"{len(silent)} policing area(s) recorded nothing in the week: {', '.join(silent)}.", float(len(silent)), 1.0))
    return Volume(now, judged[1] if judged else None, judged[2] if judged else None, silent, tuple(findings))


def displaced(cells: pl.DataFrame, before: pl.DataFrame | None) -> VolumeFinding | None:
    """Why a places release is held if its list shares almost nothing with last week's list and with the plain count's: a fault moves a
    map in one week, crime does not. None where there is nothing odd, or no list before.

    Args: `tables.FORECAST` of this release and of the one before.
    """
    if before is None:
        return None

    def listed(frame: pl.DataFrame, by: str) -> set[str]:
        return set(frame.sort([by, "cell"], descending=[True, False])["cell"].head(LISTED).to_list())

    ours = listed(cells, "expected")
    last, plain = len(ours & listed(before, "expected")), len(ours & listed(cells, "baseline_24m"))
    if max(last, plain) >= LEAST_SHARED:
        return None
    says = f"Of the {LISTED} cells listed {last} are among last week's and {plain} among those of the 24-month count: the map may be displaced."
    return VolumeFinding("displaced_map", says, float(LISTED - max(last, plain)), float(LISTED - LEAST_SHARED + 1))


def _silent(recent: pl.DataFrame, past: Sequence[float]) -> tuple[str, ...]:
    """Areas that recorded in each of the 12 weeks before and nothing in the last."""
    if len(past) < LEAST_WEEKS:
        return ()
    by_area = recent.filter(pl.col("area").is_not_null() & (pl.col("back") <= LEAST_WEEKS)).group_by("area").agg(
        last=(pl.col("back") == 0).sum(), weeks=pl.col("back").filter(pl.col("back") > 0).n_unique()
    )
    silent = by_area.filter((pl.col("last") == 0) & (pl.col("weeks") == LEAST_WEEKS))["area"]
    return tuple(sorted(silent.to_list()))
