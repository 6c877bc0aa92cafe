"""What is held about one person: a letter to that person, then lists. For the person, on request.

Sections 44 to 48 of the Data Protection Act 2018. It holds personal data: whoever hands it over checks who asks, and
whether anything in it must be held back (section 45(4)). Nothing is hidden here by small counts.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, TypedDict, cast

from harmcast import words
from harmcast.documents.person import PersonReasons, PersonRow
from harmcast.oversight.access import ROLES, Role, why
from harmcast.publish.answers.area_words import offences
from harmcast.publish.answers.closed_facts import KINDS_RECEIVED, STEPS_SEEN, decision
from harmcast.publish.answers.compose import filled
from harmcast.publish.answers.document import AnswerColumn, AnswerTable, Block, Document, DocumentPart, Section, Words
from harmcast.publish.answers.person_facts import PersonFacts
from harmcast.publish.answers.pieces import text_of, wrong
from harmcast.store import desk
from harmcast.store.representations import RepresentationStep

OUTCOMES = {"upheld": "you were right, and it is put right", "upheld_in_part": "you were right in part", "not_upheld": "we did not agree", "withdrawn": "taken back"}
STATES = {"charged": "no result yet", "convicted": "found guilty", "acquitted": "found not guilty", "withdrawn": "dropped", "discontinued": "dropped", "quashed": "set aside by a court"}


class Letter(TypedDict):
    """letter.toml: its title, its sentences, and titles of its sections and lists."""

    title: str
    says: dict[str, str]
    sections: dict[str, str]
    tables: dict[str, str]


@lru_cache(maxsize=1)
def letter() -> Letter:
    """The letter's sentences. Raises SettingsRefused for one with a digit."""
    text = text_of("letter.toml")
    raw = cast(Letter, tomllib.loads(text))
    for says in (*raw["says"].values(), *raw["sections"].values(), *raw["tables"].values()):
        if re.search(r"\d", says):
            raise wrong("letter.toml", text, says, "a digit in a template: numbers are facts")
    return raw


def answer(held: PersonFacts) -> Document:
    """The letter, in the order in which a reader asks, and the lists behind it."""
    titles = letter()["sections"]
    lists = tuple(table for made in (_about, _charges, _counted, _scores, _circumstances, _decisions, _received, _looks) for table in made(held))
    parts = (
        ("letter", ((titles["letter"], (_says("opening", day=words.day(held.as_of)), _says("tool"), _says("checked"))), (titles["group"], _group(held)), (titles["changed"], _changed(held)),
                    (titles["decided"], _decided(held)), (titles["looked"], _looked(held)), (titles["now"], (_says("wrong"), _says("complain"), _says("born"))))),
        ("annex", ((titles["annex"], lists),)),
    )  # fmt: skip
    return Document(
        kind="subject",
        title=letter()["title"],
        force=held.force,
        as_of=held.as_of,
        known_on=held.as_of,
        parts=tuple(DocumentPart(titles[name], tuple(Section("", title, (((), blocks),)) for title, blocks in sections)) for name, sections in parts),
        invented=held.invented,
    )


def _says(name: str, **slots: str) -> Words:
    return Words(filled(letter()["says"][name], slots))


def _newest(held: PersonFacts) -> PersonRow | None:
    return cast(PersonRow, held.scores.row(-1, named=True)) if held.scores.height else None


def _group(held: PersonFacts) -> tuple[Block, ...]:
    """The band, the chance as so many in a hundred people like this, and how many charges are held."""
    said: list[Block] = []
    newest = _newest(held)
    if newest is None or not newest["band"]:
        said.append(_says("not_scored"))
    else:
        said.append(_says("band", week=words.day(_monday(newest["week"])), band=newest["band"]))
        said += _chance(newest)
    n = held.charges.height
    said.append(_says("charges", charges=words.plural(n, "charge")) if n else _says("no_charges"))
    return tuple(said)


def _monday(week: str) -> date:
    year, number = week.split("-W")
    return date.fromisocalendar(int(year), int(number[:2]), 1)


def _chance(newest: PersonRow) -> list[Block]:
    months = next((m for m in ("12", "24") if newest.get(f"chance_high_harm_{m}m") is not None), None)
    if months is None:
        return [_says("no_chance")]
    mid, low, high = (newest.get(f"chance_high_harm_{months}m{end}") for end in ("", "_low", "_high"))
    low, high = (mid if low is None else low), (mid if high is None else high)
    return [_says("chance", chance=_hundred(mid), months=months, low=_hundred(low), high=_hundred(high))]


