"""The guided tour of a tool on invented figures, a step at a time, with questions at the end; passing them is recorded."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from harmcast.charts import people as people_charts
from harmcast.oversight.access import Action
from harmcast.store.users import TOUR
from harmcast.web.guard import Here, Pages, Visit, not_found
from harmcast.web.shell import page
from harmcast.words import people as people_words
from harmcast.words import tour_questions, tour_steps
from harmcast.words.tools import tool_title

pages = Pages()
CUTS = [6.0, 14.0, 257.0, 392.0]
HARM = 172.9
MINUTES = 20
NARROW = 300
WHOLE = "all"


@pages.get("/training/{tool}/tour", Action.TAKE_TRAINING, view="tour_viewed")
def tour(visit: Here, tool: str, step: str = "1") -> Response:
    """One step: a part of the page on an invented example, what it means, something to think about; after the last the questions."""
    chosen = _tool(visit, tool)
    last = len(tour_steps.steps(chosen.kind))
    if step == WHOLE:
        return _shown(visit, chosen, whole=True)
    number = int(step) if step.isascii() and step.isdigit() and len(step) < 4 else 1
    return _shown(visit, chosen, step=number if 1 <= number <= last else None)


def _tool(visit: Visit, name: str) -> Any:
    for tool in visit.settings.tools:
        if tool.name == name:
            return tool
    raise not_found("There is no such tool.")


def _shown(visit: Visit, tool: Any, **values: Any) -> Response:
    title = tool_title(tool)
    return page(
        visit,
        "tour",
        title=f"Guided tour: {title}",
        tool=tool,
        tool_title=title,
        questions=tour_questions.questions(tool.kind),
        steps=tour_steps.steps(tool.kind),
        minutes=MINUTES,
        gives_training=visit.may(Action.MANAGE_USERS) or visit.may(Action.SIGN_OFF),
        scale=people_charts.band_scale(HARM, "high-medium", CUTS, "days") if tool.kind == "people" else None,
        scale_narrow=people_charts.band_scale(HARM, "high-medium", CUTS, "days", NARROW) if tool.kind == "people" else None,
        edges=people_words.band_edges(CUTS, "days"),
        gaps=people_words.GENERAL_GAPS,
        **{"answered": None, "passed": False, "step": None, "whole": False, **values},
    )


@pages.post("/training/{tool}/tour", Action.TAKE_TRAINING)
def answer(visit: Here, tool: str) -> Response:
    """Marks the answers, says why each is right, and records a pass."""
    chosen, form = _tool(visit, tool), visit.fields
    asked = tour_questions.questions(chosen.kind)
    given = {q.name: form.choice(q.name, q.answers, f"Answer the question: {q.text}") for q in asked}
    if form.errors:
        return _shown(visit, chosen)
    right = sum(given[q.name] == q.right for q in asked)
    passed = tour_questions.is_passed(right, len(asked))
    missed = [q.name for q in asked if given[q.name] != q.right]
    event = visit.event(
        "administration", "tour_answered", about=f"tool:{tool}", right=right, asked=len(asked), passed=passed, missed=missed
    )
    if passed:
        visit.state.users.record_training(
            visit.user.account, tool, TOUR, visit.today, event, right=right, asked=len(asked)
        )
    else:
        visit.looked(event)
    return _shown(visit, chosen, answered=given, right=right, passed=passed)
