"""Change one fact: every sentence that needs it changes and no other. Take it away: the "not held" form names it, nothing breaks."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest

from harmcast.documents.facts import Fact, Facts
from harmcast.publish.answers import render
from harmcast.publish.answers.compose import FORMS, Saying, compose
from harmcast.publish.answers.document import Block
from harmcast.publish.answers.pieces import PiecePart, Sentence, When, library

from .conftest import TOOLS, invented_facts, put, with_design, without
from .test_pieces import reachable

FACTS = invented_facts()
# Another world, where what the first rules out is said: a tool that ended, and a day that is looked back on.
ENDED = with_design(put(FACTS, "answer.is_looking_back", True))
for _tool in TOOLS:
    ENDED = put(ENDED, f"{_tool}.deployment", "ended")
Unit = tuple[str, str, int]


def units() -> dict[Unit, Sentence | PiecePart]:
    """Every sentence, table, list and paper that some form can print, for each tool."""
    found: dict[Unit, Sentence | PiecePart] = {}
    for tool, kind in [*TOOLS.items(), ("", "")]:
        for name in sorted(reachable()[kind]):
            piece = library().pieces[name]
            for n, part in enumerate((*piece.answer, *piece.detail)):
                if part.kind in ("", kind) and not (isinstance(part, PiecePart) and part.what in ("include", "define", "lack", "blank")):
                    found[tool, name, n] = part
    return found


UNITS = units()


def needs(unit: Unit) -> set[str]:
    """Keys of facts it rests on, those of a design check too."""
    part, saying = UNITS[unit], Saying(FACTS, unit[0], TOOLS.get(unit[0], ""))
    if isinstance(part, Sentence):
        own = set(part.needs)
    else:
        own = {"table": {part.of, *(library().tables[part.of].needs if part.what == "table" else ())}, "list": {part.of}, "papers": {f"tool.paper.{part.of}"}}[part.what]
    checked = {When.read(library().design[k[7:]]["check"]).key for k in own if k.startswith("design.") and "check" in library().design[k[7:]]}  # type: ignore[union-attr]
    every = {saying.own(key) for key in own}
    for key in checked:
        every |= {key.replace("tool.", f"{t}.", 1) for t in TOOLS} if key.startswith("tool.") else {key}
    return every


NEEDS = {unit: needs(unit) for unit in UNITS}


def said(facts: Facts) -> dict[Unit, list[Block]]:
    saying = {tool: Saying(facts, tool, TOOLS.get(tool, "")) for tool in (*TOOLS, "")}
    return {unit: saying[unit[0]].part(part) for unit, part in UNITS.items()}


BASE = said(FACTS)


def others(fact: Fact) -> list[Any]:
    """Other values of a fact: near ones, and those that some sentence asks about."""
    value = fact.value
    found: list[Any] = []
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, tuple):
        rows = [r for r in value if isinstance(r, dict)]
        if not rows:
            return [(*value, "another"), ()]
        first = rows[0]
        touched = {k: _other(v) for k, v in first.items() if k not in ("attribute", "outcome")}
        return [({**first, **touched}, *rows[1:]), (*value, {**first, **touched}), ()]
    wanted = {w for part in UNITS.values() if isinstance(part, Sentence) and part.when and part.when.key.rpartition(".")[2] == fact.key.rpartition(".")[2] for w in part.when.wanted}
    if isinstance(value, int):
        found += [value + 1, *(int(w) for w in wanted if w.isdigit())]
    elif isinstance(value, float):
        found += [value / 2 + 0.1]
    elif isinstance(value, date):
        found += [value - timedelta(days=400)]
    else:
        found += [f"{value}, changed", *sorted(wanted)]
    return [v for v in found if v != value]


def _other(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return value + 5
    return value - timedelta(days=400) if isinstance(value, date) else f"{value} changed"


def changed(key: str, world: Facts = FACTS) -> set[Unit]:
    """Sentences that change with a fact, under any of its other values."""
    found: set[Unit] = set()
    base = BASE if world is FACTS else said(world)
    for value in others(world.held[key]):
        other = put(world, key, value)
        now = said(with_design(other) if key in CHECKED else other)
        found |= {unit for unit in UNITS if now[unit] != base[unit]}
    return found


CHECKED = {k for entry in library().design.values() if "check" in entry for key in [When.read(entry["check"]).key] for k in [key, *(key.replace("tool.", f"{t}.", 1) for t in TOOLS)]}  # type: ignore[union-attr]


# Facts that choose or head a document and stand in no sentence of their own.
UNSAID = {"answer.known_on": "in the head of each document", "force.invented": "the banner", "answer.as_of": ""}
UNSAID |= {f"{tool}.kind": "chooses the questions" for tool in TOOLS}


@pytest.mark.parametrize("key", sorted(FACTS.held))
def test_change_one_fact(key):
    moved = changed(key)
    wrongly = {unit for unit in moved if key not in NEEDS[unit]}
    assert not wrongly, "a sentence changes that does not name this fact"
    printed = {unit for unit in UNITS if key in NEEDS[unit] and BASE[unit]}
    still = {unit for unit in printed - moved if not _only_otherwise(unit, key)}
    assert not still, "a sentence needs this fact and does not change with it"
    assert moved or key in UNSAID or changed(key, ENDED), "a fact that no sentence needs"


def _only_otherwise(unit: Unit, key: str) -> bool:
    """Whether a sentence names the fact only in the words that stand where its design fact fails."""
    part = UNITS[unit]
    return isinstance(part, Sentence) and bool(part.design) and "{" + key + "}" not in part.says


@pytest.mark.parametrize("key", sorted(FACTS.held))
def test_take_one_fact_away(key):
    if key in ("force.name", "force.invented") or key.endswith((".kind", ".title")):
        return  # without a force or a tool there is no document
    left = with_design(without(FACTS, key)) if not key.startswith("design.") else without(FACTS, key)
    for unit, part in UNITS.items():
        if key not in NEEDS[unit]:
            continue
        blocks = Saying(left, unit[0], TOOLS.get(unit[0], "")).part(part)
        gaps = [b for b in blocks if type(b).__name__ == "Lacking"]
        if isinstance(part, Sentence) and (part.if_not_held == "skip" or not BASE[unit]):
            assert not blocks or gaps, unit
        elif ".paper." in key:
            assert [g.standing for g in gaps] == ["not known"], unit
        elif isinstance(part, Sentence) and part.design and "check" in library().design[part.design]:
            asked = str(When.read(library().design[part.design]["check"]).key).replace("tool.", f"{unit[0]}.", 1)  # type: ignore[union-attr]
            assert not gaps or gaps[0].facts in ((key,), (asked,)), unit
        else:
            assert [g.facts for g in gaps] == [(key,)], unit
            assert gaps[0].standing == "not held"
    for kind in FORMS:
        compose(kind, left)


def test_every_sentence_can_be_said():
    seen = {unit for unit in UNITS if BASE[unit]}
    for key in {k for part in UNITS.values() if isinstance(part, Sentence) and part.when for k in [part.when.key]}:
        for own in [key.replace("tool.", f"{t}.", 1) for t in TOOLS] if key.startswith("tool.") else [key]:
            for value in others(FACTS.held[own]) if own in FACTS.held else []:
                now = said(put(FACTS, own, value))
                seen |= {unit for unit in UNITS if now[unit]}
    assert {unit for unit in UNITS if unit not in seen and not (isinstance(UNITS[unit], PiecePart))} == set()


def test_every_figure_in_a_document_comes_from_a_fact_that_it_names():
    for kind in FORMS:
        document = json.loads(render.json_text(compose(kind, FACTS)))
        for part in document["parts"]:
            for section in part["sections"]:
                for block in section["blocks"]:
                    digits = [c for c in json.dumps({k: v for k, v in block.items() if k not in ("facts", "tools")}) if c.isdigit()]
                    if block["type"] in ("words", "table") and digits and not block.get("facts"):
                        assert block["text"] in library().definitions.values(), block
                    assert set(block.get("facts", ())) <= set(document["facts"]) | {k for k in block.get("facts", ()) if block["type"] in ("not held", "not known")}
