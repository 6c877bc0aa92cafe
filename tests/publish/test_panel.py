"""Who bears it on one screen: what was found of each group, what could not be judged, how many people would tell."""

from __future__ import annotations

from typing import Any

import pytest

from harmcast.publish.panel import Found, panel, would_tell

COLUMNS = ["scope", "attribute", "group", "is_reference", "measure", "n", "value", "low", "high", "gap", "gap_low", "gap_high", "half_width", "verdict"]


def row(group: str, measure: str = "fpr", verdict: str = "met", n: int | None = 800, value: float | None = 0.05, half: float = 0.015, **more: Any) -> dict[str, Any]:
    ends = (None, None, None, None, None) if value is None else (value - 0.01, value + 0.01, value - 0.05, value - 0.05 - half, value - 0.05 + half)
    names = ("low", "high", "gap", "gap_low", "gap_high")
    return {
        "scope": "not managed", "attribute": "ethnicity_self", "group": group, "is_reference": group == "White", "measure": measure, "n": n,
        "value": value, **dict(zip(names, ends, strict=True)), "half_width": None if value is None else half, "verdict": verdict, **more,
    }  # fmt: skip


def document(*rows: dict[str, Any]) -> dict[str, Any]:
    table = {"title": "What was measured", "columns": COLUMNS, "rows": [[r[c] for c in COLUMNS] for r in rows]}
    thresholds = [{"name": "gap_concern", "value": 0.02}, {"name": "gap_judged_half_width", "value": 0.02}]
    return {"tables": [table], "thresholds": thresholds, "cannot_see": ["Conduct that was never recorded."], "notes": ["Rehearsal."]}


WHITE = row("White", verdict="printed", n=2855)


@pytest.mark.parametrize(
    ("verdict", "missed", "found"),
    [("met", None, "none"), ("met", "printed", "none"), ("concern", None, "difference"), ("stop", None, "far"), ("too few to say", None, "few"),
     ("met", "concern", "difference"), ("met", "stop", "far"), ("printed", None, "few")],
)  # fmt: skip
def test_what_is_found_of_a_group(verdict: str, missed: str | None, found: Found) -> None:
    rows = [WHITE, row("Asian", verdict=verdict)] + ([row("Asian", "fnr", missed, value=0.9)] if missed else [])
    screen = panel(document(*rows))
    assert screen
    assert [r.found for r in screen.rows] == ["comparison", found]


def test_groups_stand_with_the_comparison_first_and_hidden_ones_last() -> None:
    screen = panel(document(row("Other", value=None, n=None, verdict="too few to say"), row("Black", n=553), row("Asian", n=820), WHITE))
    assert screen
    assert [r.group for r in screen.rows] == ["White", "Asian", "Black", "Other"]
    assert screen.rows[-1].people is None
    assert screen.rows[-1].put_high is None
    assert screen.rows[-1].more == ""
    assert screen.people == 2855 + 820 + 553


def test_too_few_says_the_difference_its_range_and_how_many_would_tell() -> None:
    screen = panel(document(WHITE, row("Black", verdict="too few to say", n=553, value=0.067, half=0.0231)))
    assert screen
    assert screen.rows[1].more == "1.7 more, could be 0.6 fewer to 4.0 more. About 740 people would tell."


@pytest.mark.parametrize(("people", "half", "needed"), [(553, 0.0225, 700), (277, 0.0316, 700), (100, 0.02, 100), (1000, 0.04, 4000), (50, 0.03, 120)])
def test_how_many_would_tell_follows_from_the_range(people: int, half: float, needed: int) -> None:
    assert would_tell(people, half, 0.02) == needed


def test_the_headline_never_calls_silence_fairness() -> None:
    judged = panel(document(WHITE, row("Asian"), row("Black", verdict="too few to say"), row("Other", value=None, n=None, verdict="too few to say")))
    assert judged
    assert judged.headline == "No difference above 2 in 100 found where one could be judged. For Black and Other: too few to say."
    assert judged.beside == "That is not proof of fairness: 2 of 3 groups could not be judged, and the records themselves may be unequal."
    bad = panel(document(WHITE, row("Asian", verdict="concern"), row("Black", verdict="too few to say")))
    assert bad
    assert bad.headline == "A difference above 2 in 100 was found for Asian. For Black: too few to say."
    silent = panel(document(WHITE, row("Asian", verdict="too few to say")))
    assert silent
    assert silent.headline == "No group could be judged: too few people."


def test_ethnicity_comes_first_and_another_attribute_can_be_asked_for() -> None:
    held = document(row("M", attribute="sex"), WHITE, row("18 to 24", attribute="age_band"))
    first, sex, unknown = panel(held), panel(held, "sex"), panel(held, "shoe size")
    assert first
    assert sex
    assert unknown
    assert [name for name, _ in first.attributes] == ["ethnicity_self", "sex", "age_band"]
    assert (first.attribute, sex.attribute, unknown.attribute) == ("ethnicity_self", "sex", "ethnicity_self")


def test_people_under_management_are_not_judged_here() -> None:
    screen = panel(document(WHITE, row("Asian", scope="managed", verdict="stop")))
    assert screen
    assert [r.group for r in screen.rows] == ["White"]


def test_an_audit_of_places_and_an_empty_one_have_no_such_screen() -> None:
    assert panel({"tables": [{"title": "x", "columns": ["fifth", "ratio"], "rows": [["1", 0.9]]}]}) is None
    assert panel({}) is None


def test_what_it_could_not_see_is_said() -> None:
    screen = panel(document(WHITE))
    assert screen
    assert screen.could_not_see == ("Conduct that was never recorded.", "Rehearsal.")


@pytest.mark.parametrize(("high", "most"), [(0.06, 0.08), (0.079, 0.08), (0.081, 0.1)])
def test_pictures_share_one_scale_that_holds_every_range(high: float, most: float) -> None:
    screen = panel(document(WHITE, row("Asian", high=high)))
    assert screen
    assert screen.most == pytest.approx(most)
