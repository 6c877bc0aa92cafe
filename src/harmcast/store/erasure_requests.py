"""Lists of people that one person asks to have erased and a second lets go or refuses; the people stand in it by a hash alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from harmcast.store import schema
from harmcast.store.operations import Operations, Writing, answer


@dataclass(frozen=True)
class ErasureRequest:
    """A list that somebody asks to have erased. `decision`: `erased`, `refused`, or None while it waits."""

    id: int
    list_hash: str
    people: int
    reasons: dict[str, int]
    why: str
    by: str
    at: str
    decision: str | None
    decided_by: str | None
    decided_at: str | None
    decided_why: str | None


def ask(tx: Writing, list_hash: str, reasons: Mapping[str, int], why: str, by: str, role: str) -> int:
    """Keeps that somebody asks for a list to be erased."""
    counts = json.dumps(dict(reasons), sort_keys=True)
    return tx.insert(schema.erasure_requests, list_hash=list_hash, people=sum(reasons.values()), reasons=counts, why=why, by=by, role=role, at=tx.at)


def decide(tx: Writing, number: int, decision: str, why: str | None, by: str) -> bool:
    """Keeps the second person's answer; False if somebody answered in between."""
    return answer(tx, schema.erasure_requests, number, decision, by, decided_why=why)


def newest(operations: Operations, most: int = 20) -> list[ErasureRequest]:
    """The newest requests first."""
    table = schema.erasure_requests
    rows = operations.checked(table, order_by=(table.c.id.desc(),))[:most]
    names = ErasureRequest.__dataclass_fields__
    return [ErasureRequest(**{name: json.loads(row[name]) if name == "reasons" else row[name] for name in names}) for row in rows]
