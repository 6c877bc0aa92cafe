"""Signing in and out, and one's own account: roles held, and a new password."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from harmcast.errors import AccessDenied
from harmcast.oversight.access import ROLES, Action, Role
from harmcast.oversight.commands import CODE_MINUTES, PERSONS
from harmcast.oversight.log import Event
from harmcast.oversight.sign_in import DEVICE_DAYS
from harmcast.store import codes, sessions, sign_in_lanes, users
from harmcast.store.sign_in_lanes import Guess
from harmcast.store.users import HeldRole
from harmcast.web import cookies, passwords, tickets
from harmcast.web.guard import SESSION_COOKIE, Here, Pages, Refused, Visit
from harmcast.web.shell import go, home_of, page

pages = Pages()
DEVICE_COOKIE = "harmcast-device"
MOST_DEVICES = 7  # accounts that one browser stays known to, beside the newest
WRONG = "The log-in name or the password is not right"


def safe_next(address: str) -> str:
    """A page of ours to go on to; the home page for anything else."""
    parts = urlsplit(address)
    fits = address.startswith("/") and not address.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return address if fits and "\\" not in address and address.isprintable() else "/"


@pages.get("/", Action.USE_OWN_ACCOUNT, view=None)
def home(visit: Here) -> Response:
    """On to the home of one's role; those who are not trained yet see what is missing."""
    action, address, _ = home_of(visit)
    needs_training = action is not Action.USE_OWN_ACCOUNT or visit.role is Role.INTELLIGENCE_ANALYST
    return go(address if visit.may(action) and (visit.trained or not needs_training) else "/training")


@pages.get("/sign-in", Action.SIGN_IN, view=None)
def sign_in_page(visit: Here, next: str = "/", lost: str = "") -> Response:
    """The form; with the force's own log-in the way there stands first. `lost`: a form was sent that could not be kept."""
    if visit.session is not None:
        return go(safe_next(next))
    return _form(visit, safe_next(next), is_lost=bool(lost))


def _form(visit: Visit, after: str, status: int = 200, fault: str = "", is_lost: bool = False) -> Response:
    oidc = visit.settings.web.login == "oidc"
    return cookies.form_page(visit, "sign_in", status, (fault, "account") if fault else None, title="Sign in", after=after, is_lost=is_lost, oidc=oidc)


@pages.post("/sign-in", Action.SIGN_IN)
async def sign_in(visit: Here) -> Response:
    """Checks a password, off the event loop, and opens a new session."""
    form = visit.form
    if visit.settings.web.login != "local":
        raise Refused(403, "Sign in with your force account", "This service takes no passwords of its own.")
    if visit.settings.web.local_until is not None and visit.today > visit.settings.web.local_until:
        raise Refused(403, "Local accounts are over", "Their last day has passed. Ask the operator for the force's own log-in.")
    after = safe_next(form.get("next", "/"))
    if not cookies.form_fits(visit):
        return _form(visit, after, 403, cookies.EXPIRED)
    typed = form.get("account", "").strip().lower()[:200]
    known = await run_in_threadpool(visit.state.users.find, typed)
    account = known.account if known is not None else typed
    device = device_of(visit, account) if known is not None else None
    try:
        guess = await run_in_threadpool(sign_in_lanes.take, visit.operations, typed, known.account if known else None, device)
    except AccessDenied as error:
        return _form(visit, after, 429, f"{error.message} {error.next_step}")
    stored = await run_in_threadpool(visit.state.users.password_hash, account)
    try:
        right = await passwords.looked_at(stored, form.get("password", "")[:1000], is_known=device is not None)
    except passwords.Busy:
        return _form(visit, after, 503, "Too many people are signing in. Try again in a moment.")
    roles = await run_in_threadpool(visit.state.users.roles_of, account) if right else ()
    if not right:
        await run_in_threadpool(sign_in_lanes.missed, visit.operations, guess)
        return _form(visit, after, 401, WRONG)
    if not roles:
        return _form(visit, after, 403, "Your account has no role yet. Ask an administrator.")
    token = await run_in_threadpool(_begin, visit, account, roles[0], guess)
    return with_device(visit, _with_session(visit, go(after), token), account)


def device_of(visit: Visit, account: str) -> str | None:
    """The device that this browser is to an account, if it signed in to it within 90 days; None for a stranger."""
    facts = cookies.facts(visit, "device", DEVICE_COOKIE)
    if facts is None or visit.now.timestamp() - float(facts["at"]) > DEVICE_DAYS * 86_400:
        return None
    return str(facts["devices"][account]) if account in facts["devices"] else None


def with_device(visit: Visit, response: Response, account: str) -> Response:
    """The response, after which this browser is known to the account for 90 days; also to those it was known to before."""
    before = cookies.facts(visit, "device", DEVICE_COOKIE) or {}
    devices = dict(list(before.get("devices", {}).items())[-MOST_DEVICES:])
    devices[account] = devices.get(account) or secrets.token_hex(16)
    ticket = tickets.issue(visit.state.secret, "device", {"devices": devices, "at": visit.now.timestamp()})
    cookies.put(visit, response, DEVICE_COOKIE, ticket, DEVICE_DAYS * 86_400, "strict")
    return response


