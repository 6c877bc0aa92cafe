"""What is true of every tool of a kind, by its design, in words: kept in one place, read by every answer.

What only a force can know (why it was developed here, who uses it, what it costs) is in its register and nowhere else.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any

from harmcast.store import desk
from harmcast.tables import LISTED_CELLS, RANGE_LEVEL

STEPS_SEEN = {**desk.STEPS, **{f"supervisor: {code}": f"Supervisor: {words.lower()}" for code, words in desk.SIGN_OFFS.items()}}


NO_CHANGE_AGAINST = "no_change_against"


def plain(code: str) -> str:
    """A code that no list of words holds, as read: `taken_up` is Taken up."""
    words = code.replace("_", " ")
    return words[:1].upper() + words[1:]


def decision(code: str) -> str:
    """A decision about a person, in the words officers saw."""
    if code == NO_CHANGE_AGAINST:
        return "No change, though the officer's own judgement was other than the score"
    return desk.DECISIONS.get(code, plain(code))


def reason(code: str) -> str:
    """The reason chosen for a decision, in the words officers saw."""
    return desk.REASONS.get(code, plain(code))


def step(code: str) -> str:
    """What followed a referral, in the words officers saw."""
    return STEPS_SEEN.get(code, plain(code))


def sets_aside(code: str) -> bool:
    """Whether a decision set the score aside."""
    return code in desk.OVERRIDES or code == NO_CHANGE_AGAINST


NAMES = {"places": "A forecast of places", "people": "A score of people who were charged"}

METHOD: dict[str, tuple[str, ...]] = {
    "places": (
        "Each week recorded offences within the tool's definition are counted, cell by cell, in windows of 28 days that end where the forecast begins. "
        "The expected number of a cell joins its own long record, its neighbours', other recorded crime that may lead it, and the force's total. "
        "The result is a distribution for each cell, printed as a range before a number.",
        "Plain counts stand beside each forecast. Where the last thirteen completed windows show that the plain count of 24 months does better, it takes the model's place, and the page says so.",
    ),
    "people": (
        "Each charge that stands has a weight of harm from a published index; charges of one event count once, by the heaviest; weights fade with time. "
        "Their sum is the person's harm, placed in one of five bands by cuts that were frozen at a reference date. "
        "Charges that fell away (acquitted, withdrawn, discontinued, quashed) count for nothing from the day that was known.",
        "For people who are not and never were in a high band, a regression on their charges gives the chance of reaching a high band at a new charge within a stated time, with a range. "
        "The simplest model within the noise is used, and the plain harm score itself where a model gains nothing real over it.",
    ),
}
PREDICTS = {
    "places": "Nothing about a person is read or said. A forecast is of recorded offences, so what is not recorded cannot be seen.",
    "people": "A score says what a record of charges looks like beside others like it. It is an assessment and not a fact about the person, and it says nothing about guilt.",
}
INPUTS = {
    "places": (
        "Recorded crimes from the force's records system: reference, offence code, when and where it happened, when it was recorded, status, weapon and injury as recorded.",
    ),
    "people": (
        "Charges from the force's records system: reference, person, offence code, dates of offence and charge, outcome and its date.",
        "Of the person record: reference, unit, whether merged, dead or restricted, and the records management review group and date. They decide who is scored and who may look, and are no input to the score.",
        "A harm index: a weight for each offence, from a file with its edition and source.",
    ),
}
SHOWN_ONLY = {
    "places": (),
    "people": (
        "Circumstances such as management, supervision or custody are shown beside a score with source and date, and are never an input to it.",
    ),
}
ELSE_CONSULTED = {
    "places": "Whoever reads a forecast weighs it against local knowledge, current intelligence held elsewhere and the plain counts printed beside it. Deployment is decided by people in force tasking.",
    "people": "The output is researched and checked against other sources before anything is done: the force's records, the Police National Computer, probation, the neighbourhood team, partners and local officers' knowledge. Each check is recorded with the decision.",
}
DECISIONS = {
    "places": "Where to look first when analysts recommend places to tasking. It triggers nothing: no patrol, stop or search follows from it by itself.",
    "people": "Whether a unit considers support or management for a person already charged. It triggers nothing: an officer decides, gives a reason, and a supervisor signs a referral.",
}
NEVER = (
    "It is not evidence.",
    "It is not grounds for a stop, a search or an arrest.",
    "It takes no decision. A person decides.",
)
EXCLUDED: tuple[tuple[str, str], ...] = (
    (
        "Stop and search",
        "It counts what officers did, not what was proven; it feeds earlier attention back into the score.",
    ),
    ("Intelligence reports", "Untested, and unevenly gathered."),
    ("Ethnicity, religion, nationality", "Protected characteristics; never an input."),
    ("Sex", "A protected characteristic; read for the audit alone."),
    ("Age", "A protected characteristic; read for the audit and to leave out anyone under 18."),
    ("Address or home area", "Stands in for where people live, and so for ethnicity and deprivation."),
    (
        "Anything about a person who was not charged",
        "Victims, witnesses, suspects without a charge and associates are not held.",
    ),
)


def signifies(kind: str, settings: Mapping[str, Any], about: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What each output signifies: its name, and of what, within what time."""
    if kind == "places":
        weeks, level = settings["horizon_weeks"], RANGE_LEVEL
        top = LISTED_CELLS
        return (
            (
                "Range of counts",
                f"How many recorded offences of this kind may come in the cell in the coming {weeks} weeks; at least {level:.0%} of such ranges should hold what comes.",
            ),
            ("Expected number", f"The mean of the same distribution: offences in the coming {weeks} weeks."),
            (
                "Chance of at least one",
                f"Chance that one or more such offences are recorded in the cell in the coming {weeks} weeks.",
            ),
            (
                f"Chance of being among the {top} with most",
                f"Chance that the cell will be among the {top} with most such offences in the coming {weeks} weeks, and in the coming 52 weeks; cells that tie share the places.",
            ),
        )
    months = " and ".join(str(m) for m in settings["horizons_months"])
    unit = about.get("harm_unit") or "the unit of the harm index"
    return (
        ("Harm score", f"The faded sum of weights of the charges that stand, in {unit}. It speaks of the past."),
        (
            "Band",
            "Low, low-medium, high-medium, high or super high: where the harm lies among the charged at the reference date. High and super high are high harm.",
        ),
        (
            "Chance of becoming high harm",
            f"Only for people not yet high harm: the chance of reaching a high band at a new charge within {months} months, with a range.",
        ),
    )


