"""The log against what was signed outside, on disk: each way to take something back or away, refused by name by `log verify` and by the next week.

Done as by whoever holds the service's account, the state's secret and the signing key; run by `bench.row_tampering`.
"""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

from harmcast.errors import RunStopped
from harmcast.operate.service import run_due
from harmcast.oversight import log
from harmcast.oversight.log import Checkpoint, Entry, Event
from harmcast.store import checkpoints
from harmcast.store.state import create, open_state
from harmcast.store.users import Actor
from harmcast.store.verify import verify

OPERATOR = Actor("operator", "Operator", (("operator", None),))
LOOK = Event("ann", "intelligence_analyst", "consultation", "page_viewed", object="cell:1")
DAY = date(2026, 11, 16)
LINES, ENTRIES, GROWN = 6, 5, 60
PLACES = ("east", "west")
SETTINGS = """
[force]
name = "Force"
invented = true

[log]
witnesses = ["{0}/east/lines", "{0}/west/lines"]

[[tools]]
name = "knife_injury"
kind = "places"
cell_area_km2 = 1.0
where = {{ weapon = ["knife"] }}
"""


def make(site: Path, earlier: Path) -> None:
    """A state with two places outside, and its database as it stood at each line but the last."""
    for folder in (site, earlier):
        folder.mkdir()
    (site / "settings.toml").write_text(SETTINGS.format(site))
    state = create(site / "state", site / "settings.toml")
    for number in range(LINES):
        for _ in range(ENTRIES):
            state.operations.record(LOOK)
        checkpoints.write(state)
        if number < LINES - 1:
            with closing(sqlite3.connect(site / "state/operations.db")) as now, closing(sqlite3.connect(earlier / f"{number}.db")) as then:
                now.backup(then)
    found = verify(state)
    state.close()
    if found.faults or found.outside != LINES:
        raise AssertionError("an honest state is accused")


Taking = Callable[[Path, Path, random.Random], str]


def log_rolled_back(site: Path, earlier: Path, rng: random.Random) -> str:
    database = site / "state/operations.db"
    for beside in ("-wal", "-shm"):
        database.with_name(database.name + beside).unlink(missing_ok=True)
    shutil.copyfile(rng.choice(sorted(earlier.iterdir())), database)
    return "witness_ahead"


def log_rolled_back_and_grown_longer(site: Path, earlier: Path, rng: random.Random) -> str:
    log_rolled_back(site, earlier, rng)
    state = open_state(site / "state")
    for _ in range(GROWN):
        state.operations.record(LOOK)
    state.close()
    return "witness_fork"


def log_cut_short(site: Path, earlier: Path, rng: random.Random) -> str:
    """Entries and lines of rows after any that the last line saw, to the one before it."""
    points = _points(site / "east/lines")
    last = rng.randrange(points[-2].seq, points[-1].seq)
    with closing(sqlite3.connect(site / "state/operations.db")) as raw:
        for table in ("events", "versions"):
            raw.execute(f"DELETE FROM {table} WHERE seq > ?", (last,))
        raw.commit()
    return "witness_ahead"


def log_forked(site: Path, earlier: Path, rng: random.Random) -> str:
    """Another actor in an entry that was seen, and all from there on chained and sealed anew with the state's own secret."""
    state = open_state(site / "state")
    key = state.operations.seal_key
    entries = state.operations.entries()
    state.close()
    first = rng.randrange(1, _points(site / "east/lines")[-1].seq)
    entries[first] = replace(entries[first], actor="somebody else")
    with closing(sqlite3.connect(site / "state/operations.db")) as raw:
        for i in range(first, len(entries)):
            entry = replace(entries[i], prev_hash=entries[i - 1].hash, hash="")
            entries[i] = _sealed(entry, key)
            raw.execute("UPDATE events SET actor = ?, prev_hash = ?, hash = ?, seal = ? WHERE seq = ?", (entries[i].actor, entries[i].prev_hash, entries[i].hash, entries[i].seal, entry.seq))
        raw.commit()
    return "witness_fork"


