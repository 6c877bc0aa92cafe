"""Which person model ships: the rule, fixed before any score was seen.

1. The plain decayed harm score is the floor. A model stands above it only if, pooled over the validation landmarks and
   at every horizon, the 95% interval (paired bootstrap over people) of its AUC less the plain score's lies above 0, its
   log loss is no worse, and the 5% it ranks highest hold no more false positives than the plain score's.
2. Among those, false positives come first: the best is the one with the fewest in its highest 5%, both horizons together.
3. The simplest one within noise of that best ships: the interval of its extra false positives holds 0, and its AUC is
   within .005 of the best's or the interval of the difference holds 0, at every horizon.
4. If none stands above the floor, the plain score ships.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from harmcast.evaluate.people_scores import MANY_ROWS, Grouped, Ranked, log_loss, person_weights

FLOOR = "plain_harm"
NEAR_AUC = 0.005


def _draws_for(rows: int) -> int:
    return 1000 if rows <= MANY_ROWS else 200


def _interval(values: list[float]) -> tuple[float, float]:
    return float(np.quantile(values, 0.025)), float(np.quantile(values, 0.975))


def resampled(judged: pl.DataFrame, months: Sequence[int], models: Sequence[str], seed: int) -> dict[str, Any]:
    """AUC and false positives of every model at every horizon, as they are and under each bootstrap draw of people.

    AUC is the mean over landmarks; false positives are summed over them.
    """
    people = judged["person_ref"].rank("dense").to_numpy().astype(np.int64) - 1
    landmarks = judged["landmark"].rank("dense").to_numpy().astype(np.int64) - 1
    parts = [np.flatnonzero(landmarks == k) for k in range(int(landmarks.max()) + 1)]
    out: dict[str, Any] = {}
    groups: dict[str, list[Grouped]] = {}
    for model in models:
        for horizon in months:
            y = judged[f"became_{horizon}m"].cast(pl.Float64).to_numpy()
            chance = judged[f"{model}_{horizon}m"].to_numpy()
            exact = [Ranked.of(chance[part], y[part]).grouped() for part in parts]
            auc, false = _figures(exact, parts, np.ones(len(y)))
            own = {"auc": auc, "false_positives": false, "aucs": [], "falses": [], "log_loss": log_loss(chance, y)}
            out[f"{model}_{horizon}m"] = own
            many = judged.height > MANY_ROWS
            groups[f"{model}_{horizon}m"] = [Ranked.binned(chance[p], y[p]).grouped() for p in parts] if many else exact
    for weight in person_weights(people, _draws_for(judged.height), seed):
        for name, grouped in groups.items():
            auc, false = _figures(grouped, parts, weight)
            out[name]["aucs"].append(auc)
            out[name]["falses"].append(false)
    for own in out.values():
        own["aucs"], own["falses"] = np.array(own["aucs"]), np.array(own["falses"])
    return out


def _figures(grouped: Sequence[Grouped], parts: Sequence[Any], weight: Any) -> tuple[float, float]:
    """Mean AUC and summed false positives over landmarks, under weights of rows."""
    aucs, false = [], 0.0
    for group, part in zip(grouped, parts, strict=True):
        auc, flagged, hits = group.auc_and_top(weight[part])
        if auc is not None:
            aucs.append(auc)
        false += flagged - hits
    return (float(np.mean(aucs)) if aucs else 0.5), false


def choose(
    judged: pl.DataFrame, months: Sequence[int], simplest_first: Sequence[str], seed: int = 20
) -> dict[str, Any]:
    """The model that ships, with the comparison it rests on.

    Args:
        judged: out-of-time chances: landmark, person_ref, `became_<m>m` (no nulls), `<model>_<m>m`; a row a person and
            landmark.
        simplest_first: models from the simplest to the richest, the floor among them.
    Returns: {"chosen", "because", "against_floor": {model: {"12m": {auc_gain, low, high, ...}}}, "landmarks", "people"}.
    """
    found = resampled(judged, months, simplest_first, seed)
    against: dict[str, Any] = {}
    standing: list[str] = []
    for model in simplest_first:
        if model == FLOOR:
            continue
        rows, passed = {}, True
        for horizon in months:
            own, floor = found[f"{model}_{horizon}m"], found[f"{FLOOR}_{horizon}m"]
            low, high = _interval(list(own["aucs"] - floor["aucs"]))
            rows[f"{horizon}m"] = {
                "auc_gain": own["auc"] - floor["auc"],
                "low": low,
                "high": high,
                "log_loss_gain": floor["log_loss"] - own["log_loss"],
                "fewer_false_positives": floor["false_positives"] - own["false_positives"],
            }
            passed &= (
                low > 0 and own["log_loss"] <= floor["log_loss"] and own["false_positives"] <= floor["false_positives"]
            )
        against[model] = rows
        if passed:
            standing.append(model)
    chosen, because = _simplest_within_noise(found, months, standing)
    return {
        "chosen": chosen,
        "because": because,
        "above_floor": standing,
        "against_floor": against,
        "landmarks": [str(day) for day in judged["landmark"].unique().sort()],
        "people": judged["person_ref"].n_unique(),
    }


def _simplest_within_noise(found: dict[str, Any], months: Sequence[int], standing: list[str]) -> tuple[str, str]:
    if not standing:
        return FLOOR, "no model's gain over the plain harm score is real at every horizon, so the plain score ships"

    def false(model: str, what: str) -> Any:
        return sum(found[f"{model}_{horizon}m"][what] for horizon in months)

    best = min(standing, key=lambda model: false(model, "false_positives"))
    for model in standing:
        low, _ = _interval(list(false(model, "falses") - false(best, "falses")))
        near = all(
            found[f"{best}_{h}m"]["auc"] - found[f"{model}_{h}m"]["auc"] <= NEAR_AUC
            or _interval(list(found[f"{best}_{h}m"]["aucs"] - found[f"{model}_{h}m"]["aucs"]))[0] <= 0
            for h in months
        )
        if low <= 0 and near:
            if model == best:
                return model, "above the plain harm score at every horizon, with the fewest false positives"
            return model, f"above the plain harm score at every horizon, and within noise of {best}, which is richer"
    return best, "above the plain harm score at every horizon, with the fewest false positives"
