"""Signing in with the force's own log-in, against a provider that runs for the test: what is believed, and what is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from joserfc.jwk import RSAKey
from tests.web.conftest import Clock, SignIn, csrf_of, try_password
from tests.web.oidc_provider import CLIENT, SECRET, Provider, serve

from harmcast.oversight.log import Event
from harmcast.settings import Web
from harmcast.store import codes, schema, users
from harmcast.store.state import State
from harmcast.web import app as apps
from harmcast.web.force_login import ForceLogin, NotBelieved

HOME = "http://testserver"
ANALYST = "intelligence_analyst"
BY = Event("administrator", "administrator", "administration", "tested")


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    provider = Provider()
    server, thread = serve(provider)
    yield provider
    server.should_exit = True
    thread.join(timeout=10)


@pytest.fixture
def provider(running: Provider) -> Provider:
    running.person, running.fault = {"sub": "s-1", "preferred_username": ANALYST}, ""
    return running


@pytest.fixture
def web(unbound: FastAPI) -> FastAPI:
    """With the analyst's account bound, as an administrator does who enters the provider's stable id."""
    with unbound.state.harmcast.operations.writing(BY) as tx:
        users.change(tx, ANALYST, oidc_subject="s-1")
    return unbound


@pytest.fixture
def unbound(state: State, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    monkeypatch.setenv("TEST_OIDC_SECRET", SECRET)
    asked = {
        "login": "oidc", "oidc_issuer": provider.issuer, "oidc_client_id": CLIENT,
        "oidc_client_secret": "env:TEST_OIDC_SECRET", "base_url": HOME,
    }  # fmt: skip
    settings = state.settings.model_copy(update={"web": state.settings.web.model_copy(update=asked)})
    return apps.create_app(replace(state, settings=settings))


def go_there(client: TestClient, after: str = "/account") -> str:
    """Follows the way to the provider, and gives the address it sends the browser back to."""
    away = client.get("/sign-in/force", params={"next": after}, follow_redirects=False)
    assert away.status_code == 303
    sent = httpx.get(away.headers["location"], follow_redirects=False)
    return str(sent.headers["location"]).removeprefix(HOME)


def sign_in_there(client: TestClient, after: str = "/account") -> httpx.Response:
    return client.get(go_there(client, after), follow_redirects=False)


def is_in(client: TestClient) -> bool:
    return client.get("/account", follow_redirects=False).status_code == 200


def refusals(web: FastAPI) -> list[str]:
    query = sa.select(schema.events.c.detail).where(schema.events.c.action == "sign_in_refused")
    return [row["detail"] for row in web.state.harmcast.operations.rows(query)]


def test_the_way_there_and_back(web: FastAPI) -> None:
    client = TestClient(web)
    assert "/sign-in/force?next=" in client.get("/sign-in?next=/areas").text
    back = sign_in_there(client, "/areas/knife_injury")
    assert (back.status_code, back.headers["location"]) == (303, "/areas/knife_injury")
    cookies = {c.split("=")[0]: c.lower() for c in back.headers.get_list("set-cookie")}
    assert "httponly" in cookies["harmcast"]
    assert "max-age=0" in cookies["harmcast-way"]
    assert is_in(client)
    assert client.get("/areas/knife_injury").status_code == 200


def test_what_is_sent_is_fresh_each_time_and_holds_no_secret(web: FastAPI) -> None:
    def asked() -> dict[str, list[str]]:
        location = TestClient(web).get("/sign-in/force", follow_redirects=False).headers["location"]
        assert SECRET not in location
        return parse_qs(urlsplit(location).query)

    first, second = asked(), asked()
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name][0]) >= 43
        assert first[name] != second[name]
    assert first["code_challenge_method"] == ["S256"]
    assert first["redirect_uri"] == [f"{HOME}/sign-in/force/back"]


@pytest.mark.parametrize(
    "fault",
    ["state", "mix_up", "refused", "nonce", "audience", "issuer", "expired", "azp", "no_expiry", "no_id_token",
     "unsigned", "public_key_as_secret", "other_key"],
)  # fmt: skip
def test_an_answer_that_does_not_fit_opens_nothing(web: FastAPI, provider: Provider, fault: str) -> None:
    provider.fault = fault
    client = TestClient(web)
    assert sign_in_there(client).status_code == 403
    assert "harmcast" not in client.cookies
    assert not is_in(client)
    assert len(refusals(web)) == 1


def test_a_code_serves_once(web: FastAPI) -> None:
    client = TestClient(web)
    address = go_there(client)
    way = client.cookies["harmcast-way"]
    assert client.get(address, follow_redirects=False).status_code == 303
    thief = TestClient(web)
    thief.cookies.set("harmcast-way", way)
    assert thief.get(address, follow_redirects=False).status_code == 403
    assert not is_in(thief)


def test_another_browser_cannot_finish_what_this_one_began(web: FastAPI) -> None:
    """An answer that was begun elsewhere is refused, so nobody is signed in to someone else's account."""
    attacker, victim = TestClient(web), TestClient(web)
    address = go_there(attacker)
    assert victim.get(address, follow_redirects=False).status_code == 403
    victim.get("/sign-in/force", follow_redirects=False)
    assert victim.get(address, follow_redirects=False).status_code == 403
    assert not is_in(victim)


