"""My area as a page reads it: rows of cells with range, baselines, change in words, groups and what came before.

Only what was published is read; nothing is forecast here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import polars as pl

from harmcast import words
from harmcast.ground import maps, naming
from harmcast.publish import released
from harmcast.publish.released import Outcome
from harmcast.settings import PlacesTool
from harmcast.store.releases import Release

PAGE_ROWS = 25
ORDERS = {
    "expected": "Expected number",
    "chance": "Chance of at least one",
    "last4": "Last 4 weeks",
    "year": "Same weeks last year",
    "usual": "52-week mean",
    "change": "Change",
    "cell": "Cell",
    "area": "Area",
}


@dataclass(frozen=True)
class Row:
    """One cell of a release, ready to read."""

    cell: str
    place: str
    area: str | None
    easting_m: float
    northing_m: float
    expected: float
    lower: int
    upper: int
    range_level: float
    chance_any: float
    chance_top20: float | None
    chance_top20_year: float | None
    model: str
    baseline_4w: float | None
    baseline_last_year: float | None
    baseline_52w: float | None
    baseline_24m: float | None
    change: str
    group: int
    weeks_seen: int = 52
    past: tuple[Outcome, ...] = field(default=())

    @property
    def where(self) -> str:
        """First line of the place's name: the settlement."""
        return naming.parted(self.place)[0]

    @property
    def ways(self) -> str:
        """Second line: the roads, or the reference where there are none; empty where the name is one line."""
        return naming.parted(self.place)[1]

    @property
    def is_higher(self) -> bool:
        return self.change.startswith("higher")

    @property
    def is_lower(self) -> bool:
        return self.change.startswith("lower")

    @property
    def inside(self) -> int:
        """Of the earlier releases shown, how many ranges held what came."""
        return sum(outcome.place == "inside" for outcome in self.past)


_AS_RELEASED = tuple(f.name for f in fields(Row) if f.name not in ("place", "change", "group", "weeks_seen", "past"))


@dataclass(frozen=True)
class Group:
    """Neighbouring cells of the list that cannot be told apart."""

    number: int
    first: int
    last: int

    @property
    def cells(self) -> int:
        return self.last - self.first + 1


def of_release(release: Release, tool: PlacesTool, history: list[Release]) -> list[Row]:
    """`rows` of a release with what came of the releases of its history, made once."""
    key = (release.manifest_sha256, tool.name, "rows", len(history))
    return released.kept.get(key, lambda: rows(released.frame(release, tool.name), released.outcomes(release, history, tool.name, tool.horizon_weeks)))


def rows(cells: pl.DataFrame, past: dict[str, list[Outcome]]) -> list[Row]:
    """Every cell, the highest expected number first, with its group of cells that cannot be told apart.

    A release of before 0.2 holds no groups and chances of another meaning: all its cells stand in one group, without them.
    """
    if "list_group" not in cells.columns:
        unknown = pl.lit(None, dtype=pl.Float64)
        cells = cells.with_columns(list_group=pl.lit(1), chance_top20=unknown, chance_top20_year=unknown)
    ordered = cells.sort(["expected", "cell"], descending=[True, False])
    return [_row(record, tuple(past.get(record["cell"], ())[-5:])) for record in ordered.iter_rows(named=True)]


def incidents_say(release: Release, tool: str) -> str:
    """That offences of one incident are counted together, where any are; empty where none are or the release does not say."""
    one = released.document(release, f"{tool}_model").get("incidents") or {}
    if one.get("victims_per_incident", 1.0) <= 1.0:
        return ""
    return (
        f"Offences of one place and hour are one incident, of {one['victims_per_incident']:.2f} offences on average: sixty victims of one evening "
        "are one incident when the places to come are worked out, and sixty offences in every count."
    )


def without_filter_says(release: Release, tool: str) -> str:
    """That the forecast goes without the filter, where the tool has too many cells for it; empty elsewhere."""
    if released.document(release, f"{tool}_model").get("filter", True):
        return ""
    return "With over 4,000 cells the forecast goes without the filter that follows each place from week to week: it places crime somewhat worse (methods of places)."


