"""What pages about people share: the line about the release, what units say of a person, the alarm."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from harmcast.documents.person import PersonRow
from harmcast.settings import PeopleTool
from harmcast.store import desk
from harmcast.store.releases import Release
from harmcast.web import released, roster
from harmcast.web.guard import Visit


def about(visit: Visit, tool: PeopleTool, release: Release) -> released.ReleaseLine:
    """The line about a release of the tool about people."""
    said = released.manifest(release)
    warnings = said.get("tools", {}).get(tool.name, {}).get("warnings", ())
    data_to = min(release.as_of or release.origin, release.origin - timedelta(days=1))
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
    )


def circumstances(visit: Visit, row: PersonRow) -> list[dict[str, Any]]:
    """Management, cohort, MAPPA, supervision and custody: the newest word of each with source and date; `known` false if none."""
    from harmcast.words.people import CIRCUMSTANCES

    newest_of = {held["kind"]: held for held in roster.circumstances_of(visit.state, row["person_ref"])}
    found = []
    for kind, name in CIRCUMSTANCES.items():
        newest = newest_of.get(kind)
        ended = newest is not None and newest["to_on"] is not None and newest["to_on"] < visit.today
        found.append(
            {"kind": kind, "name": name, "known": newest is not None, "ended": ended, **(newest or {})} | {"kind": kind}
        )
    return found


def latest_number(visit: Visit, key: str) -> int:
    """Number of the newest decision about a person; 0 if there is none."""
    with visit.operations.reading() as connection:
        return desk.newest_number(connection, *roster.merged(visit.state).keys(key))
