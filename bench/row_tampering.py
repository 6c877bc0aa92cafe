"""Thirteen kinds of tampering with rows and chain by SQL, as somebody could who holds the database and not the state's secret.

    python -m bench.row_tampering [--times 1000] [--outside 100]

Each is done to a copy of a small state's database, in a random place; `log verify`'s part for the database must find it, and name the
table and key, or the entry. Nobody here has `STATE/secret`: entries that are chained anew have no seal that fits. Then, by somebody who
holds the secret and the signing key too, each way to take the log back from what was signed outside (`bench/outside.py`).
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa

from bench import outside
from bench.results import Row, saved
from harmcast.errors import StoreDamaged
from harmcast.oversight import log
from harmcast.oversight.log import Entry, Event
from harmcast.store import operations as operations_of
from harmcast.store import row_lines, users
from harmcast.store.operations import Operations
from harmcast.store.upgrade import upgrade
from harmcast.store.verify import StateFault, verify_database

SECRET = b"s" * 32
PEOPLE = 24


@dataclass(frozen=True)
class Done:
    """What was tampered with: table and key of the row, or number of the entry. One of them must be named."""

    rows: frozenset[tuple[str, str]] = frozenset()
    events: frozenset[int] = frozenset()

    def is_named_by(self, faults: tuple[StateFault, ...]) -> bool:
        return any((fault.table, fault.key) in self.rows or (fault.event in self.events and fault.event is not None) for fault in faults)


def make(path: Path) -> None:
    """A database with accounts, roles given and ended, decisions of names changed: rows of one version and of several."""
    opened = Operations(operations_of.engine_of(operations_of.database_url(None, path.parent).set(database=str(path))), SECRET)
    event = Event("system", "operator", "administration", "made")
    upgrade(opened, event)
    for i in range(PEOPLE):
        with opened.writing(replace(event, action="user_added")) as tx:
            users.enter(tx, f"u{i}", f"User {i}")
            users.give(tx, f"u{i}", ("supervisor", "administrator", "data_scientist")[i % 3], f"Unit {i % 4}", "system")
    for i in range(PEOPLE):
        with opened.writing(replace(event, action="user_changed")) as tx:
            users.change(tx, f"u{i}", name=f"User {i} renamed")
            if i % 5 == 0:
                users.take(tx, f"u{i}", "supervisor", of_any_unit=True)
        if i % 3 == 0:
            opened.record(replace(event, kind="consultation", action="page_viewed"))
    if verify_database(opened).faults:
        raise AssertionError("an honest database is accused")
    opened.close()
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")


Tamper = Callable[[sqlite3.Connection, random.Random], Done]


def one(raw: sqlite3.Connection, query: str, rng: random.Random) -> tuple[object, ...]:
    return tuple(rng.choice(raw.execute(query).fetchall()))


def row_edited(raw: sqlite3.Connection, rng: random.Random) -> Done:
    account = one(raw, "SELECT account FROM users", rng)[0]
    column = rng.choice(["name", "password_hash", "os_account"])
    raw.execute(f"UPDATE users SET {column} = 'eve' WHERE account = ?", (account,))
    return Done(frozenset({("users", str(account))}))


def role_edited(raw: sqlite3.Connection, rng: random.Random) -> Done:
    number = one(raw, "SELECT id FROM user_roles", rng)[0]
    column, value = rng.choice([("role", "data_protection_officer"), ("unit", "Elsewhere"), ("account", "u0"), ("until", "2099-01-01")])
    before = raw.execute(f"SELECT {column} FROM user_roles WHERE id = ?", (number,)).fetchone()[0]
    raw.execute(f"UPDATE user_roles SET {column} = ? WHERE id = ?", (value if before != value else "u1", number))
    return Done(frozenset({("user_roles", str(number))}))


def row_removed(raw: sqlite3.Connection, rng: random.Random) -> Done:
    number = one(raw, "SELECT id FROM user_roles", rng)[0]
    raw.execute("DELETE FROM user_roles WHERE id = ?", (number,))
    return Done(frozenset({("user_roles", str(number))}))


def row_added(raw: sqlite3.Connection, rng: random.Random) -> Done:
    number = 1000 + rng.randrange(1000)
    raw.execute("INSERT INTO user_roles (id, account, role, unit, given_at, given_by) VALUES (?, 'u1', 'supervisor', 'Unit 1', '2026', 'u0')", (number,))
    return Done(frozenset({("user_roles", str(number))}))


def row_put_back(raw: sqlite3.Connection, rng: random.Random) -> Done:
    """A row as an earlier entry left it: each single version was once honest."""
    account = one(raw, "SELECT account FROM users", rng)[0]
    held = raw.execute("SELECT row FROM versions WHERE tab = 'users' AND key = ? ORDER BY seq LIMIT 1", (account,)).fetchone()[0]
    early = json.loads(held)
    raw.execute("UPDATE users SET name = ?, changed_at = ? WHERE account = ?", (early["name"], early["changed_at"], account))
    return Done(frozenset({("users", str(account))}))


def line_and_row_edited(raw: sqlite3.Connection, rng: random.Random) -> Done:
    """The row, and its newest line with a hash that fits it."""
    seq, n, key, held = one(
        raw, "SELECT seq, n, key, row FROM versions AS v WHERE tab = 'users' AND seq = (SELECT max(seq) FROM versions WHERE tab = 'users' AND key = v.key)", rng
    )
    row = json.loads(str(held)) | {"name": "Eve"}
    text = row_lines.canonical(row)
    raw.execute("UPDATE versions SET row = ?, hash = ? WHERE seq = ? AND n = ?", (text, row_lines.digest("users", str(key), text), seq, n))
    raw.execute("UPDATE users SET name = 'Eve' WHERE account = ?", (key,))
    return Done(frozenset({("users", str(key))}), frozenset({int(str(seq))}))


def line_removed(raw: sqlite3.Connection, rng: random.Random) -> Done:
    seq, n, tab, key = one(raw, "SELECT seq, n, tab, key FROM versions", rng)
    raw.execute("DELETE FROM versions WHERE seq = ? AND n = ?", (seq, n))
    return Done(frozenset({(str(tab), str(key))}), frozenset({int(str(seq))}))


def line_and_row_added(raw: sqlite3.Connection, rng: random.Random) -> Done:
    """A role with a line behind an entry that never wrote it."""
    seq = int(str(one(raw, "SELECT seq FROM events", rng)[0]))
    row = {"id": 5000, "account": "u1", "role": "supervisor", "unit": "Unit 1", "given_at": "2026", "given_by": "u0"}
    text = row_lines.canonical(row)
    raw.execute("INSERT INTO user_roles (id, account, role, unit, given_at, given_by) VALUES (5000, 'u1', 'supervisor', 'Unit 1', '2026', 'u0')")
    n = (raw.execute("SELECT max(n) FROM versions WHERE seq = ?", (seq,)).fetchone()[0] or 0) + 1
    raw.execute(
        "INSERT INTO versions (seq, n, tab, key, row, hash) VALUES (?, ?, 'user_roles', '5000', ?, ?)",
        (seq, n, text, row_lines.digest("user_roles", "5000", text)),
    )
    return Done(frozenset({("user_roles", "5000")}), frozenset({seq}))


def line_moved(raw: sqlite3.Connection, rng: random.Random) -> Done:
    """A line put behind another entry."""
    seq, n, tab, key = one(raw, "SELECT seq, n, tab, key FROM versions", rng)
    other = int(str(one(raw, f"SELECT seq FROM events WHERE seq <> {seq}", rng)[0]))
    raw.execute("UPDATE versions SET seq = ?, n = 900 WHERE seq = ? AND n = ?", (other, seq, n))
    return Done(frozenset({(str(tab), str(key))}), frozenset({int(str(seq)), other}))


def _entries(raw: sqlite3.Connection) -> list[Entry]:
    names = ", ".join(Entry.__dataclass_fields__)
    return [Entry(*row) for row in raw.execute(f"SELECT {names} FROM events ORDER BY seq")]


def _rechain(raw: sqlite3.Connection, entries: list[Entry], first: int) -> None:
    """The entries from an index on with hashes that fit one another; their seals stay, or are made with a key that is not the state's."""
    for i in range(first, len(entries)):
        entry = replace(entries[i], seq=i + 1, prev_hash=entries[i - 1].hash if i else log.GENESIS, hash="")
        hashed = log.digest(entry)
        entries[i] = replace(entry, hash=hashed, seal=log.seal(b"k" * 32, hashed))
    raw.execute("DELETE FROM events WHERE seq > ?", (first,))
    names = list(Entry.__dataclass_fields__)
    marks = ", ".join("?" * len(names))
    for entry in entries[first:]:
        raw.execute(f"INSERT INTO events ({', '.join(names)}) VALUES ({marks})", [getattr(entry, name) for name in names])


