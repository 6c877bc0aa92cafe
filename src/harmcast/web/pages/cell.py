"""One cell: its forecast, three years of what came beside what was said, and what people wrote on it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from harmcast.charts import series as charts
from harmcast.charts.series import Period
from harmcast.ground import naming
from harmcast.oversight.access import Action
from harmcast.store import cell_records
from harmcast.web import areas, force_map, homes, open_work, released
from harmcast.web.forms import Form
from harmcast.web.guard import Here, Pages, Visit, not_found
from harmcast.web.pages.area import Chosen, choose, rows_of
from harmcast.web.shell import go, page
from harmcast.words.tools import tool_title

pages = Pages()
HISTORY_WINDOWS = 39
NARROW_WINDOWS = 14
EARLIEST_DAYS = 366
SAVED = {
    "note": "Your note is saved.",
    "recommendation": "Your recommendation to tasking is saved.",
    "activity": "The activity is saved.",
}


def row_of(chosen: Chosen, cell: str) -> areas.Row:
    """The cell's row. Raises Refused if the release has no such cell."""
    for row in rows_of(chosen):
        if row.cell == cell:
            return row
    raise not_found("The release has no such cell.")


def periods(chosen: Chosen, cell: str) -> list[Period]:
    """4-week windows counted back from the release's origin, with what was recorded and what was forecast then; oldest first.

    The last one is the window the release speaks of. A window before the weekly counts begin is left out.
    """
    release, tool = chosen.release, chosen.tool
    name, length = f"{tool.name}_weeks", tool.horizon_weeks
    if not released.has(release, name):
        return []
    weeks = released.frame(release, name)
    oldest: Any = weeks["week"].min()
    by_week = dict(weeks.filter(weeks["cell"] == cell).select("week", "recorded").iter_rows())
    said = {r.origin: r for r in chosen.history}
    found = []
    for back in range(HISTORY_WINDOWS, -1, -1):
        first = release.origin - timedelta(days=7 * length * back)
        if oldest is None or (back and first < oldest):
            continue
        recorded = sum(by_week.get(first + timedelta(days=7 * k), 0) for k in range(length)) if back else None
        forecast = _forecast(said.get(first), tool.name, cell)
        found.append(Period(first, recorded, *forecast))
    return found


def _forecast(release: Any, tool: str, cell: str) -> tuple[float | None, int | None, int | None]:
    if release is None or not released.has(release, tool):
        return None, None, None
    rows = released.kept.get(
        (released.fingerprint(release), tool, "by cell"),
        lambda: {
            r[0]: r[1:] for r in released.frame(release, tool).select("cell", "expected", "lower", "upper").iter_rows()
        },
    )
    found: tuple[float | None, int | None, int | None] = rows.get(cell, (None, None, None))
    return found


@pages.get("/areas/{tool}/cells/{cell}", Action.VIEW_AREAS, view="cell_viewed")
def cell_page(visit: Here, tool: str, cell: str, week: str = "", saved: str = "") -> Response:
    """The cell's page."""
    return _shown(visit, choose(visit, tool, week), cell, notice=SAVED.get(saved))


def _shown(
    visit: Visit, chosen: Chosen, cell: str, status: int = 200, form: Form | None = None, **values: Any
) -> Response:
    row = row_of(chosen, cell)
    drawn = periods(chosen, cell)
    operations, tool = visit.operations, chosen.tool
    closed = [p for p in drawn if p.recorded is not None]
    form = form or Form({})
    locator, where_in_force = force_map.locators(visit.state, chosen.release, tool, row)
    neighbours = [r for r in rows_of(chosen) if r.cell != cell and _is_near(r, row, tool.side_m)]
    return page(
        visit,
        "cell",
        status,
        title=row.where,
        locator=locator,
        where_in_force=where_in_force,
        attribution=force_map.attribution(visit.state),
        reference=naming.reference(row.easting_m, row.northing_m, visit.settings.force.crs),
        postcodes=force_map.postcode_sectors(visit.state, chosen.release, tool, row),
        about=released.about(chosen.release, tool, visit.today, visit.settings.force.timezone),
        tool=tool,
        tool_title=tool_title(tool),
        chosen=chosen,
        row=row,
        periods=drawn,
        chart=charts.history(drawn, f"Offences recorded in cell {cell} in each {tool.horizon_weeks} weeks")
        if drawn
        else None,
        narrow=charts.history(
            drawn[-NARROW_WINDOWS:], f"Offences recorded in cell {cell}, the last windows", width=330, height=230
        )
        if drawn
        else None,
        recorded_total=sum(p.recorded or 0 for p in closed),
        closed=closed,
        said=[p for p in closed if p.expected is not None],
        group=areas.groups(rows_of(chosen))[row.group],
        incidents_say=areas.incidents_say(chosen.release, tool.name),
        neighbours=sorted(neighbours, key=lambda r: -r.expected),
        notes=cell_records.notes(operations, tool.name, cell),
        recommendations=cell_records.recommendations(operations, tool.name, cell),
        work={item.number: row for item in open_work.of_cell(visit, tool.name, cell) for row in homes.rows(visit, [item])},
        activity=cell_records.activity(operations, tool.name, cell),
        answers={**cell_records.OUTCOMES, **cell_records.DONE},
        activities=cell_records.ACTIVITIES,
        form=form,
        errors=form.errors,
        here=f"/areas/{tool.name}/cells/{quote(cell)}",
        given={"week": "" if chosen.is_newest else chosen.release.name},
        may_note=visit.may(Action.NOTE_CELL, tool.name),
        may_recommend=visit.may(Action.RECOMMEND_TASKING, tool.name),
        may_record=visit.may(Action.RECORD_ACTIVITY, tool.name),
        local=lambda text: released.local(text, visit.settings.force.timezone),
        today=visit.today,
        **values,
    )


