"""Weekly runs killed with SIGKILL at random moments and at every sync, rename and commit; all must come out the same.

    python bench/faults/kill.py [RANDOM_KILLS]

Two copies of one state make the same weeks: one undisturbed, one killed and begun again until it is done. Asked:
byte-identical files of record and releases, the same keys of people, the same account of rows, a log that verifies,
0 rows lost or doubled. kill -9 keeps the page cache, so this is no power-loss test.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

SETTINGS = """
[force]
name = "Killed"
area_from = "first_days"

[feed]
quarantine_max_share = 0.1

[[tools]]
name = "knife_injury"
kind = "places"
cell_area_km2 = 1.0
where = { weapon = ["knife"] }

[[tools]]
name = "iom"
kind = "people"

[bands]
cuts = [1.0, 100.0, 500.0, 1000.0]
"""
FIRST = "2026-03-02T05:00:00"
AT_ONCE = 2


# -- deliveries ----------------------------------------------------------------------------------


def tables(seed: int, week: int, size: int) -> dict[str, list[dict[str, str]]]:
    """Three tables of one week: some rows of the week before changed, some new, one crime broken."""
    r = random.Random(seed)
    changed = f"2026-0{3 if week else 2}-0{1 + week}T00:00:00"
    crimes = [
        {
            "crime_ref": f"C{i:05d}", "offence_code": "008/01", "happened_from": f"2026-01-{5 + i % 20:02d}T22:00:00",
            "happened_to": "", "recorded_at": f"2026-01-{6 + i % 20:02d}T09:00:00", "changed_at": changed if i % 7 == week else f"2026-01-{6 + i % 20:02d}T09:00:00",
            "status": "recorded", "easting_m": str(400000 + r.randrange(9000)) if i != 3 else "nowhere",
            "northing_m": str(290000 + i), "weapon": "knife", "injury": "minor",
        }
        for i in range(size + 40 * week)
    ]  # fmt: skip
    people = [
        {
            "person_ref": f"P{i:05d}", "born_on": "1990-05-01", "sex": "F", "ethnicity_self": "", "ethnicity_officer": "",
            "unit": "North", "merged_into": "", "died_on": "", "restricted": "false", "review_group": "2",
            "review_due_on": "2030-01-01", "changed_at": "2026-01-06T09:00:00",
        }
        for i in range(size // 2 + 20 * week)
    ]  # fmt: skip
    charges = [
        {
            "charge_ref": f"H{i:05d}", "person_ref": f"P{i % (size // 2 + 20 * week):05d}", "crime_ref": "",
            "offence_code": "008/01", "happened_on": "2026-01-05", "charged_on": "2026-01-07",
            "outcome": "convicted" if i % 7 == week else "charged", "outcome_on": "2026-02-01" if i % 7 == week else "",
            "changed_at": changed if i % 7 == week else "2026-01-07T00:00:00",
        }
        for i in range(size + 30 * week)
    ]  # fmt: skip
    return {"crimes": crimes, "persons": people, "charges": charges}


def write_delivery(folder: Path, week: int, size: int) -> Path:
    folder = folder / f"week-{week}"
    folder.mkdir(parents=True)
    files: dict[str, Any] = {}
    for name, rows in tables(week, week, size).items():
        path = folder / f"{name}.csv"
        with path.open("w", newline="") as handle:
            writer = csv.DictWriter(handle, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        files[path.name] = {"rows": len(rows), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    note = {
        "delivery_id": f"week-{week}",
        "made_at": f"2026-03-{2 + 7 * week:02d}T05:00:00",
        "complete": True,
        "files": files,
    }
    (folder / "manifest.json").write_text(json.dumps(note))
    return folder


# -- the process that dies -----------------------------------------------------------------------


def child(state: Path, deliveries: list[Path], die_at: int | None) -> None:
    """Loads and accepts each delivery and makes its week; kills itself at the boundary numbered `die_at`. Prints how many it passed."""
    from datetime import date

    from harmcast.store.state import open_state
    from harmcast.store.users import Actor
    from harmcast.weekly import run_week

    sys.path.append(str(Path(__file__).parents[2]))
    from bench.accepted import with_acceptance

    passed = watch_boundaries(die_at)
    opened = open_state(state)
    operator = Actor("operator", "Operator", (("operator", None),))
    for delivery in deliveries:
        day = date.fromisoformat(json.loads((delivery / "manifest.json").read_text())["made_at"][:10])
        with_acceptance(opened, partial(run_week, opened, day, operator, delivery))
    print(passed[0])


def watch_boundaries(die_at: int | None) -> list[int]:
    """Counts syncs, renames and commits, before and after each, and dies at the one asked for."""
    import sqlalchemy as sa

    passed = [0]

    def boundary() -> None:
        passed[0] += 1
        if passed[0] == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(function: Any) -> Any:
        def watched(*args: Any, **more: Any) -> Any:
            boundary()
            result = function(*args, **more)
            boundary()
            return result

        return watched

    os.fsync = around(os.fsync)
    os.replace = around(os.replace)
    Path.replace = around(Path.replace)  # type: ignore[method-assign]
    Path.unlink = around(Path.unlink)  # type: ignore[method-assign]
    sa.event.listen(sa.Engine, "commit", lambda connection: boundary())
    original = sa.engine.default.DefaultDialect.do_commit

    def committed(self: Any, connection: Any) -> None:
        original(self, connection)
        boundary()

    sa.engine.default.DefaultDialect.do_commit = committed  # type: ignore[method-assign]
    return passed


def run(
    state: Path, deliveries: list[Path], die_at: int | None = None, after_seconds: float | None = None
) -> tuple[bool, str]:
    """Runs the child; gives whether it lived, and what it printed."""
    command = [sys.executable, __file__, "--child", str(state), *map(str, deliveries)]
    if die_at is not None:
        command += ["--die-at", str(die_at)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, error = process.communicate(timeout=after_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        out, error = process.communicate()
    if process.returncode not in (0, -signal.SIGKILL):
        raise AssertionError(f"the load ended with {process.returncode}: {error[-2000:]}")
    return process.returncode == 0, out


# -- what must be the same -----------------------------------------------------------------------


def summary(state: Path) -> dict[str, Any]:
    """Everything of a state that a kill must not change."""
    import sqlalchemy as sa

    from harmcast.oversight import log
    from harmcast.store import keys, schema
    from harmcast.store.state import open_state

    opened = open_state(state)
    try:
        kept = [p for folder in ("records", "releases") for p in sorted((state / folder).rglob("*")) if p.is_file()]
        files = {p.relative_to(state).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in kept}
        loaded = (
            sa.select(schema.deliveries)
            .where(schema.deliveries.c.standing == "loaded")
            .order_by(schema.deliveries.c.id)
        )
        counts = [
            {name: value for name, value in row.items() if name not in {"id", "delivery"}}
            for delivery in opened.operations.rows(loaded)
            for row in opened.operations.rows(
                sa.select(schema.delivery_files)
                .where(schema.delivery_files.c.delivery == delivery["id"])
                .order_by(schema.delivery_files.c.id)
            )
        ]
        return {
            "files": files,
            "data_hash": opened.records.data_hash(),
            "keys": keys.held(opened.operations).rows(),
            "deliveries": [row["delivery_id"] for row in opened.operations.rows(loaded)],
            "counts": counts,
            "damaged": opened.records.verify(),
            "log": [finding.rule for finding in log.verify(opened.operations.entries())],
        }
    finally:
        opened.close()


def prepare(folder: Path, size: int, weeks: int = 3) -> tuple[Path, list[Path]]:
    """A blank state and its deliveries."""
    from harmcast.store import state as states

    (folder / "settings.toml").write_text(SETTINGS)
    states.create(folder / "blank", folder / "settings.toml").close()
    return folder / "blank", [write_delivery(folder / "deliveries", week, size) for week in range(weeks)]


def _ended_the_same(copy: Path, blank: Path, deliveries: list[Path], kills: list[dict[str, Any]], expected: Any) -> bool:
    """Whether a copy killed as told, and then run to its end, ends as one never disturbed."""
    shutil.copytree(blank, copy)
    for how in kills:
        run(copy, deliveries, **how)
    run(copy, deliveries)
    is_same = bool(summary(copy) == expected)
    shutil.rmtree(copy)
    return is_same


def killed_at_boundaries(
    folder: Path, blank: Path, deliveries: list[Path], boundaries: list[int], expected: Any
) -> list[str]:
    """Kills a fresh copy at each boundary, runs it again, and says where the outcome differs. Two at a time."""

    def tried(at: int) -> str | None:
        same = _ended_the_same(folder / f"boundary-{at}", blank, deliveries, [{"die_at": at}], expected)
        return None if same else f"killed at boundary {at}"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [wrong for wrong in pool.map(tried, boundaries) if wrong is not None]


def killed_at_random(
    folder: Path, blank: Path, deliveries: list[Path], kills: int, longest: float, seed: int, expected: Any
) -> list[str]:
    """Kills at random moments, several times in a row on one copy, then lets it finish. Two copies at a time."""
    r = random.Random(seed)
    plans: list[list[dict[str, Any]]] = []
    while sum(len(plan) for plan in plans) < kills:
        left = kills - sum(len(plan) for plan in plans)
        plans.append([{"after_seconds": r.uniform(0.2, longest)} for _ in range(min(left, r.randrange(1, 4)))])

    def tried(number: int) -> str | None:
        same = _ended_the_same(folder / f"random-{number}", blank, deliveries, plans[number], expected)
        return None if same else f"killed at random, copy {number}"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [wrong for wrong in pool.map(tried, range(len(plans))) if wrong is not None]


def main(kills: int, size: int) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        blank, deliveries = prepare(folder, size)
        clean = folder / "clean"
        shutil.copytree(blank, clean)
        began = time.perf_counter()
        _, passed = run(clean, deliveries)
        longest = time.perf_counter() - began
        expected = summary(clean)
        boundaries = list(range(1, int(passed) + 1))
        wrong = killed_at_boundaries(folder, blank, deliveries, boundaries, expected)
        wrong += killed_at_random(folder, blank, deliveries, kills, longest, 1, expected)
    print(
        f"asked: {kills} random kills and every boundary, all the same; got: {kills} random, {len(boundaries)} boundaries,"
    )
    print(f"{len(wrong)} with another outcome")
    for line in wrong:
        print("  ", line)
    return 1 if wrong else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--child", nargs="+")
    parser.add_argument("--die-at", type=int)
    parser.add_argument("--size", type=int, default=400)
    parser.add_argument("kills", type=int, nargs="?", default=100)
    given = parser.parse_args()
    if given.child:
        child(Path(given.child[0]), [Path(p) for p in given.child[1:]], given.die_at)
    else:
        sys.exit(main(given.kills, given.size))
