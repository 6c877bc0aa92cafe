"""The report page of a backtest: one self-contained HTML document with pictures, no scripts, nothing from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harmcast.places.grid import Units

Floats = NDArray[np.float64]
WIDE, HIGH, EDGE = 640, 320, 56
OURS, FLOOR, BEST = "#1d70b8", "#b58105", "#505a5f"
_STYLE = (
    "body{font:16px/1.5 Arial,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#0b0c0c}"
    "table{border-collapse:collapse;font-size:14px}th,td{padding:.3rem .6rem;border-bottom:1px solid #b1b4b6;text-align:right}"
    "th:first-child,td:first-child{text-align:left}caption{text-align:left;font-weight:bold;padding:.5rem 0}"
    "svg{max-width:100%;height:auto}figure{margin:2rem 0}figcaption{color:#505a5f;font-size:14px}"
    ".wide{overflow-x:auto}"
)


def backtest_page(found: Mapping[str, Any], units: Units | None = None) -> str:
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
        _figure("Crimes inside the list, by its length", f"{told}. A list longer than the best possible line allows does not exist.",
                _lines([(name, colour, list(zip(series["list_lengths"], hits, strict=True))) for name, colour, hits in
                        [("best possible", BEST, series["best_by_length"]), (chosen, OURS, series["hits_by_length"][chosen]),
                         ("24-month count", FLOOR, series["hits_by_length"]["count_24m"])]], "units listed", "crimes inside")),
        _figure("Does what was expected come?", f"Units in ten groups by expected number; {n * found['units']} forecasts. On the line: as expected.",
                _calibration(series["calibration"])),
        _figure("Better than the 24-month count, window by window",
                "Log score a unit, ours less the count's, by origin; above zero ours was better.",
                _bars(found["origins"], series["log_score_gain"])),
        _figure("The force's total", "Crimes that came, and the total expected, by origin.",
                _lines([("came", BEST, list(enumerate(series["total"]))), ("expected", OURS, list(enumerate(series["expected_total"])))],
                       f"window, {first} to {last}", "crimes")),
    ]  # fmt: skip
    if units is not None:
        parts.append(
            _figure("Where it was surprised", "Crimes that came less expected, over all windows, in standard deviations. Blue: fewer; "
                    "ochre: more. About one unit in twenty is beyond 2 by chance alone.",
                    _map(units, np.array(series["surprise_by_unit"])))
        )  # fmt: skip
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Backtest of {escape(found['tool'])}</title><style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )


def _table(found: Mapping[str, Any]) -> str:
    heads = ["Model", "Hits of top 20", "Hit rate", "PAI at 5%", "Log score", "Gain on the 24-month count [95%]",
             "PIT deviation", "Coverage of 90%", "Error of total"]  # fmt: skip
    rows = []
    for name, one in {**found["models"], "oracle": found["oracle"]}.items():
        gain = "" if "log_score_gain" not in one else (
            f"{one['log_score_gain']:+.4f} [{one['log_score_gain_low']:+.4f}, {one['log_score_gain_high']:+.4f}]")  # fmt: skip
        cells = [f"{one['hits_top20']} of {found['crimes']}", _share(one["hit_rate_top20"]), _number(one["pai_5pct"], 2),
                 _number(one["log_score"], 4), gain, _number(one["pit_deviation"], 3), _share(one["coverage_90"]),
                 _share(one["total_mape"])]  # fmt: skip
        rows.append(f'<tr><th scope="row">{escape(name)}</th>' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    best = found["foresight"]
    rows.append(f'<tr><th scope="row">perfect foresight</th><td>{best["hits_top20"]} of {found["crimes"]}</td>'
                f"<td>{_share(best['hit_rate_top20'])}</td><td>{_number(best['pai_5pct'], 2)}</td>" + "<td></td>" * 5 + "</tr>")  # fmt: skip
    head = "".join(f'<th scope="col">{one}</th>' for one in heads)
    return f'<div class="wide" tabindex="0"><table><caption>All models</caption><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _figure(title: str, says: str, svg: str) -> str:
    return f"<figure><h2>{escape(title)}</h2>{svg}<figcaption>{escape(says)}</figcaption></figure>"


def _frame(inside: str, across: str, up: str, x: tuple[float, float], y: tuple[float, float], says: str) -> str:
    labels = [(EDGE, HIGH - EDGE + 18, "middle", _tick(x[0])), (WIDE - 20, HIGH - EDGE + 18, "end", _tick(x[1])),
              (EDGE - 6, HIGH - EDGE, "end", _tick(y[0])), (EDGE - 6, 24, "end", _tick(y[1])),
              ((WIDE + EDGE) / 2, HIGH - 16, "middle", across), (EDGE, 14, "start", up)]  # fmt: skip
    text = "".join(f'<text x="{a:.0f}" y="{b:.0f}" text-anchor="{anchor}">{escape(said)}</text>' for a, b, anchor, said in labels)
    axes = f'<path d="M{EDGE} 20V{HIGH - EDGE}H{WIDE - 20}" fill="none" stroke="#505a5f"/>'
    return f'<svg viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{escape(says)}" font-size="12" fill="#0b0c0c">{axes}{inside}{text}</svg>'


def _at(value: float, low: float, high: float, start: float, end: float) -> float:
    return start + (value - low) / ((high - low) or 1.0) * (end - start)


def _lines(lines: Sequence[tuple[str, str, Sequence[tuple[float, float]]]], across: str, up: str) -> str:
    xs = [x for _, _, points in lines for x, _ in points] or [0.0]
    top = max([y for _, _, points in lines for _, y in points] or [1.0])
    low, high = min(xs), max(xs)
    drawn = []
    for k, (name, colour, points) in enumerate(lines):
        path = " ".join(f"{_at(x, low, high, EDGE, WIDE - 20):.1f},{_at(y, 0, top, HIGH - EDGE, 20):.1f}" for x, y in points)
        dash = ("", "6 3", "2 3")[k % 3]
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>')
        drawn.append(f'<path d="M{EDGE + 150 * k + 110} 10h24" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
                     f'<text x="{EDGE + 150 * k + 138}" y="14">{escape(name)}</text>')  # fmt: skip
    return _frame("".join(drawn), across, up, (low, high), (0, top), f"{up} by {across}: " + ", ".join(name for name, _, _ in lines))


def _calibration(groups: Sequence[Mapping[str, Any]]) -> str:
    top = max([max(one["expected"], one["came"]) for one in groups] + [1.0])
    line = f'<path d="M{EDGE} {HIGH - EDGE}L{WIDE - 20} 20" stroke="#505a5f" stroke-dasharray="4 4"/>'
    marks = []
    for one in groups:
        x, y = _at(one["expected"], 0, top, EDGE, WIDE - 20), _at(one["came"], 0, top, HIGH - EDGE, 20)
        half = 1.96 * np.sqrt(max(one["came"], 1)) / top * (HIGH - EDGE - 20)
        marks.append(f'<path d="M{x:.1f} {y - half:.1f}v{2 * half:.1f}" stroke="{OURS}"/><circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{OURS}">'
                     f"<title>expected {one['expected']:.1f}, came {one['came']}, n {one['n']}</title></circle>")  # fmt: skip
    return _frame(line + "".join(marks), "crimes expected in the group", "crimes that came", (0, top), (0, top),
                  "Crimes that came against crimes expected in ten groups of units")  # fmt: skip


def _bars(names: Sequence[str], values: Sequence[float]) -> str:
    top = max([abs(value) for value in values] + [1e-9])
    step = (WIDE - 20 - EDGE) / max(len(values), 1)
    middle = _at(0, -top, top, HIGH - EDGE, 20)
    drawn = [f'<path d="M{EDGE} {middle:.1f}H{WIDE - 20}" stroke="#505a5f"/>']
    for k, (name, value) in enumerate(zip(names, values, strict=True)):
        y = _at(value, -top, top, HIGH - EDGE, 20)
        drawn.append(f'<rect x="{EDGE + k * step + 1:.1f}" y="{min(y, middle):.1f}" width="{max(step - 2, 1):.1f}" height="{abs(y - middle):.1f}" '
                     f'fill="{OURS if value >= 0 else FLOOR}"><title>{escape(name)}: {value:+.5f}</title></rect>')  # fmt: skip
    return _frame("".join(drawn), f"origin, {names[0]} to {names[-1]}", "gain, nats a unit", (1, len(values)), (-top, top),
                  f"Gain in log score by origin; positive in {sum(value > 0 for value in values)} of {len(values)}")  # fmt: skip


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


def _tick(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.2g}"


def _share(value: float | None) -> str:
    return "no crime" if value is None else f"{100 * value:.1f}%"


def _number(value: float | None, digits: int) -> str:
    return "no crime" if value is None else f"{value:.{digits}f}"
