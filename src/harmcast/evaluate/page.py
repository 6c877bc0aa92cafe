"""The report page of a places backtest: one self-contained HTML document with pictures, no scripts, nothing from outside."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from harmcast.charts.report import BEST, FLOOR, OURS, WIDE, against, bars, document, figure, lines, number, share, table
from harmcast.documents.backtest import CalibrationTenth, PlacesBacktest
from harmcast.forecast import choose
from harmcast.places.grid import Floats, Units


def backtest_page(found: PlacesBacktest, units: Units | None = None) -> str:
    """The page of one backtest.

    Args:
        found: what `backtest_places` gave. units: the places, for the map of surprise; None leaves it out.
    Returns: an HTML document.
    """
    first, last, n = found["origins"][0], found["origins"][-1], len(found["origins"])
    told = f"{n} windows of {found['horizon_weeks']} weeks, origins {first} to {last}, {found['units']} units, {found['crimes']} crimes"
    series, chosen = found["series"], found["chosen"]
    parts = [
        f"<h1>Were the forecasts of {escape(found['tool'])} right?</h1>",
        f"<p>{told}. Every forecast was made from what was known before its window. Model: <strong>{escape(chosen)}</strong>; "
        "floor: the count of the last 24 months; ceilings: an oracle that knows each unit's mean over the windows judged, and "
        "perfect foresight. Not evidence, and not grounds for a stop, a search or an arrest.</p>",
        _table(found),
        _where(found),
        figure("Crimes inside the list, by its length", f"{told}. A list longer than the best possible line allows does not exist.",
                lines([(name, colour, list(zip(series["list_lengths"], hits, strict=True))) for name, colour, hits in
                        [("best possible", BEST, series["best_by_length"]), (chosen, OURS, series["hits_by_length"][chosen]),
                         ("24-month count", FLOOR, series["hits_by_length"]["count_24m"])]], "units listed", "crimes inside")),
        figure("Does what was expected come?", f"Units in ten groups by expected number; {n * found['units']} forecasts. On the line: as expected.",
                _calibration(series["calibration"])),
        figure("Better than the 24-month count, window by window",
                "Log score a unit, ours less the count's, by origin; above zero ours was better.",
                bars(found["origins"], series["log_score_gain"])),
        figure("The force's total", "Crimes that came, and the total expected, by origin.",
                lines([("came", BEST, list(enumerate(series["total"]))), ("expected", OURS, list(enumerate(series["expected_total"])))],
                       f"window, {first} to {last}", "crimes")),
    ]  # fmt: skip
    if units is not None:
        parts.append(
            figure("Where it was surprised", "Crimes that came less expected, over all windows, in standard deviations. Blue: fewer; "
                    "ochre: more. About one unit in twenty is beyond 2 by chance alone.",
                    _map(units, np.array(series["surprise_by_unit"])))
        )  # fmt: skip
    return document(f"Backtest of {found['tool']}", parts)


def _where(found: PlacesBacktest) -> str:
    """Our gain over the 24-month count, from where and from level and spread apart."""
    one, gain = found.get("fallback"), found["models"][found["chosen"]].get("log_score_gain")
    where = one["mean_difference"] if one else None
    if not one or gain is None or where is None:
        return ""
    return (f"<p>Gain on the 24-month count: {gain:+.4f} a unit in log score, of it {where:+.4f} from where crime is placed (the same count "
            f"with our level and a spread of its own), {gain - where:+.4f} from level and spread. Evidence that the count places better: "
            f"{one['detector']:.1f}; it steps in at {choose.ALARM:.0f}.</p>")  # fmt: skip


def _table(found: PlacesBacktest) -> str:
    heads = ["Model", "Hits of top 20", "Hit rate", "PAI at 5%", "Log score", "Gain on the 24-month count [95%]",
             "PIT deviation", "Coverage of 90%", "Error of total"]  # fmt: skip
    rows: list[tuple[str, Sequence[str]]] = []
    for name, one in {**found["models"], "oracle": found["oracle"]}.items():
        gain = "" if "log_score_gain" not in one else (
            f"{one['log_score_gain']:+.4f} [{one['log_score_gain_low']:+.4f}, {one['log_score_gain_high']:+.4f}]")  # fmt: skip
        cells = [f"{one['hits_top20']} of {found['crimes']}", share(one["hit_rate_top20"]), number(one["pai_5pct"], 2),
                 number(one["log_score"], 4), gain, number(one["pit_deviation"], 3), share(one["coverage_90"]),
                 share(one["total_mape"])]  # fmt: skip
        rows.append((name, cells))
    best = found["foresight"]
    rows.append(("perfect foresight", [f"{best['hits_top20']} of {found['crimes']}", share(best["hit_rate_top20"]),
                                       number(best["pai_5pct"], 2), *[""] * 5]))  # fmt: skip
    return table("All models", heads, rows)


def _calibration(groups: Sequence[CalibrationTenth]) -> str:
    top = max([max(one["expected"], one["came"]) for one in groups] + [1.0])
    marks = []
    for one in groups:
        half = 1.96 * float(np.sqrt(max(one["came"], 1)))
        words = f"expected {one['expected']:.1f}, came {one['came']}, n {one['n']}"
        marks.append((one["expected"], one["came"], one["came"] - half, one["came"] + half, words))
    return against(marks, top, "crimes expected in the group", "crimes that came", "Crimes that came against crimes expected in ten groups of units")


def _map(units: Units, surprise: Floats) -> str:
    shapes = [units.outline(k) for k in range(len(units))]
    bounds = np.array([shape.bounds for shape in shapes])
    left, low, right, high = bounds[:, 0].min(), bounds[:, 1].min(), bounds[:, 2].max(), bounds[:, 3].max()
    scale = WIDE / max(right - left, high - low)
    drawn = []
    for key, shape, value in zip(units.keys, shapes, surprise.tolist(), strict=True):
        part = max(getattr(shape, "geoms", [shape]), key=lambda one: one.area)
        ring = " ".join(f"{(x - left) * scale:.1f},{(high - y) * scale:.1f}" for x, y in part.exterior.coords)
        strength = min(abs(value) / 3.0, 1.0)
        colour = OURS if value < 0 else FLOOR
        drawn.append(f'<polygon points="{ring}" fill="{colour}" fill-opacity="{strength:.2f}" stroke="#b1b4b6" stroke-width=".4">'
                     f"<title>{escape(key)}: {value:+.1f}</title></polygon>")  # fmt: skip
    beyond = int((np.abs(surprise) > 2).sum())
    return (f'<svg viewBox="0 0 {(right - left) * scale:.0f} {(high - low) * scale:.0f}" role="img" '
            f'aria-label="Map of surprise: {beyond} of {len(units)} units beyond 2 standard deviations">{"".join(drawn)}</svg>')  # fmt: skip
