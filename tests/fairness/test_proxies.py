"""Proxy tests: planted proxies are found at their true strength, noise is not."""

import math

import numpy as np
import polars as pl
import pytest

from harmcast.fairness import binned
from harmcast.fairness.groups import Groups, groups_of
from harmcast.fairness.proxies import FOLDS, _judged, _rows, cost_of_leaving_out, findings, proxy_tests
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


def delong(positive: list[float], negative: list[float]) -> tuple[float, float]:
    """AUC and its standard error from every pair."""
    wins = np.array([[1.0 if p > n else 0.5 if p == n else 0.0 for n in negative] for p in positive])
    ups, downs = wins.mean(axis=1), wins.mean(axis=0)
    value = float(wins.mean())
    spread = sum((u - value) ** 2 for u in ups) / max(len(ups) - 1, 1) / len(ups) + sum((d - value) ** 2 for d in downs) / max(len(downs) - 1, 1) / len(downs)
    return value, math.sqrt(spread)


@pytest.mark.parametrize(("positive", "negative"), [([3, 5, 5, 9, 2, 7], [1, 5, 2, 2, 8, 3, 0]), ([4], [1, 4, 9]), ([1, 2], [0]), ([2, 2], [2, 2, 2])])
def test_auc_and_its_error_are_those_of_every_pair(positive: list[int], negative: list[int]) -> None:
    scores, is_positive = np.array([*positive, *negative], dtype=float), np.array([True] * len(positive) + [False] * len(negative))
    found = binned.auc_of_scores(scores / 10, is_positive)
    assert found is not None
    assert (found.value, found.se) == pytest.approx(delong([*map(float, positive)], [*map(float, negative)]))


def test_no_auc_where_a_side_is_empty_and_a_mean_of_those_there_are() -> None:
    assert binned.auc_of_counts(np.array([0.0, 0.0]), np.array([1.0, 2.0])) is None
    assert binned.auc_of_counts(np.array([1.0, 2.0]), np.array([0.0, 0.0])) is None
    assert binned.auc_of_scores(np.array([]), np.array([], dtype=bool)) is None
    assert binned.pooled([None, None]) is None
    assert binned.pooled([None, binned.Auc(0.6, 0.3), binned.Auc(0.8, 0.4)]) == binned.Auc(pytest.approx(0.7), pytest.approx(0.25))  # type: ignore[arg-type]


def test_bins_by_value_or_by_rank_with_missing_a_bin_of_its_own() -> None:
    def bins(values: list[object], most: int) -> list[int]:
        return binned.bin_codes(pl.Series(values), most).tolist()

    assert bins([30, None, 10, 20, 10], 3) == [3, 0, 1, 2, 1]
    assert bins(["b", None, "a", "c", "d"], 2) == [2, 0, 1, 3, 4]
    assert bins([True, None, False], 2) == [2, 0, 1]
    # Nine values into four bins: cuts at the quarters 3, 5 and 7; a value at a cut is above it.
    assert bins([1, 2, 3, 4, 5, 6, 7, 8, 9, None], 4) == [1, 1, 2, 2, 3, 3, 4, 4, 4, 0]
    assert bins([-3, -1, None, 5], 2) == [1, 2, 0, 2]
    assert bins([0, 0, 0, 0, 1, 2], 2) == [2, 2, 2, 2, 2, 2]  # the only cut is 0


def test_folds_are_even_and_of_the_seed() -> None:
    fold = binned.folds_of(23, 5, 3)
    assert np.bincount(fold).tolist() == [5, 5, 5, 4, 4]
    assert fold.tolist() == binned.folds_of(23, 5, 3).tolist() != binned.folds_of(23, 5, 4).tolist()
    assert fold.tolist() != sorted(fold.tolist())


def test_a_feature_alone_scores_each_bin_by_its_rate_in_the_other_folds() -> None:
    rng = np.random.default_rng(5)
    n, folds, groups = 90, 3, 3
    codes, fold = rng.integers(0, 4, n), rng.integers(0, folds, n)
    labels = np.where(rng.random(n) < 0.5, codes % 3, rng.integers(0, 3, n))
    found = binned.alone(codes, labels, groups, fold, folds)
    for g in range(groups):
        values, errors = [], []
        for f in range(folds):
            prior = np.mean(labels[fold != f] == g)
            score = {b: (np.sum((fold != f) & (codes == b) & (labels == g)) + 5 * prior) / (np.sum((fold != f) & (codes == b)) + 5) for b in range(4)}
            own = [(score[int(c)], label == g) for c, label in zip(codes[fold == f], labels[fold == f], strict=True)]
            value, se = delong([s for s, there in own if there], [s for s, there in own if not there])
            values.append(value)
            errors.append(se)
        auc = found[g]
        assert auc is not None
        assert (auc.value, auc.se) == pytest.approx((np.mean(values), math.sqrt(sum(e**2 for e in errors)) / folds))


