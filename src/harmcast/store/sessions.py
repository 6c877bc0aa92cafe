"""Sessions on the server's side: the browser holds a random token, we hold a keyed hash of it.

A session ends after idle minutes without a page, after absolute hours in any case, at sign-out, and with the next
request once the user is disabled or the role taken away. Signing in always makes a new token.

The token of its forms is itself a keyed hash, over whose session it is, in which role and unit, and how long: a row that was
changed is nobody's session.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from harmcast.oversight import log
from harmcast.oversight.access import Role
from harmcast.settings import Web
from harmcast.store import schema
from harmcast.store.operations import Operations, Writing


@dataclass(frozen=True)
class Session:
    """Someone who is signed in, in one role.

    Attributes:
        csrf: token that each unsafe form carries.
    """

    token_hash: str
    account: str
    name: str
    role: Role
    unit: str | None
    csrf: str

    def holds(self, token: str) -> bool:
        """Whether a form's token is this session's, in constant time."""
        return hmac.compare_digest(self.csrf.encode(), token.encode())


def begin(tx: Writing, account: str, role: Role, unit: str | None, web: Web) -> str:
    """Opens a session and gives its token, which is stored nowhere."""
    token = secrets.token_urlsafe(32)
    hashed, ends = tx.keyed("session", token), log.instant(log.moment(tx.at) + timedelta(hours=web.absolute_hours))
    tx.insert(
        schema.sessions,
        token_hash=hashed,
        account=account,
        role=role.value,
        unit=unit,
        csrf=_seal(tx.keyed, hashed, account, role.value, unit, tx.at, ends),
        made_at=tx.at,
        seen_at=tx.at,
        ends_at=ends,
    )
    return token


def _seal(keyed: Callable[[str, str], str], token_hash: str, account: str, role: str, unit: str | None, made_at: str, ends_at: str) -> str:
    """What gives a session its rights, under the state's secret; it is the token of its forms too."""
    return keyed("session rights", json.dumps([token_hash, account, role, unit, made_at, ends_at]))


def find(operations: Operations, token: str, web: Web) -> Session | None:
    """The session of a token; None if there is none, it ended, its user or role no longer stands, or its row is not what was written."""
    table, now = schema.sessions, operations.now()
    return _found(operations, token, table.c.ends_at > now, table.c.seen_at > _idle_since(now, web))


def find_ended(operations: Operations, token: str, web: Web) -> Session | None:
    """The session of a token that ended by itself within a day, idle or at its last hour; not one that somebody ended."""
    table, now = schema.sessions, operations.now()
    day_ago = log.instant(log.moment(now) - timedelta(days=1))
    return _found(operations, token, sa.or_(table.c.ends_at <= now, table.c.seen_at <= _idle_since(now, web)), table.c.seen_at > day_ago)


def _idle_since(now: str, web: Web) -> str:
    return log.instant(log.moment(now) - timedelta(minutes=web.idle_minutes))


def _found(operations: Operations, token: str, *conditions: sa.ColumnElement[bool]) -> Session | None:
    table, users, roles = schema.sessions, schema.users, schema.user_roles
    query = (
        sa.select(table, users.c.name, roles.c.id.label("role_id"))
        .join(users, users.c.account == table.c.account)
        .join(roles, sa.and_(roles.c.account == table.c.account, roles.c.role == table.c.role))
        .where(
            table.c.token_hash == operations.keyed("session", token),
            table.c.ended_at.is_(None),
            *conditions,
            users.c.standing == "active",
            roles.c.ended_at.is_(None),
            sa.or_(roles.c.until.is_(None), roles.c.until >= log.moment(operations.now()).date()),
            sa.func.coalesce(roles.c.unit, "") == sa.func.coalesce(table.c.unit, ""),
        )
        .limit(1)
    )
    with operations.reading() as connection:
        row = connection.execute(query).mappings().first()
        if row is None or not _is_sealed(operations, dict(row)):
            return None
        operations.checked(users, users.c.account == row["account"], connection=connection)
        operations.checked(roles, roles.c.id == row["role_id"], connection=connection)
        return Session(row["token_hash"], row["account"], row["name"], Role(row["role"]), row["unit"], row["csrf"])


def _is_sealed(operations: Operations, row: Mapping[str, Any]) -> bool:
    sealed = _seal(operations.keyed, *(row[name] for name in ("token_hash", "account", "role", "unit", "made_at", "ends_at")))
    return hmac.compare_digest(sealed.encode(), str(row["csrf"]).encode())


def touch(tx: Writing, session: Session) -> None:
    """Says that a page was asked for: the idle time begins anew."""
    table = schema.sessions
    tx.execute(sa.update(table).where(table.c.token_hash == session.token_hash).values(seen_at=tx.at))


def end(tx: Writing, session: Session) -> None:
    """Ends the session: its token opens nothing any more."""
    table = schema.sessions
    tx.execute(sa.update(table).where(table.c.token_hash == session.token_hash).values(ended_at=tx.at))
