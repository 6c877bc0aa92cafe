from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmcast.evaluate import people_choose, people_scores
from harmcast.evaluate.people_scores import Ranked

ORDER = ("base_rate", "plain_harm", "card", "logistic", "steps")


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
    flagged, hits, became = Ranked.of(p, y).top(0.5)
    assert (flagged, hits, became) == (20.0, 15.0, 20.0)


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


def _judged(seed: int, skill: float, rich: float, n: int = 4000) -> pl.DataFrame:
    """Plain harm sees part of what matters; card and the richer models see `skill` and `rich` of the rest."""
    rng = np.random.default_rng(seed)
    plain, more = rng.normal(0, 1, n), rng.normal(0, 1, n)
    truth = -3 + 0.8 * plain + more
    columns: dict[str, object] = {"landmark": ["2020-01-01"] * n, "person_ref": [f"p{k}" for k in range(n)]}
    for h in (12, 24):
        columns[f"became_{h}m"] = rng.random(n) < 1 / (1 + np.exp(-truth - (h == 24)))
        for name, seen in zip(ORDER, (None, 0.0, skill, skill, rich), strict=True):
            eta = np.full(n, -3.0) if seen is None else -3 + 0.8 * plain + seen * more + (h == 24)
            columns[f"{name}_{h}m"] = 1 / (1 + np.exp(-eta))
    return pl.DataFrame(columns)


def test_the_plain_score_ships_where_the_gain_is_not_real() -> None:
    found = people_choose.choose(_judged(1, 0.0, 0.0), (12, 24), ORDER)
    assert found["chosen"] == "plain_harm"
    assert found["above_floor"] == []


def test_the_simplest_within_noise_ships() -> None:
    found = people_choose.choose(_judged(2, 1.0, 1.0), (12, 24), ORDER)
    assert found["chosen"] == "card"
    assert found["against_floor"]["card"]["12m"]["low"] > 0


def test_a_richer_model_ships_where_it_has_clearly_fewer_false_positives() -> None:
    found = people_choose.choose(_judged(3, 0.35, 1.0, 12_000), (12, 24), ORDER)
    assert found["chosen"] == "steps"
