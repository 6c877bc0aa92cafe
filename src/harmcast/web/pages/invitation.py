"""An invitation: with its code somebody new, or whose password is lost, chooses a password, or binds the force's own log-in to the account."""

from __future__ import annotations

import asyncio
import hmac
import secrets

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from harmcast.oversight.access import Action
from harmcast.oversight.log import Event
from harmcast.store import codes, sign_in_lanes, users
from harmcast.web import passwords, tickets
from harmcast.web.guard import Here, Pages, Refused, Visit, cookie_name
from harmcast.web.pages.signing_in import FORM_COOKIE, with_device
from harmcast.web.shell import go, page

pages = Pages()
COOKIE = "harmcast-invitation"
WRONG = "This is no invitation of that account, or it was used or is older than a day"


@pages.get("/invitation", Action.SIGN_IN, view=None)
def invitation_page(visit: Here) -> Response:
    """The form."""
    return _form(visit)


def _form(visit: Visit, status: int = 200, errors: list[dict[str, str]] | None = None) -> Response:
    token = secrets.token_hex(32)
    response = page(
        visit,
        "invitation",
        status,
        title="Use an invitation",
        form_token=token,
        account=visit.form.get("account", ""),
        errors=errors or [],
        local=visit.settings.web.login == "local",
        shortest=passwords.SHORTEST,
    )
    https = visit.request.app.state.https
    response.set_cookie(cookie_name(visit.request, FORM_COOKIE), token, max_age=3600, httponly=True, samesite="strict", secure=https, path="/")
    return response


@pages.post("/invitation", Action.SIGN_IN)
async def use_invitation(visit: Here) -> Response:
    """Local accounts: the new password is kept. The force's own log-in: on to it, and the subject it names is bound on the way back."""
    form, request = visit.form, visit.request
    sent, held = form.get("form_token", ""), request.cookies.get(cookie_name(request, FORM_COOKIE), "")
    if not held or not hmac.compare_digest(sent.encode(), held.encode()):
        return _form(visit, 403, [{"text": "The form had expired. Try again.", "href": "#account"}])
    account, code = form.get("account", "").strip().lower()[:200], form.get("code", "")[:100]
    if visit.settings.web.login == "oidc":
        response = go("/sign-in/force")
        ticket = tickets.issue(visit.state.secret, "invitation", {"account": account, "code": code})
        response.set_cookie(
            cookie_name(request, COOKIE), ticket, max_age=600, httponly=True, samesite="lax", secure=request.app.state.https, path="/"
        )
        return response
    new = form.get("new", "")[:1000]
    wrong = passwords.fault(new)
    if wrong:
        return _form(visit, 400, [{"text": wrong, "href": "#new"}])
    if not await run_in_threadpool(codes.is_invitation, visit.operations, account, code):
        return _form(visit, 403, [{"text": WRONG, "href": "#code"}])
    kept = await asyncio.get_running_loop().run_in_executor(passwords.hashing, passwords.hashed, new)

    def save() -> None:
        event = Event(account, "none", "administration", "password_chosen", object=f"user:{account}")
        with visit.operations.writing(event) as tx:
            if not codes.take_invitation(tx, account, code):
                raise Refused(403, "This invitation was used", "Ask an administrator for a new one.")
            users.set_password(tx, account, kept)
            sign_in_lanes.forgive(tx, account)

    await run_in_threadpool(save)
    return with_device(visit, go("/sign-in"), account)