def test_a_cookie_that_was_changed_or_is_old_is_refused(web: FastAPI, clock: Clock) -> None:
    client = TestClient(web)
    address = go_there(client)
    way = client.cookies["harmcast-way"]
    for spoilt in ("x" + way, way[:-1] + ("0" if way[-1] != "0" else "1"), "", "..", "eyJ9.00"):
        other = TestClient(web)
        other.cookies.set("harmcast-way", spoilt)
        assert other.get(address, follow_redirects=False).status_code == 403
    clock.on(minutes=11)
    assert client.get(address, follow_redirects=False).status_code == 403


def test_the_verifier_must_be_the_one_of_this_way(web: FastAPI, provider: Provider) -> None:
    login = ForceLogin(web.state.harmcast.settings.web)
    address, held = login.begin()
    back = parse_qs(urlsplit(httpx.get(address).headers["location"]).query)
    answer = {name: values[0] for name, values in back.items()}
    with pytest.raises(NotBelieved, match="code"):
        login.finish(answer, held | {"verifier": "y" * 64})


def test_no_account_is_made(web: FastAPI, provider: Provider) -> None:
    table = schema.users
    before = web.state.harmcast.operations.rows(sa.select(table))
    for person in ({"sub": "s-9", "preferred_username": "stranger"}, {"sub": "s-9"}, {"sub": "s-9", "preferred_username": ""}):
        provider.person = person
        client = TestClient(web)
        back = sign_in_there(client)
        assert back.status_code == 403
        assert "no account here" in back.text
        assert not is_in(client)
    assert web.state.harmcast.operations.rows(sa.select(table)) == before
    assert all("stranger" not in detail for detail in refusals(web))


def test_a_disabled_account_and_one_without_a_role_stay_out(web: FastAPI) -> None:
    state: State = web.state.harmcast
    client = TestClient(web)
    with state.operations.writing(BY) as tx:
        users.set_standing(tx, ANALYST, "disabled")
    assert sign_in_there(client).status_code == 403
    with state.operations.writing(BY) as tx:
        users.set_standing(tx, ANALYST, "active")
        users.take(tx, ANALYST, ANALYST)
    assert sign_in_there(client).status_code == 403
    assert not is_in(client)


def invited(app: FastAPI, account: str = ANALYST) -> str:
    with app.state.harmcast.operations.writing(BY) as tx:
        return codes.draw(tx, account, codes.INVITATION)


def bring(client: TestClient, account: str, code: str) -> None:
    """Sends the form of an invitation, as a browser would."""
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', client.get("/invitation").text)
    assert found
    sent = client.post("/invitation", data={"form_token": found[1], "account": account, "code": code}, follow_redirects=False)
    assert (sent.status_code, sent.headers["location"]) == (303, "/sign-in/force")


def test_a_name_alone_binds_nothing(unbound: FastAPI, provider: Provider) -> None:
    """Whoever has an account's name at the provider does not have the account."""
    assert sign_in_there(TestClient(unbound)).status_code == 403


def test_the_name_of_an_account_is_compared_without_case(state: State) -> None:
    """Jane.Smith@Force.Example and jane.smith@force.example are one account, however they are typed or sent."""
    with state.operations.writing(BY) as tx:
        users.enter(tx, "Jane.Smith@Force.Example", "Jane Smith")
    for typed in ("jane.smith@force.example", "JANE.SMITH@FORCE.EXAMPLE"):
        found = state.users.find(typed)
        assert found is not None
        assert found.account == "jane.smith@force.example"


def test_an_invitation_binds_the_log_in_and_from_then_on_the_subject_opens_the_account(unbound: FastAPI, provider: Provider) -> None:
    client = TestClient(unbound)
    bring(client, ANALYST.upper(), invited(unbound))
    assert sign_in_there(client).status_code == 303
    assert is_in(client)
    assert sign_in_there(TestClient(unbound)).status_code == 303
    provider.person = {"sub": "s-2", "preferred_username": ANALYST}
    assert sign_in_there(TestClient(unbound)).status_code == 403
    provider.person = {"sub": "s-1", "preferred_username": "renamed"}
    assert sign_in_there(TestClient(unbound)).status_code == 303


@pytest.mark.parametrize("wrong", ["code", "account", "name", "used", "bound"])
def test_an_invitation_that_does_not_fit_binds_nothing(unbound: FastAPI, provider: Provider, wrong: str) -> None:
    state: State = unbound.state.harmcast
    code, account = invited(unbound), ANALYST
    if wrong == "code":
        code = "AAAA-AAAA-AAAA-AAAA"
    elif wrong == "account":
        account = "supervisor"
    elif wrong == "name":
        provider.person = {"sub": "s-1", "preferred_username": "somebody-else"}
    elif wrong == "used":
        with state.operations.writing(BY) as tx:
            assert codes.take_invitation(tx, ANALYST, code)
    else:
        with state.operations.writing(BY) as tx:
            users.change(tx, ANALYST, oidc_subject="s-other")
    client = TestClient(unbound)
    bring(client, account, code)
    assert sign_in_there(client).status_code == 403
    assert not is_in(client)
    assert state.users.of_subject("s-1") is None


