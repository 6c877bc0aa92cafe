"""Who gives a role: every combination of proposer, confirmer and receiver, written a second time by hand."""

from __future__ import annotations

from datetime import date

import pytest

from harmcast.oversight import grants
from harmcast.oversight.access import Role
from harmcast.oversight.grants import Proposal, can_grant, last_day, may_confirm, may_end, may_propose

ADMIN, SUPERVISOR, OFFICER, MANAGER = Role.ADMINISTRATOR, Role.SUPERVISOR, Role.DATA_PROTECTION_OFFICER, Role.OFFENDER_MANAGER
PEOPLE = Proposal("new", MANAGER, "North", "ada")
OTHER = Proposal("new", Role.DATA_SCIENTIST, None, "ada")


@pytest.mark.parametrize("role", list(Role))
def test_only_an_administrator_proposes(role: Role) -> None:
    assert (may_propose(OTHER, {role}) is None) is (role is ADMIN)


def test_nobody_proposes_for_themselves_and_a_people_role_needs_a_unit() -> None:
    assert may_propose(Proposal("ada", SUPERVISOR, "North", "ada"), {ADMIN}) is not None
    assert may_propose(Proposal("new", SUPERVISOR, None, "ada"), {ADMIN}) is not None
    assert may_propose(Proposal("new", Role.ETHICS_REVIEWER, None, "ada"), {ADMIN}) is None


@pytest.mark.parametrize("held", [(role, unit) for role in Role for unit in (None, "North", "South")])
def test_a_supervisor_of_the_unit_confirms_a_people_role(held: tuple[Role, str | None]) -> None:
    assert (may_confirm(PEOPLE, "sue", [held], True) is None) is (held == (SUPERVISOR, "North"))


@pytest.mark.parametrize("role", list(Role))
def test_a_supervisor_or_a_second_administrator_confirms_every_other_and_the_first_of_a_unit(role: Role) -> None:
    for proposal, led in ((OTHER, True), (OTHER, False), (PEOPLE, False)):
        assert (may_confirm(proposal, "sue", [(role, "South")], led) is None) is (role in (SUPERVISOR, ADMIN))


@pytest.mark.parametrize("account", ["new", "ada"])
def test_neither_whoever_receives_a_role_nor_whoever_proposed_it_confirms_it(account: str) -> None:
    everything = [(role, unit) for role in Role for unit in (None, "North")]
    for proposal in (PEOPLE, OTHER):
        for led in (True, False):
            assert may_confirm(proposal, "".join(list(account)), everything, led) is not None  # a word as it comes from a form


def test_an_administrator_or_the_officer_ends_a_role() -> None:
    assert {role for role in Role if may_end({role})} == {ADMIN, OFFICER}


def test_set_up_is_over_with_the_first_two_who_could_give_a_role() -> None:
    assert not can_grant([])
    assert not can_grant([("ada", {ADMIN, SUPERVISOR})])  # one person, whatever the roles
    assert not can_grant([("ada", {SUPERVISOR}), ("bea", {SUPERVISOR})])
    assert not can_grant([("ada", {ADMIN}), ("bea", {OFFICER})])
    assert can_grant([("ada", {ADMIN}), ("bea", {SUPERVISOR})])
    assert can_grant([("ada", {ADMIN}), ("bea", {ADMIN})])


def test_a_role_lapses_after_a_year() -> None:
    assert last_day(date(2026, 11, 28)) == date(2027, 11, 28)
    assert grants.RENEWED_DAYS == 60
