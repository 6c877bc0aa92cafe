"""An answer as its JSON holds it: `report` writes it, the page is drawn from it, every rate is worked out from it again, a draft is published as it.

Days are text. What a block holds follows from its `type`: words, bullets, table, papers, or what is lacking.
"""

from __future__ import annotations

from typing import Any, TypedDict


class CountSays(TypedDict):
    name: str
    count: float | None


class RateSays(TypedDict, total=False):
    """A rate in words, with both counts by name, and from how many under the line it is printed."""

    says: str
    numerator: CountSays
    denominator: CountSays
    value: float | None
    low: float | None
    high: float | None
    least: int


class ColumnSays(TypedDict, total=False):
    """A column of a table; of a rate the columns whose counts are over and under its line."""

    name: str
    title: str
    kind: str
    numerator: list[str]
    denominator: list[str]


class BlockSays(TypedDict, total=False):
    """One block. The rows of a table have its own columns."""

    type: str
    text: str
    rates: list[RateSays]
    title: str
    columns: list[ColumnSays]
    rows: list[dict[str, Any]]
    note: str
    key: str
    least: int
    what: str
    says: str
    who: str
    tools: list[str]
    facts: list[str]


class SectionSays(TypedDict, total=False):
    number: str
    title: str
    standing: str
    blocks: list[BlockSays]
    key: str


class PartSays(TypedDict):
    title: str
    tool: str | None
    sections: list[SectionSays]


class AnswersSay(TypedDict):
    tools: list[str]
    says: str


class SummarySays(TypedDict):
    number: str
    title: str
    standing: str
    answers: list[AnswersSay]


class GapSays(TypedDict):
    part: str
    section: str
    says: str


class AnswerSays(TypedDict, total=False):
    """The whole answer; `reference` once it is published."""

    kind: str
    standing: str
    title: str
    force: str
    invented: bool
    as_of: str
    known_on: str
    notice: str
    intro: list[BlockSays]
    summary: list[SummarySays]
    parts: list[PartSays]
    gaps: list[GapSays]
    facts: dict[str, dict[str, Any]]
    witness: str
    reference: str
