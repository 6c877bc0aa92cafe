"""Place forecasts on real data, beside the printed figures of every peer: `make bench-places`.

    python -m bench.places [panel ...] [--quick] [--json FILE]

For each panel and method: hit rate in the top 20 cells, PAI at 5% of cells, log score a cell, share of the gap from the
24-month count to the oracle that is closed, and seconds an origin, with the figure asked beside the figure got. Then units
other than squares, and the time of a weekly forecast from kept state. --quick leaves out the peers and the 500 m cells.
Ends with 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from bench import panels, places_polygons, places_speed
from bench.places_printed import ASKED, COVERAGE, MEMORY_MB, PIT_DEVIATION, PLAIN, PRINTED, SECONDS
from bench.verdicts import Verdicts
from harmcast.evaluate import backtest, scores
from harmcast.forecast import shipped

ORIGINS = 39
SEED = 20230701


def measure(name: str, with_peers: bool) -> dict[str, Any]:
    """One panel's whole backtest, with the seconds and the memory it took; the peers after it."""
    panel = panels.PANELS[name][1]()
    at_origin, came = backtest.rolling(panel, ORIGINS)
    began, spent = time.perf_counter(), time.process_time()
    models = shipped.models(at_origin[0], seed=SEED)
    found = backtest.backtest_places(
        at_origin, came, models, tool=name, chosen=shipped.CHOSEN, level=shipped.level, in_turn=shipped.IN_TURN, seed=SEED
    )
    found["seconds"], found["cpu_seconds"] = time.perf_counter() - began, time.process_time() - spent
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if with_peers:
        from bench.peers import peers

        more = backtest.backtest_places(
            at_origin, came, {**peers(at_origin[0], SEED), "count_24m": models["count_24m"]},
            tool=name, chosen="count_24m", level=shipped.level, seed=SEED,
        )  # fmt: skip
        found["models"] |= {key: value for key, value in more["models"].items() if key not in found["models"]}
        found["hits_by_origin"] |= more["hits_by_origin"]
    return found


def alone(task: Any, *words: Any) -> Any:
    """A task in a process of its own, so that its memory is its own too."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(task, *words).result()


def below_plain(found: dict[str, Any], length: str) -> tuple[str, float, float, float]:
    """The plain count with most hits, and ours less its, as a share of all crimes: mean, 95% range."""
    hits, crimes = found["hits_by_origin"], np.array(found["series"]["total"], dtype=float)
    best = max(PLAIN, key=lambda name: sum(hits[name][length]))
    more = np.array(hits[found["chosen"]][length], dtype=float) - np.array(hits[best][length], dtype=float)
    return best, float(more.sum() / crimes.sum()), *scores.bootstrap_ratio_range(more, crimes, SEED)


def table(name: str, found: dict[str, Any]) -> None:
    """Every method of one panel, printed figures in brackets."""
    print(f"\n{panels.PANELS[name][0]}: {found['units']} cells, {len(found['origins'])} origins, {found['crimes']} crimes")
    print(f"  {'method':24}{'hit20 %':>15}{'PAI 5%':>15}{'log score':>21}{'gap %':>7}{'PIT':>6}{'cov90':>7}{'MAPE':>6}{'s':>7}")
    for method, one in {**found["models"], "oracle": found["oracle"]}.items():
        hit, pai, log = PRINTED[name].get(method, (None, None, None))
        gap = one.get("gap_closed_share")
        print(
            f"  {method:24}{100 * one['hit_rate_top20']:7.1f} {_told(hit, '.1f'):>7}{one['pai_5pct']:7.2f} {_told(pai, '.2f'):>7}"
            f"{one['log_score']:11.5f} {_told(log, '.4f'):>9}{'' if gap is None else f'{100 * gap:.1f}':>7}"
            f"{one['pit_deviation']:6.2f}{one['coverage_90']:7.3f}{100 * one['total_mape']:6.1f}{one.get('seconds_per_origin', 0):7.2f}"
        )
    print(f"  perfect foresight: hit rate {100 * found['foresight']['hit_rate_top20']:.1f}%")


def judge(name: str, found: dict[str, Any], verdicts: Verdicts) -> None:
    """What is asked of one panel beside what it gave."""
    ours, floor = found["models"][found["chosen"]], found["models"]["count_24m"]
    reached, goal, error = ASKED[name]
    best_peer = max(one["log_score"] for key, one in found["models"].items() if key != found["chosen"])
    verdicts.at_least("log score: the trial's", ours["log_score"], reached, ".5f")
    verdicts.at_least("log score: the goal", ours["log_score"], goal, ".5f")
    verdicts.at_least("log score: the best other method run here", ours["log_score"], best_peer, ".5f")
    for length, said in (("top20", "hits in the top 20"), ("5pct", "hits in 5% of cells")):
        best, mean, low, high = below_plain(found, length)
        verdicts.at_least(f"{said} less {best}'s, points {100 * mean:+.2f}: 95% range reaches", 100 * high, 0.0, "+.2f", f"from {100 * low:+.2f}")
    verdicts.at_most("error of the force's total, %", 100 * ours["total_mape"], error, ".1f", slack=0.05)
    verdicts.at_most("PIT deviation", ours["pit_deviation"], PIT_DEVIATION, ".3f")
    verdicts.within("share of randomised PIT inside .05 to .95", ours["coverage_90"], COVERAGE, ".3f")
    verdicts.at_most("whole backtest, s (user and system CPU " + f"{found['cpu_seconds']:.0f})", found["seconds"], SECONDS, ".0f")
    verdicts.at_most("memory, MB", found["peak_mb"], MEMORY_MB, ".0f")
    print(f"  inside the printed whole-number range {ours['inside_printed_range']:.3f}, the model expects {ours['expected_inside_printed_range']:.3f}")
    print(f"  less the 24-month count's: hit rate {100 * ours['hit_rate_gain']:+.2f} points [{100 * ours['hit_rate_gain_low']:+.2f}, "
          f"{100 * ours['hit_rate_gain_high']:+.2f}]; log score {ours['log_score_gain']:+.5f} [{ours['log_score_gain_low']:+.5f}, "
          f"{ours['log_score_gain_high']:+.5f}]")  # fmt: skip
    print(f"  crimes missed by 20 cells against the best 20: ours {ours['regret_top20']}, 24-month count {floor['regret_top20']}; of our 20, "
          f"{20 - (ours['certain_of_top20'] or 0):.1f} are too few to rank (not among the 20 highest rates in nine draws of ten)")  # fmt: skip


def _told(value: float | None, form: str) -> str:
    return "" if value is None else f"[{value:{form}}]"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("panel", nargs="*", default=list(panels.PANELS))
    parser.add_argument("--quick", action="store_true", help="without the peers and the 500 m cells")
    parser.add_argument("--json", type=Path, help="write every figure here")
    asked = parser.parse_args()
    if panels.folder() is None:
        print("bench places: skipped, no measuring data (set HARMCAST_DATA)", file=sys.stderr)
        return 0
    every: dict[str, Any] = {}
    verdicts = Verdicts()
    for name in asked.panel:
        every[name] = alone(measure, name, not asked.quick)
        table(name, every[name])
        judge(name, every[name], verdicts)
    every["polygons"] = alone(places_polygons.measure)
    places_polygons.show(every["polygons"], verdicts)
    every["weekly"] = alone(places_speed.measure, not asked.quick)
    places_speed.show(every["weekly"], verdicts)
    if asked.json:
        asked.json.write_text(json.dumps(every, indent=1))
    return verdicts.close()


if __name__ == "__main__":
    sys.exit(main())
