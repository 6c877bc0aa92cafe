"""The audit of people on simulated forces whose chances are right, or wrong by a planted ratio: how often it is a concern, and what it finds.

    python -m bench.audit_simulated [simulations]     400 a row unless said otherwise

The whole audit of said, came and selection, as a week makes it, without proxies and without how charges came about (`bench.fairness` has
those on invented forces). Holm over all rows of said and came at .05, and over all shares at .01.
"""

from __future__ import annotations

import sys
from datetime import date, timedelta

import numpy as np
import polars as pl

from bench.results import Row, saved
from harmcast.fairness import ratios
from harmcast.fairness.audit import audit_people
from harmcast.fairness.groups import Groups, groups_of, read_groups
from harmcast.fairness.thresholds import Thresholds
from harmcast.fairness.verdicts import Audit

ON = date(2025, 11, 17)
SOUND = ((3_000, 0.02), (3_000, 0.08), (30_000, 0.02), (30_000, 0.08), (300_000, 0.04))
MOST_FALSE, LEAST_POWER = 0.07, 0.75
FLAGGED = 0.05
GROUP = ("ethnicity_self", "Black")


def people(rng: np.random.Generator, n: int) -> Groups:
    """Groups of a force: sex, ethnicity and age in usual shares; nothing hangs on them. Pairs, which are printed only, are left out."""
    ethnicity = rng.choice(["W1", "A2", "B1", "M1", None], n, p=[0.6, 0.15, 0.15, 0.05, 0.05])
    born = [ON - timedelta(days=int(d)) for d in rng.integers(18 * 366, 70 * 365, n)]
    found = read_groups(
        pl.DataFrame({
            "person_ref": [f"p{k:06d}" for k in range(n)], "born_on": born, "sex": rng.choice(["M", "F"], n, p=[0.82, 0.18]).tolist(), "ethnicity_self": ethnicity.tolist(),
            "ethnicity_officer": np.where(ethnicity == "B1", "IC3", np.where(ethnicity == "A2", "IC4", "IC1")).tolist(),
        }), ON,
    )  # fmt: skip
    return groups_of(found.labels, found.key, found.single)


def audited(rng: np.random.Generator, groups: Groups, base: float, ratio: float = 1.0, of_group: float = 1.0) -> Audit:
    """One audit: chances of mean `base`; people become with `ratio` times them, those of GROUP with `of_group` times that."""
    n = groups.labels.height
    chance = rng.beta(1.2, 1.2 / base - 1.2, n)
    own = (groups.labels[GROUP[0]] == GROUP[1]).fill_null(False).to_numpy()
    became = rng.random(n) < np.minimum(chance * ratio * np.where(own, of_group, 1.0), 1.0)
    scored = groups.labels.select("person_ref").with_columns(chance=pl.Series(chance), selected=pl.Series(chance >= np.quantile(chance, 1 - FLAGGED)))
    return audit_people(scored, None, groups, scored.select("person_ref").with_columns(became=pl.Series(became)), None, Thresholds())


def verdict_of(found: Audit, attribute: str, group: str) -> str:
    said = found.extra["Said and came"]
    return str(said.filter((pl.col("attribute") == attribute) & (pl.col("group") == group))["verdict"][0])


def tested(groups: Groups) -> int:
    """How many rows Holm's rule goes over: everyone and every group of a single attribute."""
    return 1 + sum(groups.labels[name].n_unique() - (groups.labels[name].null_count() > 0) for name in groups.single)


def rows(simulations: int = 400) -> list[Row]:
    """False concerns of sound forces; inflation, and one group's ratio, found at the events that the rows themselves state."""
    found = []
    for n, base in SOUND:
        rng = np.random.default_rng([n, int(1000 * base)])
        groups = people(rng, n)
        false = sum(any(f.verdict in ("concern", "stop") for f in audited(rng, groups, base).findings) for _ in range(simulations))
        print(f"  sound, {n:,} people, base rate {base:g}: {false} of {simulations} with a concern", flush=True)
        found.append(Row("audit", f"sound, {n:,} people, base rate {base:g}: audits with a concern", f"at most {MOST_FALSE:g}", f"{false / simulations:.3f} of {simulations}", false / simulations <= MOST_FALSE))
    for expected in (100, 400):
        rng = np.random.default_rng([7, expected])
        groups = people(rng, 10_000)
        least = ratios.least_ratio(expected, tested(groups))
        # So many expected among those who do become: chances too high by the least ratio.
        hits = sum(verdict_of(audited(rng, groups, expected * least / 10_000, 1 / least), "everyone", "all") in ("concern", "stop") for _ in range(simulations))
        print(f"  chances {least:.2f} times too high, {expected} who became: found in {hits} of {simulations}", flush=True)
        found.append(Row("audit", f"chances {least:.2f} times too high, {expected} who became: found", f"at least {LEAST_POWER:g}", f"{hits / simulations:.3f} of {simulations}", hits / simulations >= LEAST_POWER))
    for expected in (210,):
        rng = np.random.default_rng([8, expected])
        groups = people(rng, 20_000)
        share = float((groups.labels[GROUP[0]] == GROUP[1]).mean() or 0.0)  # type: ignore[arg-type]
        least = ratios.least_ratio(expected, tested(groups))
        hits = sum(verdict_of(audited(rng, groups, expected / (20_000 * share), 1.0, least), *GROUP) in ("concern", "stop") for _ in range(simulations))
        print(f"  one group {least:.2f} times, {expected} expected: found in {hits} of {simulations}", flush=True)
        found.append(Row("audit", f"one group becomes {least:.2f} times as often as said, {expected} expected: found", f"at least {LEAST_POWER:g}", f"{hits / simulations:.3f} of {simulations}", hits / simulations >= LEAST_POWER))
    return found


if __name__ == "__main__":
    sys.exit(saved("audit-simulated", rows(*(int(word) for word in sys.argv[1:]))))
