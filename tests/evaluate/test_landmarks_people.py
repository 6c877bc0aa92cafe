from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmcast.evaluate import people_choose, people_scores
from harmcast.evaluate.people_scores import Ranked


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.2, 0.5, 0.9]), st.booleans(), st.integers(0, 3)), min_size=2, max_size=40))
def test_auc_equals_counting_every_pair_with_weights(rows: list[tuple[float, bool, int]]) -> None:
    p, y, w = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    right = pairs = 0.0
    for i in range(len(p)):
        for j in range(len(p)):
            if y[i] == 1 and y[j] == 0:
                pairs += w[i] * w[j]
                right += w[i] * w[j] * (1.0 if p[i] > p[j] else 0.5 if p[i] == p[j] else 0.0)
    got = Ranked.of(p, y).auc(w)
    assert got is None if pairs == 0 else got == pytest.approx(right / pairs)


def test_the_top_counts_whole_people_and_shares_a_tie_at_its_edge() -> None:
    p = np.array([0.9, 0.5, 0.5, 0.1] * 10)
    y = np.array([1.0, 1.0, 0.0, 0.0] * 10)
    assert Ranked.of(p, y).auc_and_top(np.ones(40), 0.5)[1:] == (20.0, 15.0)


def test_calibration_slope_finds_chances_that_are_too_spread_and_those_that_are_right() -> None:
    rng = np.random.default_rng(4)
    z = rng.normal(-2, 1, 20_000)
    y = (rng.random(20_000) < 1 / (1 + np.exp(-z))).astype(float)
    people = np.arange(20_000)
    right = people_scores.calibration_slope(1 / (1 + np.exp(-z)), y, people)
    spread = people_scores.calibration_slope(1 / (1 + np.exp(-2 * z)), y, people)
    assert right is not None
    assert spread is not None
    assert right[1] < 1 < right[2]
    assert spread[0] == pytest.approx(0.5, abs=0.05)
    assert spread[2] < 0.7
    assert people_scores.calibration_slope(np.full(10, 0.2), np.zeros(10), np.arange(10)) is None


def test_calibration_error_of_right_chances_is_what_a_perfect_model_shows() -> None:
    rng = np.random.default_rng(5)
    p = rng.beta(1, 20, 4000)
    perfect = people_scores.ece_of_a_perfect_model(p, 1)
    shown = np.mean([people_scores.ece(p, rng.binomial(1, p).astype(float)) for _ in range(50)])
    assert shown == pytest.approx(perfect, rel=0.15)


CARDS = ("card_plain", "card_three", "card_twelve")


@pytest.mark.parametrize(
    ("loss", "gain", "error", "ships"),
    [
        ((0.10, 0.11, 0.12), 0.0, 0.001, "card_plain"),
        ((0.10, 0.10, 0.10), 0.0, 0.001, "card_plain"),  # no richer card is better
        ((0.10, 0.09, 0.09), 0.0, 0.001, "card_three"),
        ((0.10, 0.09, 0.088), 0.002, 0.002, "card_three"),  # by a standard error, not by more
        ((0.10, 0.09, 0.088), 0.0021, 0.002, "card_twelve"),
        ((0.10, 0.11, 0.09), 0.02, 0.002, "card_twelve"),
        ((0.10, 0.099, 0.12), -0.021, 0.002, "card_three"),
    ],
)
def test_which_card_ships(loss: tuple[float, ...], gain: float, error: float, ships: str) -> None:
    assert people_choose.decided(dict(zip(CARDS, loss, strict=True)), gain, error)[0] == ships


def test_without_a_day_out_of_time_the_card_of_three_ships() -> None:
    assert people_choose.choose(pl.DataFrame(), (12, 24), CARDS)["chosen"] == "card_three"


def out_of_time(plain: list[float], three: list[float], twelve: list[float]) -> pl.DataFrame:
    """Two people on two days each, who had become high harm but one time; a row without an outcome is passed over."""
    return pl.DataFrame({
        "person_ref": ["A", "A", "B", "B", "C"], "landmark": ["2021-01-01", "2020-01-01", "2021-01-01", "2020-01-01", "2022-01-01"],
        "became_12m": [True, False, True, True, None],
        "card_plain_12m": [*plain, 0.5], "card_three_12m": [*three, 0.5], "card_twelve_12m": [*twelve, 0.5],
    })  # fmt: skip


