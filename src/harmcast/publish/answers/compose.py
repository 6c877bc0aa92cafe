"""Composes a document: the form's numbers, filled with pieces from facts; equal answers of several tools stand once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from typing import Any

from harmcast import words
from harmcast.documents.facts import Fact, Facts
from harmcast.documents.plain import PlainRecord
from harmcast.errors import SettingsRefused
from harmcast.publish.answers.document import (
    LEAST_UNDER,
    AnswerColumn,
    AnswerTable,
    Block,
    Bullets,
    Document,
    DocumentPart,
    Lacking,
    Papers,
    Rate,
    Section,
    SummaryLine,
    Words,
)
from harmcast.publish.answers.pieces import KeyOf, PiecePart, Sentence, When, library, wrong

FORMS = ("foi", "atrs", "dpia", "eia", "algocare", "modelcard", "public")


@dataclass(frozen=True)
class FormQuestion:
    """One number of a form: its title, the kind of tools it is about (empty: any), its pieces in order, and the name a standard gives it."""

    number: str
    title: str
    pieces: tuple[str, ...]
    kind: str = ""
    key: str = ""


@dataclass(frozen=True)
class DocumentForm:
    """A document's form. `by_question`: question first, tools below it, with a summary; else a part a tool."""

    kind: str
    title: str
    intro: tuple[str, ...]
    parts: tuple[tuple[str, str, tuple[FormQuestion, ...]], ...]  # title, first kind of tool, questions
    by_question: bool = False


@lru_cache(maxsize=len(FORMS))
def form(kind: str) -> DocumentForm:
    """The form as shipped, the newest where a standard has versions (`atrs-3.0.toml`). Raises SettingsRefused (`answer_template_wrong`) for a piece that there is not."""
    folder = resources.files(__package__).joinpath("documents")
    newest = max((file for file in folder.iterdir() if file.name.removesuffix(".toml").split("-")[0] == kind), key=lambda file: file.name)
    return read_form(kind, f"documents/{newest.name}", newest.read_text(encoding="utf-8"))


def read_form(kind: str, name: str, text: str) -> DocumentForm:
    """A form from its text, every piece of it known."""
    raw, held = tomllib.loads(text), library()
    for piece in (p for part in raw["parts"] for q in part["questions"] for p in q["pieces"]):
        if piece not in held.pieces:
            raise wrong(name, text, f'"{piece}"', f"there is no piece of the name {piece}")
    parts = tuple(
        (part["title"], part.get("first", ""), tuple(FormQuestion(**{**q, "pieces": tuple(q["pieces"])}) for q in part["questions"])) for part in raw["parts"]
    )
    return DocumentForm(kind, raw["title"], tuple(raw["intro"]), parts, raw.get("by") == "question")


def compose(kind: str, facts: Facts, only: Sequence[tuple[str, str]] = (), witness: str = "") -> Document:
    """The document of a kind. `only`: numbers asked for, each with the asker's own words, in the asker's order."""
    found = form(kind)
    if only:
        found = picked(found, only)
    tools = _tools(facts)
    parts, summary = (_by_question if found.by_question else _by_tool)(found, facts, tools)
    intro = tuple(Saying(facts, "", "").define(name) for name in found.intro)
    used = {k for p in parts for s in p.sections for b in s.blocks for k in b.facts} | {k for line in intro for k in line.facts}
    return Document(
        kind=kind,
        title=found.title,
        force=str(facts.value("force.name")),
        as_of=facts.as_of,
        known_on=facts.known_on,
        parts=parts,
        intro=(*intro, *_since(facts)),
        summary=summary,
        invented=bool(facts.value("force.invented")),
        facts=_printed(facts, used | {"force.name"}),
        witness=witness,
    )


