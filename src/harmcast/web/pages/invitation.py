"""An invitation: with its code somebody new, or whose password is lost, chooses a password, or binds the force's own log-in to the account."""

from __future__ import annotations

import asyncio

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from harmcast.oversight.access import Action
from harmcast.oversight.log import Event
from harmcast.store import codes, sign_in_lanes, users
from harmcast.web import cookies, passwords, tickets
from harmcast.web.guard import Here, Pages, Refused, Visit
from harmcast.web.pages.signing_in import with_device
from harmcast.web.shell import go

pages = Pages()
COOKIE = "harmcast-invitation"
WRONG = "This is no invitation of that account, or it was used or is older than a day"


@pages.get("/invitation", Action.SIGN_IN, view=None)
def invitation_page(visit: Here) -> Response:
    """The form."""
    return _form(visit)


def _form(visit: Visit, status: int = 200, fault: tuple[str, str] | None = None) -> Response:
    return cookies.form_page(
        visit,
        "invitation",
        status,
        fault,
        title="Use an invitation",
        account=visit.form.get("account", ""),
        local=visit.settings.web.login == "local",
        shortest=passwords.SHORTEST,
    )


@pages.post("/invitation", Action.SIGN_IN)
async def use_invitation(visit: Here) -> Response:
    """Local accounts: the new password is kept. The force's own log-in: on to it, and the subject it names is bound on the way back."""
    form = visit.form
    if not cookies.form_fits(visit):
        return _form(visit, 403, (cookies.EXPIRED, "account"))
    account, code = form.get("account", "").strip().lower()[:200], form.get("code", "")[:100]
    if visit.settings.web.login == "oidc":
        response = go("/sign-in/force")
        ticket = tickets.issue(visit.state.secret, "invitation", {"account": account, "code": code})
        cookies.put(visit, response, COOKIE, ticket, 600)
        return response
    new = form.get("new", "")[:1000]
    wrong = passwords.fault(new)
    if wrong:
        return _form(visit, 400, (wrong, "new"))
    if not await run_in_threadpool(codes.is_invitation, visit.operations, account, code):
        return _form(visit, 403, (WRONG, "code"))
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
