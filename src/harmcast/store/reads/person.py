"""What is kept about one person besides the records: decisions with what followed, objections with their steps; words opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from harmcast.store import keys, schema
from harmcast.store.operations import Operations


@dataclass(frozen=True)
class KeptOfPerson:
    """Rows as kept, oldest first, each with its `words` opened."""

    decisions: list[dict[str, Any]]
    follow_ups: list[dict[str, Any]]
    sign_offs: list[dict[str, Any]]
    representations: list[dict[str, Any]]
    steps: list[dict[str, Any]]


def kept_of(operations: Operations, person_key: str, before: str) -> KeptOfPerson:
    """Everything kept about a person before an instant. The caller has logged the view."""
    decided, received = schema.decisions, schema.representations
    with operations.reading() as connection:

        def opened(table: sa.Table, condition: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
            rows = connection.execute(sa.select(table).where(condition, table.c.at < before).order_by(table.c.id)).mappings()
            return [{**row, "words": keys.opened(connection, person_key, row["words_enc"])} for row in rows.all()]

        decisions = opened(decided, decided.c.person_key == person_key)
        representations = opened(received, received.c.person_key == person_key)
        own, asked = [row["id"] for row in decisions], [row["id"] for row in representations]
        return KeptOfPerson(
            decisions=decisions,
            follow_ups=opened(schema.follow_ups, schema.follow_ups.c.decision.in_(own)),
            sign_offs=opened(schema.sign_offs, schema.sign_offs.c.decision.in_(own)),
            representations=representations,
            steps=opened(schema.representation_steps, schema.representation_steps.c.representation.in_(asked)),
        )
