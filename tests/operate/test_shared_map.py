"""The shared folder's GeoPackage: written when a release is out, left alone when nothing changed, gone when none is."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from bench.out_of_shadow import bring_out
from tests.web import invented_releases as invented

from harmcast.operate import copies, shared_map
from harmcast.oversight.log import Event
from harmcast.publish import geopackage
from harmcast.store import schema
from harmcast.store.state import State

EVENT = Event("s", "supervisor", "alteration", "release_moved")


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    monkeypatch.setattr(invented, "SETTINGS", invented.SETTINGS + '\n[map]\nshared_folder = "shared"\n')
    made = invented.make_state(tmp_path / "state", releases=3, across_m=6_000.0)
    for tool in ("knife_injury", "serious_violence"):
        bring_out(made, tool, "in use", date(2026, 1, 1))
    return made


def events(state: State) -> list[str]:
    return [row["action"] for row in state.operations.rows(sa.select(schema.events.c.action)) if row["action"].startswith("shared_map")]


def test_it_shows_the_newest_published_release_and_goes_with_it(state: State) -> None:
    path = state.root / "shared" / "knife_injury.gpkg"
    newest = state.releases.published("knife_injury")
    assert newest is not None
    said = shared_map.refresh(state, "s", "supervisor")
    assert f"The shared map of knife_injury shows {newest.name}." in said
    assert path.read_bytes() == geopackage.of_release(newest, "knife_injury", "Knife crime causing injury", "Aldermark Constabulary")
    assert shared_map.refresh(state, "s", "supervisor") == []
    assert events(state) == ["shared_map_written"] * 2

    state.releases.move(newest, "withdrawn", EVENT, "wrong")
    before = state.releases.published("knife_injury")
    assert before is not None
    assert before.name != newest.name
    assert shared_map.refresh(state, "s", "supervisor") == [f"The shared map of knife_injury shows {before.name}."]
    for release in state.releases.history("knife_injury"):
        state.releases.move(release, "held", EVENT, "odd")
    assert shared_map.refresh(state, "s", "supervisor") == ["The shared map of knife_injury is removed: no release of it is published, or it may not be shown."]
    assert not path.exists()
    assert sorted(p.name for p in path.parent.iterdir()) == ["serious_violence.gpkg"]
    assert sorted(events(state)) == ["shared_map_removed", *["shared_map_written"] * 3]


def test_a_stopped_tool_leaves_no_copy(state: State) -> None:
    shared_map.refresh(state, "s", "supervisor")
    state.register.set_status("knife_injury", "stopped", date(2026, 1, 2), "Test", EVENT)
    shared_map.refresh(state, "s", "supervisor")
    assert not (state.root / "shared" / "knife_injury.gpkg").exists()


def test_a_folder_that_cannot_be_written_is_said_and_stops_nothing(state: State) -> None:
    (state.root / "shared").write_text("a file, no folder")
    said = shared_map.refresh(state, "s", "supervisor")
    assert len(said) == 2
    assert all("could not be brought up to date" in line for line in said)


def test_a_refusal_by_the_ethics_reviewer_takes_the_copies_away(state: State) -> None:
    path = state.root / "shared" / "knife_injury.gpkg"
    copies.refresh(state, "s", "supervisor")
    assert path.exists()
    entry = {"tool": "knife_injury", "kind": "ethics", "title": "Refused", "outcome": "refused", "dated": date(2026, 1, 3), "by_whom": "Ethics committee", "document_ref": "E1", "conditions": None, "review_by": None}
    state.register.enter(entry, EVENT)
    copies.refresh(state, "e", "ethics_reviewer")
    assert not path.exists()
    assert (path.parent / "serious_violence.gpkg").exists()
