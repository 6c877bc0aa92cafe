"""Roles that were proposed: each waits for a second person, who confirms or refuses it (`oversight.grants`)."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from harmcast.errors import AccessDenied
from harmcast.oversight import grants
from harmcast.oversight.access import ROLES, Role
from harmcast.oversight.grants import Proposal
from harmcast.oversight.log import Event
from harmcast.store import alerts, schema, users
from harmcast.store.operations import Operations
from harmcast.store.users import Actor, Users


@dataclass(frozen=True)
class KeptProposal(Proposal):
    """A proposal with its number. `answer`: confirmed, refused; None: it waits."""

    id: int
    at: str
    answer: str | None
    answered_by: str | None
    answered_at: str | None


def all_of(operations: Operations, *, waiting: bool = False) -> list[KeptProposal]:
    """Proposals, the newest first; `waiting`: those alone that nobody has answered."""
    table = schema.role_proposals
    where = [table.c.answer.is_(None)] if waiting else []
    return [KeptProposal(**{**row, "role": Role(row["role"])}) for row in operations.checked(table, *where, order_by=(table.c.id.desc(),))]


def propose(known: Users, account: str, role: str, unit: str | None, actor: Actor) -> int:
    """Proposes a role for an account and gives the proposal's number. Raises AccessDenied with why not."""
    wanted = users.known_role(role)
    proposal = Proposal(account, wanted, unit or None, actor.account)
    why_not = grants.may_propose(proposal, {Role(held) for held, _ in actor.roles if held in set(Role)})
    if why_not is not None:
        raise AccessDenied(why_not, code="role_not_proposed", next_step="See docs/security.md: who gives roles.")
    known.get(account)
    event = Event(actor.account, Role.ADMINISTRATOR.value, "administration", "role_proposed", object=f"user:{account}")
    with known.operations.writing(event) as tx:
        tx.says(account=account, role=role, unit=unit)
        table = schema.role_proposals
        return tx.insert(table, account=account, role=role, unit=unit or None, by=actor.account, at=tx.at)


def answer(known: Users, number: int, actor: Actor, is_confirmed: bool = True) -> KeptProposal:
    """A second person confirms a proposal, from when on the role is held, or refuses it; the officer is told.

    Raises: AccessDenied for whoever proposed or receives it, without the role, and where it waits no more.
    """
    found = [one for one in all_of(known.operations, waiting=True) if one.id == number]
    if not found:
        raise AccessDenied("No such proposal waits.", code="role_not_confirmed", next_step="`harmcast users list` names those that wait.")
    one = found[0]
    held = [(Role(role), unit) for role, unit in actor.roles if role in set(Role)]
    why_not = grants.may_confirm(one, actor.account, held, is_led(known, one))
    if why_not is not None and (is_confirmed or Role.ADMINISTRATOR not in {role for role, _ in held}):
        raise AccessDenied(why_not, code="role_not_confirmed", next_step="See docs/security.md: who gives roles.")
    if is_confirmed:
        known.get(one.account)
    acting = next((role for role, _ in held if role in (Role.SUPERVISOR, Role.ADMINISTRATOR)), held[0][0])
    action = "role_given" if is_confirmed else "role_refused"
    event = Event(actor.account, acting.value, "administration", action, object=f"user:{one.account}")
    table = schema.role_proposals
    with known.operations.writing(event) as tx:
        tx.says(account=one.account, role=one.role.value, unit=one.unit, proposed_by=one.by)
        changed = tx.execute(
            sa.update(table)
            .where(table.c.id == number, table.c.answer.is_(None))
            .values(answer="confirmed" if is_confirmed else "refused", answered_by=actor.account, answered_at=tx.at)
        )
        if changed.rowcount == 0:
            raise AccessDenied("No such proposal waits.", code="role_not_confirmed", next_step="Load the page again.")
        if is_confirmed:
            users.take(tx, one.account, one.role, one.unit)  # one that is about to lapse goes on under the new term
            users.give(tx, one.account, one.role, one.unit, actor.account)
            what = ROLES[one.role][0] + (f" of {one.unit}" if one.unit else "")
            alerts.raise_alarm(tx, "role_given", None, f"{one.account} is now {what}: proposed by {one.by}, confirmed by {actor.account}.")
    return one


def is_led(known: Users, one: KeptProposal) -> bool:
    """Whether a supervisor of the proposal's unit, who neither made nor receives it, could confirm it."""
    return any(
        user.is_active and user.account not in (one.account, one.by) and any((h.role, h.unit) == (Role.SUPERVISOR, one.unit) for h in user.roles)
        for user in known.everyone()
    )
