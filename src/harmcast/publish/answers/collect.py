"""Reads from a state every fact that an answer of a day may say: what held by that day and was known by the day of knowing.

What a tool is comes from its newest release of that day (`release_facts`: its model, its ranges; the settings it was made with), what
is written of it from the register, people in counts from the closed tables. What is not there gives no fact, and the answer says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from harmcast.documents.facts import Fact, Facts
from harmcast.oversight.access import ROLES, RULES, Action
from harmcast.oversight.register import ENTRY_KINDS
from harmcast.publish.answers import closed_facts, release_facts
from harmcast.publish.answers.as_stood import AsStood, ReadFrom, sentence
from harmcast.publish.answers.pieces import facts_of_design, library
from harmcast.settings import PeopleTool, PlacesTool
from harmcast.store import statistics
from harmcast.store.reads import then
from harmcast.words.tools import tool_title

if TYPE_CHECKING:
    from harmcast.store.state import State

COUNTS = {"crimes": "places", "persons": "people", "charges": "people", "circumstances": "people"}
PARTS = ("received", "loaded", "unchanged", "superseded", "quarantined", "left_out")
STANDINGS = {"published": "published", "held": "held back", "draft": "not yet looked at", "reviewed": "looked at by one person", "withdrawn": "withdrawn"}
OUTSIDE = (("store", "url"), ("alerts", "webhook"), ("map", "wms_url"), ("qlik", "reload_server"), ("web", "oidc_issuer"), ("feed", "url"))


def collect(state: State, as_of: date, known_on: date, without_charge: int | None = None) -> Facts:
    """Every fact of a day. `without_charge`: people without a charge among those scored, counted from the records; null: nobody counted."""
    stood = AsStood(state, as_of, known_on)
    facts = list(_of_force(stood))
    for tool in stood.settings.tools:
        facts += _of_tool(stood, tool)
        if isinstance(tool, PeopleTool):
            facts += _counted(stood, tool, without_charge)
    held = Facts.of(as_of, known_on, facts)
    design = facts_of_design(held, {t.name: t.kind for t in stood.settings.tools})
    return Facts.of(as_of, known_on, [*facts, *design])


# -- the force -----------------------------------------------------------------------------------------------------


def _of_force(stood: AsStood) -> Iterator[Fact]:
    s, made_with, known = stood.settings, stood.of_settings, stood.asked("asked:known_on")
    yield from stood.facts("answer", stood.asked("asked:as_of"), ("as_of", stood.as_of, ""))
    yield from stood.facts("answer", known, ("known_on", stood.known_on, ""), ("is_looking_back", stood.known_on != stood.as_of, ""))
    yield from stood.facts("answer", stood.asked("log:1"), ("begun", then.begun(stood.state.operations, stood.zone), ""))
    values = s.model_dump(mode="json")
    yield from stood.facts("force", made_with, ("name", s.force.name, ""), ("invented", s.force.invented, ""))
    yield from stood.facts("network", made_with, ("outside", tuple(f"{section}.{name}" for section, name in OUTSIDE if values[section][name]), ""))
    yield from stood.facts(
        "rule",
        made_with,
        ("export_rows", s.web.export_rows, "rows"),
        ("override_from", s.decisions.override_from, "decisions"),
        ("override_low", s.decisions.override_low, "share"),
        ("override_high", s.decisions.override_high, "share"),
    )
    yield from stood.facts(
        "retention",
        made_with,
        ("release_weeks", s.retention.release_weeks, "weeks"),
        ("backup_days", s.retention.backup_days, "days"),
        ("export_days", s.retention.export_days, "days"),
        ("reviews", tuple({"group": group, "years": years} for group, years in sorted(values["retention"]["group_years"].items())), ""),
    )
    looks = then.looks(stood.state.operations, min(stood.as_of, stood.known_on), stood.zone)
    yield from stood.facts("record", stood.asked("log:consultation"), ("views", looks, "looks"))
    exports = [r for r in stood.rows("exports") if r["known_on"] <= stood.as_of]
    named = sum(bool(r["with_names"]) for r in exports)
    yield from stood.facts("record", stood.asked("log:exports"), ("exports", len(exports), "exports"), ("named_exports", named, "exports"))
    withdrawn = {r.id for tool in stood.state.settings.tools for r in stood.state.releases.history(tool.name, "withdrawn")}
    titles = {t.name: tool_title(t) for t in s.tools}
    gone = tuple(f"{titles.get(r.tool, r.tool)}, {r.name}" for r in stood.releases if r.id in withdrawn and r.standing != "withdrawn")
    yield from stood.facts("since", stood.asked("log:release_moves, today"), ("withdrawn", gone, ""))
    if stood.releases:
        manifest, made = stood.releases[-1].manifest(), stood.asked(f"release:{stood.releases[-1].name}/manifest.json")
        data = (manifest.get("records") or {}).get("data_hash")
        yield from stood.facts("software", made, ("version", manifest["code_version"], ""), ("records", data or None, ""))


# -- every tool ----------------------------------------------------------------------------------------------------


def _of_tool(stood: AsStood, tool: PlacesTool | PeopleTool) -> Iterator[Fact]:
    name = tool.name
    yield from stood.facts(name, stood.of_settings, ("kind", tool.kind, ""), ("title", tool_title(tool), ""))
    yield from _status(stood, name)
    yield from _words(stood, name)
    yield from _papers(stood, name)
    yield from _released(stood, name)
    yield from _people_with_access(stood, tool)
    yield from _feed(stood, tool)
    yield from release_facts.of_tool(stood, tool)


def _counted(stood: AsStood, tool: PeopleTool, without_charge: int | None) -> Iterator[Fact]:
    """Of people in counts: what the exploratory analysis says of groups, with the day it was measured on; closed tables; who has no charge."""
    state, release = stood.state, stood.newest(tool.name)
    explored = statistics.explored_by(state.root, state.operations, stood.as_of, stood.known_on, release.model if release else None)
    if explored is not None:
        read = ReadFrom(explored.source, explored.day, explored.known_on)
        yield from stood.facts(tool.name, read, ("explored", explored.known_on, ""), ("explored_findings", explored.findings, ""))
    closing = statistics.closed_by(state.root, state.operations, stood.as_of, stood.known_on)
    yield from closed_facts.of_tool(tool.name, closing)
    missing = tuple(one.quarter for one in closing.not_closed) if closing else ()
    yield from stood.facts(tool.name, stood.asked("statistics:names"), ("not_closed", missing, ""))
    if release is not None:
        yield from stood.facts(tool.name, stood.asked(f"release:{release.name}/{tool.name}.parquet"), ("without_charge", without_charge, "people"))


def _status(stood: AsStood, tool: str) -> Iterator[Fact]:
    held = [r for r in stood.rows("register_statuses") if r["tool"] == tool and r["from_on"] <= stood.as_of]
    held.sort(key=lambda r: (r["from_on"], r["id"]))
    asked = stood.asked(f"register:statuses/{tool}")
    if not held:
        yield from stood.facts(tool, asked, ("status", "shadow", ""), ("deployment", "never deployed", ""))
        return
    last, live = held[-1], [r for r in held if r["status"] in ("trial", "in use")]
    is_over = last["status"] == "stopped" and bool(live)
    since = ReadFrom(asked.source, last["from_on"], last["known_on"])
    yield from stood.facts(tool, since, ("status", last["status"], ""), ("status_since", last["from_on"], ""))
    stages = tuple({"status": r["status"], "from": r["from_on"], "reason": r["reason"] or "none given"} for r in held)
    deployment = "ended" if is_over else "running" if live else "never deployed"
    yield from stood.facts(tool, asked, ("stages", stages, ""), ("deployment", deployment, ""))
    if live:
        begun = ReadFrom(asked.source, live[0]["from_on"], live[0]["known_on"])
        yield from stood.facts(tool, begun, ("first_deployed", live[0]["from_on"], ""))
    yield from stood.facts(tool, since, ("ended", last["from_on"] if is_over else None, ""))
    first = min((r.origin for r in stood.of(tool)), default=None)
    if first is not None:
        is_older = bool(live) and live[0]["from_on"] < first
        yield from stood.facts(tool, stood.asked(f"{asked.source} and release:{tool}"), ("is_older_than_releases", is_older, ""))


def _words(stood: AsStood, tool: str) -> Iterator[Fact]:
    """Each field of the register: of the words written by the day of knowing, those that had begun by the day asked."""
    row = next((r for r in stood.rows("register_tools") if r["tool"] == tool), None)
    standing: dict[str, tuple[str, date, date]] = {}
    for one in sorted(json.loads(row["document"] or "{}").get("said", []) if row else [], key=lambda o: (o["from_on"], o["at"])):
        from_on, known = date.fromisoformat(one["from_on"]), stood.day(one["at"])
        if from_on <= stood.as_of and known <= stood.known_on and one["words"]:
            standing[one["field"]] = (one["words"], from_on, known)
    for field, (said, from_on, known) in standing.items():
        yield from stood.facts(tool, ReadFrom(f"register:words/{tool}/{field}", from_on, known), (field, said, ""))


def _papers(stood: AsStood, tool: str) -> Iterator[Fact]:
    held = [r for r in stood.rows("register_entries") if r["tool"] in (tool, None) and r["dated"] <= stood.as_of]
    for kind in (k for k in ENTRY_KINDS if f"tool.paper.{k}" in library().keys):
        own = sorted((r for r in held if r["kind"] == kind), key=lambda r: (r["dated"], r["id"]))
        if not own:
            continue
        rows = tuple(
            {
                "title": r["title"],
                "dated": r["dated"],
                "by": r["by_whom"],
                "reference": r["document_ref"],
                "conditions": r["conditions"],
                "review_by": r["review_by"],
                "outcome": r["outcome"],
            }
            for r in own
        )
        entered = ReadFrom("register:" + ",".join(str(r["id"]) for r in own), own[0]["dated"], max(r["known_on"] for r in own))
        yield from stood.facts(tool, entered, (f"paper.{kind}", rows, ""))


def _released(stood: AsStood, tool: str) -> Iterator[Fact]:
    held, newest = stood.of(tool), stood.newest(tool)
    if not held:
        return
    by = {s: sum(r.standing == s for r in held) for s in STANDINGS}
    yield from stood.facts(
        tool,
        stood.asked(f"release:{tool}"),
        ("releases", len(held), "releases"),
        ("releases_from", held[0].origin, ""),
        ("releases_to", held[-1].origin, ""),
        ("standings", tuple({"standing": STANDINGS[s], "releases": n} for s, n in by.items() if n), ""),
    )
    if newest is not None:
        yield from stood.facts(tool, stood.read_from(newest), ("release", newest.name, ""))


def _people_with_access(stood: AsStood, tool: PlacesTool | PeopleTool) -> Iterator[Fact]:
    wanted = {Action.VIEW_AREAS} if isinstance(tool, PlacesTool) else {Action.LIST_PEOPLE, Action.OPEN_PERSON_PSEUDONYMISED}
    roles = [role for role in ROLES if any(role in RULES[action].roles for action in wanted)]
    held = [r for r in stood.rows("user_roles") if r["known_on"] <= stood.as_of and not (r["ended_at"] and stood.day(r["ended_at"]) <= stood.as_of)]
    given = [r for r in stood.rows("training") if r["tool"] == tool.name and r["passed_on"] <= stood.as_of]
    trained = {r["account"] for r in given}
    rows = []
    for role in roles:
        accounts = {r["account"] for r in held if r["role"] == role.value}
        rows.append({"role": ROLES[role][0], "sees": ROLES[role][1], "people": len(accounts), "trained": len(accounts & trained)})
    units = tuple(sorted({r["unit"] for r in held if r["unit"]})) if isinstance(tool, PeopleTool) else ()
    yield from stood.facts(tool.name, stood.asked("register:user_roles"), ("access", tuple(rows), ""), ("units", units or None, ""))
    if not given:
        return
    kinds: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for r in given:
        kinds.setdefault((r["kind"], r["trainer"] or "not recorded", r["trainer_contact"] or "not recorded"), []).append(r)
    trainings = tuple(
        {
            "kind": sentence(kind.replace("_", " ")),
            "trainer": trainer,
            "contact": contact,
            "people": len({r["account"] for r in own}),
            "first": min(r["passed_on"] for r in own),
            "last": max(r["passed_on"] for r in own),
        }
        for (kind, trainer, contact), own in sorted(kinds.items())
    )
    yield from stood.facts(
        tool.name,
        ReadFrom("register:training", min(r["passed_on"] for r in given), max(r["known_on"] for r in given)),
        ("trained", trainings, ""),
        ("trainers", tuple(sorted({trainer for _, trainer, _ in kinds})), ""),
        ("trained_people", len(trained), "people"),
    )


def _feed(stood: AsStood, tool: PlacesTool | PeopleTool) -> Iterator[Fact]:
    how = {"folder": "a folder of files that the records system fills"}.get(stood.settings.feed.source, "a database of the records system")
    yield from stood.facts(tool.name, stood.of_settings, ("feed_source", how, ""))
    held = {r["id"]: r for r in stood.rows("deliveries") if r["standing"] == "loaded" and date.fromisoformat(r["made_at"][:10]) <= stood.as_of}
    files = [f for f in stood.rows("delivery_files") if f["delivery"] in held and COUNTS.get(f["table_name"]) == tool.kind]
    if not files:
        return
    sums: dict[str, dict[str, int]] = {}
    for f in files:
        received = f["received"] if f.get("made") is None else f["made"] + (f.get("unread") or 0)
        row = sums.setdefault(f["table_name"], dict.fromkeys(PARTS, 0))
        for part in PARTS:
            row[part] += received if part == "received" else f[part] or 0
    days = sorted(date.fromisoformat(held[f["delivery"]]["made_at"][:10]) for f in files)
    first = ReadFrom("log:deliveries", days[0], max(held[f["delivery"]]["known_on"] for f in files))
    rows = tuple({"table": table, **counts} for table, counts in sorted(sums.items()))
    yield from stood.facts(tool.name, first, ("feed", rows, "rows"), ("feed_from", days[0], ""))
    yield from stood.facts(tool.name, replace(first, valid_from=days[-1]), ("feed_to", days[-1], ""))


def answer_day(state: State, as_of: date, known_on: date | None, today: date) -> date:
    """The day of knowing: as asked; else the day itself, or today where the log had not begun by then."""
    if known_on is not None:
        return known_on
    begun = then.begun(state.operations, state.settings.force.timezone)
    return as_of if begun is None or begun <= as_of else max(today, as_of)
