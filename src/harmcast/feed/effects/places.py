"""One incident with many victims: so many crimes of one definition at one place on one day."""

from __future__ import annotations

from harmcast.documents.effects import Effect

LEAST, TIMES = 10, 5


def incident(tool: str, largest: int, usual_largest: int) -> Effect:
    """The most crimes of a tool at one place and day among the new ones, against the most there was before."""
    high = max(LEAST, TIMES * usual_largest)
    odd = largest > high
    step = "Look whether it is one incident; the forecast counts incidents, not victims." if odd else ""
    return Effect("incident", tool, largest, 0, high, "note" if odd else "ok", step, f"{largest:,} crimes at one place on one day; {usual_largest:,} was the most before.")
