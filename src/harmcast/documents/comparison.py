"""Figures of what a waiting load would make held, to be compared with those that the force itself has published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from harmcast.documents.plain import PlainRecord

SHOWN = 24


@dataclass(frozen=True)
class Counts:
    """One table of counts: what is counted, by what, and each row with its count."""

    what: str
    by: str
    rows: tuple[tuple[str, int], ...]

    def document(self) -> PlainRecord:
        return asdict(self)


def read(documents: Iterable[Mapping[str, Any]]) -> list[Counts]:
    """Tables again from what was kept of them."""
    return [Counts(d["what"], d["by"], tuple((str(name), int(n)) for name, n in d["rows"])) for d in documents]


def lines(tables: Iterable[Counts]) -> list[str]:
    """What is printed for people; of a long table the last rows, because --json holds all."""
    said = []
    for table in tables:
        said.append(f"{table.what} by {table.by}:")
        left_out = len(table.rows) - SHOWN
        said += [f"    and {left_out} row(s) before these"] if left_out > 0 else []
        said += [f"  {count:>10,}  {name}" for name, count in table.rows[-SHOWN:]]
    return said
