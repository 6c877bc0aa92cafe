"""Place forecasts on real data, beside the printed figures of every peer: `make bench-places`.

    python -m bench.places [part ...] [--quick] [--fresh] [--json FILE]

For each panel and method: hit rate in the top 20 cells, PAI at 5% of cells, log score a cell, share of the gap from the
24-month count to the oracle that is closed, and seconds an origin, with the printed figure beside the figure got. Then units
other than squares, the time of a weekly forecast from kept state, and features computed twice and cut at the origin. A part is a panel,
`victims`, `polygons`, `weekly` or `again`; by default all. Peers are measured once for the same code and counts and then kept (said aloud;
--fresh measures them again). --quick leaves out the peers and the 500 m cells. Ends with 1 where a goal is missed. Each part's
rows are kept as `places-PART` (bench/results.py).
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from bench import panels, places_again, places_peers, places_polygons, places_speed
from bench.places_printed import (
    ASKED,
    BUILD,
    COVERAGE,
    LIST_HELD,
    MEMORY_MB,
    PIT_DEVIATION,
    PLAIN,
    PRINTED,
    SECONDS,
    TOP20_GAP,
    TOP20_YEAR_GAP,
    VICTIMS_GAIN,
)
from bench.results import Row, saved
from bench.rolling import rolling
from bench.verdicts import at_least, at_most, within
from harmcast.evaluate import backtest, scores
from harmcast.forecast import shipped

ORIGINS = 39
SEED = 20230701


def measure(name: str, with_peers: bool, fresh: bool) -> dict[str, Any]:
    """One panel's whole backtest, with the seconds and the memory it took; the peers after it."""
    panel = panels.PANELS[name][1]()
    at_origin, came = rolling(panel, ORIGINS)
    began, spent = time.perf_counter(), time.process_time()
    models = shipped.models(at_origin[0])
    found = backtest.backtest_places(
        at_origin, came, models, tool=name, chosen=shipped.CHOSEN, level=shipped.level, in_turn=shipped.IN_TURN, seed=SEED
    )
    found["seconds"], found["cpu_seconds"] = time.perf_counter() - began, time.process_time() - spent
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if with_peers:
        more = places_peers.reached(name, at_origin, came, SEED, fresh)
        gap = found["oracle"]["log_score"] - found["models"][backtest.FLOOR]["log_score"]
        for one in more["models"].values():
            one["gap_closed_share"] = (one["log_score"] - found["models"][backtest.FLOOR]["log_score"]) / gap
        found["models"] |= more["models"]
        found["hits_by_origin"] |= more["hits_by_origin"]
        found["peers"] = {key: more[key] for key in ("seconds", "cpu_seconds", "from_kept")}
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
    return best, float(more.sum() / crimes.sum()), *scores.bootstrap_range(more, SEED, crimes)


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


