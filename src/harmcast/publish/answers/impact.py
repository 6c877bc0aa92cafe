"""What a data protection and an equality impact assessment need, filled from the records.

The assessment itself is a person's: this hands over facts, dates and gaps, and says where judgement is wanted.
Sources: Data Protection Act 2018, Part 3, s64; Equality Act 2010, s149 (three aims, of which marriage and civil
partnership comes under the first alone) and s4 (nine characteristics).
"""

from __future__ import annotations

from harmcast.publish.answers import atrs, blocks, foi, people_counts, tool_answers
from harmcast.publish.answers.asked import Asked, made_from
from harmcast.publish.answers.blocks import bullets, field, papers
from harmcast.publish.answers.document import (
    AnswerColumn,
    AnswerTable,
    Block,
    Document,
    DocumentPart,
    Empty,
    NotHeld,
    Section,
    Words,
)
from harmcast.publish.answers.facts import Facts, ToolFacts
from harmcast.publish.disclosure import Published

AIMS = {
    "first": "Eliminate discrimination, harassment, victimisation and other conduct the Act forbids",
    "second": "Advance equality of opportunity",
    "third": "Foster good relations",
}
CHARACTERISTICS: dict[str, tuple[str, ...]] = {
    "Age": ("age_band",),
    "Disability": (),
    "Gender reassignment": (),
    "Marriage and civil partnership": (),
    "Pregnancy and maternity": (),
    "Race": ("ethnicity_self", "ethnicity_officer"),
    "Religion or belief": (),
    "Sex": ("sex",),
    "Sexual orientation": (),
}
FIRST_AIM_ONLY = "Marriage and civil partnership"


def dpia(facts: Facts) -> Document:
    """The facts a data protection impact assessment rests on, for each tool."""
    published: dict[str, Published] = {}
    parts = tuple(
        DocumentPart(tool.tool.title, _dpia_sections(Asked(facts, tool, published)), tool=tool.name) for tool in facts.tools
    )
    intro = (
        Words(
            "The facts that a data protection impact assessment rests on, as the records hold them. It is not the assessment: "
            "whether the processing is strictly necessary and proportionate is for the controller to judge, and for the Data Protection Officer to advise on."
        ),
    )
    return _document("dpia", "Facts for the data protection impact assessment", facts, parts, intro, published)


def _dpia_sections(asked: Asked) -> tuple[Section, ...]:
    tool, facts = asked.tool, asked.facts
    kind = tool.tool.kind
    personal = not tool.is_places
    scale: tuple[Block, ...] = (
        asked.keep(people_counts.tracked(facts))
        if personal
        else (Words("No personal data: recorded crimes without anything about individuals."),)
    )
    law: tuple[Block, ...] = (
        Words(
            "Part 3 of the Data Protection Act 2018 (law enforcement). The lawful basis and the condition for sensitive processing are stated in the documents below."
        ),
        *papers(tool, ("policy", "appropriate_policy", "legal")),
    )
    return (
        Section("1", "The assessment on the register", papers(tool, ("dpia",))),
        Section("2", "Nature of the processing", (*foi.ANSWERS["A1c"](asked), *tool_answers.inputs(facts, tool))),
        Section("3", "Scope: whose data, and how many people", scale),
        Section("4", "Context and purpose", (field(tool, "Purpose", tool.tool.purpose), field(tool, "Policy purpose", tool.tool.policy_purpose), *foi.ANSWERS["B5"](asked))),
        Section("5", "Who was consulted", papers(tool, ("ethics",))),
        Section("6", "Lawful basis", law),
        Section("7", "Necessity and proportionality", (
            Words("What is read is limited to what the score needs; what is left out, and why, is below. Whether this is strictly necessary is for the controller to say."),
            *tool_answers.variables(facts, tool),
            Empty("The controller's judgement of necessity and proportionality", "the assessment"),
        )),
        Section("8", "Accuracy", asked.keep(tool_answers.accuracy(facts, tool))),
        Section("9", "Retention", atrs.retention(asked)),
        Section("10", "Rights of people", atrs.appeals(asked)),
        Section("11", "Human involvement", atrs.human(asked)),
        Section("12", "Security, access and logging", (
            blocks.access(facts),
            Words(
                f"Pages of people opened so far: {blocks.number(facts.work.views)}. Exports: {blocks.number(facts.work.exports[0])}, of which {blocks.number(facts.work.exports[1])} with names. "
                f"An export holds at most {facts.settings['web']['export_rows']} rows. Each view is one event in a log that shows tampering, written before the page is sent."
                if personal
                else "Pages about places are open to the roles above; each download is logged."
            ),
        )),
        Section("13", "Risks and what is done about each", (atrs.risks(kind), Empty("How likely and how severe each risk is here, and who accepts what is left", "the assessment"))),
        Section("14", "Approval", papers(tool, ("dpia", "ethics", "legal"))),
    )  # fmt: skip