def _hundred(share: Any) -> str:
    """So many in a hundred, in whole people; under one is said so."""
    return "fewer than 1" if 0 < share < 0.005 else str(round(100 * share))


def _changed(held: PersonFacts) -> tuple[Block, ...]:
    newest = _newest(held)
    harm = (_reasons(held).get("changed") or {}).get("harm") if newest else None
    last, now = (harm.get("last"), harm.get("now")) if harm else (None, None)
    if not harm or last is None or now is None:
        return (_says("first"),)
    moved = now - last
    if abs(moved) < 0.05:
        return (_says("same"),)
    way = "up" if moved > 0 else "down"
    most = max(("records", "time", "model"), key=lambda part: (harm.get(part) or 0) * (1 if moved > 0 else -1))
    return (_says(f"{way}_{most}"),)


def _decided(held: PersonFacts) -> tuple[Block, ...]:
    said = [_says("decisions", decisions=words.plural(len(held.decisions), "choice")) if held.decisions else _says("no_decisions")]
    said += [_says("followed")] if held.followed else []
    said.append(_says("received", received=words.plural(len(held.representations), "message")) if held.representations else _says("nothing_received"))
    return tuple(said)


def _looked(held: PersonFacts) -> tuple[Block, ...]:
    if not held.views:
        return (_says("no_looks"),)
    roles = Counter(_role(look.role).lower() for look in held.views)
    listed = words.listed([f"{role}, {words.plural(n, 'time')}" for role, n in sorted(roles.items())])
    return (_says("looks", roles=listed, last=words.day(date.fromisoformat(held.views[-1].at[:10]))),)


def _role(role: str) -> str:
    return ROLES[Role(role)][0] if role in set(Role) else role


# -- lists ----------------------------------------------------------------------------------------------------------


def _table(title: str, columns: Sequence[tuple[str, str, str]], rows: Sequence[Mapping[str, Any]]) -> tuple[AnswerTable, ...]:
    if not rows:
        return ()
    return (AnswerTable(letter()["tables"][title], tuple(AnswerColumn(n, t, k) for n, t, k in columns), tuple(rows)),)  # type: ignore[arg-type]


def _about(held: PersonFacts) -> tuple[AnswerTable, ...]:
    p = held.person
    due = p.get("review_due_on")
    rows = [
        ("Number in the main police system", ", merged with it: ".join([held.person_ref, *held.older_refs])),
        ("Key here", held.person_key),
        ("Police unit", p.get("unit") or "none"),
        ("Seen by few alone", "yes" if p.get("restricted") else "no"),
        ("Your record is looked at again by", words.day(due) if due else "no date yet"),
    ]
    return _table("facts", (("name", "What", "text"), ("ref", "Held", "text")), [{"name": a, "ref": b} for a, b in rows])


def _offence(held: PersonFacts, code: str | None) -> str:
    """The name of an offence: never its code."""
    code = code or ""
    name = offences().get(code) or held.offences.get(code) or offences().get(code.partition("/")[0]) or "an offence"
    return name[:1].upper() + name[1:]


def _charges(held: PersonFacts) -> tuple[AnswerTable, ...]:
    columns = (("offence", "Offence", "text"), ("happened", "Happened", "date"), ("charged", "Charged", "date"), ("state", "Result", "text"), ("since", "Since", "date"), ("ref", "Number", "text"))
    rows = [
        {
            "offence": _offence(held, r.get("offence_code")), "happened": r.get("happened_on"), "charged": r.get("charged_on"),
            "state": STATES.get(r.get("outcome") or "", r.get("outcome")), "since": r.get("outcome_on"), "ref": r.get("charge_ref"),
        }
        for r in held.charges.iter_rows(named=True)
    ]  # fmt: skip
    guilty = [r for r in rows if r["state"] == STATES["convicted"]]
    return (*_table("convicted", columns, guilty), *_table("charged", columns, [r for r in rows if r not in guilty]))


def _reasons(held: PersonFacts) -> PersonReasons:
    newest = _newest(held)
    return cast(PersonReasons, json.loads(newest["reasons"])) if newest and newest.get("reasons") else {}


