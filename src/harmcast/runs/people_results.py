"""Chances of people that can be held against what came, and the record "were we right?" of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast

import numpy as np
import polars as pl

from harmcast.evaluate.people_results import GIVEN, Capacity, put_high, results
from harmcast.publish import release_files
from harmcast.runs import people
from harmcast.runs.people import PeopleMade
from harmcast.store.releases import Release
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.transitions import landmarks
from harmcast.transitions.model import by_chance, card_chances, gives_chances, look_back_of, matrix
from harmcast.weeks import add_months

FLAGGED_SHARE = 0.05
RELEASED_EVERY_WEEKS = 13


@dataclass(frozen=True)
class JudgedChances:
    """Chances whose first horizon is over, with what came.

    Attributes:
        given: `evaluate.people_results.GIVEN`, a row a person and release judged.
        rehearsal: no released chance is so old yet: these are of a fit of a year before the model in use, which nobody saw.
        newest: day of the last release judged; panel: its people as a `landmarks.panel` of one day, with `chance`.
    """

    given: pl.DataFrame
    rehearsal: bool
    newest: date
    panel: pl.DataFrame


def judged_chances(state: State, who: PeopleMade, as_of: date, sequence: int, actor: Actor) -> JudgedChances | str:
    """What can be judged this week, or why nothing can.

    What was said is the chances as released, one release in 13 weeks, against what was known when their first horizon ended. Until
    one is so old it is a rehearsal: the fit of a year before the model in use, kept with it.
    """
    months = who.tool.horizons_months[0]
    if who.model is None or not gives_chances(who.model):
        return "No person model that gives chances is approved yet, so there is nothing to audit."
    given = released_chances(state, who, as_of, months)
    look_back = look_back_of(who.model)
    kept = who.model.get("rehearsal")
    rehearsal = given.is_empty()
    if not rehearsal:
        newest = cast(date, given["released_on"].max())
    elif kept:
        newest, look_back = date.fromisoformat(kept["day"]), kept["look_back_months"]
    else:
        return "The records are too short for a fit of a year ago, so nothing can be held against what came yet."
    births = people.under_18(state, [newest], as_of, sequence, actor, "Audit: nobody under 18 is counted")
    then = landmarks.panel(who.scored.source.with_minors(births), [newest], [months], as_of, look_back).drop_nulls(f"became_{months}m")
    if rehearsal:
        chance = card_chances(kept, matrix(then))[:, 0] if kept and then.height else np.zeros(0)
        then = then.with_columns(chance=pl.Series(chance, dtype=pl.Float64))
        units = who.scored.people.select("person_ref", "unit")
        given = then.join(units, on="person_ref", how="left", maintain_order="left").select(
            "person_ref", "unit", "chance", "harm", released_on=pl.lit(newest), became=pl.col(f"became_{months}m"),
            group_low=pl.lit(None, pl.Float64), group_high=pl.lit(None, pl.Float64),
        )  # fmt: skip
    else:
        of_newest = given.filter(pl.col("released_on") == newest).select("person_ref", "chance")
        then = then.join(of_newest, on="person_ref", how="inner").sort("person_ref")
    if then.is_empty():
        return f"Nobody was held and not yet high harm on {newest.isoformat()}, {months} months ago."
    return JudgedChances(given.select(list(GIVEN)), rehearsal, newest, then)


def capacity_of(state: State) -> Capacity:
    """How many people are put high, as the settings have it."""
    return Capacity(state.settings.people.capacity, FLAGGED_SHARE, state.settings.people.useful_share)


def first_of(judged: JudgedChances, capacity: Capacity) -> pl.Series:
    """References of those put high at the last day judged: the same people whom "Were we right?" counts."""
    rows = judged.given.filter(pl.col("released_on") == judged.newest)
    return rows.filter(put_high(rows, capacity, ("chance", "harm")))["person_ref"]


def judged_releases(releases: Sequence[Release], as_of: date, months: int) -> list[Release]:
    """Releases whose first horizon is over by `as_of`, one in 13 weeks back from the newest; newest first."""
    kept: list[Release] = []
    for release in sorted((r for r in releases if r.as_of is not None and r.standing != "withdrawn"), key=lambda r: r.as_of, reverse=True):  # type: ignore[arg-type,return-value]
        day = cast(date, release.as_of)
        if add_months(day, months) <= as_of and (not kept or (cast(date, kept[-1].as_of) - day).days >= 7 * RELEASED_EVERY_WEEKS):
            kept.append(release)
    return kept


def released_chances(state: State, who: PeopleMade, as_of: date, months: int, by: int | None = None) -> pl.DataFrame:
    """GIVEN of the releases judged, one in 13 weeks: chances within `months` as released, and whether the cut was reached by then, as known then.

    Args: `by`: months after which it is looked what came, `HALF_YEAR_MONTHS` say: the chance is then by the level for so many months of the
    card each release was made with, which is kept with the model and was never printed; null of models that say none.
    """
    by = by or months
    column, parts = f"chance_high_harm_{months}m", [pl.DataFrame(schema=GIVEN)]
    for release in judged_releases(state.releases.history(who.tool.name, None), as_of, by):
        if release.as_of is None or not release.has(f"{who.tool.name}.parquet"):
            continue
        frame = release.frame(who.tool.name)
        if column not in frame.columns:
            continue
        own = frame.select("person_key", "unit", "harm", chance=column).drop_nulls("chance").join(who.keys, on="person_key", how="inner").sort("person_ref")
        model = state.models.named(release.model) if release.model else None
        if own.is_empty() or model is None or not gives_chances(model.content()):
            continue
        own = pl.concat([own, by_chance(model.content(), own["chance"], months)], how="horizontal")
        own = own if by == months else own.with_columns(chance="half_year")
        came = landmarks.outcomes(who.scored.source, release.as_of, own["person_ref"], [*(h for h in who.tool.horizons_months if h < by), by], as_of)
        parts.append(own.with_columns(pl.lit(release.as_of).alias("released_on"), became=came[f"became_{by}m"]).select(list(GIVEN)))
    return pl.concat(parts)


def files(state: State, who: PeopleMade, judged: JudgedChances | str) -> dict[str, bytes]:
    """The release's file of results (`documents.people_results`); none where nothing can be judged."""
    if isinstance(judged, str):
        return {}
    found = results(judged.given, who.tool.horizons_months[0], capacity_of(state), judged.rehearsal, state.settings.people.small_number)
    return {} if found is None else {f"{who.tool.name}_results.json": release_files.document(found.document())}
