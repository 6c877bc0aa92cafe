"""What any card must beat: the base rate, and the plain decayed harm score through one logistic line. Neither ships."""

from __future__ import annotations

import numpy as np

from harmcast.documents.person_model import FloorLine
from harmcast.people.features import NAMES
from harmcast.transitions.regression import Array, chance, fit_logistic, logit

HARM = NAMES.index("harm_share")
OFFSET = 0.01


def fit_base_rate(x: Array, y: Array, weight: Array) -> FloorLine:
    """Everyone has the share that became, half an event added either way."""
    share = (float((weight * y).sum()) + 0.5) / (float(weight.sum()) + 1.0)
    return {"kind": "base_rate", "intercept": float(logit(share)), "slope": 0.0}


def fit_plain_harm(x: Array, y: Array, weight: Array) -> FloorLine:
    """Logistic line on the logarithm of the decayed harm score, its slope at least 0: people stand in the score's own order."""
    intercept, slope = fit_logistic(_log_harm(x)[:, None], y, ridge=1e-6, directions=[1], weight=weight)
    return {"kind": "plain_harm", "intercept": intercept, "slope": float(slope[0])}


def hazard(stretch: FloorLine, x: Array) -> Array:
    """Chance in one stretch, given not before."""
    return chance(stretch["intercept"] + stretch["slope"] * _log_harm(x))


def _log_harm(x: Array) -> Array:
    return np.asarray(np.log(x[:, HARM] + OFFSET))
