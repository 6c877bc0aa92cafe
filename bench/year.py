"""A year by itself: `make bench-year`.

    python -m bench.year [--weeks 52] [--people 2500]

The timer's calls of deploy/ (Monday 05:30 the week, Sunday 02:00 forgetting, every night a backup, here one a week) on an invented force,
by a clock that is moved, not waited for. In two weeks nobody sends anything, and the rows come with the next week's; one delivery
is refused, and a good one comes on the Tuesday; once the disk is full, and has room again on the Tuesday. People do what status asks of
them: a load that waits, a week that is held, papers whose review is due. Every quarter a backup is restored into a new folder. Asked (promise 54): 50 releases of 52 weeks, each fault told by an alert and by `harmcast status` that day, nothing lost.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bench.accepted import accept, load_accepted
from bench.faults.disk import small_disk
from bench.faults.force import lifted
from bench.results import Row, saved
from harmcast.errors import HarmcastError
from harmcast.invented import demo
from harmcast.invented.making import invent
from harmcast.operate import service
from harmcast.operate.health import status_of
from harmcast.oversight.log import Event
from harmcast.runs import inbox
from harmcast.runs.release_moves import publish_release
from harmcast.store import backup, loads, retention
from harmcast.store import state as states
from harmcast.store.operations import Operations
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.store.verify import verify
from harmcast.weeks import Week

ROOT = Path(__file__).resolve().parent.parent
LONDON = ZoneInfo("Europe/London")
LAST_SUNDAY = date(2026, 11, 15)
OPERATOR = Actor("operator", "Operator", (("operator", None),))
FULL_KB, ROOMY = 300, "4g"


@dataclass
class Year:
    """What happened: a line a fault with what was told of it, and the weeks made."""

    folder: Path
    state: Path
    at: datetime
    told: dict[str, tuple[list[str], list[str]]] = field(default_factory=dict)
    reviewed: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    waited: list[str] = field(default_factory=list)
    backups: list[Path] = field(default_factory=list)
    drills: int = 0
    wrong_drills: list[str] = field(default_factory=list)

    def opened(self) -> State:
        """The state, its clock the bench's: it stands where it was put and goes on by a millisecond each time it is asked."""

        def now() -> datetime:
            self.at += timedelta(milliseconds=1)
            return self.at

        opened = states.open_state(self.state)
        return replace(opened, operations=Operations(opened.operations.engine, opened.secret, now))

    def to(self, day: date, hour: int, minute: int = 0) -> None:
        self.at = datetime.combine(day, time(hour, minute), LONDON).astimezone(UTC)

    def alerts(self) -> list[str]:
        path = self.folder / "alerts.jsonl"
        return [json.loads(line)["kind"] for line in path.read_text().splitlines()] if path.exists() else []

    def timer(self, expected: str | None = None) -> None:
        """The week's timer fires; `expected`: the code it ends with. Both ways of being told are looked at on that day."""
        before = len(self.alerts())
        state = self.opened()
        code = None
        try:
            service.run_due(state, inbox.today(state), OPERATOR, pauses_s=())
        except HarmcastError as error:
            code = error.code
        finally:
            state.close()
        if code == "load_waiting" and expected is None:
            self.accepted()
            self.timer()
            return
        if code != expected:
            self.unexpected.append(f"{self.at:%Y-%m-%d}: ended with {code}, expected {expected}")
        if expected is not None:
            state = self.opened()
            said = [words for words in status_of(state, self.at.date()).health.concerns if "deliver" in words or "weekly run" in words]
            state.close()
            self.told[f"{self.at:%Y-%m-%d} {expected}"] = self.alerts()[before:], said

    def accepted(self) -> None:
        """A load waits for its effects: a data scientist looks and accepts, and a supervisor where two are needed."""
        state = self.opened()
        load = loads.waiting(state.operations)
        if load is not None:
            self.waited.append(f"{self.at:%Y-%m-%d} " + ", ".join(f"{e.check} {e.scope}" for e in load.effects if e.verdict == "hold"))
            accept(state, load.number)
        state.close()

    def let_out(self) -> None:
        """Two people look at a week that waits for them; what they looked into they lift."""
        state = self.opened()
        newest = max(state.releases.names(), default=None)
        if newest:
            if any(release.standing == "held" for release in state.releases.named(newest)):
                lifted(state, newest, self.at.date())
            for person in ("scientist", "supervisor"):
                try:
                    publish_release(state, newest, state.users.get(person), "Looked at", self.at.date())
                except HarmcastError:
                    break
        state.close()

    def sunday(self, monday: date) -> None:
        """Forgetting and a backup, as their timers do; the backup of each quarter is restored beside."""
        self.to(monday + timedelta(days=6), 2)
        state = self.opened()
        retention.forget_due(state, self.at.date(), OPERATOR, left_source=True)
        self.to(monday + timedelta(days=6), 3, 30)
        file = self.folder / "backups" / f"{self.at:%Y-%m-%d}.backup"
        backup.back_up(state, file, OPERATOR)
        state.close()
        self.backups.append(file)
        if len(self.backups) % 13 == 0:
            self.drill(file)
        for old in self.backups[:-4]:
            old.unlink(missing_ok=True)

    def papers(self) -> None:
        """Papers whose review `harmcast status` says was due are reviewed: the register takes what was approved anew."""
        state = self.opened()
        today = self.at.date()
        if any("review was due" in words for words in status_of(state, today).health.concerns):
            newest = {(entry.tool, entry.kind): entry for entry in state.register.entries(today)}
            for (tool, kind), entry in newest.items():
                if entry.review_by is not None and entry.review_by <= today:
                    values = {"tool": tool, "kind": kind, "title": "Reviewed", "outcome": "approved", "dated": today, "by_whom": entry.by,
                              "document_ref": entry.reference, "conditions": None, "review_by": today + timedelta(days=300)}  # fmt: skip
                    state.register.enter(values, Event("officer", "data_protection_officer", "administration", "register_entry"))
            self.reviewed.append(f"{today}")
        state.close()

    def drill(self, file: Path) -> None:
        """A backup into a new folder: its log whole, and every newest published file that of the state."""
        target = self.folder / f"drill-{self.drills}"
        backup.restore(file, target)
        restored, own = states.open_state(target), self.opened()
        for tool in own.settings.tools:
            here, there = own.releases.published(tool.name), restored.releases.published(tool.name)
            same = (here is None and there is None) or (here is not None and there is not None and here.manifest() == there.manifest())
            self.wrong_drills += [] if same else [f"{file.name}: {tool.name}"]
        restored.close()
        own.close()
        shutil.rmtree(target)
        self.drills += 1


