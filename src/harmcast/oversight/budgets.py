"""How many people one account may look at: opened, found by search or exported, in a day and in seven. Rules only; pure.

Rows of one's own list are counted apart and refuse nothing: they tell the data protection officer. At the limit somebody else opens
one more day: a supervisor of the unit, and for a supervisor or somebody without a unit the officer.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from harmcast.oversight.access import Role

DAYS = 7
LISTED_ALARM = 400  # different people of a list in a day


class Way(StrEnum):
    """How somebody was looked at."""

    OPENED = "opened"
    LISTED = "listed"


WAYS: dict[str, Way] = {  # of each action that the log holds about people
    "person_viewed": Way.OPENED,
    "person_pseudonymised_viewed": Way.OPENED,
    "people_searched": Way.OPENED,
    "people_downloaded": Way.OPENED,
    "people_listed": Way.LISTED,
    "unit_work_viewed": Way.LISTED,
    "people_pseudonymised_listed": Way.LISTED,
}


def is_within(today: int, in_days: int, a_day: int, most_in_days: int, more_days: int) -> bool:
    """Whether so many different people are within what an account may open.

    Args:
        today, in_days: with those asked for now: today, and in the last seven days, today included.
        a_day, most_in_days: the limits. more_days: further days that somebody else opened today.
    """
    return today <= a_day * (1 + more_days) and in_days <= most_in_days + a_day * more_days


def may_open(account: str, role: Role, unit: str | None, holder: str, held: Collection[tuple[Role, str | None]]) -> bool:
    """Whether an account in a role may open one more day for a holder with the roles held: never for oneself."""
    if account == holder:
        return False
    units = {of for held_role, of in held if held_role == Role.OFFENDER_MANAGER}
    leads = any(held_role == Role.SUPERVISOR for held_role, _ in held)
    if role == Role.SUPERVISOR:
        return not leads and unit is not None and unit in units
    return role == Role.DATA_PROTECTION_OFFICER
