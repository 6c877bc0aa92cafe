"""Signing in with the force's own log-in: there, and back again."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import RedirectResponse, Response

from harmcast.errors import RunStopped
from harmcast.oversight.access import Action
from harmcast.oversight.log import Event
from harmcast.store import users
from harmcast.store.users import User
from harmcast.web import tickets
from harmcast.web.force_login import BACK, ForceLogin, Identity, NotBelieved
from harmcast.web.guard import Here, Pages, Refused, Visit, cookie_name
from harmcast.web.pages.signing_in import open_session, safe_next
from harmcast.web.shell import go

pages = Pages()
COOKIE = "harmcast-way"
MINUTES = 10


def provider(visit: Visit) -> ForceLogin:
    """The provider of this application, made once. Raises Refused where the force uses local accounts."""
    if visit.settings.web.login != "oidc":
        raise Refused(404, "Page not found", "This service uses its own log-ins.")
    held = visit.request.app.state
    if getattr(held, "force_login", None) is None:
        held.force_login = ForceLogin(visit.settings.web)
    found: ForceLogin = held.force_login
    return found


@pages.get("/sign-in/force", Action.SIGN_IN, view=None)
def away(visit: Here, next: str = "/") -> Response:
    """To the force's log-in; what must come back is kept in a signed cookie of this browser for ten minutes."""
    address, held = provider(visit).begin()
    secret = visit.state.secret
    ticket = tickets.issue(secret, "way", held | {"next": safe_next(next), "at": visit.now.timestamp()})
    response = RedirectResponse(address, status_code=303)
    response.set_cookie(
        cookie_name(visit.request, COOKIE),
        ticket,
        max_age=60 * MINUTES,
        httponly=True,
        samesite="lax",
        secure=visit.request.app.state.https,
        path="/",
    )
    return response


@pages.get(BACK, Action.SIGN_IN, view=None)
def back(visit: Here) -> Response:
    """From the force's log-in: a new session for an account that is known here, or words why not."""
    there, held = provider(visit), _held(visit)
    try:
        identity = there.finish(dict(visit.request.query_params), held)
        user = _user(visit, identity)
    except NotBelieved as error:
        _say_refused(visit, error.why)
        raise Refused(403, "You are not signed in", WORDS.get(error.why, WORDS["other"])) from error
    first_time = user.oidc_subject is None
    if first_time:
        event = Event(user.account, user.roles[0].role.value, "administration", "subject_bound")
        with visit.operations.writing(event) as tx:
            users.change(tx, user.account, oidc_subject=identity.subject)
    response = open_session(visit, user.account, user.roles[0], go(str(held["next"])))
    response.delete_cookie(cookie_name(visit.request, COOKIE), path="/", secure=visit.request.app.state.https, httponly=True)
    return response


WORDS = {
    "unknown": "Your force account has no account here. Ask an administrator for one.",
    "no_role": "Your account has no role yet. Ask an administrator.",
    "refused_there": "Your force's log-in did not let you in. Start again from the sign-in page.",
    "other": "The answer of your force's log-in did not fit this browser. Start again from the sign-in page.",
}


def _held(visit: Visit) -> dict[str, Any]:
    """What this browser was sent away with; empty where there is none or it is too old."""
    try:
        held = tickets.read(visit.state.secret, "way", visit.request.cookies.get(cookie_name(visit.request, COOKIE), ""))
    except (ValueError, json.JSONDecodeError):
        held = None
    if held is None or visit.now.timestamp() - float(held["at"]) > 60 * MINUTES:
        _say_refused(visit, "way")
        raise Refused(403, "You are not signed in", WORDS["other"])
    return held


def _user(visit: Visit, identity: Identity) -> User:
    """The account of an identity: the one its subject is bound to, else an unbound one that its claim names."""
    found = visit.state.users.of_subject(identity.subject)
    if found is None and identity.account:
        named = visit.state.users.find(identity.account)
        found = named if named is not None and named.oidc_subject is None else None
    if found is None or not found.is_active:
        raise NotBelieved("unknown")
    if not found.roles:
        raise NotBelieved("no_role")
    return found


def _say_refused(visit: Visit, why: str) -> None:
    try:
        visit.operations.record(Event("unknown", "none", "administration", "sign_in_refused", detail={"why": why}))
    except RunStopped:
        return  # nobody gets in, whether or not it can be written
