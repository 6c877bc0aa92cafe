"""The doors tried: `make bench-attack`.

    python -m bench.attack [--payloads 2000] [--requests 50000] [--processes 2] [--only injection fuzz suite]

Prints each promise with the figure asked and the figure got; leaves with 1 if one is short. Promises 20, 21, 22, 25, 26 and 27 are
tests of the suite and are run as such; 23 and 24 run here at full size, the suite runs them small.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.results import Row, saved

ROOT = Path(__file__).resolve().parent.parent
SUITE = {
    "20 every route with every role": ["tests/web/test_routes.py"],
    "21 no view of another unit": ["tests/web/test_people_pages.py", "-k", "foreign or unit or restricted"],
    "22 sessions, guesses, tokens, headers": ["tests/web/test_sessions.py", "tests/web/test_force_login.py", "tests/web/test_routes.py"],
    "25 bulk export is hard": ["tests/web", "-k", "export or scraping or names or cap_holds or granted_list"],
    "26 no request leaves the host": ["tests/web/test_browser.py", "-k", "crawl or axe"],
    "27 axe, keyboard, 320 px, 400%, no scripts": ["tests/web/test_every_page_browser.py", "tests/web/test_journeys.py", "tests/web/test_browser.py", "tests/web/test_people_browser.py", "tests/web/test_oversight_browser.py"],
}


@dataclass(frozen=True)
class Kept:
    """One promise: what was asked, what was got, and whether it stands."""

    promise: str
    asked: str
    got: str
    stands: bool

    def row(self) -> Row:
        number, what = self.promise.split(" ", 1)
        return Row(int(number), what, self.asked, self.got, self.stands)


def injection(count: int) -> list[Kept]:
    """Payloads through feed and forms, in process, and the pages once more in a browser."""
    from bench.attacks.injection import inject
    from bench.attacks.payloads import payloads

    with tempfile.TemporaryDirectory() as folder:
        found = inject(Path(folder), payloads(count))
    for fault, times in Counter(found.faults).most_common(20):
        print(f"  {times} x {fault}")
    got = f"{found.by_form:,} by form and {found.by_feed:,} by feed, {found.pages:,} answers and {found.exports} exports looked at, {len(found.faults)} faults"
    return [Kept("23 injection", f"{count:,} payloads, 0 run, exports neutral", got, not found.faults and found.by_form >= count)]


def _fuzz(task: tuple[int, int]) -> tuple[int, dict[int, int], list[str]]:
    from bench.attacks import fuzz, site

    number, requests = task
    with tempfile.TemporaryDirectory() as folder:
        state = site.make(Path(folder))
        found = fuzz.fuzz(site.application(state), requests, number, lambda sent: print(f"\r    {sent:,} of {requests:,} requests", end="", file=sys.stderr, flush=True))
        state.close()
    return found.requests, dict(found.statuses), found.faults


def fuzzing(requests: int, processes: int) -> list[Kept]:
    """Generated requests to every route, spread over processes with a state each."""
    import logging

    logging.disable(logging.CRITICAL)
    share = -(-requests // processes)
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        results = pool.map(_fuzz, [(number + 1, share) for number in range(processes)])
    sent = sum(result[0] for result in results)
    statuses = sum((Counter(result[1]) for result in results), Counter())
    faults = [fault for result in results for fault in result[2]]
    print("  by status: " + ", ".join(f"{status}: {n:,}" for status, n in sorted(statuses.items())))
    for fault, times in Counter(faults).most_common(20):
        print(f"  {times} x {fault}")
    got = f"{sent:,} requests, {len(faults)} faults"
    return [Kept("24 fuzzed routes", f"{requests:,} requests, none answered with 500 or above, no stack trace", got, not faults and sent >= requests)]


def suite() -> list[Kept]:
    """The promises that the suite holds, run as tests."""
    found = []
    for promise, words in SUITE.items():
        run = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words], cwd=ROOT, capture_output=True, text=True)
        counts = dict((word, int(n)) for n, word in re.findall(r"(\d+) (passed|failed|error|skipped)", run.stdout))
        dots = sum(line.count(".") for line in run.stdout.splitlines() if re.match(r"^[.FEsx]+\s*(\[|$)", line))
        passed = counts.get("passed", dots)
        got = f"{passed} tests passed, {counts.get('failed', 0) + counts.get('error', 0)} failed, {counts.get('skipped', 0)} skipped"
        found.append(Kept(promise, "every test of it", got, run.returncode == 0 and passed > 0))
        if run.returncode:
            print(run.stdout[-2000:])
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payloads", type=int, default=2000)
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", nargs="*", choices=["injection", "fuzz", "suite"], default=["injection", "fuzz", "suite"])
    asked = parser.parse_args()
    parts: dict[str, Callable[[], list[Kept]]] = {
        "injection": lambda: injection(asked.payloads),
        "fuzz": lambda: fuzzing(asked.requests, asked.processes),
        "suite": suite,
    }
    found = []
    for name in asked.only:
        begun = time.perf_counter()
        found += parts[name]()
        print(f"{name}: {time.perf_counter() - begun:.0f} s", flush=True)
    return saved("attack", [kept.row() for kept in found])


if __name__ == "__main__":
    sys.exit(main())
