"""The two pictures of a person's page: where the harm lies among the bands, and the last 26 weeks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

from markupsafe import Markup

from harmcast.charts.kit import frame, nice_top, rounded, tag, ticks
from harmcast.tables import BANDS
from harmcast.words import hundred_span, in_hundred

LETTER, GAP, ROW = 7.5, 8, 15  # how wide a letter of a label is taken to be, the least between two labels, and from row to row


def _scale(cuts: Sequence[float], most: float) -> tuple[float, float]:
    """Ends of a logarithmic axis of harm that shows every band."""
    return min(1.0, cuts[0] / 4), max(cuts[-1] * 2.2, most * 1.15)


def band_scale(harm: float, band: str, cuts: Sequence[float], unit: str, width: int = 760) -> Markup:
    """The five bands side by side on a logarithmic scale of harm, with a mark where the person stands; names that would touch stand in three rows."""
    low, high = _scale(cuts, harm)
    height, top, bar = 86, 26, 22

    def x(value: float) -> float:
        share = (math.log(max(value, low)) - math.log(low)) / (math.log(high) - math.log(low))
        return rounded(width * min(max(share, 0.0), 1.0))

    edges = [0.0, *(x(cut) for cut in cuts), float(width)]
    half = [LETTER * len(name) / 2 for name in BANDS]
    places = [min(max((edges[i] + edges[i + 1]) / 2, half[i]), width - half[i]) for i in range(len(BANDS))]
    crowded = any(places[i] + half[i] + GAP > places[i + 1] - half[i + 1] for i in range(len(BANDS) - 1))
    body = []
    for i in range(len(BANDS)):
        body.append(
            tag(
                "rect",
                x=edges[i],
                y=top,
                width=rounded(edges[i + 1] - edges[i]),
                height=bar,
                class_=f"app-band-fill app-band-fill--{i}",
            )
        )
    for i, (name, place) in enumerate(zip(BANDS, places, strict=True)):
        body.append(tag("text", name, x=rounded(place), y=top + bar + 30 + (ROW * (i % 3) if crowded else 0), class_="app-chart__tick", text_anchor="middle"))
    for cut in cuts:
        body.append(tag("line", x1=x(cut), x2=x(cut), y1=top - 4, y2=top + bar + 4, class_="app-chart__axis"))
        body.append(tag("text", f"{cut:,.0f}", x=x(cut), y=top - 8, class_="app-chart__tick", text_anchor="middle"))
    body.append(tag("path", d=f"M{x(harm)} {top + bar - 1} l-8 14 h16 z", class_="app-band-mark"))
    body.append(tag("line", x1=x(harm), x2=x(harm), y1=top - 2, y2=top + bar, class_="app-band-line"))
    return frame(width, height + (2 * ROW if crowded else 0), f"Harm today {harm:,.1f} {unit}, in the band {band}", body)


def half_year(past: Sequence[tuple[date, float | None]], cuts: Sequence[float], unit: str, width: int = 760, height: int = 250) -> Markup:
    """Harm by week (first day and harm of each) on a logarithmic scale, with the cuts of the bands as lines and the bands' names at the right."""
    left, right, top, bottom = 52 if width > 500 else 48, 96 if width > 500 else 100, 12, 34
    seen = [harm for _, harm in past if harm is not None]
    low, high = _scale(cuts, max(seen, default=1.0))
    plot_w, plot_h = width - left - right, height - top - bottom

    def x(i: int) -> float:
        return rounded(left + plot_w * ((i + 0.5) / len(past)))

    def y(value: float) -> float:
        share = (math.log(max(value, low)) - math.log(low)) / (math.log(high) - math.log(low))
        return rounded(top + plot_h * (1 - share))

    body = []
    edges = [top + plot_h, *(y(cut) for cut in cuts), top]
    taken = 1e9
    for i, name in enumerate(BANDS):
        body.append(
            tag(
                "rect",
                x=left,
                y=edges[i + 1],
                width=plot_w,
                height=rounded(edges[i] - edges[i + 1]),
                class_=f"app-band-fill app-band-fill--{i} app-band-fill--faint",
            )
        )
        at = min((edges[i] + edges[i + 1]) / 2 + 4, taken - 14)
        taken = at
        body.append(tag("text", name, x=width - right + 8, y=rounded(at), class_="app-chart__tick"))
    for cut in cuts:
        body.append(tag("line", x1=left, x2=width - right, y1=y(cut), y2=y(cut), class_="app-chart__cut"))
    labels: list[float] = []
    for cut in cuts:
        at = y(cut) + 4 if not labels else min(y(cut) + 4, labels[-1] - 13)
        labels.append(at)
        body.append(tag("text", f"{cut:,.0f}", x=left - 6, y=rounded(at), class_="app-chart__tick", text_anchor="end"))
    points = [(x(i), y(harm)) for i, (_, harm) in enumerate(past) if harm is not None]
    body.append(
        tag("polyline", points=" ".join(f"{a},{b}" for a, b in points), class_="app-chart__line app-chart__line--ours")
    )
    for a, b in points:
        body.append(tag("circle", cx=a, cy=b, r=3.5, class_="app-chart__dot"))
    step = max(1, math.ceil(len(past) / (7 if width > 500 else 3)))
    for i in range(0, len(past), step):
        body.append(
            tag(
                "text",
                f"{past[i][0].day} {past[i][0]:%b}",
                x=x(i),
                y=height - 12,
                class_="app-chart__tick",
                text_anchor="middle",
            )
        )
    body.append(tag("line", x1=left, x2=width - right, y1=top + plot_h, y2=top + plot_h, class_="app-chart__axis"))
    return frame(
        width, height, f"Harm in {unit} over the last {len(past)} weekly releases, against the cuts of the bands", body
    )


