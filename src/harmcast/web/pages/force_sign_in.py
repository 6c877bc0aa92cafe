"""Signing in with the force's own log-in: there, and back again."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from harmcast.errors import RunStopped
from harmcast.oversight.access import Action
from harmcast.oversight.log import Event
from harmcast.store import codes, users
from harmcast.store.users import User
from harmcast.web import cookies, tickets
from harmcast.web.force_login import BACK, ForceLogin, Identity, NotBelieved
from harmcast.web.guard import Here, Pages, Refused, Visit
from harmcast.web.pages.invitation import COOKIE as INVITED
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
    ticket = tickets.issue(visit.state.secret, "way", held | {"next": safe_next(next), "at": visit.now.timestamp()})
    response = go(address)
    cookies.put(visit, response, COOKIE, ticket, 60 * MINUTES)
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
    response = open_session(visit, user.account, user.roles[0], go(str(held["next"])))
    for cookie in (COOKIE, INVITED):
        cookies.drop(visit, response, cookie)
    return response


WORDS = {
    "unknown": "Your force account has no account here, or it is not bound to it yet. Ask an administrator for an invitation.",
    "other_name": "This invitation is of another account than your force's log-in names. Ask an administrator.",
    "invitation": "This is no invitation of that account, or it was used or is older than a day. Ask an administrator for a new one.",
    "no_role": "Your account has no role yet. Ask an administrator.",
    "refused_there": "Your force's log-in did not let you in. Start again from the sign-in page.",
    "other": "The answer of your force's log-in did not fit this browser. Start again from the sign-in page.",
}


def _held(visit: Visit) -> dict[str, Any]:
    """What this browser was sent away with; empty where there is none or it is too old."""
    held = cookies.facts(visit, "way", COOKIE)
    if held is None or visit.now.timestamp() - float(held["at"]) > 60 * MINUTES:
        _say_refused(visit, "way")
        raise Refused(403, "You are not signed in", WORDS["other"])
    return held


def _user(visit: Visit, identity: Identity) -> User:
    """The account of an identity: the one its subject is bound to, else the one whose invitation this browser brings, which binds it."""
    found = visit.state.users.of_subject(identity.subject) or _bound_by_invitation(visit, identity)
    if found is None or not found.is_active:
        raise NotBelieved("unknown")
    if not found.roles:
        raise NotBelieved("no_role")
    return found


def _bound_by_invitation(visit: Visit, identity: Identity) -> User | None:
    """Binds the subject to the account of an invitation, if that is active, bound to no other, and the name the provider gives is its own."""
    brought = cookies.facts(visit, "invitation", INVITED)
    if brought is None:
        return None
    account = str(brought["account"])
    named = visit.state.users.find(account)
    if named is None or not named.is_active or named.oidc_subject is not None:
        raise NotBelieved("unknown")
    if identity.account is not None and identity.account != named.account:
        raise NotBelieved("other_name")
    event = Event(named.account, "none", "administration", "subject_bound", object=f"user:{named.account}")
    with visit.operations.writing(event) as tx:
        if not codes.take_invitation(tx, named.account, str(brought["code"])):
            raise NotBelieved("invitation")
        users.change(tx, named.account, oidc_subject=identity.subject)
    return visit.state.users.find(account)


def _say_refused(visit: Visit, why: str) -> None:
    try:
        visit.operations.record(Event("unknown", "none", "administration", "sign_in_refused", detail={"why": why}))
    except RunStopped:
        return  # nobody gets in, whether or not it can be written
