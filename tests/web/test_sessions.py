"""Sessions, passwords and guesses: fixation, replay, idle, absolute, disabled users, and how many tries there are."""

from __future__ import annotations

import json
import re
from datetime import date

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.web.conftest import PASSWORD, UNIT, Clock, SignIn, carried, csrf_of, try_password

from harmcast.invented import demo_logins
from harmcast.oversight.access import Role
from harmcast.oversight.log import Event
from harmcast.store import codes, schema, users
from harmcast.web import passwords
from harmcast.web.pages.signing_in import safe_next

ACCOUNT = "intelligence_analyst"
BY = Event("administrator", "administrator", "administration", "tested")


def is_in(client: TestClient) -> bool:
    return client.get("/account", follow_redirects=False).status_code == 200


def test_signing_in_and_out(web: FastAPI) -> None:
    client = TestClient(web)
    assert not is_in(client)
    response = try_password(client, ACCOUNT, PASSWORD)
    assert (response.status_code, response.headers["location"]) == (303, "/account")
    cookie = next(c for c in response.headers.get_list("set-cookie") if c.startswith("harmcast="))
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert is_in(client)
    token = client.cookies["harmcast"]
    out = client.post("/sign-out", data={"csrf": csrf_of(client)}, follow_redirects=False)
    assert (out.status_code, out.headers["clear-site-data"]) == (303, '"cache", "storage"')
    replayed = TestClient(web)
    replayed.cookies.set("harmcast", token)
    assert not is_in(replayed)


def test_the_token_is_stored_nowhere(web: FastAPI, sign_in: SignIn) -> None:
    token = sign_in(ACCOUNT).cookies["harmcast"]
    operations = web.state.harmcast.operations
    rows = operations.rows(sa.select(schema.sessions)) + operations.rows(sa.select(schema.events))
    assert all(token not in str(row) for row in rows)


def test_a_session_fixed_beforehand_is_not_adopted(web: FastAPI, sign_in: SignIn) -> None:
    """A token that was there before signing in is never the session's; a session that was open ends."""
    client = TestClient(web)
    client.cookies.set("harmcast", "chosen-by-someone-else")
    try_password(client, ACCOUNT, PASSWORD)
    held = [c.value for c in client.cookies.jar if c.name == "harmcast"]
    assert any(value != "chosen-by-someone-else" for value in held)
    attacker = TestClient(web)
    attacker.cookies.set("harmcast", "chosen-by-someone-else")
    assert not is_in(attacker)


@pytest.mark.parametrize(
    "change",
    [
        f"account = 'supervisor', role = 'supervisor', unit = '{UNIT}'",
        "account = 'ethics_reviewer', role = 'ethics_reviewer'",
        "ends_at = '2099-01-01T00:00:00.000000Z'",
        "made_at = '2099-01-01T00:00:00.000000Z'",
        "csrf = token_hash",
    ],
)
def test_a_session_row_changed_in_the_database_is_nobodys_session(web: FastAPI, sign_in: SignIn, change: str) -> None:
    """An analyst with the database is not the supervisor by a statement, nor signed in for longer."""
    client = sign_in(ACCOUNT)
    assert is_in(client)
    with web.state.harmcast.operations.unlogged() as connection:
        connection.execute(sa.text(f"UPDATE sessions SET {change} WHERE account = '{ACCOUNT}'"))
    assert not is_in(client)


def test_idle_minutes_end_a_session_and_a_page_keeps_it(sign_in: SignIn, clock: Clock) -> None:
    client = sign_in(ACCOUNT)
    for _ in range(4):
        clock.on(minutes=14)
        assert is_in(client)
    clock.on(minutes=15, seconds=1)
    assert not is_in(client)


def test_absolute_hours_end_a_session_that_is_in_use(sign_in: SignIn, clock: Clock) -> None:
    client = sign_in(ACCOUNT)
    for _ in range(59):
        clock.on(minutes=10)
        assert is_in(client)
    clock.on(minutes=10, seconds=1)
    assert not is_in(client)


