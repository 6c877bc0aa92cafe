"""Rolling origins: every model forecasts windows it has not seen, and all are judged alike.

Models are handed in as functions of a panel (what was known at the origin); nothing here knows how they work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import cast

import numpy as np

from harmcast.documents.backtest import AgainstFloor, Fallback, ListFigures, PlacesBacktest, PlacesFigures, PlacesSeries
from harmcast.evaluate import scores
from harmcast.forecast import choose, ranges
from harmcast.forecast.ranges import Listed, Prediction
from harmcast.places.counts import Counts, Panel
from harmcast.places.grid import Floats, Units, Wholes

FLOOR = "count_24m"
TOP = 20
FLAGGED_SHARE = 0.05
YEAR_WINDOWS = 13
BESIDE_DRAWS = 200


Model = Callable[[Panel], Prediction]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class ModelBacktest:
    """One model's forecasts and times over all origins."""

    expected: Floats
    dispersion: Floats
    seconds: Floats
    victims: tuple[Floats | None, ...]
    lists: tuple[Listed, ...] = ()
    years: tuple[Floats | None, ...] = ()
    plain: tuple[Prediction | None, ...] = ()


def backtest_places(
    panels: Sequence[Panel],
    came: Counts,
    models: Mapping[str, Model],
    *,
    tool: str,
    chosen: str,
    level: Callable[[Panel], float],
    in_turn: Sequence[str] = (),
    seed: int = 0,
    workers: int = 1,
    progress: Progress | None = None,
) -> PlacesBacktest:
    """Every model at every origin, with floor, oracle and perfect foresight.

    Args:
        panels: what was known at each origin, oldest first. came: (origins, units) crimes of the window after each.
        models: functions of a panel; `count_24m` (the floor) must be among them.
        chosen: the model that a release would use.
        level: force total expected at an origin, for the oracle (whose shares cheat, not its level).
        in_turn: models that must see the origins in order, one at a time (they keep state).
        seed: for ties, randomised PIT and the bootstrap.
        workers: threads for the others; changes times, never figures.
        progress: called with a model's name, windows done, windows in all.
    Returns: the document of `backtest --json`, with `series` for the report page and `hits_by_origin` of every model.
    Raises: ValueError without the floor or the chosen model.
    """
    if FLOOR not in models or chosen not in models:
        raise ValueError("the 24-month count and the chosen model must be among the models")
    judged = {name: _run(name, model, panels, 1 if name in in_turn else workers, progress, seed,
                         ranges.DRAWS if name == chosen else BESIDE_DRAWS)
              for name, model in models.items()}  # fmt: skip
    units = panels[0].units
    figures = {name: _figures(one, came, units, seed) for name, one in judged.items()}
    levels = np.array([level(panel) for panel in panels])
    truth = came.mean(axis=0)
    share = 0.995 * truth / max(truth.sum(), 1e-12) + 0.005 / len(units)
    oracle = ModelBacktest(np.maximum(levels[:, None] * share, 1e-12), np.zeros(came.shape), np.zeros(len(panels)), (None,) * len(panels))
    ceiling = _figures(oracle, came, units, seed)
    floor_log = figures[FLOOR]["log_score"]
    for name, one in figures.items():
        gap = ceiling["log_score"] - floor_log
        one["gap_closed_share"] = (one["log_score"] - floor_log) / gap if gap > 0 else None
        figures[name] = cast(PlacesFigures, {**one, **_against_floor(judged[name], judged[FLOOR], came, seed)})
    crimes, last = int(came.sum()), panels[-1]
    flagged = scores.flagged_units(len(units), FLAGGED_SHARE)
    best20 = sum(scores.best_hits(row, TOP) for row in came)
    best5 = sum(scores.best_hits(row, flagged) for row in came)
    fallback, differences = _fallback(judged[chosen], judged[FLOOR], came)
    return {
        "tool": tool,
        "units": len(units),
        "origins": [panel.origin.isoformat() for panel in panels],
        "horizon_weeks": panels[0].horizon_weeks,
        "crimes": crimes,
        "chosen": chosen,
        "incidents": {"n": int(last.events.sum()), "victims_per_incident": float(last.weekly.sum() / max(1, last.events.sum()))},
        "models": figures,
        "oracle": cast(PlacesFigures, {key: value for key, value in ceiling.items() if key != "seconds_per_origin"}),
        "foresight": {
            "hits_top20": best20,
            "hit_rate_top20": best20 / crimes if crimes else None,
            "pai_5pct": (best5 / crimes) / (flagged / len(units)) if crimes else None,
            "pei_5pct": 1.0,
        },
        "fallback": fallback,
        "series": {**_series(judged, came, chosen, seed), "where_gain": differences},
        "hits_by_origin": {
            name: {"top20": _hits(one, came, TOP, seed).tolist(), "5pct": _hits(one, came, flagged, seed).tolist()}
            for name, one in judged.items()
        },
    }


