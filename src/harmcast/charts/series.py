"""Counts over time, and forecasts against what was recorded; each with its table beside it in the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from harmcast.charts.kit import frame, nice_step, nice_top, rounded, tag, ticks


@dataclass(frozen=True)
class Period:
    """One 4-week window of a cell's history.

    Attributes:
        recorded: offences recorded in it, as known now; None while it is not over.
        expected, lower, upper: what the release of that origin said; None where none was published.
    """

    first: date
    recorded: int | None
    expected: float | None = None
    lower: int | None = None
    upper: int | None = None


def history(periods: Sequence[Period], label: str, width: int = 760, height: int = 280) -> Markup:
    """A cell's 4-week counts as bars, with the range and expected number that were published for each window.

    The last window, still open, has a range and no bar.
    """
    left, right, top, bottom = 36, 8, 14, 44
    most = nice_top(max([0.0, *(max(p.recorded or 0, p.upper or 0) for p in periods)]))
    plot_w, plot_h = width - left - right, height - top - bottom
    slot = plot_w / max(1, len(periods))

    def y(value: float) -> float:
        return rounded(top + plot_h * (1 - value / most))

    body = []
    for tick in ticks(most):
        body.append(tag("line", x1=left, x2=width - right, y1=y(tick), y2=y(tick), class_="app-chart__grid"))
        body.append(tag("text", f"{tick}", x=left - 6, y=y(tick) + 4, class_="app-chart__tick", text_anchor="end"))
    for i, period in enumerate(periods):
        x = left + slot * i
        middle = rounded(x + slot / 2)
        if period.recorded:
            body.append(
                tag(
                    "rect",
                    x=rounded(x + slot * 0.2),
                    y=y(period.recorded),
                    width=rounded(slot * 0.6),
                    height=rounded(top + plot_h - y(period.recorded)),
                    class_="app-chart__bar",
                )
            )
        elif period.recorded == 0:
            body.append(
                tag("line", x1=rounded(x + slot * 0.25), x2=rounded(x + slot * 0.75), y1=y(0), y2=y(0), class_="app-chart__zero")
            )
        if period.expected is not None and period.lower is not None and period.upper is not None:
            kind = "app-chart__range app-chart__range--open" if period.recorded is None else "app-chart__range"
            body.append(tag("line", x1=middle, x2=middle, y1=y(period.lower), y2=y(period.upper), class_=kind))
            for end in (period.lower, period.upper):
                body.append(
                    tag(
                        "line",
                        x1=rounded(middle - slot * 0.16),
                        x2=rounded(middle + slot * 0.16),
                        y1=y(end),
                        y2=y(end),
                        class_=kind,
                    )
                )
            body.append(tag("circle", cx=middle, cy=y(period.expected), r=3, class_="app-chart__dot"))
        begins = i == 0 or periods[i - 1].first.month != period.first.month
        if begins and period.first.month in (1, 4, 7, 10) and period.first.day <= 28:
            text = f"{period.first:%b}" + (f" ’{period.first:%y}" if period.first.month == 1 else "")
            body.append(
                tag("line", x1=rounded(x), x2=rounded(x), y1=top + plot_h, y2=top + plot_h + 5, class_="app-chart__axis")
            )
            body.append(tag("text", text, x=rounded(x + 2), y=top + plot_h + 18, class_="app-chart__tick"))
    body.append(tag("line", x1=left, x2=width - right, y1=y(0), y2=y(0), class_="app-chart__axis"))
    return frame(width, height, label, body)


@dataclass(frozen=True)
class Line:
    """A named line of a chart: values by place on the x axis; `kind` tells it without colour."""

    name: str
    values: Sequence[float]
    kind: str  # "ours", "plain", "ceiling"


def lines(labels: Sequence[str], series: Sequence[Line], label: str, width: int = 760) -> Markup:
    """Lines over releases: ours whole, plain counts dashed, the ceiling dotted; each named at its right end."""
    height, left, right, top, bottom = 240, 48, 150 if width > 500 else 110, 14, 40
    high = nice_top(max((v for line in series for v in line.values), default=0.0))
    plot_w, plot_h = width - left - right, height - top - bottom

    def x(i: int) -> float:
        return rounded(left + plot_w * (i / max(1, len(labels) - 1)))

    def y(value: float) -> float:
        return rounded(top + plot_h * (1 - value / high))

    body = []
    for k in range(5):
        value = high * k / 4
        body.append(tag("line", x1=left, x2=width - right, y1=y(value), y2=y(value), class_="app-chart__grid"))
        body.append(tag("text", f"{value:g}", x=left - 6, y=y(value) + 4, class_="app-chart__tick", text_anchor="end"))
    step = max(1, -(-len(labels) // (6 if width > 500 else 3)))
    for i in range(0, len(labels), step):
        body.append(
            tag("text", labels[i], x=x(i), y=height - bottom + 18, class_="app-chart__tick", text_anchor="middle")
        )
    ends: list[tuple[float, Line]] = []
    for line in series:
        points = [(x(i), y(v)) for i, v in enumerate(line.values)]
        body.append(
            tag(
                "polyline",
                points=" ".join(f"{a},{b}" for a, b in points),
                class_=f"app-chart__line app-chart__line--{line.kind}",
            )
        )
        ends.append((points[-1][1], line))
    ends.sort(key=lambda end: end[0])
    taken = -100.0
    for at, line in ends:
        taken = max(at + 4, taken + 16)
        body.append(
            tag(
                "text",
                line.name,
                x=width - right + 8,
                y=rounded(taken),
                class_=f"app-chart__name app-chart__name--{line.kind}",
            )
        )
    body.append(tag("line", x1=left, x2=width - right, y1=y(0), y2=y(0), class_="app-chart__axis"))
    return frame(width, height, label, body)


@dataclass(frozen=True)
class Point:
    """One group of forecasts: mean expected and mean recorded, with the range of the recorded mean, and how many cells."""

    expected: float
    recorded: float
    low: float | None
    high: float | None
    n: int | None


def calibration(points: Sequence[Point], label: str) -> Markup:
    """Expected against recorded: on the diagonal the forecasts say what comes."""
    width, height, left, right, top, bottom = 420, 360, 52, 12, 12, 48
    largest = max([0.1, *(max(p.expected, p.high or p.recorded) for p in points)])
    step = nice_step(largest / 4)
    most = step * math.ceil(largest / step)
    plot_w, plot_h = width - left - right, height - top - bottom

    def x(value: float) -> float:
        return rounded(left + plot_w * min(value, most) / most)

    def y(value: float) -> float:
        return rounded(top + plot_h * (1 - min(value, most) / most))

    body = []
    for k in range(round(most / step) + 1):
        value = round(step * k, 6)
        body.append(tag("line", x1=left, x2=width - right, y1=y(value), y2=y(value), class_="app-chart__grid"))
        body.append(tag("text", f"{value:g}", x=left - 6, y=y(value) + 4, class_="app-chart__tick", text_anchor="end"))
        body.append(
            tag(
                "text",
                f"{value:g}",
                x=x(value),
                y=height - bottom + 18,
                class_="app-chart__tick",
                text_anchor="middle",
            )
        )
    body.append(tag("line", x1=x(0), y1=y(0), x2=x(most), y2=y(most), class_="app-chart__line app-chart__line--plain"))
    for p in points:
        if p.low is not None and p.high is not None:
            body.append(
                tag("line", x1=x(p.expected), x2=x(p.expected), y1=y(p.low), y2=y(p.high), class_="app-chart__range")
            )
        body.append(tag("circle", cx=x(p.expected), cy=y(p.recorded), r=4, class_="app-chart__dot"))
    body.append(
        tag(
            "text",
            "Expected, offences a place",
            x=left + plot_w / 2,
            y=height - 8,
            class_="app-chart__tick",
            text_anchor="middle",
        )
    )
    body.append(
        tag(
            "text",
            "Recorded",
            x=12,
            y=top + plot_h / 2,
            class_="app-chart__tick",
            text_anchor="middle",
            transform=f"rotate(-90 12 {top + plot_h / 2})",
        )
    )
    return frame(width, height, label, body)
