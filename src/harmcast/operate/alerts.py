"""Somebody is told: a command that gets JSON on its standard input, an address inside the force that gets it posted.

An alert says which week, which tools, which named error and what to do next; never a record's value, never a person.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Literal

from harmcast.documents.plain import PlainRecord
from harmcast.errors import HarmcastError
from harmcast.store.state import State

Kind = Literal["week_held", "week_failed", "feed_refused", "no_delivery", "load_waits", "delivery_late"]
SECONDS = 30
NEXT = {
    "week_held": "Two people look at what holds it: harmcast findings STATE.",
    "delivery_late": "Ask the force's data team for the delivery.",
}


def document(
    state: State, kind: Kind, week: str, words: str = "", tools: dict[str, list[str]] | None = None, error: HarmcastError | None = None
) -> PlainRecord:
    """What is sent."""
    return {
        "kind": kind,
        "force": state.settings.force.name,
        "week": week,
        "at": state.operations.now(),
        "tools": tools or {},
        "code": error.code if error else None,
        "message": error.message if error else words,
        "who_acts": error.who_acts if error else None,
        "next_step": (error.next_step if error else NEXT.get(kind)) or "See the runbook.",
    }


def send(
    state: State,
    kind: Kind,
    week: str,
    *,
    words: str = "",
    tools: dict[str, list[str]] | None = None,
    error: HarmcastError | None = None,
    tell: Callable[..., None],
) -> list[str]:
    """Sends it by every way the settings name; gives the ways that failed, each told to `tell`. Never raises."""
    text = json.dumps(document(state, kind, week, words, tools, error), ensure_ascii=False)
    ways: list[tuple[str, Callable[[str], None]]] = []
    if state.settings.alerts.command:
        ways.append(("command", lambda given: _run(state.settings.alerts.command, given)))
    if state.settings.alerts.webhook:
        ways.append(("webhook", lambda given: _post(str(state.settings.alerts.webhook), given)))
    failed = []
    for way, hand_over in ways:
        try:
            hand_over(text)
            tell(state, "alert_sent", kind=kind, way=way, week=week)
        except (OSError, subprocess.SubprocessError, ValueError) as problem:
            failed.append(way)
            tell(state, "alert_failed", level="error", kind=kind, way=way, week=week, problem=type(problem).__name__)
    return failed


def _run(command: list[str], text: str) -> None:
    subprocess.run(command, input=text.encode(), check=True, timeout=SECONDS, capture_output=True)


def _post(address: str, text: str) -> None:
    import httpx

    try:
        httpx.post(address, content=text.encode(), headers={"content-type": "application/json"}, timeout=SECONDS, trust_env=False).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as problem:
        raise OSError(type(problem).__name__) from None
