"""The effects of a load: what it does to the meaning of what is held, counted before anything is named in the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harmcast.documents.effects import lines
from harmcast.errors import RunStopped
from harmcast.store import loads
from harmcast.store.state import State


@dataclass
class EffectsSaid:
    """The effects of a load, and of the one before it."""

    document: dict[str, Any]
    lines: list[str] = field(default_factory=list)


def effects_of_load(state: State, number: int | None = None) -> EffectsSaid:
    """The effects kept with a load: the one named, else the one that waits, else the newest.

    Raises: RunStopped (`load_unknown`, `nothing_loaded`).
    """
    load = loads.numbered(state.operations, number) if number is not None else loads.waiting(state.operations) or loads.newest(state.operations)
    if load is None:
        raise RunStopped("Nothing was ever loaded.", code="nothing_loaded", next_step="harmcast load STATE DELIVERY")
    before = {(e.check, e.scope): e.value for e in loads.effects_before(state.operations, load.number)}
    document = {
        "load": load.number,
        "delivery_id": load.delivery_id,
        "standing": load.standing,
        "waiting": load.standing == loads.WAITING,
        "why_waits": list(load.why_waits),
        "people_needed": load.needs,
        "effects": [{**effect.document(), "before": before.get((effect.check, effect.scope))} for effect in load.effects],
        "accepted_by": load.accepted_by,
        "accepted_at": load.accepted_at,
        "reason": load.reason,
    }
    said = [f"Load {load.number} ({load.delivery_id}): {load.standing}.", *lines(load.effects)]
    return EffectsSaid(document, said)

