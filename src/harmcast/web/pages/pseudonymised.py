"""People without names: for those who judge the tool. No name, no reference of the force in any form, months instead of days."""

from __future__ import annotations

import polars as pl
from starlette.responses import Response

from harmcast.oversight.access import PURPOSES, Action, why
from harmcast.store import desk, representations
from harmcast.tables import BANDS
from harmcast.web import frequencies, past_scores, released, roster, unit_people
from harmcast.web.forms import Form
from harmcast.web.guard import Here, Pages, ticket_of
from harmcast.web.pages.person import days, pictures, timeline
from harmcast.web.person_page import person_document
from harmcast.web.shell import go, page

pages = Pages()


@pages.get("/pseudonymised", Action.OPEN_PERSON_PSEUDONYMISED, view=None)
def everyone(visit: Here, band: str = "", changed: str = "", at: int = 1) -> Response:
    """Everyone scored, by random key: band, chance, change."""
    tool, releases = visit.history()
    people = roster.pseudonymised(visit.state, releases, tool.name)
    frame = people.frame
    band = band if band in BANDS else ""
    if band:
        frame = frame.filter(pl.col("band") == band)
    if changed == "yes":
        frame = frame.filter(pl.col("changed_from").is_not_null())
    last_page = max(1, -(-frame.height // roster.PAGE_ROWS))
    at = min(max(1, at), last_page)
    start = (at - 1) * roster.PAGE_ROWS
    shown = frame.slice(start, roster.PAGE_ROWS)
    visit.looked_at(
        "people_pseudonymised_listed",
        about=f"release:{people.release.name}",
        shown=shown["person_key"].to_list(),
    )
    rows = [
        {
            **row,
            "frequency": frequencies.frequency(row["chance_high_harm_12m"]),
            "likely": frequencies.likely(row["chance_high_harm_12m_low"], row["chance_high_harm_12m_high"]),
        }
        for row in shown.iter_rows(named=True)
    ]
    return page(
        visit,
        "pseudonymised",
        title="People without names",
        about=unit_people.about(visit, tool, people.release),
        rows=rows,
        start=start,
        count=frame.height,
        at=at,
        last_page=last_page,
        given={"band": band, "changed": changed if changed == "yes" else ""},
        bands=BANDS,
    )


@pages.get("/pseudonymised/{key}", Action.OPEN_PERSON_PSEUDONYMISED, view=None)
def one(visit: Here, key: str) -> Response:
    """One person's scores and why, without name, reference, whole dates, words or what a unit does."""
    tool, releases = visit.history()
    row, release = visit.person, releases[-1]
    visit.looked_at("person_pseudonymised_viewed", subject=key, about=f"release:{release.name}")
    past = past_scores.of_person(releases, tool.name, key)
    document = person_document(visit.state, releases, tool.name, row, past, named=False)
    return page(
        visit,
        "person",
        title="Person without name",
        about=unit_people.about(visit, tool, release),
        release=release,
        row=row,
        person_document=document,
        named=False,
        circumstances=[],
        **pictures(document, row, past),
        decisions=[],
        raised=[],
        timeline=timeline(
            visit,
            past,
            desk.of_person(visit.operations, key),
            representations.of_person(visit.operations, key),
            words_open=False,
        ),
        hidden=False,
        judgement=None,
        form=Form({}),
        days=days,
        may_decide=False,
        may_sign=False,
        bands=BANDS,
        words_of=desk,
        local=lambda at: released.local(at, visit.settings.force.timezone),
        purpose=why(visit.purpose),
        purposes=PURPOSES,
    )


@pages.post("/pseudonymised/{key}/open", Action.OPEN_PERSON_PSEUDONYMISED)
def open_one(visit: Here, key: str) -> Response:
    """Opens somebody's scores for a purpose given for this person."""
    visit.looked(visit.event("administration", "purpose_given", subject=key, given=visit.purpose))
    return go(f"/pseudonymised/{key}?opened={ticket_of(visit, key)}")
