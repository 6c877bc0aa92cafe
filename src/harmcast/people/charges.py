"""Charges as they were known on a day: last versions, merged people, and one event counted once.

A charge counts from the later of the day it was brought and the day it first was known. Charges that fell away
(acquitted, withdrawn, discontinued, quashed) count for nothing from the day that was known.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import polars as pl

from harmcast.tables import FALLEN_AWAY

MERGE_STEPS = 50
OneEvent = Literal["crime_or_day", "day", "each_charge"]


def dated(versions: pl.DataFrame, key: str) -> pl.DataFrame:
    """Versions with `replaced_on`: the day a later one of the same key became known (null: none has).

    Of two known on one day the later row holds. What was known on a day is then a filter (`as_known`).
    Args: `versions`: one row a version with known_on; without that column every row is known from the start.
    """
    if "known_on" not in versions.columns:
        versions = versions.with_columns(known_on=pl.lit(date.min))
    return (
        versions.sort("known_on", maintain_order=True)
        .sort(key, maintain_order=True)
        .with_columns(replaced_on=pl.when(pl.col(key).shift(-1) == pl.col(key)).then(pl.col("known_on").shift(-1)))
    )


def as_known(dated_versions: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The rows of `dated` that held at the end of `as_of`: one a key, in the order of keys. Deletions drop out."""
    holds = (pl.col("known_on") <= as_of) & (pl.col("replaced_on").is_null() | (pl.col("replaced_on") > as_of))
    if "deleted" in dated_versions.columns:
        holds &= ~pl.col("deleted").fill_null(False)
    return dated_versions.filter(holds)


def last_versions(versions: pl.DataFrame, key: str, as_of: date) -> pl.DataFrame:
    """The last row of each key known by the end of `as_of`; of two known on one day the later row. Deletions drop out."""
    held = as_known(dated(versions, key), as_of)
    return held.select(versions.columns)


def survivors(persons: pl.DataFrame) -> pl.DataFrame:
    """Who each merged-away reference now is, following chains.

    Args: `persons`: person_ref, merged_into, as known.
    Returns: person_ref, survivor; merged-away references only. A chain that runs in a circle ends at the smallest
        reference of the circle, so that every charge still counts once. A chain ends at the last reference that is held:
        somebody merged into one who is not stays under the old reference.
    """
    is_link = pl.col("merged_into").is_not_null() & (pl.col("merged_into") != pl.col("person_ref"))
    links = persons.filter(is_link & pl.col("merged_into").is_in(persons["person_ref"].implode()))
    into = dict(links.select("person_ref", "merged_into").iter_rows())
    found: dict[str, str] = {}
    for start in into:
        path, at = [start], into[start]
        while at in into and at not in path and len(path) < MERGE_STEPS:
            path.append(at)
            at = into[at]
        found[start] = min(path[path.index(at) :]) if at in path else at
    return pl.DataFrame(
        {"person_ref": list(found), "survivor": list(found.values())},
        schema={"person_ref": pl.String, "survivor": pl.String},
    )


def with_event(charges: pl.DataFrame, one_event: OneEvent = "crime_or_day") -> pl.DataFrame:
    """Adds `event`: which of a person's charges are one event.

    crime_or_day: charges with the same crime_ref are one event; charges without one are one event a day happened on.
    day: charges that happened on one day are one event. each_charge: every charge is its own.
    """
    on_day = pl.concat_str(pl.lit("d:"), pl.col("happened_on").cast(pl.String))
    rules = {
        "crime_or_day": pl.when(pl.col("crime_ref").is_not_null())
        .then(pl.concat_str(pl.lit("c:"), "crime_ref"))
        .otherwise(on_day),
        "day": on_day,
        "each_charge": pl.concat_str(pl.lit("e:"), "charge_ref"),
    }
    return charges.with_columns(event=rules[one_event])


ALIKE = ["offence_code", "happened_on", "charged_on"]


