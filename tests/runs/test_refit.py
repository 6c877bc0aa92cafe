"""A level taken anew: only of a card in use that speaks of the same outcome."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harmcast.errors import NotFit
from harmcast.people import harm
from harmcast.runs.refit import card_in_use
from harmcast.transitions.landmarks import Rules
from harmcast.transitions.model import FORM

RULES = Rules(harm.default_index(), harm.decay_from(), 365.0)


def kept(**other: Any) -> dict[str, Any]:
    model = {"form": FORM, "chosen": "card_three", "high_cut": 365.0, "decay": RULES.decay.document(), "index": RULES.index.document()}
    return dict(json.loads(json.dumps(model | other)))  # as it is read from its file


def test_the_card_in_use_is_taken_where_the_outcome_is_the_same() -> None:
    assert card_in_use(kept(), RULES)["chosen"] == "card_three"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "no_model_in_use"),
        (kept(form=1), "no_model_in_use"),
        (kept(chosen=None), "no_model_in_use"),
        (kept(high_cut=180.0), "outcome_changed"),
        (kept(decay={"months": [0], "left": [1]}), "outcome_changed"),
        (kept(index={}), "outcome_changed"),
    ],
)
def test_else_it_is_refused_by_name(content: dict[str, Any] | None, code: str) -> None:
    with pytest.raises(NotFit) as refused:
        card_in_use(content, RULES)
    assert refused.value.code == code
    assert "without --level-only" in (refused.value.next_step or "")
