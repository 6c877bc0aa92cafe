"""Who bears it on one screen: what was found of each group, what could not be judged, how many people would tell."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from tests.fairness import test_exposure as exposure

from harmcast.fairness.audit import audit_places
from harmcast.fairness.thresholds import Thresholds
from harmcast.publish.panel import Found, LayAudit, panel, would_tell

COLUMNS = ["scope", "attribute", "group", "is_reference", "measure", "n", "value", "low", "high", "ratio", "ratio_low", "ratio_high", "verdict"]


def row(group: str, measure: str = "fpr", verdict: str = "met", n: int | None = 800, value: float | None = 0.05, wide: float = 1.2, **more: Any) -> dict[str, Any]:
    ends = (None, None, None, None, None) if value is None else (value - 0.01, value + 0.01, value / 0.05, value / 0.05 / wide, value / 0.05 * wide)
    names = ("low", "high", "ratio", "ratio_low", "ratio_high")
    return {
        "scope": "not managed", "attribute": "ethnicity_self", "group": group, "is_reference": group == "White", "measure": measure, "n": n,
        "value": value, **dict(zip(names, ends, strict=True)), "verdict": verdict, **more,
    }  # fmt: skip


def document(*rows: dict[str, Any]) -> dict[str, Any]:
    table = {"title": "What was measured", "columns": COLUMNS, "rows": [[r[c] for c in COLUMNS] for r in rows]}
    thresholds = [{"name": "ratio_concern", "value": 0.8}]
    return {"tables": [table], "thresholds": thresholds, "cannot_see": ["Conduct that was never recorded."], "notes": ["Rehearsal."]}


WHITE = row("White", verdict="printed", n=2855)


@pytest.mark.parametrize(
    ("verdict", "missed", "found"),
    [("met", None, "none"), ("met", "printed", "none"), ("concern", None, "difference"), ("stop", None, "far"), ("too few to say", None, "few"),
     ("met", "concern", "difference"), ("met", "stop", "far"), ("printed", None, "shown")],
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
    assert screen.rows[-1].rate is None
    assert screen.rows[-1].more == ""
    assert screen.people == 2855 + 820 + 553


def test_too_few_says_the_difference_its_range_and_how_many_would_tell() -> None:
    screen = panel(document(WHITE, row("Black", verdict="too few to say", n=553, value=0.06, wide=1.5)))
    assert screen
    assert screen.rows[1].more == "1.20 times as often, could be 0.80 to 1.80. About 1,900 people in this group would be enough to tell."  # 553 x (log 1.5 / log 1.25) squared = 1,826


def test_a_group_of_whom_none_was_put_high_has_no_range_that_leaves_out_what_was_found() -> None:
    none = {**row("Black", verdict="too few to say", n=70, value=0.0), "ratio": 0.0, "ratio_low": 0.01, "ratio_high": 1.87}
    screen = panel(document(WHITE, none))
    assert screen
    assert screen.rows[1].more.startswith("None so far; could be up to 1.87 times as often. About ")


@pytest.mark.parametrize(("people", "spread", "needed"), [(553, 0.0225, 700), (277, 0.0316, 700), (100, 0.02, 100), (1000, 0.04, 4000), (50, 0.03, 120)])
def test_how_many_would_tell_follows_from_the_range(people: int, spread: float, needed: int) -> None:
    assert would_tell(people, spread, 0.02) == needed


def test_the_headline_never_calls_silence_fairness() -> None:
    judged = panel(document(WHITE, row("Asian"), row("Black", verdict="too few to say"), row("Other", value=None, n=None, verdict="too few to say")))
    assert judged
    assert judged.headline == "No difference beyond 0.8 to 1.25 times as often found where one could be judged. For Black and Other: too few to say."
    assert judged.beside == "That is not proof of fairness: 2 of 3 groups could not be judged, and the records themselves may be unequal."
    bad = panel(document(WHITE, row("Asian", verdict="concern"), row("Black", verdict="too few to say")))
    assert bad
    assert bad.headline == "A difference beyond 0.8 to 1.25 times as often was found for Asian. For Black: too few to say."
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


def test_an_audit_without_a_group_has_no_such_screen() -> None:
    assert panel({"kind": "people", "tables": []}) is None
    assert panel({}) is None


def places(wrong: float = 1.0, **changes: Any) -> LayAudit:
    """The screen of places where the map says `wrong` times too little of the most deprived fifth."""
    forecast, outcomes, where = exposure.world(3, wrong)
    made = audit_places(forecast, outcomes, changes.get("where", where), None, Thresholds())
    screen = panel(json.loads(json.dumps(made.document())))
    assert screen
    return screen


def test_places_stand_by_deprivation_with_what_came_and_who_lives_where_the_map_points() -> None:
    screen = places()
    assert [row.group for row in screen.rows] == ["most deprived", "second", "middle", "fourth", "least deprived"]
    assert {row.found for row in screen.rows} == {"none"}
    assert screen.headline == "No difference beyond 80 to 125 found where one could be judged."
    first = screen.rows[0]
    assert first.people == 60 * 1500
    assert first.rate
    assert first.rate.figure == f"{100 * first.rate.value:.0f}"
    assert first.rate.range.startswith("(")
    lived, empty = first.others
    assert lived
    assert empty
    assert 0 < lived.value < 1
    assert lived.range == ""
    assert screen.limits == (0.8, 1.25)
    assert screen.most >= max(row.rate.high or 0 for row in screen.rows if row.rate)
    assert round(100 * screen.most) % 50 == 0


@pytest.mark.parametrize(("wrong", "says"), [(2.5, "More came than was said: the map points here too seldom."), (0.4, "Less came than was said: the map points here too often.")])
def test_a_fifth_of_which_the_map_is_wrong_is_named_and_which_way(wrong: float, says: str) -> None:
    screen = places(wrong)
    assert screen.rows[0].found in ("difference", "far")
    assert screen.rows[0].more == says
    assert "was found for the most deprived" in screen.headline


def test_too_few_offences_say_how_many_would_tell_and_silence_is_no_fairness() -> None:
    forecast, outcomes, where = exposure.world(3)
    first = forecast["origin"].min()
    made = audit_places(forecast.filter(pl.col("origin") == first), outcomes.filter(pl.col("origin") == first), where, None, Thresholds())
    screen = panel(json.loads(json.dumps(made.document())))
    assert screen
    assert {row.found for row in screen.rows} <= {"few", "outside"}
    assert all("offences in this fifth would be enough to tell." in row.more for row in screen.rows)
    assert screen.short == "No group could be judged: too few offences."
    assert "silence is no evidence" in screen.beside


def test_a_force_without_a_neighbourhood_layer_is_told_that_nothing_could_be_judged() -> None:
    forecast, outcomes, _ = exposure.world(3)
    screen = panel(json.loads(json.dumps(audit_places(forecast, outcomes, None, None, Thresholds()).document())))
    assert screen
    assert screen.rows == ()
    assert any("No neighbourhood layer" in text for text in screen.could_not_see)


def test_what_it_could_not_see_is_said() -> None:
    screen = panel(document(WHITE))
    assert screen
    assert screen.could_not_see == ("Conduct that was never recorded.", "Rehearsal.", "People under management: counted apart, not judged. The score as a whole counts them too.")


@pytest.mark.parametrize(("high", "most"), [(0.06, 0.1), (0.099, 0.1), (0.101, 0.15), (0.157, 0.2)])
def test_pictures_share_one_scale_that_holds_every_range(high: float, most: float) -> None:
    screen = panel(document(WHITE, row("Asian", high=high)))
    assert screen
    assert screen.most == pytest.approx(most)


def test_a_difference_outside_the_limits_that_chance_could_explain_is_never_none_found() -> None:
    screen = panel(document(WHITE, row("Asian"), row("Black", verdict="too few to say", n=100, value=0.07, wide=1.3), row("Other", verdict="too few to say", value=0.08, wide=2)))
    assert screen
    assert [r.found for r in screen.rows] == ["comparison", "none", "outside", "outside"]
    assert screen.rows[2].says == "Outside the limits, could be chance"
    assert screen.headline == "No difference beyond 0.8 to 1.25 times as often found where one could be judged. For Other and Black: outside the limits, could be chance."


def test_a_range_that_leaves_out_the_comparison_says_why_it_is_too_few_to_say() -> None:
    screen = panel(document(WHITE, row("Other", verdict="too few to say", n=100, value=0.08, wide=1.3)))
    assert screen
    assert "The range is of this group alone; with all groups compared together it could be chance." in screen.rows[1].more


def test_age_and_sex_are_shown_and_not_judged() -> None:
    screen = panel(document(row("M", attribute="sex", is_reference=True), row("F", attribute="sex", verdict="printed"), row("X", attribute="sex", verdict="printed", value=None, n=None)))
    assert screen
    assert [r.says for r in screen.rows] == ["The comparison", "Shown, not judged", "Too few to say"]
    assert screen.headline == "Shown, not judged."
    assert screen.beside == "Whether the chances held for each group is judged instead, among all comparisons: offending differs by age and sex."


def test_a_finding_that_no_group_shows_is_no_silence() -> None:
    screen = panel({**document(WHITE, row("Asian")), "findings": [{"name": "proxies/x", "verdict": "concern", "says": "x"}]})
    assert screen
    assert screen.is_over
    assert screen.short == "Something else is over a limit: see all comparisons."


def test_the_checks_of_the_records_are_counted() -> None:
    records = [row("Asian", "charges_fell_away", verdict, scope="records") for verdict in ("met", "met", "too few to say", "printed")]
    screen = panel(document(WHITE, row("Asian", verdict="too few to say"), *records))
    assert screen
    assert screen.beside.endswith("How the records came about was compared 3 times: 2 within limits, 1 too few to say.")


def test_a_fifth_outside_the_limits_is_not_called_met_by_an_old_audit() -> None:
    made = audit_places(*exposure.world(3), None, Thresholds()).document()
    table = made["tables"][0]
    first = dict(zip(table["columns"], table["rows"][0], strict=True)) | {"ratio": 0.72, "ratio_low": 0.56, "ratio_high": 0.94, "verdict": "met"}
    table["rows"][0] = [first[column] for column in table["columns"]]
    screen = panel(made)
    assert screen
    assert screen.rows[0].says == "Outside the limits, could be chance"
