"""A small force with known truth: the same conduct in every ethnic group, charged alike or not."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from harmcast.fairness.groups import Groups, read_groups

ORIGIN = date(2025, 11, 17)
FOUND = ("092/30", "010/11", "125/09")
REPORTED = ("008/01", "028/01", "105/01", "034/01")


def protected(rng: np.random.Generator, people: int) -> pl.DataFrame:
    days = rng.integers(18 * 366, 70 * 365, people)
    ethnicity = rng.choice(["W1", "A2", "B1", "M1", None], people, p=[0.55, 0.18, 0.17, 0.04, 0.06])
    officer = np.where(ethnicity == "B1", "IC3", np.where(ethnicity == "A2", "IC4", "IC1"))
    return pl.DataFrame(
        {
            "person_ref": [f"p{i:06d}" for i in range(people)],
            "born_on": [ORIGIN - timedelta(days=int(d)) for d in days],
            "sex": rng.choice(["M", "F", None], people, p=[0.81, 0.17, 0.02]).tolist(),
            "ethnicity_self": ethnicity.tolist(),
            "ethnicity_officer": officer.tolist(),
        }
    )


def charges_of(
    rng: np.random.Generator, refs: np.ndarray, rate: np.ndarray, extra: np.ndarray, alike: bool
) -> pl.DataFrame:
    """Charges from conduct, and extra ones for the over-policed; `alike`: nothing in the extra ones gives them away."""
    own, more = rng.poisson(rate), rng.poisson(rate * extra)
    is_extra = np.r_[np.zeros(own.sum(), bool), np.ones(more.sum(), bool)]
    who = np.r_[np.repeat(refs, own), np.repeat(refs, more)]
    telling = is_extra & (not alike)
    found = rng.random(len(who)) < np.where(telling, 0.8, 0.35)
    convicted = rng.random(len(who)) < np.where(telling, 0.4, 0.7)
    decided = rng.random(len(who)) < 0.8
    return pl.DataFrame(
        {
            "person_ref": who,
            "offence_code": np.where(found, rng.choice(FOUND, len(who)), rng.choice(REPORTED, len(who))),
            "outcome": np.where(decided, np.where(convicted, "convicted", "withdrawn"), "charged"),
            "crime_ref": pl.Series(["c"] * len(who)).set(pl.Series(found), None),
        }
    )


def force(
    seed: int, people: int = 30_000, over_policing: float = 0.0, alike: bool = False
) -> tuple[Groups, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Groups, scored, outcomes and charges. Conduct differs by age and sex, never by ethnicity.

    The chance is fitted on records as a force would hold them, so it agrees with recorded outcomes in every group.
    """
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(seed)
    persons = protected(rng, people)
    age = np.array([(ORIGIN - b).days / 365.25 for b in persons["born_on"]])
    male = (persons["sex"] != "F").fill_null(True).to_numpy()
    conduct = rng.gamma(0.8, 1, people) * np.where(male, 1.05, 0.85) * np.where(age < 30, 1.1, 0.95)
    extra = np.where((persons["ethnicity_self"] == "B1").fill_null(False).to_numpy(), over_policing, 0.0)
    refs = persons["person_ref"].to_numpy()
    before, after = (charges_of(rng, refs, conduct * t, extra, alike) for t in (2.0, 1.0))
    charged = persons.join(before.select("person_ref").unique(), on="person_ref", how="semi")
    counts = (
        charged.select("person_ref")
        .join(before.group_by("person_ref").len("past"), on="person_ref", how="left")
        .join(before.filter(pl.col("crime_ref").is_not_null()).group_by("person_ref").len("told"), on="person_ref", how="left")
        .join(after.group_by("person_ref").len("later"), on="person_ref", how="left")
        .fill_null(0)
    )
    became = counts["later"].to_numpy() >= 4
    x = np.log1p(counts.select("past", "told").to_numpy())
    chance = LogisticRegression().fit(x, became).predict_proba(x)[:, 1]
    scored = counts.select("person_ref").with_columns(
        chance=pl.Series(chance), selected=pl.Series(chance >= np.quantile(chance, 0.9))
    )
    outcomes = counts.select("person_ref").with_columns(became=pl.Series(became))
    return read_groups(charged, ORIGIN), scored, outcomes, before
