"""The algorithmic transparency record of each tool, tiers 1 and 2; the fields and their names are in `atrs.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import lru_cache
from importlib import resources
from typing import Any

from harmcast.oversight.register import FIELDS
from harmcast.publish.answers import blocks, foi, people_counts, tool_answers, wording
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


@lru_cache(maxsize=1)
def template() -> dict[str, Any]:
    """The template in use: `edition` and `fields` (tier, number, title, source)."""
    return tomllib.loads(resources.files(__package__).joinpath("atrs.toml").read_text(encoding="utf-8"))


def answer(facts: Facts) -> Document:
    """One record a tool and tier."""
    published: dict[str, Published] = {}
    parts = []
    for tool in facts.tools:
        asked = Asked(facts, tool, published)
        for tier in (1, 2):
            sections = tuple(
                Section(f["number"], f["title"], filled(f["source"], asked))
                for f in template()["fields"]
                if f["tier"] == tier
            )
            parts.append(DocumentPart(f"{tool.tool.title}: tier {tier}", sections, tool=tool.name))
    return Document(
        kind="atrs",
        title="Algorithmic transparency record",
        force=facts.force,
        as_of=facts.as_of,
        parts=tuple(parts),
        intro=(
            Words(
                f"Fields of the {template()['edition']}, filled from the force's records and register. An empty field is named."
            ),
        ),
        invented=facts.invented,
        made_from=made_from(facts),
        published=published,
    )


def filled(source: str, asked: Asked) -> tuple[Block, ...]:
    """The answer to one field. Raises KeyError for a source that nothing here fills."""
    tool, facts = asked.tool, asked.facts
    kind = tool.tool.kind
    answers: dict[str, Callable[[], tuple[Block, ...]]] = {
        "name": lambda: (Words(tool.tool.title),),
        "summary": lambda: (
            Words(wording.SUMMARY[kind]),
            field(tool, "Purpose in the force's own words", tool.tool.purpose),
        ),
        "website": lambda: (field(tool, FIELDS["website"], tool.tool.website),),
        "contact": lambda: (field(tool, FIELDS["contact"], tool.tool.contact),),
        "organisation": lambda: (Words(facts.force),),
        "team": lambda: (field(tool, "Team that made it", tool.tool.made_by),),
        "owner": lambda: (field(tool, "Owner", tool.tool.owner),),
        "suppliers": lambda: (
            Words("The software is open source and run in-house; no supplier sees data."),
            *papers(tool, ("contract",)),
        ),
        "method": lambda: foi.ANSWERS["A1c"](asked),
        "benefits": lambda: (Words(wording.BENEFITS[kind]), field(tool, "Policy purpose", tool.tool.policy_purpose)),
        "previous": lambda: (field(tool, FIELDS["previous_process"], tool.tool.previous_process),),
        "alternatives": lambda: (
            Words(
                "Plain counts (last 4 weeks, same weeks last year, 12, 24 and 36 months) stand beside every forecast."
                if tool.is_places
                else "The plain harm score without a model stands beside every model, and is used where a model gains nothing real."
            ),
        ),
        "decisions": lambda: foi.ANSWERS["B5"](asked),
        "outputs": lambda: foi.ANSWERS["B4"](asked),
        "scale": lambda: (*blocks.releases(tool), blocks.access(facts)),
        "human": lambda: human(asked),
        "training": lambda: blocks.training(tool),
        "appeals": lambda: appeals(asked),
        "architecture": lambda: (Words(wording.ARCHITECTURE),),
        "phase": lambda: (Words(f"Status: {tool.tool.status}."), blocks.stages(tool)),
        "maintenance": lambda: (Words(wording.MAINTENANCE[kind]),),
        "model": lambda: model(asked),
        "task": lambda: (
            blocks.outputs(wording.signifies(kind, tool.settings, tool.about)),
            Words(wording.PREDICTS[kind]),
        ),
        "variables": lambda: tool_answers.variables(facts, tool),
        "performance": lambda: asked.keep(tool_answers.accuracy(facts, tool)),
        "data": lambda: tool_answers.inputs(facts, tool),
        "sensitive": lambda: sensitive(asked),
        "completeness": lambda: completeness(asked),
        "sharing": lambda: papers(tool, ("contract",)),
        "storage": lambda: storage(asked),
        "assessments": lambda: papers(tool, ("dpia", "eia", "ethics", "legal")),
        "risks": lambda: (risks(kind),),
    }
    found: tuple[Block, ...] = answers[source]()
    return found


def human(asked: Asked) -> tuple[Block, ...]:
    """What people decided with it, and how that is watched."""
    if asked.tool.is_places:
        return (Words(wording.ELSE_CONSULTED["places"]), *foi.ANSWERS["A1f"](asked)[:-1])
    d = asked.facts.settings["decisions"]
    return (
        Words(
            "An officer records a decision with a reason, the checks made, an own judgement and a day of review; a supervisor signs a referral. "
            f"An alarm is raised from {d['override_from']} decisions where the score is set aside in under {d['override_low']:.0%} or over {d['override_high']:.0%} of them."
        ),
        *asked.keep(people_counts.decisions(asked.facts)),
    )


def appeals(asked: Asked) -> tuple[Block, ...]:
    """How somebody objects, and what came of objections."""
    if asked.tool.is_places:
        return (Words("The tool decides about nobody. Anyone may complain to the force about a deployment."),)
    return (
        Words(
            "Anyone may ask the force whether they are scored, see their own record, say that data is wrong, or object. Each is recorded: received, looked at by whom, outcome, scored again."
        ),
        *tool_answers.representations(asked),
    )


def model(asked: Asked) -> tuple[Block, ...]:
    """The model of the newest release, with the version of the software and the hash of the records."""
    tool = asked.tool
    if not tool.releases:
        return (NoneMade("Model", "none is in use: no release has been made"),)
    newest = tool.releases[-1]
    rows = (
        ("Model", blocks.model_in_use(tool)),
        ("Release", f"{newest.week}, {blocks.STANDINGS.get(newest.standing, newest.standing)}"),
        ("Software version", asked.facts.code_version),
        ("Records (SHA-256)", asked.facts.data_hash),
    )
    return (blocks.outputs(tuple((a, b or "not recorded") for a, b in rows)),)


def sensitive(asked: Asked) -> tuple[Block, ...]:
    if asked.tool.is_places:
        return (Words("None: the tool reads nothing about individuals."),)
    return (
        Words(
            "None is an input. Date of birth, sex and ethnicity are held apart; two small modules open them, one to say whether a person is under 18, one for the fairness audit and for the counts in answers. Each opening is logged."
        ),
        *tool_answers.bias(asked.facts, asked.tool),
    )


def completeness(asked: Asked) -> tuple[Block, ...]:
    found: list[Block] = [
        Words("What is not recorded cannot be seen. Records follow what is reported and what police look for.")
    ]
    weights = asked.tool.about.get("weights") if not asked.tool.is_places else None
    if weights and weights.get("concern"):
        found.append(Words("More than a tenth of the charges rest on a filled or coarse harm weight."))
    return tuple(found)


def storage(asked: Asked) -> tuple[Block, ...]:
    """Where data lies, who sees it, and when it goes."""
    return (
        Words("On the force's own machine; nothing leaves its network."),
        blocks.access(asked.facts),
        *retention(asked),
    )


def retention(asked: Asked) -> tuple[Block, ...]:
    """When what is held goes, by setting."""
    r = asked.facts.settings["retention"]
    lines = [
        "Everyone charged is held until their record's review says otherwise; a record overdue for review is not scored.",
        *(
            f"Review group {group}: reviewed every {years:g} years, where the records system gives no date of its own."
            for group, years in sorted(r["group_years"].items())
        ),
        f"Releases about people are removed after {r['release_weeks']} weeks; backups after {r['backup_days']} days; kept copies of exports after {r['export_days']} days.",
    ]
    return (
        (bullets(lines),)
        if not asked.tool.is_places
        else (Words("Recorded crimes are held without anything about individuals."),)
    )


def risks(kind: str) -> AnswerTable:
    """Risks by design of such a tool, each with what is done about it."""
    rows = (*wording.RISKS["any"], *wording.RISKS[kind])
    return AnswerTable(
        "Risks and what is done about each",
        (AnswerColumn("risk", "Risk"), AnswerColumn("done", "What is done")),
        tuple({"risk": a, "done": b} for a, b in rows),
    )
