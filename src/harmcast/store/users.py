"""People who use the system: accounts, roles with units, training. A role ends, it is never erased.

Reading is by `Users`. Writing has two forms: `Users.add` and its like open a transaction with the event they are given;
the functions that take a `Writing` (`enter`, `give`, `take`, ...) are for whoever has one open already.
"""

from __future__ import annotations

import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypedDict, cast

import sqlalchemy as sa

from harmcast.errors import AccessDenied
from harmcast.oversight import grants, log
from harmcast.oversight.access import ROLES, Role
from harmcast.oversight.log import Event
from harmcast.store import schema
from harmcast.store.operations import Operations, Writing, set_fact

TOUR = "tour"  # kind of training: the questions of the guided tour, passed by oneself
SETUP_ENDED = "setup_ended"


@dataclass(frozen=True)
class Actor:
    """Who acts: account, name, roles held now, with the unit of each; `second`: account of who stood beside with a code."""

    account: str
    name: str
    roles: tuple[tuple[str, str | None], ...]
    second: str | None = None

    def has(self, *roles: str) -> bool:
        return any(role in roles for role, _ in self.roles)

    def acting(self, *roles: str) -> str:
        """The first of `roles` that the actor has. Raises AccessDenied, naming the roles that may."""
        held = [role for role, _ in self.roles]
        for role in roles:
            if role in held:
                return role
        names = " or ".join(ROLES[Role(role)][0].lower() for role in roles)
        raise AccessDenied(
            f"This needs the role of {names}.", code="role_needed", next_step="Ask an administrator for the role."
        )


@dataclass(frozen=True)
class HeldRole:
    """A role that an account holds."""

    role: Role
    unit: str | None
    since: str
    until: date | None = None


@dataclass(frozen=True)
class User:
    """An account with its roles; the first role is the one it signs in with."""

    account: str
    name: str
    standing: str
    roles: tuple[HeldRole, ...]
    os_account: str | None = None
    oidc_subject: str | None = None

    @property
    def is_active(self) -> bool:
        return self.standing == "active"


def account_of(uid: int) -> str:
    """Name of an operating-system account by its number, as the system knows it; the environment is never asked."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid{uid}"


def enter(
    tx: Writing,
    account: str,
    name: str,
    *,
    os_account: str | None = None,
    oidc_subject: str | None = None,
    password_hash: str | None = None,
) -> None:
    """Writes a new account, active and without roles. Account names have no capitals: `JSmith` is `jsmith`."""
    tx.insert(
        schema.users,
        account=account.lower(),
        name=name,
        os_account=os_account,
        oidc_subject=oidc_subject,
        password_hash=password_hash,
        standing="active",
        made_at=tx.at,
        changed_at=tx.at,
    )


def give(tx: Writing, account: str, role: str, unit: str | None, by: str) -> None:
    """Gives a role from now on, for its term. Who may give one to whom is `oversight.grants`'s to say; with the first two who could, set-up ends."""
    until = grants.last_day(log.moment(tx.at).date())
    tx.insert(schema.user_roles, account=account, role=str(role), unit=unit, given_at=tx.at, given_by=by, until=until)
    table = schema.user_roles
    held: dict[str, set[Role]] = {}
    for row in tx.execute(sa.select(table.c.account, table.c.role).where(table.c.ended_at.is_(None))):
        held.setdefault(row.account, set()).add(Role(row.role))
    fact = sa.select(schema.facts.c.value).where(schema.facts.c.name == SETUP_ENDED)
    if grants.can_grant(held.items()) and tx.execute(fact).first() is None:
        set_fact(tx, SETUP_ENDED, tx.at)


def known_role(role: str) -> Role:
    """A role by its name. Raises AccessDenied (`role_unknown`)."""
    if role not in set(Role):
        raise AccessDenied("There is no such role.", code="role_unknown", next_step="One of: " + ", ".join(Role) + ".")
    return Role(role)


def take(tx: Writing, account: str, role: str, unit: str | None = None, *, of_any_unit: bool = False) -> None:
    """Takes a role away; the sessions opened with it end with their next page."""
    table = schema.user_roles
    same_unit = sa.true() if of_any_unit else sa.func.coalesce(table.c.unit, "") == (unit or "")
    tx.execute(
        sa.update(table)
        .where(table.c.account == account, table.c.role == str(role), same_unit, table.c.ended_at.is_(None))
        .values(ended_at=tx.at)
    )


def change(tx: Writing, account: str, **values: Any) -> None:
    """Changes columns of an account."""
    table = schema.users
    tx.execute(sa.update(table).where(table.c.account == account).values(**values, changed_at=tx.at))


def set_standing(tx: Writing, account: str, standing: str) -> None:
    """Makes an account `active` or `disabled`. A disabled one's sessions end with it; one that is active again holds no role until two people give it."""
    change(tx, account, standing=standing)
    end_sessions(tx, account)
    if standing == "active":
        table = schema.user_roles
        tx.execute(sa.update(table).where(table.c.account == account, table.c.ended_at.is_(None)).values(ended_at=tx.at))


