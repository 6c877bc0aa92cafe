"""Open work held to its word: every state of every kind reached and left, who sees it, that only its own record moves it on, how long
it stood open, and how many presses each way takes in a browser. One small invented state, moved by a clock.

    make bench-work            python -m bench.work [--no-browser]
"""

from __future__ import annotations

import json
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import uvicorn
from fastapi.testclient import TestClient
from tests.web import invented_people

from bench import results
from bench.attacks import site
from bench.results import Row
from harmcast.oversight import log
from harmcast.oversight.access import Role
from harmcast.oversight.findings import Finding
from harmcast.oversight.log import Event
from harmcast.publish import release_files
from harmcast.store import codes, desk, keys, proposals, representations, schema, work
from harmcast.store.operations import Operations
from harmcast.store.reads import open_work
from harmcast.store.releases import NewTool
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.store.work import Item
from harmcast.web import app as apps

A, M, S, D, E, P, U = Role
RUN = Event("system", "operator", "run", "week_made")
# Who has each open state, by hand: a state that no line names fails.
OWNERS: dict[tuple[str, str], str] = {
    ("recommendation", "waits"): "A", ("recommendation", "deferred"): "A", ("recommendation", "adopted"): "A", ("recommendation", "adopted_in_part"): "A",
    ("referral", "waits"): "S", ("referral", "not_agreed"): "M", ("referral", "agreed"): "M", ("referral", "offered"): "M", ("referral", "taken_up"): "M",
    ("moved_up", "waits"): "M", ("review", "due"): "M", ("review", "overdue"): "M",
    **{(kind, "received"): "P" for kind in ("objection", "data_error", "complaint")},
    **{(kind, "looked_at"): "P" for kind in ("objection", "data_error", "complaint")},
    **{(kind, "upheld"): "D" for kind in ("objection", "data_error", "complaint")},
    ("release", "draft"): "D", ("release", "held"): "D", ("release", "reviewed"): "S", ("model", "candidate"): "D",
    ("finding", "open"): "E", ("finding", "proposed"): "S", ("finding", "stands"): "D",
    ("approval", "missing"): "P", ("approval", "review_due"): "P", ("approval", "lapsed"): "P", ("approval", "refused"): "E",
    ("delivery", "refused"): "D", ("delivery", "late"): "D", ("delivery", "waiting"): "D", ("download", "waits"): "S", ("erasure", "waits"): "E", ("case_review", "waits"): "P", ("role", "waits"): "S",
}  # fmt: skip
OF_TIME = {("review", "due"), ("finding", "lifted"), ("approval", "review_due")}  # states that a day may end, besides what opens with one
CONCERN = Finding("concern", "knife_injury", "false_high/deprivation/1/over", "Too often wrong in the poorest fifth.", 4.1, 2.0, 2.1)
STOP = Finding("stop", "knife_injury", "missed/deprivation/1/over", "Twice the limit.", 9.0, 2.0, 4.5)
MOST_PRESSES = {
    "tasking's answer": 2, "recommend": 3, "briefing": 2, "decide on who moved up": 2, "see a refused referral": 0, "sign off": 2, "answer a finding": 3,
    "subject report": 3,
}  # fmt: skip


class Clock:
    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        self.at += timedelta(milliseconds=5)
        return self.at


