from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from tests.publish.qlik.by_hand import audited, decided, delivered, in_use, with_people

from harmcast.operate import qlik
from harmcast.store.state import State

TODAY = date(2026, 11, 18)


@dataclass(frozen=True)
class Written:
    """A state and the folder that Qlik loads from, written from it."""

    state: State
    folder: Path
    today: date = TODAY


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Written]:
    """Fourteen releases of two places tools, ten of which are over, people of two units in four, decisions,
    audits and deliveries: the three apps of it."""
    from tests.web import invented_people, invented_releases

    folder = tmp_path_factory.mktemp("qlik") / "state"
    state = invented_releases.make_state(folder, releases=14, across_m=14_000.0)
    invented_people.add_people(state)
    decided(state, TODAY)
    audited(state)
    delivered(state)
    state = with_people(in_use(state, TODAY), TODAY)
    found = qlik.refresh(state, "operator", "operator", TODAY)
    assert found.failed == {}
    yield Written(state, state.root / "qlik")
    state.close()
