"""A small version of the fault bench's weeks: odd volume, corrections, replays, past weeks, clocks, a dead database, a fuzzer."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.faults import clock, dead, force, fuzz, kill, weeks
from bench.servers import postgres_server, programs

DAY = "2026-03-09"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[force.Force, Path]:
    folder = tmp_path_factory.mktemp("weeks")
    invented = force.invented(folder, 3, people=400, area_km2=300.0)
    return invented, force.state_of(invented, folder / "one-week", 1)


@pytest.mark.slow
def test_corrections_come_through_as_a_full_rebuild_would_have_them(made: tuple[force.Force, Path], tmp_path: Path) -> None:
    files, wrong = weeks.corrected(tmp_path, *made)
    assert (files > 10, wrong) == (True, [])


@pytest.mark.slow
def test_odd_volume_is_held_until_two_people_let_it_out(
    made: tuple[force.Force, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weeks, "ODD", {"a third came": weeks.ODD["a third came"]})
    assert weeks.odd_volume(tmp_path, *made) == (1, [])


def test_deliveries_again_in_any_order_change_nothing_and_every_row_is_accounted_for(made: tuple[force.Force, Path], tmp_path: Path) -> None:
    replays, files, rows, wrong = weeks.replayed(tmp_path, made[0], 2)
    assert (replays, files > 10, rows > 10_000, wrong) == (9, True, True, [])


@pytest.mark.slow
def test_past_weeks_are_made_again_byte_for_byte(made: tuple[force.Force, Path], tmp_path: Path) -> None:
    count, files, wrong = weeks.long_past(tmp_path, made[0], 2, 2, is_refitted=False)
    assert (count, files > 20, wrong) == (2, True, [])


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, object]]:
    import shutil

    folder = tmp_path_factory.mktemp("clock")
    state, deliveries = kill.prepare(folder, 60, weeks=2)
    kill.run(state, deliveries[:1])
    shutil.copytree(state, folder / "clean")
    kill.run(folder / "clean", deliveries[1:])
    return state, deliveries[1], kill.summary(folder / "clean")


def test_a_clock_that_jumps_changes_nothing_that_is_made(plain: tuple[Path, Path, dict[str, object]], tmp_path: Path) -> None:
    state, delivery, expected = plain
    assert clock.jumps(tmp_path, state, delivery, DAY, [4], expected) == (4, [])
    assert clock.far_ahead(tmp_path, state, delivery, DAY, expected) == []


@pytest.mark.slow
@pytest.mark.postgres
def test_a_database_stopped_dead_is_named_and_the_next_run_ends_the_same(tmp_path: Path) -> None:
    if programs() is None:
        pytest.skip("SKIPPED: no PostgreSQL here")
    with postgres_server() as server:
        assert dead.died(tmp_path, server, 1, DAY)[1] == []


def test_the_readers_stand_what_a_fuzzer_finds() -> None:
    runs, lines, kept, crashed = fuzz.fuzz(150)
    assert (runs, lines > 200, kept > 5, crashed) == (150, True, True, [])
