"""Compiling the force's map in a state: kept by content, the last one stays when the next is refused."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from bench.accepted import load_accepted
from tests.force import OPERATOR, InventedForce

from harmcast import cli
from harmcast.errors import RunStopped, SettingsRefused
from harmcast.ground.compiled import Ground
from harmcast.invented import ground as layout
from harmcast.runs import ground as runs
from harmcast.runs.check import check_state
from harmcast.store.state import State, create
from harmcast.weekly import rebuild_week, run_week


@pytest.fixture
def force(invented_force: InventedForce, tmp_path: Path) -> Path:
    """The invented force's settings, layers and map, to do with as a test likes."""
    folder = tmp_path / "force"
    shutil.copytree(invented_force.folder, folder, ignore=shutil.ignore_patterns("deliveries", "truth"))
    return folder


@pytest.fixture
def mapped(force: Path, tmp_path: Path) -> State:
    return create(tmp_path / "state", force / "settings.toml")


def test_init_compiles_the_ground_that_the_settings_name(force: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.app(["init", str(tmp_path / "made"), "--settings", str(force / "settings.toml")])
    files = list((tmp_path / "made" / "ground").iterdir())
    assert len(files) == 1
    assert files[0].name.startswith("ground-")
    assert "within 1.5 km of the force" in capsys.readouterr().out
    assert not list((tmp_path / "made" / "settings").rglob("*.gpkg")), "the map files are read, not copied"


def test_a_ground_is_named_by_its_content_and_logged(mapped: State) -> None:
    made = runs.compile_ground(mapped, "operator")
    path = mapped.grounds.current()
    assert path is not None
    assert path.name == f"ground-{made.name}.sqlite"
    assert runs.compile_ground(mapped, "operator").name == made.name
    assert made.warnings == ()
    assert made.about.postcodes > 1000
    assert Ground(path).about == made.about
    with closing(sqlite3.connect(mapped.root / "operations.db")) as database:
        (count,) = database.execute("select count(*) from events where action = 'ground_compiled'").fetchone()
    assert count == 2


def test_the_last_ground_stays_when_the_next_is_refused(mapped: State, force: Path) -> None:
    made = runs.compile_ground(mapped, "operator")
    (force / layout.GEOPACKAGE).write_bytes(b"no map")
    with pytest.raises(SettingsRefused, match="no GeoPackage"):
        runs.compile_ground(mapped, "operator")
    current = mapped.grounds.current()
    assert current is not None
    assert current.stem == f"ground-{made.name}"
    assert len(list(mapped.grounds.folder.iterdir())) == 1


def test_an_older_ground_goes_unless_a_release_names_it(mapped: State) -> None:
    first = runs.compile_ground(mapped, "operator").name
    beside = mapped.grounds.folder / "ground-0000aaaa1111.sqlite"
    for used, stays in ((set(), False), ({"0000aaaa1111"}, True)):
        shutil.copyfile(mapped.grounds.folder / f"ground-{first}.sqlite", beside)
        content = (mapped.grounds.folder / f"ground-{first}.sqlite").read_bytes()
        from harmcast.oversight.log import Event

        mapped.grounds.keep(lambda at, content=content: at.write_bytes(content), Event("o", "operator", "administration", "ground_compiled"), used)
        assert beside.exists() is stays


def test_settings_without_a_map_say_so(force: Path, tmp_path: Path) -> None:
    text = (force / "settings.toml").read_text().split("[map]")[0]
    (force / "settings.toml").write_text(text)
    state = create(tmp_path / "bare", force / "settings.toml")
    with pytest.raises(SettingsRefused, match="No map is named"):
        runs.compile_ground(state, "operator")
    assert runs.of_week(state, "2026-W47", is_again=False) is None
    assert any(seen.startswith("map: no streets; `[map] ground`") for seen in check_state(state.root).seen)


def test_a_check_says_whether_the_map_was_read(mapped: State) -> None:
    assert "map: named and not read yet: `harmcast ground STATE` reads it" in check_state(mapped.root).seen
    made = runs.compile_ground(mapped, "operator")
    assert f"map: ground {made.name}" in check_state(mapped.root).seen


def test_a_map_of_another_force_is_warned_of(mapped: State, force: Path) -> None:
    """Roads only in a corner of the county: under nine in ten cells have one."""
    with closing(sqlite3.connect(force / layout.GEOPACKAGE)) as file, file:
        for table in ("roads_local", "roads_regional", "roads_national"):
            file.execute(f"delete from {table} where fid in (select id from rtree_{table}_geom where minx > 375000)")
            file.execute(f"delete from rtree_{table}_geom where minx > 375000")
    warnings = runs.compile_ground(mapped, "operator").warnings
    assert [w.split(" of the cells of ")[1] for w in warnings] == ["knife_injury: is this the force's own ground?", "serious_violence: is this the force's own ground?"]


def test_royal_mail_is_asked_for_where_postcodes_are_shown(force: Path, tmp_path: Path) -> None:
    text = (force / "settings.toml").read_text().replace(layout.ATTRIBUTION, "Contains OS data © Crown copyright and database right 2026")
    (force / "settings.toml").write_text(text)
    state = create(tmp_path / "os", force / "settings.toml")
    assert any("Royal Mail" in warning for warning in runs.compile_ground(state, "operator").warnings)


def test_settings_of_a_map_need_its_wording(force: Path, tmp_path: Path) -> None:
    text = (force / "settings.toml").read_text().replace(f'attribution = "{layout.ATTRIBUTION}"', "")
    (force / "settings.toml").write_text(text)
    with pytest.raises(SettingsRefused, match="fault") as refused:
        create(tmp_path / "none", force / "settings.toml")
    assert "attribution is needed with ground" in refused.value.faults[0].rule


def test_a_week_made_again_needs_its_own_ground(mapped: State) -> None:
    class Release:
        @staticmethod
        def manifest() -> dict[str, object]:
            return {"ground": {"name": "gone00gone00"}}

    class Releases:
        @staticmethod
        def of_week(week: str) -> list[Release]:
            return [Release()]

    mapped.releases = Releases()  # type: ignore[misc, assignment]
    with pytest.raises(RunStopped, match="gone00gone00"):
        runs.of_week(mapped, "2026-W47", is_again=True)


def test_names_of_two_weeks_on_one_ground_are_equal_and_a_week_again_is_the_same(invented_force: InventedForce, force: Path, tmp_path: Path) -> None:
    state = create(tmp_path / "weeks", force / "settings.toml")
    first = runs.compile_ground(state, "operator").name
    load_accepted(state, invented_force.deliveries[0])
    made = [run_week(state, monday, OPERATOR, delivery=folder).name for folder, monday in list(zip(invented_force.deliveries[1:], invented_force.mondays, strict=True))[:2]]
    releases = [{r.tool: r for r in state.releases.named(name)} for name in made]
    for tool in ("knife_injury", "serious_violence"):
        one, two = (dict(held[tool].frame(tool).select("cell", "place").iter_rows()) for held in releases)
        assert one == two
        assert len(set(one.values())) == len(one)
        assert sum(": " in name for name in one.values()) > 0.9 * len(one)
    assert all(held["knife_injury"].manifest()["ground"] == {"name": first} for held in releases)

    with closing(sqlite3.connect(force / layout.GEOPACKAGE)) as file, file:
        file.execute("update roads_local set name = 'Renamed Road' where name <> ''")
    assert runs.compile_ground(state, "operator").name != first
    again = rebuild_week(state, made[1], tmp_path / "again", OPERATOR)
    assert again.document["same"], again.document["other"]
