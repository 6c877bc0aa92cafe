"""People who use the system: accounts, roles with units, training. A role ends, it is never erased."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from harmcast.errors import AccessDenied
from harmcast.oversight.access import ROLES, Role
from harmcast.oversight.log import Event
from harmcast.store import schema
from harmcast.store.operations import Operations

PEOPLE_ROLES = (Role.OFFENDER_MANAGER, Role.SUPERVISOR)


@dataclass(frozen=True)
class Actor:
    """Who acts: account, name, roles held now, with the unit of each."""

    account: str
    name: str
    roles: tuple[tuple[str, str | None], ...]

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


class Users:
    """The users of one state."""

    def __init__(self, operations: Operations) -> None:
        self.operations = operations

    def add(
        self,
        account: str,
        name: str,
        event: Event,
        *,
        os_account: str | None = None,
        oidc_subject: str | None = None,
        password_hash: str | None = None,
    ) -> None:
        """A new account without roles. Raises AccessDenied (`account_exists`) if the name is taken."""
        with self.operations.writing(event) as tx:
            tx.says(account=account)
            table = schema.users
            if tx.execute(sa.select(table.c.account).where(table.c.account == account)).first():
                raise AccessDenied("That account exists already.", code="account_exists", next_step="Choose another name.")
            tx.insert(
                table,
                account=account,
                name=name,
                os_account=os_account,
                oidc_subject=oidc_subject,
                password_hash=password_hash,
                standing="active",
                made_at=tx.at,
                changed_at=tx.at,
            )

    def give_role(self, account: str, role: str, unit: str | None, event: Event) -> None:
        """Gives a role; an offender manager needs a unit, since they see their own people only."""
        if role not in set(Role):
            raise AccessDenied("There is no such role.", code="role_unknown", next_step="One of: " + ", ".join(Role) + ".")
        if role == Role.OFFENDER_MANAGER and not unit:
            raise AccessDenied("That role needs a unit.", code="unit_needed", next_step="Name the unit with --unit.")
        self.get(account)
        with self.operations.writing(event) as tx:
            tx.says(account=account, role=role, unit=unit)
            tx.insert(schema.user_roles, account=account, role=role, unit=unit, given_at=tx.at, given_by=event.actor)

    def end_role(self, account: str, role: str, event: Event) -> None:
        table = schema.user_roles
        with self.operations.writing(event) as tx:
            tx.says(account=account, role=role)
            tx.execute(
                sa.update(table)
                .where(table.c.account == account, table.c.role == role, table.c.ended_at.is_(None))
                .values(ended_at=tx.at)
            )

    def set_standing(self, account: str, standing: str, event: Event) -> None:
        """`active` or `disabled`; a disabled account's sessions end with it."""
        self.get(account)
        with self.operations.writing(event) as tx:
            tx.says(account=account, standing=standing)
            table, sessions = schema.users, schema.sessions
            tx.execute(sa.update(table).where(table.c.account == account).values(standing=standing, changed_at=tx.at))
            if standing == "disabled":
                tx.execute(
                    sa.update(sessions)
                    .where(sessions.c.account == account, sessions.c.ended_at.is_(None))
                    .values(ended_at=tx.at)
                )

    def set_password(self, account: str, password_hash: str, event: Event) -> None:
        self.get(account)
        with self.operations.writing(event) as tx:
            tx.says(account=account)
            tx.execute(
                sa.update(schema.users)
                .where(schema.users.c.account == account)
                .values(password_hash=password_hash, changed_at=tx.at)
            )

    def record_training(
        self,
        account: str,
        tool: str,
        kind: str,
        passed_on: date,
        event: Event,
        *,
        trainer: str | None = None,
        contact: str | None = None,
        right: int | None = None,
        asked: int | None = None,
    ) -> None:
        """That a person was trained on a tool; nobody sees a tool before."""
        self.get(account)
        with self.operations.writing(event) as tx:
            tx.says(account=account, tool=tool, kind=kind)
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
                by=event.actor,
                at=tx.at,
            )

    def is_trained(self, account: str, tool: str) -> bool:
        table = schema.training
        query = sa.select(table.c.id).where(table.c.account == account, table.c.tool == tool).limit(1)
        return bool(self.operations.rows(query))

    def get(self, account: str) -> Actor:
        """The account with the roles it has now. Raises AccessDenied (`account_unknown`) if none or disabled."""
        rows = self.operations.rows(sa.select(schema.users).where(schema.users.c.account == account))
        if not rows or rows[0]["standing"] != "active":
            raise AccessDenied(
                "There is no active account of that name.", code="account_unknown", next_step="Ask an administrator."
            )
        return Actor(account, rows[0]["name"], self._roles(account))

    def of_os_account(self, os_account: str | None = None) -> Actor:
        """Who runs a command: the person whose operating-system account this is.

        Before the first user is entered the account itself acts as operator, so that a state can be set up.
        """
        os_account = os_account or getpass.getuser()
        rows = self.operations.rows(sa.select(schema.users).where(schema.users.c.os_account == os_account))
        if rows and rows[0]["standing"] == "active":
            return Actor(rows[0]["account"], rows[0]["name"], self._roles(rows[0]["account"]))
        return Actor(f"os:{os_account}", os_account, (("operator", None),))

    def all(self) -> list[dict[str, Any]]:
        """Every account: account, name, os_account, standing, roles, trained tools."""
        trained = self.operations.rows(sa.select(schema.training.c.account, schema.training.c.tool))
        return [
            {
                "account": row["account"],
                "name": row["name"],
                "os_account": row["os_account"],
                "standing": row["standing"],
                "roles": [{"role": role, "unit": unit} for role, unit in self._roles(row["account"])],
                "trained": sorted({t["tool"] for t in trained if t["account"] == row["account"]}),
            }
            for row in self.operations.rows(sa.select(schema.users).order_by(schema.users.c.account))
        ]

    def is_empty(self) -> bool:
        return not self.operations.rows(sa.select(schema.users.c.account).limit(1))

    def _roles(self, account: str) -> tuple[tuple[str, str | None], ...]:
        table = schema.user_roles
        query = sa.select(table.c.role, table.c.unit).where(table.c.account == account, table.c.ended_at.is_(None))
        return tuple((row["role"], row["unit"]) for row in self.operations.rows(query.order_by(table.c.id)))
