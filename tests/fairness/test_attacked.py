"""Rounded tables attacked by a programme that knows every printed count, every sum and the rule: no small count, no small change is told."""

from __future__ import annotations

import random
from typing import Any

import pytest
from bench import closings

from harmcast.fairness import tallies


def people(seed: int, n: int, moved: int = 0) -> list[dict[str, Any]]:
    """`tracked` of invented people; `moved` of them are others than those of the same seed without."""
    draw, later = random.Random(seed), random.Random(seed + 1000)
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for k in range(n):
        source = later if k < moved else draw
        sex, age, convicted = source.choice("fmmmm"), source.choice(["18", "25", "25", "35"]), source.random() < 0.8
        if k < moved:
            for _ in range(3):
                draw.random()
        for attribute, group in (("everyone", "all"), ("sex", sex), ("age_band", age)):
            row = rows.setdefault((attribute, group), {"attribute": attribute, "group": group, "with_conviction": 0, "without_conviction": 0, "people": 0})
            row["with_conviction" if convicted else "without_conviction"] += 1
            row["people"] += 1
    return [rows[key] for key in sorted(rows)]


@pytest.mark.parametrize("seed", range(12))
def test_no_count_of_one_to_four_is_told(seed: int) -> None:
    family = tallies.family({"tracked": people(seed, 20 + 3 * seed)})
    plain, whole = closings.told(closings.exact(family)), closings.told(closings.whole(family, closings.random_draw(str(seed))))
    assert plain[0] == plain[1] > 0  # the attacker is no straw man
    assert whole[0] == 0


@pytest.mark.parametrize("seed", range(6))
def test_no_change_of_one_to_four_between_two_closings_is_told(seed: int) -> None:
    families = [tallies.family({"tracked": people(seed, 60, moved)}) for moved in (0, 8)]
    plain = closings.changes_told(*(closings.exact(family) for family in families))
    assert plain[0] == plain[1] > 0
    printed = [closings.whole(family, closings.random_draw(f"{seed} {k}")) for k, family in enumerate(families)]
    assert closings.changes_told(*printed)[0] == 0


def test_hidden_cells_that_a_total_gives_away_are_found_by_the_attacker() -> None:
    """A printed total of 3 with one unknown part of 0 to 4 beside a known 1: told."""
    family = tallies.family({"follow_ups": [{"step": "a", "times": 1}, {"step": "b", "times": 2}, {"step": "all", "times": 3}]})
    counts = {("follow_ups", "a", "times"): 1, ("follow_ups", "b", "times"): 0, ("follow_ups", "all", "times"): 3}
    keys, sums, low, high = closings._system([closings.Printed(counts, 0, family)])
    high[keys.index(("follow_ups", "b", "times"))] = 4
    goal = closings.np.zeros(3)
    goal[keys.index(("follow_ups", "b", "times"))] = 1
    assert closings._range(goal, sums, low, high) == (2, 2)
