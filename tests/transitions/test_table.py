"""Stretches and the printed table on a few rows, by loops and general searches; and the rows that a fit is given."""

from __future__ import annotations

import math
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.optimize import minimize
from tests.transitions.test_level import ahead_by_grid

from harmcast.documents.person_model import PointsLine
from harmcast.people.features import NAMES
from harmcast.transitions import baselines, model, table, thinning
from harmcast.transitions.table import Stretch

DAYS = [date(2022, 1, 10), date(2022, 7, 10), date(2023, 1, 3), date(2023, 7, 10), date(2024, 1, 10)]  # the third is 358 days after the first
SCORED = date(2025, 1, 15)


def _rows(seed: int = 3, people: int = 120) -> pl.DataFrame:
    """People on five landmarks, some on several; each with points, what came, and how many it stands for."""
    rng = np.random.default_rng(seed)
    rows = []
    for k, day in enumerate(DAYS):
        for person in sorted(rng.choice(people, 70, replace=False)):
            points = float(rng.integers(0, 30))
            p = 1 / (1 + math.exp(2.4 - 0.1 * k - 0.09 * points))
            rows.append({"landmark": day, "person": int(person), "points": points, "y": float(rng.random() < p), "weight": float(rng.integers(1, 4))})
    return pl.DataFrame(rows)


def _p(at: float) -> float:
    return 1 / (1 + math.exp(-at))


def _stretch_again(rows: list[dict[str, Any]], scored: date, yearly: list[date], slope: float | None) -> dict[str, float]:
    """Level and slope again: a search over levels and slope, loops for the covariance, the grid for the level ahead."""
    days = sorted({r["landmark"] for r in rows})
    size = len(days) + 1

    def loss(theta: Any) -> float:
        total = 0.0
        for r in rows:
            eta = theta[days.index(r["landmark"])] + theta[-1] * r["points"] / 10
            total += r["weight"] * (math.log1p(math.exp(eta)) - r["y"] * eta)
        return total

    if slope is None:
        theta = minimize(loss, np.zeros(size), method="BFGS", options={"gtol": 1e-6}).x
    else:
        theta = np.array([_level(rows, d, slope) for d in days] + [slope])
    bread, meat = np.zeros((size, size)), np.zeros((size, size))
    own: dict[int, Any] = {}
    noise = dict.fromkeys(days, 0.0)
    for r in rows:
        x = np.array([float(r["landmark"] == d) for d in days] + [r["points"] / 10])
        p = _p(float(theta @ x))
        bread += r["weight"] * p * (1 - p) * np.outer(x, x)
        own[r["person"]] = own.get(r["person"], 0.0) + r["weight"] * (r["y"] - p) * x
        noise[r["landmark"]] += r["weight"] * p * (1 - p)
    for score in own.values():
        meat += np.outer(score, score)
    inverse = np.linalg.inv(bread)
    gaps = [(b - a).days / 365.25 for a, b in pairwise(yearly)]
    mean, variance, weights = ahead_by_grid([float(theta[days.index(d)]) for d in yearly], [1 / noise[d] for d in yearly], gaps, (scored - yearly[-1]).days / 365.25)
    came = [(r["points"] / 10, r["weight"]) for r in rows if r["y"] == 1]
    return {
        "a": mean, "b": float(theta[-1]), "variance_a": variance, "variance_b": float((inverse @ meat @ inverse)[-1, -1]),
        "centre": sum(t * w for t, w in came) / sum(w for _, w in came), "became": len({r["person"] for r in rows if r["y"] == 1}), "first_weight": weights[0],
    }  # fmt: skip


def _level(rows: list[dict[str, Any]], day: date, slope: float) -> float:
    """The level at which as many are expected as became, by halving."""
    own = [r for r in rows if r["landmark"] == day]
    low, high = -20.0, 20.0
    for _ in range(80):
        middle = (low + high) / 2
        more = sum(r["weight"] * (_p(middle + slope * r["points"] / 10) - r["y"]) for r in own) > 0
        low, high = (low, middle) if more else (middle, high)
    return middle


