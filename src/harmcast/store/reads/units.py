"""Units and who works in them."""

from __future__ import annotations

import polars as pl
import sqlalchemy as sa

from harmcast.oversight.access import Role
from harmcast.store import schema
from harmcast.store.state import State


def managed(state: State) -> frozenset[str]:
    """Units that have an active offender manager."""
    roles, users = schema.user_roles, schema.users
    query = (
        sa.select(roles.c.unit)
        .join(users, users.c.account == roles.c.account)
        .where(roles.c.role == Role.OFFENDER_MANAGER.value, roles.c.ended_at.is_(None), roles.c.unit.is_not(None), users.c.standing == "active")
        .distinct()
    )
    return frozenset(row["unit"] for row in state.operations.rows(query))


def without_manager(state: State) -> list[tuple[str, int]]:
    """Units that people belong to and that no offender manager works in, with how many people, the largest first."""
    people = state.records.known("persons", columns=["person_ref", "unit"])
    counted = people.drop_nulls("unit").group_by("unit").agg(people=pl.len()).sort(["people", "unit"], descending=[True, False])
    have = managed(state)
    return [(unit, count) for unit, count in counted.iter_rows() if unit not in have]
