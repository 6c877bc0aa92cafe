"""What accountability costs, and an attack on signing in.

    python -m bench.accountability [costs] [sign_in] [--events 1000000] [--rows 150000] [--hours 24]

costs     a log of a million entries with lines behind 150,000 rows, on SQLite and PostgreSQL: `log verify`'s part for the database, and
          the commit of a decision beside the same commit without lines
sign_in   200 people sign in through a day from devices they have used before; a guess a second goes to 20 of their accounts, and a few to
          names that are nobody's, all through one proxy: who gets in, how many guesses are looked at, what the officer sees, how the log grows
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.results import Row, saved
from bench.servers import postgres
from harmcast.errors import AccessDenied
from harmcast.oversight import log
from harmcast.oversight.log import Event
from harmcast.store import desk, keys, row_lines, schema, sign_in_lanes, users
from harmcast.store import operations as operations_of
from harmcast.store.operations import Operations
from harmcast.store.upgrade import upgrade
from harmcast.store.verify import verify_database

SECRET = b"s" * 32
BY = Event("bench", "operator", "administration", "made")
COMMITS = 300


def opened(url: sa.URL) -> Operations:
    found = Operations(operations_of.engine_of(url), SECRET)
    upgrade(found, BY)
    return found


# -- costs -------------------------------------------------------------------------------------------


def fill(operations: Operations, events: int, rows: int) -> None:
    """Entries of views, every so many with a row of a cell note and its line, chained and sealed as `_append` does, in batches."""
    rng = random.Random(1)
    key = operations.seal_key
    last = operations.entries()[-1]
    seq, prev, every = last.seq, last.hash, max(1, events // rows)
    note = 0
    with operations.unlogged() as connection:
        while seq < events:
            entries, lines, notes = [], [], []
            for _ in range(min(20_000, events - seq)):
                event = Event(f"u{rng.randrange(200)}", "offender_manager", "consultation", "person_viewed", subject=f"k{rng.randrange(300_000):023d}")
                written = None
                if seq % every == 0:
                    note += 1
                    row = {"id": note, "tool": "iom", "cell": f"c{note}", "week": "2026-W47", "words": "seen", "by": event.actor, "role": event.role, "at": last.at}
                    line = row_lines.line(schema.cell_notes, row)
                    notes.append(row)
                    lines.append({"seq": seq + 1, "n": 1, **vars(line)})
                    written = row_lines.writes([line.hash])
                entry = log.chained(event, seq + 1, last.at, prev, written, key)
                entries.append(vars(entry))
                seq, prev = entry.seq, entry.hash
            connection.execute(sa.insert(schema.events), entries)
            if lines:
                connection.execute(sa.insert(schema.versions), lines)
                connection.execute(sa.insert(schema.cell_notes), notes)


def commits(operations: Operations) -> tuple[float, float]:
    """Median seconds of a decision's commit, and of the same insert and event without a line behind the row."""
    with operations.writing(BY) as tx:
        keys.assign(tx, SECRET, [f"P{i}" for i in range(COMMITS)])
    with_lines, without = [], []
    for i in range(COMMITS):
        person = keys.person_key(SECRET, i + 1)
        new = desk.NewDecision(
            person, "2026-W47", 1, "North", "plain", "high", "refer", "other", ["pnc"], "same", date(2027, 1, 4), "1 to 3 minutes", False, "words", {"band": "high"}, 0,
        )  # fmt: skip
        event = Event("bob", "offender_manager", "alteration", "decided", subject=person)
        for lines, took in ((True, with_lines), (False, without)) if i % 2 else ((False, without), (True, with_lines)):
            begun = time.perf_counter()
            if lines:
                with operations.writing(event) as tx:
                    desk.decide(tx, new, "bob", "offender_manager")
            else:
                with _unvouched(), operations.writing(event) as tx:
                    desk.decide(tx, new, "bob", "offender_manager")
            took.append(time.perf_counter() - begun)
            with operations.unlogged() as connection:
                connection.execute(sa.delete(schema.decisions).where(schema.decisions.c.person_key == person))
    return statistics.median(with_lines), statistics.median(without)


@contextmanager
def _unvouched() -> Iterator[None]:
    """The store as it was before rows had lines: no table is kept."""
    kept = schema.is_kept
    schema.is_kept = lambda table: False  # type: ignore[assignment]
    try:
        yield
    finally:
        schema.is_kept = kept


def costs(events: int, rows: int) -> list[Row]:
    found = []
    with tempfile.TemporaryDirectory(prefix="harmcast-accountability-") as folder, postgres() as server:
        for name, url in (("SQLite", sa.URL.create("sqlite", database=str(Path(folder) / "operations.db"))), ("PostgreSQL", operations_of.database_url(f"{server}/postgres", Path(folder)))):
            operations = opened(url)
            begun = time.perf_counter()
            fill(operations, events, rows)
            print(f"{name}: {events:,} entries, {rows:,} rows made in {time.perf_counter() - begun:.0f} s", flush=True)
            begun = time.perf_counter()
            agreement = verify_database(operations)
            took = time.perf_counter() - begun
            whole = not agreement.faults and agreement.events >= events
            found.append(Row(44, f"{name}: verify {agreement.events:,} entries and {agreement.rows:,} rows, s", "at most 120", f"{took:.1f}", took <= 120 and whole))
            after, before = commits(operations)
            said = f"{1000 * after:.2f} ms beside {1000 * before:.2f} ms, {after / before:.2f} times"
            found.append(Row(44, f"{name}: a decision's commit beside the same without lines", "at most 1.5 times", said, after <= 1.5 * before))
            operations.close()
    return found


