"""Deliveries into records: what is known, since when, and that every row is accounted for."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from bench.accepted import load_accepted

from harmcast.errors import AccessDenied, FeedRefused, RunStopped, StoreDamaged
from harmcast.oversight.access import Action, Ask, Role
from harmcast.oversight.log import Event
from harmcast.runs.load import FileCount, LoadResult
from harmcast.store import keys, ledger, schema
from harmcast.store.state import State

SETTINGS = """
[force]
name = "Test force"

[[tools]]
name = "iom"
kind = "people"
"""
Row = dict[str, str]
Good = dict[str, Row]
FIRST, SECOND, THIRD = "2026-03-02T05:00:00", "2026-03-09T05:00:00", "2026-03-16T05:00:00"
LATER = date(2026, 12, 31)


def counts(result: LoadResult) -> dict[str, FileCount]:
    assert all(count.adds_up for count in result.files)
    return {count.table: count for count in result.files}


def all_of(rows: Good, **changes: Row) -> dict[str, list[Row]]:
    return {name: [{**row, **changes.get(name, {})}] for name, row in rows.items()}


@pytest.fixture
def first(state: State, deliver: Callable[..., Path], rows: Good) -> LoadResult:
    return load_accepted(state, deliver(all_of(rows), FIRST))


def test_a_first_delivery_is_loaded_whole(any_state: State, deliver: Callable[..., Path], rows: Good) -> None:
    found = counts(load_accepted(any_state, deliver(all_of(rows), FIRST), actor="ann"))
    assert {name: count.loaded for name, count in found.items()} == {"crimes": 1, "persons": 1, "charges": 1}
    crimes = any_state.records.crimes(LATER)
    assert crimes["crime_ref"].to_list() == ["C1"]
    assert crimes["easting_m"].to_list() == [400100.0]
    event = next(e for e in any_state.operations.entries() if e.action == "delivery_loaded")
    assert (event.actor, event.kind) == ("ann", "collection")


def test_history_is_known_from_the_day_it_was_recorded(state: State, first: LoadResult) -> None:
    assert state.records.crimes(date(2026, 1, 5)).is_empty()
    assert state.records.crimes(date(2026, 1, 6)).height == 1


def test_a_later_row_is_known_from_the_day_of_its_delivery(
    state: State, first: LoadResult, deliver: Callable[..., Path], rows: Good
) -> None:
    late = {**rows["crimes"], "crime_ref": "C2"}
    load_accepted(state, deliver({"crimes": [late]}, SECOND))
    assert state.records.crimes(date(2026, 3, 8))["crime_ref"].to_list() == ["C1"]
    assert state.records.crimes(date(2026, 3, 9))["crime_ref"].to_list() == ["C1", "C2"]


def test_a_charge_of_history_with_a_result_is_two_versions(
    state: State, deliver: Callable[..., Path], rows: Good
) -> None:
    result = {"outcome": "acquitted", "outcome_on": "2026-02-10"}
    load_accepted(state, deliver(all_of(rows, charges=result), FIRST))
    found = state.records.charge_versions().select("outcome", "outcome_on", "known_on").rows()
    assert found == [("charged", None, date(2026, 1, 7)), ("acquitted", date(2026, 2, 10), date(2026, 2, 10))]


def test_a_correction_supersedes_and_the_past_stays(
    state: State, first: LoadResult, deliver: Callable[..., Path], rows: Good
) -> None:
    moved = {**rows["crimes"], "easting_m": "401000.0", "changed_at": "2026-03-05T10:00:00"}
    found = counts(load_accepted(state, deliver({"crimes": [moved]}, SECOND)))
    assert found["crimes"].loaded == 1
    assert state.records.crimes(date(2026, 3, 8))["easting_m"].to_list() == [400100.0]
    assert state.records.crimes(date(2026, 3, 9))["easting_m"].to_list() == [401000.0]
    assert state.records.crimes(LATER, upto_part=1)["easting_m"].to_list() == [400100.0]


def test_an_older_row_is_superseded(state: State, first: LoadResult, deliver: Callable[..., Path], rows: Good) -> None:
    older = {**rows["crimes"], "easting_m": "1.0", "changed_at": "2026-01-06T08:00:00"}
    found = counts(load_accepted(state, deliver({"crimes": [older]}, SECOND)))
    assert (found["crimes"].loaded, found["crimes"].superseded) == (0, 1)
    assert state.records.crimes(LATER)["easting_m"].to_list() == [400100.0]


def test_the_last_changed_of_a_repeated_key_stands(state: State, deliver: Callable[..., Path], rows: Good) -> None:
    newer = {**rows["crimes"], "weapon": "firearm", "changed_at": "2026-01-08T00:00:00"}
    found = counts(load_accepted(state, deliver({**all_of(rows), "crimes": [newer, rows["crimes"]]}, FIRST)))
    assert (found["crimes"].loaded, found["crimes"].superseded) == (1, 1)
    assert found["crimes"].notes["key_repeated"] == 1
    assert state.records.crimes(LATER)["weapon"].to_list() == ["firearm"]


def test_the_same_delivery_again_changes_nothing(state: State, deliver: Callable[..., Path], rows: Good) -> None:
    delivery = deliver(all_of(rows), FIRST)
    load_accepted(state, delivery)
    before = {p.name: p.read_bytes() for p in (state.root / "records").iterdir()}
    again = load_accepted(state, delivery)
    assert again.changed_rows == 0
    assert again.sequence is None
    assert {p.name: p.read_bytes() for p in (state.root / "records").iterdir()} == before


def test_a_listed_deletion_goes_and_is_remembered_as_known_before(
    state: State, first: LoadResult, deliver: Callable[..., Path], rows: Good
) -> None:
    gone = {"table": "crimes", "ref": "C1", "deleted_at": "2026-03-08T12:00:00", "reason": ""}
    delivery = deliver({"deletions": [gone]}, SECOND)
    found = counts(load_accepted(state, delivery))
    assert (found["deletions"].loaded, found["deletions"].deleted) == (1, 1)
    assert state.records.crimes(date(2026, 3, 8)).height == 1
    assert state.records.crimes(LATER).is_empty()
    assert counts(load_accepted(state, delivery))["deletions"].unchanged == 1


def test_what_a_complete_extract_lacks_was_deleted(
    state: State, first: LoadResult, deliver: Callable[..., Path], rows: Good
) -> None:
    other = {**rows["crimes"], "crime_ref": "C2"}
    found = counts(load_accepted(state, deliver({**all_of(rows), "crimes": [other]}, SECOND, complete=True)))
    assert (found["crimes"].loaded, found["crimes"].deleted) == (1, 1)
    assert state.records.crimes(LATER)["crime_ref"].to_list() == ["C2"]


def test_what_is_absent_from_a_part_extract_stays(
    state: State, first: LoadResult, deliver: Callable[..., Path], rows: Good
) -> None:
    other = {**rows["crimes"], "crime_ref": "C2"}
    load_accepted(state, deliver({"crimes": [other]}, SECOND))
    assert state.records.crimes(LATER).height == 2


def test_a_row_that_is_there_but_broken_is_not_taken_as_deleted(
    make_state: Callable[..., State], deliver: Callable[..., Path], rows: Good
) -> None:
    state = make_state("[feed]\nquarantine_max_share = 0.5\n" + SETTINGS)
    load_accepted(state, deliver(all_of(rows), FIRST))
    broken = {**rows["crimes"], "recorded_at": "yesterday"}
    fine = [{**rows["crimes"], "crime_ref": f"C{i}"} for i in range(2, 6)]
    load_accepted(state, deliver({**all_of(rows), "crimes": [broken, *fine]}, SECOND, complete=True))
    assert "C1" in state.records.crimes(LATER)["crime_ref"].to_list()


def test_an_older_complete_extract_deletes_nothing(
    state: State, first: LoadResult, deliver: Callable[..., Path], rows: Good
) -> None:
    load_accepted(state, deliver({"crimes": [{**rows["crimes"], "crime_ref": "C2"}]}, THIRD))
    other = {**rows["crimes"], "crime_ref": "C3"}
    result = load_accepted(state, deliver({**all_of(rows), "crimes": [other]}, SECOND, complete=True))
    assert state.records.crimes(LATER).height == 3
    assert any("later extract" in warning for warning in result.warnings)


def test_people_without_a_charge_are_counted_not_kept(state: State, deliver: Callable[..., Path], rows: Good) -> None:
    other = {**rows["persons"], "person_ref": "P9"}
    found = counts(load_accepted(state, deliver({**all_of(rows), "persons": [rows["persons"], other]}, FIRST)))
    assert (found["persons"].loaded, found["persons"].left_out) == (1, 1)
    for path in (state.root / "records").iterdir():
        assert b"P9" not in path.read_bytes()
    assert keys.held(state.operations)["person_ref"].to_list() == ["P1"]


def test_a_charge_waits_for_its_person(state: State, deliver: Callable[..., Path], rows: Good) -> None:
    load_accepted(state, deliver(all_of(rows), FIRST))
    charge = {**rows["charges"], "charge_ref": "H2", "person_ref": "P2"}
    found = counts(load_accepted(state, deliver({"charges": [charge]}, SECOND)))
    assert (found["charges"].loaded, found["charges"].waiting) == (1, 1)
    assert state.records.charge_versions()["charge_ref"].to_list() == ["H1"]
    person = {**rows["persons"], "person_ref": "P2"}
    load_accepted(state, deliver({"persons": [person]}, THIRD))
    versions = state.records.charge_versions()
    assert versions["charge_ref"].to_list() == ["H1", "H2"]
    assert versions["known_on"].to_list()[1] == date(2026, 3, 16)
    assert state.records.charge_versions(upto_part=2)["charge_ref"].to_list() == ["H1"]


def test_a_person_merged_into_another_brings_that_one(state: State, deliver: Callable[..., Path], rows: Good) -> None:
    old = {**rows["persons"], "merged_into": "P2"}
    new = {**rows["persons"], "person_ref": "P2"}
    found = counts(load_accepted(state, deliver({**all_of(rows), "persons": [old, new]}, FIRST)))
    assert found["persons"].loaded == 2


def test_a_deleted_charge_is_a_version(state: State, first: LoadResult, deliver: Callable[..., Path]) -> None:
    gone = {"table": "charges", "ref": "H1", "deleted_at": "2026-03-08T12:00:00", "reason": ""}
    load_accepted(state, deliver({"deletions": [gone]}, SECOND))
    found = state.records.charge_versions().select("known_on", "deleted", "person_ref").rows()
    assert found == [(date(2026, 1, 7), False, "P1"), (date(2026, 3, 9), True, "P1")]


def test_protected_columns_lie_apart_and_each_reading_is_logged(state: State, first: LoadResult) -> None:
    assert set(state.records.persons().columns) & {"born_on", "sex", "ethnicity_self", "ethnicity_officer"} == set()
    event = Event("system", "operator", "consultation", "protected_read", object="week:2026-W10")
    before = len(state.operations.entries())
    minors = state.records.protected("people.minors", event)
    assert minors.columns == ["person_ref", "born_on"]
    entry = state.operations.entries()[before]
    assert json.loads(entry.detail) == {"reader": "people.minors", "columns": ["person_ref", "born_on"]}
    assert state.records.protected("fairness.groups", event)["sex"].to_list() == ["F"]
    for path in (state.root / "records").glob("*_persons.parquet"):
        assert {"born_on", "sex"} & set(pl.read_parquet_schema(path)) == set()


def test_names_leave_by_an_answered_question_alone(state: State, deliver: Callable[..., Path], rows: Good) -> None:
    load_accepted(state, deliver(all_of(rows, persons={"name": "Ada Example"}), FIRST))
    may = Ask(
        role=Role.SUPERVISOR, action=Action.LIST_PEOPLE, about_tool=False, tool_status="", tool_shown=True, trained=True, about_person=False,
        own_unit=False, restricted=False, on_list=False, purpose=None, ask_purpose=False,
    )  # fmt: skip
    assert state.records.names(may).rows() == [("P1", "Ada Example")]
    for closed in (replace(may, role=None), replace(may, role=Role.DATA_SCIENTIST), replace(may, trained=False)):
        with pytest.raises(AccessDenied):
            state.records.names(closed)
    assert "name" not in state.records.persons().columns
    assert "name" not in state.records.known("persons").columns
    assert "name" not in state.records.known("persons", columns=["person_ref", "name"]).columns


def test_keys_are_random_to_an_outsider_and_the_same_in_a_copy(state: State, first: LoadResult) -> None:
    key = keys.key_of(state.operations, "P1")
    assert key == keys.person_key(state.secret, 1)
    assert key != keys.person_key(b"x" * 32, 1)


def test_words_about_a_person_are_sealed_under_that_person(state: State, first: LoadResult) -> None:
    key = str(keys.key_of(state.operations, "P1"))
    with state.operations.reading() as connection:
        sealed = keys.sealed(connection, key, "spoke to neighbours")
        assert b"neighbours" not in sealed
        assert keys.opened(connection, key, sealed) == "spoke to neighbours"
        with pytest.raises(StoreDamaged):
            keys.opened(connection, key, sealed[:-1] + b"\x00")
        with pytest.raises(KeyError):
            keys.sealed(connection, "nobody", "x")
        assert keys.opened(connection, "nobody", sealed) is None


def test_a_refusal_is_on_record_and_changes_nothing(
    state: State, first: LoadResult, deliver: Callable[..., Path], rows: Good
) -> None:
    with pytest.raises(FeedRefused):
        load_accepted(state, deliver(all_of(rows, crimes={"status": "lost"}), SECOND))
    assert state.records.latest() == 1
    assert state.operations.entries()[-1].action == "delivery_refused"
    held = state.operations.rows(sa.select(schema.deliveries).where(schema.deliveries.c.standing == "refused"))
    assert held[0]["code"] == "value_new"
    fault = json.loads(held[0]["document"])["faults"][0]
    assert (fault["rule"], fault["column"], fault["count"], fault["rows"], fault["values"]) == ("value_new", "status", 1, [1], [["lost", 1]])


def test_a_name_used_again_for_other_content_is_refused(state: State, deliver: Callable[..., Path], rows: Good) -> None:
    load_accepted(state, deliver(all_of(rows), FIRST, delivery_id="week-1"))
    with pytest.raises(FeedRefused) as raised:
        load_accepted(state, deliver(all_of(rows, crimes={"weapon": "none"}), SECOND, delivery_id="week-1"))
    assert raised.value.code == "delivery_id_reused"


def test_one_run_at_a_time(state: State, deliver: Callable[..., Path], rows: Good) -> None:
    from harmcast.store.state import open_state

    other = open_state(state.root)
    with other.run_lock("weekly run", "ann"), pytest.raises(RunStopped) as raised:
        load_accepted(state, deliver(all_of(rows), FIRST))
    assert raised.value.code == "run_in_progress"
    assert "weekly run by ann" in raised.value.message
    load_accepted(state, deliver(all_of(rows), FIRST))


def test_what_the_ledger_does_not_name_does_not_exist(
    state: State, first: LoadResult, deliver: Callable[..., Path], rows: Good, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    moved = deliver({"crimes": [{**rows["crimes"], "crime_ref": "C2"}]}, SECOND)
    with monkeypatch.context() as patch:
        patch.setattr(ledger, "add", killed)
        with pytest.raises(KeyboardInterrupt):
            load_accepted(state, moved)
    assert (state.root / "records/000002_crimes.parquet").exists()
    assert state.records.crimes(LATER).height == 1
    load_accepted(state, moved)
    assert state.records.crimes(LATER).height == 2


@pytest.mark.parametrize("how", ["gone", "cut", "garbled"])
def test_a_damaged_part_is_named(state: State, first: LoadResult, how: str) -> None:
    path = state.root / "records/000001_crimes.parquet"
    content = path.read_bytes()
    if how == "gone":
        path.unlink()
    elif how == "cut":
        path.write_bytes(content[:-20])
    else:
        path.write_bytes(bytes(255 - byte for byte in content))
    with pytest.raises(StoreDamaged):
        state.records.crimes(LATER)
    assert state.records.verify() == ["records/000001_crimes.parquet"]


def test_the_data_hash_names_what_was_known(
    state: State, first: LoadResult, deliver: Callable[..., Path], rows: Good
) -> None:
    before = state.records.data_hash()
    load_accepted(state, deliver({"crimes": [{**rows["crimes"], "crime_ref": "C2"}]}, SECOND))
    assert state.records.data_hash() != before
    assert state.records.data_hash(upto_part=1) == before


def test_a_new_offence_code_is_loaded_and_flagged(
    state: State, first: LoadResult, deliver: Callable[..., Path], rows: Good
) -> None:
    new = {**rows["crimes"], "crime_ref": "C2", "offence_code": "999/99"}
    result = load_accepted(state, deliver({"crimes": [new]}, SECOND))
    assert counts(result)["crimes"].notes["offence_code_new"] == 1
    assert result.warnings


def test_cancelled_crimes_are_left_out_unless_asked_for(
    state: State, first: LoadResult, deliver: Callable[..., Path], rows: Good
) -> None:
    off = {**rows["crimes"], "status": "cancelled", "changed_at": "2026-03-05T00:00:00"}
    load_accepted(state, deliver({"crimes": [off]}, SECOND))
    assert state.records.crimes(date(2026, 3, 8)).height == 1
    assert state.records.crimes(LATER).is_empty()
    assert state.records.crimes(LATER, cancelled=True).height == 1
