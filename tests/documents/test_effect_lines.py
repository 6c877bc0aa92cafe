"""Effects as they are printed: the same of several values stands once."""

from __future__ import annotations

from harmcast.documents.effects import Effect, lines


def unmatched(value: str) -> Effect:
    return Effect("matched", f"violence offence_code {value}", 0, None, None, "note", "Look at the codes.", "matches no crime of the last year.")


def test_values_that_match_nothing_stand_in_one_line() -> None:
    held = Effect("volume", "charges", 9, 1, 2, "hold", "Ask.", "9 in the last week.")
    fine = Effect("volume", "crimes", 1, 1, 2, "ok", "", "1 in the last week.")
    assert lines([unmatched("002"), held, unmatched("004/02"), fine]) == [
        "Effects: 4 looked at, 1 as before.",
        "  HOLD   volume, charges: 9 in the last week.",
        "         Next: Ask.",
        "  NOTE   matched, violence offence_code 002, 004/02: matches no crime of the last year.",
        "         Next: Look at the codes.",
    ]