def set_password(tx: Writing, account: str, password_hash: str) -> None:
    """Stores what a password was hashed to, and ends the account's sessions."""
    change(tx, account, password_hash=password_hash)
    end_sessions(tx, account)


def end_sessions(tx: Writing, account: str) -> None:
    """Ends every open session of an account."""
    table = schema.sessions
    tx.execute(sa.update(table).where(table.c.account == account, table.c.ended_at.is_(None)).values(ended_at=tx.at))


def train(
    tx: Writing,
    account: str,
    tool: str,
    *,
    kind: str,
    passed_on: date,
    by: str,
    trainer: str | None = None,
    contact: str | None = None,
    right: int | None = None,
    asked: int | None = None,
) -> None:
    """Writes that an account was trained on a tool. Raises AccessDenied (`second_person_needed`) where somebody records it of themselves."""
    if by == account and kind != TOUR:
        raise AccessDenied("Nobody records their own training.", code="second_person_needed", next_step="Ask whoever gave it, or an administrator.")
    tx.insert(
        schema.training,
        account=account,
        tool=tool,
        kind=kind,
        trainer=trainer,
        trainer_contact=contact,
        passed_on=passed_on,
        right=right,
        asked=asked,
        by=by,
        at=tx.at,
    )


class RoleLine(TypedDict):
    role: str
    unit: str | None
    until: str | None


class AccountLine(TypedDict):
    """An account as a command lists it."""

    account: str
    name: str
    os_account: str | None
    standing: str
    roles: list[RoleLine]
    trained: list[str]


class TrainingHeld(TypedDict):
    """A training of an account in a tool as it was recorded."""

    id: int
    account: str
    tool: str
    kind: str
    passed_on: date
    by: str
    at: str