@pytest.mark.parametrize("slope", [None, 0.7])
def test_a_stretch_is_that_of_a_second_way(slope: float | None) -> None:
    """Landmarks a year apart, from the newest back: 2024-01, 2023-01 (372 days), 2022-01 (358 days: a year less a week)."""
    rows = _rows()
    nobody = rows.head(9).with_columns(landmark=pl.lit(date(2021, 6, 1)), y=0.0)  # a landmark of which nobody became says no level
    found = table.fit_stretch(pl.concat([nobody, rows]), 12, SCORED, None, slope)
    assert found is not None
    wanted = _stretch_again(rows.to_dicts(), SCORED, [DAYS[0], DAYS[2], DAYS[4]], slope)
    assert found.months == 12
    for name in ("a", "b", "variance_a", "variance_b", "centre", "became"):
        assert getattr(found, name) == pytest.approx(wanted[name], rel=1e-4), name
    assert found.weights[0] == pytest.approx(wanted["first_weight"], rel=1e-3)
    assert found.document() == {name: getattr(found, name) for name in ("months", "a", "b", "variance_a", "variance_b", "centre", "became")}
    # The second stretch takes the first one's weights: here all on the longest step.
    far = Stretch(12, 0.0, 1.0, 0.0, 0.0, 0.0, 20, (*([0.0] * 29), 1.0))
    second = table.fit_stretch(rows, 24, SCORED, far, slope)
    assert second is not None
    assert second.weights == pytest.approx(far.weights)
    assert second.variance_a > found.variance_a


def test_twenty_people_must_have_become_each_counted_once() -> None:
    def of(people: int) -> pl.DataFrame:
        rows = [{"landmark": day, "person": k, "points": float(k % 7), "y": float(k < people), "weight": 1.0} for day in DAYS[:2] for k in range(60)]
        return pl.DataFrame(rows)

    assert table.fit_stretch(of(19), 12, SCORED) is None
    twenty = table.fit_stretch(of(20), 12, SCORED)
    assert twenty is not None
    assert twenty.became == 20
    assert table.LEAST_BECAME == 20


@pytest.mark.parametrize(
    ("gaps", "kept"),
    [([358], [0, 1]), ([357], [1]), ([182, 176], [0, 2]), ([182, 175], [2]), ([358, 358], [0, 1, 2]), ([200, 100, 300], [1, 3]), ([400, 200, 358], [0, 2, 3]), ([], [0])],
)
def test_landmarks_are_kept_a_year_less_a_week_apart_from_the_newest_back(gaps: list[int], kept: list[int]) -> None:
    days = [date.fromordinal(738000 + sum(gaps[:k])) for k in range(len(gaps) + 1)]
    assert table._a_year_apart(days) == kept


@pytest.mark.parametrize(("came", "offset"), [([1, 0, 0, 1], [0.1, 0.5, 2.0, 1.0]), ([0.01, 0, 0, 0], [1.0, 5.0, 9.0, 0.0]), ([1, 1, 1, 0.99], [-9.0, 0.0, 1.0, -3.0])])
def test_the_level_beside_an_offset_expects_as_many_as_became(came: list[float], offset: list[float]) -> None:
    weight = np.array([1.0, 2.0, 3.0, 1.5])
    found = table.level_at(np.array(offset), np.array(came), weight)
    assert sum(w * _p(found + o) for w, o in zip(weight, offset, strict=True)) == pytest.approx(float(weight @ np.array(came)), rel=1e-7)


STRETCHES = [
    Stretch(12, -3.1, 0.9, 0.02, 0.03, 1.2, 50, ()),
    Stretch(24, -3.6, 0.7, 0.04, 0.05, 1.0, 40, ()),
    Stretch(36, -4.0, 0.2, 0.9, 0.05, 1.0, 30, ()),
]  # fmt: skip


