"""A log-linear correction of the pool: where past windows found it wrong, learned with strong shrinkage.

    log corrected share = log pool + x' b + constant

x are the pool itself (b above 0 sharpens it, below 0 flattens it), how each member differs from it, and how much more came
than it said. b is drawn to 0, where the pool stays as it is.

Sources: Genest and Zidek (1986), Statistical Science 1, 114-135 (linear and logarithmic pools); Ranjan and Gneiting (2010),
JRSS B 72, 71-91 (a linear pool wants recalibrating); Clayton and Kaldor (1987), Biometrics 43, 671-681 (the gamma-Poisson
ratio of what came to what was expected).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Features = NDArray[np.float32]

SURPRISE_HALF_LIFE = 26.0
SURPRISE_PRIOR = 30.0
RATIO_SD, SURPRISE_SD = 0.05, 0.5
STEPS = 3
SETTINGS = (SURPRISE_HALF_LIFE, SURPRISE_PRIOR, RATIO_SD, SURPRISE_SD, STEPS)


def prior_sd(members: int) -> Floats:
    """Standard deviation of each coefficient around 0: the pool, every member, the unit's own surprise."""
    return np.array([RATIO_SD] * (1 + members) + [SURPRISE_SD])


def feature_names(members: Sequence[str]) -> list[str]:
    return ["pool", *members, "surprise"]


def surprises(pools: Sequence[Floats], counts: Sequence[NDArray[np.integer]], windows_a_step: float) -> list[Floats]:
    """For each pool, the log ratio of what came in each unit to what the pools before it had said.

    Gamma-Poisson: (30 + came) / (30 + expected), both halved every 26 windows. What was expected is the pool's share of what came
    in all, so that the level does not enter.

    Args:
        pools: shares of each past window and of the coming one, oldest first. counts: what came in the past ones.
        windows_a_step: length of a window in windows of four weeks.
    """
    fade = 0.5 ** (windows_a_step / SURPRISE_HALF_LIFE)
    both = np.zeros((2, len(pools[0])))
    found = []
    for k, share in enumerate(pools):
        found.append(np.log((SURPRISE_PRIOR + both[0]) / (SURPRISE_PRIOR + both[1])))
        if k < len(counts):
            both = fade * (both + np.stack([counts[k], share * counts[k].sum()]))
    return found


def features(share: Floats, members: NDArray[np.float32], surprise: Floats) -> Features:
    """(units, members + 2) what the correction goes by, each less its mean under the pool.

    Args:
        share: the pool's share of each unit. members: (members, units) shares pooled. surprise: of each unit.
    """
    pool = share.astype(np.float32)
    ratios = np.log((members + pool) / (2 * pool))
    columns = np.concatenate([np.log(pool)[:, None], ratios.T, surprise.astype(np.float32)[:, None]], axis=1)
    return np.asarray(columns - pool @ columns, dtype=np.float32)


def corrected(share: Floats, x: Features, b: Floats) -> Floats:
    """The pool's shares as corrected; they add up to 1."""
    raised = share * np.exp(np.clip(x @ b, -5.0, 5.0))
    return np.asarray(raised / raised.sum())


def learn(
    shares: Sequence[Floats],
    xs: Sequence[Features],
    counts: Sequence[NDArray[np.integer]],
    fade: Floats,
    before: Floats,
) -> Floats:
    """Coefficients that make past windows' crimes likeliest, drawn to 0: Newton steps from the window before's.

    Args:
        shares, xs, counts: the pool, its features and what came, of each past window. fade: weight of each window.
        before: coefficients to start from.
    """
    tightness = prior_sd(len(before) - 2) ** -2
    b = before
    for _ in range(STEPS if len(shares) else 0):
        slope, bend = -tightness * b, np.diag(tightness)
        for share, x, came, weight in zip(shares, xs, counts, fade, strict=True):
            wide, total = x.astype(np.float64), float(came.sum())
            said = corrected(share, x, b)
            mean = said @ wide
            slope += weight * (came @ wide - total * mean)
            bend += weight * total * ((said[:, None] * wide).T @ wide - np.outer(mean, mean))
        b = b + np.linalg.solve(bend, slope)
    return np.asarray(b)
