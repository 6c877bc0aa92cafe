"""A feed from a database at full size: the first load, then a week's change, from a PostgreSQL made for it.

    python -m bench.feed [--crimes 2000000]

Asked: 2 M crimes (with their people and charges) read and loaded in at most 60 s, a week's change in at most 5 s. Counted
is one call of what `harmcast load STATE` calls: connecting, looking at the source's tables, reading, comparing every key
held with every key there, checking, comparing, writing, naming in the ledger. Not counted: starting Python and importing
libraries (printed apart: about the same for every command), making the invented force, filling the source. The server is
started here, on this machine's loopback, so that its own work is on the same cores, and removed afterwards.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path

from bench.results import Row, saved
from bench.servers import postgres

SETTINGS = """
[force]
name = "Full size"
[feed]
source = "sql"
url = "{url}"
[[tools]]
name = "knife_injury"
kind = "places"
cell_area_km2 = 1.0
where = {{ weapon = ["knife"], injury = ["minor", "serious", "fatal"] }}
[[tools]]
name = "iom"
kind = "people"
"""


def imports_seconds() -> float:
    """How long a process of its own takes to start and to import what a read of a database needs, seconds."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import harmcast.runs.source, dlt.sources.sql_database"], check=True)
    return time.perf_counter() - began


def main(crimes: int, people: int) -> int:
    from harmcast.invented import database as records_system
    from harmcast.invented import making, slices
    from harmcast.store.state import create
    from harmcast.store.users import Actor

    operator = Actor("operator", "Operator", (("operator", None),))
    print(f"    starting Python and importing what a read needs: {imports_seconds():.1f} s, not counted below", flush=True)
    from bench.accepted import read_accepted

    importlib.import_module("dlt.sources.sql_database")
    years = 4.0
    plan = making.Plan(people, years, 3, date(2026, 11, 22), 2, crimes_a_year=crimes / years)
    force = making.make(plan)
    sends = making.sends(plan)
    with tempfile.TemporaryDirectory() as name, postgres() as server:
        url = f"{server}/postgres".replace("postgresql://", "postgresql+psycopg://")
        filled = records_system.fill(url, slices.tables_of(force, sends[0], everything=True))
        folder = Path(name)
        (folder / "settings.toml").write_text(SETTINGS.format(url=url))
        state = create(folder / "state", folder / "settings.toml")
        seconds = []
        for number, sent in enumerate(sends[:3]):
            if number:
                records_system.advance(url, slices.tables_of(force, sent, everything=False))
            state.operations._now = lambda at=sent.made_at: at.replace(tzinfo=UTC)  # type: ignore[misc]
            began, worked = time.perf_counter(), time.process_time()
            result = read_accepted(state, operator)[-1]
            seconds.append(time.perf_counter() - began)
            changed = result.changed_rows
            print(f"{datetime.isoformat(sent.made_at)}: {sum(c.received for c in result.files):,} rows read, {result.changed_rows:,} changed, {seconds[-1]:.1f} s ({time.process_time() - worked:.1f} s of CPU)", flush=True)
        state.close()
    rows = [
        Row("feed", f"first load from PostgreSQL, {filled['crimes']:,} crimes, {sum(filled.values()):,} rows", "at most 60 s", f"{seconds[0]:.1f} s", seconds[0] <= 60),
        Row("feed", f"a week's change, keys reconciled, {changed:,} rows changed", "at most 5 s", f"{max(seconds[1:]):.1f} s", max(seconds[1:]) <= 5),
    ]
    return saved("feed", rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--crimes", type=int, default=2_000_000)
    parser.add_argument("--people", type=int, default=60_000)
    given = parser.parse_args()
    sys.exit(main(given.crimes, given.people))
