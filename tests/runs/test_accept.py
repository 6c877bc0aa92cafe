"""A load that waits counts in nothing, but for what protects people; accepted or dropped, it does so whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from bench.accepted import accept, load_accepted

from harmcast.errors import AccessDenied, NotFit
from harmcast.operate import service
from harmcast.oversight.log import Event
from harmcast.runs.accept import accept_load, reject_load, retake_cuts
from harmcast.runs.load import load_delivery, try_delivery
from harmcast.store import loads, schema
from harmcast.store.state import State, open_state
from harmcast.store.users import Actor
from harmcast.weekly import run_week

FIRST, SECOND, THIRD = "2026-03-02T05:00:00", "2026-03-09T05:00:00", "2026-03-16T05:00:00"
OPERATOR = Actor("operator", "Operator", (("operator", None),))
SCIENTIST = Actor("ann", "Ann", (("data_scientist", None),))
BOTH = Actor("ann", "Ann", (("data_scientist", None), ("supervisor", None)))
SUPERVISOR = Actor("bob", "Bob", (("supervisor", None),))
Good = dict[str, dict[str, str]]
Deliver = Callable[..., Path]


def whole(rows: Good, **changed: dict[str, str]) -> dict[str, list[dict[str, str]]]:
    return {table: [{**row, **changed.get(table, {})}] for table, row in rows.items()}


def held_by_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the next load wait, whatever its effects."""
    monkeypatch.setattr("harmcast.runs.load._why_waits", lambda state, work: ("effects",))


def test_the_first_load_waits_and_no_read_counts_it(state: State, deliver: Deliver, rows: Good) -> None:
    result = load_delivery(state, deliver(whole(rows), FIRST))
    assert (result.waiting, result.why_waits) == (True, ("first_load",))
    assert state.records.latest() == 0
    assert state.records.crimes(date(2030, 1, 1)).is_empty()
    assert state.person_keys().is_empty()
    assert state.if_accepted().records.crimes(date(2030, 1, 1))["crime_ref"].to_list() == ["C1"]


def test_accepted_it_counts_from_its_own_dates_on(state: State, deliver: Deliver, rows: Good) -> None:
    result = load_delivery(state, deliver(whole(rows), FIRST))
    accept_load(state, 1, OPERATOR, "compared with the published figures")
    assert state.records.latest() == result.sequence == 1
    assert state.records.crimes(date(2026, 1, 6))["crime_ref"].to_list() == ["C1"]
    assert state.records.crimes(date(2026, 1, 5)).is_empty()
    assert state.person_keys().height == 1
    event = next(entry for entry in state.operations.entries() if entry.action == "load_accepted")
    assert (event.action, event.actor, event.purpose) == ("load_accepted", "operator", "compared with the published figures")
    assert '"by": "set-up"' in event.detail or '"by":"set-up"' in event.detail


def test_a_second_load_counts_at_once(state: State, deliver: Deliver, rows: Good) -> None:
    load_accepted(state, deliver(whole(rows), FIRST))
    result = load_delivery(state, deliver({"crimes": [{**rows["crimes"], "crime_ref": "C2"}]}, SECOND))
    assert not result.waiting
    assert loads.numbered(state.operations, 2).accepted_by == "rule"
    assert state.records.crimes(date(2030, 1, 1)).height == 2


def test_while_one_waits_another_load_and_a_week_are_stopped_by_name(state: State, deliver: Deliver, rows: Good) -> None:
    load_delivery(state, deliver(whole(rows), FIRST))
    for work in (
        lambda: load_delivery(state, deliver(whole(rows), SECOND)),
        lambda: run_week(state, date(2026, 3, 2), OPERATOR),
    ):
        with pytest.raises(NotFit) as stopped:
            work()
        assert (stopped.value.code, stopped.value.exit_code) == ("load_waiting", 23)
        assert "accept STATE --load 1" in stopped.value.next_step


