"""The points card on small fixed rows: its questions, which lines stay, how slopes become whole points; judged by slow second ways."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from harmcast.documents.person_model import PointsLine
from harmcast.people.features import NAMES
from harmcast.transitions import card
from harmcast.transitions.regression import Array

AT = {name: k for k, name in enumerate(NAMES)}


def test_what_each_card_may_ask_and_at_which_values() -> None:
    """Written out from the card's own page; a threshold that moved is another card."""
    assert card.QUESTIONS == {
        "harm_share": (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8), "quick_harm_share": (0.01, 0.05, 0.1, 0.25, 0.5), "heaviest_share": (0.1, 0.25, 0.5, 0.75),
        "last_weight_share": (0.05, 0.1, 0.25, 0.5), "events_all": (2, 3, 4, 5, 7, 10, 15, 20), "events_6m": (1, 2, 3, 4), "events_12m": (1, 2, 3, 4, 6),
        "events_24m": (1, 2, 3, 5, 8), "serious_events": (1, 2, 3), "months_since_last": (1, 3, 6, 12, 18, 24, 36, 48, 72),
        "mean_gap_months": (2, 4, 6, 9, 12, 18, 24, 36, 48), "last_gap_months": (1, 3, 6, 12, 24), "kinds": (2, 3, 4, 5), "violent_events": (1, 2, 3, 5),
        "violent_24m": (1, 2, 3), "weapon_events": (1, 2),
    }  # fmt: skip
    assert dict(card.CARDS) == {"card_plain": ("harm_share",), "card_three": ("harm_share", "events_24m", "months_since_last"), "card_twelve": tuple(card.QUESTIONS)}
    assert (card.MOST_ITEMS, card.MOST_LINES, card.MOST_POINTS, card.MOST_ROWS, card.RIDGE, card.LEAST_SLOPE) == (12, 30, 9, 20_000, 60.0, 0.02)
    below = {NAMES[k] for k, _, under in card.questions() if under}
    assert below == {"months_since_last", "mean_gap_months", "last_gap_months"}
    assert [(NAMES[k], t) for k, t, _ in card.questions(("kinds", "events_6m"))] == [("events_6m", 1), ("events_6m", 2), ("events_6m", 3), ("events_6m", 4), ("kinds", 2), ("kinds", 3), ("kinds", 4), ("kinds", 5)]


def test_at_the_threshold_is_yes_and_where_below_is_asked_no() -> None:
    x = np.zeros((3, len(NAMES)))
    x[:, AT["events_24m"]] = [1.0, 2.0, 3.0]
    x[:, AT["months_since_last"]] = [5.99, 6.0, 6.01]
    lines: list[PointsLine] = [
        {"feature": "events_24m", "threshold": 2.0, "below": False, "points": 3},
        {"feature": "months_since_last", "threshold": 6.0, "below": True, "points": 4},
    ]
    assert card.line_points(lines, x).tolist() == [[0, 4], [3, 0], [3, 0]]
    assert card.points(lines, x).tolist() == [4, 3, 3]
    assert card.line_points([], x).shape == (3, 0)
    assert card.points([], x).tolist() == [0, 0, 0]


@pytest.mark.parametrize(("items", "drop"), [(13, 1), (14, 1), (15, 1), (16, 2), (17, 2), (18, 3)])
def test_half_the_items_too_many_go_those_that_spread_least_with_all_their_lines(items: int, drop: int) -> None:
    """Two lines an item that only together say how far it spreads: one may undo the other."""
    rng = np.random.default_rng(items)
    of = np.repeat(np.arange(items) * 3, 2)
    given = (rng.random((50, 2 * items)) < 0.5) * rng.random(2 * items)
    given[:, 4] = 1.0 - given[:, 5]  # item 6: wide lines, no spread together
    spread = {int(k): float(np.std([sum(row[j] for j in range(2 * items) if of[j] == k) for row in given])) for k in set(of)}
    gone = sorted(spread, key=lambda k: spread[k])[:drop]
    assert 6 in gone
    assert card._fewer(given, of) == [j for j in range(2 * items) if of[j] not in gone]


@pytest.mark.parametrize(("lines", "drop"), [(29, 0), (30, 0), (31, 1), (32, 1), (33, 1), (34, 2), (37, 3)])
def test_half_the_lines_too_many_go_where_items_are_few_enough(lines: int, drop: int) -> None:
    rng = np.random.default_rng(lines)
    given = (rng.random((50, lines)) < 0.5) * rng.permutation(lines) / 10.0
    of: NDArray[np.int64] = np.arange(lines) % 12
    least = sorted(range(lines), key=lambda j: float(np.std(given[:, j])))[:drop]
    assert card._fewer(given, of) == [j for j in range(lines) if j not in least]


