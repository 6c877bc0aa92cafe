"""Rates by group: from counts, with honest intervals, equal to an independent library's."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from harmcast.fairness.groups import groups_of
from harmcast.fairness.intervals import chance_alone, gap_interval, ratio_interval, simultaneous, z_of
from harmcast.fairness.measures import gaps_at, group_counts, group_measures, with_intervals


def people(seed: int, n: int = 4000) -> tuple[pl.DataFrame, pl.DataFrame]:
    rng = np.random.default_rng(seed)
    chance = rng.beta(1, 6, n)
    frame = pl.DataFrame(
        {
            "person_ref": np.arange(n).astype(str),
            "chance": chance,
            "selected": chance > 0.25,
            "became": rng.random(n) < chance,
        }
    )
    labels = frame.select("person_ref").with_columns(
        sex=pl.Series(rng.choice(["male", "female"], n, p=[0.8, 0.2])),
        ethnicity=pl.Series(rng.choice(["White", "Black", "Asian", None], n, p=[0.6, 0.2, 0.15, 0.05]).tolist(), dtype=pl.String),
    )
    return frame, labels


def measured(frame: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    groups = groups_of(labels, "person_ref", ["sex", "ethnicity"], [("sex", "ethnicity")])
    return group_measures(group_counts(frame, groups), groups)


@pytest.mark.parametrize("attribute", ["sex", "ethnicity", "sex + ethnicity"])
def test_equal_to_fairlearn(attribute: str) -> None:
    from fairlearn.metrics import MetricFrame, false_negative_rate, false_positive_rate, selection_rate
    from sklearn.metrics import precision_score

    frame, labels = people(3)
    groups = groups_of(labels, "person_ref", ["sex", "ethnicity"], [("sex", "ethnicity")])
    theirs = MetricFrame(
        metrics={"selection": selection_rate, "fpr": false_positive_rate, "fnr": false_negative_rate, "ppv": precision_score},
        y_true=frame["became"].to_numpy(),
        y_pred=frame["selected"].to_numpy(),
        sensitive_features=groups.labels[attribute].to_list(),
    ).by_group
    ours = measured(frame, labels).filter(pl.col("attribute") == attribute)
    for group, row in theirs.iterrows():
        for measure, value in row.items():
            mine = ours.filter((pl.col("group") == group) & (pl.col("measure") == measure))["value"].item()
            assert mine == pytest.approx(value, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 300))
def test_every_rate_recomputes_from_the_counts_beside_it(seed: int, n: int) -> None:
    table = measured(*people(seed, n))
    for row in table.iter_rows(named=True):
        if row["value"] is None:
            assert row["denominator"] == 0
            assert row["reason"]
            continue
        assert row["value"] == pytest.approx(row["numerator"] / row["denominator"], abs=1e-9)
        assert row["low"] <= row["value"] <= row["high"]
        assert row["tp"] + row["fp"] + row["fn"] + row["tn"] == row["known"]
        named = {"fpr": ("fp", ("fp", "tn")), "fnr": ("fn", ("fn", "tp")), "ppv": ("tp", ("tp", "fp")), "base_rate": ("base", ("tp", "fp", "fn", "tn"))}
        if row["measure"] in named:
            top, bottom = named[row["measure"]]
            assert row["value"] == pytest.approx(row[top] / sum(row[c] for c in bottom), abs=1e-9)
        if row["gap"] is not None and row["against"] == "reference":
            other = row["against_numerator"] / row["against_denominator"]
            assert row["gap"] == pytest.approx(row["value"] - other, abs=1e-9)
            assert row["gap_low"] <= row["gap"] <= row["gap_high"]


def test_counts_of_groups_add_up_to_everyone() -> None:
    frame, labels = people(5)
    frame = frame.with_columns(became=pl.when(pl.arange(0, pl.len()) % 7 == 0).then(None).otherwise("became"))
    groups = groups_of(labels, "person_ref", ["sex", "ethnicity"], [("sex", "ethnicity")])
    counts = group_counts(frame, groups)
    for attribute in groups.attributes:
        part = counts.filter(pl.col("attribute") == attribute)
        assert part["n"].sum() == frame.height
        assert part["known"].sum() == frame["became"].drop_nulls().len()
        assert part["predicted"].sum() == pytest.approx(frame.filter(pl.col("became").is_not_null())["chance"].sum())


def test_unknown_outcomes_give_selection_and_no_error_rates() -> None:
    frame, labels = people(6, 500)
    table = measured(frame.with_columns(became=pl.lit(None, dtype=pl.Boolean)), labels)
    assert table.filter(pl.col("measure") == "selection")["value"].null_count() == 0
    assert table.filter(pl.col("measure") == "fpr")["value"].null_count() == table.filter(pl.col("measure") == "fpr").height


def test_gap_interval_is_newcombes() -> None:
    """His worked example: 56/70 against 48/80 gives .2000 (.0524 to .3339)."""
    low, high = gap_interval(*(np.array([float(v)]) for v in (56, 70, 48, 80)), np.array([False]))
    assert low[0] == pytest.approx(0.0524, abs=5e-5)
    assert high[0] == pytest.approx(0.3339, abs=5e-5)


def test_gap_intervals_cover_in_simulation() -> None:
    rng = np.random.default_rng(11)
    k, k0 = rng.binomial(300, 0.08, 4000).astype(float), rng.binomial(900, 0.05, 4000).astype(float)
    n, n0 = np.full(4000, 300.0), np.full(4000, 900.0)
    low, high = gap_interval(k, n, k0, n0, np.zeros(4000, bool))
    assert 0.935 <= np.mean((low <= 0.03) & (high >= 0.03)) <= 0.975


def test_chance_alone_is_exact() -> None:
    from scipy.stats import binomtest, fisher_exact

    for k, n, p in ((3, 30, 0.01), (0, 200, 0.03), (60, 1000, 0.05)):
        found = chance_alone(*(np.array([float(v)]) for v in (k, n, p * n, n)), np.array([True]))[0]
        one_sided = min(binomtest(k, n, p, side).pvalue for side in ("less", "greater"))
        assert found == pytest.approx(min(1, 2 * one_sided), rel=1e-9)
    for k, n, k0, n0 in ((3, 30, 20, 2000), (50, 400, 300, 2400)):
        found = chance_alone(*(np.array([float(v)]) for v in (k, n, k0, n0)), np.array([False]))[0]
        sides = [fisher_exact([[k, n - k], [k0, n0 - k0]], side).pvalue for side in ("less", "greater")]
        assert found == pytest.approx(min(1, 2 * min(sides)), rel=1e-7)
    assert chance_alone(*(np.array([v]) for v in (0.0, 0.0, 0.0, 10.0)), np.array([False]))[0] == 1


def test_every_count_is_that_of_a_plain_loop_where_anything_may_be_unknown() -> None:
    rng = np.random.default_rng(12)
    n = 240

    def maybe(values: list[object]) -> list[object]:
        return [None if rng.random() < 0.2 else value for value in values]

    frame = pl.DataFrame(
        {
            "person_ref": [f"p{k}" for k in range(n)], "selected": maybe((rng.random(n) < 0.4).tolist()), "became": maybe((rng.random(n) < 0.4).tolist()),
            "chance": maybe((rng.integers(0, 64, n) / 64).tolist()), "upheld": maybe((rng.random(n) < 0.5).tolist()),
        }
    )  # fmt: skip
    labels = pl.DataFrame({"person_ref": [f"p{k}" for k in range(n - 9)], "sex": rng.choice(["f", "m"], n - 9), "age": rng.choice(["new", "old"], n - 9)})
    groups = groups_of(labels, "person_ref", ["sex", "age"], [("sex", "age")])
    found = group_counts(frame, groups, "scoped")
    by_ref = {row["person_ref"]: row for row in groups.labels.iter_rows(named=True)}
    expected: dict[tuple[str, str], dict[str, float]] = {}
    names = [name for name in found.columns if name not in ("scope", "attribute", "group")]
    for row in frame.iter_rows(named=True):
        selected, became, chance, upheld = (row[name] for name in ("selected", "became", "chance", "upheld"))
        facts = {"n": 1, "selected": selected is True, "known": became is not None, "base": became is True, "became": became is True, "did_not": became is False}
        facts |= {"selected_known": selected is True and became is not None, "upheld_known": selected is True and upheld is not None, "upheld_selected": selected is True and upheld is True}
        for name, is_selected, came in (("tp", True, True), ("fp", True, False), ("fn", False, True), ("tn", False, False)):
            facts[name] = selected is is_selected and became is came
        scored = became is not None and chance is not None
        facts |= {"scored": scored, "became_scored": scored and became, "did_not_scored": scored and not became, "selected_scored": scored and selected is True}
        facts |= {"tp_scored": scored and selected is True and became, "fp_scored": scored and selected is True and not became}
        sums = {"predicted": scored, "predicted_did_not": scored, "predicted_tp": scored and selected is True, "predicted_fp": scored and selected is True}
        facts |= {name: (chance if name in ("predicted", "predicted_tp") else 1 - chance) if there else 0 for name, there in sums.items()}
        own = by_ref.get(row["person_ref"], {"sex": "not recorded", "age": "not recorded", "sex + age": "not recorded, not recorded"})
        for attribute in ("sex", "age", "sex + age"):
            cell = expected.setdefault((attribute, own[attribute]), dict.fromkeys(names, 0.0))
            for name in names:
                cell[name] += facts[name]
    assert set(found["scope"]) == {"scoped"}
    assert {(row["attribute"], row["group"]): {name: row[name] for name in names} for row in found.iter_rows(named=True)} == expected
    assert found.select("attribute", "group").rows() == sorted(expected)
    assert len(expected) == 3 + 3 + 5
    plain = group_counts(frame.drop("upheld"), groups)
    assert (set(plain["scope"]), plain["upheld_known"].sum(), plain["upheld_selected"].sum()) == ({"all"}, 0, 0)


def test_every_measure_of_a_group_is_held_against_what_is_written_beside_it() -> None:
    names = ("n", "selected", "known", "base", "became", "did_not", "selected_known", "tp", "fp", "fn", "tn", "scored", "became_scored", "did_not_scored", "fp_scored", "tp_scored", "selected_scored", "upheld_known", "upheld_selected")
    women = (100, 31, 90, 41, 41, 49, 29, 17, 12, 24, 37, 83, 39, 44, 11, 16, 27, 23, 13)
    men = (200, 71, 180, 83, 83, 97, 67, 37, 30, 46, 67, 163, 79, 84, 29, 34, 63, 53, 31)
    chances = ("predicted", "predicted_tp", "predicted_fp", "predicted_did_not")
    rows = [
        {"scope": "all", "attribute": "sex", "group": group, **dict(zip(names, counts, strict=True)), **dict(zip(chances, said, strict=True))}
        for group, counts, said in (("female", women, (36.5, 15.25, 11.75, 46.5)), ("male", men, (77.5, 33.5, 29.5, 85.5)))
    ]
    groups = groups_of(pl.DataFrame({"k": [1, 2], "sex": ["female", "male"]}), "k", ["sex"], references={"sex": "male"})
    found = group_measures(pl.DataFrame(rows), groups)
    women_rows = {row["measure"]: row for row in found.filter(group="female").iter_rows(named=True)}
    expected = {
        "selection": (31, 100, 71, 200), "base_rate": (41, 90, 83, 180), "fpr": (12, 49, 30, 97), "fnr": (24, 41, 46, 83), "ppv": (17, 29, 37, 67), "hits_upheld": (13, 23, 31, 53),
        "observed_against_predicted": (39, 83, 36.5, 83), "fpr_against_predicted": (11, 44, 11.75, 46.5), "ppv_against_predicted": (16, 27, 15.25, 27),
    }  # fmt: skip
    assert set(women_rows) == set(expected)
    for measure, (k, n, other, of) in expected.items():
        row = women_rows[measure]
        assert (row["numerator"], row["denominator"], row["against_numerator"], row["against_denominator"]) == (k, n, other, of), measure
        assert row["against"] == ("prediction" if measure.endswith("predicted") else "reference")
        assert [row[name] for name in ("n", "known", "base", "tp", "fp", "fn", "tn")] == [100, 90, 41, 17, 12, 24, 37]
        own = binomtest(k, n).proportion_ci(method="wilson")
        assert (row["value"], row["low"], row["high"]) == pytest.approx((k / n, own.low, own.high))
        assert (row["gap"], row["ratio"]) == pytest.approx((k / n - other / of, k / n / (other / of)))
        assert row["half_width"] == pytest.approx((row["gap_high"] - row["gap_low"]) / 2)
        assert row["gap_low"] < row["gap"] < row["gap_high"]
        assert row["ratio_low"] < row["ratio"] < row["ratio_high"]
        assert (row["is_reference"], row["reason"]) == (False, None)
    men_rows = found.filter(group="male")
    assert men_rows["is_reference"].all()
    assert men_rows.filter(against="reference")["gap"].to_list() == [0.0] * 6


def newcombe(k: float, n: float, other: float, of: float, z: float, exact: bool) -> tuple[float, float]:
    """Method 10 in plain steps: the roots of Wilson's quadratic on either side."""

    def roots(p: float, m: float) -> tuple[float, float]:
        half = math.sqrt(z * z + 4 * m * p * (1 - p))
        return (2 * m * p + z * z - z * half) / (2 * (m + z * z)), (2 * m * p + z * z + z * half) / (2 * (m + z * z))

    p, q = k / n, other / of
    low, high = roots(p, n)
    q_low, q_high = (q, q) if exact else roots(q, of)
    return p - q - math.hypot(p - low, q_high - q), p - q + math.hypot(high - p, q - q_low)