def cell(settings: Mapping[str, Any]) -> str:
    """The unit of a places tool in words."""
    if settings.get("cell_side_m"):
        return f"square cells of {settings['cell_side_m']:,.0f} m by {settings['cell_side_m']:,.0f} m"
    if settings.get("cell_area_km2"):
        area = settings["cell_area_km2"]
        return f"square cells of {area:g} square kilometres, sides {(area * 1e6) ** 0.5:,.0f} m" if area != 1 else "square cells of 1 square kilometre, sides 1,000 m"
    return "the units of the force's own layer"


@lru_cache(maxsize=1)
def offences() -> dict[str, str]:
    """Titles of offences by Home Office code, for definitions that name codes."""
    return dict(tomllib.loads(resources.files(__package__).joinpath("offences.toml").read_text(encoding="utf-8"))["titles"])


def one_of(items: Sequence[str]) -> str:
    """minor, serious or fatal"""
    return " or ".join(filter(None, [", ".join(items[:-1]), items[-1]]))


def where_words(where: Mapping[str, Sequence[str]]) -> str:
    """Which crimes, as a tool's settings say it: keys all hold, of the values of each one does."""
    parts = []
    for name, values in where.items():
        if name == "offence_code":
            parts.append(one_of([f"{offences()[v]} ({v})" if v in offences() else f"offence {v}" for v in values]))
        else:
            parts.append(f"{name.replace('_', ' ')} {one_of(list(values))}")
    return ", ".join(parts)