def test_the_printed_table_row_by_row() -> None:
    """Every number of it by the formulas of the procedure; an end of a later horizon never stands below the one before."""
    halving, of_years = [0.9, 0.3, 0.0], 0.06
    got = table.chance_table(STRETCHES, 37, of_years, halving)
    assert [row["points"] for row in got] == list(range(38))
    for row in got:
        t = row["points"] / 10
        none, hazards, opens, last = 1.0, [], [], (0.0, 0.0)
        for k, s in enumerate(STRETCHES):
            h = _p(s.a + s.b * t)
            none *= 1 - h
            hazards.append(h)
            opens.append(s.variance_a + (of_years + s.variance_b / s.b**2) * s.b**2 * (t - s.centre) ** 2)
            p = 1 - none
            v = sum(x / p * math.sqrt(o) for x, o in zip(hazards, opens, strict=True)) ** 2
            between = 0.25 + halving[k] ** 2 / 2
            middle, half = math.log(p / (1 - p)) - between * (1 - p) / 2, 1.6448536269514722 * math.sqrt(v + between)
            last = (max(last[0], _p(middle - half)), max(last[1], _p(middle + half)))
            beside = 1.6448536269514722 * math.sqrt(v)
            wanted = {"": p, "_low": last[0], "_high": last[1], "_group_low": _p(math.log(p / (1 - p)) - beside), "_group_high": _p(math.log(p / (1 - p)) + beside)}
            for end, value in wanted.items():
                assert row[f"p{s.months}{end}"] == pytest.approx(value, rel=1e-9)
        assert set(row) == {"points", *(f"p{s.months}{end}" for s in STRETCHES for end in ("", "_low", "_high", "_group_low", "_group_high"))}


def test_chances_never_fall_along_stretches() -> None:
    first, second, _ = table.chances_of_points(STRETCHES, np.array([0.0, 12.0]))
    for k, t in enumerate((0.0, 1.2)):
        h1, h2 = _p(-3.1 + 0.9 * t), _p(-3.6 + 0.7 * t)
        assert (first[k], second[k]) == (pytest.approx(h1), pytest.approx(1 - (1 - h1) * (1 - h2)))


LINES: list[PointsLine] = [
    {"feature": "events_24m", "threshold": 2.0, "below": False, "points": 3},
    {"feature": "months_since_last", "threshold": 6.0, "below": True, "points": 4},
]


def _panel() -> pl.DataFrame:
    """Six people on two landmarks; the second year of the later landmark is not known."""
    rows: list[dict[str, Any]] = [
        {"landmark": DAYS[0], "person_ref": "b", "became_12m": False, "became_24m": False}, {"landmark": DAYS[0], "person_ref": "a", "became_12m": True, "became_24m": True},
        {"landmark": DAYS[0], "person_ref": "c", "became_12m": False, "became_24m": True}, {"landmark": DAYS[2], "person_ref": "a", "became_12m": False, "became_24m": None},
        {"landmark": DAYS[2], "person_ref": "c", "became_12m": True, "became_24m": None}, {"landmark": DAYS[2], "person_ref": "d", "became_12m": None, "became_24m": None},
    ]  # fmt: skip
    events, last = [0.0, 1.0, 2.0, 3.0, 2.0, 0.0], [7.0, 6.0, 5.9, 1.0, 20.0, 30.0]
    harm = [0.1, 0.9, 0.4, 0.3, 0.7, 0.2]
    features = {name: [0.0] * 6 for name in NAMES} | {"events_24m": events, "months_since_last": last, "harm_share": harm}
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(pl.Series(name, values) for name, values in features.items())


def test_a_stretch_speaks_of_those_whose_outcome_is_known_and_who_had_not_become() -> None:
    held = _panel()
    first, second = (model.stretch_rows(held, (12, 24), k) for k in (0, 1))
    assert first.select("person_ref", "y").rows() == [("b", 0.0), ("a", 1.0), ("c", 0.0), ("a", 0.0), ("c", 1.0)]
    assert second.select("person_ref", "y").rows() == [("b", 0.0), ("c", 1.0)]
    assert model.person_numbers(held).tolist() == [1, 0, 2, 0, 2, 3]
    assert model.weights_of(held).tolist() == [1.0] * 6
    assert model.weights_of(held.with_columns(weight=pl.Series([2.0, 1, 1, 1, 1, 5]))).tolist() == [2, 1, 1, 1, 1, 5]


