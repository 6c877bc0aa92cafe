"""What any model must beat: the base rate, and the plain decayed harm score, calibrated."""

from __future__ import annotations

import numpy as np

from harmcast.people.features import NAMES
from harmcast.transitions.regression import Array, Document, fit_logistic, logit

HARM = NAMES.index("harm_share")
OFFSET = 0.01


def log_harm(x: Array) -> Array:
    """Log of harm as a share of the high cut, plus .01."""
    return np.asarray(np.log(x[:, HARM] + OFFSET))


def fit_base_rate(x: Array, y: Array, weight: Array) -> Document:
    """Everyone has the share that became, half an event added either way."""
    share = (float((weight * y).sum()) + 0.5) / (float(weight.sum()) + 1.0)
    return {"kind": "base_rate", "intercept": float(logit(share))}


def fit_plain_harm(x: Array, y: Array, weight: Array) -> Document:
    """Logistic line on log harm: the ranking is that of the decayed harm score itself; the slope cannot be negative."""
    intercept, slope = fit_logistic(log_harm(x)[:, None], y, ridge=1e-6, directions=[1], weight=weight)
    return {"kind": "plain_harm", "intercept": intercept, "slope": float(slope[0])}


def contributions(document: Document, x: Array) -> tuple[float, Array]:
    """Intercept and what each feature adds to the logit (rows x features), for both baselines."""
    effects = np.zeros(x.shape)
    if document["kind"] == "plain_harm":
        effects[:, HARM] = document["slope"] * log_harm(x)
    return float(document["intercept"]), effects
