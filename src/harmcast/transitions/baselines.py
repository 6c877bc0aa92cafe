"""What any model must beat: the base rate, and the plain decayed harm score, calibrated."""

from __future__ import annotations

import numpy as np

from harmcast.people.features import NAMES
from harmcast.transitions.regression import Array, Document, fit_logistic, logit

HARM = NAMES.index("harm_share")
OFFSET = 0.01
# Scales on which the line through the harm score may be straight: rungs of Tukey's ladder of powers. All rise with the
# harm, so the order of people is that of the score itself whichever is taken.
SCALES = ("log", "root", "plain")


def scaled_harm(x: Array, scale: str) -> Array:
    """Harm as a share of the high cut on a scale: log of it plus .01, its square root, or as it is."""
    share = x[:, HARM]
    if scale == "log":
        return np.asarray(np.log(share + OFFSET))
    return np.asarray(np.sqrt(share) if scale == "root" else share)


def fit_base_rate(x: Array, y: Array, weight: Array) -> Document:
    """Everyone has the share that became, half an event added either way."""
    share = (float((weight * y).sum()) + 0.5) / (float(weight.sum()) + 1.0)
    return {"kind": "base_rate", "intercept": float(logit(share))}


def fit_plain_harm(x: Array, y: Array, weight: Array) -> Document:
    """Logistic line on the decayed harm score, its slope at least 0, on the scale that fits the learnt rows best.

    Returns: {"kind", "scale", "intercept", "slope"}; the first of SCALES where two fit alike.
    Source: the ladder of powers: Tukey (1977), Exploratory Data Analysis, chapter 6.
    """
    best, least = Document(), np.inf
    for scale in SCALES:
        z = scaled_harm(x, scale)
        intercept, slope = fit_logistic(z[:, None], y, ridge=1e-6, directions=[1], weight=weight)
        eta = intercept + slope[0] * z
        loss = float((weight * (np.logaddexp(0.0, eta) - y * eta)).sum())
        if loss < least:
            best = {"kind": "plain_harm", "scale": scale, "intercept": intercept, "slope": float(slope[0])}
            least = loss
    return best


def contributions(document: Document, x: Array) -> tuple[float, Array]:
    """Intercept and what each feature adds to the logit (rows x features), for both baselines."""
    effects = np.zeros(x.shape)
    if document["kind"] == "plain_harm":
        effects[:, HARM] = document["slope"] * scaled_harm(x, document.get("scale", "log"))
    return float(document["intercept"]), effects