def _loss(points: Array, yes: Array, y: Array, weight: Array, period: NDArray[np.int64]) -> float:
    """The least negative log likelihood over a slope of at least 0 and a level a period, row by row, by a general search."""
    t, periods = (yes @ points) / 10.0, int(period.max()) + 1

    def at(theta: Array) -> float:
        eta = theta[period] + theta[-1] * t
        return float((weight * (np.logaddexp(0.0, eta) - y * eta)).sum())

    def slopes(theta: Array) -> Array:
        off = weight * (1 / (1 + np.exp(-(theta[period] + theta[-1] * t))) - y)
        return np.append(np.bincount(period, off, periods), (off * t).sum())

    found = minimize(at, np.zeros(periods + 1), jac=slopes, method="L-BFGS-B", bounds=[(None, None)] * periods + [(0.0, None)], options={"ftol": 1e-15, "gtol": 1e-9})
    return float(found.fun)


def _rows(seed: int, lines: int, rows: int = 400) -> tuple[Array, Array, Array, NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    yes = (rng.random((rows, lines)) < rng.uniform(0.15, 0.6, lines)).astype(float)
    period = rng.integers(0, 3, rows)
    eta = np.array([-2.0, -1.5, -2.6])[period] + yes @ np.linspace(0.2, 1.6, lines)
    return yes, (rng.random(rows) < 1 / (1 + np.exp(-eta))).astype(float), rng.integers(1, 4, rows).astype(float), period


@pytest.mark.parametrize("points", [[1.0, 3.0, 5.0], [9.0, 0.0, 1.0], [0.0, 0.0, 2.0]])
def test_the_loss_of_points_equals_a_search_row_by_row(points: list[float]) -> None:
    yes, y, weight, period = _rows(1, 3)
    assert card._deviance(np.array(points), yes, y, weight, period) == pytest.approx(_loss(np.array(points), yes, y, weight, period), rel=1e-7)
    # A line whose yes means less: the slope may not fall below 0, so the points are worth nothing.
    flat = card._deviance(np.array(points), 1 - yes, 1 - y * 0.5, weight, period)
    assert flat == pytest.approx(_loss(np.array(points), 1 - yes, 1 - y * 0.5, weight, period), rel=1e-7)
    # A period that nobody is in changes nothing; one period alone has one level.
    assert card._deviance(np.array(points), yes, y, weight, period * 2) == pytest.approx(card._deviance(np.array(points), yes, y, weight, period), rel=1e-7)
    one = np.zeros(len(y), dtype=np.int64)
    assert card._deviance(np.array(points), yes, y, weight, one) == pytest.approx(_loss(np.array(points), yes, y, weight, one), rel=1e-7)


def _moved(slopes: list[float], loss: dict[tuple[float, ...], float] | None = None, of: object = None) -> list[float]:
    """Rounding again, plainly: the best scale from 3 to 9, then two rounds of one up and one down; half a unit of loss must be gained."""
    known: dict[tuple[float, ...], float] = {} if loss is None else loss

    def at(points: list[float]) -> float:
        key = tuple(points)
        if key not in known:
            known[key] = of(np.array(points))  # type: ignore[operator]
        return known[key]

    best, least = [float(np.round(s)) for s in slopes], math.inf
    for most in (3, 4, 5, 6, 7, 8, 9):
        tried = [float(np.round(s * (most / max(slopes)))) for s in slopes]
        if at(tried) < least - 0.5:
            best, least = tried, at(tried)
    for _ in (1, 2):
        before = list(best)
        for j in range(len(best)):
            for step in (-1, 1):
                tried = [*best[:j], min(max(best[j] + step, 0.0), 9.0), *best[j + 1 :]]
                if at(tried) < least - 0.5:
                    best, least = tried, at(tried)
        if best == before:
            break
    return best


def _rounded_with(monkeypatch: pytest.MonkeyPatch, slopes: list[float], loss: object) -> list[float]:
    nothing = np.zeros((1, len(slopes)))
    monkeypatch.setattr(card, "_deviance", lambda points, *rest: loss(points))  # type: ignore[operator]
    return card._rounded(np.array(slopes), nothing, nothing[:, 0], nothing[:, 0], nothing[:, 0].astype(np.int64)).tolist()


@pytest.mark.parametrize(
    ("wanted", "steps"),
    [
        ([3.0, 1.0], 0),  # the least scale
        ([9.0, 3.0], 0),  # the greatest
        ([6.0, 2.0], 0),
        ([7.0, 4.0], 2),  # (7, 2) at its scale, then two up in two rounds
        ([9.0, 6.0], 3),  # three away: two rounds go only two
        ([9.0, 1.0], 2),
        ([2.0, 0.0], 1),  # below the least scale, by a step down
    ],
)
def test_points_are_the_best_scale_then_one_up_or_down_in_two_rounds(monkeypatch: pytest.MonkeyPatch, wanted: list[float], steps: int) -> None:
    """Slopes 3 to 1 and a loss that is the distance from what is wanted: written out where the search must end."""

    def loss(points: Array) -> float:
        return 10.0 * float(np.abs(points - wanted).sum())

    got = _rounded_with(monkeypatch, [0.9, 0.3], loss)
    assert got == _moved([0.9, 0.3], of=loss)
    off = abs(got[0] - wanted[0]) + abs(got[1] - wanted[1])
    assert off == (1 if steps == 3 else 0)


def test_a_point_moves_only_for_more_than_half_a_unit_of_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _rounded_with(monkeypatch, [0.9, 0.3], lambda p: -0.1 * p[0]) == [9.0, 3.0]  # from 3 to 8 gains .5, to 9 .6
    assert _rounded_with(monkeypatch, [0.9, 0.3], lambda p: -0.0625 * p[0]) == [3.0, 1.0]  # to 9 gains .375
    assert _rounded_with(monkeypatch, [1.0], lambda p: -0.5 * (p[0] > 3)) == [3.0]  # exactly half is not more
    assert _rounded_with(monkeypatch, [1.0], lambda p: -0.51 * (p[0] > 3)) == [4.0]
    assert _rounded_with(monkeypatch, [1.0], lambda p: -0.5 * (p[0] == 2)) == [3.0]
    assert _rounded_with(monkeypatch, [1.0], lambda p: -0.51 * (p[0] == 2)) == [2.0]
    assert _rounded_with(monkeypatch, [1.0], lambda p: -float(p[0])) == [9.0]  # nine is the most
    assert _rounded_with(monkeypatch, [1.0, 0.05], lambda p: float(p[0]) + 5.0 * p[1]) == [1.0, 0.0]  # nought the least: 3, 2, 1


@pytest.mark.parametrize("seed", [1, 2])
def test_the_points_of_real_rows_are_those_of_the_plain_search(seed: int) -> None:
    yes, y, weight, period = _rows(seed, 4)
    slopes = [0.15, 0.9, 0.5, 1.3]
    got = card._rounded(np.array(slopes), yes, y, weight, period).tolist()
    assert got == _moved(slopes, of=lambda points: _loss(points, yes, y, weight, period))


def _fit_by_search(design: Array, y: Array, weight: Array, ridge: float, lines: int) -> Array:
    """Slopes at least 0 for the lines, the rest free, a ridge on all but the intercept, by a general search."""
    x = np.column_stack([np.ones(len(y)), design])

    def at(theta: Array) -> float:
        eta = x @ theta
        return float((weight * (np.logaddexp(0.0, eta) - y * eta)).sum() + 0.5 * ridge * (theta[1:] ** 2).sum())

    def slopes(theta: Array) -> Array:
        return np.asarray(x.T @ (weight * (1 / (1 + np.exp(-(x @ theta))) - y)) + ridge * np.append(0.0, theta[1:]))

    bounds = [(None, None)] + [(0.0, None)] * lines + [(None, None)] * (x.shape[1] - 1 - lines)
    return np.asarray(minimize(at, np.zeros(x.shape[1]), jac=slopes, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 5000}).x[1 : 1 + lines])


