"""Pages of accounts: a role takes two people, an invitation is its owner's, a code is drawn by whoever is signed in."""

from __future__ import annotations

import re
from datetime import date

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.web.conftest import UNIT, SignIn, carried, code_of, try_password

from harmcast.errors import AccessDenied
from harmcast.oversight.access import Role
from harmcast.oversight.log import Event
from harmcast.store import schema, users
from harmcast.store.state import State


def post(client: TestClient, address: str, **form: str) -> tuple[int, str]:
    answer = client.post(address, data={**carried(client), **form}, follow_redirects=False)
    return answer.status_code, answer.text


def roles(state: State, account: str) -> list[str]:
    return [held.role.value for held in state.users.roles_of(account)]


@pytest.fixture
def boss(sign_in: SignIn) -> TestClient:
    return sign_in("administrator")


def invitation_in(text: str) -> str:
    found = re.search(r"([0-9A-Z]{4}-){3}[0-9A-Z]{4}", text)
    assert found
    return found[0]


def use_invitation(client: TestClient, account: str, code: str, new: str) -> int:
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', client.get("/invitation").text)
    assert found
    form = {"form_token": found[1], "account": account, "code": code, "new": new}
    return client.post("/invitation", data=form, follow_redirects=False).status_code


def test_a_new_person_from_the_proposal_to_the_first_page(web: FastAPI, boss: TestClient, supervisor: TestClient, state: State) -> None:
    status, text = post(boss, "/users", account="New.Person", name="New Person", role="offender_manager", unit=UNIT)
    assert status == 200
    code = invitation_in(text)
    assert code not in boss.get("/users/new.person").text  # shown once
    new = TestClient(web)
    assert use_invitation(new, "new.person", "AAAA-AAAA-AAAA-AAAA", "three words of mine") == 403
    assert use_invitation(new, "new.person", code, "short") == 400
    assert use_invitation(new, "NEW.person", code.lower(), "three words of mine") == 303
    assert use_invitation(new, "new.person", code, "other words of mine") == 403
    assert try_password(new, "new.person", "three words of mine").status_code == 403  # no role yet
    assert "Confirm" not in boss.get("/roles").text.split("Held")[0]
    assert post(boss, "/roles/proposals/1", answer="confirmed")[0] == 403
    assert post(supervisor, "/roles/proposals/1", answer="confirmed")[0] == 303
    assert roles(state, "new.person") == ["offender_manager"]
    assert try_password(new, "new.person", "three words of mine").status_code == 303


def test_an_administrator_alone_opens_nothing(web: FastAPI, boss: TestClient, state: State) -> None:
    """Every form an administrator has, tried for an account of her own and for herself: no role comes of it, and no password of others."""
    code = invitation_in(post(boss, "/users", account="puppet", name="Puppet", role="supervisor", unit=UNIT)[1])
    puppet = TestClient(web)
    assert use_invitation(puppet, "puppet", code, "three words of mine") == 303
    for role in Role:
        for account in ("puppet", "administrator"):
            post(boss, f"/users/{account}/roles", role=role.value, unit=UNIT)
    for number in range(1, 16):
        assert post(boss, f"/roles/proposals/{number}", answer="confirmed")[0] == 403
    assert (roles(state, "puppet"), roles(state, "administrator")) == ([], ["administrator"])
    assert try_password(puppet, "puppet", "three words of mine").status_code == 403
    assert post(boss, "/users/administrator/invitation")[0] == 403
    assert post(boss, "/users/supervisor/password", password="a password of hers")[0] in (404, 405)


def test_an_invitation_takes_two_people_and_leaves_the_password_until_it_is_used(web: FastAPI, boss: TestClient, state: State) -> None:
    """Whoever invites could use the code, and be somebody else: so a second person agrees; its owner's old password ends, so that it shows."""
    address = "/users/supervisor/invitation"
    for account, command in (("administrator", "users invite"), ("supervisor", "users invite"), ("second", "users invite"), ("second", "publish")):
        if account == "second" and state.users.find("second") is None:
            state.users.add("second", "Second", Event("setup", "operator", "administration", "user_added"))
            state.users.give_role("second", "administrator", None, Event("setup", "operator", "administration", "role_given"))
        status, text = post(boss, address, **{"second-code": code_of(state, account, command)})
        assert status == (200 if (account, command) == ("second", "users invite") else 400)
        if status == 200:
            invitation = invitation_in(text)
        else:
            assert not re.search(r"([0-9A-Z]{4}-){3}[0-9A-Z]{4}", text)
    assert post(boss, address)[0] == 400
    assert try_password(TestClient(web), "supervisor", "three plain words").status_code == 303
    assert use_invitation(TestClient(web), "supervisor", invitation, "other words of mine") == 303
    assert try_password(TestClient(web), "supervisor", "three plain words").status_code == 401


def test_an_account_that_is_active_again_opens_nothing(web: FastAPI, boss: TestClient, state: State) -> None:
    for standing in ("disabled", "active"):
        assert post(boss, "/users/supervisor/standing", standing=standing)[0] == 303
    assert roles(state, "supervisor") == []
    assert try_password(TestClient(web), "supervisor", "three plain words").status_code == 403


def test_nobody_records_their_own_training(boss: TestClient, state: State) -> None:
    day = {"passed-day": "2", "passed-month": "11", "passed-year": "2026"}
    form = {"tool": "iom", "kind": "methodology", "trainer": "A Trainer", **day}
    assert post(boss, "/users/administrator/training", **form)[0] == 403
    assert post(boss, "/users/untrained/training", **form)[0] == 303
    with pytest.raises(AccessDenied), state.operations.writing(Event("supervisor", "supervisor", "administration", "training_recorded")) as tx:
        users.train(tx, "supervisor", "iom", kind="methodology", passed_on=date(2026, 11, 2), by="supervisor")


def test_units_are_chosen_from_those_of_the_records(boss: TestClient) -> None:
    text = boss.get("/users").text
    assert f'<option value="{UNIT}"' in text
    status, text = post(boss, "/users", account="elsewhere", name="E", role="supervisor", unit="No Such Unit")
    assert (status, "the records name no such unit" in text) == (400, True)


def test_the_officer_and_an_administrator_end_roles_and_the_officer_gives_none(sign_in: SignIn, boss: TestClient, state: State) -> None:
    officer = sign_in("data_protection_officer")
    assert post(boss, "/users/ethics_reviewer/roles", role="data_scientist")[0] == 303
    assert post(officer, "/roles/proposals/1", answer="confirmed")[0] == 403
    assert post(officer, "/roles/end", account="ethics_reviewer", role="ethics_reviewer")[0] == 303
    assert roles(state, "ethics_reviewer") == []
    assert post(boss, "/roles/end", account="administrator", role="administrator")[0] == 403
    assert post(officer, "/roles/end", account="administrator", role="administrator")[0] == 303


def test_a_code_is_shown_once_and_says_who_acts(sign_in: SignIn, state: State) -> None:
    client = sign_in("supervisor")
    status, text = post(client, "/account/codes", command="publish")
    assert status == 200
    found = re.search(r'class="app-code">([0-9A-Z]{5}-[0-9A-Z]{5})<', text)
    assert found
    assert found[1] not in client.get("/account").text
    assert found[1].replace("-", "") not in str(state.operations.rows(sa.select(schema.events)))
    assert state.actor("publish", found[1]).account == "supervisor"
    assert post(client, "/account/codes", command="rm -rf")[0] == 400
    with pytest.raises(AccessDenied):
        state.actor("publish", found[1])
