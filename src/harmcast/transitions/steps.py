"""The monotone additive model: one step curve a feature, summed (an explainable boosting machine, main effects only).

Fitted with interpret-core; scored from its own tables of bin edges and scores, kept as plain numbers.
"""

from __future__ import annotations

import numpy as np

from harmcast.people.features import FEATURES, NAMES
from harmcast.transitions.regression import Array, Document, floats
from harmcast.transitions.thinning import thinned

MOST_ROWS = 60_000
BAGS = 4
BINS = 32


def fit_steps(x: Array, y: Array, weight: Array, seed: int = 20) -> Document:
    """Bin edges and scores of each feature, and the intercept."""
    from interpret.glassbox import ExplainableBoostingClassifier

    rows, weight = thinned(y, MOST_ROWS, seed, weight)
    model = ExplainableBoostingClassifier(
        feature_names=list(NAMES),
        interactions=0,
        monotone_constraints=[feature.direction for feature in FEATURES],
        max_bins=BINS,
        outer_bags=BAGS,
        inner_bags=0,
        learning_rate=0.02,
        max_rounds=1500,
        early_stopping_rounds=50,
        min_samples_leaf=max(10, len(rows) // 400),
        max_leaves=2,
        n_jobs=1,
        random_state=seed,
    )
    model.fit(x[rows], y[rows].astype(np.int64), sample_weight=weight)
    curves: list[Document] = [{"edges": [], "scores": [0.0]} for _ in NAMES]
    for term, scores in zip(model.term_features_, model.term_scores_, strict=True):
        (k,) = term
        curves[k] = {"edges": floats(model.bins_[k][0]), "scores": floats(np.asarray(scores)[1:-1])}
    return {"kind": "steps", "intercept": float(np.ravel(model.intercept_)[0]), "curves": curves}


def contributions(document: Document, x: Array) -> tuple[float, Array]:
    """Intercept and what each feature adds to the logit: the score of the bin its value falls in (edge value: upper bin)."""
    effects = np.empty(x.shape)
    for k, curve in enumerate(document["curves"]):
        effects[:, k] = np.asarray(curve["scores"])[np.searchsorted(np.asarray(curve["edges"]), x[:, k], side="right")]
    return float(document["intercept"]), effects
