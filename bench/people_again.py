"""Harm, bands and features of people computed a second time, and nothing of them known from the future (promises 13 and 14).

The second computation shares nothing with the first: plain loops (`tests/people/by_hand.py`), weights and kinds of
offence read from the shipped tables with the csv module. Records: an invented force of 30,000 people (`bench/known_forces.py`).
"""

from __future__ import annotations

import csv
import math
import random
import re
import time
from datetime import date, timedelta
from importlib import resources
from typing import Any

import numpy as np
import polars as pl
from tests.people import by_hand

from bench.known_forces import LAST, KnownForce, known_force
from bench.results import Row
from harmcast.evaluate import people_choose
from harmcast.people import bands, minors
from harmcast.people.features import NAMES
from harmcast.people.harm import OGRS4_LEFT, OGRS4_MONTHS
from harmcast.transitions import refit
from harmcast.transitions.history import RecordsHeld
from harmcast.transitions.landmarks import People, eligible
from harmcast.transitions.weekly import score_people
from harmcast.weeks import add_months

SEED = 201
PEOPLE = 1_000
ORIGINS = tuple(add_months(LAST, -6 * k) for k in range(10))
TABLE = list(zip(OGRS4_MONTHS, OGRS4_LEFT, strict=True))
VIOLENT = ("Homicide", "Violence with injury", "Violence without injury", "Robbery of business property", "Robbery of personal property", "Rape offences")
WEAPON = "Possession of weapons offences"
TOLERANCE = 1e-9


def rows(seed: int = SEED, people: int = PEOPLE) -> list[Row]:
    force = known_force(seed)
    began = time.process_time()
    found = [second_computation(force, people), *from_a_cut_feed(force, people), *cards_by_hand(force, people)]
    print(f"second computation and cut feeds: {time.process_time() - began:.0f} s of processor")
    return found


def _shipped(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(resources.files("harmcast.people").joinpath(name).read_text(encoding="utf-8").splitlines()))


def looked_up(codes: list[str]) -> dict[str, dict[str, Any]]:
    """Weight (None: none), kind, violent and weapon of each code; a class stands for its subclasses."""
    subgroup_of = {row["offence_code"]: row["subgroup"] for row in _shipped("offence_subgroups.csv")}
    weight_of = {row["subgroup"]: float(row["weight"]) if row["weight"] else None for row in _shipped("subgroup_harm.csv")}
    found = {}
    for code in codes:
        before = code.split("/")[0]
        own_class = before[:3] if re.fullmatch(r"\d{3}[A-Z]?", before) else before
        group = subgroup_of.get(code, subgroup_of.get(own_class))
        found[code] = {"weight": weight_of.get(group) if group else None, "kind": group or own_class, "violent": group in VIOLENT, "weapon": group == WEAPON}
    return found


def second_computation(force: KnownForce, people: int) -> Row:
    """Harm, band and every feature of people drawn by a seed, on the last day, both ways."""
    rules = force.rules
    first = People(force.persons, force.versions, pl.DataFrame(), rules).features(LAST)
    banded = dict(first.select("person_ref", band=bands.band_of(pl.col("harm"), force.cuts)).iter_rows())
    got = {row["person_ref"]: row for row in first.iter_rows(named=True)}
    standing = by_hand.known_charges(force.versions.to_dicts(), force.persons.to_dicts(), LAST)
    kinds = looked_up(force.versions["offence_code"].unique().to_list())
    drawn = random.Random(SEED).sample(sorted(standing), people)
    differ = 0 if set(standing) == set(got) else abs(len(standing) - len(got)) + 1
    for ref in drawn:
        events = by_hand.as_events(standing[ref], lambda code: kinds[code]["weight"])
        differ += not _same(events, got[ref], banded[ref], force, kinds)
    what = f"harm, band and {len(NAMES)} features equal an independent second computation, invented force"
    return Row(14, f"people: {what}", f"{people:,} of {people:,}", f"{people - differ:,} of {people:,}", differ == 0)


