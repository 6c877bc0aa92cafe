"""What a finding stops, who may lift it, and for how long: one table, asked by the weekly run, by `publish` and by every page.

| kind | stops | lifted by | days |
|---|---|---|---|
| stopped, refused, a kind unknown here | publishing, showing | nobody | |
| missing, lapsed, stop, suspension, log | publishing | nobody | |
| concern | publishing | ethics reviewer, then a releaser | 91 |
| volume, deletions | publishing | data scientist, then supervisor | 7 |

What nobody may lift ends with the first release in which it is no longer found, or with the entry that the register lacks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from harmcast.oversight import findings as kinds
from harmcast.oversight.access import Role
from harmcast.oversight.findings import Finding

What = Literal["publishing", "showing"]


@dataclass(frozen=True)
class ReleaseRule:
    """What one kind of finding stops. `first`, `second`: roles of the two people who may lift it; none: nobody. `days`: at most."""

    stops: frozenset[What]
    first: frozenset[Role] = frozenset()
    second: frozenset[Role] = frozenset()
    days: int = 0

    @property
    def can_be_lifted(self) -> bool:
        return self.days > 0


_PUBLISHING: frozenset[What] = frozenset({"publishing"})
_BOTH: frozenset[What] = frozenset({"publishing", "showing"})
RELEASERS = frozenset({Role.SUPERVISOR, Role.DATA_SCIENTIST})
UNKNOWN = ReleaseRule(_BOTH)
_OF_A_LOAD = ReleaseRule(_PUBLISHING, frozenset({Role.DATA_SCIENTIST}), frozenset({Role.SUPERVISOR}), 7)
RULES: dict[str, ReleaseRule] = {
    kinds.STOPPED: ReleaseRule(_BOTH),
    kinds.REFUSED: ReleaseRule(_BOTH),
    kinds.MISSING: ReleaseRule(_PUBLISHING),
    kinds.LAPSED: ReleaseRule(_PUBLISHING),
    kinds.STOP: ReleaseRule(_PUBLISHING),
    kinds.SUSPENSION: ReleaseRule(_PUBLISHING),
    kinds.LOG: ReleaseRule(_PUBLISHING),
    kinds.CONCERN: ReleaseRule(_PUBLISHING, frozenset({Role.ETHICS_REVIEWER}), RELEASERS, 91),
    kinds.VOLUME: _OF_A_LOAD,
    kinds.DELETIONS: _OF_A_LOAD,
}
OF_REGISTER = frozenset({kinds.STOPPED, kinds.REFUSED, kinds.MISSING, kinds.LAPSED})  # asked of the register anew each time


@dataclass(frozen=True)
class Lift:
    """One finding lifted by two people for a time.

    Attributes:
        finding: id of the very finding; severity: how far over the bar it was then.
        from_on, until: first and last day it holds.
        second, second_role: null until a second person has agreed.
        ended_on: day somebody ended it before its time, from which it no longer holds; null while it stands.
    """

    finding: str
    severity: float | None
    from_on: date
    until: date
    first: str
    first_role: str
    second: str | None
    second_role: str | None
    ended_on: date | None


def rule_of(kind: str) -> ReleaseRule:
    """The row of the table. A kind that is not in it stops everything."""
    return RULES.get(kind, UNKNOWN)


def stops(finding: Finding, what: What) -> bool:
    """Whether a finding, not lifted, stops publishing or showing."""
    return what in rule_of(finding.kind).stops


def is_lifted(finding: Finding, lift: Lift, today: date, makers: Collection[str]) -> bool:
    """Whether a lift holds for a finding today.

    It holds for that very finding, no worse than it was, on its days alone, by two people in the roles of the table, neither of
    whom is among the `makers` of the release.
    """
    rule = rule_of(finding.kind)
    if not rule.can_be_lifted or lift.finding != finding.id or lift.second is None:
        return False
    by_their_roles = lift.first_role in rule.first and lift.second_role in rule.second
    by_two_others = lift.first != lift.second and not {lift.first, lift.second} & set(makers)
    on_its_days = lift.from_on <= today <= lift.until and (lift.until - lift.from_on).days <= rule.days
    stands = lift.ended_on is None or today < lift.ended_on
    return by_their_roles and by_two_others and on_its_days and stands and not has_grown(finding.severity, lift.severity)


def has_grown(now: float | None, then: float | None) -> bool:
    """Whether a finding is further over its bar than it was, or has a figure now where it had none."""
    return now is not None and (then is None or now > then)


def open_findings(
    found: Iterable[Finding], lifts: Iterable[Lift], today: date, makers: Collection[str], what: What = "publishing"
) -> tuple[Finding, ...]:
    """Those that stop `what` today."""
    held = tuple(lifts)
    return tuple(f for f in found if stops(f, what) and not any(is_lifted(f, lift, today, makers) for lift in held))