def picked(found: DocumentForm, only: Sequence[tuple[str, str]]) -> DocumentForm:
    """The form with the questions asked for alone. Raises SettingsRefused (`question_unknown`)."""
    held = {q.number: (part, first, q) for part, first, questions in found.parts for q in questions}
    for line, (number, _) in enumerate(only, 1):
        if number not in held:
            raise SettingsRefused(
                f"Question {line} of those asked: there is no question {number}.", code="question_unknown", next_step="Known: " + ", ".join(held) + "."
            )
    parts: list[tuple[str, str, tuple[FormQuestion, ...]]] = []
    for number, asked in only:
        title, first, question = held[number]
        own = replace(question, title=asked or question.title)
        if parts and parts[-1][0] == title:
            parts[-1] = (title, first, (*parts[-1][2], own))
        else:
            parts.append((title, first, (own,)))
    return replace(found, parts=tuple(parts))


def _tools(facts: Facts) -> list[tuple[str, str, str]]:
    """Short name, kind and title of each tool."""
    names = [key.removesuffix(".kind") for key in facts.held if key.endswith(".kind")]
    return [(n, str(facts.value(f"{n}.kind")), str(facts.value(f"{n}.title"))) for n in names]


def _by_tool(found: DocumentForm, facts: Facts, tools: Sequence[tuple[str, str, str]]) -> tuple[tuple[DocumentPart, ...], tuple[SummaryLine, ...]]:
    parts = []
    for name, kind, title in tools:
        for part, _, questions in found.parts:
            own = [q for q in questions if q.kind in ("", kind)]
            sections = tuple(Section(q.number, q.title, (((), _blocks(facts, name, kind, q)),), q.key) for q in own)
            parts.append(DocumentPart(f"{title}: {part}" if part else title, sections, tool=name))
    return tuple(parts), ()


def _by_question(found: DocumentForm, facts: Facts, tools: Sequence[tuple[str, str, str]]) -> tuple[tuple[DocumentPart, ...], tuple[SummaryLine, ...]]:
    parts, summary = [], []
    for title, first, questions in found.parts:
        ordered = sorted(tools, key=lambda tool: tool[1] != first)
        sections = []
        for q in questions:
            asked = [tool for tool in ordered if q.kind in ("", tool[1])]
            groups = _merged([(t, _blocks(facts, name, kind, q)) for name, kind, t in asked], len(asked))
            answers = _merged([(t, _answer(facts, name, kind, q)) for name, kind, t in asked], len(asked))
            if not asked:
                continue
            section = Section(q.number, q.title, tuple((tools_, tuple(blocks)) for tools_, blocks in groups))
            sections.append(section)
            summary.append(SummaryLine(q.number, q.title, tuple((tools_, " ".join(says)) for tools_, says in answers), section.standing))
        parts.append(DocumentPart(title, tuple(sections)))
    return tuple(parts), tuple(summary)


def _merged(said: Sequence[tuple[str, Sequence[Any]]], of: int) -> list[tuple[tuple[str, ...], Sequence[Any]]]:
    """What several tools answer alike, once, with their names; without names where all do."""
    groups: list[tuple[list[str], Sequence[Any]]] = []
    for tool, what in said:
        same = next((g for g in groups if _alike(g[1]) == _alike(what)), None)
        if same is None:
            groups.append(([tool], what))
        else:
            same[0].append(tool)
    return [(() if len(tools) == of and len(groups) == 1 else tuple(tools), what) for tools, what in groups]


def _alike(what: Sequence[Any]) -> list[Any]:
    return [one.document() if not isinstance(one, str) else one for one in what]


def _blocks(facts: Facts, tool: str, kind: str, question: FormQuestion) -> tuple[Block, ...]:
    saying = Saying(facts, tool, kind)
    return tuple(block for piece in question.pieces for block in saying.piece(piece))


def _answer(facts: Facts, tool: str, kind: str, question: FormQuestion) -> list[str]:
    """The first piece's answer in a sentence or two, gaps included."""
    blocks = Saying(facts, tool, kind).answer(question.pieces[0])
    return [_in_short(b) for b in blocks if isinstance(b, Words | Lacking)] or ["See the detail."]