def _run(
    name: str, model: Model, panels: Sequence[Panel], workers: int, progress: Progress | None, seed: int, draws: int
) -> ModelBacktest:
    done = 0

    def one(panel: Panel) -> tuple[Floats, Floats, float, Floats | None, Listed, Floats | None, Prediction | None]:
        nonlocal done
        began = time.perf_counter()
        forecast = model(panel)
        took = time.perf_counter() - began
        listed = ranges.listed(forecast, ranges.drawn(forecast, seed, draws), seed)
        year = None if forecast.year is None else ranges.inside(ranges.drawn(forecast.year, seed, draws)).mean(axis=0)
        done += 1
        if progress:
            progress(name, done, len(panels))
        return forecast.expected, forecast.dispersion, took, forecast.victims, listed, year, forecast.plain

    if workers > 1:
        with ThreadPoolExecutor(workers) as pool:
            found = list(pool.map(one, panels))
    else:
        found = [one(panel) for panel in panels]
    expected, dispersion, seconds, *rest = zip(*found, strict=True)
    return ModelBacktest(np.array(expected), np.array(dispersion), np.array(seconds), *rest)


def _fallback(one: ModelBacktest, floor: ModelBacktest, came: Counts) -> tuple[Fallback | None, list[float]]:
    """What the fallback rule says after the last window, and the differences it rests on; None for a model without a plain double."""
    doubles = [double for double in one.plain if double is not None]
    if len(doubles) < len(came):
        return None, []
    alike = [ranges.log_chance(y, double.expected, double.dispersion, double.victims).mean() for y, double in zip(came, doubles, strict=True)]
    ours, count = _logs(one, came), _logs(floor, came)
    choice = choose.decide(ours - alike)
    said = choice.document(float((ours - count).mean()))
    return {**said, "stepped_in_after": list(choice.stepped)}, (ours - alike).tolist()


def _list_figures(one: ModelBacktest, came: Counts) -> ListFigures:
    """How true the chances of the list came, in 4 weeks and in 52, and how often the range of its sum held."""
    whole = YEAR_WINDOWS - 1
    years = np.stack([came[t : t + YEAR_WINDOWS].sum(axis=0) for t in range(len(came) - whole)]) if len(came) > whole else came[:0]
    order = np.argsort(-one.expected, axis=1, kind="stable")[:, :TOP]
    listed = np.take_along_axis(came, order, axis=1).sum(axis=1)
    told = [(said, ranges.inside(y[None, :])[0]) for said, y in zip(one.years, years, strict=False) if said is not None]
    return {
        "top20_gap": scores.chance_gap(np.stack([said.chance for said in one.lists]), ranges.inside(came)),
        "top20_year_gap": scores.chance_gap(*np.stack(told, axis=1)) if told else None,
        "list_coverage": float(np.mean([said.low <= y <= said.high for said, y in zip(one.lists, listed, strict=True)])),
        "list_expected": float(np.mean([said.expected for said in one.lists])),
        "list_among_best": float(np.mean([said.among_best for said in one.lists])),
        "list_came_among_best": float(np.take_along_axis(ranges.inside(came), order, axis=1).sum(axis=1).mean()),
    }


def _hits(one: ModelBacktest, came: Counts, flagged: int, seed: int) -> Wholes:
    return np.array([scores.hits(mu, y, flagged, seed + t) for t, (mu, y) in enumerate(zip(one.expected, came, strict=True))])


def _logs(one: ModelBacktest, came: Counts) -> Floats:
    return np.array([ranges.log_chance(y, *law).mean() for y, law in zip(came, _laws(one), strict=True)])


def _laws(one: ModelBacktest) -> list[tuple[Floats, Floats, Floats | None]]:
    """Mean, dispersion and victims an incident of each origin."""
    return list(zip(one.expected, one.dispersion, one.victims, strict=True))


