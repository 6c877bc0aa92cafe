"""The texts of answers as shipped, and what the build refuses: a digit, an unknown key, a sentence without a fact."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from harmcast.errors import SettingsRefused
from harmcast.publish.answers import pieces
from harmcast.publish.answers.compose import FORMS, form, read_form
from harmcast.publish.answers.pieces import PiecePart, Sentence, When, library

from .conftest import TOOLS, invented_facts

ROOT = Path(__file__).parents[2]
FILES = ("pieces.toml", "design.toml", "definitions.toml", "tables.toml")


def texts(**changed: tuple[str, str]) -> dict[str, str]:
    """The shipped texts with words put in place of others, by file."""
    found = {name: pieces.text_of(name) for name in FILES}
    for name, (old, new) in changed.items():
        file = f"{name}.toml"
        assert old in found[file]
        found[file] = found[file].replace(old, new, 1)
    return found


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("pieces", '["{tool.owner}"]', '["{tool.owner} since 2021"]', "a digit in a template"),
        ("pieces", '["{tool.owner}"]', '["{tool.ovner}"]', "there is no fact of the key tool.ovner"),
        ("pieces", '["{tool.owner}"]', '["It is owned."]', "a sentence without a fact"),
        ("pieces", 'when = "tool.audit_judged = 0"', 'when = "tool.audit_judged about 0"', "not one comparison"),
        ("pieces", 'papers = "policy"', 'papers = "polices"', "there is no fact of the key tool.paper.polices"),
        ("pieces", 'define = "rounded"', 'define = "roundet"', "there is no define of the name roundet"),
        ("pieces", 'design = "in_house"', 'design = "inhouse"', "there is no design fact inhouse"),
        ("definitions", "About places.", "About 2 places.", "a digit in a template"),
        ("design", "It triggers nothing by itself.", "It triggers 0 things.", "a digit in a template"),
        ("design", 'check = "network.outside = 0"', 'check = "network.outsides = 0"', "there is no fact of the key network.outsides"),
        ("tables", 'title = "Stages"', 'title = "Stages of 2026"', "a digit in a template"),
    ],
)
def test_the_build_fails_with_file_and_line(file, old, new, says):
    changed = texts(**{file: (old, new)})
    line = changed[f"{file}.toml"].split(new)[0].count("\n") + 1
    with pytest.raises(SettingsRefused, match=says) as told:
        pieces.read(changed)
    assert told.value.code == "answer_template_wrong"
    assert str(told.value).startswith(f"{file}.toml, line ")
    said = int(str(told.value).split("line ")[1].split(":")[0])
    assert said == line or (says.startswith(("there is no", "not one")) and said <= line)


def test_a_form_with_an_unknown_piece_fails_with_file_and_line():
    text = 'title = "T"\nintro = []\n[[parts]]\ntitle = ""\nquestions = [\n  { number = "1", title = "X", pieces = ["nobody"] },\n]\n'
    with pytest.raises(SettingsRefused, match=r"documents/x\.toml, line 6: there is no piece of the name nobody"):
        read_form("x", "documents/x.toml", text)


def test_every_test_that_holds_a_design_fact_is_there():
    for name, entry in library().design.items():
        if "test" not in entry:
            continue
        file, _, test = entry["test"].partition("::")
        assert (ROOT / file).is_file(), name
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert not test or test in {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}, name


def reachable() -> dict[str, set[str]]:
    """Pieces that a form leads to, by kind of tool."""
    found: dict[str, set[str]] = {"places": set(), "people": set(), "": {"days", "withdrawn"}}

    def add(piece: str, kind: str) -> None:
        found[kind].add(piece)
        for part in (*library().pieces[piece].answer, *library().pieces[piece].detail):
            if isinstance(part, PiecePart) and part.what == "include" and part.kind in ("", kind):
                add(part.of, kind)

    for name in FORMS:
        for _, _, questions in form(name).parts:
            for q in questions:
                for kind in [q.kind] if q.kind else ["places", "people"]:
                    for piece in q.pieces:
                        add(piece, kind)
    return found


def test_every_piece_definition_design_fact_and_table_is_used():
    held, used = library(), reachable()
    assert {p for kind in used.values() for p in kind} == set(held.pieces)
    parts = [part for kind, names in used.items() for name in names for part in (*held.pieces[name].answer, *held.pieces[name].detail) if part.kind in ("", kind)]
    items = [(p.what, p.of) for p in parts if isinstance(p, PiecePart)]
    intros = {name for kind in FORMS for name in form(kind).intro}
    assert {of for what, of in items if what in ("define", "lack")} | intros == set(held.definitions)
    assert {p.design for p in parts if isinstance(p, Sentence) and p.design} == set(held.design)
    assert {of for what, of in items if what == "table"} == set(held.tables)


def test_every_key_is_used_and_stands_in_the_facts_written_by_hand():
    held, used = library(), set()
    for kind, names in reachable().items():
        for name in names:
            for part in (p for p in (*held.pieces[name].answer, *held.pieces[name].detail) if p.kind in ("", kind)):
                if isinstance(part, Sentence):
                    used |= set(part.needs)
                elif part.what in ("table", "list"):
                    used |= {part.of, *(held.tables[part.of].needs if part.what == "table" else ())}
                elif part.what == "papers":
                    used.add(f"tool.paper.{part.of}")
    used |= {When.read(entry["check"]).key for entry in held.design.values() if "check" in entry}  # type: ignore[union-attr]
    unsaid = {"answer.known_on", "force.invented", "tool.kind"}  # printed at the head of a document, or choosing its parts
    assert set(held.keys) - used - unsaid == set()
    facts = invented_facts()
    for key, entry in held.keys.items():
        tools = [t for t, kind in TOOLS.items() if entry.kind in ("", kind)] if key.startswith("tool.") else [""]
        for tool in tools:
            assert facts.get(key.replace("tool", tool, 1) if tool else key), key
    assert {k for k in facts.held if not k.startswith("design.")} <= {
        key.replace("tool", t, 1) if key.startswith("tool.") else key for key in held.keys for t in TOOLS
    }


def test_a_sentence_is_short_enough_for_page_one():
    for name in (p for _, _, questions in form("foi").parts for q in questions for p in q.pieces[:1]):
        said = [s for s in library().pieces[name].answer if isinstance(s, Sentence)]
        assert all(len(s.says) <= 300 for s in said), name
