"""Backups: what comes back is what was there; what is not whole is refused."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from bench.accepted import load_accepted
from bench.faults import backups
from tests.conftest import SETTINGS

from harmcast.errors import HarmcastError, SettingsRefused, StoreDamaged
from harmcast.oversight import log
from harmcast.store import backup, keys
from harmcast.store.state import State, open_state
from harmcast.store.users import Actor

ACTOR = Actor("olu", "Olu", (("administrator", None),))
Good = dict[str, dict[str, str]]


@pytest.fixture
def full(any_state: State, deliver: Callable[..., Path], rows: Good) -> State:
    load_accepted(any_state, deliver({name: [row] for name, row in rows.items()}, "2026-03-02T05:00:00"))
    return any_state


def test_what_comes_back_is_what_was_there(full: State, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar"
    before = (full.records.data_hash(), keys.held(full.operations).rows(), full.operations.entries())
    made = backup.back_up(full, file, ACTOR)
    assert file.stat().st_mode & 0o077 == 0
    assert made.files > 3
    if not full.operations.is_sqlite:
        with pytest.raises(HarmcastError) as raised:
            backup.restore(file, tmp_path / "again")
        assert raised.value.code == "store_in_use"
        with full.operations.unlogged() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
        full.operations.close()
    result = backup.restore(file, tmp_path / "again")
    assert result.rows == made.rows
    again = open_state(tmp_path / "again")
    entries = again.operations.entries()
    assert (again.records.data_hash(), keys.held(again.operations).rows(), entries[: len(before[2])]) == before
    assert entries[-1].action == "state_restored"
    assert log.verify(entries) == []
    assert again.records.crimes(date(2026, 12, 31)).height == 1
    assert again.records.verify() == []
    with again.operations.writing(log.Event("ann", "administrator", "administration", "x")) as tx:
        from harmcast.store import schema

        tx.insert(schema.alerts, at=tx.at, kind="test", words="numbers go on")
    again.close()


@pytest.fixture
def whole(make_state: Callable[..., State], deliver: Callable[..., Path], rows: Good, tmp_path: Path) -> bytes:
    state = make_state(SETTINGS)
    load_accepted(state, deliver({name: [row] for name, row in rows.items()}, "2026-03-02T05:00:00"))
    backup.back_up(state, tmp_path / "whole.tar", ACTOR)
    return (tmp_path / "whole.tar").read_bytes()


@pytest.mark.parametrize("kind", backups.KINDS)
def test_a_backup_that_is_not_whole_is_refused(kind: str, whole: bytes, tmp_path: Path) -> None:
    assert backups.let_in(tmp_path, backups.KINDS[kind](whole, random.Random(kind))) is None


def test_nothing_is_written_over(full: State, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar"
    file.write_text("mine")
    with pytest.raises(SettingsRefused):
        backup.back_up(full, file, ACTOR)
    with pytest.raises((SettingsRefused, StoreDamaged)):
        backup.restore(file, full.root)
    assert file.read_text() == "mine"


def test_a_backup_goes_to_no_folder_that_is_not_there(state: State, tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match="is not there"):
        backup.back_up(state, tmp_path / "not-mounted" / "whole.tar", ACTOR)
    assert not (tmp_path / "not-mounted").exists()
