"""Places that stand for something else: one incident with many victims; one point that gathers crimes, as a station's own does."""

from __future__ import annotations

from harmcast.documents.effects import Effect, Verdict

LEAST, TIMES = 10, 5
LEAST_AT_A_POINT, NOTED_SHARE, HELD_SHARE = 50, 0.02, 0.10


def incident(tool: str, largest: int, usual_largest: int) -> Effect:
    """The most crimes of a tool at one place and day among the new ones, against the most there was before."""
    high = max(LEAST, TIMES * usual_largest)
    odd = largest > high
    step = "Look whether it is one incident; the forecast counts incidents, not victims." if odd else ""
    return Effect("incident", tool, largest, 0, high, "note" if odd else "ok", step, f"{largest:,} crimes at one place on one day; {usual_largest:,} was the most before.")


def one_point(at_point: int, n: int, square: str) -> Effect:
    """The most crimes at one exact point, of all with a place: above 2% they were hardly there, above 10% a person looks first.

    Args: `square`: the 1 km square of the point, e.g. `E400000 N290000`; the point itself is not told.
    """
    share = at_point / n if n else 0.0
    odd = at_point >= LEAST_AT_A_POINT and share > NOTED_SHARE
    verdict: Verdict = "ok" if not odd else "hold" if share > HELD_SHARE else "note"
    step = "Look whether the point stands for an unknown place (a police station's own, say); leave those places empty in the mapping." if odd else ""
    where = f", in the square {square}" if odd else ""
    return Effect("placeholders", "crimes place", share, 0, NOTED_SHARE, verdict, step, f"{at_point:,} of {n:,} crimes lie at one point{where}.")


def off_area(off: int, placed: int, most: float) -> Effect:
    """New crimes whose place lies off the force's area, of all that have one: no cell gets them. Above `most` the delivery was refused."""
    step = "Look where they lie: another force's crimes, or places that stand for none." if off else ""
    words = f"{off:,} of {placed:,} crimes with a place lie off the force's area ({100 * off / placed if placed else 0:.1f}%); no cell gets them."
    return Effect("off_area", "crimes place", off / placed if placed else 0.0, 0.0, most, "note" if off else "ok", step, words)
