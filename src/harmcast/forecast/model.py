"""Our procedure: one and the same for every tool, force, cell size and density.

    A  a dynamic log-Gaussian Cox filter (cox.py) follows each unit's share through time;
    B  a bank of simple shares (bank.py) stands beside it;
    C  a linear pool (pool.py) weighs them by what they would have said of past windows, and a log-linear correction
       (correction.py) mends what past windows found wrong with the pool;
    D  the force's total comes from small state-space models (level.py);
    E  units are negative binomial around share x total, the spread learned from past windows.

What is counted is incidents: crimes of one hour at one point are one, of so many victims. Above 4,000 units A is left out. Weeks
without records are missing: the level does not learn from them, and windows that touch them are not scored.

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
from threadpoolctl import threadpool_limits

from harmcast.documents.places_model import PlacesModel, WindowTrial
from harmcast.forecast import bank, baselines, correction, cox, pool, ranges
from harmcast.forecast.kept import ForecastMemory, packed, unpacked
from harmcast.forecast.level import SETTLED_WEEKS, Level, LevelBank
from harmcast.forecast.ranges import Prediction, log_chance
from harmcast.places.counts import Panel
from harmcast.places.grid import Floats, Matrix

NAME = "dynamic_pool"
EPOCH = date(1970, 1, 5)
SINGLE_WINDOWS = 26
BLOCK_WINDOWS = 4
POOL_WINDOWS = 104
DRAWS = 400
YEAR_WEEKS, LEAST_YEARS = 52, 5
PLAIN_WEEKS = 104
FILTER_UNITS = 4000
FEW_VICTIMS, VICTIMS_PRIOR, VICTIMS_HALF_LIFE, INCIDENTS_HELD = 1.02, 50.0, 26.0, 4000
BETA_PRIOR = (0.05, 0.01)
LEADING_BETA_PRIOR = (0.2, 0.04)
WALK = cox.Walk()


def one_thread() -> Any:
    """Linear algebra on one thread: the same bytes on any number of cores, and no cores that wait for one another.

    SciPy's own BLAS is loaded by then, with the filter: it must be, to be limited.
    """
    return threadpool_limits(1, user_api="blas")


class Procedure:
    """One tool's forecasts; holds what depends on the units alone and the state of the last forecast."""

    def __init__(self, anchor: date | None = None, kept: ForecastMemory | None = None) -> None:
        self._anchor = anchor
        self.kept = kept
        self._units: object = None
        self._around: bank.Surroundings | None = None
        self._gained: Matrix | None = None

    def predict(self, panel: Panel, seed: int = 0, draws: int = DRAWS) -> Prediction:
        """What the coming window may bring, from the panel's history."""
        with one_thread():
            return Fitted(self, panel).predict(seed, draws)

    def anchor_for(self, panel: Panel) -> date:
        if self._anchor is None:
            self._anchor = date.fromisoformat(self.kept.anchor) if self.kept else panel.origin
        if (panel.origin - self._anchor).days % 7:
            self._anchor = panel.origin
        return self._anchor

    def around(self, panel: Panel) -> tuple[bank.Surroundings, Matrix | None]:
        if self._around is None or self._units is not panel.units:
            self._around = bank.surroundings(panel.units)
            follows = len(panel.units) <= FILTER_UNITS
            self._gained = cox.step_covariance(self._around.distances_m, WALK) if follows else None
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
        self.events = panel.events
        self.gone: NDArray[np.bool_] = np.zeros(self.weeks, dtype=bool)
        if panel.seen is not None:
            self.gone = np.asarray(~panel.seen.all(axis=1))
        self.starts, self.spans = self._windows()
        before = procedure.kept
        if before is not None and before.anchor != self.anchor.isoformat():
            before = None
        self.kept = ForecastMemory(self.anchor.isoformat())
        self.digests = self._digests()
        history = bank.History(self.events, panel.leading, self.around, [*self.starts, self.weeks], panel.near, panel.seen)
        self.member_names = history.member_names if gained is None else ["filter", *history.member_names]
        self.feature_names = history.feature_names
        self.field = None if gained is None else self._follow(history, gained, before)
        if self.field is None:
            self._bank_alone(history, before)
        self._learn(before)
        procedure.kept = self.kept

    def predict(self, seed: int = 0, draws: int = DRAWS, plain: bool = False) -> Prediction:
        """What the coming window and the coming 52 weeks may bring.

        Args:
            draws: of how totals fall on the units; 0 for none. plain: with the 24-month count's shares instead of ours.
        """
        one = self.plain if plain else self.ours
        incidents, rng = self._expected(self.level, one.coming), np.random.default_rng(seed)
        expected, dispersion = incidents * self.victims_each(self.weeks), one.spread.of(incidents)
        levels = self.level.rates(ranges.RANGE_TIMES * ranges.DRAWS, rng) / self.level.mean
        year, victims = self._year(one, levels), self.victims(self.weeks)
        if not draws:
            other = self._expected(self.level, self.plain.coming)
            double = Prediction(other * self.victims_each(self.weeks), self.plain.spread.of(other), victims)
            return Prediction(expected, dispersion, victims, levels, year=year, plain=double)
        rates = self._share_draws(draws, rng)
        rates *= one.coming
        rates /= rates.sum(axis=1, keepdims=True)
        totals = rng.poisson(self.level.rates(draws, rng))
        spare = np.maximum(dispersion - self.level.relative_variance - self.variance, 1e-4)
        dealing = rng.gamma(1.0 / spare, spare, size=rates.shape)
        dealing *= rates
        dealing /= dealing.sum(axis=1, keepdims=True)
        return Prediction(expected, dispersion, victims, levels, totals, dealing, year)

    def _year(self, one: Shares, levels: Floats) -> Prediction | None:
        """The coming 52 weeks if they bring as many crimes as the last 52, with a spread learned from past origins' whole years."""
        over = [(share, t) for share, t in zip(one.past, self.past, strict=True)
                if t + YEAR_WEEKS <= self.weeks and not self.gone[t : t + YEAR_WEEKS].any()]  # fmt: skip
        if len(over) < LEAST_YEARS:
            return None
        came = [self.events[t : t + YEAR_WEEKS].sum(axis=0) for _, t in over]
        said = [np.maximum(share * one.sum(), 1e-9) for (share, _), one in zip(over, came, strict=True)]
        last = self.events[-YEAR_WEEKS:].sum() * YEAR_WEEKS / max(1, YEAR_WEEKS - int(self.gone[-YEAR_WEEKS:].sum()))
        expected = np.maximum(one.coming * last, 1e-9)
        dispersion = pool.fit_spread(said, came).of(expected)
        return Prediction(expected * self.victims_each(self.weeks), dispersion, self.victims(self.weeks), levels)

    def victims_each(self, t: int) -> float:
        """Victims an incident as known before week `t`: the decayed mean of incidents cut at 15, with 50 at the long-run mean."""
        return float(self._each[t]) if len(self.panel.sizes) else 1.0

    def victims(self, t: int) -> Floats | None:
        """Chance of 1 to 15 victims an incident, from the last 4,000 before week `t`; None where nearly every incident has one."""
        if self.victims_each(t) < FEW_VICTIMS:
            return None
        held = self.panel.sizes[:t]
        since = np.cumsum(held[::-1].sum(axis=1))
        last = held[len(held) - int(np.searchsorted(since, INCIDENTS_HELD)) - 1 :] if len(held) and since[-1] > INCIDENTS_HELD else held
        counted = last.sum(axis=0) + 0.1
        return np.asarray(counted / counted.sum())

    @cached_property
    def _each(self) -> Floats:
        held = self.panel.sizes
        both = np.stack([held @ np.arange(1.0, held.shape[1] + 1), held.sum(axis=1)], axis=1)
        recent = bank.decayed(both, VICTIMS_HALF_LIFE, range(self.weeks + 1))
        long = np.vstack([np.ones((1, 2)), np.cumsum(both, axis=0)])
        mean = np.maximum(long[:, 0], 1.0) / np.maximum(long[:, 1], 1.0)
        return np.asarray((recent[:, 0] + VICTIMS_PRIOR * mean) / (recent[:, 1] + VICTIMS_PRIOR))

    @cached_property
    def plain(self) -> Shares:
        """The 24-month count with our level and a spread of its own: what speaks when the plain count steps in."""
        return self._shares([self._counted(t) for t in [*self.past, self.weeks]])

    def _shares(self, shares: Sequence[Floats]) -> Shares:
        expected = [self._expected(self.levels[t], share) for t, share in zip(self.past, shares, strict=False)]
        return Shares(shares[:-1], shares[-1], expected, pool.fit_spread(expected, self.past_counts))

    def _counted(self, t: int) -> Floats:
        """Shares of the 24-month count before week `t`, by the weeks seen of them."""
        last = slice(max(0, t - PLAIN_WEEKS), t)
        summed = self.events[last].sum(axis=0, dtype=np.float64)
        if self.panel.seen is not None:
            summed *= (t - last.start) / np.maximum(self.panel.seen[last].sum(axis=0), 1)
        return baselines.as_share(baselines.gamma_prior(summed, PLAIN_WEEKS // self.horizon))

    def trials(self) -> list[WindowTrial]:
        """Mean log score a unit of the past windows: ours, the 24-month count's shares with our level and a spread of their own
        (`alike`), and the 24-month count as it is published (`count_24m`: plain level, Poisson)."""
        found: list[WindowTrial] = []
        totals = self.panel.weekly_total.astype(float)
        for k, step in enumerate(self._scored()):
            start, name = self.starts[step], self.digests[step + 1]
            scores = self.kept.trials.get(name)
            if scores is None:
                history = totals[start % self.horizon : start].reshape(-1, self.horizon).sum(axis=1)
                plain = np.maximum(baselines.level(history) * self.plain.past[k], 1e-12)
                each, victims = self.victims_each(start), self.victims(start)
                said = [(one.expected[k] * each, pool.fit_spread(one.expected[:k], self.past_counts[:k]).of(one.expected[k]), victims)
                        for one in (self.ours, self.plain)]  # fmt: skip
                came = self.panel.weekly[start : start + self.horizon].sum(axis=0)
                scores = np.array([log_chance(came, *one).mean() for one in [*said, (plain, 0 * plain, None)]])
                if start <= self.weeks - SETTLED_WEEKS:
                    self.kept.trials[name] = scores
            ours, alike, count = scores.tolist()
            found.append({"weeks_ago": self.weeks - start, "ours": ours, "alike": alike, "count_24m": count})
        return found

    def document(self) -> PlacesModel:
        """Settings, learned weights and coefficients, JSON-ready."""
        n, victims = len(self.panel.units), self.victims(self.weeks)
        return {
            "procedure": NAME,
            "anchor": self.anchor.isoformat(),
            "walk": {name: getattr(WALK, name) for name in WALK.__dataclass_fields__},
            "single_windows": SINGLE_WINDOWS,
            "pool": dict(zip(self.member_names, np.round(self.weights, 6).tolist(), strict=True)),
            "correction": dict(zip(correction.feature_names(self.member_names),
                                   np.round(self.bend, 6).tolist(), strict=True)),
            "filter": self.field is not None,
            "coefficients": {} if self.field is None else
                dict(zip(self.feature_names, self.field.mean[n:].astype(float).round(6).tolist(), strict=True)),
            "spread": {"b0": self.ours.spread.b0, "b1": self.ours.spread.b1},
            "expected_total": self.level.mean * self.victims_each(self.weeks),
            "incidents": {"n": int(self.events.sum()), "victims_per_incident": self.victims_each(self.weeks)},
            "victims": None if victims is None else np.round(victims, 6).tolist(),
            "weeks_missing": int(self.gone.sum()),
            "history_weeks": self.weeks,
        }  # fmt: skip

    def _windows(self) -> tuple[list[int], list[int]]:
        """Start (position in weeks) and length of each step of the filter, oldest first; a short one may end the list."""
        anchor, block = self.weeks - (self.panel.origin - self.anchor).days // 7, BLOCK_WINDOWS * self.horizon
        first = anchor % self.horizon if anchor >= 0 else 0
        early = first + max(0, anchor - SINGLE_WINDOWS * self.horizon - first) // block * block
        starts = [*range(first, early, block), *range(early, self.weeks, self.horizon)]
        return starts, np.diff([*starts, self.weeks]).tolist()

    def _digests(self) -> list[str]:
        """Hash of all that lies before each step, and before the origin: the name under which state is kept."""
        units = self.panel.units
        text = f"{NAME} {WALK} {self.horizon} {SINGLE_WINDOWS} {BLOCK_WINDOWS} {POOL_WINDOWS} {pool.STEPS} {bank.KERNELS} {correction.SETTINGS}".encode()
        digest = hashlib.sha256(text)
        for array in (units.easting_m, units.northing_m, units.land_m2, self.around.exposure):
            digest.update(np.ascontiguousarray(array, dtype=np.float64).tobytes())
        names, found, at = sorted(self.panel.leading), [], 0
        for start, span in zip([*self.starts, self.weeks], [*self.spans, 0], strict=True):
            for counts in (self.panel.weekly, self.panel.incidents, self.panel.sizes, self.panel.seen):
                digest.update(b"" if counts is None else np.ascontiguousarray(counts[at:start]).tobytes())
            for name in names:
                digest.update(name.encode() + self.panel.leading[name][at:start].tobytes())
            for width in sorted(self.panel.near):
                digest.update(self.panel.near[width][at:start].tobytes())
            at = start
            found.append(digest.hexdigest())
            digest.update(f"{span}".encode())
        return found

    def _bank_alone(self, history: bank.History, before: ForecastMemory | None) -> None:
        """The bank's shares without the filter's: what is left where the field would have too many units."""
        known = before.shares if before else {}
        self.kept.shares = {self.digests[k]: known[self.digests[k]] if self.digests[k] in known else history.shares(k) for k in self._scored()}
        self.coming_shares = history.shares(len(self.starts))

    def _follow(self, history: bank.History, gained: Matrix, before: ForecastMemory | None) -> cox.Field:
        """The filter from the latest checkpoint that still fits, up to the origin; the field as it will be in the window."""
        panel, around = self.panel, self.around
        offset = np.log(around.exposure).astype(np.float32)
        kept, known = (before.fields, before.shares) if before else ({}, {})
        wanted = self._scored()
        fits = [k for k, digest in enumerate(self.digests) if digest in kept]
        last = max((k for k in fits if all(self.digests[j] in known for j in wanted if j < k)), default=None)
        at = last or 0
        if last is None:
            betas = np.array([BETA_PRIOR[0]] + [LEADING_BETA_PRIOR[0]] * len(panel.leading))
            variances = np.array([BETA_PRIOR[1]] + [LEADING_BETA_PRIOR[1]] * len(panel.leading))
            field = cox.starting_field(around.distances_m, betas, variances, WALK)
        else:
            field = unpacked(kept[self.digests[last]])
        whole = len(self.starts) - (1 if self.spans and self.spans[-1] < self.horizon else 0)
        checkpoints = self._checkpoints(whole)
        self.kept.shares = {self.digests[k]: known[self.digests[k]] for k in wanted if k < at}
        self.kept.fields = {self.digests[k]: kept[self.digests[k]] for k in sorted(checkpoints)
                            if k < at and self.digests[k] in kept}  # fmt: skip
        for k, span in enumerate([*self.spans, self.horizon][at:], start=at):  # the last is the window to come
            if k in checkpoints:
                self.kept.fields[self.digests[k]] = packed(field)
            self._x = history.features(k)
            field = cox.moved(field, gained, span / bank.WEEKS_A_WINDOW if k else 0.0, WALK)
            if k in wanted or k == len(self.starts):
                self.coming_shares = np.vstack([cox.expected_share(field, offset, self._x), history.shares(k)])
            if k in wanted:
                self.kept.shares[self.digests[k]] = self.coming_shares
            if k < len(self.starts):
                here = slice(self.starts[k], self.starts[k] + span)
                field = cox.seen(field, self.events[here].sum(axis=0), offset + self._share_seen(here), self._x, WALK)
        return field

    def _share_seen(self, weeks: slice) -> NDArray[np.float32] | float:
        """Logarithm of the share of these weeks in which each unit's records are held; minus infinity takes a unit out."""
        if self.panel.seen is None or not self.gone[weeks].any():
            return 0.0
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.panel.seen[weeks].mean(axis=0)), dtype=np.float32)

    def _scored(self) -> list[int]:
        """Steps whose forecasts teach the pool: every whole single window but the very first, and those that touch a gap."""
        return [k for k, (start, span) in enumerate(zip(self.starts, self.spans, strict=True))
                if span == self.horizon and k > 0 and not self.gone[start : start + span].any()]  # fmt: skip

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
        steps = self._scored()
        self.past = [self.starts[k] for k in steps]
        self.past_counts = [self.events[t : t + self.horizon].sum(axis=0) for t in self.past]
        shares = [self.kept.shares[self.digests[k]] for k in steps] + [self.coming_shares]
        filters = 0 if self.field is None else 1
        prior = pool.prior_weights(filters, len(self.member_names) - filters)
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
        if self.panel.seen is not None:
            usual = self.events.sum(axis=0) / np.maximum(self.panel.seen.sum(axis=0), 1) + 1e-9
            known = np.where(self.gone, self.panel.seen @ usual / usual.sum(), 1.0) * known
        first_week = (self.panel.first_day - EPOCH).days // 7
        found, self.kept.level = LevelBank(self.horizon).forecasts(
            self.events.sum(axis=1, dtype=np.float64), known, first_week, positions, before.level if before else None
        )
        return found

    @staticmethod
    def _expected(level: Level, share: Floats) -> Floats:
        return np.maximum(level.mean * share, 1e-9)

    def _share_draws(self, draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draws of each unit's share over its mean, with the filter's posterior covariance between units."""
        if self.field is None:
            self.variance = np.zeros(len(self.panel.units), dtype=np.float32)
            return np.ones((draws, len(self.panel.units)))
        low, self.variance = cox.draw_factor(self.field, self._x)
        noise = rng.standard_normal((draws, low.shape[1]), dtype=np.float32)
        eta = noise @ low.T
        return np.asarray(np.exp(eta - 0.5 * self.variance), dtype=np.float64)
