"""Works every published rate out again from the counts printed beside it, in the JSON of any answer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from harmcast.publish.disclosure import MARK

CLOSE = 1e-9


def rates(document: Mapping[str, Any]) -> Iterator[tuple[str, Any, list[Any], list[Any]]]:
    """Every rate of a document: where it stands, its value, and the counts over and under its line."""
    for where, block in _blocks(document):
        if block["type"] == "words":
            for rate in block.get("rates", ()):
                yield (
                    f"{where}: {rate['says']}",
                    rate["value"],
                    [rate["numerator"]["count"]],
                    [rate["denominator"]["count"]],
                )
        elif block["type"] == "table":
            columns = [c for c in block["columns"] if c["kind"] == "rate"]
            for number, row in enumerate(block["rows"], start=1):
                for c in columns:
                    over, under = ([row[n] for n in c[side]] for side in ("numerator", "denominator"))
                    yield f"{where}, {block['title']}, row {number}, {c['name']}", row[c["name"]], over, under


def faults(document: Mapping[str, Any], close: float = CLOSE) -> list[str]:
    """Rates that do not follow from their counts, or are printed although a count is hidden; empty if all are right."""
    found = []
    for where, value, over, under in rates(document):
        if MARK in (*over, *under):
            right = value == MARK
        elif None in (*over, *under) or sum(under) == 0:
            right = value is None
        else:
            right = isinstance(value, float | int) and math.isclose(
                value, sum(over) / sum(under), rel_tol=0, abs_tol=close
            )
        if not right:
            found.append(where)
    return found


def _blocks(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for block in document["intro"]:
        yield "intro", block
    for part in document["parts"]:
        for block in part["intro"]:
            yield part["title"], block
        for section in part["sections"]:
            for block in section["blocks"]:
                yield f"{part['title']}, {section['number']}", block
