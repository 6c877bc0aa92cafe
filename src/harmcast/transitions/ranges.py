"""How sure a chance is: the printed range, Venn-ABERS beside it, and who we cannot tell.

The range is on the logit, of three parts. What the records leave open about the model's numbers: the covariance of a
logistic regression on all features, a person's rows taken together. How many people's becoming this part of the scale
was learnt from: where few became, the level itself is unsure. And what the model itself leaves out: how far the
observed shares of small groups of alike people, found on one half of the people and counted on the other, lie from the
chances given to them, beyond chance; and fixed allowances (UNSEEN_BELOW, UNSEEN_ABOVE) for what no feature shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harmcast.transitions import linear
from harmcast.transitions.model import chances, matrix, person_numbers, weights_of
from harmcast.transitions.regression import Array, Document, chance, fit_logistic, floats, logit, sandwich
from harmcast.transitions.thinning import of_some_people, thinned_panel

LEVEL = 0.90
Z = 1.6448536269514722
LEAF_PEOPLE = 60
LEFT_OUT_ROWS = 300_000
GRID = 200
LEVEL_PARTS = 10
# Spread on the logit, between people with the same features, of the chance that follows from their whole record: what
# no feature shows (the order of offences, sentences that follow them). One yes or no a person cannot show it, so it
# cannot be learnt from a force's own records. Wider below: someone serving a sentence, or done with crime, looks like
# others with the same record and has far less of a chance. Set on invented forces whose chances are known
# (bench/known_chances.py): the least, to .05, with which at most .05 of people lie beyond either end on each seed of
# SET_ON, which are not those reported.
UNSEEN_BELOW = 0.80
UNSEEN_ABOVE = 0.40
CONFORMAL_ERROR = 0.10


def _clipped(p: Array) -> Array:
    return np.clip(p, 1e-6, 1 - 1e-6)


def left_out_spread(x: Array, y: Array, p: Array, people: NDArray[np.int64], seed: int) -> float:
    """Variance on the logit of what the chances leave out: alike people's share against their chance, less noise.

    People are halved; a tree on one half finds groups whose outcomes differ from their chances, the other half counts;
    then the halves change places. Moment estimate: sum((became - expected)^2 - variance) / sum(variance^2).
    """
    from sklearn.tree import DecisionTreeRegressor

    half = np.random.default_rng(seed).permutation(int(people.max()) + 1)[people] % 2
    above, below = 0.0, 0.0
    v = p * (1 - p)
    for side in (0, 1):
        grow, count = half == side, half != side
        least = max(LEAF_PEOPLE, int(grow.sum() / 200))
        tree = DecisionTreeRegressor(min_samples_leaf=least, max_leaf_nodes=100, random_state=seed)
        tree.fit(x[grow], ((y - p) / np.sqrt(np.maximum(v, 1e-4)))[grow], sample_weight=v[grow])
        leaf = np.unique(tree.apply(x[count]), return_inverse=True)[1]
        surplus = np.bincount(leaf, (y - p)[count])
        noise = np.bincount(leaf, v[count])
        above += float((surplus**2 - noise).sum())
        below += float((noise**2).sum())
    return max(above / below, 0.0) if below else 0.0


def level_edges(p: Array, parts: int = LEVEL_PARTS) -> Array:
    """Chances that cut rows into at most `parts` parts, each of at least half its equal share; equal chances together."""
    ordered, least = np.sort(p), len(p) / parts / 2
    kept: list[float] = []
    begun = 0
    for edge in np.unique(np.quantile(ordered, np.linspace(0, 1, parts + 1)[1:-1])):
        at = int(np.searchsorted(ordered, edge, side="left"))
        if at - begun >= least and len(p) - at >= least:
            kept.append(float(edge))
            begun = at
    return np.asarray(kept)


def level_variance(p: Array, came: Array, people: NDArray[np.int64], edges: Array) -> Array:
    """Variance on the logit of the level of each part of the scale: 1 / the people who became there (a Poisson count).

    A person seen to become from several landmarks counts as fewer than so many people: (sum of rows)^2 / sum of squares.

    Args: `edges`: chances between the parts, rising. Returns: len(edges) + 1 values; 1 where nobody became.
    """
    parts = np.searchsorted(edges, p, side="right")
    found = np.ones(len(edges) + 1)
    for k in range(len(found)):
        a_person = np.bincount(people[(parts == k) & (came == 1)]).astype(np.float64)
        rows = float(a_person.sum())
        if rows > 0:
            found[k] = float((a_person**2).sum()) / rows**2
    return found


def _came(table: pl.DataFrame, horizon: int) -> Array:
    return table[f"became_{horizon}m"].cast(pl.Float64).to_numpy()


def fit_ranges(document: Document, table: pl.DataFrame, months: Sequence[int], seed: int) -> Document:
    """What is needed to print ranges for any person, for each horizon.

    Args: `table`: the panel before thinning. The covariance is that of the thinned rows a model is fitted on; what is
        left out is counted on all rows of some people.
    """
    some, fitted_on = of_some_people(table, seed, LEFT_OUT_ROWS), thinned_panel(table, months, seed)
    out = {}
    for k, horizon in enumerate(months):
        known = fitted_on.filter(pl.col(f"became_{horizon}m").is_not_null())
        people, y, weight = person_numbers(known), _came(known, horizon), weights_of(known)
        z = linear.scaled(matrix(known))
        mean, spread = linear.centre(z, weight)
        z = (z - mean) / spread
        intercept, slopes = fit_logistic(z, y, linear.RIDGE, weight=weight)
        covariance = sandwich(
            np.column_stack([np.ones(len(z)), z]), y, chance(intercept + z @ slopes), people, linear.RIDGE, weight
        )
        known = some.filter(pl.col(f"became_{horizon}m").is_not_null())
        x = matrix(known)
        fitted = _clipped(chances(document, x)[:, k])
        edges = level_edges(fitted)
        middles = [float(logit(part.mean())) for part in _parts(fitted, edges)]
        all_became = table.filter(pl.col(f"became_{horizon}m").fill_null(False))
        theirs = _clipped(chances(document, matrix(all_became))[:, k])
        of_level = level_variance(theirs, np.ones(len(theirs)), person_numbers(all_became), edges)
        out[f"{horizon}m"] = {
            "mean": floats(mean),
            "spread": floats(spread),
            "covariance": [floats(row) for row in covariance],
            "level": {"logit": middles, "variance": floats(of_level)},
            "left_out_variance": left_out_spread(x, _came(known, horizon), fitted, person_numbers(known), seed),
        }
    return {"level": LEVEL, "unseen_below": UNSEEN_BELOW, "unseen_above": UNSEEN_ABOVE, "horizons": out}


def _parts(p: Array, edges: Array) -> list[Array]:
    at = np.searchsorted(edges, p, side="right")
    return [p[at == k] for k in range(len(edges) + 1)]


def ranges(document: Document, material: Document, x: Array) -> tuple[Array, Array]:
    """Low and high end of each chance: rows x horizons; they never fall with the horizon and always hold the chance.

    A model kept before the allowances were two has one for both ends (`unseen_spread`).
    """
    middle = _clipped(chances(document, x))
    below, above = (float(material[key if key in material else "unseen_spread"]) for key in ("unseen_below", "unseen_above"))
    lows, highs = [], []
    for k, part in enumerate(material["horizons"].values()):
        z = (linear.scaled(x) - np.asarray(part["mean"])) / np.asarray(part["spread"])
        design = np.column_stack([np.ones(len(z)), z])
        variance = np.einsum("ij,jk,ik->i", design, np.asarray(part["covariance"]), design)
        eta = logit(middle[:, k])
        seen = np.maximum(variance, 0.0) + part["left_out_variance"]
        if "level" in part:
            seen = seen + np.interp(eta, part["level"]["logit"], part["level"]["variance"])
        lows.append(chance(eta - Z * np.sqrt(seen + below**2)))
        highs.append(chance(eta + Z * np.sqrt(seen + above**2)))
    low, high = (
        np.maximum.accumulate(np.column_stack(lows), axis=1),
        np.maximum.accumulate(np.column_stack(highs), axis=1),
    )
    exact = chances(document, x)
    return np.minimum(low, exact), np.maximum(high, exact)


def fit_conformal(p: Array, y: Array) -> dict[str, Any]:
    """Thresholds of label sets that miss at most 10% in each outcome apart (class-conditional).

    "Becomes" is possible from `becomes_from` up, "does not" up to `does_not_to`; both possible: cannot tell.
    Returns: also the numbers of each outcome they rest on; a threshold is null (always possible) under 10 of an outcome.
    Source: Vovk (2012), Conditional validity of inductive conformal predictors.
    """
    became, others = np.sort(p[y == 1]), np.sort(p[y == 0])
    return {
        "becomes_from": float(became[int(np.floor(CONFORMAL_ERROR * (len(became) + 1))) - 1])
        if len(became) >= 10
        else None,
        "does_not_to": float(others[len(others) - int(np.floor(CONFORMAL_ERROR * (len(others) + 1)))])
        if len(others) >= 10
        else None,
        "became": len(became),
        "did_not": len(others),
        "error_each": CONFORMAL_ERROR,
    }


def can_tell(p: Array, thresholds: dict[str, Any]) -> NDArray[np.str_]:
    """`cannot tell`, `may become` (does not is ruled out), `does not` (becoming is ruled out) for each chance.

    Where both are ruled out the person is unlike those it was tried on: also `cannot tell`.
    """
    high, low = thresholds["becomes_from"], thresholds["does_not_to"]
    becomes = np.ones(len(p), dtype=bool) if high is None else p >= high
    does_not = np.ones(len(p), dtype=bool) if low is None else p <= low
    told = np.full(len(p), "cannot tell", dtype="<U11")
    told[becomes & ~does_not] = "may become"
    told[does_not & ~becomes] = "does not"
    return told


def fit_venn_abers(p: Array, y: Array) -> dict[str, Any]:
    """Venn-ABERS lower and upper chances on a grid of the model's own chances.

    Source: Vovk and Petej (2014), Venn-Abers predictors; computed by the venn-abers package.
    """
    import warnings

    from venn_abers import VennAbers

    if not 0 < y.sum() < len(y):
        return {"chance": [], "low": [], "high": []}
    grid = np.unique(np.quantile(p, np.linspace(0, 1, GRID)))
    calibrator = VennAbers()
    with warnings.catch_warnings():
        # The package asks for the least slope among none left at the end of its hull, and goes on rightly from nan.
        warnings.filterwarnings("ignore", "All-NaN slice encountered", RuntimeWarning, module="venn_abers")
        calibrator.fit(np.column_stack([1 - p, p]), y.astype(np.int64))
        _, pair = calibrator.predict_proba(np.column_stack([1 - grid, grid]))
    return {"chance": floats(grid), "low": floats(pair[:, 0]), "high": floats(pair[:, 1])}


def venn_abers(p: Array, table: dict[str, Any]) -> tuple[Array, Array]:
    """Lower and upper Venn-ABERS chance of each chance: those of the nearest grid point; null (nan) without a grid."""
    if not table["chance"]:
        return np.full(len(p), np.nan), np.full(len(p), np.nan)
    grid = np.asarray(table["chance"])
    at = np.searchsorted(0.5 * (grid[1:] + grid[:-1]), p)
    return np.asarray(table["low"])[at], np.asarray(table["high"])[at]
