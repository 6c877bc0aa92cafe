"""Dates: one value that stands for unknown, dates too coarse to forecast from, weeks without a record, a clock that is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import numpy as np

from harmcast.documents.effects import Effect
from harmcast.gaps import Gap, missing

FEWEST = 40  # rows under which a share of days says nothing
ONE_DAY_SHARE, ONE_TIME_SHARE = 0.5, 0.5
UNDER_USUAL = 0.1
BY_CHANCE = 1e-6  # an empty week is proposed as a gap where chance would bring one more seldom than this
CLOCK_SLACK = timedelta(days=1)


def placeholders(scope: str, unknown: int, n: int, words: str) -> Effect:
    """Values of a column that stand for unknown and now count so.

    Args: `n`: rows read, those left out later among them; `words` name it as {n}.
    """
    step = "Ask the force how unknown dates are written, and name the word in the mapping." if unknown else ""
    return Effect("placeholders", scope, unknown, 0, None, "note" if unknown else "ok", step, f"{unknown:,} {words.format(n=f'{n:,}')}.")


def resolution(scope: str, by_day: Sequence[int], recorded_by_day: Sequence[int], by_time: Sequence[int]) -> list[Effect]:
    """Whether rows sit on one day of the month, against the days on which they were recorded; or on one clock time.

    Args: counts of the new rows by day of the month they happened on, were recorded on, and the two commonest clock times.
    """
    n = sum(by_day)
    top, usual = (max(c, default=0) / max(sum(c), 1) for c in (by_day, recorded_by_day))
    coarse = n >= FEWEST and top > ONE_DAY_SHARE and (usual < ONE_DAY_SHARE or sum(map(bool, by_day)) == 1)
    step = "Send the day of each crime: dates by month only cannot carry a forecast of 4 weeks." if coarse else ""
    found = [Effect("resolution", f"{scope} day of the month", top, 0.0, ONE_DAY_SHARE, "refuse" if coarse else "ok", step, f"{100 * top:.0f}% of {n:,} lie on one day of the month.")]
    first = by_time[0] / n if by_time and n else 0.0
    odd = n >= FEWEST and first > ONE_TIME_SHARE
    words = f"{100 * first:.0f}% of {n:,} bear one clock time" + (": the hour is not known." if odd else ".")
    found.append(Effect("resolution", f"{scope} clock time", first, 0.0, ONE_TIME_SHARE, "note" if odd else "ok", "No step: forecasts use the day." if odd else "", words))
    return found


def gaps(mondays: Sequence[date], weekly: Sequence[int], declared: Sequence[Gap]) -> list[Effect]:
    """Whole weeks without a record, proposed as gaps; weeks under a tenth of the usual are worth a note.

    Args: `mondays`, `weekly`: every week from the first record to the last complete week, and its records.
    """
    counts = np.asarray(weekly, float)
    usual = float(np.median(counts[counts > 0])) if (counts > 0).any() else 0.0
    told = missing(declared, mondays)
    if np.exp(-usual) >= BY_CHANCE:
        return [Effect("gaps", "crimes", 0, 0, 0, "ok", "", "too few records a week for an empty one to say anything.")]
    empty = [day for day, count, is_told in zip(mondays, weekly, told, strict=True) if count == 0 and not is_told]
    thin = [day for day, count, is_told in zip(mondays, weekly, told, strict=True) if 0 < count < UNDER_USUAL * usual and not is_told]
    found = [
        Effect(
            "gaps", f"crimes {first} to {last}", (last - first).days // 7 + 1, 0, 0, "hold",
            f'If the force has no records of them, add [[gaps]] from = {first}, to = {last}, reason = "..." to the settings; else send them.',
            f"no crime was recorded in {(last - first).days // 7 + 1} whole week(s) from {first} to {last}; {usual:,.0f} a week are usual.",
        )
        for first, last in runs(empty)
    ]  # fmt: skip
    if thin:
        words = f"{len(thin)} week(s) hold under a tenth of the usual {usual:,.0f}, the last from {max(thin)}."
        found.append(Effect("gaps", "crimes thin weeks", len(thin), 0, 0, "note", "Ask the force what happened then.", words))
    return found or [Effect("gaps", "crimes", 0, 0, 0, "ok", "", "every week holds records.")]


def runs(mondays: Sequence[date]) -> list[tuple[date, date]]:
    """Weeks next to each other as one span: first Monday, last Sunday."""
    found: list[tuple[date, date]] = []
    for monday in sorted(mondays):
        if found and found[-1][1] + timedelta(days=1) == monday:
            found[-1] = (found[-1][0], monday + timedelta(days=6))
        else:
            found.append((monday, monday + timedelta(days=6)))
    return found


def time(made_at: datetime, now: datetime, newest: datetime | None) -> list[Effect]:
    """Whether the delivery says it was made in the future, or before the newest record in it."""
    ahead = (made_at - now).total_seconds() / 86400
    late = made_at > now + CLOCK_SLACK
    step = "Set the clock of the machine that makes the deliveries right, and send it again."
    found = [Effect("time", "manifest made_at", ahead, None, 1.0, "refuse" if late else "ok", step if late else "", f"made {abs(ahead):.1f} days {'after' if ahead > 0 else 'before'} now.")]
    if newest is not None:
        beyond = (newest - made_at).total_seconds() / 86400
        odd = newest > made_at + CLOCK_SLACK
        found.append(Effect("time", "newest record", beyond, None, 1.0, "refuse" if odd else "ok", step if odd else "", f"the newest record is {abs(beyond):.1f} days {'after' if beyond > 0 else 'before'} the delivery was made."))
    return found
