"""What answers are made of: plain records as known at the end of a day. `gathering` reads them; nothing after it does.

What only another room may count (people by protected group, the judging of a model) is handed in as `Counted` by the
command that composes; what was not handed in is said to be missing, never made up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from harmcast.oversight.register import RegisterEntry, Tool
from harmcast.publish.disclosure import Published

_CONFUSION = {
    "tool": pl.String,
    "model": pl.String,
    "year": pl.String,
    "attribute": pl.String,
    "group": pl.String,
    "tp": pl.Int64,
    "fp": pl.Int64,
    "fn": pl.Int64,
    "tn": pl.Int64,
}


@dataclass(frozen=True)
class Counted:
    """Counts that the composing command makes elsewhere and hands in; null: nobody counted.

    Attributes:
        tracked: attribute, group, has_conviction (flag), people: everyone scored (`groups.count_people`).
        considered: attribute, group, decision, people: people with a decision, each by the last one.
        confusion: tool, model, year, attribute, group, tp, fp, fn, tn: people judged at a past day; `everyone`/`all` rows
            for all; plain baselines are models of their own at the same number flagged.
        judged: in words, what the confusion table counts: who was flagged, at which day, within what time.
        features: tool -> name, says, unit of each variable in use.
        without_charge: people without any charge among those scored; must be 0.
        earlier: name of a family -> what was printed of it before (`Document.published`, kept by the caller).
    """

    tracked: pl.DataFrame | None = None
    considered: pl.DataFrame | None = None
    confusion: pl.DataFrame | None = None
    judged: str = ""
    features: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    without_charge: int | None = None
    earlier: Mapping[str, Sequence[Published]] = field(default_factory=dict)


@dataclass(frozen=True)
class Trained:
    """One kind of training on a tool: what it was, by whom, for how many, from when to when."""

    kind: str
    trainer: str | None
    contact: str | None
    people: int
    first: date
    last: date


@dataclass(frozen=True)
class ReleaseThen:
    """One release of a tool as it stood at the end of the day."""

    week: str
    origin: date
    standing: str
    made_on: date
    model: str | None
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class ToolFacts:
    """Everything about one tool.

    Attributes:
        settings: the tool's own settings as plain values.
        statuses: (status, first day, reason), oldest first.
        scores: tables.SCORES of its releases, with `week`.
        about: what the newest release says of the tool's people: left out, cuts, weights, figures; empty for places.
        audit: the newest audit's document, and the week it belongs to; null where none was made.
        model: the newest model's document; null where none is in use.
        bands: of the newest release that holds it: what followed for the people of each band, by horizon; null for places.
    """

    tool: Tool
    settings: Mapping[str, Any]
    entries: tuple[RegisterEntry, ...]
    statuses: tuple[tuple[str, date, str | None], ...]
    cost: str | None
    releases: tuple[ReleaseThen, ...]
    scores: pl.DataFrame
    trained: tuple[Trained, ...]
    tasking: Mapping[str, int]
    about: Mapping[str, Any] = field(default_factory=dict)
    audit: Mapping[str, Any] | None = None
    audit_week: str | None = None
    model: Mapping[str, Any] | None = None
    bands: pl.DataFrame | None = None

    @property
    def name(self) -> str:
        return self.tool.name

    @property
    def is_places(self) -> bool:
        return self.tool.kind == "places"

    @property
    def first_release(self) -> date | None:
        """The day the first release held here speaks from; null where none is held."""
        return min((r.origin for r in self.releases), default=None)

    @property
    def used_before_held(self) -> tuple[str, date] | None:
        """The status (trial or in use) that began before the first release held here, with its day; null where none did."""
        first = self.first_release
        live = ((status, on) for status, on, _ in self.statuses if status in ("trial", "in use"))
        return next(((status, on) for status, on in live if first is not None and on < first), None)

    @property
    def audit_is_silent(self) -> bool:
        """Whether the newest audit could judge nothing: a concern then stands by its rule, and not for a thing that was found."""
        return self.audit is not None and not self.audit["judged"] and not self.audit.get("findings")

    def of_kind(self, kind: str) -> list[RegisterEntry]:
        return [entry for entry in self.entries if entry.kind == kind]


@dataclass(frozen=True)
class WorkCounts:
    """What people did with it, in counts: decisions, tasking, representations, exports, views.

    Attributes:
        decisions: decision, reason_code, decisions (count).
        people_considered: how many people have at least one decision.
        override: decisions that did not follow the score (`desk.is_against`), of all; alarms are judged on these.
        sign_offs, follow_ups: outcome or step -> count.
        representations: kind, outcome (`open` while none is recorded), count.
        exports: (how many, how many with names); views: people's pages opened.
    """

    decisions: pl.DataFrame
    people_considered: int
    override: tuple[int, int]
    sign_offs: Mapping[str, int]
    follow_ups: Mapping[str, int]
    representations: pl.DataFrame
    exports: tuple[int, int]
    views: int


@dataclass(frozen=True)
class Facts:
    """Everything an answer may say, as known at the end of `as_of`."""

    force: str
    invented: bool
    as_of: date
    settings: Mapping[str, Any]
    tools: tuple[ToolFacts, ...]
    roles: tuple[tuple[str, str, int], ...]
    units: tuple[str, ...]
    work: WorkCounts
    deliveries: pl.DataFrame
    first_delivery: date | None
    last_delivery: date | None
    code_version: str | None
    data_hash: str | None
    counted: Counted = field(default_factory=Counted)

    @property
    def places(self) -> list[ToolFacts]:
        return [t for t in self.tools if t.is_places]

    @property
    def people(self) -> ToolFacts | None:
        return next((t for t in self.tools if not t.is_places), None)

    def confusion(self, tool: str) -> pl.DataFrame:
        """The judged counts of one tool; empty where nobody handed any in."""
        if self.counted.confusion is None:
            return pl.DataFrame(schema=_CONFUSION)
        return self.counted.confusion.select(pl.col(name).cast(kind) for name, kind in _CONFUSION.items()).filter(
            pl.col("tool") == tool
        )
