"""A hundred signed-in users at 300,000 people on a ground of 150,000 segments, a release published in the middle: `make bench-load`.

    python -m bench.load [--people 300000] [--users 100] [--seconds 180] [--keep]

`harmcast serve` runs as it ships, in a process of its own; the users are another. Each asks for a page every 5 to 15 seconds,
among those of their role. Asked: p95 at most 200 ms, p99 at most 500 ms, no error.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import multiprocessing
import random
import re
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import httpx
import polars as pl
import psutil

from bench import week as bench_week
from bench.out_of_shadow import bring_out
from bench.results import Row, saved
from harmcast.oversight.log import Event
from harmcast.publish import release_files as publishing
from harmcast.runs.refit import refit_people
from harmcast.runs.release_moves import publish_release
from harmcast.store import users as store_users
from harmcast.store.releases import NewTool
from harmcast.store.state import State, open_state
from harmcast.web.passwords import hashed
from harmcast.weeks import Week

ROOT = Path(__file__).resolve().parent.parent
HARMCAST = Path(sys.executable).parent / "harmcast"
PASSWORD = "a password of the bench"
TOOLS = ("knife_injury", "serious_violence", "iom")
ASKED_P95_MS, ASKED_P99_MS = 200.0, 500.0
PAST = 24
DECIDES = 0.3
SHARES = (("offender_manager", 0.55), ("supervisor", 0.12), ("intelligence_analyst", 0.25), ("ethics_reviewer", 0.08))


# -- the state -------------------------------------------------------------------------------------------------------


def make(folder: Path, people: int, users: int) -> list[tuple[str, str]]:
    """A force at work: its history and two weeks as the commands make them, 24 weeks before, and accounts: (account, role).

    The last week waits as a reviewed draft: `publish` lets it out. The weeks before the first real one repeat its scores, so that
    a person's half year is 26 releases long.
    """
    shutil.rmtree(folder, ignore_errors=True)
    force = bench_week.force(people, 10)
    deliveries = sorted((force / "deliveries").iterdir())
    folder.parent.mkdir(parents=True, exist_ok=True)
    bench_week.timed("init", str(folder), "--settings", str(force / "settings.toml"))
    bench_week.timed("load", str(folder), str(deliveries[0]))
    bench_week.timed("accept", str(folder), "--load", "1", "--reason", "bench")
    bench_week.timed("load", str(folder), str(deliveries[1]))
    state = open_state(folder)
    accounts = _accounts(state, users)
    _registered(state)
    scientist, supervisor = state.users.get("scientist"), state.users.get("supervisor")
    first = Week.of(bench_week.LAST_SUNDAY)
    refitted = refit_people(state, "iom", first.plus(-1).monday, scientist)
    publish_release(state, refitted.document["model"], supervisor, "bench", first.monday)
    state.close()
    for number, delivery in enumerate(deliveries[2:4]):
        monday = first.plus(number).monday
        bench_week.timed("week", str(folder), "--as-of", str(monday), "--from", str(delivery))
        state = open_state(folder)
        name = str(first.plus(number))
        publish_release(state, name, scientist, "bench", monday)
        if number == 0:
            publish_release(state, name, supervisor, "bench", monday)
        else:
            _weeks_before(state, first)
        state.close()
    (folder.parent / "accounts.json").write_text(json.dumps(accounts))
    return accounts


def _accounts(state: State, users: int) -> list[tuple[str, str]]:
    """`users` accounts in the shares of SHARES, the people's roles spread over the units by their size, and two releasers."""
    word = hashed(PASSWORD)
    sizes = state.records.persons()["unit"].drop_nulls().value_counts().sort("unit")
    weights = (sizes["count"] / sizes["count"].sum()).to_list()
    roles = [role for role, share in SHARES for _ in range(round(share * users))][:users]
    roles += ["offender_manager"] * (users - len(roles))
    units = random.Random(1).choices(sizes["unit"].to_list(), weights, k=users)
    accounts = [(f"user{n}", role) for n, role in enumerate(roles)]
    more = [("scientist", "data_scientist"), ("supervisor", "supervisor")]
    with state.operations.writing(Event("system", "administrator", "administration", "users_made")) as tx:
        for number, (account, role) in enumerate([*accounts, *more]):
            unit = units[number % users] if role in ("offender_manager", "supervisor") else None
            store_users.enter(tx, account, f"User {number}", password_hash=word)
            store_users.give(tx, account, role, unit, "system")
            for tool in TOOLS:
                store_users.train(tx, account, tool, kind="methodology", passed_on=date(2026, 1, 5), by="system")
    return accounts


def _registered(state: State) -> None:
    """Each tool in trial with the approvals it needs, none of them standing: two people let each week out."""
    for tool in TOOLS:
        bring_out(state, tool, "trial", date(2025, 1, 1))


