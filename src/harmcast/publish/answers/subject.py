"""What is held about one person: inputs, scores, reasons, decisions, and who looked. For the person, on request.

Sections 44 to 48 of the Data Protection Act 2018. It holds personal data: whoever hands it over checks who asks, and
whether anything in it must be held back (section 45(4)). Nothing is hidden here by small counts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from harmcast.oversight.access import ROLES, Role, why
from harmcast.publish.answers import wording
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
    Words,
)
from harmcast.publish.answers.person_facts import PersonFacts
from harmcast.store import desk


def answer(held: PersonFacts) -> Document:
    """What is held about one person, in the order in which a reader asks."""
    sections = (
        Section("1", "What these tools do", (Words(wording.SUMMARY["people"]), Words(wording.PREDICTS["people"]))),
        Section("2", "Who", _who(held)),
        Section("3", "Charges held: facts", _charges(held)),
        Section("4", "Circumstances held: shown, never an input", _circumstances(held)),
        Section("5", "Scores: assessments, not facts", _scores(held)),
        Section("6", "Why the newest score is what it is", _reasons(held)),
        Section("7", "Decisions", _decisions(held)),
        Section("8", "Objections and corrections", _representations(held)),
        Section("9", "Who looked", _views(held)),
        Section("10", "Your rights", (Words("You may ask for data that is wrong to be corrected, for data that should not be held to be erased or restricted, and you may complain to the Information Commissioner. A solely automated decision is not taken: a person decides."),)),
    )  # fmt: skip
    return Document(
        kind="subject",
        title="What is held about one person",
        force=held.force,
        as_of=held.as_of,
        parts=(DocumentPart("What is held", sections),),
        intro=(
            Words(
                "This document holds personal data. Before it is handed over somebody checks who asks and whether anything in it must be held back to protect others."
            ),
        ),
        invented=held.invented,
        personal=True,
    )


def _written(value: date) -> str:
    return f"{value.day} {value:%B %Y}"


def _table(
    title: str, columns: Sequence[tuple[str, str, str]], rows: Sequence[Mapping[str, Any]], note: str = ""
) -> AnswerTable:
    return AnswerTable(title, tuple(AnswerColumn(n, t, k) for n, t, k in columns), tuple(rows), note=note)  # type: ignore[arg-type]


def _who(held: PersonFacts) -> tuple[Block, ...]:
    p = held.person
    rows = [
        ("Reference in the force's records", held.person_ref),
        ("Random key in this system", held.person_key),
        ("Unit", p.get("unit") or "none: supervisors only"),
        ("Restricted", "yes" if p.get("restricted") else "no"),
        ("Review group", str(p["review_group"]) if p.get("review_group") is not None else "not recorded"),
        ("Record next reviewed by", _written(p["review_due_on"]) if p.get("review_due_on") else "not recorded"),
    ]
    protected = Words(
        "Date of birth, sex and ethnicity as sent by the records system are held apart for two uses: to leave out anyone under 18, and for the fairness audit. "
        "They are not inputs. Their values are handed over from the records system itself, so that nobody opens them here."
    )
    table = _table(
        "Person", (("name", "Field", "text"), ("value", "Held", "text")), [{"name": a, "value": b} for a, b in rows]
    )
    return (table, protected)


def _charges(held: PersonFacts) -> tuple[Block, ...]:
    if held.charges.is_empty():
        return (Words("No charge is held."),)
    rows = [
        {k: r.get(k) for k in ("charge_ref", "offence_code", "happened_on", "charged_on", "outcome", "outcome_on")}
        for r in held.charges.iter_rows(named=True)
    ]
    columns = (
        ("charge_ref", "Reference", "text"),
        ("offence_code", "Offence", "text"),
        ("happened_on", "Happened", "date"),
        ("charged_on", "Charged", "date"),
        ("outcome", "State", "text"),
        ("outcome_on", "State since", "date"),
    )
    convicted = [r for r in rows if r["outcome"] == "convicted"]
    others = [r for r in rows if r["outcome"] != "convicted"]
    found: list[Block] = []
    if convicted:
        found.append(_table("Convicted", columns, convicted))
    if others:
        found.append(
            _table(
                "Charged, and not convicted",
                columns,
                others,
                "Charges acquitted, withdrawn, discontinued or quashed count for nothing from the day that was known.",
            )
        )
    return tuple(found)


def _circumstances(held: PersonFacts) -> tuple[Block, ...]:
    if held.circumstances.is_empty():
        return (Words("None held."),)
    rows = [
        {k: r.get(k) for k in ("kind", "value", "from_on", "to_on", "source")}
        for r in held.circumstances.iter_rows(named=True)
    ]
    return (
        _table(
            "Circumstances",
            (
                ("kind", "What", "text"),
                ("value", "Value", "text"),
                ("from_on", "From", "date"),
                ("to_on", "To", "date"),
                ("source", "Source", "text"),
            ),
            rows,
        ),
    )


def _scores(held: PersonFacts) -> tuple[Block, ...]:
    if held.scores.is_empty():
        return (Words("Not scored in any release that is still held."),)
    rows = []
    for r in held.scores.iter_rows(named=True):
        low, mid, high = (r.get(f"chance_high_harm_12m{e}") for e in ("_low", "", "_high"))
        rows.append(
            {
                "week": r["week"],
                "band": r["band"] or "harm incomplete",
                "harm": r["harm"],
                "chance": "none: high now or before, or no model"
                if mid is None
                else f"{mid:.3f}" + (f" ({low:.3f} to {high:.3f})" if low is not None and high is not None else ""),
                "standing": r["standing"],
            }
        )
    return (
        _table(
            "Scores by week",
            (
                ("week", "Week", "text"),
                ("band", "Band", "text"),
                ("harm", "Harm", "number"),
                ("chance", "Chance of high harm within 12 months", "text"),
                ("standing", "Release", "text"),
            ),
            rows,
        ),
    )


def _reasons(held: PersonFacts) -> tuple[Block, ...]:
    if held.scores.is_empty() or held.scores["reasons"][-1] is None:
        return (NotHeld("Reasons", "No score is held.", "Nobody else would hold them."),)
    reasons = json.loads(held.scores["reasons"][-1])
    found: list[Block] = []
    charges = reasons.get("charges") or []
    if charges:
        rows = [
            {k: c.get(k) for k in ("charge_ref", "happened_on", "offence_code", "weight", "effect")} for c in charges
        ]
        others = reasons.get("others") or {}
        if others.get("count"):
            rows.append({"charge_ref": f"{others['count']} other {'event' if others['count'] == 1 else 'events'}", "effect": others.get("effect")})
        columns = (
            ("charge_ref", "Reference", "text"),
            ("happened_on", "Happened", "date"),
            ("offence_code", "Offence", "text"),
            ("weight", "Weight", "number"),
            ("effect", "Effect today", "number"),
        )
        note = (
            "Weight as the harm index gives it; effect after fading with time. All effects together are the harm score."
        )
        found.append(_table("Charges that count most in the newest score", columns, rows, note))
    found += [*_changed(reasons.get("changed") or {}), *_variables(held, reasons), *_not_known(reasons)]
    return tuple(found) or (Empty("Reasons", "the release"),)


def _changed(changed: Mapping[str, Any]) -> list[Block]:
    """What moved the score since the week before: records, time, model; the three add up."""
    rows = []
    for name, parts in sorted(changed.items()):
        if isinstance(parts, dict) and {"last", "now"} <= set(parts):
            title = (
                "Harm" if name == "harm" else f"Chance within {name.removeprefix('chance_').removesuffix('m')} months"
            )
            digits = 1 if name == "harm" else 4
            shown = {
                k: "none" if parts.get(k) is None else f"{parts[k]:.{digits}f}"
                for k in ("last", "records", "time", "model", "now")
            }
            rows.append({"what": title, **shown})
    if not rows:
        return []
    columns = (
        ("what", "What", "text"),
        ("last", "Last week", "text"),
        ("records", "Records", "text"),
        ("time", "Time passing", "text"),
        ("model", "Model", "text"),
        ("now", "Now", "text"),
    )
    return [
        _table(
            "What changed since the week before",
            columns,
            rows,
            "Last week, plus what records, time and model did, is now.",
        )
    ]


def _variables(held: PersonFacts, reasons: Mapping[str, Any]) -> list[Block]:
    """Each variable of the look-back with its value."""
    values = reasons.get("values") or []
    names = (
        list(held.features) if len(held.features) == len(values) else [f"variable {i + 1}" for i in range(len(values))]
    )
    if not values:
        return []
    rows = [
        {"name": held.features.get(name, name.replace("_", " ")), "value": f"{round(value, 3):g}"}
        for name, value in zip(names, values, strict=True)
    ]
    columns = [("name", "Variable", "text"), ("value", "Value", "text")]
    return [_table("What the records of the look-back say", columns, rows, "The points card asks about some of these; its table gives the chance.")]


def _not_known(reasons: Mapping[str, Any]) -> list[Block]:
    said = dict(reasons.get("not_known") or {})
    rows = [(k.replace("_", " ").capitalize(), str(v)) for k, v in sorted(said.items())]
    card = reasons.get("card") or {}
    if card.get("points") is not None:
        rows.append(("Points on the card", str(card["points"])))
    rows += [
        (k.replace("_", " ").capitalize(), "yes" if v else "no")
        for k, v in sorted(reasons.items())
        if isinstance(v, bool)
    ]
    return [Pairs(tuple(rows))] if rows else []


def _decisions(held: PersonFacts) -> tuple[Block, ...]:
    if not held.decisions:
        return (Words("No decision is recorded."),)
    rows = [
        {
            "on": date.fromisoformat(d["at"][:10]),
            "decision": wording.decision(d["decision"]),
            "reason": wording.reason(d["reason_code"]),
            "checks": _checks(d),
            "words": d.get("words") or "none",
            "own": desk.JUDGEMENTS.get(d["own_judgement"] or "", d["own_judgement"] or "not given"),
            "review": d["review_on"],
        }
        for d in held.decisions
    ]
    columns = (
        ("on", "Day", "date"),
        ("decision", "Decision", "text"),
        ("reason", "Reason", "text"),
        ("checks", "Checks made", "text"),
        ("words", "In words", "text"),
        ("own", "Officer's own judgement", "text"),
        ("review", "Review", "date"),
    )
    found = [_table("Decisions by officers", columns, rows)]
    if held.followed:
        came = [{"on": f["on"], "step": wording.step(str(f["step"])), "words": f.get("words") or "none"} for f in held.followed]
        found.append(_table("What followed", (("on", "Day", "date"), ("step", "Step", "text"), ("words", "In words", "text")), came))
    return tuple(found)


def _checks(decision: Mapping[str, Any]) -> str:
    """The checks the officer made before deciding, in words."""
    return ", ".join(desk.CHECKS.get(check, check.replace("_", " ")) for check in json.loads(decision["checks"])) or "none yet"


KINDS_RECEIVED = {"data_error": "Error in the data", "objection": "Objection", "complaint": "Complaint"}
OUTCOMES = {
    "upheld": "upheld: the record is put right at source",
    "upheld_in_part": "upheld in part",
    "not_upheld": "not upheld",
    "withdrawn": "withdrawn",
}


def _representations(held: PersonFacts) -> tuple[Block, ...]:
    """Each objection, complaint or report of an error: received, looked at, outcome, scored again, with dates."""
    if not held.representations:
        return (Words("None received."),)
    rows: list[dict[str, Any]] = []
    for number, r in enumerate(held.representations, start=1):
        kind = KINDS_RECEIVED.get(r["kind"], str(r["kind"]))
        rows.append({"on": r["received_on"], "what": f"{number}. {kind}", "step": "received", "words": r.get("words") or "none"})
        steps = r.get("steps") or ()
        rows += [{"on": date.fromisoformat(s["at"][:10]), "what": f"{number}. {kind}", "step": _step(s), "words": s.get("words") or "none"} for s in steps]
        if not any(s["step"] == "outcome" for s in steps):
            rows.append({"on": None, "what": f"{number}. {kind}", "step": "open: no outcome is recorded yet", "words": ""})
    columns = (("what", "What", "text"), ("step", "Step", "text"), ("on", "Day", "date"), ("words", "In words", "text"))
    return (_table("What was received, and what came of it", columns, rows),)


def _step(step: Mapping[str, Any]) -> str:
    if step["step"] == "outcome":
        return f"outcome: {OUTCOMES.get(step['outcome'], step['outcome'])}"
    if step["step"] == "rescored":
        return f"scored again, in the release of {step['rescored_week']}"
    return str(step["step"]).replace("_", " ")


def _views(held: PersonFacts) -> tuple[Block, ...]:
    if not held.views:
        return (Words("Nobody has opened this person's page."),)
    rows = [
        {
            "at": v.at[:16].replace("T", " "),
            "role": ROLES[Role(v.role)][0] if v.role in set(Role) else v.role,
            "action": v.action.replace("_", " "),
            "purpose": why(v.purpose) or "not asked",
        }
        for v in held.views
    ]
    return (
        _table(
            "From the log",
            (
                ("at", "When (UTC)", "text"),
                ("role", "Role", "text"),
                ("action", "What", "text"),
                ("purpose", "Why", "text"),
            ),
            rows,
            "By role: the names of officers are in the log and are not part of this document.",
        ),
    )