class Users:
    """The users of one state."""

    def __init__(self, operations: Operations) -> None:
        self.operations = operations

    # -- reading -----------------------------------------------------------------------------------

    def find(self, account: str) -> User | None:
        """An account by its name, whatever its standing; None if there is none."""
        rows = self.operations.checked(schema.users, sa.func.lower(schema.users.c.account) == account.lower())
        return _user(rows[0], self.roles_of(rows[0]["account"])) if rows else None

    def of_subject(self, subject: str) -> User | None:
        """The account bound to a subject of the force's own log-in; None if there is none."""
        rows = self.operations.checked(schema.users, schema.users.c.oidc_subject == subject)
        return _user(rows[0], self.roles_of(rows[0]["account"])) if rows else None

    def everyone(self) -> list[User]:
        """Every account, the active first, by name."""
        held = self._held()
        rows = self.operations.checked(schema.users, order_by=(schema.users.c.standing, schema.users.c.name))
        return [_user(row, held.get(row["account"], ())) for row in rows]

    def roles_of(self, account: str) -> tuple[HeldRole, ...]:
        """Roles that an account holds now, the oldest first."""
        return self._held(account).get(account, ())

    def _held(self, account: str | None = None) -> dict[str, tuple[HeldRole, ...]]:
        table = schema.user_roles
        whose = [*_holds(self.operations), *([] if account is None else [table.c.account == account])]
        found: dict[str, tuple[HeldRole, ...]] = {}
        for row in self.operations.checked(table, *whose, order_by=(table.c.id,)):
            held = HeldRole(Role(row["role"]), row["unit"], row["given_at"], row["until"])
            found[row["account"]] = (*found.get(row["account"], ()), held)
        return found

    def roles_in_use(self) -> list[tuple[Role, str | None]]:
        """Each role that somebody holds now with its unit, by unit."""
        table = schema.user_roles
        query = sa.select(table.c.role, table.c.unit).where(*_holds(self.operations)).distinct()
        return [(Role(row["role"]), row["unit"]) for row in self.operations.rows(query.order_by(table.c.unit, table.c.role))]

    def password_hash(self, account: str) -> str | None:
        """What is stored of an active account's password; None for anyone else."""
        table = schema.users
        rows = self.operations.checked(table, table.c.account == account, table.c.standing == "active")
        return rows[0]["password_hash"] if rows else None

    def tools_trained(self, account: str) -> frozenset[str]:
        """Tools on which a training of the account by a person is recorded; the guided tour alone opens none."""
        table = schema.training
        rows = self.operations.checked(table, table.c.account == account, table.c.kind != TOUR)
        return frozenset(row["tool"] for row in rows)

    def trained(self) -> dict[str, frozenset[str]]:
        """Tools trained on, by account; an account trained on none is absent."""
        found: dict[str, frozenset[str]] = {}
        table = schema.training
        for row in self.operations.checked(table, table.c.kind != TOUR):
            found[row["account"]] = found.get(row["account"], frozenset()) | {row["tool"]}
        return found

    def trainings_of(self, account: str) -> list[TrainingHeld]:
        """Each training of an account as it was recorded, the newest first."""
        table = schema.training
        return cast("list[TrainingHeld]", self.operations.checked(table, table.c.account == account, order_by=(table.c.id.desc(),)))

    def get(self, account: str) -> Actor:
        """The account with the roles it has now. Raises AccessDenied (`account_unknown`) if none or disabled."""
        found = self.find(account)
        if found is None or not found.is_active:
            raise AccessDenied(
                "There is no active account of that name.", code="account_unknown", next_step="Ask an administrator."
            )
        return _actor(found)

    def of_os_account(self, os_account: str) -> Actor:
        """The person whose operating-system account this is.

        Raises: AccessDenied for a disabled account (`account_disabled`) and for one that is nobody's (`account_unmapped`).
        """
        rows = self.operations.checked(schema.users, schema.users.c.os_account == os_account)
        if not rows:
            raise AccessDenied(
                "Your operating-system account is no user's here.", code="account_unmapped", next_step="Ask an administrator to enter it."
            )
        if rows[0]["standing"] != "active":
            raise AccessDenied("Your account is disabled.", code="account_disabled", next_step="Ask an administrator.")
        return _actor(_user(rows[0], self.roles_of(rows[0]["account"])))

    def all(self) -> list[AccountLine]:
        """Every account: account, name, os_account, standing, roles, trained tools."""
        trained = self.trained()
        return [
            {
                "account": user.account,
                "name": user.name,
                "os_account": user.os_account,
                "standing": user.standing,
                "roles": [{"role": held.role.value, "unit": held.unit, "until": held.until.isoformat() if held.until else None} for held in user.roles],
                "trained": sorted(trained.get(user.account, ())),
            }
            for user in sorted(self.everyone(), key=lambda user: user.account)
        ]

    def in_set_up(self) -> bool:
        """Whether the state is being set up: nobody could confirm a role yet. Over for good with the entry that ended it."""
        return not self.operations.has_lines(schema.facts, SETUP_ENDED)

    def before_first(self) -> bool:
        """Whether nobody was ever entered: the operator sets the state up until then, and never again, whatever became of the rows."""
        return not self.operations.has_lines(schema.users)

    # -- writing, each with its event ------------------------------------------------------------------

    def add(self, account: str, name: str, event: Event, **known: str | None) -> None:
        """A new account without roles; `known` as in `enter`. Raises AccessDenied (`account_exists`)."""
        with self.operations.writing(event) as tx:
            tx.says(account=account)
            table = schema.users
            if tx.execute(sa.select(table.c.account).where(sa.func.lower(table.c.account) == account.lower())).first():
                raise AccessDenied("That account exists already.", code="account_exists", next_step="Choose another name.")
            enter(tx, account, name, **known)

    def give_role(self, account: str, role: str, unit: str | None, event: Event) -> None:
        """Gives a role while the state is set up (afterwards `proposals` does); an offender manager needs a unit, since they see their own people only."""
        if known_role(role) == Role.OFFENDER_MANAGER and not unit:
            raise AccessDenied("That role needs a unit.", code="unit_needed", next_step="Name the unit with --unit.")
        self.get(account)
        with self.operations.writing(event) as tx:
            tx.says(account=account, role=role, unit=unit)
            give(tx, account, role, unit, event.actor)

    def end_role(self, account: str, role: str, event: Event) -> None:
        """Ends a role in every unit it was given for."""
        with self.operations.writing(event) as tx:
            tx.says(account=account, role=role)
            take(tx, account, role, of_any_unit=True)

    def set_standing(self, account: str, standing: str, event: Event) -> None:
        """`active` or `disabled`; a disabled account's sessions end with it."""
        if self.find(account) is None:
            raise AccessDenied("There is no account of that name.", code="account_unknown", next_step="See `harmcast users list`.")
        with self.operations.writing(event) as tx:
            tx.says(account=account, standing=standing)
            set_standing(tx, account, standing)

    def record_training(
        self, account: str, tool: str, kind: str, passed_on: date, event: Event, **more: Any
    ) -> None:
        """That a person was trained on a tool, `more` as in `train`; nobody sees a tool before."""
        self.get(account)
        with self.operations.writing(event) as tx:
            tx.says(account=account, tool=tool, kind=kind)
            train(tx, account, tool, kind=kind, passed_on=passed_on, by=event.actor, **more)


def _holds(operations: Operations) -> tuple[sa.ColumnElement[bool], ...]:
    """That a role is held now: not ended, and not past its last day."""
    table = schema.user_roles
    today = log.moment(operations.now()).date()
    return (table.c.ended_at.is_(None), sa.or_(table.c.until.is_(None), table.c.until >= today))


def _user(row: Mapping[str, Any], roles: tuple[HeldRole, ...]) -> User:
    return User(row["account"], row["name"], row["standing"], roles, row["os_account"], row["oidc_subject"])


def _actor(user: User) -> Actor:
    return Actor(user.account, user.name, tuple((held.role.value, held.unit) for held in user.roles))