def test_a_ridge_never_sees_the_fold_it_foretells() -> None:
    rng = np.random.default_rng(6)
    codes = [rng.integers(0, 3, 60), rng.integers(0, 2, 60)]
    matrix, fold = binned.one_hot(codes), binned.folds_of(60, 4, 1)
    assert matrix.shape == (60, 6)
    for row, a, b in zip(matrix, *codes, strict=True):
        assert row.tolist() == [1.0, *(float(a == k) for k in range(3)), *(float(b == k) for k in range(2))]
    targets = np.stack([codes[0] == 1, rng.random(60) < 0.3], axis=1).astype(np.float32)
    found = binned.out_of_fold(matrix, targets, fold, 4)
    for f in range(4):  # the same as least squares with rows of sqrt(10) for every column but the first
        seen = matrix[fold != f].astype(float)
        penalty = np.diag([1e-3, *[math.sqrt(10.0)] * 5])
        weights = np.linalg.lstsq(np.vstack([seen, penalty]), np.vstack([targets[fold != f], np.zeros((6, 2))]), rcond=None)[0]
        assert np.allclose(found[fold == f], matrix[fold == f] @ weights, atol=1e-5)


def test_a_row_a_group_of_two_the_smaller_from_fifty_people() -> None:
    aucs: list[binned.Auc | None] = [binned.Auc(0.7, 0.02), binned.Auc(0.6, 0.3), binned.Auc(0.4, 0.0)]
    named: dict[str, str | int | float] = {"feature": "x"}
    three = _rows(named, aucs, ["a", "b", "c"], np.array([50, 49, 60]))
    assert three[0] == {"feature": "x", "group": "a", "n_group": 50, "auc": 0.7, "half_width": 0.039199, "auc_low": 0.660801, "auc_high": 0.739199}
    assert three[1] == {"feature": "x", "group": "b", "n_group": 49, "reason": "fewer than 50 people, or nobody to tell them from"}
    assert three[2] == {"feature": "x", "group": "c", "n_group": 60, "auc": 0.4, "half_width": 1e-6, "auc_low": 0.399999, "auc_high": 0.400001}
    assert [row["group"] for row in _rows(named, aucs[:2], ["a", "b"], np.array([70, 60]))] == ["b"]
    assert [row["group"] for row in _rows(named, aucs[:2], ["a", "b"], np.array([60, 60]))] == ["a"]
    assert "auc" not in _rows(named, aucs[:1], ["a"], np.array([90]))[0]
    wide = _rows(named, [binned.Auc(0.9, 0.2), binned.Auc(0.1, 0.2), None], ["a", "b", "c"], np.array([90, 90, 90]))
    assert [(row.get("auc_low"), row.get("auc_high")) for row in wide] == [(0.508007, 1), (0, 0.491993), (None, None)]


@pytest.mark.parametrize(
    ("kind", "attribute", "auc", "half", "verdict"),
    [
        ("value", "sex", 0.75, 0.05, "concern"), ("value", "sex", 0.7501, 0.05, "stop"), ("missing", "sex", 0.65, 0.05, "met"), ("missing", "sex", 0.6501, 0.05, "concern"), ("value", "sex", 0.9, 0.0501, "too few to say"),
        ("value", "sex", None, None, "too few to say"), ("together", "sex", 0.9, 0.01, "printed"), ("boosted", "sex", 0.9, 0.01, "printed"), ("value", "age_band", 0.9, 0.01, "printed"), ("value", "sex", 0.2, 0.01, "met"),
    ],
)  # fmt: skip
def test_a_proxys_verdict_at_its_limits(kind: str, attribute: str, auc: float | None, half: float | None, verdict: str) -> None:
    row = pl.DataFrame({"kind": [kind], "attribute": [attribute], "auc": [auc], "half_width": [half]}, schema_overrides={"auc": pl.Float64, "half_width": pl.Float64})
    found = _judged(row, Thresholds())
    assert found["verdict"].to_list() == [verdict]
    assert found["reason"].dtype == pl.String


