"""What was published, as pages and Qlik read it: one release's frames, the line about it, and what came of those before it.

A release never changes, so what is read from one is kept, by the SHA-256 that its manifest names.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from threading import Lock, RLock
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import polars as pl

from harmcast import words
from harmcast.documents.changed import AreaTotal, PlacesChanged
from harmcast.documents.manifest import ReleaseManifest, ToolSays
from harmcast.documents.verdict import PeopleVerdict, PlacesVerdict
from harmcast.oversight import log
from harmcast.publish import verdicts
from harmcast.publish.verdicts import counts, total_in
from harmcast.settings import PeopleTool, PlacesTool
from harmcast.store.releases import Release
from harmcast.store.state import State

STALE_AFTER_DAYS = 8
T = TypeVar("T")


class ReadCache:
    """The last `most` things read, by key. What many ask for at once is made once: the others wait for it.

    A thing kept with a mark is made again, in its own place, once the mark is another.
    """

    def __init__(self, most: int = 256) -> None:
        self._most = most
        self._things: OrderedDict[object, Any] = OrderedDict()
        self._making: dict[object, RLock] = {}
        self._lock = Lock()

    def get(self, key: object, make: Callable[[], T], mark: object = None) -> T:
        with self._lock:
            if key in self._things and self._things[key][0] == mark:
                self._things.move_to_end(key)
                found: T = self._things[key][1]
                return found
            turn = self._making.setdefault((key, mark), RLock())
        with turn:
            with self._lock:
                if key in self._things and self._things[key][0] == mark:
                    ready: T = self._things[key][1]
                    return ready
            try:
                made = make()
                with self._lock:
                    self._things[key] = (mark, made)
                    while len(self._things) > self._most:
                        self._things.popitem(last=False)
            finally:
                with self._lock:
                    self._making.pop((key, mark), None)
        return made


kept = ReadCache()
AT_LAST_SECONDS = 20.0
_read_ahead: dict[tuple[Path, str], int] = {}


def is_read(state: State, tool: str, release: Release) -> None:
    """Says that what the pages of a release share has been read: they show it from now on."""
    _read_ahead[state.root, tool] = release.id


def history(state: State, tool: str) -> list[Release]:
    """The published releases of a tool as pages show them, oldest first.

    Where a thread reads releases ahead, one that came out is shown once it is read, at the latest AT_LAST_SECONDS after, so that
    nobody waits for it. One that was withdrawn is gone at once.
    """
    found = state.releases.history(tool)
    ready = _read_ahead.get((state.root, tool))
    if ready is None or not found or found[-1].id == ready:
        return found
    upto = next((n for n, release in enumerate(found) if release.id == ready), None)
    came_out = found[-1].published_at
    if upto is None or came_out is None:
        return found
    age = log.moment(state.operations.now()) - log.moment(came_out)
    return found[: upto + 1] if age.total_seconds() < AT_LAST_SECONDS else found


def manifest(release: Release) -> ReleaseManifest:
    """What the release says of itself, read once."""
    return kept.get((release.manifest_sha256, "manifest"), release.manifest)


def has(release: Release, name: str) -> bool:
    """Whether the release holds a table of that name."""
    return f"{name}.parquet" in manifest(release).get("files", {})


def frame(release: Release, name: str) -> pl.DataFrame:
    """A table of the release, read once."""
    return kept.get((release.manifest_sha256, name), lambda: release.frame(name))


def total(release: Release, tool: str, area: str | None = None) -> AreaTotal | None:
    """The row of one area, or of the whole force; None if the release holds none."""
    return total_in(frame(release, f"{tool}_areas"), area) if has(release, f"{tool}_areas") else None


def document(release: Release, name: str) -> dict[str, Any]:
    """A JSON document of the release, read once; empty if it holds none of that name."""
    if f"{name}.json" not in manifest(release).get("files", {}):
        return {}
    found: dict[str, Any] = kept.get(
        (release.manifest_sha256, name, "json"), lambda: json.loads(release.read(f"{name}.json"))
    )
    return found


@dataclass(frozen=True)
class ReleaseLine:
    """The line about a release that stands on every page which shows its figures."""

    week: str
    status: str
    origin: date
    data_to: date
    made_at: datetime | None
    model: str
    warnings: tuple[str, ...]
    fallback: str | None


def local(moment: str, zone: str) -> datetime:
    """A moment as the database writes it, in the force's zone."""
    return log.moment(moment).astimezone(ZoneInfo(zone))