class World:
    """A state, its pages and a clock; what was seen of its open work at each step."""

    def __init__(self, folder: Path) -> None:
        made = site.make(folder)
        invented_people.charge_all(made)
        published = made.releases.published("iom")
        assert published is not None
        assert published.published_at is not None
        self.clock = Clock(log.moment(published.published_at) + timedelta(hours=1))
        self.state: State = replace(made, operations=Operations(made.operations.engine, made.secret, self.clock))
        self.web = apps.create_app(self.state)
        self.reached: set[tuple[str, str]] = set()
        self.left: set[tuple[str, str]] = set()
        self.faults: list[str] = []
        self.supervisors: set[str] = set()  # people who are the supervisor's alone
        self.open_days: dict[str, list[int]] = {}
        self._before: dict[tuple[str, int, str], Item] = {}
        self.look("the beginning", work.KINDS)

    @property
    def today(self) -> date:
        return self.clock.at.date()

    def items(self) -> list[Item]:
        return list(open_work.read(self.state, self.today).items)

    def look(self, after: str, may_move: Collection[str], of_time: bool = False) -> None:
        """Notes every state; a state of a kind that this step does not touch must be as it was."""
        read = open_work.read(self.state, self.today)
        if read.unread:
            self.faults.append(f"{after}: {read.unread} not read")
        now = {(i.kind, i.number, f"{i.tool} {i.about}" if i.kind in ("finding", "approval", "delivery", "moved_up") else ""): i for i in read.items}
        for name, item in now.items():
            self.reached.add((item.kind, item.key))
            was = self._before.get(name)
            if was is not None and was.key != item.key:
                self.left.add((was.kind, was.key))
                allowed = item.kind in may_move or (of_time and (was.kind, was.key) in OF_TIME)
                if not allowed:
                    self.faults.append(f"{after}: {item.kind} {was.key} became {item.key}")
                if was.is_open and not item.is_open and item.closed_on is not None:
                    self.open_days.setdefault(item.kind, []).append((item.closed_on - item.opened_on).days)
            if item.is_open:
                self._whose(after, item, read.rules)
        for name in self._before.keys() - now.keys():
            gone = self._before[name]
            self.left.add((gone.kind, gone.key))
            if gone.is_open and gone.kind not in may_move and not of_time:
                self.faults.append(f"{after}: {gone.kind} {gone.key} is gone without a word")
        self._before = now

    def _whose(self, after: str, item: Item, rules: work.WorkRules) -> None:
        letter = OWNERS.get((item.kind, item.key), "")
        is_supervisors = item.about in self.supervisors or item.unit != site.UNIT  # the other unit has no offender manager
        expected = S if letter == "M" and is_supervisors else dict(zip("AMSDEPU", Role, strict=True)).get(letter)
        if item.kind == "release" and item.key == "reviewed":
            expected = item.owner if item.owner in (S, D) else None
        if item.kind == "approval":
            expected = E if item.about == "ethics" else P
        seen = [role for role in Role if any(i is item for i in work.desk_of([item], role, item.unit, rules).mine)]
        if seen != [expected]:
            self.faults.append(f"{after}: {item.kind} {item.key} is seen by {[r.value for r in seen]}, not by {expected}")

    def days(self, days: int) -> None:
        self.clock.at += timedelta(days=days)
        self.look(f"{days} days", ("delivery", "approval", "finding"), of_time=True)

    def client(self, role: Role) -> TestClient:
        return site.client(self.web, role.value)

    def ticket(self, role: Role, address: str) -> str:
        """What the forms of a page carry; somebody off the list is opened for a purpose first."""
        client = self.client(role)
        text = client.get(address).text
        if 'name="ticket"' not in text:
            text = client.post(f"{address}/open", data={"csrf": site.csrf(client), "purpose": "review"}).text
        return text.split('name="ticket" value="')[1].split('"')[0]

    def post(self, role: Role, address: str, moves: Collection[str], **form: str) -> None:
        """Sends a form as somebody of a role, and looks; a form that is not taken is a fault."""
        client = self.client(role)
        if address.startswith("/people/"):
            form["ticket"] = self.ticket(role, "/".join(address.split("/")[:3]))
        answer = client.post(address, data={**site.carried(client), **{k.replace("__", "-"): v for k, v in form.items()}}, follow_redirects=False)
        if answer.status_code not in (200, 303):
            self.faults.append(f"POST {address} as {role.value}: {answer.status_code}")
        self.look(f"POST {address}", moves)

    def code(self, role: Role, command: str) -> str:
        """A second person's code for a form that takes two."""
        with self.state.operations.writing(Event(role.value, role.value, "administration", "code_drawn")) as tx:
            return codes.draw(tx, role.value, command)

    def write(self, what: str, moves: Collection[str], make: Callable[[Any], Any]) -> None:
        with self.state.operations.writing(Event("bench", "operator", "run", what)) as tx:
            make(tx)
        self.look(what, moves)

    def day(self, name: str, on: date) -> dict[str, str]:
        return {f"{name}-day": str(on.day), f"{name}-month": str(on.month), f"{name}-year": str(on.year)}

    def key(self, number: int) -> str:
        found = keys.key_of(self.state.operations, invented_people.reference(number))
        assert found is not None
        return found


