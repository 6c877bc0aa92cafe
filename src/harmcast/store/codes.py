"""One-time codes: a person's for one command, drawn on a signed-in page; and an invitation, with which a password is chosen or a log-in bound.

A code stands here as a keyed hash over account, purpose, code and its times: the database alone can neither make one, nor give one to
somebody else, nor make one live longer. It opens once, by the log and not by its row alone, and neither after its minutes nor before them.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from harmcast.errors import AccessDenied
from harmcast.oversight import log
from harmcast.oversight.commands import CODE_MINUTES
from harmcast.oversight.log import CROCKFORD, Event
from harmcast.store import schema
from harmcast.store.operations import Operations, Writing

INVITATION = "invitation"
INVITATION_HOURS = 24
USED = "code_used"
DIGITS = {INVITATION: 16}  # 80 bits; of a command, which lives ten minutes, 50
COMMAND_DIGITS = 10


def draw(tx: Writing, account: str, what: str) -> str:
    """A new code of an account for a command or as an invitation; it is stored nowhere. Codes of the same kind that were not used end."""
    table = schema.one_time_codes
    digits = "".join(secrets.choice(CROCKFORD) for _ in range(DIGITS.get(what, COMMAND_DIGITS)))
    lives = timedelta(hours=INVITATION_HOURS) if what == INVITATION else timedelta(minutes=CODE_MINUTES)
    same = (table.c.account == account) & (table.c.what == what) & table.c.used_at.is_(None)
    tx.execute(sa.update(table).where(same).values(used_at=tx.at))
    ends = log.instant(log.moment(tx.at) + lives)
    tx.insert(table, account=account, what=what, code_hash=_hash(tx.keyed, account, what, digits, tx.at, ends), made_at=tx.at, ends_at=ends)
    return "-".join(digits[i : i + 4] if what == INVITATION else digits[i : i + 5] for i in range(0, len(digits), 4 if what == INVITATION else 5))


def use(operations: Operations, code: str, command: str, os_account: str | None, *, only: str | None = None, beside: str | None = None) -> str:
    """The account whose code for a command this is; it is used up.

    Args: `os_account`: the machine's account that runs it; None on a page. `only`: the account it must be, where the machine's own
        account says who runs the command. `beside`: the first person, where this is the second's code.
    Raises: AccessDenied (`code_refused`), the same whatever is wrong; it is logged.
    """
    about = {"os_account": os_account, "beside": beside}
    detail = {"command": command, **{name: value for name, value in about.items() if value is not None}}
    event = Event("unknown", "none", "administration", "code_refused", detail=detail)
    with operations.writing(event) as tx:
        found = _open(tx.connection, tx.keyed, tx.at, code, command)
        if found is not None and only in (None, found.account):
            tx.events[0] = _used(tx, found).with_detail(**detail)
            return found.account
    raise AccessDenied(
        "That is no code for this, or it was used or is too old.",
        code="code_refused",
        next_step=f"Draw a new one under Your account; it holds for {CODE_MINUTES} minutes, once.",
    )


def is_invitation(operations: Operations, account: str, code: str) -> bool:
    """Whether a code is an open invitation of an account; nothing is written, so that strangers who guess leave nothing behind."""
    with operations.reading() as connection:
        return _open(connection, operations.keyed, operations.now(), code, INVITATION, account) is not None


def take_invitation(tx: Writing, account: str, code: str) -> bool:
    """Uses up an invitation of an account; gives whether it was one."""
    found = _open(tx.connection, tx.keyed, tx.at, code, INVITATION, account)
    if found is None:
        return False
    tx.also(_used(tx, found).with_detail(command=INVITATION))
    return True


def _digits(code: str) -> str:
    return code.upper().translate(str.maketrans("OIL", "011", "- \t"))


def _hash(keyed: Callable[[str, str], str], account: str, what: str, digits: str, made_at: str, ends_at: str) -> str:
    return keyed("code", f"{account} {what} {digits} {made_at} {ends_at}")


@dataclass(frozen=True)
class _OpenCode:
    """A code that opens: whose it is, and its keyed hash."""

    account: str
    hash: str


def _open(connection: sa.Connection, keyed: Callable[[str, str], str], now: str, code: str, what: str, account: str | None = None) -> _OpenCode | None:
    """What a code opens now; None if it is none, was used, is too old, or was made later than now."""
    table, digits = schema.one_time_codes, _digits(code)
    whose = [] if account is None else [table.c.account == account]
    times = (table.c.used_at.is_(None), table.c.made_at <= now, table.c.ends_at > now)
    for row in connection.execute(sa.select(table).where(table.c.what == what, *times, *whose)):
        if _hash(keyed, row.account, what, digits, row.made_at, row.ends_at) == row.code_hash:
            return None if _is_in_log(connection, row.code_hash) else _OpenCode(row.account, row.code_hash)
    return None


def _is_in_log(connection: sa.Connection, hashed: str) -> bool:
    """Whether an entry says that a code was used: a row that says it was not is not asked."""
    events = schema.events
    query = sa.select(events.c.seq).where(events.c.action == USED, events.c.detail.contains(hashed[:16], autoescape=True))
    return connection.execute(query.limit(1)).first() is not None


def _used(tx: Writing, found: _OpenCode) -> Event:
    """Marks a code as used and gives the entry that says so."""
    table = schema.one_time_codes
    tx.execute(sa.update(table).where(table.c.code_hash == found.hash).values(used_at=tx.at))
    return Event(found.account, "none", "administration", USED, detail={"code": found.hash[:16]})
