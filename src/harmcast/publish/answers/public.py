"""A page for everyone: what each tool is, what it is not, how good, for whom worse, how to object. Reading age about 12."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl

from harmcast import words
from harmcast.publish.answers import judged
from harmcast.publish.answers.asked import Asked, made_from
from harmcast.publish.answers.blocks import day
from harmcast.publish.answers.document import Block, Bullets, Document, DocumentPart, Empty, Pairs, Rate, Section, Words
from harmcast.publish.answers.facts import Facts, ToolFacts
from harmcast.publish.answers.people_counts import band_outcomes, held_words
from harmcast.publish.answers.reading import reading_age
from harmcast.publish.disclosure import MARK, Published
from harmcast.tables import BANDS
from harmcast.weeks import add_months

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
    parts = [DocumentPart(t.tool.title, _sections(Asked(facts, t, published)), tool=t.name) for t in facts.tools]
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
    return replace(document, parts=(*parts, DocumentPart("About this page", (measured,))))


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
    """Where the tool stands and since when; where that day lies before the first result held here, that too."""
    words = STATUS[tool.tool.status]
    if not tool.statuses:
        return words
    since = f"{words} It has been so since {day(tool.tool.status_since)}."
    first = tool.first_release
    if first is None or tool.used_before_held is None:
        return since
    return f"{since} The first result that we hold here is for the week of {day(first)}."


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
            f"So far {words.plural(ours['origin'].n_unique(), 'of its four-week spans is', 'of its four-week spans are')} over. We looked at the 20 places it put first, and counted.",
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
        count = Rate(
            "The same for the simple count",
            ("crimes in its 20 places", int(plain["value"].sum())),
            ("all such crimes", int(plain["n"].sum())),
        )
        both = ours.filter(pl.col("origin").is_in(plain["origin"].unique().to_list()))
        same = Rate("", ("", int(both["value"].sum())), ("", int(both["n"].sum())))
        made.append(Words("We also compare it with a simple count of the last two years.", (count,)))
        made.append(Words(_which_did_better(same, count, both["origin"].n_unique())))
    made.append(Words("Crimes happen in other places too. No map can find them all."))
    return tuple(made)


def _which_did_better(ours: Rate, count: Rate, spans: int) -> str:
    """Which found more of the crimes over the same spans, and whether the two can be told apart at all."""
    found, plain = int(ours.numerator[1] or 0), int(count.numerator[1] or 0)
    when = "In this span" if spans == 1 else "In these spans"
    if found == plain:
        return f"{when} the two did equally well."
    better = f"the simple count did better than the tool: {plain:,} crimes against {found:,}"
    if found > plain:
        better = f"the tool did better than the simple count: {found:,} crimes against {plain:,}"
    near, far = ours.interval, count.interval
    apart = near is not None and far is not None and (near[0] > far[1] or far[0] > near[1])
    return f"{when} {better}." + ("" if apart else " That is too small a gap to say which is better in the long run.")


def _good_people(asked: Asked) -> tuple[Block, ...]:
    """What is known of how right the lists were: since when there are any, a look back at records, and what followed by group."""
    found = (*_looked_back(asked), *_by_group(asked))
    return (Words(_first_list(asked.tool, asked.facts.as_of, bool(found))), *found)


def _first_list(tool: ToolFacts, as_of: date, looked_back: bool) -> str:
    """How old the first list held here is, and so whether what came of it can be known."""
    months = min(tool.settings.get("horizons_months") or [12])
    first = tool.first_release
    back = "But we can look back at old records, and see what the computer would have said then." if looked_back else "So we do not know yet how good it is."
    if first is None:
        return f"We hold no list that was made with it. {back}"
    if add_months(first, months) > as_of:
        wait = f"That is less than {months} months ago, so we cannot say yet what came of it. {back}"
        return f"The first list that we hold was made for the week of {day(first)}. {wait}"
    now = "Here we look back at old records, and see what the computer would have said then." if looked_back else "No count of what came of it was made for this page."
    return f"The first list that we hold was made for the week of {day(first)}. {now}"


def _looked_back(asked: Asked) -> tuple[Block, ...]:
    """What the method now in use would have said at the start of the newest period judged, and what came."""
    asked.keep(judged.confusion(asked.facts, asked.tool))
    kept = asked.published.get(f"confusion_{asked.tool.name}")
    if kept is None:
        return ()
    used = {r.model for r in asked.tool.releases} | {(asked.tool.model or {}).get("chosen")}
    keys = {k[:2] for k in kept.shown if len(k) == 5 and k[2] == "everyone" and k[1] != judged.POOLED}
    ours = sorted((year, model) for model, year in keys if model in used or not asked.tool.releases)
    if not ours:
        return ()
    newest = ours[-1][0]
    found: list[Block] = []
    for year, model in (one for one in ours if one[0] == newest):
        tp, fp, fn, tn = (kept.shown.get((model, year, "everyone", "all", n)) for n in ("tp", "fp", "fn", "tn"))
        if tp is None or fp is None or fn is None or tn is None:
            found.append(Words(f"The counts are too small to show ({MARK})."))
            continue
        found.append(
            Words(
                f"We looked back over {judged.period(year)}. From what was known at the start, the computer would have picked out some people as more likely to reach a high group. This is how many of them did. It would have been wrong about all the others.",
                (
                    Rate(
                        "People picked out who then reached a high group",
                        ("picked out and reached it", tp),
                        ("picked out", tp + fp),
                    ),
                    Rate(
                        "People who reached a high group and would have been picked out",
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
    return tuple(found)


def _by_group(asked: Asked) -> tuple[Block, ...]:
    """How many people of each of the five groups later reached a high one, from the newest release."""
    held = band_outcomes(asked.facts, asked.tool)
    if held is None:
        return ()
    months, kept = held
    asked.keep(((), {f"bands_{asked.tool.name}": kept}))
    rates = tuple(
        Rate(f"People in the group '{band}'", ("reached it", kept.shown[band, "followed"]), ("in the group", kept.shown[band, "people"]))
        for band in BANDS
        if kept.shown.get((band, "people"), 0) != 0
    )
    if not rates:
        return ()
    words = f"We also looked at the group that each person was in {months} months before. This is how many of them were charged again after that, and were then in a high group. If the groups mean something, it is more in each than in the one below."
    return (*held_words(asked.facts, kept), Words(words, rates))


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
