"""Blocks that several answers share: papers and words of the register, stages, releases, access, training; gaps by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from harmcast import words
from harmcast.oversight.register import ENTRY_KINDS
from harmcast.publish.answers.document import (
    AnswerColumn,
    AnswerTable,
    Block,
    Bullets,
    Empty,
    NoneMade,
    Pairs,
    Papers,
    Words,
)
from harmcast.publish.answers.facts import Facts, ToolFacts


def day(value: date | None) -> str:
    """16 November 2026."""
    return "no date" if value is None else words.day(value)


def number(value: int | float) -> str:
    return f"{value:,}"


def model_words(name: str | None) -> str:
    """A model's stored name as read."""
    if not name:
        return "no model"
    said = words.model_name(name)
    return said[:1].upper() + said[1:]


def model_in_use(tool: ToolFacts) -> str:
    """The model of the newest release in words; that of people with the name it was approved under."""
    name = tool.releases[-1].model if tool.releases else None
    chosen = (tool.model or {}).get("chosen")
    return f"{model_words(str(chosen))} (approved as {name})" if chosen and name and chosen != name else model_words(name)


def field(tool: ToolFacts, title: str, value: str | None) -> Block:
    """A field of the register: what is written, or that it is empty."""
    return Pairs(((title, value),)) if value else Empty(title)


def papers(tool: ToolFacts, kinds: Iterable[str]) -> tuple[Block, ...]:
    """Documents of the register by kind with their dates; a kind without any is named as none made."""
    rows: list[dict[str, Any]] = []
    gaps: list[Block] = []
    for kind in kinds:
        title = ENTRY_KINDS[kind]
        held = sorted(tool.of_kind(kind), key=lambda e: e.dated)
        if not held:
            gaps.append(NoneMade(title, "none is entered in the register"))
        for e in held:
            if e.made:
                rows.append(
                    {
                        "what": title,
                        "title": e.words,
                        "dated": e.dated,
                        "by": e.by,
                        "reference": e.reference,
                        "conditions": e.conditions,
                        "review_by": e.review_by,
                    }
                )
            else:
                gaps.append(NoneMade(title, f"{e.why_none} (entered on {day(e.dated)} by {e.by})"))
    rows.sort(key=lambda r: (r["dated"], r["what"]))
    return ((Papers(tuple(rows)),) if rows else ()) + tuple(gaps)


def stages(tool: ToolFacts) -> Block:
    """A tool's statuses with dates."""
    if not tool.statuses:
        return Empty("Date since when the tool has its status")
    return AnswerTable(
        "Stages",
        (AnswerColumn("status", "Status"), AnswerColumn("from", "From", "date"), AnswerColumn("reason", "Reason")),
        tuple({"status": s, "from": d, "reason": r or "none given"} for s, d, r in tool.statuses),
    )


STANDINGS = {
    "published": "published",
    "held": "held back",
    "draft": "not yet looked at",
    "reviewed": "looked at by one person",
    "withdrawn": "withdrawn",
}


def releases(tool: ToolFacts) -> tuple[Block, ...]:
    """When it was used, as far as releases show: how many weeks, from when to when, where each stood."""
    if not tool.releases:
        return (Words("No release has been made: the tool has not been used."),)
    by: dict[str, int] = {}
    for r in tool.releases:
        by[r.standing] = by.get(r.standing, 0) + 1
    stood = ", ".join(f"{number(by[s])} {words}" for s, words in STANDINGS.items() if s in by)
    first, last = tool.releases[0], tool.releases[-1]
    span = f"for the week of {day(first.origin)}" if len(tool.releases) == 1 else f"for the weeks of {day(first.origin)} to {day(last.origin)}"
    return (Words(f"{words.plural(len(tool.releases), 'release was', 'releases were')} made, {span}: {stood}."),)


STATUS_WORDS = {"trial": "on trial", "in use": "in use"}


def held_since(tool: ToolFacts) -> tuple[Block, ...]:
    """Where the register has a tool on trial or in use from before the first release held here: both days, plainly."""
    before, first = tool.used_before_held, tool.first_release
    if before is None or first is None:
        return ()
    status, on = before
    return (
        Words(
            f"The register has it {STATUS_WORDS[status]} from {day(on)}. First release held here: the week of {day(first)}. "
            "What was made of it before that day, if anything, is not held here."
        ),
    )


def outputs(pairs: Sequence[tuple[str, str]]) -> Pairs:
    return Pairs(tuple(pairs))


def access(facts: Facts) -> Block:
    """Who has access: roles, what each may see, and how many people hold it."""
    return AnswerTable(
        "Roles",
        (AnswerColumn("role", "Role"), AnswerColumn("sees", "What it sees"), AnswerColumn("people", "People", "count")),
        tuple({"role": r, "sees": w, "people": n} for r, w, n in facts.roles),
        note="Counts of staff, not of members of the public.",
    )


def training(tool: ToolFacts) -> tuple[Block, ...]:
    """What the training consists of, who gives it, how many took it, how to reach the trainer, the recording."""
    blocks: list[Block] = []
    if tool.trained:
        blocks.append(
            AnswerTable(
                "Training recorded",
                (
                    AnswerColumn("kind", "What it consists of"),
                    AnswerColumn("trainer", "Given by"),
                    AnswerColumn("contact", "How to reach them"),
                    AnswerColumn("people", "Staff trained", "count"),
                    AnswerColumn("first", "First", "date"),
                    AnswerColumn("last", "Last", "date"),
                ),
                tuple(
                    {
                        "kind": t.kind[:1].upper() + t.kind[1:].replace("_", " "),
                        "trainer": t.trainer or "not recorded",
                        "contact": t.contact or "not recorded",
                        "people": t.people,
                        "first": t.first,
                        "last": t.last,
                    }
                    for t in tool.trained
                ),
                note="Nobody sees the tool before their training on it is recorded.",
            )
        )
    else:
        blocks.append(NoneMade("Training of users", "none is recorded; nobody sees the tool before it is"))
    return (*blocks, *papers(tool, ("training_material",)))


def bullets(items: Iterable[str]) -> Bullets:
    return Bullets(tuple(items))