def list_says(release: Release, tool: str) -> str:
    """What the list says as one, in a sentence or three; empty for a release that does not say it."""
    one = released.document(release, f"{tool}_model").get("list")
    if not one:
        return ""
    return (
        f"These {one['cells']} places are expected to hold {one['expected']:.0f} of {one['total']:.0f} offences "
        f"({one['range_level']:.0%} range {one['low']} to {one['high']}). The best {one['cells']}, known only afterwards, would hold about "
        f"{one['best_possible']:.0f}. About {one['among_best']:.0f} of these {one['cells']} will be among them."
    )


def _row(record: dict[str, Any], past: tuple[Outcome, ...]) -> Row:
    return Row(
        **{name: record[name] for name in _AS_RELEASED},
        place=record.get("place") or words.cell(record["cell"]),  # a release of before 0.2 names no place
        change=words.change(record["baseline_4w"], record["baseline_52w"]),
        group=record["list_group"],
        weeks_seen=record.get("baseline_weeks_seen_52w", 52),
        past=past,
    )


def names(found: Sequence[Row]) -> list[str]:
    """What each place is called in a sentence: its settlement, with its roads where several places share that."""
    shared = Counter(row.where for row in found)
    return [f"{row.where} ({row.ways})" if shared[row.where] > 1 and row.ways else row.where for row in found]


def groups(found: Sequence[Row]) -> dict[int, Group]:
    """Each group with the places in the list that it spans, counted from 1."""
    spans: dict[int, Group] = {}
    for place, row in enumerate(found, start=1):
        first = spans[row.group].first if row.group in spans else place
        spans[row.group] = Group(row.group, first, place)
    return spans


def ordered(found: Sequence[Row], order: str) -> list[Row]:
    """The rows in one of ORDERS; ties keep the highest expected number first."""
    by = {
        "expected": lambda r: 0,
        "chance": lambda r: -r.chance_any,
        "last4": lambda r: -(r.baseline_4w or 0),
        "year": lambda r: -(r.baseline_last_year or 0),
        "usual": lambda r: -(r.baseline_52w or 0),
        "change": lambda r: (
            not r.is_higher,
            r.is_lower,
            r.change == "none for a year",
            (r.baseline_52w or 0) - (r.baseline_4w or 0),
        ),
        "cell": lambda r: r.cell,
        "area": lambda r: (r.area is None, r.area or ""),
    }[order]
    return sorted(found, key=by)


@dataclass(frozen=True)
class Class:
    """One shade of the map: from `low` up to but not including `high`."""

    low: float
    high: float | None
    shade: int
    cells: int

    @property
    def words(self) -> str:
        if self.low == 0:
            return f"under {self.high or 0:g}"
        return f"{self.low:g} or more" if self.high is None else f"{self.low:g} to {self.high:g}"


def classes(expected: Sequence[float]) -> list[Class]:
    """Shades for the map with how many cells are in each, light to dark."""
    found = maps.classes(expected)
    ends = [low for low, _ in found[1:]] + [None]
    return [
        Class(low, high, shade, sum(low <= x and (high is None or x < high) for x in expected))
        for (low, shade), high in zip(found, ends, strict=True)
    ]


def map_cells(found: Sequence[Row]) -> list[list[Any]]:
    """What the map needs of each cell, in the order of MAP_FIELDS: the same facts as the row."""
    return [
        [
            row.cell,
            row.place,
            row.area or "",
            row.easting_m,
            row.northing_m,
            round(row.expected, 4),
            words.span(row.lower, row.upper),
            words.number(row.expected),
            words.chance(row.chance_any),
            words.count(row.baseline_4w),
            words.count(row.baseline_last_year),
            words.number(row.baseline_52w),
            row.change,
        ]
        for row in found
    ]


MAP_FIELDS = ["cell", "place", "area", "easting_m", "northing_m", "expected", "range", "expected_words", "chance", "last_4w", "last_year", "mean_52w", "change"]
