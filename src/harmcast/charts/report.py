"""Pictures and frame of the report pages: SVG with a sentence for those who do not see it, no scripts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDE, HIGH, EDGE = 640, 320, 56
OURS, FLOOR, BEST = "#1d70b8", "#b58105", "#505a5f"
STYLE = (
    "body{font:16px/1.5 Arial,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#0b0c0c}"
    "table{border-collapse:collapse;font-size:14px}th,td{padding:.3rem .6rem;border-bottom:1px solid #b1b4b6;text-align:right}"
    "th:first-child,td:first-child{text-align:left}caption{text-align:left;font-weight:bold;padding:.5rem 0}"
    "svg{max-width:100%;height:auto}figure{margin:2rem 0}figcaption{color:#505a5f;font-size:14px}"
    ".wide{overflow-x:auto}"
)


def document(title: str, parts: Sequence[str]) -> str:
    """A self-contained HTML document."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )


def table(caption: str, heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    """A table whose first column names its rows; scrolls by itself where it is too wide."""
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
        for name, cells in rows
    )
    return (
        f'<div class="wide" tabindex="0"><table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def figure(title: str, says: str, svg: str) -> str:
    return f"<figure><h2>{escape(title)}</h2>{svg}<figcaption>{escape(says)}</figcaption></figure>"


def frame(inside: str, across: str, up: str, x: tuple[float, float], y: tuple[float, float], says: str) -> str:
    labels = [(EDGE, HIGH - EDGE + 18, "middle", tick(x[0])), (WIDE - 20, HIGH - EDGE + 18, "end", tick(x[1])),
              (EDGE - 6, HIGH - EDGE, "end", tick(y[0])), (EDGE - 6, 24, "end", tick(y[1])),
              ((WIDE + EDGE) / 2, HIGH - 16, "middle", across), (EDGE, 14, "start", up)]  # fmt: skip
    text = "".join(f'<text x="{a:.0f}" y="{b:.0f}" text-anchor="{anchor}">{escape(said)}</text>' for a, b, anchor, said in labels)
    axes = f'<path d="M{EDGE} 20V{HIGH - EDGE}H{WIDE - 20}" fill="none" stroke="#505a5f"/>'
    return f'<svg viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{escape(says)}" font-size="12" fill="#0b0c0c">{axes}{inside}{text}</svg>'


def at(value: float, low: float, high: float, start: float, end: float) -> float:
    return start + (value - low) / ((high - low) or 1.0) * (end - start)


def lines(lines: Sequence[tuple[str, str, Sequence[tuple[float, float]]]], across: str, up: str) -> str:
    xs = [x for _, _, points in lines for x, _ in points] or [0.0]
    top = max([y for _, _, points in lines for _, y in points] or [1.0])
    low, high = min(xs), max(xs)
    drawn = []
    for k, (name, colour, points) in enumerate(lines):
        path = " ".join(f"{at(x, low, high, EDGE, WIDE - 20):.1f},{at(y, 0, top, HIGH - EDGE, 20):.1f}" for x, y in points)
        dash = ("", "6 3", "2 3")[k % 3]
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>')
        drawn.append(f'<path d="M{EDGE + 150 * k + 110} 10h24" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
                     f'<text x="{EDGE + 150 * k + 138}" y="14">{escape(name)}</text>')  # fmt: skip
    return frame("".join(drawn), across, up, (low, high), (0, top), f"{up} by {across}: " + ", ".join(name for name, _, _ in lines))


def bars(names: Sequence[str], values: Sequence[float]) -> str:
    top = max([abs(value) for value in values] + [1e-9])
    step = (WIDE - 20 - EDGE) / max(len(values), 1)
    middle = at(0, -top, top, HIGH - EDGE, 20)
    drawn = [f'<path d="M{EDGE} {middle:.1f}H{WIDE - 20}" stroke="#505a5f"/>']
    for k, (name, value) in enumerate(zip(names, values, strict=True)):
        y = at(value, -top, top, HIGH - EDGE, 20)
        drawn.append(f'<rect x="{EDGE + k * step + 1:.1f}" y="{min(y, middle):.1f}" width="{max(step - 2, 1):.1f}" height="{abs(y - middle):.1f}" '
                     f'fill="{OURS if value >= 0 else FLOOR}"><title>{escape(name)}: {value:+.5f}</title></rect>')  # fmt: skip
    return frame("".join(drawn), f"origin, {names[0]} to {names[-1]}", "gain, nats a unit", (1, len(values)), (-top, top),
                  f"Gain in log score by origin; positive in {sum(value > 0 for value in values)} of {len(values)}")  # fmt: skip


def against(groups: Sequence[tuple[float, float, float, float, str]], top: float, across: str, up: str, says: str) -> str:
    """What came of groups against what was said of them: (said, came, low, high, says) each; on the line it came as said."""
    marks = [f'<path d="M{EDGE} {HIGH - EDGE}L{WIDE - 20} 20" stroke="#505a5f" stroke-dasharray="4 4"/>']
    for said, came, low, high, words in groups:
        x, y, down, above = at(said, 0, top, EDGE, WIDE - 20), *(at(one, 0, top, HIGH - EDGE, 20) for one in (came, low, high))
        marks.append(f'<path d="M{x:.1f} {above:.1f}V{down:.1f}" stroke="{OURS}"/><circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{OURS}">'
                     f"<title>{escape(words)}</title></circle>")  # fmt: skip
    return frame("".join(marks), across, up, (0, top), (0, top), says)


def columns(names: Sequence[str], values: Sequence[float], across: str, up: str) -> str:
    """A bar for each name, its value above it."""
    top = max([*values, 1e-9])
    step = (WIDE - 20 - EDGE) / max(len(values), 1)
    drawn = []
    for k, (name, value) in enumerate(zip(names, values, strict=True)):
        x, y = EDGE + k * step, at(value, 0, top, HIGH - EDGE, 34)
        drawn.append(f'<rect x="{x + step * 0.2:.1f}" y="{y:.1f}" width="{step * 0.6:.1f}" height="{HIGH - EDGE - y:.1f}" fill="{OURS}"/>'
                     f'<text x="{x + step / 2:.1f}" y="{y - 4:.1f}" text-anchor="middle">{value:g}</text>'
                     f'<text x="{x + step / 2:.1f}" y="{HIGH - EDGE + 18}" text-anchor="middle">{escape(name)}</text>')  # fmt: skip
    axes = f'<path d="M{EDGE} 20V{HIGH - EDGE}H{WIDE - 20}" fill="none" stroke="#505a5f"/>'
    text = f'<text x="{(WIDE + EDGE) / 2:.0f}" y="{HIGH - 16}" text-anchor="middle">{escape(across)}</text><text x="{EDGE}" y="14">{escape(up)}</text>'
    says = f"{up} by {across.lower()}: " + ", ".join(f"{name} {value:g}" for name, value in zip(names, values, strict=True))
    return f'<svg viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{escape(says)}" font-size="12" fill="#0b0c0c">{axes}{"".join(drawn)}{text}</svg>'


def tick(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.2g}"


def share(value: float | None, none: str = "no crime") -> str:
    """Percentage; `none` where there is no number."""
    return none if value is None else f"{100 * value:.1f}%"


def number(value: float | None, digits: int, none: str = "no crime") -> str:
    """Number with so many digits; `none` where there is none."""
    return none if value is None else f"{value:.{digits}f}"
