"""Tags, axes and the frame of a picture. Shapes carry classes of `harmcast.css`, so that colour and print are settled there."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup, escape


def tag(name: str, text: str | None = None, **attributes: object) -> str:
    inside = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"' for key, value in attributes.items()
    )
    return f"<{name}{inside}/>" if text is None else f"<{name}{inside}>{escape(text)}</{name}>"


def rounded(value: float) -> float:
    """A coordinate to a hundredth."""
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


def ticks(top: int) -> list[int]:
    """Whole numbers from 0 to `top` at which an axis is marked."""
    for parts in (4, 5, 3, 2):
        if top % parts == 0:
            return [top * i // parts for i in range(parts + 1)]
    return list(range(top + 1)) if top < 6 else [0, top]


def frame(width: int, height: int, label: str, body: Sequence[str]) -> Markup:
    return Markup(  # noqa: S704
        f'<svg class="app-chart" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}" '
        f'preserveAspectRatio="xMidYMid meet" focusable="false">{"".join(body)}</svg>'
    )
