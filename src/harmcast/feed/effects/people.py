"""Who joins and leaves the charged people by a load, and how much of a table goes."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from harmcast.documents.effects import Effect
from harmcast.feed.effects.bounds import at_most, bound, share_bound

MOVES = {
    "joined": "people joined",
    "merged_away": "people left because their reference was merged into another",
    "no_charge_stands": "people left because no charge of theirs stands",
    "dead": "people left because they died",
    "review_overdue": "people left because the review of their record is overdue",
    "gone": "people left because their record is gone",
    "changed": "people whose charges changed in code, date or person without a new charge",
    "band_up": "people stand in a higher band by the delivery",
    "band_down": "people stand in a lower band by the delivery",
    "no_longer_under_18": "of the charged are under 18 no longer, by another birth date, and would be scored as adults",
    "under_18_now": "of the charged are under 18 now, by another birth date",
    "birth_lost": "of the charged have no known birth date any more",
}
USUAL = {"joined": (50, 0.05), "band_up": (50, 0.05), "no_longer_under_18": (2, 0.001)}  # least, share of everyone, where the past is short
BIRTHS_KNOWN, LEAST_BIRTHS = 0.5, 20
BIRTHS_USUAL = 0.95  # a past in which everybody's was known bounds nothing: one in twenty without is never odd
LEAST_CHANGED, BIRTHS_CHANGED, LEAST_EXCHANGED = 5, 0.1, 5
DELETED_A_LOAD = (20, 0.01)
DELETED_FOUR_WEEKS = (60, 0.03)
LEAST_UNFOUND, UNFOUND = 5, 0.5


def people(tool: str, move: str, count: int, cohort: int, past: Sequence[float], deviations: float) -> Effect:
    """People who moved by a load, against the loads before; with fewer than 12 of those, against a share of everyone."""
    limits = bound(past, deviations)
    least, share = USUAL.get(move, (20, 0.02))
    high = max(limits[1], float(least)) if limits is not None else float(at_most(cohort, least, share))
    odd = cohort > 0 and count > high
    step = "Look at what the delivery says of them before anybody's score moves." if odd else ""
    return Effect("people", f"{tool} {move}", count, 0, high, "hold" if odd else "ok", step, f"{count:,} {MOVES[move]}; {cohort:,} were in before.")


def births(known: int, n: int, past: Sequence[float], deviations: float) -> Effect:
    """People of a load whose date of birth is known, against the loads before (at most BIRTHS_USUAL); on a first load at least half.

    Args: `past`: the shares of the loads before. Whose birth is unknown is not scored: nobody can say that they are of age.
    """
    share = known / n if n else 1.0
    low = share_bound(min(median(past), BIRTHS_USUAL), n, deviations)[0] if past else BIRTHS_KNOWN
    odd = n >= LEAST_BIRTHS and share < low
    step = "Map born_on, and look how the export writes dates of birth: who has none is not scored." if odd else ""
    words = f"{known:,} of {n:,} people charged have a known date of birth" + (f"; {100 * median(past):.1f}% before." if past else ".")
    return Effect("births", "persons born_on", share, low, None, "hold" if odd else "ok", step, words)


def births_changed(changed: int, exchanged: int, again: int) -> list[Effect]:
    """People held who were sent again and have another date of birth by the load: any other, and day and month exchanged.

    Args: `again`: how many people held were sent again.
    """
    step = "Look how the export writes dates of birth: a reader that took the month for the day changes those of the first twelve days without a fault."
    words = f"{changed:,} of {again:,} people sent again come with another date of birth"
    share = changed / again if again else 0.0
    odd, swapped = changed >= LEAST_CHANGED and share > BIRTHS_CHANGED, exchanged >= LEAST_EXCHANGED
    return [
        Effect("births", "persons born_on changed", share, 0.0, BIRTHS_CHANGED, "hold" if odd else "ok", step if odd else "", words + "."),
        Effect("births", "persons born_on exchanged", exchanged, 0, LEAST_EXCHANGED - 1, "hold" if swapped else "ok", step if swapped else "", f"{words}, {exchanged:,} of these by day and month exchanged."),
    ]


def deletions(table: str, deleted: int, four_weeks: int, held: int, most_share: float) -> Effect:
    """How many keys of a table go, by absence or by list: held for two people above a cap, refused above a share.

    Args: `four_weeks`: those that went in the 28 days up to this load, this load's among them.
    """
    once, month = at_most(held, *DELETED_A_LOAD), at_most(held, *DELETED_FOUR_WEEKS)
    share = deleted / held if held else 0.0
    words = f"{deleted:,} of {held:,} go, {four_weeks:,} in 4 weeks; up to {once:,} and {month:,} go unasked."
    if deleted > once and share > most_share:
        step = "Look whether the extract is whole; deletions of so many come in parts, or the setting deleted_max_share is raised by name."
        return Effect("deletions", table, deleted, 0, once, "refuse", step, words)
    if deleted > once or (deleted and four_weeks > month):
        step = "Two people look at what the source says went; until then everything stays as it was."
        return Effect("deletions", table, deleted, 0, once, "hold", step, words, people=2)
    return Effect("deletions", table, deleted, 0, once, "ok", "", words)


def listed(table: str, unfound: int, count: int) -> Effect:
    """Keys listed as deleted that name nothing held, now or ever: what should have gone stays."""
    share = unfound / count if count else 0.0
    odd = unfound >= LEAST_UNFOUND and share > UNFOUND
    step = "Look whether the list writes references as the table does, and names the right table: what it meant to delete stays." if odd else ""
    words = f"{unfound:,} of {count:,} listed keys name nothing held."
    return Effect("deletions", f"{table} listed", share, 0.0, UNFOUND, "hold" if odd else "ok", step, words)