def _weeks_before(state: State, first: Week) -> None:
    """24 releases before the first real one, with its tables but the long ones."""
    event = Event("system", "operator", "run", "release_made")
    made = {tool: state.releases.published(tool) for tool in TOOLS}
    release = made["iom"]
    assert release is not None
    kept = [n for n in release.manifest()["files"] if "/" not in n and not n.endswith((".csv", ".geojson", ".html", "_audit.json"))]
    files = {name: release.read(name) for name in kept}
    files["iom.parquet"] = publishing.parquet(pl.read_parquet(io.BytesIO(files["iom.parquet"])).with_columns(reasons=pl.lit(None, pl.String)))
    for back in range(PAST, 0, -1):
        week = first.plus(-back)
        about = {**release.manifest(), "week": str(week), "origin": week.origin.isoformat(), "as_of": week.origin.isoformat()}
        tools = [NewTool(tool, "published", model=found and found.model) for tool, found in made.items()]
        state.releases.keep(str(week), publishing.with_manifest(files, about), tools, origin=week.origin, as_of=week.origin, sequence=1, event=event)


def publish(folder: Path) -> None:
    """The second person lets the waiting week out, in a process of its own."""
    state = open_state(folder)
    waiting = Week.of(bench_week.LAST_SUNDAY).plus(1)
    publish_release(state, str(waiting), state.users.get("supervisor"), "bench", waiting.monday)
    state.close()


# -- the users -------------------------------------------------------------------------------------------------------


@dataclass
class Took:
    """One request: which page, ms, and whether it failed."""

    page: str
    ms: float
    at: float
    wrong: str | None


@dataclass
class Person:
    """One user with a browser of their own."""

    account: str
    role: str
    client: httpx.AsyncClient
    seed: int
    took: list[Took] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    csrf: str = ""
    decision: tuple[str, dict[str, str]] | None = None
    note: tuple[str, dict[str, str]] | None = None

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    async def sign_in(self) -> None:
        form = await self.client.get("/sign-in")
        token = re.search(r'name="form_token" value="([0-9a-f]{64})"', form.text)
        sent = {"form_token": token[1] if token else "", "account": self.account, "password": PASSWORD, "next": "/account"}
        answer = await self.client.post("/sign-in", data=sent)
        assert answer.status_code == 303, (self.account, answer.status_code)
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', (await self.client.get("/account")).text)
        self.csrf = found[1] if found else ""

    def _next(self) -> tuple[str, str, dict[str, str] | None]:
        """Name of the page, its address, and its form if it has one."""
        one = self.random
        tool = one.choice(TOOLS[:2])
        if self.role == "intelligence_analyst":
            area = [("area", f"/areas/{tool}", None), ("area by change", f"/areas/{tool}?sort=change", None),
                    ("briefing", f"/areas/{tool}/briefing", None), ("track record", f"/track-record/{tool}", None)]  # fmt: skip
            if self.cells:
                cell = one.choice(self.cells)
                area += [("cell", cell, None)] * 3
                area += [("note", *self.note)] if self.note else []
            return one.choice(area)
        if self.role == "ethics_reviewer":
            pages = [("register", "/register", None), ("track record", f"/track-record/{tool}", None), ("audit", "/audit/iom", None)]
            return one.choice(pages)
        if self.decision and one.random() < DECIDES:
            key, form = self.decision
            self.decision = None
            return "decision", f"/people/{key}/decisions", form
        people = [("people", "/people", None), ("people, later page", f"/people?at={one.randint(2, 40)}", None),
                  ("people by band", "/people?band=high", None),
                  ("search", "/people/search", {"csrf": self.csrf, "find": one.choice(("Smith", "a b", "CH", "PR0000", "and"))})]  # fmt: skip
        if self.keys:
            people += [("person", f"/people/{one.choice(self.keys)}", None)] * 5
        if self.role == "supervisor":
            people += [("unit work", "/unit-work", None)] * 2
        return one.choice(people)

    def _note(self, cell: str, text: str) -> tuple[str, dict[str, str]] | None:
        """The cell's form of a note filled in; None where there is none."""
        ticket = re.search(r'name="ticket" value="([^"]+)"', text)
        return (f"{cell}/notes", {"csrf": self.csrf, "ticket": ticket[1], "note": "Seen."}) if ticket else None

    def _decision(self, key: str, text: str) -> tuple[str, dict[str, str]] | None:
        """The page's form filled in, its review date as it stands; None where there is no form."""
        ticket = re.search(r'name="ticket" value="([^"]+)"', text)
        if ticket is None:
            return None
        form = {"csrf": self.csrf, "ticket": ticket[1], "decision": "no_change", "reason": "known_support", "checks": "connect",
                "judgement": "same", "words": "Seen."}  # fmt: skip
        for part in ("day", "month", "year"):
            stands = re.search(rf'name="review-{part}"[^>]* value="(\d+)"', text)
            form[f"review-{part}"] = stands[1] if stands else ""
        return key, form

    async def work(self, until: float) -> None:
        await asyncio.sleep(self.random.uniform(0, 10))
        while time.monotonic() < until:
            name, address, form = self._next()
            begun = time.perf_counter()
            wrong, text = None, ""
            try:
                answer = await (self.client.get(address) if form is None else self.client.post(address, data=form))
                text = answer.text
                if answer.status_code == 409 and name == "decision":
                    pass  # somebody else decided in between, and was told so
                elif answer.status_code not in (200, 303) or (answer.status_code == 303 and form is None):
                    wrong = f"status {answer.status_code}"
            except httpx.HTTPError as error:
                wrong = type(error).__name__
            self.took.append(Took(name, 1000 * (time.perf_counter() - begun), time.monotonic(), wrong))
            if name == "person" and wrong is None:
                self.decision = self._decision(address.rsplit("/", 1)[1], text)
            if name == "cell" and wrong is None:
                self.note = self._note(address, text)
            self.keys = re.findall(r'href="/people/([a-z2-7]{24})"', text) or self.keys
            if name.startswith("area"):
                self.cells = list(dict.fromkeys(re.findall(r"/areas/[a-z_]+/cells/E-?\d+N-?\d+", text)))[:25] or self.cells
            await asyncio.sleep(self.random.uniform(5, 15))


