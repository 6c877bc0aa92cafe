"""Which model speaks: ours, or the plain count when that has been the better one.

Two rules. Hyper-parameters are chosen on the 13 windows before the first origin that is tested, then frozen. And at
each release the last 13 completed, non-overlapping windows decide whether the 24-month count steps in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
WINDOWS_JUDGED = 13
CONFIDENCE = 0.95
Setting = TypeVar("Setting")


@dataclass(frozen=True)
class Choice:
    """Which model speaks, and why.

    Attributes:
        fell_back: the 24-month count makes the numbers.
        reason: one sentence with the figures it rests on.
        mean_difference: mean of (ours - 24-month count) log score a unit; None with nothing to compare.
        lower, upper: one-sided 95% bounds of it; None with fewer windows than the rule needs.
        windows: how many completed windows it rests on.
    """

    fell_back: bool
    reason: str
    mean_difference: float | None
    lower: float | None
    upper: float | None
    windows: int


def decide(differences: Floats | Sequence[float], fell_back: bool = False) -> Choice:
    """Whether the plain count steps in (or steps back), from the log-score differences of completed windows.

    Falls back when the 95% upper bound of the mean difference is below 0; returns when the 95% lower bound is above 0.
    Fewer than 13 windows: stays as it is.

    Args:
        differences: our mean log score a unit less the 24-month count's, a number for each completed, non-overlapping
            window, oldest first; only the last 13 count.
        fell_back: whether the plain count speaks now.
    Source: one-sided t bounds of the mean; rule as published with each release.
    """
    last = np.asarray(differences, dtype=float)[-WINDOWS_JUDGED:]
    n = len(last)
    if n == 0:
        return Choice(fell_back, "No completed window to compare yet.", None, None, None, 0)
    mean = float(last.mean())
    if n < WINDOWS_JUDGED:
        return Choice(fell_back, f"{n} completed windows, {WINDOWS_JUDGED} are needed to change.", mean, None, None, n)
    half = _t_quantile(n - 1) * float(last.std(ddof=1)) / np.sqrt(n)
    lower, upper = mean - half, mean + half
    if not fell_back and upper < 0:
        said = "The 24-month count was better: it makes the numbers until our procedure is the better one again."
        return Choice(True, said, mean, lower, upper, n)
    if fell_back and lower > 0:
        return Choice(False, "Our procedure was better again: it makes the numbers.", mean, lower, upper, n)
    said = "The 24-month count stays: ours has not been shown to be better." if fell_back else (
        "Our procedure: better than the 24-month count." if lower > 0 else
        "Our procedure: not shown to differ from the 24-month count."
    )  # fmt: skip
    return Choice(fell_back, said, mean, lower, upper, n)


def simulate(
    mean_difference: float, spread: float, *, correlation: float = 0.0, runs: int = 2000, windows: int = 130, seed: int = 0
) -> dict[str, float]:
    """How often the rule errs, by simulation: a world where our true mean difference and its spread are known.

    Args:
        mean_difference, spread: true mean and standard deviation of the differences a window, nats a unit.
        correlation: of neighbouring windows, 0 up to below 1.
        windows: length of each run; the rule is asked at every one from the 13th on (130 is ten years).
    Returns: `ever_share` of runs in which the plain count ever stepped in; `time_share` of releases at which it spoke;
        `first_window` median window of the first step (windows + 1 where it never came). With a mean above 0 the first
        two are false rates; below 0, 1 less them are missed rates.
    """
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((runs, windows))
    for t in range(1, windows):
        noise[:, t] = correlation * noise[:, t - 1] + np.sqrt(1 - correlation**2) * noise[:, t]
    drawn = mean_difference + spread * noise
    quantile = _t_quantile(WINDOWS_JUDGED - 1)
    away = np.zeros(runs, dtype=bool)
    ever, spoke = np.zeros(runs, dtype=bool), np.zeros(runs)
    first = np.full(runs, windows + 1)
    for t in range(WINDOWS_JUDGED, windows + 1):
        last = drawn[:, t - WINDOWS_JUDGED : t]
        half = quantile * last.std(axis=1, ddof=1) / np.sqrt(WINDOWS_JUDGED)
        middle = last.mean(axis=1)
        away = np.where(away, ~(middle - half > 0), middle + half < 0)
        first = np.where(away & ~ever, t, first)
        ever |= away
        spoke += away
    return {
        "ever_share": float(ever.mean()),
        "time_share": float((spoke / (windows - WINDOWS_JUDGED + 1)).mean()),
        "first_window": float(np.median(first)),
    }


def best_setting(settings: Sequence[Setting], score: Callable[[Setting], float]) -> Setting:
    """The setting with the highest score; the earliest of equals. The caller scores on windows before any test."""
    if not settings:
        raise ValueError("nothing to choose from")
    scores = [score(setting) for setting in settings]
    return settings[int(np.argmax(scores))]


def _t_quantile(freedom: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, CONFIDENCE))
