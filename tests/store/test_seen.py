"""People counted in the transaction of the look: by account, day and way."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from harmcast.oversight.budgets import Way
from harmcast.oversight.log import Event
from harmcast.store import seen
from harmcast.store.operations import Operations
from harmcast.store.seen import BudgetReached
from harmcast.store.state import State
from harmcast.store.users import enter

TODAY = date(2026, 11, 16)
LOOK = Event("ann", "offender_manager", "consultation", "person_viewed")


@pytest.fixture
def operations(state: State) -> Operations:
    with state.operations.writing(LOOK) as tx:
        enter(tx, "ann", "Ann")
    return state.operations


def look(operations: Operations, keys: list[str], day: date = TODAY, way: Way = Way.OPENED, account: str = "ann") -> bool:
    with operations.writing(LOOK) as tx:
        return seen.take(tx, account, day, keys, way, 3, 5)


def counted(operations: Operations, day: date = TODAY) -> tuple[int, int, int]:
    found = seen.of_account(operations, "ann", day)
    return found.today, found.in_days, found.listed


def test_the_same_person_counts_once_a_day_and_once_in_seven(operations: Operations) -> None:
    look(operations, ["a", "b"])
    look(operations, ["a"])
    look(operations, ["b", "c"])
    assert counted(operations) == (3, 3, 0)
    with pytest.raises(BudgetReached):
        look(operations, ["a", "d"])
    assert counted(operations) == (3, 3, 0)  # nothing of it was written
    look(operations, ["a", "b", "c"])  # who is open already stays open


def test_seven_days_go_with_the_day_and_an_eighth_frees(operations: Operations) -> None:
    look(operations, ["a", "b", "c"])
    tomorrow = TODAY + timedelta(days=1)
    look(operations, ["a", "d", "e"], tomorrow)
    assert counted(operations, tomorrow) == (3, 5, 0)
    with pytest.raises(BudgetReached):
        look(operations, ["f"], TODAY + timedelta(days=6))
    look(operations, ["f"], TODAY + timedelta(days=7))
    assert counted(operations, TODAY + timedelta(days=7)) == (1, 4, 0)


def test_accounts_are_counted_apart_and_so_are_lists_which_refuse_nothing(operations: Operations) -> None:
    look(operations, ["a", "b", "c"])
    look(operations, ["d"], account="bob")
    alarms = [look(operations, [f"k{i}" for i in range(first, first + 25)], way=Way.LISTED) for first in range(0, 500, 25)]
    assert counted(operations) == (3, 3, 500)
    assert [i for i, alarm in enumerate(alarms) if alarm] == [15]  # with the 400th


def test_somebody_else_opens_one_more_day(operations: Operations) -> None:
    look(operations, ["a", "b", "c"])
    with operations.writing(LOOK) as tx:
        seen.open_day(tx, "ann", TODAY, "sue")
    look(operations, ["d", "e", "f"])
    with pytest.raises(BudgetReached):
        look(operations, ["g"])
    assert counted(operations) == (6, 6, 0)