# -- what people do --------------------------------------------------------------------------------


def recommend(world: World, tool: str, cell: str) -> None:
    """A recommendation by the form of the place, with the ticket that its page gave."""
    here = f"/areas/{tool}/cells/{cell}"
    asked = {"place": "Green, south side", "time": "Friday, 20 to 02", "recommendation": "Late turns.", "asked": "Two officers on foot."}
    world.post(A, f"{here}/recommendations", {"recommendation"}, ticket=world.ticket(A, here), **asked)


def recommendations(world: World) -> None:
    release = world.state.releases.published("knife_injury")
    assert release is not None
    cells = release.frame("knife_injury").sort("expected", descending=True)["cell"].head(7).to_list()
    for cell in cells:
        recommend(world, "knife_injury", cell)
    numbers = sorted(i.number for i in world.items() if i.kind == "recommendation")

    def record(number: int, step: str, choice: str, **more: str) -> None:
        newest = max((i["id"] for i in world.state.operations.rows(schema.tasking.select().where(schema.tasking.c.about == number))), default=0)
        world.post(A, f"/recommendations/{number}", {"recommendation"}, step=step, choice=choice, newest=str(newest), words="As asked.", **world.day("on", world.today), **more)

    record(numbers[0], "outcome", "not_adopted")
    record(numbers[1], "outcome", "deferred", **world.day("until", world.today + timedelta(days=7)))
    record(numbers[1], "outcome", "adopted")
    for number, how in zip(numbers[2:6], ("done", "done_in_part", "not_done", "not_known"), strict=True):
        record(number, "outcome", "adopted_in_part" if how == "done" else "adopted")
        record(number, "done", how)
    world.days(3)


def decide(world: World, number: int, decision: str, review: date, moves: Collection[str] = ("referral", "moved_up", "review")) -> int:
    key, release = world.key(number), world.state.releases.history("iom")[-1]

    def make(tx: Any) -> int:
        new = desk.NewDecision(
            key, release.week, release.id, site.UNIT, release.model, "high", decision, "recent_charge", ["connect"], "same", review, "1 to 3 minutes", False,
            "as looked at", {}, desk.newest_number(tx.connection, key),
        )  # fmt: skip
        return desk.decide(tx, new, "offender_manager", "offender_manager")

    made: list[int] = []
    world.write("decision_made", moves, lambda tx: made.append(make(tx)))
    return made[0]


def people(world: World) -> None:
    far = world.today + timedelta(weeks=12)
    first = decide(world, 2, "refer", far)
    world.post(S, f"/people/{world.key(2)}/decisions/{first}/sign-off", {"referral"}, sign="not_agreed", **{"sign-words": "Ask probation."})
    second = decide(world, 2, "refer", far)
    for number, steps in ((2, ("offered", "taken_up", "ended")), (3, ("declined",))):
        referral = second if number == 2 else decide(world, number, "refer", far)
        world.post(S, f"/people/{world.key(number)}/decisions/{referral}/sign-off", {"referral"}, sign="agreed")
        for step in steps:
            world.post(M, f"/people/{world.key(number)}/decisions/{referral}/follow-ups", {"referral", "review"}, step=step, **world.day("happened", world.today))
    decide(world, 10, "no_change", world.today + timedelta(days=5))
    world.days(6)
    decide(world, 10, "no_change", far)


def objections(world: World) -> None:
    for kind in ("objection", "data_error", "complaint"):
        for end in ("upheld", "not_upheld", "withdrawn"):
            made: list[int] = []
            person = world.key(11)
            world.write("received", {kind}, lambda tx, kind=kind, made=made, person=person: made.append(representations.receive(tx, person, "iom", kind, world.today, "person", "Wrong.", "data_protection_officer", "data_protection_officer")))  # fmt: skip
            step = f"/representations/{made[0]}/steps"
            world.post(P, step, {kind}, **{f"step-{made[0]}": "looked_at"})
            world.post(P, step, {kind}, **{f"step-{made[0]}": "outcome", f"outcome-{made[0]}": end, f"words-{made[0]}": "As found."})


