"""The figures of the bar for a trial of the tool about people, against values written out."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from harmcast.evaluate.people_bars import figures, tenths_inside
from harmcast.evaluate.people_results import GIVEN, Capacity
from harmcast.fairness.shadow import Bar, judge_shadow
from harmcast.settings.thresholds import ShadowSettings

DAYS = (date(2024, 12, 30), date(2025, 12, 29))


def released(right: float = 1.0, people: int = 6000, seed: int = 3) -> pl.DataFrame:
    """Two releases a year apart whose people became with `right` times their chances; harm says little."""
    rng = np.random.default_rng(seed)
    parts = []
    for k, day in enumerate(DAYS):
        chance = rng.beta(1.2, 25, people)
        parts.append({
            "person_ref": [f"p{k}{i:05d}" for i in range(people)], "released_on": [day] * people, "unit": ["north"] * people, "chance": chance, "harm": rng.random(people),
            "became": rng.random(people) < np.minimum(chance * right, 1), "group_low": chance * 0.8, "group_high": chance * 1.25,
        })  # fmt: skip
    return pl.concat([pl.DataFrame(part, schema=GIVEN) for part in parts])


def by_name(table: pl.DataFrame) -> dict[str, dict[str, object]]:
    return {row["figure"]: row for row in table.iter_rows(named=True)}


def bars() -> tuple[Bar, ...]:
    return tuple(Bar(**bar.model_dump()) for bar in ShadowSettings().people_bar)


def test_a_sound_tool_meets_every_line_and_an_inflated_one_does_not() -> None:
    sound = figures(released(), "iom", 12, Capacity(100, 0.05, 0.1))
    assert judge_shadow(sound, bars(), 3, None, "met").judgement == "met"
    inflated = judge_shadow(figures(released(0.6), "iom", 12, Capacity(100, 0.05, 0.1)), bars(), 3, None, "met")
    judged = dict(inflated.lines.select("figure", "judgement").iter_rows())
    assert (inflated.judgement, judged["came_over_said_12m"], judged["tenths_inside_12m"]) == ("not met", "not met", "not met")


def test_each_figure_by_hand() -> None:
    rows = [
        ("a", DAYS[0], "n", 0.5, 1.0, True, 0.2, 0.8), ("b", DAYS[0], "n", 0.2, 9.0, False, 0.1, 0.3), ("c", DAYS[0], "n", 0.1, 5.0, True, 0.05, 0.2),
        ("d", DAYS[0], "n", 0.2, 2.0, False, 0.1, 0.3),
    ]  # fmt: skip
    found = by_name(figures(pl.DataFrame(rows, schema=GIVEN, orient="row"), "iom", 12, Capacity(2, 0.05, 0.2)))
    assert found["came_over_said_12m"]["value"] == pytest.approx(2 / 1.0)
    assert found["came_over_said_12m"]["n"] == 1
    # The card's first two: a, b (harm 9 before d); plain harm's: b, c. Each holds one who became.
    assert found["gain_at_capacity_12m"]["value"] == 0
    assert found["net_benefit_12m"]["value"] == pytest.approx(1 / 4 - 1 / 4 * 0.25)
    assert found["net_benefit_over_plain_12m"]["value"] == pytest.approx(0.0)
    assert {row["model"] for row in found.values()} == {"released"}


def test_tenths_count_against_group_range_and_noise() -> None:
    given = released()
    assert tenths_inside(given) >= 8  # type: ignore[operator]
    assert tenths_inside(given.with_columns(group_low=pl.col("chance") * 2, group_high=pl.col("chance") * 3)) <= 2  # type: ignore[operator]
    assert tenths_inside(given.with_columns(group_low=pl.lit(None, pl.Float64))) is None


def test_what_is_not_set_or_not_known_is_too_early_and_says_why() -> None:
    unset = figures(released().with_columns(group_low=pl.lit(None, pl.Float64)), "iom", 12, Capacity(None, 0.05))
    found = judge_shadow(unset, bars(), 60, None, "met")
    reasons = dict(found.lines.select("figure", "reason").iter_rows())
    assert found.judgement == "too early"
    assert reasons["net_benefit_12m"] == "[people] useful_share is not set"
    assert reasons["tenths_inside_12m"] == "the model says no group range"
    assert figures(released().clear(), "iom", 12, Capacity(10, 0.05, 0.1)).is_empty()


def test_no_time_is_asked_of_people_but_a_hundred_expected() -> None:
    few = figures(released(people=800), "iom", 12, Capacity(40, 0.05, 0.1))
    assert 60 < few["n"][0] < 100
    found = judge_shadow(few, bars(), 200, None, "met")
    assert found.judgement == "too early"
    assert "weeks" not in found.lines["figure"].to_list()


@pytest.mark.parametrize(("low", "high", "judged"), [(0.8, 1.2, "met"), (1.0, 1.2, "met"), (1.01, 1.2, "not met"), (None, None, "too early")])
def test_a_range_must_hold_the_value(low: float | None, high: float | None, judged: str) -> None:
    table = figures(released(), "iom", 12, Capacity(10, 0.05)).filter(pl.col("figure") == "calibration_slope_12m").with_columns(low=pl.lit(low, pl.Float64), high=pl.lit(high, pl.Float64))
    assert judge_shadow(table, (Bar("calibration_slope_12m", "s", holds=1.0),), 1, None, "met").judgement == judged