def test_a_timer_whose_load_waits_asks_a_person_before_it_asks_for_a_delivery(state: State, deliver: Deliver, rows: Good) -> None:
    load_delivery(state, deliver(whole(rows), FIRST))
    with pytest.raises(NotFit) as stopped:
        service.stop_if_nothing_came(state, date(2026, 3, 23))
    assert stopped.value.code == "load_waiting"


def test_a_week_that_is_handed_the_first_delivery_stops_at_it(state: State, deliver: Deliver, rows: Good) -> None:
    with pytest.raises(NotFit) as stopped:
        run_week(state, date(2026, 3, 2), OPERATOR, delivery=deliver(whole(rows), FIRST))
    assert stopped.value.code == "load_waiting"
    assert state.releases.names() == []
    assert loads.waiting(state.operations) is not None


def test_a_rejected_load_leaves_nothing_and_can_be_sent_again(state: State, deliver: Deliver, rows: Good) -> None:
    delivery = deliver(whole(rows), FIRST)
    load_delivery(state, delivery)
    reject_load(state, 1, OPERATOR, "codes were cut short")
    assert loads.waiting(state.operations) is None
    assert state.records.latest() == 0
    again = load_delivery(state, delivery)
    assert (again.load, again.waiting, again.files[0].loaded) == (2, True, 1)
    accept(state, 2)
    assert state.records.crimes(date(2030, 1, 1)).height == 1
    assert state.if_accepted().records.verify() == []
    assert len(list((state.root / "records").iterdir())) == 4


@pytest.mark.parametrize("number", [2, 7])
def test_only_the_load_that_waits_can_be_accepted(state: State, deliver: Deliver, rows: Good, number: int) -> None:
    load_delivery(state, deliver(whole(rows), FIRST))
    with pytest.raises(NotFit) as refused:
        accept_load(state, number, OPERATOR, "words")
    assert refused.value.code == "load_not_waiting"
    with pytest.raises(NotFit) as refused:
        accept_load(state, 1, OPERATOR, "  ")
    assert refused.value.code == "reason_needed"
    assert loads.waiting(state.operations) is not None


def with_users(state: State) -> None:
    state.users.add("ann", "Ann", Event("setup", "operator", "administration", "user_added"))


def test_with_users_a_data_scientist_accepts_and_nobody_else(state: State, deliver: Deliver, rows: Good) -> None:
    with_users(state)
    load_delivery(state, deliver(whole(rows), FIRST))
    for actor in (OPERATOR, SUPERVISOR, Actor("pat", "Pat", (("administrator", None),))):
        with pytest.raises(AccessDenied):
            accept_load(state, 1, actor, "words")
    accept_load(state, 1, SCIENTIST, "words")
    assert loads.numbered(state.operations, 1).accepted_by == "ann"


def needing_two(state: State) -> None:
    import json

    import sqlalchemy as sa

    table = schema.deliveries
    with state.operations.writing(Event("t", "operator", "collection", "made_to_need_two")) as tx:
        note = json.loads(tx.execute(sa.select(table.c.document)).scalar_one())
        tx.execute(sa.update(table).values(document=json.dumps({**note, "needs": 2})))


def test_where_two_are_needed_one_is_not_enough_even_with_both_roles(state: State, deliver: Deliver, rows: Good) -> None:
    with_users(state)
    load_delivery(state, deliver(whole(rows), FIRST))
    needing_two(state)
    with pytest.raises(NotFit) as refused:
        accept_load(state, 1, SUPERVISOR, "words", second=True)
    assert refused.value.code == "first_person_missing"
    accept_load(state, 1, BOTH, "the force deleted them, letter of 3 March")
    assert state.records.latest() == 0
    with pytest.raises(AccessDenied) as denied:
        accept_load(state, 1, BOTH, "words", second=True)
    assert denied.value.code == "second_person_needed"
    with pytest.raises(NotFit):
        accept_load(state, 1, BOTH, "words")
    assert state.records.latest() == 0
    accept_load(state, 1, SUPERVISOR, "seen the letter", second=True)
    found = loads.numbered(state.operations, 1)
    assert (found.first_by, found.accepted_by, found.standing) == ("ann", "bob", "loaded")
    assert state.records.latest() == 1


