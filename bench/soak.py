"""Memory of the dashboards over an hour at work: `make bench-soak`.

    python -m bench.soak [--people 300000] [--users 40] [--minutes 60]

The users of bench.load work for an hour against `harmcast serve` while a release is published in the middle; the server's memory is
read each half minute. Asked: no error, and the median of the last ten minutes at most a tenth above that of the ten minutes after the
release's first five, when every cache of both releases has been filled.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import threading
import time
from pathlib import Path

import psutil

from bench import load
from bench.results import Row, saved

EVERY_S = 30.0
GROWTH = 1.1


def watched(pid: int, stop: threading.Event) -> list[tuple[float, float]]:
    """Starts reading a process's memory; gives the list that fills: seconds since the start, MB."""
    found: list[tuple[float, float]] = []
    begun, process = time.monotonic(), psutil.Process(pid)

    def read() -> None:
        while not stop.wait(EVERY_S):
            found.append((time.monotonic() - begun, process.memory_info().rss / 1e6))

    threading.Thread(target=read, daemon=True).start()
    return found


def median_between(read: list[tuple[float, float]], first_s: float, last_s: float) -> float:
    return statistics.median([mb for at, mb in read if first_s <= at < last_s] or [mb for _, mb in read])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=300_000)
    parser.add_argument("--users", type=int, default=40)
    parser.add_argument("--minutes", type=float, default=60)
    asked = parser.parse_args()
    folder = load.ROOT / ".bench" / "soak" / "state"
    accounts = load.make(Path(folder), asked.people, asked.users)
    serving, address = load.served(folder)
    stop = threading.Event()
    try:
        read = watched(serving.pid, stop)
        found, _ = asyncio.run(load.run(address, accounts, asked.minutes * 60, folder))
    finally:
        stop.set()
        serving.terminate()
        serving.wait(20)
    whole = read[-1][0]
    for at, mb in read[:: max(1, len(read) // 12)]:
        print(f"  after {at / 60:5.1f} min: {mb:7.0f} MB")
    settled = median_between(read, whole / 2 + whole / 12, whole * 3 / 4)
    last = median_between(read, whole * 5 / 6, whole + 1)
    wrong = sum(took.wrong is not None for took in found)
    return saved(
        "soak",
        [
            Row(19, f"memory of the dashboards, end of {asked.minutes:g} minutes over middle, {len(found):,} pages", f"at most {GROWTH}", f"{last / settled:.2f} ({last:.0f} MB)", last <= GROWTH * settled),
            Row(19, "errors in that time", "0", str(wrong), wrong == 0),
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