def test_a_finding_is_of_the_group_that_a_feature_tells_best() -> None:
    rows = [("sex", "f", "x", "value", 0.8, "stop"), ("sex", "m", "x", "value", 0.82, "stop"), ("ethnicity_self", "b", "y", "missing", 0.7, "concern"), ("ethnicity_self", "a", "y", "missing", 0.7, "concern"), ("sex", "f", "z", "value", 0.6, "met")]
    table = pl.DataFrame(rows, schema=["attribute", "group", "feature", "kind", "auc", "verdict"], orient="row").with_columns(auc_low=pl.col("auc") - 0.02, auc_high=pl.col("auc") + 0.02)
    one, two = findings(table, Thresholds())
    assert (one.name, one.verdict, one.measured, one.limit, one.severity) == ("proxy/x/value/sex", "stop", 0.82, 0.65, 2.1)
    assert one.says == "x alone tells m (sex) from the rest at AUC 0.820 (0.800 to 0.840): it is refused as a feature."
    assert (two.name, two.verdict, two.severity) == ("proxy/y/missing/ethnicity_self", "concern", 1.3)
    assert two.says == "That y is missing alone tells a (ethnicity self) from the rest at AUC 0.700 (0.680 to 0.720): keeping it needs two people and a reason."
    assert [f.severity for f in findings(table, Thresholds(proxy_concern_auc=0.5))] == [None, None]


def test_every_row_there_is_one_for_and_no_other() -> None:
    n = 400
    rng = np.random.default_rng(9)
    labels = pl.DataFrame({"k": range(n), "sex": rng.choice(["f", "m"], n, p=[0.3, 0.7]), "land": rng.choice(["a", "b", "c"], n)})
    features = pl.DataFrame({"k": range(n), "x": rng.integers(0, 5, n), "some": [None if k % 3 else 1 for k in range(n)], "none": pl.Series([None] * n, dtype=pl.Int64)})
    table = proxy_tests(features, groups_of(labels, "k", ["sex", "land"]), 3)
    women = int((labels["sex"] == "f").sum())
    kinds = [("x", "value"), ("some", "value"), ("some", "missing"), ("none", "value"), ("all together", "together"), ("all together", "together_missing")]
    assert table.select("attribute", "feature", "kind", "group").rows() == [*(("sex", *kind, "f") for kind in kinds), *(("land", *kind, group) for kind in kinds for group in "abc")]
    assert set(table["n"]) == {n}
    assert set(table.filter(attribute="sex")["n_group"]) == {women}
    assert table.filter(feature="none")["auc"].to_list() == [0.5] * 4


def test_the_cost_of_leaving_a_feature_out_is_paired_over_people() -> None:
    """One idle and one telling feature: AUCs of every pair, and the error of their difference from both sides' placements."""
    rng = np.random.default_rng(13)
    n = 150
    features = pl.DataFrame({"tells": rng.integers(0, 4, n), "idle": rng.integers(0, 3, n)})
    y = rng.random(n) < 0.15 + 0.2 * features["tells"].to_numpy()
    fold = binned.folds_of(n, FOLDS, 2)
    codes = {name: binned.bin_codes(features[name], 8) for name in features.columns}

    def scores(*names: str) -> np.ndarray:
        return binned.out_of_fold(binned.one_hot([codes[name] for name in names]), y[:, None].astype(np.float32), fold, FOLDS)[:, 0]

    def placed(of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        wins = np.array([[(p > q) + (p == q) / 2 for q in of[~y]] for p in of[y]])
        return wins.mean(axis=1), wins.mean(axis=0)

    full = scores("tells", "idle")
    table = cost_of_leaving_out(features, pl.Series(y), 2)
    assert table["auc_cost"].is_sorted(descending=True)
    for row in table.iter_rows(named=True):
        rest = scores("idle" if row["feature"] == "tells" else "tells")
        (up, down), (rest_up, rest_down) = placed(full), placed(rest)
        cost = up.mean() - rest_up.mean()
        half = 1.959964 * math.sqrt(np.var(up - rest_up, ddof=1) / y.sum() + np.var(down - rest_down, ddof=1) / (~y).sum())
        worse = (np.clip(rest, 0, 1) - y) ** 2 - (np.clip(full, 0, 1) - y) ** 2
        spread = 1.959964 * worse.std(ddof=1) / math.sqrt(n)
        assert [row[name] for name in ("auc", "auc_without", "auc_cost", "auc_cost_low", "auc_cost_high")] == pytest.approx([up.mean(), rest_up.mean(), cost, cost - half, cost + half], abs=1e-6)
        assert [row[name] for name in ("brier_cost", "brier_cost_low", "brier_cost_high")] == pytest.approx([worse.mean(), worse.mean() - spread, worse.mean() + spread], abs=1e-6)
        assert row["n"] == n
    alone = cost_of_leaving_out(features.select("tells"), pl.Series(y), 2).row(0, named=True)
    assert alone["auc_without"] == pytest.approx(0.5, abs=0.1)