def copies_joined(charges: pl.DataFrame) -> pl.DataFrame:
    """Charges without a crime link put into the event of the charge they copy: same person, code and both days, and one event alone.

    A merge at the source may copy a charge under a second reference and leave its link behind; it is one event still.
    Args: `charges`: person_no, event_no, is_linked and ALIKE; a row a charge that stands.
    """
    alike = ["person_no", *ALIKE]
    links = charges.filter("is_linked").group_by(alike).agg(link=pl.col("event_no").first(), events=pl.col("event_no").n_unique())
    joined = charges.join(links.filter(pl.col("events") == 1), on=alike, how="left", maintain_order="left")
    is_copy = ~pl.col("is_linked") & pl.col("link").is_not_null()
    return joined.with_columns(event_no=pl.when(is_copy).then("link").otherwise("event_no")).select(charges.columns)


def numbered(
    charges: pl.DataFrame, one_event: OneEvent = "crime_or_day", more_people: pl.Series | None = None
) -> pl.DataFrame:
    """Adds `event` and whole numbers that sort like the texts: person_no, event_no, charge_no. Numbers cost less to sort.

    Args: `more_people`: references that charges may come to stand under by merging.
    """
    table = with_event(charges, one_event)
    texts = {"person_no": "person_ref", "event_no": "event", "charge_no": "charge_ref"}
    for number, name in texts.items():
        values = table[name] if name != "person_ref" or more_people is None else pl.concat([table[name], more_people])
        order = values.unique().sort()
        places = pl.DataFrame({name: order, number: pl.int_range(len(order), dtype=pl.UInt32, eager=True)})
        table = table.join(places, on=name, how="left", maintain_order="left")
    return table


@dataclass(frozen=True)
class Held:
    """Every version of every charge, weighed and numbered once, so that what stood on a day is a filter.

    Attributes:
        versions: charges' columns with weight (null: none), kind, violent, weapon, the numbers of `numbered`,
            replaced_on, counted_on (the later of charged_on and the day first known); sorted by person, counted_on,
            charge. persons: dated versions: person_ref, merged_into, died_on.
        person_numbers: person_ref, person_no.
    """

    versions: pl.DataFrame
    persons: pl.DataFrame
    person_numbers: pl.DataFrame

    def survivors(self, as_of: date) -> pl.DataFrame:
        """Merged-away references as known at `as_of`: person_ref, survivor."""
        return survivors(as_known(self.persons, as_of))

    def weighed(self, as_of: date) -> pl.DataFrame:
        """Charges that stand as known at the end of `as_of`, under the person they belong to by then.

        Charges dated after `as_of` are not in. Sorted by person, counted_on, charge.
        """
        held = as_known(self.versions, as_of).filter(pl.col("stands") & (pl.col("charged_on") <= as_of)).drop("stands")
        merged = self.survivors(as_of).join(
            self.person_numbers.rename({"person_ref": "survivor", "person_no": "survivor_no"}),
            on="survivor",
            how="left",
        )
        if not merged.is_empty():
            held = self._under_survivors(held, merged)
        if held["has_twin"].any():
            held = copies_joined(held)
        return held.drop("is_linked", "has_twin")

    @staticmethod
    def _under_survivors(held: pl.DataFrame, merged: pl.DataFrame) -> pl.DataFrame:
        return (
            held.join(merged, on="person_ref", how="left", maintain_order="left")
            .with_columns(
                person_ref=pl.coalesce("survivor", "person_ref"), person_no=pl.coalesce("survivor_no", "person_no")
            )
            .drop("survivor", "survivor_no")
            .sort("person_no", "counted_on", "charge_no")
        )


