"""Which releases are judged, and by what came within which horizon."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import polars as pl
from tests.people.invented_careers import careers

from harmcast.people import harm
from harmcast.runs.people_results import judged_releases, released_chances
from harmcast.transitions.landmarks import People, Rules, outcomes
from harmcast.transitions.model import FORM


@dataclass
class OfDay:
    as_of: date
    standing: str = "published"


def test_one_release_in_thirteen_weeks_whose_year_is_over() -> None:
    first = date(2025, 1, 6)
    weekly = [OfDay(first + timedelta(weeks=k)) for k in range(60)]
    weekly[30].standing = "withdrawn"
    today = date(2026, 2, 16)  # 58 weeks on: releases to 2025-02-16 are a year old
    found = [r.as_of for r in judged_releases(weekly, today, 12)]  # type: ignore[arg-type]
    assert found == [date(2025, 2, 10)]
    later = [r.as_of for r in judged_releases(weekly, date(2026, 8, 10), 12)]  # type: ignore[arg-type]
    assert later == [date(2025, 7, 28), date(2025, 4, 28), date(2025, 1, 27)]
    assert judged_releases(weekly, date(2026, 1, 5), 12) == []  # type: ignore[arg-type]


def test_each_horizon_of_a_release_is_held_against_what_came_by_its_own_end() -> None:
    persons, charges, _ = careers(600, 5)
    day = date(2022, 6, 30)
    people = People(persons, charges, pl.DataFrame(), Rules(harm.default_index(), harm.decay_from(), 200.0))
    refs = people.features(day).filter(~pl.col("high_before"))["person_ref"]
    keys = pl.DataFrame({"person_ref": refs, "person_key": [f"k{ref}" for ref in refs]})
    frame = keys.select("person_key", unit=pl.lit("North"), harm=pl.lit(1.0), chance_high_harm_12m=pl.lit(0.1), chance_high_harm_24m=pl.lit(0.2))
    ends = ("group_low", "group_high")
    row = {"points": 0, "p12": 0.1, "p24": 0.2} | {f"p{m}_{end}": 0.1 for m in (12, 24) for end in ends}
    model = {"form": FORM, "chosen": "card_three", "cards": {"card_three": {"table": [row]}}}
    release = SimpleNamespace(as_of=day, standing="published", model="m", has=lambda name: True, frame=lambda name: frame)
    state: Any = SimpleNamespace(releases=SimpleNamespace(history=lambda tool, unit: [release]), models=SimpleNamespace(named=lambda name: SimpleNamespace(content=lambda: model)))
    who: Any = SimpleNamespace(tool=SimpleNamespace(name="iom", horizons_months=(12, 24)), keys=keys, scored=SimpleNamespace(source=people))
    found = {months: released_chances(state, who, date(2024, 6, 30), months) for months in (12, 24)}
    came = outcomes(people, day, found[24]["person_ref"], (12, 24), date(2024, 6, 30))
    assert {months: table["chance"].unique().to_list() for months, table in found.items()} == {12: [0.1], 24: [0.2]}
    assert found[24]["became"].to_list() == came["became_24m"].to_list()
    assert found[12]["became"].sum() < found[24]["became"].sum()
    assert released_chances(state, who, date(2024, 6, 29), 24).is_empty()  # not over yet
    assert not released_chances(state, who, date(2024, 6, 29), 12).is_empty()
