"""Releases: draft, held, reviewed, published, withdrawn; who moved each, and why. Two people let one out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, TypedDict

from starlette.responses import Response

from harmcast.errors import AccessDenied, NotFit, RunStopped
from harmcast.oversight import register, release_rules
from harmcast.oversight.access import Action, Role
from harmcast.oversight.findings import Finding
from harmcast.runs import lift, release_moves
from harmcast.store.lifts import KeptLift
from harmcast.store.releases import Release
from harmcast.web import release_evidence
from harmcast.web.guard import Here, Pages, Visit, not_found
from harmcast.web.shell import go, page
from harmcast.words.tools import tool_title

pages = Pages()
SHOWN = 12
WAITING = ("draft", "held", "reviewed")
WAY = {"draft": 0, "held": 0, "reviewed": 1, "published": 2}  # how far out a release is
LAST_DAY = date(2100, 1, 1)
REFUSES = {Role.ETHICS_REVIEWER: "ethics", Role.DATA_PROTECTION_OFFICER: "dpia"}  # the kind of entry by which a role refuses a tool
NAME = re.compile(r"^[A-Za-z0-9_-]{1,80}$")
SAVED = {
    "moved": "It is moved on.",
    "stayed": "It is moved on, but not for every tool: what stayed behind, and why, is said below.",
    "withdrawn": "It is taken back.",
    "proposed": "Your half is saved. The finding is lifted once a second person agrees.",
    "lifted": "The finding is lifted.",
    "ended": "The finding is open again.",
    "refused": "The tool is refused: it has left every user's pages.",
}


@pages.get("/releases", Action.VIEW_RELEASES, view="releases_viewed")
def releases_page(visit: Here) -> Response:
    """The newest weeks and models with where each tool stands; each has a page of its own."""
    weeks: dict[str, list[Release]] = {}
    for tool in visit.settings.tools:
        for release in visit.state.releases.history(tool.name, None)[-SHOWN:]:
            weeks.setdefault(release.name, []).append(release)
    titles = {tool.name: tool_title(tool) for tool in visit.settings.tools}
    models = [m for tool in visit.settings.tools for m in reversed(visit.state.models.all(tool.name))]
    return page(
        visit,
        "releases",
        title="Releases",
        weeks=[(name, weeks[name]) for name in sorted(weeks, reverse=True)[:SHOWN]],
        models=models[:SHOWN],
        titles=titles,
        stays=_stays_behind(visit, [release for tools in weeks.values() for release in tools]),
        second=visit.settings.release.second_person,
        notice=visit.saved(SAVED),
    )


@pages.get("/releases/{name}", Action.VIEW_RELEASES, view="release_viewed")
def release_page(visit: Here, name: str) -> Response:
    """One week's release, or one model: the new beside the old, what was found, and the buttons."""
    if not NAME.match(name):
        raise not_found("There is no release of that name.")
    around: dict[str, Any] = {
        "may_release": visit.may(Action.RELEASE), "second": visit.settings.release.second_person, "name": name, "notice": visit.saved(SAVED),
    }  # fmt: skip
    model = visit.state.models.named(name)
    if model is not None:
        approved = [m for m in visit.state.models.all(model.tool) if m.standing == "approved" and m.id < model.id]
        in_use = approved[-1] if approved else None
        rows, flow = release_evidence.of_model(model, in_use), release_evidence.flow_of_model(model)
        return page(visit, "model", title=name, model=model, in_use=in_use, rows=rows, moved=flow, tool_title=tool_title(visit.settings.tool(model.tool)), **around)
    found = visit.state.releases.named(name)
    if not found:
        raise not_found("There is no release of that name.")
    lifts, stays = visit.state.lifts.all(), _stays_behind(visit, found)
    tools = []
    for release in found:
        tool = visit.settings.tool(release.tool)
        before = visit.state.releases.before(release.tool, release.week)
        moves = [{**m, "at": visit.local(m["at"])} for m in visit.state.releases.moves(release)]
        flow = release_evidence.flow_of_release(release, release.tool) if tool.kind == "people" else None
        tools.append(
            {
                "release": release, "title": tool_title(tool), "before": before, "rows": release_evidence.of_release(release, before, tool),
                "moved": flow, "findings": _findings(visit, release, lifts), "moves": moves, "stays": stays.get(release.id),
            }
        )  # fmt: skip
    return page(visit, "release", title=f"Release {name}", tools=tools, moves_on=any(r.standing in WAITING for r in found), **around)


def _stays_behind(visit: Visit, found: Sequence[Release]) -> dict[int, str]:
    """Why a tool's release waits while another tool of its week went further, in a sentence, by its number."""
    furthest: dict[str, int] = {}
    for release in found:
        furthest[release.name] = max(furthest.get(release.name, 0), WAY.get(release.standing, 0))
    said = {}
    for release in found:
        if release.standing not in WAITING or WAY[release.standing] == furthest[release.name]:
            continue
        stopping = release_moves.stopped_by(visit.state, release, visit.today)
        newest = visit.state.releases.newest(release.tool)
        said[release.id] = (
            "Stayed behind; a later week has overtaken it."
            if newest is not None and newest.id > release.id
            else "Stays behind: " + " ".join(f.says for f in stopping)
            if stopping
            else "Stays behind: nothing stops it, somebody has to move it on."
        )
    return said


