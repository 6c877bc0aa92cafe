"""Rates by group: from counts, with honest intervals, equal to an independent library's."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmcast.fairness.groups import groups_of
from harmcast.fairness.intervals import chance_alone, gap_interval
from harmcast.fairness.measures import group_counts, group_measures


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
