"""The three apps for Qlik: faults, whether faults would be found, whether Qlik would show what the pages say, and what three years cost.

`make bench-qlik` uses a state of invented releases; `python -m bench.qlik STATE` a copy of a whole state beside it, e.g. the demo's,
which holds audits and deliveries too. Qlik itself is not run: what is worked out is what its documents say it does.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from tests.publish.qlik import equality, evaluator, seeded
from tests.publish.qlik.by_hand import in_use, with_people
from tests.web import invented_people, invented_releases

from harmcast.operate import qlik
from harmcast.store.state import State, open_state

TODAY = date(2026, 11, 18)
WEEKS = 156
ACROSS_M = 40_000.0
ASKED_SECONDS = 10.0


@contextmanager
def invented(folder: Path, releases: int, across_m: float) -> Iterator[State]:
    state = invented_releases.make_state(folder, releases=releases, across_m=across_m)
    invented_people.add_people(state)
    yield with_people(in_use(state, TODAY), TODAY)
    state.close()


def checked(state: State, today: date, what: str) -> bool:
    """Prints faults, seeded faults found, and figures equal to the pages; whether all are right."""
    print(f"\n{what}")
    written = qlik.refresh(state, "bench", "operator", today)
    if written.failed:
        print(f"  not written: {written.failed}")
        return False
    right = True
    for app in written.versions:
        folder = state.root / qlik.FOLDER
        held = evaluator.folder_of(folder / app)
        faults = len(evaluator.checker.faults(app, *held))
        counted, missed = seeded.missed(app, *held) if not faults else ({}, [])
        put_in = sum(counted.values())
        found = equality.EVERY[app](state, folder, today)
        print(f"  {app:<7} faults asked 0, got {faults}; faults put in {put_in} of {len(counted)} kinds, found {put_in - len(missed)}")
        measures, selections = len(found.measures[app]), found.selections
        print(f"          {measures} measures under {selections} selections: {found.figures:,} figures, equal to the pages {found.figures - len(found.unlike):,}")
        for line in found.unlike[:5]:
            print(f"          unlike: {line}")
        right = right and not faults and not missed and not found.unlike and put_in > 0
    return right


def three_years(folder: Path) -> bool:
    """Prints what writing three years of a large force takes."""
    with invented(folder, WEEKS, ACROSS_M) as state:
        begun = time.perf_counter()
        written = qlik.refresh(state, "bench", "operator", TODAY)
        seconds = time.perf_counter() - begun
        held = state.root / qlik.FOLDER
        tables = {app: evaluator.folder_of(held / app)[1] for app in written.versions}
        rows = sum(frame.height for app in tables for name in tables[app] if (frame := qlik.table(state, app, name)) is not None)
        size = sum(path.stat().st_size for path in held.rglob("*.qvd"))
        print(f"\nThree years ({WEEKS} weeks) of a large force: {rows:,} rows in {seconds:.1f} s (asked at most {ASKED_SECONDS:.0f}), {size / 1e6:.1f} MB of QVD")
        return seconds <= ASKED_SECONDS and not written.failed


def main(states: list[Path]) -> int:
    with tempfile.TemporaryDirectory(prefix="bench-qlik-") as text:
        folder = Path(text)
        with invented(folder / "small", 14, 14_000.0) as state:
            right = checked(state, TODAY, "Invented releases, 14 weeks")
        for number, path in enumerate(states):
            copied = folder / f"state-{number}"
            shutil.copytree(path, copied)
            opened = open_state(copied)
            today = date.fromisoformat(opened.operations.now()[:10])
            right = checked(with_people(in_use(opened, today), today), today, f"The state {path.name}") and right
            opened.close()
        right = three_years(folder / "large") and right
    print(f"\n{'As asked.' if right else 'Not as asked.'} Untried in Qlik itself.")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main([Path(text) for text in sys.argv[1:]]))
