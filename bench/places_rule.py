"""How often the rule errs by which the plain count steps in (promise 16): simulated with the spread and the correlation of real panels.

    make bench-places_rule

False: the plain count speaks although ours is the better one. Missed: ours speaks although the plain count is the better one.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import numpy as np

from bench.results import Row, saved
from harmcast.evaluate import choose

WINDOWS, RUNS, SEED = 130, 4000, 16
USUAL_SPREAD = 0.012
BETTER, WORSE = (0.005, 0.010), (-0.005, -0.010)
MOST_FALSE, MOST_MISSED = 0.01, 0.10


def measured(series: Mapping[str, Sequence[float]]) -> tuple[float, float]:
    """Largest spread and correlation of neighbouring windows among panels of differences; the usual ones without any."""
    if not series:
        return USUAL_SPREAD, 0.3
    spreads = [float(np.std(one, ddof=1)) for one in series.values()]
    neighbours = [float(np.corrcoef(one[:-1], one[1:])[0, 1]) for one in series.values()]
    return max(spreads), min(0.9, max(0.0, *neighbours))


def rows(series: Mapping[str, Sequence[float]]) -> list[Row]:
    """The rule's decisions on the panels' own differences, and its false and missed rates by simulation."""
    found = []
    for name, differences in series.items():
        stepped = [choose.decide(differences[: t + 1]).fell_back for t in range(choose.WINDOWS_JUDGED - 1, len(differences))]
        got = f"{sum(stepped)} of {len(stepped)}; mean difference {np.mean(differences):+.4f}, spread {np.std(differences, ddof=1):.4f}"
        found.append(Row(16, f"{name}: windows after which the rule lets the plain count step in", "0, as ours is better", got, not any(stepped)))
    spread, correlation = measured(series)
    print(f"\nThe rule of the plain count over {WINDOWS} windows (ten years), {RUNS:,} runs; spread {spread:.4f}, neighbouring windows correlated {correlation:.2f}")
    print(f"  {'true mean difference':>22}{'correlation':>13}{'ever steps in':>15}{'releases it speaks at':>23}{'median first step':>19}")
    for mean in (*BETTER[::-1], 0.0, *WORSE):
        for one in sorted({0.0, correlation}):
            said = choose.simulate(mean, spread, correlation=one, runs=RUNS, windows=WINDOWS, seed=SEED)
            first = "never" if said["first_window"] > WINDOWS else f"{said['first_window']:.0f}"
            print(f"  {mean:>+22.3f}{one:>13.2f}{said['ever_share']:>15.4f}{said['time_share']:>23.4f}{first:>19}")
            wording = f"true mean difference {mean:+.3f}, neighbouring windows correlated {one:.2f}"
            if mean in BETTER:
                found.append(_rate(f"false: share of releases at which the plain count speaks, {wording}", said["time_share"], MOST_FALSE, mean == BETTER[1]))
            elif mean in WORSE:
                found.append(_rate(f"missed: share of releases at which ours still speaks, {wording}", 1.0 - said["time_share"], MOST_MISSED, mean == WORSE[1]))
    return found


def _rate(what: str, got: float, asked: float, is_asked: bool) -> Row:
    """A rate; asked of only where the difference is as large as the panels' own, printed for smaller ones."""
    return Row(16, what, f"at most {asked:g}" if is_asked else "said", f"{got:.4f}", got <= asked or not is_asked)


if __name__ == "__main__":
    sys.exit(saved("places-rule", rows({})))
