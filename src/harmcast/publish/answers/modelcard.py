"""A model card of each tool. Source of the form: Mitchell and others (2019), Proceedings of FAT* '19, 220-229."""

from __future__ import annotations

from harmcast.publish.answers import atrs, blocks, tool_answers, wording
from harmcast.publish.answers.asked import Asked, made_from
from harmcast.publish.answers.blocks import bullets, field, papers
from harmcast.publish.answers.document import (
    AnswerColumn,
    AnswerTable,
    Block,
    Document,
    DocumentPart,
    NoneMade,
    Section,
    Words,
)
from harmcast.publish.answers.facts import Facts
from harmcast.publish.disclosure import Published
from harmcast.tables import RANGE_LEVEL


def answer(facts: Facts) -> Document:
    """One card a tool."""
    published: dict[str, Published] = {}
    return Document(
        kind="modelcard",
        title="Model card",
        force=facts.force,
        as_of=facts.as_of,
        parts=tuple(DocumentPart(t.tool.title, _card(Asked(facts, t, published)), tool=t.name) for t in facts.tools),
        intro=(
            Words(
                "What the model in use is, what it was judged on, for whom it is worse, and what it must not be used for."
            ),
        ),
        invented=facts.invented,
        made_from=made_from(facts),
        published=published,
    )


def _card(asked: Asked) -> tuple[Section, ...]:
    tool, facts = asked.tool, asked.facts
    kind = tool.tool.kind
    return (
        Section("1", "Model", (*atrs.model(asked), *(Words(w) for w in wording.METHOD[kind]), Words(wording.MAINTENANCE[kind]))),
        Section("2", "Intended use", (Words(wording.SUMMARY[kind]), field(tool, "Intended users", tool.tool.users), Words(wording.DECISIONS[kind]))),
        Section("3", "What it must not be used for", (bullets(wording.NEVER), Words(wording.PREDICTS[kind]))),
        Section("4", "Outputs", (blocks.outputs(wording.signifies(kind, tool.settings, tool.about)),)),
        Section("5", "Variables", tool_answers.variables(facts, tool)),
        Section("6", "Data", tool_answers.inputs(facts, tool)),
        Section("7", "How right it is", asked.keep(tool_answers.accuracy(facts, tool))),
        Section("8", "Bands, cuts and figures of the newest release" if not tool.is_places else "Settings in use", _figures(asked)),
        Section("9", "For whom it is worse", tool_answers.bias(facts, tool)),
        Section("10", "Limits and risks", (*atrs.completeness(asked), atrs.risks(kind))),
        Section("11", "Papers", papers(tool, ("technical_paper", "test_for_bias"))),
    )  # fmt: skip


def _figures(asked: Asked) -> tuple[Block, ...]:
    tool, facts = asked.tool, asked.facts
    if tool.is_places:
        s = tool.settings
        return (
            blocks.outputs(
                (
                    ("Unit", wording.cell(s)),
                    ("Window", f"{s['horizon_weeks']} weeks"),
                    ("Definition", wording.definition(s)),
                    ("Ranges", f"at least {RANGE_LEVEL:.0%} should hold what comes"),
                )
            ),
        )
    cuts = tool.about.get("cuts")
    if not cuts:
        return (NoneMade("Band cuts", "none are frozen yet"),)
    names = ("low", "low-medium", "high-medium", "high", "super high")
    edges = ["below", *[f"from {c:,.1f}" for c in cuts]]
    rows = tuple(
        {"band": n, "from": e if e != "below" else f"below {cuts[0]:,.1f}"} for n, e in zip(names, edges, strict=True)
    )
    unit = tool.about.get("harm_unit") or "unit of the harm index"
    bands = facts.settings["bands"]
    given = bands.get("percentiles") if not bands.get("cuts") else None
    how = "Percentiles " + ", ".join(f"{p:g}" for p in given) + " of the charged" if given else "Cuts as set, or in sentence-days by default"
    return (
        AnswerTable(
            "Bands of harm",
            (AnswerColumn("band", "Band"), AnswerColumn("from", f"Harm, {unit}")),
            rows,
            note=f"{how}, taken at {tool.about.get('cuts_reference_date', 'the reference date')}, frozen since.",
        ),
    )
