"""What changed since last week, in three that add up: time passing, records, model.

last + time + records + model = now, for harm and for each chance:
time: last week's records under last week's model, on today's date, less what was printed last week;
records: today's records under last week's model, less that; model: what is printed now, less that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from harmcast.documents.person_model import KeptModel
from harmcast.transitions.landmarks import People, Rules, not_yet_high
from harmcast.transitions.model import look_back_of, printed


@dataclass(frozen=True)
class LastWeek:
    """The week before, for what changed: its release, its day and its model.

    Attributes:
        people: person_ref, harm, band, chance_high_harm_<m>m as released.
        as_of: day its records were known to.
        model, rules: what scored it (the same objects as this week's where nothing changed).
    """

    people: pl.DataFrame
    as_of: date
    model: KeptModel | None
    rules: Rules


def touched(people: People, before: date, as_of: date) -> pl.DataFrame:
    """Charges to look at again because something about their person became known after `before`: charge_ref.

    Every charge that ever stood under a reference that a new or corrected record names, before or after merging.
    """
    versions = people.charge_versions.filter(pl.col("known_on") <= as_of)
    new = versions.filter((pl.col("known_on") > before) | (pl.col("charged_on") > before))
    again = versions.join(new.select("charge_ref").unique(), on="charge_ref", how="semi")
    merged_now = people.held.survivors(as_of)
    merged_then = people.held.survivors(before)
    moved = (
        merged_now.join(merged_then, on="person_ref", how="full", suffix="_then", coalesce=True)
        .filter(pl.col("survivor").ne_missing(pl.col("survivor_then")))
        .select(pl.concat_list("person_ref", "survivor", "survivor_then").explode().drop_nulls().alias("person_ref"))
    )
    named = pl.concat([again.select("person_ref"), moved]).unique()
    both = pl.concat([merged_now, merged_then]).unique()
    for _ in range(2):
        onward = both.join(named, on="person_ref", how="semi").select(person_ref="survivor")
        back = both.join(named, left_on="survivor", right_on="person_ref", how="semi").select("person_ref")
        named = pl.concat([named, onward, back]).unique()
    return versions.join(named, on="person_ref", how="semi").select("charge_ref").unique()


def _of_charges(people: People, rules: Rules, charge_refs: pl.DataFrame) -> People:
    """The same people with these charges alone."""
    versions = people.charge_versions.join(charge_refs, on="charge_ref", how="semi")
    return People(people.persons, versions, people.minors, rules)


def _scored(
    people: People, known: date, day: date, model: KeptModel | None, rules: Rules, months: Sequence[int], name: str
) -> pl.DataFrame:
    """person_ref, `harm_<name>`, `chance_<m>m_<name>` on `day` by what was known at `known`: null where the score would be null."""
    held = people.features(day) if known == day else people.features_known(known, day, None)
    out = held.select("person_ref", pl.col("harm").alias(f"harm_{name}"))
    look_back = look_back_of(model)
    if model is None or look_back is None:
        return out.with_columns(pl.lit(None, dtype=pl.Float64).alias(f"chance_{h}m_{name}") for h in months)
    lately = people.features(day, look_back) if known == day else people.features_known(known, day, look_back)
    waiting = lately.filter(not_yet_high(rules.high_cut))
    given = printed(model, waiting, months)
    columns = {f"chance_{h}m_{name}": given[f"p{h}"] for h in months}
    return out.join(waiting.select("person_ref").with_columns(**columns), on="person_ref", how="left")


def since(
    people: People,
    scored: pl.DataFrame,
    as_of: date,
    model: KeptModel | None,
    months: Sequence[int],
    last_week: LastWeek | None,
) -> pl.DataFrame:
    """person_ref, `changed`: a struct a figure (harm, chance_<m>m) of last, time, records, model, now; null parts where a
    figure is null at any step; null altogether for someone not scored last week.
    """
    if last_week is None:
        return scored.select("person_ref", changed=pl.lit(None, dtype=pl.String))
    months = [h for h in months if f"chance_high_harm_{h}m" in last_week.people.columns]
    rules = last_week.rules
    same_rules = rules is people.rules or (
        rules.decay == people.rules.decay
        and rules.high_cut == people.rules.high_cut
        and rules.index.table.equals(people.rules.index.table)
        and rules.weapon_codes == people.rules.weapon_codes
        and rules.one_event == people.rules.one_event
    )
    today = people if same_rules else People(people.persons, people.charge_versions, people.minors, rules)
    after = _scored(today, as_of, as_of, last_week.model, rules, months, "records")
    again = touched(people, last_week.as_of, as_of)
    earlier = _scored(_of_charges(people, rules, again), last_week.as_of, as_of, last_week.model, rules, months, "time")
    named = ["harm", *(f"chance_{h}m" for h in months)]
    refs_touched = pl.concat(
        [
            people.charge_versions.join(again, on="charge_ref", how="semi").select("person_ref"),
            earlier.select("person_ref"),
        ]
    ).unique()
    everyone = (
        last_week.people.select(
            "person_ref", harm_last="harm", **{f"chance_{h}m_last": f"chance_high_harm_{h}m" for h in months}
        )
        .join(
            scored.select(
                "person_ref", harm_now="harm", **{f"chance_{h}m_now": f"chance_high_harm_{h}m" for h in months}
            ),
            on="person_ref",
        )
        .join(after, on="person_ref", how="left")
        .join(refs_touched.with_columns(was_touched=pl.lit(True)), on="person_ref", how="left")
        .join(earlier, on="person_ref", how="left")
    )
    for name in named:
        then = (
            pl.when(pl.col("was_touched").fill_null(False))
            .then(pl.col(f"{name}_time"))
            .otherwise(pl.col(f"{name}_records"))
        )
        everyone = everyone.with_columns(then.alias(f"{name}_time"))
    return everyone.select(
        "person_ref",
        changed=pl.struct(
            pl.struct(
                last=f"{name}_last",
                time=pl.col(f"{name}_time") - pl.col(f"{name}_last"),
                records=pl.col(f"{name}_records") - pl.col(f"{name}_time"),
                model=pl.col(f"{name}_now") - pl.col(f"{name}_records"),
                now=f"{name}_now",
            ).alias(name)
            for name in named
        ).struct.json_encode(),
    )
