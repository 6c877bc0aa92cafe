"""Releases: draft, held, reviewed, published, withdrawn; who moved each, and why. Two people let one out."""

from __future__ import annotations

import re
import threading
from typing import Any

from starlette.responses import Response

from harmcast.errors import AccessDenied, NotFit, RunStopped
from harmcast.operate import reload
from harmcast.oversight.access import Action
from harmcast.runs import release_moves
from harmcast.store.users import Actor
from harmcast.web import released
from harmcast.web.forms import Form
from harmcast.web.guard import Here, Pages, Visit, not_found
from harmcast.web.shell import go, page

pages = Pages()
SHOWN = 12
NAME = re.compile(r"^[A-Za-z0-9_-]{1,80}$")
SAVED = {
    "moved": "The release is moved on.",
    "withdrawn": "The release is withdrawn.",
    "approved": "The model is approved.",
}


@pages.get("/releases", Action.RELEASE, view="releases_viewed")
def releases_page(visit: Here, saved: str = "") -> Response:
    """The newest weeks with each tool's standing, reasons and moves; models that wait for approval."""
    return _shown(visit, Form({}), notice=SAVED.get(saved))


def _shown(visit: Visit, form: Form, status: int = 200, **values: Any) -> Response:
    weeks: dict[str, list[dict[str, Any]]] = {}
    for tool in visit.settings.tools:
        for release in visit.state.releases.history(tool.name, None)[-SHOWN:]:
            found = {
                "release": release,
                "title": tool.title or tool.name,
                "moves": [
                    {**m, "at": released.local(m["at"], visit.settings.force.timezone)}
                    for m in visit.state.releases.moves(release)
                ],
            }
            weeks.setdefault(release.name, []).append(found)
    models = [
        m for tool in visit.settings.tools for m in visit.state.models.all(tool.name) if m.standing == "candidate"
    ]
    names = sorted(weeks, reverse=True)[:SHOWN]
    return page(
        visit,
        "releases",
        status,
        title="Releases",
        weeks=[
            (name, weeks[name], any(f["release"].standing in ("draft", "held", "reviewed") for f in weeks[name]))
            for name in names
        ],
        models=models,
        form=form,
        errors=form.errors,
        second=visit.settings.release.second_person,
        local=lambda at: released.local(at, visit.settings.force.timezone),
        **values,
    )


def _actor(visit: Visit) -> Actor:
    return Actor(visit.user.account, visit.user.name, ((visit.role.value, visit.user.unit),))


@pages.post("/releases/{name}/publish", Action.RELEASE)
def publish(visit: Here, name: str) -> Response:
    """Moves a release or a candidate model on by one step."""
    return _move(visit, name, withdraw=False)


@pages.post("/releases/{name}/withdraw", Action.RELEASE)
def withdraw(visit: Here, name: str) -> Response:
    """Takes a release back."""
    return _move(visit, name, withdraw=True)


def _move(visit: Visit, name: str, withdraw: bool) -> Response:
    if not NAME.match(name):
        raise not_found("There is no release of that name.")
    form = Form(visit.form)
    field = f"reason-{name}"
    reason = form.words(
        field, "Say why you take it back" if withdraw else "Say what you looked at, and why it may go out", 500
    )
    if form.errors:
        return _shown(visit, form, 400)
    try:
        if withdraw:
            release_moves.withdraw_release(visit.state, name, _actor(visit), reason)
        else:
            moved = release_moves.publish_release(visit.state, name, _actor(visit), reason, visit.today).document["moved"]
            is_out = isinstance(moved, dict) and "published" in moved.values()
            after = (visit.state, visit.user.account, visit.role.value, is_out)
            threading.Thread(target=reload.after_release, args=after, name="qlik", daemon=True).start()
    except (AccessDenied, NotFit, RunStopped) as error:
        form.fault(field, f"{error.message} {error.next_step}".strip())
        return _shown(visit, form, 409)
    return go(f"/releases?saved={'withdrawn' if withdraw else 'moved'}")