async def run(address: str, accounts: list[tuple[str, str]], seconds: float, folder: Path) -> tuple[list[Took], float]:
    """Everyone signs in, works for `seconds`; a release is published in the middle. Gives what was taken, and when it came out."""
    limits = httpx.Limits(max_connections=4)
    people = [
        Person(account, role, httpx.AsyncClient(base_url=address, timeout=60, limits=limits, trust_env=False), seed)
        for seed, (account, role) in enumerate(accounts)
    ]
    for person in people:
        await person.sign_in()
    until = time.monotonic() + seconds
    working = [asyncio.create_task(person.work(until)) for person in people]
    await asyncio.sleep(seconds / 2)
    publishing = multiprocessing.get_context("spawn").Process(target=publish, args=(folder,))
    publishing.start()
    await asyncio.gather(*working)
    publishing.join(60)
    for person in people:
        await person.client.aclose()
    return [took for person in people for took in person.took], until - seconds / 2


def served(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """`harmcast serve` as it ships, in a process of its own, once it answers; and its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    serving = subprocess.Popen([str(HARMCAST), "serve", str(folder), "--port", str(port)])
    address = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            httpx.get(f"{address}/sign-in", timeout=5, trust_env=False)
            break
        except httpx.HTTPError:
            time.sleep(0.2)
    return serving, address


def at_share(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def line(name: str, found: list[Took]) -> str:
    ms = [took.ms for took in found]
    return f"{name:22} {len(ms):6,} requests  p50 {at_share(ms, 0.5):6.0f}  p95 {at_share(ms, 0.95):6.0f}  p99 {at_share(ms, 0.99):6.0f}  most {max(ms):6.0f} ms"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=300_000)
    parser.add_argument("--users", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--keep", action="store_true", help="use the state of the last run, if there is one")
    asked = parser.parse_args()
    folder = ROOT / ".bench" / "load" / "state"
    kept = folder.parent / "accounts.json"
    if asked.keep and kept.is_file():
        accounts = [tuple(pair) for pair in json.loads(kept.read_text())]
    else:
        begun = time.perf_counter()
        accounts = make(folder, asked.people, asked.users)
        print(f"made {asked.people:,} people and {asked.users} users: {time.perf_counter() - begun:.0f} s", flush=True)
    used = folder.parent / "used"  # a copy: in the one that is kept, the week still waits for the next run
    shutil.rmtree(used, ignore_errors=True)
    shutil.copytree(folder, used)
    serving, address = served(used)
    try:
        found, published = asyncio.run(run(address, accounts, asked.seconds, used))  # type: ignore[arg-type]
        memory = psutil.Process(serving.pid).memory_info().rss / 1e9
        busy = psutil.Process(serving.pid).cpu_times()
    finally:
        serving.terminate()
        serving.wait(20)
    for name in sorted({took.page for took in found}):
        print(line(name, [took for took in found if took.page == name]))
    print(line("at once after release", [t for t in found if published <= t.at < published + 20] or found))
    print(line("all pages", found))
    ms = [took.ms for took in found]
    wrong = [took for took in found if took.wrong]
    p95, p99 = at_share(ms, 0.95), at_share(ms, 0.99)
    print(f"server: {memory:.1f} GB, {busy.user + busy.system:.0f} s of processor; {len(found) / asked.seconds:.1f} requests a second")
    for took in wrong[:10]:
        print(f"error: {took.page}: {took.wrong}")
    size = f"{len(found):,} pages, {asked.users} users, {asked.people:,} people, a ground of {bench_week.SEGMENTS:,} segments, a release in between"
    return saved(
        "load",
        [
            Row(19, f"p95 of {size}, ms", f"at most {ASKED_P95_MS:g}", f"{p95:.0f}", p95 <= ASKED_P95_MS),
            Row(19, f"p99 of {size}, ms", f"at most {ASKED_P99_MS:g}", f"{p99:.0f}", p99 <= ASKED_P99_MS),
            Row(19, "errors among them", "0", str(len(wrong)), not wrong),
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
