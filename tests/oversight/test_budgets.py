"""How many people one account may open, and who opens more."""

from __future__ import annotations

import pytest

from harmcast.oversight.access import Role
from harmcast.oversight.budgets import WAYS, Way, is_within, may_open

MANAGER, SUPERVISOR, OFFICER = Role.OFFENDER_MANAGER, Role.SUPERVISOR, Role.DATA_PROTECTION_OFFICER


@pytest.mark.parametrize(
    ("today", "in_days", "more", "fits"),
    [
        (150, 150, 0, True), (151, 151, 0, False), (10, 400, 0, True), (10, 401, 0, False),
        (300, 300, 1, True), (301, 301, 1, False), (10, 550, 1, True), (10, 551, 1, False), (450, 450, 2, True),
    ],
)  # fmt: skip
def test_150_a_day_and_400_in_seven_and_150_more_for_each_day_opened(today: int, in_days: int, more: int, fits: bool) -> None:
    assert is_within(today, in_days, 150, 400, more) is fits


@pytest.mark.parametrize("role", list(Role))
def test_who_opens_one_more_day(role: Role) -> None:
    manager, lead, scientist = [(MANAGER, "North")], [(SUPERVISOR, "North")], [(Role.DATA_SCIENTIST, None)]
    assert may_open("x", role, "North", "ann", manager) is (role in (SUPERVISOR, OFFICER))
    assert may_open("x", role, "South", "ann", manager) is (role is OFFICER)
    assert may_open("x", role, None, "ann", [(MANAGER, None)]) is (role is OFFICER)
    assert may_open("x", role, "North", "sue", lead) is (role is OFFICER)
    assert may_open("x", role, "North", "sue", [*manager, *lead]) is (role is OFFICER)
    assert may_open("x", role, "North", "dee", scientist) is (role is OFFICER)
    for held in (manager, lead, scientist):
        assert not may_open("same", role, "North", "same", held)


def test_lists_are_counted_apart() -> None:
    assert {action for action, way in WAYS.items() if way is Way.LISTED} == {"people_listed", "unit_work_viewed", "people_pseudonymised_listed"}
    assert {action for action, way in WAYS.items() if way is Way.OPENED} == {
        "person_viewed", "person_pseudonymised_viewed", "people_searched", "people_downloaded",
    }  # fmt: skip