def test_a_disabled_user_is_out_with_the_next_request(web: FastAPI, sign_in: SignIn) -> None:
    client, boss = sign_in(ACCOUNT), sign_in("administrator")
    assert is_in(client)
    form = {**carried(boss), "standing": "disabled"}
    assert boss.post(f"/users/{ACCOUNT}/standing", data=form, follow_redirects=False).status_code == 303
    assert not is_in(client)
    assert try_password(TestClient(web), ACCOUNT, PASSWORD).status_code == 401


def test_a_role_taken_away_ends_the_sessions_it_opened(web: FastAPI, sign_in: SignIn) -> None:
    client = sign_in(ACCOUNT)
    with web.state.harmcast.operations.writing(BY) as tx:
        users.take(tx, ACCOUNT, Role.INTELLIGENCE_ANALYST)
    assert not is_in(client)


def test_a_new_password_ends_every_other_session(web: FastAPI, sign_in: SignIn) -> None:
    client, other = sign_in(ACCOUNT), sign_in(ACCOUNT)
    before = client.cookies["harmcast"]
    form = {"csrf": csrf_of(client), "old": PASSWORD, "new": "another four plain words"}
    response = client.post("/account/password", data=form, follow_redirects=False)
    assert response.headers["location"] == "/account?saved=password"
    assert not is_in(other)
    assert f"harmcast={before}" not in str(response.headers.get_list("set-cookie"))
    assert try_password(TestClient(web), ACCOUNT, PASSWORD).status_code == 401
    assert try_password(TestClient(web), ACCOUNT, "another four plain words").status_code == 303


def sign_in_actions(web: FastAPI) -> list[str]:
    return [entry.action for entry in web.state.harmcast.operations.entries() if entry.action.startswith("sign")]


def test_ten_guesses_in_fifteen_minutes(web: FastAPI, clock: Clock) -> None:
    client = TestClient(web)
    for _ in range(10):
        assert try_password(client, ACCOUNT, "wrong").status_code == 401
    assert try_password(client, ACCOUNT, PASSWORD).status_code == 429
    assert try_password(client, "administrator", PASSWORD).status_code == 303
    clock.on(minutes=15, seconds=1)
    assert try_password(TestClient(web), ACCOUNT, PASSWORD).status_code == 303


def test_strangers_guesses_never_shut_out_a_known_device(web: FastAPI, clock: Clock) -> None:
    mine, stranger = TestClient(web), TestClient(web)

    def in_and_out() -> None:
        assert try_password(mine, ACCOUNT, PASSWORD).status_code == 303
        assert mine.post("/sign-out", data={"csrf": csrf_of(mine)}, follow_redirects=False).status_code == 303

    in_and_out()
    for quarter in range(12):
        codes = {try_password(stranger, ACCOUNT, f"wrong {quarter} {n}").status_code for n in range(11)}
        assert codes == ({401, 429} if quarter < 10 else {429})
        in_and_out()
        clock.on(minutes=15)
    assert "needs an invitation" in try_password(stranger, ACCOUNT, PASSWORD).text
    in_and_out()


def test_a_device_is_known_for_ninety_days_to_its_account_alone_and_cannot_be_made_up(web: FastAPI, clock: Clock) -> None:
    mine = TestClient(web)
    assert try_password(mine, ACCOUNT, PASSWORD).status_code == 303
    cookie = mine.cookies["harmcast-device"]
    for _ in range(11):
        try_password(TestClient(web), ACCOUNT, "wrong")

    def with_cookie(value: str, account: str = ACCOUNT) -> int:
        client = TestClient(web)
        client.cookies.set("harmcast-device", value)
        return int(try_password(client, account, PASSWORD).status_code)

    assert with_cookie("x" + cookie) == 429
    assert with_cookie("e30.00") == 429
    assert with_cookie(cookie) == 303
    for _ in range(11):
        try_password(TestClient(web), "supervisor", "wrong")
    assert with_cookie(cookie, "supervisor") == 429
    clock.on(days=90, minutes=1)
    for _ in range(11):
        try_password(TestClient(web), ACCOUNT, "wrong")
    assert with_cookie(cookie) == 429


