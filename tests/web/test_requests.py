"""What officer, ethics reviewer and data scientist do on pages: a person's report, erasure by two, the log, findings, refusals, corrections."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.web import invented_people as invented
from tests.web.conftest import NOW, SignIn, carried, code_of, csrf_of, form_of

from harmcast.operate import copies
from harmcast.oversight import log
from harmcast.oversight.access import Role
from harmcast.oversight.findings import Finding
from harmcast.oversight.log import Event
from harmcast.store import erasure_requests, representations, sessions
from harmcast.store.releases import NewTool
from harmcast.store.state import State, open_state
from harmcast.web import app as apps
from harmcast.web import open_work

TODAY = NOW.date()
CONCERN = Finding("concern", "knife_injury", "false_high/deprivation/1/over", "Too often wrong in the poorest fifth.", 4.1, 2.0, 2.1)


def state_of(item_kind: str, state: State) -> list[tuple[str, str]]:
    found = open_work.everything(state, TODAY).items
    return [(i.state, i.owner.value) for i in found if i.kind == item_kind]


# -- one person's report -------------------------------------------------------------------------


def test_the_officer_makes_a_persons_report_and_its_making_is_logged(sign_in: SignIn, state: State) -> None:
    officer, key = sign_in("data_protection_officer"), invented.key(state, 3)
    token = csrf_of(officer)
    form = {"csrf": token, "reference": invented.reference(3), "kind": "html"}
    for second in ("", "AAAAA-AAAAA", code_of(state, "data_protection_officer", "report subject"), code_of(state, "administrator", "report subject")):
        alone = officer.post("/subject", data={**form, "second-code": second})
        assert (alone.status_code, state.operations.entries()[-1].action == "report_made") == (400, False)
    answer = officer.post("/subject", data={**form, "second-code": code_of(state, "supervisor", "report subject")})
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment")
    assert invented.reference(3) in answer.text
    last = state.operations.entries()[-1]
    assert (last.action, last.subject, last.actor) == ("report_made", key, "data_protection_officer")
    missing = officer.post("/subject", data={**form, "reference": "P99999", "second-code": code_of(state, "ethics_reviewer", "report subject")})
    assert missing.status_code == 400
    assert "Nobody of this reference is held" in missing.text


# -- erasure -------------------------------------------------------------------------------------


@pytest.fixture
def own(made_state: Path, tmp_path: Path) -> State:
    """A whole copy of the state, which erasure may write again."""
    shutil.copytree(made_state, tmp_path / "own")
    state = open_state(tmp_path / "own")
    invented.charge_all(state)
    return state


def client_of(app: FastAPI, state: State, account: str, role: Role) -> TestClient:
    with state.operations.writing(Event(account, role.value, "administration", "signed_in")) as tx:
        token = sessions.begin(tx, account, role, None, state.settings.web)
    client = TestClient(app)
    client.cookies.set("harmcast", token)
    return client


def test_erasure_takes_two_people_and_the_very_list(own: State, monkeypatch: pytest.MonkeyPatch) -> None:
    cleared: list[bool] = []
    monkeypatch.setattr(copies, "refresh", lambda state, actor, role, *, erased=False: cleared.append(erased))
    app = apps.create_app(own)
    officer = client_of(app, own, "data_protection_officer", Role.DATA_PROTECTION_OFFICER)
    eve = client_of(app, own, "ethics_reviewer", Role.ETHICS_REVIEWER)
    held = own.person_keys().height
    page = officer.get("/forget").text
    listed = page.split('name="list" value="')[1].split('"')[0]
    token, ask = csrf_of(officer), {"list": listed, "why": "Past their review date; checked in CONNECT."}
    assert officer.post("/forget", data={"csrf": token, **ask, "list": "0" * 16}).status_code == 400
    assert officer.post("/forget", data={"csrf": token, **ask, "why": ""}).status_code == 400
    assert eve.post("/forget", data={"csrf": csrf_of(eve), **ask}).status_code == 403
    assert officer.post("/forget", data={"csrf": token, **ask}, follow_redirects=False).status_code == 303
    (request,) = erasure_requests.newest(own.operations)
    assert own.person_keys().height == held
    assert ("Waits for a second person", "ethics_reviewer") in state_of("erasure", own)
    address, yes = f"/forget/{request.id}", {f"answer-{request.id}": "erased"}
    assert "a second person lets it go" in officer.post(address, data={"csrf": token, **yes}).text
    assert own.person_keys().height == held
    assert eve.post(address, data={"csrf": csrf_of(eve), **yes}, follow_redirects=False).status_code == 303
    assert own.person_keys().height == held - request.people
    assert (request.people, request.reasons) == (1, {"review_overdue": 1})
    done = erasure_requests.newest(own.operations)[0]
    assert (done.decision, done.by, done.decided_by) == ("erased", "data_protection_officer", "ethics_reviewer")
    assert eve.post(address, data={"csrf": csrf_of(eve), **yes}).status_code == 400
    actions = [e.action for e in own.operations.entries()]
    assert actions.count("person_forgotten") == request.people
    assert cleared[-1] is True  # the second person's yes; what was refused before it may have been followed too
    own.close()


def test_a_request_is_refused_with_a_reason_and_erases_nobody(own: State) -> None:
    app = apps.create_app(own)
    officer = client_of(app, own, "data_protection_officer", Role.DATA_PROTECTION_OFFICER)
    eve = client_of(app, own, "ethics_reviewer", Role.ETHICS_REVIEWER)
    listed = officer.get("/forget").text.split('name="list" value="')[1].split('"')[0]
    officer.post("/forget", data={"csrf": csrf_of(officer), "list": listed, "why": "due"})
    (request,) = erasure_requests.newest(own.operations)
    held, no = own.person_keys().height, {f"answer-{request.id}": "refused"}
    assert "Say why you refuse" in eve.post(f"/forget/{request.id}", data={"csrf": csrf_of(eve), **no}).text
    no[f"why-{request.id}"] = "An inquiry is open."
    assert eve.post(f"/forget/{request.id}", data={"csrf": csrf_of(eve), **no}, follow_redirects=False).status_code == 303
    assert own.person_keys().height == held
    own.close()


# -- the log -------------------------------------------------------------------------------------


def test_the_log_is_verified_on_a_page(own: State) -> None:
    app = apps.create_app(own)
    officer = client_of(app, own, "data_protection_officer", Role.DATA_PROTECTION_OFFICER)
    page = officer.post("/log/verify", data={"csrf": csrf_of(officer)}).text
    assert "The state agrees with itself" in page
    assert "Whole." in page
    with own.operations.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE users SET name = 'Somebody Else' WHERE account = 'supervisor'")
    page = officer.post("/log/verify", data={"csrf": csrf_of(officer)}).text
    assert "Not what was written." in page
    assert "1 fault" in page
    own.close()


# -- findings and refusal ------------------------------------------------------------------------


@pytest.fixture
def held(web: FastAPI) -> State:
    """A week of the knife tool held by a concern."""
    state: State = web.state.harmcast
    event = Event("operator", "operator", "run", "week_made")
    state.releases.keep(
        "2026-W48", {"manifest.json": b'{"files": {}}'}, [NewTool("knife_injury", "held", [CONCERN])], origin=TODAY, as_of=TODAY, sequence=1, event=event
    )
    return state


def test_the_ethics_reviewer_answers_a_finding_with_a_condition_that_the_second_agrees_to(held: State, sign_in: SignIn) -> None:
    eve, sue = sign_in("ethics_reviewer"), sign_in("supervisor")
    home = eve.get("/home").text
    assert f'href="/findings/{CONCERN.id}"' in home
    assert "To be answered" in home
    field, address = f"lift-2026-W48-{CONCERN.id}", f"/releases/2026-W48/findings/{CONCERN.id}"
    form = {**carried(eve), field: "Known; the fifth is small.", f"{field}-condition": "Shown without the poorest fifth."}
    assert eve.post(address, data=form, follow_redirects=False).headers["location"] == f"/findings/{CONCERN.id}?saved=proposed"
    assert state_of("finding", held) == [("Reason signed, waits for a second person", "supervisor")]
    assert "On the condition: Shown without the poorest fifth." in sue.get("/releases/2026-W48").text
    assert "Reason signed" in sue.get("/unit-work").text
    assert sue.post(address, data={**carried(sue), field: "agreed"}, follow_redirects=False).status_code == 303
    assert [state for state, _ in state_of("finding", held)] == ["Lifted for a time"]
    assert held.lifts.all()[0].condition == "Shown without the poorest fifth."


def test_a_refusal_takes_the_tool_off_users_pages_with_its_reason_and_closes_what_was_open(held: State, sign_in: SignIn) -> None:
    analyst, eve = sign_in("intelligence_analyst"), sign_in("ethics_reviewer")
    cell = str(held.releases.published("knife_injury").frame("knife_injury")["cell"][0])  # type: ignore[union-attr]
    analyst.post(f"/areas/knife_injury/cells/{cell}/recommendations", data={**form_of(analyst, f"/areas/knife_injury/cells/{cell}"), "place": "Mill Road", "time": "Fri 22:00", "recommendation": "Late turns.", "asked": "One visit."})
    form = {**carried(eve), "finding": CONCERN.id, "refuse": "Poor areas bear it.", "refused-by": "Data Ethics Committee"}
    assert "Confirm that the tool leaves" in eve.post("/tools/knife_injury/refuse", data=form).text
    assert analyst.get("/areas/knife_injury").status_code == 200
    assert eve.post("/tools/knife_injury/refuse", data={**form, "sure": "yes"}, follow_redirects=False).status_code == 303
    page = analyst.get("/areas/knife_injury")
    assert page.status_code == 403
    assert "by Data Ethics Committee: Poor areas bear it." in page.text
    assert [s for s, _ in state_of("recommendation", held)] == ["Tool refused or stopped"]
    assert [s for s, _ in state_of("finding", held)] == ["Tool refused"]
    assert "Refused" in [s for s, _ in state_of("approval", held)]
    assert "already" in eve.get(f"/findings/{CONCERN.id}").text


def test_a_supervisor_keeps_a_home_when_the_people_tool_is_refused(sign_in: SignIn) -> None:
    eve, sue = sign_in("ethics_reviewer"), sign_in("supervisor")
    form = {**carried(eve), "finding": "", "refuse": "Not yet.", "refused-by": "The committee", "sure": "yes"}
    assert eve.post("/tools/iom/refuse", data=form, follow_redirects=False).status_code == 303
    page = sue.get("/")
    assert (page.status_code, page.url.path) == (200, "/home")


# -- corrections ---------------------------------------------------------------------------------


def test_what_was_upheld_is_closed_by_a_release_made_after_the_answer(sign_in: SignIn, state: State, clock) -> None:  # type: ignore[no-untyped-def]
    clock.at = log.moment(state.releases.published("iom").made_at) - timedelta(hours=1)  # type: ignore[union-attr]
    key = invented.key(state, 3)
    with state.operations.writing(Event("x", "offender_manager", "alteration", "data_error_reported", subject=key)) as tx:
        number = representations.receive(tx, key, "iom", "data_error", TODAY, "unit", "Somebody else's charge.", "offender_manager", "offender_manager")
    officer, scientist = sign_in("data_protection_officer"), sign_in("data_scientist")
    assert ("Received", "data_protection_officer") in state_of("data_error", state)
    step = {**carried(officer), f"step-{number}": "outcome", f"outcome-{number}": "upheld", f"words-{number}": "Wrong person."}
    assert officer.post(f"/representations/{number}/steps", data=step, follow_redirects=False).status_code == 303
    page = scientist.get("/corrections").text
    assert f"Person {key[:6]}" in page
    assert not any(words in page for words in ("Somebody else", "Wrong person", "Invented Person", invented.reference(3)))
    assert ("Upheld, to be corrected", "data_scientist") in state_of("data_error", state)
    assert scientist.post(f"/corrections/{number}", data={"csrf": csrf_of(scientist)}, follow_redirects=False).status_code == 303
    assert [s for s, _ in state_of("data_error", state)] == ["Corrected and scored again"]


def test_no_release_since_the_answer_closes_no_correction(sign_in: SignIn, state: State, clock) -> None:  # type: ignore[no-untyped-def]
    clock.at = log.moment(state.releases.published("iom").made_at) + timedelta(hours=1)  # type: ignore[union-attr]
    key = invented.key(state, 3)
    with state.operations.writing(Event("x", "data_protection_officer", "alteration", "representation_received", subject=key)) as tx:
        number = representations.receive(tx, key, "iom", "objection", TODAY, "person", "Unfair.", "data_protection_officer", "data_protection_officer")
        representations.add_step(tx, number, key, "outcome", "upheld", None, "", "data_protection_officer", "data_protection_officer")
    scientist = sign_in("data_scientist")
    answer = scientist.post(f"/corrections/{number}", data={"csrf": csrf_of(scientist)})
    assert answer.status_code == 400
    assert "No release was made since it was upheld" in answer.text
