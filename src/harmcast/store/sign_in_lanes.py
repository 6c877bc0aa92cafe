"""Misses of passwords by lane (`oversight.sign_in`): one row a lane, a bounded number of lanes for names that are no account's.

What strangers do is no entry of the log each: an account's lane gets one entry a quarter of an hour, all names that are no account's
one together; the rest goes to the journal of the service, and a typed name never.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from harmcast.errors import AccessDenied
from harmcast.oversight import log, sign_in
from harmcast.oversight.log import Event
from harmcast.oversight.sign_in import Lane
from harmcast.store import alerts, schema
from harmcast.store.operations import Operations, Writing, put

NO_ACCOUNT_LANES = 65_536  # filling them all within a quarter of an hour takes more guesses a second than are looked at
NO_ACCOUNT = "no account"
journal = logging.getLogger("harmcast.sign_in")


@dataclass(frozen=True)
class Guess:
    """One guess that may be looked at. `account` is None where the name is no account's."""

    lane: str
    account: str | None
    device: str | None


def _lane_of(account: str | None, typed: str, device: str | None) -> str:
    if account is None:
        bucket = int(hashlib.sha256(typed.encode()).hexdigest(), 16) % NO_ACCOUNT_LANES
        return hashlib.sha256(f"{NO_ACCOUNT} {bucket}".encode()).hexdigest()
    return hashlib.sha256(f"{account} {device or ''}".encode()).hexdigest()


EVERY_OTHER_NAME = hashlib.sha256(NO_ACCOUNT.encode()).hexdigest()  # where misses of names that are no account's are told together


def take(operations: Operations, typed: str, account: str | None, device: str | None) -> Guess:
    """Counts a guess before it is looked at, so that many at once count too.

    Args:
        typed: the name as typed. account: whose it is; None: no account's. device: a device known to that account; None: a stranger.
    Raises: AccessDenied (`too_many_guesses`, `invitation_needed`).
    """
    lane = _lane_of(account, typed, device)
    with operations.counting() as (connection, at):
        held, said = sign_in.guessed(_held(connection, lane), log.moment(at), device is not None)
        _keep(connection, lane, held)
    if said == "go on":
        return Guess(lane, account, device)
    journal.warning("sign-in refused: account=%s lane=%s", account or NO_ACCOUNT, "device" if device else "strangers")
    if said == "invitation":
        raise AccessDenied(
            "This account is being guessed at, so a device that is new to it needs an invitation.",
            code="invitation_needed",
            next_step="Ask an administrator for an invitation. Devices you have used here before go on as they are.",
        )
    raise AccessDenied(
        "There were too many attempts to sign in.",
        code="too_many_guesses",
        next_step=f"Wait {sign_in.MINUTES} minutes, then try again, or ask an administrator for an invitation.",
    )


def missed(operations: Operations, guess: Guess) -> None:
    """Says that a guess was wrong: an entry of the log where one is due, and an alarm where strangers go on at an account."""
    telling = guess.lane if guess.account is not None else EVERY_OTHER_NAME
    with operations.counting() as (connection, at):
        held, due = sign_in.missed(_held(connection, telling), log.moment(at))
        _keep(connection, telling, held)
    journal.warning("sign-in missed: account=%s lane=%s", guess.account or NO_ACCOUNT, "device" if guess.device else "strangers")
    if not due:
        return
    about = f"user:{guess.account}" if guess.account else None
    detail = {"misses": due, "in_a_row": held.in_a_row, "lane": "device" if guess.device else "strangers"}
    with operations.writing(Event("unknown", "none", "administration", "sign_in_missed", object=about, detail=detail)) as tx:
        if guess.account and not guess.device and held.in_a_row > sign_in.MISSES:
            words = f"Strangers guess at the password of {guess.account}: after {sign_in.IN_A_ROW} misses in a row a device new to it needs an invitation."
            alerts.raise_once_a_day(tx, "guessing", None, words)


def mark_right(tx: Writing, guess: Guess) -> None:
    """Says that a guess was right: it counts against nobody."""
    _keep(tx.connection, guess.lane, sign_in.was_right(_held(tx.connection, guess.lane)))


def forgive(tx: Writing, account: str) -> None:
    """Empties the lane of strangers to an account: whoever had its invitation is none."""
    lane = _lane_of(account, account, None)
    _keep(tx.connection, lane, sign_in.was_right(_held(tx.connection, lane)))


def guessed_at(operations: Operations, accounts: Sequence[str]) -> list[str]:
    """The accounts whose strangers are refused now: too many misses in this quarter, or in a row."""
    now = log.moment(operations.now())
    with operations.reading() as connection:
        lanes = {account: _held(connection, _lane_of(account, account, None)) for account in accounts}
    return [account for account, lane in lanes.items() if sign_in.guessed(lane, now, is_known=False)[1] != "go on"]


def _held(connection: sa.Connection, lane: str) -> Lane:
    table = schema.sign_in_lanes
    row = connection.execute(sa.select(table).where(table.c.lane == lane)).mappings().first()
    if row is None:
        return Lane()
    since, told_at = (log.moment(row[name]) if row[name] else None for name in ("since", "told_at"))
    return Lane(row["misses"], since, row["in_a_row"], row["untold"], told_at)


def _keep(connection: sa.Connection, lane: str, held: Lane) -> None:
    values = {
        "misses": held.misses,
        "since": log.instant(held.since) if held.since else None,
        "in_a_row": held.in_a_row,
        "untold": held.untold,
        "told_at": log.instant(held.told_at) if held.told_at else None,
    }
    put(connection, schema.sign_in_lanes, {"lane": lane}, values)