def week(world: World, tools: list[NewTool], change: Callable[[pl.DataFrame], pl.DataFrame] | None = None) -> str:
    """A release of the week after the newest one, with the newest people's scores, changed."""
    newest = max(world.state.releases.names())
    label = newest.split("-r")[0]
    year, number = int(label[:4]), int(label[6:])
    named = f"{year}-W{number + 1:02d}"
    files = {}
    if any(tool.tool == "iom" for tool in tools):
        frame = world.state.releases.history("iom")[-1].frame("iom").with_columns(band_last_week="band")
        files["iom.parquet"] = release_files.parquet(change(frame) if change else frame)
    manifest = {"week": named, "origin": world.today.isoformat(), "as_of": world.today.isoformat(), "tools": {}}
    world.state.releases.keep(
        named, release_files.with_manifest(files, manifest), tools, origin=world.today, as_of=world.today, sequence=1, event=RUN
    )
    return named


ALL_OF_A_RELEASE = ("release", "finding", "moved_up", "referral", "review", "objection", "data_error", "complaint")


def released(world: World) -> None:
    week(world, [NewTool("knife_injury", "draft")])
    world.look("a draft", ALL_OF_A_RELEASE)
    held = week(world, [NewTool("knife_injury", "held", [CONCERN, STOP])])
    world.look("a held week", ALL_OF_A_RELEASE)
    field = f"lift-{held}-{CONCERN.id}"
    until = world.today + timedelta(days=4)
    world.post(E, f"/releases/{held}/findings/{CONCERN.id}", {"finding"}, **{field: "Known.", f"{field}-condition": "Until the fifth is mended."}, **world.day(f"{field}-until", until))
    world.post(S, f"/releases/{held}/findings/{CONCERN.id}", {"finding"}, **{field: "Agreed."})
    world.days(6)
    world.post(D, f"/releases/{held}/withdraw", ALL_OF_A_RELEASE, **{f"reason-{held}": "Made again."})
    again = week(world, [NewTool("knife_injury", "held", [CONCERN])])
    world.look("held again", ALL_OF_A_RELEASE)
    clean = week(world, [NewTool("knife_injury", "draft")])
    world.look("the finding is gone", ALL_OF_A_RELEASE)
    world.post(D, f"/releases/{clean}/publish", ALL_OF_A_RELEASE, **{f"reason-{clean}": "Looked."})
    world.post(S, f"/releases/{clean}/publish", ALL_OF_A_RELEASE, **{f"reason-{clean}": "Looked too."})
    assert again != clean


def models(world: World) -> None:
    for n, how in enumerate(("overtaken", "refused", "approved")):
        name = f"iom-model-2027-W0{n + 1}"
        world.state.models.keep("iom", name, "2027-W01", invented_people.model(), {"chosen": "card_three", "because": "bench"}, RUN)
        world.look(f"model {how}", {"model"})
        if how != "overtaken":
            world.post(D, f"/releases/{name}/{'publish' if how == 'approved' else 'withdraw'}", {"model"}, **{f"reason-{name}": "Compared."})


def approvals(world: World) -> None:
    def enter(role: Role, kind: str, outcome: str, review: date | None) -> None:
        form = {"tool": "all", "kind": kind, "outcome": outcome, "by-whom": "The committee", "title": "As entered"} | world.day("dated", world.today)
        if outcome == "approved":
            form["second__code"] = world.code(E if role is P else P, "register enter approval")
        world.post(role, "/register", work.KINDS, **form, **(world.day("review", review) if review else {}))

    for role, kind in ((P, "dpia"), (P, "legal"), (E, "ethics")):
        enter(role, kind, "approved", world.today + timedelta(days=30 if kind == "dpia" else 300))
    world.days(31)
    enter(P, "dpia", "approved", world.today + timedelta(days=300))
    enter(E, "ethics", "refused", None)
    enter(E, "ethics", "approved", world.today + timedelta(days=300))