def _sealed(entry: Entry, key: bytes) -> Entry:
    hashed = log.digest(entry)
    return replace(entry, hash=hashed, seal=log.seal(key, hashed))


def one_place_cut_short(site: Path, earlier: Path, rng: random.Random) -> str:
    _cut(site / rng.choice(PLACES) / "lines", rng.randrange(1, LINES))
    return "witness_short"


def both_places_cut_short(site: Path, earlier: Path, rng: random.Random) -> str:
    left = rng.randrange(1, LINES)
    for place in PLACES:
        _cut(site / place / "lines", left)
    return "witness_short"


def a_line_taken_out(site: Path, earlier: Path, rng: random.Random) -> str:
    """Of both places, from before the last."""
    gone = rng.randrange(LINES - 1)
    for place in PLACES:
        file = site / place / "lines"
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(lines[:gone] + lines[gone + 1 :]))
    return "witness_fork"


def folders_gone(site: Path, earlier: Path, rng: random.Random) -> str:
    for place in PLACES:
        shutil.rmtree(site / place)
    return "witness_missing"


def signing_key_changed(site: Path, earlier: Path, rng: random.Random) -> str:
    """In the state and in the file beside the lines; the lines themselves stay."""
    other = rng.randbytes(32)
    (site / "state/signing.key").chmod(0o600)
    (site / "state/signing.key").write_bytes(other)
    for place in PLACES:
        (site / place / checkpoints.KEY_FILE).write_text(log.public_key(other).hex())
    return "witness_key"


def a_line_edited(site: Path, earlier: Path, rng: random.Random) -> str:
    """The last of one place, without the key."""
    file = site / rng.choice(PLACES) / "lines"
    lines = file.read_text().splitlines()
    lines[-1] = json.dumps(json.loads(lines[-1]) | {"hash": rng.randbytes(32).hex()}, separators=(",", ":"), sort_keys=True)
    file.write_text("\n".join(lines) + "\n")
    return "witness_key"


def places_disagree(site: Path, earlier: Path, rng: random.Random) -> str:
    """The last line of one place says another time, signed with the state's own key."""
    file, key = site / rng.choice(PLACES) / "lines", (site / "state/signing.key").read_bytes()
    points = _points(file)
    points[-1] = log.signed(replace(points[-1], at="2099-01-01T00:00:00.000000Z", signature=""), key)
    file.write_text("".join(f"{point.line()}\n" for point in points))
    return "witness_fork"


KINDS: tuple[Taking, ...] = (
    log_rolled_back, log_rolled_back_and_grown_longer, log_cut_short, log_forked, one_place_cut_short, both_places_cut_short, a_line_taken_out, folders_gone,
    signing_key_changed, a_line_edited, places_disagree,
)  # fmt: skip


def _points(file: Path) -> list[Checkpoint]:
    return [Checkpoint.of_line(line) for line in file.read_text().splitlines()]


def _cut(file: Path, left: int) -> None:
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:left]))


def _outside(site: Path) -> dict[str, bytes]:
    return {place: (site / place / "lines").read_bytes() for place in PLACES if (site / place).exists()}


def refused(taking: Taking, times: int, folder: Path) -> tuple[int, int]:
    """How many of so many are refused by name by `log verify`; by the next week too, which leaves what stands outside; and by `log verify` still."""
    site, kept, earlier = folder / "site", folder / "kept", folder / "earlier"
    if not kept.exists():
        make(site, earlier)
        shutil.copytree(site, kept)
    by_verify = by_week = 0
    for seed in range(times):
        shutil.rmtree(site)
        shutil.copytree(kept, site)
        name = taking(site, earlier, random.Random(f"{taking.__name__} {seed}"))
        before = _outside(site)
        state = open_state(site / "state")
        by_verify += name in {fault.kind for fault in verify(state).faults}
        try:
            run_due(state, DAY, OPERATOR, catch_up=False)
        except RunStopped as error:
            still = any(fault.kind.startswith("witness_") for fault in verify(state).faults)  # by another name where the stopped run's entry made a rollback a fork
            by_week += error.code == name and still and _outside(site) == before
        state.close()
    return by_verify, by_week