def entry_forged(raw: sqlite3.Connection, rng: random.Random) -> Done:
    """A well-formed grant at the end: row, line, entry with the right chain and digest. Only the seal is missing."""
    entries = _entries(raw)
    row = {"id": 6000, "account": "u1", "role": "supervisor", "unit": f"Unit {rng.randrange(99)}", "given_at": "2026", "given_by": "u0"}
    text = row_lines.canonical(row)
    hashed = row_lines.digest("user_roles", "6000", text)
    event = Event("u0", "administrator", "administration", "role_given")
    entries.append(log.chained(event, len(entries) + 1, entries[-1].at, entries[-1].hash, row_lines.writes([hashed])))
    _rechain(raw, entries, len(entries) - 1)
    raw.execute("INSERT INTO user_roles (id, account, role, unit, given_at, given_by) VALUES (6000, 'u1', 'supervisor', ?, '2026', 'u0')", (row["unit"],))
    raw.execute("INSERT INTO versions (seq, n, tab, key, row, hash) VALUES (?, 1, 'user_roles', '6000', ?, ?)", (len(entries), text, hashed))
    return Done(events=frozenset({len(entries)}))


def entry_edited(raw: sqlite3.Connection, rng: random.Random) -> Done:
    """Another actor, and the chain made to fit from there on."""
    entries = _entries(raw)
    i = rng.randrange(len(entries))
    entries[i] = replace(entries[i], actor="somebody else")
    _rechain(raw, entries, i)
    return Done(events=frozenset({i + 1}))


