"""How often a password may be guessed. A guess is counted before it is checked, so that many at once count too."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from harmcast.errors import AccessDenied
from harmcast.oversight import log
from harmcast.oversight.log import Event
from harmcast.store import schema
from harmcast.store.operations import Operations, Writing

GUESSES = 10
GUESSES_AN_ADDRESS = 100
GUESS_MINUTES = 15


def take_guess(operations: Operations, account: str, address: str) -> int:
    """Counts one guess and gives its number, to be marked if it was right.

    Raises: AccessDenied (`too_many_guesses`) once GUESSES failed within GUESS_MINUTES.
    """
    table = schema.login_attempts
    named = _named(operations, account)
    since = log.instant(log.moment(operations.now()) - timedelta(minutes=GUESS_MINUTES))
    event = Event("unknown", "none", "administration", "sign_in_tried")

    def failed(tx: Writing, column: sa.Column[Any], value: str) -> int:
        query = sa.select(sa.func.count()).where(column == value, table.c.at > since, table.c.succeeded.is_(False))
        return int(tx.execute(query.select_from(table)).scalar_one())

    with operations.writing(event) as tx:
        refused = (
            failed(tx, table.c.account_hash, named) >= GUESSES
            or failed(tx, table.c.address, address) >= GUESSES_AN_ADDRESS
        )
        if refused:
            tx.says(refused="too_many_guesses")
            number = 0
        else:
            number = tx.insert(table, account_hash=named, address=address, at=tx.at, succeeded=False)
    if refused:
        raise AccessDenied(
            "There were too many attempts to sign in.",
            code="too_many_guesses",
            next_step=f"Wait {GUESS_MINUTES} minutes, then try again, or ask an administrator.",
        )
    return number


def locked(operations: Operations, accounts: Iterable[str]) -> list[str]:
    """Of these accounts, those that may not guess again just now."""
    table = schema.login_attempts
    since = log.instant(log.moment(operations.now()) - timedelta(minutes=GUESS_MINUTES))
    query = sa.select(table.c.account_hash, sa.func.count().label("n")).where(table.c.at > since, table.c.succeeded.is_(False)).group_by(table.c.account_hash)
    failed = {row["account_hash"] for row in operations.rows(query) if row["n"] >= GUESSES}
    return [account for account in accounts if failed and _named(operations, account) in failed]


def _named(operations: Operations, account: str) -> str:
    return hashlib.sha256(f"{operations.fact('state_id')}:{account}".encode()).hexdigest()


def mark_right(tx: Writing, guess: int) -> None:
    """Says that a guess was right, so that it counts against nobody."""
    table = schema.login_attempts
    tx.execute(sa.update(table).where(table.c.id == guess).values(succeeded=True))
