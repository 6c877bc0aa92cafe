"""The exploratory analysis as files: one HTML page with pictures, the same as JSON, and each table as CSV."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from harmcast import words
from harmcast.charts import report
from harmcast.documents.closed_tables import ZERO_MEANS
from harmcast.documents.exploration import Exploration, ExploredTable, Told
from harmcast.publish.spreadsheet import csv_of, neutral_text

COLOURS = ("#1d70b8", "#b58105", "#505a5f", "#00703c", "#912b88")
ROWS_SHOWN = 60
TOLD_COLUMNS = {"variable": "Variable", "attribute": "Attribute", "group": "Group", "auc": "AUC", "auc_low": "From", "auc_high": "To", "n_group": "In the group", "n": "Of", "reason": "Why not"}


def files(found: Exploration) -> dict[str, bytes]:
    """`eda.html`, `eda.json` and `eda-<table>.csv`."""
    text = json.dumps(found.document(), indent=1, ensure_ascii=False, default=str) + "\n"
    return {"eda.html": html(found).encode(), "eda.json": text.encode(), **{f"eda-{table.key}.csv": csv_of([list(table.columns), *([neutral_text(v) if isinstance(v, str) else v for v in row] for row in table.rows)]) for table in tables(found)}}


def sha256_of(rendered: Mapping[str, bytes]) -> str:
    return hashlib.sha256(rendered["eda.json"]).hexdigest()


def tables(found: Exploration) -> list[ExploredTable]:
    """Every table, those about groups first."""
    groups = [*found.groups.tables] if found.groups else []
    if found.groups and found.groups.told:
        groups = [_told(found.groups.told), *groups]
    of_groups = {"composition", "charges_fell_away", "charges_police_found"}
    return [*groups, *(t for t in found.tables if t.key in of_groups), *(t for t in found.tables if t.key not in of_groups)]


def _told(told: Sequence[Told]) -> ExploredTable:
    rows = tuple(tuple(getattr(one, name) for name in TOLD_COLUMNS) for one in told)
    says = "Area under the curve of telling the group from everyone else by that variable alone, with 95% interval, furthest from a coin (0.5) first."
    return ExploredTable("variables_and_groups", "What each variable of the released model tells of a group", says, TOLD_COLUMNS, rows)


def html(found: Exploration) -> str:
    """One self-contained page; everything from records is escaped."""
    parts = [
        f"<h1>Exploratory data analysis</h1><p>{escape(found.force)}. As known at the end of {words.day(found.as_of)}; the whole history held.</p>",
        "<h2>What stands out</h2><ul>" + "".join(f"<li>{escape(one)}</li>" for one in found.findings) + "</ul>",
    ]
    if found.groups:
        model = f" Variables are those of the model {found.groups.model}." if found.groups.model else ""
        parts.append(f"<p>What is said of groups was measured as known at the end of {words.day(found.groups.day)}.{escape(model)} {ZERO_MEANS}</p>")
    for table in tables(found):
        parts.append(_picture(table) or f"<h2>{escape(table.title)}</h2><p>{escape(table.says)}</p>")
        shown = table.rows[-ROWS_SHOWN:] if table.chart == "line" else table.rows[:ROWS_SHOWN]
        parts.append(report.table(table.title, list(table.columns.values()), [(_cell(row[0]), [_cell(value) for value in row[1:]]) for row in shown]))
        if len(table.rows) > ROWS_SHOWN:
            which = "last" if table.chart == "line" else "first"
            parts.append(f"<p>The {which} {ROWS_SHOWN} of {len(table.rows):,} rows; all of them in eda-{escape(table.key)}.csv.</p>")
    parts.append("<h2>What cannot be known from this</h2><ul>" + "".join(f"<li>{escape(one)}</li>" for one in found.limits) + "</ul>")
    return report.document("Exploratory data analysis", parts)


def _picture(table: ExploredTable) -> str | None:
    if not table.chart or len(table.rows) < 2:
        return None
    names = list(table.columns)
    across, ups = names.index(table.across), [names.index(up) for up in table.up]
    if table.chart == "bars":
        values = [(str(row[across]), float(row[ups[0]])) for row in table.rows if row[ups[0]] is not None]
        svg = report.columns([name for name, _ in values], [value for _, value in values], table.columns[table.across], table.columns[table.up[0]]) if values else ""
    else:
        lines = [
            (table.up[k].replace("_", " "), COLOURS[k % len(COLOURS)], [(_year(row[across]), float(row[up])) for row in table.rows if row[up] is not None])
            for k, up in enumerate(ups)
        ]
        svg = report.lines(lines, "year", "share, %" if "share" in table.says.lower() or "share" in table.up else "records")
    return report.figure(table.title, table.says, svg)


def _year(value: Any) -> float:
    """`2026-07` as a point in time, in years."""
    text = str(value)
    return int(text[:4]) + (int(text[5:7]) - 0.5) / 12 if len(text) > 4 else float(text)


def _cell(value: Any) -> str:
    if value is None:
        return "not printed"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) and value >= 10_000 else f"{value:g}" if isinstance(value, float) else str(value)
