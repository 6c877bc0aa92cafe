"""Many forces: the list and its faults, a task that is killed, and a real fleet on Spark beside each force's own run."""

from __future__ import annotations

import json
import os
import shutil
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from bench.accepted import load_accepted
from bench.cluster import cluster
from bench.out_of_shadow import bring_out, enter

from harmcast.errors import RunStopped, SettingsRefused
from harmcast.fleet import run, spark
from harmcast.fleet.run import Member
from harmcast.invented.making import invent
from harmcast.store.state import create

AS_OF = date(2026, 11, 16)
ME = Member("north", "/nowhere")


def listed(folder: Path, text: str) -> Path:
    file = folder / "forces.toml"
    file.write_text(text, encoding="utf-8")
    return file


# --- the list --------------------------------------------------------------------------------------------------


def test_paths_are_taken_from_where_the_list_lies(tmp_path: Path) -> None:
    found = run.members(listed(tmp_path, '[[forces]]\nname = "a"\nstate = "s/a"\ndelivery = "d"\n[[forces]]\nname = "b"\nstate = "s/b"\n'))
    assert found == [Member("a", str(tmp_path / "s/a"), str(tmp_path / "d")), Member("b", str(tmp_path / "s/b"))]


def test_every_fault_of_the_list_is_named_at_once(tmp_path: Path) -> None:
    text = (
        '[[forces]]\nname = "a"\nstate = "s"\n[[forces]]\nname = "a"\nstate = "./s"\n'
        '[[forces]]\nname = "c"\n[[forces]]\nname = "d"\nstate = "t"\nhost = "x"\n'
    )
    with pytest.raises(SettingsRefused) as refused:
        run.members(listed(tmp_path, text))
    assert {fault.rule for fault in refused.value.faults} == {"name_twice", "state_twice", "name_and_state_needed", "key_unknown"}


def test_two_forces_never_share_an_operational_database(tmp_path: Path) -> None:
    tool = '[force]\nname = "F"\n[store]\nurl = "postgresql://h/one"\n[[tools]]\nname = "iom"\nkind = "people"\n'
    for name in "ab":
        (tmp_path / name / "settings").mkdir(parents=True)
        (tmp_path / name / "secret").write_bytes(b"0" * 32)
        (tmp_path / name / "settings" / "settings.toml").write_text(tool)
    with pytest.raises(SettingsRefused) as refused:
        run.members(tmp_path)
    assert [fault.rule for fault in refused.value.faults] == ["store_twice"]


@pytest.mark.parametrize("text", ["", "[[forces", "forces = 3", "forces = [1]"])
def test_a_list_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsRefused):
        run.members(listed(tmp_path, text))


# --- one force -------------------------------------------------------------------------------------------------


def test_a_process_that_is_killed_is_tried_again_and_reported() -> None:
    row = run.outcome(ME, AS_OF, ("/bin/sh", "-c", "kill -9 $$"), pause_s=0)
    assert (row["error"], row["code"], row["tries"]) == ("RunStopped", "fleet_killed", 2)
    assert set(row) == set(run.OUTCOME)


def test_a_reason_that_passed_leaves_no_error(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    second = 'printf \'{"release": "2026-W47", "week": "2026-W47"}\''
    row = run.outcome(ME, AS_OF, ("/bin/sh", "-c", f"test -e {mark} || {{ touch {mark}; kill -9 $$; }}; {second}"), pause_s=0)
    assert (row["error"], row["release"], row["tries"]) == (None, "2026-W47", 2)


def test_a_bug_is_reported_without_its_words() -> None:
    row = run.outcome(ME, AS_OF, (sys.executable, "-c", "raise ValueError('Xyzzy-4711')"), pause_s=0)
    assert (row["code"], row["tries"]) == ("bug", 1)
    assert "Xyzzy" not in str(row)


def test_what_a_force_has_to_mend_is_not_tried_twice(tmp_path: Path) -> None:
    refused = 'printf \'{"error": "FeedRefused", "code": "x", "message": "", "next_step": ""}\''
    assert run.outcome(ME, AS_OF, ("/bin/sh", "-c", refused), pause_s=0)["tries"] == 1


# --- Spark -----------------------------------------------------------------------------------------------------


def test_only_a_master_elsewhere_is_reached_over_the_network(tmp_path: Path) -> None:
    assert spark.options("local[2]", tmp_path)["spark.driver.bindAddress"] == "127.0.0.1"
    assert spark.options("spark://127.0.0.1:7077", tmp_path)["spark.driver.host"] == "127.0.0.1"
    assert "spark.driver.host" not in spark.options("spark://head.example:7077", tmp_path)


def test_without_java_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RunStopped) as stopped, spark.session("local[2]"):
        pass
    assert stopped.value.code == "java_missing"


def needs_spark() -> None:
    if shutil.which("java") and (pytest.importorskip("pyspark") if not os.environ.get("HARMCAST_NOTHING_SKIPPED") else True):
        return
    if os.environ.get("HARMCAST_NOTHING_SKIPPED"):
        pytest.fail("Java is not here and nothing may be skipped")
    pytest.skip("SKIPPED: no Java here, many forces on Spark did not run")


