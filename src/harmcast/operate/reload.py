"""After a release came out Qlik is asked to reload, where the settings say so; asked or not, it stands in the log."""

from __future__ import annotations

from harmcast.errors import HarmcastError
from harmcast.oversight.log import Event
from harmcast.publish import qlik_reload
from harmcast.store.state import State


def reload_qlik(state: State, actor: str, role: str) -> str:
    """Asks for the reload and gives the id of its run in Qlik. Raises what `qlik_reload.start` raises; both are events."""
    try:
        session = qlik_reload.start(state.settings.qlik)
    except HarmcastError as error:
        state.operations.record(Event(actor, role, "disclosure", "qlik_not_reloaded", object="qlik", detail={"code": error.code}))
        raise
    state.operations.record(Event(actor, role, "disclosure", "qlik_reload_started", object="qlik", detail={"session": session}))
    return session


def after_release(state: State, actor: str, role: str, is_out: bool) -> list[str]:
    """What is said about Qlik after a release moved: nothing where nothing is out or nobody is to be asked."""
    if not is_out or state.settings.qlik.reload_server is None:
        return []
    try:
        reload_qlik(state, actor, role)
    except HarmcastError as error:
        return [f"Qlik was not reloaded ({error.code}): {error.message} {error.next_step}".strip()]
    return ["Qlik reloads."]
