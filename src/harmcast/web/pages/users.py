"""Administration: accounts, roles, units and trainings. An administrator sees no forecast and no person."""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import Response

from harmcast.oversight.access import ROLES, Action, Role
from harmcast.store import users
from harmcast.store.users import PEOPLE_ROLES, User
from harmcast.web import passwords
from harmcast.web.forms import Form, plain
from harmcast.web.guard import Here, Pages, Refused, Visit
from harmcast.web.shell import go, page
from harmcast.words.tools import tool_title

pages = Pages()
ACCOUNT = re.compile(r"^[a-z0-9][a-z0-9._@-]{1,99}$")
TRAININGS = {"methodology": "Methodology", "demonstration": "Demonstration", "recording": "Recording watched"}
ROLE_NAMES = {role.value: ROLES[role][0] for role in Role}
SAVED = {
    "user": "The account is saved.",
    "role": "The role is given.",
    "role_ended": "The role is taken away.",
    "disabled": "The account is disabled; its sessions have ended.",
    "active": "The account is active.",
    "password": "The new password is saved; the account's sessions have ended.",
    "training": "The training is recorded.",
}


@pages.get("/users", Action.MANAGE_USERS, view="users_viewed")
def users_page(visit: Here, saved: str = "") -> Response:
    """Everyone with an account, and a form for a new one."""
    return _list(visit, Form({}), notice=SAVED.get(saved))


def _list(visit: Visit, form: Form, status: int = 200, **values: Any) -> Response:
    people, trained = visit.state.users.everyone(), visit.state.users.trained()
    return page(
        visit,
        "users",
        status,
        title="Users",
        people=people,
        role_names=ROLE_NAMES,
        trained={user.account: trained.get(user.account, frozenset()) for user in people},
        tools=visit.settings.tools,
        form=form,
        errors=form.errors,
        shortest=passwords.SHORTEST,
        local=visit.settings.web.login == "local",
        **values,
    )


@pages.post("/users", Action.MANAGE_USERS)
def add_user(visit: Here) -> Response:
    """Makes an account with its first role."""
    form = Form(visit.form)
    account = plain(form.value("account")).lower()
    name = form.words("name", "Enter the person's name", 200)
    role = form.choice("role", ROLE_NAMES, "Choose a role")
    unit = _unit(form, role)
    password = form.value("password")
    if not ACCOUNT.match(account):
        form.fault("account", "Enter a log-in name of letters, digits, dots, dashes or an e-mail address")
    elif visit.state.users.find(account):
        form.fault("account", "There is already an account of this name")
    wrong = passwords.fault(password) if visit.settings.web.login == "local" else None
    if wrong:
        form.fault("password", wrong)
    if form.errors:
        return _list(visit, form, 400)
    kept = passwords.hashed(password) if password else None
    with visit.writing(visit.event("administration", "user_added", about=f"user:{account}", role_given=role)) as tx:
        users.enter(tx, account, name, password_hash=kept)
        users.give(tx, account, role, unit, visit.user.account)
    return go(f"/users/{account}?saved=user")


def _unit(form: Form, role: str) -> str | None:
    unit = form.words("unit", None, 200)
    if role in PEOPLE_ROLES and not unit:
        form.fault("unit", "Enter the unit: this role sees its own unit's people only")
    return unit or None


def _user(visit: Visit, account: str) -> User:
    found = visit.state.users.find(account)
    if found is None:
        raise Refused(404, "No such account", "Check the address, or go back to Users.")
    return found


@pages.get("/users/{account}", Action.MANAGE_USERS, view="user_viewed")
def user_page(visit: Here, account: str, saved: str = "") -> Response:
    """One account: roles, trainings, standing."""
    return _one(visit, _user(visit, account), Form({}), notice=SAVED.get(saved))


def _one(visit: Visit, user: User, form: Form, status: int = 200, **values: Any) -> Response:
    return page(
        visit,
        "user",
        status,
        title=user.name,
        user=user,
        role_names=ROLE_NAMES,
        trainings=visit.state.users.trainings_of(user.account),
        kinds=TRAININGS,
        titles={tool.name: tool_title(tool) for tool in visit.settings.tools},
        tools=visit.settings.tools,
        form=form,
        errors=form.errors,
        today=visit.today,
        is_self=user.account == visit.user.account,
        local=visit.settings.web.login == "local",
        shortest=passwords.SHORTEST,
        **values,
    )


