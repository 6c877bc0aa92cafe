"""The audit's document for an ethics panel: verdict first, nothing that was hidden, the same bytes from the same document."""

from __future__ import annotations

from datetime import date
from typing import Any

from harmcast.publish import group_impact

COLUMNS = [
    "scope", "attribute", "group", "is_reference", "measure", "numerator", "denominator", "against", "value", "low", "high",
    "ratio", "ratio_low", "ratio_high", "reason", "verdict",
]  # fmt: skip
DAY = date(2026, 11, 16)


def row(
    group: str, verdict: str, value: float | None = 0.05, ratio: float | None = 1.2, measure: str = "fpr"
) -> list[Any]:
    low, high = (None, None) if ratio is None else (ratio - 0.1, ratio + 0.1)
    ends = (None, None) if value is None else (value - 0.01, value + 0.01)
    count = (None, None) if value is None else (50.0, 1000.0)
    reason = "small number" if value is None else None
    return [
        "not managed",
        "sex",
        group,
        False,
        measure,
        *count,
        "reference",
        value,
        *ends,
        ratio,
        low,
        high,
        reason,
        verdict,
    ]


def document(*rows: list[Any], verdict: str = "met", judged: int = 1, findings: tuple[Any, ...] = ()) -> dict[str, Any]:
    return {
        "kind": "people", "verdict": verdict, "judged": judged, "too_few_to_say": 1, "findings": list(findings), "notes": [],
        "cannot_see": ["What nobody wrote down."],
        "thresholds": [{"name": "ratio_concern", "says": "A ratio under this is a concern.", "unit": "ratio", "value": 0.8}],
        "tables": [{"title": "What was measured", "columns": COLUMNS, "rows": list(rows)}],
    }  # fmt: skip


def test_the_verdict_stands_before_everything_measured() -> None:
    found = [{"name": "x", "verdict": "concern", "says": "Wrongly selected more often: women."}]
    text = group_impact.body(document(row("female", "concern"), verdict="concern", findings=tuple(found)))
    assert (
        text.index("Verdict: concern") < text.index("Wrongly selected more often: women.") < text.index("50 of 1,000")
    )
    assert "What nobody wrote down." in text
    assert "0.8" in text
    assert "1.20" in text
    assert "1.10 to 1.30" in text


def test_silence_is_said_to_be_no_evidence() -> None:
    assert "Silence is no evidence" in group_impact.body(
        document(row("female", "too few to say"), verdict="concern", judged=0)
    )


def test_records_alone_are_not_taken_for_the_score() -> None:
    of_records = ["records", *row("female", "met", measure="charges_fell_away")[1:]]
    said = "of the score itself there was too little to judge any group"
    assert said in group_impact.body(document(of_records, row("female", "too few to say")))
    assert said not in group_impact.body(document(of_records, row("female", "met")))


def test_groups_too_few_for_a_share_are_named_with_their_counts() -> None:
    few = row("female", "printed", None, None)
    few[COLUMNS.index("numerator") : COLUMNS.index("denominator") + 1] = 5.0, 45.0
    text = group_impact.body(document(row("male", "met"), few, row("other", "printed", None, None)))  # the last as releases of earlier versions have it
    assert "Too few for a share: female (5 of 45), other." in text
    assert text.count("app-gap__dot") == 1


def test_counts_of_verdicts_by_attribute() -> None:
    reading = group_impact.Reading(document(row("male", "met"), row("female", "too few to say"), row("other", "met")))
    assert reading.overview() == [{"name": "Sex", "cells": [[("met", 2), ("too few to say", 1)]]}]


def test_the_file_is_the_same_again_and_escapes() -> None:
    made = document(row("<b>male</b>", "met"))
    text = group_impact.file(made, "A tool", "2026-W47", DAY)
    assert text == group_impact.file(made, "A tool", "2026-W47", DAY)
    assert b"<b>male" not in text
    assert b"2026-W47" in text


def test_a_picture_stays_inside_its_frame() -> None:
    text = group_impact.picture(-9.0, 0.0, 9.0, -1.0, 1.0, 0.0, [0.5])
    assert 'x1="6.0" x2="174.0"' in text
