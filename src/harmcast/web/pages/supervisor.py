"""The supervisor's home: what waits to be signed, is what changed looked at in time, do people judge for themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import TypedDict

import polars as pl
from starlette.responses import Response

from harmcast.oversight import log
from harmcast.oversight.access import Action
from harmcast.publish import released, roster
from harmcast.store import desk
from harmcast.store.reads import unit_work
from harmcast.store.releases import Release
from harmcast.web import homes, open_work
from harmcast.web.guard import Here, Pages, Visit
from harmcast.web.shell import page

pages = Pages()


class OwnList(TypedDict):
    """How many a supervisor's list holds: of the unit in the bands on the list, of it under management in others, without a unit."""

    people: int
    in_bands: int
    managed: int
    without_unit: int


WEEKS = 13


@pages.get("/unit-work", Action.VIEW_UNIT_WORK, view=None)
def unit_page(visit: Here, all: str = "") -> Response:
    """What is open for the supervisor, and the unit's last 13 weeks."""
    (tool, releases), people, everyone = visit.history(), visit.people, visit.listed
    now = visit.operations.now()
    made = desk.since(visit.operations, log.instant(log.moment(now) - timedelta(weeks=WEEKS)))
    surviving = roster.merged(visit.state).surviving
    own: list[desk.DecisionWithoutWords] = [{**d, "person_key": surviving(d["person_key"])} for d in made if surviving(d["person_key"]) in people.by_key]
    waiting = desk.waiting_for_sign_off(visit.operations)
    own_desk = open_work.desk(visit)
    visit.looked_at(
        "unit_work_viewed",
        about=f"unit:{visit.user.unit or 'none'}",
        shown=sorted({i.about for i in (*own_desk.mine, *own_desk.waiting, *own_desk.closed) if i.about in people.by_key}),
    )
    limits = visit.settings.decisions
    override = unit_work.overrides(own)
    changes, by_unit = _of_release(visit, tool.name, releases, people)
    overdue = everyone.filter(everyone["overdue"])
    return page(
        visit,
        "unit_work",
        title="Home",
        **homes.desk_shown(visit, own_desk, bool(all), people.names),
        about=released.about(releases[-1], tool, visit.settings.force.timezone),
        unit=visit.user.unit or "People without a unit",
        weeks=WEEKS,
        reviewed=unit_work.reviewed_in_time(changes, own, limits.reviewed_days, now),
        reviewed_days=limits.reviewed_days,
        changes=changes.height,
        override=override,
        alarm=unit_work.override_alarm(override, limits),
        limits=limits,
        overdue=overdue.height,
        decisions=len(own),
        choices=unit_work.counted(own, "decision", desk.DECISIONS),
        reasons=unit_work.counted(own, "reason_code", {**desk.REASONS, desk.NOTED: "Moved down, noted together"}),
        left_out=unit_work.left_out(own),
        own_list=_own_list(visit, everyone),
        judgements=unit_work.counted(own, "own_judgement", desk.JUDGEMENTS),
        times=unit_work.counted(own, "time_band", {}),
        workload=unit_work.workload(by_unit, made, waiting),
    )


def _own_list(visit: Visit, everyone: pl.DataFrame) -> OwnList:
    """What a supervisor's list holds, whose parts the workload table counts otherwise."""
    has_unit = pl.col("unit").is_not_null()
    in_bands = everyone.filter(has_unit & pl.col("band").is_in(visit.settings.bands.list_bands).fill_null(False)).height
    without = everyone.filter(~has_unit).height
    return {"people": everyone.height, "in_bands": in_bands, "managed": everyone.height - in_bands - without, "without_unit": without}


def _of_release(
    visit: Visit, tool: str, releases: list[Release], people: roster.Roster
) -> tuple[pl.DataFrame, list[tuple[str | None, int, int]]]:
    """What a release settles, counted once: the unit's changes of band, and how many people each unit has."""
    state, newest, bands = visit.state, releases[-1], visit.settings.bands.list_bands
    key = (state.root, newest.manifest_sha256, newest.published_at, roster.records_mark(state))
    by_unit = roster.small.get(
        (*key, tuple(bands), "by unit"),
        lambda: unit_work.scored_by_unit(roster.everyone(state, releases, tool), bands),
    )
    changes = roster.small.get(
        (*key, visit.user.unit, "unit changes"),
        lambda: roster.changes_of(releases, tool, people.frame["person_key"]),
    )
    return changes, by_unit
