"""Entering people by command: at once while a state is set up, afterwards each role proposed by one and confirmed by another."""

from __future__ import annotations

from harmcast.documents.command_result import CommandResult
from harmcast.errors import AccessDenied
from harmcast.oversight import grants
from harmcast.oversight.access import Role
from harmcast.oversight.log import Event
from harmcast.store import codes, proposals, users
from harmcast.store.state import State
from harmcast.store.users import Actor


def units_of(state: State) -> list[str]:
    """Units of the force: those its records name."""
    return sorted(set(state.records.known("persons", columns=["unit"])["unit"].drop_nulls().to_list()))


def _is_setting_up(state: State, actor: Actor) -> bool:
    return actor.has("operator") and state.users.in_set_up()


def _acting(state: State, actor: Actor) -> str:
    return "operator" if _is_setting_up(state, actor) else actor.acting(Role.ADMINISTRATOR.value)


def enter(
    state: State, actor: Actor, account: str, name: str, role: str | None, unit: str | None, *, os_account: str | None, oidc_subject: str | None
) -> CommandResult:
    """A new account with its invitation, and its first role if one is named.

    Raises: AccessDenied without the role, for a first user who is no administrator, for a unit or role that is not known.
    """
    acting = _acting(state, actor)
    if state.users.before_first() and role != Role.ADMINISTRATOR:
        raise AccessDenied(
            "The first user is an administrator.", code="administrator_first", next_step="Enter one with --role administrator; others follow."
        )
    if role is not None:
        _check_role(state, role, unit)
    account = account.lower()
    event = Event(actor.account, acting, "administration", "user_added", object=f"user:{account}")
    state.users.add(account, name, event, os_account=os_account, oidc_subject=oidc_subject)
    said = invite(state, actor, account)
    if role is not None:
        given = give_or_propose(state, actor, account, role, unit)
        said = CommandResult({**said.document, **given.document}, [f"Entered {account}.", *said.lines, *given.lines])
    return said


def _check_role(state: State, role: str, unit: str | None) -> Role:
    wanted = users.known_role(role)
    if wanted in grants.PEOPLE_ROLES and not unit:
        raise AccessDenied("That role needs a unit.", code="unit_needed", next_step="Name the unit with --unit.")
    known = units_of(state)
    if unit and known and unit not in known:
        raise AccessDenied("The force's records name no such unit.", code="unit_unknown", next_step="One of: " + ", ".join(known[:20]) + ".")
    return wanted


def invite(state: State, actor: Actor, account: str) -> CommandResult:
    """A code with which the person chooses a password or binds the force's own log-in. Raises AccessDenied."""
    acting = _acting(state, actor)
    if account.lower() in (actor.account, actor.second):
        raise AccessDenied("Nobody invites themselves.", code="second_person_needed", next_step="Ask another administrator.")
    known = state.users.get(account)
    with state.operations.writing(Event(actor.account, acting, "administration", "user_invited", object=f"user:{known.account}")) as tx:
        code = codes.draw(tx, known.account, codes.INVITATION)
    line = f"Invitation of {known.account}: {code}. It opens once, within {codes.INVITATION_HOURS} hours, at /invitation; hand it over in person or by a call."
    return CommandResult({"account": known.account, "invitation": code}, [line])


def give_or_propose(state: State, actor: Actor, account: str, role: str, unit: str | None) -> CommandResult:
    """Gives a role while the state is set up; afterwards proposes it. Raises AccessDenied."""
    wanted = _check_role(state, role, unit)
    document = {"account": account, "role": wanted.value, "unit": unit}
    if _is_setting_up(state, actor):
        event = Event(actor.account, "operator", "administration", "role_given", object=f"user:{account}", detail={"by": "set-up"})
        state.users.give_role(account, role, unit, event)
        left = [] if state.users.in_set_up() else ["Set-up is over: from now on a role takes two people."]
        return CommandResult({**document, "given": True}, ["Given.", *left])
    number = proposals.propose(state.users, account, role, unit, actor)
    return CommandResult({**document, "given": False, "proposal": number}, [f"Proposed as number {number}: a second person confirms it with harmcast users confirm STATE {number}, or under Roles."])


def end_role(state: State, actor: Actor, account: str, role: str) -> CommandResult:
    """Ends a role in every unit; an administrator or the data protection officer does. Raises AccessDenied."""
    acting = "operator" if _is_setting_up(state, actor) else actor.acting(Role.ADMINISTRATOR.value, Role.DATA_PROTECTION_OFFICER.value)
    wanted = users.known_role(role)
    state.users.end_role(account, wanted, Event(actor.account, acting, "administration", "role_taken", object=f"user:{account}"))
    return CommandResult({"account": account, "role": wanted.value, "ended": True}, ["Ended."])
