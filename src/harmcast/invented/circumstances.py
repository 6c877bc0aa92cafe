"""What units already do with people: shown, never a model input."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from harmcast.invented.careers import STEP_DAYS, Careers
from harmcast.invented.draws import stream

SHOWN_CUSTODY_SHARE = 0.4
MANAGED_SHARE = 0.010


def build(careers: Careers, refs: pl.Series, seed: int, first_day: date, days: int) -> pl.DataFrame:
    """Circumstances over all the years: some custody, supervision after it, IOM management, a few MAPPA levels."""
    rng = stream(seed, "circumstances")
    shown = careers.custody[rng.random(len(careers.custody)) < SHOWN_CUSTODY_SHARE]
    people = len(careers.entry_day)
    counts = np.bincount(careers.person, minlength=people)
    managed = np.flatnonzero(rng.random(people) < np.minimum(1.0, MANAGED_SHARE * counts * 0.8 * (counts >= 2)))
    managed_from = careers.entry_day[managed] + rng.integers(60, 900, len(managed))
    mappa = managed[rng.random(len(managed)) < 0.08]
    last = careers.custody[:, 2] * STEP_DAYS
    supervised = rng.random(len(last)) < 0.3

    def rows(kind: str, who: np.ndarray, begin: np.ndarray, end: np.ndarray, value: str, source: str) -> pl.DataFrame:
        keep = begin < days
        return pl.DataFrame(
            {
                "person_ref": refs.gather(who[keep]),
                "kind": [kind] * int(keep.sum()),
                "value": [value] * int(keep.sum()),
                "from_on": _days(first_day, begin[keep]),
                "to_on": _days(first_day, end[keep]),
                "source": [source] * int(keep.sum()),
            },
            schema_overrides={"kind": pl.String, "value": pl.String, "from_on": pl.Date, "to_on": pl.Date, "source": pl.String},
        )

    parts = [
        rows("custody", shown[:, 0], shown[:, 1] * STEP_DAYS, shown[:, 2] * STEP_DAYS, "in custody", "prison notice"),
        rows(
            "supervision",
            careers.custody[supervised, 0],
            last[supervised] + 1,
            last[supervised] + 365,
            "on licence",
            "probation",
        ),
        rows("managed", managed, managed_from, managed_from + rng.integers(120, 800, len(managed)), "IOM", "unit"),
        rows("cohort", managed, managed_from, managed_from + 365, "fixed", "unit"),
        rows("mappa", mappa, careers.entry_day[mappa] + 400, careers.entry_day[mappa] + 1500, "level 1", "probation"),
    ]
    return (
        pl.concat(parts)
        .unique(["person_ref", "kind", "from_on"], keep="first", maintain_order=True)
        .sort("from_on", "person_ref", "kind")
    )


def _days(first_day: date, offsets: np.ndarray) -> pl.Series:
    epoch = (first_day - date(1970, 1, 1)).days
    return pl.Series(np.asarray(offsets, np.int64) + epoch).cast(pl.Int32).cast(pl.Date)


def as_shown(frame: pl.DataFrame, until: date, since: date | None = None) -> pl.DataFrame:
    """Circumstances begun by `until`, open ones without an end; with `since`, those begun or ended since then."""
    shown = frame.filter(pl.col("from_on") <= until)
    if since is not None:
        shown = shown.filter((pl.col("from_on") > since) | pl.col("to_on").is_between(since, until, closed="right"))
    return shown.with_columns(pl.when(pl.col("to_on") <= until).then(pl.col("to_on")).otherwise(None).alias("to_on"))
