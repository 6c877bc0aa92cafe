"""One recommendation to tasking: what was recommended, what tasking decided, what was done, and what came."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import quote

from starlette.responses import Response

from harmcast.oversight.access import Action
from harmcast.publish import released, track
from harmcast.store import cell_records
from harmcast.store.work import Item
from harmcast.web import homes, open_work
from harmcast.web.guard import Here, Number, Pages, Refused, Visit, not_found
from harmcast.web.shell import go, page
from harmcast.words.tools import tool_title

pages = Pages()
ANSWERED = {**cell_records.OUTCOMES, **cell_records.DONE}
SAVED = {"yes": "It is saved."}
LATEST_DAYS = 366


def _found(visit: Visit, number: int) -> cell_records.KeptRecommendation:
    found = cell_records.recommendation(visit.operations, number)
    if found is None or not visit.may(Action.RECOMMEND_TASKING, found["tool"]):
        raise not_found("There is no such recommendation.")
    return found


def _item(visit: Visit, found: cell_records.KeptRecommendation) -> Item:
    for item in open_work.seen(visit):
        if item.kind == "recommendation" and item.number == found["id"]:
            return item
    raise not_found("There is no such recommendation.")


@pages.get("/recommendations/{number}", Action.RECOMMEND_TASKING, view="recommendation_viewed")
def recommendation_page(visit: Here, number: Number) -> Response:
    """The recommendation with everything recorded on it, and the form for what comes next."""
    found = _found(visit, number)
    tool, item = visit.places_tool(found["tool"]), _item(visit, found)
    return page(
        visit,
        "recommendation",
        title=homes.place_of(visit, item),
        row=homes.rows(visit, [item])[0],
        tool_title=tool_title(tool),
        found=found,
        newest=max((step["id"] for step in found["outcomes"]), default=0),
        here=f"/areas/{tool.name}/cells/{quote(found['cell'])}",
        decided=found["outcomes"][-1]["choice"] in ("adopted", "adopted_in_part") if found["outcomes"] else False,
        answered=ANSWERED,
        outcomes=cell_records.OUTCOMES,
        done=cell_records.DONE,
        came=track.came(released.history(visit.state, tool.name), tool, found["week"], found["cell"]),
        today=visit.today,
        notice=visit.saved(SAVED),
    )


@pages.post("/recommendations/{number}", Action.RECOMMEND_TASKING)
def record(visit: Here, number: Number) -> Response:
    """Saves what tasking decided, or what was done on what it adopted."""
    found, form = _found(visit, number), visit.fields
    made = visit.local(found["at"]).date()
    step = form.choice("step", ("outcome", "done"), "Choose what you record")
    choice = form.choice("choice", cell_records.DONE if step == "done" else cell_records.OUTCOMES, "Choose what was done" if step == "done" else "Choose what tasking decided")
    on = form.day("on", "Enter the date", first=made, last=visit.today) if choice != "not_known" else visit.today
    until: date | None = None
    if choice == "deferred":
        until = form.day("until", "Enter the day to which tasking put it off", first=visit.today, last=visit.today + timedelta(days=LATEST_DAYS))
    words = form.words("words", "Say what was done, in a line" if choice in ("done", "done_in_part") else None, 500)
    adopted = [s for s in found["outcomes"] if s["step"] == "outcome"]
    if step == "done" and (not adopted or not str(adopted[-1]["choice"]).startswith("adopted")):
        form.fault("choice", "Only what tasking adopted can have been done: record tasking's decision first")
    if form.errors or on is None:
        return recommendation_page(visit, number)
    about = f"recommendation:{number}"
    with visit.writing(visit.event("alteration", f"tasking_{step}_recorded", about=about, choice=choice)) as tx:
        if str(cell_records.newest_step(tx, number)) != form.value("newest"):
            raise Refused(409, "Somebody recorded something in between", "Nothing of yours was saved. Open the recommendation again and read what was recorded.")
        cell_records.record(tx, found, step, choice, words, on, until, visit.user.account, visit.role.value)
    return go(f"/recommendations/{number}?saved=yes")