def _begin(visit: Visit, account: str, held: HeldRole, guess: Guess | None, action: str = "signed_in") -> str:
    event = Event(account, held.role.value, "administration", action)
    with visit.operations.writing(event) as tx:
        if visit.session is not None:
            sessions.end(tx, visit.session)
        if guess:
            sign_in_lanes.mark_right(tx, guess)
        return sessions.begin(tx, account, held.role, held.unit, visit.settings.web)


def open_session(visit: Visit, account: str, held: HeldRole, response: Response) -> Response:
    """The response with a new session of an account that proved itself; one that was open in this browser ends."""
    return _with_session(visit, response, _begin(visit, account, held, None))


def _with_session(visit: Visit, response: Response, token: str) -> Response:
    cookies.put(visit, response, SESSION_COOKIE, token)
    return response


@pages.post("/sign-out", Action.USE_OWN_ACCOUNT)
def sign_out(visit: Here) -> Response:
    """Ends the session on the server; the token opens nothing any more."""
    with visit.operations.writing(visit.event("administration", "signed_out")) as tx:
        sessions.end(tx, visit.user)
    response = go("/sign-in")
    cookies.drop(visit, response, SESSION_COOKIE)
    response.headers["clear-site-data"] = '"cache", "storage"'
    return response


@pages.get("/account", Action.USE_OWN_ACCOUNT, view="account_viewed")
def account_page(visit: Here) -> Response:
    """Roles held, trainings recorded, and a form for a new password."""
    return _account(visit)


def _account(visit: Visit, **values: Any) -> Response:
    roles = visit.state.users.roles_of(visit.user.account)
    return page(
        visit,
        "account",
        title="Your account",
        roles=[{"role": h.role, "name": ROLES[h.role][0], "may": ROLES[h.role][1], "unit": h.unit} for h in roles],
        trained=[t for t in visit.settings.tools if t.name in visit.trained],
        local=visit.settings.web.login == "local",
        shortest=passwords.SHORTEST,
        commands=PERSONS,
        code_minutes=CODE_MINUTES,
        notice=visit.saved({"password": "Your password is changed."}),
        **values,
    )


@pages.post("/account/codes", Action.USE_OWN_ACCOUNT)
def draw_code(visit: Here) -> Response:
    """A one-time code for a command, shown once: whoever holds it acts as this person in that command."""
    command = visit.form.get("command", "")
    if command not in PERSONS:
        visit.fields.fault("command", "Choose the command that the code is for")
        return _account(visit)
    with visit.writing(visit.event("administration", "code_drawn", command=command)) as tx:
        code = codes.draw(tx, visit.user.account, command)
    return _account(visit, drawn={"command": command, "code": code})


@pages.post("/account/role", Action.USE_OWN_ACCOUNT)
def change_role(visit: Here) -> Response:
    """Goes on in another of one's roles, in a new session."""
    wanted = (visit.form.get("role", ""), visit.form.get("unit", "") or None)
    for held in visit.state.users.roles_of(visit.user.account):
        if (held.role.value, held.unit) == wanted:
            return _with_session(visit, go("/"), _begin(visit, visit.user.account, held, None, "role_changed"))
    raise Refused(403, "You do not hold this role", "Ask an administrator for it.")


@pages.post("/account/password", Action.USE_OWN_ACCOUNT)
async def change_password(visit: Here) -> Response:
    """A new password: the old one is asked, every other session ends, and this one goes on under a new token."""
    user, loop = visit.user, asyncio.get_running_loop()
    new = visit.form.get("new", "")
    guess = await run_in_threadpool(sign_in_lanes.take, visit.operations, user.account, user.account, user.token_hash)
    stored = await run_in_threadpool(visit.state.users.password_hash, user.account)
    try:
        right = await passwords.looked_at(stored, visit.form.get("old", "")[:1000], is_known=True)
    except passwords.Busy:
        raise Refused(503, "Too many people are signing in", "Try again in a moment. Nothing was saved.") from None
    if not right:
        await run_in_threadpool(sign_in_lanes.missed, visit.operations, guess)
        visit.fields.fault("old", "The old password is not right")
    wrong = passwords.fault(new)
    if wrong:
        visit.fields.fault("new", wrong)
    if visit.fields.errors:
        return await run_in_threadpool(_account, visit)
    kept = await loop.run_in_executor(passwords.hashing, passwords.hashed, new)

    def save() -> str:
        with visit.operations.writing(visit.event("administration", "password_changed")) as tx:
            sign_in_lanes.mark_right(tx, guess)
            users.set_password(tx, user.account, kept)
            return sessions.begin(tx, user.account, Role(user.role), user.unit, visit.settings.web)

    token = await run_in_threadpool(save)
    return _with_session(visit, go("/account?saved=password"), token)
