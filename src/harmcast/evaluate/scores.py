"""Figures that say how right a places forecast was. Counts before rates; floor and ceiling stand beside.

Every function takes plain arrays and returns a number, or an array of numbers a unit.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harmcast import tables
from harmcast.forecast.baselines import Floats, as_share, gamma_prior
from harmcast.forecast.pool import Spread
from harmcast.forecast.ranges import cdf, log_chance, lower_tail

Counts = NDArray[np.integer]
CHANCE_BINS = (0.02, 0.1, 0.3, 0.5, 0.7, 0.9)


def order_of(scores: Floats, seed: int) -> NDArray[np.int64]:
    """Units from the highest score to the lowest, ties at random by `seed`."""
    ties = np.random.default_rng(seed).random(len(scores))
    return np.asarray(np.lexsort((ties, -np.asarray(scores, dtype=float))), dtype=np.int64)


def hits(scores: Floats, counts: Counts, flagged: int, seed: int) -> int:
    """Crimes of the window inside the `flagged` units with the highest scores; 0 up to all crimes."""
    return int(np.asarray(counts)[order_of(scores, seed)[:flagged]].sum())


def best_hits(counts: Counts, flagged: int) -> int:
    """The most crimes that any `flagged` units could have held: perfect foresight."""
    return int(np.sort(np.asarray(counts))[::-1][:flagged].sum())


def flagged_units(units: int, share: float) -> int:
    """How many units make up `share` of them; at least 1."""
    return max(1, round(share * units))


def accuracy_index(hits: int, crimes: int, flagged_m2: float, area_m2: float) -> float | None:
    """Prediction accuracy index (PAI): how much denser crime was where we pointed than overall.

    1 is no better than pointing anywhere; comparable only at an equal flagged share.

    Args:
        hits: crimes of the window inside the flagged units; 0 to `crimes`.
        flagged_m2, area_m2: flagged and whole area, m2, above 0 (or residents, for an index by population).
    Returns: (hits / crimes) / (flagged_m2 / area_m2), 0 or more; None if there were no crimes.
    Raises: ValueError if `hits` exceeds `crimes` (a bug in the caller).
    Source: Chainey, Tompson and Uhlig (2008), Security Journal 21, 4-28.
    """
    if hits > crimes:
        raise ValueError("more hits than crimes")
    return (hits / crimes) / (flagged_m2 / area_m2) if crimes else None


def efficiency_index(hits: int, best: int) -> float | None:
    """Prediction efficiency index (PEI): hits over the most possible at the same number of units.

    Returns: 0 to 1; None if no units could have held any.
    Source: Hunt (2016), PhD thesis, City University of New York.
    """
    if hits > best:
        raise ValueError("more hits than the best possible")
    return hits / best if best else None


def lower_tails(counts: Counts, below: Floats) -> tuple[Floats, Floats]:
    """P(Y < count) and P(Y <= count), a unit, from its `ranges.cdf`."""
    y = np.asarray(counts)
    return lower_tail(y - 1, below), lower_tail(y, below)


def crps(counts: Counts, below: Floats) -> Floats:
    """Continuous ranked probability score a unit, in crimes, from its `ranges.cdf`; 0 is perfect, lower is better.

    Source: Gneiting and Raftery (2007), JASA 102, 359-378.
    """
    return np.asarray(((below - (np.arange(below.shape[1]) >= np.asarray(counts)[:, None])) ** 2).sum(axis=1))


def pit_cdf(below: Floats, upto: Floats, at: Floats) -> Floats:
    """Share of all randomised probability integral transforms (PIT) that would lie at or below each level, without drawing them: no
    luck of the draw is left. Uniform if the forecast distribution is right.

    Source: Czado, Gneiting and Held (2009), Biometrics 65, 1254-1261, equation 2.
    """
    width = np.maximum(upto - below, 1e-12)
    return np.array([np.clip((level - below) / width, 0.0, 1.0).mean() for level in at])


def coverage(counts: Counts, below: Floats) -> float:
    """Share of the PIT in the middle nine tenths: .88 to .92 is honest."""
    return float(np.diff(pit_cdf(*lower_tails(counts, below), np.array([0.05, 0.95])))[0])


def range_cover(counts: Counts, lower: Counts, upper: Counts) -> float:
    """Share of units whose count lies inside the printed whole-number range, ends included."""
    y = np.asarray(counts)
    return float(np.mean((y >= lower) & (y <= upper)))


def expected_range_cover(below: Floats, lower: Counts, upper: Counts) -> float:
    """Share inside the printed whole-number range that the model itself expects: above the level on sparse counts."""
    return float(np.mean(lower_tail(upper, below) - lower_tail(lower - 1, below)))


def chance_gap(said: Floats, came: Floats) -> float | None:
    """Mean distance of what was said and what came true, over bins of what was said: .02 to .1, .3, .5, .7, .9 and 1.

    Args:
        said: chances. came: 1 or 0, or a part of 1 where places were shared (`forecast.ranges.inside`).
    Returns: the distances weighed by the chances in each bin, 0 to 1; None where nothing was said of .02 or more.
    """
    some = said >= CHANCE_BINS[0]
    at = np.digitize(said[some], CHANCE_BINS)
    apart = np.abs(np.bincount(at, weights=said[some] - came[some]))
    return float(apart.sum() / some.sum()) if some.any() else None


def bootstrap_range(
    over: Floats, seed: int, under: Floats | None = None, *, block: int = 3, draws: int = 2000, level: float = 0.95
) -> tuple[float, float]:
    """Range of the mean of a series, or of sum(over) / sum(under) for pooled rates such as hits over crimes, by moving-block
    bootstrap over origins: neighbouring origins are drawn together.

    Source: Kuensch (1989), Annals of Statistics 17, 1217-1241.
    """
    n = len(over)
    under = np.ones(n) if under is None else under
    block = min(block, n)
    starts = np.random.default_rng(seed).integers(0, n - block + 1, size=(draws, -(-n // block)))
    picked = (starts[:, :, None] + np.arange(block)).reshape(draws, -1)[:, :n]
    ratios = np.asarray(over, dtype=float)[picked].sum(axis=1) / np.maximum(under[picked].sum(axis=1), 1e-12)
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def judge(
    forecast_cells: pl.DataFrame, counts: pl.DataFrame, tool: str, seed: int = 0, victims: Floats | None = None, spread: Spread | None = None
) -> pl.DataFrame:
    """What came of one released window: the long table of figures for the model and the plain counts beside it.

    Args:
        forecast_cells: tables.FORECAST of the release.
        counts: columns cell and count: crimes of the window in each cell (cells left out had none).
        tool: name of the tool. victims: the release's chances of 1, 2, ... victims an incident, and
            spread: how its units vary, both from its model document.
    Returns: tables.SCORES rows of the release's origin, ordered by figure and model. `n` is crimes for hit rates and the
        total's error, cells for the rest.
    """
    joined = forecast_cells.join(counts.select("cell", "count"), on="cell", how="left").sort("cell")
    seen = joined["count"].fill_null(0).to_numpy().astype(np.int64)
    origin, crimes, n = joined["origin"][0], int(seen.sum()), len(seen)
    flagged = flagged_units(n, 0.05)
    rows: list[dict[str, object]] = []

    def add(model: str, figure: str, value: float | None, on: int, unit: str, better: str, reason: str | None = None) -> None:
        rows.append({"tool": tool, "model": model, "figure": figure, "group": None, "origin": origin, "value": value,
                     "low": None, "high": None, "n": on, "unit": unit, "better": better, "reason": reason})  # fmt: skip

    none = "no crime in the window" if not crimes else None
    columns = {"baseline_4w": "count_4w", "baseline_last_year": "count_last_year", "baseline_52w": "count_12m",
               "baseline_24m": "count_24m"}  # fmt: skip
    model = str(joined["model"][0])
    picks = {"released": joined["expected"].to_numpy()}
    picks |= {name: joined[column].to_numpy() for column, name in columns.items() if not joined[column].null_count()}
    for name, score in picks.items():
        label = model if name == "released" else name
        if name != "released" and label == model:
            continue
        top, some = hits(score, seen, 20, seed), hits(score, seen, flagged, seed)
        best = best_hits(seen, flagged)
        add(label, "hits_top20", float(top), crimes, "count", "higher")
        add(label, "hit_rate_top20", top / crimes if crimes else None, crimes, "share", "higher", none)
        add(label, "pai_5pct", accuracy_index(some, crimes, flagged, n), crimes, "ratio", "higher", none)
        add(label, "pei_5pct", efficiency_index(some, best), crimes, "share", "higher", none)
    add("foresight", "hits_top20", float(best_hits(seen, 20)), crimes, "count", "higher")
    expected, dispersion = joined["expected"].to_numpy(), joined["dispersion"].to_numpy()
    lower, upper = joined["lower"].to_numpy(), joined["upper"].to_numpy()
    below = cdf(expected, dispersion, victims, int(max(seen.max(), upper.max())))
    if spread is not None and not joined["baseline_24m"].null_count():
        plain = expected.sum() * as_share(gamma_prior(26.0 * joined["baseline_24m"].to_numpy(), 26))
        gain = log_chance(seen, expected, dispersion, victims) - log_chance(seen, plain, spread.of(plain), victims)
        add(model, "log_score_gain", float(gain.mean()), n, "nats a cell", "higher", "less the 24-month count's with the same total and spread")
        more = hits(expected, seen, 20, seed) - hits(plain, seen, 20, seed)
        add(model, "hit_rate_gain", more / crimes if crimes else None, crimes, "share", "higher", none)
    add(model, "log_score", float(log_chance(seen, expected, dispersion, victims).mean()), n, "nats a cell", "higher")
    add(model, "crps", float(crps(seen, below).mean()), n, "offences", "lower")
    add(model, "coverage_90", coverage(seen, below), n, "share", "none")
    add(model, "inside_printed_range", range_cover(seen, lower, upper), n, "share", "none")
    add(model, "expected_inside_printed_range", expected_range_cover(below, lower, upper), n, "share", "none")
    add(model, "total", float(crimes), n, "offences", "none")
    add(model, "expected_total", float(expected.sum()), n, "offences", "none")
    add(model, "total_error", abs(float(expected.sum()) - crimes) / crimes if crimes else None, crimes, "share", "lower", none)
    return pl.DataFrame(rows, schema=tables.SCORES.schema()).sort("figure", "model")
