"""What is kept about one person besides the records: decisions with what followed, objections with their steps; words opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypedDict

from harmcast.store import keys, schema
from harmcast.store.desk import FollowUp, SignOff
from harmcast.store.operations import Operations
from harmcast.store.representations import RepresentationStep


class DecisionOfPerson(TypedDict):
    """A decision as kept; `checks`: JSON text of what was looked at first."""

    id: int
    person_key: str
    at: str
    decision: str
    reason_code: str
    checks: str
    own_judgement: str | None
    review_on: date | None
    words: str


class RepresentationOfPerson(TypedDict):
    id: int
    person_key: str
    kind: str
    received_on: date
    words: str


@dataclass(frozen=True)
class KeptOfPerson:
    """Rows as kept, oldest first, each with its `words` opened."""

    decisions: list[DecisionOfPerson]
    follow_ups: list[FollowUp]
    sign_offs: list[SignOff]
    representations: list[RepresentationOfPerson]
    steps: list[RepresentationStep]


def kept_of(operations: Operations, person_keys: Sequence[str], before: str) -> KeptOfPerson:
    """Everything kept about a person before an instant, under one key or several. The caller has logged the view."""
    own = {key: key for key in person_keys}
    with operations.reading() as connection:
        decisions = keys.written(connection, schema.decisions, "person_key", own, before)
        representations = keys.written(connection, schema.representations, "person_key", own, before)
        decided, asked = ({row["id"]: row["person_key"] for row in rows} for rows in (decisions, representations))
        return KeptOfPerson(
            decisions=decisions,
            follow_ups=keys.written(connection, schema.follow_ups, "decision", decided, before),
            sign_offs=keys.written(connection, schema.sign_offs, "decision", decided, before),
            representations=representations,
            steps=keys.written(connection, schema.representation_steps, "representation", asked, before),
        )