@pages.get("/findings/{finding}", Action.VIEW_RELEASES, view="finding_viewed")
def finding_page(visit: Here, finding: str) -> Response:
    """One finding as it stands in the newest release that has it, and what this visitor may do about it."""
    held = [(r, f) for tool in visit.settings.tools for r in visit.state.releases.history(tool.name, None) for f in r.findings if f.id == finding]
    if not held:
        raise not_found("There is no finding of that name.")
    release, _ = held[-1]
    found = next(f for f in _findings(visit, release, visit.state.lifts.all()) if f["finding"].id == finding)
    may_refuse = visit.may(Action.ENTER_APPROVAL) and register.may_enter(REFUSES[visit.role], visit.role.value) if visit.role in REFUSES else False
    return page(
        visit, "finding", title=found["finding"].title, f=found, release=release, name=release.name,
        seen=[r for r, _ in held], tool=visit.settings.tool(release.tool), tool_title=tool_title(visit.settings.tool(release.tool)),
        may_refuse=may_refuse, is_refused=release.tool not in visit.shown, notice=visit.saved(SAVED),
    )  # fmt: skip


@pages.post("/tools/{name}/refuse", Action.ENTER_APPROVAL, "tool:{name}", "tool:all")
def refuse_tool(visit: Here, name: str) -> Response:
    """Refuses a tool with a reason: an entry of the register, which takes it off every user's pages at once."""
    if name not in {tool.name for tool in visit.settings.tools}:
        raise not_found("There is no such tool.")
    form = visit.fields
    reason = form.words("refuse", "Say why the tool must not be used: every user reads it", 200)
    by = form.words("refused-by", "Say whose decision it is, e.g. the Data Ethics Committee", 200)
    if form.value("sure") != "yes":
        form.fault("sure", "Confirm that the tool leaves every user's pages at once")
    finding = form.value("finding")
    if form.errors:
        return finding_page(visit, finding)
    kind = REFUSES[visit.role]
    entry = {
        "tool": name, "kind": kind, "title": reason, "outcome": "refused", "dated": visit.today, "by_whom": by,
        "document_ref": f"finding {finding}" if finding else None, "conditions": None, "review_by": None,
    }  # fmt: skip
    visit.state.register.enter(entry, visit.event("administration", "tool_refused", about=f"tool:{name}"))
    return go(f"/findings/{finding}?saved=refused" if finding else "/register?saved=entry")


class FoundToday(TypedDict):
    """A finding as it stands today: lifted by `standing`, proposed as `waiting`; `who` may lift it until `last`; `can`: what this visitor may do."""

    finding: Finding
    standing: KeptLift | None
    waiting: KeptLift | None
    who: str
    last: date
    can: str


def _findings(visit: Visit, release: Release, lifts: list[KeptLift]) -> list[FoundToday]:
    """What was found about a release: how each finding stands today, and what this visitor may do about it."""
    makers = visit.state.releases.makers(release)
    found: list[FoundToday] = []
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


@pages.post("/releases/{name}/findings/{finding}", Action.LIFT_FINDING, "finding:{finding}", "release:{name}")
def lift_one(visit: Here, name: str, finding: str) -> Response:
    """One person's half of lifting a finding, or (`end`) the end of its lift."""
    if not NAME.match(name) or not NAME.match(finding):
        raise not_found("There is no finding of that name.")
    form, field = visit.fields, f"lift-{name}-{finding}"
    reason = form.words(field, "Say why, as somebody will read it who was not there", 500)
    until = form.day(f"{field}-until", "Enter the last day it is lifted", first=visit.today, last=LAST_DAY) if form.has_day(f"{field}-until") else None
    condition = form.words(f"{field}-condition", None, 500) or None
    if form.errors:
        return finding_page(visit, finding)
    try:
        if form.value("end"):
            lift.end_lift(visit.state, finding, visit.actor, reason, visit.today)
            return go(f"/findings/{finding}?saved=ended")
        done = lift.lift_finding(visit.state, name, finding, visit.actor, reason, until, visit.today, condition=condition)
    except (AccessDenied, NotFit, RunStopped) as error:
        form.fault(field, f"{error.message} {error.next_step}".strip(), 409)
        return finding_page(visit, finding)
    return go(f"/findings/{finding}?saved={'lifted' if done.document['lifted'] else 'proposed'}")


@pages.post("/releases/{name}/publish", Action.RELEASE, "release:{name}", "model:{name}")
def publish(visit: Here, name: str) -> Response:
    """Moves a release or a candidate model on by one step."""
    return _move(visit, name, withdraw=False)


@pages.post("/releases/{name}/withdraw", Action.RELEASE, "release:{name}", "model:{name}")
def withdraw(visit: Here, name: str) -> Response:
    """Takes a release back."""
    return _move(visit, name, withdraw=True)


def _move(visit: Visit, name: str, withdraw: bool) -> Response:
    if not NAME.match(name):
        raise not_found("There is no release of that name.")
    form = visit.fields
    field = f"reason-{name}"
    reason = form.words(
        field, "Say why you take it back" if withdraw else "Say what you looked at, and why it may go out", 500
    )
    if form.errors:
        return release_page(visit, name)
    try:
        if withdraw and visit.state.models.named(name) is not None:
            release_moves.refuse_model(visit.state, name, visit.actor, reason)
        elif withdraw:
            release_moves.withdraw_release(visit.state, name, visit.actor, reason)
        else:
            stayed = release_moves.publish_release(visit.state, name, visit.actor, reason, visit.today).document.get("stayed")
            return go(f"/releases/{name}?saved={'stayed' if stayed else 'moved'}")
    except (AccessDenied, NotFit, RunStopped) as error:
        form.fault(field, f"{error.message} {error.next_step}".strip(), 409)
        return release_page(visit, name)
    return go(f"/releases/{name}?saved=withdrawn")
