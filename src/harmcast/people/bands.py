"""Five bands of harm: cuts taken once at a reference date and frozen, and what followed in each band."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import polars as pl

from harmcast.documents.plain import PlainRecord
from harmcast.statistics import share_interval
from harmcast.tables import BANDS

HIGH = BANDS.index("high")
# Days of starting sentence: a month, half a year, a year, five years. Our choice; for an index in days alone.
DEFAULT_CUTS = (30.0, 180.0, 365.0, 1825.0)


def cuts_at(harm: pl.Series, percentiles: Sequence[float] = (50, 75, 90, 97.5)) -> list[float]:
    """Four cuts at percentiles of the harm of the charged on the reference date.

    Args: `harm`: a value a person of the cohort; null (harm incomplete) is passed over.
    Returns: rising cuts, in the index's unit. A person whose harm equals a cut is above it.
    Raises: ValueError if nobody has a harm, or two cuts fall together (too coarse an index or too few people).
    """
    values = harm.drop_nulls().sort().to_numpy()
    if not len(values):
        raise ValueError("no harm to take cuts from")
    cuts = [float(np.quantile(values, share / 100, method="higher")) for share in percentiles]
    if any(b <= a for a, b in pairwise(cuts)):
        raise ValueError("two cuts fall together: give `cuts` instead of percentiles")
    return cuts


def band_of(harm: pl.Expr, cuts: Sequence[float]) -> pl.Expr:
    """Band of a harm: at a cut or above it the higher band; null harm has no band."""
    band: pl.Expr = pl.lit(BANDS[0])
    for name, cut in zip(BANDS[1:], cuts, strict=True):
        band = pl.when(harm >= cut).then(pl.lit(name)).otherwise(band)
    return pl.when(harm.is_null()).then(pl.lit(None, dtype=pl.String)).otherwise(band)


def high_cut(cuts: Sequence[float]) -> float:
    """The cut at which high harm begins."""
    return float(cuts[HIGH - 1])


def what_followed(banded: pl.DataFrame, outcome: str) -> pl.DataFrame:
    """What came of the people of each band: counts, share and its 95% interval, and whether the bands mean something.

    Args: `banded`: band and a flag column `outcome` (null: not yet known, passed over).
    Returns: band (lowest first), people, followed, followed_share (null: nobody), low, high, rises: whether the share is
        above the band below's with intervals apart (null for the lowest or where nobody is).
    """
    known = banded.filter(pl.col(outcome).is_not_null() & pl.col("band").is_not_null())
    counted = {
        band: (people, followed)
        for band, people, followed in known.group_by("band")
        .agg(people=pl.len(), followed=pl.col(outcome).cast(pl.Int64).sum())
        .iter_rows()
    }
    rows: list[PlainRecord] = []
    below: tuple[float, float] | None = None
    for band in BANDS:
        people, followed = counted.get(band, (0, 0))
        ends = share_interval(followed, people)
        rows.append(
            {
                "band": band,
                "people": people,
                "followed": followed,
                "followed_share": followed / people if people else None,
                "low": ends[0] if ends else None,
                "high": ends[1] if ends else None,
                "rises": None if ends is None or below is None else ends[0] > below[1],
            }
        )
        below = ends or below
    return pl.DataFrame(
        rows,
        schema={
            "band": pl.String,
            "people": pl.Int64,
            "followed": pl.Int64,
            "followed_share": pl.Float64,
            "low": pl.Float64,
            "high": pl.Float64,
            "rises": pl.Boolean,
        },
    )
