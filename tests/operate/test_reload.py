"""After a release came out Qlik is asked or not, and what came of it stands in the log; a release never waits for it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from harmcast.errors import RunStopped
from harmcast.operate import reload
from harmcast.publish import qlik_reload
from harmcast.settings import Qlik
from harmcast.store import schema
from harmcast.store.state import State


def told(state: State) -> list[str]:
    table = schema.events
    rows = state.operations.rows(sa.select(table.c.action).where(table.c.object == "qlik").order_by(table.c.seq))
    return [row["action"] for row in rows]


@pytest.fixture
def asking(any_state: State) -> State:
    return replace(any_state, settings=any_state.settings.model_copy(update={"qlik": Qlik(reload_server="qlik.force.example")}))


def test_nothing_is_asked_without_a_server_or_a_release(any_state: State, asking: State) -> None:
    assert reload.after_release(any_state, "sam", "supervisor", True) == []
    assert reload.after_release(asking, "sam", "supervisor", False) == []
    assert told(any_state) == []


def test_a_reload_that_began_is_an_event(asking: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qlik_reload, "start", lambda _: "the run")
    assert reload.after_release(asking, "sam", "supervisor", True) == ["Qlik reloads."]
    assert told(asking) == ["qlik_reload_started"]


def test_one_that_did_not_is_said_and_stops_nothing(asking: State, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Qlik) -> str:
        raise RunStopped("Qlik did not start the reload.", code="qlik_not_reloaded")

    monkeypatch.setattr(qlik_reload, "start", refuse)
    (said,) = reload.after_release(asking, "sam", "supervisor", True)
    assert "qlik_not_reloaded" in said
    assert told(asking) == ["qlik_not_reloaded"]
