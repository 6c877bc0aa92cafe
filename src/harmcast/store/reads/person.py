"""What is kept about one person besides the records: decisions with what followed, objections with their steps; words opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypedDict

import sqlalchemy as sa

from harmcast.store import keys, schema
from harmcast.store.operations import Operations


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


class FollowUpOfPerson(TypedDict):
    at: str
    happened_on: date
    step: str
    words: str


class SignOffOfPerson(TypedDict):
    at: str
    outcome: str
    words: str


class RepresentationOfPerson(TypedDict):
    id: int
    person_key: str
    kind: str
    received_on: date
    words: str


class StepOfPerson(TypedDict):
    """A step of a representation: looked at, its outcome, or scored again in the release of a week."""

    representation: int
    at: str
    step: str
    outcome: str | None
    rescored_week: str | None
    words: str


@dataclass(frozen=True)
class KeptOfPerson:
    """Rows as kept, oldest first, each with its `words` opened."""

    decisions: list[DecisionOfPerson]
    follow_ups: list[FollowUpOfPerson]
    sign_offs: list[SignOffOfPerson]
    representations: list[RepresentationOfPerson]
    steps: list[StepOfPerson]


def kept_of(operations: Operations, person_keys: Sequence[str], before: str) -> KeptOfPerson:
    """Everything kept about a person before an instant, under one key or several. The caller has logged the view."""
    with operations.reading() as connection:

        def opened(table: sa.Table, column: str, whose: Mapping[Any, str]) -> list[Any]:
            """Rows whose column names one of `whose`, with the key their words are sealed under."""
            found = table.c[column].in_(list(whose))
            rows = connection.execute(sa.select(table).where(found, table.c.at < before).order_by(table.c.id)).mappings()
            return [{**row, "words": keys.opened(connection, whose[row[column]], row["words_enc"])} for row in rows.all()]

        own = {key: key for key in person_keys}
        decisions, representations = opened(schema.decisions, "person_key", own), opened(schema.representations, "person_key", own)
        decided, asked = ({row["id"]: row["person_key"] for row in rows} for rows in (decisions, representations))
        return KeptOfPerson(
            decisions=decisions,
            follow_ups=opened(schema.follow_ups, "decision", decided),
            sign_offs=opened(schema.sign_offs, "decision", decided),
            representations=representations,
            steps=opened(schema.representation_steps, "representation", asked),
        )
