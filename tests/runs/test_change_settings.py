"""The settings of a live state: shown, changed whole with the difference and an event; a past week keeps its own."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.conftest import take_settings
from tests.force import OPERATOR, InventedForce

from harmcast.errors import AccessDenied, SettingsRefused, StoreDamaged
from harmcast.oversight.log import Event
from harmcast.runs import change_settings
from harmcast.store import kept_settings
from harmcast.store.state import State, open_state
from harmcast.store.users import Actor
from harmcast.web.app import serve
from harmcast.weekly import rebuild_week, run_week

BASE = '[force]\nname = "Test force"\n[[tools]]\nname = "knife_injury"\nkind = "places"\ncell_area_km2 = 1.0\nwhere = { weapon = ["knife"] }\n[[tools]]\nname = "iom"\nkind = "people"\n'
ADA = Actor("ada", "Ada", (("administrator", None),))


def written(tmp_path: Path, text: str, **files: str) -> Path:
    folder = tmp_path / "new"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("_dot_", ".")).write_text(content)
    (folder / "settings.toml").write_text(text)
    return folder / "settings.toml"


def test_a_change_says_the_difference_and_what_it_means_and_is_one_event(state: State, tmp_path: Path) -> None:
    file = written(tmp_path, BASE + '[web]\nidle_minutes = 5\nmetrics_token = "a-secret-token-nobody-reads-here-0000"\n')
    said = change_settings.change(state, file, OPERATOR).document
    by_name = {c["setting"]: c for c in said["changed"]}
    assert by_name["web.idle_minutes"] == {"setting": "web.idle_minutes", "before": 15, "after": 5, "means": "Once the service is started again."}
    assert by_name["web.metrics_token"]["after"] == "(set)"
    assert "tools.knife_injury.where" in by_name
    again = open_state(state.root)
    assert again.settings.web.idle_minutes == 5
    (entry,) = [e for e in again.operations.entries() if e.action == "settings_changed"]
    told = json.loads(entry.detail)
    assert (told["after"], told["changed"]) == (said["sha256"], said["changed"])
    assert "a-secret" not in entry.detail
    assert "a-secret" not in json.dumps(change_settings.shown(again).document)
    assert change_settings.change(again, file, OPERATOR).document["changed"] == []
    again.close()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (BASE + "[web]\nidle_minutes = 0\n", "settings_invalid"),
        (BASE + '[store]\nurl = "sqlite:///elsewhere.db"\n', "setting_fixed"),
        (BASE + '[web]\nwms = "x"\n', "setting_gone"),
        (BASE.replace('name = "Test force"', 'name = "Test force"\nboundary = "gone.geojson"'), "settings_file_missing"),
    ],
)
def test_a_file_with_a_fault_changes_nothing(state: State, tmp_path: Path, text: str, code: str) -> None:
    before = kept_settings.sha256_of(state.settings_folder)
    with pytest.raises(SettingsRefused) as refused:
        change_settings.change(state, written(tmp_path, text), OPERATOR)
    assert refused.value.code == code
    assert kept_settings.sha256_of(state.settings_folder) == before
    assert not (state.root / "settings.next").exists()
    assert not [e for e in state.operations.entries() if e.action == "settings_changed"]


def test_a_mapping_that_is_no_sql_changes_nothing_and_one_that_is_acts_from_the_next_load(state: State, tmp_path: Path) -> None:
    text = BASE + '[feed]\nmapping = "force.sql"\n'
    with pytest.raises(SettingsRefused) as refused:
        change_settings.change(state, written(tmp_path, text, force_dot_sql="CREATE VEIW crimes AS SELECT 1"), OPERATOR)
    assert [fault.rule for fault in refused.value.faults] == ["mapping_not_sql"]
    assert state.file("feed.mapping") is None
    assert not (state.root / "settings.next").exists()
    said = change_settings.change(state, written(tmp_path, text, force_dot_sql="CREATE VIEW deletions AS SELECT source_row, a AS \"table\", b AS ref, c AS deleted_at, d AS reason FROM gone;"), OPERATOR)
    assert "force.sql: another file. From the next load on, which then waits to be accepted; what is held stays as it was read." in said.lines


def test_it_needs_the_role_once_a_state_has_users(state: State, tmp_path: Path) -> None:
    state.users.add("ada", "Ada", Event("system", "operator", "administration", "user_added"))
    file = written(tmp_path, BASE)
    with pytest.raises(AccessDenied):
        change_settings.change(state, file, Actor("mia", "Mia", (("offender_manager", "North"),)))
    assert change_settings.change(state, file, ADA).document["changed"]


@pytest.mark.parametrize("cut", ["before", "between"])
def test_a_change_cut_off_half_way_leaves_the_settings_whole(state: State, tmp_path: Path, cut: str) -> None:
    file = written(tmp_path, BASE + "[web]\nidle_minutes = 5\n")
    from harmcast.store.state import copy_settings

    copy_settings(file, state.root / "settings.next")
    if cut == "between":
        (state.root / "settings").rename(state.root / "settings.before")
    again = open_state(state.root)
    assert again.settings.web.idle_minutes == (5 if cut == "between" else 15)
    again.close()


def test_a_state_of_before_loses_the_settings_that_went_in_one_event(state: State) -> None:
    path = state.root / "settings" / "settings.toml"
    old = path.read_text() + '[release]\nconcern_needs_reason = true\nkeep_places_weeks = 520\n[web]\nwms = "x"\nidle_minutes = 20\n'
    path.write_text(old)
    take_settings(state)
    for _ in range(2):
        again = open_state(state.root)
        assert again.settings.web.idle_minutes == 20
        assert again.actor("week").account.startswith("os:")
        entries = [e for e in again.operations.entries() if e.action == "settings_upgraded"]
        assert [json.loads(e.detail)["gone"] for e in entries] == [["release.concern_needs_reason", "release.keep_places_weeks", "web.wms"]]
        again.close()
    assert "wms" not in path.read_text()
    assert "concern_needs_reason" not in path.read_text()


BY_HAND = "\n[web]\npeople_a_day = 100000\n"


def test_settings_changed_by_hand_run_nothing_until_they_are_put_back_or_taken(state: State) -> None:
    """Two people's codes cannot be walked round by writing the file: no week, no load, nothing that opens; shutting and mending go on."""
    path = state.root / "settings" / "settings.toml"
    text, sha256 = path.read_text(), kept_settings.sha256_of(state.root / "settings")
    path.write_text(text + BY_HAND)
    again = open_state(state.root)
    for command in ("week", "load", "fleet", "publish", "accept", "users role"):
        with pytest.raises(StoreDamaged) as refused:
            again.actor(command)
        assert (refused.value.code, f"settings-kept/{sha256}" in refused.value.next_step) == ("settings_by_hand", True)
    with pytest.raises(StoreDamaged) as refused:
        serve(again)
    assert refused.value.code == "settings_by_hand"
    for command in ("status", "log verify", "backup", "withdraw", "settings --set"):
        assert again.actor(command).account.startswith("os:")
    again.close()
    shutil.rmtree(state.root / "settings")
    shutil.copytree(state.root / "settings-kept" / sha256, state.root / "settings")
    put_back = open_state(state.root)
    assert put_back.actor("week").account.startswith("os:")
    put_back.close()


