"""`make bench-people`: the person half on real people, on invented forces whose chances are known, and at full size.

    python -m bench.people [philadelphia] [georgia] [california] [again] [forces] [force]

philadelphia  dated histories with the peers' conventions, year by year; then `harmcast backtest` on the same records
georgia, california  no dated charges: the shipped kinds of model on the columns these come with, against the peers' rows
again         a second computation of harm, bands and features; features from a feed cut at the origin
card-sizes    what the points card was sized on, by cross-validation; only when named
forces        chances and ranges beside known ones: forces of another make, of 3, 4, 6 and 12 years, with drift, and the demo, six seeds each
force         300,000 people: a week's scores and a refit in seconds, and known chances there

Real data comes from HARMCAST_DATA; without it those parts are left out aloud. Each part's rows are kept as `people-PART` (bench/results.py).
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench import known_chances, people_again, people_force, people_philadelphia
from bench.peers import people_columns
from bench.results import Row, saved

DATA = Path(os.environ.get("HARMCAST_DATA", Path(__file__).resolve().parent.parent.parent / "shared" / "data")) / "people"
GEORGIA = DATA / "nij_georgia" / "NIJRecid_round1.csv"
Part = tuple[str, Callable[[], list[Row]]]  # the module whose rows these are, and what makes them
REAL: dict[str, Part] = {
    "philadelphia": ("bench.people_philadelphia", lambda: people_philadelphia.rows(DATA)),
    "georgia": ("bench.peers.people_columns", lambda: people_columns.georgia(GEORGIA)),
    "california": ("bench.peers.people_columns", lambda: people_columns.california(DATA / "california_parole" / "journal.pone.0141328.s001.csv")),
}
INVENTED: dict[str, Part] = {
    "again": ("bench.people_again", people_again.rows),
    "forces": ("bench.known_chances", known_chances.report),
    "force": ("bench.people_force", people_force.rows),
}
PARTS = REAL | INVENTED


def memory_gb() -> float:
    """Peak of this process so far and of its largest child."""
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1e6


def main(arguments: list[str]) -> int:
    if arguments == ["card-sizes"]:
        people_columns.card_sizes(GEORGIA)
        return 0
    wanted = arguments or list(PARTS)
    if unknown := [name for name in wanted if name not in PARTS]:
        print(f"unknown: {', '.join(unknown)}")
        return 2
    short = 0
    for name in wanted:
        if name in REAL and not DATA.is_dir():
            print(f"left out: {name}: no measuring data at {DATA}; set HARMCAST_DATA")
            continue
        began, processor = time.perf_counter(), time.process_time()
        rows = PARTS[name][1]()
        seconds, of_processor = time.perf_counter() - began, time.process_time() - processor
        print(f"== {name}: {seconds:.0f} s, {of_processor:.0f} s of processor, memory so far {memory_gb():.2f} GB", flush=True)
        short |= saved(f"people-{name}", rows, part=PARTS[name][0])
        print()
    return short


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
