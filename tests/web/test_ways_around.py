"""Ways around a door, tried and closed: a form that shows a page, two downloads at once, a number too large, an address elsewhere."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.web import invented_people as invented
from tests.web.conftest import SignIn, csrf_of

from harmcast.store import schema
from harmcast.store.state import State

SHOWN = ("Charges that count most", "Chance of becoming high harm", "Charges held")
OFF_LIST = 5
FORMS = ("decisions", "data-errors", "judgement", "decisions/1/follow-ups")


def shows_somebody(text: str) -> bool:
    return any(words in text for words in SHOWN) or "Invented Person" in text


@pytest.mark.parametrize("way", FORMS)
def test_a_form_with_faults_shows_nobody_off_the_list_before_a_purpose_is_given(way: str, manager: TestClient, state: State) -> None:
    key = invented.key(state, OFF_LIST)
    answer = manager.post(f"/people/{key}/{way}", data={"csrf": csrf_of(manager)})
    assert answer.status_code == 403
    assert "open the record for a purpose" in answer.text
    assert not shows_somebody(answer.text)


@pytest.mark.parametrize("way", FORMS)
def test_a_form_with_faults_shows_nobody_off_the_list_who_was_not_opened(way: str, manager: TestClient, state: State) -> None:
    key = invented.key(state, OFF_LIST)
    answer = manager.post(f"/people/{key}/{way}", data={"csrf": csrf_of(manager), "purpose": "review"})
    assert answer.status_code == 403
    assert not shows_somebody(answer.text)


def test_somebody_off_the_list_who_was_opened_can_be_decided_about(manager: TestClient, state: State) -> None:
    key = invented.key(state, OFF_LIST)
    opened = manager.post(f"/people/{key}/open", data={"csrf": csrf_of(manager), "purpose": "review"})
    assert shows_somebody(opened.text)
    answer = manager.post(f"/people/{key}/data-errors", data={"csrf": csrf_of(manager)})
    assert answer.status_code == 400
    assert "Say what is wrong" in answer.text


def test_a_granted_list_leaves_once_however_many_ask_at_once(web: FastAPI, manager: TestClient, supervisor: TestClient) -> None:
    token = csrf_of(manager)
    manager.post("/exports", data={"csrf": token, "names": "yes", "reason": "for the panel"})
    supervisor.post("/exports/1/decision", data={"csrf": csrf_of(supervisor), "answer": "granted"})
    statuses: list[int] = []

    def ask() -> None:
        client = TestClient(web)
        client.cookies.set("harmcast", manager.cookies["harmcast"])
        statuses.append(client.post("/exports/1/download", data={"csrf": token}).status_code)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [403] * 7


@pytest.mark.parametrize(
    "forged",
    [
        "UPDATE export_requests SET decision = 'granted', decided_by = 'supervisor', decided_at = '2026-09-21T10:00:00.000000Z'",
        "UPDATE export_requests SET reason = 'another'",
    ],
)
def test_a_request_that_no_entry_wrote_opens_no_list(web: FastAPI, state: State, manager: TestClient, supervisor: TestClient, forged: str) -> None:
    """Neither a grant forged in the database, nor a request changed there that a supervisor would grant unknowing."""
    manager.post("/exports", data={"csrf": csrf_of(manager), "names": "yes", "reason": "for me"})
    with state.operations.unlogged() as connection:
        connection.execute(sa.text(forged))
    before = len(state.operations.rows(sa.select(schema.exports)))
    took = manager.post("/exports/1/download", data={"csrf": csrf_of(manager)})
    decided = supervisor.post("/exports/1/decision", data={"csrf": csrf_of(supervisor), "answer": "granted"})
    assert (took.status_code, decided.status_code) == (503, 503)
    assert len(state.operations.rows(sa.select(schema.exports))) == before


@pytest.mark.parametrize(
    ("account", "method", "address"),
    [
        ("data_protection_officer", "GET", "/log?before=NUMBER"), ("data_protection_officer", "GET", "/data-quality?delivery=NUMBER"),
        ("data_protection_officer", "POST", "/representations/NUMBER/steps"), ("supervisor", "POST", "/exports/NUMBER/decision"),
        ("offender_manager", "POST", "/exports/NUMBER/download"), ("intelligence_analyst", "GET", "/areas/knife_injury?at=NUMBER"),
        ("offender_manager", "GET", "/people?at=NUMBER"), ("ethics_reviewer", "GET", "/pseudonymised?at=NUMBER"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("number", ["9" * 40, "-1", "9223372036854775808"])
def test_a_number_that_no_row_can_have_breaks_nothing(account: str, method: str, address: str, number: str, sign_in: SignIn) -> None:
    client = sign_in(account)
    form = {"csrf": csrf_of(client)} if method == "POST" else None
    answer = client.request(method, address.replace("NUMBER", number), data=form)
    assert answer.status_code in (200, 400, 403, 404)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:1", "[::1]"])
def test_the_host_that_a_request_names_stands_on_no_page(host: str, sign_in: SignIn) -> None:
    answer = sign_in("intelligence_analyst").get("/areas", headers={"host": host}, follow_redirects=False)
    assert host not in answer.headers.get("location", "") + answer.text
