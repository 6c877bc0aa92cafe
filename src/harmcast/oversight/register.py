"""The register's form and rules: what a tool is for, who owns it, which approvals stand, and whether it may be published.

Rules and shapes only; `store` keeps the entries. Statuses follow a tool's life: a new force starts in shadow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from harmcast.oversight import findings
from harmcast.oversight.findings import Finding
from harmcast.oversight.release_rules import open_findings

Status = Literal["shadow", "trial", "in use", "stopped"]

SHOWN_TO_USERS: tuple[Status, ...] = ("trial", "in use")
REQUIRED_ENTRIES = ("dpia", "legal", "ethics")
REFUSABLE = (*REQUIRED_ENTRIES, "eia", "appropriate_policy")  # a refusal of one of these stops the tool, in shadow too
ENTRY_KINDS = {
    "dpia": "Data protection impact assessment, approved by the Data Protection Officer",
    "legal": "Legal advice",
    "ethics": "Advice of the Data Ethics Committee",
    "eia": "Equality impact assessment",
    "policy": "Policy or guidance that governs use",
    "appropriate_policy": "Appropriate policy document for sensitive processing (Data Protection Act 2018, s42)",
    "contract": "Contract or data sharing agreement",
    "technical_paper": "Technical paper",
    "analysis_plan": "Analysis plan of the trial, fixed before it begins",
    "plan_look": "Look at the figures of the trial, as its analysis plan says",
    "plan_deviation": "Deviation from the analysis plan of the trial",
    "test_for_bias": "Testing or research into bias",
    "cost": "Cost of using it",
    "training_material": "Training material or recording",
    "standing_approval": "Standing approval: a clean weekly run publishes itself",
    "signed_reason": "Signed reason for going on with a concern of the audit (before findings were lifted by name)",
    "qlik_control": "Who controls and logs access in Qlik",
}
FIELDS = {
    "purpose": "What the tool is for",
    "policy_purpose": "Why it was developed",
    "owner": "Senior responsible owner",
    "made_by": "Who made it, in-house or a product",
    "users": "Intended users",
    "decisions_supported": "Decisions it supports",
    "cost": "Cost of using it",
    "website": "Address of the force's page about the tool",
    "contact": "Where to write with questions about the tool",
    "previous_process": "How it was done before the tool",
    "objections_to": "Where somebody writes to object",
}
ONLY_IF_ANY = frozenset({"plan_look", "plan_deviation"})  # their absence is no gap
NO_LONGER_ENTERED = frozenset({"signed_reason"})  # a finding is lifted by its own name: `harmcast lift`, or the releases page
WHO_ENTERS = {
    "dpia": ("data_protection_officer",),
    "appropriate_policy": ("data_protection_officer",),
    "ethics": ("ethics_reviewer", "data_protection_officer"),
}
LAPSE_GRACE_DAYS = 28


@dataclass(frozen=True)
class Tool:
    """A tool as registered. Dates say since when the status holds; free words are null until someone writes them."""

    name: str
    kind: Literal["places", "people"]
    title: str
    status: Status
    status_since: date
    purpose: str | None = None
    policy_purpose: str | None = None
    owner: str | None = None
    made_by: str | None = None
    users: str | None = None
    decisions_supported: str | None = None
    website: str | None = None
    contact: str | None = None
    previous_process: str | None = None
    objections_to: str | None = None


@dataclass(frozen=True)
class RegisterEntry:
    """One dated entry: an approval, a document, or (`made` false) that none was made or that it was `refused`."""

    tool: str
    kind: str
    dated: date
    by: str
    reference: str | None = None
    words: str | None = None
    conditions: str | None = None
    review_by: date | None = None
    made: bool = True
    refused: bool = False

    @property
    def why_none(self) -> str | None:
        """Why nothing stands by this entry, in words; null where it does."""
        return None if self.made else "it was refused" if self.refused else "none was made"


@dataclass(frozen=True)
class Standing:
    """What the register has against a tool, and what only warns."""

    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]

    @property
    def may_publish(self) -> bool:
        """Whether nothing of it stops publishing. Nobody may lift what the register lacks."""
        return not open_findings(self.findings, (), date.min, ())

    @property
    def may_show(self) -> bool:
        """Whether nothing of it stops pages and downloads of the tool."""
        return not open_findings(self.findings, (), date.min, (), "showing")

    @property
    def holds(self) -> tuple[str, ...]:
        """Its findings in words."""
        return tuple(finding.says for finding in self.findings)


def latest(entries: Sequence[RegisterEntry], kind: str) -> RegisterEntry | None:
    """The newest entry of a kind; of one day the last entered; null when there is none."""
    found = [entry for entry in entries if entry.kind == kind]
    return max(enumerate(found), key=lambda at: (at[1].dated, at[0]))[1] if found else None


def standing(tool: Tool, entries: Sequence[RegisterEntry], today: date) -> Standing:
    """What stops `tool` on `today`, and what only warns.

    Shadow needs no approval, since it is shown to data scientists and the ethics reviewer alone; a refusal stops it all the same.
    Trial and in use need each of `REQUIRED_ENTRIES`, dated and not lapsed: a review date passed warns for four weeks, then holds.
    """
    if tool.status == "stopped":
        return Standing((findings.of_register(findings.STOPPED, tool.name, "status", "The tool is stopped in the register."),), ())
    own = [entry for entry in entries if entry.tool == tool.name and entry.dated <= today]
    judged = [_judged(tool, kind, latest(own, kind), today) for kind in REFUSABLE]
    return Standing(tuple(f for f, _ in judged if f is not None), tuple(words for _, words in judged if words))


def in_the_way(tool: Tool, status: Status, entries: Sequence[RegisterEntry], from_on: date) -> tuple[Finding, ...]:
    """What keeps a tool from a status on a day: what was published in shadow is seen by those who use the tool from then on, so approvals come first."""
    return standing(replace(tool, status=status), entries, from_on).findings if status in SHOWN_TO_USERS else ()


def _judged(tool: Tool, kind: str, entry: RegisterEntry | None, today: date) -> tuple[Finding | None, str]:
    """What the newest entry of a kind comes to: a finding, or words of warning."""
    what = ENTRY_KINDS[kind]

    def found(as_what: str, says: str) -> tuple[Finding, str]:
        return findings.of_register(as_what, tool.name, kind, f"{what}: {says}."), ""

    if entry is not None and entry.refused:
        return found(findings.REFUSED, f"it was refused (entered in the register, {_day(entry.dated)})")
    if tool.status == "shadow" or kind not in REQUIRED_ENTRIES:
        return None, ""
    if entry is None:
        return found(findings.MISSING, "none is entered in the register")
    if not entry.made:
        return found(findings.MISSING, f"none was made (entered in the register, {_day(entry.dated)})")
    if entry.review_by is None or today <= entry.review_by:
        return None, ""
    was_due = f"its review was due on {_day(entry.review_by)}"
    if today > entry.review_by + timedelta(days=LAPSE_GRACE_DAYS):
        return found(findings.LAPSED, was_due)
    return None, f"{what}: {was_due}; publication stops {LAPSE_GRACE_DAYS} days after."


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def has_standing_approval(tool: Tool, entries: Sequence[RegisterEntry], today: date) -> bool:
    """Whether a clean weekly run of the tool publishes itself on `today`."""
    entry = latest([e for e in entries if e.tool == tool.name], "standing_approval")
    return (
        entry is not None
        and entry.made
        and entry.dated <= today
        and (entry.review_by is None or today <= entry.review_by)
    )


def may_enter(kind: str, role: str) -> bool:
    """Whether a role may write an entry of a kind; the data protection officer and the ethics reviewer enter approvals."""
    return kind not in NO_LONGER_ENTERED and role in WHO_ENTERS.get(kind, ("data_protection_officer", "ethics_reviewer"))


def opens(kind: str, outcome: str) -> bool:
    """Whether an entry lets a tool be published, or shown again: an approval that stops it while it lacks, or by which weeks publish themselves."""
    return kind in (*REFUSABLE, "standing_approval") and outcome.startswith("approved")
