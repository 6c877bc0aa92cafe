"""The shape every answer has: parts, numbered sections, and blocks that say what is held and what is not.

Counts come before rates, and a rate carries the names of the counts it is made of, so that anyone can work it out
again (`checking.py`). A document holds no clock: its date is the day whose records it speaks of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from harmcast.publish.disclosure import MARK, Published
from harmcast.publish.release_files import NOTICE
from harmcast.statistics import share_interval

Standing = Literal[
    "answered", "answered in part", "not held", "none was made", "empty in the register", "does not apply"
]
Kind = Literal["text", "count", "number", "rate", "date"]
HIDDEN = "hidden"


@dataclass(frozen=True)
class Rate:
    """A rate in words: what it is, with both counts by name. Null counts: hidden, so the rate is too."""

    says: str
    numerator: tuple[str, int | float | None]
    denominator: tuple[str, int | float | None]

    @property
    def interval(self) -> tuple[float, float] | None:
        """95% interval, where the counts are whole and the one is part of the other."""
        over, under = self.numerator[1], self.denominator[1]
        return None if over is None or not under else share_interval(over, under)

    @property
    def value(self) -> float | None:
        over, under = self.numerator[1], self.denominator[1]
        return None if over is None or not under else over / under

    def document(self) -> dict[str, Any]:
        low, high = self.interval or (None, None)
        return {
            "says": self.says,
            "numerator": {"name": self.numerator[0], "count": self.numerator[1]},
            "denominator": {"name": self.denominator[0], "count": self.denominator[1]},
            "value": self.value,
            "low": low,
            "high": high,
        }


@dataclass(frozen=True)
class Words:
    """A paragraph; rates it speaks of stand beside it."""

    text: str
    rates: tuple[Rate, ...] = ()

    def document(self) -> dict[str, Any]:
        return {
            "type": "words",
            "text": self.text,
            **({"rates": [r.document() for r in self.rates]} if self.rates else {}),
        }


@dataclass(frozen=True)
class Bullets:
    """A short list."""

    items: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        return {"type": "list", "items": list(self.items)}


@dataclass(frozen=True)
class Pairs:
    """Names with what is held of each; null: an empty field of the register, and said so."""

    rows: tuple[tuple[str, str | None], ...]

    def document(self) -> dict[str, Any]:
        return {"type": "pairs", "rows": [{"name": n, "value": v} for n, v in self.rows]}


@dataclass(frozen=True)
class AnswerColumn:
    """A column of a table. A rate names the columns whose sums are over and under its line."""

    name: str
    title: str
    kind: Kind = "text"
    unit: str = ""
    over: tuple[str, ...] = ()
    under: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = {"name": self.name, "title": self.title, "kind": self.kind}
        if self.unit:
            found["unit"] = self.unit
        if self.kind == "rate":
            found |= {"numerator": list(self.over), "denominator": list(self.under)}
        return found


@dataclass(frozen=True)
class AnswerTable:
    """A table. A null is a gap with the row's `reason`; hidden counts (`HIDDEN`) bear one mark, and so do their rates."""

    title: str
    columns: tuple[AnswerColumn, ...]
    rows: tuple[Mapping[str, Any], ...]
    note: str = ""
    as_of: date | None = None

    def filled(self) -> list[dict[str, Any]]:
        """Rows with every rate worked out from the row's own counts."""
        return [self._filled(row) for row in self.rows]

    def _filled(self, row: Mapping[str, Any]) -> dict[str, Any]:
        found = {c.name: row.get(c.name) for c in self.columns}
        for c in self.columns:
            if c.kind == "rate":
                over, under = [row.get(n) for n in c.over], [row.get(n) for n in c.under]
                found[c.name] = _rate(over, under)
                whole = isinstance(found[c.name], float)
                low, high = (
                    share_interval(sum(v or 0 for v in over), sum(v or 0 for v in under)) or (None, None)
                    if whole
                    else (found[c.name], found[c.name])
                )
                found |= {f"{c.name}_low": low, f"{c.name}_high": high}
        return found

    def document(self) -> dict[str, Any]:
        marked = [{k: MARK if v == HIDDEN else v for k, v in row.items()} for row in self.filled()]
        return {
            "type": "table",
            "title": self.title,
            "columns": [c.document() for c in self.columns],
            "rows": marked,
            **({"note": self.note} if self.note else {}),
            **({"as_of": self.as_of} if self.as_of else {}),
        }


def _rate(over: Sequence[Any], under: Sequence[Any]) -> float | str | None:
    if any(v == HIDDEN for v in (*over, *under)):
        return HIDDEN
    if any(v is None for v in (*over, *under)) or not sum(under):
        return None
    return float(sum(over) / sum(under))


