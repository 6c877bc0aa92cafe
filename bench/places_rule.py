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
USUAL_MEANS = (0.010, 0.005, 0.0, -0.005, -0.010)
USUAL_CORRELATIONS = (0.0, 0.3, 0.7)


def shape(differences: Sequence[float]) -> tuple[float, float, float]:
    """Mean, spread and correlation of neighbouring windows (0 or more) of a panel's differences."""
    values = np.asarray(differences, dtype=float)
    return float(values.mean()), float(values.std(ddof=1)), max(0.0, float(np.corrcoef(values[:-1], values[1:])[0, 1]))


def rows(series: Mapping[str, Sequence[float]]) -> list[Row]:
    """What the rule did on the panels' own differences, and how often it errs in worlds like each; the table for any other."""
    found = []
    for name, differences in series.items():
        mean, spread, correlation = shape(differences)
        stepped = [choose.decide(differences[: t + 1]).fell_back for t in range(choose.WINDOWS_JUDGED - 1, len(differences))]
        found.append(Row(16, f"{name}: windows after which the rule lets the plain count step in", "0, as ours is better", f"{sum(stepped)} of {len(stepped)}", not any(stepped)))
        world = f"spread {spread:.4f}, neighbouring windows correlated {correlation:.2f}"
        false, missed = (_said(sign * abs(mean), spread, correlation) for sign in (1, -1))
        found.append(Row(16, f"{name}: false rate, simulated: share of releases at which the plain count speaks, ours being better by {abs(mean):.4f} ({world})", "printed", f"{false['time_share']:.4f}", True))
        found.append(Row(16, f"{name}: missed rate, simulated: share of releases at which ours speaks, the plain count being better by as much", "printed", f"{1.0 - missed['time_share']:.4f}", True))
    print(f"\nThe rule of the plain count over {WINDOWS} windows (ten years), {RUNS:,} runs, spread {USUAL_SPREAD}")
    print(f"  {'true mean difference':>22}{'correlation':>13}{'ever steps in':>15}{'releases it speaks at':>23}{'median first step':>19}")
    for mean in USUAL_MEANS:
        for correlation in USUAL_CORRELATIONS:
            said = _said(mean, USUAL_SPREAD, correlation)
            first = "never" if said["first_window"] > WINDOWS else f"{said['first_window']:.0f}"
            print(f"  {mean:>+22.3f}{correlation:>13.2f}{said['ever_share']:>15.4f}{said['time_share']:>23.4f}{first:>19}")
            if mean and not series:
                kind, rate = ("false", said["time_share"]) if mean > 0 else ("missed", 1.0 - said["time_share"])
                found.append(Row(16, f"{kind} rate, simulated: true mean difference {mean:+.3f}, correlated {correlation:.1f}", "printed", f"{rate:.4f}", True))
    return found


def _said(mean: float, spread: float, correlation: float) -> dict[str, float]:
    return choose.simulate(mean, spread, correlation=correlation, runs=RUNS, windows=WINDOWS, seed=SEED)


if __name__ == "__main__":
    sys.exit(saved("places-rule", rows({})))
