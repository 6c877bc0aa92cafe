"""A page for everyone: what each tool is, what it is not, how good, for whom worse, how to object. Reading age about 12."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from harmcast.publish.answers import judged
from harmcast.publish.answers.asked import Asked, made_from
from harmcast.publish.answers.blocks import counted, day
from harmcast.publish.answers.document import Block, Bullets, Document, Empty, Pairs, Part, Rate, Section, Words
from harmcast.publish.answers.facts import Facts, ToolFacts
from harmcast.publish.answers.reading import reading_age
from harmcast.publish.disclosure import MARK, Published

OLDEST_READER = 12.5

IS = {
    "places": (
        "Every week a computer counts the crimes of one kind that have been reported to the police, and looks at where they happened.",
        "From this it estimates how many more may happen in each small part of the map during the next {weeks} weeks. It gives a range, such as 0 to 3, because nobody can know exactly.",
        "Police staff look at the map together with what they already know about each place. People then decide where to go first.",
    ),
    "people": (
        "Some people have been charged with a crime. For each of them a computer adds up how serious those charges are. Recent charges count for more than old ones, and a charge that was dropped counts for nothing.",
        "The total places each person in one of five groups, from low to super high. For people who are not in a high group, it estimates the chance that new charges will move them into one.",
        "Police staff then check other information and talk to each other. They may offer support to the person, or do nothing at all. They always write down their reason.",
    ),
}
IS_NOT = {
    "places": (
        "It does not look at people, and it holds no names.",
        "It is not evidence of anything.",
        "It is not a reason to stop, search or arrest anybody.",
        "It does not send police officers anywhere. People decide that.",
    ),
    "people": (
        "It is not about you if you have never been charged, and it leaves out everyone under 18.",
        "It does not say that anybody committed a crime, or that they will commit one.",
        "It is not evidence of anything.",
        "It is not a reason to stop, search or arrest anybody.",
        "It does not use your race, religion, sex, age or address. It does not use stop and search, or information from informants.",
    ),
}
STATUS = {
    "shadow": "It is being tested, and nobody acts on it yet.",
    "trial": "It is on trial.",
    "in use": "It is in use.",
    "stopped": "It has been stopped.",
}
VERDICT = {
    "met": "The last check found no group that was treated worse than our limits allow.",
    "concern": "The last check found cause for concern, and a person has to look at it.",
    "stop": "The last check said stop. The week's results were held back.",
}
SILENT = "The last check could not say anything yet: there were too few cases."
SILENT_COUNTS = "Under our rule that counts as a concern, and not as good news. So a person has to look at it."


def answer(facts: Facts) -> Document:
    """One part a tool, and how this page was measured."""
    published: dict[str, Published] = {}
    parts = [Part(t.tool.title, _sections(Asked(facts, t, published)), tool=t.name) for t in facts.tools]
    document = Document(
        kind="public",
        title="How we use computers to look ahead",
        force=facts.force,
        as_of=facts.as_of,
        parts=tuple(parts),
        intro=(
            Words(
                "The police use computers to look ahead, so that they can prevent serious harm. This page explains what they do and what they do not do, how often they were right, and how you can object."
            ),
        ),
        invented=facts.invented,
        made_from=made_from(facts),
        published=published,
    )
    age = reading_age(own_words(document))
    measured = Section(
        "",
        "How this page was checked",
        (
            Words(
                f"We measured how hard this page is to read. A reader of about {round(age)} should be able to follow it. More detail is in our longer answers."
            ),
        ),
    )
    return replace(document, parts=(*parts, Part("About this page", (measured,))))


def own_words(document: Document) -> list[str]:
    """Every paragraph and list item of the page that we wrote; the audit's own words stand in lists named so."""
    found = []
    for block in (*document.intro, *(b for p in document.parts for s in p.sections for b in s.blocks)):
        if isinstance(block, Words):
            found.append(block.text)
        elif isinstance(block, Bullets) and not isinstance(block, Quoted):
            found += block.items
    return found


class Quoted(Bullets):
    """Words of the audit as they stand: not ours to make simpler."""


def _sections(asked: Asked) -> tuple[Section, ...]:
    tool = asked.tool
    kind = tool.tool.kind
    weeks = tool.settings.get("horizon_weeks", 4)
    return (
        Section("", "What it is", (*(Words(w.format(weeks=weeks)) for w in IS[kind]), Words(_since(tool)))),
        Section("", "What it is not", (Bullets(IS_NOT[kind]),)),
        Section("", "How good is it?", _good(asked)),
        Section("", "Who may it treat worse?", _worse(tool)),
        Section("", "How to object", _object(asked)),
    )


def _since(tool: ToolFacts) -> str:
    words = STATUS[tool.tool.status]
    return f"{words} It has been so since {day(tool.tool.status_since)}." if tool.statuses else words


def _good(asked: Asked) -> tuple[Block, ...]:
    return _good_places(asked.tool) if asked.tool.is_places else _good_people(asked)