@dataclass(frozen=True)
class Papers:
    """Documents with their dates; an entry that none was made says so, and what is missing is named."""

    rows: tuple[Mapping[str, Any], ...]

    def document(self) -> dict[str, Any]:
        return {"type": "papers", "rows": [dict(row) for row in self.rows]}


@dataclass(frozen=True)
class NotHeld:
    """What the records do not hold: why, and who would hold it."""

    what: str
    why: str
    who: str

    def document(self) -> dict[str, Any]:
        return {"type": "not held", "what": self.what, "why": self.why, "who": self.who}


@dataclass(frozen=True)
class NoneMade:
    """A document of which the register says that none was made, or names none."""

    what: str
    says: str = "none was made"

    def document(self) -> dict[str, Any]:
        return {"type": "none was made", "what": self.what, "says": self.says}


@dataclass(frozen=True)
class Empty:
    """A field that somebody has to fill; it is named, never invented."""

    field: str
    where: str = "the register of tools"

    def document(self) -> dict[str, Any]:
        return {"type": "empty", "field": self.field, "where": self.where}


@dataclass(frozen=True)
class See:
    """Answered under another number of the same part: what stands there."""

    number: str
    what: str

    def document(self) -> dict[str, Any]:
        return {"type": "see", "number": self.number, "what": self.what}


Block = Words | Bullets | Pairs | AnswerTable | Papers | NotHeld | NoneMade | Empty | See


@dataclass(frozen=True)
class Section:
    """One question or field with its answer."""

    number: str
    title: str
    blocks: tuple[Block, ...]
    says: str = ""

    @property
    def standing(self) -> Standing:
        """What kind of answer it is: read off its blocks, never claimed."""
        gaps = [b for b in self.blocks if isinstance(b, NotHeld | NoneMade | Empty)]
        if not gaps:
            return "answered"
        if len(gaps) < len(self.blocks):
            return "answered in part"
        first = gaps[0]
        return (
            "not held"
            if isinstance(first, NotHeld)
            else "none was made"
            if isinstance(first, NoneMade)
            else "empty in the register"
        )

    def document(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "title": self.title,
            "standing": self.standing,
            "blocks": [b.document() for b in self.blocks],
            **({"says": self.says} if self.says else {}),
        }


@dataclass(frozen=True)
class DocumentPart:
    """A part of a document: a tool, a tier, an aim. `tool` is its short name where the part is about one."""

    title: str
    sections: tuple[Section, ...]
    tool: str | None = None
    intro: tuple[Block, ...] = ()

    def __post_init__(self) -> None:
        named = {b.number for s in self.sections for b in s.blocks if isinstance(b, See)}
        if not named <= {s.number for s in self.sections}:
            raise ValueError("a section refers to a number that its part does not have")

    def document(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "tool": self.tool,
            "intro": [b.document() for b in self.intro],
            "sections": [s.document() for s in self.sections],
        }


@dataclass(frozen=True)
class Document:
    """A whole answer, with the day whose records it speaks of."""

    kind: str
    title: str
    force: str
    as_of: date
    parts: tuple[DocumentPart, ...]
    intro: tuple[Block, ...] = ()
    invented: bool = False
    made_from: Mapping[str, str | None] = field(default_factory=dict)
    personal: bool = False
    published: Mapping[str, Published] = field(
        default_factory=dict
    )  # families printed: kept by the caller, for the next report

    def gaps(self) -> list[tuple[str, str, str]]:
        """Part, section and words of everything that is not held, was not made or is empty."""
        return [
            (part.title, f"{section.number} {section.title}".strip(), _gap(block))
            for part in self.parts
            for section in part.sections
            for block in section.blocks
            if isinstance(block, NotHeld | NoneMade | Empty)
        ]

    def document(self) -> dict[str, Any]:
        """The answer as one JSON-ready document."""
        return {
            "kind": self.kind,
            "title": self.title,
            "force": self.force,
            "invented": self.invented,
            "as_of": self.as_of,
            "notice": NOTICE,
            "made_from": dict(self.made_from),
            "intro": [b.document() for b in self.intro],
            "parts": [p.document() for p in self.parts],
            "gaps": [{"part": p, "section": s, "says": w} for p, s, w in self.gaps()],
        }


def _gap(block: Block) -> str:
    if isinstance(block, NotHeld):
        return f"{block.what}: not held. {block.why} {block.who}"
    if isinstance(block, NoneMade):
        return f"{block.what}: {block.says}."
    if isinstance(block, Empty):
        return f"{block.field}: empty in {block.where}."
    raise TypeError("that block is no gap")
