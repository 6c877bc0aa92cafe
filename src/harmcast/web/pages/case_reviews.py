"""Case reviews: one person's whole page without a name, asked for with a reason and granted by the data protection officer."""

from __future__ import annotations

from starlette.responses import Response

from harmcast.oversight.access import Action
from harmcast.publish import roster
from harmcast.store import case_reviews
from harmcast.web.forms import Form
from harmcast.web.guard import Here, Number, Pages, Refused
from harmcast.web.shell import go, page

pages = Pages()
SAVED = {"asked": "Your request is saved. The data protection officer decides on it.", "decided": "Your answer is saved."}


@pages.get("/case-reviews", Action.VIEW_CASE_REVIEWS, view=None)
def requests(visit: Here, row: str = "") -> Response:
    """Who asks, about one row of the list: one's own requests; the officer sees everyone's."""
    now, names = visit.operations.now(), visit.names
    grants = visit.may(Action.GRANT_CASE_REVIEW)
    found = case_reviews.of(visit.operations, None if grants else visit.user.account)
    return page(
        visit,
        "case_reviews",
        title="Case reviews",
        asks=visit.may(Action.OPEN_PERSON_PSEUDONYMISED),
        grants=grants,
        days=case_reviews.OPEN_DAYS,
        reviews=[
            {**vars(one), "when": visit.local(one.at), "by_name": names.get(one.by, one.by), "is_open": one.is_open(now), "own": one.by == visit.user.account}
            for one in found
        ],
        form=Form({"row": row}) if row else visit.fields,
        notice=visit.saved(SAVED),
    )


@pages.post("/case-reviews", Action.OPEN_PERSON_PSEUDONYMISED)
def ask(visit: Here) -> Response:
    """Asks for one person's page. The row is the reader's own key of this quarter, so that nobody else's opens anything."""
    form = visit.fields
    reason = form.words("reason", "Say what the case review is for", 500)
    tool, releases = visit.history()
    key = roster.key_of_row(visit.state, releases, tool.name, visit.user.account, visit.today, form.value("row"))
    if key is None:
        form.fault("row", "Choose a row of the list of people without names")
    if form.errors or key is None:
        return requests(visit)
    with visit.writing(visit.event("administration", "case_review_asked", subject=key)) as tx:
        case_reviews.ask(tx, key, reason, visit.user.account, visit.role.value)
    return go("/case-reviews?saved=asked")


@pages.post("/case-reviews/{number}/decision", Action.GRANT_CASE_REVIEW)
def decide(visit: Here, number: Number) -> Response:
    """The officer grants or refuses one request; never her own."""
    form = visit.fields
    answer = form.choice("answer", ("granted", "refused"), "Choose whether you grant it")
    if form.errors:
        return requests(visit)
    with visit.writing(visit.event("administration", f"case_review_{answer}", about=f"case_review:{number}")) as tx:
        if not case_reviews.decide(tx, number, answer, visit.user.account):
            raise Refused(409, "This request is not open", "It is answered already, or there is none of that number. Nothing of yours was saved.")
    return go("/case-reviews?saved=decided")
