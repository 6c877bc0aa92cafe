"""Who looked at people, how often, and whether somebody had a person's page open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from harmcast.oversight import log
from harmcast.store import schema
from harmcast.store.operations import Operations


@dataclass(frozen=True)
class Look:
    """One look at a person, alone or in a list; accounts are not named."""

    at: str
    role: str
    action: str
    purpose: str | None
    kind: str


def opened_for(operations: Operations, account: str, person_key: str, hours: int) -> str | None:
    """Why an account had a person's page open within the last hours, the newest time; None if it had not."""
    table = schema.events
    since = log.instant(log.moment(operations.now()) - timedelta(hours=hours))
    query = sa.select(table.c.purpose).where(
        table.c.subject == person_key, table.c.actor == account, table.c.action == "person_viewed", table.c.at > since
    )
    rows = operations.rows(query.order_by(table.c.seq.desc()).limit(1))
    return rows[0]["purpose"] if rows else None


def of_person(operations: Operations, person_key: str, before: str) -> list[Look]:
    """Every look at a person before an instant, alone or among others of a list whose event names everybody on it."""
    table = schema.events
    about = sa.or_(table.c.subject == person_key, table.c.detail.contains(person_key))
    query = (
        sa.select(table.c.at, table.c.role, table.c.action, table.c.purpose, table.c.kind)
        .where(about, table.c.at < before, table.c.action != "report_made")
        .order_by(table.c.seq)
    )
    return [Look(**row) for row in operations.rows(query)]