def held(
    charge_versions: pl.DataFrame,
    persons: pl.DataFrame,
    weights: pl.DataFrame,
    kinds: pl.DataFrame,
    one_event: OneEvent = "crime_or_day",
) -> Held:
    """What `Held` keeps, from versions.

    Args:
        charge_versions: charge_ref, person_ref, crime_ref, offence_code, happened_on, charged_on, outcome, known_on,
            and `deleted` if there is one; a row a version.
        persons: person_ref, merged_into, died_on, known_on; a row a version (or as known).
        weights, kinds: of every offence code (`harm.weights_of`, `offences.kinds`).
    """
    read = (
        "charge_ref",
        "person_ref",
        "crime_ref",
        "offence_code",
        "happened_on",
        "charged_on",
        "outcome",
        "known_on",
        "deleted",
    )
    charge_versions = charge_versions.select(name for name in read if name in charge_versions.columns)
    persons_dated = dated(persons, "person_ref")
    more = pl.concat([persons_dated["person_ref"], persons_dated["merged_into"].drop_nulls()])
    table = (
        numbered(dated(charge_versions, "charge_ref"), one_event, more)
        .with_columns(is_linked=pl.col("crime_ref").is_not_null())
        .with_columns(has_twin=pl.col("is_linked").any().over(ALIKE) & ~pl.col("is_linked").all().over(ALIKE))
        .drop("event", "crime_ref")
        .join(weights.select("offence_code", "weight"), on="offence_code", how="left", maintain_order="left")
        .join(kinds, on="offence_code", how="left", maintain_order="left")
        .with_columns(
            counted_on=pl.max_horizontal("charged_on", pl.col("known_on").min().over("charge_no")),
            stands=~pl.col("outcome").is_in(FALLEN_AWAY).fill_null(False),
        )
        .sort("person_no", "counted_on", "charge_no", maintain_order=True)
    )
    numbers = more.append(charge_versions["person_ref"]).unique().sort()
    people = pl.DataFrame({"person_ref": numbers, "person_no": pl.int_range(len(numbers), dtype=pl.UInt32, eager=True)})
    return Held(table, persons_dated, people)


def events(charges: pl.DataFrame) -> pl.DataFrame:
    """One row an event: the heaviest charge counts, once, dated at the event's first day.

    Args: `charges`: weighed standing charges (`Held.weighed`).
    Returns: person_ref, charge_ref (the one that counts; ties: counted first, then by reference), offence_code,
        outcome (of that charge), weight (null if any charge of the event has none), happened_on (first), counted_on
        (first), kind, violent, weapon (any), convicted (any), charges (how many), person_no, event_no, charge_no; sorted by person_ref,
        counted_on, event_no.
    """
    first = pl.col("person_ref", "charge_ref", "charge_no", "offence_code", "weight", "kind", "outcome")
    heaviest = -pl.col("weight").fill_null(float("inf"))
    return (
        charges.with_columns(heaviest=heaviest)
        .sort("person_no", "event_no", "heaviest", "counted_on", "charge_no")
        .group_by("person_no", "event_no", maintain_order=True)
        .agg(
            first.first(),
            pl.col("happened_on", "counted_on").min(),
            pl.col("violent", "weapon").any(),
            convicted=(pl.col("outcome") == "convicted").any(),
            charges=pl.len(),
        )
        .sort("person_no", "counted_on", "event_no")
    )


def increments(charges: pl.DataFrame) -> pl.DataFrame:
    """What each charge added to its event on the day it counted: for harm as it stood at every charge in the past.

    An event's weight is the heaviest so far, so a later, lighter charge of it adds nothing. A charge without a weight
    adds nothing.
    Returns: person_ref, person_no, counted_on, happened_on (the event's first), added; sorted by person_ref and
        counted_on.
    """
    table = charges.select(
        "person_ref",
        "person_no",
        "event_no",
        "counted_on",
        "charge_no",
        "happened_on",
        weight=pl.col("weight").fill_null(0.0),
    ).sort("person_no", "event_no", "counted_on", "charge_no")
    one = table.select(pl.struct("person_no", "event_no").rle_id()).to_series().to_numpy()
    is_first = np.diff(one, prepend=-1) != 0
    starts = np.flatnonzero(is_first)
    place = np.arange(len(one)) - np.repeat(starts, np.diff(starts, append=len(one)))
    so_far = table["weight"].to_numpy().copy()
    later = np.flatnonzero(place > 0)
    for k in range(1, int(place.max(initial=0)) + 1):
        later = later[place[later] >= k]
        rows = later[place[later] == k]
        so_far[rows] = np.maximum(so_far[rows], so_far[rows - 1])
    before = np.where(is_first, 0.0, np.roll(so_far, 1))
    happened = table["happened_on"].to_physical().to_numpy()
    first_day = np.minimum.reduceat(happened, starts) if len(starts) else happened
    return (
        table.select("person_ref", "person_no", "counted_on")
        .with_columns(happened_on=pl.Series(first_day[one]).cast(pl.Date), added=pl.Series(so_far - before))
        .sort("person_no", "counted_on", maintain_order=True)
    )
