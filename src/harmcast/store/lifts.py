"""Findings lifted for a time, as kept: proposed by one person, agreed by another, ended early by any of those who may."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from harmcast.oversight.findings import Finding
from harmcast.oversight.log import Event
from harmcast.oversight.release_rules import Lift
from harmcast.store import schema
from harmcast.store.operations import Operations


@dataclass(frozen=True)
class KeptLift(Lift):
    """A lift with its number, its tool, both reasons, and the condition it was lifted on."""

    id: int
    tool: str
    first_reason: str
    condition: str | None
    second_reason: str | None


class Lifts:
    """The lifts of one state."""

    def __init__(self, operations: Operations) -> None:
        self.operations = operations

    def all(self, finding: str | None = None) -> list[KeptLift]:
        """Every lift, proposed ones too, oldest first; of one finding where its id is given."""
        table = schema.finding_lifts
        wanted = [] if finding is None else [table.c.finding == finding]
        rows = self.operations.checked(table, *wanted, order_by=(table.c.id,))
        return [KeptLift(**{name: row[name] for name in KeptLift.__dataclass_fields__}) for row in rows]

    def propose(self, finding: Finding, from_on: date, until: date, reason: str, event: Event, condition: str | None = None) -> int:
        """One person's half; it holds nothing up until a second person agrees."""
        with self.operations.writing(event) as tx:
            tx.says(finding=finding.id, until=until.isoformat(), severity=finding.severity)
            return tx.insert(
                schema.finding_lifts,
                finding=finding.id,
                tool=finding.tool,
                severity=finding.severity,
                from_on=from_on,
                until=until,
                first=event.actor,
                first_role=event.role,
                first_reason=reason,
                condition=condition,
                at=tx.at,
            )

    def agree(self, lift: KeptLift, reason: str, event: Event) -> None:
        """The second person's half: from now on it holds."""
        table = schema.finding_lifts
        with self.operations.writing(event) as tx:
            tx.says(finding=lift.finding, until=lift.until.isoformat(), first=lift.first)
            values = {"second": event.actor, "second_role": event.role, "second_reason": reason, "second_at": tx.at}
            tx.execute(sa.update(table).where(table.c.id == lift.id, table.c.second.is_(None)).values(**values))

    def end(self, lift: KeptLift, on: date, event: Event) -> None:
        """Ends a lift, proposed or agreed, from a day on."""
        table = schema.finding_lifts
        with self.operations.writing(event) as tx:
            tx.says(finding=lift.finding, ended_on=on.isoformat())
            tx.execute(sa.update(table).where(table.c.id == lift.id).values(ended_on=on, ended_by=event.actor))
