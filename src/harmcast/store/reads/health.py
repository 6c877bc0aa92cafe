"""Is all well? The newest delivery, rows set aside in it, the log's length, the backups made."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from harmcast.documents.health import DeliverySeen
from harmcast.store import schema
from harmcast.store.operations import Operations


@dataclass(frozen=True)
class BackupMade:
    """A backup as the log tells of it. `file`: its full path; empty for one made before paths were kept."""

    at: str
    file: str


def newest_delivery(operations: Operations) -> DeliverySeen | None:
    """The delivery that came last; None before the first."""
    table = schema.deliveries
    rows = operations.rows(sa.select(table.c.made_at, table.c.standing).order_by(table.c.id.desc()).limit(1))
    return DeliverySeen(**rows[0]) if rows else None


def quarantined_rows(operations: Operations) -> int:
    """Rows set aside in the newest delivery that was loaded."""
    table = schema.delivery_files
    newest = sa.select(sa.func.max(table.c.delivery)).scalar_subquery()
    return operations.number(sa.select(sa.func.sum(table.c.quarantined)).where(table.c.delivery == newest))


def log_entries(operations: Operations) -> int:
    """How many entries the log has."""
    return operations.number(sa.select(sa.func.count()).select_from(schema.events))


def backups_made(operations: Operations) -> list[BackupMade]:
    """Every backup that was made, the oldest first."""
    table = schema.events
    query = sa.select(table.c.at, table.c.detail).where(table.c.action == "backup_made").order_by(table.c.seq)
    return [BackupMade(row["at"], json.loads(row["detail"]).get("file", "")) for row in operations.rows(query)]


def roles_that_lapse(operations: Operations, today: date, by: date) -> int:
    """How many roles held on a day have their last day by another."""
    table = schema.user_roles
    held = (table.c.ended_at.is_(None), table.c.until >= today, table.c.until <= by)
    return operations.number(sa.select(sa.func.count()).where(*held))


def qlik_waits_since(operations: Operations) -> str | None:
    """Since when the data for Qlik are other than what it was last asked to reload; None where it was asked after."""
    table = schema.events
    query = sa.select(table.c.action, table.c.at).where(table.c.action.in_(("qlik_written", "qlik_removed", "qlik_reload_started"))).order_by(table.c.seq)
    since = None
    for row in operations.rows(query):
        since = None if row["action"] == "qlik_reload_started" else since or str(row["at"])
    return since


def qlik_not_written(operations: Operations) -> list[str]:
    """Apps for Qlik whose last writing failed, each with the code of why."""
    table = schema.events
    query = sa.select(table.c.action, table.c.object, table.c.detail).where(table.c.action.in_(("qlik_written", "qlik_not_written", "qlik_removed", "qlik_in_order"))).order_by(table.c.seq)
    last = {row["object"]: row for row in operations.rows(query)}
    return [f"{row['object'].removeprefix('qlik:')} ({json.loads(row['detail'])['code']})" for row in last.values() if row["action"] == "qlik_not_written"]