def katz(k: float, n: float, other: float, of: float, z: float) -> tuple[float, float]:
    add = 0.5 if 0 in (k, other) else 0.0
    k, n, other, of = k + add, n + add, other + add, of + add
    middle, se = math.log(k / n) - math.log(other / of), math.sqrt(max(1 / k - 1 / n + 1 / other - 1 / of, 0))
    return math.exp(middle - z * se), math.exp(middle + z * se)


@pytest.mark.parametrize("cell", [(3, 40, 20, 300), (0, 40, 20, 300), (7, 40, 0, 300), (40, 40, 20, 300), (15, 400, 9, 90), (40, 40, 300, 300)])
@pytest.mark.parametrize("z", [1.959963984540054, 3.2])
def test_gaps_and_ratios_have_the_intervals_of_their_sources(cell: tuple[int, ...], z: float) -> None:
    columns = [np.array([float(v), float(v)]) for v in cell]
    exact = np.array([False, True])
    low, high = gap_interval(*columns, exact, z)
    assert (low[0], high[0]) == pytest.approx(newcombe(*cell, z, exact=False), abs=1e-9)
    assert (low[1], high[1]) == pytest.approx(newcombe(*cell, z, exact=True), abs=1e-9)
    own, wide = ratio_interval(*columns, exact, z)
    assert (own[0], wide[0]) == pytest.approx(katz(*cell, z))
    if cell[2]:
        ci = binomtest(cell[0], cell[1]).proportion_ci(2 * norm.cdf(z) - 1, method="wilson")
        assert (own[1], wide[1]) == pytest.approx((ci.low * cell[3] / cell[2], ci.high * cell[3] / cell[2]))
    frame = pl.DataFrame({name: [float(v)] for name, v in zip(("numerator", "denominator", "against_numerator", "against_denominator"), cell, strict=True)}).with_columns(against=pl.lit("reference"))
    assert [v[0] for v in gaps_at(frame, z)] == pytest.approx([low[0], high[0], own[0], wide[0]])


