from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from harmcast.people.features import NAMES
from harmcast.transitions import baselines, card, model, ranges, steps, thinning
from harmcast.transitions.regression import chance, fit_logistic, sandwich

K = len(NAMES)


def _x(rng: np.random.Generator, n: int) -> np.ndarray:
    x = rng.gamma(1.0, 0.4, (n, K))
    x[:, NAMES.index("weight_trend")] = rng.normal(0, 1, n)
    return x


def test_the_regression_equals_sklearn_without_signs_and_keeps_signs_with_them() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(1)
    x = rng.normal(0, 1, (3000, 5))
    y = (rng.random(3000) < chance(-1 + x @ np.array([1.0, -0.5, 0.0, 0.3, 0.0]))).astype(float)
    intercept, slopes = fit_logistic(x, y, 2.0)
    theirs = LogisticRegression(C=0.5, tol=1e-10, max_iter=1000).fit(x, y)
    assert slopes == pytest.approx(theirs.coef_[0], abs=1e-4)
    assert intercept == pytest.approx(theirs.intercept_[0], abs=1e-4)
    _, held = fit_logistic(x, y, 2.0, [1, 1, 0, -1, 0])
    assert held[0] > 0.5
    assert held[1] == 0.0
    assert held[3] == 0.0


def test_the_covariance_grows_when_each_person_is_counted_twice() -> None:
    rng = np.random.default_rng(2)
    x = np.column_stack([np.ones(2000), rng.normal(0, 1, 2000)])
    y = (rng.random(2000) < chance(x @ np.array([-1.0, 0.5]))).astype(float)
    p = chance(x @ np.array([-1.0, 0.5]))
    once = sandwich(x, y, p, np.arange(2000), 0.0)
    twice = sandwich(np.vstack([x, x]), np.append(y, y), np.append(p, p), np.tile(np.arange(2000), 2), 0.0)
    assert np.diag(twice) == pytest.approx(np.diag(once))


@pytest.mark.parametrize("planted", [0.0, 0.8])
def test_what_a_model_leaves_out_is_found_and_nothing_is_found_where_nothing_is(planted: float) -> None:
    rng = np.random.default_rng(3)
    x = _x(rng, 30_000)
    p = np.full(30_000, 0.1)
    truth = chance(np.log(1 / 9) + planted * np.sign(x[:, 3] - np.median(x[:, 3])))
    y = (rng.random(30_000) < truth).astype(float)
    found = ranges.left_out_spread(x, y, p, np.arange(30_000), 1)
    if planted:
        assert np.sqrt(found) == pytest.approx(planted, rel=0.4)
    else:
        assert found < 0.02


def test_label_sets_miss_one_in_ten_of_each_outcome() -> None:
    rng = np.random.default_rng(6)
    p = rng.beta(1, 15, 40_000)
    y = rng.binomial(1, p)
    thresholds = ranges.fit_conformal(p[:20_000], y[:20_000])
    told = ranges.can_tell(p[20_000:], thresholds)
    later = y[20_000:]
    assert (told[later == 1] == "does not").mean() == pytest.approx(0.1, abs=0.03)
    assert (told[later == 0] == "may become").mean() == pytest.approx(0.1, abs=0.03)
    few = ranges.fit_conformal(p[:50], np.zeros(50))
    assert few["becomes_from"] is None


def test_venn_abers_brackets_the_observed_share() -> None:
    rng = np.random.default_rng(7)
    p = rng.beta(1, 10, 5000)
    table = ranges.fit_venn_abers(p, rng.binomial(1, p / 2))
    low, high = ranges.venn_abers(np.array([0.1, 0.2]), table)
    assert (low <= high).all()
    assert high[1] < 0.17
    assert low[1] > 0.04


def test_steps_are_scored_from_their_own_tables_as_the_library_scores_them() -> None:
    from interpret.glassbox import ExplainableBoostingClassifier

    rng = np.random.default_rng(8)
    x = np.round(_x(rng, 4000), 1)
    y = (rng.random(4000) < chance(-2 + 1.5 * x[:, 0])).astype(float)
    kept: list[ExplainableBoostingClassifier] = []
    fit = ExplainableBoostingClassifier.fit

    def watched(self: ExplainableBoostingClassifier, *args: object, **named: object) -> ExplainableBoostingClassifier:
        kept.append(self)
        return fit(self, *args, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ExplainableBoostingClassifier, "fit", watched)
        document = steps.fit_steps(x, y, np.ones(4000))
    other = np.round(_x(rng, 1000), 1)
    theirs = kept[0].predict_proba(other)[:, 1]
    assert chance(model.logits(document, other)) == pytest.approx(theirs, abs=1e-9)
    rising = np.repeat(other[:1], 50, axis=0)
    rising[:, 0] = np.linspace(0, 3, 50)
    assert (np.diff(model.logits(document, rising)) >= 0).all()


def test_thinning_keeps_everyone_who_became_and_the_total_weight() -> None:
    y = np.array([1.0] * 50 + [0.0] * 5000)
    rows, weight = thinning.thinned(y, 1000, 1)
    assert y[rows].sum() == 50
    assert weight.sum() == pytest.approx(len(y))
    assert len(rows) == 1000