def test_strangers_leave_one_entry_an_account_and_quarter_and_one_for_all_other_names(web: FastAPI, clock: Clock) -> None:
    for n in range(30):
        try_password(TestClient(web), f"no-such-name-{n}", "wrong")
    for _ in range(8):
        try_password(TestClient(web), ACCOUNT, "wrong")
    assert sign_in_actions(web) == ["sign_in_missed", "sign_in_missed"]
    clock.on(minutes=15)
    for n in range(4):
        try_password(TestClient(web), ACCOUNT, "wrong")
        try_password(TestClient(web), f"other-{n}", "wrong")
    assert sign_in_actions(web) == ["sign_in_missed"] * 4
    entries = [entry for entry in web.state.harmcast.operations.entries() if entry.action == "sign_in_missed"]
    assert [(entry.object, json.loads(entry.detail)["misses"]) for entry in entries] == [(None, 1), (f"user:{ACCOUNT}", 1), (f"user:{ACCOUNT}", 8), (None, 30)]
    assert len(web.state.harmcast.operations.rows(sa.select(schema.sign_in_lanes))) <= 36


def test_local_accounts_open_until_their_last_day(web: FastAPI, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(web.state.harmcast.settings.web.__dict__, "local_until", date(2026, 11, 16))
    assert try_password(TestClient(web), ACCOUNT, PASSWORD).status_code == 303
    clock.on(days=1)
    assert try_password(TestClient(web), ACCOUNT, PASSWORD).status_code == 403


def test_a_right_password_is_no_miss(web: FastAPI) -> None:
    for _ in range(3):
        try_password(TestClient(web), ACCOUNT, PASSWORD)
    assert sign_in_actions(web) == ["signed_in"] * 3


def test_the_officer_sees_that_an_account_is_guessed_at(web: FastAPI, clock: Clock) -> None:
    for _ in range(3):
        for _ in range(10):
            try_password(TestClient(web), ACCOUNT, "wrong")
        clock.on(minutes=15)
    alarms = web.state.harmcast.operations.rows(sa.select(schema.alerts))
    assert [alarm["kind"] for alarm in alarms] == ["guessing"]
    assert ACCOUNT in alarms[0]["words"]


def test_an_invitation_makes_a_new_device_known_while_strangers_guess(web: FastAPI, clock: Clock) -> None:
    for _ in range(11):
        for _ in range(10):
            try_password(TestClient(web), ACCOUNT, "wrong")
        clock.on(minutes=15)
    assert try_password(TestClient(web), ACCOUNT, PASSWORD).status_code == 429
    with web.state.harmcast.operations.writing(BY) as tx:
        code = codes.draw(tx, ACCOUNT, codes.INVITATION)
    new = TestClient(web)
    form_token = re.search(r'name="form_token" value="([0-9a-f]{64})"', new.get("/invitation").text)[1]
    sent = {"form_token": form_token, "account": ACCOUNT, "code": code, "new": "three other words"}
    assert new.post("/invitation", data=sent, follow_redirects=False).status_code == 303
    for _ in range(12):
        try_password(TestClient(web), ACCOUNT, "wrong")
    assert try_password(new, ACCOUNT, "three other words").status_code == 303


def test_more_than_eight_waiting_passwords_are_refused_and_known_devices_have_a_queue_of_their_own(web: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = TestClient(web)
    assert try_password(mine, ACCOUNT, PASSWORD).status_code == 303
    mine.cookies.delete("harmcast")
    monkeypatch.setitem(passwords._waiting, "strangers", passwords.WAITING)
    assert try_password(TestClient(web), ACCOUNT, PASSWORD).status_code == 503
    assert try_password(mine, ACCOUNT, PASSWORD).status_code == 303


def test_unknown_and_known_accounts_cannot_be_told_apart(web: FastAPI) -> None:
    import re

    def seen(account: str) -> tuple[int, str]:
        response = try_password(TestClient(web), account, "wrong")
        html = re.sub(r'value="[0-9a-f]{64}"|Page made [^<]*', "", response.text)
        return response.status_code, html.replace(account, "")

    assert seen(ACCOUNT) == seen("nobody-of-that-name")


def test_what_was_typed_is_in_no_log(web: FastAPI) -> None:
    """People type a password where the name belongs: neither is kept."""
    try_password(TestClient(web), "hunter2-typed-as-name", "hunter2-typed")
    operations = web.state.harmcast.operations
    kept = operations.rows(sa.select(schema.events)) + operations.rows(sa.select(schema.sign_in_lanes))
    assert "hunter2" not in str(kept)


def test_a_sign_in_form_from_elsewhere_is_refused(web: FastAPI) -> None:
    client = TestClient(web)
    client.get("/sign-in")
    form = {"form_token": "0" * 64, "account": ACCOUNT, "password": PASSWORD}
    assert client.post("/sign-in", data=form).status_code == 403


@pytest.mark.parametrize(
    "address",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "evil", "/\tx", "", "/a\\b"],
)
def test_signing_in_never_leads_elsewhere(address: str) -> None:
    assert safe_next(address) == "/"


def test_signing_in_leads_on_to_the_page_asked_for() -> None:
    assert safe_next("/areas/knife_injury?week=2026-W46") == "/areas/knife_injury?week=2026-W46"


def test_demo_log_ins_are_for_invented_forces_only(web: FastAPI) -> None:
    from types import SimpleNamespace

    from harmcast.errors import AccessDenied

    state = web.state.harmcast
    logins = demo_logins.demo_users(state, units=["North"])
    assert {login.role for login in logins} == set(Role)
    assert passwords.is_password(state.users.password_hash("analyst"), logins[0].password)
    real = SimpleNamespace(settings=SimpleNamespace(force=SimpleNamespace(invented=False)), operations=state.operations)
    with pytest.raises(AccessDenied):
        demo_logins.demo_users(real)


def test_over_https_each_cookie_is_bound_to_the_host_and_transport_is_strict(web: FastAPI) -> None:
    """Promise 22: `__Host-`, Secure and HttpOnly on every cookie, and HSTS, once the address people type is https."""
    web.state.https = True
    client = TestClient(web, base_url="https://testserver")
    form = client.get("/sign-in")
    answer = try_password(client, ACCOUNT, PASSWORD)
    set_cookies = form.headers.get_list("set-cookie") + answer.headers.get_list("set-cookie")
    assert {c.split("=")[0] for c in set_cookies} == {"__Host-harmcast", "__Host-harmcast-form", "__Host-harmcast-device"}
    for cookie in set_cookies:
        words = [word.strip().lower() for word in cookie.split(";")]
        assert {"secure", "httponly", "path=/"} <= set(words)
        assert not any(word.startswith("domain") for word in words)
    assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"


def test_every_answer_says_what_browsers_must_not_do(web: FastAPI) -> None:
    """Pages, files, redirects, what is not there, what is too large and what is not understood: the same headers on all."""
    client = TestClient(web)
    answers = [
        client.get("/sign-in"), client.get("/static/harmcast.css"), client.get("/", follow_redirects=False), client.get("/nothing"),
        client.get("/static/../app.py"), client.request("TRACE", "/"), client.request("OPTIONS", "/sign-in"), client.delete("/users"),
        client.post("/sign-in", content=b"x" * 70_000), client.post("/sign-in", json={"account": "x"}),
    ]  # fmt: skip
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in answer.headers
        assert "server" not in answer.headers
    assert [answer.status_code for answer in answers[3:]] == [404, 404, 405, 405, 405, 413, 415]
