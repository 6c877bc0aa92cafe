"""Training: the method in plain words, who trains and how to reach them, what is recorded for the reader, the force's own recording.

Whoever manages accounts also sees how far everybody is, which questions of the tour are missed most, and enters the recording.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, TypedDict

from starlette.responses import Response

from harmcast.oversight.access import Action
from harmcast.oversight.register import Tool
from harmcast.store.reads import training as trainings
from harmcast.store.users import TOUR
from harmcast.web.forms import FIRST_DAY, Form
from harmcast.web.guard import Here, Pages, Visit, not_found
from harmcast.web.shell import go, page
from harmcast.words import tour_questions

pages = Pages()
MATERIAL = "training_material"


@pages.get("/training", Action.TAKE_TRAINING, view="training_viewed")
def training(visit: Here, saved: str = "") -> Response:
    """The tools, whether the reader is trained on each, and the recording and material that the register names."""
    return _shown(visit, Form({}), notice="The recording or material is saved." if saved else None)


def _shown(visit: Visit, form: Form, **values: Any) -> Response:
    records = visit.state.users.trainings_of(visit.user.account)
    entries = [e for e in visit.state.register.entries(visit.today) if e.kind == MATERIAL and e.made]
    names = [tool.name for tool in visit.settings.tools]
    arranges = visit.may(Action.MANAGE_USERS)
    return page(
        visit,
        "training",
        title="Training",
        tools=visit.state.register.tools(visit.today),
        records={name: [r for r in records if r["tool"] == name] for name in names},
        material={name: sorted((e for e in entries if e.tool == name), key=lambda e: e.dated, reverse=True) for name in names},
        arranges=arranges,
        progress=_progress(visit) if arranges else [],
        form=form,
        **values,
    )


class Progress(TypedDict):
    """A tool's training: active accounts, trained, passed the tour, tries; `missed`: the question missed most and how often."""

    tool: Tool
    people: int
    trained: int
    passed: int
    tries: int
    missed: tuple[str, int] | None


def _progress(visit: Visit) -> list[Progress]:
    """By tool: active accounts, those trained on it, those who passed the tour, tries, and the question missed most."""
    active = {user.account for user in visit.state.users.everyone() if user.is_active}
    tries = list(trainings.tour_tries(visit.operations))
    found: list[Progress] = []
    for tool in visit.state.register.tools(visit.today):
        given = [each for each in trainings.given(visit.operations, tool.name) if each.account in active]
        tried = [each for each in tries if each.tool == tool.name]
        missed = Counter(name for each in tried for name in each.missed)
        texts = {q.name: q.text for q in tour_questions.questions(tool.kind)}
        often = [(texts[name], n) for name, n in sorted(missed.items(), key=lambda i: (-i[1], i[0])) if name in texts]
        found.append(
            {
                "tool": tool,
                "people": len(active),
                "trained": len({each.account for each in given if each.kind != TOUR}),
                "passed": len({each.account for each in given if each.kind == TOUR}),
                "tries": len(tried),
                "missed": often[0] if often else None,
            }
        )
    return found


@pages.post("/training/{tool}/material", Action.MANAGE_USERS)
def enter_material(visit: Here, tool: str) -> Response:
    """Enters the force's own recording or other material in the register: what it is, where it lies, whose it is, of when."""
    if tool not in {t.name for t in visit.settings.tools}:
        raise not_found("There is no such tool.")
    form = Form(visit.form)
    title = form.words(f"{tool}-title", "Say what it is", 200)
    where = form.words(f"{tool}-where", "Say where it is kept", 200)
    by = form.words(f"{tool}-by", "Say who speaks in it, or who made it", 200)
    made = form.day(f"{tool}-made", "Enter the date it was made", first=FIRST_DAY, last=visit.today)
    if form.errors or made is None:
        return _shown(visit, form)
    entry = {"tool": tool, "kind": MATERIAL, "title": title, "outcome": "approved", "dated": made, "by_whom": by,
             "document_ref": where, "conditions": None, "review_by": None}  # fmt: skip
    visit.state.register.enter(entry, visit.event("administration", "training_material_entered", about=f"tool:{tool}"))
    return go("/training?saved=material")
