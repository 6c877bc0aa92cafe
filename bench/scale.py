"""How time grows with size: `make bench-scale`.

    python -m bench.scale [--crimes 50000000] [--years 1 2 4 7 10] [--people 20000]

Features of places from 50 million crimes, beside DuckDB's own scan-and-group of the same file: at most twice its time (promise 12).
Then time and memory of a weekly run as the history held grows, drawn into docs/pictures/weekly-run.svg: asked that ten times the
history costs at most ten times the first year's, in time and in memory. `--years` without numbers leaves that part out.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from bench.results import Row, saved
from harmcast.charts.report import lines
from harmcast.places import counts, grid

ROOT = Path(__file__).resolve().parent.parent
ORIGIN = date(2026, 6, 1)
SIDE_M, ACROSS = 707.0, 44
ROUNDS = 3
KINDS = ("8/01", "8/02", "34B", "28A", "49/10")


def invent(path: Path, crimes: int) -> None:
    """Ten years of crimes with a place, a time, a delay and one of five offences, in one Parquet file."""
    import duckdb

    kinds = ", ".join(f"'{kind}'" for kind in KINDS)
    width = SIDE_M * ACROSS
    duckdb.sql(
        f"COPY (SELECT 'C' || i AS crime_ref, list_value({kinds})[1 + i % {len(KINDS)}] AS offence_code, "
        f"TIMESTAMP '2016-06-01' + to_minutes(CAST(hash(i, 1) % 5256000 AS BIGINT)) AS happened_from, "
        f"happened_from + to_hours(CAST(hash(i, 2) % 200 AS BIGINT)) AS recorded_at, CAST(recorded_at AS DATE) AS known_on, "
        f"CASE WHEN hash(i, 3) % 50 = 0 THEN 'cancelled' ELSE 'recorded' END AS status, "
        f"400000 + {width} * power((hash(i, 4) % 1000000) / 1e6, 2) AS easting_m, "
        f"280000 + {width} * (hash(i, 5) % 1000000) / 1e6 AS northing_m FROM range({crimes}) t(i)) TO '{path}' (FORMAT parquet)"
    )


def features(path: Path) -> counts.Panel:
    """What a weekly run makes of the crimes: weekly counts a cell of the tool and of two leading kinds, and the delays."""
    import duckdb
    import numpy as np

    columns, rows = np.meshgrid(np.arange(565, 565 + ACROSS + 1), np.arange(396, 396 + ACROSS + 1), indexing="ij")
    units = grid.squares_at(SIDE_M, columns.ravel(), rows.ravel())
    with duckdb.connect() as connection:
        crimes = connection.read_parquet(str(path))
        leading = [{"offence_code": ["34B"]}, {"offence_code": ["28A"]}]
        return counts.panel(crimes, units, {"offence_code": ["8"]}, leading, ORIGIN)


def plain_scan(path: Path) -> int:
    """The same file scanned and grouped by cell, week and offence by DuckDB alone."""
    import duckdb

    with duckdb.connect() as connection:
        found = connection.sql(
            f"SELECT CAST(floor(easting_m / {SIDE_M}) AS BIGINT) AS a, CAST(floor(northing_m / {SIDE_M}) AS BIGINT) AS b, "
            f"(DATE '{ORIGIN}' - CAST(happened_from AS DATE) - 1) // 7 AS back, offence_code, count(*) AS n "
            f"FROM read_parquet('{path}') WHERE status <> 'cancelled' GROUP BY ALL"
        ).arrow()
        return int(getattr(found, "num_rows", 0) or sum(batch.num_rows for batch in found))


def timed(task: Callable[[Path], Any], path: Path) -> tuple[float, float]:
    """Seconds and CPU seconds of one run."""
    began, spent = time.perf_counter(), time.process_time()
    task(path)
    return time.perf_counter() - began, time.process_time() - spent


def against_scan(crimes: int) -> list[Row]:
    folder = ROOT / ".bench"
    folder.mkdir(exist_ok=True)
    path = folder / f"scale-{crimes}.parquet"
    try:
        invent(path, crimes)
        print(f"{crimes:,} crimes, {path.stat().st_size / 1e9:.2f} GB; {ROUNDS} rounds, one after the other by turns")
        own, scan = [], []
        for _ in range(ROUNDS):
            scan.append(timed(plain_scan, path))
            own.append(timed(features, path))
        for what, runs in (("DuckDB's scan and group", scan), ("features", own)):
            print(f"  {what:<26}{statistics.median(s for s, _ in runs):8.1f} s{statistics.median(c for _, c in runs):8.1f} s CPU (medians)")
        ratio = statistics.median(f[0] / s[0] for f, s in zip(own, scan, strict=True))
        return [Row(12, f"features from {crimes:,} crimes over DuckDB's own scan and group, ratio of times", "at most 2", f"{ratio:.2f}", ratio <= 2.0)]
    finally:
        path.unlink(missing_ok=True)


def weekly_run(people: int, years: list[float]) -> list[Row]:
    """A force of each length, loaded and run for one week from kept state."""
    from bench.week import LAST_SUNDAY, timed_week
    from bench.week import timed as command
    from harmcast.weeks import Week

    found = []
    for length in years:
        folder, state = ROOT / ".bench" / f"scale-{length:g}", ROOT / ".bench" / "scale-state"
        try:
            command("invent", str(folder), "--people", str(people), "--years", str(length), "--seed", "10", "--to", str(LAST_SUNDAY), "--weeks", "3")
            shutil.rmtree(state, ignore_errors=True)
            deliveries = sorted((folder / "deliveries").iterdir())
            command("init", str(state), "--settings", str(folder / "settings.toml"))
            command("load", str(state), str(deliveries[0]))
            command("accept", str(state), "--load", "1", "--reason", "bench")
            for number, delivery in enumerate(deliveries[1:]):
                monday = Week.of(LAST_SUNDAY).plus(number - 1).monday
                seconds, memory, _ = timed_week(state, monday, delivery)
            found.append((length, seconds, memory))
            print(f"  {length:4g} years: weekly run {seconds:6.1f} s, {memory:4.2f} GB", flush=True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.rmtree(state, ignore_errors=True)
    drawn = [("seconds", "#1d70b8", [(a, s) for a, s, _ in found]), ("GB x 10", "#b58105", [(a, 10 * m) for a, _, m in found])]
    picture = ROOT / "docs" / "pictures" / "weekly-run.svg"
    picture.parent.mkdir(exist_ok=True)
    svg = lines(drawn, f"years of history held, {people:,} people", "")
    picture.write_text(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" font-family="Arial, sans-serif" ', 1), encoding="utf-8")
    print(f"drawn: {picture.relative_to(ROOT)}")
    (short, first_s, first_gb), (long, last_s, last_gb) = found[0], found[-1]
    most = long / short
    what = f"of a weekly run, {long:g} years of history over {short:g}, {people:,} people"
    return [
        Row("scale", f"time {what}", f"at most {most:g} times", f"{last_s / first_s:.1f} ({first_s:.1f} to {last_s:.1f} s)", last_s <= most * first_s),
        Row("scale", f"memory {what}", f"at most {most:g} times", f"{last_gb / first_gb:.1f} ({first_gb:.2f} to {last_gb:.2f} GB)", last_gb <= most * first_gb),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crimes", type=int, default=50_000_000)
    parser.add_argument("--years", type=float, nargs="*", default=[1, 2, 4, 7, 10])
    parser.add_argument("--people", type=int, default=20_000)
    asked = parser.parse_args()
    rows = weekly_run(asked.people, asked.years) if asked.years else []  # first: a child's peak begins at its parent's size
    rows += against_scan(asked.crimes)
    return saved("scale", rows)


if __name__ == "__main__":
    sys.exit(main())
