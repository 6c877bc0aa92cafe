"""How the records came about, by group: every figure against a plain loop over charges, classes and people."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from scipy.stats import binomtest

from harmcast.fairness.groups import Groups, groups_of
from harmcast.fairness.records import record_measures
from harmcast.fairness.thresholds import Thresholds

Z = 1.959963984540054


def charges() -> tuple[pl.DataFrame, Groups]:
    rng = np.random.default_rng(21)
    refs = [f"p{k:02d}" for k in range(40)]
    labels = pl.DataFrame({"person_ref": refs, "sex": rng.choice(["f", "m", None], 40, p=[0.4, 0.5, 0.1]).tolist()})
    n = 220
    frame = pl.DataFrame(
        {
            "person_ref": rng.choice([*refs, "stranger"], n), "offence_code": rng.choice(["008/01", "008/11", "092/30", "010", "105/02"], n),
            "outcome": rng.choice(["charged", "convicted", "acquitted", "withdrawn", "discontinued", "quashed", "cautioned"], n), "crime_ref": rng.choice(["c", None], n).tolist(),
        }
    )  # fmt: skip
    only = pl.DataFrame({"person_ref": ["p00"], "offence_code": ["200/01"], "outcome": ["acquitted"], "crime_ref": ["c"]})  # a class that one group alone has
    return pl.concat([frame, only]), groups_of(labels, "person_ref", ["sex"], references={"sex": "m"})


def by_hand(frame: pl.DataFrame, groups: Groups, measure: str, group: str) -> dict[str, float]:
    """Sums in loops: others' rate in each class, what a group's mix would give at it, and the noise of both by person."""
    sex = dict(groups.labels.select("person_ref", "sex").iter_rows())
    rows = []
    for ref, code, outcome, crime in frame.iter_rows():
        if ref not in sex or (measure == "charges_fell_away" and outcome == "charged"):
            continue
        hit = {"charges_fell_away": outcome in ("acquitted", "withdrawn", "discontinued", "quashed"), "charges_police_found": code in ("008/11", "092/30", "010"), "charges_unlinked": crime is None}[measure]
        rows.append((ref, sex[ref], code.split("/")[0] if measure == "charges_fell_away" else "all", hit))

    def of(own: str) -> tuple[float, float, float, int, float]:
        people: dict[str, list[float]] = {}
        for ref, where, klass, hit in rows:
            others = [h for _, w, k, h in rows if k == klass and w != own]
            if where == own and others:
                cell = people.setdefault(ref, [0.0, 0.0, 0.0])
                cell[0] += hit
                cell[1] += 1
                cell[2] += sum(others) / len(others)
        k, n, e = (sum(cell[i] for cell in people.values()) for i in range(3))
        gap = (k - e) / n
        spread = sum((a - c - gap * b) ** 2 for a, b, c in people.values()) / n**2
        return k, n, e, len(people), spread * len(people) / (len(people) - 1)

    k, n, e, people, own = of(group)
    beside = [of(name) for name in sorted({w for _, w, _, _ in rows} - {group})]
    others = sum(one[4] * one[1] ** 2 for one in beside) / sum(one[1] for one in beside) ** 2
    return {"numerator": k, "denominator": n, "against_numerator": e, "n": people, "gap": (k - e) / n, "half_width": Z * math.sqrt(max(own, 0.25 / n**2) + others)}


@pytest.mark.parametrize("measure", ["charges_fell_away", "charges_police_found", "charges_unlinked"])
def test_every_figure_is_that_of_a_plain_loop(measure: str) -> None:
    frame, groups = charges()
    found = record_measures(frame, groups, Thresholds()).filter(measure=measure)
    assert found["group"].to_list() == ["f", "m", "not recorded"]
    assert found["is_reference"].to_list() == [False, True, False]
    assert (set(found["scope"]), set(found["against"]), set(found["attribute"])) == ({"records"}, {"others"}, {"sex"})
    for row in found.iter_rows(named=True):
        expected = by_hand(frame, groups, measure, row["group"])
        for name, value in expected.items():
            assert row[name] == pytest.approx(value, abs=1e-7), (row["group"], name)
        k, n, e, gap, half = (expected[name] for name in ("numerator", "denominator", "against_numerator", "gap", "half_width"))
        own = binomtest(int(k), int(n)).proportion_ci(method="wilson")
        assert [row[name] for name in ("value", "low", "high", "against_denominator", "gap_low", "gap_high")] == pytest.approx([k / n, own.low, own.high, n, gap - half, gap + half])
        assert [row[name] for name in ("ratio", "ratio_low", "ratio_high")] == pytest.approx([k / e, 1 + (gap - half) * n / e, 1 + (gap + half) * n / e])


def test_where_others_have_none_there_is_a_gap_and_no_ratio_and_one_person_has_the_least_noise() -> None:
    """One woman with two charges that fell away; two men with one each that held: noise of half a charge, at least."""
    labels = pl.DataFrame({"person_ref": ["a", "b", "c"], "sex": ["f", "m", "m"]})
    frame = pl.DataFrame({"person_ref": ["a", "a", "b", "c"], "offence_code": ["008/01"] * 4, "outcome": ["acquitted", "quashed", "convicted", "convicted"], "crime_ref": ["c"] * 4})
    woman, men = record_measures(frame, groups_of(labels, "person_ref", ["sex"]), Thresholds()).filter(measure="charges_fell_away").iter_rows(named=True)
    assert (woman["value"], woman["gap"], woman["ratio"], woman["ratio_low"], woman["ratio_high"]) == (1.0, 1.0, None, None, None)
    assert (men["value"], men["gap"], men["ratio"]) == (0.0, -1.0, 0.0)
    assert woman["half_width"] == pytest.approx(Z * 0.25)  # sqrt(.25) / 2 charges
    assert (woman["n"], men["n"]) == (1, 2)
