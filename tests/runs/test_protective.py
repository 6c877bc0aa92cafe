"""What of a waiting load protects people counts at once, whatever becomes of the load; nothing else of it does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from bench.accepted import accept, load_accepted
from tests.runs.test_effects import MADE, SETTINGS, Tables, weeks_of

from harmcast.runs.accept import reject_load
from harmcast.runs.load import load_delivery
from harmcast.store.state import State
from harmcast.store.users import Actor

OPERATOR = Actor("operator", "Operator", (("operator", None),))
Deliver = Callable[..., Path]


@pytest.fixture
def history(make_state: Callable[..., State], deliver: Deliver) -> State:
    state = make_state(SETTINGS)
    load_accepted(state, deliver(weeks_of(60, 1), (MADE - timedelta(weeks=1)).isoformat()))
    return state


def waits(state: State, deliver: Deliver, changed: Tables) -> int:
    """The number of a load that waits, because one word stands for many crimes, and that brings these rows too."""
    rows = weeks_of(0, 0)["charges"]
    held = [{**row, "charge_ref": f"N{k}", "crime_ref": "UNKNOWN"} for k, row in enumerate(rows * 8)]
    tables = {"charges": held + changed.get("charges", []), "persons": changed.get("persons", weeks_of(0, 0)["persons"][:1])}
    result = load_delivery(state, deliver({**tables, **{k: v for k, v in changed.items() if k == "deletions"}}, MADE.isoformat()))
    assert result.why_waits == ("effects",)
    return int(result.load or 0)


def person(**given: str) -> Tables:
    return {"persons": [{**weeks_of(0, 0)["persons"][7], "changed_at": "2026-03-01T09:00:00", **given}]}


def charge(outcome: str) -> Tables:
    held = next(row for row in weeks_of(60, 1)["charges"] if row["charge_ref"] == "H100")
    return {"charges": [{**held, "outcome": outcome, "outcome_on": "2026-02-27", "changed_at": "2026-03-01T09:00:00"}]}


def row(state: State, table: str, key: str, value: str) -> dict[str, Any]:
    import polars as pl

    return state.records.known(table).filter(pl.col(key) == value).row(0, named=True)


@pytest.mark.parametrize("outcome", ["acquitted", "withdrawn", "discontinued", "quashed"])
def test_a_charge_that_fell_away_counts_no_longer_from_the_hour_it_came(history: State, deliver: Deliver, outcome: str) -> None:
    before = history.records.known("charges").height
    number = waits(history, deliver, charge(outcome))
    assert (row(history, "charges", "charge_ref", "H100")["outcome"], history.records.known("charges").height) == (outcome, before)
    accept(history, number)
    assert (row(history, "charges", "charge_ref", "H100")["outcome"], history.records.known("charges").height) == (outcome, before + 64)


def test_a_conviction_waits_with_its_load(history: State, deliver: Deliver) -> None:
    waits(history, deliver, charge("convicted"))
    assert row(history, "charges", "charge_ref", "H100")["outcome"] == "charged"


def test_a_death_counts_at_once(history: State, deliver: Deliver) -> None:
    waits(history, deliver, person(died_on="2026-02-20"))
    assert row(history, "persons", "person_ref", "P7")["died_on"] == date(2026, 2, 20)


def test_a_restriction_counts_at_once_and_its_end_waits(history: State, deliver: Deliver) -> None:
    number = waits(history, deliver, person(restricted="true", unit="South"))
    held = row(history, "persons", "person_ref", "P7")
    assert (held["restricted"], held["unit"]) == (True, "North")
    accept(history, number)
    assert row(history, "persons", "person_ref", "P7")["unit"] == "South"
    later = person(restricted="false", changed_at="2026-03-08T09:00:00")
    again = [{**r, "charge_ref": f"M{k}", "crime_ref": "NOBODY"} for k, r in enumerate(weeks_of(0, 0)["charges"] * 40)]
    result = load_delivery(history, deliver({**later, "charges": again}, (MADE + timedelta(weeks=1)).isoformat()))
    assert result.waiting
    assert row(history, "persons", "person_ref", "P7")["restricted"] is True


def test_what_protects_stays_where_the_load_is_dropped(history: State, deliver: Deliver) -> None:
    number = waits(history, deliver, {**person(restricted="true", died_on="2026-02-20"), **charge("acquitted")})
    reject_load(history, number, OPERATOR, "one word stood for many crimes")
    held = row(history, "persons", "person_ref", "P7")
    assert (held["restricted"], held["died_on"]) == (True, date(2026, 2, 20))
    assert row(history, "charges", "charge_ref", "H100")["outcome"] == "acquitted"
    assert history.records.known("charges").height == 60 * 8
    assert history.records.verify() == []


def test_the_waiting_loads_own_deletions_wait(history: State, deliver: Deliver) -> None:
    gone = [{"table": "charges", "ref": "H100", "deleted_at": "2026-03-01T00:00:00", "reason": ""}]
    number = waits(history, deliver, {"deletions": gone})
    assert row(history, "charges", "charge_ref", "H100")["outcome"] == "charged"
    accept(history, number)
    assert history.records.known("charges").height == 60 * 8 - 1 + 64
