"""A person's harm at each of their charges: where it can only rise, so where a band is reached."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harmcast.people.charges import increments
from harmcast.people.harm import Decay, day_numbers


def _sums_so_far(
    start: NDArray[np.int64],
    counted: NDArray[np.int64],
    happened: NDArray[np.int64],
    added: NDArray[np.float64],
    decay: Decay,
) -> NDArray[np.float64]:
    """For each row, the decayed sum of its person's rows up to it, on its day. `start`: first row of its person."""
    total = np.zeros(len(added))
    rows = np.arange(len(added), dtype=np.int64)
    back = 0
    while len(rows):
        earlier = rows - back
        total[rows] += added[earlier] * decay.share_left(counted[rows] - happened[earlier])
        back += 1
        rows = rows[rows - start[rows] >= back]
    return total


def harm_at_charges(charges: pl.DataFrame, decay: Decay) -> pl.DataFrame:
    """Harm of each person at the end of each day a charge of theirs counted, with the charges given.

    Args: `charges`: weighed standing charges.
    Returns: person_ref, counted_on, harm (a charge without a weight counts for nothing here); a row a person and day.
    """
    steps = increments(charges)
    if steps.is_empty():
        return pl.DataFrame(schema={"person_ref": pl.String, "counted_on": pl.Date, "harm": pl.Float64})
    refs = steps["person_no"]
    is_first = (refs != refs.shift(1)).fill_null(True).to_numpy()
    start = np.maximum.accumulate(np.where(is_first, np.arange(len(refs)), 0)).astype(np.int64)
    harm = _sums_so_far(
        start, day_numbers(steps["counted_on"]), day_numbers(steps["happened_on"]), steps["added"].to_numpy(), decay
    )
    return (
        steps.with_columns(harm=pl.Series(harm))
        .filter(  # the last of a person and day
            (pl.col("person_no") != pl.col("person_no").shift(-1)).fill_null(True)
            | (pl.col("counted_on") != pl.col("counted_on").shift(-1))
        )
        .select("person_ref", "counted_on", "harm")
    )


def reached_on(path: pl.DataFrame, cut: float) -> pl.DataFrame:
    """Days on which a person's harm stood at `cut` or above at a charge: person_ref, counted_on."""
    return path.filter(pl.col("harm") >= cut).select("person_ref", "counted_on")
