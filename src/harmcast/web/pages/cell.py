"""One cell: its forecast, three years of what came beside what was said, and what people wrote on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from urllib.parse import quote

from starlette.responses import Response

from harmcast.charts import series as charts
from harmcast.ground import naming
from harmcast.oversight.access import Action
from harmcast.publish import track
from harmcast.store import cell_records, strikes, work
from harmcast.web import areas, force_map, homes, open_work, tickets
from harmcast.web.forms import Form
from harmcast.web.guard import Here, Pages, Visit, not_found
from harmcast.web.pages.area import Chosen, around, choose, rows_of
from harmcast.web.shell import go, page

pages = Pages()
NARROW_WINDOWS = 14
EARLIEST_DAYS = 366
MOST_REASON = 200
SAVED = {
    "strike": "The entry is struck.",
    "note": "Your note is saved.",
    "recommendation": "Your recommendation to tasking is saved.",
    "activity": "The activity is saved.",
}


def row_of(chosen: Chosen, cell: str) -> areas.Row:
    """The cell's row. Raises Refused if the release has no such cell."""
    for row in rows_of(chosen):
        if row.cell == cell:
            return row
    raise not_found("The release has no such place.")


@pages.get("/areas/{tool}/cells/{cell}", Action.VIEW_AREAS, view="cell_viewed")
def cell_page(visit: Here, tool: str, cell: str, week: str = "") -> Response:
    """The cell's page."""
    chosen = choose(visit, tool, week)
    row = row_of(chosen, cell)
    drawn = track.periods(chosen.release, chosen.history, chosen.tool, cell)
    operations, places = visit.operations, chosen.tool
    closed = [p for p in drawn if p.recorded is not None]
    locator, where_in_force = force_map.locators(visit.state, chosen.release, places, row)
    neighbours = [r for r in rows_of(chosen) if r.cell != cell and _is_near(r, row, places.side_m)]
    return page(
        visit,
        "cell",
        title=row.where,
        locator=locator,
        where_in_force=where_in_force,
        reference=naming.reference(row.easting_m, row.northing_m, visit.settings.force.crs),
        postcodes=force_map.postcode_sectors(visit.state, chosen.release, places, row),
        **around(visit, chosen),
        row=row,
        periods=drawn,
        chart=charts.history(drawn, f"Offences recorded at {cell} in each {places.horizon_weeks} weeks")
        if drawn
        else None,
        narrow=charts.history(
            drawn[-NARROW_WINDOWS:], f"Offences recorded at {cell}, the last windows", width=330, height=230
        )
        if drawn
        else None,
        recorded_total=sum(p.recorded or 0 for p in closed),
        closed=closed,
        said=[p for p in closed if p.expected is not None],
        group=areas.groups(rows_of(chosen))[row.group],
        incidents_say=areas.incidents_say(chosen.release, tool),
        neighbours=sorted(neighbours, key=lambda r: -r.expected),
        notes=cell_records.notes(operations, tool, cell),
        recommendations=cell_records.recommendations(operations, tool, cell),
        work={item.number: row for item in work.of_cell(open_work.seen(visit), tool, cell) for row in homes.rows(visit, [item])},
        activity=cell_records.activity(operations, tool, cell),
        answers={**cell_records.OUTCOMES, **cell_records.DONE},
        activities=cell_records.ACTIVITIES,
        here=f"/areas/{tool}/cells/{quote(cell)}",
        ticket=_ticket(visit, chosen, cell),
        lengths=cell_records.LENGTHS,
        place_given=row.where[: cell_records.LENGTHS["place"]],
        may_note=visit.may(Action.NOTE_CELL, tool),
        may_recommend=visit.may(Action.RECOMMEND_TASKING, tool),
        may_record=visit.may(Action.RECORD_ACTIVITY, tool),
        notice=visit.saved(SAVED),
    )


def _is_near(other: areas.Row, row: areas.Row, side_m: float | None) -> bool:
    reach = 1.5 * (side_m or 0)
    return abs(other.easting_m - row.easting_m) < reach and abs(other.northing_m - row.northing_m) < reach


def _ticket(visit: Visit, chosen: Chosen, cell: str) -> str:
    """What the page's forms carry: the release shown. What is added here follows on nothing that somebody else could have written."""
    return tickets.PageTicket(_about(chosen.tool.name, cell), visit.user.account, chosen.release.id, 0).text(visit.state.secret)


def _written_on(visit: Visit, tool: str, cell: str, form: Form) -> Chosen:
    """The release that a form was written on; a fault is said where it no longer stands."""
    ticket = tickets.of_page(visit.state.secret, form.value("ticket"), _about(tool, cell), visit.user.account)
    newest = choose(visit, tool, "")
    release = next((r for r in newest.history if ticket and r.id == ticket.release), None)
    if ticket is None:
        form.fault("main-content", "This form had expired. Read the page again, then save what you typed")
    elif release is None:
        form.fault("main-content", "The release you saw was withdrawn. Read the page again, then save what you typed")
    chosen = newest if release is None else choose(visit, tool, release.name)
    row_of(chosen, cell)
    return chosen


