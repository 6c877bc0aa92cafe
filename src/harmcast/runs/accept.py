"""A load that waits: accepted by a named person with a reason, or dropped. With the first acceptance the cuts are taken.

Accepting is one transaction: the load's parts count, new people get their keys, the cuts of the bands are kept. Killed
before it, the load waits on; after it, everything stands.
"""

from __future__ import annotations

from datetime import date, datetime

import polars as pl

from harmcast.documents.command_result import CommandResult
from harmcast.documents.plain import PlainRecord
from harmcast.errors import AccessDenied, NotFit, SettingsRefused
from harmcast.oversight.log import Event
from harmcast.progress import Progress, quiet
from harmcast.runs import closing, people
from harmcast.runs import load as loading
from harmcast.settings import PeopleTool
from harmcast.store import cuts as kept_cuts
from harmcast.store import loads
from harmcast.store.cuts import Cuts
from harmcast.store.loads import Load
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.tables import CHARGES, PERSONS

SET_UP = "set-up"


def accept_load(
    state: State, number: int, actor: Actor, reason: str, *, second: bool = False, progress: Progress = quiet
) -> CommandResult:
    """Lets the load that waits count; where two people are needed, the first leaves it waiting for the second.

    Raises: NotFit (`load_not_waiting`, `reason_needed`, `first_person_missing`); AccessDenied without the role, or for one
        person twice; SettingsRefused for a harm index that cannot be read.
    """
    with state.run_lock("accept", actor.account):
        load = _waiting(state, number, reason)
        role = _role(state, load, actor, second)
        if load.needs > 1 and load.first_by is None and role != "operator":
            event = Event(actor.account, role, "collection", "load_accepted_by_first", purpose=reason, object=f"load:{number}")
            with state.operations.writing(event) as tx:
                loads.look_first(tx, load, actor.account, reason)
            lines = [f"Load {number} is accepted by the first of two people and waits for a supervisor: harmcast accept STATE --load {number} --second."]
            return CommandResult({"load": number, "waiting": True}, lines)
        progress("Taking the cuts of the bands", 0.1)
        cuts, not_taken = first_cuts(state, load, actor)
        people_named = _people_of(state, load)
        event = Event(actor.account, role, "collection", "load_accepted", purpose=reason, object=f"load:{number}")
        if role == "operator":
            event = event.with_detail(by=SET_UP)
        with state.operations.writing(event) as tx:
            tx.says(cuts=len(cuts), cuts_not_taken=bool(not_taken), held=sum(effect.verdict == "hold" for effect in load.effects))
            loads.accept(tx, load, actor.account, reason)
            loading.let_count(state, tx, people_named, load.left_source, datetime.fromisoformat(str(load.made_at)))
            for tool, one, percentiles in cuts:
                kept_cuts.enter(tx, tool, one, percentiles, actor.account)
        progress("Closing the opening table", 0.5)
        opened = closing.close_opening(state, datetime.fromisoformat(str(load.made_at)).date(), actor)
    lines = [f"Load {number} counts from now on."]
    lines += [f"Cuts of {tool}: {', '.join(f'{value:g}' for value in one.values)} {one.harm_unit}." for tool, one, _ in cuts]
    lines += [not_taken] if not_taken else []
    lines += opened
    return CommandResult({"load": number, "waiting": False, "cuts": [list(one.values) for _, one, _ in cuts]}, lines)


def reject_load(state: State, number: int, actor: Actor, reason: str) -> CommandResult:
    """Drops the load that waits; what of it protects people stays. Raises: NotFit; AccessDenied without the role."""
    with state.run_lock("reject", actor.account):
        load = _waiting(state, number, reason)
        role = "operator" if state.users.before_first() else actor.acting("data_scientist", "supervisor")
        event = Event(actor.account, role, "collection", "load_rejected", purpose=reason, object=f"load:{number}")
        with state.operations.writing(event) as tx:
            loads.reject(tx, load, actor.account, reason)
    return CommandResult({"load": number, "rejected": True}, [f"Load {number} is dropped. Name its delivery again once it is mended."])


def _waiting(state: State, number: int, reason: str) -> Load:
    load = loads.waiting(state.operations)
    if load is None or load.number != number:
        said = "No load waits." if load is None else f"Load {load.number} waits, not load {number}."
        raise NotFit(said, code="load_not_waiting", next_step="`harmcast effects STATE` names the load that waits.")
    if not reason.strip():
        raise NotFit("No reason is given.", code="reason_needed", next_step="Say in words what was compared, with --reason.")
    return load


