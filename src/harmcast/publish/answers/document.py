"""The shape every answer has: a summary, parts, numbered sections, and blocks that say what is held and what is not.

Counts come before rates, and a rate carries the names of the counts it is made of, so that anyone can work it out
again (`tests/publish/rates_again.py`). Each block names the facts it rests on. A document holds no clock: its dates are those of the facts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from harmcast.documents.plain import PlainRecord
from harmcast.publish.release_files import NOTICE
from harmcast.statistics import share_interval

Kind = Literal["text", "count", "number", "rate", "date", "share"]
LEAST_UNDER = 50  # a rate of rounded counts is printed from so many under its line


@dataclass(frozen=True)
class Rate:
    """A rate in words: what it is, with both counts by name. Null counts are not printed, so the rate is not either."""

    says: str
    numerator: tuple[str, int | float | None]
    denominator: tuple[str, int | float | None]
    least: int = 0

    @property
    def value(self) -> float | None:
        return _rate([self.numerator[1]], [self.denominator[1]], self.least)

    @property
    def interval(self) -> tuple[float, float] | None:
        """95% interval, where the counts are whole and the one is part of the other."""
        over, under = self.numerator[1], self.denominator[1]
        return None if self.value is None or over is None or under is None else share_interval(over, under)

    def document(self) -> PlainRecord:
        low, high = self.interval or (None, None)
        counts = {side: {"name": name, "count": count} for side, (name, count) in (("numerator", self.numerator), ("denominator", self.denominator))}
        return {"says": self.says, **counts, "value": self.value, "low": low, "high": high, **({"least": self.least} if self.least else {})}


def _rate(over: Sequence[Any], under: Sequence[Any], least: int) -> float | None:
    if any(v is None for v in (*over, *under)) or not sum(under) or sum(under) < least:
        return None
    return float(sum(over) / sum(under))


@dataclass(frozen=True)
class Words:
    """A paragraph; rates it speaks of stand beside it. `facts`: keys it rests on."""

    text: str
    facts: tuple[str, ...] = ()
    rates: tuple[Rate, ...] = ()

    def document(self) -> PlainRecord:
        return {"type": "words", "text": self.text, **({"rates": [r.document() for r in self.rates]} if self.rates else {})}


@dataclass(frozen=True)
class Bullets:
    """A short list."""

    items: tuple[str, ...]
    facts: tuple[str, ...] = ()

    def document(self) -> PlainRecord:
        return {"type": "list", "items": list(self.items)}


@dataclass(frozen=True)
class AnswerColumn:
    """A column of a table. A rate names the columns whose sums are over and under its line."""

    name: str
    title: str
    kind: Kind = "text"
    over: tuple[str, ...] = ()
    under: tuple[str, ...] = ()

    def document(self) -> PlainRecord:
        rate = {"numerator": list(self.over), "denominator": list(self.under)} if self.kind == "rate" else {}
        return {"name": self.name, "title": self.title, "kind": self.kind, **rate}


@dataclass(frozen=True)
class AnswerTable:
    """A table; a null is not printed. `key`: of the fact whose rows it shows. `least`: see `LEAST_UNDER`."""

    title: str
    columns: tuple[AnswerColumn, ...]
    rows: tuple[Mapping[str, Any], ...]
    note: str = ""
    key: str = ""
    least: int = 0
    facts: tuple[str, ...] = ()

    def filled(self) -> list[PlainRecord]:
        """Rows with every rate worked out from the row's own counts."""
        found: list[PlainRecord] = [{c.name: row.get(c.name) for c in self.columns if c.kind != "rate"} for row in self.rows]
        for filled, row in zip(found, self.rows, strict=True):
            for c in (c for c in self.columns if c.kind == "rate"):
                over, under = [row.get(n) for n in c.over], [row.get(n) for n in c.under]
                value = _rate(over, under, self.least)
                low, high = (None, None) if value is None else share_interval(sum(over), sum(under)) or (None, None)  # type: ignore[arg-type]
                filled |= {c.name: value, f"{c.name}_low": low, f"{c.name}_high": high}
        return found

    def document(self) -> PlainRecord:
        found: PlainRecord = {"type": "table", "title": self.title, "columns": [c.document() for c in self.columns], "rows": self.filled()}
        return found | {k: v for k, v in (("note", self.note), ("key", self.key), ("least", self.least)) if v}


