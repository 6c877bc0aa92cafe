"""Payloads through the feed and through the forms, into pages, exports and the log. Asked: 0 run, exports neutral.

Through the feed: names of people, words of circumstances, areas and codes of crimes, names of policing areas in a release.
Through forms: notes, recommendations, users, trainings, searches, decisions, reports of errors, sign-in names.
"""

from __future__ import annotations

import itertools
import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.web import invented_people

from bench.accepted import load_accepted
from bench.attacks import site
from bench.attacks.looking import csv_faults, page_faults
from bench.attacks.payloads import MARK, Payload
from harmcast import tables
from harmcast.store import schema
from harmcast.store.state import State
from harmcast.store.verify import verify


@dataclass
class Injected:
    """What came of the payloads: how many were sent each way, pages and exports looked at, and each fault."""

    by_form: int = 0
    by_feed: int = 0
    pages: int = 0
    exports: int = 0
    faults: list[str] = field(default_factory=list)

    def look(self, where: str, response: Any) -> str:
        """Checks one answer and gives its text."""
        self.pages += 1
        if response.status_code >= 500:
            self.faults.append(f"{where}: status {response.status_code}")
        self.faults += [f"{where}: {fault}" for fault in page_faults(response.text)]
        return str(response.text)


class Lines(logging.Handler):
    """Keeps what the service writes to its own log."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def inject(folder: Path, sent: Sequence[Payload]) -> Injected:
    """Sends every payload through the feed and through a form, then looks at what the service shows and writes."""
    found = Injected()
    lines = Lines()
    logging.getLogger().addHandler(lines)
    areas = [payload.text for payload in sent[:24]]
    state = site.make(folder, areas=areas)
    through_the_feed(state, folder, sent, found)
    app = site.application(state)
    through_forms(app, sent, found)
    look_at_pages(app, found)
    look_at_exports(app, found)
    look_at_records(state, found, lines.lines)
    logging.getLogger().removeHandler(lines)
    state.close()
    return found


def through_the_feed(state: State, folder: Path, sent: Sequence[Payload], found: Injected) -> None:
    """Loads a delivery of payloads, and publishes a release of the people in it."""
    feed = state.settings.feed.model_copy(update={"quarantine_max_share": 1.0})  # rows with control marks are set aside
    load_accepted(replace(state, settings=state.settings.model_copy(update={"feed": feed})), site.delivery(folder / "delivery", sent))
    found.by_feed = len(sent)
    refs = state.person_keys().filter(pl.col("person_ref").str.starts_with("Q"))
    rng = np.random.default_rng(1)
    rows = [
        {"person_key": key, "unit": site.UNIT, "band_last_week": None, **invented_people._person(1 + int(ref[1:]) % 4, 3, rng)}
        for ref, key in refs.iter_rows()
    ]
    names = [c.name for c in tables.SCORED_PEOPLE.columns]
    frame = pl.DataFrame(rows, schema_overrides={"band_last_week": pl.String}, infer_schema_length=None)
    invented_people._release(state, 4, frame.select(names).sort("person_key"))


def through_forms(app: FastAPI, sent: Sequence[Payload], found: Injected) -> None:
    """Every payload through one form, the forms taking turns; each answer is looked at."""
    state: State = app.state.harmcast
    cells = [str(c) for c in state.releases.published("knife_injury").frame("knife_injury")["cell"][:40]]
    keys = state.person_keys().filter(pl.col("person_ref").str.starts_with("Q"))["person_key"].to_list()
    analyst, boss, manager = (site.client(app, who) for who in ("intelligence_analyst", "administrator", "offender_manager"))
    tokens = {id(who): site.csrf(who) for who in (analyst, boss, manager)}
    cell, key = itertools.cycle(cells), itertools.cycle(keys or ["none"])

    def forms(text: str) -> list[tuple[TestClient, str, dict[str, str]]]:
        at, who = next(cell), next(key)
        return [
            (analyst, f"/areas/knife_injury/cells/{at}/notes", {"note": text}),
            (analyst, f"/areas/knife_injury/cells/{at}/recommendations", {"recommendation": text}),
            (boss, "/users", {"account": f"u{len(text)}", "name": text, "role": "supervisor", "unit": text}),
            (boss, "/users/ethics_reviewer/training", {"tool": "iom", "kind": "methodology", "trainer": text, "contact": text, "passed-day": "1", "passed-month": "6", "passed-year": "2026"}),
            (manager, "/people/search", {"find": text[:100]}),
            (manager, f"/people/{who}/data-errors", {"words": text}),
            (manager, f"/people/{who}/decisions", {"decision": "no_change", "reason": text, "words": text, "judgement": "same"}),
            (boss, "/users/" + "untrained" + "/roles", {"role": text, "unit": text}),
        ]  # fmt: skip

    for number, payload in enumerate(sent):
        client, address, form = forms(payload.text)[number % 8]
        answer = client.post(address, data={"csrf": tokens[id(client)], **_ticket(client, address), **form}, follow_redirects=True)
        found.look(f"form {address.split('/')[1]} {payload.kind}", answer)
        found.by_form += 1
        if number % 10 == 0:
            query = TestClient(app, raise_server_exceptions=False)
            found.look(f"address {payload.kind}", query.get("/sign-in", params={"next": payload.text}))
            found.look(f"query {payload.kind}", analyst.get("/areas/knife_injury", params={"area": payload.text, "sort": payload.text}))


def _ticket(client: TestClient, address: str) -> dict[str, str]:
    """The ticket of the page that a form stands on, where it has one."""
    page = client.get(address.rsplit("/", 1)[0], follow_redirects=False)
    found = re.search(r'name="ticket" value="([^"]+)"', page.text) if page.status_code == 200 else None
    return {"ticket": found[1]} if found else {}


def look_at_pages(app: FastAPI, found: Injected) -> None:
    """Every page that shows what was sent."""
    state: State = app.state.harmcast
    analyst, boss, manager = (site.client(app, who) for who in ("intelligence_analyst", "administrator", "offender_manager"))
    tool = "knife_injury"
    for cell in state.releases.published(tool).frame(tool)["cell"][:40]:
        found.look("cell page", analyst.get(f"/areas/{tool}/cells/{cell}"))
    for address in (f"/areas/{tool}", f"/areas/{tool}?sort=area", f"/areas/{tool}/briefing", f"/track-record/{tool}", "/data-quality"):
        found.look(address, analyst.get(address))
    for address in ("/users", "/users/ethics_reviewer"):
        found.look(address, boss.get(address))
    keys: list[str] = []
    at, text = 1, ""
    while at == 1 or (f"at={at}" in text and at < 200):
        text = found.look("people", manager.get("/people", params={"at": at}))
        keys += re.findall(r'href="/people/([a-z2-7]{24})"', text)
        at += 1
    for key in list(dict.fromkeys(keys))[:100]:
        found.look("person", manager.get(f"/people/{key}"))


def look_at_exports(app: FastAPI, found: Injected) -> None:
    """What leaves as a file: areas as CSV and GeoJSON, people with names as CSV, its file name included."""
    analyst, manager, second = (site.client(app, who) for who in ("intelligence_analyst", "offender_manager", "supervisor"))
    answers = [analyst.get("/areas/knife_injury/download.csv")]
    asked = {"csrf": site.csrf(manager), "names": "yes", "reason": "=1+1", "band": ""}
    manager.post("/exports", data=asked)
    state: State = app.state.harmcast
    number = state.operations.rows(sa.select(sa.func.max(schema.export_requests.c.id).label("n")))[0]["n"]
    second.post(f"/exports/{number}/decision", data={"csrf": site.csrf(second), "answer": "granted"})
    answers.append(manager.post(f"/exports/{number}/download", data={"csrf": site.csrf(manager)}))
    for answer in answers:
        found.exports += 1
        disposition = answer.headers.get("content-disposition", "")
        if answer.status_code != 200 or not re.fullmatch(r'attachment; filename="[A-Za-z0-9._-]+"', disposition):
            found.faults.append(f"export: status {answer.status_code}, file name {disposition!r}")
        found.faults += [f"export: {fault}" for fault in csv_faults(answer.content)]
    geo = analyst.get("/areas/knife_injury/download.geojson")
    found.exports += 1
    json.loads(geo.content)


def look_at_records(state: State, found: Injected, lines: Sequence[str]) -> None:
    """The database still holds its tables and an unbroken log, and no line of the service's log was forged."""
    for table in (schema.users, schema.events, schema.cell_notes, schema.sessions):
        if state.operations.rows(sa.select(sa.func.count().label("n")).select_from(table))[0]["n"] == 0:
            found.faults.append(f"the table {table.name} is empty")
    if not verify(state, None).is_whole:
        found.faults.append("the log's chain is broken")
    standing = {row["standing"] for row in state.operations.rows(sa.select(schema.users.c.standing))}
    if standing != {"active"}:
        found.faults.append("an account changed its standing")
    found.faults += ["a line of the service's log holds a payload" for line in lines if MARK in line or "\n" in line]
    for entry in state.operations.entries():
        if any(c in (entry.actor + entry.action + (entry.object or "")) for c in "\r\n\x1b"):
            found.faults.append("an entry of the log holds a control mark")