def deliveries(world: World) -> None:
    def row(standing: str, **more: Any) -> Callable[[Any], Any]:
        return lambda tx: tx.insert(schema.deliveries, delivery_id=f"bench-{standing}", standing=standing, loaded_at=tx.at, made_at=tx.at[:19], document=json.dumps({}), **more)

    world.write("delivery_loaded", {"delivery"}, row("loaded"))
    world.write("delivery_refused", {"delivery"}, row("refused", code="bench"))
    world.write("delivery_loaded", {"delivery"}, row("loaded"))
    world.days(12)
    world.write("delivery_waits", {"delivery"}, row("waiting"))
    table = schema.deliveries
    world.write("delivery_rejected", {"delivery"}, lambda tx: tx.execute(table.update().where(table.c.standing == "waiting").values(standing="rejected")))
    world.write("delivery_loaded", {"delivery"}, row("loaded"))


def downloads(world: World) -> None:
    for answer in ("granted", "refused"):
        world.post(M, "/exports", {"download"}, names="yes", reason="The panel.", band="")
        number = max(i.number for i in world.items() if i.kind == "download")
        world.post(S, f"/exports/{number}/decision", {"download"}, answer=answer)


def asked(world: World) -> None:
    """Case reviews and roles: asked for by one, answered by another; of a unit without a supervisor by any, of none by an administrator."""
    for answer in ("granted", "refused"):
        row = world.client(E).get("/pseudonymised").text.split("/case-reviews?row=")[1][:24]
        world.post(E, "/case-reviews", {"case_review"}, row=row, reason="A complaint.")
        number = max(i.number for i in world.items() if i.kind == "case_review")
        world.post(P, f"/case-reviews/{number}/decision", {"case_review"}, answer=answer)
    for answer, unit in (("refused", site.UNIT), ("confirmed", "")):
        role = M if unit else E
        actor = Actor("administrator", "Administrator", ((U.value, None),))
        proposals.propose(world.state.users, "intelligence_analyst", role.value, unit or None, actor)
        world.look("a role is proposed", {"role"})
        number = max(i.number for i in world.items() if i.kind == "role")
        world.post(S, f"/roles/proposals/{number}", {"role"}, answer=answer)