def entry_removed(raw: sqlite3.Connection, rng: random.Random) -> Done:
    """An entry with its lines and the rows they wrote, and the chain made to fit."""
    entries = _entries(raw)
    i = rng.randrange(1, len(entries) - 1)
    wrote = raw.execute("SELECT tab, key FROM versions WHERE seq = ?", (i + 1,)).fetchall()
    raw.execute("DELETE FROM versions WHERE seq = ?", (i + 1,))
    raw.execute("UPDATE versions SET seq = -seq WHERE seq > ?", (i + 1,))
    raw.execute("UPDATE versions SET seq = -seq - 1 WHERE seq < 0")
    del entries[i]
    _rechain(raw, entries, i)
    return Done(frozenset((str(tab), str(key)) for tab, key in wrote), frozenset({i + 1}))


def row_edited_then_changed_properly(raw: sqlite3.Connection, rng: random.Random) -> Done:
    """A row edited, and then a proper change of it, which must be refused: its line would make the forged row a proper one."""
    done = row_edited(raw, rng)
    raw.commit()
    account = next(iter(done.rows))[1]
    path = str(raw.execute("PRAGMA database_list").fetchone()[2])
    opened = Operations(sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool), SECRET)
    try:
        with opened.writing(Event("u0", "administrator", "administration", "user_changed")) as tx:
            users.change(tx, account, standing=rng.choice(["active", "disabled"]))
    except StoreDamaged:
        pass
    return done


KINDS: tuple[Tamper, ...] = (
    row_edited, role_edited, row_removed, row_added, row_put_back, line_and_row_edited, line_removed, line_and_row_added, line_moved, entry_forged,
    entry_edited, entry_removed, row_edited_then_changed_properly,
)  # fmt: skip


@dataclass
class Tally:
    tried: int = 0
    found: int = 0
    named: int = 0


def tried(tamper: Tamper, times: int) -> Tally:
    """How many of so many tamperings of one kind are found, and how many are named."""
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="harmcast-rows-") as folder:
        honest, spoilt = Path(folder) / "honest.db", Path(folder) / "spoilt.db"
        make(honest)
        engine = sa.create_engine(f"sqlite:///{spoilt}", poolclass=sa.NullPool)
        for seed in range(times):
            shutil.copyfile(honest, spoilt)
            for beside in ("-wal", "-shm"):
                spoilt.with_name(spoilt.name + beside).unlink(missing_ok=True)
            with sqlite3.connect(spoilt) as raw:
                done = tamper(raw, random.Random(f"{tamper.__name__} {seed}"))
                raw.commit()
            raw.close()
            faults = verify_database(Operations(engine, SECRET)).faults
            tally.tried += 1
            tally.found += bool(faults)
            tally.named += done.is_named_by(faults)
    return tally


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=1000)
    parser.add_argument("--outside", type=int, default=100)
    asked = parser.parse_args()
    times = asked.times
    rows = []
    for kind in KINDS:
        tally = tried(kind, times)
        name = kind.__name__.replace("_", " ")
        print(f"{name:24}{tally.tried:6,} tried {tally.found:6,} found {tally.named:6,} named", flush=True)
        rows.append(Row(44, f"{name}: found and named", f"{times:,} of {times:,}", f"{tally.named:,} of {tally.tried:,}", tally.named == tally.tried == times))
    with tempfile.TemporaryDirectory(prefix="harmcast-outside-") as folder:
        for taking in outside.KINDS:
            by_verify, by_week = outside.refused(taking, asked.outside, Path(folder))
            name = taking.__name__.replace("_", " ")
            got = f"{by_verify:,} and {by_week:,} of {asked.outside:,}"
            print(f"{name:34}{got}", flush=True)
            rows.append(Row(29, f"{name}: refused by name by log verify, and by the next week", f"{asked.outside:,} and {asked.outside:,}", got, by_verify == by_week == asked.outside))
    if times >= 1000 and asked.outside >= 100:
        saved("row-tampering", rows)
    raise SystemExit(0 if all(row.met for row in rows) else 1)


if __name__ == "__main__":
    main()