def _is_near(other: areas.Row, row: areas.Row, side_m: float | None) -> bool:
    reach = 1.5 * (side_m or 0)
    return abs(other.easting_m - row.easting_m) < reach and abs(other.northing_m - row.northing_m) < reach


def _saved(chosen: Chosen, cell: str, what: str) -> Response:
    section = {"note": "notes", "activity": "activity"}.get(what, "recommendations")
    return go(f"/areas/{chosen.tool.name}/cells/{quote(cell)}?saved={what}#{section}")


def _about(chosen: Chosen, cell: str) -> str:
    return f"cell:{chosen.tool.name}:{cell}"


@pages.post("/areas/{tool}/cells/{cell}/notes", Action.NOTE_CELL)
def add_note(visit: Here, tool: str, cell: str) -> Response:
    """Saves an analyst's note, signed and dated."""
    chosen = choose(visit, tool, "")
    row_of(chosen, cell)
    form = Form(visit.form)
    text = form.words("note", "Write the note")
    if form.errors:
        return _shown(visit, chosen, cell, 400, form)
    with visit.writing(visit.event("alteration", "cell_note_added", about=_about(chosen, cell))) as tx:
        cell_records.add_note(tx, tool, cell, chosen.release.week, text, visit.user.account, visit.role.value)
    return _saved(chosen, cell, "note")


@pages.post("/areas/{tool}/cells/{cell}/recommendations", Action.RECOMMEND_TASKING)
def recommend(visit: Here, tool: str, cell: str) -> Response:
    """Saves a recommendation to tasking."""
    chosen = choose(visit, tool, "")
    row_of(chosen, cell)
    form = Form(visit.form)
    text = form.words("recommendation", "Say what you recommend, and why")
    if form.errors:
        return _shown(visit, chosen, cell, 400, form)
    with visit.writing(visit.event("alteration", "tasking_recommended", about=_about(chosen, cell))) as tx:
        cell_records.recommend(tx, tool, cell, chosen.release.week, text, visit.user.account, visit.role.value)
    return _saved(chosen, cell, "recommendation")


@pages.post("/areas/{tool}/cells/{cell}/activity", Action.RECORD_ACTIVITY)
def record_activity(visit: Here, tool: str, cell: str) -> Response:
    """Saves a patrol or visit in the cell: so that records which follow patrols can be told."""
    chosen = choose(visit, tool, "")
    row_of(chosen, cell)
    form = Form(visit.form)
    kind = form.choice("activity", cell_records.ACTIVITIES, "Choose what kind of activity it was")
    happened = form.day(
        "happened", "Enter the date it happened", first=visit.today - timedelta(days=EARLIEST_DAYS), last=visit.today
    )
    minutes = form.whole("minutes", 1, 1440, "Minutes must be a whole number from 1 to 1,440")
    text = form.words("activity-words", None)
    if form.errors or happened is None:
        return _shown(visit, chosen, cell, 400, form)
    with visit.writing(
        visit.event("alteration", "cell_activity_recorded", about=_about(chosen, cell), activity=kind)
    ) as tx:
        cell_records.add_activity(tx, tool, cell, kind, happened, minutes, text, visit.user.account, visit.role.value)
    return _saved(chosen, cell, "activity")
