"""The weekly run on a small invented force: real files, real database, nothing stubbed."""

import json
import os
import signal
import subprocess
import sys
import time

import polars as pl
import pytest
from bench.accepted import load_accepted
from bench.out_of_shadow import bring_out, enter
from tests.force import OPERATOR

from harmcast import tables
from harmcast.errors import FeedRefused, RunStopped
from harmcast.oversight.log import GENESIS
from harmcast.runs.release_moves import publish_release, withdraw_release
from harmcast.store.users import Actor
from harmcast.weekly import rebuild_week, run_week

DAN = Actor("dan", "Dan", (("data_scientist", None),))
SUE = Actor("sue", "Sue", (("supervisor", "North"),))


def bytes_of(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_release_holds_what_the_contract_says(own_weeks, invented_force):
    for tool in ("knife_injury", "serious_violence"):
        release = own_weeks.releases.published(tool)
        assert release is not None
        cells = release.frame(tool)
        assert cells.columns[: len(tables.FORECAST.names)] == tables.FORECAST.names
        assert cells["origin"].unique().to_list() == [invented_force.mondays[1]]
        assert (cells["lower"] <= cells["upper"]).all()
        assert cells["cell"].is_unique().all()
        areas = release.frame(f"{tool}_areas")
        force = areas.filter(pl.col("area").is_null())
        assert force.height == 1
        assert areas.filter(pl.col("area").is_not_null())["expected"].sum() == pytest.approx(force["expected"][0], rel=1e-6)
        assert cells["expected"].sum() == pytest.approx(force["expected"][0], rel=1e-6)
        shapes = json.loads(release.read(f"{tool}.geojson"))
        assert len(shapes["features"]) == cells.height
        lon, lat = shapes["features"][0]["geometry"]["coordinates"][0][0]
        assert -9 < lon < 3
        assert 49 < lat < 61
        assert pl.read_csv(release.read(f"{tool}.csv")).height == cells.height
    people = own_weeks.releases.published("iom").frame("iom")
    assert set(tables.SCORED_PEOPLE.names) <= set(people.columns)
    assert people["person_key"].is_unique().all()
    assert not set(people.columns) & {"person_ref", "name", *tables.PERSONS.having("protected")}


def test_nobody_under_18_or_uncharged_is_in_a_release(own_weeks, invented_force):
    release = own_weeks.releases.published("iom")
    scored = release.frame("iom").join(own_weeks.person_keys(), on="person_key")
    charged = set(own_weeks.records.charge_versions()["person_ref"])
    merged = dict(own_weeks.records.persons().select("person_ref", "merged_into").drop_nulls().iter_rows())
    for ref in list(charged):
        while ref in merged:
            ref = merged[ref]
            charged.add(ref)
    assert set(scored["person_ref"]) <= charged
    truth = pl.concat(
        [pl.read_parquet(d / "persons.parquet") if (d / "persons.parquet").is_file() else pl.DataFrame() for d in invented_force.deliveries[:1]]
    )
    monday = invented_force.mondays[1]
    young = truth.filter(pl.col("born_on") > pl.lit(monday).dt.offset_by("-18y"))["person_ref"]
    assert len(young)
    assert not scored["person_ref"].is_in(young.to_list()).any()


def test_the_same_week_again_changes_nothing(own_weeks, invented_force):
    before = bytes_of(own_weeks.root / "releases")
    again = run_week(own_weeks, invented_force.mondays[1], OPERATOR, delivery=invented_force.deliveries[2])
    assert again.already
    assert bytes_of(own_weeks.root / "releases") == before


def test_past_weeks_rebuild_byte_for_byte_whatever_came_later(own_weeks, invented_force, tmp_path):
    run_week(own_weeks, invented_force.mondays[2], OPERATOR, delivery=invented_force.deliveries[3])
    for name in own_weeks.releases.names():
        rebuilt = rebuild_week(own_weeks, name, tmp_path / name, OPERATOR)
        assert rebuilt.document["same"], rebuilt.lines
    with pytest.raises(RunStopped, match="No such week"):
        rebuild_week(own_weeks, "1999-W01", tmp_path / "none", OPERATOR)


def test_a_week_that_other_code_made_is_verified_and_its_version_named(own_weeks, tmp_path, monkeypatch):
    from harmcast.errors import StoreDamaged
    from harmcast.publish import release_files

    name = own_weeks.releases.names()[-1]
    made_by = release_files.code_version()
    monkeypatch.setattr(release_files, "code_version", lambda: "9.9.9+0123456789ab")
    with pytest.raises(RunStopped, match="SHA-256 of each was verified") as stopped:
        rebuild_week(own_weeks, name, tmp_path / "again", OPERATOR)
    assert (stopped.value.code, stopped.value.exit_code) == ("made_by_other_code", 25)
    assert f"install harmcast {made_by}" in stopped.value.next_step
    assert not (tmp_path / "again").exists()
    (own_weeks.root / "releases" / name / "scores.parquet").write_bytes(b"another")
    with pytest.raises(StoreDamaged) as damaged:
        rebuild_week(own_weeks, name, tmp_path / "again", OPERATOR)
    assert damaged.value.code == "release_file_changed"


def test_a_week_made_again_writes_over_nothing(own_weeks, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(RunStopped, match="not empty"):
        rebuild_week(own_weeks, own_weeks.releases.names()[-1], tmp_path / "out", OPERATOR)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_kept_state_changes_no_number(own_weeks, invented_force, tmp_path):
    for path in (own_weeks.root / "kept").iterdir():
        path.unlink()
    name = own_weeks.releases.names()[-1]
    assert rebuild_week(own_weeks, name, tmp_path / "again", OPERATOR).document["same"]


def test_a_refused_delivery_leaves_the_last_week_standing(own_weeks, invented_force, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "manifest.json").write_text("{")
    before = bytes_of(own_weeks.root / "releases")
    with pytest.raises(FeedRefused):
        run_week(own_weeks, invented_force.mondays[2], OPERATOR, delivery=broken)
    assert bytes_of(own_weeks.root / "releases") == before
    assert own_weeks.releases.published("knife_injury").week == own_weeks.releases.names()[-1]


def test_a_withdrawn_week_falls_back_and_is_made_again_as_a_revision(own_weeks, invented_force):
    last = own_weeks.releases.names()[-1]
    withdraw_release(own_weeks, last, SUE, "a wrong map")
    assert own_weeks.releases.published("knife_injury").name == own_weeks.releases.names()[0]
    again = run_week(own_weeks, invented_force.mondays[1], OPERATOR)
    assert again.name == f"{last}-r2"


def test_a_stray_folder_is_no_release(own_weeks, invented_force):
    stray = own_weeks.root / "releases" / "2099-W01"
    stray.mkdir()
    (stray / "manifest.json").write_text("{}")
    run_week(own_weeks, invented_force.mondays[1], OPERATOR)
    assert not stray.exists()


def test_every_reading_of_birth_dates_and_groups_is_in_the_log(own_weeks):
    entries = own_weeks.operations.entries()
    read = [e for e in entries if e.action == "protected_read"]
    assert {json.loads(e.detail)["reader"] for e in read} <= {"people.minors", "fairness.groups"}
    assert read
    assert entries[0].prev_hash == GENESIS


def test_killed_anywhere_and_run_again_gives_the_same_bytes(invented_force, made_weeks, tmp_path):
    """SIGKILL at moments spread over the run, then once more to the end: records and release as a clean run's."""
    import shutil

    monday, delivery = invented_force.mondays[2], invented_force.deliveries[3]
    code = (
        "import sys; from pathlib import Path; from datetime import date\n"
        "from harmcast.store.state import open_state; from harmcast.weekly import run_week; from harmcast.store.users import Actor\n"
        "run_week(open_state(Path(sys.argv[1])), date.fromisoformat(sys.argv[2]), Actor('operator','O',(('operator',None),)), delivery=Path(sys.argv[3]))"
    )

    def run(folder, kill_after=None):
        process = subprocess.Popen([sys.executable, "-c", code, str(folder), monday.isoformat(), str(delivery)], stderr=subprocess.PIPE)
        if kill_after is not None:
            time.sleep(kill_after)
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
        _, said = process.communicate()
        assert kill_after is not None or process.returncode == 0, said.decode()

    clean, hurt = tmp_path / "clean", tmp_path / "hurt"
    shutil.copytree(made_weeks, clean)
    shutil.copytree(made_weeks, hurt)
    begun = time.monotonic()
    run(clean)
    whole = time.monotonic() - begun
    for step in (0.35, 0.5, 0.7, 0.9):
        run(hurt, kill_after=whole * step)
    run(hurt)
    for folder in ("records", "releases"):
        assert bytes_of(hurt / folder) == bytes_of(clean / folder)


def test_two_people_let_a_draft_out(own_weeks, invented_force):
    bring_out(own_weeks, "knife_injury", "trial", invented_force.mondays[0])
    result = run_week(own_weeks, invented_force.mondays[2], OPERATOR, delivery=invented_force.deliveries[3])
    assert result.standings["knife_injury"][0] == "draft"
    assert publish_release(own_weeks, result.name, DAN, today=invented_force.mondays[2]).document["moved"]["knife_injury"] == "reviewed"
    from harmcast.errors import AccessDenied

    with pytest.raises(AccessDenied, match="reviewed"):
        publish_release(own_weeks, result.name, DAN, today=invented_force.mondays[2])
    assert publish_release(own_weeks, result.name, SUE, today=invented_force.mondays[2]).document["moved"]["knife_injury"] == "published"


def test_a_tool_without_its_approvals_is_held_and_cannot_be_let_out(own_weeks, invented_force):
    from harmcast.errors import NotFit

    bring_out(own_weeks, "knife_injury", "in use", invented_force.mondays[0])
    for kind in ("dpia", "legal", "ethics"):
        enter(own_weeks, "knife_injury", kind, invented_force.mondays[1], "none made")
    result = run_week(own_weeks, invented_force.mondays[2], OPERATOR, delivery=invented_force.deliveries[3])
    standing, found = result.standings["knife_injury"]
    assert standing == "held"
    assert [(f.kind, f.name) for f in found] == [("missing", "dpia"), ("missing", "legal"), ("missing", "ethics")]
    with pytest.raises(NotFit, match="may not be published"):
        publish_release(own_weeks, result.name, DAN, reason="it looks fine", today=invented_force.mondays[2])


def _event():
    from harmcast.oversight.log import Event

    return Event("test", "operator", "administration", "test")


def test_a_week_that_stands_says_what_of_it_changed_and_is_made_again_as_a_revision(own_weeks, invented_force, deliver):
    """A correction made on the very day of the week, and sent after the week was made."""
    import polars as pl

    monday = invented_force.mondays[1]
    sent = pl.read_csv(invented_force.deliveries[2] / "crimes.csv", infer_schema=False).head(3)
    held = own_weeks.records.known("crimes", columns=["crime_ref"])
    rows = sent.join(held, on="crime_ref", how="semi").with_columns(changed_at=pl.lit(f"{monday}T11:00:00"), status=pl.lit("cancelled"))
    load_accepted(own_weeks, deliver({"crimes": rows.fill_null("").to_dicts()}, f"{monday}T23:00:00"))
    stands = run_week(own_weeks, monday, OPERATOR)
    assert (stands.already, stands.changed) == (True, {"crimes": rows.height, "charges": 0})
    made = run_week(own_weeks, monday, OPERATOR, again="three crimes were cancelled the same day")
    assert made.name == f"{stands.name}-r2"
    assert bytes_of(own_weeks.root / "releases" / stands.name)
    event = next(e for e in own_weeks.operations.entries() if e.action == "week_made_again")
    assert event.purpose == "three crimes were cancelled the same day"
    assert run_week(own_weeks, monday, OPERATOR).changed == {"crimes": 0, "charges": 0}
