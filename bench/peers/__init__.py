"""What others would use, behind the interface of the shipped models: functions of a panel.

Shares are each method's own; the level is the plain one for all, except where a method has only rates. Hyper-parameters
are fixed or chosen on the windows before the first origin. None of this is imported by the product.
"""

from __future__ import annotations

from bench.peers import kernels, regressions, triggering
from harmcast.forecast import shipped
from harmcast.places.counts import Panel


def peers(first: Panel, seed: int) -> dict[str, shipped.Model]:
    """Every peer, made ready on what was known at the first origin."""
    return {
        "kde": kernels.decaying_density(first),
        "prospective": kernels.prospective(first),
        "lee_o_eck": kernels.lee_o_eck(first),
        "etas": triggering.etas(first),
        "negative_binomial_glm": regressions.negative_binomial(first),
        "lightgbm": regressions.lightgbm(first, seed),
        "random_forest": regressions.random_forest(first, seed),
    }