def gone(world: World) -> None:
    """A merge, a restriction, a death, a band that rises and falls, a refused tool, an erasure that is refused and one that is let go."""
    far = world.today + timedelta(weeks=12)
    numbers = {what: decide(world, n, "refer", far) for n, what in ((14, "merged"), (15, "restricted"), (16, "died"), (17, "not scored"))}
    world.supervisors = {world.key(15)}
    change = {14: {"merged_into": invented_people.reference(18)}, 15: {"restricted": True}, 16: {"died_on": world.today}}
    invented_people.changed(world.state, world.today, change)
    world.look("a merge, a restriction, a death", {"referral"})
    found = {i.number: i for i in world.items() if i.kind == "referral"}
    merged, restricted, died = (found[numbers[what]] for what in ("merged", "restricted", "died"))
    if (merged.about, merged.source, merged.is_open) != (world.key(18), world.key(14), True):
        world.faults.append("a merged person's referral did not move to the surviving record")
    signed = f"/people/{world.key(18)}/decisions/{numbers['merged']}/sign-off"
    world.post(S, signed, {"referral"}, sign="agreed")
    if next(i for i in world.items() if i.kind == "referral" and i.number == numbers["merged"]).key != "agreed":
        world.faults.append("a merged person's referral could not be signed off")
    if restricted.owner is not S or died.state != "Died":
        world.faults.append("a restriction or a death was not seen")

    def without(frame: pl.DataFrame) -> pl.DataFrame:
        up = pl.when(pl.col("person_key") == world.key(20)).then(pl.lit("super high")).otherwise("band")
        return frame.filter(pl.col("person_key") != world.key(17)).with_columns(band=up)

    week(world, [NewTool("iom", "published", model="iom-model-2026-W40")], without)
    world.look("a band rose", ALL_OF_A_RELEASE)
    if {i.number: i for i in world.items() if i.kind == "referral"}[numbers["not scored"]].state != "No longer scored":
        world.faults.append("somebody who is not scored any more keeps open work")
    down = pl.when(pl.col("person_key") == world.key(20)).then(pl.lit("low")).otherwise("band")
    week(world, [NewTool("iom", "published", model="iom-model-2026-W40")], lambda frame: frame.with_columns(band=down))
    world.look("a band fell", ALL_OF_A_RELEASE)
    upheld = [i for i in world.items() if i.key == "upheld" and i.is_open]
    for item in upheld:
        world.post(D, f"/corrections/{item.number}", {item.kind})
    refused = week(world, [NewTool("serious_violence", "held", [replace(CONCERN, tool="serious_violence")])])
    world.look("a concern of another tool", ALL_OF_A_RELEASE)
    release = world.state.releases.published("serious_violence")
    cell = release.frame("serious_violence")["cell"][0] if release else ""
    recommend(world, "serious_violence", cell)
    finding = replace(CONCERN, tool="serious_violence").id
    world.post(E, "/tools/serious_violence/refuse", {"finding", "approval", "recommendation"}, finding=finding, refuse="Poor areas bear it.", sure="yes", **{"refused-by": "The committee"})
    assert refused
    for answer in ("refused", "erased"):
        listed = world.client(P).get("/forget").text.split('name="list" value="')[1].split('"')[0]
        world.post(P, "/forget", {"erasure"}, list=listed, why="Past their time.")
        number = max(i.number for i in world.items() if i.kind == "erasure")
        world.post(E, f"/forget/{number}", work.KINDS, **{f"answer-{number}": answer, f"why-{number}": "An inquiry is open."})


# -- presses in a browser ----------------------------------------------------------------------------


