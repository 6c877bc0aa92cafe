"""What several reports say of one tool: tests for bias, data, accuracy, variables, and what people objected to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harmcast import words
from harmcast.publish import disclosure
from harmcast.publish.answers import judged, people_counts, wording
from harmcast.publish.answers.asked import Asked
from harmcast.publish.answers.blocks import bullets, day, number, papers
from harmcast.publish.answers.document import AnswerColumn, AnswerTable, Block, NoneMade, Words
from harmcast.publish.answers.facts import Facts, ToolFacts
from harmcast.publish.disclosure import Published

VERDICTS = {
    "met": "found nothing outside the limits set",
    "concern": "raised a concern, which a person has to look at",
    "stop": "said stop: the week was held back",
}


def bias(facts: Facts, tool: ToolFacts) -> tuple[Block, ...]:
    """What was done to test for bias: the register's entries, and the weekly audit's verdict with its findings."""
    found: list[Block] = []
    audit = tool.audit
    if audit is None:
        found.append(
            NoneMade(
                "The weekly fairness audit of this tool",
                "none has been made: no outcome that it could judge is known yet",
            )
        )
    else:
        found.append(Words(f"The newest weekly audit (release {tool.audit_week}) {_audit_says(tool, audit)}"))
        if audit.get("findings"):
            found.append(bullets(f"{f['verdict'].capitalize()}: {f['says']}" for f in audit["findings"]))
        if audit.get("notes"):
            found.append(bullets(audit["notes"]))
        if audit.get("cannot_see"):
            found.append(Words("What the audit cannot see:"))
            found.append(bullets(audit["cannot_see"]))
    return (*found, *papers(tool, ("test_for_bias", "signed_reason")))


def _audit_says(tool: ToolFacts, audit: Mapping[str, Any]) -> str:
    """The verdict with how many comparisons it rests on; where nothing could be judged, that and no verdict on the tool."""
    judged, few = int(audit["judged"]), int(audit["too_few_to_say"])
    if tool.audit_is_silent:
        left = f": {words.plural(few, 'comparison rests', 'comparisons rest')} on too few to say" if few else ""
        rule = " Under its rule that counts as a concern, which a person has to look at, and not as good news."
        return f"could judge nothing yet{left}.{rule if audit['verdict'] == 'concern' else ''}"
    return (
        f"{VERDICTS.get(str(audit['verdict']), 'could not say')}. {words.plural(judged, 'comparison', 'comparisons')} could be judged; "
        f"{words.plural(few, 'rests', 'rest')} on too few to say."
    )


def inputs(facts: Facts, tool: ToolFacts) -> tuple[Block, ...]:
    """Which data, from where, how and how often brought up to date, and what became of the rows received."""
    kind = tool.tool.kind
    feed = facts.settings["feed"]
    how = (
        "a folder of files that the records system fills"
        if feed["source"] == "folder"
        else "a database of the records system"
    )
    tables_ = ("crimes",) if tool.is_places else ("persons", "charges", "circumstances")
    frame = (
        facts.deliveries.filter(facts.deliveries["table"].is_in(list(tables_)))
        if facts.deliveries.height
        else facts.deliveries
    )
    found: list[Block] = [
        bullets((*wording.INPUTS[kind], *wording.SHOWN_ONLY[kind])),
        Words(
            f"Source: internal police records. No external public source and no private source is read. They are brought up to date automatically, each week, from {how}."
        ),
    ]
    if frame.height:
        grouped = frame.group_by("table").sum().sort("table")
        found.append(
            AnswerTable(
                "Every row received",
                (
                    AnswerColumn("table", "Table"),
                    AnswerColumn("received", "Received", "count"),
                    AnswerColumn("loaded", "Loaded", "count"),
                    AnswerColumn("unchanged", "Unchanged", "count"),
                    AnswerColumn("superseded", "Superseded", "count"),
                    AnswerColumn("quarantined", "Quarantined", "count"),
                    AnswerColumn("left_out", "Left out", "count"),
                ),
                tuple({k: v for k, v in r.items() if k != "made_on"} for r in grouped.iter_rows(named=True)),
                note=f"Received = loaded + unchanged + superseded + quarantined + left out (rows of people without a charge). Deliveries made from {day(facts.first_delivery)} to {day(facts.last_delivery)}.",
            )
        )
    else:
        found.append(Words("No delivery has been loaded yet."))
    return tuple(found)


def accuracy(facts: Facts, tool: ToolFacts) -> tuple[tuple[Block, ...], dict[str, Published]]:
    """Were we right? Counts first, beside plain counts."""
    if tool.is_places:
        return judged.place_scores(tool), {}
    return judged.confusion(facts, tool)


def variables(facts: Facts, tool: ToolFacts) -> tuple[Block, ...]:
    """Variables used and left out, and that nobody without a charge is in it."""
    used = facts.counted.features.get(tool.name) or _model_features(tool)
    if tool.is_places:
        lines = [
            wording.definition(tool.settings),
            *(wording.leading(tool.settings) or ("No other recorded crime is used.",)),
            "Where and when each such crime happened, and when it was recorded; the season; neighbouring cells.",
        ]
        used_block: Block = bullets(lines)
    elif used:
        used_block = AnswerTable(
            "Variables used",
            (AnswerColumn("name", "Variable"), AnswerColumn("says", "What it is"), AnswerColumn("unit", "Unit")),
            tuple({**u, "name": u["name"].replace("_", " ").replace("6m", "6 months").replace("12m", "12 months").replace("24m", "24 months")} for u in used),
            note="All of them come from charges that stand. An event is every charge of one crime, or of one day where the crime is not given. The high cut is the harm at which the band high begins.",
        )
    else:
        used_block = bullets(wording.INPUTS["people"])
    found: list[Block] = [
        used_block,
        AnswerTable(
            "Never used, and why",
            (AnswerColumn("what", "What"), AnswerColumn("why", "Why")),
            tuple({"what": w, "why": y} for w, y in wording.EXCLUDED),
        ),
    ]
    if tool.is_places:
        found.append(Words("People without a charge in it: none. It holds nobody."))
    elif facts.counted.without_charge:
        few = facts.counted.without_charge < disclosure.SMALL_NUMBER
        said = f"fewer than {disclosure.SMALL_NUMBER}" if few else number(facts.counted.without_charge)
        found.append(Words(f"People without a charge among those scored: {said}. There should be none: this is a fault to be looked into."))
    elif facts.counted.without_charge == 0:
        found.append(Words("People without a charge among those scored: none. Rows of people without a charge are counted on arrival and not kept."))
    else:
        found.append(
            Words(
                "People without a charge: none. Rows of people without a charge are counted on arrival and not kept, and a person whose charges all fell away leaves."
            )
        )
    return tuple(found)


def _model_features(tool: ToolFacts) -> list[dict[str, str]]:
    """Variables as the model in use names them in its own file."""
    listed = (tool.model or {}).get("features") or []
    return [
        {"name": str(f["name"]), "says": str(f.get("says", "")), "unit": str(f.get("unit", ""))}
        for f in listed
        if isinstance(f, dict) and "name" in f
    ]


KINDS_RECEIVED = {"data_error": "Error in the data", "objection": "Objection", "complaint": "Complaint"}
OUTCOMES_GIVEN = {
    "open": "open",
    "upheld": "upheld, and put right at source",
    "upheld_in_part": "upheld in part",
    "not_upheld": "not upheld",
    "withdrawn": "withdrawn",
}


def representations(asked: Asked) -> tuple[Block, ...]:
    """Complaints, corrections and objections received, by kind and outcome."""
    if asked.tool.is_places:
        return (
            Words(
                "Complaints, corrections and objections about a place forecast come to the data protection officer and are answered under the tool about people, where a person is concerned."
            ),
        )
    rows = [
        (f"{KINDS_RECEIVED.get(r['kind'], r['kind'])}: {OUTCOMES_GIVEN.get(r['outcome'], r['outcome'])}", int(r["received"]))
        for r in asked.facts.work.representations.iter_rows(named=True)
    ]
    return asked.keep(
        people_counts.small_counts(asked.facts, "representations", rows, "Complaints, corrections and objections", "Received")
    )