def small_settings(file: Path) -> None:
    """One places tool with wide cells beside the tool about people: a week of seconds; a map shared with other programs."""
    head, *tools = file.read_text(encoding="utf-8").split("[[tools]]\n")
    wide = tools[0].replace("cell_area_km2 = 1.0", "cell_area_km2 = 64.0")
    file.write_text("[[tools]]\n".join([head, wide, tools[-1]]).replace("[map]\n", '[map]\nshared_folder = "shared"\n'), encoding="utf-8")


@pytest.fixture(scope="module")
def forces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two forces with their history loaded, each twice (`alone-*` makes its week by itself); a broken one; a cut delivery."""
    needs_spark()
    folder = tmp_path_factory.mktemp("fleet")
    for seed, name in enumerate("ab", 1):
        force = folder / "invented" / name
        invent(force, people=200 * seed, years=1.0, seed=seed, to=date(2026, 11, 15), weeks=1, crimes_a_year=2000.0, bad_rows_share=0.0, county_share=0.02, known_people=0)
        small_settings(force / "settings.toml")
        history, week = sorted((force / "deliveries").iterdir())
        week.rename(folder / f"delivery-{name}")
        state = create(folder / name, force / "settings.toml")
        load_accepted(state, history)
        bring_out(state, "knife_injury", "in use", AS_OF)
        enter(state, "knife_injury", "standing_approval", AS_OF)
        state.close()
        shutil.copytree(folder / name, folder / f"alone-{name}")
    shutil.copytree(folder / "a", folder / "broken")
    (folder / "broken" / "operations.db").unlink()
    shutil.copytree(folder / "a", folder / "refused")
    shutil.copytree(folder / "delivery-a", folder / "delivery-cut")
    (folder / "delivery-cut" / "crimes.csv").write_bytes((folder / "delivery-a" / "crimes.csv").read_bytes()[:-40])
    rows = [("a", "a", "delivery-a"), ("b", "b", "delivery-b"), ("broken", "broken", ""), ("refused", "refused", "delivery-cut")]
    listed(folder, "\n".join(f'[[forces]]\nname = "{n}"\nstate = "{s}"\ndelivery = "{d}"\n' for n, s, d in rows))
    return folder


@pytest.fixture(scope="module")
def ran(forces: Path) -> tuple[run.FleetResult, run.FleetResult]:
    """The fleet on a real cluster of two workers, then again on threads of this process."""
    with cluster(workers=2) as master:
        first = run.run_fleet(forces / "forces.toml", master, AS_OF, forces / "out")
    return first, run.run_fleet(forces / "forces.toml", "local[2]", AS_OF)


def released(state: Path) -> dict[str, bytes]:
    return {str(path.relative_to(state)): path.read_bytes() for path in sorted((state / "releases").rglob("*")) if path.is_file()}


@pytest.mark.spark
@pytest.mark.slow
def test_a_failed_force_is_reported_and_stops_nobody(ran: tuple[run.FleetResult, run.FleetResult], forces: Path) -> None:
    first, _ = ran
    assert [row["force"] for row in first.forces] == ["a", "b", "broken", "refused"]
    assert {row["force"]: row["error"] for row in first.forces} == {"a": None, "b": None, "broken": "StoreDamaged", "refused": "FeedRefused"}
    assert first.exit_code == 25
    assert "2 of 4 forces have their week." in first.lines()
    held = pl.read_parquet(forces / "out" / "fleet.parquet")
    assert held.columns == list(run.OUTCOME)
    assert held["week"].to_list() == ["2026-W47", "2026-W47", None, None]
    assert held["worker"].n_unique() == 2
    assert not [left for left in forces.glob(".fleet-*") if any(left.rglob("*.parquet"))]


@pytest.mark.spark
@pytest.mark.slow
def test_run_again_it_makes_nothing_twice(ran: tuple[run.FleetResult, run.FleetResult]) -> None:
    first, again = ran
    assert [row["already"] for row in first.forces] == [False, False, None, None]
    assert [row["already"] for row in again.forces] == [True, True, None, None]
    assert [row["manifest_sha256"] for row in again.forces] == [row["manifest_sha256"] for row in first.forces]


@pytest.mark.spark
@pytest.mark.slow
def test_a_force_has_the_bytes_of_its_own_run_and_nobody_elses_people(ran: tuple[run.FleetResult, run.FleetResult], forces: Path) -> None:
    for name in "ab":
        alone = run.week_of(Member(name, str(forces / f"alone-{name}"), str(forces / f"delivery-{name}")), AS_OF)
        assert alone["already"] is False
        assert released(forces / name) == released(forces / f"alone-{name}")
        assert (forces / name / "shared" / "knife_injury.gpkg").is_file()  # what follows a week follows it here too
        ended = [json.loads(line) for path in (forces / name / "logs").iterdir() for line in path.read_text().splitlines()]
        assert [line["standing"] for line in ended if line["event"] == "run_ended"] == ["done"] * 2
    people = [set(pl.read_parquet(forces / name / "releases" / "2026-W47" / "iom.parquet")["person_key"]) for name in "ab"]
    assert all(people)
    assert people[0].isdisjoint(people[1])
