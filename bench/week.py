"""The weekly run at full size: `make bench-week`.

    python -m bench.week [--people 300000] [--years 10] [--keep]

An invented force of 300,000 people and ten years (about 3 million crimes) is made once in .bench/, its history loaded, a person
model fitted, and a week run as a command of its own. Asked: history load 120 s, weekly run 60 s and 4 GB on 2 cores.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from multiprocessing import get_context
from pathlib import Path

from bench.accepted import WAITS, approver_with_code
from bench.results import Row, saved
from harmcast.invented.making import invent
from harmcast.store import loads
from harmcast.store.state import open_state
from harmcast.weeks import Week

ROOT = Path(__file__).resolve().parent.parent
HARMCAST = Path(sys.executable).parent / "harmcast"
LAST_SUNDAY = date(2026, 11, 15)
WEEKS = 3
SEGMENTS = 150_000  # of road on a large county's ground


def timed(*words: str, waits: bool = False) -> tuple[float, float, str]:
    """Seconds, peak memory in GB and output of one harmcast command; "" where it `waits` for somebody, which only some may."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        begun = time.perf_counter()
        started = subprocess.Popen([str(HARMCAST), *words], stdout=out, stderr=err)
        _, status, used = os.wait4(started.pid, 0)
        seconds = time.perf_counter() - begun
        started.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if waits and started.returncode == WAITS:
            return seconds, used.ru_maxrss / 1e6, ""
        if started.returncode:
            sys.exit(f"harmcast {words[0]} failed:\n{err.read()}")
        return seconds, used.ru_maxrss / 1e6, out.read()


def timed_week(state: Path, monday: date, delivery: Path) -> tuple[float, float, str]:
    """The weekly run as `timed` gives it; where its load waits that is accepted and the run goes on, and both parts count."""
    words = ("week", str(state), "--as-of", str(monday), "--from", str(delivery), "--json")
    seconds, memory, said = timed(*words, waits=True)
    if said:
        return seconds, memory, said
    opened = open_state(state)
    waiting = loads.waiting(opened.operations)
    opened.close()
    if waiting is None:
        sys.exit(f"harmcast week of {monday} waits, and not for a load")
    held = ", ".join(f"{effect.check} {effect.scope}" for effect in waiting.effects if effect.verdict == "hold")
    print(f"load {waiting.number} waited: {held}", flush=True)
    timed("accept", str(state), "--load", str(waiting.number), "--reason", "bench")
    rest_s, rest_gb, said = timed(*words)
    return seconds + rest_s, max(memory, rest_gb), said


def force(people: int, years: float) -> Path:
    """An invented force on the ground of a large county, made if it is not there."""
    folder = ROOT / ".bench" / f"force-{people}-{years:g}"
    if not (folder / "truth").is_dir():
        shutil.rmtree(folder, ignore_errors=True)
        begun = time.perf_counter()
        making = get_context("spawn").Process(
            target=invent, args=(folder,), kwargs={"people": people, "years": years, "seed": 10, "to": LAST_SUNDAY, "weeks": WEEKS, "ground_segments": SEGMENTS}
        )
        making.start()
        making.join()
        if making.exitcode:
            sys.exit("the invented force was not made")
        print(f"invented {people:,} people, {years:g} years, {SEGMENTS:,} segments of road: {time.perf_counter() - begun:.0f} s", flush=True)
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=300_000)
    parser.add_argument("--years", type=float, default=10.0)
    asked = parser.parse_args()
    folder = force(asked.people, asked.years)
    deliveries = sorted((folder / "deliveries").iterdir())
    state = ROOT / ".bench" / "week-state"
    shutil.rmtree(state, ignore_errors=True)
    timed("init", str(state), "--settings", str(folder / "settings.toml"))
    load_s, load_gb, said = timed("load", str(state), str(deliveries[0]), "--json")
    timed("accept", str(state), "--load", "1", "--reason", "bench")
    rows = {f["table"]: f["loaded"] for f in json.loads(said)["files"]}
    first = Week.of(LAST_SUNDAY).plus(2 - WEEKS)
    refit_s, refit_gb, said = timed("refit", str(state), "--as-of", str(first.plus(-1).monday), "--json")
    timed("publish", str(state), json.loads(said)["model"], "--reason", "bench", "--code", approver_with_code(state, "publish"))
    weeks = []
    for number, delivery in enumerate(deliveries[1:]):
        monday = first.plus(number).monday
        seconds, memory, said = timed_week(state, monday, delivery)
        weeks.append(seconds)
        week_gb = memory
        print(f"week {json.loads(said)['week']}: {seconds:.1f} s")
    print(f"held: {', '.join(f'{count:,} {table}' for table, count in rows.items())}")
    figures = [
        ("history load, s", load_s, 120.0),
        ("weekly run from kept state, s", weeks[-1], 60.0),
        ("weekly run, the first (nothing kept), s", weeks[0], 60.0),
        ("memory of the weekly run, GB", week_gb, 4.0),
        ("memory of the history load and of the refit, GB", max(load_gb, refit_gb), 4.0),
        ("refit of the person model, s", refit_s, 300.0),
    ]
    missed = 0
    saved("week", [Row(11, what, f"at most {most:g}", f"{got:.1f}", got <= most) for what, got, most in figures])
    print(f"{'':48}{'asked':>10}{'got':>10}")
    for what, got, most in figures:
        missed += got > most
        print(f"{what:<48}{most:>10.0f}{got:>10.1f}  {'met' if got <= most else 'MISSED'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