@dataclass(frozen=True)
class Papers:
    """Documents of the register with their dates."""

    rows: tuple[Mapping[str, Any], ...]
    facts: tuple[str, ...] = ()

    def document(self) -> PlainRecord:
        return {"type": "papers", "rows": [dict(row) for row in self.rows]}


@dataclass(frozen=True)
class Lacking:
    """What an answer lacks. `standing`: `none was made`, `refused`, `not known` (papers), `not held`, or `to fill` (a person's field)."""

    standing: Literal["none was made", "refused", "not known", "not held", "to fill"]
    what: str
    says: str
    facts: tuple[str, ...] = ()
    who: str = ""

    def document(self) -> PlainRecord:
        found: PlainRecord = {"type": self.standing, "what": self.what, "says": self.says}
        return found | ({"key": self.facts[0]} if self.standing == "not held" and self.facts else {}) | ({"who": self.who} if self.who else {})


Block = Words | Bullets | AnswerTable | Papers | Lacking


@dataclass(frozen=True)
class Section:
    """One question or field. `groups`: for whom (titles of tools; none: for all) and what is said, equal answers once. `key`: its name in a standard."""

    number: str
    title: str
    groups: tuple[tuple[tuple[str, ...], tuple[Block, ...]], ...]
    key: str = ""

    @property
    def blocks(self) -> tuple[Block, ...]:
        return tuple(block for _, blocks in self.groups for block in blocks)

    @property
    def standing(self) -> str:
        """What kind of answer it is: read off its blocks, never claimed."""
        gaps = [b for b in self.blocks if isinstance(b, Lacking)]
        if not gaps:
            return "answered"
        return "answered in part" if len(gaps) < len(self.blocks) else gaps[0].standing

    def document(self) -> PlainRecord:
        blocks = [{**b.document(), **({"tools": list(tools)} if tools else {}), **_facts(b)} for tools, own in self.groups for b in own]
        return {"number": self.number, "title": self.title, "standing": self.standing, "blocks": blocks, **({"key": self.key} if self.key else {})}


def _facts(block: Block) -> PlainRecord:
    return {"facts": list(block.facts)} if block.facts else {}


@dataclass(frozen=True)
class DocumentPart:
    """A part of a document. `tool` is its short name where the part is about one."""

    title: str
    sections: tuple[Section, ...]
    tool: str | None = None

    def document(self) -> PlainRecord:
        return {"title": self.title, "tool": self.tool, "sections": [s.document() for s in self.sections]}


@dataclass(frozen=True)
class SummaryLine:
    """One line of page one: the question and, for each group of tools, the answer in a sentence."""

    number: str
    title: str
    answers: tuple[tuple[tuple[str, ...], str], ...]
    standing: str

    def document(self) -> PlainRecord:
        return {"number": self.number, "title": self.title, "standing": self.standing, "answers": [{"tools": list(t), "says": s} for t, s in self.answers]}


@dataclass(frozen=True)
class Document:
    """A whole answer, with the day whose facts it holds and the day they were known."""

    kind: str
    title: str
    force: str
    as_of: date
    known_on: date
    parts: tuple[DocumentPart, ...]
    intro: tuple[Block, ...] = ()
    summary: tuple[SummaryLine, ...] = ()
    invented: bool = False
    facts: Mapping[str, PlainRecord] = field(default_factory=dict)
    witness: str = ""

    def gaps(self) -> list[tuple[str, str, str]]:
        """Part, section and words of everything that is not held, not known, refused, was not made or is to be filled."""
        return [
            (part.title, f"{section.number} {section.title}".strip(), b.says)
            for part in self.parts
            for section in part.sections
            for b in section.blocks
            if isinstance(b, Lacking)
        ]

    def document(self) -> PlainRecord:
        """The answer as one JSON-ready document."""
        return {
            "kind": self.kind,
            "standing": "draft",
            "title": self.title,
            "force": self.force,
            "invented": self.invented,
            "as_of": self.as_of,
            "known_on": self.known_on,
            "notice": NOTICE,
            "intro": [{**b.document(), **_facts(b)} for b in self.intro],
            "summary": [line.document() for line in self.summary],
            "parts": [p.document() for p in self.parts],
            "gaps": [{"part": p, "section": s, "says": w} for p, s, w in dict.fromkeys(self.gaps())],
            "facts": dict(self.facts),
            **({"witness": self.witness} if self.witness else {}),
        }
