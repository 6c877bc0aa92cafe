"""Who gives a role: one proposes, another confirms, and neither receives it. Roles lapse. Rules only; pure.

An administrator proposes. A people role is confirmed by a supervisor of that unit, every other by a supervisor or a second
administrator. The data protection officer is told of each, may end any and grants none: who watches does not decide.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from harmcast.oversight.access import Role

PEOPLE_ROLES = (Role.OFFENDER_MANAGER, Role.SUPERVISOR)
ROLE_DAYS = 365
RENEWED_DAYS = 60  # so long before its last day a role may be proposed again

Held = tuple[Role, str | None]


@dataclass(frozen=True)
class Proposal:
    """A role that was proposed for an account, by whom."""

    account: str
    role: Role
    unit: str | None
    by: str


def last_day(given: date) -> date:
    """The last day of a role that was given on a day."""
    return given + timedelta(days=ROLE_DAYS)


def may_propose(proposal: Proposal, held: Collection[Role]) -> str | None:
    """Why somebody with the roles held may not propose this; None if they may."""
    if Role.ADMINISTRATOR not in held:
        return "An administrator proposes roles."
    if proposal.by == proposal.account:
        return "Nobody proposes a role for themselves: ask another administrator."
    if proposal.role in PEOPLE_ROLES and not proposal.unit:
        return "That role needs a unit: it sees its own unit's people only."
    return None


def may_confirm(proposal: Proposal, account: str, held: Collection[Held], unit_is_led: bool) -> str | None:
    """Why an account with the roles held may not confirm a proposal; None if it may.

    Args: `unit_is_led`: whether a supervisor of the proposal's unit could confirm it; where none can, any supervisor or another
        administrator does, so that a new unit gets its first.
    """
    if account == proposal.account:
        return "Nobody confirms a role for themselves."
    if account == proposal.by:
        return "Whoever proposed a role cannot confirm it too: a second person does."
    roles = {role for role, _ in held}
    if proposal.role in PEOPLE_ROLES and unit_is_led:
        return None if (Role.SUPERVISOR, proposal.unit) in set(held) else "A supervisor of that unit confirms this role."
    return None if roles & {Role.SUPERVISOR, Role.ADMINISTRATOR} else "A supervisor or a second administrator confirms this role."


def may_end(held: Collection[Role]) -> bool:
    """Whether somebody with the roles held may end a role of anybody: shutting takes one person."""
    return bool({Role.ADMINISTRATOR, Role.DATA_PROTECTION_OFFICER} & set(held))


def can_grant(everyone: Iterable[tuple[str, Collection[Role]]]) -> bool:
    """Whether two different people hold what giving roles needs: an administrator, and beside them an administrator or a supervisor.

    Until then a state is being set up; from then on set-up is over and does not come again.
    """
    people = list(everyone)
    administrators = {account for account, roles in people if Role.ADMINISTRATOR in roles}
    sponsors = administrators | {account for account, roles in people if Role.SUPERVISOR in roles}
    return bool(administrators) and len(sponsors) >= 2
