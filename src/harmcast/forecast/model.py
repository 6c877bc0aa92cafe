"""Our procedure: one and the same for every tool, force, cell size and density.

    A  a dynamic log-Gaussian Cox filter (cox.py) follows each unit's share through time;
    B  a bank of simple shares (bank.py) stands beside it;
    C  a linear pool (pool.py) weighs them by what they would have said of past windows, and a log-linear correction
       (correction.py) mends what past windows found wrong with the pool;
    D  the force's total comes from small state-space models (level.py);
    E  units are negative binomial around share x total, the spread learned from past windows.

Windows are counted forward and back from an anchor, the origin of the first forecast, so that a state reached last
week is still of use this week; the weeks since the last whole window enter as a shorter one. Nothing here reads a
count from the origin on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harmcast.forecast import bank, baselines, correction, cox, pool, ranges
from harmcast.forecast.kept import FieldCheckpoint, ForecastMemory
from harmcast.forecast.level import SETTLED_WEEKS, Level, LevelBank
from harmcast.forecast.ranges import Prediction, log_chance
from harmcast.places.counts import Panel

Floats = NDArray[np.float64]

NAME = "dynamic_pool"
EPOCH = date(1970, 1, 5)
SINGLE_WINDOWS = 26
BLOCK_WINDOWS = 4
POOL_WINDOWS = 104
DRAWS = 400
YEAR_WEEKS, LEAST_YEARS = 52, 5
PLAIN_WEEKS = 104
BETA_PRIOR = (0.05, 0.01)
LEADING_BETA_PRIOR = (0.2, 0.04)
WALK = cox.Walk()


def one_thread() -> Any:
    """Linear algebra on one thread: the same bytes on any number of cores, and no cores that wait for one another."""
    import scipy.linalg  # noqa: F401  (its own BLAS must be loaded to be limited)
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, user_api="blas")


class Procedure:
    """One tool's forecasts; holds what depends on the units alone and the state of the last forecast."""

    name = NAME

    def __init__(self, anchor: date | None = None, kept: ForecastMemory | None = None) -> None:
        self._anchor = anchor
        self.kept = kept
        self._units: object = None
        self._around: bank.Surroundings | None = None
        self._gained: cox.Matrix | None = None

    def predict(self, panel: Panel, seed: int = 0, draws: int = DRAWS) -> Prediction:
        """What the coming window may bring, from the panel's history."""
        with one_thread():
            return Fitted(self, panel).predict(seed, draws)

    def fit(self, panel: Panel) -> Fitted:
        with one_thread():
            return Fitted(self, panel)

    def anchor_for(self, panel: Panel) -> date:
        if self._anchor is None:
            self._anchor = date.fromisoformat(self.kept.anchor) if self.kept else panel.origin
        if (panel.origin - self._anchor).days % 7:
            self._anchor = panel.origin
        return self._anchor

    def around(self, panel: Panel) -> tuple[bank.Surroundings, cox.Matrix]:
        if self._around is None or self._gained is None or self._units is not panel.units:
            self._around = bank.surroundings(panel.units)
            self._gained = cox.step_covariance(self._around.distances_m, WALK)
            self._units = panel.units
        return self._around, self._gained


@dataclass(frozen=True, eq=False)
class Shares:
    """One method's shares of past windows and of the coming one, what they had one expect of the past, and the spread around it."""

    past: Sequence[Floats]
    coming: Floats
    expected: Sequence[Floats]
    spread: pool.Spread


