"""The backtest of the person model: out-of-time chances in, the contract's JSON out, for every model and horizon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harmcast.documents.backtest import AucGain, ByModel, PeopleBacktest
from harmcast.documents.person_model import ModelHistory
from harmcast.evaluate.people_choose import choose, slopes_of_days
from harmcast.evaluate.people_scores import MANY_ROWS, Array, Ranked, person_weights, scores

SEED = 20
FLOORS = ("base_rate", "plain_harm")
PLAIN = "plain_harm"


def backtest_people(
    tool: str,
    judged: pl.DataFrame,
    months: Sequence[int],
    models: Sequence[str],
    history: ModelHistory | None = None,
) -> PeopleBacktest:
    """Every figure of every model at every horizon, pooled over the landmarks judged, and each landmark apart.

    Args:
        judged: a row a person and landmark (`transitions.refit.out_of_time`): landmark, person_ref, `became_<m>m`,
            `<model>_<m>m`; rows whose outcome is not known, or for which no chance was printed, are passed over for that horizon.
        models: floors and cards from the simplest to the richest.
        history: what the records reached on the last day (`transitions.history.RecordsHeld.document`).
    Returns: {"tool", "chosen": {"12m": name, ...}, "because", "horizon": {"12m": {model: figures}}, "landmarks", "history",
        "by_landmark", "against_plain": AUC gain over the plain score with its paired bootstrap interval, "slope_of_years"}.
    Raises: ValueError if there is no row to judge.
    """
    if judged.is_empty():
        raise ValueError("no landmark could be judged")
    cards = [name for name in models if name not in FLOORS]
    choice = choose(judged, months, cards)
    chosen = str(choice["chosen"])
    return {
        "tool": tool,
        "chosen": {f"{h}m": chosen for h in months},
        "because": choice["because"],
        "choice": choice,
        "horizon": {f"{h}m": _horizon(judged, h, models) for h in months},
        "landmarks": [str(day) for day in judged["landmark"].unique().sort()],
        "history": history or {},
        "by_landmark": {
            str(day): {f"{h}m": _horizon(part, h, models) for h in months}
            for (day,), part in judged.sort("landmark").group_by("landmark", maintain_order=True)
            if judged["landmark"].n_unique() > 1
        },
        "against_plain": {name: {f"{h}m": _gain(judged, h, name) for h in months} for name in cards},
        "slope_of_years": {f"{h}m": slopes_of_days(judged, f"{chosen}_{h}m", f"became_{h}m") for h in months},
    }


def _known(judged: pl.DataFrame, horizon: int, models: Sequence[str]) -> tuple[pl.DataFrame, Array, NDArray[np.int64], int]:
    """The rows with an outcome and each model's chance, what became of each, its person by number, and how many bootstrap draws are made."""
    known = judged.drop_nulls([f"became_{horizon}m", *(f"{name}_{horizon}m" for name in models)])
    y, people = known[f"became_{horizon}m"].cast(pl.Float64).to_numpy(), known["person_ref"].rank("dense").to_numpy().astype(np.int64) - 1
    return known, y, people, 400 if known.height <= MANY_ROWS else 100


def _horizon(judged: pl.DataFrame, horizon: int, models: Sequence[str]) -> ByModel:
    known, y, people, draws = _known(judged, horizon, models)
    if known.is_empty():
        return {}
    return {model: scores(known[f"{model}_{horizon}m"].to_numpy(), y, people, SEED, draws) for model in models}


def _gain(judged: pl.DataFrame, horizon: int, model: str) -> AucGain | None:
    """AUC of a model less the plain score's, a mean over landmarks, with its paired bootstrap interval over people."""
    known, y, people, draws = _known(judged, horizon, (model, PLAIN))
    if known.is_empty():
        return None
    place = known["landmark"].rank("dense").to_numpy().astype(np.int64) - 1
    parts = [np.flatnonzero(place == k) for k in range(int(place.max()) + 1)]
    ranked = {
        name: [Ranked.binned(known[f"{name}_{horizon}m"].to_numpy()[p], y[p]) for p in parts] for name in (model, PLAIN)
    }

    def gain(weight: Any) -> float | None:
        pairs = [(a.auc_and_top(weight[p])[0], b.auc_and_top(weight[p])[0]) for a, b, p in zip(ranked[model], ranked[PLAIN], parts, strict=True)]
        both = [a - b for a, b in pairs if a is not None and b is not None]
        return float(np.mean(both)) if both else None

    drawn = [g for w in person_weights(people, draws, SEED) if (g := gain(w)) is not None]
    return {
        "auc_gain": gain(np.ones(len(y))),
        "low": float(np.quantile(drawn, 0.025)) if drawn else None,
        "high": float(np.quantile(drawn, 0.975)) if drawn else None,
    }
