"""Case reviews: somebody who judges the tool asks to see one person's whole page without a name; the officer grants it, for a time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta

from harmcast.oversight import log
from harmcast.store import schema
from harmcast.store.operations import Operations, Writing, answer

WHAT = "case_review"
OPEN_DAYS = 14
SHOWN = 50


@dataclass(frozen=True)
class CaseReview:
    """One request. `decision`: `granted`, `refused` or None; `decided_at`: from then it is open for `OPEN_DAYS`."""

    id: int
    person_key: str
    reason: str
    by: str
    at: str
    decision: str | None
    decided_by: str | None
    decided_at: str | None

    def is_open(self, now: str) -> bool:
        """Whether the page may be opened at an instant."""
        if self.decision != "granted" or self.decided_at is None:
            return False
        return self.decided_at <= now <= log.instant(log.moment(self.decided_at) + timedelta(days=OPEN_DAYS))


def ask(tx: Writing, person_key: str, reason: str, by: str, role: str) -> int:
    """Keeps that somebody asks for a case review of one person."""
    return tx.insert(
        schema.export_requests, what=WHAT, query=json.dumps({"person_key": person_key}), with_names=False, reason=reason, by=by, role=role, unit=None, at=tx.at
    )


def decide(tx: Writing, number: int, decision: str, by: str) -> bool:
    """Keeps the officer's answer; False if it is answered already, there is none of that number, or it is her own."""
    table = schema.export_requests
    return answer(tx, table, number, decision, by, table.c.what == WHAT, table.c.by != by)


def of(operations: Operations, by: str | None = None) -> list[CaseReview]:
    """Requests of one account or of all, newest first: every one that waits or is open, and the newest `SHOWN` of the others."""
    table, now = schema.export_requests, operations.now()
    own = [table.c.what == WHAT, *([table.c.by == by] if by is not None else [])]
    found = [
        CaseReview(row["id"], json.loads(row["query"])["person_key"], row["reason"], row["by"], row["at"], row["decision"], row["decided_by"], row["decided_at"])
        for row in operations.checked(table, *own, order_by=(table.c.id.desc(),))
    ]
    over = [one.id for one in found if one.decision is not None and not one.is_open(now)]
    return [one for one in found if one.id not in over[SHOWN:]]


def is_open(operations: Operations, person_key: str, by: str) -> bool:
    """Whether an account may open one person's whole page without a name now."""
    now = operations.now()
    return any(one.person_key == person_key and one.is_open(now) for one in of(operations, by))
