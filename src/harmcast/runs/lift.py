"""Two people lift one finding of a release for a time: the first says why and until when, the second agrees; one ends it."""

from __future__ import annotations

from datetime import date, timedelta

from harmcast.documents.command_result import CommandResult
from harmcast.errors import AccessDenied, NotFit, RunStopped
from harmcast.oversight import release_rules
from harmcast.oversight.access import ROLES, Role
from harmcast.oversight.findings import Finding
from harmcast.oversight.log import Event
from harmcast.oversight.release_rules import ReleaseRule
from harmcast.store.lifts import KeptLift
from harmcast.store.releases import Release
from harmcast.store.state import State
from harmcast.store.users import Actor


def lift_finding(
    state: State, name: str, finding_id: str, actor: Actor, reason: str, until: date | None = None, today: date | None = None, *,
    condition: str | None = None,
) -> CommandResult:  # fmt: skip
    """One person's half of lifting a finding of a release.

    The first person of the table proposes it with a last day; somebody else, of the second role, agrees to it as it was proposed.

    Args: `until`: last day it holds, for the first person; default: as long as the table allows. `condition`: what must hold while
        it is lifted, for the first person to set; the second agrees to it too.
    Raises: RunStopped if there is no such release or finding; NotFit if nobody may lift it, no reason is given or the day is too
        late; AccessDenied without the role, for whoever made the release, and for one person twice.
    """
    today = today or date.today()
    release, finding = found_in(state, name, finding_id)
    rule = release_rules.rule_of(finding.kind)
    if not rule.can_be_lifted:
        raise NotFit(
            "Nobody may lift that finding.", code="finding_stands", next_step="Mend the cause: a later release in which it is gone goes out."
        )
    if not reason.strip():
        raise NotFit("A finding is lifted for a reason.", code="reason_needed", next_step="Say why with --reason; it is kept in the log.")
    if actor.account in state.releases.makers(release):
        raise AccessDenied(
            "Whoever made a release lifts nothing about it.", code="second_person_needed", next_step="Ask two people who did not make it."
        )
    waiting = proposed(state.lifts.all(finding.id), finding, today)
    if waiting is not None and actor.has(*rule.second) and actor.account != waiting.first:
        return _agree(state, waiting, finding, actor, rule, reason)
    return _propose(state, waiting, finding, actor, rule, reason, until, today, condition)


def found_in(state: State, name: str, finding_id: str) -> tuple[Release, Finding]:
    """The finding of a release by its id, with that tool's release. Raises RunStopped."""
    for release in state.releases.named(name):
        for finding in release.findings:
            if finding.id == finding_id:
                return release, finding
    raise RunStopped(
        "There is no such finding of that release.", code="finding_unknown", next_step="`harmcast findings STATE RELEASE` lists them."
    )


def findings_of(state: State, name: str, today: date) -> CommandResult:
    """Every finding of a release with what it stops, who may lift it, and how it stands today. Raises RunStopped."""
    releases = state.releases.named(name)
    if not releases:
        raise RunStopped("There is no release of that name.", code="release_unknown", next_step="`harmcast status STATE` lists them.")
    lifts = state.lifts.all()
    rows, lines = [], []
    for release in releases:
        makers = state.releases.makers(release)
        for finding in release.findings:
            rule = release_rules.rule_of(finding.kind)
            standing = [lift for lift in lifts if release_rules.is_lifted(finding, lift, today, makers)]
            until = max((lift.until for lift in standing), default=None)
            waiting = proposed([lift for lift in lifts if lift.finding == finding.id], finding, today)
            who = f"{names(rule.first)}, then {names(rule.second)}" if rule.can_be_lifted else "nobody"
            rows.append(
                {
                    **finding.document(),
                    "stops": sorted(rule.stops),
                    "lifted_by": who,
                    "days": rule.days,
                    "lifted_until": until.isoformat() if until else None,
                    "proposed_until": waiting.until.isoformat() if waiting else None,
                }
            )
            stands = f"lifted until {until}" if until else f"proposed until {waiting.until}" if waiting else "open"
            lines += [f"{finding.id} ({finding.tool}), {stands}: {finding.says}", f"  {finding.title}. May be lifted by {who}."]
    return CommandResult({"release": name, "findings": rows}, lines or ["Nothing was found."])


def proposed(lifts: list[KeptLift], finding: Finding, today: date) -> KeptLift | None:
    """The newest proposal that still waits for a second person and would hold for the finding as it is now."""
    waiting = [
        lift
        for lift in lifts
        if lift.second is None and lift.ended_on is None and today <= lift.until and not release_rules.has_grown(finding.severity, lift.severity)
    ]
    return waiting[-1] if waiting else None


def _propose(
    state: State, waiting: KeptLift | None, finding: Finding, actor: Actor, rule: ReleaseRule, reason: str, until: date | None, today: date,
    condition: str | None,
) -> CommandResult:  # fmt: skip
    role = actor.acting(*_values(rule.first))
    if waiting is not None:
        raise AccessDenied(
            "It is proposed already and waits for a second person.",
            code="second_person_needed",
            next_step=f"Ask a {names(rule.second)} who is not {waiting.first} to agree.",
        )
    last = today + timedelta(days=rule.days)
    until = until or last
    if not today <= until <= last:
        raise NotFit(
            f"That finding may be lifted until {last} at the latest, and from today on.", code="lift_too_long", next_step="Name an earlier day."
        )
    event = Event(actor.account, role, "administration", "lift_proposed", purpose=reason, object=f"finding:{finding.id}")
    state.lifts.propose(finding, today, until, reason, event, condition)
    said = f"Proposed: {finding.id} until {until}. It holds once a {names(rule.second)} agrees."
    return CommandResult({"finding": finding.id, "until": until.isoformat(), "lifted": False}, [said])


def _agree(state: State, lift: KeptLift, finding: Finding, actor: Actor, rule: ReleaseRule, reason: str) -> CommandResult:
    role = actor.acting(*_values(rule.second))
    event = Event(actor.account, role, "administration", "finding_lifted", purpose=reason, object=f"finding:{finding.id}")
    state.lifts.agree(lift, reason, event)
    return CommandResult({"finding": finding.id, "until": lift.until.isoformat(), "lifted": True}, [f"Lifted: {finding.id} until {lift.until}."])


def end_lift(state: State, finding_id: str, actor: Actor, reason: str, today: date | None = None) -> CommandResult:
    """Ends every lift of a finding from today on. Shutting takes one person: any releaser, ethics reviewer or data protection officer.

    Raises: AccessDenied without the role; RunStopped if no lift of it stands.
    """
    today = today or date.today()
    role = actor.acting("ethics_reviewer", "data_protection_officer", *_values(release_rules.RELEASERS))
    standing = [lift for lift in state.lifts.all(finding_id) if lift.ended_on is None and today <= lift.until]
    if not standing:
        raise RunStopped("No lift of that finding stands.", code="finding_unknown", next_step="`harmcast findings STATE RELEASE` lists them.")
    for lift in standing:
        event = Event(actor.account, role, "administration", "lift_ended", purpose=reason or None, object=f"finding:{finding_id}")
        state.lifts.end(lift, today, event)
    return CommandResult({"finding": finding_id, "lifted": False}, [f"Ended: {finding_id} is open again."])


def names(roles: frozenset[Role]) -> str:
    """Roles in words."""
    return " or ".join(sorted(ROLES[role][0].lower() for role in roles))


def _values(roles: frozenset[Role]) -> list[str]:
    return sorted(role.value for role in roles)
