"""People without names: for those who judge the tool. In classes that ten share; a whole page, with months instead of days, is a case review."""

from __future__ import annotations

import polars as pl
from starlette.responses import Response

from harmcast.oversight.access import PURPOSES, Action
from harmcast.publish import released, roster
from harmcast.store import case_reviews, desk, representations
from harmcast.tables import BANDS
from harmcast.web import past_scores
from harmcast.web.guard import Here, Pages, Refused, ticket_of
from harmcast.web.pages.person import around, timeline
from harmcast.web.person_page import person_document
from harmcast.web.shell import go, page, rows_shown

pages = Pages()


NOT_GRANTED = (
    403, "A whole page is a case review", "The data protection officer grants it, for one person and for 14 days. Ask from the row of people without names."
)


@pages.get("/pseudonymised", Action.OPEN_PERSON_PSEUDONYMISED, view=None)
def everyone(visit: Here, band: str = "", at: int = 1) -> Response:
    """Everyone scored, in classes that at least ten people share."""
    tool, releases = visit.history()
    found = roster.in_classes(visit.state, releases, tool.name, visit.user.account, visit.today)
    frame = pl.DataFrame(schema={"person_key": pl.String, "band": pl.String}) if found is None else found
    band = band if band in BANDS else ""
    if band:
        frame = frame.filter(pl.col("band") == band)
    part = rows_shown(at, frame.height, roster.PAGE_ROWS)
    shown = frame.slice(part["start"], roster.PAGE_ROWS)
    visit.looked_at("people_pseudonymised_listed", about=f"release:{releases[-1].name}", shown=shown["person_key"].to_list())
    return page(
        visit,
        "pseudonymised",
        title="People without names",
        about=released.about(releases[-1], tool, visit.settings.force.timezone),
        tool=tool,
        rows=shown.drop("person_key").to_dicts(),
        is_made=found is not None,
        **part,
        given={"band": band},
        bands=BANDS,
    )


@pages.get("/pseudonymised/{key}", Action.OPEN_PERSON_PSEUDONYMISED, view=None)
def one(visit: Here, key: str) -> Response:
    """A case review: one person's scores and why, without name, reference, whole dates, words or what a unit does."""
    if not case_reviews.is_open(visit.operations, key, visit.user.account):
        raise Refused(*NOT_GRANTED)
    tool, releases = visit.history()
    row, release, keys = visit.person, releases[-1], roster.merged(visit.state).keys(key)
    visit.looked_at("person_pseudonymised_viewed", subject=key, about=f"release:{release.name}")
    past = past_scores.of_person(releases, tool.name, key)
    document = person_document(visit.state, releases, tool.name, row, past, named=False)
    return page(
        visit,
        "person_record",
        title="Person without name",
        **around(visit, tool, release, row, document, past),
        named=False,
        decisions=[],
        raised=[],
        timeline=timeline(
            visit,
            past,
            desk.of_person(visit.operations, *keys),
            representations.of_person(visit.operations, *keys),
            words_open=False,
        ),
        hidden=False,
        judgement=None,
        opened="",
        purposes=PURPOSES,
    )


@pages.post("/pseudonymised/{key}/open", Action.OPEN_PERSON_PSEUDONYMISED)
def open_one(visit: Here, key: str) -> Response:
    """Opens somebody's scores for a purpose given for this person."""
    visit.looked(visit.event("administration", "purpose_given", subject=key, given=visit.purpose))
    return go(f"/pseudonymised/{key}?opened={ticket_of(visit, key)}")