def _counted(held: PersonFacts) -> tuple[AnswerTable, ...]:
    """The charges that count most, with what each comes to; the rest in one line."""
    reasons = _reasons(held)
    rows = [{"offence": _offence(held, c.get("offence_code")), "happened": c.get("happened_on"), "effect": c.get("effect")} for c in reasons.get("charges") or []]
    others = reasons.get("others") or {}
    if others.get("count"):
        rows.append({"offence": f"{others['count']} more", "happened": None, "effect": others.get("effect")})
    unit = (_newest(held) or {}).get("harm_unit") or "days"
    return _table("counted", (("offence", "Offence", "text"), ("happened", "Happened", "date"), ("effect", f"Counts as, in {unit}", "number")), rows)


def _scores(held: PersonFacts) -> tuple[AnswerTable, ...]:
    shown: Callable[[Any], str] = lambda value: "none" if value is None else f"about {_hundred(value)} in 100"  # noqa: E731
    rows = [
        {"week": _monday(r["week"]), "band": r["band"] or "not known", "harm": r["harm"], "chance": shown(r.get("chance_high_harm_12m"))}
        for r in held.scores.iter_rows(named=True)
    ]
    return _table("scores", (("week", "Week of", "date"), ("band", "Group", "text"), ("harm", "Score", "number"), ("chance", "Chance in a year", "text")), rows)


def _circumstances(held: PersonFacts) -> tuple[AnswerTable, ...]:
    rows = [{k: r.get(k) for k in ("kind", "value", "from_on", "to_on", "source")} for r in held.circumstances.iter_rows(named=True)]
    columns = (("kind", "What", "text"), ("value", "Held", "text"), ("from_on", "From", "date"), ("to_on", "To", "date"), ("source", "From whom", "text"))
    return _table("circumstances", columns, rows)


def _decisions(held: PersonFacts) -> tuple[AnswerTable, ...]:
    rows = [
        {
            "on": date.fromisoformat(d["at"][:10]),
            "decision": decision(d["decision"]),
            "reason": desk.REASONS.get(d["reason_code"], d["reason_code"].replace("_", " ")),
            "checks": ", ".join(desk.CHECKS.get(c, c.replace("_", " ")) for c in json.loads(d["checks"])) or "none",
            "own": desk.JUDGEMENTS.get(d["own_judgement"] or "", d["own_judgement"] or "not given"),
            "words": d.get("words") or "none",
            "review": d["review_on"],
        }
        for d in held.decisions
    ]
    columns = (("on", "Day", "date"), ("decision", "Choice", "text"), ("reason", "Why", "text"), ("checks", "Looked at first", "text"), ("own", "The officer's own view", "text"), ("words", "In words", "text"), ("review", "Looked at again", "date"))  # fmt: skip
    came = [{"on": f["on"], "step": STEPS_SEEN.get(str(f["step"]), str(f["step"])), "words": f.get("words") or "none"} for f in held.followed]
    return (*_table("decisions", columns, rows), *_table("followed", (("on", "Day", "date"), ("step", "Step", "text"), ("words", "In words", "text")), came))


def _received(held: PersonFacts) -> tuple[AnswerTable, ...]:
    """Each objection, complaint or report of an error: received, looked at, outcome, scored again, with dates."""
    rows: list[dict[str, str | date | None]] = []
    for number, r in enumerate(held.representations, start=1):
        what = f"{number}. {KINDS_RECEIVED.get(r['kind'], str(r['kind']))}"
        rows.append({"what": what, "step": "we got it", "on": r["received_on"], "words": r.get("words") or "none"})
        steps = r.get("steps") or ()
        rows += [{"what": what, "step": _step(s), "on": date.fromisoformat(s["at"][:10]), "words": s.get("words") or "none"} for s in steps]
        if not any(s["step"] == "outcome" for s in steps):
            rows.append({"what": what, "step": "no result yet", "on": None, "words": ""})
    return _table("received", (("what", "What", "text"), ("step", "Step", "text"), ("on", "Day", "date"), ("words", "In words", "text")), rows)


def _step(step: RepresentationStep) -> str:
    if step["step"] == "outcome":
        return OUTCOMES.get(str(step["outcome"]), str(step["outcome"]))
    if step["step"] == "rescored":
        return f"score worked out again, week of {words.day(_monday(str(step['rescored_week'])))}"
    return str(step["step"]).replace("_", " ")


def _looks(held: PersonFacts) -> tuple[AnswerTable, ...]:
    rows = [{"on": date.fromisoformat(v.at[:10]), "role": _role(v.role), "what": v.action.replace("_", " "), "why": why(v.purpose) or "not asked"} for v in held.views]
    return _table("looks", (("on", "Day", "date"), ("role", "Role", "text"), ("what", "What", "text"), ("why", "Why", "text")), rows)
