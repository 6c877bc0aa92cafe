"""Which card ships: by log loss at the first horizon on days after those it learnt from, fixed before any score was seen.

The plain card ships only if its loss is the least. Else the card of three, unless the card of twelve is better by more
than one standard error, paired over people. Without a day out of time, the card of three.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from harmcast.documents.person_model import CardChoice, YearSlope
from harmcast.evaluate.people_scores import Array, calibration_slope, losses

PLAIN, USUAL, RICH = "card_plain", "card_three", "card_twelve"
Z95 = 1.959963984540054


def paired(one: Array, other: Array, people: Array) -> tuple[float, float]:
    """Mean of one less other, and its standard error with a person's rows taken together."""
    off = one - other
    each = np.bincount(people.astype(np.int64), off - off.mean())
    return float(off.mean()), float(np.sqrt((each**2).sum()) / len(off))


def decided(loss: dict[str, float], rich_gain: float, rich_error: float) -> tuple[str, str]:
    """The card that ships and why, from mean losses and how much the card of twelve gains on the card of three."""
    if loss[PLAIN] <= min(loss[USUAL], loss[RICH]):
        return PLAIN, "no richer card foretold better than harm alone"
    if rich_gain > rich_error:
        return RICH, "it foretold better than the card of three by more than a standard error"
    return USUAL, "it foretold better than harm alone, and twelve items did no better by more than a standard error"


def choose(judged: pl.DataFrame, months: Sequence[int], cards: Sequence[str]) -> CardChoice:
    """The card that ships, with the comparison it rests on.

    Args: `judged`: out-of-time chances (`transitions.refit.out_of_time`); rows whose first outcome or chance is not known
        are passed over.
    Returns: {"chosen", "because", "log_loss": {card: mean}, "twelve_over_three": {gain, error}, "landmarks", "people",
        "slopes": {card: [{"day", "slope", "error", "became"}]}}.
    """
    first = months[0]
    names = [f"{name}_{first}m" for name in cards]
    known = judged.drop_nulls([f"became_{first}m", *names]) if not judged.is_empty() else judged
    if known.is_empty():
        return {"chosen": USUAL, "because": "records are too short to try a card out of time, so the card of three ships", "slopes": {}}
    y = known[f"became_{first}m"].cast(pl.Float64).to_numpy()
    people = known["person_ref"].rank("dense").to_numpy().astype(np.float64) - 1
    each = {name: losses(known[f"{name}_{first}m"].to_numpy(), y) for name in cards}
    mean = {name: float(loss.mean()) for name, loss in each.items()}
    gain, error = paired(each[USUAL], each[RICH], people)
    chosen, because = decided(mean, gain, error)
    return {
        "chosen": chosen,
        "because": because,
        "log_loss": mean,
        "twelve_over_three": {"gain": gain, "error": error},
        "landmarks": [str(day) for day in known["landmark"].unique().sort()],
        "people": known["person_ref"].n_unique(),
        "slopes": {name: slopes_of_days(known, f"{name}_{first}m", f"became_{first}m") for name in cards},
    }


def slopes_of_days(judged: pl.DataFrame, chance: str, became: str) -> list[YearSlope]:
    """The calibration slope of each day with its standard error; days on which it cannot be had are left out."""
    found: list[YearSlope] = []
    for day in judged["landmark"].unique().sort():
        part = judged.filter(pl.col("landmark") == day).drop_nulls([chance, became])
        y = part[became].cast(pl.Float64).to_numpy()
        if not len(y):
            continue
        slope = calibration_slope(part[chance].to_numpy(), y, np.arange(len(y)))
        if slope is not None:
            found.append({"day": str(day), "slope": slope[0], "error": (slope[2] - slope[1]) / (2 * Z95), "became": int(y.sum())})
    return found
