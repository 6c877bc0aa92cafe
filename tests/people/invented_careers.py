"""A small invented set of charge versions and people for the tests of the person half."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

CODES = ("008/01", "105/01", "046", "092/50", "028/01", "034", "058/01", "008/11", "149", "019/01", "125/11", "ZZ9")
SHARES = (0.08, 0.2, 0.2, 0.12, 0.06, 0.04, 0.1, 0.05, 0.07, 0.01, 0.06, 0.01)
FIRST, DAYS = date(2016, 1, 4), 3653
LAST = FIRST + timedelta(days=DAYS - 1)


def careers(people: int, seed: int, unknown_code: bool = True) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """(persons versions, charge versions, protected births), with results, late knowledge, merges and deaths."""
    rng = np.random.default_rng(seed)
    rates = rng.gamma(0.7, 0.9, people)
    rows: list[dict[str, object]] = []
    number = 0
    for person in range(people):
        start = int(rng.integers(0, DAYS - 200))
        days = np.sort(np.append(start, rng.integers(start, DAYS, rng.poisson(rates[person] * (DAYS - start) / 365))))
        for day in days[:60]:
            crime = None if rng.random() < 0.3 else f"K{number:06d}"
            happened = FIRST + timedelta(days=int(day) - int(rng.integers(0, 40)))
            for _ in range(1 + int(rng.random() < 0.25)):
                code = str(rng.choice(CODES, p=SHARES))
                if code == "ZZ9" and not unknown_code:
                    code = "046"
                charged = FIRST + timedelta(days=int(day))
                known = charged + timedelta(days=int(rng.choice([0, 0, 0, 5])))
                row = {
                    "charge_ref": f"C{number:06d}",
                    "person_ref": f"P{person:05d}" + ("b" if person % 40 == 7 and day > DAYS // 2 else ""),
                    "crime_ref": crime,
                    "offence_code": code,
                    "happened_on": happened,
                    "charged_on": charged,
                    "outcome": "charged",
                    "outcome_on": None,
                    "known_on": known,
                    "deleted": False,
                }
                rows.append(row)
                if rng.random() < 0.8:
                    ended = known + timedelta(days=int(rng.integers(10, 400)))
                    outcome = str(rng.choice(["convicted", "acquitted", "withdrawn", "quashed"], p=[0.8, 0.1, 0.07, 0.03]))
                    rows.append(row | {"outcome": outcome, "outcome_on": ended, "known_on": ended})
                if rng.random() < 0.01:
                    rows.append(row | {"deleted": True, "known_on": known + timedelta(days=500)})
                if person % 40 == 7 and day <= DAYS // 2 and crime and number % 5 == 0:
                    # A merge at the source left a copy under the second reference, without its crime.
                    rows.append(row | {"charge_ref": f"C{number:06d}c", "person_ref": f"P{person:05d}b", "crime_ref": None})
                number += 1
    charges = pl.DataFrame(rows, infer_schema_length=None).filter(pl.col("known_on") <= LAST)
    refs = charges["person_ref"].unique().sort()
    persons = pl.DataFrame({"person_ref": refs}).with_columns(
        unit=pl.lit("North"),
        merged_into=pl.when(pl.col("person_ref").str.ends_with("b")).then(pl.col("person_ref").str.strip_suffix("b")),
        died_on=pl.lit(None, dtype=pl.Date),
        review_due_on=pl.lit(None, dtype=pl.Date),
        known_on=pl.lit(FIRST + timedelta(days=int(DAYS * 0.8))),
    )
    births = pl.DataFrame({"person_ref": refs}).with_columns(
        born_on=pl.lit(date(1985, 5, 1)), sex=pl.lit(None, dtype=pl.String)
    )
    return persons, charges, births


def scrambled_after(persons: pl.DataFrame, charges: pl.DataFrame, day: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Persons and charge versions in which everything known after `day` is wrong: other people, codes, results, days, merges, deaths."""
    later = pl.col("known_on") > day
    others = pl.Series(np.random.default_rng(1).permutation(charges["person_ref"].to_numpy()))
    wrong = charges.with_columns(
        offence_code=pl.when(later).then(pl.lit("019/01")).otherwise("offence_code"),
        person_ref=pl.when(later).then(others).otherwise("person_ref"),
        outcome=pl.when(later).then(pl.lit("quashed")).otherwise("outcome"),
        known_on=pl.when(later).then(pl.col("known_on") + timedelta(days=30)).otherwise("known_on"),
    )
    folk = persons.with_columns(
        merged_into=pl.when(later).then(pl.lit("P00000")).otherwise("merged_into"), died_on=pl.when(later).then(pl.lit(date(2020, 1, 1))).otherwise("died_on")
    )
    return folk, wrong


def scrambled_before(charges: pl.DataFrame, opens: date) -> pl.DataFrame:
    """Charge versions in which every charge that counted by `opens`, the day a look-back opens, has another code."""
    counted = pl.max_horizontal("charged_on", pl.col("known_on").min().over("charge_ref")) <= opens
    return charges.with_columns(offence_code=pl.when(counted).then(pl.lit("149")).otherwise("offence_code"))
