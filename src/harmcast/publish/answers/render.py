"""A document as HTML for people, JSON for machines and its tables as CSV on the Web: the same bytes from the same document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from harmcast import words
from harmcast.documents.answer import AnswerSays, ColumnSays
from harmcast.publish.answers.document import AnswerTable, Document
from harmcast.publish.release_files import document as as_json
from harmcast.publish.spreadsheet import csv_of, neutral_text

HEADINGS = {
    "foi": "Freedom of information",
    "atrs": "Algorithmic transparency record",
    "dpia": "Data protection impact assessment",
    "eia": "Equality impact assessment",
    "algocare": "ALGO-CARE record",
    "modelcard": "Model card",
    "public": "About our tools",
    "subject": "What we hold about you",
}
TAGS = {
    "answered": "",
    "answered in part": "Answered in part",
    "not held": "Not held",
    "none was made": "None was made",
    "refused": "Refused",
    "not known": "Not known",
    "to fill": "To be filled",
}
CSVW_TYPES = {"count": "integer", "number": "number", "rate": "number", "share": "number", "date": "date"}


def json_text(document: Document) -> bytes:
    """The document as JSON, keys sorted, ending in a newline."""
    return as_json(document.document())


def html(document: Document) -> bytes:
    """The document as one self-contained page that prints on A4; everything from records is escaped."""
    return html_of(json.loads(json_text(document)))


def html_of(data: AnswerSays) -> bytes:
    """The page of a document's JSON: the same bytes as of the document."""
    return _environment().get_template("document.html.jinja").render(d=data, heading=HEADINGS[data["kind"]], personal=data["kind"] == "subject").encode()


def as_published(data: AnswerSays, reference: str) -> tuple[bytes, bytes]:
    """HTML and JSON of a draft as it is handed out: no draft any more, under the reference of what it answers."""
    published: AnswerSays = {**data, "standing": "published", "reference": reference}
    return html_of(published), as_json(published)


def files(document: Document) -> dict[str, bytes]:
    """`foi.html`, `foi.json` and each table by its key, `foi-iom.tracked.csv` with `foi-iom.tracked.csv-metadata.json`, say."""
    found = {f"{document.kind}.html": html(document), f"{document.kind}.json": json_text(document)}
    if document.kind != "subject":
        for name, table in _tables(document):
            found[f"{document.kind}-{name}.csv"] = csv_text(table)
            found[f"{document.kind}-{name}.csv-metadata.json"] = csvw(document, f"{document.kind}-{name}.csv", table)
    return found


def _tables(document: Document) -> Iterator[tuple[str, AnswerTable]]:
    """Every table of the document once, by the key of its fact; those of a fact that is split are joined again."""
    held: dict[str, AnswerTable] = {}
    for table in (b for p in document.parts for s in p.sections for b in s.blocks if isinstance(b, AnswerTable) and b.facts):
        before = held.get(table.facts[0])
        if before is None:
            held[table.facts[0]] = table
        elif not set(map(_frozen, table.rows)) <= set(map(_frozen, before.rows)):
            held[table.facts[0]] = AnswerTable(before.title, before.columns, (*before.rows, *table.rows), before.note, before.key, before.least, before.facts)
    yield from sorted(held.items())


def _frozen(row: Mapping[str, Any]) -> str:
    return repr(sorted(row.items()))


def _columns(table: AnswerTable) -> list[tuple[str, str, str]]:
    """Name, title and kind of each column; the column that splits a fact into tables stands first."""
    split = [(n, n.capitalize(), "text") for n in ("attribute",) if table.rows and n in table.rows[0] and n not in {c.name for c in table.columns}]
    return [*split, *((c.name, c.title, c.kind) for c in table.columns)]


def csv_text(table: AnswerTable) -> bytes:
    """The table as CSV: names of columns first, nothing that a spreadsheet could run."""
    names = [name for name, _, _ in _columns(table)]
    rows = ({**row, **filled} for row, filled in zip(table.rows, table.filled(), strict=True))
    return csv_of([names, *([_cell_text(row.get(name)) for name in names] for row in rows)])


def _cell_text(value: Any) -> Any:
    if isinstance(value, str):
        return neutral_text(value)
    return value.isoformat() if isinstance(value, date) else value


def csvw(document: Document, url: str, table: AnswerTable) -> bytes:
    """The table's description. Source: W3C, Metadata Vocabulary for Tabular Data (2015)."""
    columns = [{"name": name, "titles": [name], "dc:description": title, "datatype": CSVW_TYPES.get(kind, "string")} for name, title, kind in _columns(table)]
    described = {"@context": "http://www.w3.org/ns/csvw", "url": url, "dc:title": table.title, "dc:publisher": document.force, "dc:date": document.as_of}
    described |= {"dc:description": f"{table.note} Draft; records as known on {document.known_on.isoformat()}.".strip()}
    return as_json({**described, "tableSchema": {"columns": columns}})


def written_day(value: str | None) -> str:
    """16 November 2026."""
    return "no date" if value is None else words.day(date.fromisoformat(value))


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
    if isinstance(value, float):
        return f"{value:,.0f}" if value == round(value) else f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def cell(row: Mapping[str, Any], column: ColumnSays) -> str:
    """One cell as read: a rate stands with its interval."""
    value, kind = row[column["name"]], column["kind"]
    if value is None:
        return "–" if kind in ("rate", "count", "number", "share") else "not recorded"
    if kind == "rate":
        low, high = row.get(f"{column['name']}_low"), row.get(f"{column['name']}_high")
        return percent(value) + (f" ({percent(low)} to {percent(high)})" if low is not None else "")
    if kind == "date":
        return written_day(value)
    if kind == "share":
        return percent(value)
    return count(value) if kind in ("count", "number") else str(value)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    env = Environment(
        loader=PackageLoader("harmcast.publish.answers"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    env.filters.update(day=written_day, percent=percent, count=count)
    env.globals.update(cell=cell, TAGS=TAGS)
    return env
