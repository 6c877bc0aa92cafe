"""What shows a release outside the pages follows what a page saved, by the door and not by each handler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.web.conftest import SignIn, carried

from harmcast.operate import copies
from harmcast.oversight.access import Action
from harmcast.settings import MapSettings
from harmcast.store.state import State
from harmcast.web.guard import ACCESS, FOLLOWED
from harmcast.web.pages import all_pages

TOOL = "knife_injury"


@pytest.fixture
def state(state: State) -> State:
    """The state with a shared folder for its maps."""
    settings = state.settings.model_copy(update={"map": MapSettings(shared_folder=Path("shared"))})
    return replace(state, settings=settings)


def by_the_register(client: TestClient) -> int:
    form = {
        **carried(client), "tool": TOOL, "kind": "ethics", "outcome": "refused", "by-whom": "Ethics committee", "title": "Refused",
        "dated-day": "2", "dated-month": "3", "dated-year": "2026",
    }  # fmt: skip
    return client.post("/register", data=form, follow_redirects=False).status_code


def by_the_button(client: TestClient) -> int:
    form = {**carried(client), "refuse": "It puts one ward too high", "refused-by": "Ethics committee", "sure": "yes"}
    return client.post(f"/tools/{TOOL}/refuse", data=form, follow_redirects=False).status_code


@pytest.mark.parametrize("refuse", [by_the_register, by_the_button])
def test_a_refusal_by_page_takes_the_shared_map_away(refuse: Callable[[TestClient], int], state: State, sign_in: SignIn) -> None:
    copies.refresh(state, "s", "supervisor")
    path = state.root / "shared" / f"{TOOL}.gpkg"
    assert path.is_file()
    assert refuse(sign_in("ethics_reviewer")) == 303
    assert not path.exists()


def test_a_form_with_faults_moves_no_copy(state: State, sign_in: SignIn) -> None:
    copies.refresh(state, "s", "supervisor")
    client = sign_in("ethics_reviewer")
    assert client.post("/register", data={**carried(client), "tool": TOOL, "outcome": "refused"}).status_code == 400
    assert (state.root / "shared" / f"{TOOL}.gpkg").is_file()


def test_an_erasure_clears_older_versions_too_and_each_such_form_is_followed() -> None:
    assert {action: erased for action, erased in FOLLOWED.items() if erased} == {Action.SECOND_ERASURE: True}
    posts = {Action(route.openapi_extra[ACCESS]) for part in all_pages() for route in part.router.routes if "POST" in route.methods}
    assert set(FOLLOWED) <= posts
