"""Who lets a release out: draft or held, reviewed, published, withdrawn; two people where the rule says so.

What was found about a release is typed (`oversight.findings`); what stops it, and who may lift that, is asked of the one table
(`oversight.release_rules`) when the week is made and again at each move.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

from harmcast.documents.command_result import CommandResult
from harmcast.errors import AccessDenied, HarmcastError, NotFit, RunStopped
from harmcast.oversight import register, release_rules
from harmcast.oversight.findings import Finding
from harmcast.oversight.log import Event
from harmcast.oversight.release_rules import Lift
from harmcast.store.models import Model
from harmcast.store.releases import Move, Release, Standing
from harmcast.store.state import State
from harmcast.store.users import Actor

RELEASERS = ("supervisor", "data_scientist")


def first_standing(
    tool: register.Tool,
    entries: Sequence[register.RegisterEntry],
    today: date,
    found: Sequence[Finding],
    lifts: Sequence[Lift],
    makers: Collection[str],
) -> tuple[Standing, list[Finding]]:
    """Where a fresh release of a tool starts, with everything found: by the register, the volume check, the audit, the monitor.

    Held if anything found stops publishing and two people have not lifted that very finding. Otherwise published at once where the
    tool is in shadow or a standing approval is in force, and a draft where not.
    """
    every = [*register.standing(tool, entries, today).findings, *found]
    if release_rules.open_findings(every, lifts, today, makers):
        return "held", every
    if tool.status == "shadow" or register.has_standing_approval(tool, entries, today):
        return "published", every
    return "draft", every


def stopped_by(state: State, release: Release, today: date) -> tuple[Finding, ...]:
    """What stops a release from going out today: what the register lacks now, and what was found when it was made and is not lifted."""
    now = register.standing(state.register.tool(release.tool, today), state.register.entries(today), today).findings
    then = [finding for finding in release.findings if finding.kind not in release_rules.OF_REGISTER]
    return release_rules.open_findings([*now, *then], state.lifts.all(), today, state.releases.makers(release))


def next_move(release: Release, moves: Sequence[Move], actor: Actor, second_person: bool) -> Standing:
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


def publish_release(state: State, name: str, actor: Actor, reason: str = "", today: date | None = None) -> CommandResult:
    """Moves every tool of a release on that may go, or approves a person model; a tool that is held keeps no other back.

    Raises, where no tool may go on: AccessDenied without the role or by the same person twice; NotFit while anything found stops
    it and is not lifted. RunStopped if there is no such release.
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
    waiting = [release for release in releases if release.standing in ("draft", "held", "reviewed")]
    if not waiting:
        raise NotFit("Nothing of that release waits to move on.", code="release_not_movable", next_step="See `harmcast status`.")
    moves: dict[Release, Standing] = {}
    stay: dict[str, HarmcastError] = {}
    for release in waiting:
        try:
            moves[release] = _may_move(state, release, actor, reason, today)
        except (NotFit, AccessDenied) as error:
            stay[release.tool] = error
    if not moves:
        raise next(iter(stay.values()))
    for release, to in moves.items():
        event = Event(actor.account, role, "disclosure", f"release_{to}", purpose=reason or None, object=f"release:{name}:{release.tool}")
        state.releases.move(release, to, event, reason or None)
    moved = {release.tool: to for release, to in moves.items()}
    stayed = {tool: {"code": error.code, "says": str(error)} for tool, error in stay.items()}
    lines = [f"{tool}: {to}." for tool, to in moved.items()] + [f"{tool} stays as it is. {error}" for tool, error in stay.items()]
    return CommandResult({"release": name, "moved": moved, "stayed": stayed}, lines)


def _may_move(state: State, release: Release, actor: Actor, reason: str, today: date) -> Standing:
    """Where one tool's release goes next. Raises NotFit, AccessDenied as `publish_release` says."""
    stopping = stopped_by(state, release, today)
    if stopping:
        raise _held(release, stopping)
    if release.findings and not reason:
        raise NotFit(
            f"Something was found about {release.tool}: {' '.join(f.says for f in release.findings)}",
            code="reason_needed",
            next_step="Say why it may go out with --reason; it is kept in the log.",
        )
    return next_move(release, state.releases.moves(release), actor, state.settings.release.second_person)


def _held(release: Release, stopping: Sequence[Finding]) -> NotFit:
    """Why it does not go out, with what can be done about each finding."""
    says = " ".join(f"{finding.id}: {finding.says}" for finding in stopping)
    if all(finding.kind in release_rules.OF_REGISTER for finding in stopping):
        next_step = "Enter the approval with `harmcast register enter`."
        return NotFit(f"{release.tool} may not be published. {says}", code="register_incomplete", next_step=next_step)
    fixed = [f.id for f in stopping if not release_rules.rule_of(f.kind).can_be_lifted]
    next_step = (
        f"Nobody may lift {', '.join(fixed)}: mend the cause; a later release in which it is gone goes out."
        if fixed
        else f"Two people may lift each: `harmcast lift STATE {release.name} FINDING --reason ... --until DATE`, or on the releases page."
    )
    return NotFit(f"{release.tool} is held. {says}", code="finding_open", next_step=next_step)


def _approve_model(state: State, model: Model, actor: Actor, role: str, reason: str) -> CommandResult:
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
    return CommandResult({"model": model.name, "moved": "approved"}, [f"{model.name} is approved; the next weekly run scores with it."])


def refuse_model(state: State, name: str, actor: Actor, reason: str) -> CommandResult:
    """Refuses a candidate model: the one in use goes on scoring. Any one releaser may, its maker too.

    Raises: AccessDenied without the role; NotFit if it is no candidate; RunStopped if there is none of that name.
    """
    role = actor.acting(*RELEASERS)
    model = state.models.named(name)
    if model is None:
        raise RunStopped("There is no model of that name.", code="release_unknown", next_step="`harmcast status STATE` lists them.")
    if model.standing != "candidate":
        raise NotFit("That model is not waiting for approval.", code="release_not_movable")
    event = Event(actor.account, role, "administration", "model_refused", purpose=reason, object=f"model:{name}")
    state.models.refuse(model, reason, event)
    return CommandResult({"model": name, "moved": "withdrawn"}, [f"{name} is refused; the model in use stays."])


def withdraw_release(state: State, name: str, actor: Actor, reason: str) -> CommandResult:
    """Takes back every tool of a release that is not withdrawn yet; any one releaser or data protection officer may, at once.

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
    return CommandResult({"release": name, "withdrawn": [r.tool for r in releases]}, [f"{r.tool}: withdrawn." for r in releases])
