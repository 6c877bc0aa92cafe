"""A small invented force for tests that need a whole one: its deliveries, and a state with two weeks made."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from bench.accepted import load_accepted

from harmcast.invented.making import invent
from harmcast.store.state import State, create, open_state
from harmcast.store.users import Actor
from harmcast.weekly import run_week
from harmcast.weeks import Week

LAST_SUNDAY = date(2026, 11, 15)
WEEKS = 4
AREA_KM2 = 300.0  # a third of a county: the forecast's work goes by the third power of its cells
OPERATOR = Actor("operator", "Operator", (("operator", None),))


@dataclass(frozen=True)
class InventedForce:
    """Where the deliveries lie, oldest first; the history is the first."""

    folder: Path

    @property
    def deliveries(self) -> list[Path]:
        return sorted((self.folder / "deliveries").iterdir())

    @property
    def mondays(self) -> list[date]:
        """The Monday each weekly delivery is made on: its week's as-of date."""
        last = Week.of(LAST_SUNDAY).plus(1)
        return [last.plus(k - WEEKS + 1).monday for k in range(WEEKS)]


@pytest.fixture(scope="session")
def invented_force(tmp_path_factory: pytest.TempPathFactory) -> InventedForce:
    folder = tmp_path_factory.mktemp("invented") / "force"
    invent(folder, people=900, years=2.0, seed=5, to=LAST_SUNDAY, weeks=WEEKS, crimes_a_year=12_000, area_km2=AREA_KM2)
    return InventedForce(folder)


@pytest.fixture(scope="session")
def made_weeks(invented_force: InventedForce, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state with the history loaded and the first two weeks made. Never write here: copy it (`own_weeks`)."""
    folder = tmp_path_factory.mktemp("made") / "state"
    state = create(folder, invented_force.folder / "settings.toml")
    load_accepted(state, invented_force.deliveries[0])
    for delivery, monday in list(zip(invented_force.deliveries[1:], invented_force.mondays, strict=True))[:2]:
        run_week(state, monday, OPERATOR, delivery=delivery)
    state.close()
    return folder


@pytest.fixture
def own_weeks(made_weeks: Path, tmp_path: Path) -> Iterator[State]:
    """A copy of `made_weeks` to do with as a test likes."""
    shutil.copytree(made_weeks, tmp_path / "state")
    state = open_state(tmp_path / "state")
    yield state
    state.close()