def test_the_choice_and_the_comparison_it_rests_on_by_hand() -> None:
    """Three is .5 wherever: ln 2 a row. Twelve's chances of what came are .8, .5, .5, .4: it gains .4700, 0, 0, -.2231."""
    found = people_choose.choose(out_of_time([0.4, 0.6, 0.4, 0.4], [0.5] * 4, [0.8, 0.5, 0.5, 0.4]), (12, 24), CARDS)
    gain, gains = 0.0617152, (0.4700036 + 0.0, 0.0 - 0.2231436)
    assert found["twelve_over_three"]["gain"] == pytest.approx(gain, abs=1e-6)
    assert found["twelve_over_three"]["error"] == pytest.approx(np.hypot(gains[0] - 2 * gain, gains[1] - 2 * gain) / 4, abs=1e-6)
    assert found["log_loss"] == pytest.approx({"card_plain": 0.9162907, "card_three": 0.6931472, "card_twelve": 0.6314320}, abs=1e-6)
    assert (found["chosen"], found["because"]) == ("card_three", "it foretold better than harm alone, and twelve items did no better by more than a standard error")
    assert (found["landmarks"], found["people"]) == (["2020-01-01", "2021-01-01"], 2)
    assert found["slopes"].keys() == set(CARDS)
    for chances, chosen, because in (
        ([0.6, 0.4, 0.6, 0.6], "card_plain", "no richer card foretold better than harm alone"),
        ([0.4, 0.6, 0.4, 0.4], "card_twelve", "it foretold better than the card of three by more than a standard error"),
    ):
        best = people_choose.choose(out_of_time(chances, [0.5] * 4, [0.4, 0.5, 0.5, 0.5] if chosen == "card_plain" else [0.9, 0.1, 0.9, 0.9]), (12, 24), CARDS)
        assert (best["chosen"], best["because"]) == (chosen, because)


def test_nothing_known_out_of_time_is_said() -> None:
    unknown = out_of_time([0.5] * 4, [0.5] * 4, [0.5] * 4).filter(pl.col("became_12m").is_null())
    for judged in (pl.DataFrame(), unknown):
        assert people_choose.choose(judged, (12, 24), CARDS) == {
            "chosen": "card_three", "because": "records are too short to try a card out of time, so the card of three ships", "slopes": {}
        }  # fmt: skip


def test_losses_are_paired_over_people() -> None:
    one, other = np.array([0.3, 0.5, 0.1, 0.1]), np.array([0.1, 0.1, 0.1, 0.1])
    mean, error = people_choose.paired(one, other, np.array([0, 0, 1, 2]))
    assert mean == pytest.approx(0.15)
    # surpluses .05 + .25 of the first person, -.15 and -.15 of the others
    assert error == pytest.approx(np.sqrt(0.3**2 + 2 * 0.15**2) / 4)


def test_each_days_slope_stands_with_its_error() -> None:
    rng = np.random.default_rng(8)
    z = rng.normal(-2, 1, 8000)
    table = pl.DataFrame({
        "landmark": ["2020-01-01"] * 4000 + ["2021-01-01"] * 4000,
        "became_12m": rng.random(8000) < 1 / (1 + np.exp(-z)),
        "card_three_12m": 1 / (1 + np.exp(-np.where(np.arange(8000) < 4000, z, 2 * z))),
    })  # fmt: skip
    first, second = people_choose.slopes_of_days(table, "card_three_12m", "became_12m")
    assert first["day"] == "2020-01-01"
    assert first["slope"] == pytest.approx(1.0, abs=3 * first["error"])
    assert second["slope"] == pytest.approx(0.5, abs=3 * second["error"])
    for found, day in ((first, 0), (second, 1)):
        part, y = table[day * 4000 : (day + 1) * 4000], table["became_12m"][day * 4000 : (day + 1) * 4000]
        slope = people_scores.calibration_slope(part["card_three_12m"].to_numpy(), y.cast(pl.Float64).to_numpy(), np.arange(4000))
        assert slope is not None
        assert found["error"] == pytest.approx((slope[2] - slope[1]) / 3.919927969)
        assert 0.02 < found["error"] < 0.08
        assert found["became"] == y.sum()
    flat = table.with_columns(card_three_12m=pl.when(pl.col("landmark") == "2020-01-01").then(None).otherwise(pl.col("card_three_12m")))
    assert [row["day"] for row in people_choose.slopes_of_days(flat, "card_three_12m", "became_12m")] == ["2021-01-01"]
    none_came = table.with_columns(became_12m=pl.col("became_12m") & (pl.col("landmark") == "2020-01-01"))
    assert [row["day"] for row in people_choose.slopes_of_days(none_came, "card_three_12m", "became_12m")] == ["2020-01-01"]


def test_said_over_came_counts_distinct_people_for_its_interval() -> None:
    chance, y = np.full(10, 0.3), np.array([1.0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    ratio, low, high = people_scores.said_over_came(chance, y, np.array([0, 0, 1, 2, 3, 4, 5, 6, 7, 8]))  # type: ignore[misc]
    assert ratio == pytest.approx(1.5)
    assert (low, high) == pytest.approx((1.5 * np.exp(-1.959963984540054), 1.5 * np.exp(1.959963984540054)))
    assert people_scores.said_over_came(chance, np.zeros(10), np.arange(10)) is None
