"""Invented worlds whose truth is known, each with the figure it must reach (promise 43): `make bench-worlds`.

    static        chances of the top 20 come as often as said; the total within 5% of the truth
    drifting      the same, while places change their character
    bursting      hits at least those of the last 4 weeks; chances of each bin within .05
    seasonal      the total follows the season better than the plain count of the last 4 weeks
    shocked       two windows after a doubling the total is nearer the new level than the old
    six months    a young history gives a total within a quarter, and no year
    one evening   60 victims of one evening move cells far away by under 2%, and its own cell is not sure
    ten missing   a gap moves a static total by under 5%; as zeros it moves far more
    boundary      new cells join: the old ones keep their forecast within a tenth
    uniform       a map that says every cell alike is found by the fallback's detector by window 20
    displaced     a map moved by a bug is held the same week
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from bench.results import Row, saved
from bench.rolling import rolling
from bench.verdicts import at_least, at_most
from harmcast.evaluate import backtest, scores
from harmcast.forecast import choose, ranges, shipped
from harmcast.forecast.model import Procedure
from harmcast.forecast.weekly import forecast_places
from harmcast.places.counts import NEAR_M, Panel
from harmcast.places.grid import Units, squares_at
from harmcast.places.spreading import spread
from harmcast.runs.volume import displaced

ORIGIN, WEEKS, SIDE_M, SEED, ORIGINS, LEAST_IN_BIN = date(2026, 6, 1), 312, 1000.0, 43, 39, 300
Floats = NDArray[np.float64]


def units(across: int = 20) -> Units:
    columns, rows = np.meshgrid(np.arange(across) + 400, np.arange(across) + 280, indexing="ij")
    return squares_at(SIDE_M, columns.ravel(), rows.ravel())


def shares(n: int, rng: np.random.Generator) -> Floats:
    """Crime as unevenly spread as in a real force: a fifth of it in a twentieth of the cells."""
    found = rng.gamma(0.5, 1.0, n) + 0.02
    return np.asarray(found / found.sum())


def panel(place: Units, weekly: NDArray[np.int32], seed: int) -> Panel:
    """A panel of these counts, every crime of a cell at a point of its own."""
    rng = np.random.default_rng(seed)
    week, unit = np.nonzero(weekly)
    again = np.repeat(np.arange(len(week)), weekly[week, unit])
    week, unit = week[again], unit[again]
    at = (place.columns * SIDE_M)[unit] + rng.uniform(0, SIDE_M, len(unit)), (place.rows * SIDE_M)[unit] + rng.uniform(0, SIDE_M, len(unit))
    near = {width: spread(place, *at, week, np.ones(len(week), dtype=np.int64), len(weekly), width) for width in NEAR_M}
    return Panel(place, ORIGIN, 4, weekly, {}, np.ones(len(weekly)), near=near)


def rolled(one: Panel) -> tuple[dict[str, float], float]:
    """Ours over the last origins: figures, and the largest gap of a bin that chance alone moves by under .03 (300 units)."""
    panels, came = rolling(one, ORIGINS)
    models = {name: made for name, made in shipped.models(panels[0]).items() if name in (shipped.CHOSEN, "count_24m", "count_4w")}
    said: list[Floats] = []
    ours = models[shipped.CHOSEN]

    def listening(asked: Panel) -> ranges.Prediction:
        made = ours(asked)
        said.append(ranges.inside(ranges.drawn(made, SEED)).mean(axis=0))
        return made

    models[shipped.CHOSEN] = listening
    found = backtest.backtest_places(panels, came, models, tool="world", chosen=shipped.CHOSEN, level=shipped.level, in_turn=shipped.IN_TURN, seed=SEED)
    chances, true = np.concatenate(said), ranges.inside(came).ravel()
    at = np.digitize(chances, scores.CHANCE_BINS)
    gaps = [abs(chances[at == k].mean() - true[at == k].mean()) for k in range(1, len(scores.CHANCE_BINS) + 1) if (at == k).sum() >= LEAST_IN_BIN]
    return found["models"][shipped.CHOSEN] | {"last_4w": found["models"]["count_4w"]["hits_top20"]}, max(gaps)


def steady(drift: float = 0.0, season: float = 0.0, mean: float = 30.0, weeks: int = WEEKS, seed: int = SEED) -> tuple[Panel, Floats]:
    """A world whose places wander by `drift` a week (log), and the weekly mean of each week."""
    rng, place = np.random.default_rng(seed), units()
    log = np.log(shares(len(place), rng)) + np.cumsum(drift * rng.standard_normal((weeks, len(place))), axis=0)
    share = np.exp(log) / np.exp(log).sum(axis=1, keepdims=True)
    level = mean * np.exp(season * np.sin(2 * np.pi * np.arange(weeks + 4) / 52.18))
    return panel(place, rng.poisson(level[:weeks, None] * share).astype(np.int32), seed), level


def bursting() -> Panel:
    """Half of all crime comes in bursts: three a week, each in a cell at random, of about five crimes over six weeks."""
    rng, place = np.random.default_rng(SEED), units()
    share = np.full((WEEKS, len(place)), 0.0) + shares(len(place), rng) * 0.5
    for _ in range(3 * WEEKS):
        start, cell = int(rng.integers(-6, WEEKS)), int(rng.integers(0, len(place)))
        share[max(0, start) : max(0, start + 6), cell] += 0.5 / 18
    return panel(place, rng.poisson(30.0 * share).astype(np.int32), SEED)


def total(one: Panel, **more: object) -> float:
    return float(forecast_places(one, ORIGIN, 4, SEED, **more).cells["expected"].sum())  # type: ignore[arg-type]


def static() -> list[Row]:
    one, level = steady()
    figures, worst = rolled(one)
    return [
        at_most(42, "static: chance of the top 20, mean distance of said and true", figures["top20_gap"], 0.02, ".3f"),
        at_most(42, "static: the same over 52 weeks", figures["top20_year_gap"], 0.06, ".3f"),
        at_most(43, "static: largest distance in a bin of chances", worst, 0.05, ".3f"),
        at_most(43, "static: the coming total off the truth", abs(total(one) / level[WEEKS:].sum() - 1), 0.05, ".3f"),
    ]


def drifting() -> list[Row]:
    figures, worst = rolled(steady(drift=0.02)[0])
    return [
        at_most(42, "drifting: chance of the top 20, mean distance of said and true", figures["top20_gap"], 0.02, ".3f"),
        at_most(43, "drifting: largest distance in a bin of chances", worst, 0.05, ".3f"),
    ]


def in_bursts() -> list[Row]:
    figures, worst = rolled(bursting())
    return [
        at_least(43, "bursting: hits in the top 20 (those of the last 4 weeks are asked)", figures["hits_top20"], figures["last_4w"], ".0f"),
        at_most(43, "bursting: largest distance in a bin of chances", worst, 0.05, ".3f"),
    ]


def seasonal() -> list[Row]:
    one, level = steady(season=0.4)
    ends = [ORIGIN - timedelta(weeks=4 * k) for k in range(1, 14)]
    ours, last = [], []
    for k, origin in enumerate(ends, start=1):
        before = one.before(origin)
        truth = level[WEEKS - 4 * k : WEEKS - 4 * k + 4].sum()
        ours.append(abs(Procedure(origin).predict(before, SEED, 0).expected.sum() / truth - 1))
        last.append(abs(before.weekly[-4:].sum() / truth - 1))
    return [at_most(43, "seasonal: error of the total over a year (that of the last 4 weeks is asked)", float(np.mean(ours)), round(float(np.mean(last)), 3), ".3f")]


def shocked() -> list[Row]:
    rng = np.random.default_rng(SEED)
    one, _ = steady()
    weekly = one.weekly.copy()
    weekly[-8:] += rng.poisson(30.0 * shares(len(one.units), np.random.default_rng(SEED)), (8, len(one.units))).astype(np.int32)
    got = total(panel(one.units, weekly, SEED))
    return [at_least(43, "shocked: two windows after a doubling of 120, the total (180 is half way)", got, 180.0, ".0f")]


def young() -> list[Row]:
    one, level = steady(weeks=26)
    found = forecast_places(one, ORIGIN, 4, SEED)
    off = abs(float(found.cells["expected"].sum()) / level[26:].sum() - 1)
    empty = found.cells["chance_top20_year"].null_count() == len(found.cells)
    return [at_most(43, "six months: the total off the truth", off, 0.25, ".3f"),
            Row(43, "six months: chance over 52 weeks", "left empty", "left empty" if empty else "given", empty)]  # fmt: skip


def one_evening() -> list[Row]:
    one, _ = steady()
    quiet = int(one.weekly.sum(axis=0).argmin())
    before = forecast_places(one, ORIGIN, 4, SEED).cells
    busy, incidents = one.weekly.copy(), one.weekly.copy()
    busy[-2, quiet] += 60
    incidents[-2, quiet] += 1
    sizes = np.zeros((WEEKS, 15), dtype=np.int64)
    sizes[:, 0] = one.weekly.sum(axis=1)
    sizes[-2, 14] = 1
    found = forecast_places(replace(panel(one.units, incidents, SEED), weekly=busy, incidents=incidents, sizes=sizes), ORIGIN, 4, SEED).cells
    apart = np.hypot(one.units.easting_m - one.units.easting_m[quiet], one.units.northing_m - one.units.northing_m[quiet])
    order = np.argsort(np.array(one.units.keys))
    far = apart[order] > 5000
    moved = np.abs(found["expected"].to_numpy() / before["expected"].to_numpy() - 1)
    own = found.filter(found["cell"] == one.units.keys[quiet])["chance_top20"][0]
    return [
        at_most(43, "60 victims of one evening: cells over 5 km away move, median", float(np.median(moved[far])), 0.02, ".3f"),
        at_most(43, "60 victims of one evening: its own cell's chance of the top 20 (plainly counted: 1.00)", float(own), 0.5, ".2f"),
    ]


def ten_missing() -> list[Row]:
    one, _ = steady()
    gone = np.zeros(one.weekly.shape, dtype=bool)
    gone[-14:-4] = True
    weekly = np.where(gone, 0, one.weekly).astype(np.int32)
    near = {width: np.where(gone, np.float32(0), table) for width, table in one.near.items()}
    missing = replace(one, weekly=weekly, near=near, seen=~gone)
    whole, held, zeros = total(one), total(missing), total(replace(missing, seen=None))
    return [at_most(43, "ten weeks missing: a static total moves", abs(held / whole - 1), 0.05, ".3f", f"(as zeros {abs(zeros / whole - 1):.3f})")]


def boundary() -> list[Row]:
    one, _ = steady()
    old = np.flatnonzero(one.units.columns < 418)
    place = squares_at(SIDE_M, one.units.columns[old], one.units.rows[old])
    small = Panel(place, ORIGIN, 4, one.weekly[:, old], {}, np.ones(WEEKS), near={w: t[:, old] for w, t in one.near.items()})
    first = forecast_places(small.before(ORIGIN - timedelta(weeks=1)), ORIGIN - timedelta(weeks=1), 4, SEED)
    found = forecast_places(one, ORIGIN, 4, SEED, kept=first.kept).cells
    before = forecast_places(small, ORIGIN, 4, SEED).cells.select("cell", was="expected")
    both = found.join(before, on="cell")
    return [at_most(43, "boundary changed: the old cells' total moves", abs(both["expected"].sum() / both["was"].sum() - 1), 0.1, ".3f")]


def found_out() -> list[Row]:
    one, _ = steady()
    panels, came = rolling(one, ORIGINS)
    differences = []
    for at_origin, seen in zip(panels, came, strict=True):
        made = Procedure(at_origin.origin).predict(at_origin, SEED, 0)
        plain = made.plain
        assert plain is not None
        uniform = np.full(len(seen), made.expected.mean())
        differences.append((ranges.log_chance(seen, uniform, np.full(len(seen), 3.0)) - ranges.log_chance(seen, plain.expected, plain.dispersion)).mean())
    stepped = choose.decide(differences).stepped
    week = forecast_places(one, ORIGIN, 4, SEED).cells
    rng = np.random.default_rng(SEED)
    moved = week.with_columns(expected=week["expected"].gather(rng.permutation(len(week))))
    held = displaced(moved, week) is not None
    calm = displaced(week, forecast_places(one.before(ORIGIN - timedelta(weeks=1)), ORIGIN - timedelta(weeks=1), 4, SEED).cells) is None
    return [
        at_most(43, "a uniform map: window at which the plain count steps in", float(stepped[0]) if stepped else 999.0, 20.0, ".0f"),
        Row(43, "a displaced map", "held the same week", "held" if held else "let out", held),
        Row(43, "a map that is not displaced", "let out", "let out" if calm else "held", calm),
    ]


WORLDS: tuple[Callable[[], list[Row]], ...] = (static, drifting, in_bursts, seasonal, shocked, young, one_evening, ten_missing, boundary, found_out)


if __name__ == "__main__":
    sys.exit(saved("worlds", [row for world in WORLDS for row in world()]))
