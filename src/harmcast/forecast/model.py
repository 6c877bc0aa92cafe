"""Our procedure, first form: empirical Bayes shares, a level of its own, negative binomial cells."""

from __future__ import annotations

from typing import Any

import numpy as np

from harmcast.forecast import baselines
from harmcast.forecast.empirical import EmpiricalBayes
from harmcast.forecast.ranges import Prediction
from harmcast.places.counts import Panel

DRAWS = 400


class Procedure:
    """One tool's model at one origin."""

    name = "empirical_bayes"

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self.counts = panel.windows
        self.totals = self.counts.sum(axis=1).astype(np.float64)
        self.shares = EmpiricalBayes(panel.units)
        settled = max(1, len(self.counts) - 13)
        self.habits = self.shares.choose(self.counts[:settled])

    @classmethod
    def resume(cls, panel: Panel, kept: bytes | None) -> Procedure:
        return cls(panel)

    def predict(self, seed: int) -> Prediction:
        return self._prediction(self.shares.share(self.counts, self.habits), len(self.counts), seed)

    def plain(self, seed: int) -> Prediction:
        share = baselines.count_last(26, shrink=True)(self.counts)
        return self._prediction(share, len(self.counts), seed)

    def trials(self, windows: int) -> list[dict[str, Any]]:
        from scipy.special import gammaln

        found = []
        for t in range(max(1, len(self.counts) - windows), len(self.counts)):
            level, seen = baselines.level(self.totals[:t]), self.counts[t]
            scores = {}
            for name, share in (
                ("ours", self.shares.share(self.counts[:t], self.habits)),
                ("count_24m", baselines.count_last(26, shrink=True)(self.counts[:t])),
            ):
                mu = np.maximum(level * share, 1e-12)
                scores[name] = float((seen * np.log(mu) - mu - gammaln(seen + 1)).mean())
            found.append({"windows_ago": len(self.counts) - t, **scores})
        return found

    def keep(self) -> bytes:
        return b""

    def document(self) -> dict[str, Any]:
        return {"procedure": self.name, "half_life_windows": self.habits.half_life_windows,
                "bandwidth_m": self.habits.bandwidth_m, "prior_crimes": self.habits.prior_crimes}  # fmt: skip

    def _prediction(self, share: np.ndarray, t: int, seed: int) -> Prediction:
        rng = np.random.default_rng(seed)
        level = max(baselines.level(self.totals[:t]), 1e-6)
        expected = np.maximum(level * share, 1e-12)
        spread = 0.15
        level_draws = level * rng.gamma(1 / spread**2, spread**2, DRAWS)
        information = np.maximum(26.0 * expected, 0.3)
        draws = level_draws[:, None] * share[None, :] * rng.gamma(information, 1 / information, (DRAWS, len(share)))
        return Prediction(expected, np.full(len(share), 0.05), draws, rng.poisson(level_draws))
