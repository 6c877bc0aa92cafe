"""The answer to a freedom-of-information request: every question, by its number, for each tool, from the records."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import lru_cache
from importlib import resources
from typing import Any

from harmcast.publish.answers import blocks, people_counts, tool_answers, wording
from harmcast.publish.answers.asked import Asked, made_from
from harmcast.publish.answers.blocks import bullets, day, field, papers
from harmcast.publish.answers.document import (
    AnswerColumn,
    AnswerTable,
    Block,
    Document,
    DocumentPart,
    Empty,
    NotHeld,
    Pairs,
    Section,
    See,
    Words,
)
from harmcast.publish.answers.facts import Facts
from harmcast.publish.disclosure import Published

Answer = Callable[["Asked"], tuple[Block, ...]]


@lru_cache(maxsize=1)
def questions() -> tuple[dict[str, str], ...]:
    """Every question: number, kind (places, people, any), title."""
    text = resources.files(__package__).joinpath("questions.toml").read_text(encoding="utf-8")
    return tuple(tomllib.loads(text)["questions"])


def answer(facts: Facts) -> Document:
    """The whole answer, as known at the end of `facts.as_of`."""
    published: dict[str, Published] = {}
    parts = tuple(
        DocumentPart(
            tool.tool.title,
            tuple(
                _section(q, Asked(facts, tool, published)) for q in questions() if q["kind"] in ("any", tool.tool.kind)
            ),
            tool=tool.name,
            intro=(Words(f"{wording.NAMES[tool.tool.kind]}. Status: {tool.tool.status}."),),
        )
        for tool in facts.tools
    )
    return Document(
        kind="foi",
        title="Answers about predictive tools",
        force=facts.force,
        as_of=facts.as_of,
        parts=parts,
        intro=(
            Words(
                "What people ask a police force about tools that forecast or score, question by question, for each tool. "
                "Everything here is read from the force's records and its register of tools as they stood at the end of the day named. "
                "What is not held is said to be not held, with why and who would hold it; a document that was never made is said never to have been made."
            ),
        ),
        invented=facts.invented,
        made_from=made_from(facts),
        published=published,
    )


def _section(question: dict[str, str], asked: Asked) -> Section:
    n = question["number"]
    same_as = {"A2a": "A1a", "A2b": "A1b", "A2c": "A1c", "A2d": "A1d", "A2e": "A1e", "A2h": "A1g", "A2i": "A1h"}
    return Section(n, question["title"], ANSWERS[same_as.get(n, n)](asked))


# -- A ------------------------------------------------------------------------------------------------------------


def _used(asked: Asked) -> tuple[Block, ...]:
    tool = asked.tool.tool
    words = {
        "shadow": "It runs in shadow: it is judged every week and shown only to those who judge it. Nobody acts on it.",
        "trial": "It is on trial.",
        "in use": "It is in use.",
        "stopped": "It is stopped.",
    }
    since = f" Its status dates from {day(tool.status_since)}." if asked.tool.statuses else ""
    return (Words(f"Yes. {tool.title}: {words[tool.status]}{since}"),)


def _name(asked: Asked) -> tuple[Block, ...]:
    return (
        Pairs((("Name", asked.tool.tool.title), ("Short name", asked.tool.name))),
        field(asked.tool, "Who made it, in-house or a product", asked.tool.tool.made_by),
        Words("The software is open source (MIT licence) and has no licence fee."),
    )


def _stages(asked: Asked) -> tuple[Block, ...]:
    return (blocks.stages(asked.tool), *blocks.releases(asked.tool), *blocks.held_since(asked.tool))


def _how(asked: Asked) -> tuple[Block, ...]:
    tool = asked.tool
    kind = tool.tool.kind
    own: tuple[Block, ...] = ()
    if tool.is_places:
        parts = [
            f"Unit: {wording.cell(tool.settings)}.",
            f"Window: the coming {tool.settings['horizon_weeks']} weeks.",
            wording.definition(tool.settings),
            *(wording.leading(tool.settings) or ("No other recorded crime is used.",)),
        ]
        own = (bullets(parts),)
    made = (Words(f"Method of the newest release: {blocks.model_in_use(tool)}."),) if tool.releases else ()
    return (
        *(Words(w) for w in wording.METHOD[kind]),
        Words(wording.PREDICTS[kind]),
        *own,
        *made,
        Words(f"The method in formulas, with sources, is published with the software (docs/methods-{kind}.md)."),
        *papers(tool, ("technical_paper",)),
    )


def _cost(asked: Asked) -> tuple[Block, ...]:
    entered = asked.tool.of_kind("cost")
    if asked.tool.cost:
        return (Words(asked.tool.cost), Words("No licence is paid for the software."))
    if entered:
        return (*papers(asked.tool, ("cost",)), Words("No licence is paid for the software."))
    return (
        Words("No licence is paid for the software."),
        NotHeld(
            "Cost of staff and machines",
            "The register holds no cost of this tool.",
            "The force's finance department would hold it.",
        ),
    )


def _governed(asked: Asked) -> tuple[Block, ...]:
    return (
        *papers(asked.tool, ("policy", "ethics")),
        See("A1g" if asked.tool.is_places else "A2h", "Approval of the data protection impact assessment, and legal advice"),
        See("B6", "Who has access"),
        See("B7", "Who was trained, and by whom"),
    )


def _met_places(asked: Asked) -> tuple[Block, ...]:
    used = asked.tool.tasking
    rows = [(wording.plain(name), n) for name, n in used.items() if n or name == "recommendations"]
    return (
        *blocks.releases(asked.tool),
        AnswerTable(
            "What analysts did with it",
            (AnswerColumn("what", "What"), AnswerColumn("count", "Times", "count")),
            tuple({"what": w, "count": n} for w, n in rows),
            note="Counts of notes, recommendations and decisions about places, not of people.",
        ),
        NotHeld(
            "Age, race and gender of people met, searched or arrested as a result",
            "The tool holds nothing about individuals and no encounter is linked to a forecast.",
            "Records of stops and of custody hold who was stopped or arrested, but not whether a forecast led there.",
        ),
    )


def _tracked(asked: Asked) -> tuple[Block, ...]:
    tool = asked.tool
    about: list[Block] = []
    if tool.about.get("left_out"):
        found = people_counts.small_counts(
            asked.facts,
            "left_out",
            [(LEFT_OUT.get(k, k.replace("_", " ")), int(n)) for k, n in tool.about["left_out"].items()],
            "People held and not scored, by the first reason that applies",
            "People",
        )
        about += asked.keep(found)
    return (
        Words(
            "Tracked means scored: everyone charged at least once whose charge still stands, aged 18 or over, not dead, whose record is not overdue for review."
        ),
        *asked.keep(people_counts.tracked(asked.facts)),
        *about,
        Words("A previous record here means a conviction held in the force's charges, known by the day of the answer."),
    )


LEFT_OUT = {
    "merged_away": "Reference merged into another",
    "no_charge_stands": "No charge stands",
    "dead": "Dead",
    "review_overdue": "Record overdue for review",
    "under_18": "Under 18",
    "birth_unknown": "No usable date of birth",
}


def _met_people(asked: Asked) -> tuple[Block, ...]:
    work = asked.facts.work
    follow = people_counts.small_counts(
        asked.facts,
        "follow_ups",
        [(wording.step(k), n) for k, n in work.follow_ups.items()],
        "What followed a referral",
        "Times",
    )
    return (
        *blocks.releases(asked.tool),
        *asked.keep(people_counts.considered(asked.facts)),
        *asked.keep(people_counts.decisions(asked.facts)),
        *asked.keep(follow),
        NotHeld(
            "Police interactions and arrests as a result",
            "A decision recorded here is to refer or not; no stop, search or arrest is linked to a score, and a score is not grounds for one.",
            "Records of stops and of custody hold encounters, but not whether a score led there.",
        ),
    )


def _assessments(asked: Asked) -> tuple[Block, ...]:
    return papers(asked.tool, ("dpia", "eia", "appropriate_policy", "legal"))


def _bias(asked: Asked) -> tuple[Block, ...]:
    where = (
        "The comparison of forecasts and records between neighbourhoods is the exploratory analysis for places."
        if asked.tool.is_places
        else "The audit opens protected characteristics for itself alone, and each opening is logged."
    )
    return (Words(where), *tool_answers.bias(asked.facts, asked.tool))


# -- B ------------------------------------------------------------------------------------------------------------


def _status(asked: Asked) -> tuple[Block, ...]:
    tool = asked.tool.tool
    return (
        Pairs((("Name", tool.title), ("Kind", wording.NAMES[tool.kind]), ("Status", tool.status))),
        See("A1b" if asked.tool.is_places else "A2b", "Stages, with dates"),
    )


def _why(asked: Asked) -> tuple[Block, ...]:
    tool = asked.tool
    return (
        field(tool, "Purpose", tool.tool.purpose),
        field(tool, "Policy purpose: why it was developed", tool.tool.policy_purpose),
    )


def _outputs(asked: Asked) -> tuple[Block, ...]:
    tool = asked.tool
    return (blocks.outputs(wording.signifies(tool.tool.kind, tool.settings, tool.about)), bullets(wording.NEVER))


def _decisions(asked: Asked) -> tuple[Block, ...]:
    tool = asked.tool
    written = tool.tool.decisions_supported
    about = "About places." if tool.is_places else "About people who were charged and are on their unit's list."
    return (
        *((Words(written),) if written else ()),
        Words(f"By its design: {wording.DECISIONS[tool.tool.kind][0].lower()}{wording.DECISIONS[tool.tool.kind][1:]}"),
        Words(about),
        Words(wording.ELSE_CONSULTED[tool.tool.kind]),
        *(() if written else (Empty("Decisions supported, in the force's own words"),)),
    )


def _users(asked: Asked) -> tuple[Block, ...]:
    found: list[Block] = [blocks.access(asked.facts)]
    if not asked.tool.is_places and asked.facts.units:
        found.append(Words(f"Units with users: {', '.join(asked.facts.units)}. Each sees its own people alone."))
    users = field(asked.tool, "Intended users, in the force's own words", asked.tool.tool.users)
    return (users, *found) if asked.tool.tool.users else (*found, users)


def _training(asked: Asked) -> tuple[Block, ...]:
    return blocks.training(asked.tool)


def _deployed(asked: Asked) -> tuple[Block, ...]:
    first = next(((s, d) for s, d, _ in asked.tool.statuses if s in ("trial", "in use")), None)
    ended = next((d for s, d, _ in asked.tool.statuses if s == "stopped"), None)
    return (
        Words(
            f"First deployed: {day(first[1])} ({first[0]})."
            if first
            else "It has never been deployed: no status of trial or in use is on the register."
        ),
        Words(f"Ended: {day(ended)}." if ended else "It has not ended."),
    )


# -- C ------------------------------------------------------------------------------------------------------------


def _accuracy(asked: Asked) -> tuple[Block, ...]:
    extra: tuple[Block, ...] = ()
    if asked.tool.is_places:
        extra = (
            NotHeld(
                "True and false negatives by group of people",
                "The tool forecasts numbers of offences in places; nobody is flagged and nobody is missed.",
                "Hits, offences and ranges take their place above; exposure by neighbourhood is in the audit.",
            ),
        )
    return (*asked.keep(tool_answers.accuracy(asked.facts, asked.tool)), *extra)


def _variables(asked: Asked) -> tuple[Block, ...]:
    return tool_answers.variables(asked.facts, asked.tool)


def _contracts(asked: Asked) -> tuple[Block, ...]:
    return (
        Words("The software runs on the force's own machine. No data leaves the force to make a forecast or a score."),
        *papers(asked.tool, ("contract",)),
    )


def _considered(asked: Asked) -> tuple[Block, ...]:
    if asked.tool.is_places:
        return (
            NotHeld(
                "People considered, referred or not adopted",
                "The tool holds nobody; recommendations about places are under A1f.",
                "Nobody else would hold it.",
            ),
            *tool_answers.representations(asked),
        )
    return (
        *asked.keep(
            people_counts.small_counts(
                asked.facts,
                "considered_people",
                [("People about whom an officer has decided at least once", asked.facts.work.people_considered)],
                "People considered",
                "People",
            )
        ),
        *asked.keep(people_counts.decisions(asked.facts)),
        *tool_answers.representations(asked),
    )


ANSWERS: dict[str, Answer] = {
    "A1": _used,
    "A1a": _name,
    "A1b": _stages,
    "A1c": _how,
    "A1d": _cost,
    "A1e": _governed,
    "A1f": _met_places,
    "A1g": _assessments,
    "A1h": _bias,
    "A2": _used,
    "A2f": _tracked,
    "A2g": _met_people,
    "B1": _status,
    "B2": _why,
    "B3": lambda asked: tool_answers.inputs(asked.facts, asked.tool),
    "B4": _outputs,
    "B5": _decisions,
    "B6": _users,
    "B7": _training,
    "B8": _deployed,
    "C1": _accuracy,
    "C2": _variables,
    "C3": _contracts,
    "C4": _considered,
}


def index(document: dict[str, Any]) -> list[tuple[str | None, str, str]]:
    """(tool, number, standing) of every answered question of a document."""
    return [(part["tool"], s["number"], s["standing"]) for part in document["parts"] for s in part["sections"]]
