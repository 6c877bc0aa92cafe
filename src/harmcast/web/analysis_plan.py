"""The force's own analysis plan of a trial of a places tool: what is tested, on which windows, what could be found, who looks when."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SURE, POWER = 1.645, 0.842  # one-sided 5%, and 80% power


@dataclass(frozen=True)
class AnalysisPlan:
    """The plan, fixed before the trial: printed and filed in the register.

    Attributes:
        tested: each line of the bar in words.
        windows, horizon_weeks, weeks: how many windows that do not overlap are judged, their length, weeks of shadow in all.
        least: smallest true gain in log score a unit that these windows would show with a chance of 8 in 10; None with too few past
            windows to know how much they vary.
        past: past windows that this rests on.
        filed: days on which a plan was filed in the register, oldest first.
    """

    tested: tuple[str, ...]
    windows: int
    horizon_weeks: int
    weeks: int
    least: float | None
    past: int
    filed: tuple[str, ...]


def analysis_plan(
    bars: Sequence[str], weeks: int, horizon_weeks: int, model: Mapping[str, Any], filed: Sequence[str]
) -> AnalysisPlan:
    """The plan of one tool.

    Args:
        bars: the lines of the bar in words. weeks: of shadow, as the settings ask.
        model: the newest release's model document, whose `trials` are past windows forecast again.
        filed: days of the register's entries.
    """
    gains = [one["ours"] - one["alike"] for one in model.get("trials", []) if "alike" in one]
    windows, least = max(1, weeks // horizon_weeks), None
    if len(gains) >= 7:
        mean = sum(gains) / len(gains)
        spread = math.sqrt(sum((gain - mean) ** 2 for gain in gains) / (len(gains) - 1))
        least = (SURE + POWER) * spread / math.sqrt(windows)
    return AnalysisPlan(tuple(bars), windows, horizon_weeks, weeks, least, len(gains), tuple(filed))