def _event(visit: Visit, action: str, account: str, **detail: Any) -> Any:
    return visit.event("administration", action, about=f"user:{account}", **detail)


@pages.post("/users/{account}/roles", Action.MANAGE_USERS)
def give_role(visit: Here, account: str) -> Response:
    """Gives one more role."""
    user, form = _user(visit, account), Form(visit.form)
    role = form.choice("role", ROLE_NAMES, "Choose a role")
    unit = _unit(form, role)
    if any((held.role.value, held.unit) == (role, unit) for held in user.roles):
        form.fault("role", "The account holds this role already")
    if form.errors:
        return _one(visit, user, form, 400)
    with visit.writing(_event(visit, "role_given", account, role_given=role)) as tx:
        users.give(tx, account, role, unit, visit.user.account)
    return go(f"/users/{account}?saved=role")


@pages.post("/users/{account}/roles/end", Action.MANAGE_USERS)
def end_role(visit: Here, account: str) -> Response:
    """Takes a role away: pages opened with it end with the next request."""
    user = _user(visit, account)
    wanted = (visit.form.get("role", ""), visit.form.get("unit", "") or None)
    for held in user.roles:
        if (held.role.value, held.unit) == wanted:
            if account == visit.user.account and held.role is Role.ADMINISTRATOR:
                raise Refused(403, "You cannot take this role from yourself", "Ask another administrator.")
            with visit.writing(_event(visit, "role_taken", account, role_taken=held.role.value)) as tx:
                users.take(tx, account, held.role, held.unit)
            return go(f"/users/{account}?saved=role_ended")
    raise Refused(404, "The account does not hold this role", "Load the page again.")


@pages.post("/users/{account}/standing", Action.MANAGE_USERS)
def set_standing(visit: Here, account: str) -> Response:
    """Disables an account or makes it active again."""
    _user(visit, account)
    standing = visit.form.get("standing", "")
    if standing not in ("active", "disabled"):
        raise Refused(400, "This form cannot be read", "Load the page again.")
    if account == visit.user.account:
        raise Refused(403, "You cannot disable yourself", "Ask another administrator.")
    with visit.writing(_event(visit, "user_standing_changed", account, standing=standing)) as tx:
        users.set_standing(tx, account, standing)
    return go(f"/users/{account}?saved={standing}")


@pages.post("/users/{account}/password", Action.MANAGE_USERS)
def set_password(visit: Here, account: str) -> Response:
    """Gives an account a new password; its sessions end."""
    user, form = _user(visit, account), Form(visit.form)
    password = form.value("password")
    wrong = passwords.fault(password)
    if wrong:
        form.fault("password", wrong)
        return _one(visit, user, form, 400)
    kept = passwords.hashed(password)
    with visit.writing(_event(visit, "password_set", account)) as tx:
        users.set_password(tx, account, kept)
    return go(f"/users/{account}?saved=password")


@pages.post("/users/{account}/training", Action.MANAGE_USERS)
def record_training(visit: Here, account: str) -> Response:
    """Records a training that a person gave: on which tool, when, by whom."""
    user, form = _user(visit, account), Form(visit.form)
    tool = form.choice("tool", {t.name: t.name for t in visit.settings.tools}, "Choose the tool")
    kind = form.choice("kind", TRAININGS, "Choose the kind of training")
    trainer = form.words("trainer", "Enter who gave the training", 200)
    contact = form.words("contact", None, 200)
    on = form.day("passed", "Enter the date of the training", last=visit.today)
    if form.errors or on is None:
        return _one(visit, user, form, 400)
    with visit.writing(_event(visit, "training_recorded", account, tool=tool)) as tx:
        by = visit.user.account
        users.train(tx, account, tool, kind=kind, passed_on=on, by=by, trainer=trainer, contact=contact or None)
    return go(f"/users/{account}?saved=training")
