"""Which model speaks: ours, or the plain count when that has been the better one.

Like is held against like: the 24-month count's shares with our level and a spread of their own, so that what is compared is where
crime falls. A test asked at every window in turn would step in by luck; an e-detector is made for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harmcast.documents.backtest import FallbackSays

Floats = NDArray[np.float64]
FIRST_WINDOW = 7
ALARM = 260.0
BETS = np.array([0.1, 0.2, 0.4, 0.8])
MOST, WORST, SPREADS = 1.0, -10.0, 3.0


@dataclass(frozen=True)
class Choice:
    """Which model speaks, and why.

    Attributes:
        fell_back: the 24-month count makes the numbers.
        reason: one sentence with the figures it rests on.
        mean_difference: mean of (ours - 24-month count) log score a unit; None with nothing to compare.
        detector: evidence so far that the one who speaks is the worse, from 0; at 260 the other steps in.
        windows: how many completed windows it rests on.
        stepped: windows (counted from 1) after which the speaker changed.
    """

    fell_back: bool
    reason: str
    mean_difference: float | None
    detector: float
    windows: int
    stepped: tuple[int, ...] = ()

    def document(self, gain: float) -> FallbackSays:
        """What a release and a backtest print; `gain`: our mean log score a unit less the 24-month count's as it is published."""
        share = self.mean_difference / gain if gain > 0 and self.mean_difference is not None else None
        return {"mean_difference": self.mean_difference, "detector": self.detector, "from_where_share": share}


def decide(differences: Floats | Sequence[float], fell_back: bool = False) -> Choice:
    """Whether the plain count speaks after these windows.

    While the one who speaks is, given the past, no worse, a false step comes once in 260 windows on average or less.

    Args:
        differences: our mean log score a unit less the 24-month count's with our level, one for each completed, non-overlapping
            window, oldest first.
        fell_back: whether the plain count spoke before the first of them.
    Source: Shin, Ramdas and Rinaldo (2024), New England Journal of Statistics in Data Science 2, 229-260 (e-detectors of
        Shiryaev-Roberts type); Choe and Ramdas (2024), Operations Research 72, 1368-1387 (forecasters compared).
    """
    d = np.asarray(differences, dtype=float)
    squares = np.diff(d) ** 2 / 2
    evidence, stepped = np.zeros(len(BETS)), []
    for t in range(FIRST_WINDOW - 1, len(d)):
        spread = max(float(np.sqrt(squares[: t - 1].mean())), 1e-12)
        x = np.clip((-d[t] if fell_back else d[t]) / (SPREADS * spread), WORST, MOST)
        evidence = (evidence + 1.0) * (1.0 - BETS * x)
        if evidence.mean() >= ALARM:
            fell_back, evidence = not fell_back, np.zeros(len(BETS))
            stepped.append(t + 1)
    speaks, other = ("The 24-month count", "our procedure") if fell_back else ("Our procedure", "the 24-month count")
    said = (
        f"{len(d)} completed windows; the detector needs {FIRST_WINDOW}." if len(d) < FIRST_WINDOW else
        f"{speaks} makes the numbers: over {len(d)} windows the evidence that {other} places crime better is {evidence.mean():.1f}; it changes at {ALARM:.0f}."
    )  # fmt: skip
    return Choice(fell_back, said, float(d.mean()) if len(d) else None, float(evidence.mean()), len(d), tuple(stepped))
