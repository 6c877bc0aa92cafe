"""After the harm index, the decay or the cuts change, a card of before speaks of another outcome: nobody gets its chance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from tests.force import OPERATOR, InventedForce

from harmcast.oversight.log import Event
from harmcast.people import harm
from harmcast.people.bands import high_cut
from harmcast.runs.people import harm_of
from harmcast.store.state import State
from harmcast.transitions.landmarks import Rules
from harmcast.transitions.model import FORM, of_outcome
from harmcast.weekly import run_week

RULES = Rules(harm.default_index(), harm.decay_from(), 365.0)
CARD: Any = {"form": FORM, "chosen": "card_three", "high_cut": 365.0, "decay": RULES.decay.document(), "index": RULES.index.document()}
EVENT = Event("scientist", "data_scientist", "run", "model_refitted")


def test_a_card_of_the_same_harm_keeps_its_chances() -> None:
    assert of_outcome(CARD, RULES) == CARD


@pytest.mark.parametrize(
    "rules",
    [replace(RULES, high_cut=366.0), replace(RULES, decay=harm.decay_from("none")), replace(RULES, index=replace(RULES.index, edition="another"))],
    ids=["high cut", "decay", "index"],
)
def test_a_card_of_another_harm_gives_none(rules: Rules) -> None:
    assert of_outcome(CARD, rules) == {**CARD, "chosen": None, "other_outcome": True}


def test_a_model_that_gives_no_chance_is_left_as_it_is() -> None:
    for model in ({**CARD, "chosen": None}, {"form": 1, "chosen": "card_three"}):
        assert of_outcome(model, replace(RULES, high_cut=1.0)) == model


def test_the_weekly_run_gives_no_chance_by_it_and_says_so(own_weeks: State, invented_force: InventedForce) -> None:
    tool = own_weeks.settings.people_tool
    assert tool is not None
    _, cuts, rules = harm_of(own_weeks, tool)
    of_before = {**CARD, "high_cut": high_cut(cuts.values) + 1.0, "decay": rules.decay.document(), "index": rules.index.document(), "as_of": "2026-10-05"}
    own_weeks.models.approve(own_weeks.models.keep("iom", "iom-model-2026-W41", "2026-W41", of_before, {}, EVENT), EVENT)  # type: ignore[arg-type,typeddict-item]
    made = run_week(own_weeks, invented_force.mondays[2], OPERATOR, delivery=invented_force.deliveries[3])
    release = next(one for one in own_weeks.releases.named(made.name) if one.tool == "iom")
    people = release.frame("iom")
    assert people["chance_high_harm_12m"].null_count() == people.height > 0
    assert "other_outcome" in people["no_chance"].to_list()
    assert set(people["no_chance"]) <= {"other_outcome", "high_now", "high_before", "harm_incomplete"}
    warned = [says for says in release.manifest()["people"]["warnings"] if "another harm index, decay or high cut" in says]  # type: ignore[index]
    assert len(warned) == 1
    assert people.select(pl.col("band").is_not_null().any()).item()
