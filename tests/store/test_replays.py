"""Deliveries replayed, reordered and overlapping change nothing; what is held is what a plain reading of the rules says."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from bench.accepted import load_accepted
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.conftest import CRIME, write_csv

from harmcast.errors import FeedRefused
from harmcast.store import state as states
from harmcast.store.state import State

SETTINGS = """
[force]
name = "Replays"

[[tools]]
name = "knife_injury"
kind = "places"
cell_area_km2 = 1.0
where = { weapon = ["knife"] }
"""
START = datetime(2026, 3, 2, 5)
KEYS = [f"C{i}" for i in range(5)]
WEAPONS = ["none", "knife", "firearm"]


@dataclass
class Delivery:
    """What one delivery says: rows (key, weapon, hour of change), deletions (key, hour), and whether it is complete."""

    rows: list[tuple[str, str, int]]
    deletions: list[tuple[str, int]] = field(default_factory=list)
    complete: bool = False


@st.composite
def deliveries(draw: st.DrawFn) -> list[Delivery]:
    found = []
    count = draw(st.integers(2, 5))
    for number in range(count):
        hours = st.integers(0, 24 * 7 * number)  # changed before this delivery was made
        rows = draw(st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(WEAPONS), hours), max_size=6))
        complete = draw(st.booleans())
        deleted = [] if number == 0 else draw(st.lists(st.tuples(st.sampled_from(KEYS), hours), max_size=2))
        found.append(Delivery(rows, deleted, complete))
    return found


def moment(hour: int) -> str:
    return (START - timedelta(days=1) + timedelta(hours=hour)).isoformat()


def made_at(number: int) -> datetime:
    return START + timedelta(weeks=number)


def write(folder: Path, number: int, delivery: Delivery) -> Path:
    folder = folder / f"{number}"
    folder.mkdir()
    tables = {
        "crimes": [
            {**CRIME, "crime_ref": key, "weapon": weapon, "changed_at": moment(h)} for key, weapon, h in delivery.rows
        ],
        "deletions": [
            {"table": "crimes", "ref": key, "deleted_at": moment(h), "reason": ""} for key, h in delivery.deletions
        ],
    }
    columns = {"crimes": list(CRIME), "deletions": ["table", "ref", "deleted_at", "reason"]}
    files = {}
    for name, rows in tables.items():
        path = folder / f"{name}.csv"
        files[path.name] = {
            "rows": write_csv(path, rows, columns[name]),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
    note = {
        "delivery_id": f"d{number}",
        "made_at": made_at(number).isoformat(),
        "complete": delivery.complete,
        "files": files,
    }
    (folder / "manifest.json").write_text(json.dumps(note))
    return folder


def would_empty(delivery: Delivery, held: Mapping[str, object]) -> bool:
    """Whether a delivery says it is complete and holds no row though rows are held: it is refused whole."""
    return delivery.complete and not delivery.rows and bool(held)


def plain(all_deliveries: list[Delivery]) -> list[dict[str, str]]:
    """What is held after each delivery, by the contract's words alone: weapon by key. One that is refused changes nothing."""
    held: dict[str, tuple[str, int]] = {}
    after = []
    for delivery in all_deliveries:
        if would_empty(delivery, held):
            after.append({key: weapon for key, (weapon, _) in held.items()})
            continue
        best: dict[str, tuple[str, int]] = {}
        for key, weapon, hour in delivery.rows:
            if key not in best or hour >= best[key][1]:
                best[key] = (weapon, hour)
        if delivery.complete:
            held = {key: value for key, value in held.items() if key in best}
        for key, (weapon, hour) in best.items():
            if key not in held or hour >= held[key][1]:
                held[key] = (weapon, hour)
        for key, hour in delivery.deletions:
            if key in held and hour >= held[key][1]:
                del held[key]
        after.append({key: weapon for key, (weapon, _) in held.items()})
    return after


def known(state: State, day: date) -> dict[str, str]:
    return dict(state.records.crimes(day, ["crime_ref", "weapon"]).iter_rows())


def contents(state: State) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (state.root / "records").iterdir()}


def check_history(blank: Path, sent: list[Delivery], again: list[int]) -> None:
    """Loads the deliveries in order, then some of them again: held is what the rules say, and stays byte for byte."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(blank, Path(folder) / "state")
        state = states.open_state(Path(folder) / "state")
        paths = [write(Path(folder), number, delivery) for number, delivery in enumerate(sent)]
        expected = plain(sent)
        refused = {n for n, delivery in enumerate(sent) if n and would_empty(delivery, expected[n - 1])}
        for number, path in enumerate(paths):
            if number in refused:
                with pytest.raises(FeedRefused):
                    load_accepted(state, path)
            else:
                result = load_accepted(state, path)
                assert all(count.adds_up for count in result.files)
            assert known(state, date(2027, 1, 1)) == expected[number]
        first = next((number for number, delivery in enumerate(sent) if delivery.rows), len(sent))
        for number in range(first, len(paths)):
            assert known(state, made_at(number).date()) == expected[number]
        before = contents(state)
        for number in (number for number in again if number not in refused):
            assert load_accepted(state, paths[number]).changed_rows == 0
        assert contents(state) == before
        state.close()


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("blank")
    (root / "settings.toml").write_text(SETTINGS)
    states.create(root / "state", root / "settings.toml").close()
    return root / "state"


@settings(
    max_examples=int(os.environ.get("HARMCAST_EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(st.data())
def test_replays_change_nothing_and_what_is_held_is_what_the_rules_say(blank: Path, data: st.DataObject) -> None:
    sent = data.draw(deliveries())
    again = data.draw(st.lists(st.integers(0, len(sent) - 1), min_size=1, max_size=6))
    check_history(blank, sent, again)


def test_what_came_before_a_deletion_stays_past_when_the_key_is_back_with_an_older_change(blank: Path) -> None:
    sent = [
        Delivery([("C1", "none", 0)], complete=True),
        Delivery([("C1", "none", 0), ("C3", "knife", 107)]),
        Delivery([("C1", "none", 0)], complete=True),
        Delivery([("C1", "none", 0), ("C3", "none", 28)], complete=True),
    ]
    check_history(blank, sent, [1, 2, 0, 3, 1])