@pytest.mark.parametrize("into", ["as they are", "as they were", "others"])
def test_settings_changed_by_hand_are_mended_by_taking_a_file(state: State, tmp_path: Path, into: str) -> None:
    path = state.root / "settings" / "settings.toml"
    text = path.read_text()
    path.write_text(text + BY_HAND)
    again = open_state(state.root)
    file = path if into == "as they are" else written(tmp_path, text if into == "as they were" else BASE)
    change_settings.change(again, file, OPERATOR)
    again.close()
    mended = open_state(state.root)
    assert mended.actor("week").account.startswith("os:")
    assert mended.settings.web.people_a_day == (100_000 if into == "as they are" else 150)
    assert [e.action for e in mended.operations.entries()].count("settings_changed") == 1
    mended.close()


def test_a_state_from_before_takes_its_settings_as_they_stand_once(state: State) -> None:
    """No line of the log says yet which were taken: the first opening says it, and later ones hold to it."""
    with state.operations.writing(Event("test", "operator", "administration", "tested")) as tx:
        tx.connection.execute(sa.text("DELETE FROM facts WHERE name = 'settings_sha256'"))
        tx.connection.execute(sa.text("DELETE FROM versions WHERE tab = 'facts' AND key = 'settings_sha256'"))
    for _ in range(2):
        again = open_state(state.root)
        (entry,) = [e for e in again.operations.entries() if e.action == "settings_taken"]
        assert json.loads(entry.detail) == {"settings_sha256": kept_settings.sha256_of(state.root / "settings")}
        again.close()