def data_to(release: Release) -> date:
    """The last day that a release knows of: never the first day that it speaks of."""
    said, last_day = manifest(release), release.origin - timedelta(days=1)
    ends = str(said.get("data_to") or said.get("as_of") or "")[:10]
    return min(date.fromisoformat(ends), last_day) if ends else last_day


def about(release: Release, tool: PlacesTool | PeopleTool, zone: str) -> ReleaseLine:
    """The line about one tool's release.

    Data warnings come from the manifest (`warnings`, or those of the tool in `tools`), the plain count's stepping in
    from the model's record (`fell_back`, `reason`).
    """
    said, record = manifest(release), document(release, f"{tool.name}_model")
    if isinstance(tool, PlacesTool):
        models = frame(release, tool.name)["model"].unique().sort().to_list() if has(release, tool.name) else [release.model]
        model = words.listed([words.model_name(str(name)) for name in models])
    else:
        model = release.model or "no model for chances yet"
    by_tool: ToolSays = said.get("tools", {}).get(tool.name, {}) if isinstance(said.get("tools"), dict) else {}
    fallback = record.get("reason", "It does no worse than our model on the last windows.") if record.get("fell_back") else None
    return ReleaseLine(
        week=release.name,
        status=release.standing,
        origin=release.origin,
        data_to=data_to(release),
        made_at=local(release.made_at, zone),
        model=model + (f", version {record['version']}" if record.get("version") else ""),
        warnings=tuple(str(w) for w in (*said.get("warnings", ()), *by_tool.get("warnings", ()))),
        fallback=str(fallback) if fallback else None,
    )


def verdict_on(state: State, tool: Any, history: list[Release]) -> PlacesVerdict | PeopleVerdict:
    """The verdict on a tool by its published releases, worked out once a release."""
    key = (history[-1].manifest_sha256, "verdict", tool.name, tuple(r.id for r in history[-verdicts.LONGEST :])) if history else None
    return kept.get(key, lambda: verdicts.of_tool(tool, history, state.settings)) if key else verdicts.of_tool(tool, history, state.settings)


def what_changed(tool: str, history: list[Release], area: str | None = None) -> PlacesChanged:
    """What changed in the last of these releases, worked out once."""
    key = (history[-1].manifest_sha256, "changed", tool, area, tuple(r.id for r in history[-verdicts.SINCE :]))
    return kept.get(key, lambda: verdicts.what_changed(tool, history, area))


@dataclass(frozen=True)
class Outcome:
    """What one earlier release said of a cell, and what came."""

    week: str
    origin: date
    lower: int
    upper: int
    expected: float
    recorded: int

    @property
    def place(self) -> str:
        """Where what came lies: "inside", "above" or "below" the printed range."""
        if self.recorded > self.upper:
            return "above"
        return "below" if self.recorded < self.lower else "inside"


def closed_before(history: list[Release], newest: Release, horizon_weeks: int) -> list[Release]:
    """Earlier releases whose window had closed at the newest one's origin, oldest first."""
    limit = newest.origin - timedelta(days=7 * horizon_weeks)
    return sorted((r for r in history if r.origin <= limit), key=lambda r: r.origin)


def outcomes(newest: Release, history: list[Release], tool: str, horizon_weeks: int) -> dict[str, list[Outcome]]:
    """For each cell the outcome of every closed release held, oldest first; empty where weekly counts are not published."""
    name = f"{tool}_weeks"
    if not has(newest, name):
        return {}
    closed = [r for r in closed_before(history, newest, horizon_weeks) if has(r, tool)]
    key = (newest.manifest_sha256, "outcomes", tool, tuple(r.name for r in closed))
    return kept.get(key, lambda: _outcomes(frame(newest, name), closed, tool, horizon_weeks))


def _outcomes(weeks: pl.DataFrame, closed: list[Release], tool: str, horizon_weeks: int) -> dict[str, list[Outcome]]:
    oldest = weeks["week"].min()
    found: dict[str, list[Outcome]] = {}
    for release in closed:
        first = release.origin
        if isinstance(oldest, date) and first < oldest:
            continue
        came = counts(weeks, first, horizon_weeks)
        rows = frame(release, tool).select("cell", "lower", "upper", "expected")
        for cell, lower, upper, expected in rows.iter_rows():
            found.setdefault(cell, []).append(
                Outcome(release.week, first, lower, upper, expected, int(came.get(cell, 0)))
            )
    return found
