"""The person model against invented forces whose chances are known: `python -m bench.people invented`.

For each seed a force of its own (`bench/known_forces.py`), a model fitted by the frozen procedure, and a sample of
people not yet high harm scored; their chances given the whole record come from the process that made them.

Seeds that the allowances of the ranges were set on are kept apart from those reported: SET_ON and REPORTED.
    python -m bench.known_chances set-on     what the allowances would have to be on SET_ON
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from bench.known_forces import KNOWN_PEOPLE, LAST, MONTHS, PEOPLE, known_force
from bench.results import Row
from harmcast.evaluate import people_choose
from harmcast.fairness import groups
from harmcast.people import minors
from harmcast.statistics import share_interval
from harmcast.tables import PERSONS
from harmcast.transitions import refit
from harmcast.transitions.landmarks import People, panel
from harmcast.transitions.model import chances, matrix, person_numbers
from harmcast.transitions.ranges import UNSEEN_ABOVE, UNSEEN_BELOW, Z
from harmcast.transitions.regression import logit
from harmcast.transitions.weekly import score_people

SET_ON = (101, 102, 103, 104, 105, 106)
REPORTED = (201, 202, 203, 204)
# The share of people whose known chance may lie beyond either end on any seed of SET_ON. On most seeds fewer do: how sure
# a fit is of its lowest chances differs from force to force, and the worst of them sets the allowance.
BEYOND_EACH_END = 0.05
LEAST_IN_GROUP = 100
# 95% for all twenty tenths (two horizons) of a seed together.
Z_TENTHS = 3.02


@dataclass(frozen=True)
class Tried:
    """One seed: the people compared (person_ref, chance, low, high, known a horizon, labels of groups), and what was fitted."""

    seed: int
    people: pl.DataFrame
    tenths: dict[int, list[dict[str, float]]]
    chosen: str
    seconds: float


def tried(seed: int, people: int = PEOPLE, known_people: int = KNOWN_PEOPLE) -> Tried:
    """One seed, from its force to the comparison; processor seconds."""
    began = time.process_time()
    force = known_force(seed, people, known_people)
    flags = minors.flags(force.protected, [*refit.all_days(LAST, MONTHS), LAST])
    model = refit.refit(force.persons, force.versions, flags, LAST, force.rules, people_choose.choose)
    scored = score_people(force.persons, force.versions, flags, LAST, model, force.rules, force.cuts).people
    ends = [f"chance_high_harm_{h}m{end}" for h in MONTHS for end in ("", "_low", "_high")]
    table = force.sample.join(scored.select("person_ref", *ends), on="person_ref")
    learn = panel(People(force.persons, force.versions, flags, force.rules), refit.training_days(LAST, MONTHS), MONTHS, LAST)
    return Tried(seed, table, {h: tenths(table, model, learn, h) for h in MONTHS}, str(model["chosen"]), time.process_time() - began)


def tenths(table: pl.DataFrame, model: dict[str, Any], learn: pl.DataFrame, horizon: int) -> list[dict[str, float]]:
    """Ten groups by chance (equal chances together): n, mean chance, mean known chance, the sampling error of their difference.

    The error is of two parts: the people compared, and the people whose becoming a model could learn this part of the scale from (Poisson).
    """
    p = table[f"chance_high_harm_{horizon}m"].to_numpy()
    k = table[f"known_{horizon}m"].to_numpy()
    past = learn.drop_nulls(f"became_{horizon}m")
    own = chances(model["models"][model["chosen"]], matrix(past))[:, MONTHS.index(horizon)]
    came = past[f"became_{horizon}m"].cast(pl.Float64).to_numpy()
    people = person_numbers(past)
    edges = np.unique(np.quantile(p, np.linspace(0, 1, 11)[1:-1]))
    mine, theirs = np.searchsorted(edges, p, side="right"), np.searchsorted(edges, own, side="right")
    rows = []
    for b in np.unique(mine):
        at = mine == b
        a_person = np.bincount(people[(theirs == b) & (came == 1)])  # one becoming is seen from several landmarks
        events = float(a_person.sum()) ** 2 / max(float((a_person.astype(np.float64) ** 2).sum()), 1.0)
        of_people = float((p[at] - k[at]).std()) / np.sqrt(at.sum())
        of_learning = float(p[at].mean()) / np.sqrt(max(events, 1.0))
        rows.append({"n": float(at.sum()), "chance": float(p[at].mean()), "known": float(k[at].mean()), "error": float(np.hypot(of_people, of_learning))})
    return rows


def held_share(table: pl.DataFrame, horizon: int) -> tuple[int, int]:
    """(people whose range holds their known chance, people)."""
    low, high, k = (table[name] for name in (f"chance_high_harm_{horizon}m_low", f"chance_high_harm_{horizon}m_high", f"known_{horizon}m"))
    return int(((low <= k) & (k <= high)).sum()), table.height


def width(table: pl.DataFrame, horizon: int) -> float:
    """Mean width of the range, in chance."""
    return float((table[f"chance_high_harm_{horizon}m_high"] - table[f"chance_high_harm_{horizon}m_low"]).mean())  # type: ignore[arg-type]


def allowances_needed(table: pl.DataFrame, horizon: int, beyond: float = BEYOND_EACH_END) -> tuple[float, float]:
    """Allowances below and above with which a share of `beyond` people would lie beyond either end, all else as it was."""
    ends = [f"chance_high_harm_{horizon}m{end}" for end in ("", "_low", "_high")]
    p, low, high = (logit(table[name].to_numpy().clip(1e-9, 1 - 1e-9)) for name in ends)
    off = logit(table[f"known_{horizon}m"].to_numpy().clip(1e-9, 1 - 1e-9)) - p
    found = []
    for side, used, out in ((p - low, UNSEEN_BELOW, -off), (high - p, UNSEEN_ABOVE, off)):
        rest = np.maximum((side / Z) ** 2 - used**2, 0)
        needed = np.sign(out) * (out / Z) ** 2 - rest
        found.append(float(np.sqrt(max(np.quantile(needed, 1 - beyond), 0.0))))
    return found[0], found[1]


def set_on(seeds: Sequence[int] = SET_ON) -> None:
    """Prints for each seed of SET_ON what the allowances would have to be, and the greatest."""
    found = []
    for seed in seeds:
        one = tried(seed)
        for h in MONTHS:
            below, above = allowances_needed(one.people, h)
            found.append((below, above))
            hits, n = held_share(one.people, h)
            print(f"seed {seed}, {h} months: {BEYOND_EACH_END} beyond each end needs {below:.3f} below, {above:.3f} above; held now {hits / n:.3f}, width {width(one.people, h):.4f}", flush=True)
    print(f"greatest: {max(b for b, _ in found):.3f} below, {max(a for _, a in found):.3f} above; shipped {UNSEEN_BELOW} and {UNSEEN_ABOVE}")


def attributes() -> list[str]:
    """Names of the audit's groupings, pairs of attributes among them."""
    nobody = pl.DataFrame(schema={c.name: c.polars for c in PERSONS.columns if c.name == "person_ref" or c.sensitivity == "protected"})
    return [name for name in groups.read_groups(nobody, LAST).labels.columns if name != "person_ref"]


