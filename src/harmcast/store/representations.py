"""Objections, complaints and data errors about a person's record: received, looked at, outcome, rescored. Nothing is edited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TypedDict

import sqlalchemy as sa

from harmcast.store import keys, schema
from harmcast.store.operations import Operations, Writing

KINDS: dict[str, str] = {
    "data_error": "Error in the data",
    "objection": "Objection by the person or for them",
    "complaint": "Complaint",
}
CHANNELS: dict[str, str] = {
    "unit": "By a member of the unit",
    "person": "By the person",
    "solicitor": "By a solicitor or another for them",
    "commissioner": "Through the Information Commissioner",
}
STEPS: dict[str, str] = {"looked_at": "Looked at", "outcome": "Outcome", "rescored": "Rescored"}
OUTCOMES: dict[str, str] = {
    "upheld": "Upheld: the record is put right at source",
    "upheld_in_part": "Upheld in part",
    "not_upheld": "Not upheld",
    "withdrawn": "Withdrawn",
}


class RepresentationStep(TypedDict):
    """What was done about an objection: a step, or the outcome of all (`step` = outcome)."""

    id: int
    representation: int
    step: str
    outcome: str | None
    rescored_week: str | None
    words: str | None
    by_name: str
    role: str
    at: str


@dataclass(frozen=True)
class Representation:
    """One representation with its steps, oldest first. `words` is None where none were written or the person was forgotten."""

    id: int
    person_key: str | None
    tool: str | None
    kind: str
    received_on: date
    channel: str | None
    by_name: str
    role: str
    at: str
    words: str | None
    steps: tuple[RepresentationStep, ...]

    @property
    def outcome(self) -> str | None:
        found = [step["outcome"] for step in self.steps if step["step"] == "outcome"]
        return found[-1] if found else None

    @property
    def is_open(self) -> bool:
        return self.outcome is None


def receive(
    tx: Writing, person_key: str, tool: str, kind: str, received_on: date, channel: str, words: str, by: str, role: str
) -> int:
    """Keeps a representation about a person, its words sealed under the person's key; gives its number."""
    return tx.insert(
        schema.representations,
        person_key=person_key,
        tool=tool,
        kind=kind,
        received_on=received_on,
        channel=channel,
        words_enc=keys.sealed(tx.connection, person_key, words),
        by=by,
        role=role,
        at=tx.at,
    )


def add_step(
    tx: Writing,
    number: int,
    person_key: str,
    step: str,
    outcome: str | None,
    rescored_week: str | None,
    words: str,
    by: str,
    role: str,
) -> int:
    """Keeps a step: who looked at it, what came of it, in which week the person was scored again."""
    return tx.insert(
        schema.representation_steps,
        representation=number,
        step=step,
        outcome=outcome,
        rescored_week=rescored_week,
        words_enc=keys.sealed(tx.connection, person_key, words) if words else None,
        by=by,
        role=role,
        at=tx.at,
    )


def of_person(operations: Operations, *person_keys: str) -> list[Representation]:
    """Representations about a person, under one key or several, the newest first, with words opened. The caller has logged the view."""
    return _read(operations, schema.representations.c.person_key.in_(person_keys))


def everything(operations: Operations, most: int = 500) -> list[Representation]:
    """The newest representations about anybody, with words opened. The caller has logged the view."""
    return _read(operations, sa.true(), most)


def find(operations: Operations, number: int) -> Representation | None:
    """One representation by its number; None if there is none."""
    found = _read(operations, schema.representations.c.id == number)
    return found[0] if found else None


def _read(operations: Operations, where: sa.ColumnElement[bool], most: int = 500) -> list[Representation]:
    table = schema.representations
    query = sa.select(table.c.id, table.c.person_key).where(where).order_by(table.c.id.desc()).limit(most)
    with operations.reading() as connection:
        whose: dict[int, str] = {row.id: row.person_key for row in connection.execute(query)}
        steps = keys.written(connection, schema.representation_steps, "representation", whose)
        return [
            Representation(
                id=row["id"],
                person_key=row["person_key"],
                tool=row["tool"],
                kind=row["kind"],
                received_on=row["received_on"],
                channel=row["channel"],
                by_name=row["by_name"],
                role=row["role"],
                at=row["at"],
                words=row["words"],
                steps=tuple(step for step in steps if step["representation"] == row["id"]),
            )
            for row in reversed(keys.written(connection, table, "id", whose))
        ]