def test_the_row_that_says_which_settings_were_taken_cannot_be_changed_or_taken_away(state: State) -> None:
    for forged in ("UPDATE facts SET value = 'other' WHERE name = 'settings_sha256'", "DELETE FROM facts WHERE name = 'settings_sha256'"):
        with state.operations.unlogged() as connection:
            connection.execute(sa.text(forged))
        with pytest.raises(StoreDamaged) as refused:
            kept_settings.must_be_taken(state.root, state.operations)
        assert refused.value.code == "row_unwritten"
        open_state(state.root).close()  # to be looked at


def test_a_past_week_is_made_again_from_its_own_settings_and_files(own_weeks: State, invented_force: InventedForce, tmp_path: Path) -> None:
    """The settings of today are others in a definition, a cell, a gap, a threshold and the boundary file; the week's bytes are not."""
    name = own_weeks.releases.names()[-1]
    (release, *_) = own_weeks.releases.named(name)
    kept = own_weeks.root / "settings-kept" / str(release.settings_sha256)
    assert (kept / "settings.toml").read_bytes() == (invented_force.folder / "settings.toml").read_bytes()
    folder = tmp_path / "changed"
    shutil.copytree(invented_force.folder, folder, ignore=shutil.ignore_patterns("deliveries", "truth"))
    text = (folder / "settings.toml").read_text()
    boundary = folder / str(own_weeks.settings.force.boundary)
    boundary.write_bytes(boundary.read_bytes() + b"\n")
    changed = text.replace("cell_area_km2 = 1.0", "cell_area_km2 = 4.0").replace("horizon_weeks = 4", "horizon_weeks = 2")
    assert changed != text
    gap = f'\n[[gaps]]\nfrom = {invented_force.mondays[0] - timedelta(weeks=6)}\nto = {invented_force.mondays[0] - timedelta(weeks=5)}\nreason = "none sent"\n'
    (folder / "settings.toml").write_text(changed + "\n[monitor]\nfalse_alarms = 0.9\n" + gap)
    change_settings.change(own_weeks, folder / "settings.toml", OPERATOR)
    live = open_state(own_weeks.root)
    assert live.settings.places_tools[0].cell_area_km2 == 4.0
    assert len(live.settings.gap_days) == 1
    rebuilt = rebuild_week(live, name, tmp_path / "again", OPERATOR)
    assert rebuilt.document["same"], rebuilt.lines
    (kept / "settings.toml").write_text(changed)
    with pytest.raises(StoreDamaged, match="not what was kept"):
        rebuild_week(live, name, tmp_path / "more", OPERATOR)
    live.close()


def test_a_gap_declared_after_a_week_changes_its_revision_and_never_the_week_itself(own_weeks: State, invented_force: InventedForce, tmp_path: Path) -> None:
    """The week was made with no gap; its revision with one that the settings of today no longer hold. Each is made again as it was."""
    first, day = own_weeks.releases.names()[-1], invented_force.mondays[1]
    own = own_weeks.settings_folder / "settings.toml"
    gap = f'\n[[gaps]]\nfrom = {day - timedelta(weeks=9)}\nto = {day - timedelta(weeks=8)}\nreason = "none sent"\n'
    folder = tmp_path / "with-gap"
    shutil.copytree(own_weeks.settings_folder, folder)
    (folder / "settings.toml").write_text(own.read_text() + gap)
    change_settings.change(own_weeks, folder / "settings.toml", OPERATOR)
    live = open_state(own_weeks.root)
    second = run_week(live, day, OPERATOR, again="a gap was declared").name
    missing = [json.loads(live.releases.named(name)[0].read("knife_injury_model.json"))["weeks_missing"] for name in (first, second)]
    assert missing[0] == 0
    assert missing[1] > 0
    (folder / "settings.toml").write_text((folder / "settings.toml").read_text().replace(gap, ""))
    change_settings.change(live, folder / "settings.toml", OPERATOR)
    live = open_state(own_weeks.root)
    assert not live.settings.gap_days
    for name in (first, second):
        rebuilt = rebuild_week(live, name, tmp_path / name, OPERATOR)
        assert rebuilt.document["same"], rebuilt.lines
    live.close()
