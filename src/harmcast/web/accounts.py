"""Local accounts: passwords, guesses, roles and the demo's log-ins.

A password is kept as argon2id. A guess is counted before it is checked, so that many at once count too; an account
that does not exist takes as long as one that does.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from harmcast.errors import AccessDenied
from harmcast.oversight import log
from harmcast.oversight.access import ROLES, Role
from harmcast.oversight.log import Event
from harmcast.store import schema
from harmcast.store.operations import Operations, Writing
from harmcast.web.sessions import end_all, now_utc

GUESSES = 10
GUESSES_AN_ADDRESS = 100
GUESS_MINUTES = 15
SHORTEST_PASSWORD = 12
hashing = ThreadPoolExecutor(max_workers=2, thread_name_prefix="password")
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_urlsafe(24))


def hashed(password: str) -> str:
    """The password as argon2id keeps it."""
    return _hasher.hash(password)


def is_password(stored: str | None, password: str) -> bool:
    """Whether a password is the stored one; as slow for an account that has none."""
    try:
        return _hasher.verify(stored or _nobodys_hash(), password) and stored is not None
    except (VerifyMismatchError, InvalidHashError):
        return False


@dataclass(frozen=True)
class Held:
    """A role that an account holds."""

    role: Role
    unit: str | None
    since: str


@dataclass(frozen=True)
class User:
    """An account with its roles; the first role is the one it signs in with."""

    account: str
    name: str
    standing: str
    roles: tuple[Held, ...]
    os_account: str | None = None
    oidc_subject: str | None = None

    @property
    def is_active(self) -> bool:
        return self.standing == "active"


def roles_of(operations: Operations, account: str) -> tuple[Held, ...]:
    """Roles that an account holds now, the oldest first."""
    table = schema.user_roles
    query = sa.select(table).where(table.c.account == account, table.c.ended_at.is_(None)).order_by(table.c.id)
    return tuple(Held(Role(row["role"]), row["unit"], row["given_at"]) for row in operations.rows(query))


def find(operations: Operations, account: str) -> User | None:
    """An account by its name; None if there is none."""
    rows = operations.rows(sa.select(schema.users).where(schema.users.c.account == account))
    return _user(operations, rows[0]) if rows else None


def everyone(operations: Operations) -> list[User]:
    """Every account, by name."""
    rows = operations.rows(sa.select(schema.users).order_by(schema.users.c.standing, schema.users.c.name))
    return [_user(operations, row) for row in rows]


def _user(operations: Operations, row: dict[str, Any]) -> User:
    return User(
        row["account"],
        row["name"],
        row["standing"],
        roles_of(operations, row["account"]),
        row["os_account"],
        row["oidc_subject"],
    )


def password_hash(operations: Operations, account: str) -> str | None:
    """What is stored of an active account's password; None for anyone else."""
    users = schema.users
    rows = operations.rows(
        sa.select(users.c.password_hash).where(users.c.account == account, users.c.standing == "active")
    )
    return rows[0]["password_hash"] if rows else None


def take_guess(operations: Operations, account: str, address: str) -> int:
    """Counts one guess and gives its number, to be marked if it was right.

    Raises: AccessDenied (`too_many_guesses`) once GUESSES failed within GUESS_MINUTES.
    """
    table = schema.login_attempts
    named = hashlib.sha256(f"{operations.fact('state_id')}:{account}".encode()).hexdigest()
    since = log.instant(now_utc(operations.now()) - timedelta(minutes=GUESS_MINUTES))
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


def mark_right(tx: Writing, guess: int) -> None:
    """Says that a guess was right, so that it counts against nobody."""
    table = schema.login_attempts
    tx.execute(sa.update(table).where(table.c.id == guess).values(succeeded=True))


def add(tx: Writing, account: str, name: str, password: str | None, by: str) -> None:
    """Writes a new account."""
    tx.insert(
        schema.users,
        account=account,
        name=name,
        password_hash=hashed(password) if password else None,
        standing="active",
        made_at=tx.at,
        changed_at=tx.at,
    )


def give_role(tx: Writing, account: str, role: Role, unit: str | None, by: str) -> None:
    """Gives a role from now on."""
    tx.insert(schema.user_roles, account=account, role=role.value, unit=unit, given_at=tx.at, given_by=by)


