"""Forces of another make than `invent`: hidden classes, desistance, custody that no record shows, charging that drifts.

A career is a hidden Markov chain in steps of a month: a class for life, and active, in custody, or done with crime. What a
month shows is no charge or one charge of five weights. A person's known chance of reaching the high cut, given the whole
career (also what lies before the records begin), follows by forward filtering and by running each person ahead; a step in
which the cut could be crossed counts with its exact chance, so that few draws do.
Source: the forward algorithm of hidden Markov models (Rabiner 1989, Proceedings of the IEEE 77, 257-286).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from harmcast.people import harm
from harmcast.transitions.landmarks import Rules
from harmcast.weeks import add_months

Array = np.ndarray[Any, Any]
LAST = date(2026, 11, 15)
CUTS = [30.0, 180.0, 365.0, 1825.0]
CODES = ("X1", "X2", "X3", "X4", "X5")
WEIGHTS = np.array([4.0, 25.0, 110.0, 420.0, 1500.0])
GRAVE = 3  # from this kind on a charge may be followed by custody
MIX = np.array([0.45, 0.27, 0.18, 0.10])
RATES = np.array([0.012, 0.03, 0.07, 0.14])  # charges a month while active
KINDS = np.array([[0.50, 0.33, 0.13, 0.03, 0.01], [0.42, 0.33, 0.18, 0.05, 0.02], [0.36, 0.33, 0.22, 0.07, 0.02], [0.30, 0.32, 0.25, 0.10, 0.03]])
DESIST, TO_CUSTODY, RELEASE = np.array([0.012, 0.014, 0.018, 0.012]), 0.5, 0.10
ACTIVE, CUSTODY, DONE = 0, 1, 2
BEFORE_MONTHS = 96  # careers begin so long before the records
# Step of a random walk in the logarithm of charging, a year. MILD is the scale of the procedure's own prior. At STRONG charging by itself lies
# outside .75 to 1.33 of last year's in one force of six, so that no knowledge of the past can hold it there.
MILD, STRONG = 0.15, 0.25


@dataclass(frozen=True)
class OtherForce:
    """Records as a first load would hold them, and what is known of everyone: person_ref, events by month, multiplier of charging."""

    persons: pl.DataFrame
    versions: pl.DataFrame
    protected: pl.DataFrame
    rules: Rules
    shown: Array  # people x months: 0 none, else 1 + kind
    entry: Array
    charging: Array  # multiplier of the rate, a month, those ahead included
    months_held: int

    def known(self, refs: Sequence[str], months: Sequence[int] = (12, 24), draws: int = 200, seed: int = 1) -> dict[int, Array]:
        """Known chance of each person within each horizon."""
        rows = np.array([int(ref[1:]) for ref in refs])
        return ahead(self, rows, filtered(self, rows), months, draws, seed)

    @property
    def last_over_next(self) -> float:
        """Charging in the last year of records over that in the year to come: what knowing last year's rate exactly would say too much."""
        now = self.shown.shape[1]
        return float(self.charging[now - 12 : now].mean() / self.charging[now : now + 12].mean())


def _transitions(grave: bool) -> Array:
    """Classes x states x states: what follows a month."""
    t = np.zeros((len(MIX), 3, 3))
    t[:, DONE, DONE] = 1.0
    t[:, CUSTODY, ACTIVE], t[:, CUSTODY, CUSTODY] = RELEASE, 1 - RELEASE
    into = TO_CUSTODY if grave else 0.0
    t[:, ACTIVE, CUSTODY] = into
    t[:, ACTIVE, DONE] = (1 - into) * DESIST
    t[:, ACTIVE, ACTIVE] = (1 - into) * (1 - DESIST)
    return t


PLAIN, AFTER_GRAVE = _transitions(False), _transitions(True)


def force(seed: int, months_held: int, people: int = 10_000, step: float = 0.0) -> OtherForce:
    """One force: careers over BEFORE_MONTHS and the months held; what was charged before the records begin is not in them."""
    rng = np.random.default_rng([seed, months_held, int(step > 0)])
    span = BEFORE_MONTHS + months_held
    entry = rng.integers(0, span, people)
    kind_of = rng.choice(len(MIX), people, p=MIX)
    steps = rng.normal(0, step / np.sqrt(12), span + 24) if step else np.zeros(span + 24)
    charging = np.exp(np.cumsum(steps) - np.cumsum(steps)[span - 1])
    shown, state = np.zeros((people, span), np.int8), np.zeros(people, np.int64)
    cumulated = np.cumsum(KINDS, axis=1)
    for t in range(span):
        starts, on = entry == t, entry <= t
        charged = on & (state == ACTIVE) & (rng.random(people) < np.minimum(RATES[kind_of] * charging[t], 0.9))
        charged |= starts  # a career is entered by a charge
        which = (rng.random(people)[:, None] > cumulated[kind_of]).sum(axis=1)
        shown[charged, t] = 1 + which[charged]
        into = charged & (which >= GRAVE) & (rng.random(people) < TO_CUSTODY)
        out = (state == CUSTODY) & (rng.random(people) < RELEASE)
        done = on & (state == ACTIVE) & ~into & (rng.random(people) < DESIST[kind_of])
        state = np.where(into, CUSTODY, np.where(out, ACTIVE, np.where(done, DONE, state)))
    who, month = np.nonzero(shown[:, BEFORE_MONTHS:])
    edges = [add_months(LAST, -k) for k in range(months_held, -1, -1)]
    offset = (rng.random(len(who)) * np.array([(b - a).days for a, b in pairwise(edges)])[month]).astype(int)
    days = [edges[m] + timedelta(days=1 + int(k)) for m, k in zip(month, offset, strict=True)]
    refs = [f"P{p:06d}" for p in who]
    versions = pl.DataFrame({
        "charge_ref": [f"C{k:07d}" for k in range(len(who))], "person_ref": refs, "crime_ref": [f"K{k:07d}" for k in range(len(who))],
        "offence_code": [CODES[k - 1] for k in shown[:, BEFORE_MONTHS:][who, month]], "happened_on": days, "charged_on": days,
        "outcome": "charged", "outcome_on": None, "known_on": days, "deleted": False,
    }, schema_overrides={"outcome_on": pl.Date}).sort("known_on", "charge_ref")  # fmt: skip
    held = pl.DataFrame({"person_ref": sorted(set(refs))})
    persons = held.with_columns(
        unit=pl.lit("North"), merged_into=pl.lit(None, pl.String), died_on=pl.lit(None, pl.Date), review_due_on=pl.lit(None, pl.Date), known_on=pl.lit(edges[0])
    )
    index = harm.HarmIndex(pl.DataFrame({"offence_code": CODES, "weight": WEIGHTS}), "days", "1", "another make")
    protected = held.with_columns(born_on=pl.lit(date(1985, 5, 1)))
    return OtherForce(persons, versions, protected, Rules(index, harm.decay_from(), CUTS[2]), shown, entry, charging, months_held)


