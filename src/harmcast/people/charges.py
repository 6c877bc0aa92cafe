"""Charges as they were known on a day: last versions, merged people, and one event counted once.

A charge counts from the later of the day it was brought and the day it first was known. Charges that fell away
(acquitted, withdrawn, discontinued, quashed) count for nothing from the day that was known.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

import polars as pl

from harmcast.tables import FALLEN_AWAY

MERGE_STEPS = 50
OneEvent = Literal["crime_or_day", "day", "each_charge"]


def last_versions(versions: pl.DataFrame, key: str, as_of: date) -> pl.DataFrame:
    """The last row of each key known by the end of `as_of`; of two known on one day the later row. Deletions drop out."""
    known = versions.filter(pl.col("known_on") <= as_of) if "known_on" in versions.columns else versions
    if "known_on" in known.columns:
        known = known.sort("known_on", maintain_order=True)
    known = known.unique(subset=[key], keep="last", maintain_order=True)
    if "deleted" in known.columns:
        known = known.filter(~pl.col("deleted").fill_null(False))
    return known


def survivors(persons: pl.DataFrame) -> pl.DataFrame:
    """Who each merged-away reference now is, following chains.

    Args: `persons`: person_ref, merged_into, as known.
    Returns: person_ref, survivor; merged-away references only. A chain that runs in a circle ends at the smallest
        reference of the circle, so that every charge still counts once.
    """
    links = persons.filter(pl.col("merged_into").is_not_null() & (pl.col("merged_into") != pl.col("person_ref")))
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


def standing(charge_versions: pl.DataFrame, persons: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Charges that stand as known at the end of `as_of`, under the person they belong to by then.

    Args:
        charge_versions: charge_ref, person_ref, crime_ref, offence_code, happened_on, charged_on, outcome, known_on,
            and `deleted` if there is one; a row a version.
        persons: person_ref, merged_into, known_on; a row a version (or as known).
    Returns: the charge's columns with `person_ref` the surviving reference and `counted_on` (the later of charged_on
        and the day first known); sorted by person, counted_on, charge. Charges dated after `as_of` are not in.
    """
    first_known = (
        charge_versions.filter(pl.col("known_on") <= as_of)
        .group_by("charge_ref")
        .agg(first_known_on=pl.col("known_on").min())
    )
    held = last_versions(charge_versions, "charge_ref", as_of).filter(
        ~pl.col("outcome").is_in(FALLEN_AWAY) & (pl.col("charged_on") <= as_of)
    )
    merged = survivors(last_versions(persons, "person_ref", as_of))
    return (
        held.join(first_known, on="charge_ref", how="left")
        .with_columns(counted_on=pl.max_horizontal("charged_on", "first_known_on"))
        .drop("first_known_on")
        .join(merged, on="person_ref", how="left")
        .with_columns(person_ref=pl.coalesce("survivor", "person_ref"))
        .drop("survivor")
        .sort("person_ref", "counted_on", "charge_ref")
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


def weighed(
    charges: pl.DataFrame, weights: pl.DataFrame, kinds: pl.DataFrame, one_event: OneEvent = "crime_or_day"
) -> pl.DataFrame:
    """Standing charges with event, weight (null: none), kind, violent, weapon."""
    return (
        with_event(charges, one_event)
        .join(weights.select("offence_code", "weight"), on="offence_code", how="left")
        .join(kinds, on="offence_code", how="left")
        .sort("person_ref", "counted_on", "charge_ref")
    )


def events(charges: pl.DataFrame) -> pl.DataFrame:
    """One row an event: the heaviest charge counts, once, dated at the event's first day.

    Args: `charges`: weighed standing charges.
    Returns: person_ref, event, charge_ref (the one that counts; ties: counted first, then by reference), offence_code,
        outcome (of that charge), weight (null if any charge of the event has none), happened_on (first), counted_on (first), kind, violent,
        weapon (any), convicted (any), charges (how many); sorted by person_ref, counted_on, event.
    """
    heaviest = pl.col("weight").fill_null(float("inf"))
    return (
        charges.sort(
            ["person_ref", "event", heaviest, "counted_on", "charge_ref"], descending=[False, False, True, False, False]
        )
        .group_by("person_ref", "event", maintain_order=True)
        .agg(
            pl.col("charge_ref", "offence_code", "weight", "kind", "outcome").first(),
            pl.col("happened_on", "counted_on").min(),
            pl.col("violent", "weapon").any(),
            convicted=(pl.col("outcome") == "convicted").any(),
            charges=pl.len(),
        )
        .sort("person_ref", "counted_on", "event")
    )


def increments(charges: pl.DataFrame) -> pl.DataFrame:
    """What each charge added to its event on the day it counted: for harm as it stood at every charge in the past.

    An event's weight is the heaviest so far, so a later, lighter charge of it adds nothing. A charge without a weight
    adds nothing.
    Returns: person_ref, counted_on, happened_on (the event's first), added; sorted by person_ref and counted_on.
    """
    by_event = ["person_ref", "event"]
    return (
        charges.sort("person_ref", "event", "counted_on", "charge_ref")
        .with_columns(
            weight=pl.col("weight").fill_null(0.0),
            happened_on=pl.col("happened_on").min().over(by_event),
        )
        .with_columns(so_far=pl.col("weight").cum_max().over(by_event))
        .with_columns(added=pl.col("so_far") - pl.col("so_far").shift(1, fill_value=0.0).over(by_event))
        .select("person_ref", "counted_on", "happened_on", "added")
        .sort("person_ref", "counted_on", maintain_order=True)
    )
