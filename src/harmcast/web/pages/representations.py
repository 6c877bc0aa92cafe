"""Objections, complaints and data errors: received, looked at, outcome, rescored; each step by someone, on a date."""

from __future__ import annotations

from starlette.responses import Response

from harmcast.oversight.access import Action
from harmcast.store import keys, representations
from harmcast.web import homes, open_work
from harmcast.web.forms import FIRST_DAY
from harmcast.web.guard import Here, Number, Pages, not_found
from harmcast.web.shell import go, page

pages = Pages()
SAVED = {"received": "The representation is recorded.", "step": "The step is saved."}


@pages.get("/representations", Action.VIEW_RETENTION, view=None)
def listed(visit: Here) -> Response:
    """Every representation, the open ones first, and a form for one that came in."""
    found = representations.everything(visit.operations)
    event = visit.event(
        "consultation", "representations_viewed", shown=sorted({r.person_key for r in found if r.person_key})
    )
    visit.looked(event)
    return page(
        visit,
        "representations",
        title="Objections and data errors",
        found=sorted(found, key=lambda r: not r.is_open),
        kinds=representations.KINDS,
        channels={k: v for k, v in representations.CHANNELS.items() if k != "unit"},
        steps=representations.STEPS,
        outcomes=representations.OUTCOMES,
        work={item.number: item for item in open_work.seen(visit) if item.kind in representations.KINDS},
        days_left=lambda item: homes.days_left(item, visit.today),
        notice=visit.saved(SAVED),
    )


@pages.post("/representations", Action.VIEW_RETENTION)
def receive(visit: Here) -> Response:
    """Records what came in about a person, found by the force's reference."""
    form = visit.fields
    kind = form.choice("kind", representations.KINDS, "Choose the kind")
    channel = form.choice("channel", representations.CHANNELS, "Choose how it came")
    received = form.day("received", "Enter the date it came", first=FIRST_DAY, last=visit.today)
    reference = form.words("reference", "Enter the person's reference", 100)
    words = form.words("words", "Say what it is about")
    key = keys.key_of(visit.operations, reference) if reference else None
    if reference and key is None:
        form.fault("reference", "Nobody of this reference is held")
    if form.errors or key is None or received is None:
        return listed(visit)
    tool = visit.settings.people_tool
    event = visit.event("alteration", "representation_received", subject=key, received=kind)
    with visit.writing(event) as tx:
        representations.receive(
            tx, key, tool.name if tool else "", kind, received, channel, words, visit.user.account, visit.role.value
        )
    return go("/representations?saved=received")


@pages.post("/representations/{number}/steps", Action.VIEW_RETENTION, "representation:{number}")
def step(visit: Here, number: Number) -> Response:
    """Records a step: looked at, outcome, rescored."""
    found = representations.find(visit.operations, number)
    if found is None or found.person_key is None:
        raise not_found("There is no such representation.")
    form = visit.fields
    name = form.choice(f"step-{number}", representations.STEPS, "Choose the step")
    outcome = (
        form.choice(f"outcome-{number}", representations.OUTCOMES, "Choose the outcome") if name == "outcome" else None
    )
    words = form.words(f"words-{number}", "Say what you found" if name == "outcome" else None)
    newest = visit.newest_of_people
    if name == "rescored" and newest is None:
        form.fault(f"step-{number}", "No release is published yet")
    if form.errors:
        return listed(visit)
    week = newest.week if name == "rescored" and newest else None
    event = visit.event(
        "alteration", "representation_step", subject=found.person_key, about=f"representation:{number}", step=name
    )
    with visit.writing(event) as tx:
        representations.add_step(
            tx, number, found.person_key, name, outcome, week, words, visit.user.account, visit.role.value
        )
    return go("/representations?saved=step")