def filtered(made: OtherForce, rows: Array) -> Array:
    """Chance of each class and state at the end of the records, given everything each person showed: people x classes x states."""
    shown, entry = made.shown[rows], made.entry[rows]
    alpha = np.zeros((len(rows), len(MIX), 3))
    for t in range(shown.shape[1]):
        what, starts, on = shown[:, t], entry == t, entry <= t
        alpha[starts, :, ACTIVE] = MIX
        seen = np.zeros((len(rows), len(MIX), 3))
        rate = np.minimum(RATES * made.charging[t], 0.9)
        seen[what == 0] = np.stack([1 - rate, np.ones(len(MIX)), np.ones(len(MIX))], axis=1)
        charged = np.flatnonzero(what > 0)
        of_kind = KINDS[:, what[charged] - 1].T
        seen[charged, :, ACTIVE] = of_kind * np.where(starts[charged, None], 1.0, rate[None, :])
        alpha *= np.where(on[:, None, None], seen, 1.0)
        grave = (what > GRAVE)[:, None, None, None]
        moved = np.einsum("ncs,ncst->nct", alpha, np.where(grave, AFTER_GRAVE, PLAIN))
        alpha = np.where(on[:, None, None], moved, alpha)
        total = alpha.sum(axis=(1, 2), keepdims=True)
        alpha /= np.where(total > 0, total, 1.0)
    return alpha


def ahead(made: OtherForce, rows: Array, alpha: Array, months: Sequence[int], draws: int, seed: int) -> dict[int, Array]:
    """Chances within each horizon by running `draws` careers a person ahead; a possible crossing counts with its chance."""
    rng = np.random.default_rng(seed)
    n, span, cells = len(rows), made.shown.shape[1], len(MIX) * 3
    picked = (rng.random((n, draws, 1)) > np.cumsum(alpha.reshape(n, 1, cells), axis=2)).sum(axis=2).clip(max=cells - 1).ravel()
    kind_of, state = picked // 3, picked % 3
    held = made.shown[rows, BEFORE_MONTHS:]  # harm is of what the records hold
    weight = np.where(held > 0, WEIGHTS[np.maximum(held - 1, 0)], 0.0)
    age = np.arange(held.shape[1], 0, -1) - 0.5
    left = made.rules.decay.share_left
    days = 365.25 / 12
    none_yet, gained, out = np.ones(n * draws), np.zeros((n * draws, max(months))), {}
    for t in range(max(months)):
        base = (weight * left((age + t + 0.5) * days)[None, :]).sum(axis=1)
        own = np.repeat(base, draws) + (gained[:, :t] * left((t - np.arange(t)) * days)[None, :]).sum(axis=1)
        crosses = own[:, None] + WEIGHTS[None, :] >= made.rules.high_cut
        rate = np.minimum(RATES[kind_of] * made.charging[span + t], 0.9) * (state == ACTIVE)
        crossing = rate * (KINDS[kind_of] * crosses).sum(axis=1)
        none_yet *= 1 - crossing
        stays = KINDS[kind_of] * ~crosses * rate[:, None]  # given that the cut is not crossed this month
        stays /= np.maximum(1 - crossing, 1e-9)[:, None]
        which = (rng.random(n * draws)[:, None] > np.cumsum(stays, axis=1)).sum(axis=1)
        charged = which < len(WEIGHTS)
        gained[charged, t] = WEIGHTS[which[charged]]
        into = charged & (which >= GRAVE) & (rng.random(n * draws) < TO_CUSTODY)
        freed = (state == CUSTODY) & (rng.random(n * draws) < RELEASE)
        done = (state == ACTIVE) & ~into & (rng.random(n * draws) < DESIST[kind_of])
        state = np.where(into, CUSTODY, np.where(freed, ACTIVE, np.where(done, DONE, state)))
        if t + 1 in months:
            out[t + 1] = 1 - none_yet.reshape(n, draws).mean(axis=1)
    return out