def judge(name: str, found: dict[str, Any]) -> list[Row]:
    """What is asked of one panel beside what it gave."""
    ours, floor, title = found["models"][found["chosen"]], found["models"][backtest.FLOOR], panels.PANELS[name][0]
    reached, goal, error = ASKED[name]
    others = {key: one["log_score"] for key, one in found["models"].items() if key != found["chosen"]}
    best = max(others, key=lambda key: others[key])
    printed = {key: three[2] for key, three in PRINTED[name].items() if key != "oracle"}
    best_printed = max(printed, key=lambda key: printed[key])
    low, high = PRINTED[name][backtest.FLOOR][2], PRINTED[name]["oracle"][2]
    by_printed = (ours["log_score"] - low) / (high - low)
    gap = f"({100 * ours['gap_closed_share']:.1f}% of the gap; {100 * by_printed:.1f}% by the printed count and oracle)"

    def said(what: str) -> str:
        return f"{title}: {what}"

    rows = [
        at_least("places", said("log score a cell, the trial's figure"), ours["log_score"], reached, ".5f", gap),
        at_least("places", said("log score a cell, the goal"), ours["log_score"], goal, ".4f" if ours["log_score"] >= goal else ".5f", gap),
        at_least("places", said(f"log score a cell, best printed method ({best_printed})"), ours["log_score"], printed[best_printed], ".5f"),
        at_least("places", said(f"log score a cell, best other method run here ({best})"), ours["log_score"], others[best], ".5f"),
    ]  # fmt: skip
    gains = [ours["log_score_gain" + end] for end in ("", "_low", "_high")]
    rows.append(Row("places", said("log score a cell less the 24-month count's, with 95% range"), "above 0 as a whole",
                    "{:+.5f} [{:+.5f}, {:+.5f}]".format(*gains), gains[1] > 0))  # fmt: skip
    for length, words in (("top20", "hits in the top 20"), ("5pct", "hits in 5% of cells (PAI)")):
        plain, mean, low, high = below_plain(found, length)
        rows.append(Row("places", said(f"{words} less the best plain count's ({plain}), points with 95% range"), "not below 0 as a whole",
                        f"{100 * mean:+.2f} [{100 * low:+.2f}, {100 * high:+.2f}]", high >= 0))  # fmt: skip
    rows += [
        within("places", said("points of the gap closed, the design's 'short member: build' within .2"), 100 * ours["gap_closed_share"],
               (BUILD[name] - 0.2, BUILD[name] + 0.2), ".1f"),
        Row("places", said("crimes missed by 20 cells against the best 20 (24-month count's beside)"), "not significantly more than the count",
            f"{ours['regret_top20']} (24-month count {floor['regret_top20']}; the best possible catches {found['foresight']['hits_top20']} of {found['crimes']})",
            ours["hit_rate_gain_high"] >= 0),
        at_most(42, said("chance of the top 20 in 4 weeks: mean distance of said and true"), ours["top20_gap"], TOP20_GAP, ".3f"),
        at_most(42, said("chance of the top 20 in 52 weeks: mean distance of said and true"), ours["top20_year_gap"], TOP20_YEAR_GAP, ".3f"),
        within(42, said("windows whose list of 20 held a number inside its range"), round(ours["list_coverage"] * ORIGINS), LIST_HELD, "d"),
        Row(42, said("crimes a window in the 20 listed; of them among the best 20"), "said beside came",
            f"{ours['list_expected']:.1f} said, {ours['hits_top20'] / ORIGINS:.1f} came; {ours['list_among_best']:.1f} said, {ours['list_came_among_best']:.1f} came", True),
        Row(16, said("windows after which the plain count, with our level, steps in"), "none, as ours places better",
            f"{found['fallback']['stepped_in_after'] or 'none'} (mean difference {found['fallback']['mean_difference']:+.4f}, evidence {found['fallback']['detector']:.1f}; "
            f"{100 * found['fallback']['from_where_share']:.0f}% of the gain is from where)", not found["fallback"]["stepped_in_after"]),
        at_most("places", said("error of the force's total, %"), 100 * ours["total_mape"], error, ".1f"),
        at_most("places", said("PIT deviation"), ours["pit_deviation"], PIT_DEVIATION, ".3f"),
        within(15, said("share of randomised PIT inside .05 to .95"), ours["coverage_90"], COVERAGE, ".3f"),
        Row(15, said("share inside the printed whole-number range, beside what the model expects"), "within .01",
            f"{ours['inside_printed_range']:.3f}, expected {ours['expected_inside_printed_range']:.3f}",
            abs(ours["inside_printed_range"] - ours["expected_inside_printed_range"]) <= 0.01),
        at_most("places", said(f"backtest of {ORIGINS} origins, s"), found["seconds"], SECONDS, ".0f", f"(CPU {found['cpu_seconds']:.0f})"),
        at_most("places", said("its memory, MB"), found["peak_mb"], MEMORY_MB, ".0f"),
    ]  # fmt: skip
    print(f"  hit rate less the 24-month count's: {100 * ours['hit_rate_gain']:+.2f} points [{100 * ours['hit_rate_gain_low']:+.2f}, {100 * ours['hit_rate_gain_high']:+.2f}]")
    if "peers" in found:
        peers = found["peers"]
        print(f"  peers: {'kept from an earlier run of the same code on the same counts, ' + peers['from_kept'] if peers['from_kept'] else 'measured now'}; "
              f"they took {peers['seconds']:.0f} s (CPU {peers['cpu_seconds']:.0f})")  # fmt: skip
    return rows


