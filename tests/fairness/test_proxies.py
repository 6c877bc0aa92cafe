"""Proxy tests: planted proxies are found at their true strength, noise is not."""

import numpy as np
import polars as pl
import pytest

from harmcast.fairness import binned
from harmcast.fairness.groups import Groups, groups_of
from harmcast.fairness.proxies import cost_of_leaving_out, findings, proxy_tests
from harmcast.fairness.thresholds import Thresholds


def people(seed: int, n: int = 8000) -> tuple[pl.DataFrame, Groups, np.ndarray]:
    rng = np.random.default_rng(seed)
    woman = rng.random(n) < 0.2
    ethnicity = rng.choice(["White", "Black", "Asian"], n, p=[0.6, 0.2, 0.2])
    labels = pl.DataFrame({"person_ref": [f"p{i:05d}" for i in range(n)], "sex": np.where(woman, "female", "male"), "ethnicity_self": ethnicity})
    features = labels.select("person_ref").with_columns(
        noise=pl.Series(rng.poisson(1.0, n)),
        strong=pl.Series(rng.normal(0, 1, n) + 1.2 * woman),
        bent=pl.Series(np.abs(rng.normal(0, 1, n)) * np.where(ethnicity == "Black", 2.0, 1.0) * rng.choice([-1, 1], n)),
        gang=pl.Series(np.where(woman, None, rng.integers(0, 2, n)).tolist(), dtype=pl.Int64),
    )
    return features, groups_of(labels, "person_ref", ["sex", "ethnicity_self"]), woman


def of(table: pl.DataFrame, **where: str) -> dict[str, object]:
    return table.filter(pl.all_horizontal(pl.col(k) == v for k, v in where.items())).row(0, named=True)


def test_planted_proxies_are_measured() -> None:
    features, groups, _ = people(1)
    table = proxy_tests(features, groups, 0)
    strong = of(table, feature="strong", attribute="sex", kind="value")
    assert strong["auc"] == pytest.approx(0.802, abs=0.02)  # normal shift of 1.2: Phi(1.2 / sqrt 2)
    assert strong["verdict"] == "stop"
    assert of(table, feature="noise", attribute="sex", kind="value")["verdict"] == "met"
    assert of(table, feature="noise", attribute="sex", kind="value")["auc"] == pytest.approx(0.5, abs=0.03)


def test_missingness_is_a_proxy() -> None:
    features, groups, _ = people(2)
    table = proxy_tests(features, groups, 0)
    row = of(table, feature="gang", attribute="sex", kind="missing")
    assert row["auc"] == 1.0
    assert row["verdict"] == "stop"
    (found,) = (f for f in findings(table, Thresholds()) if f.name == "proxy/gang/missing/sex")
    assert (found.verdict, found.measured, found.limit, found.severity) == ("stop", 1.0, 0.65, 3.3)
    assert "gang is missing" in found.says


def test_a_bent_relation_is_seen_though_ranks_are_even() -> None:
    features, groups, _ = people(3)
    row = of(proxy_tests(features, groups, 0), feature="bent", attribute="ethnicity_self", group="Black", kind="value")
    assert row["auc"] > 0.6


def test_all_together_is_at_least_the_best_alone() -> None:
    features, groups, _ = people(4)
    table = proxy_tests(features.drop("gang"), groups, 0)
    together = of(table, kind="together", attribute="sex")
    alone = table.filter((pl.col("attribute") == "sex") & (pl.col("kind") == "value"))["auc"].max()
    assert together["auc"] > alone - 0.02
    assert together["verdict"] == "printed"


def test_trees_find_an_interaction_that_bins_do_not() -> None:
    rng = np.random.default_rng(5)
    n = 4000
    a, b = rng.integers(0, 2, n), rng.integers(0, 2, n)
    labels = pl.DataFrame({"person_ref": np.arange(n).astype(str), "sex": np.where(a ^ b, "female", "male")})
    features = labels.select("person_ref").with_columns(a=pl.Series(a), b=pl.Series(b))
    table = proxy_tests(features, groups_of(labels, "person_ref", ["sex"]), 0, boosted=True)
    assert of(table, kind="together")["auc"] < 0.6
    assert of(table, kind="boosted")["auc"] > 0.95


def test_auc_equals_sklearns() -> None:
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(6)
    scores, positive = np.round(rng.normal(size=500), 1), rng.random(500) < 0.3
    assert binned.auc_of_scores(scores, positive).value == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)  # type: ignore[union-attr]


def test_intervals_cover_the_true_strength() -> None:
    """Noise features have a true AUC of one half: out-of-fold estimates cover it about as often as they say."""
    rng = np.random.default_rng(7)
    covered = []
    for _ in range(120):
        labels, codes = rng.integers(0, 2, 600), rng.integers(0, 5, 600)
        auc = binned.alone(codes, labels, 2, binned.folds_of(600, 5, 1), 5)[0]
        assert auc is not None
        covered.append(abs(auc.value - 0.5) < 1.96 * auc.se)
    assert np.mean(covered) > 0.85


def test_small_groups_have_no_figure_and_a_reason() -> None:
    features, groups, _ = people(8, 300)
    rare = groups_of(groups.labels.with_columns(sex=pl.when(pl.arange(0, pl.len()) < 3).then(pl.lit("x")).otherwise("sex")), "person_ref", ["sex"])
    row = of(proxy_tests(features, rare, 0), feature="noise", group="x", kind="value")
    assert row["auc"] is None
    assert row["verdict"] == "too few to say"
    assert row["reason"]


def test_age_is_printed_and_not_judged() -> None:
    features, groups, woman = people(9)
    aged = groups_of(groups.labels.with_columns(age_band=pl.Series(np.where(woman, "18 to 24", "25 to 34"))), "person_ref", ["age_band"])
    assert set(proxy_tests(features, aged, 0)["verdict"]) == {"printed"}


def test_same_seed_same_table() -> None:
    features, groups, _ = people(10, 3000)
    one, two = (proxy_tests(features, groups, 4) for _ in range(2))
    assert one.equals(two, null_equal=True)
    shuffled = proxy_tests(features.sample(fraction=1, shuffle=True, seed=2), groups, 4)
    assert one.equals(shuffled, null_equal=True)


def test_cost_names_the_feature_that_matters() -> None:
    rng = np.random.default_rng(11)
    features = pl.DataFrame({"matters": rng.normal(size=6000), "idle": rng.normal(size=6000)})
    became = pl.Series(rng.random(6000) < 1 / (1 + np.exp(2 - 1.5 * features["matters"].to_numpy())))
    cost = cost_of_leaving_out(features, became, 0)
    matters, idle = (cost.filter(pl.col("feature") == name).row(0, named=True) for name in ("matters", "idle"))
    assert matters["auc_cost_low"] > 0.1
    assert matters["brier_cost_low"] > 0
    assert abs(idle["auc_cost"]) < 0.02
    assert matters["auc_without"] == pytest.approx(matters["auc"] - matters["auc_cost"])