def _figures(one: ModelBacktest, came: Counts, units: Units, seed: int) -> PlacesFigures:
    """The figures of one model, pooled over origins; the index by residents is null where they are not known."""
    n, crimes = came.shape[1], int(came.sum())
    flagged = scores.flagged_units(n, FLAGGED_SHARE)
    top, some = _hits(one, came, TOP, seed), _hits(one, came, flagged, seed)
    best20 = np.array([scores.best_hits(y, TOP) for y in came])
    best5 = np.array([scores.best_hits(y, flagged) for y in came])
    laws = [ranges.cdf(*law, int(came.max())) for law in _laws(one)]
    below, upto = np.concatenate([scores.lower_tails(y, law) for y, law in zip(came, laws, strict=True)], axis=1)
    pit = np.diff(scores.pit_cdf(below, upto, np.linspace(0.0, 1.0, 11)))
    printed = [(ranges.quantile(0.05, law), ranges.quantile(0.95, law)) for law in laws]
    covered = [scores.expected_range_cover(law, *pair) for law, pair in zip(laws, printed, strict=True)]
    totals = came.sum(axis=1).astype(float)
    apart = np.abs(one.expected.sum(axis=1) - totals)[totals > 0] / totals[totals > 0]
    land = _flagged_share(one, units.land_m2, flagged, seed)
    people = None if units.residents is None else _flagged_share(one, units.residents, flagged, seed)
    found: PlacesFigures = {
        "hits_top20": int(top.sum()),
        "hit_rate_top20": top.sum() / crimes if crimes else None,
        "regret_top20": int((best20 - top).sum()),
        "pai_5pct": (some.sum() / crimes) / (flagged / n) if crimes else None,
        "pai_5pct_by_land": (some.sum() / crimes) / land if crimes else None,
        "pai_5pct_by_residents": (some.sum() / crimes) / people if crimes and people else None,
        "pei_5pct": some.sum() / best5.sum() if best5.sum() else None,
        "log_score": float(_logs(one, came).mean()),
        "crps": float(np.mean([scores.crps(y, law) for y, law in zip(came, laws, strict=True)])),
        "pit_deviation": float(np.abs(10 * pit - 1).max()),
        "coverage_90": float(np.diff(scores.pit_cdf(below, upto, np.array([0.05, 0.95])))[0]),
        "inside_printed_range": float(np.mean([scores.range_cover(y, *pair) for y, pair in zip(came, printed, strict=True)])),
        "expected_inside_printed_range": float(np.mean(covered)),
        "total_mape": float(apart.mean()) if len(apart) else None,
        "pit_histogram": (pit * came.size).round().tolist(),
        "seconds_per_origin": float(one.seconds.mean()),
    }
    return cast(PlacesFigures, {**found, **_list_figures(one, came)}) if one.lists else found


def _flagged_share(one: ModelBacktest, sizes: Floats, flagged: int, seed: int) -> float:
    """Mean share of all land (or all residents) that the flagged units have."""
    shares = [sizes[scores.order_of(mu, seed + t)[:flagged]].sum() for t, mu in enumerate(one.expected)]
    return float(np.mean(shares) / sizes.sum())


def _against_floor(one: ModelBacktest, floor: ModelBacktest, came: Counts, seed: int) -> AgainstFloor:
    """Differences to the 24-month count, with 95% ranges by block bootstrap over origins."""
    logs = _logs(one, came) - _logs(floor, came)
    more = (_hits(one, came, TOP, seed) - _hits(floor, came, TOP, seed)).astype(float)
    log_low, log_high = scores.bootstrap_range(logs, seed)
    hit_low, hit_high = scores.bootstrap_range(more, seed, came.sum(axis=1).astype(float))
    return {"log_score_gain": float(logs.mean()), "log_score_gain_low": log_low, "log_score_gain_high": log_high,
            "hit_rate_gain": more.sum() / max(came.sum(), 1), "hit_rate_gain_low": hit_low,
            "hit_rate_gain_high": hit_high}  # fmt: skip


def _series(judged: Mapping[str, ModelBacktest], came: Counts, chosen: str, seed: int) -> PlacesSeries:
    """What the report page draws: skill and totals by origin, hits by list length, calibration, surprise by unit."""
    ours, floor = judged[chosen], judged[FLOOR]
    lengths = [k for k in (5, 10, 20, 30, 50, 75, 100, 150, 200) if k < came.shape[1]]
    mean, seen = ours.expected.ravel(), came.ravel()
    tenth = np.array_split(np.argsort(mean, kind="stable"), 10)
    return {
        "log_score_gain": (_logs(ours, came) - _logs(floor, came)).tolist(),
        "total": came.sum(axis=1).tolist(),
        "expected_total": ours.expected.sum(axis=1).tolist(),
        "list_lengths": lengths,
        "hits_by_length": {name: [int(_hits(one, came, k, seed).sum()) for k in lengths]
                           for name, one in {chosen: ours, FLOOR: floor}.items()},
        "best_by_length": [int(sum(scores.best_hits(y, k) for y in came)) for k in lengths],
        "calibration": [{"expected": float(mean[part].sum()), "came": int(seen[part].sum()), "n": len(part)}
                        for part in tenth],
        "surprise_by_unit": ((came - ours.expected).sum(axis=0)
                             / np.sqrt((ours.expected + ours.dispersion * ours.expected**2).sum(axis=0))).tolist(),
    }  # fmt: skip
