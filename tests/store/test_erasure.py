"""Forgetting, attacked in small: the search of `make bench-answers`, on both databases, over a state with weeks made."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from bench import erasure
from bench.accepted import load_accepted
from tests.force import OPERATOR, InventedForce

from harmcast.store import checkpoints
from harmcast.store.state import State, create
from harmcast.weekly import run_week

DUE = 25  # ten of them left the source: as many as one run erases unasked


def the_state(force: InventedForce, folder: Path, url: str | None) -> State:
    beside = folder / "settings"
    shutil.copytree(force.folder, beside, ignore=shutil.ignore_patterns("deliveries", "truth"))
    settings = beside / "settings.toml"
    text = settings.read_text() + f'\n[log]\ncheckpoint_dir = "{folder / "elsewhere"}"\n'
    settings.write_text(text + (f'\n[store]\nurl = "{url}"\n' if url else ""))
    state = create(folder / "state", settings)
    load_accepted(state, force.deliveries[0])
    run_week(state, force.mondays[0], OPERATOR, delivery=force.deliveries[1])
    return state


def test_nothing_of_the_forgotten_is_left_anywhere(invented_force: InventedForce, tmp_path: Path, store_url: str | None) -> None:
    if store_url and not any(Path("/usr/lib/postgresql").glob("*/bin/pg_dump")) and not shutil.which("pg_dump"):
        pytest.skip("no pg_dump here: the dump was not searched")
    state = the_state(invented_force, tmp_path, store_url)
    monday = invented_force.mondays[0]
    due = erasure.make_due(state, tmp_path / "due", invented_force.deliveries[0], DUE, datetime.combine(monday, datetime.min.time()).replace(hour=20))
    before = erasure.residue(state, due)
    assert {"exports", "records", "releases"} <= set(before.places)
    assert before.count > 5 * DUE
    if store_url:
        assert erasure.in_dump(store_url, due) > DUE
    left, overdue = erasure.forgotten(state, monday + timedelta(days=13))  # whoever left the source may still come back
    assert (left.count, overdue.count) == (0, DUE * 6 // 10)
    fortnight = monday + timedelta(days=14)
    left, overdue = erasure.forgotten(state, fortnight)
    assert (left.count, overdue.count) == (DUE * 4 // 10, 0)
    assert (fortnight - due.deleted_on).days <= 28
    assert erasure.residue(state, due).places == {}
    assert erasure.in_training(state, due) == 0
    if store_url:
        assert erasure.in_dump(store_url, due) == 0
    if not store_url:  # what is kept for the next week holds none of them either; once is enough
        run_week(state, fortnight, OPERATOR)
        assert erasure.residue(state, due).places == {}
    checkpoints.write(state)
    assert erasure.chain_findings(state) == 0
    assert state.records.verify() == []
    state.close()
