"""Sessions, passwords and guesses: fixation, replay, idle, absolute, disabled users, and how many tries there are."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.web.conftest import PASSWORD, Clock, SignIn, csrf_of, try_password

from harmcast.oversight.access import Role
from harmcast.oversight.log import Event
from harmcast.store import login_attempts, schema, users
from harmcast.web import demo_logins, passwords
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
    form = {"csrf": csrf_of(boss), "standing": "disabled"}
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


def test_ten_guesses_in_fifteen_minutes(web: FastAPI, clock: Clock) -> None:
    client = TestClient(web)
    for _ in range(login_attempts.GUESSES):
        assert try_password(client, ACCOUNT, "wrong").status_code == 401
    assert try_password(client, ACCOUNT, PASSWORD).status_code == 429
    assert try_password(client, "administrator", PASSWORD).status_code == 303
    clock.on(minutes=login_attempts.GUESS_MINUTES, seconds=1)
    assert try_password(TestClient(web), ACCOUNT, PASSWORD).status_code == 303


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
    kept = operations.rows(sa.select(schema.events)) + operations.rows(sa.select(schema.login_attempts))
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
    assert {c.split("=")[0] for c in set_cookies} == {"__Host-harmcast", "__Host-harmcast-form"}
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
