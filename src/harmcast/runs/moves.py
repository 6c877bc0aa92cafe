"""People who move by a load: who joins and leaves the charged, whose band or age is another, and whose charges were rewritten.

Before and after are asked on one day, the day the delivery was made, so that nobody moves by growing older or by decay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

import polars as pl

from harmcast.oversight.review import with_review_dates
from harmcast.people import bands, charges, harm, minors, offences
from harmcast.people.charges import survivors
from harmcast.people.cohort import cohort
from harmcast.runs import people as people_run
from harmcast.settings import PeopleTool
from harmcast.store import cuts as kept_cuts
from harmcast.store.cuts import Cuts
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.tables import BANDS, CHARGES, FALLEN_AWAY, PERSONS
from harmcast.transitions.landmarks import Rules

TableOf = Callable[[str], pl.DataFrame]


def joined_and_left(before: TableOf, after: TableOf, day: date, group_years: Mapping[str, float]) -> tuple[dict[str, int], pl.Series]:
    """How many joined, and left by each reason, ages aside; and the references that were in before."""
    held, then = cohort_of(before, day, group_years), cohort_of(after, day, group_years)
    inside = held.filter(pl.col("reason").is_null())
    moves = {"joined": then.filter(pl.col("reason").is_null()).join(inside, on="person_ref", how="anti").height}
    left = inside.join(then.select("person_ref", then="reason", is_there=pl.lit(True)), on="person_ref", how="left")
    moves["gone"] = left.filter(pl.col("is_there").is_null()).height
    for reason in ("merged_away", "no_charge_stands", "dead", "review_overdue"):
        moves[reason] = left.filter(pl.col("then") == reason).height
    return moves, inside["person_ref"]


def cohort_of(table: TableOf, day: date, group_years: Mapping[str, float]) -> pl.DataFrame:
    """Everyone and why they are out (null: in), ages aside: births are not read for this."""
    standing = table(CHARGES.name).filter(~pl.col("outcome").is_in(FALLEN_AWAY) & (pl.col("charged_on") <= day))
    persons = with_review_dates(table(PERSONS.name), group_years)
    now = standing.join(survivors(persons), on="person_ref", how="left").select(person_ref=pl.coalesce("survivor", "person_ref"))
    no_minors = pl.DataFrame(schema={"person_ref": pl.String, "day": pl.Date, "under_18": pl.Boolean})
    inside, outside = cohort(persons, now, no_minors, day, "score")
    return pl.concat([inside.select("person_ref", reason=pl.lit(None, pl.String)), outside])


def rewritten(new: pl.DataFrame, before: pl.DataFrame) -> int:
    """People a charge of whose was rewritten in code, date or person."""
    both = new.join(before, on="charge_ref", how="inner", suffix=" held")
    other = pl.any_horizontal(pl.col(name) != pl.col(f"{name} held") for name in ("person_ref", "offence_code", "happened_on"))
    return both.filter(other)["person_ref"].n_unique()


# -- bands ---------------------------------------------------------------------------------------------


def bands_moved(before: TableOf, after: TableOf, touched: pl.Series, day: date, rules: Rules, cuts: Cuts) -> dict[str, int]:
    """How many of those charged before and after stand in a higher, and in a lower band.

    Args: `touched`: references a row of whose came or went; whoever shares a surviving record with one of them is asked too.
    """
    maps = [survivors(table(PERSONS.name)) for table in (before, after)]
    roots = pl.concat([touched.alias("person_ref"), *(m.filter(pl.col("person_ref").is_in(touched.implode()))["survivor"] for m in maps)])
    group = pl.concat([roots, *(m.filter(pl.col("survivor").is_in(roots.implode()))["person_ref"] for m in maps)]).unique()
    was, now = (_band_numbers(table, group, day, rules, cuts) for table in (before, after))
    both = was.join(now, on="person_ref", how="inner", suffix="_now").drop_nulls()
    return {
        "band_up": both.filter(pl.col("band_now") > pl.col("band")).height,
        "band_down": both.filter(pl.col("band_now") < pl.col("band")).height,
    }


def _band_numbers(table: TableOf, group: pl.Series, day: date, rules: Rules, cuts: Cuts) -> pl.DataFrame:
    """person_ref, band (0 the lowest; null: harm incomplete) of those of `group` who are charged."""
    rows = table(CHARGES.name).filter(pl.col("person_ref").is_in(group.implode()) & (pl.col("charged_on") <= day))
    versions = rows.with_columns(known_on="charged_on")
    people = table(PERSONS.name).filter(pl.col("person_ref").is_in(group.implode())).with_columns(known_on=pl.lit(date.min))
    codes = rows["offence_code"]
    held = charges.held(versions, people, harm.weights_of(codes, rules.index), offences.kinds(codes, rules.weapon_codes), rules.one_event)
    harms = harm.harm_at(charges.events(held.weighed(day)), day, rules.decay)
    number = bands.band_of(pl.col("harm"), cuts.values).replace_strict({name: k for k, name in enumerate(BANDS)}, return_dtype=pl.Int8)
    return harms.select("person_ref", band=number)


def rules_and_cuts(state: State, tool: PeopleTool) -> tuple[Rules, Cuts] | None:
    """What harm means and the cuts that hold; None before they were taken."""
    index, digest = people_run.index_of(state, tool)
    cuts = kept_cuts.frozen(state.operations, tool.name, digest)
    return None if cuts is None else (people_run.rules_of(state.settings, index, bands.high_cut(cuts.values)), cuts)


# -- ages ----------------------------------------------------------------------------------------------


def births_moved(
    state: State, new_people: pl.DataFrame, in_cohort: pl.Series, day: date, actor: Actor
) -> tuple[dict[str, int], minors.BirthsChanged]:
    """How many of the charged are, by the birth dates of a load, under 18 no longer, under 18 now, or of unknown age now; and births changed.

    The reading of the birth dates held is in the log; of the dates only yes, no or unknown comes back.
    Args: `new_people`: rows of the load, handed to `people.minors` as they are.
    """
    held, changed = people_run.births_of_load(state, new_people, day, actor)
    now = minors.flags(new_people, [day])
    both = held.join(now, on="person_ref", how="inner", suffix="_now").filter(pl.col("person_ref").is_in(in_cohort.implode()))
    was, is_now = pl.col("under_18"), pl.col("under_18_now")
    ages = {
        "no_longer_under_18": both.filter(was & is_now.not_()).height,
        "under_18_now": both.filter(was.not_() & is_now).height,
        "birth_lost": both.filter(was.is_not_null() & is_now.is_null()).height,
    }
    return ages, changed
