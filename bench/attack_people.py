"""People's pages attacked: `make bench-attack_people`.

    python -m bench.attack_people [--references 1000] [--actions 10000] [--saves 1000] [--kills 10] [--only 21 28 32]

Prints each promise with the figure asked and the figure got; leaves with 1 if one is short. 21: references of another unit by
every role, against unknown ones, timing included. 28: actions of every kind, each of which must leave the events it stands
for and no other; then the log taken away. 32: decisions saved at once over HTTP while the server is killed.
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.web import invented_people as invented
from tests.web.conftest import granted

from bench.results import Row, saved
from harmcast.oversight.access import Role
from harmcast.store import case_reviews, schema
from harmcast.store.state import State

HARMCAST = Path(sys.executable).parent / "harmcast"
PEOPLE_ROLES = (Role.OFFENDER_MANAGER, Role.SUPERVISOR)
RESTRICTED = (7, 8, 67)
DIGITS = str.maketrans("0123456789", "abcdefghij")
ECHO = re.compile(r'name="seen" value="[^"]*"|P\d{5}|\d\d:\d\d|[0-9a-f]{12,}')  # what was asked for, when, and how long the log was
NAMED = re.compile(r"Invented Person (\d+)|\bP(\d{5})\b")


@contextmanager
def people_state(each: int) -> Iterator[State]:
    """A state with `each` people in either of two units and a user a role."""
    from bench.attacks import site

    usual, invented.EACH = invented.EACH, each
    try:
        with tempfile.TemporaryDirectory(prefix="harmcast-people-") as folder:
            state = site.make(Path(folder))
            web = state.settings.web.model_copy(update={"people_a_day": 10**6, "people_in_7_days": 10**6})  # budgets have a test of their own
            state.settings = state.settings.model_copy(update={"web": web})
            yield state
            state.close()
    finally:
        invented.EACH = usual


# -- 21: nobody of another unit --------------------------------------------------------------------------------------


@dataclass
class Foreign:
    """What came of asking for people of another unit. `times`: ns of a page of a foreign and of an unknown person, by role."""

    asked: int = 0
    leaks: list[str] = field(default_factory=list)
    differing: int = 0
    times: dict[str, tuple[list[int], list[int]]] = field(default_factory=dict)


def foreign(state: State, app: FastAPI, references: int) -> Foreign:
    """Every role asks for people of the other unit by page, search, decision, purpose, data error, sign-off and list."""
    from bench.attacks.site import client, csrf

    found = Foreign()
    keys = dict(state.person_keys().iter_rows())
    others = [(keys[invented.reference(n)], n) for n in range(invented.EACH, invented.EACH + references)]
    for role in Role:
        asker = client(app, role.value)
        token = csrf(asker)
        unknown = {way: _answer(asker, way, "a" * 24, "P99999", token) for way in WAYS}
        for number, (key, n) in enumerate(others):
            ways = (
                WAYS if number % 10 == 0 else ("page", "search", "pseudonymised") if role in PEOPLE_ROLES else ("page",)
            )
            for way in ways:
                status, text = _answer(asker, way, key, invented.reference(n), token)
                found.asked += 1
                if role not in PEOPLE_ROLES and way == "pseudonymised" and status == 200:
                    if _names(text):
                        found.leaks.append(f"{role.value} {way}")
                    continue
                if _names(text, echo=invented.reference(n)):
                    found.leaks.append(f"{role.value} {way}")
                found.differing += (status, ECHO.sub("", text)) != (unknown[way][0], ECHO.sub("", unknown[way][1]))
        if role in PEOPLE_ROLES:
            found.times[role.value] = _times(asker, [key for key, _ in others])
            found.leaks += _leaks_of_lists(asker, token)
    return found


WAYS = ("page", "search", "open", "decision", "data-error", "sign-off", "pseudonymised")


def _answer(asker: TestClient, way: str, key: str, reference: str, token: str) -> tuple[int, str]:
    sent = {"csrf": token, "purpose": "review", "error-words": "x", "find": reference}
    address = {
        "page": f"/people/{key}", "pseudonymised": f"/pseudonymised/{key}", "search": "/people/search", "open": f"/people/{key}/open",
        "decision": f"/people/{key}/decisions", "data-error": f"/people/{key}/data-errors", "sign-off": f"/people/{key}/decisions/1/sign-off",
    }[way]  # fmt: skip
    is_page = way in ("page", "pseudonymised")
    answer = asker.get(address) if is_page else asker.post(address, data=sent, follow_redirects=False)
    return answer.status_code, answer.text


def _names(text: str, echo: str = "") -> list[str]:
    """Names and references of people of the other unit in a text, but the reference that was asked for."""
    found = []
    for match in NAMED.finditer(text):
        number = int(match[1] or match[2])
        if invented.EACH <= number < 2 * invented.EACH and match[0] != echo:
            found.append(match[0])
    return found


def _times(asker: TestClient, keys: list[str]) -> tuple[list[int], list[int]]:
    """Times of the pages of foreign and of unknown people, in mixed order."""
    unknown = [f"{n:06d}".translate(DIGITS) * 4 for n in range(len(keys))]
    turns = [(0, key) for key in keys] + [(1, key) for key in unknown]
    random.Random(21).shuffle(turns)
    times: tuple[list[int], list[int]] = ([], [])
    for side, key in turns:
        begun = time.perf_counter_ns()
        asker.get(f"/people/{key}")
        times[side].append(time.perf_counter_ns() - begun)
    return times


def _leaks_of_lists(asker: TestClient, token: str) -> list[str]:
    """The list, its pages, its filters and the list that is downloaded."""
    addresses = [
        "/people",
        *(f"/people?at={n}" for n in range(2, 12)),
        "/people?band=high",
        "/people?changed=yes",
        "/unit-work",
        "/track-record/iom",
    ]
    texts = {address: asker.get(address).text for address in addresses}
    texts["CSV"] = asker.post("/exports", data={"csrf": token, "names": "no", "reason": "x"}).text
    return [f"list {where}" for where, text in texts.items() if _names(text)]


# -- 28: everything seen is logged -----------------------------------------------------------------------------------


def logged(state: State, app: FastAPI, actions: int) -> tuple[int, int, int]:
    """Actions of many kinds in random order: how many events they should have left, how many are missing, how many too many."""
    from bench.attacks.site import client, csrf

    one = random.Random(28)
    keys = dict(state.person_keys().iter_rows())
    own = [keys[invented.reference(n)] for n in range(invented.EACH) if n % 5 and n not in RESTRICTED][: case_reviews.SHOWN]  # who stand on the list
    other = [keys[invented.reference(n)] for n in range(invented.EACH, 2 * invented.EACH)]
    roles = ("offender_manager", "supervisor", "ethics_reviewer", "data_protection_officer", "intelligence_analyst")
    for key in own:  # a page without a name is opened once the officer granted it
        granted(state, key)
    clients = {name: client(app, name) for name in roles}
    tokens = {name: csrf(asker) for name, asker in clients.items()}
    first = state.operations.rows(sa.select(sa.func.max(schema.events.c.seq).label("seq")))[0]["seq"]
    due: Counter[tuple[str, str, str | None]] = Counter()
    for _ in range(actions):
        who, action, subject, address, form = _action(one, own, other)
        asker = clients[who]
        answer = asker.get(address) if form is None else asker.post(address, data={"csrf": tokens[who], **form})
        if action is not None and answer.status_code in (200, 404):
            due[who, action, subject] += 1
            if address.endswith("/open"):
                due[who, "purpose_given", subject] += 1
        elif action is not None:
            raise RuntimeError(f"{address}: {answer.status_code}")
    table = schema.events
    rows = state.operations.rows(sa.select(table.c.actor, table.c.action, table.c.subject).where(table.c.seq > first))
    got = Counter((row["actor"], row["action"], row["subject"]) for row in rows)
    return sum(due.values()), sum((due - got).values()), sum((got - due).values())


Action = tuple[str, str | None, str | None, str, dict[str, str] | None]


def _action(one: random.Random, own: list[str], other: list[str]) -> Action:
    """Who, which event it must leave (None: none), about whom, where, and the form if it is one."""
    key = one.choice(own)
    people = one.choice(("offender_manager", "supervisor"))
    choices: list[Action] = [
        (people, "person_viewed", key, f"/people/{key}", None),
        (people, "person_viewed", key, f"/people/{key}", None),
        (people, "person_not_found", None, f"/people/{one.choice(other)}", None),
        (people, "people_listed", None, f"/people?at={one.randint(1, 9)}", None),
        (people, "people_searched", None, "/people/search", {"find": f"Person {one.randint(1, 99)}"}),
        ("supervisor", "unit_work_viewed", None, "/unit-work", None),
        ("ethics_reviewer", "person_pseudonymised_viewed", key, f"/pseudonymised/{key}/open", {"purpose": "audit"}),
        ("ethics_reviewer", "register_viewed", None, "/register", None),
        ("data_protection_officer", "retention_viewed", None, "/retention", None),
        ("intelligence_analyst", "areas_viewed", None, "/areas/knife_injury", None),
        ("intelligence_analyst", "data_quality_viewed", None, "/data-quality", None),
        ("intelligence_analyst", None, None, "/about", None),
        (people, None, None, "/static/people.css", None),
    ]
    return one.choice(choices)


def refuses_without_log(state: State, app: FastAPI) -> tuple[int, int, int]:
    """With the log taken away: person pages asked for, those that still showed somebody, area pages that went on."""
    from bench.attacks.site import client, csrf
    from harmcast.errors import RunStopped
    from harmcast.store.operations import Operations

    def down(*_: object, **__: object) -> Any:
        raise RunStopped("The log cannot be written.", code="log_unavailable")

    key = dict(state.person_keys().iter_rows())[invented.reference(1)]
    manager, analyst, reviewer = (
        client(app, name) for name in ("offender_manager", "intelligence_analyst", "ethics_reviewer")
    )
    token, audit, usual = csrf(manager), {"csrf": csrf(reviewer), "purpose": "audit"}, Operations._append
    Operations._append = down  # type: ignore[method-assign]
    try:
        answers = [
            manager.get("/people"), manager.get(f"/people/{key}"), manager.post("/people/search", data={"csrf": token, "find": "Person"}),
            reviewer.post(f"/pseudonymised/{key}/open", data=audit), manager.post("/exports", data={"csrf": token, "names": "no", "reason": "x"}),
        ]  # fmt: skip
        areas = sum(
            analyst.get(address).status_code == 200 for address in ("/areas/knife_injury", "/areas/serious_violence")
        )
    finally:
        Operations._append = usual  # type: ignore[method-assign]
    shown = sum(a.status_code != 503 or "Invented Person" in a.text for a in answers)
    return len(answers), shown, areas


# -- 32: decisions are never lost or back-dated ----------------------------------------------------------------------


@dataclass
class Saved:
    """What came of the saves: told to their makers, and what stands in the database."""

    sent: int = 0
    told_saved: int = 0
    told_overtaken: int = 0
    cut_off: int = 0
    told_otherwise: int = 0
    lost: int = 0
    doubled: int = 0
    misdated: int = 0
    without_event: int = 0
    restarts: int = 0


def saves(state: State, count: int, kills: int, threads: int = 8) -> Saved:
    """Decisions about `count` people, a tenth of them twice from the same page, saved at once while the server is killed."""
    from bench.attacks import site

    app = site.application(state)
    keys = dict(state.person_keys().iter_rows())
    numbers = [n for n in range(invented.EACH) if n % 5 and n not in RESTRICTED]  # who stand on the list
    own = [keys[invented.reference(n)] for n in numbers][: max(1, round(count / 1.1))]
    writer = site.client(app, "supervisor")
    forms = [(key, _form(writer, key)) for key in own]
    jobs = forms + forms[: count - len(forms)]
    random.Random(32).shuffle(jobs)
    before = state.operations.rows(
        sa.select(sa.func.count().label("n")).where(schema.events.c.action == "decision_made")
    )[0]["n"]
    found = Saved(sent=len(jobs))
    told: dict[str, list[tuple[int, str, str]]] = {}
    server = _Server(state.root)
    cookie = {"harmcast": writer.cookies["harmcast"]}
    lock = threading.Lock()

    def one(job: tuple[str, dict[str, str]]) -> None:
        key, form = job
        begun = state.operations.now()
        try:
            with httpx.Client(base_url=server.address, cookies=cookie, timeout=30, trust_env=False) as asker:
                status = asker.post(f"/people/{key}/decisions", data=form).status_code
        except httpx.HTTPError:
            status = 0
            server.up.wait(60)
        with lock:
            told.setdefault(key, []).append((status, begun, state.operations.now()))

    stop = threading.Event()
    killer = threading.Thread(target=_kill_at_random, args=(server, kills, stop))
    killer.start()
    try:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(one, jobs))
    finally:
        stop.set()
        killer.join()
        server.end()
    found.restarts = server.starts - 1
    _judge(state, told, before, found)
    return found


def _form(writer: TestClient, key: str) -> dict[str, str]:
    text = writer.get(f"/people/{key}").text
    ticket = re.search(r'name="ticket" value="([^"]+)"', text)
    token = re.search(r'name="csrf" value="([0-9a-f]{64})"', text)
    review = {
        f"review-{part}": m[1]
        for part in ("day", "month", "year")
        if (m := re.search(rf'name="review-{part}"[^>]* value="(\d+)"', text))
    }
    return {
        "csrf": token[1] if token else "", "ticket": ticket[1] if ticket else "", "decision": "no_change", "reason": "known_support",
        "checks": "connect", "judgement": "same", "words": "seen", **review,
    }  # fmt: skip


class _Server:
    """`harmcast serve` in a process of its own, started again whenever it was killed."""

    def __init__(self, root: Path) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        self.root, self.address, self.up, self.starts = root, f"http://127.0.0.1:{self.port}", threading.Event(), 0
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [str(HARMCAST), "serve", str(self.root), "--port", str(self.port)], stderr=subprocess.DEVNULL
        )
        self.starts += 1
        for _ in range(600):
            try:
                httpx.get(f"{self.address}/about", timeout=2, trust_env=False)
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        self.up.set()

    def kill(self) -> None:
        self.up.clear()
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(30)


def _kill_at_random(server: _Server, kills: int, stop: threading.Event) -> None:
    one = random.Random(9)
    for _ in range(kills):
        if stop.wait(one.uniform(0.3, 2.5)):
            return
        server.kill()
        server.start()


def _judge(state: State, told: dict[str, list[tuple[int, str, str]]], before: int, found: Saved) -> None:
    """Each answer against what stands: told saved and there once, its date between asking and being told, with its event."""
    table, events = schema.decisions, schema.events
    rows = state.operations.rows(sa.select(table.c.person_key, table.c.at).order_by(table.c.id))
    kept: dict[str, list[str]] = {}
    for row in rows:
        kept.setdefault(row["person_key"], []).append(row["at"])
    for key, answers in told.items():
        good = [(begun, ended) for status, begun, ended in answers if status == 303]
        found.told_saved += len(good)
        found.told_overtaken += sum(status == 409 for status, *_ in answers)
        found.cut_off += sum(status == 0 for status, *_ in answers)
        found.told_otherwise += sum(status not in (0, 303, 409) for status, *_ in answers)
        stands = kept.get(key, [])
        found.lost += len(good) > len(stands)
        found.doubled += len(stands) > 1
        found.misdated += bool(
            good and stands and not any(begun <= at <= ended for begun, ended in good for at in stands)
        )
    found.misdated += sum(a["at"] > b["at"] for a, b in itertools.pairwise(rows))
    made = state.operations.rows(sa.select(events.c.subject, events.c.at).where(events.c.action == "decision_made"))[
        before:
    ]
    had = Counter((e["subject"], e["at"]) for e in made)
    stand = Counter((row["person_key"], row["at"]) for row in rows)
    found.without_event = sum(((had - stand) + (stand - had)).values())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--references", type=int, default=1000)
    parser.add_argument("--actions", type=int, default=10_000)
    parser.add_argument("--saves", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--only", nargs="*", type=int, default=[21, 28, 32])
    asked = parser.parse_args()
    short = 0
    with people_state(max(asked.references, asked.saves * 6 // 5) + 10) as state:
        from bench.attacks import site

        app = site.application(state)
        if 32 in asked.only:
            short |= saved("attack_people_32", _said_of_saves(saves(state, asked.saves, asked.kills)))
        if 21 in asked.only:
            short |= saved("attack_people_21", _said_of_foreign(foreign(state, app, asked.references)))
        if 28 in asked.only:
            due, missing, extra = logged(state, app, asked.actions)
            what = f"{asked.actions:,} actions that stand for {due:,} events: events"
            pages, shown, areas = refuses_without_log(state, app)
            rows = [
                _none(28, f"{what} missing", missing),
                _none(28, f"{what} too many", extra),
                _none(28, f"log unavailable: of {pages} person pages, those shown", shown),
                Row(28, "log unavailable: of 2 area pages, those that went on", "2", str(areas), areas == 2),
            ]
            short |= saved("attack_people_28", rows)
    return short


def _none(promise: int, what: str, got: int, more: str = "") -> Row:
    return Row(promise, what, "0", f"{got}{' ' + more if more else ''}", got == 0)


def _said_of_foreign(found: Foreign) -> list[Row]:
    from scipy.stats import mannwhitneyu

    asked = f"{found.asked:,} questions about people of another unit by every role"
    rows = [
        _none(21, f"{asked}: leaks", len(found.leaks), " ".join(sorted(set(found.leaks)))[:200]),
        _none(21, f"{asked}: answers that differ from an unknown reference's", found.differing),
    ]
    for role, times in found.times.items():
        p = float(mannwhitneyu(*times).pvalue)
        rows.append(Row(21, f"timing of {len(times[0]):,} foreign against unknown people, {role}, p of a rank test", "above 0.01", f"{p:.3f}", p > 0.01))
    return rows


def _said_of_saves(found: Saved) -> list[Row]:
    what = (
        f"{found.sent:,} saves at once, {found.restarts} kills: {found.told_saved:,} told saved, "
        f"{found.told_overtaken} told overtaken, {found.cut_off} cut off, {found.told_otherwise} refused"
    )
    return [_none(32, f"{what}: decisions {name.replace('_', ' ')}", getattr(found, name)) for name in ("lost", "doubled", "misdated", "without_event")]


if __name__ == "__main__":
    sys.exit(main())