def eia(facts: Facts) -> Document:
    """The evidence an equality impact assessment asks for: nine characteristics against three aims, for each tool."""
    published: dict[str, Published] = {}
    parts = tuple(
        DocumentPart(tool.tool.title, _eia_sections(Asked(facts, tool, published)), tool=tool.name) for tool in facts.tools
    )
    intro = (
        Words(
            "The evidence for due regard under section 149 of the Equality Act 2010, as the records hold it. "
            "Marriage and civil partnership is a relevant characteristic for the first aim only. "
            "What follows from the evidence is for people to weigh and to sign."
        ),
    )
    return _document("eia", "Evidence for the equality impact assessment", facts, parts, intro, published)


def _eia_sections(asked: Asked) -> tuple[Section, ...]:
    tool, facts = asked.tool, asked.facts
    evidence = _evidence(facts, tool)
    grid = AnswerTable(
        "Evidence by characteristic and aim",
        (AnswerColumn("characteristic", "Characteristic"), *(AnswerColumn(key, title) for key, title in AIMS.items())),
        tuple(_grid_row(name, evidence[name]) for name in CHARACTERISTICS),
        note="Marriage and civil partnership: first aim only, by the Act.",
    )
    sections = [
        Section("1", "The assessment on the register", papers(tool, ("eia", "ethics"))),
        Section("2", "Nine characteristics, three aims", (grid,)),
        Section(
            "3",
            "People in it",
            asked.keep(people_counts.tracked(facts))
            if not tool.is_places
            else (Words("Nobody: the tool holds no individuals."),),
        ),
    ]
    if tool.is_places:
        sections.append(Section("4", "Each characteristic", _characteristic(asked, "Each characteristic", ())))
    else:
        for number, (name, attributes) in enumerate(CHARACTERISTICS.items(), start=1):
            sections.append(Section(f"4.{number}", name, _characteristic(asked, name, attributes)))
    return (
        *sections,
        Section("5", "What was done to test for bias", tool_answers.bias(facts, tool)),
        Section("6", "What is wrongly flagged and what is missed, by group", asked.keep(tool_answers.accuracy(facts, tool))),
        Section(
            "7",
            "Engagement with the people affected",
            (Empty("Who was asked, when and what they said", "the assessment"),),
        ),
        Section("8", "Conclusion and signature", (Empty("Conclusion, actions, owner and date", "the assessment"),)),
    )


def _evidence(facts: Facts, tool: ToolFacts) -> dict[str, str]:
    counted = facts.counted.tracked is not None and not tool.is_places
    audited = tool.audit is not None and not tool.audit_is_silent and not tool.is_places
    held = "audited" if audited else "counted" if counted else "held, not yet audited"
    return {
        name: (held if attributes and not tool.is_places else "no individuals" if tool.is_places else "not held")
        for name, attributes in CHARACTERISTICS.items()
    }


def _grid_row(name: str, evidence: str) -> dict[str, str]:
    words = {
        "audited": ("Judged each week by the audit; see 4 and 6", "Who is in it is printed by group; support offered is not held by group", "Published answers and the audit's page; engagement is the force's"),
        "counted": ("Counted by group; not yet judged", "Who is in it is printed by group", "Published answers; engagement is the force's"),
        "held, not yet audited": ("Held for the audit; nothing judged yet", "Nothing counted yet", "Published answers; engagement is the force's"),
        "not held": ("Not held: the feed carries no such field", "Not held", "Published answers; engagement is the force's"),
        "no individuals": ("No individuals; exposure by neighbourhood is in the audit of places", "No individuals", "Published answers; engagement is the force's"),
    }[evidence]  # fmt: skip
    first, second, third = words
    if name == FIRST_AIM_ONLY:
        second = third = "Not relevant to this aim (s149(7))"
    return {"characteristic": name, "first": first, "second": second, "third": third}


def _characteristic(asked: Asked, name: str, attributes: tuple[str, ...]) -> tuple[Block, ...]:
    tool = asked.tool
    if tool.is_places:
        return (
            Words(
                "The tool reads nothing about individuals. Unequal attention could reach a group through where it lives; the audit of places looks at that by neighbourhood."
            ),
        )
    if not attributes:
        return (
            NotHeld(
                name,
                "The feed carries no such field, so nothing can be measured, and nothing is an input.",
                "The force's custody or equality monitoring may hold it; asking for it here would mean holding more about people.",
            ),
        )
    audit = tool.audit or {}
    named = [f for f in audit.get("findings", ()) if any(a in f["name"] for a in attributes)]
    if not audit:
        return (Words("Never an input. No audit of this tool has been made yet."),)
    if tool.audit_is_silent:
        return (Words("Never an input. The newest audit could judge nothing yet: too few to say. That is not good news; what follows from it is in section 5."),)
    if not named:
        return (
            Words(
                "Never an input. The newest audit raised no concern about it. How many comparisons rested on too few to say is in section 5."
            ),
        )
    return (
        Words("Never an input. The newest audit says:"),
        bullets(f"{f['verdict'].capitalize()}: {f['says']}" for f in named),
    )


def _document(
    kind: str,
    title: str,
    facts: Facts,
    parts: tuple[DocumentPart, ...],
    intro: tuple[Block, ...],
    published: dict[str, Published],
) -> Document:
    return Document(
        kind=kind,
        title=title,
        force=facts.force,
        as_of=facts.as_of,
        parts=parts,
        intro=intro,
        invented=facts.invented,
        made_from=made_from(facts),
        published=published,
    )