def test_the_chances_of_a_card_are_those_of_its_sums() -> None:
    x = model.matrix(_panel())
    totals = [0, 0, 7, 7, 3, 0]
    one = model.Card("card_three", LINES, tuple(STRETCHES[:2]))
    assert one.most == 7
    kept: Any = {"lines": LINES, "stretches": [s.document() for s in STRETCHES[:2]]}
    for k, total in enumerate(totals):
        h1, h2 = _p(-3.1 + 0.9 * total / 10), _p(-3.6 + 0.7 * total / 10)
        assert one.chances(x)[k] == pytest.approx([h1, 1 - (1 - h1) * (1 - h2)])
        assert model.card_chances(kept, x)[k] == pytest.approx([h1, 1 - (1 - h1) * (1 - h2)])
    assert model.Card("card_three", LINES, ()).chances(x).shape == (6, 0)


def test_the_floors_by_hand() -> None:
    """The share with half an event either way; a line on log(harm + .01) at its least point, or the share where all or none became."""
    held = _panel().with_columns(weight=pl.Series([2.0, 1.0, 1.0, 3.0, 1.0, 1.0]))
    x = model.matrix(held)
    shares = (2.5 / 9, 1.5 / 4)  # 1 + 1 of 2 + 1 + 1 + 3 + 1; then 1 of 2 + 1
    got = model.floor_chances("base_rate", held, (12, 24), x)
    assert got == pytest.approx(np.tile([shares[0], 1 - (1 - shares[0]) * (1 - shares[1])], (6, 1)))
    plain = model.floor_chances("plain_harm", held, (12,), x)[:, 0]
    y, weight, log_harm = np.array([0, 1, 0, 0, 1.0]), np.array([2, 1, 1, 3, 1.0]), np.log(np.array([0.11, 0.91, 0.41, 0.31, 0.71]))
    off = weight * (y - plain[:5])
    # Apart by harm, all but: the ridge of a millionth alone holds the slope.
    line = baselines.fit_plain_harm(x[:5], y, weight)
    assert off.sum() == pytest.approx(0.0, abs=1e-5)
    assert (off * log_harm).sum() == pytest.approx(1e-6 * line["slope"], abs=1e-5)
    assert plain == pytest.approx([_p(line["intercept"] + line["slope"] * math.log(h + 0.01)) for h in (0.1, 0.9, 0.4, 0.3, 0.7, 0.2)])
    upside_down = baselines.fit_plain_harm(x[:5], 1 - y, weight)
    assert (upside_down["slope"], upside_down["kind"]) == (0.0, "plain_harm")
    assert baselines.fit_base_rate(x[:5], y, weight) == {"kind": "base_rate", "intercept": pytest.approx(math.log(2.5 / 6.5)), "slope": 0.0}
    # All or nobody became: no line can be had.
    for everyone in (True, False):
        alike = held.with_columns(became_12m=pl.lit(everyone))
        share = 9.5 / 10 if everyone else 0.5 / 10
        assert model.floor_chances("plain_harm", alike, (12,), x)[:, 0] == pytest.approx([share] * 6)


def test_a_line_on_harm_is_at_its_least_point() -> None:
    rng = np.random.default_rng(6)
    x = np.zeros((80, len(NAMES)))
    x[:, NAMES.index("harm_share")] = rng.random(80)
    y, weight = (rng.random(80) < x[:, NAMES.index("harm_share")] * 0.6).astype(float), rng.integers(1, 4, 80).astype(float)
    line = baselines.fit_plain_harm(x, y, weight)
    log_harm = np.log(x[:, NAMES.index("harm_share")] + 0.01)
    off = weight * (y - 1 / (1 + np.exp(-(line["intercept"] + line["slope"] * log_harm))))
    assert line["slope"] > 0.3
    assert (off.sum(), (off * log_harm).sum()) == pytest.approx((0.0, 0.0), abs=1e-5)


