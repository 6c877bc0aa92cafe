"""What changed: state beside the state before; new, ended and still since; a total only beyond its range."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from harmcast.documents.changed import State, changed, state_of, states

NAMES = {"a": "Mill Road", "b": "The Dock", "c": "High Street", "d": "North End", "e": "Kiln Lane"}
TOTAL = {"expected": 100.0, "lower": 90, "upper": 110}


def said(*weeks: dict[str, State], total: dict[str, Any] = TOTAL, before: dict[str, Any] = TOTAL, within: frozenset[str] | None = None) -> list[str]:
    history = [(f"2026-W{40 + k}", states) for k, states in enumerate(weeks)]
    return changed(history, total, before, within).sentences(NAMES)


def test_states_are_those_of_the_words() -> None:
    frame = pl.DataFrame({"cell": ["a", "b", "c", "d", "e"], "baseline_4w": [9.0, 1.0, 0.0, 0.0, None], "baseline_52w": [1.0, 1.0, 8.0, 0.0, 1.0]})
    assert states(frame) == {"a": "above", "b": "about", "c": "below", "d": "none", "e": "unknown"}
    assert state_of("higher than its own usual (+40%)") == "above"


def test_what_is_still_so_is_not_news() -> None:
    assert said({"a": "above", "b": "about"}, {"a": "above", "b": "about"}) == [
        "No place is newly above its usual.", "Still above its usual: Mill Road (since 2026-W40).", "The force’s total has not changed beyond its range.",
    ]  # fmt: skip


def test_new_and_ended_are_told_apart() -> None:
    assert said({"a": "about", "b": "above", "c": "above"}, {"a": "above", "b": "about", "c": "none"})[:2] == [
        "Newly above its usual: Mill Road.",
        "Back to usual: The Dock and High Street.",
    ]


def test_since_is_the_first_release_of_the_unbroken_run() -> None:
    weeks: list[dict[str, State]] = [{"a": "above"}, {"a": "about"}, {"a": "above"}, {"a": "above"}]
    assert "Still above its usual: Mill Road (since 2026-W42)." in said(*weeks)


def test_a_place_that_is_new_to_the_release_is_new() -> None:
    assert said({"b": "about"}, {"a": "above", "b": "about"})[0] == "Newly above its usual: Mill Road."


def test_without_a_release_before_nothing_is_news() -> None:
    assert said({"a": "above"}) == ["Above its usual: Mill Road.", "There is no release before this one to compare with."]


@pytest.mark.parametrize(
    ("then", "last"),
    [
        (90.0, "The force’s total has not changed beyond its range."),
        (110.0, "The force’s total has not changed beyond its range."),
        (89.9, "More expected in all than the release before said: 90 to 110 now, 90 then."),
        (110.1, "Fewer expected in all than the release before said: 90 to 110 now, 110 then."),
    ],
)
def test_a_total_changed_only_beyond_the_new_range(then: float, last: str) -> None:
    assert said({}, {}, before={"expected": then, "lower": 80, "upper": 100})[-1] == last


def test_an_area_speaks_of_its_own_places() -> None:
    assert said({"a": "about", "b": "about"}, {"a": "above", "b": "above"}, within=frozenset("b"))[0] == "Newly above its usual: The Dock."


def test_at_most_so_many_places_are_named() -> None:
    above: dict[str, State] = dict.fromkeys("abcde", "above")
    assert said(dict.fromkeys("abcde", "about"), above)[0] == "Newly above their usual: Mill Road, The Dock, High Street, North End and 1 more."
