"""Charts as SVG made on the server: no script, no inline style, each with its table beside it in the page.

Shapes carry classes of `harmcast.css`, so that colour and print are settled there; meaning never rests on colour.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup, escape

from harmcast.web import words


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


def _tag(name: str, text: str | None = None, **attributes: object) -> str:
    inside = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"' for key, value in attributes.items()
    )
    return f"<{name}{inside}/>" if text is None else f"<{name}{inside}>{escape(text)}</{name}>"


def _r(value: float) -> float:
    return round(value, 2)


def nice_top(most: float) -> int:
    """The smallest round number at or above `most`, for the top of an axis; at least 2."""
    most = max(2.0, most)
    size = 10 ** math.floor(math.log10(most))
    for step in (1, 2, 3, 4, 5, 6, 8, 10):
        if step * size >= most:
            return int(step * size)
    return int(10 * size)


def nice_step(least: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten at or above `least`."""
    size = 10.0 ** math.floor(math.log10(least))
    return next(round(k * size, 9) for k in (1, 2, 5, 10) if k * size >= least * 0.999)


def _ticks(top: int) -> list[int]:
    for parts in (4, 5, 3, 2):
        if top % parts == 0:
            return [top * i // parts for i in range(parts + 1)]
    return list(range(top + 1)) if top < 6 else [0, top]


def _frame(width: int, height: int, label: str, body: Sequence[str]) -> Markup:
    return Markup(  # noqa: S704
        f'<svg class="app-chart" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}" '
        f'preserveAspectRatio="xMidYMid meet" focusable="false">{"".join(body)}</svg>'
    )


def history(periods: Sequence[Period], label: str, width: int = 760, height: int = 280) -> Markup:
    """A cell's 4-week counts as bars, with the range and expected number that were published for each window.

    The last window, still open, has a range and no bar.
    """
    left, right, top, bottom = 36, 8, 14, 44
    most = nice_top(max([0.0, *(max(p.recorded or 0, p.upper or 0) for p in periods)]))
    plot_w, plot_h = width - left - right, height - top - bottom
    slot = plot_w / max(1, len(periods))

    def y(value: float) -> float:
        return _r(top + plot_h * (1 - value / most))

    body = []
    for tick in _ticks(most):
        body.append(_tag("line", x1=left, x2=width - right, y1=y(tick), y2=y(tick), class_="app-chart__grid"))
        body.append(_tag("text", f"{tick}", x=left - 6, y=y(tick) + 4, class_="app-chart__tick", text_anchor="end"))
    for i, period in enumerate(periods):
        x = left + slot * i
        middle = _r(x + slot / 2)
        if period.recorded:
            body.append(
                _tag(
                    "rect",
                    x=_r(x + slot * 0.2),
                    y=y(period.recorded),
                    width=_r(slot * 0.6),
                    height=_r(top + plot_h - y(period.recorded)),
                    class_="app-chart__bar",
                )
            )
        elif period.recorded == 0:
            body.append(
                _tag("line", x1=_r(x + slot * 0.25), x2=_r(x + slot * 0.75), y1=y(0), y2=y(0), class_="app-chart__zero")
            )
        if period.expected is not None and period.lower is not None and period.upper is not None:
            kind = "app-chart__range app-chart__range--open" if period.recorded is None else "app-chart__range"
            body.append(_tag("line", x1=middle, x2=middle, y1=y(period.lower), y2=y(period.upper), class_=kind))
            for end in (period.lower, period.upper):
                body.append(
                    _tag(
                        "line",
                        x1=_r(middle - slot * 0.16),
                        x2=_r(middle + slot * 0.16),
                        y1=y(end),
                        y2=y(end),
                        class_=kind,
                    )
                )
            body.append(_tag("circle", cx=middle, cy=y(period.expected), r=3, class_="app-chart__dot"))
        if period.first.month in (1, 4, 7, 10) and period.first.day <= 28 and _is_first_of_quarter(periods, i):
            text = f"{period.first:%b}" + (f" ’{period.first:%y}" if period.first.month == 1 else "")
            body.append(
                _tag("line", x1=_r(x), x2=_r(x), y1=top + plot_h, y2=top + plot_h + 5, class_="app-chart__axis")
            )
            body.append(_tag("text", text, x=_r(x + 2), y=top + plot_h + 18, class_="app-chart__tick"))
    body.append(_tag("line", x1=left, x2=width - right, y1=y(0), y2=y(0), class_="app-chart__axis"))
    return _frame(width, height, label, body)


def _is_first_of_quarter(periods: Sequence[Period], i: int) -> bool:
    return i == 0 or periods[i - 1].first.month != periods[i].first.month


@dataclass(frozen=True)
class Line:
    """A named line of a chart: values by place on the x axis, None where there is none; `mark` tells it without colour."""

    name: str
    values: Sequence[float | None]
    kind: str  # "ours", "plain", "ceiling"


def lines(
    labels: Sequence[str],
    series: Sequence[Line],
    label: str,
    *,
    as_share: bool = True,
    width: int = 760,
    height: int = 300,
) -> Markup:
    """Lines over releases: ours whole, plain counts dashed, the ceiling dotted; each named at its right end."""
    left, right, top, bottom = 48, 150 if width > 500 else 110, 14, 40
    seen = [v for line in series for v in line.values if v is not None]
    most = max([0.01, *seen])
    high = min(1.0, math.ceil(most * 10) / 10) if as_share else nice_top(most)
    plot_w, plot_h = width - left - right, height - top - bottom

    def x(i: int) -> float:
        return _r(left + plot_w * (i / max(1, len(labels) - 1)))

    def y(value: float) -> float:
        return _r(top + plot_h * (1 - value / high))

    body = []
    for k in range(5):
        value = high * k / 4
        text = f"{100 * value:.0f}%" if as_share else f"{value:g}"
        body.append(_tag("line", x1=left, x2=width - right, y1=y(value), y2=y(value), class_="app-chart__grid"))
        body.append(_tag("text", text, x=left - 6, y=y(value) + 4, class_="app-chart__tick", text_anchor="end"))
    step = max(1, -(-len(labels) // (6 if width > 500 else 3)))
    for i in range(0, len(labels), step):
        body.append(
            _tag("text", labels[i], x=x(i), y=height - bottom + 18, class_="app-chart__tick", text_anchor="middle")
        )
    ends: list[tuple[float, Line]] = []
    for line in series:
        points = [(x(i), y(v)) for i, v in enumerate(line.values) if v is not None]
        if not points:
            continue
        body.append(
            _tag(
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
            _tag(
                "text",
                line.name,
                x=width - right + 8,
                y=_r(taken),
                class_=f"app-chart__name app-chart__name--{line.kind}",
            )
        )
    body.append(_tag("line", x1=left, x2=width - right, y1=y(0), y2=y(0), class_="app-chart__axis"))
    return _frame(width, height, label, body)


@dataclass(frozen=True)
class Point:
    """One group of forecasts: mean expected and mean recorded, with the range of the recorded mean, and how many cells."""

    expected: float
    recorded: float
    low: float | None
    high: float | None
    n: int | None


def calibration(points: Sequence[Point], label: str, width: int = 420, height: int = 360) -> Markup:
    """Expected against recorded: on the diagonal the forecasts say what comes."""
    left, right, top, bottom = 52, 12, 12, 48
    largest = max([0.1, *(max(p.expected, p.high or p.recorded) for p in points)])
    step = nice_step(largest / 4)
    most = step * math.ceil(largest / step)
    plot_w, plot_h = width - left - right, height - top - bottom

    def x(value: float) -> float:
        return _r(left + plot_w * min(value, most) / most)

    def y(value: float) -> float:
        return _r(top + plot_h * (1 - min(value, most) / most))

    body = []
    for k in range(round(most / step) + 1):
        value = round(step * k, 6)
        body.append(_tag("line", x1=left, x2=width - right, y1=y(value), y2=y(value), class_="app-chart__grid"))
        body.append(_tag("text", f"{value:g}", x=left - 6, y=y(value) + 4, class_="app-chart__tick", text_anchor="end"))
        body.append(
            _tag(
                "text",
                f"{value:g}",
                x=x(value),
                y=height - bottom + 18,
                class_="app-chart__tick",
                text_anchor="middle",
            )
        )
    body.append(_tag("line", x1=x(0), y1=y(0), x2=x(most), y2=y(most), class_="app-chart__line app-chart__line--plain"))
    for p in points:
        if p.low is not None and p.high is not None:
            body.append(
                _tag("line", x1=x(p.expected), x2=x(p.expected), y1=y(p.low), y2=y(p.high), class_="app-chart__range")
            )
        body.append(_tag("circle", cx=x(p.expected), cy=y(p.recorded), r=4, class_="app-chart__dot"))
    body.append(
        _tag(
            "text",
            "Expected, offences a cell",
            x=left + plot_w / 2,
            y=height - 8,
            class_="app-chart__tick",
            text_anchor="middle",
        )
    )
    body.append(
        _tag(
            "text",
            "Recorded",
            x=12,
            y=top + plot_h / 2,
            class_="app-chart__tick",
            text_anchor="middle",
            transform=f"rotate(-90 12 {top + plot_h / 2})",
        )
    )
    return _frame(width, height, label, body)


def shares(
    labels: Sequence[str], values: Sequence[float], even: float, label: str, width: int = 420, height: int = 220
) -> Markup:
    """Bars of shares against the even share they should all have."""
    left, right, top, bottom = 44, 8, 12, 40
    most = max([even * 1.6, *values])
    plot_w, plot_h = width - left - right, height - top - bottom
    slot = plot_w / max(1, len(values))

    def y(value: float) -> float:
        return _r(top + plot_h * (1 - value / most))

    body = []
    for value in (0.0, even):
        body.append(
            _tag("text", words.share(value), x=left - 6, y=y(value) + 4, class_="app-chart__tick", text_anchor="end")
        )
    for i, value in enumerate(values):
        body.append(
            _tag(
                "rect",
                x=_r(left + slot * i + 2),
                y=y(value),
                width=_r(slot - 4),
                height=_r(top + plot_h - y(value)),
                class_="app-chart__bar",
            )
        )
        body.append(
            _tag(
                "text",
                labels[i],
                x=_r(left + slot * (i + 0.5)),
                y=height - bottom + 18,
                class_="app-chart__tick",
                text_anchor="middle",
            )
        )
    body.append(
        _tag("line", x1=left, x2=width - right, y1=y(even), y2=y(even), class_="app-chart__line app-chart__line--plain")
    )
    body.append(_tag("line", x1=left, x2=width - right, y1=y(0), y2=y(0), class_="app-chart__axis"))
    return _frame(width, height, label, body)
