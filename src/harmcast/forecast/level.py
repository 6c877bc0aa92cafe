"""The force's total: a small bank of weekly state-space models, averaged by how well each has been forecasting.

Each model is a Poisson log-linear model with a random-walk level and yearly harmonics, filtered by one
Gaussian-approximation step a week; their mixture is discounted, so that a model that was right lately counts more.
Sources: West, Harrison and Migon (1985), JASA 80, 73-83 (dynamic generalised linear models); Raftery, Karny and
Ettler (2010), Technometrics 52, 52-66 (dynamic model averaging).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harmcast.forecast.ranges import Floats, log_chance

WEEKS_A_YEAR = 365.25 / 7.0

STEPS = (0.0001, 0.0005, 0.002, 0.006, 0.015)
HARMONICS = (0, 1, 2)
EXCESS = (0.0, 0.02)
HALF_LIFE_WINDOWS = 6.0
SETTLED_WEEKS = 30


@dataclass(frozen=True, eq=False)
class Level:
    """The force's total of the coming window: a mixture of negative binomials.

    Attributes:
        means, dispersions, weights: one of each a member; variance of a member is mean + dispersion x mean squared.
    """

    means: Floats
    dispersions: Floats
    weights: Floats

    @property
    def mean(self) -> float:
        return float(np.dot(self.weights, self.means))

    @property
    def relative_variance(self) -> float:
        """Variance of the expected total over its square: how unsure the level is, chance of counting apart."""
        second = float(np.dot(self.weights, self.means**2 * (1.0 + self.dispersions)))
        return float(max(second / self.mean**2 - 1.0, 1e-6))

    def rates(self, draws: int, rng: np.random.Generator) -> Floats:
        """Draws of the expected total."""
        member = rng.choice(len(self.weights), size=draws, p=self.weights)
        size = 1.0 / np.maximum(self.dispersions[member], 1e-6)
        return np.asarray(self.means[member] * rng.gamma(size, 1.0 / size))


@dataclass(frozen=True, eq=False)
class Memory:
    """The bank's state before a week, so that the weeks up to it need not be filtered again.

    Attributes:
        at: how many weeks it has seen. digest: SHA-256 of those weeks.
        mean, covariance, merit: of the members' states and their discounted log likelihood.
        waiting: (windows, 2, members) mean and dispersion of windows forecast but not over yet, oldest first.
        found: forecasts made at or before `at`, by position.
    """

    at: int
    digest: str
    mean: Floats
    covariance: Floats
    merit: Floats
    waiting: Floats
    found: dict[int, Level]


class LevelBank:
    """All members, filtered side by side over weekly totals."""

    def __init__(self, horizon_weeks: int) -> None:
        grid = [(q, h, e) for q in STEPS for h in HARMONICS for e in EXCESS]
        self.horizon_weeks = horizon_weeks
        self.step = np.array([one[0] for one in grid])
        self.harmonics = np.array([one[1] for one in grid])
        self.excess = np.array([one[2] for one in grid])
        width = 1 + 2 * max(HARMONICS)
        self.mask = np.array([[k < 1 + 2 * h for k in range(width)] for h in self.harmonics], dtype=float)

    def forecasts(
        self, weekly: Floats, known: Floats, first_week: int, origins: Sequence[int], memory: Memory | None = None
    ) -> tuple[dict[int, Level], Memory]:
        """The mixture at each origin (position in weeks: what is forecast starts there).

        Args:
            weekly: totals, oldest first. known: share of each week's crimes known by now, 0 to 1; a week of 0 is missing.
                Windows with a missing week are not judged.
            first_week: absolute number of the first week, so that the season keeps its phase.
            memory: of an earlier call; used if the weeks it saw are still the same, changes nothing but the time taken.
        Returns: forecasts by position; memory for the next call.
        """
        wanted = set(origins)
        start = memory if memory and memory.digest == self._digest(weekly, known, first_week, memory.at) else None
        if start is not None and not {t for t in wanted if t < start.at} <= set(start.found):
            start = None
        if start is None:
            start = self._beginning(weekly, known, first_week)
        mean, cov, merit = start.mean, start.covariance, start.merit
        waiting = [(one[0], one[1]) for one in start.waiting]
        found = dict(start.found)
        fade = 0.5 ** (1.0 / (HALF_LIFE_WINDOWS * 4))
        cumulated = np.concatenate([[0.0], np.cumsum(weekly / np.where(known > 0, known, 1.0))])
        last = max(start.at, (len(weekly) - SETTLED_WEEKS) // 4 * 4)
        kept = start
        for t in range(start.at, len(weekly) + 1):
            if t == last:
                held = np.array(waiting).reshape(len(waiting), 2, len(self.step))
                early = {at: one for at, one in found.items() if at < t}
                digest = self._digest(weekly, known, first_week, t)
                kept = Memory(t, digest, mean, cov, merit, held, early)
            ahead = self._ahead(mean, cov, first_week + t)
            if t in wanted:
                raised = np.exp(merit - merit.max())
                found[t] = Level(ahead[0], ahead[1], raised / raised.sum())
            if t == len(weekly):
                break
            waiting.append(ahead)
            mean, cov = self._learn(mean, cov, self._design(first_week + t), float(weekly[t]), float(known[t]))
            if len(waiting) == self.horizon_weeks:
                then_mean, then_dispersion = waiting.pop(0)
                total = cumulated[t + 1] - cumulated[t + 1 - self.horizon_weeks]
                if known[t + 1 - self.horizon_weeks : t + 1].all():
                    merit = fade * merit + log_chance(total, then_mean, then_dispersion) / self.horizon_weeks
        return {t: found[t] for t in wanted}, kept

    def _beginning(self, weekly: Floats, known: Floats, first_week: int) -> Memory:
        members, width = self.mask.shape
        seen = weekly[:26][known[:26] > 0]
        first = max(float(seen.mean()) if len(seen) else 0.0, 0.02)
        mean = np.zeros((members, width))
        mean[:, 0] = np.log(first)
        cov = np.einsum("mk,kj->mkj", self.mask, np.diag([0.25] + [0.02] * (width - 1)))
        return Memory(0, "", mean, cov, np.zeros(members), np.zeros((0, 2, members)), {})

    def _digest(self, weekly: Floats, known: Floats, first_week: int, upto: int) -> str:
        if upto > len(weekly):
            return "later than the weeks held"
        seen = hashlib.sha256(f"{first_week} {self.horizon_weeks}".encode())
        seen.update(np.ascontiguousarray(weekly[: max(upto, 26)], dtype=np.float64).tobytes())
        seen.update(np.ascontiguousarray(known[:upto], dtype=np.float64).tobytes())
        return seen.hexdigest()

    def _design(self, week: int) -> Floats:
        angle = 2 * np.pi * week / WEEKS_A_YEAR
        parts = [1.0]
        for k in range(1, max(HARMONICS) + 1):
            parts += [np.cos(k * angle), np.sin(k * angle)]
        return np.asarray(self.mask * np.array(parts))

    def _learn(self, mean: Floats, cov: Floats, x: Floats, count: float, known: float) -> tuple[Floats, Floats]:
        cov = cov.copy()
        cov[:, 0, 0] += self.step
        if known == 0:
            return mean, cov
        reach = np.einsum("mij,mj->mi", cov, x)
        prior = np.einsum("mi,mi->m", mean, x)
        variance = np.einsum("mi,mi->m", x, reach)
        eta = prior
        for step in range(5):
            rate = known * np.exp(np.clip(eta, -20, 20))
            thin = 1.0 + self.excess * rate
            weight, slope = rate / thin, (count - rate) / thin
            if step < 4:
                gain = variance / (1.0 + weight * variance)
                eta = eta + np.clip(gain * (slope - (eta - prior) / variance), -2, 2)
        shrink = weight / (1.0 + weight * variance)
        mean = mean + reach * ((eta - prior) / variance)[:, None]
        cov = cov - shrink[:, None, None] * reach[:, :, None] * reach[:, None, :]
        return mean, cov

    def _ahead(self, mean: Floats, cov: Floats, week: int) -> tuple[Floats, Floats]:
        """Mean and dispersion of the total of the coming window, for each member."""
        horizon = self.horizon_weeks
        xs = np.stack([self._design(week + k) for k in range(horizon)])
        eta = np.einsum("kmi,mi->km", xs, mean)
        reach = np.einsum("mij,kmj->kmi", cov, xs)
        joint = np.einsum("kmi,lmi->klm", xs, reach)
        steps = np.arange(1, horizon + 1)
        joint = joint + np.minimum(steps[:, None], steps[None, :])[:, :, None] * self.step[None, None, :]
        rate = np.exp(np.clip(eta + 0.5 * joint[steps - 1, steps - 1], -20, 20))
        total = rate.sum(axis=0)
        square = np.einsum("km,lm,klm->m", rate, rate, np.expm1(np.minimum(joint, 5.0)))
        own = self.excess * (rate**2).sum(axis=0)
        return total, np.maximum((square + own) / total**2, 1e-6)
