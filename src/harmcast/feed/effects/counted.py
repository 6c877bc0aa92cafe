"""Counts a week against the weeks before: what the definitions match, and what every table holds."""

from __future__ import annotations

from collections.abc import Sequence

from harmcast.documents.effects import Effect, Verdict
from harmcast.feed.effects.bounds import WEEKS_COMPARED, WINDOWS, bound


def against_before(check: str, scope: str, weekly: Sequence[int], deviations: float, next_step: str) -> Effect:
    """One series of weekly counts, the newest first: the last week and the last four against the 52 before; the worst is told."""
    found: list[tuple[float, Effect]] = []
    for weeks in WINDOWS:
        now, past = sum(weekly[:weeks]), weekly[weeks : weeks + WEEKS_COMPARED]
        limits = bound(past, deviations, weeks) if len(weekly) >= weeks else None
        if limits is None:
            continue
        low, high = limits
        beyond = max((low - now) / max(low, 1.0), (now - high) / max(high, 1.0))
        words = f"{now:,} in the last {'week' if weeks == 1 else f'{weeks} weeks'}; {low:,.0f} to {high:,.0f} would be as before."
        verdict: Verdict = "hold" if beyond > 0 else "ok"
        found.append((beyond, Effect(check, scope, now, low, high, verdict, next_step if beyond > 0 else "", words)))
    if found:
        return max(found, key=lambda one: one[0])[1]
    return Effect(check, scope, sum(weekly[:1]), None, None, "ok", "", "too few weeks to compare with.")


def matched(scope: str, weekly: Sequence[int], deviations: float, *, whole_tool: bool, in_all: int | None = None) -> Effect:
    """Crimes that a tool's definition, or one value of it, matches a week. A definition that matches nothing is held.

    Args: `in_all`: how many it matches in the weeks looked at and the part of a week before them.
    """
    if not (any(weekly) or in_all):
        next_step = "Look at the codes of the delivery and at the tool's `where`."
        return Effect("matched", scope, 0, None, None, "hold" if whole_tool else "note", next_step, "matches no crime of the last year.")
    return against_before("matched", scope, weekly, deviations, "Look whether codes, weapons or injuries are written as before.")


def volume(table: str, weekly: Sequence[int], deviations: float) -> Effect:
    """Rows of a table a week, by the day each was recorded."""
    return against_before("volume", table, weekly, deviations, "Ask the force's data team whether the extract is whole.")


def without_rows(table: str, held: int, is_whole: bool, usual: Sequence[float], deviations: float) -> Effect:
    """A table that came without a row though rows are held: refused where the extract says it is complete.

    Args: `usual`: rows of this table in the loads before; where none at all would be unlikely, the load is held.
    """
    limits = bound(usual, deviations)
    unlikely = limits is not None and limits[0] > 0
    step = "Send the table's rows." + (" A complete extract without rows would delete everything." if is_whole else "")
    words = f"a table with no rows; {held:,} are held."
    return Effect("volume", f"{table} without rows", 0, 1, None, "refuse" if is_whole else "hold" if unlikely else "note", step, words)
