"""Where the past is cut: what may be learned from, and what judges."""

from __future__ import annotations

from dataclasses import dataclass

TUNING_WINDOWS = 13


@dataclass(frozen=True)
class RollingOrigins:
    """Rolling origins over non-overlapping windows, as positions in the list of windows, oldest first.

    Attributes:
        tuning: windows on which hyper-parameters may be chosen; all before the first test.
        tests: windows that judge; the origin of test t is the start of window t, and what is forecast from windows [0, t).
    """

    tuning: tuple[int, ...]
    tests: tuple[int, ...]


def rolling_origins(windows: int, origins: int, tuning: int = TUNING_WINDOWS) -> RollingOrigins:
    """The last `origins` windows judge; the `tuning` windows before them choose; at least one window precedes both.

    Raises: ValueError if there are too few windows for one test and one window of history.
    """
    if origins < 1 or windows < 2:
        raise ValueError("a backtest needs at least one origin and one window of history before it")
    first = max(1, windows - origins)
    return RollingOrigins(tuple(range(max(1, first - tuning), first)), tuple(range(first, windows)))
