"""Log-ins of the demo: one a role, for invented forces only, with new passwords each time they are asked for."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from harmcast.errors import AccessDenied
from harmcast.oversight import log
from harmcast.oversight.access import ROLES, Role
from harmcast.oversight.grants import PEOPLE_ROLES
from harmcast.oversight.log import Event
from harmcast.store import users
from harmcast.store.operations import Writing
from harmcast.store.state import State
from harmcast.web.passwords import hashed


@dataclass(frozen=True)
class Login:
    """A demo log-in, to be printed once."""

    account: str
    password: str
    name: str
    role: Role
    unit: str | None


_DEMO: Sequence[tuple[str, str, Role]] = (
    ("analyst", "Ama Reyne", Role.INTELLIGENCE_ANALYST),
    ("manager", "Owen Tarrel", Role.OFFENDER_MANAGER),
    ("supervisor", "Sunita Holm", Role.SUPERVISOR),
    ("scientist", "Dara Winck", Role.DATA_SCIENTIST),
    ("ethics", "Ellis Moor", Role.ETHICS_REVIEWER),
    ("protection", "Petra Lyle", Role.DATA_PROTECTION_OFFICER),
    ("administrator", "Ada Quill", Role.ADMINISTRATOR),
)


def demo_users(state: State, units: Sequence[str] = ()) -> list[Login]:
    """A log-in for each role, trained on every tool.

    Args:
        units: units of the force; the offender manager and the supervisor belong to the first.
    Raises: AccessDenied (`not_invented`) for a real force.
    """
    if not state.settings.force.invented:
        raise AccessDenied(
            "Demo log-ins are made for invented forces only.",
            code="not_invented",
            next_step="Add people with `harmcast users add`.",
        )
    logins = []
    for account, name, role in _DEMO:
        unit = units[0] if units and role in PEOPLE_ROLES else None
        logins.append(Login(account, secrets.token_hex(6), name, role, unit))
        event = Event("system", "administrator", "administration", "demo_user_made", object=f"user:{account}")
        known = state.users.find(account)
        with state.operations.writing(event) as tx:
            if known is None:
                _enter(tx, state, logins[-1])
            else:
                users.set_password(tx, account, hashed(logins[-1].password))
                _move(tx, known, logins[-1])
    return logins


def _enter(tx: Writing, state: State, login: Login) -> None:
    today = log.moment(tx.at).date()
    users.enter(tx, login.account, login.name, password_hash=hashed(login.password))
    users.give(tx, login.account, login.role, login.unit, "system")
    for tool in state.settings.tools:
        users.train(tx, login.account, tool.name, kind="methodology", passed_on=today, by="system", trainer="Demo")


def _move(tx: Writing, known: users.User, login: Login) -> None:
    """To the unit asked for, where the account holds its role in none or another."""
    if known.roles and login.unit and all(held.unit != login.unit for held in known.roles):
        for held in known.roles:
            users.take(tx, known.account, held.role, held.unit)
        users.give(tx, known.account, login.role, login.unit, "system")


def printed(logins: Sequence[Login]) -> str:
    """The demo's log-ins as a small table."""
    lines = [f"{'log in as':<15} {'password':<14} role"]
    lines += [
        f"{x.account:<15} {x.password:<14} {ROLES[x.role][0]}" + (f", {x.unit}" if x.unit else "") for x in logins
    ]
    return "\n".join(lines)
