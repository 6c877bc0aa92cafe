"""The ALGO-CARE record of each tool: eight letters, each answered with what the records hold today.

Source: Oswald, Grace, Urwin and Barnes (2018), Information and Communications Technology Law 27, 223-250; adopted by
the National Police Chiefs' Council.
"""

from __future__ import annotations

from harmcast.publish.answers import atrs, blocks, tool_answers, wording
from harmcast.publish.answers.asked import Asked, made_from
from harmcast.publish.answers.blocks import bullets, field, papers
from harmcast.publish.answers.document import Block, Document, DocumentPart, Section, Words
from harmcast.publish.answers.facts import Facts
from harmcast.publish.disclosure import Published

LETTERS = (
    ("A", "Advisory", "Is the output advisory, and does a person keep the decision?"),
    ("L", "Lawful", "What is the purpose, and on which lawful basis?"),
    ("G", "Granularity", "Does it say enough about a case, with the data at hand?"),
    ("O", "Ownership", "Who owns the tool and the data, and can see inside?"),
    ("C", "Challengeable", "Can it be challenged, corrected and audited?"),
    ("A", "Accuracy", "How right is it, how is that known, and how is it watched?"),
    ("R", "Responsible", "Is it fair, transparent, and in the public interest?"),
    ("E", "Explainable", "Can those who use it and those it is about follow it?"),
)


def answer(facts: Facts) -> Document:
    """One record a tool."""
    published: dict[str, Published] = {}
    parts = []
    for tool in facts.tools:
        asked = Asked(facts, tool, published)
        answers = (_advisory, _lawful, _granular, _owned, _challengeable, _accurate, _responsible, _explainable)
        sections = tuple(
            Section(letter, name, (Words(asks), *given(asked)))
            for (letter, name, asks), given in zip(LETTERS, answers, strict=True)
        )
        parts.append(DocumentPart(tool.tool.title, sections, tool=tool.name))
    return Document(
        kind="algocare",
        title="ALGO-CARE record",
        force=facts.force,
        as_of=facts.as_of,
        parts=tuple(parts),
        intro=(
            Words(
                "Eight questions that police forces in England and Wales ask of a tool that forecasts or scores, answered from the records."
            ),
        ),
        invented=facts.invented,
        made_from=made_from(facts),
        published=published,
    )


def _advisory(asked: Asked) -> tuple[Block, ...]:
    return (bullets(wording.NEVER), Words(wording.DECISIONS[asked.tool.tool.kind]), *atrs.human(asked))


def _lawful(asked: Asked) -> tuple[Block, ...]:
    tool = asked.tool
    return (
        field(tool, "Purpose", tool.tool.purpose),
        field(tool, "Policy purpose", tool.tool.policy_purpose),
        *papers(tool, ("legal", "dpia", "policy", "appropriate_policy")),
    )


def _granular(asked: Asked) -> tuple[Block, ...]:
    tool = asked.tool
    return (
        blocks.outputs(wording.signifies(tool.tool.kind, tool.settings, tool.about)),
        Words(wording.PREDICTS[tool.tool.kind]),
        *atrs.completeness(asked),
        *tool_answers.inputs(asked.facts, tool),
    )


def _owned(asked: Asked) -> tuple[Block, ...]:
    tool = asked.tool
    return (
        field(tool, "Owner", tool.tool.owner),
        field(tool, "Made by", tool.tool.made_by),
        Words("The force runs it on its own machine, keeps its own data, and can read every line of the software."),
        *atrs.model(asked),
    )


def _challengeable(asked: Asked) -> tuple[Block, ...]:
    return (
        *atrs.appeals(asked),
        Words(
            "Any past week can be made again byte for byte from records as then known; who looked, changed and decided is in a log that shows tampering."
        ),
    )


def _accurate(asked: Asked) -> tuple[Block, ...]:
    return asked.keep(tool_answers.accuracy(asked.facts, asked.tool))


def _responsible(asked: Asked) -> tuple[Block, ...]:
    return (
        *tool_answers.bias(asked.facts, asked.tool),
        *papers(asked.tool, ("ethics", "eia")),
        atrs.risks(asked.tool.tool.kind),
    )


def _explainable(asked: Asked) -> tuple[Block, ...]:
    tool = asked.tool
    how = (
        "Each cell shows its range, its own history and the plain counts beside it."
        if tool.is_places
        else "Each person's page shows the charges that count most with their effect, what changed since last week and why, a points card that an officer can redo by hand, and what the score does not know."
    )
    return (Words(how), *tool_answers.variables(asked.facts, tool), *blocks.training(tool))
