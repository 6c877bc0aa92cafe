"""Works every published rate out again from the counts printed beside it, in the JSON of any answer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

Says = Mapping[str, Any]  # an answer, or a block of one, as its JSON holds it
CLOSE = 1e-9


def rates(document: Says) -> Iterator[tuple[str, Any, list[Any], list[Any], int]]:
    """Every rate of a document: where it stands, its value, the counts over and under its line, and from how many it is printed."""
    for where, block in _blocks(document):
        if block["type"] == "words":
            for rate in block.get("rates", ()):
                over, under = [rate["numerator"]["count"]], [rate["denominator"]["count"]]
                yield f"{where}: {rate['says']}", rate["value"], over, under, rate.get("least", 0)
        elif block["type"] == "table":
            for number, row in enumerate(block["rows"], start=1):
                for c in (c for c in block["columns"] if c["kind"] == "rate"):
                    over, under = ([row[n] for n in side] for side in (c["numerator"], c["denominator"]))
                    yield f"{where}, {block['title']}, row {number}, {c['name']}", row[c["name"]], over, under, block.get("least", 0)


def faults(document: Says, close: float = CLOSE) -> list[str]:
    """Rates that do not follow from their counts, or are printed although a count is not or too few stand under the line."""
    found = []
    for where, value, over, under, least in rates(document):
        if None in (*over, *under) or sum(under) == 0 or sum(under) < least:
            right = value is None
        else:
            right = isinstance(value, float | int) and math.isclose(value, sum(over) / sum(under), rel_tol=0, abs_tol=close)
        if not right:
            found.append(where)
    return found


def _blocks(document: Says) -> Iterator[tuple[str, Says]]:
    for block in document["intro"]:
        yield "intro", block
    for part in document["parts"]:
        for section in part["sections"]:
            for block in section["blocks"]:
                yield f"{part['title']}, {section['number']}", block
