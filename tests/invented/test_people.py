"""Careers, the chances that follow from them, and the planted switches."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from harmcast.invented import careers, charges, known, making, offences, patrols, truth
from harmcast.invented.people import OVER_POLICED
from harmcast.people.harm import default_index, weights_of
from harmcast.weeks import add_months

TO = date(2026, 11, 22)
DAYS = 28 * 40


@pytest.fixture(scope="module")
def lives() -> tuple[careers.Process, careers.Careers]:
    model = careers.process()
    entry = np.random.default_rng(1).integers(0, DAYS, 20_000)
    return model, careers.simulate(1, entry, np.zeros(20_000, np.int64), [model], DAYS)


@pytest.fixture(scope="module")
def force() -> making.InventedForce:
    return making.make(making.Plan(20_000, 5.0, 11, TO, crimes_a_year=40_000.0))


def test_moves_and_rates_are_chances() -> None:
    model = careers.process()
    for table in (model.quiet, model.after_grave):
        assert np.allclose(table.sum(axis=1), 1)
        assert (table >= 0).all()
    assert model.first.sum() == pytest.approx(1)
    assert np.allclose(model.first_marks.sum(axis=1), 1)
    custody = np.arange(model.cells) % 6 == 4
    free = ~custody
    assert (model.after_grave[free][:, custody].sum(axis=1) > model.quiet[free][:, custody].sum(axis=1)).all()


def loop_posterior(model: careers.Process, entry: int, events: list[tuple[int, int]], until: int) -> np.ndarray:
    """One person's filter in plain loops: (day, kind) events, the first of them at entry."""
    chance = [model.first[c] * model.first_marks[c][events[0][1]] for c in range(model.cells)]
    for step in range(entry // 28, (until - 1) // 28 + 1):
        begin, end = max(entry, step * 28), min(until, step * 28 + 28)
        inside = [kind for day, kind in events[1:] if begin <= day < end]
        for c in range(model.cells):
            chance[c] *= np.exp(-model.rates[c].sum() * (end - begin) / 28)
            for kind in inside:
                chance[c] *= model.rates[c][kind]
        whole = [kind for day, kind in events if step * 28 <= day < end]
        if end == step * 28 + 28:
            moves = model.after_grave if any(model.grave[kind] for kind in whole) else model.quiet
            chance = [sum(chance[a] * moves[a][b] for a in range(model.cells)) for b in range(model.cells)]
        total = sum(chance)
        chance = [c / total for c in chance]
    return np.array(chance)


@pytest.mark.parametrize("until", [28 * 30, 28 * 30 + 11])
def test_the_filter_equals_plain_loops(lives, until: int) -> None:
    model, found = lives
    hidden, _ = known.posterior(
        [model], np.zeros(20_000, np.int64), found.entry_day, found.person, found.day, found.kind, until
    )
    busy = np.argsort(-np.bincount(found.person, minlength=20_000), kind="stable")[:5]
    for person in [*busy, *range(25)]:
        own = found.person == person
        if found.entry_day[person] >= until:
            assert hidden[person].sum() == 0
            continue
        events = [(int(d), int(k)) for d, k in zip(found.day[own], found.kind[own], strict=True) if d < until]
        expected = loop_posterior(model, int(found.entry_day[person]), events, until)
        assert np.allclose(hidden[person], expected, atol=2e-4)


def test_careers_desist_burst_and_escalate(lives) -> None:
    _, found = lives
    counts = np.bincount(found.person, minlength=20_000)
    old = found.entry_day < DAYS // 4
    assert (counts[old] == 1).mean() > 0.4
    assert (counts >= 10).any()
    assert (found.last_cell[old] % 6 == 5).mean() > 0.3
    busy = np.flatnonzero(old & (counts >= 8))
    quarters = np.array([np.bincount(found.day[found.person == who] // 84, minlength=DAYS // 84 + 1) for who in busy])
    assert (quarters.var(axis=1) / quarters.mean(axis=1)).mean() > 1.15  # bunched: an even rate shows 1 at most
    thieving = np.isin(found.person, np.flatnonzero(found.first_cell // 6 == 2))
    theft = offences.KINDS.index("theft")
    assert (found.kind[thieving] == theft).mean() > 2 * (found.kind[~thieving] == theft).mean()


def test_known_chances_are_calibrated(force: making.InventedForce) -> None:
    day = add_months(TO + timedelta(days=1), -12)
    events = truth.standing_events(force, day)
    age = (day - events["happened_on"]).dt.total_days().to_numpy()
    harm = (
        events.select("person_ref", (pl.col("weight") * pl.Series(truth.share_left(age))).alias("harm"))
        .group_by("person_ref").agg(pl.col("harm").sum()).sort("person_ref")
    )
    cut = float(np.percentile(harm["harm"].to_numpy(), 90))
    died = force.careers.died_day
    dead = force.people.frame["person_ref"].gather(np.flatnonzero((died >= 0) & (died < (day - force.plan.first_day).days)))
    below = harm.filter((pl.col("harm") < cut) & ~pl.col("person_ref").is_in(dead.to_list()))
    weights = {code: offences.harm_days(code) for code in charges.LABELS}
    own = truth.record_of(force).of(below["person_ref"])
    chance = known.chances(own, day, events, weights, truth.share_left, cut, months=(12,), draws=300, replicates=2)
    end = add_months(day, 12)
    last = truth.standing_events(force, end + timedelta(days=1))
    came = []
    by_person = {ref: frame for (ref,), frame in last.group_by(["person_ref"])}
    for ref in below["person_ref"]:
        own_events = by_person.get(ref)
        reached = False
        for at in [] if own_events is None else own_events.filter(pl.col("charged_on") >= day)["charged_on"]:
            past = own_events.filter(pl.col("charged_on") <= at)
            left = truth.share_left((at - past["happened_on"]).dt.total_days().to_numpy())
            reached = reached or float((past["weight"].to_numpy() * left).sum()) >= cut
        came.append(reached)
    said, happened = chance["chance_12m"].to_numpy(), np.array(came)
    assert chance["person_ref"].equals(below["person_ref"])
    half = 3.3 * np.sqrt((said * (1 - said)).sum()) / len(said) + 0.002
    assert said.mean() == pytest.approx(happened.mean(), abs=half)
    top = said >= np.quantile(said, 0.9)
    assert happened[top].mean() > 2.5 * happened[~top].mean()
    assert said[top].mean() == pytest.approx(happened[top].mean(), abs=3.3 * np.sqrt(said[top].mean() / top.sum()) + 0.01)


def test_the_truth_s_record_can_be_read_back(tmp_path: Path) -> None:
    folder = tmp_path / "force"
    making.invent(folder, 600, 2.0, 4, TO, 1, crimes_a_year=12_000.0, county_share=0.3)
    record = truth.read_record(folder / "truth")
    sample = pl.read_parquet(folder / "truth" / "known_chances.parquet")
    assert set(sample["person_ref"]) <= set(record.refs)
    assert ((sample["chance_12m"] >= 0) & (sample["chance_12m"] <= sample["chance_24m"] + 0.02)).all()
    with pytest.raises(ValueError, match="not in the truth"):
        record.of(pl.Series(["nobody"]))


def test_harm_days_are_the_shipped_index_s() -> None:
    codes = pl.Series("offence_code", offences.all_codes())
    shipped = dict(weights_of(codes, default_index()).select("offence_code", "weight").iter_rows())
    assert {code: offences.harm_days(code) for code in codes} == shipped


def test_over_policing_raises_found_charges_of_one_group_alone(force: making.InventedForce) -> None:
    entry, member = force.people.entry_day, force.people.over_policed
    models = [careers.process(), careers.process(1.2)]
    plain = careers.simulate(2, entry, np.zeros(len(entry), np.int64), models, force.plan.days)
    planted = careers.simulate(2, entry, member.astype(np.int64), models, force.plan.days)
    is_found = np.isin(offences.KINDS, offences.FOUND_KINDS)

    def a_person(lives: careers.Careers, group: bool, found: bool) -> float:
        own = (member[lives.person] == group) & (is_found[lives.kind] == found)
        return float(own.sum() / (member == group).sum())

    later = careers.charging_factor(1.2)
    assert a_person(planted, True, True) > 1.25 * a_person(plain, True, True)
    assert a_person(planted, False, True) == pytest.approx(a_person(plain, False, True), rel=0.05)
    assert np.allclose(models[1].rates[:, is_found], models[0].rates[:, is_found] * later)
    assert (models[1].rates[:, ~is_found] == models[0].rates[:, ~is_found]).all()
    assert careers.charging_factor(0.0) == pytest.approx(1.0)
    assert OVER_POLICED in force.people.frame["ethnicity_self"].drop_nulls().to_list()


def test_records_follow_patrols_only_where_planted() -> None:
    plan = making.Plan(300, 2.0, 3, TO, crimes_a_year=20_000.0)
    plain = making.make(plan)
    fed = making.make(making.Plan(300, 2.0, 3, TO, crimes_a_year=20_000.0, patrol_feedback=0.6))
    watched = pl.col("offence_code").is_in(["034/01", "092/61", "008/26"])

    def top_share(force: making.InventedForce) -> float:
        cells = force.crimes.filter(watched).drop_nulls("easting_m").select(
            (pl.col("easting_m") // patrols.CELL_M).alias("x"), (pl.col("northing_m") // patrols.CELL_M).alias("y"))
        counted = cells.group_by("x", "y").len()["len"].sort(descending=True)
        return float(counted[:40].sum() / counted.sum())

    assert len(fed.crimes) > len(plain.crimes)
    assert top_share(fed) > top_share(plain) + 0.03
    assert plain.activity.height > 10_000
