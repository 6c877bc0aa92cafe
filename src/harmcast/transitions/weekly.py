"""One week's scores of people: cohort, harm, band, chance, range and reasons, with the last approved model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from harmcast.documents.person_model import KeptModel
from harmcast.documents.plain import PlainRecord
from harmcast.people import bands
from harmcast.people import charges as charge_rules
from harmcast.people.cohort import cohort, left_out_counts
from harmcast.people.harm import WeightReport, weight_report
from harmcast.tables import BANDS, NO_CHANCE
from harmcast.transitions import explain
from harmcast.transitions.changes import LastWeek
from harmcast.transitions.landmarks import People, Rules, not_yet_high
from harmcast.transitions.model import FORM, gives_chances, look_back_of, printed
from harmcast.transitions.regression import Array


@dataclass(frozen=True)
class ScoredPeople:
    """What the week gives.

    Attributes:
        people: by person_ref, the columns of tables.SCORED_PEOPLE but person_key, and `incomplete`, `high_before`, `other_band`.
        left_out: person_ref, reason; `left_out_counts`: every reason, 0 included.
        weight_report: how the charges' codes were weighed (`harm.weight_report`).
        scores: figures of the run: counts of people by band, incomplete, scored with a chance, means.
        source: the tables it was made from, with what was computed of them.
    """

    people: pl.DataFrame
    left_out: pl.DataFrame
    left_out_counts: dict[str, int]
    weight_report: WeightReport
    source: People
    scores: PlainRecord = field(default_factory=dict)


def chance_columns(months: Sequence[int]) -> list[str]:
    return [f"chance_high_harm_{h}m{end}" for h in months for end in ("", "_low", "_high")]


def why_not(model: KeptModel | None) -> str | None:
    """Why a model gives nobody a chance; None where it gives some."""
    if model is None:
        return "no_model"
    if model.get("form") != FORM:
        return "old_model"
    if gives_chances(model):
        return None
    if model.get("other_outcome"):
        return "other_outcome"
    return "history_short" if (model.get("history") or {}).get("look_back_months") is None else "too_few_became"


def _given(model: KeptModel | None, table: pl.DataFrame, months: Sequence[int]) -> pl.DataFrame:
    """Chances and ranges of people not yet high harm, read from the printed card's table; null columns without a model."""
    refs = table.select("person_ref")
    names = {f"p{h}{end}": f"chance_high_harm_{h}m{end}" for h in months for end in ("", "_low", "_high")}
    names |= {f"p{h}_group_{end}": f"group_{end}_{h}m" for h in months for end in ("low", "high")}
    if model is None or not gives_chances(model) or table.is_empty():
        return refs.with_columns(pl.lit(None, dtype=pl.Float64).alias(name) for name in names.values())
    return pl.concat([refs, printed(model, table, months).select(pl.col(old).alias(new) for old, new in names.items())], how="horizontal")


def _no_chance(model: KeptModel | None, high_cut: float, months: Sequence[int]) -> pl.Expr:
    """The reason of NO_CHANCE for each person without a chance at the first horizon; null for the others."""
    return (
        pl.when(pl.col(f"chance_high_harm_{months[0]}m").is_not_null())
        .then(pl.lit(None, dtype=pl.String))
        .when("incomplete")
        .then(pl.lit("harm_incomplete"))
        .when(pl.col("harm") >= high_cut)
        .then(pl.lit("high_now"))
        .when("high_before")
        .then(pl.lit("high_before"))
        .otherwise(pl.lit(why_not(model) or "not_charged_lately"))
    )


