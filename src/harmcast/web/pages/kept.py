"""What somebody typed before the session ended: shown to that account alone, sent to its own page again, which saves nothing."""

from __future__ import annotations

from starlette.responses import Response

from harmcast.oversight.access import RULES, Action
from harmcast.store import kept_forms
from harmcast.web.guard import Here, Number, Pages
from harmcast.web.shell import go, page

pages = Pages()


@pages.get("/kept", Action.USE_OWN_ACCOUNT, view="kept_forms_viewed")
def kept(visit: Here) -> Response:
    """The forms kept for this account; home where there are none."""
    found = kept_forms.of_account(visit.operations, visit.user.account)
    if not found:
        return go("/")
    forms = [(form, RULES[Action(form.action)].says, visit.local(form.at)) for form in found]
    return page(visit, "kept", title="Nothing was saved. We kept what you typed", forms=forms, hours=kept_forms.HOURS)


@pages.post("/kept/{number}/drop", Action.USE_OWN_ACCOUNT)
def drop(visit: Here, number: Number) -> Response:
    """Throws one of them away."""
    for form in kept_forms.of_account(visit.operations, visit.user.account):
        if form.id == number:
            with visit.writing(visit.event("administration", "kept_form_dropped", subject=form.person_key)) as tx:
                kept_forms.drop(tx.connection, visit.user.account, form.address)
    return go("/kept")


@pages.post("/account/stay", Action.USE_OWN_ACCOUNT)
def stay(visit: Here) -> Response:
    """Keeps the session awake: the answer to the question before it ends."""
    visit.looked(visit.event("administration", "stayed_signed_in"))
    return Response(status_code=204)
