"""Is all well? A state's health for an operator, each line with what to do; read by the pages too, so it opens no model."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from harmcast.documents.health import DeliverySeen, DiskUse, Health, LeftSource, ReleaseSeen, RunSeen, ToolSeen
from harmcast.store import checkpoints, week_runs
from harmcast.store.reads import health
from harmcast.store.state import State

WEEKS_TOLD = 26
ROLES_LAPSE_DAYS = 30


@dataclass(frozen=True)
class Status:
    """Health for an operator. `exit_code` 0 in order, 25 something needs a hand."""

    health: Health
    lines: list[str]
    exit_code: int


def status_of(state: State, today: date) -> Status:
    """Data, runs, releases, log, disk: each with what to do if it is not in order."""
    concerns: list[str] = []
    concern = concerns.append
    found = Health(
        force=state.settings.force.name,
        invented=state.settings.force.invented,
        newest_delivery=_delivery(state, today, concern),
        last_run=_run(state, concern),
        releases=_releases(state, concern),
        weeks=sorted(state.releases.names()),
        statuses=_register(state, today, concern),
        log_entries=_log(state, today, concern),
        left_source=_erasure(state, today, concern),
        newest_backup=_backups(state, today, concern),
        disk=_disk(state, concern),
        concerns=concerns,
    )
    _qlik(state, concern)
    lines = [*_told(found), *([f"Needs a hand: {words}" for words in concerns] or ["In order."])]
    return Status(found, lines, 25 if concerns else 0)


def _told(found: Health) -> list[str]:
    """Health as lines for a person; what needs a hand comes after them."""
    delivery, run, gone, disk = found.newest_delivery, found.last_run, found.left_source, found.disk
    told = {
        "Force": found.force,
        "Newest delivery": f"made {_minute(delivery.made_at)}, {delivery.standing}" if delivery else "none yet",
        "Last weekly run": f"{run.week}, {run.standing} {_minute(run.ended_at)}" if run else "none by `harmcast week` yet",
    }
    for tool, seen in found.releases.items():
        newest = seen.newest
        said = f"newest {newest.release}, {newest.standing}; published {seen.published or 'none'}" if newest else "never released"
        told[tool] = f"{found.statuses.get(tool, 'not in the register')}; {said}"
    told |= {
        "Releases": ", ".join([str(len(found.weeks)), *found.weeks[-WEEKS_TOLD:]]),
        "Log": f"{found.log_entries:,} entries",
        "Left the source": f"{gone.people:,} people still held" + (f", since {gone.since}" if gone.since else ""),
        "Newest backup": _minute(found.newest_backup) or "none",
        "Disk": f"{disk.state_mb:,.0f} MB held, {disk.free_mb:,.0f} MB free",
    }
    width = max(map(len, told)) + 2
    return [f"{name:<{width}}{words}" for name, words in told.items()]


def _minute(instant: str | None) -> str:
    """An instant of the document to the minute."""
    return "" if not instant else instant[:16].replace("T", " ")


def _delivery(state: State, today: date, concern: Callable[[str], None]) -> DeliverySeen | None:
    newest = health.newest_delivery(state.operations)
    if newest is None:
        concern("nothing was ever loaded; run harmcast load")
        return None
    made = newest.made_at
    if made and date.fromisoformat(made[:10]) < today - timedelta(days=state.settings.feed.late_days):
        concern(f"the newest delivery was made on {made[:10]}; ask the force's data team for the next")
    if newest.standing == "waiting":
        concern("a load waits to be accepted, and no week is made before; look at it with harmcast effects")
    if newest.standing == "refused":
        concern("the newest delivery was refused; the pages of data quality say why")
    return newest


def _releases(state: State, concern: Callable[[str], None]) -> dict[str, ToolSeen]:
    found: dict[str, ToolSeen] = {}
    for tool in state.settings.tools:
        newest, published = state.releases.newest(tool.name), state.releases.published(tool.name)
        seen = ReleaseSeen(newest.name, newest.standing, tuple(f.says for f in newest.findings)) if newest else None
        found[tool.name] = ToolSeen(seen, published.name if published else None)
        if newest is not None and newest.standing in ("held", "draft", "reviewed"):
            step = "harmcast findings says what holds it" if newest.standing == "held" else "harmcast publish moves it on"
            concern(f"{tool.name} of {newest.name} is {newest.standing}; {step}")
        if newest is None:
            concern(f"{tool.name} was never released; run harmcast week")
    return found


def _register(state: State, today: date, concern: Callable[[str], None]) -> dict[str, str]:
    from harmcast.oversight.register import standing

    entries = state.register.entries(today)
    for tool in state.register.tools(today):
        now = standing(tool, entries, today)
        for words in (*now.holds, *now.warnings):
            concern(f"{tool.name}: {words}")
    return {tool.name: tool.status for tool in state.register.tools(today)}


def _log(state: State, today: date, concern: Callable[[str], None]) -> int:
    if not checkpoints.places_of(state):
        concern("no signed line of the log is kept elsewhere; set [log] witnesses")
    soon = health.roles_that_lapse(state.operations, today, today + timedelta(days=ROLES_LAPSE_DAYS))
    if soon:
        concern(f"{soon} role(s) lapse within {ROLES_LAPSE_DAYS} days; an administrator proposes them again, on the Users page")
    return health.log_entries(state.operations)


def _run(state: State, concern: Callable[[str], None]) -> RunSeen | None:
    run = week_runs.last(state.operations)
    if run is None:
        return None
    if run.code == "no_delivery":
        concern(f"no delivery came for {run.week}, so it was not made; ask the force's data team for it")
    elif run.standing == "failed":
        concern(f"the last weekly run failed with {run.code}; the runbook says what to do")
    return RunSeen(run.week, run.ended_at, run.standing, run.code)


def _erasure(state: State, today: date, concern: Callable[[str], None]) -> LeftSource:
    """People whom the force deleted and who are still held: four weeks is the most."""
    from harmcast.store.retention import LEFT_SOURCE_DAYS, left_source_since

    held, since = left_source_since(state, today)
    if since is not None and (today - since).days > LEFT_SOURCE_DAYS:
        concern(f"people whom the force deleted by {since} are still held; run harmcast forget --left-source, or look why its timer does not")
    return LeftSource(held, since.isoformat() if since else None)


def _backups(state: State, today: date, concern: Callable[[str], None]) -> str | None:
    """The newest backup, and old ones that still lie where they were written: erasure must reach them too."""
    days = state.settings.retention.backup_days
    made = health.backups_made(state.operations)
    limit = (today - timedelta(days=days)).isoformat()
    for backup in made:
        path = Path(backup.file)
        if backup.at[:10] < limit and path.is_absolute() and path.exists():
            concern(f"the backup {path} is older than {days} days; remove it, so that erasure reaches it")
    newest = made[-1].at if made else None
    if newest is None or newest[:10] < limit:
        concern(f"no backup was made in the last {days} days; run harmcast backup")
    return newest


def _qlik(state: State, concern: Callable[[str], None]) -> None:
    """Apps for Qlik that could not be written, and data that Qlik was not asked to load: what was withdrawn or erased is still shown there."""
    for app in health.qlik_not_written(state.operations):
        concern(f"the app for Qlik could not be written: {app}; look in the runbook, then run harmcast qlik write")
    since = health.qlik_waits_since(state.operations) if state.settings.qlik.reload_server is not None else None
    if since is not None:
        concern(f"Qlik was not asked to reload since its data changed ({_minute(since)}): it still shows what was before; run harmcast reload")


def _disk(state: State, concern: Callable[[str], None]) -> DiskUse:
    usage = shutil.disk_usage(state.root)
    held = sum(path.stat().st_size for path in state.root.rglob("*") if path.is_file())
    if usage.free < max(1_000_000_000, 2 * held):
        concern("the disk has less free than twice what the state holds, or than 1 GB; free space")
    return DiskUse(round(held / 1e6, 1), round(usage.free / 1e6, 1))