def _in_short(block: Words | Lacking) -> str:
    if isinstance(block, Lacking):
        return block.says
    rates = [f"{r.says}: {r.numerator[1]:,} of {r.denominator[1]:,}" + (f" ({words.share(r.value)})." if r.value is not None else ".") for r in block.rates]
    return " ".join(filter(None, [block.text, *rates]))


def _since(facts: Facts) -> Iterator[Block]:
    """What was learnt of those days since, and by which day of knowing."""
    saying = Saying(facts, "", "")
    for name in ("days", "withdrawn"):
        yield from saying.piece(name)


def _printed(facts: Facts, used: set[str]) -> dict[str, PlainRecord]:
    """The facts used, as printed in the JSON: value, unit, source and both clocks."""
    held = [facts.get(key) for key in sorted(used)]
    return {
        f.key: {"value": f.value, "unit": f.unit, "source": f.source, "valid_from": f.valid_from, "known_on": f.known_on}
        for f in held
        if f is not None
    }


@dataclass
class Saying:
    """Says pieces of one tool from facts; of none where `tool` is empty."""

    facts: Facts
    tool: str
    kind: str

    def own(self, key: str) -> str:
        """The key of this tool's fact: `tool.owner` is `iom.owner`."""
        return key.replace("tool.", f"{self.tool}.", 1) if key.startswith("tool.") else key

    def fact(self, key: str) -> Fact | None:
        return self.facts.get(self.own(key))

    def keys(self, needs: Sequence[str]) -> tuple[str, ...]:
        return tuple(self.own(key) for key in needs)

    def piece(self, name: str) -> list[Block]:
        """A piece's answer and detail; each gap once."""
        held = library().pieces[name]
        return _once([b for part in (*held.answer, *held.detail) for b in self.part(part)])

    def answer(self, name: str) -> list[Block]:
        """A piece's answer alone, papers in brief."""
        found: list[Block] = []
        for part in library().pieces[name].answer:
            of = part.what if isinstance(part, PiecePart) and part.kind in ("", self.kind) else ""
            found += self.brief(part.of) if of == "papers" else self.answer(part.of) if of == "include" else self.part(part)  # type: ignore[union-attr]
        return _once(found)

    def part(self, part: Sentence | PiecePart) -> list[Block]:
        if part.kind and part.kind != self.kind:
            return []
        if isinstance(part, Sentence):
            return self.sentence(part)
        made: dict[str, Callable[[str], list[Block]]] = {"table": self.table, "list": self.listed, "papers": self.papers, "include": self.piece, "define": lambda of: [self.define(of)], "lack": self.lack}
        return made[part.what](part.of) if part.what in made else [self.blank(part)]

    def sentence(self, sentence: Sentence) -> list[Block]:
        when = sentence.when
        if when is not None and (told := self.fact(when.key)) is not None and not when.holds(told.value):
            return []
        missing = [key for key in sentence.needs if self.fact(key) is None]
        if missing:
            return [] if sentence.if_not_held == "skip" else [self.not_held(missing[0])]
        text = sentence.fill(lambda key: self.facts.held[self.own(key)])
        rates: tuple[Rate, ...] = ()
        if sentence.over:
            over, under = (self.facts.held[self.own(key)] for key in (sentence.over, sentence.under))
            titles = [library().keys[key].title for key in (sentence.over, sentence.under)]
            least = LEAST_UNDER if over.source.startswith("statistics:") else 0
            rates = (Rate(text, (titles[0], over.value), (titles[1], under.value), least),)  # type: ignore[arg-type]
            text = ""
        return [Words(text, self.keys(sentence.needs), rates)]

    def not_held(self, key: str) -> Lacking:
        """The "not held" form, which names the key."""
        when = When.read(library().design.get(key.removeprefix("design."), {}).get("check", ""))
        key = when.key if key.startswith("design.") and when else key  # what a check could not ask
        entry = library().keys.get(key) or KeyOf(key.removeprefix("design.").replace("_", " "), "")
        return Lacking("not held", entry.title, f"{entry.title}: {entry.why or library().standings['not_held']} {entry.who}".strip(), (self.own(key),), entry.who)

    def define(self, name: str) -> Words:
        return Words(library().definitions[name])

    def lack(self, name: str) -> list[Block]:
        """What no record could hold, and why."""
        return [Lacking("not held", name.replace("_", " "), library().definitions[name])]

    def blank(self, item: PiecePart) -> Lacking:
        return Lacking("to fill", item.of, self._standing("to_fill", what=item.of, who=item.who), who=item.who)

    def table(self, key: str) -> list[Block]:
        held, shape = self.fact(key), library().tables[key]
        if held is None or any(self.fact(need) is None for need in shape.needs):
            return [self.not_held(key if held is None else next(n for n in shape.needs if self.fact(n) is None))]
        rows: Any = held.value
        note = Sentence(shape.note).fill(lambda k: self.facts.held[self.own(k)]) if shape.note else ""
        columns = tuple(AnswerColumn(n, t, k) for n, t, k in shape.columns)  # type: ignore[arg-type]
        columns += tuple(AnswerColumn(n, t, "rate", over, under) for n, t, over, under in shape.rates)
        least = LEAST_UNDER if held.source.startswith("statistics:") else 0
        needs = self.keys((key, *shape.needs))
        if not rows:
            return [Words(self._standing("no_rows", what=shape.title), needs)]
        if not shape.split:
            return [AnswerTable(shape.title, columns, tuple(rows), note, key, least, needs)]
        values = [v for v in shape.order if any(r[shape.split] == v for r in rows)]
        values += sorted({str(r[shape.split]) for r in rows} - set(values))
        return [
            AnswerTable(f"{shape.title}: {value}", columns, tuple(r for r in rows if r[shape.split] == value), note, key, least, needs) for value in values
        ]

    def listed(self, key: str) -> list[Block]:
        held = self.fact(key)
        if held is None:
            return [self.not_held(key)]
        items: Any = held.value
        return [Bullets(tuple(items), self.keys((key,)))] if items else []

    def papers(self, kind: str) -> list[Block]:
        """A paper of the register in one of its four standings."""
        key, made, found = f"tool.paper.{kind}", [], []
        held, entry = self.fact(key), library().keys[f"tool.paper.{kind}"]
        if held is None:
            return [Lacking("not known", entry.title, self._standing("not_known", what=entry.title, who=entry.who), self.keys((key,)), entry.who)]
        rows: Any = held.value
        for row in rows:
            if row["outcome"] in ("none made", "refused"):
                standing = "none was made" if row["outcome"] == "none made" else "refused"
                says = self._standing("none_made" if standing == "none was made" else standing, what=entry.title, dated=words.day(row["dated"]), by=row["by"])
                found.append(Lacking(standing, entry.title, says, self.keys((key,))))  # type: ignore[arg-type]
            else:
                made.append({"what": entry.title, **row})
        return [*([Papers(tuple(made), self.keys((key,)))] if made else []), *found]

    def brief(self, kind: str) -> list[Block]:
        """A paper in a sentence: its newest standing."""
        blocks, key = self.papers(kind), f"tool.paper.{kind}"
        last = blocks[-1]
        if isinstance(last, Papers):
            row = max(last.rows, key=lambda r: r["dated"])
            return [Words(self._standing("made", what=row["what"], dated=words.day(row["dated"]), by=row["by"]), self.keys((key,)))]
        return [last]

    def _standing(self, name: str, **local: str) -> str:
        return filled(library().standings[name], local)


def filled(says: str, local: Mapping[str, str]) -> str:
    """A sentence with its slots filled, each once: what is filled in is never read again."""
    return re.sub(r"\{([a-z_]+)\}", lambda m: local[m[1]], says)


def _once(blocks: Sequence[Block]) -> list[Block]:
    found: list[Block] = []
    for block in blocks:
        if not isinstance(block, Lacking) or block not in found:
            found.append(block)
    return found