def handed_over(delivery: Path, box: Path, missed: Path | None = None) -> Path:
    """A delivery put into the inbox; `missed`: the one nobody sent the week before, whose rows come with this one, older first."""
    target = box / delivery.name
    shutil.copytree(delivery, target)
    if missed is not None:
        manifest = json.loads((target / "manifest.json").read_text())
        for name, about in manifest["files"].items():
            before = (missed / name).read_bytes() if (missed / name).is_file() else b""
            own = (target / name).read_bytes()
            if before:
                (target / name).write_bytes(before + own.split(b"\n", 1)[1])
                about["rows"] += json.loads((missed / "manifest.json").read_text())["files"][name]["rows"]
            about["sha256"] = hashlib.sha256((target / name).read_bytes()).hexdigest()
        (target / "manifest.json").write_text(json.dumps(manifest))
    return target


def begun(folder: Path, state: Path, weeks: int, people: int) -> tuple[Year, list[Path], date]:
    """An invented force with its history accepted, its tools in use, its timer's settings; and the weekly deliveries."""
    force = folder / "force"
    invent(force, people=people, years=3.0, seed=54, to=LAST_SUNDAY, weeks=weeks, crimes_a_year=15_000, bad_rows_share=0.0, ground_segments=0)
    text = (force / "settings.toml").read_text()
    box = folder / "inbox"
    box.mkdir()
    (folder / "backups").mkdir()
    told = ["sh", "-c", f"cat >> {folder}/alerts.jsonl; echo >> {folder}/alerts.jsonl"]
    text = text.replace("[feed]\n", f'[feed]\ninbox = "{box}"\n') if "[feed]\n" in text else f'{text}\n[feed]\ninbox = "{box}"\n'
    (force / "settings.toml").write_text(f'{text}\n[alerts]\ncommand = {json.dumps(told)}\n')
    first = Week.of(LAST_SUNDAY).plus(2 - weeks).monday
    states.create(state, force / "settings.toml", "operator").close()
    year = Year(folder, state, datetime.now(UTC))
    year.to(first - timedelta(days=5), 9)
    made = year.opened()
    deliveries = sorted((force / "deliveries").iterdir())
    load_accepted(made, deliveries[0])
    from harmcast.invented.demo_logins import demo_users

    demo_users(made, sorted(set(made.records.persons()["unit"].drop_nulls().to_list())))
    demo.registered(made, first, first)
    made.close()
    return year, deliveries[1:], first


