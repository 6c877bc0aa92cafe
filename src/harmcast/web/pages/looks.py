"""How many people each account opened: today and in seven days; and one more day for somebody whose work needs it."""

from __future__ import annotations

from typing import TypedDict

from starlette.responses import Response

from harmcast.oversight import budgets
from harmcast.oversight.access import ROLES, Action, Role
from harmcast.oversight.grants import PEOPLE_ROLES
from harmcast.store import seen
from harmcast.store.seen import LookedAt
from harmcast.store.users import User
from harmcast.web.guard import Here, Pages, Refused, Visit
from harmcast.web.shell import go, page

pages = Pages()
LOOKERS = (*PEOPLE_ROLES, Role.DATA_SCIENTIST, Role.ETHICS_REVIEWER)


def _may_open(visit: Visit, user: User) -> bool:
    held = [(one.role, one.unit) for one in user.roles]
    return budgets.may_open(visit.user.account, visit.role, visit.user.unit, user.account, held)


class Looker(TypedDict):
    """An account that opens people, how many it opened, whether this visitor may open it one more day."""

    user: User
    looked: LookedAt
    can: bool


@pages.get("/looks", Action.VIEW_LOOKS, view="looks_viewed")
def looks_page(visit: Here) -> Response:
    """Accounts that open people: a supervisor sees those of the unit, the officer all."""
    rows: list[Looker] = []
    for user in visit.state.users.everyone():
        mine = visit.role == Role.DATA_PROTECTION_OFFICER or any(one.unit is not None and one.unit == visit.user.unit for one in user.roles)
        if mine and user.is_active and any(one.role in LOOKERS for one in user.roles):
            looked = seen.of_account(visit.operations, user.account, visit.today)
            rows.append({"user": user, "looked": looked, "can": _may_open(visit, user)})
    web = visit.settings.web
    return page(
        visit,
        "looks",
        title="People opened",
        rows=sorted(rows, key=lambda row: (-row["looked"].in_days, row["user"].account)),
        role_names={role.value: ROLES[role][0] for role in Role},
        a_day=web.people_a_day,
        in_days=web.people_in_7_days,
        notice=visit.saved({"opened": "One more day is open until midnight."}),
    )


@pages.post("/looks/{account}", Action.OPEN_LOOKS)
def open_day(visit: Here, account: str) -> Response:
    """Opens one more day's number of people to somebody else, today."""
    user = visit.state.users.find(account)
    if user is None or not user.is_active or not _may_open(visit, user):
        raise Refused(403, "You cannot open this", "A supervisor opens more for the unit's offender managers, the data protection officer for everybody else; nobody for themselves.")
    with visit.writing(visit.event("administration", "people_budget_opened", about=f"user:{user.account}")) as tx:
        seen.open_day(tx, user.account, visit.today, visit.user.account)
    return go("/looks?saved=opened")
