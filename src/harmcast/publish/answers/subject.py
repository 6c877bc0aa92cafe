"""What is held about one person: inputs, scores, reasons, decisions, and who looked. For the person, on request.

Sections 44 to 48 of the Data Protection Act 2018. It holds personal data: whoever hands it over checks who asks, and
whether anything in it must be held back (section 45(4)). Nothing is hidden here by small counts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl
import sqlalchemy as sa

from harmcast.oversight.access import PURPOSES, ROLES, Role
from harmcast.publish.answers import wording
from harmcast.publish.answers.document import Block, Column, Document, Empty, NotHeld, Part, Section, Table, Words
from harmcast.store import keys, schema

if TYPE_CHECKING:
    from harmcast.store.state import State


@dataclass(frozen=True)
class PersonFacts:
    """Everything held about one person, as known at the end of a day.

    Attributes:
        person: the person's row without protected columns.
        charges, circumstances: rows as held.
        scores: week, tables.SCORED_PEOPLE columns, of every release that holds the person.
        decisions, representations: rows as kept, words opened.
        views: at, role, action, purpose, of everyone who looked; accounts are not named.
        protected_fields: names of the protected fields that are filled; their values are handed over apart.
    """

    person_ref: str
    person_key: str
    force: str
    invented: bool
    as_of: date
    person: Mapping[str, Any]
    charges: pl.DataFrame
    circumstances: pl.DataFrame
    scores: pl.DataFrame
    decisions: Sequence[Mapping[str, Any]]
    representations: Sequence[Mapping[str, Any]]
    views: Sequence[Mapping[str, Any]]
    protected_fields: tuple[str, ...] = ()


def gather(state: State, person_ref: str, as_of: date) -> PersonFacts | None:
    """Everything held about a person; null if nobody of that reference is held."""
    key = keys.key_of(state.operations, person_ref)
    persons = state.records.persons(as_of).filter(pl.col("person_ref") == person_ref)
    if key is None or persons.is_empty():
        return None
    end = f"{as_of.isoformat()}T99"
    tool = state.settings.people_tool
    scores = []
    for release in state.releases.history(tool.name, None) if tool else []:
        if release.made_at < end and release.has(f"{tool.name if tool else ''}.parquet"):
            row = release.frame(release.tool).filter(pl.col("person_key") == key)
            if row.height:
                scores.append(row.with_columns(week=pl.lit(release.week), standing=pl.lit(release.standing)))
    versions = state.records.charge_versions().filter(
        (pl.col("person_ref") == person_ref) & (pl.col("known_on") <= as_of)
    )
    charges = versions.sort("known_on").unique("charge_ref", keep="last", maintain_order=True)
    if "deleted" in charges.columns:
        charges = charges.filter(~pl.col("deleted").fill_null(False))
    with state.operations.reading() as connection:
        decisions = [
            {**row, "words": keys.opened(connection, key, row["words_enc"])}
            for row in state.operations.rows(
                sa.select(schema.decisions)
                .where(schema.decisions.c.person_key == key, schema.decisions.c.at < end)
                .order_by(schema.decisions.c.id)
            )
        ]
        representations = [
            {**row, "words": keys.opened(connection, key, row["words_enc"])}
            for row in state.operations.rows(
                sa.select(schema.representations)
                .where(schema.representations.c.person_key == key, schema.representations.c.at < end)
                .order_by(schema.representations.c.id)
            )
        ]
    events = schema.events
    views = state.operations.rows(
        sa.select(events.c.at, events.c.role, events.c.action, events.c.purpose, events.c.kind)
        .where(events.c.subject == key, events.c.at < end, events.c.action != "report_made")
        .order_by(events.c.seq)
    )
    return PersonFacts(
        person_ref=person_ref,
        person_key=key,
        force=state.settings.force.name,
        invented=state.settings.force.invented,
        as_of=as_of,
        person=persons.row(0, named=True),
        charges=charges.sort("charged_on", "charge_ref"),
        circumstances=state.records.circumstances(as_of).filter(pl.col("person_ref") == person_ref),
        scores=pl.concat(scores, how="diagonal_relaxed") if scores else pl.DataFrame(),
        decisions=decisions,
        representations=representations,
        views=views,
    )


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
        parts=(Part("What is held", sections),),
        intro=(
            Words(
                "This document holds personal data. Before it is handed over somebody checks who asks and whether anything in it must be held back to protect others."
            ),
        ),
        invented=held.invented,
        personal=True,
    )


def _table(
    title: str, columns: Sequence[tuple[str, str, str]], rows: Sequence[Mapping[str, Any]], note: str = ""
) -> Table:
    return Table(title, tuple(Column(n, t, k) for n, t, k in columns), tuple(rows), note=note)  # type: ignore[arg-type]


def _who(held: PersonFacts) -> tuple[Block, ...]:
    p = held.person
    rows = [
        ("Reference in the force's records", held.person_ref),
        ("Random key in this system", held.person_key),
        ("Unit", p.get("unit") or "none: supervisors only"),
        ("Restricted", "yes" if p.get("restricted") else "no"),
        ("Review group", str(p["review_group"]) if p.get("review_group") is not None else "not recorded"),
        ("Record next reviewed by", p["review_due_on"].isoformat() if p.get("review_due_on") else "not recorded"),
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
        found.append(
            _table(
                "Charges that count most in the newest score",
                (
                    ("charge_ref", "Reference", "text"),
                    ("happened_on", "Happened", "text"),
                    ("offence_code", "Offence", "text"),
                    ("weight", "Weight", "number"),
                    ("effect", "Effect today", "number"),
                ),
                [
                    {k: c.get(k) for k in ("charge_ref", "happened_on", "offence_code", "weight", "effect")}
                    for c in charges
                ],
                "Weight as the harm index gives it; effect after fading with time. All effects together are the harm score.",
            )
        )
    rest = {k: v for k, v in reasons.items() if k != "charges" and v not in (None, [], {})}
    if rest:
        flat = [
            {
                "name": k.replace("_", " "),
                "value": json.dumps(v, sort_keys=True, ensure_ascii=False) if isinstance(v, dict | list) else str(v),
            }
            for k, v in sorted(rest.items())
        ]
        found.append(
            _table(
                "Everything else stored with the score",
                (("name", "What", "text"), ("value", "As stored", "text")),
                flat,
            )
        )
    return tuple(found) or (Empty("Reasons", "the release"),)


def _decisions(held: PersonFacts) -> tuple[Block, ...]:
    if not held.decisions:
        return (Words("No decision is recorded."),)
    rows = [
        {
            "on": d["at"][:10],
            "decision": d["decision"],
            "reason": d["reason_code"].replace("_", " "),
            "words": d.get("words") or "none",
            "own": d["own_judgement"] or "not given",
            "review": d["review_on"],
        }
        for d in held.decisions
    ]
    columns = (
        ("on", "Day", "text"),
        ("decision", "Decision", "text"),
        ("reason", "Reason", "text"),
        ("words", "In words", "text"),
        ("own", "Officer's own judgement", "text"),
        ("review", "Review", "date"),
    )
    return (_table("Decisions by officers", columns, rows),)


def _representations(held: PersonFacts) -> tuple[Block, ...]:
    if not held.representations:
        return (Words("None received."),)
    rows = [
        {"on": r["received_on"], "kind": r["kind"], "words": r.get("words") or "none"} for r in held.representations
    ]
    return (_table("Received", (("on", "Day", "date"), ("kind", "Kind", "text"), ("words", "In words", "text")), rows),)


def _views(held: PersonFacts) -> tuple[Block, ...]:
    if not held.views:
        return (Words("Nobody has opened this person's page."),)
    rows = [
        {
            "at": v["at"][:16].replace("T", " "),
            "role": ROLES[Role(v["role"])][0] if v["role"] in set(Role) else str(v["role"]),
            "action": v["action"].replace("_", " "),
            "purpose": PURPOSES.get(v["purpose"], v["purpose"]) or "not asked",
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
