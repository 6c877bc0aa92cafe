"""Administration: accounts, roles, units and trainings. An administrator sees no forecast and no person."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from harmcast.oversight.access import ROLES, Action, Role
from harmcast.oversight.grants import PEOPLE_ROLES, RENEWED_DAYS
from harmcast.runs.accounts import units_of
from harmcast.store import codes, proposals, users
from harmcast.store.users import User
from harmcast.web.forms import FIRST_DAY, Form, plain
from harmcast.web.guard import Here, Pages, Refused, Visit
from harmcast.web.shell import go, page
from harmcast.words.tools import tool_title

pages = Pages()
ACCOUNT = re.compile(r"^[a-z0-9][a-z0-9._@-]{1,99}$")
TRAININGS = {"methodology": "Methodology", "demonstration": "Demonstration", "recording": "Recording watched"}
ROLE_NAMES = {role.value: ROLES[role][0] for role in Role}
SAVED = {
    "user": "The account is saved.",
    "role": "The role is proposed: it is held once a second person confirms it, under Roles.",
    "unbound": "The force's log-in opens this account no more; invite the person anew.",
    "disabled": "The account is disabled; its sessions have ended.",
    "active": "The account is active.",
    "training": "The training is recorded.",
}


@pages.get("/users", Action.MANAGE_USERS, view="users_viewed")
def users_page(visit: Here) -> Response:
    """Everyone with an account, and a form for a new one."""
    people, trained = visit.state.users.everyone(), visit.state.users.trained()
    return page(
        visit,
        "users",
        title="Users",
        people=people,
        role_names=ROLE_NAMES,
        trained={user.account: trained.get(user.account, frozenset()) for user in people},
        tools=visit.settings.tools,
        units=units_of(visit.state),
        notice=visit.saved(SAVED),
    )


@pages.post("/users", Action.MANAGE_USERS)
def add_user(visit: Here) -> Response:
    """Makes an account without roles, proposes its first, and shows its invitation once."""
    form = visit.fields
    account = plain(form.value("account")).lower()
    name = form.words("name", "Enter the person's name", 200)
    role = form.choice("role", ROLE_NAMES, "Choose a role")
    unit = _unit(visit, form, role)
    if not ACCOUNT.match(account):
        form.fault("account", "Enter a log-in name of letters, digits, dots, dashes or an e-mail address")
    elif visit.state.users.find(account):
        form.fault("account", "There is already an account of this name")
    if form.errors:
        return users_page(visit)
    with visit.writing(visit.event("administration", "user_added", about=f"user:{account}")) as tx:
        users.enter(tx, account, name)
        code = codes.draw(tx, account, codes.INVITATION)
    proposals.propose(visit.state.users, account, role, unit, visit.actor)
    return _one(visit, _user(visit, account), form=Form({}), invitation=code, notice=SAVED["user"])


def _unit(visit: Visit, form: Form, role: str) -> str | None:
    unit = form.words("unit", None, 200)
    if role in PEOPLE_ROLES and not unit:
        form.fault("unit", "Choose the unit: this role sees its own unit's people only")
    elif unit and (known := units_of(visit.state)) and unit not in known:
        form.fault("unit", "Choose a unit of the force: the records name no such unit")
    return unit or None


def _user(visit: Visit, account: str) -> User:
    found = visit.state.users.find(account)
    if found is None:
        raise Refused(404, "No such account", "Check the address, or go back to Users.")
    return found


@pages.get("/users/{account}", Action.MANAGE_USERS, view="user_viewed")
def user_page(visit: Here, account: str) -> Response:
    """One account: roles, trainings, standing."""
    return _one(visit, _user(visit, account))


def _one(visit: Visit, user: User, **values: Any) -> Response:
    return page(
        visit,
        "user",
        title=user.name,
        user=user,
        role_names=ROLE_NAMES,
        trainings=visit.state.users.trainings_of(user.account),
        kinds=TRAININGS,
        titles={tool.name: tool_title(tool) for tool in visit.settings.tools},
        tools=visit.settings.tools,
        is_self=user.account == visit.user.account,
        units=units_of(visit.state),
        waiting=[one for one in proposals.all_of(visit.operations, waiting=True) if one.account == user.account],
        **{"invitation": None, "notice": visit.saved(SAVED), **values},
    )


def _event(visit: Visit, action: str, account: str, **detail: Any) -> Any:
    return visit.event("administration", action, about=f"user:{account}", **detail)


@pages.post("/users/{account}/roles", Action.MANAGE_USERS, "user:{account}")
def propose_role(visit: Here, account: str) -> Response:
    """Proposes one more role, or one again whose term ends soon; a second person confirms it."""
    user, form = _user(visit, account), visit.fields
    role = form.choice("role", ROLE_NAMES, "Choose a role")
    unit = _unit(visit, form, role)
    soon = visit.today + timedelta(days=RENEWED_DAYS)
    if any((held.role.value, held.unit) == (role, unit) and (held.until is None or held.until > soon) for held in user.roles):
        form.fault("role", "The account holds this role already")
    if any((one.account, one.role.value, one.unit) == (account, role, unit) for one in proposals.all_of(visit.operations, waiting=True)):
        form.fault("role", "This role is proposed already and waits for a second person")
    if form.errors:
        return _one(visit, user)
    proposals.propose(visit.state.users, account, role, unit, visit.actor)
    return go(f"/users/{account}?saved=role")


@pages.post("/users/{account}/standing", Action.MANAGE_USERS, "user:{account}")
def set_standing(visit: Here, account: str) -> Response:
    """Disables an account, or makes it active again, without the roles it held: those take two people."""
    _user(visit, account)
    standing = visit.form.get("standing", "")
    if standing not in ("active", "disabled"):
        raise Refused(400, "This form cannot be read", "Load the page again.")
    if account == visit.user.account:
        raise Refused(403, "You cannot disable yourself", "Ask another administrator.")
    with visit.writing(_event(visit, "user_standing_changed", account, standing=standing)) as tx:
        users.set_standing(tx, account, standing)
    return go(f"/users/{account}?saved={standing}")


@pages.post("/users/{account}/invitation", Action.MANAGE_USERS)
def invite(visit: Here, account: str) -> Response:
    """A code with which the person chooses a password, or binds the force's own log-in; shown once. No administrator knows a password."""
    user, form = _user(visit, account), visit.fields
    if account == visit.user.account:
        raise Refused(403, "You cannot invite yourself", "Ask another administrator.")
    if visit.second(form, "users invite") == account:
        form.fault("second-code", "Nobody invites themselves: ask a third person for a code")
    if form.errors:
        return _one(visit, user)
    with visit.writing(_event(visit, "user_invited", account)) as tx:
        code = codes.draw(tx, account, codes.INVITATION)
    return _one(visit, user, form=Form({}), invitation=code)


