"""The register's form and rules: what a tool is for, who owns it, which approvals stand, and whether it may be published.

Rules and shapes only; `store` keeps the entries. Statuses follow a tool's life: a new force starts in shadow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

Status = Literal["shadow", "trial", "in use", "stopped"]
STATUSES: tuple[Status, ...] = ("shadow", "trial", "in use", "stopped")

REQUIRED_ENTRIES = ("dpia", "legal", "ethics")
ENTRY_KINDS = {
    "dpia": "Data protection impact assessment, approved by the Data Protection Officer",
    "legal": "Legal advice",
    "ethics": "Advice of the Data Ethics Committee",
    "eia": "Equality impact assessment",
    "policy": "Policy or guidance that governs use",
    "appropriate_policy": "Appropriate policy document for sensitive processing (Data Protection Act 2018, s42)",
    "contract": "Contract or data sharing agreement",
    "technical_paper": "Technical paper",
    "test_for_bias": "Testing or research into bias",
    "cost": "Cost of using it",
    "training_material": "Training material or recording",
    "standing_approval": "Standing approval: a clean weekly run publishes itself",
    "signed_reason": "Signed reason for going on with a concern of the audit",
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
class Entry:
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
    """Whether a tool may be published, with what stops it and what only warns."""

    may_publish: bool
    holds: tuple[str, ...]
    warnings: tuple[str, ...]


def latest(entries: Sequence[Entry], kind: str) -> Entry | None:
    """The newest entry of a kind; null when there is none."""
    found = [entry for entry in entries if entry.kind == kind]
    return max(found, key=lambda entry: entry.dated) if found else None


def standing(tool: Tool, entries: Sequence[Entry], today: date) -> Standing:
    """Whether `tool` may be published on `today`.

    Shadow needs no approval, since it is shown to data scientists and the ethics reviewer alone. Trial and in use need each of
    `REQUIRED_ENTRIES`, dated and not lapsed: a review date passed warns for four weeks, then holds.
    """
    if tool.status == "stopped":
        return Standing(False, ("The tool is stopped in the register.",), ())
    if tool.status == "shadow":
        return Standing(True, (), ())
    holds: list[str] = []
    warnings: list[str] = []
    for kind in REQUIRED_ENTRIES:
        entry = latest([e for e in entries if e.tool == tool.name], kind)
        what = ENTRY_KINDS[kind]
        if entry is None or entry.dated > today:
            holds.append(f"{what}: none is entered in the register.")
        elif entry.why_none is not None:
            holds.append(f"{what}: {entry.why_none} (entered in the register, {entry.dated.day} {entry.dated:%B %Y}).")
        elif entry.review_by is not None and today > entry.review_by + timedelta(days=LAPSE_GRACE_DAYS):
            holds.append(f"{what}: its review was due on {entry.review_by.day} {entry.review_by:%B %Y}.")
        elif entry.review_by is not None and today > entry.review_by:
            warnings.append(
                f"{what}: its review was due on {entry.review_by.day} {entry.review_by:%B %Y}; publication stops "
                f"{LAPSE_GRACE_DAYS} days after."
            )
    return Standing(not holds, tuple(holds), tuple(warnings))


def has_standing_approval(tool: Tool, entries: Sequence[Entry], today: date) -> bool:
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
    return role in WHO_ENTERS.get(kind, ("data_protection_officer", "ethics_reviewer"))
