"""The releases page: two people lift a finding by name; a refusal in the register takes the tool off every page the same day."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.web.conftest import NOW, SignIn, carried
from tests.web.invented_releases import register

from harmcast import words
from harmcast.oversight.findings import Finding
from harmcast.oversight.log import Event
from harmcast.store.releases import NewTool
from harmcast.store.state import State
from harmcast.web import release_evidence

TODAY = NOW.date()
CONCERN = Finding("concern", "iom", "selection/sex/male/higher", "Men are selected more.", 0.7, 0.8, 1.6)
STOP = Finding("stop", "iom", "two_lines/sex/male", "Two lines of evidence.", None, None, None)
WEEK = "2026-W48"


@pytest.fixture
def held(web: FastAPI) -> State:
    """A week of the people tool held by a concern and a stop."""
    state: State = web.state.harmcast
    event = Event("operator", "operator", "run", "week_made")
    state.releases.keep(
        WEEK, {"manifest.json": b'{"files": {}}'}, [NewTool("iom", "held", [CONCERN, STOP])], origin=TODAY, as_of=TODAY, sequence=1, event=event
    )
    return state


def lift(client: TestClient, finding: Finding, reason: str = "known, looked into", **more: str) -> int:
    form = {**carried(client), f"lift-{WEEK}-{finding.id}": reason, **more}
    return client.post(f"/releases/{WEEK}/findings/{finding.id}", data=form, follow_redirects=False).status_code


def test_two_people_lift_a_named_finding_and_nobody_the_stop(held: State, sign_in: SignIn) -> None:
    eve, sue = sign_in("ethics_reviewer"), sign_in("supervisor")
    page = eve.get(f"/releases/{WEEK}").text
    assert CONCERN.id in page
    assert "May be lifted by ethics reviewer, then data scientist or supervisor" in page
    assert "Nobody may lift this: it ends when the cause is mended." in page
    assert "/withdraw" not in page  # she lifts, she does not release
    assert lift(sue, CONCERN) == 409  # the ethics reviewer comes first
    assert lift(eve, CONCERN, reason="") == 400
    assert lift(eve, CONCERN) == 303
    assert "ethics_reviewer proposes to lift it until" in sue.get(f"/releases/{WEEK}").text
    assert lift(sue, CONCERN) == 303
    assert lift(eve, STOP) == lift(sue, STOP) == 409
    (kept,) = held.lifts.all()
    assert (kept.first, kept.second, kept.until) == ("ethics_reviewer", "supervisor", TODAY + timedelta(days=91))
    assert "Lifted until" in sue.get(f"/releases/{WEEK}").text
    form = {**carried(sue), f"reason-{WEEK}": "looked into"}
    assert sue.post(f"/releases/{WEEK}/publish", data=form).status_code == 409  # the stop still stands
    assert lift(sign_in("data_protection_officer"), CONCERN, reason="no", end="yes") == 303
    assert held.lifts.all()[0].ended_on == TODAY


def test_the_last_day_is_the_first_persons_to_name_within_the_rule(held: State, sign_in: SignIn) -> None:
    eve, field = sign_in("ethics_reviewer"), f"lift-{WEEK}-{CONCERN.id}-until"
    late = TODAY + timedelta(days=92)
    day = {f"{field}-day": str(late.day), f"{field}-month": str(late.month), f"{field}-year": str(late.year)}
    assert lift(eve, CONCERN, **day) == 409
    assert held.lifts.all() == []


PAGES = {
    "iom": [
        ("offender_manager", "/people"),
        ("supervisor", "/unit-work"),
        ("offender_manager", "/exports"),
        ("data_scientist", "/pseudonymised"),
        ("ethics_reviewer", "/audit/iom"),
    ],
    "knife_injury": [
        ("intelligence_analyst", "/areas/knife_injury"),
        ("intelligence_analyst", "/areas/knife_injury/briefing"),
        ("data_scientist", "/areas/knife_injury/download.csv"),
        ("data_scientist", "/areas/knife_injury/download.geojson"),
        ("intelligence_analyst", "/areas/knife_injury/cells/CELL"),
        ("supervisor", "/track-record/knife_injury"),
        ("ethics_reviewer", "/audit/knife_injury"),
    ],
}


@pytest.mark.parametrize("tool", PAGES)
@pytest.mark.parametrize("by", ["ethics_reviewer", "data_protection_officer"])
def test_a_refusal_takes_the_tool_off_every_page_the_same_day(web: FastAPI, sign_in: SignIn, tool: str, by: str) -> None:
    state: State = web.state.harmcast
    cell = str(state.releases.published("knife_injury").frame("knife_injury")["cell"][0])  # type: ignore[union-attr]
    clients = {role: sign_in(role) for role, _ in PAGES[tool]}
    asked = [(role, address.replace("CELL", cell)) for role, address in PAGES[tool]]
    assert [clients[role].get(address).status_code for role, address in asked] == [200] * len(asked)
    who = sign_in(by)
    kind = "ethics" if by == "ethics_reviewer" else "dpia"
    form = {**carried(who), "tool": tool, "kind": kind, "outcome": "refused", "by-whom": "The committee", "title": "It must not be used"}
    day = {"dated-day": str(TODAY.day), "dated-month": str(TODAY.month), "dated-year": str(TODAY.year)}
    assert who.post("/register", data=form | day, follow_redirects=False).status_code == 303
    assert [clients[role].get(address).status_code for role, address in asked] == [403] * len(asked)
    other = next(name for name in PAGES if name != tool)
    role, address = PAGES[other][0]
    assert sign_in(role).get(address).status_code == 200


def test_a_tool_that_stayed_behind_says_why_on_both_pages(held: State, sign_in: SignIn) -> None:
    event = Event("operator", "operator", "run", "week_made")
    register(held, "knife_injury", "shadow")
    held.releases.keep("2026-W49", {"manifest.json": b'{"files": {}}'}, [NewTool("knife_injury", "draft"), NewTool("iom", "held", [CONCERN])], origin=TODAY, as_of=TODAY, sequence=1, event=event)
    scientist, supervisor = sign_in("data_scientist"), sign_in("supervisor")
    assert "Stays behind" not in scientist.get("/releases").text  # held or draft, neither went further
    for client in (scientist, supervisor):
        answer = client.post("/releases/2026-W49/publish", data={**carried(client), "reason-2026-W49": "Looked."}, follow_redirects=False)
        assert answer.headers["location"] == "/releases/2026-W49?saved=stayed"
    for page in (answer.headers["location"], "/releases"):
        text = scientist.get(page).text
        said = text[text.index("Stays behind: ") :].split("</")[0]
        assert CONCERN.says in said
        assert text.count("Stays behind") == 1
    assert "not for every tool" in scientist.get("/releases/2026-W49?saved=stayed").text
    assert "overtaken" not in scientist.get("/releases").text
    held.releases.keep("2026-W50", {"manifest.json": b'{"files": {}}'}, [NewTool("iom", "draft")], origin=TODAY, as_of=TODAY, sequence=1, event=event)
    assert "Stayed behind; a later week has overtaken it." in scientist.get("/releases").text


def test_the_last_day_of_the_data_is_the_one_that_every_page_says(state: State) -> None:
    release = state.releases.published("knife_injury")
    (first, *_) = release_evidence.of_release(release, None, state.settings.tools[0])
    assert (first.what, first.new) == ("Data to", words.day(release.origin - timedelta(days=1)))