def take_role(tx: Writing, account: str, role: Role, unit: str | None) -> None:
    """Takes a role away; the sessions opened with it end with their next page."""
    table = schema.user_roles
    same_unit = table.c.unit.is_(None) if unit is None else table.c.unit == unit
    tx.execute(
        sa.update(table)
        .where(table.c.account == account, table.c.role == role.value, same_unit, table.c.ended_at.is_(None))
        .values(ended_at=tx.at)
    )


def set_standing(tx: Writing, account: str, standing: str) -> None:
    """Makes an account active or disabled; a disabled one is out at once."""
    tx.execute(
        sa.update(schema.users).where(schema.users.c.account == account).values(standing=standing, changed_at=tx.at)
    )
    if standing != "active":
        end_all(tx, account)


def set_password(tx: Writing, account: str, password: str) -> None:
    """Stores a new password and ends the account's sessions."""
    tx.execute(
        sa.update(schema.users)
        .where(schema.users.c.account == account)
        .values(password_hash=hashed(password), changed_at=tx.at)
    )
    end_all(tx, account)


def record_training(
    tx: Writing, account: str, tool: str, *, kind: str, trainer: str | None, contact: str | None, on: date, by: str
) -> None:
    """Writes that an account was trained on a tool."""
    tx.insert(
        schema.training,
        account=account,
        tool=tool,
        kind=kind,
        trainer=trainer,
        trainer_contact=contact,
        passed_on=on,
        by=by,
        at=tx.at,
    )


def tools_trained(operations: Operations, account: str) -> frozenset[str]:
    """Tools on which a training of the account is recorded."""
    table = schema.training
    return frozenset(
        row["tool"] for row in operations.rows(sa.select(table.c.tool).where(table.c.account == account).distinct())
    )


@dataclass(frozen=True)
class Login:
    """A demo log-in, to be printed once."""

    account: str
    password: str
    name: str
    role: Role
    unit: str | None


_DEMO: Sequence[tuple[str, str, Role]] = (
    ("analyst", "Ama Reyne", Role.INTELLIGENCE_ANALYST),
    ("manager", "Owen Tarrel", Role.OFFENDER_MANAGER),
    ("supervisor", "Sunita Holm", Role.SUPERVISOR),
    ("scientist", "Dara Winck", Role.DATA_SCIENTIST),
    ("ethics", "Ellis Moor", Role.ETHICS_REVIEWER),
    ("protection", "Petra Lyle", Role.DATA_PROTECTION_OFFICER),
    ("administrator", "Ada Quill", Role.ADMINISTRATOR),
)


def demo_users(state: Any, units: Sequence[str] = (), day: date | None = None) -> list[Login]:
    """A log-in for each role, trained on every tool; for invented forces only, with new passwords at each call.

    Args:
        units: units of the force; the offender manager and the supervisor belong to the first.
        day: date the trainings are recorded for; default: the day of the call.
    Raises: AccessDenied (`not_invented`) for a real force.
    """
    if not state.settings.force.invented:
        raise AccessDenied(
            "Demo log-ins are made for invented forces only.",
            code="not_invented",
            next_step="Add people with `harmcast users add`.",
        )
    operations: Operations = state.operations
    today = day or now_utc(operations.now()).date()
    made = []
    for account, name, role in _DEMO:
        unit = units[0] if units and role in (Role.OFFENDER_MANAGER, Role.SUPERVISOR) else None
        login = Login(account, secrets.token_hex(6), name, role, unit)
        known = find(operations, account)
        event = Event("system", "administrator", "administration", "demo_user_made", object=f"user:{account}")
        with operations.writing(event) as tx:
            if known:
                set_password(tx, account, login.password)
                held_roles = known.roles
            else:
                add(tx, account, name, login.password, "system")
                give_role(tx, account, role, unit, "system")
                held_roles = ()
                for tool in state.settings.tools:
                    record_training(
                        tx, account, tool.name, kind="methodology", trainer="Demo", contact=None, on=today, by="system"
                    )
            if held_roles and unit and all(held.unit != unit for held in held_roles):
                for held in held_roles:
                    take_role(tx, account, held.role, held.unit)
                give_role(tx, account, role, unit, "system")
        made.append(login)
    return made


def printed(logins: Sequence[Login]) -> str:
    """The demo's log-ins as a small table."""
    lines = [f"{'log in as':<15} {'password':<14} role"]
    lines += [
        f"{x.account:<15} {x.password:<14} {ROLES[x.role][0]}" + (f", {x.unit}" if x.unit else "") for x in logins
    ]
    return "\n".join(lines)
