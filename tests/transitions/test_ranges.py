from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from harmcast.people.features import NAMES
from harmcast.transitions import model, ranges, steps, thinning
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
