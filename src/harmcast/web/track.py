"""Were we right? Published scores gathered over releases, and published forecasts beside what came."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from harmcast import words
from harmcast.charts.series import Point
from harmcast.publish import verdicts
from harmcast.store.releases import Release
from harmcast.web import released
from harmcast.web.released import Outcome

GROUPS = 8
FEWEST_CELLS = 30
BASELINES = ("count_4w", "count_last_year", "count_12m", "count_24m")
NAMES = {
    "ours": "This tool",
    "foresight": "Best possible",
    **{name: words.model_name(name).capitalize() for name in BASELINES},
}


def scores(history: Sequence[Release], tool: str) -> pl.DataFrame:
    """tables.SCORES of one tool over all releases; a figure restated later stands in place of the first one."""
    frames = []
    for place, release in enumerate(history):
        if released.has(release, "scores"):
            frame = released.frame(release, "scores").filter(pl.col("tool") == tool)
            frames.append(frame.with_columns(pl.lit(place).alias("_place")))
    if not frames:
        return pl.DataFrame()
    keys = ["model", "figure", "group", "origin"]
    joined = pl.concat(frames, how="vertical_relaxed").sort("_place", maintain_order=True)
    return (
        joined.unique(subset=keys, keep="last", maintain_order=True).drop("_place").sort(["origin", "figure", "model"])
    )


@dataclass(frozen=True)
class ClosedRelease:
    """One closed release: crimes that came, hits of our 20 cells, of each plain count's, and the best possible.

    Attributes:
        hits: model -> hits in its top 20 cells; `foresight` is the best possible; ours is under "ours".
    """

    origin: date
    model: str
    crimes: int
    hits: dict[str, int]
    expected: float | None
    inside_share: float | None
    inside_expected: float | None
    fell_back: bool


def judged(frame: pl.DataFrame) -> list[ClosedRelease]:
    """Closed releases that have been judged, the newest first."""
    found: list[ClosedRelease] = []
    if frame.is_empty():
        return found
    by_origin = frame.filter(pl.col("origin").is_not_null() & pl.col("group").is_null())
    for origin in by_origin["origin"].unique().sort(descending=True).to_list():
        one = by_origin.filter(pl.col("origin") == origin)
        value = {(m, f): v for m, f, v in one.select("model", "figure", "value").iter_rows()}
        if not any(f == "hits_top20" for _, f in value):
            continue
        total = one.filter(pl.col("figure") == "total")
        model = str(total["model"][0]) if total.height else next((m for (m, f) in value if f == "hits_top20"), "")
        hits = {
            ("ours" if m == model else m): int(v) for (m, f), v in value.items() if f == "hits_top20" and v is not None
        }
        if model in BASELINES and "ours" in hits:
            hits[model] = hits["ours"]
        found.append(
            ClosedRelease(
                origin=origin,
                model=model,
                crimes=int(value.get((model, "total")) or 0),
                hits=hits,
                expected=value.get((model, "expected_total")),
                inside_share=value.get((model, "inside_printed_range")),
                inside_expected=value.get((model, "expected_inside_printed_range")),
                fell_back=model == "count_24m",
            )
        )
    return found


def pooled_hits(rows: Sequence[ClosedRelease], name: str) -> tuple[int, int] | None:
    """Hits of one method's 20 cells and all crimes, over releases whose windows do not overlap; None where it was not judged."""
    apart = not_overlapping(rows)
    if not apart or any(name not in row.hits for row in apart):
        return None
    return sum(row.hits[name] for row in apart), sum(row.crimes for row in apart)


def not_overlapping(rows: Sequence[ClosedRelease], days: int = 28) -> list[ClosedRelease]:
    """Releases whose windows do not overlap, counted back from the newest: each crime counts once."""
    kept: list[ClosedRelease] = []
    for row in sorted(rows, key=lambda r: r.origin, reverse=True):
        if not kept or (kept[-1].origin - row.origin).days >= days:
            kept.append(row)
    return kept


@dataclass(frozen=True)
class AreaWindow:
    """One policing area in one closed window: what was expected, with its printed range, what came, what the list caught.

    Attributes:
        caught: offences in those of the force's highest cells that lie in the area; 0 to `recorded`.
    """

    origin: date
    expected: float
    lower: int
    upper: int
    recorded: int
    caught: int

    @property
    def inside(self) -> bool:
        return self.lower <= self.recorded <= self.upper


