"""A state whose tools are in use, and whose people may leave for Qlik."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from bench.out_of_shadow import bring_out, enter
from tests.web import invented_people

from harmcast.errors import Fault
from harmcast.oversight.log import Event
from harmcast.publish import release_files as publishing
from harmcast.store import deliveries, desk
from harmcast.store.operations import Operations
from harmcast.store.releases import NewTool
from harmcast.store.state import State
from harmcast.store.users import Actor

ENTERED = Event("officer", "data_protection_officer", "administration", "register_entry")
WRITTEN = Actor("officer", "Officer", (("data_protection_officer", None),))


def in_use(state: State, today: date) -> State:
    """Every tool in use with its approvals, since a month ago."""
    since = today - timedelta(days=30)
    for tool in state.settings.tools:
        bring_out(state, tool.name, "in use", since)
    return state


def with_people(state: State, today: date) -> State:
    """The same state, its setting on and the entry made that lets people leave."""
    tool = state.settings.people_tool
    assert tool is not None
    enter(state, tool.name, "qlik_control", today - timedelta(days=30))
    web = state.settings.web.model_copy(update={"qlik_people": True, "base_url": "https://harmcast.force.example"})
    return replace(state, settings=state.settings.model_copy(update={"web": web}))


def decided(state: State, today: date) -> None:
    """Three decisions made the day before: two about one person of a unit's list, one about another; the first of each is a referral."""
    noon = datetime.combine(today - timedelta(days=1), time(12), UTC)
    then = Operations(state.operations.engine, state.secret, lambda: noon)
    key_of = dict(state.person_keys().select("person_ref", "person_key").iter_rows())
    first, second = (key_of[invented_people.reference(number)] for number in (1, 2))
    with then.writing(Event("sam", "offender_manager", "alteration", "decision_made")) as tx:
        for person, decision, reason, own in ((first, "refer", "escalating", "same"), (second, "refer", "recent_charge", "higher"), (first, "no_change", "known_support", "lower")):
            new = desk.NewDecision(
                person_key=person, week="2026-W46", release=1, unit="Brede Unit", model=None, band="high", decision=decision, reason_code=reason,
                checks=["connect"], own_judgement=own, review_on=today + timedelta(days=80), time_band="1 to 3 minutes", judged_first=False,
                words="", shown={}, after=desk.newest_number(tx.connection, person),
            )  # fmt: skip
            desk.decide(tx, new, "sam", "offender_manager")


def audited(state: State) -> None:
    """The newest release of two tools again, with an audit in it: of people by two attributes, with hidden figures; of places by fifth."""
    measured = ("scope", "attribute", "group", "is_reference", "against", "measure", "value", "low", "high", "ratio", "ratio_low", "ratio_high", "verdict")
    people = [
        (scope, attribute, group, group == first, "reference", measure, value, value and value - 0.0123, value and value + 0.0234, ratio, ratio and ratio / 1.2, ratio and ratio * 1.2, verdict)
        for scope in ("not managed", "records")
        for attribute, (first, second, third) in (("sex", ("male", "female", "not known")), ("age_band", ("25 to 34", "35 to 44", "45 to 54")))
        for measure in ("fpr", "fnr")
        for group, value, ratio, verdict in ((first, 0.0645, 1.0, "printed"), (second, 0.12345, 1.91395, "concern"), (third, None, None, None))
    ]
    places = [(n, 10.0 * n, 11 * n, *((None, None, None, None) if n == 5 else (1.1 + n / 1000, 0.905, 1.3049, "met"))) for n in range(1, 6)]
    _with_audit(state, "iom", "concern", measured, people)
    _with_audit(state, "knife_injury", "met", ("fifth", "expected", "recorded", "ratio", "ratio_low", "ratio_high", "verdict"), places)


def _with_audit(state: State, tool: str, verdict: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    release = state.releases.published(tool)
    assert release is not None
    said: dict[str, Any] = {name: value for name, value in release.manifest().items() if name not in ("files", "notice", "code_version")}
    files = {name: release.read(name) for name in release.manifest()["files"] if name.startswith(tool) or name == "scores.parquet"}
    document = {"verdict": verdict, "judged": 4, "findings": [], "tables": [{"title": "What was measured", "columns": columns, "rows": rows}], "thresholds": []}
    files[f"{tool}_audit.json"] = json.dumps(document).encode()
    made = [NewTool(tool, "published", model=release.model)]
    state.releases.keep(release.week, publishing.with_manifest(files, said), made, origin=release.origin, as_of=release.as_of, sequence=1, event=ENTERED)


def delivered(state: State) -> None:
    """A delivery of two tables with rows set aside, one that holds the same again, one that was refused unread."""
    at = "2026-11-16T05:00:00"
    about = {"content_sha256": "0" * 64, "complete": False, "sequence": 1, "document": "{}", "accepted_by": "rule", "accepted_at": at, "accept_reason": "", "mapping_sha256": None}
    counts = ("received", "loaded", "unchanged", "superseded", "quarantined", "left_out", "deleted", "waiting")
    rows = {
        ("one", "loaded"): [("crimes", (90, 80, 5, 1, 4, 0, 0, 0)), ("persons", (40, 30, 2, 0, 3, 5, 0, 0))],
        ("two", "again"): [("crimes", (90, 0, 90, 0, 0, 0, 0, 0))],
    }
    aside = [("crimes", Fault("date_unreadable", "crimes.csv", row=k, column="happened_from")) for k in range(4)]
    aside += [("persons", Fault("row_twice", "persons.csv", row=k)) for k in range(3)]
    with state.operations.writing(ENTERED) as tx:
        for (name, standing), files in rows.items():
            held = [{"file": f"{table}.csv", "table_name": table, "columns": "[]", "notes": "{}", **dict(zip(counts, found, strict=True))} for table, found in files]
            deliveries.note(tx, {**about, "delivery_id": name, "made_at": at, "standing": standing}, held, aside if name == "one" else [])
        deliveries.note_refused(tx, "three", "sha256_differs", [])
