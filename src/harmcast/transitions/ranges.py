"""How sure a chance is: the range for one person, and the range for the mean of everyone with the same points.

On the logit: V, what the records leave open about level and slope; s, the spread between people with the same points,
which no one's single outcome can show.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harmcast.transitions.regression import Array, chance, logit

LEVEL = 0.90
Z = 1.6448536269514722
# Spread on the logit between people with the same points, of the chance that follows from their whole record: an
# assumption, set on two generators of invented careers, the same at 12 and at 24 months.
UNSEEN = 0.50


def between_people(halving: float) -> float:
    """s squared: the assumed spread, and half of what half the look-back would change (`halving`: its deviation, logit)."""
    return UNSEEN**2 + halving**2 / 2


def level_and_slope(of_level: Array, slope: float, of_slope: float, of_years: float, off_centre: Array) -> Array:
    """V a stretch: of the level, and of the slope at `off_centre` = t - m.

    Args: `of_level`, `of_slope`: variances of level and fitted slope; `of_years`: predictive variance of the calibration slope.
    """
    share = of_slope / slope**2 if slope > 0 else 0.0
    return np.asarray(of_level + (of_years + share) * (slope * off_centre) ** 2)


def over_stretches(variances: Sequence[Array], hazards: Sequence[Array]) -> Array:
    """V of the logit of the chance by the end of several stretches; their errors are taken as going together.

    By the delta rule a stretch's logit moves the logit of the whole by h_k / P.
    """
    none_yet = np.ones_like(hazards[0])
    for h in hazards:
        none_yet = none_yet * (1 - h)
    whole = 1 - none_yet
    return np.asarray(sum(h / whole * np.sqrt(v) for h, v in zip(hazards, variances, strict=True)) ** 2)


def person_range(p: Array, open_variance: Array, people_variance: float) -> tuple[Array, Array]:
    """Ends of the 90% range of one person's chance. P is a mean over people, so the range is longer below."""
    middle = logit(p) - people_variance * (1 - p) / 2
    half = Z * np.sqrt(open_variance + people_variance)
    return np.minimum(chance(middle - half), p), np.maximum(chance(middle + half), p)


def group_range(p: Array, open_variance: Array) -> tuple[Array, Array]:
    """Ends of the 90% range of the mean chance of everyone with the same points."""
    half = Z * np.sqrt(open_variance)
    return chance(logit(p) - half), chance(logit(p) + half)
