"""The logistic model: every feature on its own scale, shrunk, its direction held where reason gives one."""

from __future__ import annotations

import numpy as np

from harmcast.people.features import FEATURES
from harmcast.transitions.regression import Array, Document, fit_logistic, floats

# Prior on standardised coefficients: normal around 0 with standard deviation .3. A feature moving the odds by more than
# e^.6 a standard deviation, beside the others, would surprise.
RIDGE = 1 / 0.3**2
SHARE_OFFSET = 0.01


def scaled(x: Array) -> Array:
    """Features on the scale the model is linear in: log(share + .01) for shares, log(1 + count or months), or plain."""
    columns = []
    for k, feature in enumerate(FEATURES):
        if feature.scale == "plain":
            columns.append(x[:, k])
        elif feature.unit.startswith("share"):
            columns.append(np.log(x[:, k] + SHARE_OFFSET))
        else:
            columns.append(np.log1p(np.maximum(x[:, k], 0.0)))
    return np.column_stack(columns)


def centre(z: Array, weight: Array) -> tuple[Array, Array]:
    """Mean and spread of each column; a column that does not vary has spread 1."""
    mean = np.average(z, axis=0, weights=weight)
    spread = np.sqrt(np.average((z - mean) ** 2, axis=0, weights=weight))
    spread[spread < 1e-9] = 1.0
    return np.asarray(mean), np.asarray(spread)


def fit_linear(x: Array, y: Array, weight: Array) -> Document:
    """Means, spreads, intercept and coefficients (of standardised features)."""
    z = scaled(x)
    mean, spread = centre(z, weight)
    intercept, slopes = fit_logistic((z - mean) / spread, y, RIDGE, [feature.direction for feature in FEATURES], weight)
    return {
        "kind": "logistic",
        "intercept": intercept,
        "mean": floats(mean),
        "spread": floats(spread),
        "coefficients": floats(slopes),
    }


def contributions(document: Document, x: Array) -> tuple[float, Array]:
    """Intercept (the logit of someone average in every feature) and what each feature adds to the logit."""
    z = (scaled(x) - np.asarray(document["mean"])) / np.asarray(document["spread"])
    return float(document["intercept"]), np.asarray(z * np.asarray(document["coefficients"]))
