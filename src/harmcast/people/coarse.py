"""People as they may be shown without names: classes that many share, never a figure that somebody who holds the charges knows.

Each row keeps its band and turns what sets it apart to `*`, until ten people share it, and seventeen where the band is high or super
high: the main group of offences first, then how new the newest charge is, then how many charges there are, then the chance, last the
band itself.
Source of the measure: Samarati and Sweeney (1998), k-anonymity by generalisation and suppression.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from harmcast.people.offences import kinds
from harmcast.tables import FALLEN_AWAY
from harmcast.weeks import add_months

STAR = "*"
LEAST_ALIKE, LEAST_HIGH = 10, 17  # 1 in 17 is under the 6 in 100 that may be told apart of those put high
HIGH = ("high", "super high")
TURNED = ("group", "newest", "charges", "chance", "band")
SHOWN = ("band", "chance", "charges", "newest", "group")
CHANCES = ((0.10, "10 in 100 or more"), (0.05, "5 to 10 in 100"), (0.02, "2 to 5 in 100"), (0.0, "under 2 in 100"))
CHARGES = ((10, "10 or more"), (5, "5 to 9"), (3, "3 to 4"), (1, "1 to 2"))
GROUPS = {
    "Violence": ("Homicide", "Violence with injury", "Violence without injury", "Stalking and harassment", "Death or serious injury - unlawful driving"),
    "Sexual offences": ("Rape offences", "Other sexual offences"),
    "Robbery": ("Robbery of personal property", "Robbery of business property"),
    "Theft and burglary": (
        "Residential burglary", "Non-residential burglary", "Vehicle offences", "Theft from the person", "Bicycle theft", "Shoplifting", "Other theft offences",
    ),
    "Drugs": ("Trafficking of drugs", "Possession of drugs"),
    "Weapons": ("Possession of weapons offences",),
}  # fmt: skip
OTHER = "Other"


def of_charges(charges: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """What charges say of a person in classes: person_ref, charges, newest, group.

    Args: `charges`: person_ref, charged_on, offence_code, outcome as known; those that fell away are left out.
    """
    standing = charges.filter(~pl.col("outcome").is_in(list(FALLEN_AWAY)))
    names = {subgroup: group for group, own in GROUPS.items() for subgroup in own}
    of_code = kinds(standing["offence_code"]).select("offence_code", group=pl.col("kind").replace_strict(names, default=OTHER, return_dtype=pl.String))
    main = (
        standing.join(of_code, on="offence_code", how="left")
        .group_by("person_ref", "group")
        .len("n")
        .sort(["n", "group"], descending=[True, False])
        .group_by("person_ref", maintain_order=True)
        .first()
    )
    half_year, two_years = add_months(as_of, -6), add_months(as_of, -24)
    counted = standing.group_by("person_ref").agg(pl.len().alias("count"), pl.col("charged_on").max())
    newest = pl.when(pl.col("charged_on") > half_year).then(pl.lit("in 6 months")).when(pl.col("charged_on") > two_years).then(pl.lit("in 2 years")).otherwise(pl.lit("older"))
    return counted.join(main.select("person_ref", "group"), on="person_ref", how="left").select(
        "person_ref", charges=_class(pl.col("count"), CHARGES), newest=newest, group=pl.col("group").fill_null(OTHER)
    )


def coarse(people: pl.DataFrame, charges: pl.DataFrame, as_of: date, least: int = LEAST_ALIKE, least_high: int = LEAST_HIGH) -> pl.DataFrame:
    """A row a person in classes that at least `least` people share, `least_high` where the band is one of HIGH.

    Args:
        people: person_ref, person_key, band (null: harm incomplete), chance (share; null: none given).
        charges: as for `of_charges`.
    Returns: person_key and SHOWN, each text; sorted by key. Where fewer than `least` people are scored at all, every class is `*`.
    """
    rows = people.join(of_charges(charges, as_of), on="person_ref", how="left").select(
        "person_key",
        band=pl.col("band").fill_null("harm incomplete"),
        chance=pl.when(pl.col("chance").is_null()).then(pl.lit("none given")).otherwise(_class(pl.col("chance"), CHANCES)),
        charges=pl.col("charges").fill_null(CHARGES[-1][1]),
        newest=pl.col("newest").fill_null("older"),
        group=pl.col("group").fill_null(OTHER),
    )
    for turned in range(len(TURNED)):
        rows = _turned(rows, TURNED[: turned + 1], pl.when(pl.col("band").is_in(HIGH)).then(least_high).otherwise(least))
    return rows.sort("person_key")


def _turned(rows: pl.DataFrame, turned: tuple[str, ...], least: pl.Expr) -> pl.DataFrame:
    """The rows that too few share with `turned` starred; where those are still too few, the smallest rows like them come to them.

    Args: `least`: how many must share a row, by its band.
    """
    kept = ["like", *(name for name in SHOWN if name not in turned)]
    marked = rows.with_columns(like=pl.lit(True), few=pl.len().over(list(SHOWN)) < least)
    starred = marked.filter("few").with_columns(pl.lit(STAR).alias(name) for name in turned)
    short = starred.with_columns(there=pl.len().over(kept)).filter(pl.col("there") < least).select(kept).unique()
    smallest = (
        marked.filter(~pl.col("few"))
        .join(short, on=kept, how="semi")
        .group_by("like", *SHOWN)
        .len("size")
        .sort("size", *SHOWN)
        .group_by(kept, maintain_order=True)
        .first()
        .select(*SHOWN, joins=pl.lit(True))
    )
    joined = marked.join(smallest, on=list(SHOWN), how="left", maintain_order="left")
    is_turned = pl.col("few") | pl.col("joins").fill_null(False)
    return joined.with_columns(pl.when(is_turned).then(pl.lit(STAR)).otherwise(pl.col(name)).alias(name) for name in turned).select("person_key", *SHOWN)


def _class(value: pl.Expr, edges: tuple[tuple[float, str], ...]) -> pl.Expr:
    found: pl.Expr = pl.lit(edges[-1][1])
    for least, words in reversed(edges[:-1]):
        found = pl.when(value >= least).then(pl.lit(words)).otherwise(found)
    return found


def told_apart(rows: pl.DataFrame) -> tuple[float, float]:
    """How often somebody who holds every charge names the right person of a row: of all, and of high and super high. Shares.

    Such a reader knows everyone's row, so that among those who share one each is as likely: right once in as many.
    """
    right = rows.with_columns(right=1 / pl.len().over(list(SHOWN)))
    high = right.filter(pl.col("band").is_in(["high", "super high"]))
    return float(right["right"].mean() or 0.0), float(high["right"].mean() or 0.0)  # type: ignore[arg-type]