def _good_places(tool: ToolFacts) -> tuple[Block, ...]:
    hits = tool.scores.filter(
        (pl.col("figure") == "hits_top20") & pl.col("group").is_null() & pl.col("value").is_not_null()
    )
    hits = hits.sort("week").unique(["model", "origin"], keep="last")
    released = [r.model for r in tool.releases if r.model]
    ours = hits.filter(pl.col("model").is_in(released))
    if ours.is_empty():
        return (Words("We do not know yet. We must wait till the weeks it spoke of are over. Then we count."),)
    found, all_ = int(ours["value"].sum()), int(ours["n"].sum())
    made: list[Block] = [
        Words(
            f"So far {counted(ours['origin'].n_unique(), 'of its four-week spans is', 'of its four-week spans are')} over. We looked at the 20 places it put first, and counted.",
            (
                Rate(
                    "Crimes that came in those 20 places, out of all such crimes",
                    ("crimes in the 20 places", found),
                    ("all such crimes", all_),
                ),
            ),
        )
    ]
    plain = hits.filter((pl.col("model") == "count_24m") & pl.col("origin").is_in(ours["origin"].unique().to_list()))
    if plain.height and "count_24m" not in released:
        made.append(
            Words(
                "We also compare it with a simple count of the last two years.",
                (
                    Rate(
                        "The same for the simple count",
                        ("crimes in its 20 places", int(plain["value"].sum())),
                        ("all such crimes", int(plain["n"].sum())),
                    ),
                ),
            )
        )
    made.append(Words("Crimes happen in other places too. No map can find them all."))
    return tuple(made)


def _good_people(asked: Asked) -> tuple[Block, ...]:
    asked.keep(judged.confusion(asked.facts, asked.tool))
    kept = asked.published.get(f"confusion_{asked.tool.name}")
    used = {r.model for r in asked.tool.releases}
    found: list[Block] = []
    if kept:
        keys = sorted({k[:2] for k in kept.shown if len(k) == 5 and k[2] == "everyone" and (k[0] in used or not used)})
        for model, year in keys:
            tp, fp, fn, tn = (kept.shown.get((model, year, "everyone", "all", n)) for n in ("tp", "fp", "fn", "tn"))
            if tp is None or fp is None or fn is None or tn is None:
                found.append(Words(f"The counts are too small to show ({MARK})."))
                continue
            found.append(
                Words(
                    f"We looked back at {year}. The computer had picked out some people as more likely to reach a high group. This is how many of them did. It was wrong about all the others.",
                    (
                        Rate(
                            "People picked out who then reached a high group",
                            ("picked out and reached it", tp),
                            ("picked out", tp + fp),
                        ),
                        Rate(
                            "People who reached a high group and had been picked out",
                            ("picked out and reached it", tp),
                            ("reached it", tp + fn),
                        ),
                        Rate(
                            "Everyone looked at who then reached a high group",
                            ("reached it", tp + fn),
                            ("all", tp + fp + fn + tn),
                        ),
                    ),
                )
            )
    return tuple(found) or (Words("We do not know yet. We must wait a year, and then count who was charged."),)


def _worse(tool: ToolFacts) -> tuple[Block, ...]:
    if tool.is_places:
        first = Words(
            "It only counts crimes that the police know about. Where people do not call us it sees less, and where officers look harder it may see more. So some neighbourhoods could receive more attention than they should."
        )
    else:
        first = Words(
            "It learns from past charges. If the police or the courts were harder on some groups of people, the score repeats it. We check this every week by age, sex and race."
        )
    if tool.audit is None:
        return (first, Words("No check has been made yet. It needs more weeks to have passed."))
    found = tuple(str(f["says"]) for f in tool.audit.get("findings", ()))
    return (
        first,
        Words(_checked(tool, tool.audit)),
        *((Words("These are the words of the check:"), Quoted(found)) if found else ()),
    )


def _checked(tool: ToolFacts, audit: Mapping[str, Any]) -> str:
    """What the last check found, and how much of it had too few cases to say."""
    judged, few = int(audit["judged"]), int(audit["too_few_to_say"])
    if tool.audit_is_silent:
        return f"{SILENT} {SILENT_COUNTS}" if audit["verdict"] == "concern" else SILENT
    found = VERDICT.get(str(audit["verdict"]), "The last check could not say.")
    if not few:
        return found
    return f"{found} Of the {judged + few:,} things it compared, {few:,} had too few cases to say."


def _object(asked: Asked) -> tuple[Block, ...]:
    written = asked.tool.tool.objections_to
    contact = Pairs((("Where to write", written),)) if written else Empty("Where somebody writes to object")
    if asked.tool.is_places:
        return (
            Words("You can tell us if you think we treat your part of town in an unfair way. Write to the force."),
            contact,
        )
    return (
        Words(
            "You can ask us whether you have a score, and see the information that we hold about you. You can tell us that it is wrong, or that you object."
        ),
        Words(
            "Write to the data protection officer of the force. We record what you say, who looked at it, and what we decided. If some information was wrong we correct it, and the score is worked out again."
        ),
        Words("If you are not happy with our reply, you can go to the Information Commissioner."),
        contact,
    )
