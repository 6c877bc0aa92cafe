"""How often a password may be guessed, so that nobody guesses one and nobody shuts another out. Rules only; pure.

Guesses run in lanes. A device that has signed in to an account before has a lane of its own; all devices that are new to an account share
one. Ten misses in a quarter of an hour close a lane until the quarter is over. A hundred misses in a row from strangers, and a device new
to the account needs an invitation too: what is known goes on as if nothing were the matter.

Source: OWASP, Slow down online guessing attacks with device cookies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

MISSES = 10
MINUTES = 15
IN_A_ROW = 100
DEVICE_DAYS = 90

SignInAnswer = Literal["go on", "wait", "invitation"]


@dataclass(frozen=True)
class Lane:
    """What a lane holds.

    Attributes:
        misses: since `since`, when its quarter of an hour began; each guess is a miss until it was right.
        in_a_row: misses since the last right password in this lane.
        untold: misses that no entry of the log speaks of yet; told_at: when the newest entry was written.
    """

    misses: int = 0
    since: datetime | None = None
    in_a_row: int = 0
    untold: int = 0
    told_at: datetime | None = None


def guessed(lane: Lane, now: datetime, is_known: bool) -> tuple[Lane, SignInAnswer]:
    """The lane with one more guess, counted before it is looked at, and whether it is looked at."""
    if not is_known and lane.in_a_row >= IN_A_ROW:
        return lane, "invitation"
    quarter = timedelta(minutes=MINUTES)
    if lane.since is None or now - lane.since >= quarter:
        lane = replace(lane, misses=0, since=now)
    if lane.misses >= MISSES:
        return lane, "wait"
    return replace(lane, misses=lane.misses + 1, in_a_row=lane.in_a_row + 1), "go on"


def was_right(lane: Lane) -> Lane:
    """The lane after a right password: it counts against nobody."""
    return Lane(told_at=lane.told_at)


def missed(lane: Lane, now: datetime) -> tuple[Lane, int]:
    """The lane after a wrong password, and of how many misses an entry of the log is due: one entry a lane and quarter of an hour; 0: none yet."""
    untold = lane.untold + 1
    if lane.told_at is not None and now - lane.told_at < timedelta(minutes=MINUTES):
        return replace(lane, untold=untold), 0
    return replace(lane, untold=0, told_at=now), untold
