"""What answers read that only the middle may count: whether anyone scored has no charge."""

from __future__ import annotations

from datetime import date

import polars as pl

from harmcast.runs import people
from harmcast.store.reads import then
from harmcast.store.state import State


def without_charge(state: State, as_of: date, known_on: date) -> int | None:
    """People of the newest release of a day, made by another, without a charge that stands, counted from the records; null where none is held."""
    tool, zone = state.settings.people_tool, state.settings.force.timezone
    made = then.releases(state.releases, tool.name, as_of, known_on, zone) if tool else []
    held = [r for r in made if r.standing != "withdrawn"]
    if tool is None or not held or held[-1].sequence is None:
        return None
    release = held[-1]
    scored = release.frame(tool.name).select("person_key").join(state.person_keys(), on="person_key", how="inner")
    known = people.known_people(state, release.sequence)  # type: ignore[arg-type]
    charged = people.standing_charges(known, release.as_of or as_of)
    return scored.filter(~pl.col("person_ref").is_in(charged["person_ref"].unique().implode())).height