def chance_scale(chance: float, low: float, high: float, usual: float | None, width: int = 640) -> Markup:
    """Of 100 people with such a record, how many became high harm: the chance as a dot, its range as a bar, the force's usual dashed."""
    most = nice_top(max(10.0, 110 * max(high, usual or 0.0)))
    height, left, axis = 66, 14, 42

    def x(value: float) -> float:
        return rounded(left + (width - 2 * left) * min(100 * value / most, 1.0))

    body = [tag("rect", x=x(low), y=axis - 16, width=rounded(max(x(high) - x(low), 2)), height=16, class_="app-scale__range")]
    for value in ticks(most):
        at = x(value / 100)
        body.append(tag("line", x1=at, x2=at, y1=axis, y2=axis + 4, class_="app-chart__axis"))
        body.append(tag("text", str(value), x=at, y=axis + 19, class_="app-chart__tick", text_anchor="middle"))
    body.append(tag("line", x1=left, x2=width - left, y1=axis, y2=axis, class_="app-chart__axis"))
    words_end = "end" if usual is not None and usual <= chance else "start"
    if usual is not None:
        body.append(tag("line", x1=x(usual), x2=x(usual), y1=axis - 24, y2=axis, class_="app-scale__usual"))
        body.append(tag("text", f"usual, {in_hundred(usual)}", x=max(x(usual), 60 if words_end == "end" else 0), y=12, class_="app-chart__tick", text_anchor=words_end))
    beside = "start" if words_end == "end" else "end"
    body.append(tag("text", f"people like this, {in_hundred(chance)}", x=max(x(chance) + 4, 64) if beside == "start" else max(x(chance) - 4, 130), y=12, class_="app-chart__tick app-scale__own", text_anchor=beside))
    body.append(tag("circle", cx=x(chance), cy=axis - 8, r=6, class_="app-scale__dot"))
    label = f"About {in_hundred(chance)} in 100, could be {hundred_span(low, high)}" + (f"; the force's usual is {in_hundred(usual)}" if usual is not None else "")
    return frame(width, height, label, body)


def group_scale(
    value: float, low: float, high: float, middle: float | None, limits: tuple[float, float] | None, most: float, width: int = 280
) -> Markup:
    """One group's rate of 100 as a dot with its range, on the scale of all groups; shaded: within the limits of the comparison."""
    height, left, axis = 30, 4, 24

    def x(share: float) -> float:
        return rounded(left + (width - 2 * left) * min(max(share, 0.0) / most, 1.0))

    body = []
    if middle is not None and limits is not None:
        first, last = x(limits[0]), x(limits[1])
        body.append(tag("rect", x=first, y=2, width=rounded(last - first), height=axis - 2, class_="app-scale__limit"))
        body.append(tag("line", x1=x(middle), x2=x(middle), y1=0, y2=axis, class_="app-scale__usual"))
    body.append(tag("line", x1=left, x2=width - left, y1=axis, y2=axis, class_="app-chart__axis"))
    body += [tag("line", x1=x(most * k / 5), x2=x(most * k / 5), y1=axis, y2=axis + 4, class_="app-chart__axis") for k in range(6)]
    body.append(tag("line", x1=x(low), x2=x(high), y1=12, y2=12, class_="app-scale__span"))
    body.append(tag("circle", cx=x(value), cy=12, r=6, class_="app-scale__dot"))
    return frame(width, height, f"{100 * value:.1f} in 100, could be {100 * low:.1f} to {100 * high:.1f}", body)
