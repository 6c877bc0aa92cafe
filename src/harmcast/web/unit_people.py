"""The asker's own people: the release shown, who belongs to the scope, and each view written before anything is shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl

from harmcast.oversight.access import PURPOSES, Role
from harmcast.settings import PeopleTool
from harmcast.store import alerts, desk
from harmcast.store.reads import looks
from harmcast.store.releases import Release
from harmcast.web import released, roster
from harmcast.web.guard import Refused, Visit

OPEN_HOURS = 12
NOBODY = Refused(
    404,
    "No such person",
    "There is no such person among your unit's scored people. Check the reference; people without a standing charge, and anyone under 18, are not scored.",
)
RESTRICTED = Refused(
    403, "Restricted access", "This person's record is restricted. Ask your supervisor, who can open it."
)


def history(visit: Visit) -> tuple[PeopleTool, list[Release]]:
    """The tool about people and its published releases, oldest first. Raises Refused where there is none."""
    tool = visit.people_tool()
    found = released.history(visit.state, tool.name)
    if not found:
        raise Refused(
            404,
            "Nothing is published yet",
            "No release about people is published. It appears here after the first weekly run is released.",
        )
    return tool, found


def about(visit: Visit, tool: PeopleTool, release: Release) -> released.ReleaseLine:
    """The line about a release of the tool about people."""
    said = released.manifest(release)
    warnings = said.get("tools", {}).get(tool.name, {}).get("warnings", ())
    data_to = min(release.as_of or release.origin, release.origin - timedelta(days=1))
    age = (visit.today - data_to).days
    return released.ReleaseLine(
        week=release.name,
        status=release.standing,
        origin=release.origin,
        horizon_weeks=4,
        data_to=data_to,
        made_at=released.local(release.made_at, visit.settings.force.timezone),
        model=release.model or "no model for chances yet",
        code_version=str(said.get("code_version", "")),
        warnings=tuple(map(str, warnings)),
        fallback=None,
        stale_days=age if age > released.STALE_AFTER_DAYS else None,
    )


def own(visit: Visit, tool: PeopleTool, releases: list[Release]) -> roster.Roster:
    """The asker's own people: the unit's, and for a supervisor those without a unit."""
    is_supervisor = visit.role == Role.SUPERVISOR
    return roster.roster(visit.state, releases, tool.name, visit.user.unit, is_supervisor, visit.today)


def on_list(visit: Visit, people: roster.Roster) -> Any:
    """Who stands on the asker's list, in its order."""
    return roster.listed(visit.state, people, visit.settings, visit.today, visit.role == Role.SUPERVISOR)


def looked(visit: Visit, action: str, *, subject: str | None = None, about: str | None = None, **detail: Any) -> None:
    """Writes a look at people before the page is made, and raises the scraping alarm when there were too many in an hour.

    Raises: RunStopped (`log_unavailable`): a page about people that cannot be logged is not shown.
    """
    event = visit.event("consultation", action, subject=subject, about=about, **detail)
    most = visit.settings.web.views_alarm
    with visit.writing(event) as tx:
        if looks.within_an_hour(tx, visit.user.account) + 1 == most:
            alarm(tx, visit, f"{visit.user.name} ({visit.user.account}) looked at people {most} times within an hour.")


def alarm(tx: Any, visit: Visit, words: str) -> None:
    """Writes the scraping alarm: for the data protection officer's pages and the alert hook."""
    alerts.raise_alarm(tx, "scraping", visit.people_tool().name, words)


def person(visit: Visit, people: roster.Roster, key: str) -> dict[str, Any]:
    """One of the asker's own people. Someone else and nobody give the same answer, and the same event.

    Raises: Refused.
    """
    row = people.person(key)
    if row is None:
        looked(visit, "person_not_found")
        raise NOBODY
    if row["restricted"] and visit.role != Role.SUPERVISOR:
        looked(visit, "restricted_refused", subject=key)
        raise RESTRICTED
    return row


def opened(visit: Visit, people: roster.Roster, key: str) -> dict[str, Any]:
    """One of the asker's own people, whose page the asker had open: what a form about somebody may be sent of.

    A form with a fault shows the page again; so nobody is shown by it who would not be shown by asking for the page.
    Raises: Refused.
    """
    row = person(visit, people, key)
    if not visit.settings.log.ask_purpose:
        return row
    if purpose_missing(visit):
        raise Refused(403, "Say why you are opening people", "Open the person's page first, say why, and send the form from there. Nothing was saved.")
    on_the_list = not on_list(visit, people).filter(pl.col("person_key") == key).is_empty()
    if not on_the_list and not looks.had_open(visit.operations, visit.user.account, key, OPEN_HOURS):
        raise Refused(403, "Open this person first", "This person is not on your list: open the record for a purpose, and send the form from there. Nothing was saved.")
    return row


def purpose_missing(visit: Visit) -> bool:
    """Whether the force's settings ask why, and the asker has not said it in this session."""
    return bool(visit.settings.log.ask_purpose) and visit.user.purpose not in PURPOSES


def circumstances(visit: Visit, row: dict[str, Any]) -> list[dict[str, Any]]:
    """Management, cohort, MAPPA, supervision and custody: the newest word of each with source and date; `known` false if none."""
    from harmcast.words.people import CIRCUMSTANCES

    held = roster.circumstances(visit.state).filter(pl.col("person_ref") == row["person_ref"])
    found = []
    for kind, name in CIRCUMSTANCES.items():
        rows = held.filter(pl.col("kind") == kind).sort("from_on").rows(named=True)
        newest = rows[-1] if rows else None
        ended = newest is not None and newest["to_on"] is not None and newest["to_on"] < visit.today
        found.append(
            {"kind": kind, "name": name, "known": newest is not None, "ended": ended, **(newest or {})} | {"kind": kind}
        )
    return found


def latest_number(visit: Visit, key: str) -> int:
    """Number of the newest decision about a person; 0 if there is none."""
    with visit.operations.reading() as connection:
        return desk.newest_number(connection, key)
