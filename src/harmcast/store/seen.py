"""Whom each account looked at, by day: filled in the transaction of the look, so that a budget cannot be passed by asking at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa

from harmcast.oversight.budgets import DAYS, LISTED_ALARM, Way, is_within
from harmcast.store import schema
from harmcast.store.operations import Operations, Writing

KEPT_DAYS = 35


class BudgetReached(Exception):
    """So many people may not be looked at: nothing was written."""


@dataclass(frozen=True)
class LookedAt:
    """How many different people an account opened today and in seven days, and saw in lists today; further days opened today."""

    today: int
    in_days: int
    listed: int
    more_days: int


def take(tx: Writing, account: str, today: date, keys: Collection[str], way: Way, a_day: int, most_in_days: int) -> bool:
    """Writes that people were looked at; gives whether with this the alarm for lists is due.

    Raises: BudgetReached where they would be more than the account may open.
    """
    table = schema.seen
    wanted = set(keys)
    had = {
        row.person_key
        for row in tx.execute(
            sa.select(table.c.person_key).where(table.c.account == account, table.c.day == today, table.c.way == way.value)
        )
    }
    new = wanted - had
    if not new:
        return False
    if not had:
        tx.execute(sa.delete(table).where(table.c.account == account, table.c.day < today - timedelta(days=KEPT_DAYS)))
    if way is Way.OPENED:
        known = {row.person_key for row in tx.execute(_in_days(account, today))}
        if not is_within(len(had | new), len(known | new), a_day, most_in_days, _more_days(tx, account, today)):
            raise BudgetReached
    tx.execute(sa.insert(table), [{"account": account, "day": today, "way": way.value, "person_key": key} for key in sorted(new)])
    return way is Way.LISTED and len(had) < LISTED_ALARM <= len(had) + len(new)


def _in_days(account: str, today: date) -> sa.Select[tuple[str]]:
    table = schema.seen
    since = today - timedelta(days=DAYS - 1)
    return sa.select(table.c.person_key).distinct().where(table.c.account == account, table.c.day >= since, table.c.way == Way.OPENED.value)


def _more_days(reader: Writing | sa.Connection, account: str, today: date) -> int:
    table = schema.look_grants
    query = sa.select(sa.func.count()).where(table.c.account == account, table.c.day == today)
    return int(reader.execute(query).scalar_one())


def of_account(operations: Operations, account: str, today: date) -> LookedAt:
    """What an account has looked at so far."""
    table = schema.seen
    with operations.reading() as connection:
        by_way = sa.select(table.c.way, sa.func.count()).where(table.c.account == account, table.c.day == today).group_by(table.c.way)
        ways = {str(way): int(count) for way, count in connection.execute(by_way)}
        in_days = len(connection.execute(_in_days(account, today)).all())
        return LookedAt(ways.get(Way.OPENED.value, 0), in_days, ways.get(Way.LISTED.value, 0), _more_days(connection, account, today))


def open_day(tx: Writing, account: str, today: date, by: str) -> None:
    """Opens one more day's number of people to an account, today."""
    tx.insert(schema.look_grants, account=account, day=today, by=by, at=tx.at)
