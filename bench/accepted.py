"""Loads for tests and benchmarks: what waits is accepted in the open, by two invented people where two are needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harmcast.runs import source
from harmcast.runs.accept import accept_load
from harmcast.runs.load import LoadResult, load_delivery
from harmcast.store.state import State
from harmcast.store.users import Actor

FIRST = Actor("first of two", "First", (("data_scientist", None),))
SECOND = Actor("second of two", "Second", (("supervisor", None),))


def accept(state: State, number: int) -> None:
    """Accepts the load that waits, by as many people as it needs."""
    said = accept_load(state, number, FIRST, "invented: nothing to compare it with")
    if said.document["waiting"]:
        accept_load(state, number, SECOND, "invented: nothing to compare it with", second=True)


def load_accepted(state: State, delivery: Path, actor: str = "system", **more: Any) -> LoadResult:
    """Loads a delivery and, if it waits, accepts it."""
    result = load_delivery(state, delivery, actor, **more)
    if result.waiting and result.load is not None:
        accept(state, result.load)
    return result


def read_accepted(state: State, actor: Actor) -> list[LoadResult]:
    """Loads what the database that the settings name holds and, if it waits, accepts it."""
    results = source.load_from_database(state, actor)
    if results[-1].waiting and results[-1].load is not None:
        accept(state, results[-1].load)
    return results
