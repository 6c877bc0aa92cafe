"""Releases: draft, held, reviewed, published, withdrawn; who moved each, and why. Two people let one out."""

from __future__ import annotations

import re
import threading
from datetime import date, timedelta
from typing import Any

from starlette.responses import Response

from harmcast.errors import AccessDenied, NotFit, RunStopped
from harmcast.operate import qlik, shared_map
from harmcast.oversight import release_rules
from harmcast.oversight.access import Action
from harmcast.runs import lift, release_moves
from harmcast.store.lifts import KeptLift
from harmcast.store.releases import Release
from harmcast.store.users import Actor
from harmcast.web import released
from harmcast.web.forms import Form
from harmcast.web.guard import Here, Pages, Visit, not_found
from harmcast.web.shell import go, page

pages = Pages()
SHOWN = 12
WAITING = ("draft", "held", "reviewed")
LAST_DAY = date(2100, 1, 1)
NAME = re.compile(r"^[A-Za-z0-9_-]{1,80}$")
SAVED = {
    "moved": "The release is moved on.",
    "withdrawn": "The release is withdrawn.",
    "approved": "The model is approved.",
    "proposed": "Your half is saved. The finding is lifted once a second person agrees.",
    "lifted": "The finding is lifted.",
    "ended": "The finding is open again.",
}


@pages.get("/releases", Action.VIEW_RELEASES, view="releases_viewed")
def releases_page(visit: Here, saved: str = "") -> Response:
    """The newest weeks with each tool's standing, reasons and moves; models that wait for approval."""
    return _shown(visit, Form({}), notice=SAVED.get(saved))


def _shown(visit: Visit, form: Form, status: int = 200, **values: Any) -> Response:
    weeks: dict[str, list[dict[str, Any]]] = {}
    lifts = visit.state.lifts.all()
    for tool in visit.settings.tools:
        for release in visit.state.releases.history(tool.name, None)[-SHOWN:]:
            found = {
                "release": release,
                "title": tool.title or tool.name,
                "findings": _findings(visit, release, lifts),
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
            (name, weeks[name], any(f["release"].standing in WAITING for f in weeks[name]))
            for name in names
        ],
        models=models,
        form=form,
        errors=form.errors,
        second=visit.settings.release.second_person,
        may_release=visit.may(Action.RELEASE),
        local=lambda at: released.local(at, visit.settings.force.timezone),
        **values,
    )


def _findings(visit: Visit, release: Release, lifts: list[KeptLift]) -> list[dict[str, Any]]:
    """What was found about a release: how each finding stands today, and what this visitor may do about it."""
    makers, found = visit.state.releases.makers(release), []
    for finding in release.findings:
        rule = release_rules.rule_of(finding.kind)
        own = [held for held in lifts if held.finding == finding.id]
        standing = [held for held in own if release_rules.is_lifted(finding, held, visit.today, makers)]
        waiting = lift.proposed(own, finding, visit.today)
        me = visit.user.account
        may_propose = visit.role in rule.first and waiting is None and not standing
        may_agree = visit.role in rule.second and waiting is not None and waiting.first != me and not standing
        found.append(
            {
                "finding": finding,
                "standing": standing[-1] if standing else None,
                "waiting": waiting,
                "who": f"{lift.names(rule.first)}, then {lift.names(rule.second)}" if rule.can_be_lifted else "",
                "last": visit.today + timedelta(days=rule.days),
                "can": "" if release.standing not in WAITING or me in makers else "propose" if may_propose else "agree" if may_agree else "",
            }
        )
    return found


@pages.post("/releases/{name}/findings/{finding}", Action.LIFT_FINDING)
def lift_one(visit: Here, name: str, finding: str) -> Response:
    """One person's half of lifting a finding, or (`end`) the end of its lift."""
    if not NAME.match(name) or not NAME.match(finding):
        raise not_found("There is no finding of that name.")
    form, field = Form(visit.form), f"lift-{name}-{finding}"
    reason = form.words(field, "Say why, as somebody will read it who was not there", 500)
    has_day = any(form.value(f"{field}-until-{part}").strip() for part in ("day", "month", "year"))
    until = form.day(f"{field}-until", "Enter the last day it is lifted", first=visit.today, last=LAST_DAY) if has_day else None
    if form.errors:
        return _shown(visit, form, 400)
    try:
        if form.value("end"):
            lift.end_lift(visit.state, finding, _actor(visit), reason, visit.today)
            return go("/releases?saved=ended")
        done = lift.lift_finding(visit.state, name, finding, _actor(visit), reason, until, visit.today)
    except (AccessDenied, NotFit, RunStopped) as error:
        form.fault(field, f"{error.message} {error.next_step}".strip())
        return _shown(visit, form, 409)
    return go(f"/releases?saved={'lifted' if done.document['lifted'] else 'proposed'}")


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
            release_moves.publish_release(visit.state, name, _actor(visit), reason, visit.today)
        who = (visit.state, visit.user.account, visit.role.value)
        threading.Thread(target=qlik.refresh_and_reload, args=who, name="qlik", daemon=True).start()
        shared_map.refresh(visit.state, visit.user.account, visit.role.value)
    except (AccessDenied, NotFit, RunStopped) as error:
        form.fault(field, f"{error.message} {error.next_step}".strip())
        return _shown(visit, form, 409)
    return go(f"/releases?saved={'withdrawn' if withdraw else 'moved'}")