def report(seeds: Sequence[int] = REPORTED, people: int = PEOPLE, known_people: int = KNOWN_PEOPLE) -> list[Row]:
    """Prints every figure; the rows of what was asked."""
    began, rows, all_tried = time.process_time(), [], []
    for seed in seeds:
        one = tried(seed, people, known_people)
        all_tried.append(one)
        print(f"invented force of {people:,}, seed {seed}: {one.people.height:,} people compared, model {one.chosen}, {one.seconds:.0f} s of processor", flush=True)
        rows += [row for h in MONTHS for row in _of_seed(one, h)]
    pooled = pl.concat([one.people for one in all_tried], how="diagonal")
    rows += [row for h in MONTHS for row in _of_groups(pooled, h, f"{len(seeds)} invented forces together")]
    print(f"  {time.process_time() - began:.0f} s of processor in all")
    return rows


def _of_seed(one: Tried, h: int) -> list[Row]:
    given, known = (float(one.people[name].mean()) for name in (f"chance_high_harm_{h}m", f"known_{h}m"))  # type: ignore[arg-type]
    outside = [t for t in one.tenths[h] if abs(t["chance"] - t["known"]) > Z_TENTHS * t["error"]]
    hits, n = held_share(one.people, h)
    below, above = allowances_needed(one.people, h, 0.05)
    print(f"  {h} months: mean chance {given:.4f}, known {known:.4f}; mean width of the range {width(one.people, h):.4f}; 90% would need allowances of {below:.2f} and {above:.2f}")
    print("    tenths, mean chance/known±allowed: " + "  ".join(f"{t['chance']:.4f}/{t['known']:.4f}±{Z_TENTHS * t['error']:.4f}" for t in one.tenths[h]))
    where = f"invented force, seed {one.seed}, {h} months"
    return [
        Row("people", f"{where}: mean chance less mean known chance", "within .01", f"{given - known:+.4f}", abs(given - known) <= 0.01),
        Row("people", f"{where}: tenths outside their sampling error", "0 of 10", str(len(outside)), not outside),
        Row("people", f"{where}: range holds the known chance", "at least .90", f"{hits / n:.3f} of {n:,}, mean width {width(one.people, h):.4f}", hits / n >= 0.90),
    ]


def _of_groups(pooled: pl.DataFrame, h: int, where: str) -> list[Row]:
    """A row for everyone, and one for the groups of each attribute: the least share, and any group below .90."""
    hits, n = held_share(pooled, h)
    print(f"  {where}, {h} months: {hits / n:.3f} of {n:,}, mean width {width(pooled, h):.4f}")
    rows = [Row("people", f"{where}, {h} months: range holds the known chance", "at least .90", f"{hits / n:.3f} of {n:,}", hits / n >= 0.90)]
    for name in attributes():
        shares, short = [], []
        for (label,), part in pooled.sort(name).group_by(name, maintain_order=True):
            if part.height < LEAST_IN_GROUP or label is None:
                continue
            hits, n = held_share(part, h)
            low, high = share_interval(hits, n) or (0.0, 1.0)
            shares.append(hits / n)
            print(f"    {name}: {label}: {hits / n:.3f} [{low:.3f}, {high:.3f}] of {n:,}, mean width {width(part, h):.4f}")
            if hits / n < 0.90:
                short.append(f"{label} {hits / n:.3f} [{low:.3f}, {high:.3f}] of {n}")
        if shares:
            got = f"least {min(shares):.3f} of {len(shares)} groups" + (": " + "; ".join(short) if short else "")
            rows.append(Row("people", f"{where}, {h} months, by {name}: range holds the known chance in each group", "at least .90", got, not short))
    return rows


if __name__ == "__main__":
    if sys.argv[1:] != ["set-on"]:
        sys.exit(__doc__)
    print(json.dumps({"beyond_each_end": BEYOND_EACH_END, "seeds": SET_ON}))
    set_on()
