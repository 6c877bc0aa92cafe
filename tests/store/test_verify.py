"""`log verify`: rows, files and chain against the lines kept outside, in the form that others rely on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.conftest import SETTINGS

from harmcast.errors import StoreDamaged
from harmcast.oversight.log import Event
from harmcast.store import checkpoints
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.store.verify import verify
from harmcast.weekly import run_week

BY = Event("setup", "operator", "administration", "user_added")


def test_whole_with_a_line_outside_exits_0_and_without_one_25(make_state: Callable[..., State], tmp_path: Path) -> None:
    alone = make_state()
    found = verify(alone)
    assert (found.exit_code, found.document()["whole"]) == (25, True)
    assert any("a rollback cannot be seen" in line for line in found.lines())
    watched = make_state(SETTINGS + f'\n[log]\ncheckpoint_dir = "{tmp_path / "elsewhere"}"\n', name="watched")
    point = checkpoints.write(watched)
    assert point is not None
    found = verify(watched)
    assert f"Looked at outside: checkpoint_dir; the first line is of {point.at}." in found.lines()
    assert (found.exit_code, found.document()) == (0, {"whole": True, "events": 3, "rows": 2, "witnesses": 1, "faults": []})


def test_a_changed_row_exits_24_and_says_table_key_entry_actor_and_time(make_state: Callable[..., State]) -> None:
    state = make_state()
    state.users.add("bob", "Bob", BY)
    entry = state.operations.entries()[-1]
    with state.operations.unlogged() as connection:
        connection.execute(sa.text("UPDATE users SET name = 'Rob'"))
    found = verify(state)
    assert found.exit_code == 24
    assert found.document()["faults"] == [{"kind": "row_changed", "table": "users", "key": "bob", "event": entry.seq}]
    assert f"  row_changed: users bob (entry {entry.seq} by setup, {entry.at}): is not what was written" in found.lines()


def test_the_weekly_run_stops_before_it_writes_where_a_row_is_not_what_was_written(make_state: Callable[..., State]) -> None:
    state = make_state()
    state.users.add("bob", "Bob", BY)
    with state.operations.unlogged() as connection:
        connection.execute(sa.text("UPDATE users SET name = 'Rob'"))
    entries = len(state.operations.entries())
    with pytest.raises(StoreDamaged) as refused:
        run_week(state, date(2026, 11, 22), Actor("op", "op", ()))
    assert refused.value.code == "row_unwritten"
    assert len(state.operations.entries()) == entries


def test_the_weekly_run_is_not_made_with_settings_changed_by_hand(make_state: Callable[..., State]) -> None:
    state = make_state()
    path = state.root / "settings" / "settings.toml"
    path.write_text(path.read_text() + "\n[web]\npeople_a_day = 100000\n")
    with pytest.raises(StoreDamaged) as refused:
        run_week(state, date(2026, 11, 22), Actor("op", "op", ()))
    assert refused.value.code == "settings_by_hand"


def test_settings_changed_by_hand_are_named(make_state: Callable[..., State]) -> None:
    state = make_state()
    made = state.operations.entries()[-1]
    path = state.root / "settings" / "settings.toml"
    text = path.read_text()
    path.write_text(text + "\n[web]\npeople_a_day = 100000\n")
    found = verify(state)
    assert found.exit_code == 24
    assert found.document()["faults"] == [{"kind": "file", "table": "settings", "key": None, "event": made.seq}]
    assert f"  file: settings (entry {made.seq} by system, {made.at}): are not those that were taken: changed by hand" in found.lines()
    path.write_text(text)
    assert verify(state).exit_code == 25


def test_a_changed_file_of_record_is_named(own_weeks: State) -> None:
    assert verify(own_weeks).faults == ()
    part = next(iter(sorted((own_weeks.root / "records").rglob("*.parquet"))))
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    release = next(iter(sorted((own_weeks.root / "releases").iterdir())))
    (release / "dictionary.json").write_text("{}")
    faults = verify(own_weeks).faults
    assert [(fault.kind, fault.table) for fault in faults] == [("file", "ledger")] * 2
    assert all(fault.event for fault in faults)
