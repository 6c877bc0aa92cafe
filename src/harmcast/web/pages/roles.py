"""Roles: those proposed, which a second person confirms or refuses, and those held, which the officer or an administrator ends."""

from __future__ import annotations

from starlette.responses import Response

from harmcast.oversight import grants
from harmcast.oversight.access import ROLES, Action, Role
from harmcast.store import proposals, users
from harmcast.web.guard import Here, Number, Pages, Refused
from harmcast.web.shell import go, page

pages = Pages()
SAVED = {"confirmed": "The role is given.", "refused": "The proposal is refused.", "ended": "The role is taken away."}


@pages.get("/roles", Action.VIEW_ROLES, view="roles_viewed")
def roles_page(visit: Here) -> Response:
    """Roles proposed and roles held."""
    known = visit.state.users
    held = [(Role(visit.role), visit.user.unit)]
    waiting = []
    for one in proposals.all_of(visit.operations, waiting=True):
        why_not = grants.may_confirm(one, visit.user.account, held, proposals.is_led(known, one))
        waiting.append({"one": one, "why_not": why_not})
    return page(
        visit,
        "roles",
        title="Roles",
        waiting=waiting,
        people=[user for user in known.everyone() if user.is_active],
        role_names={role.value: ROLES[role][0] for role in Role},
        may_answer=visit.may(Action.CONFIRM_ROLE),
        may_end=visit.may(Action.END_ROLE),
        notice=visit.saved(SAVED),
    )


@pages.post("/roles/proposals/{number}", Action.CONFIRM_ROLE)
def answer(visit: Here, number: Number) -> Response:
    """A second person confirms or refuses a proposal."""
    form = visit.fields
    said = form.choice("answer", ("confirmed", "refused"), "Choose whether you confirm the role")
    if form.errors:
        return roles_page(visit)
    proposals.answer(visit.state.users, number, visit.actor, said == "confirmed")
    return go(f"/roles?saved={said}")


@pages.post("/roles/end", Action.END_ROLE)
def end(visit: Here) -> Response:
    """Takes a role away: pages opened with it end with the next request. One person is enough."""
    account = visit.form.get("account", "")
    user = visit.state.users.find(account)
    wanted = (visit.form.get("role", ""), visit.form.get("unit", "") or None)
    for held in user.roles if user else ():
        if (held.role.value, held.unit) == wanted:
            if account == visit.user.account and held.role is Role.ADMINISTRATOR:
                raise Refused(403, "You cannot take this role from yourself", "Ask another administrator.")
            with visit.writing(visit.event("administration", "role_taken", about=f"user:{account}", role_taken=held.role.value)) as tx:
                users.take(tx, account, held.role, held.unit)
            return go("/roles?saved=ended")
    raise Refused(404, "The account does not hold this role", "Load the page again.")