def presses(folder: Path) -> dict[str, int]:
    """How many links and buttons each way takes, from the page after signing in to the form saved."""
    from playwright.sync_api import sync_playwright
    from tests.web.conftest import ARGUMENTS, CHROMIUM

    world = World(folder)
    release = world.state.releases.published("knife_injury")
    assert release is not None
    cell = release.frame("knife_injury").sort("expected", descending=True)["cell"][0]
    week(world, [NewTool("knife_injury", "held", [CONCERN])])
    refused = decide(world, 3, "refer", world.today + timedelta(weeks=12))
    world.post(S, f"/people/{world.key(3)}/decisions/{refused}/sign-off", work.KINDS, sign="not_agreed", **{"sign-words": "Ask probation."})
    waits = decide(world, 4, "refer", world.today + timedelta(weeks=12))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(world.web, port=port, log_level="error"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.05)
    found: dict[str, int] = {}
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)

        def way(name: str, role: Role, walk: Callable[[Any, Callable[[str], None]], None]) -> None:
            token = dict(world.client(role).cookies)["harmcast"]
            context = browser.new_context(accept_downloads=True)
            context.add_cookies([{"name": "harmcast", "value": token, "url": f"http://127.0.0.1:{port}"}])
            page, count = context.new_page(), [0]
            page.goto(f"http://127.0.0.1:{port}/")

            def press(selector: str) -> None:
                count[0] += 1
                page.locator(selector).first.click()
                page.wait_for_load_state()

            walk(page, press)
            found[name] = count[0]
            context.close()

        def fill(page: Any, on: date) -> None:
            for selector in ("input[name=decision][value=no_change]", "input[name=checks][value=connect]", "input[name=judgement][value=same]"):
                if page.query_selector(selector):
                    page.check(selector, force=True)
            if page.query_selector("select#reason"):
                page.select_option("#reason", "known_support")
            for part, value in (("day", on.day), ("month", on.month), ("year", on.year)):
                page.fill(f"[name=review-{part}]", str(value))

        def recommend(page: Any, press: Callable[[str], None]) -> None:
            press('nav a[href="/areas"]')
            press(f'main a[href*="/cells/{cell}"]')
            for field, text in (("place", "The green"), ("time", "Friday, 20 to 02"), ("recommendation", "Late turns."), ("asked", "Two officers on foot.")):
                page.fill(f"#{field}", text)
            press("form[action$=recommendations] button[type=submit]")
            assert "saved=recommendation" in page.url

        def answer(page: Any, press: Callable[[str], None]) -> None:
            press('td a[href^="/recommendations/"]')
            page.check("input[name=choice][value=not_adopted]", force=True)
            press('form[action^="/recommendations/"] button[type=submit]')
            assert "saved=yes" in page.url

        def briefing(page: Any, press: Callable[[str], None]) -> None:
            press("main a[href$=briefing]")
            page.wait_for_selector("[data-print]:not([hidden])")
            press("[data-print]")

        def review(page: Any, press: Callable[[str], None]) -> None:
            press(f'main a[href^="/people/{world.key(2)}"]')
            fill(page, world.today + timedelta(weeks=4))
            press("form[action$=decisions] button[type=submit]")
            assert "saved=decision" in page.url

        def see(page: Any, press: Callable[[str], None]) -> None:
            assert "not agreed" in page.inner_text("main").lower()

        def sign(page: Any, press: Callable[[str], None]) -> None:
            press(f'td a[href="/people/{world.key(4)}#referral-{waits}"]')
            page.check("input[name=sign][value=agreed]", force=True)
            press("form[action$=sign-off] button[type=submit]")
            assert "saved=sign-off" in page.url

        def lift(page: Any, press: Callable[[str], None]) -> None:
            press(f'td a[href="/findings/{CONCERN.id}"]')
            page.locator('input[id^="lift-"]').first.fill("Known, and small.")
            press('form[action*="/findings/"] button[type=submit]')
            assert "saved=proposed" in page.url

        def subject(page: Any, press: Callable[[str], None]) -> None:
            press('a[href="/subject"]')
            page.fill("#reference", invented_people.reference(3))
            page.fill("#second-code", world.code(S, "report subject"))
            with page.expect_download():
                press("form[action='/subject'] button[value=html]")

        for name, role, walk in (
            ("recommend", A, recommend), ("tasking's answer", A, answer), ("briefing", A, briefing),
            ("see a refused referral", M, see), ("decide on who moved up", M, review), ("sign off", S, sign), ("answer a finding", E, lift), ("subject report", P, subject),
        ):  # fmt: skip
            try:
                way(name, role, walk)
            except Exception as error:  # one way that fails must not hide the others
                print(f"{name}: {type(error).__name__}: {(str(error) or 'not so').splitlines()[0]}", file=sys.stderr)
        browser.close()
    server.should_exit = True
    return found


def main() -> int:
    """Runs the states, then the presses; prints what was asked and what was got."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder) / "states")
        for part in (recommendations, people, objections, approvals, released, models, deliveries, downloads, asked, gone):
            part(world)
        every = {(kind, key) for kind, states in work.STATES.items() for key in states}
        opens = {(kind, key) for kind, states in work.STATES.items() for key, state in states.items() if state.owner is not None}
        missed, stuck = sorted(every - world.reached), sorted(opens - world.left)
        rows.append(Row("work", "states of every kind reached", f"{len(every)}", f"{len(every) - len(missed)}" + (f", not {missed}" if missed else ""), not missed))
        rows.append(Row("work", "open states left again", f"{len(opens)}", f"{len(opens) - len(stuck)}" + (f", not {stuck}" if stuck else ""), not stuck))
        rows.append(Row("work", "items moved by what is not their record, or seen by the wrong role", "none", "; ".join(world.faults[:5]) or "none", not world.faults))
        for kind, days in sorted(world.open_days.items()):
            print(f"median days open, {kind}: {statistics.median(days):g} (n {len(days)})")
        if "--no-browser" not in sys.argv:
            found = presses(Path(folder) / "presses")
            for name, most in MOST_PRESSES.items():
                got = found.get(name)
                rows.append(Row("work", f"presses: {name}", f"at most {most}", "not done" if got is None else str(got), got is not None and got <= most))
    return results.saved("work", rows)


if __name__ == "__main__":
    raise SystemExit(main())
