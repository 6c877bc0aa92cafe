"""Nothing typed is lost: a form whose session had ended is kept sealed, for its account alone, shown filled, and saves nothing by itself."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.web import invented_people as invented
from tests.web.conftest import PASSWORD, Clock, SignIn, Site, csrf_of, form_of, served, try_password
from tests.web.test_browser import axe, visit
from tests.web.test_people_forms import decision, save, ticket_of
from tests.web.test_people_pages import OWN

from harmcast.oversight.access import Role
from harmcast.oversight.log import Event
from harmcast.store import cell_records, desk, kept_forms, schema, sessions, users
from harmcast.store.state import State, open_state

MANAGER, ANALYST, TOOL = "offender_manager", "intelligence_analyst", "knife_injury"
TYPED = "Quotes \" and ', <b>tags</b> & é 漢.\nSecond line."
IDLE = 31.0


@pytest.fixture
def cell(state: State) -> str:
    return str(state.releases.published(TOOL).frame(TOOL)["cell"][0])


def kept_rows(state: State) -> list[dict[str, object]]:
    return state.operations.rows(sa.select(schema.kept_forms))


def events(state: State, action: str) -> int:
    return sum(entry.action == action for entry in state.operations.entries())


def shown_again(client: TestClient) -> tuple[str, dict[str, str]]:
    """The one form on the page of kept forms, as its button sends it."""
    page = client.get("/kept").text
    body = re.search(r'<form method="post" action="([^"]+)" class="app-kept__form">(.*?)Show what I typed', page, re.S)
    assert body
    fields = re.findall(r'name="([^"]+)" value="([^"]*)"', body[2], re.S)
    import html

    return body[1], {name: html.unescape(value) for name, value in fields}


def test_a_decision_whose_session_ended_comes_back_filled_and_is_saved_by_hand(manager: TestClient, state: State, clock: Clock, sign_in: SignIn) -> None:
    form = decision(manager, state, words=TYPED, decision="refer", checks="connect")
    clock.on(minutes=IDLE)
    answer = save(manager, state, form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fkept")  # type: ignore[attr-defined]
    key = invented.key(state, OWN)
    (row,) = kept_rows(state)
    assert row["person_key"] == key
    assert TYPED.encode() not in bytes(row["fields_enc"])  # type: ignore[call-overload]
    back = sign_in(MANAGER)
    assert "We kept what you typed" in back.get("/people").text
    address, sent = shown_again(back)
    assert address == f"/people/{key}/decisions"
    again = back.post(address, data=sent)
    assert again.status_code == 400
    assert "Nothing was saved. This is what you typed" in again.text
    assert "Quotes &#34; and &#39;, &lt;b&gt;tags&lt;/b&gt; &amp; é 漢.\nSecond line.</textarea>" in again.text
    assert re.search(r'value="refer"[^>]*checked', again.text)
    assert re.search(r'value="connect"[^>]*checked', again.text)
    assert desk.of_person(state.operations, key) == []
    assert save(back, state, {**form, "csrf": sent["csrf"], "ticket": ticket_of(again.text)}).status_code == 303  # type: ignore[attr-defined]
    (kept,) = desk.of_person(state.operations, key)
    assert kept.words == TYPED
    assert kept.time_band == "not measured"
    assert kept_rows(state) == []


def test_a_handler_that_forgot_saves_nothing_of_a_kept_form(sign_in: SignIn, state: State) -> None:
    """The door refuses the writing itself, whatever a handler does with the mark."""
    client = sign_in("supervisor")
    before = state.operations.rows(sa.select(sa.func.count().label("n")).select_from(schema.events).where(schema.events.c.kind != "consultation"))
    answer = client.post("/account/stay", data={"csrf": csrf_of(client), "kept": "1"})
    assert answer.status_code == 409
    assert "Nothing was saved" in answer.text
    after = state.operations.rows(sa.select(sa.func.count().label("n")).select_from(schema.events).where(schema.events.c.kind != "consultation"))
    assert after == before


@pytest.mark.parametrize("what", ["another's key", "signed out", "no token", "disabled"])
def test_nothing_is_kept_of_a_form_that_is_not_the_sessions_own(what: str, manager: TestClient, state: State, clock: Clock) -> None:
    form = decision(manager, state, words=TYPED)
    if what == "another's key":
        form["csrf"] = "0" * 64
    if what == "signed out":
        manager.post("/sign-out", data={"csrf": form["csrf"]})
    if what == "disabled":
        with state.operations.writing(Event("administrator", "administrator", "administration", "tested")) as tx:
            users.take(tx, MANAGER, Role.OFFENDER_MANAGER, "Brede Unit")
    clock.on(minutes=IDLE)
    if what == "no token":
        manager.cookies.clear()
    back = save(manager, state, form).headers["location"]  # type: ignore[attr-defined]
    assert back == f"/sign-in?next=%2Fpeople%2F{invented.key(state, OWN)}&lost=yes"
    assert "You were signed out. What you typed was not saved." in manager.get(back).text
    assert kept_rows(state) == []


def test_another_account_sees_none_of_it(manager: TestClient, state: State, clock: Clock, sign_in: SignIn) -> None:
    form = decision(manager, state, words=TYPED)
    clock.on(minutes=IDLE)
    save(manager, state, form)
    other = sign_in("supervisor")
    assert other.get("/kept", follow_redirects=False).headers["location"] == "/"
    assert "We kept" not in other.get("/people").text
    other.post("/kept/1/drop", data={"csrf": csrf_of(other)})
    assert len(kept_rows(state)) == 1


def test_it_is_kept_a_day_and_no_longer(manager: TestClient, state: State, clock: Clock) -> None:
    form = decision(manager, state, words=TYPED)
    clock.on(minutes=IDLE)
    save(manager, state, form)
    clock.on(hours=23, minutes=59)
    assert kept_forms.waiting(state.operations, MANAGER) == 1
    clock.on(minutes=2)
    assert kept_forms.waiting(state.operations, MANAGER) == 0
    assert kept_forms.of_account(state.operations, MANAGER) == []


def test_repeats_leave_one_row_and_one_event_a_minute_and_the_newest_words(manager: TestClient, state: State, clock: Clock) -> None:
    form = decision(manager, state, words="first")
    clock.on(minutes=IDLE)
    for number in range(20):
        save(manager, state, {**form, "words": f"try {number}"})
    assert len(kept_rows(state)) == 1
    assert events(state, "form_kept") == 1
    assert kept_forms.of_account(state.operations, MANAGER)[0].fields["words"] == "try 19"
    clock.on(seconds=61)
    save(manager, state, form)
    assert (len(kept_rows(state)), events(state, "form_kept")) == (1, 2)


def test_five_are_kept_and_the_oldest_goes(sign_in: SignIn, state: State, clock: Clock) -> None:
    client = sign_in(ANALYST)
    cells = state.releases.published(TOOL).frame(TOOL)["cell"].to_list()[:6]
    forms = {c: form_of(client, f"/areas/{TOOL}/cells/{c}") for c in cells}
    clock.on(minutes=IDLE)
    for c, form in forms.items():
        client.post(f"/areas/{TOOL}/cells/{c}/notes", data={**form, "note": f"Note on {c}"}, follow_redirects=False)
    assert [k.fields["note"] for k in kept_forms.of_account(state.operations, ANALYST)] == [f"Note on {c}" for c in reversed(cells[1:])]


def test_no_password_is_ever_kept(sign_in: SignIn, state: State, clock: Clock) -> None:
    client, admin = sign_in(ANALYST), sign_in("administrator")
    token, other = csrf_of(client), csrf_of(admin, "/users")
    clock.on(minutes=IDLE)
    client.post("/account/password", data={"csrf": token, "old": PASSWORD, "new": "four other plain words"}, follow_redirects=False)
    admin.post("/users", data={"csrf": other, "account": "n.ew", "name": "New Person", "password": PASSWORD}, follow_redirects=False)
    assert kept_forms.waiting(state.operations, ANALYST) == 0
    (kept,) = kept_forms.of_account(state.operations, "administrator")
    assert kept.fields == {"account": "n.ew", "name": "New Person"}


def test_forgetting_a_person_forgets_what_was_kept(manager: TestClient, state: State, clock: Clock) -> None:
    form = decision(manager, state, words=TYPED)
    clock.on(minutes=IDLE)
    save(manager, state, form)
    with state.operations.writing(Event("system", "operator", "erasure", "tested")) as tx:
        kept_forms.forget(tx.connection, [invented.key(state, OWN)])
    assert kept_rows(state) == []


def test_a_note_on_a_place_is_sealed_under_the_states_secret(sign_in: SignIn, state: State, clock: Clock, cell: str) -> None:
    client = sign_in(ANALYST)
    here = f"/areas/{TOOL}/cells/{cell}"
    form = form_of(client, here)
    clock.on(minutes=IDLE)
    client.post(f"{here}/notes", data={**form, "note": TYPED}, follow_redirects=False)
    (row,) = kept_rows(state)
    assert row["person_key"] is None
    assert b"Second line" not in bytes(row["fields_enc"])  # type: ignore[call-overload]
    back = sign_in(ANALYST)
    address, sent = shown_again(back)
    assert "Second line.</textarea>" in back.post(address, data=sent).text
    assert cell_records.notes(state.operations, TOOL, cell) == []


def test_it_can_be_thrown_away(manager: TestClient, state: State, clock: Clock, sign_in: SignIn) -> None:
    form = decision(manager, state, words=TYPED)
    clock.on(minutes=IDLE)
    save(manager, state, form)
    back = sign_in(MANAGER)
    number = kept_rows(state)[0]["id"]
    assert back.post(f"/kept/{number}/drop", data={"csrf": csrf_of(back)}, follow_redirects=False).status_code == 303
    assert kept_rows(state) == []


def test_after_signing_in_the_way_leads_to_it(web: FastAPI, manager: TestClient, state: State, clock: Clock) -> None:
    form = decision(manager, state, words=TYPED)
    clock.on(minutes=IDLE)
    answer = save(manager, state, form)
    page = manager.get(answer.headers["location"]).text  # type: ignore[attr-defined]
    assert "Nothing was saved. What you typed is kept" in page
    client = TestClient(web)
    assert try_password(client, MANAGER, PASSWORD, "/kept").headers["location"] == "/kept"  # type: ignore[attr-defined]


@pytest.mark.parametrize(("path", "status"), [("/people/aaaaaaaaaaaaaaaaaaaaaaaa/decisions", 404), ("/exports", 403)])
def test_a_refusal_says_that_nothing_was_saved_and_gives_back_the_words(path: str, status: int, manager: TestClient) -> None:
    token = csrf_of(manager) if status != 403 else "0" * 64
    answer = manager.post(path, data={"csrf": token, "words": "Spoke to probation at 14:10.", "password": "not to be shown back"})
    assert answer.status_code == status
    assert "Nothing was saved" in answer.text
    assert "Spoke to probation at 14:10." in answer.text
    assert "not to be shown back" not in answer.text


@pytest.mark.browser
def test_the_unanswered_dialog_keeps_what_was_typed(browser: object, made_state: Path, tmp_path: Path) -> None:
    """The browser's clock runs ahead; the form goes to its own address, marked, and nothing is saved; the page shows it filled."""
    with served(made_state, tmp_path / "state", clock=lambda: datetime.now(UTC)) as site:
        _unanswered(browser, site)


