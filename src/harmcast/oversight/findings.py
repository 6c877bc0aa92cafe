"""What was found about a tool or a release, typed: by the audit, the monitor, the volume check, a load, the register, the log.

A finding says what was measured, against which limit, and how far over it. What each kind stops, and who may lift it, stands in
`release_rules` alone; nothing reads a finding's sentence to decide anything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache

from harmcast.documents.plain import PlainRecord

STOPPED, REFUSED, MISSING, LAPSED = "stopped", "refused", "missing", "lapsed"
STOP, SUSPENSION, CONCERN = "stop", "suspension", "concern"
VOLUME, DELETIONS, LOG = "volume", "deletions", "log"

KINDS = {
    STOPPED: "The tool is stopped in the register",
    REFUSED: "An approval was refused",
    MISSING: "An approval is missing",
    LAPSED: "An approval has lapsed",
    STOP: "The audit stops it",
    SUSPENSION: "The monitor suspends it",
    LOG: "The log is not whole",
    CONCERN: "A concern of the audit",
    VOLUME: "The records are not as usual",
    DELETIONS: "More was deleted than usual",
}


@dataclass(frozen=True)
class Finding:
    """One thing found.

    Attributes:
        kind: one of `KINDS`; another, as a later version may write it, is kept and stops everything.
        tool: short name of the tool.
        name: what it is about, the same from week to week: measure, attribute, group and direction of the audit; kind of entry of
            the register; for a load the SHA-256 of the delivery, and the check.
        says: the finding in a sentence. Read by people alone.
        measured, limit: the figure and its bar, in the measure's own unit; null where nothing is measured.
        severity: how far over the bar, in tenths: 1 is at it. Null where nothing is measured.
    """

    kind: str
    tool: str
    name: str
    says: str
    measured: float | None
    limit: float | None
    severity: float | None

    @property
    def id(self) -> str:
        """Names this finding in a lift: the kind and a hash of kind, tool and name, not of what was measured."""
        return f"{self.kind}-{hashlib.sha256(chr(10).join((self.kind, self.tool, self.name)).encode()).hexdigest()[:10]}"

    @property
    def title(self) -> str:
        """The kind in words."""
        return KINDS.get(self.kind, "Of a kind this version does not know")

    def document(self) -> PlainRecord:
        """As it is kept and printed, with its id."""
        return {"id": self.id, **asdict(self)}


def severity_of(measured: float | None, limit: float | None) -> float | None:
    """How far over the bar, in tenths. Null without a figure, or where the bar is nought."""
    return None if measured is None or not limit else round(abs(measured / limit), 1)


def of_register(kind: str, tool: str, entry: str, says: str) -> Finding:
    """What the register lacks or refuses: `entry` is the kind of entry, or `status`."""
    return Finding(kind, tool, entry, says, None, None, None)


def of_load(kind: str, tool: str, delivery_sha256: str, check: str, says: str, measured: float | None, limit: float | None) -> Finding:
    """What a load did that people must look at: odd volume, deletions, any effect held. It is tied to that very delivery.

    Args: `kind`: VOLUME or DELETIONS; `check`: which check of the load speaks, e.g. `weekly_volume`.
    """
    return Finding(kind, tool, f"{delivery_sha256}/{check}", says, measured, limit, severity_of(measured, limit))


def of_monitor(tool: str, rule: str, says: str) -> Finding:
    """The monitor asks for suspension by the threshold named."""
    return Finding(SUSPENSION, tool, rule, says, None, None, None)


def to_text(findings: Iterable[Finding]) -> str:
    """Findings as the store keeps them."""
    return json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, sort_keys=True)


@lru_cache(maxsize=1000)  # a page reads those of every release
def from_text(text: str) -> tuple[Finding, ...]:
    """Findings as kept. Raises TypeError for anything else."""
    return tuple(Finding(**document) for document in json.loads(text))