def score_people(
    persons: pl.DataFrame,
    charge_versions: pl.DataFrame,
    minors: pl.DataFrame,
    as_of: date,
    model: KeptModel | None,
    rules: Rules,
    cuts: Sequence[float],
    months: Sequence[int] = (12, 24),
    last_week: LastWeek | None = None,
    second: tuple[Rules, Sequence[float]] | None = None,
) -> ScoredPeople:
    """Everyone of the cohort as known at `as_of`, scored on that day.

    Args:
        persons, charge_versions: versions with known_on; nothing known later is looked at.
        minors: `people.minors.flags` for `as_of`.
        model: the last approved model (`refit.refit`); None: bands without chances.
        rules: index, decay, `high_cut` (= `bands.high_cut(cuts)`), rules about people.
        cuts: the frozen cuts of the bands.
        second: a second index's rules and cuts, to say who would be in another band.
    Returns: see ScoredPeople; rows sorted by person_ref. Harm and band null: a standing charge has no weight ("harm
        incomplete"). Chances null for the reason in `no_chance`.
    """
    people = People(persons, charge_versions, minors, rules)
    held = charge_rules.as_known(people.held.persons, as_of)
    weighed = people.weighed(as_of)
    inside, outside = cohort(held, weighed, minors, as_of, rules.unknown_birth)
    features = people.features(as_of).join(inside, on="person_ref", how="inner").sort("person_ref")
    look_back = look_back_of(model)
    lately = features if look_back is None else people.features(as_of, look_back).join(inside, on="person_ref", how="semi")
    waiting = lately.filter(not_yet_high(rules.high_cut)).sort("person_ref")
    given = _given(model, waiting, months)
    scored = (
        features.select("person_ref", "unit", "harm", "incomplete", "high_before")
        .with_columns(harm_unit=pl.lit(rules.index.unit), band=bands.band_of(pl.col("harm"), cuts))
        .join(given, on="person_ref", how="left")
        .with_columns(no_chance=_no_chance(model, rules.high_cut, months))
    )
    scored = _with_last_week(scored, last_week)
    scored = _with_second(scored, people, as_of, second)
    reasons = explain.reasons(people, scored, waiting, weighed, as_of, model, cuts, months, last_week)
    scored = scored.join(reasons, on="person_ref", how="left").sort("person_ref")
    order = ["person_ref", "unit", "harm", "harm_unit", "band", "band_last_week", *chance_columns(months), "no_chance", "reasons"]
    extra = ["incomplete", "high_before", "other_band"]
    return ScoredPeople(
        scored.select(*order, *extra),
        outside,
        left_out_counts(outside),
        weight_report(weighed.join(inside.select("person_ref"), on="person_ref", how="semi"), rules.index),
        people,
        figures(scored, months),
    )


def _with_last_week(scored: pl.DataFrame, last_week: LastWeek | None) -> pl.DataFrame:
    if last_week is None:
        return scored.with_columns(band_last_week=pl.lit(None, dtype=pl.String))
    before = last_week.people.select("person_ref", band_last_week="band")
    return scored.join(before, on="person_ref", how="left")


def _with_second(
    scored: pl.DataFrame, people: People, as_of: date, second: tuple[Rules, Sequence[float]] | None
) -> pl.DataFrame:
    """Adds `other_band`: whether the second index puts the person in another band; null without one or where incomplete."""
    if second is None:
        return scored.with_columns(other_band=pl.lit(None, dtype=pl.Boolean))
    rules, cuts = second
    there = People(people.persons, people.charge_versions, people.minors, rules).features(as_of)
    banded = there.select("person_ref", band_there=bands.band_of(pl.col("harm"), cuts))
    return scored.join(banded, on="person_ref", how="left").with_columns(
        other_band=pl.col("band") != pl.col("band_there")
    )


def figures(scored: pl.DataFrame, months: Sequence[int]) -> PlainRecord:
    """Counts of the week: people, by band, incomplete, with a chance; mean chance and expected number who become."""
    by_band = dict(scored.group_by("band").len().iter_rows())
    out: PlainRecord = {
        "people": scored.height,
        "bands": {band: int(by_band.get(band, 0)) for band in BANDS},
        "harm_incomplete": int(scored["incomplete"].sum()),
        "high_before": int(scored["high_before"].sum()),
        "band_changed": scored.filter(
            pl.col("band_last_week").is_not_null() & pl.col("band").ne_missing(pl.col("band_last_week"))
        ).height,
        "another_band_under_second_index": int(scored["other_band"].sum() or 0),
        "second_index_compared": scored["other_band"].drop_nulls().len(),
        "no_chance": {reason: int((scored["no_chance"] == reason).sum()) for reason in NO_CHANCE},
    }
    for horizon in months:
        p = scored[f"chance_high_harm_{horizon}m"].drop_nulls()
        out[f"{horizon}m"] = {
            "people": len(p),
            "expected": float(p.sum()),
            "mean_chance": float(p.sum()) / len(p) if len(p) else None,
        }
    return out


__all__ = ["Array", "LastWeek", "ScoredPeople", "score_people"]
