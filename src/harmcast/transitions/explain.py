"""Why a score is what it is: exact, in numbers that add up, as one JSON text a person.

charges        the events that count most: dates, offence, state, weight, effect on harm; the effects of all events
               add up to the harm (`others` holds the rest, each of them in its `events`)
values         the features of the look-back, in the order of the model's `features`
card           points of each line of the printed card and their sum: the model's table gives the chance of that sum
group          for each horizon the range of the mean chance of everyone with these points
no_chance      why there is no chance, where there is none
changed        since last week: time, records, model (`changes.since`)
not_known      what the score does not know about this person in particular
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from harmcast.documents.person_model import KeptModel
from harmcast.people import charges as charge_rules
from harmcast.people.features import NAMES
from harmcast.people.harm import Decay, day_number, day_numbers
from harmcast.transitions import card, changes
from harmcast.transitions.changes import LastWeek
from harmcast.transitions.landmarks import People
from harmcast.transitions.model import gives_chances, lines_of, matrix

CHARGES_SHOWN = 5


def charges_that_count(events: pl.DataFrame, day: date, decay: Decay, shown: int = CHARGES_SHOWN) -> pl.DataFrame:
    """The events that count most in each person's harm on `day`, each with its effect.

    Returns: person_ref, charges (list of structs: charge_ref, happened_on, charged_on (the day it counts from: charged,
        or first known if that was later), offence_code, kind, violent, weapon, outcome, charges, weight, left (share of
        the weight left), effect = weight x left), others_count, others_effect, others_events (structs as in charges).
        Effects in the index's unit; null for a charge without a weight.
    """
    left = decay.share_left(day_number(day) - day_numbers(events["happened_on"]))
    ranked = events.with_columns(left=pl.Series(left)).with_columns(effect=pl.col("weight") * pl.col("left"))
    shape = (
        "charge_ref", "happened_on", "charged_on", "offence_code", "kind", "violent", "weapon", "outcome", "charges",
        "weight", "left", "effect",
    )  # fmt: skip
    return (
        ranked.sort(["person_ref", "effect", "charge_ref"], descending=[False, True, False], nulls_last=False)
        .with_columns(pl.col("happened_on").cast(pl.String), charged_on=pl.col("counted_on").cast(pl.String))
        .group_by("person_ref", maintain_order=True)
        .agg(
            charges=pl.struct(shape).head(shown),
            others_count=pl.len() - pl.len().clip(upper_bound=shown),
            others_effect=pl.col("effect").slice(shown).sum(),
            others_events=pl.struct(shape).slice(shown),
        )
    )


def not_known(weighed: pl.DataFrame, events: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """person_ref, charges_standing, convicted, awaiting_result, without_weight, events, first_charged_on."""
    counted = weighed.group_by("person_ref").agg(
        charges_standing=pl.len(),
        convicted=(pl.col("outcome") == "convicted").sum(),
        awaiting_result=(pl.col("outcome") == "charged").sum(),
        without_weight=pl.col("weight").is_null().sum(),
        first_charged_on=pl.col("charged_on").min().cast(pl.String),
    )
    return counted.join(events.group_by("person_ref").agg(events=pl.len()), on="person_ref", how="left")


def _why(waiting: pl.DataFrame, model: KeptModel | None) -> pl.DataFrame:
    """person_ref, values, card: for people with a chance."""
    if model is None or not gives_chances(model) or waiting.is_empty():
        return waiting.select("person_ref").with_columns(
            values=pl.lit(None, dtype=pl.String), card=pl.lit(None, dtype=pl.String)
        )
    lines = lines_of(model)
    given = card.line_points(lines, matrix(waiting)).astype(np.int64)
    whole = (
        pl.Series([[]] * waiting.height, dtype=pl.List(pl.Int64))
        if not lines
        else pl.Series(given, dtype=pl.Array(pl.Int64, len(lines))).cast(pl.List(pl.Int64))
    )
    table = waiting.select("person_ref", values=pl.concat_list(NAMES)).with_columns(lines=whole, points=pl.Series(given.sum(axis=1)))
    return table.select("person_ref", "values", card=pl.struct("points", "lines"))


def reasons(
    people: People,
    scored: pl.DataFrame,
    waiting: pl.DataFrame,
    weighed: pl.DataFrame,
    as_of: date,
    model: KeptModel | None,
    cuts: Sequence[float],
    months: Sequence[int],
    last_week: LastWeek | None,
) -> pl.DataFrame:
    """person_ref, reasons: the JSON text described at the top, for everyone scored."""
    inside = scored.select("person_ref")
    own = weighed.join(inside, on="person_ref", how="semi")
    events = charge_rules.events(own)
    table = (
        scored.select(
            "person_ref",
            "high_before",
            "incomplete",
            "other_band",
            "no_chance",
            group=pl.struct(f"group_{end}_{h}m" for h in months for end in ("low", "high")),
        )
        .join(charges_that_count(events, as_of, people.rules.decay), on="person_ref", how="left")
        .join(_why(waiting, model), on="person_ref", how="left")
        .join(not_known(own, events, as_of), on="person_ref", how="left")
        .join(changes.since(people, scored, as_of, model, months, last_week), on="person_ref", how="left")
    )
    told = pl.struct(
        "charges",
        others=pl.struct(count="others_count", effect="others_effect", events="others_events"),
        values="values",
        card="card",
        group="group",
        no_chance="no_chance",
        high_before="high_before",
        harm_incomplete="incomplete",
        other_band="other_band",
        not_known=pl.struct(
            "charges_standing", "events", "convicted", "awaiting_result", "without_weight", "first_charged_on"
        ),
    )
    without_end = told.struct.json_encode().str.strip_suffix("}")
    return table.select(
        "person_ref",
        reasons=pl.concat_str(without_end, pl.lit(',"changed":'), pl.col("changed").fill_null("null"), pl.lit("}")),
    )