# -- what protects people does not wait -----------------------------------------------------------

FELL = {"outcome": "acquitted", "outcome_on": "2026-03-05", "changed_at": "2026-03-05T10:00:00"}


def waiting_week(state: State, deliver: Deliver, rows: Good, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second delivery that waits: the person is restricted and dead, the charge fell away, a crime is new, unit and place moved."""
    load_accepted(state, deliver(whole(rows), FIRST))
    held_by_rule(monkeypatch)
    later = {"changed_at": "2026-03-05T10:00:00"}
    changed = whole(rows, persons={"restricted": "true", "died_on": "2026-03-04", "unit": "South", **later}, charges={**FELL, "offence_code": "001"})
    load_delivery(state, deliver({**changed, "crimes": [{**rows["crimes"], "crime_ref": "C2"}]}, SECOND))


def test_restriction_death_and_acquittal_count_at_once_and_nothing_else_does(
    state: State, deliver: Deliver, rows: Good, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting_week(state, deliver, rows, monkeypatch)
    person = state.records.persons().row(0, named=True)
    assert (person["restricted"], person["died_on"], person["unit"]) == (True, date(2026, 3, 4), "North")
    charge = state.records.known("charges").row(0, named=True)
    assert (charge["outcome"], charge["outcome_on"], charge["offence_code"]) == ("acquitted", date(2026, 3, 5), "008/01")
    assert state.records.crimes(date(2030, 1, 1)).height == 1
    assert state.records.persons(as_of=date(2026, 3, 8)).row(0, named=True)["restricted"] is False
    versions = state.records.charge_versions()
    assert versions["outcome"].to_list()[-1] == "acquitted"
    accept(state, 2)
    assert state.records.persons().row(0, named=True)["unit"] == "South"
    assert state.records.known("charges").row(0, named=True)["offence_code"] == "001"
    assert state.records.crimes(date(2030, 1, 1)).height == 2


def test_what_protected_stays_after_a_rejection_until_the_source_says_otherwise(
    state: State, deliver: Deliver, rows: Good, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting_week(state, deliver, rows, monkeypatch)
    reject_load(state, 2, OPERATOR, "somebody else's extract")
    assert state.records.persons().row(0, named=True)["restricted"] is True
    monkeypatch.undo()
    load_accepted(state, deliver({"persons": [rows["persons"]], "charges": [rows["charges"]]}, THIRD))
    assert state.records.persons().row(0, named=True)["restricted"] is False
    assert state.records.persons().row(0, named=True)["died_on"] is None
    assert state.records.known("charges").row(0, named=True)["outcome"] == "charged"


def test_deletions_of_a_waiting_load_wait(state: State, deliver: Deliver, rows: Good, monkeypatch: pytest.MonkeyPatch) -> None:
    load_accepted(state, deliver(whole(rows), FIRST))
    held_by_rule(monkeypatch)
    gone = {"table": "persons", "ref": "P1", "deleted_at": "2026-03-08T00:00:00", "reason": ""}
    load_delivery(state, deliver({"deletions": [gone]}, SECOND))
    assert state.records.persons().height == 1
    accept(state, 2)
    assert state.records.persons().height == 0


# -- a new mapping, a dry run, the cuts ------------------------------------------------------------


def test_a_dry_run_says_the_same_and_writes_nothing(state: State, deliver: Deliver, rows: Good) -> None:
    delivery = deliver(whole(rows), FIRST)
    entries = len(state.operations.entries())
    result = try_delivery(state, delivery)
    assert (result.load, result.why_waits, [f.loaded for f in result.files]) == (None, ("first_load",), [1, 1, 1])
    assert len(state.operations.entries()) == entries
    assert list((state.root / "records").iterdir()) == []


MAPPED = """
[force]
name = "Test force"
[feed]
mapping = "mapping.toml"
[[tools]]
name = "knife_injury"
kind = "places"
cell_area_km2 = 1.0
where = { weapon = ["knife"] }
"""
COLUMNS = ["crime_ref", "offence_code", "happened_from", "happened_to", "recorded_at", "changed_at", "status", "easting_m", "northing_m", "weapon", "injury"]
MAPPING = '[tables.crimes]\nfile = "crimes.csv"\n[tables.crimes.columns]\n' + "".join(f'{name} = "{name}"\n' for name in COLUMNS)


def test_a_load_after_a_new_mapping_waits(make_state: Callable[..., State], deliver: Deliver, rows: Good) -> None:
    state = make_state(MAPPED, {"mapping.toml": MAPPING})
    load_accepted(state, deliver({"crimes": [rows["crimes"]]}, FIRST))
    (state.root / "settings" / "mapping.toml").write_text(MAPPING + "# edited\n")
    state = open_state(state.root)
    result = load_delivery(state, deliver({"crimes": [{**rows["crimes"], "crime_ref": "C2"}]}, SECOND))
    assert result.why_waits == ("new_mapping",)
    accept(state, 2)
    assert not load_delivery(state, deliver({"crimes": [{**rows["crimes"], "crime_ref": "C3"}]}, THIRD)).waiting
    state.close()


CUTS = """
[bands]
cuts = [10, 50, 200, 900]
"""


def cuts_held(state: State) -> list[Any]:
    import sqlalchemy as sa

    return [row["cuts"] for row in state.operations.rows(sa.select(schema.band_cuts).order_by(schema.band_cuts.c.id))]


def test_cuts_are_taken_at_acceptance_and_again_only_by_command(make_state: Callable[..., State], deliver: Deliver, rows: Good) -> None:
    from tests.conftest import SETTINGS

    state = make_state(SETTINGS + CUTS)
    load_delivery(state, deliver(whole(rows), FIRST))
    assert cuts_held(state) == []
    accept_load(state, 1, OPERATOR, "compared")
    assert cuts_held(state) == ["[10.0, 50.0, 200.0, 900.0]"]
    load_accepted(state, deliver({"crimes": [{**rows["crimes"], "crime_ref": "C2"}]}, SECOND))
    assert len(cuts_held(state)) == 1
    retake_cuts(state, OPERATOR, date(2026, 3, 9), "a new index edition")
    assert len(cuts_held(state)) == 2
    assert state.operations.entries()[-1].action == "cuts_taken_again"
    with_users(state)
    with pytest.raises(AccessDenied):
        retake_cuts(state, SUPERVISOR, date(2026, 3, 9), "words")


def test_under_a_harm_index_without_cuts_no_week_scores_anybody(state: State, deliver: Deliver, rows: Good) -> None:
    from harmcast.runs.people import cuts_of

    load_accepted(state, deliver(whole(rows), FIRST))
    tool = state.settings.people_tool
    assert tool is not None
    with pytest.raises(NotFit) as refused:
        cuts_of(state, tool, "0" * 64)
    assert refused.value.code == "cuts_not_taken"


def test_a_bands_setting_that_has_no_effect_is_refused(make_state: Callable[..., State], deliver: Deliver, rows: Good) -> None:
    from tests.conftest import SETTINGS

    from harmcast.errors import SettingsRefused
    from harmcast.runs.people import cuts_of, index_of

    state = make_state(SETTINGS + CUTS)
    load_accepted(state, deliver(whole(rows), FIRST))
    settings = state.root / "settings" / "settings.toml"
    settings.write_text(settings.read_text().replace("[10, 50, 200, 900]", "[10, 50, 300, 900]"))
    changed = open_state(state.root)
    tool = changed.settings.people_tool
    assert tool is not None
    _, digest = index_of(changed, tool)
    with pytest.raises(SettingsRefused) as refused:
        cuts_of(changed, tool, digest)
    assert refused.value.code == "bands_without_effect"
    retake_cuts(changed, OPERATOR, date(2026, 3, 9), "the index has a new edition")
    assert cuts_of(changed, tool, digest).values == (10.0, 50.0, 300.0, 900.0)
    changed.close()
