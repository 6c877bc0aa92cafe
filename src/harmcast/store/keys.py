"""A random key a person, and a content key that encrypts what people wrote: forgetting deletes both.

A person's key is not derived from the force's reference: it is a keyed random function of a running number, and the
number is not kept, so that deleting the row leaves nothing that links the key to anybody. Two copies of one state
that load the same give the same keys.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa

from harmcast.errors import StoreDamaged
from harmcast.store import schema
from harmcast.store.operations import Operations, Writing, count_from

SCHEMA = pl.Schema({"person_ref": pl.String(), "person_key": pl.String()})


def _prf(secret: bytes, what: str, length: int) -> bytes:
    return hmac.new(secret, what.encode(), hashlib.sha256).digest()[:length]


def person_key(secret: bytes, number: int) -> str:
    """The key of the person numbered `number`: 24 letters and digits that mean nothing."""
    return base64.b32encode(_prf(secret, f"person key {number}", 15)).decode().lower()


def erased_hash(secret: bytes, person_ref: str) -> str:
    """Keyed hash of an erased person's reference: blocks its return without saying whose it was."""
    return hmac.new(secret, f"erased {person_ref}".encode(), hashlib.sha256).hexdigest()


def blocked(operations: Operations, made_at: datetime | None = None) -> set[str]:
    """Keyed hashes of erased references that may not come back; with `made_at`, not by a delivery made then either.

    A reference that has left the source since stays blocked for deliveries made before it left.
    """
    table = schema.erased
    still = table.c.left_at.is_(None)
    return {row["ref_hash"] for row in operations.checked(table, still if made_at is None else still | (table.c.left_at >= made_at.isoformat()))}


def unblock(tx: Writing, hashes: Iterable[str], left_at: datetime) -> None:
    """Says that erased references have left the source by a moment."""
    table = schema.erased
    for hashed in sorted(hashes):
        left = table.c.left_at.is_(None) & (table.c.ref_hash == hashed)
        tx.execute(sa.update(table).where(left).values(left_at=left_at.isoformat()))


def assign(tx: Writing, secret: bytes, refs: Iterable[str]) -> int:
    """Gives a key to each reference that has none, in the order of the references; gives how many were new."""
    wanted = sorted(set(refs))
    table = schema.person_keys
    held = set(tx.execute(sa.select(table.c.person_ref)).scalars()) if wanted else set()
    new = [ref for ref in wanted if ref not in held]
    if not new:
        return 0
    first = count_from(tx, "person_key", len(new))
    tx.execute(
        sa.insert(table),
        [
            {"person_ref": ref, "person_key": person_key(secret, first + i), "content_key": os.urandom(32)}
            for i, ref in enumerate(new)
        ],
    )
    return len(new)


def held(operations: Operations) -> pl.DataFrame:
    """Every person's reference and key: `person_ref, person_key`. Only the store and the weekly run need it."""
    table = schema.person_keys
    with operations.reading() as connection:
        result = connection.execute(sa.select(table.c.person_ref, table.c.person_key))
        rows = result.cursor.fetchall() if result.cursor else []  # 300,000 rows: plain tuples are three times as fast
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").sort("person_ref")


def key_of(operations: Operations, person_ref: str) -> str | None:
    """The key of a reference; None if no such person is held. Raises StoreDamaged (`row_unwritten`)."""
    table = schema.person_keys
    found = operations.checked(table, table.c.person_ref == person_ref)
    return str(found[0]["person_key"]) if found else None


def must_be_written(operations: Operations, connection: sa.Connection, keys: Collection[str]) -> None:
    """Raises StoreDamaged (`row_unwritten`) where one of these keys was led to another person than it was given to."""
    if keys:
        table = schema.person_keys
        operations.checked(table, table.c.person_key.in_(list(keys)), connection=connection)


def _content_key(connection: sa.Connection, key: str) -> bytes | None:
    table = schema.person_keys
    found = connection.execute(sa.select(table.c.content_key).where(table.c.person_key == key)).scalar_one_or_none()
    return bytes(found) if found is not None else None


def sealed(connection: sa.Connection, key: str, words: str) -> bytes:
    """Words about a person, encrypted (AES-256-GCM) under that person's content key.

    Raises: KeyError if nobody of that key is held.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    content_key = _content_key(connection, key)
    if content_key is None:
        raise KeyError("nobody of that key is held")
    nonce = os.urandom(12)
    return nonce + AESGCM(content_key).encrypt(nonce, words.encode(), key.encode())


def opened(connection: sa.Connection, key: str, words: bytes | None) -> str | None:
    """The words again; None if there are none or the person was forgotten.

    Raises: StoreDamaged (`words_damaged`) if they are not what was written.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    content_key = _content_key(connection, key)
    if words is None or content_key is None:
        return None
    try:
        return AESGCM(content_key).decrypt(words[:12], words[12:], key.encode()).decode()
    except InvalidTag as error:
        raise StoreDamaged(
            "What was written about a person is not what is stored.",
            code="words_damaged",
            next_step="Restore the newest backup and tell the data owner.",
        ) from error


def written(connection: sa.Connection, table: sa.Table, column: str, whose: Mapping[Any, str], before: str | None = None) -> list[Any]:
    """Rows (as dictionaries) whose column holds one of `whose`, by number, each with its `words` opened and who wrote it (`by_name`).

    Args: `whose`: value of the column -> key of the person whom the row is about; `before`: an instant; None: all.
    Raises: StoreDamaged as `opened` does.
    """
    users = schema.users
    query = sa.select(table, users.c.name.label("by_name")).outerjoin(users, users.c.account == table.c.by).order_by(table.c.id)
    by_then = sa.true() if before is None else table.c.at < before
    rows = connection.execute(query.where(table.c[column].in_(list(whose)), by_then)).mappings().all() if whose else []
    return [{**row, "by_name": row["by_name"] or row["by"], "words": opened(connection, whose[row[column]], row["words_enc"])} for row in rows]