def test_unbinding_is_logged_and_ends_the_sessions(web: FastAPI, sign_in: SignIn) -> None:
    client = TestClient(web)
    assert sign_in_there(client).status_code == 303
    boss = sign_in("administrator")
    assert boss.post(f"/users/{ANALYST}/unbind", data={"csrf": csrf_of(boss)}, follow_redirects=False).status_code == 303
    assert not is_in(client)
    assert sign_in_there(TestClient(web)).status_code == 403
    actions = [entry.action for entry in web.state.harmcast.operations.entries()]
    assert "subject_unbound" in actions


def test_one_answer_opens_one_session(web: FastAPI) -> None:
    client = TestClient(web)
    address = go_there(client)
    way = client.cookies["harmcast-way"]
    assert client.get(address, follow_redirects=False).status_code == 303
    again = TestClient(web)
    again.cookies.set("harmcast-way", way)
    before = len(refusals(web))
    assert again.get(address, follow_redirects=False).status_code == 403
    assert refusals(web)[before:] == ['{"why":"again"}']


def test_keys_of_unknown_kinds_are_passed_over(web: FastAPI, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    from harmcast.web import force_login

    known = provider.key.as_dict(private=False)
    odd = [{"kty": "AKP", "alg": "ML-DSA-44", "kid": "new", "pub": "x"}, {"kty": "EC", "crv": "unheard-of", "kid": "odd", "x": "a", "y": "b"}, {}]
    found = [key.kid for key in force_login._known_keys({"keys": [*odd, known]})]
    assert found == [known["kid"]]


@pytest.mark.parametrize("address", ["https://force.example/tools", "https://force.example/?a=1", "force.example", "ftp://force.example"])
def test_an_address_with_a_path_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="host's address"):
        Web(base_url=address)


def test_a_session_that_was_open_ends_and_its_token_is_not_adopted(web: FastAPI) -> None:
    client = TestClient(web)
    client.cookies.set("harmcast", "chosen-by-someone-else")
    sign_in_there(client)
    attacker = TestClient(web)
    attacker.cookies.set("harmcast", "chosen-by-someone-else")
    assert not is_in(attacker)
    again = TestClient(web)
    sign_in_there(again)
    first = again.cookies["harmcast"]
    sign_in_there(again)
    assert again.cookies["harmcast"] != first
    attacker.cookies.set("harmcast", first)
    assert not is_in(attacker)


def test_a_new_key_of_the_provider_is_fetched(web: FastAPI, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sign_in_there(TestClient(web)).status_code == 303
    old = provider.key
    provider.key = RSAKey.generate_key(2048, parameters={"kid": "k2", "use": "sig"})
    monkeypatch.setattr("harmcast.web.force_login.KEYS_AGAIN_SECONDS", 0.0)
    assert sign_in_there(TestClient(web)).status_code == 303
    provider.key = old


def test_passwords_are_not_taken_and_nobody_is_led_elsewhere(web: FastAPI) -> None:
    client = TestClient(web)
    assert "type=\"password\"" not in client.get("/sign-in").text
    assert client.post("/sign-in", data={"account": ANALYST, "password": "x"}).status_code == 403
    assert sign_in_there(client, "https://evil.example/").headers["location"] == "/"


def test_without_the_provider_nobody_gets_in_and_the_page_says_so(web: FastAPI) -> None:
    state: State = web.state.harmcast
    gone = state.settings.web.model_copy(update={"oidc_issuer": "http://127.0.0.1:9"})
    other = apps.create_app(replace(state, settings=state.settings.model_copy(update={"web": gone})))
    answer = TestClient(other).get("/sign-in/force", follow_redirects=False)
    assert answer.status_code == 503
    assert "log-in cannot be used" in answer.text


def test_local_accounts_know_no_such_way(state: State) -> None:
    client = TestClient(apps.create_app(state))
    assert client.get("/sign-in/force", follow_redirects=False).status_code == 404
    assert client.get("/sign-in/force/back?code=x&state=y", follow_redirects=False).status_code in (403, 404)
    assert try_password(client, ANALYST, "three plain words").status_code == 303


def test_metadata_of_another_issuer_is_refused(web: FastAPI, provider: Provider) -> None:
    state: State = web.state.harmcast
    other = state.settings.web.model_copy(update={"oidc_issuer": provider.issuer.replace("127.0.0.1", "localhost")})
    app = apps.create_app(replace(state, settings=state.settings.model_copy(update={"web": other})))
    assert TestClient(app).get("/sign-in/force", follow_redirects=False).status_code == 503
