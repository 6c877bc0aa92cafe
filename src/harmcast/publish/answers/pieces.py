"""Sentences of answers: templates in TOML, filled from facts. Read whole and checked before any answer is made.

pieces.toml       every key a template may name: title, who would hold it, for which kind of tool; and the pieces: a piece answers one thing, one
                  sentence or two first, then detail, tables, papers
design.toml       what is true of the software by its design, each with a check over facts or the name of a test
definitions.toml  sentences that state no fact: what a word means. The only ones without a fact
tables.toml       how a fact that holds rows is laid out
documents/*.toml  numbers, titles and pieces of each form, in order

A template is text with `{key}` or `{key:form}`. A digit in one is refused: numbers are facts. References to law are listed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources
from typing import Any

from harmcast import words
from harmcast.documents.facts import Fact, Facts
from harmcast.errors import SettingsRefused

_SLOT = re.compile(r"\{([a-z_.]+)(?::([^{}]+))?\}")
_WHEN = re.compile(r"^([a-z_.]+) (=|!=|<|in) (.+)$")
KINDS = ("places", "people")


def wrong(file: str, text: str, needle: str, what: str) -> SettingsRefused:
    """A fault of a template, with its file and line."""
    at = text.find(needle[:60])
    line = text.count("\n", 0, at) + 1 if at >= 0 else 1
    return SettingsRefused(
        f"{file}, line {line}: {what}", code="answer_template_wrong", next_step="Mend the template; tests/publish/test_pieces.py reads them all."
    )


@dataclass(frozen=True)
class KeyOf:
    """What a key is called, and who would hold it where the records do not. `kind`: of the tools that have it; empty: any."""

    title: str
    who: str
    kind: str = ""
    why: str = ""


@dataclass(frozen=True)
class When:
    """One comparison of a fact: `=`, `!=`, `<`, `in`. Rows are compared by how many there are."""

    key: str
    sign: str
    wanted: tuple[str, ...]

    @classmethod
    def read(cls, text: str) -> When | None:
        found = _WHEN.match(text)
        return cls(found[1], found[2], tuple(w.strip() for w in found[3].split(","))) if found else None

    def holds(self, value: Any) -> bool:
        if self.sign == "<":
            return float(_comparable(value)) < float(self.wanted[0])
        is_one = str(_comparable(value)) in self.wanted
        return not is_one if self.sign == "!=" else is_one


def _comparable(value: Any) -> Any:
    return len(value) if isinstance(value, tuple) else {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value


@dataclass(frozen=True)
class Sentence:
    """One sentence or more. `over`, `under`: keys of two counts, whose rate is printed behind it."""

    says: str
    kind: str = ""
    when: When | None = None
    design: str = ""
    otherwise: str = ""
    over: str = ""
    under: str = ""
    if_not_held: str = ""  # "skip": say nothing where a fact is not held, because another sentence says so

    @property
    def needs(self) -> tuple[str, ...]:
        """Keys that it cannot be said without, in the order in which it names them."""
        found = [self.when.key] if self.when else []
        found += [f"design.{self.design}"] if self.design else []
        found += [m[1] for m in _SLOT.finditer(self.says)] + [m[1] for m in _SLOT.finditer(self.otherwise)]
        return tuple(dict.fromkeys([*found, *filter(None, (self.over, self.under))]))

    def fill(self, read: Callable[[str], Fact]) -> str:
        """The words, from facts."""
        holds = not self.design or bool(read(f"design.{self.design}").value)
        return _SLOT.sub(lambda m: shown(read(m[1]), m[2] or ""), self.says if holds else self.otherwise)


@dataclass(frozen=True)
class PiecePart:
    """A part of a piece that is no sentence: a table, a list, papers, another piece, or a field that a person fills."""

    what: str  # define, lack, table, list, papers, include, blank
    of: str
    kind: str = ""
    who: str = ""


@dataclass(frozen=True)
class Piece:
    answer: tuple[Sentence | PiecePart, ...]
    detail: tuple[Sentence | PiecePart, ...]


@dataclass(frozen=True)
class TableForm:
    """How rows become a table: columns (name, title, kind), rates (name, title, over, under); `split` a column into tables."""

    title: str
    columns: tuple[tuple[str, str, str], ...]
    rates: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = ()
    note: str = ""
    split: str = ""
    order: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Library:
    """Everything the answers are written with."""

    keys: Mapping[str, KeyOf]
    pieces: Mapping[str, Piece]
    design: Mapping[str, Mapping[str, str]]
    definitions: Mapping[str, str]
    tables: Mapping[str, TableForm]
    standings: Mapping[str, str]


def shown(fact: Fact, form: str = "") -> str:
    """A value as read. `form`: `lower`, `rate`, `number`, or `one|many` for a count with its noun."""
    value: Any = fact.value
    if "|" in form:
        one, many = form.split("|")
        return words.plural(len(value) if isinstance(value, tuple) else value, one, many)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date):
        return words.day(value)
    if isinstance(value, tuple):
        listed = words.listed([str(v) for v in value])
        return listed[:1].lower() + listed[1:] if form == "lower" else listed
    if isinstance(value, float):
        return words.share(value, 0 if round(value, 2) == value else 1) if fact.unit == "share" else f"{value:,.{form or 1}f}"
    if isinstance(value, int):
        return f"{value:,}"
    return value[:1].lower() + value[1:] if form == "lower" and value[1:2].islower() else str(value)


# -- reading ------------------------------------------------------------------------------------------------------


def text_of(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def library() -> Library:
    """The library as shipped. Raises SettingsRefused (`answer_template_wrong`) with file and line."""
    return read({name: text_of(name) for name in ("pieces.toml", "design.toml", "definitions.toml", "tables.toml")})


def read(texts: Mapping[str, str]) -> Library:
    """The library of these texts by file name, checked whole."""
    raw = {}
    for name, text in texts.items():
        try:
            raw[name] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise SettingsRefused(f"{name}: {error}", code="answer_template_wrong", next_step="Mend the file.") from error
    own = raw["pieces.toml"]
    keys = {name: KeyOf(**entry) for name, entry in own.pop("keys").items()}
    check = _Check(texts, keys, raw["design.toml"], tuple(raw["definitions.toml"]["references"]))
    design = {name: check.design(name, entry) for name, entry in raw["design.toml"].items()}
    definitions = {name: check.words("definitions.toml", says) for name, says in raw["definitions.toml"]["definitions"].items()}
    tables = {name: check.table(name, entry) for name, entry in raw["tables.toml"].items()}
    standings = {name: check.words("pieces.toml", says, ("what", "who", "dated", "by")) for name, says in own.pop("standings").items()}
    pieces = {}
    for name, entry in own.items():
        parts = [tuple(check.part(part, definitions, tables, own) for part in entry.get(side, ())) for side in ("answer", "detail")]
        pieces[name] = Piece(*parts)
    return Library(keys, pieces, design, definitions, tables, standings)


@dataclass(frozen=True)
class _Check:
    """Reads parts of the files and refuses what is wrong, with file and line."""

    texts: Mapping[str, str]
    keys: Mapping[str, KeyOf]
    designs: Mapping[str, Mapping[str, str]]
    references: tuple[str, ...]

    def words(self, file: str, says: str, own: tuple[str, ...] = ()) -> str:
        bare = _SLOT.sub("", says)
        for reference in sorted(self.references, key=len, reverse=True):  # s42 before s4
            bare = bare.replace(reference, "")
        if re.search(r"\d", bare):
            raise wrong(file, self.texts[file], says, f"a digit in a template ({says[:60]!r}): numbers are facts")
        for match in _SLOT.finditer(says):
            if match[1] not in own:
                self.key(file, match[1], says)
        return says

    def key(self, file: str, key: str, near: str) -> str:
        known = key in self.keys or (key.startswith("design.") and key[7:] in self.designs)
        if not known:
            raise wrong(file, self.texts[file], near, f"there is no fact of the key {key}")
        return key

    def when(self, file: str, text: str) -> When:
        found = When.read(text)
        if found is None:
            raise wrong(file, self.texts[file], text, f"not one comparison: {text}")
        self.key(file, found.key, text)
        return found

    def design(self, name: str, entry: Mapping[str, str]) -> Mapping[str, str]:
        if ("check" in entry) == ("test" in entry) or not {"says", "otherwise"} <= set(entry):
            raise wrong("design.toml", self.texts["design.toml"], f"[{name}]", "says, otherwise and one of check or test are needed")
        if "check" in entry:
            self.when("design.toml", entry["check"])
        for side in ("says", "otherwise"):
            self.words("design.toml", entry[side])
        return entry

    def table(self, name: str, entry: Mapping[str, Any]) -> TableForm:
        file = "tables.toml"
        self.key(file, name, f'["{name}"]')
        columns = tuple((c[0], self.words(file, c[1]), c[2] if len(c) > 2 else "text") for c in entry["columns"])
        rates = tuple((r[0], self.words(file, r[1]), tuple(r[2]), tuple(r[3])) for r in entry.get("rates", ()))
        note = self.words(file, entry.get("note", ""))
        needs = tuple(m[1] for m in _SLOT.finditer(note))
        return TableForm(self.words(file, entry["title"]), columns, rates, note, entry.get("split", ""), tuple(entry.get("order", ())), needs)

    def part(self, part: Any, definitions: Mapping[str, str], tables: Mapping[str, TableForm], pieces: Collection[str]) -> Sentence | PiecePart:
        file, text = "pieces.toml", self.texts["pieces.toml"]
        entry = {"says": part} if isinstance(part, str) else dict(part)
        kind = entry.pop("kind", "")
        for what, known in (("define", definitions), ("lack", definitions), ("table", tables), ("include", pieces), ("list", self.keys), ("papers", None), ("blank", None)):
            if what in entry:
                of = entry[what]
                near = f'{what} = "{of}"'
                if known is not None and of not in known:
                    raise wrong(file, text, near, f"there is no {what} of the name {of}")
                if what == "papers":
                    self.key(file, f"tool.paper.{of}", near)
                return PiecePart(what, self.words(file, of) if what == "blank" else of, kind, entry.get("who", ""))
        if "design" in entry:
            if entry["design"] not in self.designs:
                raise wrong(file, text, f'design = "{entry["design"]}"', f"there is no design fact {entry['design']}")
            own = self.designs[entry["design"]]
            return Sentence(own["says"], kind, self.when(file, entry["when"]) if "when" in entry else None, entry["design"], own["otherwise"])
        says = self.words(file, entry.pop("says"))
        made = Sentence(
            says,
            kind,
            self.when(file, entry.pop("when")) if "when" in entry else None,
            over=self.key(file, entry.pop("over"), says) if "over" in entry else "",
            under=self.key(file, entry.pop("under"), says) if "under" in entry else "",
            if_not_held=entry.pop("if_not_held", ""),
        )
        if entry:
            raise wrong(file, text, says, f"not understood: {', '.join(entry)}")
        if not made.needs:
            raise wrong(file, text, says, f"a sentence without a fact ({says[:60]!r}): give it one, or list it in definitions.toml")
        return made


def facts_of_design(found: Facts, tools: Mapping[str, str]) -> Iterator[Fact]:
    """The design facts: true where the check over the facts holds, or a test of the suite holds it. `tools`: name -> kind.

    A check over a tool's facts holds if it does for every tool that has the fact; one that no fact can answer gives no fact.
    """
    for name, entry in library().design.items():
        if "test" in entry:
            yield Fact(f"design.{name}", True, "", f"design:{entry['test']}", found.as_of, found.known_on)
            continue
        when = When.read(entry["check"])
        if when is None:
            continue
        keys = [when.key.replace("tool.", f"{t}.", 1) for t in tools] if when.key.startswith("tool.") else [when.key]
        held = [fact for key in keys if (fact := found.get(key)) is not None]
        if held:
            yield Fact(f"design.{name}", all(when.holds(f.value) for f in held), "", f"design:{entry['check']}", found.as_of, found.known_on)
