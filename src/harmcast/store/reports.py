"""Reports that were made, and answers that were published: the bytes that two people signed, kept and never made again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from harmcast.oversight.log import Event
from harmcast.store import schema
from harmcast.store.operations import Operations, Writing


@dataclass(frozen=True)
class PublishedAnswer:
    """An answer as signed, without its bytes; `second` is null while it waits for the second person."""

    id: int
    kind: str
    reference: str
    as_of: date
    known_on: date
    sha256: str
    supersedes: int | None
    first: str
    first_role: str
    at: str
    second: str | None
    second_role: str | None
    second_at: str | None


@dataclass(frozen=True)
class NewAnswer:
    """An answer to be signed: its clocks and its bytes."""

    kind: str
    reference: str
    as_of: date
    known_on: date
    html: bytes
    json: bytes
    sha256: str


def note(tx: Writing, kind: str, as_of: date, sha256: str, by: str) -> None:
    """Keeps that a report was made."""
    tx.insert(schema.report_runs, kind=kind, as_of=as_of, sha256=sha256, by=by, at=tx.at)


def was_made(operations: Operations, kind: str, sha256: str) -> bool:
    """Whether a report of these bytes (of its JSON) was made here."""
    table = schema.report_runs
    return bool(operations.checked(table, table.c.kind == kind, table.c.sha256 == sha256))


def answers(operations: Operations) -> list[PublishedAnswer]:
    """Every answer signed by one person or two, the newest first."""
    table = schema.published_answers
    rows = operations.checked(table, order_by=(table.c.id.desc(),))
    return [PublishedAnswer(**{name: row[name] for name in PublishedAnswer.__dataclass_fields__}) for row in rows]


def bytes_of(operations: Operations, number: int, form: str) -> bytes | None:
    """The HTML or the JSON of an answer that two people signed, as it was handed out; null where there is none."""
    table = schema.published_answers
    found = operations.checked(table, table.c.id == number, table.c.second.is_not(None))
    return bytes(found[0][form]) if found and form in ("html", "json") else None


def sign_first(operations: Operations, answer: NewAnswer, supersedes: int | None, event: Event) -> int:
    """One person's half: nothing is published until a second person signs the same bytes."""
    with operations.writing(event) as tx:
        tx.says(reference=answer.reference, sha256=answer.sha256, supersedes=supersedes)
        return tx.insert(schema.published_answers, **vars(answer), supersedes=supersedes, first=event.actor, first_role=event.role, at=tx.at)


def sign_second(operations: Operations, waiting: PublishedAnswer, event: Event) -> None:
    """The second person's half: from now on it is published."""
    table = schema.published_answers
    with operations.writing(event) as tx:
        tx.says(reference=waiting.reference, sha256=waiting.sha256, first=waiting.first)
        values = {"second": event.actor, "second_role": event.role, "second_at": tx.at}
        tx.execute(sa.update(table).where(table.c.id == waiting.id, table.c.second.is_(None)).values(**values))