def test_lines_that_give_too_little_and_lines_nearly_all_answer_alike_go(monkeypatch: pytest.MonkeyPatch) -> None:
    yes, y, weight, period = _rows(4, 6, 500)
    yes[:, 1] = 1 - y * yes[:, 1]  # a yes that means less: no line
    yes[:, 2], yes[:, 3] = 0.0, 1.0
    yes[0, 2], yes[0, 3] = 1.0, 0.0  # 1 of 500 is .002, and 499 is .998: both out
    yes[:2, 4] = 1.0  # some more are in
    clock = np.column_stack([(period == k).astype(float) for k in (1, 2)])
    lines, slopes = card._chosen_lines(yes, y, weight, clock, np.arange(6))
    assert lines == [0, 4, 5]
    again = _fit_by_search(np.column_stack([yes[:, lines], clock]), y, weight, 60.0, len(lines))
    assert slopes == pytest.approx(again, abs=1e-4)
    assert (slopes > 0.02).all()
    # No line at all where every yes means less.
    none, nothing = card._chosen_lines(np.column_stack([1 - y, 1 - y * (period > 0)]), y, weight, clock, np.arange(2))
    assert (none, len(nothing)) == ([], 0)
    # The limit itself is not above it: a slope must be more than LEAST_SLOPE.
    one, no_clock = yes[:, lines[-1:]], np.zeros((len(y), 1))
    alone = float(card._chosen_lines(one, y, weight, no_clock, np.arange(1))[1][0])
    for least, stays in ((alone, []), (alone - 1e-9, [0])):
        monkeypatch.setattr(card, "LEAST_SLOPE", least)
        assert card._chosen_lines(one, y, weight, no_clock, np.arange(1))[0] == stays


