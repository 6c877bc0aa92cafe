"""One-time codes: a person's for one command, drawn on a signed-in page; and an invitation, with which a password is chosen or a log-in bound.

A code stands here as a keyed hash over account, purpose and code: the database alone can neither make one nor give one to somebody
else. It opens once, and not after its minutes.
"""

from __future__ import annotations

import secrets
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
    tx.insert(table, account=account, what=what, code_hash=tx.keyed("code", f"{account} {what} {digits}"), made_at=tx.at, ends_at=ends)
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
        account = _account_of(tx, code, command)
        if account is not None and only in (None, account):
            _used(tx, account, command, code)
            tx.events[0] = Event(account, "none", "administration", "code_used", detail=detail)
            return account
    raise AccessDenied(
        "That is no code for this, or it was used or is too old.",
        code="code_refused",
        next_step=f"Draw a new one under Your account; it holds for {CODE_MINUTES} minutes, once.",
    )


def is_invitation(operations: Operations, account: str, code: str) -> bool:
    """Whether a code is an open invitation of an account; nothing is written, so that strangers who guess leave nothing behind."""
    table, hashed = schema.one_time_codes, operations.keyed("code", f"{account} {INVITATION} {_digits(code)}")
    open_code = (table.c.code_hash == hashed) & table.c.used_at.is_(None) & (table.c.ends_at > operations.now())
    return bool(operations.rows(sa.select(table.c.id).where(open_code)))


def take_invitation(tx: Writing, account: str, code: str) -> bool:
    """Uses up an invitation of an account; gives whether it was one."""
    if _account_of(tx, code, INVITATION, account) is None:
        return False
    _used(tx, account, INVITATION, code)
    return True


def _digits(code: str) -> str:
    return code.upper().translate(str.maketrans("OIL", "011", "- \t"))


def _account_of(tx: Writing, code: str, what: str, account: str | None = None) -> str | None:
    table, digits = schema.one_time_codes, _digits(code)
    whose = [] if account is None else [table.c.account == account]
    open_codes = sa.select(table.c.account, table.c.code_hash).where(table.c.what == what, table.c.used_at.is_(None), table.c.ends_at > tx.at, *whose)
    found = [str(row.account) for row in tx.execute(open_codes) if tx.keyed("code", f"{row.account} {what} {digits}") == row.code_hash]
    return found[0] if found else None


def _used(tx: Writing, account: str, what: str, code: str) -> None:
    table = schema.one_time_codes
    hashed = tx.keyed("code", f"{account} {what} {_digits(code)}")
    tx.execute(sa.update(table).where(table.c.code_hash == hashed).values(used_at=tx.at))
