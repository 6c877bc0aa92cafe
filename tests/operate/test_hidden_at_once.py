"""Whom a waiting load hides leaves the copies outside the pages with it, by whatever way it was loaded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from tests.conftest import Deliver, take_settings
from tests.force import OPERATOR
from tests.publish.qlik.by_hand import in_use, with_people

from harmcast import cli
from harmcast.commands import loads as commands
from harmcast.errors import NotFit
from harmcast.operate import qlik, service
from harmcast.store import loads
from harmcast.store.state import State, open_state

TODAY = date(2026, 11, 10)
MADE_AT = "2026-11-09T18:00:00"
LEAVES = '\n[web]\nqlik_people = true\nbase_url = "https://harmcast.force.example"\n'


@pytest.fixture
def leaving(own_weeks: State) -> State:
    """A state whose people leave for Qlik by its own settings file."""
    with_people(in_use(own_weeks, TODAY), TODAY)
    path = own_weeks.root / "settings" / "settings.toml"
    text = path.read_text()
    path.write_text(text.replace("[web]\n", LEAVES.lstrip()) if "[web]\n" in text else text + LEAVES)
    take_settings(own_weeks)
    own_weeks.close()
    return open_state(own_weeks.root)


def listed(state: State) -> set[str]:
    rows = qlik.table(state, "people", "dim_person")
    assert rows is not None
    return set(rows["person_key"].to_list())


def by_command(state: State, delivery: Path) -> None:
    cli.load(state.root, delivery)


def by_timer(state: State, delivery: Path) -> None:
    with pytest.raises(NotFit, match="waits"):
        service.run_due(state, TODAY, OPERATOR, delivery, catch_up=False)


@pytest.mark.parametrize("come", [by_command, by_timer])
def test_a_person_restricted_by_a_load_that_waits_is_gone_from_qlik_with_it(
    come: Callable[[State, Path], None], leaving: State, deliver: Deliver, rows: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    qlik.refresh(leaving, "operator", "operator", TODAY)
    key = min(listed(leaving))
    (ref,) = leaving.person_keys().filter(person_key=key)["person_ref"].to_list()
    monkeypatch.setattr("harmcast.runs.load._why_waits", lambda state, work: ("effects",))
    restricted = {**rows["persons"], "name": "Kim", "person_ref": ref, "restricted": "true", "changed_at": MADE_AT}
    come(leaving, deliver({"persons": [restricted]}, MADE_AT))
    load = loads.waiting(leaving.operations)
    assert load is not None
    assert key not in listed(leaving) != set()


def test_a_load_dropped_or_accepted_is_said_in_qlik_as_the_page_says_it(
    leaving: State, deliver: Deliver, rows: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harmcast.runs.load._why_waits", lambda state, work: ("effects",))
    where = {name: str(leaving.records.known("crimes")[name].drop_nulls()[0]) for name in ("easting_m", "northing_m")}
    crime = {**rows["crimes"], **where, "area": "", "domestic": "", "weapon_use": ""}
    for answer, standing in ((commands.reject, "rejected"), (commands.accept, "loaded")):
        cli.load(leaving.root, deliver({"crimes": [{**crime, "crime_ref": f"new {standing}"}]}, MADE_AT))
        load = loads.waiting(leaving.operations)
        assert load is not None
        assert said(leaving, load.number) == {"waiting"}
        answer(leaving.root, load=load.number, reason="Looked at")
        assert said(leaving, load.number) == {standing}


def said(state: State, load: int) -> set[str]:
    rows = qlik.table(state, "checks", "deliveries")
    assert rows is not None
    return set(rows.filter(delivery_key=str(load))["delivery_standing"].to_list())