@pytest.mark.parametrize(("yeses", "kept"), [(1, False), (2, True), (498, True), (499, False)])
def test_a_line_is_asked_only_where_more_than_two_in_a_thousand_answer_each_way(yeses: int, kept: bool) -> None:
    """Of 500: one is .002 exactly, and is not more."""
    y = np.zeros(500)
    yes = (np.arange(500) < yeses).astype(float)[:, None]
    y[:200] = 1.0
    weight = np.full(500, 1000.0)
    assert bool(card._chosen_lines(yes, y, weight, np.zeros((500, 1)), np.arange(1))[0]) is kept


def test_the_whole_card_of_a_small_force_equals_a_fit_by_search_and_the_plain_rounding() -> None:
    """Three landmarks, three facts: the lines, and the points they give, by a second way from rows to card."""
    rng = np.random.default_rng(8)
    rows = 900
    x = np.zeros((rows, len(NAMES)))
    x[:, AT["harm_share"]] = rng.random(rows) ** 2
    x[:, AT["events_24m"]] = rng.integers(0, 7, rows)
    x[:, AT["months_since_last"]] = rng.random(rows) * 40
    period, weight = rng.integers(0, 3, rows), rng.integers(1, 3, rows).astype(float)
    eta = -3 + 3 * x[:, AT["harm_share"]] + 0.3 * x[:, AT["events_24m"]] - 0.05 * x[:, AT["months_since_last"]] + np.array([0.0, 0.5, -0.4])[period]
    y = (rng.random(rows) < 1 / (1 + np.exp(-eta))).astype(float)
    got = card.fit_card(x, y, period, weight, card.CARDS["card_three"])

    asked = [(name, t) for name in NAMES if name in card.CARDS["card_three"] for t in card.QUESTIONS[name]]
    columns = {(name, t): (x[:, AT[name]] < t if name == "months_since_last" else x[:, AT[name]] >= t).astype(float) for name, t in asked}
    lines = [one for one in asked if 0.002 < columns[one].mean() < 0.998]
    clock = [(period == k).astype(float) for k in (1, 2)]
    while True:
        slopes = _fit_by_search(np.column_stack([*(columns[one] for one in lines), *clock]), y, weight, 60.0, len(lines))
        kept = [one for one, slope in zip(lines, slopes, strict=True) if slope > 0.02]
        if kept == lines:
            break
        lines = kept
    yes = np.column_stack([columns[one] for one in lines])
    points = _moved(list(slopes), of=lambda tried: _loss(tried, yes, y, weight, period))
    wanted = [{"feature": name, "threshold": float(t), "below": name == "months_since_last", "points": int(p)} for (name, t), p in zip(lines, points, strict=True) if p > 0]
    assert len(wanted) > 6
    assert got == wanted
    # Nobody differs: no card.
    assert card.fit_card(np.zeros((30, len(NAMES))), np.tile([1.0, 0.0, 0.0], 10), np.zeros(30, dtype=np.int64), np.ones(30), ("events_24m",)) == []


@pytest.mark.parametrize("high", [0, 1, 2])
def test_what_only_tells_one_period_from_the_others_earns_no_points(high: int) -> None:
    """Each period has its own level, the first and the last too: more events go with a period, and within none with the outcome."""
    period = np.repeat(np.arange(3), 2000)
    rng = np.random.default_rng(3)
    x = np.zeros((6000, len(NAMES)))
    x[:, AT["events_24m"]] = np.where(rng.random(6000) < np.where(period == high, 0.9, 0.1), 3.0, 1.0)
    x[:, AT["kinds"]] = rng.integers(1, 4, 6000)
    y = (rng.random(6000) < np.where(period == high, 0.4, 0.05) + 0.1 * (x[:, AT["kinds"]] >= 2)).astype(float)
    lines = card.fit_card(x, y, period, np.ones(6000), ("events_24m", "kinds"))
    assert {line["feature"] for line in lines} == {"kinds"}
