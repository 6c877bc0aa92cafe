"""Charges of the invented people: codes, lesser charges beside, the crime each belongs to, and what came of it."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from harmcast.invented.careers import Careers
from harmcast.invented.draws import pick, stream
from harmcast.invented.offences import ALONGSIDE, CODES_OF_KIND, KINDS

ALONGSIDE_MEAN = 0.30
# how charges end, and how long that takes (months, median)
OUTCOME_SHARE = {"convicted": 0.78, "acquitted": 0.05, "withdrawn": 0.05, "discontinued": 0.12}
RESULT_MEDIAN_DAYS = 110.0
RESULT_SPREAD = 0.8
QUASHED_SHARE = 0.004
CHARGE_LAG_MEDIAN_DAYS = 18.0
CHARGE_LAG_SPREAD = 1.4


LABELS = sorted({code for table in (CODES_OF_KIND, ALONGSIDE) for codes in table.values() for code in codes})


def draw_lags(rng: np.random.Generator, size: int) -> np.ndarray:
    """Days from an offence to its charge."""
    days = rng.lognormal(np.log(CHARGE_LAG_MEDIAN_DAYS), CHARGE_LAG_SPREAD, size)
    return np.asarray(np.minimum(days, 900).astype(np.int64))


def draw_result_days(rng: np.random.Generator, size: int, waited: np.ndarray | None = None) -> np.ndarray:
    """Days from a charge to its result; given `waited`, of charges still without one after so many days."""
    from scipy.special import ndtr, ndtri

    centre = np.log(RESULT_MEDIAN_DAYS)
    past = 0.0 if waited is None else ndtr((np.log(np.maximum(waited, 0) + 1.0) - centre) / RESULT_SPREAD)
    u = past + (1 - past) * rng.random(size)
    days = np.exp(centre + RESULT_SPREAD * ndtri(np.minimum(u, 1 - 1e-12)))
    least = 1 if waited is None else waited + 1
    return np.asarray(np.maximum(least, np.minimum(days, 1e5)).astype(np.int64))


def draw_codes(rng: np.random.Generator, kinds: np.ndarray, table: dict[str, dict[str, float]]) -> np.ndarray:
    """A code for each charge, as a position in LABELS."""
    place = {code: i for i, code in enumerate(LABELS)}
    chosen = np.zeros(len(kinds), np.int64)
    for number, kind in enumerate(KINDS):
        at = np.flatnonzero(kinds == number)
        codes = table[kind]
        own = np.array([place[c] for c in codes])
        chosen[at] = own[pick(rng, np.array(list(codes.values())), len(at))]
    return chosen


def _link(rng: np.random.Generator, charges: pl.DataFrame, crimes: pl.DataFrame, within_days: int = 10) -> pl.DataFrame:
    """Ties charges to recorded crimes of the same code that happened about when the charge says.

    A charge without such a crime keeps its own date and no `crime_ref`; a share is left untied as records are.
    """
    frames = []
    for (code,), own in charges.group_by(["offence_code"], maintain_order=True):
        pool = crimes.filter(pl.col("offence_code") == code).sort("happened_from", "crime_ref")
        if pool.is_empty():
            frames.append(own.with_columns(pl.lit(None, pl.String).alias("crime_ref")))
            continue
        days = pool["happened_from"].dt.date().to_physical().to_numpy()
        known = pool["recorded_at"].dt.date().to_physical().to_numpy()
        wanted = own["happened_on"].to_physical().to_numpy()
        charged = own["charged_on"].to_physical().to_numpy()
        near_low = np.searchsorted(days, wanted - within_days)
        near_high = np.searchsorted(days, wanted + within_days, side="right")
        at = near_low + (rng.random(len(wanted)) * (near_high - near_low)).astype(np.int64)
        at = np.minimum(at, len(days) - 1)
        tied = (
            (near_high > near_low) & (known[at] <= charged) & (days[at] <= charged) & (rng.random(len(wanted)) < 0.96)
        )
        refs = pool["crime_ref"].gather(at)
        frames.append(
            own.with_columns(
                pl.Series(np.where(tied, days[at], wanted)).cast(pl.Int32).cast(pl.Date).alias("happened_on"),
                refs.zip_with(pl.Series(tied), pl.Series([None] * len(refs), dtype=pl.String)).alias("crime_ref"),
            )
        )
    return pl.concat(frames).sort("order")


def build(careers: Careers, crimes: pl.DataFrame, seed: int, first_day: date) -> pl.DataFrame:
    """Every charge with its whole life: contract columns, `person` (position), `event` (position of its charge event).

    `outcome` and `outcome_on` are what finally comes of it, even when that lies after the last day; who writes a
    delivery shows only what was known. `quashed_on` is set where a conviction later falls.
    """
    rng = stream(seed, "charges")
    events = len(careers.person)
    extra = rng.poisson(ALONGSIDE_MEAN, events)
    event = np.concatenate([np.arange(events), np.repeat(np.arange(events), extra)])
    kind = np.concatenate([careers.kind, np.repeat(careers.kind, extra)])
    code = np.concatenate([draw_codes(rng, careers.kind, CODES_OF_KIND), draw_codes(rng, kind[events:], ALONGSIDE)])
    charged = careers.day[event]
    lag = draw_lags(rng, events)
    result_after = draw_result_days(rng, events)
    outcomes = list(OUTCOME_SHARE)
    ended = pick(rng, np.array(list(OUTCOME_SHARE.values())), len(event))
    quashed = (rng.random(len(event)) < QUASHED_SHARE) & (ended == 0)
    quashed_after = rng.integers(120, 700, len(event))
    epoch = (first_day - date(1970, 1, 1)).days
    order = np.lexsort((event, np.concatenate([np.zeros(events), np.ones(len(event) - events)]), charged))
    n = len(event)

    def day(values: np.ndarray) -> pl.Series:
        return pl.Series((values + epoch)[order]).cast(pl.Int32).cast(pl.Date)

    frame = pl.DataFrame(
        {
            "order": np.arange(n),
            "person": careers.person[event][order].astype(np.int32),
            "event": event[order].astype(np.int32),
            "kind": kind[order].astype(np.int8),
            "offence_code": pl.Series(LABELS).gather(code[order]),
            "happened_on": day(charged - lag[event]),
            "charged_on": day(charged),
            "outcome": pl.Series(outcomes).gather(ended[order]),
            "outcome_on": day(charged + result_after[event]),
            "quashed_on": day(charged + result_after[event] + quashed_after).zip_with(
                pl.Series(quashed[order]), pl.Series([None] * n, dtype=pl.Date)
            ),
        }
    )
    linked = _link(rng, frame, crimes.select("crime_ref", "offence_code", "happened_from", "recorded_at"))
    return linked.with_columns(
        pl.concat_str(
            pl.lit("CH"),
            pl.col("charged_on").dt.strftime("%y"),
            pl.lit("-"),
            (pl.col("order") + 1).cast(pl.String).str.zfill(7),
        ).alias("charge_ref")
    ).drop("order")


def as_shown(charges: pl.DataFrame, until: date) -> pl.DataFrame:
    """The charges as the records stand at the end of a day: those brought by then, with what was known of their end.

    Adds `changed_on`, the day of the last change known.
    """
    quashed = pl.col("quashed_on").is_not_null() & (pl.col("quashed_on") <= until)
    ended = pl.col("outcome_on") <= until
    return charges.filter(pl.col("charged_on") <= until).with_columns(
        pl.when(quashed)
        .then(pl.lit("quashed"))
        .when(ended)
        .then(pl.col("outcome"))
        .otherwise(pl.lit("charged"))
        .alias("outcome"),
        pl.when(quashed)
        .then(pl.col("quashed_on"))
        .when(ended)
        .then(pl.col("outcome_on"))
        .otherwise(None)
        .alias("outcome_on"),
        pl.when(quashed)
        .then(pl.col("quashed_on"))
        .when(ended)
        .then(pl.col("outcome_on"))
        .otherwise(pl.col("charged_on"))
        .alias("changed_on"),
    )
