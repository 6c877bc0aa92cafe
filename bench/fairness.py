"""`make bench-fairness`: the audit, its proxy tests, the feedback check and the monitor, each beside what is asked.

    python -m bench.fairness [real] [people] [feedback] [drifts] [size]

Seeds that the same code was measured on before are read from `.bench/kept` and said to be. A part run alone is not kept for the
table of promises. Real people's data come from the folder that HARMCAST_DATA names; without it those parts are left out aloud.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np
import polars as pl

from bench import fairness_invented as invented
from bench import fairness_real
from bench.fairness_invented import DRIFTS, FEEDBACK, OVER_POLICING, SEEDS
from bench.results import Row, saved
from harmcast.fairness import audit, feedback
from harmcast.fairness.groups import groups_of
from harmcast.fairness.thresholds import Thresholds

ENOUGH = SEEDS - 1
ASKED_WEEKS = {"input": 4, "score": 4, "level": 8}


def people() -> list[Row]:
    """The audit of the person tool, with nothing planted and with one group policed more."""
    quiet = [invented.audit_of(seed, 0.0) for seed in range(SEEDS)]
    loud = [invented.audit_of(seed, OVER_POLICING) for seed in range(SEEDS)]
    for name, found in (("nothing planted", quiet), ("over-policing planted", loud)):
        for seed, one in enumerate(found):
            print(f"    {name}, seed {seed}: {one['verdict']}; {one['judged']} judged, {one['too_few']} too few to say; {'; '.join(one['findings'])}")
    met = sum(one["verdict"] == "met" for one in quiet)
    seen = sum(one["verdict"] in ("concern", "stop") for one in loud)
    named = sum(any("Black" in finding for finding in one["findings"]) for one in loud)
    false, judged = sum(len(one["findings"]) for one in quiet), sum(one["judged"] + one["too_few"] for one in quiet)
    odds = f"odds x {np.exp(OVER_POLICING):.1f}"
    at_least = f"at least {ENOUGH} of {SEEDS}"
    return [
        Row("fairness", "audit of people says met where nothing is planted", at_least, f"{met} of {SEEDS}", met >= ENOUGH),
        Row("fairness", f"audit of people says concern or stop where one group is over-policed ({odds})", at_least, f"{seen} of {SEEDS}", seen >= ENOUGH),
        Row("fairness", "and names that group", at_least, f"{named} of {SEEDS}", named >= ENOUGH),
        Row("fairness", "false findings of the audit where nothing is planted", "at most 1 in all", f"{false} of {judged:,} comparisons", false <= 1),
    ]


def followed() -> list[Row]:
    """The feedback check, with records that follow patrols and without."""
    quiet = [invented.followed(seed, 0.0) for seed in range(SEEDS)]
    loud = [invented.followed(seed, FEEDBACK) for seed in range(SEEDS)]
    for name, found in (("nothing follows", quiet), ("records follow", loud)):
        print(f"    {name}: z " + ", ".join(f"{one['z']:.1f}" for one in found))
    own, none = ([feedback.check(feedback.simulate(seed, follow)[0], Thresholds()).alarm for seed in range(SEEDS)] for follow in (0.6, 0.0))
    raised, false = (sum(one["alarm"] for one in found) for found in (loud, quiet))
    at_least = f"at least {ENOUGH} of {SEEDS}"
    return [
        Row("fairness", f"feedback alarm where {FEEDBACK:g} more is recorded for each crime in a patrolled cell", at_least, f"{raised} of {SEEDS}", raised >= ENOUGH),
        Row("fairness", "false feedback alarms where records do not follow patrols", f"at most 1 of {SEEDS}", f"{false} of {SEEDS}", false <= 1),
        Row("fairness", "feedback alarm in the check's own simulation (.6 more)", at_least, f"{sum(own)} of {SEEDS}", sum(own) >= ENOUGH),
        Row("fairness", "false feedback alarms in that simulation", f"at most 1 of {SEEDS}", f"{sum(none)} of {SEEDS}", sum(none) <= 1),
    ]


def drifts() -> list[Row]:
    """Promise 18: twenty forces, a drift in week 130 of each, and 104 weeks before it in which the charts speak and nothing changes."""
    names, caught, before = list(DRIFTS), 0, []
    for seed in range(SEEDS):
        drift = names[seed % len(names)]
        found, kind = invented.drift_of(seed, drift), drift.split("_")[0]
        weeks = found[kind]
        caught += weeks is not None and weeks <= ASKED_WEEKS[kind]
        before.append(len(found["before"]))
        told = f"{kind} alarm after {weeks} weeks" if weeks is not None else f"no {kind} alarm"
        print(f"    seed {seed}, {DRIFTS[drift]}: {told} (asked {ASKED_WEEKS[kind]}); in the 104 weeks before {found['before'] or 'no alarm'}")
    quiet = sum(alarms <= 1 for alarms in before)
    return [
        Row(18, "drifts alarmed in time (inputs and scores 4 weeks, level 8)", f"at least {ENOUGH} of {SEEDS}", f"{caught} of {SEEDS}", caught >= ENOUGH),
        Row(18, "false alarms in 104 weeks, mean over forces", "at most 1", f"{np.mean(before):.2f}", bool(np.mean(before) <= 1)),
        Row(18, "forces with at most 1 false alarm in 104 weeks", f"at least {ENOUGH} of {SEEDS}", f"{quiet} of {SEEDS}", quiet >= ENOUGH),
    ]


def size() -> list[Row]:
    """300,000 people through the audit and the proxy tests, in seconds of processor time."""
    rng = np.random.default_rng(1)
    n, charges = 300_000, 600_000
    refs = pl.Series([f"p{i}" for i in range(n)])
    labels = pl.DataFrame(
        {
            "person_ref": refs,
            "sex": rng.choice(["male", "female"], n, p=[0.8, 0.2]),
            "ethnicity_self": rng.choice(["White", "Asian", "Black", "Mixed", "not recorded"], n),
            "age_band": rng.choice(["18 to 24", "25 to 34", "35 to 49", "50 and over"], n),
        }
    )
    pairs = [("age_band", "sex"), ("sex", "ethnicity_self"), ("age_band", "ethnicity_self")]
    groups = groups_of(labels, "person_ref", ["age_band", "sex", "ethnicity_self"], pairs)
    x = rng.gamma(1, 1, (n, 15))
    chance = 1 / (1 + np.exp(4.5 - 0.8 * x[:, 0]))
    scored = pl.DataFrame({"person_ref": refs, "chance": chance, "selected": chance > np.quantile(chance, 0.9)})
    outcomes = pl.DataFrame({"person_ref": refs, "became": rng.random(n) < chance})
    codes, ends = rng.choice(["008/01", "092/61", "028/01"], charges), rng.choice(["convicted", "charged", "withdrawn"], charges)
    records = pl.DataFrame({"person_ref": refs.gather(rng.integers(0, n, charges)), "offence_code": codes, "outcome": ends, "crime_ref": ["c"] * charges})
    features = pl.DataFrame({"person_ref": refs, **{f"f{j}": x[:, j] for j in range(15)}})
    began = time.process_time()
    audit.audit_people(scored, features, groups, outcomes, None, Thresholds(), charges=records)
    took = time.process_time() - began
    what = "audit with proxy tests, 300,000 people, 600,000 charges, 15 features, processor time"
    return [Row("fairness", what, "at most 20 s", f"{took:.1f} s", took <= 20)]


def real() -> list[Row]:
    """Georgia and California, where they are."""
    folder = fairness_real.data_folder()
    if folder is None:
        print("  The measuring data is not here (HARMCAST_DATA): Georgia and California are left out.")
        return []
    return [*fairness_real.georgia(folder), *fairness_real.california(folder)]


PARTS: dict[str, Callable[[], list[Row]]] = {"real": real, "people": people, "feedback": followed, "drifts": drifts, "size": size}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="which parts; all by default")
    chosen = parser.parse_args().parts
    rows: list[Row] = []
    for name in chosen or PARTS:
        print(f"\n{name}", flush=True)
        rows += PARTS[name]()
    print("\nasked and got")
    if not chosen:
        return saved("fairness", rows)
    for row in rows:
        print(f"{row.promise!s:>8}  {'met  ' if row.met else 'SHORT'}  {row.what}: asked {row.asked}; got {row.got}")
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
