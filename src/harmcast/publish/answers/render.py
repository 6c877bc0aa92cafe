"""A document as HTML for people and JSON for machines: the same bytes from the same document, no file fetched, no script."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from harmcast.publish.answers.document import Document
from harmcast.publish.disclosure import MARK

ENTERED = {"places": "places", "people": "people"}
HEADINGS = {
    "foi": "Freedom of information",
    "atrs": "Algorithmic transparency record",
    "dpia": "Data protection impact assessment",
    "eia": "Equality impact assessment",
    "algocare": "ALGO-CARE record",
    "modelcard": "Model card",
    "public": "About our tools",
    "subject": "Information about one person",
}
TAGS = {
    "answered": "",
    "answered in part": "Answered in part",
    "not held": "Not held",
    "none was made": "None was made",
    "empty in the register": "Empty in the register",
}


def json_text(document: Document) -> bytes:
    """The document as JSON, keys sorted, ending in a newline."""
    return (
        json.dumps(document.document(), sort_keys=True, indent=1, ensure_ascii=False, default=_plain) + "\n"
    ).encode()


def html(document: Document) -> bytes:
    """The document as one self-contained page that prints on A4; everything from records is escaped."""
    data = json.loads(json_text(document))
    page = (
        _environment()
        .get_template("document.html.jinja")
        .render(d=data, heading=HEADINGS[document.kind], personal=document.personal)
    )
    return page.encode()


def files(document: Document) -> dict[str, bytes]:
    """`foi.html` and `foi.json`, say."""
    return {f"{document.kind}.html": html(document), f"{document.kind}.json": json_text(document)}


def _plain(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a document")


def written_day(value: str | None) -> str:
    """16 November 2026."""
    if value is None:
        return "no date"
    found = date.fromisoformat(value)
    return f"{found.day} {found:%B %Y}"


def percent(value: float | None) -> str:
    """A share as a percentage with the digits it needs: never 0% or 100% for what is only near them."""
    if value is None:
        return "none"
    if value in (0, 1):
        return f"{100 * value:.0f}%"
    edge = min(value, 1 - value)
    return "under 0.01%" if value < 5e-5 else f"{100 * value:.{1 if edge >= 0.01 else 2}f}%"


def count(value: Any) -> str:
    if value is None:
        return "none"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}" if isinstance(value, float) else str(value)


def cell(row: Mapping[str, Any], column: Mapping[str, Any]) -> str:
    """One cell as read: hidden counts bear their mark, a rate stands with its interval."""
    value = row[column["name"]]
    if value == MARK:
        return MARK
    kind = column["kind"]
    if value is None:
        return "–" if kind in ("rate", "count", "number") else "not recorded"
    if kind == "rate":
        low, high = row.get(f"{column['name']}_low"), row.get(f"{column['name']}_high")
        return percent(value) + (f" ({percent(low)} to {percent(high)})" if low is not None else "")
    if kind == "date":
        return written_day(value)
    return count(value) if kind in ("count", "number") else str(value)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    env = Environment(
        loader=PackageLoader("harmcast.publish.answers"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    env.filters.update(day=written_day, percent=percent, count=count)
    env.globals.update(cell=cell, TAGS=TAGS, MARK=MARK)
    return env
