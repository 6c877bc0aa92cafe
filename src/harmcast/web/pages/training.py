"""Training: the method in plain words, who trains and how to reach them, what is recorded for the reader, the force's own recording.

Whoever manages accounts also sees how far everybody is, which questions of the tour are missed most, and enters the recording.
"""

from __future__ import annotations

from starlette.responses import Response

from harmcast.oversight.access import Action
from harmcast.store.reads import training as trainings
from harmcast.web.forms import FIRST_DAY
from harmcast.web.guard import Here, Pages, not_found
from harmcast.web.shell import go, page

pages = Pages()
SAVED = {"material": "The recording or material is saved."}
MATERIAL = "training_material"


@pages.get("/training", Action.TAKE_TRAINING, view="training_viewed")
def training(visit: Here) -> Response:
    """The tools, whether the reader is trained on each, and the recording and material that the register names."""
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
        progress=trainings.progress(visit.state, visit.today) if arranges else [],
        notice=visit.saved(SAVED),
    )


@pages.post("/training/{tool}/material", Action.MANAGE_USERS)
def enter_material(visit: Here, tool: str) -> Response:
    """Enters the force's own recording or other material in the register: what it is, where it lies, whose it is, of when."""
    if tool not in {t.name for t in visit.settings.tools}:
        raise not_found("There is no such tool.")
    form = visit.fields
    title = form.words(f"{tool}-title", "Say what it is", 200)
    where = form.words(f"{tool}-where", "Say where it is kept", 200)
    by = form.words(f"{tool}-by", "Say who speaks in it, or who made it", 200)
    made = form.day(f"{tool}-made", "Enter the date it was made", first=FIRST_DAY, last=visit.today)
    if form.errors or made is None:
        return training(visit)
    entry = {"tool": tool, "kind": MATERIAL, "title": title, "outcome": "approved", "dated": made, "by_whom": by,
             "document_ref": where, "conditions": None, "review_by": None}  # fmt: skip
    visit.state.register.enter(entry, visit.event("administration", "training_material_entered", about=f"tool:{tool}"))
    return go("/training?saved=material")
