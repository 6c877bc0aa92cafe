"""Every fault promise with the figure asked and the figure got; exits 1 if one is short.

    python -m bench.faults [--small] [--kills 100] [--only kills disk clock dead feed weeks past together backups seeded]

Runs in a temporary folder and writes nothing but `docs/figures/faults.json` (`faults-some.json` with --only or --small).
The upgrade is a bench of its own: `python -m bench.upgrade`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.faults import backups, clock, dead, disk, fuzz, kill, malformed, seeded, together, weeks
from bench.faults import force as forces
from bench.results import Row, saved
from bench.servers import postgres_server, programs

DAY = "2026-03-09"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Size:
    """How much is tried."""

    kills: int = 100
    boundary_step: int = 1
    points: int = 7
    jumps: int = 5
    stops: int = 8
    starts: int = 50
    reads: int = 10_000
    publications: int = 100
    malformed: int = 1_000
    fuzzed: int = 20_000
    histories: int = 200
    weeks: int = 13
    rebuilt: int = 12


SMALL = Size(3, 40, 2, 1, 1, 5, 100, 5, 90, 300, 5, 3, 2)


class Ground:
    """What the parts share: a state with a first week, the next delivery, what a clean second week comes to; an invented force."""

    def __init__(self, folder: Path, size: Size) -> None:
        self.folder, self.size = folder, size
        self.made, deliveries = kill.prepare(folder, 200, weeks=2)
        kill.run(self.made, deliveries[:1])
        self.second = deliveries[1:]
        self.clean = folder / "clean"
        shutil.copytree(self.made, self.clean)
        begun = time.perf_counter()
        _, passed = kill.run(self.clean, self.second)
        self.longest, self.passed = time.perf_counter() - begun, int(passed)
        self.expected = kill.summary(self.clean)
        self._force: tuple[forces.Force, Path] | None = None

    def force(self) -> tuple[forces.Force, Path]:
        """An invented force, and a state of it with one week made."""
        if self._force is None:
            force = forces.invented(self.folder, max(self.size.weeks, 4))
            self._force = force, forces.state_of(force, self.folder / "one-week", 1)
        return self._force


def _got(good: int, of: int, wrong: list[str]) -> str:
    return f"{good} of {of}" + (f": {'; '.join(wrong[:3])}" if wrong else "")


def kills(at: Ground) -> list[Row]:
    boundaries = list(range(1, at.passed + 1, at.size.boundary_step))
    wrong = kill.killed_at_boundaries(at.folder, at.made, at.second, boundaries, at.expected)
    at_random = kill.killed_at_random(at.folder, at.made, at.second, at.size.kills, at.longest, 1, at.expected)
    return [
        Row(1, "weekly run killed at syncs, renames and commits, then run again", "every one as a clean run", _got(len(boundaries) - len(wrong), len(boundaries), wrong), not wrong),
        Row(1, "weekly run killed at random moments, then run again", f"{at.size.kills} kills, 0 other outcomes", f"{at.size.kills} kills, {len(at_random)} other outcomes {'; '.join(at_random[:3])}".strip(), not at_random),
    ]  # fmt: skip


def disks(at: Ground) -> list[Row]:
    points = [1, 2, 5, 9, 14, 20, 30][: at.size.points]
    syncs = disk.failed_syncs(at.folder, at.made, at.second[0], DAY, points, at.expected)
    space = disk.no_space(at.folder, at.made, at.second[0], DAY, [8, 60, 200, 400][: at.size.points], at.expected)
    torn = disk.torn(at.folder, at.made, at.second[0], DAY, at.expected)
    asked = "named error, last week served, same end after"
    rows = [Row(2, f"failed sync and no space at {len(points)} points", asked, _got(2 * len(points) - len(syncs), 2 * len(points), syncs), not syncs)]
    if space is None:
        print("    2  a full disk was not tried: no file system may be mounted here")
    else:
        rows.append(Row(2, "a disk that is really full", asked, "; ".join(space[:2]) or "held", not space))
    return [*rows, Row(2, "files torn by a power cut, a part corrupted", asked, "; ".join(torn[:2]) or "held", not torn)]


def clocks(at: Ground) -> list[Row]:
    tried, wrong = clock.jumps(at.folder, at.made, at.second[0], DAY, [1, 2, 4, 7, 11][: at.size.jumps], at.expected)
    far = clock.far_ahead(at.folder, at.made, at.second[0], DAY, at.expected)
    return [
        Row(2, "a clock that jumps under the weekly run", "every one as a clean run", _got(tried - len(wrong), tried, wrong), not wrong),
        Row(2, "a timer that fires ten years ahead", "held, last week served, same end once put right", "; ".join(far[:2]) or "held", not far),
    ]


def died(at: Ground) -> list[Row]:
    what, asked = "PostgreSQL stopped dead under the weekly run", "named error, same end after; waited for where it comes back"
    if programs() is None:
        return [Row(2, what, asked, "not tried: no PostgreSQL here", False)]
    with postgres_server() as server:
        hit, wrong = dead.died(at.folder, server, at.size.stops, DAY)
    return [Row(2, f"{what}, {at.size.stops} times", asked, "; ".join(wrong[:2]) or f"held ({hit} hit the run before its end)", not wrong)]


def feed(at: Ground) -> list[Row]:
    crashed, leaked = malformed.run(at.size.malformed)
    ran, lines, kept, fuzzed = fuzz.fuzz(at.size.fuzzed)
    force, made = at.force()
    replays, files, rows, wrong = weeks.replayed(at.folder, force, min(6, at.size.weeks))
    code = weeks.new_code(at.folder, force, made)
    histories = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/store/test_replays.py"],
        cwd=ROOT, env={**os.environ, "HARMCAST_EXAMPLES": str(at.size.histories)}, capture_output=True, text=True,
    )  # fmt: skip
    drift = subprocess.run(
        [sys.executable, "-m", "pytest", "-o", "addopts=", "-p", "no:cacheprovider", "tests/feed/test_checks.py", "-k", "schema_drift"], cwd=ROOT, capture_output=True, text=True
    )
    drifts = 30 if drift.returncode == 0 and "30 passed" in drift.stdout else 0
    return [
        Row(3, f"{at.size.histories} drawn histories of overlapping deliveries, replayed and reordered", "0 row changes", "0 row changes" if histories.returncode == 0 else histories.stdout[-200:], histories.returncode == 0),
        Row(3, f"an invented force's deliveries again, in other orders, {replays} loads", "0 row changes", "; ".join(wrong[:2]) or "0 row changes, the same bytes", not wrong),
        Row(4, f"malformed deliveries in {len(malformed.CLASSES)} classes", f"{at.size.malformed:,}: a named error or quarantine, never a value", f"{len(crashed)} crashes, {'a value told' if leaked else 'no value told'} {'; '.join(crashed[:2])}".strip(), not crashed and not leaked),
        Row(4, f"readers fuzzed by coverage, {lines} lines reached, {kept} inputs kept", f"{at.size.fuzzed:,} runs, 0 crashes", f"{ran:,} runs, {len(fuzzed)} crashes {'; '.join(fuzzed[:2])}".strip(), not fuzzed),
        Row(5, f"every row accounted for, {rows:,} rows of {files} files", "received = loaded + unchanged + superseded + quarantined + left out", "; ".join(wrong[:2]) or "adds up in each", not wrong),
        Row(6, "schema drift stops the load, the last week stays", "30 of 30", f"{drifts} of 30", drifts == 30),
        Row(6, "a new offence code", "loaded and flagged", "; ".join(code) or "loaded and flagged", not code),
    ]  # fmt: skip


def odd_weeks(at: Ground) -> list[Row]:
    force, made = at.force()
    odd, wrong = weeks.odd_volume(at.folder, force, made)
    files, differ = weeks.corrected(at.folder, force, made)
    return [
        Row(7, "odd volume holds the release", f"{odd} kinds: held until two named people let it out", _got(odd - len(wrong), odd, wrong), not wrong),
        Row(8, "withdrawn charge, people merged and split, crime re-dated, rows deleted", f"all {files} files as a full rebuild's", "; ".join(differ[:3]) or "the same bytes", not differ),
    ]


def past(at: Ground) -> list[Row]:
    force = forces.invented(at.folder / "past", at.size.weeks, people=4_000, years=4.0)
    count, files, wrong = weeks.long_past(at.folder, force, at.size.weeks, at.size.rebuilt)
    return [Row(10, "past weeks made again", f"{at.size.rebuilt} byte-identical", f"{_got(count - len(wrong), count, wrong)}, {files} files", count == at.size.rebuilt and not wrong)]


def many(at: Ground) -> list[Row]:
    good, wrong = together.double_starts(at.made, at.size.starts)
    seen, published, mixed = together.mixed_reads(at.clean, at.size.reads, at.size.publications)
    return [
        Row(9, "double starts of one run", f"{at.size.starts}: one runs", _got(good, at.size.starts, wrong), not wrong),
        Row(9, f"reads over {published} publications", f"{at.size.reads:,}, no mixed week", f"{seen:,}, {len(mixed)} mixed", seen >= at.size.reads and not mixed),
    ]


def kept(at: Ground) -> list[Row]:
    copy = at.folder / "to-back-up"
    shutil.copytree(at.made, copy)
    wrong = backups.drill(at.folder, copy)
    tried, let_in = backups.corrupted(at.folder, copy)
    return [
        Row(30, "backup and restore drill", "files, rows, keys and log as they were", "; ".join(wrong[:2]) or "as they were", not wrong),
        Row(30, f"corrupted backups, {len(backups.KINDS)} kinds", "all refused by name, nothing left behind", _got(tried - len(let_in), tried, let_in), tried >= 20 and not let_in),
    ]


def named(at: Ground) -> list[Row]:
    count, wrong = seeded.main()
    return [Row(35, "seeded faults named, with cause and next step", "at least 40, all", _got(count - len(wrong), count, wrong), count >= 40 and not wrong)]


PARTS: dict[str, Callable[[Ground], list[Row]]] = {
    "kills": kills, "disk": disks, "clock": clocks, "dead": died, "feed": feed, "weeks": odd_weeks, "past": past,
    "together": many, "backups": kept, "seeded": named,
}  # fmt: skip


def main(size: Size, only: list[str], name: str) -> int:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="harmcast-faults-") as folder:
        at = Ground(Path(folder), size)
        for part in only or list(PARTS):
            begun = time.perf_counter()
            rows += PARTS[part](at)
            print(f"    {part}: {time.perf_counter() - begun:.0f} s", flush=True)
    return saved(name, rows)


def asked() -> Any:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--only", nargs="+", default=[], choices=list(PARTS))
    return parser.parse_args()


if __name__ == "__main__":
    given = asked()
    is_whole = not given.small and not given.only
    sys.exit(main(SMALL if given.small else Size(kills=given.kills), given.only, "faults" if is_whole else "faults-some"))
