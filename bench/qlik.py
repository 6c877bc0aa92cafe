"""The three apps for Qlik: faults, whether faults would be found, whether Qlik would show what the pages say, and what three years cost.

`make bench-qlik` uses a state of invented releases with audits and deliveries, and the demo's, which it makes; `python -m bench.qlik STATE`
a copy of that state instead of the demo's. No measure may have been compared as nothing with nothing. Qlik itself is not run: what is worked out is what its
documents say it does.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from tests.publish.qlik import equality, evaluator, seeded
from tests.publish.qlik.by_hand import audited, decided, delivered, in_use, with_people
from tests.web import invented_people, invented_releases

from bench.results import Row, saved
from harmcast.operate import qlik
from harmcast.store.state import State, open_state

TODAY = date(2026, 11, 18)
WEEKS = 156
ACROSS_M = 40_000.0
ASKED_SECONDS = 10.0
ASKED_SELECTIONS = equality.LEAST


@contextmanager
def invented(folder: Path, releases: int, across_m: float) -> Iterator[State]:
    state = invented_releases.make_state(folder, releases=releases, across_m=across_m)
    invented_people.add_people(state)
    decided(state, TODAY)
    audited(state)
    delivered(state)
    yield with_people(in_use(state, TODAY), TODAY)
    state.close()


@dataclass
class Found:
    """What was found in every state: faults, kinds and number of faults put in and missed, selections and figures by app, what differs."""

    faults: list[str] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)
    put_in: int = 0
    missed: list[str] = field(default_factory=list)
    selections: dict[str, int] = field(default_factory=dict)
    figures: int = 0
    unlike: list[str] = field(default_factory=list)
    said: Counter[str] = field(default_factory=Counter)

    def rows(self) -> list[Row]:
        silent = [name for name, said in self.said.items() if not said and not name.endswith("_stale")]  # nothing in it is old
        fewest = min(self.selections.values(), default=0)
        per_app = ", ".join(f"{app} {count}" for app, count in self.selections.items())
        equal = f"{self.figures - len(self.unlike):,} of {self.figures:,} figures of {len(self.said)} measures, {len(silent)} never but nothing"
        return [
            Row(51, "faults of the three apps against Qlik's specification", "0", str(len(self.faults)), not self.faults),
            Row(51, f"seeded faults found, of {len(self.kinds)} kinds", "all", f"{self.put_in - len(self.missed)} of {self.put_in}", not self.missed and self.put_in > 0),
            Row(51, "selections tried, the most of each app", f"at least {ASKED_SELECTIONS} each", per_app, fewest >= ASKED_SELECTIONS),
            Row(51, "measures under selections equal to the pages", "all", equal, not self.unlike and not silent),
        ]


def look(state: State, today: date, found: Found) -> None:
    """Adds what is found in a state; prints the first of what differs."""
    written = qlik.refresh(state, "bench", "operator", today)
    found.faults += [f"{app} not written: {code}" for app, code in written.failed.items()]
    folder = state.root / qlik.FOLDER
    for app in written.versions:
        held = evaluator.folder_of(folder / app)
        faults = [str(fault) for fault in evaluator.checker.faults(app, *held)]
        counted, missed = seeded.missed(app, *held) if not faults else ({}, [])
        equal = equality.EVERY[app](state, folder, today)
        found.faults += faults
        found.kinds |= counted.keys()
        found.put_in += sum(counted.values())
        found.missed += missed
        found.selections[app] = max(found.selections.get(app, 0), *equal.selections.values())
        found.figures += equal.figures
        found.unlike += equal.unlike
        found.said.update(equal.measures)
        for line in equal.unlike[:5]:
            print(f"  unlike: {line}")


def three_years(folder: Path) -> Row:
    """What writing three years of a large force takes."""
    with invented(folder, WEEKS, ACROSS_M) as state:
        begun = time.perf_counter()
        written = qlik.refresh(state, "bench", "operator", TODAY)
        seconds = time.perf_counter() - begun
        held = state.root / qlik.FOLDER
        tables = {app: evaluator.folder_of(held / app)[1] for app in written.versions}
        rows = sum(frame.height for app in tables for name in tables[app] if (frame := qlik.table(state, app, name)) is not None)
        size = sum(path.stat().st_size for path in held.rglob("*.qvd"))
    what = f"three years ({WEEKS} weeks) of a large force written, {rows:,} rows"
    return Row(51, what, f"at most {ASKED_SECONDS:g} s", f"{seconds:.1f} s, {size / 1e6:.1f} MB of QVD", seconds <= ASKED_SECONDS and not written.failed)


def demo(state: Path) -> Path:
    """The demo's state: eight weeks that people looked at, with what no invented release holds."""
    command = [Path(sys.executable).parent / "harmcast", "demo", state, "--deliveries", state.with_name("deliveries"), "--no-serve"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return state


def main(states: list[Path]) -> int:
    found = Found()
    with tempfile.TemporaryDirectory(prefix="bench-qlik-") as text:
        folder = Path(text)
        with invented(folder / "small", 14, 14_000.0) as state:
            look(state, TODAY, found)
        for number, path in enumerate(states or [demo(folder / "demo")]):
            copied = folder / f"state-{number}"
            shutil.copytree(path, copied)
            opened = open_state(copied)
            today = date.fromisoformat(opened.operations.now()[:10])
            look(with_people(in_use(opened, today), today), today, found)
            opened.close()
        rows = [*found.rows(), three_years(folder / "large")]
    return saved("qlik", rows)


if __name__ == "__main__":
    sys.exit(main([Path(text) for text in sys.argv[1:]]))