def definition(settings: Mapping[str, Any]) -> str:
    """Which crimes count for a places tool, in words."""
    return f"Recorded crimes that count: {where_words(settings['where'])}."


def leading(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Other recorded crime used as a leading series, in words; empty where none is."""
    return tuple(f"Other recorded crime that may come before it: {where_words(where)}." for where in settings.get("leading", []))


RISKS: dict[str, tuple[tuple[str, str], ...]] = {
    "any": (
        (
            "Read as evidence, or as grounds for a stop",
            "The notice stands on every page, file and report; training says it; no encounter can be recorded against an output.",
        ),
        (
            "A wrong or short delivery of data",
            "Every row is accounted for or the delivery is refused; odd volumes hold the release until two people look.",
        ),
        (
            "People follow the output without thinking",
            "Reasons, own judgement and time taken are recorded; the rate of setting aside is watched, with an alarm at either end.",
        ),
        (
            "The output worsens unnoticed",
            "Windows that are over are judged each week beside plain counts; a plain count steps in where it does better; drift raises an alarm.",
        ),
        (
            "Use grows beyond what was approved",
            "The register refuses publication without dated approvals, holds it when a review lapses, and roles see only what they need.",
        ),
    ),
    "places": (
        (
            "Records follow patrols, and patrols follow the forecast",
            "Definitions rest on injury and on what victims report; with patrol data the audit reports with and without patrolled cells.",
        ),
        (
            "Recorded crime is taken for all crime",
            "Pages say that it is recorded crime; what is not reported cannot be seen.",
        ),
        (
            "Some neighbourhoods carry more of the attention",
            "The audit compares forecasts and records by deprivation and residents.",
        ),
    ),
    "people": (
        (
            "Someone is wrongly labelled high harm",
            "False positives come first in choosing a model; precision and specificity stand beside sensitivity; ranges are shown.",
        ),
        (
            "Charges stand in for a protected characteristic",
            "Each variable is tested for how far it tells a protected group; strength is printed, never claimed nil; above a limit it is refused.",
        ),
        (
            "Past policing is repeated",
            "The audit looks at charges that fell away and at charges that rest on police activity, by group.",
        ),
        (
            "A record is wrong",
            "A data error can be reported from the page; corrections flow through at the next run; charges that fell away count for nothing.",
        ),
        (
            "More is kept, or for longer, than is needed",
            "People without a charge are not kept; records overdue for review are not scored; forgetting reaches files, releases and exports.",
        ),
        (
            "A list leaks",
            "Own unit only; exports are capped, need a reason and a second person for names; every view is logged before the page is sent.",
        ),
    ),
}
BENEFITS = {
    "places": "Intended: attention and support reach the places where serious harm is most likely, judged each week against plain counts so that a force sees whether the forecast adds anything.",
    "people": "Intended: support is considered earlier for people whose harm may grow, with reasons that an officer can follow and redo by hand.",
}
SUMMARY = {
    "places": "Forecasts how many recorded offences of one kind may come in each small area in the coming weeks, for analysts who recommend where to look. It holds nothing about individuals.",
    "people": "Scores the harm that the charges of people already charged stand for, and for people not yet high harm the chance of becoming so, for officers who consider support. It takes no decision.",
}
ARCHITECTURE = (
    "One program on the force's own machine. Weekly deliveries are checked, kept as files that are never edited, forecast and scored, audited, and released. "
    "People see published releases in a browser inside the force's network. Nothing calls out of the network."
)
MAINTENANCE = {
    "places": "Fitted anew each week by a frozen procedure from records as known; every past week can be made again byte for byte.",
    "people": "Refitted by a frozen procedure every 13 weeks or when the monitor asks, as a release of its own that a second person approves, with band changes counted.",
}
