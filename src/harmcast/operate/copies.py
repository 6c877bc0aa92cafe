"""What shows a release outside the pages, brought to what may be shown now: Qlik's folder and the shared map.

Called wherever a release or the register moved: a refusal reaches the copies the same day.
"""

from __future__ import annotations

from harmcast.operate import qlik, shared_map
from harmcast.store.state import State


def refresh(state: State, actor: str, role: str, *, erased: bool = False) -> list[str]:
    """Writes, replaces or removes each copy; each change is an event. Says what was done, and what could not be.

    Args:
        erased: somebody was forgotten: older versions of Qlik's folder go at once.
    """
    return [*qlik.refresh_and_reload(state, actor, role, erased=erased), *shared_map.refresh(state, actor, role)]
