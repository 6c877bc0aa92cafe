"""The commands about a load that waits: its effects, accepting it, dropping it; and the cuts that hang on it."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from harmcast.commands.base import (
    AsOf,
    Code,
    Reason,
    SecondCode,
    StateFolder,
    actor,
    and_copies,
    app,
    command,
    day,
    opened,
)
from harmcast.documents.command_result import CommandResult
from harmcast.progress import shown

Number = Annotated[int, Parameter(name="--load", help="Number of the load, as `load` and `status` print it.")]


@command(app)
def effects(
    state: StateFolder,
    *,
    load: Annotated[int | None, Parameter(name="--load", help="Number of the load; default the one that waits, else the newest.")] = None,
) -> CommandResult:
    """What a load does to the meaning of what is held: each check, beside the load before."""
    from harmcast.runs.effects import effects_of_load

    return effects_of_load(opened(state), load)


@command(app)
def accept(
    state: StateFolder,
    *,
    load: Number,
    reason: Reason,
    second: Annotated[bool, Parameter(negative="", help="As the second of two people, where two are needed.")] = False,
    code: Code = None,
) -> CommandResult:
    """Let a waiting load count, having compared it with the force's own figures; the cuts of the bands are taken with the first."""
    from harmcast.runs.accept import accept_load

    opened_state = opened(state)
    who = actor(opened_state, code)
    with shown() as progress:
        said = accept_load(opened_state, load, who, reason, second=second, progress=progress)
    return CommandResult(said.document, and_copies(opened_state, who, said.lines))


@command(app)
def reject(state: StateFolder, *, load: Number, reason: Reason, code: Code = None) -> CommandResult:
    """Drop a waiting load; its delivery can be loaded again once it is mended."""
    from harmcast.runs.accept import reject_load

    opened_state = opened(state)
    who = actor(opened_state, code)
    said = reject_load(opened_state, load, who, reason)
    return CommandResult(said.document, and_copies(opened_state, who, said.lines))


@command(app)
def cuts(state: StateFolder, *, reason: Reason, as_of: AsOf = None, code: Code = None, second_code: SecondCode = None) -> CommandResult:
    """Take the cuts of the bands again, by the settings as they are now; people move between bands for that alone."""
    from harmcast.runs.accept import retake_cuts

    opened_state = opened(state)
    return retake_cuts(opened_state, actor(opened_state, code, second_code), day(as_of), reason)