def test_a_panel_without_known_outcomes_cannot_be_fitted() -> None:
    table = pl.DataFrame({"person_ref": ["a"], **{n: [1.0] for n in NAMES}, "became_12m": [True], "became_24m": [None]})
    with pytest.raises(ValueError, match="no landmark"):
        model.fit("plain_harm", table.with_columns(pl.col("became_24m").cast(pl.Boolean)), (12, 24))


def test_the_level_is_surer_where_more_people_became() -> None:
    p = np.repeat([0.01, 0.2], 1000)
    came = np.zeros(2000)
    came[:4] = came[1000:1100] = 1
    edges = ranges.level_edges(p)
    assert len(edges) == 1
    assert 0.01 < edges[0] <= 0.2
    assert ranges.level_variance(p, came, np.arange(2000), edges) == pytest.approx([1 / 4, 1 / 100])
    people = np.arange(2000)
    people[:4] = 0  # one person, seen from four landmarks
    assert ranges.level_variance(p, came, people, edges)[0] == pytest.approx(1.0)
    assert ranges.level_variance(p, np.zeros(2000), np.arange(2000), edges).tolist() == [1.0, 1.0]


def test_parts_of_the_scale_keep_equal_chances_together_and_are_never_tiny() -> None:
    rng = np.random.default_rng(9)
    p = rng.choice([0.01, 0.011, 0.02, 0.3], 5000, p=[0.6, 0.02, 0.3, 0.08])
    edges = ranges.level_edges(p)
    counts = np.bincount(np.searchsorted(edges, p, side="right"))
    assert counts.sum() == 5000
    assert counts.min() >= 250


def test_a_range_holds_its_chance_is_wider_below_and_reads_models_kept_before() -> None:
    rng = np.random.default_rng(10)
    x = _x(rng, 400)
    document = {"stretches": [{"kind": "base_rate", "intercept": -2.0}, {"kind": "base_rate", "intercept": -3.0}]}
    part = {"mean": [0.0] * K, "spread": [1.0] * K, "covariance": np.zeros((K + 1, K + 1)).tolist(), "left_out_variance": 0.0}
    level = {"level": {"logit": [-3.0, -1.0], "variance": [0.5, 0.0]}}
    now = {"unseen_below": ranges.UNSEEN_BELOW, "unseen_above": ranges.UNSEEN_ABOVE, "horizons": {"12m": part, "24m": part}}
    middle = model.chances(document, x)
    low, high = ranges.ranges(document, now, x)
    assert (low < middle).all()
    assert (middle < high).all()
    assert (low[:, 1] >= low[:, 0]).all()
    assert high[0, 0] == pytest.approx(chance(np.array([-2.0 + ranges.Z * ranges.UNSEEN_ABOVE]))[0])
    assert low[0, 0] == pytest.approx(chance(np.array([-2.0 - ranges.Z * ranges.UNSEEN_BELOW]))[0])
    unsure = ranges.ranges(document, now | {"horizons": {"12m": part | level, "24m": part | level}}, x)
    assert (unsure[0] < low).all()
    assert (unsure[1] > high).all()
    kept = ranges.ranges(document, {"unseen_spread": 0.45, "horizons": {"12m": part, "24m": part}}, x)
    assert kept[1][0, 0] == pytest.approx(chance(np.array([-2.0 + ranges.Z * 0.45]))[0])


@pytest.mark.parametrize("scale", baselines.SCALES)
def test_the_plain_score_finds_the_scale_its_line_is_straight_on(scale: str) -> None:
    rng = np.random.default_rng(11)
    x = np.zeros((60_000, K))
    x[:, baselines.HARM] = rng.beta(0.6, 3.0, 60_000)
    steep = {"log": 0.9, "root": 5.0, "plain": 6.0}[scale]
    y = (rng.random(60_000) < chance(-3.0 + steep * baselines.scaled_harm(x, scale))).astype(float)
    found = baselines.fit_plain_harm(x, y, np.ones(60_000))
    assert found["scale"] == scale
    assert found["slope"] == pytest.approx(steep, rel=0.1)
    order = np.argsort(x[:, baselines.HARM], kind="stable")
    assert (np.diff(model.logits(found, x)[order]) >= 0).all()
    before = {key: found[key] for key in ("kind", "intercept", "slope")}
    assert model.logits(before, x[:1]) == pytest.approx(found["intercept"] + found["slope"] * np.log(x[:1, baselines.HARM] + 0.01))


def test_a_card_asks_of_few_enough_items_in_few_enough_lines_and_still_ranks() -> None:
    rng = np.random.default_rng(12)
    x = rng.gamma(1.0, 3.0, (20_000, K))
    truth = -3 + 0.15 * x[:, NAMES.index("events_12m")] - 0.05 * x[:, NAMES.index("months_since_last")]
    y = (rng.random(20_000) < chance(truth)).astype(float)
    lines = card.fit_card(x, y, np.zeros(20_000, dtype=np.int64), np.ones(20_000))
    assert 0 < len(lines) <= card.MOST_LINES
    assert 0 < len({line["feature"] for line in lines}) <= card.MOST_ITEMS
    assert all(1 <= line["points"] <= card.MOST_POINTS and isinstance(line["points"], int) for line in lines)
    order = [NAMES.index(line["feature"]) for line in lines]
    assert order == sorted(order)  # an item's lines stand together
    assert np.corrcoef(card.points(lines, x), truth)[0, 1] > 0.8
