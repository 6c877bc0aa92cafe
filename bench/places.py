"""Place forecasts on real data, beside the printed figures of every peer: `make bench-places`.

    python -m bench.places [panel ...] [--peers] [--json FILE]

For each panel and method: hit rate in the top 20 cells, PAI at 5% of cells, log score a cell, share of the gap from the
24-month count to the oracle that is closed, and seconds an origin, with the figure asked beside the figure got.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from bench import panels
from harmcast.evaluate import backtest
from harmcast.forecast import shipped

ORIGINS = 39
SEED = 20230701
# Figures measured once by an independent script on the same data: hit rate % / PAI / log score.
PRINTED: dict[str, dict[str, tuple[float, float, float]]] = {
    "ny_1km": {
        "count_4w": (13.1, 4.66, -0.6777), "count_12m": (19.4, 7.26, -0.2881), "count_24m": (19.7, 7.56, -0.2802),
        "count_36m": (19.6, 7.62, -0.2777), "count_all": (19.1, 7.48, -0.2742), "ewma": (20.3, 7.55, -0.2723),
        "kde": (20.3, 7.53, -0.2723), "prospective": (17.0, 6.26, -0.3367), "etas": (20.2, 7.57, -0.2752),
        "empirical_bayes": (20.6, 7.57, -0.2718), "negative_binomial_glm": (20.0, 7.48, -0.2731),
        "lightgbm": (20.1, 7.64, -0.2720), "random_forest": (19.6, 7.63, -0.2729), "oracle": (21.6, 7.95, -0.2562),
    },
    "ny_707m": {
        "count_4w": (7.3, 4.55, -0.4501), "count_12m": (10.9, 7.17, -0.1885), "count_24m": (11.9, 7.59, -0.1811),
        "count_36m": (11.8, 7.60, -0.1789), "count_all": (10.5, 7.44, -0.1750), "ewma": (11.5, 7.72, -0.1740),
        "kde": (11.8, 7.69, -0.1737), "prospective": (9.8, 6.27, -0.2029), "etas": (11.6, 7.68, -0.1771),
        "empirical_bayes": (11.5, 7.68, -0.1733), "negative_binomial_glm": (11.2, 7.67, -0.1741),
        "lightgbm": (11.5, 7.65, -0.1732), "random_forest": (11.3, 7.48, -0.1745), "oracle": (13.9, 8.44, -0.1607),
    },
    "to_robbery_1km": {
        "count_4w": (20.9, 5.21, -1.0896), "count_12m": (25.2, 6.47, -0.5008), "count_24m": (26.0, 6.47, -0.4861),
        "count_36m": (26.0, 6.50, -0.4817), "count_all": (25.3, 6.43, -0.4811), "ewma": (25.9, 6.56, -0.4782),
        "kde": (25.9, 6.59, -0.4797), "prospective": (22.8, 5.37, -0.5900), "etas": (25.7, 6.39, -0.4895),
        "empirical_bayes": (25.8, 6.59, -0.4778), "negative_binomial_glm": (26.4, 6.61, -0.4756),
        "lightgbm": (26.2, 6.61, -0.4754), "random_forest": (26.0, 6.60, -0.4765), "oracle": (27.2, 6.83, -0.4549),
    },
    "to_robbery_707m": {
        "count_4w": (14.3, 4.84, -0.7171), "count_12m": (20.3, 6.62, -0.3259), "count_24m": (21.0, 6.70, -0.3166),
        "count_36m": (21.0, 6.79, -0.3131), "count_all": (20.9, 6.71, -0.3113), "ewma": (21.0, 6.77, -0.3098),
        "kde": (20.8, 6.79, -0.3132), "prospective": (18.4, 5.35, -0.3720), "etas": (20.2, 6.55, -0.3202),
        "empirical_bayes": (20.8, 6.83, -0.3097), "negative_binomial_glm": (21.0, 7.03, -0.3072),
        "lightgbm": (20.9, 7.01, -0.3068), "random_forest": (20.9, 6.93, -0.3083), "oracle": (21.6, 7.36, -0.2877),
    },
    "to_both_707m": {
        "count_24m": (20.5, 7.05, -1.0363), "count_36m": (20.4, 7.02, -1.0330), "count_all": (20.3, 7.01, -1.0352),
        "ewma": (20.5, 7.06, -1.0292), "etas": (20.2, 6.85, -1.1089), "empirical_bayes": (20.4, 7.06, -1.0312),
        "negative_binomial_glm": (20.5, 7.07, -1.0263), "lightgbm": (20.5, 7.06, -1.0268),
        "random_forest": (20.5, 7.06, -1.0292), "oracle": (20.6, 7.11, -1.0006),
    },
}  # fmt: skip
# What a trial of such a procedure reached, the goal, and the goal for the error of the force's total (%).
ASKED: dict[str, tuple[float, float, float]] = {
    "ny_1km": (-0.26930, -0.2689, 13.4),
    "ny_707m": (-0.17178, -0.1715, 13.4),
    "to_robbery_1km": (-0.47184, -0.4711, 17.5),
    "to_robbery_707m": (-0.30484, -0.3041, 17.5),
    "to_both_707m": (-1.02015, -1.0201, 6.8),
}


def measure(name: str, with_peers: bool) -> dict[str, Any]:
    """One panel's whole backtest, with the seconds it took."""
    panel = panels.PANELS[name][1]()
    at_origin, came = backtest.rolling(panel, ORIGINS)
    began = time.perf_counter()
    models = shipped.models(at_origin[0], seed=SEED)
    found = backtest.backtest_places(
        at_origin, came, models, tool=name, chosen=shipped.CHOSEN, level=shipped.level, in_turn=shipped.IN_TURN, seed=SEED
    )
    found["seconds"] = time.perf_counter() - began
    if with_peers:
        from bench.peers import peers

        more = backtest.backtest_places(
            at_origin, came, {**peers(at_origin[0], SEED), "count_24m": models["count_24m"]},
            tool=name, chosen="count_24m", level=shipped.level, seed=SEED,
        )  # fmt: skip
        found["models"] |= {key: value for key, value in more["models"].items() if key not in found["models"]}
    return found


