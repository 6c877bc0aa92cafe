"""A release made on effects that were held is stopped by the one table, until two people have let one out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from bench.accepted import load_accepted
from tests.runs.test_effects import MADE, SETTINGS, weeks_of

from harmcast.documents.effects import Effect
from harmcast.errors import NotFit
from harmcast.runs.held_effects import concerns, finding_of
from harmcast.runs.lift import lift_finding
from harmcast.runs.release_moves import publish_release
from harmcast.settings import PeopleTool, PlacesTool
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.weekly import rebuild_week, run_week

OPERATOR = Actor("operator", "Operator", (("operator", None),))
DAN = Actor("dan", "Dan", (("data_scientist", None),))
SUE = Actor("sue", "Sue", (("supervisor", "North"),))
PLACES = PlacesTool(name="violence", kind="places", cell_area_km2=0.5, where={"offence_code": ["008/01"]})
PEOPLE = PeopleTool(name="iom", kind="people")


def held(check: str, scope: str, value: float = 6.0) -> Effect:
    return Effect(check, scope, value, 10.0, 20.0, "hold", "look", "six.")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("scope", "of_places", "of_people"),
    [
        ("violence offence_code 008/01", True, False), ("iom charges", False, True), ("crimes 2026-01-05 to 2026-01-11", True, False),
        ("charges crime_ref", False, True), ("persons", False, True), ("circumstances without rows", False, True), ("manifest made_at", True, True),
        ("knife_injury", False, False),
    ],
)  # fmt: skip
def test_an_effect_is_about_the_tool_it_names_or_is_made_from(scope: str, of_places: bool, of_people: bool) -> None:
    tools = {"violence", "iom", "knife_injury"}
    effect = held("links", scope)
    assert (concerns(effect, PLACES, tools), concerns(effect, PEOPLE, tools)) == (of_places, of_people)


def test_deletions_stay_deletions_and_everything_else_is_volume() -> None:
    one = finding_of(held("deletions", "charges", 40.0), "iom", "ab")
    other = finding_of(held("recoded", "violence 008/01"), "violence", "ab")
    assert (one.kind, one.name, one.measured, one.limit, one.severity) == ("deletions", "ab/deletions charges", 40.0, 20.0, 2.0)
    assert (other.kind, other.name, other.limit) == ("volume", "ab/recoded violence 008/01", 10.0)
    assert "six." in other.says


def test_weeks_on_held_effects_stay_held_until_two_people_let_one_out(
    make_state: Callable[..., State], deliver: Callable[..., Path], tmp_path: Path
) -> None:
    state = make_state(SETTINGS.replace('name = "Test force"', 'name = "Test force"\narea_from = "first_days"'))
    mondays = [MADE.date() + timedelta(weeks=k - 1) for k in range(4)]
    load_accepted(state, deliver(weeks_of(60, 1), (MADE - timedelta(weeks=1)).isoformat()))
    assert run_week(state, mondays[0], OPERATOR).standings["serious_violence"][0] == "published"
    week = weeks_of(0, 0)
    for row in week["crimes"]:
        row["offence_code"] = row["offence_code"].replace("008/01", "008/71")
    load_accepted(state, deliver(week, MADE.isoformat()))
    made = run_week(state, mondays[1], OPERATOR)
    standing, found = made.standings["serious_violence"]
    of_effects = {finding.name.split("/", 1)[1] for finding in found if finding.kind == "volume"}
    assert (standing, "recoded serious_violence 008/01" in of_effects) == ("held", True)
    assert not any("recoded" in finding.name for finding in made.standings["iom"][1])
    again = rebuild_week(state, "2026-W10", tmp_path / "again", OPERATOR)
    assert again.document["same"], again.document["other"]

    later = run_week(state, mondays[2], OPERATOR)
    assert "recoded serious_violence 008/01" in {f.name.split("/", 1)[-1] for f in later.standings["serious_violence"][1]}
    with pytest.raises(NotFit) as stopped:
        publish_release(state, later.name, DAN, "looked at", mondays[2])
    assert stopped.value.code == "finding_open"
    for finding in later.standings["serious_violence"][1]:
        lift_finding(state, later.name, finding.id, DAN, "new counting rules, compared", None, mondays[2])
        lift_finding(state, later.name, finding.id, SUE, "agreed", None, mondays[2])
    for actor in (DAN, SUE):
        publish_release(state, later.name, actor, "new counting rules", mondays[2])
    last = run_week(state, mondays[3], OPERATOR)
    assert not any("recoded" in finding.name for finding in last.standings["serious_violence"][1])
