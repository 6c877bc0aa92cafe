"""What an answer may say: facts, each with where it comes from, from when it holds and since when it was known.

An answer of a day sees what held by that day and was known by the day of knowing (the same, unless somebody asks what is
known now of then). `Facts` refuses anything else, so nothing later can slip in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

Row = Mapping[str, Any]
Value = str | int | float | bool | date | tuple[str, ...] | tuple[Row, ...]


@dataclass(frozen=True)
class Fact:
    """One fact.

    Attributes:
        key: dotted: `force.name`, `iom.variables`. Rows of a table are one fact.
        unit: of a number: `share`, `people`, `days`; empty where there is none.
        source: opens with what it is read from: `release:2026-W48/iom_model.json`, `register:17`, `statistics:2026-Q3/tracked`,
            `settings:...`, `log:...`, `design:...`.
        valid_from: the first day it holds; known_on: the day it was written down.

    Raises: ValueError without a source or a value.
    """

    key: str
    value: Value
    unit: str
    source: str
    valid_from: date
    known_on: date

    def __post_init__(self) -> None:
        if not self.source:
            raise ValueError(f"{self.key}: no source, no fact")
        if self.value is None:
            raise ValueError(f"{self.key}: what is not held is no fact")


@dataclass(frozen=True)
class Facts:
    """All facts of one day. Raises ValueError for one that held or was known only later, or a key twice."""

    as_of: date
    known_on: date
    held: Mapping[str, Fact]

    @classmethod
    def of(cls, as_of: date, known_on: date, facts: Iterable[Fact]) -> Facts:
        held: dict[str, Fact] = {}
        for fact in facts:
            if fact.key in held:
                raise ValueError(f"{fact.key}: a fact twice")
            held[fact.key] = fact
        return cls(as_of, known_on, held)

    def __post_init__(self) -> None:
        late = sorted(f.key for f in self.held.values() if f.valid_from > self.as_of or f.known_on > self.known_on)
        if late:
            raise ValueError(f"facts from after the day: {', '.join(late)}")

    def get(self, key: str) -> Fact | None:
        return self.held.get(key)

    def value(self, key: str) -> Any:
        """The value of a fact; KeyError if it is not held."""
        return self.held[key].value
