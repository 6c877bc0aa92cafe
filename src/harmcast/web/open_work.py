"""Open work as pages read it: kept until any record changes, and only of what the visitor may see."""

from __future__ import annotations

from datetime import date

from harmcast.oversight.access import Role
from harmcast.publish.released import ReadCache
from harmcast.store import ledger, work
from harmcast.store.reads import open_work
from harmcast.store.reads.open_work import OpenWork
from harmcast.store.state import State
from harmcast.store.work import Desk, Item
from harmcast.web.visit import Visit

USERS = frozenset({Role.INTELLIGENCE_ANALYST, Role.OFFENDER_MANAGER, Role.SUPERVISOR})  # who act on what a tool says
ON_BRIEFING = frozenset({"waits", "deferred"})  # recommendations that a tasking briefing prints
_work = ReadCache(most=4)
_parts = ReadCache(most=40)


def everything(state: State, today: date) -> OpenWork:
    """Every item of a state, read again only when a record changed or a day began."""

    def make() -> OpenWork:
        records = ledger.mark(state.operations)
        return open_work.read(
            state,
            today,
            now=lambda release, tool: _parts.get(
                (state.root, records, release and release.manifest_sha256), lambda: open_work.people_now(state, release, tool)
            ),
            changes=lambda release, tool: _parts.get((release.manifest_sha256, tool), lambda: open_work.band_changes(release, tool)),
        )

    return _work.get((state.root, "work"), make, (open_work.mark(state), today))


def seen(visit: Visit) -> list[Item]:
    """The items of tools that this visitor may see; whoever oversees the tools sees those of all."""
    found = everything(visit.state, visit.today).items
    if visit.role not in USERS:
        return list(found)
    shown = {tool.name for tool in visit.seen_tools}
    return [item for item in found if item.tool is None or item.tool in shown or item.kind in ("release", "model", "finding")]


def desk(visit: Visit) -> Desk:
    """What this visitor's home lists."""
    return work.desk_of(seen(visit), visit.role, visit.user.unit, everything(visit.state, visit.today).rules)


def unread(visit: Visit) -> list[str]:
    """Kinds whose records could not be read, in words: the page says so."""
    return [work.KINDS[kind] for kind in everything(visit.state, visit.today).unread]
