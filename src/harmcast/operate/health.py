"""Is all well? A state's health for an operator, each line with what to do; read by the pages too, so it opens no model."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from harmcast.store import week_runs
from harmcast.store.reads import health
from harmcast.store.state import State

WEEKS_TOLD = 26


@dataclass
class Status:
    """Health for an operator. `exit_code` 0 in order, 25 something needs a hand."""

    document: dict[str, Any]
    lines: list[str]
    exit_code: int


def status_of(state: State, today: date) -> Status:
    """Data, runs, releases, log, disk: each with what to do if it is not in order."""
    concerns: list[str] = []
    document: dict[str, Any] = {"force": state.settings.force.name, "invented": state.settings.force.invented}
    for part in (_deliveries, _runs, _releases, _register, _log, _erasure, _backups, _disk):
        document |= part(state, today, concerns.append)
    document["concerns"] = concerns
    lines = [*_told(document), *([f"Needs a hand: {concern}" for concern in concerns] or ["In order."])]
    return Status(document, lines, 25 if concerns else 0)


def _told(document: dict[str, Any]) -> list[str]:
    """The document as lines for a person; what needs a hand comes after them."""
    delivery, run, gone, disk = (document[name] for name in ("newest_delivery", "last_run", "left_source", "disk"))
    weeks, backup = document["weeks"], document["newest_backup"]
    told = {
        "Force": document["force"],
        "Newest delivery": f"made {_minute(delivery['made_at'])}, {delivery['standing']}" if delivery else "none yet",
        "Last weekly run": f"{run['week']}, {run['standing']} {_minute(run['ended_at'])}" if run else "none by `harmcast week` yet",
    }
    for tool, found in document["releases"].items():
        newest = found["newest"]
        said = f"newest {newest['release']}, {newest['standing']}; published {found['published'] or 'none'}" if newest else "never released"
        told[tool] = f"{document['statuses'].get(tool, 'not in the register')}; {said}"
    told |= {
        "Releases": ", ".join([str(len(weeks)), *weeks[-WEEKS_TOLD:]]),
        "Log": f"{document['log_entries']:,} entries",
        "Left the source": f"{gone['people']:,} people still held" + (f", since {gone['since']}" if gone["since"] else ""),
        "Newest backup": _minute(backup) or "none",
        "Disk": f"{disk['state_mb']:,.0f} MB held, {disk['free_mb']:,.0f} MB free",
    }
    width = max(map(len, told)) + 2
    return [f"{name:<{width}}{words}" for name, words in told.items()]


def _minute(instant: str | None) -> str:
    """An instant of the document to the minute."""
    return "" if not instant else instant[:16].replace("T", " ")


def _deliveries(state: State, today: date, concern: Callable[[str], None]) -> dict[str, Any]:
    newest = health.newest_delivery(state.operations)
    if newest is None:
        concern("nothing was ever loaded; run harmcast load")
        return {"newest_delivery": None}
    made = newest.made_at
    if made and date.fromisoformat(made[:10]) < today - timedelta(days=state.settings.feed.late_days):
        concern(f"the newest delivery was made on {made[:10]}; ask the force's data team for the next")
    if newest.standing == "waiting":
        concern("a load waits to be accepted, and no week is made before; look at it with harmcast effects")
    if newest.standing == "refused":
        concern("the newest delivery was refused; the pages of data quality say why")
    return {"newest_delivery": {"made_at": made, "standing": newest.standing}}


def _releases(state: State, today: date, concern: Callable[[str], None]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for tool in state.settings.tools:
        newest, published = state.releases.newest(tool.name), state.releases.published(tool.name)
        found[tool.name] = {
            "newest": newest and {"release": newest.name, "standing": newest.standing, "reasons": [f.says for f in newest.findings]},
            "published": published and published.name,
        }
        if newest is not None and newest.standing in ("held", "draft", "reviewed"):
            concern(f"{tool.name} of {newest.name} is {newest.standing}; harmcast publish moves it on")
        if newest is None:
            concern(f"{tool.name} was never released; run harmcast week")
    return {"releases": found, "weeks": sorted(state.releases.names())}


def _register(state: State, today: date, concern: Callable[[str], None]) -> dict[str, Any]:
    from harmcast.oversight.register import standing

    entries = state.register.entries(today)
    for tool in state.register.tools(today):
        now = standing(tool, entries, today)
        for words in (*now.holds, *now.warnings):
            concern(f"{tool.name}: {words}")
    return {"statuses": {tool.name: tool.status for tool in state.register.tools(today)}}


def _log(state: State, today: date, concern: Callable[[str], None]) -> dict[str, Any]:
    if state.settings.log.checkpoint_dir is None:
        concern("no checkpoint is kept elsewhere; set [log] checkpoint_dir")
    return {"log_entries": health.log_entries(state.operations)}


def _runs(state: State, today: date, concern: Callable[[str], None]) -> dict[str, Any]:
    run = week_runs.last(state.operations)
    if run is None:
        return {"last_run": None}
    if run.standing == "failed":
        concern(f"the last weekly run failed with {run.code}; the runbook says what to do")
    return {"last_run": {"week": run.week, "ended_at": run.ended_at, "standing": run.standing, "code": run.code}}


def _erasure(state: State, today: date, concern: Callable[[str], None]) -> dict[str, Any]:
    """People whom the force deleted and who are still held: four weeks is the most."""
    from harmcast.store.retention import LEFT_SOURCE_DAYS, left_source_since

    held, since = left_source_since(state, today)
    if since is not None and (today - since).days > LEFT_SOURCE_DAYS:
        concern(f"people whom the force deleted by {since} are still held; run harmcast forget --left-source, or look why its timer does not")
    return {"left_source": {"people": held, "since": since and since.isoformat()}}


def _backups(state: State, today: date, concern: Callable[[str], None]) -> dict[str, Any]:
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
    return {"newest_backup": newest}


def _disk(state: State, today: date, concern: Callable[[str], None]) -> dict[str, Any]:
    usage = shutil.disk_usage(state.root)
    held = sum(path.stat().st_size for path in state.root.rglob("*") if path.is_file())
    if usage.free < max(1_000_000_000, 2 * held):
        concern("the disk has less free than twice what the state holds, or than 1 GB; free space")
    return {"disk": {"state_mb": round(held / 1e6, 1), "free_mb": round(usage.free / 1e6, 1)}}
