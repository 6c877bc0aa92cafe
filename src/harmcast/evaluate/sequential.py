"""Tests that look every week and still keep their word: self-starting control charts with a known false-alarm rate.

Each week's figure is turned into a standard normal number, exactly so while nothing changes, by holding it against
the mean and spread of the weeks before it alone; no reference period has to be believed. Two charts watch that number:
a cumulative sum for drifts that last, and a plain limit for a jump.

Sources: Hawkins (1987), The Statistician 36, 299-315 (self-starting); Page (1954), Biometrika 41, 100-115 (CUSUM);
Siegmund (1985), Sequential Analysis, for its run length.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr

Numbers = NDArray[np.float64]
SLACK = 0.75  # of the cumulative sum: tuned to shifts of one and a half standard deviations and more
SHARE_JUMP = 0.5  # of the false-alarm allowance given to the jump chart
MOST_CARRIED = 0.4  # above this much carried from week to week, the change is charted
LEAST_PAST = 12  # weeks before a chart speaks
REMEMBERED = 0.99  # of what a week told of the season, a week later
WEIGHTS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6)  # of the newest week in a wandering level


def run_length(height: float, slack: float = SLACK) -> float:
    """Mean weeks to a false alarm of a one-sided cumulative sum of standard normal numbers.

    Source: Siegmund (1985), corrected for overshoot by 1.166.
    """
    reach = height + 1.166
    return float((np.exp(2 * slack * reach) - 2 * slack * reach - 1) / (2 * slack**2))


def height_for(error: float, weeks: int, charts: int, slack: float = SLACK) -> float:
    """Height of the cumulative sums that keeps the chance of any false alarm at most `error`.

    Args:
        weeks: how long they run; charts: how many two-sided charts run beside each other.
    """
    wanted = 2 * charts * weeks / max(error, 1e-12)
    low, high = 0.1, 60.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if run_length(middle, slack) < wanted else (low, middle)
    return high


def limit_for(error: float, weeks: int, charts: int) -> float:
    """Limit of the jump chart for the same."""
    return float(-ndtri(error / (2 * charts * weeks)))


def self_starting(
    values: Numbers, centre: float | None = None, least: int = LEAST_PAST, floor: Numbers | float = 0.0
) -> Numbers:
    """Standard normal numbers, one a week, from figures whose mean and spread are not known beforehand.

    Args:
        values: (weeks, series); NaN is a week without a figure, and is passed over.
        centre: the mean, if it is known (0 for a forecast's error); None: the running mean of the weeks before.
        floor: least spread believed in (one number or one a series): a stock that hardly moved has been lucky.
    Returns: (weeks, series); NaN until a series has `least` weeks before, and where it never varied.
    """
    weeks, series = values.shape
    n, mean, square = np.zeros(series), np.zeros(series), np.zeros(series)
    scores = np.full((weeks, series), np.nan)
    for w in range(weeks):
        x = values[w]
        there = np.isfinite(x)
        ready = there & (n >= least) & ((square > 1e-18) | (np.broadcast_to(floor, (series,)) > 0))
        if ready.any():
            if centre is None:
                spread = np.sqrt(square[ready] / (n[ready] - 1) * (n[ready] + 1) / n[ready])
                spread = np.maximum(spread, np.broadcast_to(floor, (series,))[ready])
                place, freedom = (x[ready] - mean[ready]) / spread, n[ready] - 1
            else:
                place, freedom = (x[ready] - centre) / np.sqrt(square[ready] / n[ready]), n[ready]
            tail = stdtr(freedom, -np.abs(place))
            scores[w, ready] = np.sign(place) * -ndtri(np.maximum(tail, 1e-15))
        kept = there & ~(np.abs(np.where(ready, scores[w], 0)) > 6)  # a wild week is not learned as usual
        n = n + kept
        if centre is None:
            step = np.where(kept, x - mean, 0)
            mean = mean + step / np.maximum(n, 1)
            square = square + np.where(kept, step * (x - mean), 0)
        else:
            square = square + np.where(kept, (x - centre) ** 2, 0)
    return scores


def innovations(
    values: Numbers, reference: int, year: Numbers, stock: bool = False, centre: float | None = None
) -> Numbers:
    """What is new each week: the figure less what season and the week before foretell, learned from earlier weeks alone.

    A stock, such as the scores of the same people, hardly changes from week to week, and so does a figure that
    followed the week before closely in the first `reference` weeks: for these the change since then is charted. A
    figure with a known `centre` never is: its change would show a lasting shift for one week only.

    Args:
        year: (weeks,) the share of the year gone by, 0 to 1.
    """
    if centre is not None:
        return _less_carried(values, centre)
    if stock:
        change = np.full_like(values, np.nan)
        change[1:] = values[1:] - values[:-1]
        return seasonless(change, year)
    plain = seasonless(values, year)
    early = plain[: reference + 1]
    differ = _carried(early - _mean(early)) > MOST_CARRIED
    fresh = _less_carried(plain, None)
    fresh[1:] = np.where(differ, plain[1:] - plain[:-1], fresh[1:])
    return fresh


def _less_carried(values: Numbers, centre: float | None) -> Numbers:
    """Each week less what the week before foretells of it."""
    fresh = np.full_like(values, np.nan)
    for w in range(1, len(values)):
        past = values[:w]
        around = np.full(values.shape[1], centre) if centre is not None else _mean(past)
        rho = np.clip(_carried(past - around) + 1.5 / max(w, 6), 0, MOST_CARRIED)
        before = np.where(np.isfinite(values[w - 1]), values[w - 1] - around, 0)
        fresh[w] = values[w] - rho * before
    return fresh


def seasonless(values: Numbers, year: Numbers) -> Numbers:
    """Figures less a mean and a yearly wave, both fitted to earlier weeks alone: what comes every year is no news.

    The wave is shrunk to nought by as much as one week's evidence, and a week's evidence fades by 1 - `REMEMBERED`.

    Args:
        values: (weeks, series), NaN where a week has no figure; year: (weeks,) the share of the year gone by.
    Source: recursive residuals: Brown, Durbin and Evans (1975), Journal of the Royal Statistical Society B 37, 149-192.
    """
    turn = 2 * np.pi * year
    wave = np.stack([np.ones(len(turn)), np.cos(turn), np.sin(turn)], axis=1)
    series = values.shape[1]
    seen, sums = np.zeros((series, 3, 3)), np.zeros((series, 3))
    shrink = np.diag([1e-9, 1.0, 1.0])
    left = np.full_like(values, np.nan)
    for w in range(len(values)):
        there = np.isfinite(values[w])
        figure = np.where(there, values[w], 0.0)
        if w:
            fitted = np.linalg.solve(seen + shrink, sums[..., None])[..., 0]
            left[w] = np.where(there, figure - fitted @ wave[w], np.nan)
        fade = np.where(there, REMEMBERED, 1.0)
        seen = seen * fade[:, None, None] + np.where(there[:, None, None], np.outer(wave[w], wave[w]), 0)
        sums = sums * fade[:, None] + figure[:, None] * wave[w]
    return left


def from_local_level(values: Numbers, year: Numbers) -> Numbers:
    """Figures less season and less a level that wanders slowly, as the volume of crime does; a jump still shows.

    The level is an exponentially weighted mean; its weight is, each week, the one that would have foretold best so far.
    """
    plain = seasonless(values, year)
    weights = np.array(WEIGHTS)[:, None]
    series = np.arange(values.shape[1])
    level, squares = np.zeros((len(WEIGHTS), len(series))), np.zeros((len(WEIGHTS), len(series)))
    left = np.full_like(values, np.nan)
    for w, row in enumerate(plain):
        there = np.isfinite(row)
        error = np.where(there, row - level, 0.0)
        best = squares.argmin(axis=0) if w >= LEAST_PAST else np.zeros(len(series), dtype=np.int64)
        left[w] = np.where(there, error[best, series], np.nan)
        squares, level = squares + error**2, level + weights * error
    return left


def _mean(values: Numbers) -> Numbers:
    there = np.isfinite(values)
    return np.asarray(np.where(there, values, 0).sum(axis=0) / np.maximum(there.sum(axis=0), 1))


def _carried(centred: Numbers) -> Numbers:
    """First autocorrelation of each column; missing weeks count for nothing."""
    filled = np.nan_to_num(centred)
    return np.asarray((filled[:-1] * filled[1:]).sum(axis=0) / np.maximum((filled**2).sum(axis=0), 1e-18))


def charts(
    scores: Numbers, height: float, limit: float, slack: float = SLACK
) -> tuple[Numbers, NDArray[np.bool_]]:
    """The cumulative sum of each series (the larger side), and whether either chart alarms that week.

    After an alarm the sums start again, so that the next alarm is news.
    """
    up, down = np.zeros(scores.shape[1]), np.zeros(scores.shape[1])
    sums, alarms = np.zeros_like(scores), np.zeros(scores.shape, dtype=bool)
    for w, row in enumerate(scores):
        z = np.clip(np.nan_to_num(row), -limit, limit)
        up, down = np.maximum(0, up + z - slack), np.maximum(0, down - z - slack)
        sums[w] = np.where(up >= down, up, -down)
        alarms[w] = (np.maximum(up, down) > height) | (np.abs(np.nan_to_num(row)) > limit)
        up, down = np.where(alarms[w], 0, up), np.where(alarms[w], 0, down)
    return sums, alarms


def break_in_rate(
    events: Numbers, out_of: Numbers, seed: int, draws: int = 499
) -> tuple[int | None, float, float]:
    """Where a rate changed most, over periods in order, and how seldom chance would give as large a change.

    Args:
        events, out_of: (periods,) events and people (or the expected number) of each period.
    Returns: index of the first period after the break (None with under 6 periods), the standardised change there
        (above 0: a rise), and the share of shuffled orders with one at least as large.
    Source: maximally selected statistics: Hawkins (1977), Journal of the American Statistical Association 72, 180-186.
    """
    periods = len(events)
    if periods < 6 or events.sum() <= 0:
        return None, float("nan"), 1.0
    rate = events.sum() / out_of.sum()
    off = (events - rate * out_of) / np.sqrt(np.maximum(rate * out_of, 1e-9))
    spread = max(float(np.sqrt((off**2).sum() / (periods - 1))), 1e-9)
    rng = np.random.default_rng(seed)
    orders = np.vstack([np.arange(periods), *(rng.permutation(periods) for _ in range(draws))])
    reached = np.cumsum(off[orders], axis=1)[:, 2:-2]
    k = np.arange(3, periods - 1)
    total = off.sum()
    change = -(reached - k / periods * total) / (spread * np.sqrt(k * (periods - k) / periods))
    largest = np.abs(change).max(axis=1)
    at = int(np.abs(change[0]).argmax())
    return at + 3, float(change[0][at]), float((largest >= largest[0] - 1e-12).mean())