# -- signing in --------------------------------------------------------------------------------------

PEOPLE, ATTACKED, LONGEST = 200, 20, 3
BEGIN = datetime(2026, 11, 16, 0, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.at = BEGIN

    def __call__(self) -> datetime:
        return self.at


def sign_in(hours: int) -> list[Row]:
    """A guess a second at accounts in turn; everybody signs in twice a day from a known device, mistyping now and then; ten use a new device."""
    rng, clock = random.Random(7), Clock()
    logging.getLogger("harmcast.sign_in").setLevel(logging.ERROR)  # the service's journal is not what is measured
    with tempfile.TemporaryDirectory(prefix="harmcast-sign-in-") as folder:
        operations = opened(sa.URL.create("sqlite", database=str(Path(folder) / "operations.db")))
        operations = Operations(operations.engine, SECRET, clock)
        with operations.writing(BY) as tx:
            for i in range(PEOPLE):
                users.enter(tx, f"u{i}", f"User {i}")
        coming = sorted((rng.randrange(hours * 3600), i) for i in range(PEOPLE) for _ in range(2))
        strangers_at_once = {rng.randrange(ATTACKED, PEOPLE) for _ in range(10)}
        in_by, kept_out, looked_at, refused = Counter[str](), Counter[str](), Counter[int](), 0
        before = len(operations.entries())

        def tried(account: int, device: str | None, misses: int) -> bool:
            for miss in range(misses + 1):
                try:
                    guess = sign_in_lanes.take(operations, f"u{account}", f"u{account}", device)
                except AccessDenied:
                    return False
                if miss < misses:
                    sign_in_lanes.missed(operations, guess)
                else:
                    with operations.writing(Event(f"u{account}", "offender_manager", "administration", "signed_in")) as tx:
                        sign_in_lanes.mark_right(tx, guess)
            return True

        for second in range(hours * 3600):
            clock.at = BEGIN + timedelta(seconds=second)
            while coming and coming[0][0] <= second:
                person = coming.pop(0)[1]
                attacked = "attacked" if person < ATTACKED else "others"
                device = None if person in strangers_at_once else f"device of u{person}"
                what = f"{attacked}, {'new' if device is None else 'known'} device"
                (in_by if tried(person, device, rng.choice([0, 0, 0, 1, LONGEST])) else kept_out)[what] += 1
            victim = second % ATTACKED
            try:
                sign_in_lanes.missed(operations, sign_in_lanes.take(operations, f"u{victim}", f"u{victim}", None))
                looked_at[victim] += 1
            except AccessDenied:
                refused += 1
            if second % 60 == 0:
                name = f"nobody{rng.randrange(10**9)}"
                sign_in_lanes.missed(operations, sign_in_lanes.take(operations, name, None, None))
        entries = operations.entries()[before:]
        own = {f"user:u{i}" for i in strangers_at_once}  # who mistype at a new device themselves
        missed = [entry for entry in entries if entry.action == "sign_in_missed" and entry.object not in own]
        told = sum(json.loads(entry.detail)["lane"] == "strangers" for entry in missed)
        alarms = operations.rows(sa.select(schema.alerts))
        operations.close()
    days = hours / 24
    most = max(looked_at.values()) / max(days, 1)
    known_out = sum(count for what, count in kept_out.items() if "known" in what)
    print(f"let in: {dict(in_by)}; kept out: {dict(kept_out)}; {sum(looked_at.values()):,} guesses looked at, {refused:,} refused")
    quarters = hours * 4
    told_most = quarters * (ATTACKED + 1) + quarters
    return [
        Row(46, f"{hours} h of a guess a second at {ATTACKED} accounts: people on known devices kept out", "0", f"{known_out} of {known_out + sum(c for w, c in in_by.items() if 'known' in w)}", known_out == 0),
        Row(46, "strangers' guesses at one account looked at, a day", "at most 400", f"{most:.0f}", most <= 400),
        Row(46, "accounts attacked of which the officer is told", f"{ATTACKED}", f"{len({a['words'].split(' of ')[1].split(':')[0] for a in alarms if a['kind'] == 'guessing'})}", len([a for a in alarms if a["kind"] == "guessing"]) >= ATTACKED),
        Row(46, "entries of the log by strangers, for so many guesses", f"at most {told_most:,}", f"{told:,} for {hours * 3600 + hours * 60:,}", told <= told_most),
    ]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=["costs", "sign_in", []])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rows", type=int, default=150_000)
    parser.add_argument("--hours", type=int, default=24)
    asked: Any = parser.parse_args()
    parts = asked.parts or ["costs", "sign_in"]
    rows = []
    if "sign_in" in parts:
        rows += sign_in(asked.hours)
    if "costs" in parts:
        rows += costs(asked.events, asked.rows)
    return saved("accountability" if len(parts) == 2 and asked.events >= 1_000_000 and asked.hours >= 24 else "accountability-some", rows)


if __name__ == "__main__":
    sys.exit(main())
