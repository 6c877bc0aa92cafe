"""Roles by two people in a state: proposed, confirmed, told to the officer; set-up ends; terms end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from harmcast.documents.command_result import CommandResult
from harmcast.errors import AccessDenied
from harmcast.oversight.log import Event
from harmcast.runs import accounts
from harmcast.store import codes, proposals, schema
from harmcast.store.reads import health
from harmcast.store.state import State
from harmcast.store.users import Actor

OPERATOR = Actor("os:harmcast", "harmcast", (("operator", None),))
LOOK = Event("test", "none", "administration", "looked")


def enter(state: State, actor: Actor, account: str, role: str | None, unit: str | None = None) -> CommandResult:
    return accounts.enter(state, actor, account, account.title(), role, unit, os_account=None, oidc_subject=None)


@pytest.fixture
def state(make_state: Callable[..., State]) -> State:
    """Set up: Ada, who administers, and Sue, who leads North."""
    made = make_state()
    enter(made, OPERATOR, "ada", "administrator")
    enter(made, OPERATOR, "sue", "supervisor", "North")
    return made


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(AccessDenied) as raised:
        call()
    return raised.value.code


def roles(state: State, account: str) -> list[tuple[str, str | None]]:
    return [(held.role.value, held.unit) for held in state.users.roles_of(account)]


def test_the_first_is_an_administrator_and_set_up_is_over_with_two_who_could_give_roles(make_state: Callable[..., State]) -> None:
    state = make_state()
    assert code_of(lambda: enter(state, OPERATOR, "sue", "supervisor", "North")) == "administrator_first"
    assert code_of(lambda: enter(state, OPERATOR, "sue", None)) == "administrator_first"
    enter(state, OPERATOR, "ada", "administrator")
    assert state.users.in_set_up()
    assert not state.users.before_first()
    enter(state, OPERATOR, "dora", "data_protection_officer")
    assert state.users.in_set_up()
    enter(state, OPERATOR, "sue", "supervisor", "North")
    assert not state.users.in_set_up()
    assert code_of(lambda: enter(state, OPERATOR, "eve", "supervisor", "North")) == "role_needed"
    assert code_of(lambda: accounts.give_or_propose(state, OPERATOR, "sue", "administrator", None)) == "role_not_proposed"


def test_set_up_does_not_come_again_when_its_end_is_deleted(state: State) -> None:
    with state.operations.unlogged() as connection:
        connection.execute(sa.delete(schema.facts).where(schema.facts.c.name == "setup_ended"))
    assert not state.users.in_set_up()


def test_one_proposes_another_confirms_and_the_officer_is_told(state: State) -> None:
    ada, sue = state.users.get("ada"), state.users.get("sue")
    said = enter(state, ada, "New", "offender_manager", "North")
    number = said.document["proposal"]
    assert roles(state, "new") == []
    assert code_of(lambda: proposals.answer(state.users, number, ada)) == "role_not_confirmed"
    proposals.answer(state.users, number, sue)
    assert roles(state, "new") == [("offender_manager", "North")]
    assert code_of(lambda: proposals.answer(state.users, number, sue)) == "role_not_confirmed"
    told = state.operations.rows(sa.select(schema.alerts.c.kind, schema.alerts.c.words))
    assert told == [{"kind": "role_given", "words": "new is now Offender manager of North: proposed by ada, confirmed by sue."}]


def test_one_administrator_alone_becomes_nobody_else(state: State) -> None:
    """She makes accounts of her own and gives them roles: none is ever held."""
    ada = state.users.get("ada")
    for role, unit in (("supervisor", "North"), ("administrator", None), ("data_protection_officer", None)):
        number = enter(state, ada, f"puppet-{role}", role, unit).document["proposal"]
        assert code_of(lambda number=number: proposals.answer(state.users, number, ada)) == "role_not_confirmed"
        assert code_of(lambda role=role, unit=unit: accounts.give_or_propose(state, ada, "ada", role, unit)) == "role_not_proposed"
        assert roles(state, f"puppet-{role}") == []
    assert code_of(lambda: accounts.invite(state, ada, "ada")) == "second_person_needed"


def test_a_proposal_written_by_sql_is_never_confirmed(state: State) -> None:
    with state.operations.unlogged() as connection:
        connection.execute(sa.insert(schema.role_proposals).values(account="ada", role="supervisor", unit="North", by="x", at="2026"))
    with pytest.raises(Exception, match="not what the log says"):
        proposals.answer(state.users, 1, state.users.get("sue"))


def test_a_role_lapses_and_is_given_again_by_two(state: State) -> None:
    now = state.operations._now
    state.operations._now = lambda: now() + timedelta(days=365)
    assert roles(state, "sue") == [("supervisor", "North")]
    number = proposals.propose(state.users, "sue", "supervisor", "North", state.users.get("ada"))
    today = now().date()
    assert [health.roles_that_lapse(state.operations, today + timedelta(days=d), today + timedelta(days=d + 30)) for d in (334, 335, 365, 366)] == [0, 2, 2, 0]
    state.operations._now = lambda: now() + timedelta(days=366)
    assert roles(state, "sue") == roles(state, "ada") == []
    boss = Actor("bea", "Bea", (("administrator", None),))
    proposals.answer(state.users, number, boss)
    assert roles(state, "sue") == [("supervisor", "North")]


def test_names_of_accounts_have_no_capitals(state: State) -> None:
    assert state.users.get("ADA").account == "ada"
    assert code_of(lambda: enter(state, state.users.get("ada"), "Sue", None)) == "account_exists"


def test_an_invitation_opens_once_for_its_account_and_for_a_day(state: State) -> None:
    code = accounts.invite(state, state.users.get("ada"), "sue").document["invitation"]

    def taken(account: str, with_code: str) -> bool:
        with state.operations.writing(LOOK) as tx:
            return codes.take_invitation(tx, account, with_code)

    assert len(code.replace("-", "")) == 16  # 80 bits
    assert not taken("ada", code)
    assert taken("sue", code)
    assert not taken("sue", code)
    late = accounts.invite(state, state.users.get("ada"), "sue").document["invitation"]
    now = state.operations._now
    state.operations._now = lambda: now() + timedelta(hours=24, seconds=1)
    assert not taken("sue", late)
