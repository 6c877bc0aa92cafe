"""My people: the unit's own people, what changed first, 25 at a time; and finding one by name or exact reference."""

from __future__ import annotations

from typing import Any

import polars as pl
from starlette.responses import Response

from harmcast.oversight.access import PURPOSES, Action
from harmcast.tables import BANDS
from harmcast.web import frequencies, roster, unit_people
from harmcast.web.forms import Form
from harmcast.web.guard import Here, Pages, Visit, ticket_of
from harmcast.web.shell import go, page

pages = Pages()
CUSTODY = {"yes": "In custody", "no": "Not known to be in custody"}
SHORTEST_SEARCH = 2


def rows_of(visit: Visit, frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows of the list ready to read; a restricted row keeps nothing but that it is there."""
    found = []
    for row in frame.iter_rows(named=True):
        if row["closed"]:
            found.append({"closed": True, "part": row["part"]})
            continue
        found.append(
            {
                **row,
                "frequency": frequencies.frequency(row["chance_high_harm_12m"]),
                "likely": frequencies.likely(row["chance_high_harm_12m_low"], row["chance_high_harm_12m_high"]),
            }
        )
    return found


@pages.get("/people", Action.LIST_PEOPLE, view=None)
def my_people(
    visit: Here,
    band: str = "",
    changed: str = "",
    overdue: str = "",
    custody: str = "",
    unmanaged: str = "",
    at: int = 1,
) -> Response:
    """The list in its order, 25 rows at a time, with filters."""
    (tool, _), people, everyone = visit.history(), visit.people, visit.listed
    band = band if band in BANDS else ""
    custody = custody if custody in CUSTODY else ""
    frame = roster.filtered(everyone, band, changed == "yes", overdue == "yes", custody, unmanaged == "yes")
    last_page = max(1, -(-frame.height // roster.PAGE_ROWS))
    at = min(max(1, at), last_page)
    start = (at - 1) * roster.PAGE_ROWS
    shown = frame.slice(start, roster.PAGE_ROWS)
    open_keys = shown.filter(~pl.col("closed"))["person_key"].to_list()
    visit.looked_at("people_listed", about=f"release:{people.release.name}", shown=open_keys)
    given = {
        "band": band,
        "changed": changed if changed == "yes" else "",
        "overdue": overdue if overdue == "yes" else "",
        "custody": custody,
        "unmanaged": unmanaged if unmanaged == "yes" else "",
    }
    return page(
        visit,
        "people",
        title="My people",
        about=unit_people.about(visit, tool, people.release),
        tool=tool,
        release=people.release,
        rows=rows_of(visit, shown),
        parts=roster.PARTS,
        part_counts=dict(frame.group_by("part").len().iter_rows()),
        counts=_counts(everyone),
        start=start,
        count=frame.height,
        total=everyone.height,
        at=at,
        last_page=last_page,
        given=given,
        bands=BANDS,
        custody_choices=CUSTODY,
        form=Form({}),
        found=None,
        purposes=PURPOSES,
        scope=_scope(visit),
        list_bands=visit.settings.bands.list_bands,
    )


def _scope(visit: Visit) -> str:
    return visit.user.unit or "People without a unit"


def _counts(everyone: pl.DataFrame) -> dict[str, int]:
    open_rows = everyone.filter(~pl.col("closed"))
    return {
        "changed": int(open_rows["changed"].sum()),
        "overdue": int(open_rows["overdue"].sum()),
        "unmanaged": open_rows.filter(pl.col("part") == roster.UNMANAGED).height,
        "managed": open_rows["managed"].drop_nulls().len(),
    }


@pages.post("/people/search", Action.LIST_PEOPLE)
def search(visit: Here) -> Response:
    """Finds people of the list by name or reference, and anyone else of the unit by exact reference. Sent as a form, so that
    no name stands in an address."""
    (tool, _), people, everyone = visit.history(), visit.people, visit.listed
    form = Form(visit.form)
    text = form.words("find", "Enter a name or a reference", 100)
    if text and len(text) < SHORTEST_SEARCH:
        form.fault("find", f"Enter at least {SHORTEST_SEARCH} characters")
    frame, outside = (everyone.clear(), None) if form.errors else roster.found(people, everyone, text)
    shown = frame.head(roster.PAGE_ROWS)
    if outside is not None and outside["restricted"] and not visit.may(Action.SIGN_OFF):
        outside = None
    visit.looked_at(
        "people_searched",
        about=f"release:{people.release.name}",
        shown=shown["person_key"].to_list(),
        found=frame.height,
    )
    return page(
        visit,
        "people",
        400 if form.errors else 200,
        title="My people: search",
        about=unit_people.about(visit, tool, people.release),
        tool=tool,
        release=people.release,
        rows=rows_of(visit, shown),
        parts=roster.PARTS,
        part_counts={},
        counts=_counts(everyone),
        start=0,
        count=frame.height,
        total=everyone.height,
        at=1,
        last_page=1,
        given={},
        bands=BANDS,
        custody_choices=CUSTODY,
        form=form,
        errors=form.errors,
        found=text if not form.errors else None,
        outside=outside,
        purposes=PURPOSES,
        scope=_scope(visit),
        list_bands=visit.settings.bands.list_bands,
    )


@pages.post("/people/{key}/open", Action.OPEN_PERSON)
def open_outside(visit: Here, key: str) -> Response:
    """Opens someone of the unit who is not on the list, for a purpose given for this person."""
    visit.looked(visit.event("administration", "purpose_given", subject=key, given=visit.purpose))
    return go(f"/people/{key}?opened={ticket_of(visit, key)}")