@pages.post("/users/{account}/unbind", Action.MANAGE_USERS)
def unbind(visit: Here, account: str) -> Response:
    """Ends the binding to a subject of the force's own log-in: the account opens again with an invitation."""
    _user(visit, account)
    with visit.writing(_event(visit, "subject_unbound", account)) as tx:
        users.change(tx, account, oidc_subject=None)
        users.end_sessions(tx, account)
    return go(f"/users/{account}?saved=unbound")


@pages.post("/users/{account}/training", Action.MANAGE_USERS)
def record_training(visit: Here, account: str) -> Response:
    """Records a training that a person gave: on which tool, when, by whom."""
    user, form = _user(visit, account), visit.fields
    if account == visit.user.account:
        raise Refused(403, "You cannot record your own training", "Somebody else records it.")
    tool = form.choice("tool", [t.name for t in visit.settings.tools], "Choose the tool")
    kind = form.choice("kind", TRAININGS, "Choose the kind of training")
    trainer = form.words("trainer", "Enter who gave the training", 200)
    contact = form.words("contact", None, 200)
    on = form.day("passed", "Enter the date of the training", first=FIRST_DAY, last=visit.today)
    if form.errors or on is None:
        return _one(visit, user)
    with visit.writing(_event(visit, "training_recorded", account, tool=tool)) as tx:
        by = visit.user.account
        users.train(tx, account, tool, kind=kind, passed_on=on, by=by, trainer=trainer, contact=contact or None)
    return go(f"/users/{account}?saved=training")
