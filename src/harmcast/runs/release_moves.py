"""Who lets a release out: draft or held, reviewed, published, withdrawn; two people where the rule says so.

A reason a release is held begins with its kind, so that the rule for lifting it can be read off:
`volume` two people may lift; `audit_concern` and `audit_stop` need a signed reason in the register; `register` needs the
missing entry itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from harmcast.errors import AccessDenied, NotFit, RunStopped
from harmcast.oversight import register as rules
from harmcast.oversight.log import Event
from harmcast.store.models import Model
from harmcast.store.releases import Release, Standing
from harmcast.store.state import State
from harmcast.store.users import Actor

RELEASERS = ("supervisor", "data_scientist")
NEEDS_SIGNED_REASON = ("audit_concern", "audit_stop")


@dataclass
class Moved:
    document: dict[str, Any]
    lines: list[str] = field(default_factory=list)


def kind_of(reason: str) -> str:
    """The kind a reason begins with."""
    return reason.split(":", 1)[0]


def first_standing(
    tool: rules.Tool, entries: Sequence[rules.Entry], today: date, found: Sequence[str]
) -> tuple[Standing, list[str]]:
    """Where a fresh release of a tool starts, with every reason it is held.

    Held if the register lacks an approval or anything was `found` (odd volume, the audit). Otherwise published at once where the
    tool is in shadow or a standing approval is in force, and a draft where not.
    """
    standing = rules.standing(tool, entries, today)
    reasons = [f"register: {words}" for words in standing.holds] + [
        reason for reason in found if not (kind_of(reason) in NEEDS_SIGNED_REASON and signed_since(entries, tool.name, today))
    ]
    if reasons:
        return "held", reasons
    if tool.status == "shadow" or rules.has_standing_approval(tool, entries, today):
        return "published", []
    return "draft", []


def signed_since(entries: Sequence[rules.Entry], tool: str, today: date) -> bool:
    """Whether a signed reason for going on with the audit's concern is in force: entered, and not past its review date."""
    entry = rules.latest([e for e in entries if e.tool == tool], "signed_reason")
    return entry is not None and entry.made and entry.dated <= today and (entry.review_by is None or today <= entry.review_by)


def next_move(release: Release, moves: Sequence[dict[str, Any]], actor: Actor, second_person: bool) -> Standing:
    """Where a release goes when `actor` moves it on.

    Raises: AccessDenied (`second_person_needed`) if one person would do both steps; NotFit if it cannot move.
    """
    if release.standing in ("draft", "held"):
        return "reviewed" if second_person else "published"
    if release.standing == "reviewed":
        reviewer = next(move["by"] for move in reversed(moves) if move["to_standing"] == "reviewed")
        if second_person and reviewer == actor.account:
            raise AccessDenied(
                "The person who reviewed a release cannot publish it too.",
                code="second_person_needed",
                next_step="Ask a supervisor or data scientist who is not the reviewer.",
            )
        return "published"
    raise NotFit(f"A release that is {release.standing} does not move on.", code="release_not_movable")


def publish_release(state: State, name: str, actor: Actor, reason: str = "", today: date | None = None) -> Moved:
    """Moves every tool of a release on, or approves a person model.

    Raises: AccessDenied without the role or by the same person twice; NotFit while the register lacks an approval or the audit's
    concern has no signed reason; RunStopped if there is no such release.
    """
    role = actor.acting(*RELEASERS)
    today = today or date.today()
    model = state.models.named(name)
    if model is not None:
        return _approve_model(state, model, actor, role, reason)
    releases = state.releases.named(name)
    if not releases:
        raise RunStopped(
            "There is no release of that name.", code="release_unknown", next_step="`harmcast status STATE` lists them."
        )
    entries = state.register.entries(today)
    moved = {}
    for release in [r for r in releases if r.standing in ("draft", "held", "reviewed")]:
        standing = rules.standing(state.register.tool(release.tool, today), entries, today)
        if not standing.may_publish:
            raise NotFit(
                f"{release.tool} may not be published: {' '.join(standing.holds)}",
                code="register_incomplete",
                next_step="Enter the approval with `harmcast register enter`.",
            )
        open_findings = [r for r in release.reasons if kind_of(r) in NEEDS_SIGNED_REASON]
        if open_findings and not signed_since(entries, release.tool, today):
            raise NotFit(
                f"{release.tool} is held by the audit: {' '.join(open_findings)}",
                code="audit_holds",
                next_step="Mend the cause, or have the ethics reviewer enter a signed reason in the register.",
            )
        if release.reasons and not reason:
            raise NotFit(
                f"{release.tool} is held: {' '.join(release.reasons)}",
                code="reason_needed",
                next_step="Say why it may go out with --reason; it is kept in the log.",
            )
        to = next_move(release, state.releases.moves(release), actor, state.settings.release.second_person)
        event = Event(actor.account, role, "disclosure", f"release_{to}", purpose=reason or None, object=f"release:{name}:{release.tool}")
        state.releases.move(release, to, event, reason or None)
        moved[release.tool] = to
    if not moved:
        raise NotFit("Nothing of that release waits to move on.", code="release_not_movable", next_step="See `harmcast status`.")
    return Moved({"release": name, "moved": moved}, [f"{tool}: {to}." for tool, to in moved.items()])


def _approve_model(state: State, model: Model, actor: Actor, role: str, reason: str) -> Moved:
    if model.standing != "candidate":
        raise NotFit("That model is not waiting for approval.", code="release_not_movable")
    if state.settings.release.second_person and model.made_by == actor.account:
        raise AccessDenied(
            "The person who refitted a model cannot approve it.",
            code="second_person_needed",
            next_step="Ask a supervisor or data scientist who did not make it.",
        )
    event = Event(actor.account, role, "administration", "model_approved", purpose=reason or None, object=f"model:{model.name}")
    state.models.approve(model, event)
    return Moved({"model": model.name, "moved": "approved"}, [f"{model.name} is approved; the next weekly run scores with it."])


def withdraw_release(state: State, name: str, actor: Actor, reason: str) -> Moved:
    """Takes back every tool of a release that is not withdrawn yet; any one releaser may, at once.

    Raises: AccessDenied without the role; RunStopped if there is no such release.
    """
    role = actor.acting(*RELEASERS, "data_protection_officer")
    releases = [r for r in state.releases.named(name) if r.standing != "withdrawn"]
    if not releases:
        raise RunStopped(
            "There is no release of that name that could be withdrawn.",
            code="release_unknown",
            next_step="`harmcast status STATE` lists them.",
        )
    for release in releases:
        event = Event(actor.account, role, "alteration", "release_withdrawn", purpose=reason, object=f"release:{name}:{release.tool}")
        state.releases.move(release, "withdrawn", event, reason)
    return Moved({"release": name, "withdrawn": [r.tool for r in releases]}, [f"{r.tool}: withdrawn." for r in releases])
