"""A form that was written on what no longer stands saves nothing: somebody else changed it after the page was made."""

from __future__ import annotations

from datetime import date

import pytest
from tests.web import invented_people as invented
from tests.web.conftest import NOW, SignIn, carried, csrf_of
from tests.web.invented_releases import register

from harmcast.oversight.log import Event
from harmcast.store import representations
from harmcast.store.releases import NewTool
from harmcast.store.state import State

WEEK = "2026-W49"
OFFICER = ("data_protection_officer", "data_protection_officer")
REFUSED = "Somebody else was here first"


@pytest.fixture
def draft(state: State) -> State:
    register(state, "knife_injury", "shadow")
    event = Event("operator", "operator", "run", "week_made")
    state.releases.keep(WEEK, {"manifest.json": b'{"files": {}}'}, [NewTool("knife_injury", "draft")], origin=NOW.date(), as_of=NOW.date(), sequence=1, event=event)
    return state


def standing(state: State) -> str:
    return state.releases.named(WEEK)[0].standing


def test_a_review_pressed_on_an_old_page_does_not_publish(draft: State, sign_in: SignIn) -> None:
    scientist, supervisor, address = sign_in("data_scientist"), sign_in("supervisor"), f"/releases/{WEEK}/publish"
    old = {**carried(supervisor, f"/releases/{WEEK}"), f"reason-{WEEK}": "Looked through it."}
    assert scientist.post(address, data={**carried(scientist), f"reason-{WEEK}": "Reviewed."}, follow_redirects=False).status_code == 303
    answer = supervisor.post(address, data=old)
    assert answer.status_code == 409
    assert REFUSED in answer.text
    assert "Data_Scientist changed this after you opened the page" in answer.text
    assert "Looked through it." in answer.text  # what was typed is given back
    assert standing(draft) == "reviewed"
    assert supervisor.post(address, data={**old, **carried(supervisor)}, follow_redirects=False).status_code == 303
    assert standing(draft) == "published"


def test_one_s_own_change_and_changes_of_other_things_are_no_hindrance(draft: State, sign_in: SignIn) -> None:
    scientist = sign_in("data_scientist")
    old = carried(scientist)
    draft.releases.keep("2026-W50", {"manifest.json": b'{"files": {}}'}, [NewTool("iom", "draft")], origin=NOW.date(), as_of=NOW.date(), sequence=1, event=Event("x", "operator", "run", "week_made"))
    assert scientist.post(f"/releases/{WEEK}/publish", data={**old, f"reason-{WEEK}": "Reviewed."}, follow_redirects=False).status_code == 303
    assert scientist.post(f"/releases/{WEEK}/withdraw", data={**old, f"reason-{WEEK}": "Made again."}, follow_redirects=False).status_code == 303


@pytest.mark.parametrize("seen", ["", "none of ours", "another's"])
def test_a_form_without_what_its_page_had_seen_has_expired(draft: State, sign_in: SignIn, seen: str) -> None:
    supervisor = sign_in("supervisor")
    sent = {"csrf": csrf_of(supervisor), "seen": carried(sign_in("data_scientist"))["seen"] if seen == "another's" else seen}
    answer = supervisor.post(f"/releases/{WEEK}/publish", data={**sent, f"reason-{WEEK}": "Looked."})
    assert answer.status_code == 403
    assert "This form has expired" in answer.text
    assert standing(draft) == "draft"


def test_an_objection_answered_meanwhile_and_an_approval_entered_meanwhile(state: State, sign_in: SignIn) -> None:
    officer = sign_in("data_protection_officer")
    with state.operations.writing(Event(*OFFICER, "alteration", "representation_received")) as tx:
        number = representations.receive(tx, invented.key(state, 1), "iom", "objection", date(2026, 11, 16), "person", "Not my charge", *OFFICER)
    old = carried(officer)
    with state.operations.writing(Event("deputy", "data_protection_officer", "alteration", "representation_step", object=f"representation:{number}")) as tx:
        representations.add_step(tx, number, invented.key(state, 1), "outcome", "not_upheld", None, "As recorded.", *OFFICER)
    step = {**old, f"step-{number}": "outcome", f"outcome-{number}": "upheld", f"words-{number}": "It was another's."}
    assert officer.post(f"/representations/{number}/steps", data=step).status_code == 409
    entry = {"tool": None, "kind": "dpia", "title": "Refused", "outcome": "refused", "dated": NOW.date(), "by_whom": "Deputy", "document_ref": None, "conditions": None, "review_by": None}
    state.register.enter(entry, Event("deputy", "data_protection_officer", "administration", "register_entered", object="tool:all"))
    sent = {"tool": "iom", "kind": "dpia", "outcome": "refused", "by-whom": "Officer", "title": "DPIA 2", "dated-day": "16", "dated-month": "11", "dated-year": "2026", "review-day": "1", "review-month": "10", "review-year": "2027"}
    assert officer.post("/register", data={**old, **sent}).status_code == 409
    assert officer.post("/register", data={**carried(officer), **sent}, follow_redirects=False).status_code == 303


def test_a_role_given_on_an_old_page_of_an_account(state: State, sign_in: SignIn) -> None:
    boss = sign_in("administrator")
    old = carried(boss)
    with state.operations.writing(Event("another", "administrator", "administration", "user_disabled", object="user:untrained")):
        pass
    assert boss.post("/users/untrained/standing", data={**old, "standing": "active"}).status_code == 409