def _same(events: list[dict[str, Any]], row: dict[str, Any], band: str | None, force: KnownForce, kinds: dict[str, dict[str, Any]]) -> bool:
    if any(event["weight"] is None for event in events):
        return row["incomplete"] is True and row["harm"] is None and band is None
    total = by_hand.harm(events, LAST, TABLE)
    expected = by_hand.features(events, LAST, force.rules.high_cut, TABLE, kinds)
    same_features = set(expected) == set(NAMES) and all(_near(row[name], value) for name, value in expected.items())
    return _near(row["harm"], total) and band == by_hand.band(total, force.cuts) and same_features


def _near(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def cards_by_hand(force: KnownForce, people: int) -> list[Row]:
    """Look-back, who is eligible, features in the look-back, points and the printed chance of a release, a second time in plain loops.

    The look-back follows from the months held; an event counts in it from the day it was first known to count.
    """
    flags = minors.flags(force.protected, refit.all_days(held := _held(force)))
    model = refit.refit(force.persons, force.versions, flags, held, force.rules, people_choose.choose)
    scored = score_people(force.persons, force.versions, flags, LAST, model, force.rules, force.cuts).people
    printed = dict(scored.drop_nulls("chance_high_harm_12m").select("person_ref", "chance_high_harm_12m").iter_rows())
    first = min(force.versions["charged_on"])
    months = (LAST.year - first.year) * 12 + LAST.month - first.month
    look_back = min(60, 6 * ((months - 24) // 6))
    opens, own = add_months(LAST, -look_back), model["cards"][model["chosen"]]
    chance_of = {row["points"]: row["p12"] for row in own["table"]}
    kinds = looked_up(force.versions["offence_code"].unique().to_list())
    standing = by_hand.known_charges(force.versions.to_dicts(), force.persons.to_dicts(), LAST)
    people_now = {p["person_ref"]: p for p in force.persons.to_dicts() if p["known_on"] <= LAST}
    young = {ref for ref, day, under in flags.iter_rows() if day == LAST and under is not False}
    eligible_same = same_features = same_chance = 0
    first_of = {row["person_ref"]: row for row in eligible(People(force.persons, force.versions, flags, force.rules), LAST, look_back).iter_rows(named=True)}
    drawn = set(random.Random(SEED).sample(sorted(standing), people))
    for ref, charges in standing.items():
        events = by_hand.as_events(charges, lambda code: kinds[code]["weight"])
        person, inside = people_now.get(ref, {}), [e for e in events if e["counted_on"] > opens]
        is_eligible = (
            bool(inside) and all(e["weight"] is not None for e in events) and ref not in young
            and not (person.get("died_on") and person["died_on"] <= LAST) and by_hand.harm(events, LAST, TABLE) < force.rules.high_cut
            and not by_hand.ever_high(charges, lambda code: kinds[code]["weight"], force.rules.high_cut, TABLE)
        )  # fmt: skip
        if ref in drawn:
            eligible_same += is_eligible == (ref in first_of)
        if ref not in printed and ref not in drawn:
            continue
        expected = by_hand.features(inside, LAST, force.rules.high_cut, TABLE, kinds) if inside else {}
        if ref in drawn:
            same_features += not is_eligible or (ref in first_of and all(_near(first_of[ref][name], value) for name, value in expected.items()))
        if ref in printed:
            points = sum(line["points"] for line in own["lines"] if (expected[line["feature"]] < line["threshold"]) == line["below"])
            same_chance += chance_of[points] == printed[ref]
    where = f"invented force, look-back {look_back} of {months} months held"
    return [
        Row("people", f"look-back by hand, {where}", str(look_back), str(model["history"]["look_back_months"]), look_back == model["history"]["look_back_months"]),
        Row("people", "who is eligible, computed a second time", f"{people:,} of {people:,}", f"{eligible_same:,} of {people:,}", eligible_same == people),
        Row("people", "features in the look-back, computed a second time", f"{people:,} of {people:,}", f"{same_features:,} of {people:,}", same_features == people),
        Row("people", "card redone by hand for everyone with a chance: the printed chance, to the digit", f"{len(printed):,} of {len(printed):,}", f"{same_chance:,} of {len(printed):,}", same_chance == len(printed)),
        _before_the_look_back(force, flags, model, printed, opens),
    ]  # fmt: skip


def _held(force: KnownForce) -> RecordsHeld:
    held = refit.history_of(force.versions, LAST)
    assert held is not None
    return held


def _before_the_look_back(force: KnownForce, flags: pl.DataFrame, model: dict[str, Any], printed: dict[str, float], opens: date) -> Row:
    """Every code of events that lie wholly before the look-back made another, and everything known later scrambled: chances of those still not high stay."""
    persons, versions = scrambled(force, LAST)
    old = (pl.col("charged_on") <= opens) & (pl.col("happened_on") <= opens)
    # An event known before the look-back keeps its day; who was high before may differ, so those eligible both times are compared.
    versions = versions.with_columns(offence_code=pl.when(old).then(pl.lit("149")).otherwise(pl.col("offence_code")))
    again = score_people(persons, versions, flags, LAST, model, force.rules, force.cuts).people.drop_nulls("chance_high_harm_12m")
    both = [(ref, chance) for ref, chance in again.select("person_ref", "chance_high_harm_12m").iter_rows() if ref in printed]
    same = sum(printed[ref] == chance for ref, chance in both)
    what = "everything before the look-back and after the day scrambled: no chance changes"
    return Row("people", what, f"{len(both):,} of {len(both):,}", f"{same:,} of {len(both):,}", same == len(both) > len(printed) // 2)


def scrambled(force: KnownForce, origin: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Persons and charge versions in which everything known after `origin` is wrong: other people, codes, results, days."""
    rng = np.random.default_rng(SEED)
    later = pl.Series((force.versions["known_on"] > origin).to_numpy())
    versions = force.versions.with_columns(
        offence_code=pl.when(later).then(pl.lit("001/01")).otherwise(pl.col("offence_code")),
        person_ref=pl.when(later).then(pl.Series(rng.permutation(force.versions["person_ref"].to_numpy()))).otherwise(pl.col("person_ref")),
        outcome=pl.when(later).then(pl.lit("quashed")).otherwise(pl.col("outcome")),
        known_on=pl.when(later).then(pl.col("known_on") + timedelta(days=30)).otherwise(pl.col("known_on")),
    )
    unknown = pl.col("known_on") > origin
    anyone = force.persons["person_ref"][0]
    persons = force.persons.with_columns(
        merged_into=pl.when(unknown).then(pl.lit(anyone)).otherwise(pl.col("merged_into")),
        died_on=pl.when(unknown).then(pl.lit(date(2000, 1, 1))).otherwise(pl.col("died_on")),
    )
    return persons, versions


def from_a_cut_feed(force: KnownForce, people: int) -> list[Row]:
    """Features of (person, origin) pairs from the whole feed, from one cut at the origin, and with the future scrambled."""
    whole = People(force.persons, force.versions, pl.DataFrame(), force.rules)
    each, pairs, cut_same, scrambled_same, later = people // len(ORIGINS), 0, 0, 0, 0
    for origin in ORIGINS:
        known = pl.col("known_on") <= origin
        cut = People(force.persons.filter(known), force.versions.filter(known), pl.DataFrame(), force.rules).features(origin)
        other = People(*scrambled(force, origin), pl.DataFrame(), force.rules).features(origin)
        own = whole.features(origin).sort("person_ref")
        drawn = own.select("person_ref").sample(each, seed=SEED)["person_ref"].implode()
        mine, theirs, wrong = (t.filter(pl.col("person_ref").is_in(drawn)).sort("person_ref") for t in (own, cut, other))
        pairs += mine.height
        later += int((force.versions["known_on"] > origin).sum())
        cut_same += _equal_rows(mine, theirs)
        scrambled_same += _equal_rows(mine, wrong)
    asked = f"{people:,} of {people:,}"
    return [
        Row(13, "people: features of (person, origin) equal those from a feed cut at the origin, to the bit", asked, f"{cut_same:,} of {pairs:,}", cut_same == pairs == people),
        Row(13, f"people: the same with all {later:,} versions known after the origins scrambled", asked, f"{scrambled_same:,} of {pairs:,}", scrambled_same == pairs == people),
    ]


def _equal_rows(a: pl.DataFrame, b: pl.DataFrame) -> int:
    """Rows of `a` that `b` holds with exactly the same values."""
    theirs = {row[0]: row for row in b.select(a.columns).iter_rows()}
    return sum(theirs.get(row[0]) == row for row in a.iter_rows())
