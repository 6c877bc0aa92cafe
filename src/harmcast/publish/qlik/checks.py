"""The tables of the app about checks: were we right, who bears it, how good the data is. No count of a protected group leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TypedDict

import polars as pl

from harmcast.documents.audit import AuditDocument, fifth_rows
from harmcast.publish import group_impact
from harmcast.publish.qlik import star

HIDDEN = "[c]"


class ScoreRow(TypedDict, total=False):
    """A row of the track record: of a release and method, a method over all, or an area. Fields as in `star.CHECKS`; what is missing is null."""

    tool: str
    score_grain: str
    score_origin: date
    score_name: str
    score_windows: int
    score_hits: float
    score_crimes: int
    score_expected: float
    score_range: str
    score_held: str
    score_verdict: str
    score_says: str
    score_inside: int


class MeasureRow(TypedDict, total=False):
    """A measure of a group as the audit's page prints it."""

    tool: str
    audit_week: str
    audit_verdict: str
    audit_scope: str
    audit_attribute: str
    audit_group: str
    audit_measure: str
    audit_value: float | None
    audit_low: float | None
    audit_high: float | None
    audit_ratio: float | None
    audit_ratio_low: float | None
    audit_ratio_high: float | None
    audit_row_verdict: str
    audit_text: str


class DeliveryRow(TypedDict, total=False):
    """A table of a delivery: how its rows add up."""

    delivery_key: str
    delivery: str | None
    delivery_day: str
    delivery_standing: str
    delivery_table: str
    rows_received: int
    rows_loaded: int
    rows_unchanged: int
    rows_superseded: int
    rows_quarantined: int
    rows_left_out: int


class RuleRow(TypedDict):
    """A rule by which rows of a delivery were set aside."""

    delivery_key: str
    rule: str
    rule_column: str | None
    rule_rows: int | None


def tables(tools: Sequence[tuple[str, str]], scores: Sequence[ScoreRow], audit: Sequence[MeasureRow], deliveries: Sequence[DeliveryRow], rules: Sequence[RuleRow], says: str) -> dict[str, pl.DataFrame]:
    """The tables of the app.

    Args:
        tools: name and title of each tool.
        scores, audit, deliveries, rules: rows by field of the table of that name.
        says: what is shown and what is held.
    """
    raw: dict[str, Sequence[Mapping[str, object]]] = {
        "scores": scores,
        "audit": audit,
        "deliveries": deliveries,
        "rules": rules,
        "dim_tool": [{"tool": name, "tool_title": title} for name, title in tools],
        "about_checks": [{"about_says": says}],
    }
    found = {name: pl.DataFrame(rows, schema=star.CHECKS[name].schema) for name, rows in raw.items()}
    star.require_whole("checks", found)
    return found


def audit_rows(document: AuditDocument, tool: str, week: str) -> list[MeasureRow]:
    """An audit's measures as its page prints them: shares to a tenth in 100, no counts, hidden figures null and said."""
    reading = group_impact.Reading(document)
    head: MeasureRow = {"tool": tool, "audit_week": week, "audit_verdict": document["verdict"]}
    if not reading.is_people:
        return [{**head, **row} for row in _fifths(document)]
    found: list[MeasureRow] = []
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


def _fifths(document: AuditDocument) -> list[MeasureRow]:
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