def victims() -> list[Row]:
    """New York by victims: incidents taken together against every victim an incident of its own."""
    found = {}
    for words, panel in zip(("together", "apart"), panels.new_york_by_victims(), strict=True):
        at_origin, came = rolling(panel, ORIGINS)
        models = {key: one for key, one in shipped.models(at_origin[0]).items() if key in (shipped.CHOSEN, backtest.FLOOR)}
        found[words] = backtest.backtest_places(at_origin, came, models, tool=words, chosen=shipped.CHOSEN, level=shipped.level, in_turn=shipped.IN_TURN, seed=SEED)
    gains = found["together"]["units"] * (np.array(found["together"]["series"]["log_score_gain"]) - np.array(found["apart"]["series"]["log_score_gain"]))
    ours, incidents = found["together"]["models"][shipped.CHOSEN], found["together"]["incidents"]
    return [
        at_least("places", f"New York by victims ({incidents['n']:,} incidents of {incidents['victims_per_incident']:.2f}): nats over plain victims", float(gains.sum()),
                 VICTIMS_GAIN, ".1f", f"(standard error {gains.std(ddof=1) * np.sqrt(len(gains)):.1f})"),
        at_most(42, "New York by victims: chance of the top 20 in 4 weeks: mean distance of said and true", ours["top20_gap"], TOP20_GAP, ".3f"),
        within(15, "New York by victims: share of randomised PIT inside .05 to .95", ours["coverage_90"], COVERAGE, ".3f"),
    ]  # fmt: skip


def _told(value: float | None, form: str) -> str:
    return "" if value is None else f"[{value:{form}}]"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    others = ["victims", "polygons", "weekly", "again"]
    parser.add_argument("part", nargs="*", default=[*panels.PANELS, *others])
    parser.add_argument("--quick", action="store_true", help="without the peers and the 500 m cells")
    parser.add_argument("--fresh", action="store_true", help="measure the peers again, kept or not")
    parser.add_argument("--json", type=Path, help="write every figure here")
    asked = parser.parse_args()
    if panels.folder() is None:
        print("bench places: no measuring data (set HARMCAST_DATA): panels and polygons are left out", file=sys.stderr)
    every: dict[str, Any] = {}
    codes = []
    if panels.folder() is not None:
        for name in (part for part in asked.part if part in panels.PANELS):
            every[name] = alone(measure, name, not asked.quick, asked.fresh)
            table(name, every[name])
            codes.append(_part(name, judge(name, every[name])))
        if "victims" in asked.part:
            codes.append(_part("victims", alone(victims)))
        if "polygons" in asked.part:
            every["polygons"] = alone(places_polygons.measure)
            codes.append(_part("polygons", places_polygons.rows(every["polygons"])))
    if "weekly" in asked.part:
        every["weekly"] = alone(places_speed.measure, not asked.quick)
        codes.append(_part("weekly", places_speed.rows(every["weekly"])))
    if "again" in asked.part:
        codes.append(_part("again", alone(places_again.rows)))
    if asked.json:
        asked.json.write_text(json.dumps(every, indent=1))
    return max(codes, default=0)


def _part(name: str, rows: Sequence[Row]) -> int:
    return saved(f"places-{name}", rows)


if __name__ == "__main__":
    sys.exit(main())
