"""Loads for tests and benchmarks: what waits is accepted in the open, by two invented people where two are needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from harmcast.errors import NotFit
from harmcast.oversight.log import Event
from harmcast.runs import accounts, source
from harmcast.runs.accept import accept_load
from harmcast.runs.load import LoadResult, load_delivery
from harmcast.store import codes, loads
from harmcast.store.state import State, open_state
from harmcast.store.users import Actor

FIRST = Actor("first of two", "First", (("data_scientist", None),))
SECOND = Actor("second of two", "Second", (("supervisor", None),))
T = TypeVar("T")
WAITS = NotFit.exit_code


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


def with_acceptance(state: State, work: Callable[[], T]) -> T:
    """Does it; where a load waits, before it or because of it, that is accepted and it is done again."""
    while True:
        waits = loads.waiting(state.operations)
        if waits is not None:
            accept(state, waits.number)
        try:
            return work()
        except NotFit as error:
            if error.code != "load_waiting":
                raise


def approver_with_code(state: Path, command: str) -> str:
    """A code for a command, drawn by an invented data scientist, who is entered behind an administrator if nobody is yet."""
    opened = open_state(state)
    try:
        if opened.users.before_first():
            operator = Actor("operator", "Operator", (("operator", None),))
            for account, role in (("administrator", "administrator"), ("approver", "data_scientist")):
                accounts.enter(opened, operator, account, account.title(), role, None, os_account=None, oidc_subject=None)
        event = Event("approver", "data_scientist", "administration", "code_drawn", detail={"command": command})
        with opened.operations.writing(event) as tx:
            return codes.draw(tx, "approver", command)
    finally:
        opened.close()
