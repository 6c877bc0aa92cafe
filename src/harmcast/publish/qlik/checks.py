"""The tables of the app about checks: were we right, who bears it, how good the data is. No count of a protected group leaves."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from harmcast.documents.audit import AuditDocument, fifth_rows
from harmcast.publish import group_impact
from harmcast.publish.qlik import star
from harmcast.publish.qlik.star import StarRow

HIDDEN = "[c]"


def tables(tools: Sequence[tuple[str, str]], scores: Sequence[StarRow], audit: Sequence[StarRow], deliveries: Sequence[StarRow], rules: Sequence[StarRow], says: str) -> dict[str, pl.DataFrame]:
    """The tables of the app.

    Args:
        tools: name and title of each tool.
        scores, audit, deliveries, rules: rows by field of the table of that name.
        says: what is shown and what is held.
    """
    raw: dict[str, Sequence[StarRow]] = {
        "scores": scores,
        "audit": audit,
        "deliveries": deliveries,
        "rules": rules,
        "dim_tool": [{"tool": name, "tool_title": title} for name, title in tools],
        "about_checks": [{"about_says": says}],
    }
    found = {name: star.of_rows("checks", name, rows) for name, rows in raw.items()}
    star.require_whole("checks", found)
    return found


def audit_rows(document: AuditDocument, tool: str, week: str) -> list[StarRow]:
    """An audit's measures as its page prints them: shares to a tenth in 100, no counts, hidden figures null and said."""
    reading = group_impact.Reading(document)
    head: StarRow = {"tool": tool, "audit_week": week, "audit_verdict": document["verdict"]}
    if not reading.is_people:
        return [{**head, **row} for row in _fifths(document)]
    found: list[StarRow] = []
    for attribute in reading.attributes:
        for scope, parts in reading.parts(attribute):
            for part in parts:
                for row in part.rows:
                    itself = row["is_reference"] and row["against"] == "reference"
                    found.append(
                        {
                            **head,
                            "audit_scope": scope,
                            "audit_attribute": group_impact.title_of(attribute),
                            "audit_group": str(row["group"]),
                            "audit_measure": part.title,
                            "audit_value": _tenth(row["value"]),
                            "audit_low": _tenth(row["low"]),
                            "audit_high": _tenth(row["high"]),
                            "audit_ratio": None if itself else _hundredth(row["ratio"]),
                            "audit_ratio_low": None if itself else _hundredth(row["ratio_low"]),
                            "audit_ratio_high": None if itself else _hundredth(row["ratio_high"]),
                            "audit_row_verdict": row["verdict"] or "too few to say",
                            "audit_text": HIDDEN if row["value"] is None else f"{100 * row['value']:.1f}%",
                        }
                    )
    return found


def _fifths(document: AuditDocument) -> list[StarRow]:
    """Recorded over forecast by deprivation fifth: what is judged of a places tool."""
    return [
        {
            "audit_scope": "Residents by deprivation",
            "audit_attribute": group_impact.COLUMNS["fifth"],
            "audit_group": str(row["fifth"]),
            "audit_measure": group_impact.COLUMNS["ratio"],
            "audit_value": _hundredth(row["ratio"]),
            "audit_low": _hundredth(row["ratio_low"]),
            "audit_high": _hundredth(row["ratio_high"]),
            "audit_row_verdict": row["verdict"],
            "audit_text": HIDDEN if row["ratio"] is None else f"{row['ratio']:.2f}",
        }
        for row in fifth_rows(document)
    ]


def _tenth(share: float | None) -> float | None:
    """A share as printed: to a tenth in 100, so that no count can be worked out of it."""
    return None if share is None else round(share, 3)


def _hundredth(ratio: float | None) -> float | None:
    return None if ratio is None else round(ratio, 2)