def _saved(chosen: Chosen, cell: str, what: str) -> Response:
    section = {"note": "notes", "activity": "activity"}.get(what, "recommendations")
    return go(f"/areas/{chosen.tool.name}/cells/{quote(cell)}?saved={what}#{section}")


def _about(tool: str, cell: str) -> str:
    return f"cell:{tool}:{cell}"


@pages.post("/areas/{tool}/cells/{cell}/notes", Action.NOTE_CELL)
def add_note(visit: Here, tool: str, cell: str) -> Response:
    """Saves an analyst's note, signed and dated."""
    form = visit.fields
    chosen = _written_on(visit, tool, cell, form)
    text = form.words("note", "Write the note")
    if form.errors:
        return cell_page(visit, tool, cell, chosen.release.name)
    with visit.writing(visit.event("alteration", "cell_note_added", about=_about(tool, cell))) as tx:
        cell_records.add_note(tx, tool, cell, chosen.release.week, text, visit.user.account, visit.role.value)
    return _saved(chosen, cell, "note")


@pages.post("/areas/{tool}/cells/{cell}/recommendations", Action.RECOMMEND_TASKING)
def recommend(visit: Here, tool: str, cell: str) -> Response:
    """Saves a recommendation to tasking."""
    form = visit.fields
    chosen = _written_on(visit, tool, cell, form)
    most = cell_records.LENGTHS
    said = cell_records.Recommendation(
        form.words("place", "Say where", most["place"]),
        form.words("time", "Say when, or “Not known”", most["time"]),
        form.words("recommendation", "Say why", most["why"]),
        form.words("asked", "Say what is asked, or that no patrol is", most["asked"]),
    )
    if form.errors:
        return cell_page(visit, tool, cell, chosen.release.name)
    with visit.writing(visit.event("alteration", "tasking_recommended", about=_about(tool, cell))) as tx:
        cell_records.recommend(tx, tool, cell, chosen.release.week, said, visit.user.account, visit.role.value)
    return _saved(chosen, cell, "recommendation")


@pages.post("/areas/{tool}/cells/{cell}/strikes", Action.NOTE_CELL)
def strike(visit: Here, tool: str, cell: str) -> Response:
    """Strikes a wrong note, activity or recommendation on this place: by a second entry, with its reason."""
    form = visit.fields
    chosen = _written_on(visit, tool, cell, form)
    what = form.choice("what", strikes.TABLES, "Choose the entry")
    reason = form.words("reason", "Say what was wrong with it", MOST_REASON)
    readers: dict[str, Callable[..., Sequence[cell_records.CellEntry]]]
    readers = {"note": cell_records.notes, "activity": cell_records.activity, "recommendation": cell_records.recommendations}
    read = readers.get(what)
    number = form.value("number")
    entry = next((one for one in read(visit.operations, tool, cell) if str(one["id"]) == number), None) if read else None
    if read and entry is None:
        raise not_found("There is no such entry on this place.")
    if form.errors or entry is None:
        return cell_page(visit, tool, cell, chosen.release.name)
    try:
        with visit.writing(visit.event("alteration", "entry_struck", about=_about(tool, cell), entry=f"{what}:{number}")) as tx:
            strikes.strike(tx, strikes.TABLES[what], entry["id"], reason, visit.user.account, visit.role.value)
    except strikes.StruckAlready:
        form.fault("main-content", "Somebody struck this entry after you opened the page. Nothing of yours was saved", 409)
        return cell_page(visit, tool, cell, chosen.release.name)
    return _saved(chosen, cell, "strike")


@pages.post("/areas/{tool}/cells/{cell}/activity", Action.RECORD_ACTIVITY)
def record_activity(visit: Here, tool: str, cell: str) -> Response:
    """Saves a patrol or visit in the cell: so that records which follow patrols can be told."""
    form = visit.fields
    chosen = _written_on(visit, tool, cell, form)
    kind = form.choice("activity", cell_records.ACTIVITIES, "Choose what kind of activity it was")
    happened = form.day(
        "happened", "Enter the date it happened", first=visit.today - timedelta(days=EARLIEST_DAYS), last=visit.today
    )
    minutes = form.whole("minutes", 1, 1440, "Minutes must be a whole number from 1 to 1,440")
    text = form.words("activity-words", None)
    if form.errors or happened is None:
        return cell_page(visit, tool, cell, chosen.release.name)
    with visit.writing(
        visit.event("alteration", "cell_activity_recorded", about=_about(tool, cell), activity=kind)
    ) as tx:
        cell_records.add_activity(tx, tool, cell, kind, happened, minutes, text, visit.user.account, visit.role.value)
    return _saved(chosen, cell, "activity")
