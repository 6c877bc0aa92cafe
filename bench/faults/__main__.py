"""Every fault promise with the figure asked and the figure got; exits 1 if one is short.

    python -m bench.faults [--kills 100] [--small]

Runs in a temporary folder and writes nothing but `.bench/results/faults.json`.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from bench.faults import disk, kill, seeded, together
from bench.results import Row, saved

DAY = "2026-03-09"


def main(kills: int, points: int, starts: int, reads: int, publications: int) -> int:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made, deliveries = kill.prepare(folder, 200, weeks=2)
        kill.run(made, deliveries[:1])
        second = deliveries[1:]
        clean = folder / "clean"
        shutil.copytree(made, clean)
        _, passed = kill.run(clean, second)
        expected = kill.summary(clean)
        step = max(1, int(passed) // points)
        boundaries = list(range(1, int(passed) + 1, step))
        rows += _kills(folder, made, second, kills, boundaries, expected)
        rows += _disk(folder, made, second[0], points, expected)
        good, wrong = together.double_starts(made, starts)
        rows.append(Row(9, "double starts of one run", f"{starts}: one runs", f"{good} as asked {' '.join(wrong[:3])}".strip(), not wrong))
        seen, published, mixed = together.mixed_reads(clean, reads, publications)
        rows.append(Row(9, f"reads over {published} publications", f"{reads:,}, no mixed week", f"{seen:,}, {len(mixed)} mixed", seen >= reads and not mixed))
    count, wrong = seeded.main()
    rows.append(Row(35, "seeded faults named, with cause and next step", "40 of 40", f"{count - len(wrong)} of {count} {' '.join(wrong[:3])}".strip(), count >= 40 and not wrong))
    return saved("faults", rows)


def _kills(folder: Path, made: Path, deliveries: list[Path], kills: int, boundaries: list[int], expected: dict[str, object]) -> list[Row]:
    import time

    wrong = kill.killed_at_boundaries(folder, made, deliveries, boundaries, expected)
    begun = time.perf_counter()
    shutil.copytree(made, folder / "timed")
    kill.run(folder / "timed", deliveries)
    longest = time.perf_counter() - begun
    at_random = kill.killed_at_random(folder, made, deliveries, kills, longest, 1, expected)
    return [
        Row(1, "weekly run killed at syncs, renames and commits, then run again", "every one as a clean run", f"{len(boundaries) - len(wrong)} of {len(boundaries)} {' '.join(wrong[:3])}".strip(), not wrong),
        Row(1, "weekly run killed at random moments, then run again", f"{kills}: as a clean run", f"{len(at_random)} of at least {kills} differ {' '.join(at_random[:3])}".strip(), not at_random),
    ]


def _disk(folder: Path, made: Path, delivery: Path, points: int, expected: dict[str, object]) -> list[Row]:
    tried = [1, 2, 5, 9, 14, 20, 30][: max(2, points // 10)]
    syncs = disk.failed_syncs(folder, made, delivery, DAY, tried, expected)
    space = disk.no_space(folder, made, delivery, DAY, [8, 60, 200, 400][: max(1, points // 20)], expected)
    torn = disk.torn(folder, made, delivery, DAY, expected)
    asked = "named error, last week served, same end after"
    rows = [Row(2, f"failed sync and no space at {len(tried)} points", asked, f"{2 * len(tried) - len(syncs)} of {2 * len(tried)} {' '.join(syncs[:2])}".strip(), not syncs)]
    if space is None:
        print("    2  a full disk was not tried: no file system may be mounted here")
    else:
        rows.append(Row(2, "a disk that is really full", asked, "held" if not space else "; ".join(space[:2]), not space))
    rows.append(Row(2, "files torn by a power cut", asked, "held" if not torn else "; ".join(torn[:2]), not torn))
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--small", action="store_true")
    given = parser.parse_args()
    sys.exit(main(3, 4, 5, 100, 5) if given.small else main(given.kills, 10_000, 50, 10_000, 100))