def run(year: Year, deliveries: list[Path], first: date, grow: Callable[[int | None], None]) -> None:
    """The year, Monday by Monday. `grow`: makes the disk so many KB larger than what it holds; None: roomy."""
    count, box = len(deliveries), year.folder / "inbox"
    missing = {count // 4, count // 4 + 1 + count // 3}
    refused, full = count // 2, count - count // 5
    missed: Path | None = None
    for number, delivery in enumerate(deliveries):
        monday = first + timedelta(days=7 * number)
        year.to(monday, 5, 30)
        print(f"\r  week {number + 1} of {count}", end="", file=sys.stderr, flush=True)
        if number in missing:
            missed = delivery
            year.timer("no_delivery")
            year.sunday(monday)
            continue
        folder, missed = handed_over(delivery, box, missed), None
        if number == refused:
            crimes = next(folder.glob("crimes.*"))
            content = crimes.read_bytes()
            crimes.write_bytes(content[: len(content) // 2])
            year.timer("sha256_differs")
            year.to(monday + timedelta(days=1), 9)
            crimes.write_bytes(content)
        elif number == full:
            grow(FULL_KB)
            year.timer("disk_full")
            grow(None)
            year.to(monday + timedelta(days=1), 9)
        year.timer()
        year.let_out()
        year.papers()
        year.sunday(monday)
    print(file=sys.stderr)


def judged(year: Year, weeks: int) -> list[Row]:
    """The rows of promise 54."""
    state = year.opened()
    names = state.releases.names()
    asked = weeks - 2
    log_faults = verify(state).faults
    damaged = state.records.verify()
    keys = state.records.known("crimes").height
    again = states.create(year.folder / "undisturbed", year.folder / "force" / "settings.toml", "operator")
    for delivery in sorted((year.folder / "force" / "deliveries").iterdir()):
        load_accepted(again, delivery)
    expected = again.records.known("crimes").height
    again.close()
    silent = [what for what, (sent, said) in year.told.items() if not sent or not said]
    for what, (sent, said) in year.told.items():
        print(f"  {what}: alert {', '.join(sent) or 'none'}; status: {'; '.join(said) or 'nothing'}")
    print(f"  papers reviewed once `harmcast status` said that it was due: {', '.join(year.reviewed) or 'never due'}")
    published = {tool.name: state.releases.published(tool.name) for tool in state.settings.tools}
    state.close()
    return [
        Row(54, f"releases of {weeks} weeks by the timer, two without a delivery", f"{asked}", f"{len(names)}", len(names) == asked),
        Row(54, "faults told by an alert and by `harmcast status` the same day", f"{len(year.told)} of 4", f"{len(year.told) - len(silent)} of {len(year.told)}", not silent and len(year.told) == 4),
        Row(54, "loads held for a person", "at most 1", f"{len(year.waited)} {'; '.join(year.waited)}".strip(), len(year.waited) <= 1),
        Row(54, "runs that ended another way than expected", "0", f"{len(year.unexpected)} {'; '.join(year.unexpected)}".strip(), not year.unexpected),
        Row(54, "crimes held beside those of a state that loaded every delivery at once", f"{expected:,}", f"{keys:,}", keys == expected),
        Row(54, "faults of the log, damaged records", "0", f"{len(log_faults) + len(damaged)}", not log_faults and not damaged),
        Row(54, "restore drills that gave another release", f"0 of {weeks // 13}", f"{len(year.wrong_drills)} of {year.drills}", not year.wrong_drills and year.drills == weeks // 13),
        Row(54, "tools with the last week published", "3", str(sum(r is not None and r.name == max(names) for r in published.values())), all(r is not None and r.name == max(names) for r in published.values())),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weeks", type=int, default=52)
    parser.add_argument("--people", type=int, default=2500)
    asked = parser.parse_args()
    folder = ROOT / ".bench" / "year"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with small_disk(folder / "disk", 4_000_000) as disk:
        if disk is None:
            print("SKIPPED: no file system can be mounted here, so no disk can be full; run as root")
            return 1

        def grow(spare_kb: int | None) -> None:
            held = int(subprocess.run(["df", "--output=used", "-k", str(disk)], capture_output=True, text=True, check=True).stdout.split()[-1])
            size = f"{held + spare_kb}k" if spare_kb is not None else ROOMY
            subprocess.run(["mount", "-o", f"remount,size={size}", str(disk)], check=True)

        year, deliveries, first = begun(folder, disk / "state", asked.weeks, asked.people)
        run(year, deliveries, first, grow)
        rows = judged(year, asked.weeks)
    return saved("year", rows)


if __name__ == "__main__":
    sys.exit(main())