@dataclass(frozen=True)
class AreaRecord:
    """One policing area over closed windows that do not overlap, the newest first."""

    area: str
    windows: tuple[AreaWindow, ...]

    @property
    def expected(self) -> float:
        return sum(one.expected for one in self.windows)

    @property
    def recorded(self) -> int:
        return sum(one.recorded for one in self.windows)

    @property
    def inside(self) -> int:
        """Windows in which the area's count lay inside its printed range."""
        return sum(one.inside for one in self.windows)

    @property
    def caught(self) -> int:
        return sum(one.caught for one in self.windows)


def by_area(
    history: Sequence[Release], newest: Release, tool: str, origins: Collection[date], weeks: int, top: int
) -> list[AreaRecord]:
    """Each policing area's record over the releases of `origins`, by name; empty where no area or count is published."""
    if not released.has(newest, f"{tool}_weeks"):
        return []
    chosen = [r for r in history if r.origin in origins and released.has(r, f"{tool}_areas")]
    key = (released.fingerprint(newest), "by_area", tool, tuple(r.name for r in chosen))
    return released.kept.get(key, lambda: _by_area(chosen, released.frame(newest, f"{tool}_weeks"), tool, weeks, top))


def _by_area(chosen: Sequence[Release], recorded: pl.DataFrame, tool: str, weeks: int, top: int) -> list[AreaRecord]:
    found: dict[str, list[AreaWindow]] = {}
    for release in sorted(chosen, key=lambda r: r.origin, reverse=True):
        came = verdicts.counts(recorded, release.origin, weeks)
        cells = released.frame(release, tool).sort(["expected", "cell"], descending=[True, False])
        seen: dict[str, list[int]] = {}
        for place, (cell, area) in enumerate(cells.select("cell", "area").iter_rows()):
            here = seen.setdefault(area, [0, 0])
            here[0] += came.get(cell, 0)
            here[1] += came.get(cell, 0) if place < top else 0
        rows = released.frame(release, f"{tool}_areas").filter(pl.col("area").is_not_null())
        for area, expected, lower, upper in rows.select("area", "expected", "lower", "upper").iter_rows():
            window = AreaWindow(release.origin, expected, lower, upper, *seen.get(area, [0, 0]))
            found.setdefault(area, []).append(window)
    return [AreaRecord(area, tuple(found[area])) for area in sorted(found)]


@dataclass(frozen=True)
class Trial:
    """The windows that the fallback rule looks at, made again from the records as known now.

    Attributes:
        better: windows in which our log score was above the 24-month count's, of `windows`.
        difference: mean difference of log scores a cell, ours less the count's; above 0 is better.
    """

    better: int
    windows: int
    difference: float


def trial(newest: Release, tool: str) -> Trial | None:
    """How our model and the 24-month count did on the last completed windows; None where the release says nothing of it."""
    if not released.has(newest, "scores"):
        return None
    frame = released.frame(newest, "scores").filter((pl.col("tool") == tool) & (pl.col("figure") == "log_score_trial"))
    sides: dict[str, dict[date, float]] = {"ours": {}, "count_24m": {}}
    for model, origin, value in frame.select("model", "origin", "value").iter_rows():
        if model in sides and value is not None:
            sides[model][origin] = value
    gains = [value - sides["count_24m"][origin] for origin, value in sides["ours"].items() if origin in sides["count_24m"]]
    return Trial(sum(g > 0 for g in gains), len(gains), sum(gains) / len(gains)) if gains else None


@dataclass(frozen=True)
class Calibrated:
    """One group of forecasts by expected number: how many, mean expected, mean recorded with its 95% range."""

    point: Point
    lowest: float
    highest: float
    recorded: int


def calibration(outcomes: Sequence[Outcome]) -> list[Calibrated]:
    """Forecasts in groups by expected number, each with what came on average; the smallest expected first.

    Groups hold about as many expected offences each. The range of the mean recorded takes counts as Poisson.
    """
    if len(outcomes) < FEWEST_CELLS:
        return []
    ordered = sorted(outcomes, key=lambda o: o.expected)
    share = sum(o.expected for o in ordered) / GROUPS
    found: list[Calibrated] = []
    part: list[Outcome] = []
    held = 0.0
    for outcome in ordered:
        part.append(outcome)
        held += outcome.expected
        if held >= share and len(part) >= FEWEST_CELLS:
            found.append(_calibrated(part))
            part, held = [], 0.0
    if len(part) >= FEWEST_CELLS:
        found.append(_calibrated(part))
    return found


def _calibrated(part: Sequence[Outcome]) -> Calibrated:
    n, came = len(part), sum(o.recorded for o in part)
    half = 1.96 * math.sqrt(max(came, 1))
    point = Point(sum(o.expected for o in part) / n, came / n, max(0.0, came - half) / n, (came + half) / n, n)
    return Calibrated(point, part[0].expected, part[-1].expected, came)
