"""A site to attack: an invented state whose areas, names and words came from payloads, and a client for each role."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.web import invented_people, invented_releases

from bench.attacks.payloads import Payload
from harmcast.oversight.access import Role
from harmcast.oversight.log import Event
from harmcast.store import sessions
from harmcast.store.state import State
from harmcast.web import app as apps

UNIT = invented_people.UNIT
TOOLS = ("knife_injury", "serious_violence", "iom")
RUN = Event("system", "operator", "run", "release_made")

_UNSAID = {
    "persons.csv": ["died_on", "ethnicity_officer", "ethnicity_self", "merged_into", "review_due_on", "sex"],
    "charges.csv": ["outcome_on"],
    "crimes.csv": ["happened_to"],
    "circumstances.csv": ["to_on"],
}


def delivery(folder: Path, sent: Sequence[Payload]) -> Path:
    """A delivery of people whose names, crimes whose areas and circumstances whose words are payloads."""
    folder.mkdir(parents=True)
    when = "2026-11-10T08:00:00"
    tables: dict[str, list[dict[str, object]]] = {
        "persons.csv": [
            {"person_ref": f"Q{n:05d}", "name": p.text, "born_on": "1990-01-01", "unit": UNIT, "review_group": 3, "restricted": "false", "changed_at": when}
            for n, p in enumerate(sent)
        ],
        "charges.csv": [
            {"charge_ref": f"C{n:05d}", "person_ref": f"Q{n:05d}", "crime_ref": f"K{n:05d}", "offence_code": "008/06", "happened_on": "2026-10-01", "charged_on": "2026-10-05", "outcome": "charged", "changed_at": when}
            for n, _ in enumerate(sent)
        ],
        "crimes.csv": [
            {"crime_ref": f"K{n:05d}", "offence_code": p.text if n % 3 == 0 else "008/06", "happened_from": f"2026-{n % 9 + 1:02d}-{n % 28 + 1:02d}T{n % 24:02d}:10:00", "recorded_at": f"2026-10-{n % 28 + 1:02d}T{n % 24:02d}:30:00", "changed_at": when, "status": "recorded", "easting_m": 405000 + n * 7 % 900, "northing_m": 285000 + n * 13 % 900, "weapon": "knife", "injury": "minor", "area": p.text}
            for n, p in enumerate(sent)
        ],
        "circumstances.csv": [
            {"person_ref": f"Q{n:05d}", "kind": "managed" if n % 2 else "cohort", "value": p.text, "from_on": "2026-10-01", "source": p.text}
            for n, p in enumerate(sent)
        ],
    }  # fmt: skip
    files = {}
    for name, rows in tables.items():
        with (folder / name).open("w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, list(rows[0]) + _UNSAID[name], restval="", quoting=csv.QUOTE_ALL)
            writer.writeheader()
            writer.writerows(rows)
        files[name] = {"rows": len(rows), "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest()}
    about = {"delivery_id": "attack", "made_at": "2026-11-15T06:00:00", "complete": False, "files": files}
    (folder / "manifest.json").write_text(json.dumps(about))
    return folder


def make(folder: Path, areas: Sequence[str] = ()) -> State:
    """A small state with a user a role; `areas` are the names of its policing areas."""
    before = invented_releases.AREAS
    invented_releases.AREAS = tuple(areas) or before
    try:
        state = invented_releases.make_state(folder / "state", releases=10, across_m=10_000.0)
    finally:
        invented_releases.AREAS = before
    for role in Role:
        unit = UNIT if role in (Role.OFFENDER_MANAGER, Role.SUPERVISOR) else None
        invented_releases.user(state.operations, role.value, role, unit, TOOLS)
    invented_people.add_people(state)
    return state


def client(app: FastAPI, account: str) -> TestClient:
    """A client signed in as the user of a role."""
    state: State = app.state.harmcast
    held = state.users.roles_of(account)[0]
    with state.operations.writing(Event(account, held.role.value, "administration", "signed_in")) as tx:
        token = sessions.begin(tx, account, held.role, held.unit, state.settings.web)
    found = TestClient(app, raise_server_exceptions=False)
    found.cookies.set("harmcast", token)
    return found


def carried(client: TestClient) -> dict[str, str]:
    """What every form carries: the session's token, and what its page had seen of the log."""
    text = client.get("/account").text
    return {name: found[1] for name in ("csrf", "seen") if (found := re.search(rf'name="{name}" value="([^"]+)"', text))}


def csrf(client: TestClient) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get("/account").text)
    return found[1] if found else ""


def application(state: State) -> FastAPI:
    return apps.create_app(state)
