"""Facts about people in counts, from the tables that a quarter's close rounded; words for the codes in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from harmcast import words
from harmcast.documents.closed_tables import ALL, EVERYONE, NO_CHANGE_AGAINST, ClosedTable, Closing
from harmcast.documents.facts import Fact, Value
from harmcast.store import desk

ATTRIBUTES = {
    EVERYONE: "Everyone",
    "age_band": "Age",
    "sex": "Gender (sex as recorded)",
    "ethnicity_self": "Race (self-defined ethnicity)",
    "ethnicity_officer": "Race (officer-defined ethnicity)",
}
PLAIN = "plain_harm"
STEPS_SEEN = {**desk.STEPS, **{f"supervisor: {code}": f"Supervisor: {said.lower()}" for code, said in desk.SIGN_OFFS.items()}}
KINDS_RECEIVED = {"data_error": "Error in the data", "objection": "Objection", "complaint": "Complaint"}
OUTCOMES = {"open": "open", "upheld": "upheld, and put right at source", "upheld_in_part": "upheld in part", "not_upheld": "not upheld", "withdrawn": "withdrawn"}


def plain(code: str) -> str:
    """A code that no list of words holds, as read: `taken_up` is Taken up."""
    said = code.replace("_", " ")
    return said[:1].upper() + said[1:]


def decision(code: str) -> str:
    """A decision about a person, in the words officers saw."""
    if code == NO_CHANGE_AGAINST:
        return "No change, though the officer's own judgement was other than the score"
    return desk.DECISIONS.get(code, plain(code))


def sets_aside(code: str) -> bool:
    """Whether a decision set the score aside."""
    return code in desk.OVERRIDES or code == NO_CHANGE_AGAINST


def _or_all(says: Callable[[str], str]) -> Callable[[Any], str]:
    return lambda code: "All" if code == ALL else says(str(code))


WORDS: dict[str, Callable[[Any], str]] = {
    "attribute": _or_all(lambda v: ATTRIBUTES.get(v, plain(v))),
    "group": _or_all(plain),
    "band": _or_all(str),
    "decision": _or_all(decision),
    "reason": _or_all(lambda v: desk.REASONS.get(v, plain(v))),
    "step": _or_all(lambda v: STEPS_SEEN.get(v, plain(v))),
    "kind": _or_all(lambda v: KINDS_RECEIVED.get(v, plain(v))),
    "outcome": _or_all(lambda v: OUTCOMES.get(v, desk.SIGN_OFFS.get(v, plain(v).lower()))),
    "model": _or_all(lambda v: plain(words.model_name(v))),
    "period": _or_all(lambda v: period(v)),
}


def of_tool(tool: str, closing: Closing | None) -> Iterator[Fact]:
    """The facts of each table of a closing."""
    for table in closing.tables if closing else ():
        rows = tuple({k: WORDS[k](v) if k in WORDS else v for k, v in row.items()} for row in table.rows)
        for key, value, unit in [(table.name, rows, ""), *_figures(table)]:
            yield Fact(f"{tool}.{key}", value, unit, table.source, table.as_at, table.closed_on)


def _figures(table: ClosedTable) -> Iterator[tuple[str, Value, str]]:
    """The few figures of a table that sentences say: key, value, unit."""
    if table.name == "tracked":
        yield "tracked_at", table.as_at, ""
        for row in table.where(attribute=EVERYONE):
            yield "tracked_people", row["people"], "people"
            yield "tracked_convicted", row["with_conviction"], "people"
    if table.name == "decisions":
        made = [r for r in table.rows if ALL not in (r["reason"], r["decision"])]
        yield "decisions_made", sum(r["decisions"] for r in made), "decisions"
        yield "set_aside", sum(r["decisions"] for r in made if sets_aside(r["decision"])), "decisions"
        yield "referred", sum(r["decisions"] for r in made if r["decision"] == "refer"), "decisions"
    everyone = table.where(attribute=EVERYONE) if table.name == "confusion" else ()
    ours = [r for r in everyone if r["model"] != PLAIN and r["period"] != ALL] or [r for r in everyone if r["period"] != ALL]
    if ours:
        last = max(ours, key=lambda r: str(r["period"]))
        yield "confusion_note", table.note or "Who is judged: everyone not yet high harm on the first day of each period.", ""
        yield "confusion_period", period(str(last["period"])), ""
        yield "flagged_right", last["tp"], "people"
        yield "flagged", last["tp"] + last["fp"], "people"
        yield "became", last["tp"] + last["fn"], "people"
        yield "judged", last["tp"] + last["fp"] + last["fn"] + last["tn"], "people"


def period(stored: str) -> str:
    """A period as stored, `2024-11-22 to 2025-11-22`, as read."""
    try:
        return " to ".join(words.day(date.fromisoformat(end)) for end in stored.split(" to "))
    except ValueError:
        return stored
