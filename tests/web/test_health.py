"""What machines ask: health says nothing but yes or no, figures go to the force's own collector alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from harmcast.store.state import State
from harmcast.web import app as apps
from harmcast.web.security import HEADERS

TOKEN = "a token of the force's own, long enough"
HERE = ("127.0.0.1", 50000)


def client_of(state: State, host: tuple[str, int] = ("testclient", 50000), **web: Any) -> TestClient:
    settings = state.settings.model_copy(update={"web": state.settings.web.model_copy(update=web)})
    return TestClient(apps.create_app(replace(state, settings=settings)), client=host)


def test_health_is_a_word_and_no_event(web: FastAPI) -> None:
    state = web.state.harmcast
    before = len(state.operations.entries())
    response = TestClient(web).get("/healthz")
    assert (response.status_code, response.text) == (200, "well\n")
    assert "set-cookie" not in response.headers
    assert response.headers["cache-control"] == HEADERS["cache-control"]
    assert len(state.operations.entries()) == before


def test_a_database_that_cannot_be_read_is_told_by_the_status_alone(state: State) -> None:
    client = client_of(state)
    state.operations.close()
    (state.root / "operations.db").write_bytes(b"no database" * 999)
    response = client.get("/healthz")
    assert (response.status_code, response.text) == (503, "unwell\n")


def test_without_a_token_nobody_reads_the_figures_not_even_this_machine(state: State) -> None:
    assert client_of(state, HERE).get("/metrics").status_code == 403
    assert client_of(state, HERE).get("/metrics", headers={"authorization": "Bearer "}).status_code == 403
    assert client_of(state).get("/metrics").status_code == 403


@pytest.mark.parametrize("setting", [TOKEN, "env:FIGURES_TOKEN_OF_TEST"])
def test_figures_go_to_whoever_has_the_token(state: State, monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    monkeypatch.setenv("FIGURES_TOKEN_OF_TEST", TOKEN)
    client = client_of(state, metrics_token=setting, base_url="https://harmcast.force.example")
    given = {"right": f"Bearer {TOKEN}", "wrong": f"Bearer {TOKEN[:-1]}", "none": "Bearer ", "other": f"Basic {TOKEN}"}
    found = {name: client.get("/metrics", headers={"authorization": value}).status_code for name, value in given.items()}
    assert found == {"right": 200, "wrong": 403, "none": 403, "other": 403}


def test_a_token_that_could_be_guessed_opens_nothing(state: State) -> None:
    assert client_of(state, metrics_token="short").get("/metrics", headers={"authorization": "Bearer short"}).status_code == 403


def test_figures_name_nobody(state: State) -> None:
    answer = client_of(state, metrics_token=TOKEN).get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    text = answer.text
    assert "# TYPE harmcast_concerns gauge" in text
    held = state.person_keys()
    assert not any(value in text for column in ("person_ref", "person_key") for value in held[column])
