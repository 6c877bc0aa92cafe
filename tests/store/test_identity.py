"""Who acts on a command line: what the kernel says, whatever the environment says."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from harmcast.errors import AccessDenied
from harmcast.oversight.access import Role
from harmcast.oversight.commands import PERSONS
from harmcast.oversight.log import Event
from harmcast.store import codes
from harmcast.store import users as users_of
from harmcast.store.state import State
from harmcast.store.users import account_of

BY = Event("setup", "operator", "administration", "user_added")
BOBS, STRANGERS = 60_001, 60_002


@pytest.fixture
def state(make_state: Callable[..., State], monkeypatch: pytest.MonkeyPatch) -> State:
    made = make_state()
    made.users.add("bob", "Bob", BY, os_account="uid60001")
    made.users.give_role("bob", "supervisor", "North", BY)
    for name in ("LOGNAME", "USER", "USERNAME", "LNAME", "SUDO_USER", "SUDO_UID"):
        monkeypatch.setenv(name, "uid60001")
    return made


def as_uid(monkeypatch: pytest.MonkeyPatch, uid: int) -> None:
    monkeypatch.setattr(os, "getuid", lambda: uid)


def test_the_account_is_the_kernels(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    assert state.actor("status").account != "bob"
    as_uid(monkeypatch, BOBS)
    assert (state.actor("status").account, state.actor("status").roles) == ("bob", (("supervisor", "North"),))


def test_an_account_that_is_nobodys_is_refused_unless_it_is_the_services(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = state.root.stat().st_uid
    for uid in (0, owner):
        as_uid(monkeypatch, uid)
        assert state.actor("status").roles == (("operator", None),)
    as_uid(monkeypatch, STRANGERS)
    with pytest.raises(AccessDenied) as raised:
        state.actor("status")
    assert raised.value.code == "account_unmapped"


def test_root_and_the_service_are_the_operator_even_where_somebody_is_entered_with_their_account(make_state: Callable[..., State]) -> None:
    made = make_state()
    made.users.add("eve", "Eve", BY, os_account=account_of(os.getuid()))
    made.users.give_role("eve", "supervisor", "North", BY)
    assert made.actor("status").roles == (("operator", None),)
    with pytest.raises(AccessDenied) as raised:
        made.actor("publish")
    assert raised.value.code == "code_needed"


# -- one-time codes --------------------------------------------------------------------------------


def drawn(state: State, account: str, command: str) -> str:
    with state.operations.writing(BY) as tx:
        return codes.draw(tx, account, command)


def refused(state: State, command: str, code: str, second: str | None = None) -> str:
    with pytest.raises(AccessDenied) as raised:
        state.actor(command, code, second)
    return raised.value.code


def test_a_code_says_who_acts_once_and_for_its_command_alone(state: State) -> None:
    code = drawn(state, "bob", "publish")
    assert refused(state, "accept", code) == "code_refused"
    actor = state.actor("publish", code.lower().replace("-", " "))
    assert (actor.account, actor.roles) == ("bob", (("supervisor", "North"),))
    assert refused(state, "publish", code) == "code_refused"
    assert refused(state, "publish", "AAAAA-AAAAA") == "code_refused"


def test_a_code_lives_ten_minutes_and_the_next_ends_it(state: State) -> None:
    now = state.operations._now
    first, second = drawn(state, "bob", "publish"), drawn(state, "bob", "publish")
    assert refused(state, "publish", first) == "code_refused"
    state.operations._now = lambda: now() + timedelta(minutes=9, seconds=59)
    assert state.actor("publish", second).account == "bob"
    third = drawn(state, "bob", "publish")
    state.operations._now = lambda: now() + timedelta(minutes=20)
    assert refused(state, "publish", third) == "code_refused"


def test_a_code_cannot_be_given_to_somebody_else_by_the_database_nor_made_by_it(state: State) -> None:
    state.users.add("eve", "Eve", BY)
    code = drawn(state, "eve", "publish")
    with state.operations.unlogged() as connection:
        connection.execute(sa.text("UPDATE one_time_codes SET account = 'bob'"))
    assert refused(state, "publish", code) == "code_refused"
    with state.operations.unlogged() as connection:
        guessed = hashlib.sha256(b"bob publish AAAAAAAAAA").hexdigest()
        connection.execute(sa.text(f"UPDATE one_time_codes SET code_hash = '{guessed}'"))
    assert refused(state, "publish", "AAAAA-AAAAA") == "code_refused"


def test_a_used_code_opens_nothing_whatever_its_row_says(state: State) -> None:
    code = drawn(state, "bob", "publish")
    assert state.actor("publish", code).account == "bob"
    for change in ("used_at = NULL", "used_at = NULL, ends_at = '2099-01-01T00:00:00.000000Z'", "used_at = NULL, id = id + 1000"):
        with state.operations.unlogged() as connection:
            connection.execute(sa.text(f"UPDATE one_time_codes SET {change}"))
        assert refused(state, "publish", code) == "code_refused"
    assert codes_used(state)[-1]["command"] == "publish"


def test_a_used_invitation_opens_nothing_whatever_its_row_says(state: State) -> None:
    code = drawn(state, "bob", codes.INVITATION)
    with state.operations.writing(BY) as tx:
        assert codes.take_invitation(tx, "bob", code)
    with state.operations.unlogged() as connection:
        connection.execute(sa.text("UPDATE one_time_codes SET used_at = NULL"))
    assert not codes.is_invitation(state.operations, "bob", code)
    with state.operations.writing(BY) as tx:
        assert not codes.take_invitation(tx, "bob", code)
    assert [one["command"] for one in codes_used(state)] == ["invitation"]


def codes_used(state: State) -> list[dict[str, str]]:
    return [json.loads(entry.detail) for entry in state.operations.entries() if entry.action == "code_used"]


def test_a_code_cannot_be_made_to_live_longer_by_the_database_nor_by_a_clock_set_back(state: State) -> None:
    now = state.operations._now
    code = drawn(state, "bob", "publish")
    state.operations._now = lambda: now() - timedelta(minutes=1)
    assert refused(state, "publish", code) == "code_refused"
    state.operations._now = lambda: now() + timedelta(minutes=11)
    with state.operations.unlogged() as connection:
        connection.execute(sa.text("UPDATE one_time_codes SET ends_at = '2099-01-01T00:00:00.000000Z'"))
    assert refused(state, "publish", code) == "code_refused"


def test_a_disabled_persons_code_opens_nothing(state: State) -> None:
    code = drawn(state, "bob", "publish")
    state.users.set_standing("bob", "disabled", BY)
    assert refused(state, "publish", code) == "account_unknown"


def test_an_account_of_ones_own_needs_the_code_too_and_only_ones_own(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    state.users.add("eve", "Eve", BY)
    eves, bobs = drawn(state, "eve", "publish"), drawn(state, "bob", "publish")
    as_uid(monkeypatch, BOBS)
    with pytest.raises(AccessDenied) as raised:
        state.actor("publish")
    assert raised.value.code == "code_needed"
    assert refused(state, "publish", eves) == "code_refused"
    assert state.actor("publish", bobs).account == "bob"


def test_what_shuts_needs_no_code_from_ones_own_account_and_one_from_the_services(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AccessDenied) as raised:
        state.actor("withdraw")
    assert raised.value.code == "code_needed"
    as_uid(monkeypatch, BOBS)
    assert state.actor("withdraw").account == "bob"


@pytest.mark.parametrize("command", sorted(PERSONS))
@pytest.mark.parametrize("uid", [0, BOBS, STRANGERS])
def test_no_command_opens_without_a_code_whoever_types_it_and_whatever_the_environment_says(
    state: State, monkeypatch: pytest.MonkeyPatch, command: str, uid: int
) -> None:
    """As root, as a supervisor's own account, as a stranger's: with every variable of the environment naming the supervisor."""
    ends_set_up(state)
    as_uid(monkeypatch, uid)
    before = len(state.operations.entries())
    if uid == BOBS and not PERSONS[command].opens:
        assert state.actor(command).account == "bob"  # shutting takes one person
    else:
        with pytest.raises(AccessDenied) as raised:
            state.actor(command)
        assert raised.value.code == ("account_unmapped" if uid == STRANGERS else "code_needed")
    assert len(state.operations.entries()) == before


def test_what_shuts_is_named() -> None:
    assert {name for name, one in PERSONS.items() if not one.opens} == {"withdraw", "lift --end", "register status stopped", "users disable", "users role --end"}


@pytest.mark.parametrize("command", sorted(name for name, one in PERSONS.items() if one.second))
def test_two_people_are_two_codes_of_two_accounts_in_the_roles_of_the_table(state: State, command: str) -> None:
    """Nothing comes of one person's code, of her two codes, or of a second person's whose role the table does not name."""
    ends_set_up(state)
    role = PERSONS[command].second[0].value
    other = next(one.value for one in Role if one not in PERSONS[command].second)
    for account, held in (("first", role), ("right", role), ("wrong", other)):
        state.users.add(account, account, BY)
        state.users.give_role(account, held, "North", BY)
    assert refused(state, command, drawn(state, "first", command)) == "second_code_needed"
    first = drawn(state, "first", command)
    assert refused(state, command, first, first) == "code_refused"
    assert refused(state, command, drawn(state, "first", command), drawn(state, "wrong", command)) == "role_needed"
    assert refused(state, command, drawn(state, "first", command), drawn(state, "right", "publish")) == "code_refused"
    who = state.actor(command, drawn(state, "first", command), drawn(state, "right", command))
    assert (who.account, who.second) == ("first", "right")
    said = [json.loads(entry.detail or "{}").get("beside") for entry in state.operations.entries() if entry.action == "code_used"]
    assert said[-2:] == [None, "first"]


def test_the_first_person_cannot_be_the_second_too(state: State) -> None:
    ends_set_up(state)
    with pytest.raises(AccessDenied) as raised:
        state.second_person("cuts", drawn(state, "bob", "cuts"), "bob")
    assert raised.value.code == "second_person_needed"


def ends_set_up(state: State) -> None:
    """Somebody could give roles from now on: the operator enters nobody any more."""
    state.users.add("root_of_roles", "R", BY)
    state.users.give_role("root_of_roles", "administrator", None, BY)
    assert not state.users.in_set_up()


def test_one_persons_two_codes_are_not_two_people(state: State) -> None:
    one = state.actor("accept", drawn(state, "bob", "accept"))
    second = state.actor("accept", drawn(state, "bob", "accept"))
    assert one.account == second.account == "bob"


def test_set_up_does_not_come_again_when_the_rows_are_gone(state: State) -> None:
    with state.operations.unlogged() as connection:
        for table in ("user_roles", "users"):
            connection.execute(sa.text(f"DELETE FROM {table}"))
    assert not state.users.before_first()
    with pytest.raises(AccessDenied) as raised:
        state.actor("accept")
    assert raised.value.code == "code_needed"


def test_a_disabled_account_is_refused_and_is_no_operator(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    state.users.set_standing("bob", "disabled", BY)
    as_uid(monkeypatch, BOBS)
    with pytest.raises(AccessDenied) as raised:
        state.actor("status")
    assert raised.value.code == "account_disabled"


def test_a_number_without_a_name_is_named_by_its_number() -> None:
    assert account_of(BOBS) == "uid60001"
    assert users_of.account_of(0) == "root"
