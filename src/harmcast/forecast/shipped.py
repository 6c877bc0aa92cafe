"""The models that ship, as functions of a panel: what a backtest judges and a release may use."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from harmcast.forecast import baselines
from harmcast.forecast.empirical import empirical_bayes
from harmcast.forecast.model import NAME, YEAR_WEEKS, Procedure
from harmcast.forecast.ranges import Prediction
from harmcast.places.counts import Panel

Model = Callable[[Panel], Prediction]
CHOSEN = NAME
IN_TURN = (NAME,)


def level(panel: Panel) -> float:
    """Force total expected in the coming window by the plain level: the same for every plain count."""
    return max(baselines.level(panel.windows.sum(axis=1).astype(np.float64)), 1e-6)


def poisson(share: baselines.Share) -> Model:
    """A method of shares as a model: plain level times share, Poisson counts."""

    def model(panel: Panel) -> Prediction:
        shares, none = share(panel.windows), np.zeros(len(panel.units))
        year = np.maximum(shares * panel.weekly[-YEAR_WEEKS:].sum(), 1e-12)
        return Prediction(np.maximum(level(panel) * shares, 1e-12), none, year=Prediction(year, none))

    return model


def models(first: Panel) -> dict[str, Model]:
    """Every model that ships, hyper-parameters frozen on the windows before the first origin.

    Args: `first`: panel of the first origin that will be judged; nothing later may be seen here.
    """
    shares = baselines.plain_counts(first.windows) | {"empirical_bayes": empirical_bayes(first.units, first.windows)}
    procedure = Procedure(first.origin)
    found: dict[str, Model] = {name: poisson(share) for name, share in shares.items()}
    found[NAME] = lambda panel: procedure.predict(panel, draws=0)
    return found
