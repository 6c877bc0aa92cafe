"""Real records by the force's own commands: `make bench-real`.

    python -m bench.real [new_york] [toronto]

New York shootings and Toronto crimes go through `harmcast init`, `load` and `backtest` like any force's delivery, with the mapping files of
bench/new_york and bench/toronto, at 1 km2 and 0.5 km2. Asked: every row accounted for, and each plain count within 1 point of hit
rate and 2% of log score of the printed row of the same convention, which proves the evaluation from the delivery on.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import deliveries
from bench.places_printed import PRINTED
from bench.results import Row, saved
from bench.week import timed

PLAIN = ("count_4w", "count_12m", "count_24m", "count_36m", "count_all", "ewma")
HIT_POINTS, LOG_SHARE = 1.0, 0.02
# The last day observed, and the panel of the printed table that each tool of the settings is.
FORCES: dict[str, tuple[str, dict[str, str]]] = {
    "new_york": ("2023-06-30", {"shootings_1km": "ny_1km", "shootings_707m": "ny_707m"}),
    "toronto": ("2021-12-31", {"robbery_1km": "to_robbery_1km", "robbery_707m": "to_robbery_707m", "assault_robbery_707m": "to_both_707m"}),
}


def loaded(name: str, folder: Path) -> tuple[Path, Row]:
    """A state with this city's delivery loaded, and whether every row of it is accounted for."""
    settings, delivery = deliveries.wrap(name, folder)
    state = folder / "state"
    timed("init", str(state), "--settings", str(settings))
    seconds, _, said = timed("load", str(state), str(delivery), "--json")
    timed("accept", str(state), "--load", "1", "--reason", "bench")
    files = json.loads(said)["files"]
    balanced = all(f["received"] == f["loaded"] + f["unchanged"] + f["superseded"] + f["quarantined"] + f["left_out"] for f in files)
    counted = "; ".join(f"{f['received']:,} rows, {f['loaded']:,} loaded, {f['superseded']:,} superseded, {f['quarantined']:,} quarantined" for f in files)
    return state, Row(5, f"{name}: every row of the delivery accounted for, {seconds:.0f} s", "all", counted, balanced)


def against_printed(name: str, tool: str, panel: str, found: dict[str, Any]) -> list[Row]:
    """The plain counts of one backtest beside the printed rows."""
    hits, logs = [], []
    for method in PLAIN:
        if method in PRINTED[panel]:
            hit, _, log = PRINTED[panel][method]
            got = found["models"][method]
            hits.append(abs(100 * got["hit_rate_top20"] - hit))
            logs.append(abs(got["log_score"] / log - 1))
    what = f"{name}, {tool}: {len(hits)} plain counts, {len(found['origins'])} origins, {found['units']} cells"
    return [
        Row("real", f"{what}: furthest hit rate from the printed, points", f"at most {HIT_POINTS:g}", f"{max(hits):.2f}", max(hits) <= HIT_POINTS),
        Row("real", f"{what}: furthest log score from the printed", f"at most {LOG_SHARE:.0%}", f"{max(logs):.2%}", max(logs) <= LOG_SHARE),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("force", nargs="*", default=list(FORCES))
    asked = parser.parse_args()
    if not deliveries.DATA.is_dir():
        print("bench real: skipped, no measuring data (set HARMCAST_DATA)", file=sys.stderr)
        return 0
    rows: list[Row] = []
    for name in asked.force:
        folder = Path(tempfile.mkdtemp(prefix="harmcast-real-"))
        try:
            state, row = loaded(name, folder)
            rows.append(row)
            last_day, tools = FORCES[name]
            for tool, panel in tools.items():
                seconds, memory, said = timed("backtest", str(state), "--tool", tool, "--to", last_day, "--json")
                found = json.loads(said)
                ours = found["models"][found["chosen"]]
                print(f"{name}, {tool}: {seconds:.0f} s, {memory:.1f} GB; {found['chosen']} log score {ours['log_score']:.5f}, hit rate {100 * ours['hit_rate_top20']:.1f}%", flush=True)
                rows += against_printed(name, tool, panel, found)
                bar = PRINTED[panel]["empirical_bayes"][2]
                if name == "new_york":
                    rows.append(Row("real", f"{name}, {tool}: our log score against the empirical Bayes row's", f"at least {bar}", f"{ours['log_score']:.5f}", ours["log_score"] >= bar))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return saved("real", rows)


if __name__ == "__main__":
    sys.exit(main())