def show(name: str, found: dict[str, Any]) -> None:
    """The table of one panel, printed figures in brackets."""
    title, crimes = panels.PANELS[name][0], found["crimes"]
    print(f"\n{title}: {found['units']} cells, {len(found['origins'])} origins, {crimes} crimes")
    print(f"  {'method':24}{'hit20 %':>15}{'PAI 5%':>15}{'log score':>21}{'gap %':>7}{'PIT':>6}{'cov90':>7}{'MAPE':>6}{'s':>7}")
    rows = {**found["models"], "oracle": found["oracle"]}
    for method, one in rows.items():
        hit, pai, log = PRINTED[name].get(method, (None, None, None))
        gap = one.get("gap_closed_share")
        print(
            f"  {method:24}{100 * one['hit_rate_top20']:7.1f} {_told(hit, '.1f'):>7}{one['pai_5pct']:7.2f} {_told(pai, '.2f'):>7}"
            f"{one['log_score']:11.5f} {_told(log, '.4f'):>9}{'' if gap is None else f'{100 * gap:.1f}':>7}"
            f"{one['pit_deviation']:6.2f}{one['coverage_90']:7.3f}{100 * one['total_mape']:6.1f}{one.get('seconds_per_origin', 0):7.2f}"
        )
    ours, floor = found["models"][found["chosen"]], found["models"]["count_24m"]
    reached, goal, error = ASKED[name]
    print(f"  perfect foresight: hit rate {100 * found['foresight']['hit_rate_top20']:.1f}%")
    print(f"  ours {ours['log_score']:.5f}: trial {reached:.5f} {_met(ours['log_score'] >= reached)}, goal {goal:.4f} {_met(ours['log_score'] >= goal)}")
    print(f"  total error {100 * ours['total_mape']:.1f}%: asked {error}% {_met(100 * ours['total_mape'] <= error + 0.05)}; PIT deviation "
          f"{ours['pit_deviation']:.3f}: asked .05 {_met(ours['pit_deviation'] <= 0.05)}; coverage {ours['coverage_90']:.3f}: asked .88 to .92 "
          f"{_met(0.88 <= ours['coverage_90'] <= 0.92)}")  # fmt: skip
    print(f"  inside printed range {ours['inside_printed_range']:.3f}, model expects {ours['expected_inside_printed_range']:.3f}")
    print(f"  hit rate less the 24-month count's: {100 * ours['hit_rate_gain']:+.2f} points [{100 * ours['hit_rate_gain_low']:+.2f}, "
          f"{100 * ours['hit_rate_gain_high']:+.2f}]; log score {ours['log_score_gain']:+.5f} [{ours['log_score_gain_low']:+.5f}, "
          f"{ours['log_score_gain_high']:+.5f}]")  # fmt: skip
    print(f"  crimes missed by 20 cells against the best 20: ours {ours['regret_top20']}, 24-month count {floor['regret_top20']}; of our 20, "
          f"{20 - (ours['certain_of_top20'] or 0):.1f} are too few to rank (not among the 20 highest rates in nine draws of ten)")  # fmt: skip
    print(f"  {found['seconds']:.1f} s for the shipped models; {_peak_mb():.0f} MB at most so far (asked 60 s, 1024 MB)")


def _told(value: float | None, form: str) -> str:
    return "" if value is None else f"[{value:{form}}]"


def _met(is_met: bool) -> str:
    return "(met)" if is_met else "(MISSED)"


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("panel", nargs="*", default=list(panels.PANELS))
    parser.add_argument("--peers", action="store_true", help="run the peers of bench/peers too")
    parser.add_argument("--json", type=Path, help="write every figure here")
    asked = parser.parse_args()
    if panels.folder() is None:
        print("bench places: skipped, no measuring data (set HARMCAST_DATA)", file=sys.stderr)
        return
    every = {}
    for name in asked.panel:
        every[name] = measure(name, asked.peers)
        show(name, every[name])
    if asked.json:
        asked.json.write_text(json.dumps(every, indent=1))


if __name__ == "__main__":
    main()