def _role(state: State, load: Load, actor: Actor, second: bool) -> str:
    """In which role the actor accepts. Raises AccessDenied, NotFit (`first_person_missing`, `second_not_needed`)."""
    if state.users.before_first():
        return "operator"
    if not second:
        role = actor.acting("data_scientist")
        if load.needs > 1 and load.first_by is not None:
            raise NotFit(
                "This load was accepted by the first of two people already.",
                code="second_person_needed",
                next_step=f"A supervisor accepts it with harmcast accept STATE --load {load.number} --reason TEXT --second.",
            )
        return role
    if load.needs < 2:
        raise NotFit("One person is enough for this load.", code="second_not_needed", next_step="Leave out --second.")
    role = actor.acting("supervisor")
    if load.first_by is None:
        raise NotFit("No data scientist has accepted this load yet.", code="first_person_missing", next_step="They go first, without --second.")
    if load.first_by == actor.account:
        raise AccessDenied(
            "The person who accepted first cannot be the second too.",
            code="second_person_needed",
            next_step="Ask a supervisor who is somebody else.",
        )
    return role


def _people_of(state: State, load: Load) -> pl.DataFrame | None:
    """References of the people that the load brings."""
    records = state.if_accepted().records
    parts = [part for part in records.parts(PERSONS.name) if part.sequence == load.sequence]
    return records.versions(PERSONS.name, columns=["person_ref"], parts=parts) if parts else None


# -- cuts ----------------------------------------------------------------------------------------

Taken = list[tuple[str, Cuts, list[float] | None]]


def first_cuts(state: State, load: Load, actor: Actor) -> tuple[Taken, str]:
    """Cuts of the bands for each harm index that has none yet, as if the load were accepted; and why not, where they cannot be taken.

    A load may count without them (it holds no charges yet, or too few): no week scores anybody until they are taken.
    """
    tool = state.settings.people_tool
    seen = state.if_accepted()
    if tool is None or load.sequence is None or not seen.records.parts(CHARGES.name):
        return [], ""
    day = datetime.fromisoformat(str(load.made_at)).date()
    try:
        return _taken(seen, tool, day, load.sequence, actor, again=False), ""
    except SettingsRefused as error:
        if error.code != "cuts_not_taken":
            raise
        return [], str(error)


def retake_cuts(state: State, actor: Actor, as_of: date, reason: str) -> CommandResult:
    """Takes the cuts of the bands again, of what counts at the end of `as_of`, by the settings as they are now.

    Raises: AccessDenied without the role; NotFit (`reason_needed`); SettingsRefused where they cannot be taken.
    """
    tool = state.settings.people_tool
    if tool is None:
        raise SettingsRefused("No tool is about people, so there are no bands.", code="tool_not_people")
    if not reason.strip():
        raise NotFit("No reason is given.", code="reason_needed", next_step="Say why the bands are cut anew, with --reason.")
    with state.run_lock("cuts", actor.account):
        role = "operator" if state.users.before_first() else actor.acting("data_scientist")
        taken = _taken(state, tool, as_of, state.records.latest(), actor, again=True)
        event = Event(actor.account, role, "administration", "cuts_taken_again", purpose=reason, object=f"tool:{tool.name}")
        with state.operations.writing(event) as tx:
            for name, one, percentiles in taken:
                kept_cuts.enter(tx, name, one, percentiles, actor.account)
    document: PlainRecord = {"tool": tool.name, "cuts": [{"values": list(one.values), "harm_unit": one.harm_unit, "reference_date": one.reference_date.isoformat()} for _, one, _ in taken]}
    return CommandResult(document, [f"Cuts of {name} from the next week on: {', '.join(f'{value:g}' for value in one.values)} {one.harm_unit}." for name, one, _ in taken])


def _taken(state: State, tool: PeopleTool, as_of: date, sequence: int, actor: Actor, *, again: bool) -> Taken:
    known = people.known_people(state, sequence)
    wanted = state.settings.bands
    found: Taken = []
    for index, digest in people.indices_of(state, tool):
        if again or kept_cuts.frozen(state.operations, tool.name, digest) is None:
            one = people.taken_cuts(state, tool, index, digest, known, as_of, sequence, actor)
            found.append((tool.name, one, None if wanted.cuts is not None else wanted.percentiles))
    return found