class Fitted:
    """The procedure carried to one origin."""

    def __init__(self, procedure: Procedure, panel: Panel) -> None:
        self.panel = panel
        self.around, gained = procedure.around(panel)
        self.anchor = procedure.anchor_for(panel)
        self.horizon = panel.horizon_weeks
        self.weeks = len(panel.weekly)
        self.starts, self.spans = self._windows()
        before = procedure.kept
        if before is not None and before.anchor != self.anchor.isoformat():
            before = None
        self.kept = ForecastMemory(self.anchor.isoformat())
        self.digests = self._digests()
        self.field, self.feature_names = self._follow(gained, before)
        self._learn(before)
        procedure.kept = self.kept

    def predict(self, seed: int = 0, draws: int = DRAWS, plain: bool = False) -> Prediction:
        """What the coming window and the coming 52 weeks may bring.

        Args:
            draws: of how totals fall on the units; 0 for none. plain: with the 24-month count's shares instead of ours.
        """
        one = self.plain if plain else self.ours
        expected, rng = self._expected(self.level, one.coming), np.random.default_rng(seed)
        dispersion = one.spread.of(expected)
        levels = self.level.rates(ranges.DRAWS, rng) / self.level.mean
        year = self._year(one, levels)
        if not draws:
            other = self._expected(self.level, self.plain.coming)
            return Prediction(expected, dispersion, levels, year=year, plain=Prediction(other, self.plain.spread.of(other)))
        rates = self._share_draws(draws, rng) * one.coming
        rates /= rates.sum(axis=1, keepdims=True)
        totals = rng.poisson(self.level.rates(draws, rng))
        spare = np.maximum(dispersion - self.level.relative_variance - self.variance, 1e-4)
        dealing = rates * rng.gamma(1.0 / spare, spare, size=rates.shape)
        return Prediction(expected, dispersion, levels, totals, dealing / dealing.sum(axis=1, keepdims=True), year)

    def _year(self, one: Shares, levels: Floats) -> Prediction | None:
        """The coming 52 weeks if they bring as many crimes as the last 52, with a spread learned from past origins' whole years."""
        weekly = self.panel.weekly
        over = [(share, t) for share, t in zip(one.past, self.past, strict=True) if t + YEAR_WEEKS <= self.weeks]
        if len(over) < LEAST_YEARS:
            return None
        came = [weekly[t : t + YEAR_WEEKS].sum(axis=0) for _, t in over]
        said = [np.maximum(share * one.sum(), 1e-9) for (share, _), one in zip(over, came, strict=True)]
        expected = np.maximum(one.coming * weekly[-YEAR_WEEKS:].sum(), 1e-9)
        return Prediction(expected, pool.fit_spread(said, came).of(expected), levels)

    @cached_property
    def plain(self) -> Shares:
        """The 24-month count with our level and a spread of its own: what speaks when the plain count steps in."""
        return self._shares([self._counted(t) for t in [*self.past, self.weeks]])

    def _shares(self, shares: Sequence[Floats]) -> Shares:
        expected = [self._expected(self.levels[t], share) for t, share in zip(self.past, shares, strict=False)]
        return Shares(shares[:-1], shares[-1], expected, pool.fit_spread(expected, self.past_counts))

    def _counted(self, t: int) -> Floats:
        """Shares of the 24-month count before week `t`."""
        summed = self.panel.weekly[max(0, t - PLAIN_WEEKS) : t].sum(axis=0, dtype=np.float64)
        return baselines.as_share(baselines.gamma_prior(summed, PLAIN_WEEKS // self.horizon))

    def trials(self) -> list[dict[str, float]]:
        """Mean log score a unit of the past windows: ours, the 24-month count's shares with our level and a spread of their own
        (`alike`), and the 24-month count as it is published (`count_24m`: plain level, Poisson)."""
        found = []
        totals = self.panel.weekly_total.astype(float)
        for k, step in enumerate(self._scored()):
            start, name = self.starts[step], self.digests[step + 1]
            scores = self.kept.trials.get(name)
            if scores is None:
                history = totals[start % self.horizon : start].reshape(-1, self.horizon).sum(axis=1)
                plain = np.maximum(baselines.level(history) * self.plain.past[k], 1e-12)
                said = [(one.expected[k], pool.fit_spread(one.expected[:k], self.past_counts[:k]).of(one.expected[k]))
                        for one in (self.ours, self.plain)]  # fmt: skip
                scores = np.array([log_chance(self.past_counts[k], *one).mean() for one in [*said, (plain, 0 * plain)]])
                if start <= self.weeks - SETTLED_WEEKS:
                    self.kept.trials[name] = scores
            found.append({"weeks_ago": self.weeks - start, **dict(zip(("ours", "alike", "count_24m"), scores.tolist(), strict=True))})
        return found

    def document(self) -> dict[str, Any]:
        """Settings, learned weights and coefficients, JSON-ready."""
        n = len(self.panel.units)
        return {
            "procedure": NAME,
            "anchor": self.anchor.isoformat(),
            "walk": {name: getattr(WALK, name) for name in WALK.__dataclass_fields__},
            "single_windows": SINGLE_WINDOWS,
            "pool": dict(zip(["filter", *self.member_names], np.round(self.weights, 6).tolist(), strict=True)),
            "correction": dict(zip(correction.feature_names(["filter", *self.member_names]),
                                   np.round(self.bend, 6).tolist(), strict=True)),
            "coefficients": dict(zip(self.feature_names, self.field.mean[n:].astype(float).round(6).tolist(), strict=True)),
            "spread": {"b0": self.ours.spread.b0, "b1": self.ours.spread.b1},
            "expected_total": self.level.mean,
            "history_weeks": self.weeks,
        }  # fmt: skip

    def _windows(self) -> tuple[list[int], list[int]]:
        """Start (position in weeks) and length of each step of the filter, oldest first; a short one may end the list."""
        after = (self.panel.origin - self.anchor).days // 7
        anchor = self.weeks - after
        first = anchor % self.horizon if anchor >= 0 else 0
        early = anchor - SINGLE_WINDOWS * self.horizon
        starts, spans, at = [], [], first
        while at + self.horizon <= self.weeks:
            span = BLOCK_WINDOWS * self.horizon
            span = span if at + span <= early else self.horizon
            starts.append(at)
            spans.append(span)
            at += span
        if at < self.weeks:
            starts.append(at)
            spans.append(self.weeks - at)
        return starts, spans

    def _digests(self) -> list[str]:
        """Hash of all that lies before each step, and before the origin: the name under which state is kept."""
        units = self.panel.units
        text = f"{NAME} {WALK} {self.horizon} {SINGLE_WINDOWS} {BLOCK_WINDOWS} {POOL_WINDOWS} {pool.STEPS} {bank.KERNELS} {correction.SETTINGS}".encode()
        digest = hashlib.sha256(text)
        for array in (units.easting_m, units.northing_m, units.land_m2, self.around.exposure):
            digest.update(np.ascontiguousarray(array, dtype=np.float64).tobytes())
        names, found, at = sorted(self.panel.leading), [], 0
        for start, span in zip([*self.starts, self.weeks], [*self.spans, 0], strict=True):
            digest.update(self.panel.weekly[at:start].tobytes())
            for name in names:
                digest.update(name.encode() + self.panel.leading[name][at:start].tobytes())
            for width in sorted(self.panel.near):
                digest.update(self.panel.near[width][at:start].tobytes())
            at = start
            found.append(digest.hexdigest())
            digest.update(f"{span}".encode())
        return found

    def _follow(self, gained: cox.Matrix, before: ForecastMemory | None) -> tuple[cox.Field, list[str]]:
        """The filter from the latest checkpoint that still fits, up to the origin; the field as it will be in the window."""
        panel, around = self.panel, self.around
        offset = np.log(around.exposure).astype(np.float32)
        kept, known = (before.fields, before.shares) if before else ({}, {})
        wanted = self._scored()
        fits = [k for k, digest in enumerate(self.digests) if digest in kept]
        last = max((k for k in fits if all(self.digests[j] in known for j in wanted if j < k)), default=None)
        at = last or 0
        history = bank.History(panel.weekly, panel.leading, around, [*self.starts, self.weeks], panel.near)
        if last is None:
            betas = np.array([BETA_PRIOR[0]] + [LEADING_BETA_PRIOR[0]] * len(panel.leading))
            variances = np.array([BETA_PRIOR[1]] + [LEADING_BETA_PRIOR[1]] * len(panel.leading))
            field = cox.starting_field(around.distances_m, betas, variances, WALK)
        else:
            field = kept[self.digests[last]].field()
        whole = len(self.starts) - (1 if self.spans and self.spans[-1] < self.horizon else 0)
        checkpoints = self._checkpoints(whole)
        self.kept.shares = {self.digests[k]: known[self.digests[k]] for k in wanted if k < at}
        self.kept.fields = {self.digests[k]: kept[self.digests[k]] for k in sorted(checkpoints)
                            if k < at and self.digests[k] in kept}  # fmt: skip
        for k in range(at, len(self.starts)):
            if k in checkpoints:
                self.kept.fields[self.digests[k]] = FieldCheckpoint.of(field)
            start, span, x = self.starts[k], self.spans[k], history.features(k)
            field = cox.moved(field, gained, span / bank.WEEKS_A_WINDOW if k else 0.0, WALK)
            if k in wanted:
                share = cox.expected_share(field, offset, x)
                self.kept.shares[self.digests[k]] = np.vstack([share, history.shares(k)])
            field = cox.seen(field, panel.weekly[start : start + span].sum(axis=0), offset, x, WALK)
        if whole == len(self.starts) and whole in checkpoints:
            self.kept.fields[self.digests[whole]] = FieldCheckpoint.of(field)
        field = cox.moved(field, gained, self.horizon / bank.WEEKS_A_WINDOW, WALK)
        self._x = history.features(len(self.starts))
        share = cox.expected_share(field, offset, self._x)
        self.coming_shares = np.vstack([share, history.shares(len(self.starts))])
        self.member_names = history.member_names
        return field, history.feature_names

    def _scored(self) -> list[int]:
        """Steps whose forecasts teach the pool: every whole single window but the very first."""
        return [k for k, span in enumerate(self.spans) if span == self.horizon and k > 0]

    @staticmethod
    def _checkpoints(whole: int) -> set[int]:
        """Steps before which the field is kept: now, one back, every fourth of the last 8, eighth of 16, sixteenth of 32.

        A late correction so finds one not far before it, and whatever is wanted was wanted a window ago.
        """
        wanted = {whole, whole - 1}
        for apart in (4, 8, 16):
            wanted |= {k for k in range(whole - 2 * apart, whole) if k % apart == 0}
        return {k for k in wanted if k > 0}

    def _learn(self, before: ForecastMemory | None) -> None:
        """Pool weights, levels and spread from past windows, then the share, level and spread of the coming one."""
        panel = self.panel
        steps = self._scored()
        self.past = [self.starts[k] for k in steps]
        self.past_counts = [panel.weekly[t : t + self.horizon].sum(axis=0) for t in self.past]
        shares = [self.kept.shares[self.digests[k]] for k in steps] + [self.coming_shares]
        prior = pool.prior_weights(1, len(self.member_names))
        at_crimes = [one[:, came > 0] for one, came in zip(shares, self.past_counts, strict=False)]
        crimes = [came[came > 0].astype(np.float64) for came in self.past_counts]
        digests = [*(self.digests[step] for step in steps), self.digests[-1]]
        held = [before.weights.get(digest) if before else None for digest in digests]
        members = len(prior)
        weights: Floats | None = None
        all_weights = []
        for k, known in enumerate(held):
            weights = self._weigh(at_crimes[:k], crimes[:k], prior, weights) if known is None else known[:members]
            all_weights.append(weights)
        self.weights = all_weights[-1]
        pools = [pool.pooled(one, share) for one, share in zip(all_weights, shares, strict=True)]
        surprises = correction.surprises(pools, self.past_counts, self.horizon / bank.WEEKS_A_WINDOW)
        xs = [correction.features(*three) for three in zip(pools, shares, surprises, strict=True)]
        bend = np.zeros(len(correction.prior_sd(members)))
        corrected = []
        for k, known in enumerate(held):
            bend = self._bent(pools[:k], xs[:k], self.past_counts[:k], bend) if known is None else known[members:]
            corrected.append(correction.corrected(pools[k], xs[k], bend))
            if k < len(steps):
                self.kept.weights[digests[k]] = np.concatenate([all_weights[k], bend])
        self.bend = bend
        self.levels = self._levels(before, [*self.past, self.weeks])
        self.level = self.levels[self.weeks]
        self.ours = self._shares(corrected)
        self.kept.trials = {} if before is None else {name: before.trials[name] for name in self.digests if name in before.trials}

    def _weigh(
        self, at_crimes: Sequence[NDArray[np.float32]], crimes: Sequence[Floats], prior: Floats, before: Floats | None
    ) -> Floats:
        if not at_crimes:
            return np.asarray(prior / prior.sum())
        at_crimes, crimes = at_crimes[-POOL_WINDOWS:], crimes[-POOL_WINDOWS:]
        counted = np.concatenate([weight * one for weight, one in zip(self._fade(len(crimes)), crimes, strict=True)])
        return pool.weigh(np.concatenate(at_crimes, axis=1), counted, prior, before)

    def _bent(
        self,
        pools: Sequence[Floats],
        xs: Sequence[correction.Features],
        counts: Sequence[NDArray[np.integer]],
        before: Floats,
    ) -> Floats:
        pools, xs, counts = pools[-POOL_WINDOWS:], xs[-POOL_WINDOWS:], counts[-POOL_WINDOWS:]
        return correction.learn(pools, xs, counts, self._fade(len(pools)), before)

    def _fade(self, windows: int) -> Floats:
        """What each of the last windows counts for, oldest first."""
        ages = np.arange(windows, 0, -1) * (self.horizon / bank.WEEKS_A_WINDOW)
        return np.asarray(0.5 ** (ages / pool.HALF_LIFE_WINDOWS))

    def _levels(self, before: ForecastMemory | None, positions: list[int]) -> dict[int, Level]:
        known = self.panel.known_share if len(self.panel.known_share) == self.weeks else np.ones(self.weeks)
        known = np.maximum(known, 0.05)
        first_week = (self.panel.first_day - EPOCH).days // 7
        found, self.kept.level = LevelBank(self.horizon).forecasts(
            self.panel.weekly_total.astype(np.float64), known, first_week, positions, before.level if before else None
        )
        return found

    @staticmethod
    def _expected(level: Level, share: Floats) -> Floats:
        return np.maximum(level.mean * share, 1e-9)

    def _share_draws(self, draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draws of each unit's share over its mean, with the filter's posterior covariance between units."""
        low, self.variance = cox.draw_factor(self.field, self._x)
        noise = rng.standard_normal((draws, low.shape[1]), dtype=np.float32)
        eta = noise @ low.T
        return np.asarray(np.exp(eta - 0.5 * self.variance), dtype=np.float64)
