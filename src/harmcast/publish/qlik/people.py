"""The tables of the app about people: who stands on a unit's list, by random key, without names or the force's references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from harmcast.publish.qlik import star
from harmcast.publish.qlik.areas import ReleaseStanding, ToolForQlik, newest_published, releases, standing_says
from harmcast.tables import BANDS

INCOMPLETE = "harm incomplete"
NO_CHANCE = "no chance given"
NO_CHANCE_ORDER = 9


@dataclass(frozen=True)
class ListedPeople:
    """The tool about people as Qlik may have it.

    Attributes:
        listed: person_key, unit, list_part, list_part_order, list_place of everyone who may leave: on their unit's list, of a unit,
            not restricted.
        scored: person_key, harm, harm_unit, band, band_last_week, chance_high_harm_12m, no_chance, incomplete of each published
            release that the list looks back on, by its key, oldest first.
        decisions: person_key, decided_on, decision, reason_code, own_judgement, review_on.
        chance_bands: least chance of each band and its words, the highest first.
    """

    name: str
    title: str
    standings: Sequence[ReleaseStanding]
    listed: pl.DataFrame
    scored: Mapping[str, pl.DataFrame]
    decisions: pl.DataFrame
    chance_bands: Sequence[tuple[float, str]]


def tables(people: ListedPeople, base_url: str) -> dict[str, pl.DataFrame]:
    """The tables of the app. Raises NotFit (`qlik_tables_unfit`) where Qlik would read them as something else."""
    newest, on_list = newest_published(people.standings), people.listed.drop("unit")
    facts = []
    for key, scored in people.scored.items():
        facts.append(_scores(scored.join(on_list, on="person_key", how="inner", maintain_order="left"), key, people))
    if newest is not None:
        decided = people.decisions.join(on_list, on="person_key", how="inner", maintain_order="left")
        facts.append(star.frame("people", "facts", decided.with_columns(grain=pl.lit("decision"), release_key=pl.lit(newest.key))))
    units = people.listed.select("unit").unique().with_columns(UNIT=pl.col("unit").str.to_uppercase())
    if units["UNIT"].n_unique() != units.height:
        raise star.unfit("people", "dim_person", "UNIT", "two units differ only in case", units.height)
    raw = {
        "facts": pl.concat(facts) if facts else star.frame("people", "facts", pl.DataFrame({"grain": []})),
        "dim_person": people.listed.join(units, on="unit", how="left", maintain_order="left").with_columns(
            person_link=pl.lit(f"{base_url.rstrip('/')}/people/") + pl.col("person_key")
        ),
        "dim_release": releases([ToolForQlik(people.name, people.title, people.standings)]),
        "about": pl.DataFrame({"about_newest": [newest.week if newest else None], "about_says": [standing_says(people.standings)]}),
    }
    found = {name: star.frame("people", name, rows) for name, rows in raw.items()}
    star.require_whole("people", found)
    return found


def _scores(rows: pl.DataFrame, release_key: str, people: ListedPeople) -> pl.DataFrame:
    chance = pl.col("chance_high_harm_12m")
    band, order = pl.lit(NO_CHANCE), pl.lit(NO_CHANCE_ORDER)
    for number, (least, words) in reversed(list(enumerate(people.chance_bands, start=1))):
        band = pl.when(chance >= least).then(pl.lit(words)).otherwise(band)
        order = pl.when(chance >= least).then(number).otherwise(order)
    return star.frame(
        "people",
        "facts",
        rows.with_columns(
            grain=pl.lit("score"),
            release_key=pl.lit(release_key),
            band=pl.col("band").cast(pl.String).fill_null(INCOMPLETE),
            band_order=pl.col("band").cast(pl.String).replace_strict({b: n for n, b in enumerate(BANDS, start=1)}, default=0, return_dtype=pl.Int64).fill_null(0),
            chance_band=band,
            chance_band_order=order,
        ),
    )
