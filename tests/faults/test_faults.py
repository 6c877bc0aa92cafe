"""A small version of the fault bench: a failing disk, double starts, readers while weeks are published."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from bench.faults import disk, kill, together

DAY = "2026-03-09"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, Any]]:
    """A state with a first week, the next delivery, and what a clean second week comes to."""
    folder = tmp_path_factory.mktemp("faults")
    state, deliveries = kill.prepare(folder, 60, weeks=2)
    kill.run(state, deliveries[:1])
    shutil.copytree(state, folder / "clean")
    kill.run(folder / "clean", deliveries[1:])
    return state, deliveries[1], kill.summary(folder / "clean")


@pytest.mark.slow
def test_a_failed_sync_stops_with_a_name_and_the_next_run_ends_the_same(made: tuple[Path, Path, dict[str, Any]], tmp_path: Path) -> None:
    state, delivery, expected = made
    assert disk.failed_syncs(tmp_path, state, delivery, DAY, [9], expected) == []


@pytest.mark.slow
def test_torn_files_are_written_again_or_said(made: tuple[Path, Path, dict[str, Any]], tmp_path: Path) -> None:
    state, delivery, expected = made
    assert disk.torn(tmp_path, state, delivery, DAY, expected) == []


def test_of_starts_at_once_one_runs(made: tuple[Path, Path, dict[str, Any]]) -> None:
    assert together.double_starts(made[0], 4, at_once=4) == (4, [])


def test_no_reader_sees_a_mixed_week(made: tuple[Path, Path, dict[str, Any]], tmp_path: Path) -> None:
    shutil.copytree(made[0], tmp_path / "state")
    seen, published, mixed = together.mixed_reads(tmp_path / "state", 100, 5)
    assert (seen >= 100, published, mixed) == (True, 5, [])
