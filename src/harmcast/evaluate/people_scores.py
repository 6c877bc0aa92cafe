"""How good chances about people are: ranking, calibration, the list; each with n, base rate and a 95% interval."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harmcast.documents.backtest import PeopleFigures, Tenth

Array = NDArray[np.float64]
TOP_SHARE = 0.05
BINS = 10
MANY_ROWS = 20_000


@dataclass(frozen=True)
class Ranked:
    """Rows by tie of their chance, lowest first, so that each weighting costs one count of ties. Ties count half.

    Attributes: `tie`: of each row; `ties`: how many; `became`: rows that became.
    """

    tie: NDArray[np.int64]
    ties: int
    became: NDArray[np.int64]

    @classmethod
    def of(cls, chance: NDArray[np.number], y: Array) -> Ranked:
        values, tie = np.unique(chance, return_inverse=True)
        return cls(tie, len(values), np.flatnonzero(y == 1))

    @classmethod
    def binned(cls, chance: Array, y: Array, most: int = 4000) -> Ranked:
        """The same with at most `most` ties: chances that stand next to each other count as equal. For many rows and draws."""
        first = np.searchsorted(np.sort(chance), chance, side="left")  # true ties stay together
        return cls.of(first * most // max(len(chance), 1), y)

    def auc(self, weight: Array | None = None) -> float | None:
        """Chance that someone who became ranks above someone who did not; None if either group is empty."""
        return self.auc_and_top(np.ones(len(self.tie)) if weight is None else weight)[0]

    def auc_and_top(self, weight: Array, share: float = TOP_SHARE) -> tuple[float | None, float, float]:
        """AUC (None if either group is empty), flagged, hits among them, under weights of rows."""
        everyone = np.bincount(self.tie, weight, self.ties)
        hits = np.bincount(self.tie[self.became], weight[self.became], self.ties)
        all_below, became_below = np.append(0.0, np.cumsum(everyone)), np.append(0.0, np.cumsum(hits))
        others = everyone - hits
        flagged = share * all_below[-1]
        top = became_below[-1] - float(np.interp(all_below[-1] - flagged, all_below, became_below))
        pairs = became_below[-1] * (all_below[-1] - became_below[-1])
        others_below = (all_below - became_below)[:-1]
        auc = float((hits * (others_below + 0.5 * others)).sum() / pairs) if pairs > 0 else None
        return auc, float(flagged), float(top)


def person_weights(people: NDArray[np.int64], draws: int, seed: int) -> Iterator[Array]:
    """Bootstrap weights: how often each row counts when whole people are drawn again; `draws` times."""
    rng = np.random.default_rng(seed)
    n = int(people.max()) + 1
    for _ in range(draws):
        yield np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float64)[people]


def losses(chance: Array, became: Array) -> Array:
    """Minus the log of the chance given to what came, a row; natural log, lower is better."""
    p = np.clip(chance, 1e-6, 1 - 1e-6)
    return np.asarray(-(became * np.log(p) + (1 - became) * np.log1p(-p)))


def calibration_slope(chance: Array, y: Array, people: NDArray[np.int64]) -> tuple[float, float, float] | None:
    """Slope of the outcome's logit on the forecast's, with its 95% interval (a person's rows together).

    1 is right; below 1 the chances are too spread. None if nobody or everybody became, or all chances are equal.
    Source: Cox (1958), Biometrika 45, 562-565.
    """
    p = np.clip(chance, 1e-6, 1 - 1e-6)
    z = np.log(p) - np.log1p(-p)
    if not 0 < y.sum() < len(y) or np.ptp(z) < 1e-12:
        return None
    design = np.column_stack([np.ones(len(z)), z])
    beta = np.array([0.0, 1.0])
    for _ in range(100):
        eta = design @ beta
        least = float((np.logaddexp(0.0, eta) - y * eta).sum())
        fitted = 0.5 * (1 + np.tanh(0.5 * eta))
        hessian = (design * np.maximum(fitted * (1 - fitted), 1e-12)[:, None]).T @ design
        step = np.linalg.solve(hessian, design.T @ (y - fitted))
        size = 1.0
        while size > 1e-6:
            tried = design @ (beta + size * step)
            if float((np.logaddexp(0.0, tried) - y * tried).sum()) <= least:
                break
            size *= 0.5
        beta = beta + size * step
        if np.abs(step).max() < 1e-10 or size <= 1e-6:
            break
    scores = np.zeros((int(people.max()) + 1, 2))
    np.add.at(scores, people, design * (y - fitted)[:, None])
    inverse = np.linalg.inv(hessian)
    half = 1.959963984540054 * float(np.sqrt((inverse @ (scores.T @ scores) @ inverse)[1, 1]))
    return float(beta[1]), float(beta[1] - half), float(beta[1] + half)


def said_over_came(chance: Array, y: Array, people: NDArray[np.int64]) -> tuple[float, float, float] | None:
    """Sum of the chances over how many came, with its 95% log interval over distinct people who became; None where nobody did."""
    came = float(y.sum())
    if came <= 0:
        return None
    half = 1.959963984540054 / np.sqrt(len(np.unique(people[y > 0])))
    ratio = float(chance.sum()) / came
    return ratio, float(ratio * np.exp(-half)), float(ratio * np.exp(half))


def tenths(chance: Array, y: Array, bins: int = BINS) -> list[Tenth]:
    """Ten groups of equal size by chance: n, mean chance, became, observed share."""
    order = np.argsort(chance, kind="stable")
    return [
        {
            "n": len(part),
            "mean_chance": float(chance[part].mean()),
            "became": int(y[part].sum()),
            "observed_share": float(y[part].mean()),
        }
        for part in np.array_split(order, bins)
        if len(part)
    ]


def ece(chance: Array, y: Array) -> float:
    """Expected calibration error: mean over ten equal groups of |mean chance - observed share|, weighed by size."""
    groups = tenths(chance, y)
    return float(sum(g["n"] * abs(g["mean_chance"] - g["observed_share"]) for g in groups) / len(y))


def ece_of_a_perfect_model(chance: Array, seed: int, draws: int = 200) -> float:
    """Mean expected calibration error that these chances would show if every one were exactly right: pure noise."""
    rng = np.random.default_rng(seed)
    parts = np.array_split(np.argsort(chance, kind="stable"), BINS)
    total = 0.0
    for part in parts:
        if len(part):
            p = chance[part]
            came = (
                rng.binomial(1, p, size=(draws, len(part))).mean(axis=1)
                if len(part) <= 2000
                else (p.mean() + rng.normal(0.0, np.sqrt((p * (1 - p)).sum()) / len(part), draws))
            )
            total += len(part) * float(np.abs(came - p.mean()).mean())
    return total / len(chance)


def scores(chance: Array, y: Array, people: NDArray[np.int64], seed: int, draws: int = 400) -> PeopleFigures:
    """Every figure of one model at one horizon, shares 0 to 1; null where it cannot be had.

    Counts stand beside: `top5` holds flagged, true and false positives (whole people) of the 5% ranked highest.
    """
    ranked = Ranked.of(chance, y)
    redrawn = ranked if len(y) <= MANY_ROWS else Ranked.binned(chance, y)
    drawn = (redrawn.auc_and_top(w)[0] for w in person_weights(people, draws, seed))
    resampled = [value for value in drawn if value is not None]
    slope = calibration_slope(chance, y, people)
    auc, flagged, hits = ranked.auc_and_top(np.ones(len(y)))
    became = float(y.sum())
    ratio = said_over_came(chance, y, people)
    return {
        "auc": auc,
        "auc_low": float(np.quantile(resampled, 0.025)) if resampled else None,
        "auc_high": float(np.quantile(resampled, 0.975)) if resampled else None,
        "brier": float(((chance - y) ** 2).mean()),
        "log_loss": float(losses(chance, y).mean()),
        "calibration_slope": slope[0] if slope else None,
        "calibration_slope_low": slope[1] if slope else None,
        "calibration_slope_high": slope[2] if slope else None,
        "said_over_came": ratio[0] if ratio else None,
        "said_over_came_low": ratio[1] if ratio else None,
        "said_over_came_high": ratio[2] if ratio else None,
        "ece": ece(chance, y),
        "ece_perfect": ece_of_a_perfect_model(chance, seed),
        "precision_top5": hits / flagged if flagged else None,
        "recall_top5": hits / became if became else None,
        "top5": {"flagged": flagged, "true_positives": hits, "false_positives": flagged - hits, "became": became},
        "n": len(y),
        "became": int(y.sum()),
        "base_rate": float(y.mean()),
        "mean_chance": float(chance.mean()),
        "tenths": tenths(chance, y),
    }
