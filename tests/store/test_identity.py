"""Who acts on a command line: what the kernel says, whatever the environment says."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from harmcast.errors import AccessDenied
from harmcast.oversight.log import Event
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
    assert state.actor().account != "bob"
    as_uid(monkeypatch, BOBS)
    assert (state.actor().account, state.actor().roles) == ("bob", (("supervisor", "North"),))


def test_an_account_that_is_nobodys_is_refused_unless_it_is_the_services(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = state.root.stat().st_uid
    for uid in (0, owner):
        as_uid(monkeypatch, uid)
        assert state.actor().roles == (("operator", None),)
    as_uid(monkeypatch, STRANGERS)
    with pytest.raises(AccessDenied) as raised:
        state.actor()
    assert raised.value.code == "account_unmapped"


def test_a_disabled_account_is_refused_and_is_no_operator(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    state.users.set_standing("bob", "disabled", BY)
    as_uid(monkeypatch, BOBS)
    with pytest.raises(AccessDenied) as raised:
        state.actor()
    assert raised.value.code == "account_disabled"


def test_a_number_without_a_name_is_named_by_its_number() -> None:
    assert account_of(BOBS) == "uid60001"
    assert users_of.account_of(0) == "root"