def _unanswered(browser: object, site: Site) -> None:
    page = visit(browser, site, ANALYST)
    page.clock.install()  # type: ignore[attr-defined]
    page.goto(f"{site.address}/areas/{TOOL}/cells/{site.cell}")  # type: ignore[attr-defined]
    page.fill("#note", "Half a thought")  # type: ignore[attr-defined]
    page.clock.run_for(13 * 60 * 1000 + 2000)  # type: ignore[attr-defined]
    assert page.is_visible("#timeout")  # type: ignore[attr-defined]
    assert axe(page) == []
    page.click("#timeout button")  # type: ignore[attr-defined]
    page.wait_for_selector("#timeout", state="hidden")  # type: ignore[attr-defined]
    page.clock.run_for(13 * 60 * 1000 + 2000)  # type: ignore[attr-defined]
    assert page.is_visible("#timeout")  # type: ignore[attr-defined]
    with page.expect_navigation():  # type: ignore[attr-defined]
        page.clock.run_for(3 * 60 * 1000)  # type: ignore[attr-defined]
    page.wait_for_selector("text=Nothing was saved. This is what you typed")  # type: ignore[attr-defined]
    assert page.input_value("#note") == "Half a thought"  # type: ignore[attr-defined]
    state = open_state(site.folder)
    assert "Half a thought" not in [n["words"] for n in cell_records.notes(state.operations, TOOL, site.cell)]
    state.close()
    page.context.close()  # type: ignore[attr-defined]


@pytest.mark.browser
@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("width", [1280, 320])
def test_the_page_of_kept_forms(browser: object, site: Site, width: int, scripts: bool) -> None:
    state = open_state(site.folder)
    session = sessions.find(state.operations, site.tokens[ANALYST], state.settings.web)
    assert session
    address = f"/areas/{TOOL}/cells/{site.cell}/notes"
    kept_forms.keep(state.operations, session, address, "note_cell", None, {"note": TYPED, "ticket": "old"})
    page = visit(browser, site, ANALYST, width, scripts)
    page.goto(f"{site.address}/kept")  # type: ignore[attr-defined]
    if scripts:
        assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")  # type: ignore[attr-defined]
    page.click("text=Show what I typed")  # type: ignore[attr-defined]
    page.wait_for_selector("#note")  # type: ignore[attr-defined]
    assert page.input_value("#note") == TYPED  # type: ignore[attr-defined]
    page.click("form[action$=notes] button[type=submit]")  # type: ignore[attr-defined]
    page.wait_for_selector("text=Your note is saved.")  # type: ignore[attr-defined]
    assert kept_forms.waiting(state.operations, ANALYST) == 0
    state.close()
    page.context.close()  # type: ignore[attr-defined]