@pytest.mark.parametrize(
    ("became", "others", "most", "kept"),
    [(4, 16, 20, 16), (4, 17, 20, 16), (4, 40, 21, 17), (15, 40, 20, 10), (10, 40, 20, 10), (15, 7, 20, 7), (15, 9, 21, 9), (30, 11, 21, 10)],
)
def test_everyone_who_became_stays_and_the_others_are_weighed_up_to_as_many(became: int, others: int, most: int, kept: int) -> None:
    """So many others as make `most`, half of `most` at least where there are so many."""
    rng = np.random.default_rng(became)
    y = rng.permutation([1.0] * became + [0.0] * others)
    own = rng.integers(1, 5, len(y)).astype(float)
    for weight in (None, own):
        rows, got = thinning.thinned(y, most, 7, weight)
        base = np.ones(len(y)) if weight is None else weight
        assert rows.tolist() == sorted(set(rows.tolist()))
        assert set(np.flatnonzero(y == 1)) <= set(rows.tolist())
        assert int((y[rows] == 0).sum()) == kept
        assert got[y[rows] == 1].tolist() == base[y == 1].tolist()
        up = base[y == 0].sum() / base[rows[y[rows] == 0]].sum()
        assert got[y[rows] == 0] == pytest.approx(base[rows[y[rows] == 0]] * up)
        again, other = thinning.thinned(y, most, 7, weight), thinning.thinned(y, most, 8, weight)
        assert again[0].tolist() == rows.tolist()
        assert (other[0].tolist() == rows.tolist()) is (kept == others)


def test_a_thinned_panel_keeps_all_who_became_by_any_horizon_with_what_each_stands_for() -> None:
    held = _panel()
    assert thinning.thinned_panel(held, (12, 24), 3)["weight"].to_list() == [1.0] * 6
    few = thinning.thinned_panel(held, (12, 24), 3, most=4)  # three became; two others stay of three
    assert few.height == 5
    assert few.filter(pl.col("became_12m") | pl.col("became_24m"))["weight"].to_list() == [1.0] * 3
    assert few.filter(~(pl.col("became_12m") | pl.col("became_24m")).fill_null(False))["weight"].to_list() == [1.5, 1.5]
    assert thinning.MOST_ROWS == 120_000


def test_what_a_kept_model_says_of_itself() -> None:
    row = {"points": 0, "p12": 0.02, "p12_low": 0.01, "p12_high": 0.05, "p12_group_low": 0.015, "p12_group_high": 0.03}
    kept: Any = {
        "form": 2, "chosen": "card_three", "as_of": "2025-01-15", "history": {"look_back_months": 18},
        "cards": {"card_three": {"lines": LINES, "stretches": [], "table": [{**row, "points": p, "p12": 0.02 + p / 100} for p in range(8)]}},
    }  # fmt: skip
    assert model.gives_chances(kept)
    assert not model.gives_chances(None)
    assert not model.gives_chances({**kept, "form": 1})
    assert not model.gives_chances({**kept, "form": 3})
    assert not model.gives_chances({**kept, "chosen": None})
    assert (model.look_back_of(kept), model.look_back_of(None), model.look_back_of({**kept, "chosen": None})) == (18, None, None)
    assert (model.card_day(kept), model.card_day({**kept, "card_as_of": "2024-10-01"})) == ("2025-01-15", "2024-10-01")
    assert model.points_of(kept, _panel()).tolist() == [0, 0, 7, 7, 3, 0]
    got = model.printed(kept, _panel(), (12, 24))
    assert got.columns == ["points", *(f"p{m}{end}" for m in (12, 24) for end in ("", "_low", "_high", "_group_low", "_group_high"))]
    assert got["p12"].to_list() == pytest.approx([0.02, 0.02, 0.09, 0.09, 0.05, 0.02])
    assert got["p24_low"].null_count() == 6
    assert (model.CARD_MONTHS, model.LEVEL_MONTHS, model.SPARE.days) == (12, 3, 28)
    assert model.SIMPLEST_FIRST == ("base_rate", "plain_harm", "card_plain", "card_three", "card_twelve")
