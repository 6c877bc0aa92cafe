"""What somebody typed into a form whose session had ended by itself: sealed, for a day, for that account alone.

About a person it is sealed under that person's content key, so that forgetting the person forgets it; anything else under the
state's own secret. One row an account and address, the newest five; gone once the form is saved. Never a password.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from harmcast.errors import StoreDamaged
from harmcast.oversight import log
from harmcast.oversight.log import Event
from harmcast.store import keys, schema
from harmcast.store.operations import Operations
from harmcast.store.sessions import Session

HOURS = 24
MOST = 5
ONE_EVENT_SECONDS = 60
NEVER = frozenset({"csrf", "seen", "form_token", "kept", "password", "old", "new", "code", "second-code"})


@dataclass(frozen=True)
class KeptForm:
    """A form as it was sent. `action`: what it would have done (oversight.access.Action); `fields`: name -> what was typed."""

    id: int
    address: str
    action: str
    person_key: str | None
    at: str
    fields: dict[str, str]


def _secret_key(operations: Operations) -> bytes:
    return hmac.new(operations.secret, b"kept forms", hashlib.sha256).digest()


def _sealed(operations: Operations, connection: sa.Connection, account: str, person_key: str | None, text: str) -> bytes:
    if person_key is not None:
        return keys.sealed(connection, person_key, text)
    nonce = os.urandom(12)
    return nonce + AESGCM(_secret_key(operations)).encrypt(nonce, text.encode(), account.encode())


def _opened(operations: Operations, connection: sa.Connection, account: str, person_key: str | None, sealed: bytes) -> str | None:
    """The text again; None where the person was forgotten. Raises StoreDamaged (`words_damaged`)."""
    if person_key is not None:
        return keys.opened(connection, person_key, sealed)
    try:
        return AESGCM(_secret_key(operations)).decrypt(sealed[:12], sealed[12:], account.encode()).decode()
    except InvalidTag as error:
        raise StoreDamaged("A form that was kept is not what was written.", code="words_damaged", next_step="Type it again; tell the data owner.") from error


def keep(operations: Operations, whose: Session, address: str, action: str, person_key: str | None, form: Mapping[str, str]) -> None:
    """Keeps a form, in place of an earlier one of this account to this address; the oldest beyond MOST and all past HOURS go.

    Sent again within a minute it is kept anew without another event. A person who is no longer held: nothing is kept.
    """
    table = schema.kept_forms
    fields = {name: value for name, value in form.items() if name not in NEVER}
    own = sa.and_(table.c.account == whose.account, table.c.address == address)
    now = operations.now()

    def put(connection: sa.Connection) -> None:
        sealed = _sealed(operations, connection, whose.account, person_key, json.dumps(fields, ensure_ascii=False))
        connection.execute(sa.delete(table).where(sa.or_(own, table.c.at < _oldest(now))))
        connection.execute(
            sa.insert(table).values(account=whose.account, address=address, action=action, person_key=person_key, fields_enc=sealed, at=now)
        )
        newest = sa.select(table.c.id).where(table.c.account == whose.account).order_by(table.c.id.desc()).limit(MOST)
        held = connection.execute(newest).scalars().all()
        connection.execute(sa.delete(table).where(table.c.account == whose.account, table.c.id.not_in(held)))

    lately = log.instant(log.moment(now) - timedelta(seconds=ONE_EVENT_SECONDS))
    try:
        if operations.rows(sa.select(table.c.id).where(own, table.c.at > lately)):
            with operations.unlogged() as connection:
                put(connection)
            return
        event = Event(whose.account, whose.role.value, "administration", "form_kept", subject=person_key, object=f"form:{action}")
        with operations.writing(event) as tx:
            put(tx.connection)
    except KeyError:
        return


def _oldest(now: str) -> str:
    return log.instant(log.moment(now) - timedelta(hours=HOURS))


def waiting(operations: Operations, account: str) -> int:
    """How many forms are kept for an account."""
    table = schema.kept_forms
    return operations.number(sa.select(sa.func.count()).where(table.c.account == account, table.c.at >= _oldest(operations.now())))


def of_account(operations: Operations, account: str) -> list[KeptForm]:
    """The forms kept for an account, the newest first."""
    table = schema.kept_forms
    query = sa.select(table).where(table.c.account == account, table.c.at >= _oldest(operations.now())).order_by(table.c.id.desc())
    found = []
    with operations.reading() as connection:
        for row in connection.execute(query).mappings():
            text = _opened(operations, connection, account, row["person_key"], row["fields_enc"])
            if text is not None:
                found.append(KeptForm(row["id"], row["address"], row["action"], row["person_key"], row["at"], json.loads(text)))
    return found


def drop(connection: sa.Connection, account: str, address: str) -> None:
    """Forgets the form to an address: it was saved, or thrown away."""
    table = schema.kept_forms
    connection.execute(sa.delete(table).where(table.c.account == account, table.c.address == address))


def forget(connection: sa.Connection, person_keys: list[str]) -> None:
    """Forgets what is kept about people."""
    table = schema.kept_forms
    connection.execute(sa.delete(table).where(table.c.person_key.in_(person_keys)))
