"""The backtest of the person model: out-of-time chances in, the contract's JSON out, for every model and horizon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from harmcast.evaluate.people_choose import choose
from harmcast.evaluate.people_scores import scores

SEED = 20


def backtest_people(
    tool: str,
    judged: pl.DataFrame,
    months: Sequence[int],
    models: Sequence[str],
    chosen: str | None = None,
    because: str | None = None,
    seed: int = SEED,
) -> dict[str, Any]:
    """Every figure of every model at every horizon, pooled over the landmarks judged, and each landmark apart.

    Args:
        judged: a row a person and landmark (`transitions.refit.out_of_time`): landmark, person_ref, `became_<m>m`,
            `<model>_<m>m`; rows whose longest outcome is not known are passed over for that horizon.
        models: from the simplest to the richest, `plain_harm` among them.
        chosen: what the procedure shipped before the window judged began; None: the rule applied to this window itself,
            said so in `because`.
    Returns: {"tool", "chosen": {"12m": name, ...}, "because", "horizon": {"12m": {model: figures}}, "landmarks",
        "by_landmark", "against_plain": gain over the plain score with its paired bootstrap interval}.
    Raises: ValueError if there is no row to judge.
    """
    if judged.is_empty():
        raise ValueError("no landmark could be judged")
    whole = judged.drop_nulls([f"became_{h}m" for h in months])
    comparison = choose(whole, months, models, seed)
    shipped = chosen or str(comparison["chosen"])
    why = because or ("by the rule applied to the window judged: " + str(comparison["because"]))
    return {
        "tool": tool,
        "chosen": {f"{h}m": shipped for h in months},
        "because": why,
        "horizon": {f"{h}m": _horizon(judged, h, models, seed) for h in months},
        "landmarks": [str(day) for day in judged["landmark"].unique().sort()],
        "by_landmark": {
            str(day): {f"{h}m": _horizon(part, h, models, seed) for h in months}
            for (day,), part in judged.sort("landmark").group_by("landmark", maintain_order=True)
            if judged["landmark"].n_unique() > 1
        },
        "against_plain": comparison["against_floor"],
        "after_the_fact": {"chosen": comparison["chosen"], "because": comparison["because"]},
    }


def _horizon(judged: pl.DataFrame, horizon: int, models: Sequence[str], seed: int) -> dict[str, Any]:
    known = judged.drop_nulls(f"became_{horizon}m")
    if known.is_empty():
        return {}
    y = known[f"became_{horizon}m"].cast(pl.Float64).to_numpy()
    people = known["person_ref"].rank("dense").to_numpy().astype("int64") - 1
    draws = 400 if known.height <= 20_000 else 100
    return {model: scores(known[f"{model}_{horizon}m"].to_numpy(), y, people, seed, draws) for model in models}