def test_what_cannot_be_divided_has_no_figure_and_a_reason() -> None:
    cells = {"numerator": [0.0, 3.0, 3.0, 3.0], "denominator": [0.0, 9.0, 9.0, 9.0], "against_numerator": [1.0, None, 0.0, 0.0], "against_denominator": [9.0, None, 9.0, 0.0]}
    found = with_intervals(pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.Float64)).with_columns(against=pl.lit("reference")))
    assert found["reason"].to_list() == ["nobody to take the rate of", None, None, None]
    assert [value is None for value in found["value"]] == [True, False, False, False]
    assert [value is None for value in found["gap"]] == [True, True, False, True]
    assert [value is None for value in found["ratio"]] == [True, True, True, True]
    assert found["gap"][2] == pytest.approx(1 / 3)
    assert not any(value is not None and not math.isfinite(value) for column in found.select(pl.col(pl.Float64)) for value in column)


def test_quantiles_of_errors_that_are_shared() -> None:
    assert z_of(0.05) == pytest.approx(1.959964)
    assert z_of(0.01) == pytest.approx(2.575829)
    assert simultaneous(0.05, 5) == pytest.approx(2.575829)
    assert simultaneous(0.05, 1) == simultaneous(0.05, 0) == pytest.approx(1.959964)


@pytest.mark.parametrize(("cell", "exact", "chance"), [((0, 5, 2, 10), True, 2 * 0.8**5), ((5, 5, 2, 10), True, 2 * 0.2**5), ((1, 5, 2, 10), True, 1.0), ((0, 5, 0, 10), False, 1.0), ((3, 3, 0, 3), False, 0.1), ((0, 3, 3, 3), False, 0.1), ((2, 5, 1, 0), False, 1.0), ((2, 0, 1, 5), True, 1.0), ((1, 4, 15, 10), True, 0.0)])
def test_chance_alone_at_values_written_out(cell: tuple[int, ...], exact: bool, chance: float) -> None:
    """Of five at one in five: nobody .8^5, all .2^5. Three of three beside none of three: one in twenty on a side."""
    columns = [np.array([float(v)]) for v in cell]
    assert chance_alone(*columns, np.array([exact]))[0] == pytest.approx(chance, abs=1e-12)
