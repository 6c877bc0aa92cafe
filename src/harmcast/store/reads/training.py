"""Who was trained: by tool and kind, by whom; and what the tries of the guided tour got wrong."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from typing import TypedDict

import sqlalchemy as sa

from harmcast.oversight.register import Tool
from harmcast.store import schema
from harmcast.store.state import State
from harmcast.store.users import TOUR
from harmcast.words import tour_questions


class Progress(TypedDict):
    """A tool's training: active accounts, trained, passed the tour, tries; `missed`: the question missed most and how often."""

    tool: Tool
    people: int
    trained: int
    passed: int
    tries: int
    missed: tuple[str, int] | None


def progress(state: State, today: date) -> list[Progress]:
    """By tool: active accounts, those trained on it, those who passed the tour, tries, and the question missed most."""
    active = {user.account for user in state.users.everyone() if user.is_active}
    training, events = schema.training, schema.events
    given = state.operations.rows(sa.select(training.c.account, training.c.tool, training.c.kind).where(training.c.account.in_(sorted(active))))
    tries = state.operations.rows(sa.select(events.c.object, events.c.detail).where(events.c.action == "tour_answered"))
    found: list[Progress] = []
    for tool in state.register.tools(today):
        own = [each for each in given if each["tool"] == tool.name]
        tried = [json.loads(each["detail"]) for each in tries if each["object"] == f"tool:{tool.name}"]
        missed = Counter(name for each in tried for name in each.get("missed", ()))
        texts = {q.name: q.text for q in tour_questions.questions(tool.kind)}
        often = [(texts[name], n) for name, n in sorted(missed.items(), key=lambda i: (-i[1], i[0])) if name in texts]
        found.append(
            {
                "tool": tool,
                "people": len(active),
                "trained": len({each["account"] for each in own if each["kind"] != TOUR}),
                "passed": len({each["account"] for each in own if each["kind"] == TOUR}),
                "tries": len(tried),
                "missed": often[0] if often else None,
            }
        )
    return found
