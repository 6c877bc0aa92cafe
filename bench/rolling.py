"""Rolling origins cut from one panel, for records without reporting delay; with delay, count one panel an origin from what was known then."""

from __future__ import annotations

from datetime import timedelta

from harmcast.places.counts import Counts, Panel


def rolling(panel: Panel, origins: int) -> tuple[list[Panel], Counts]:
    """Panels before each of the last `origins` windows of a panel, and what came in them."""
    windows, days = panel.windows, panel.horizon_weeks * 7
    if len(windows) <= origins:
        raise ValueError("the history is shorter than the windows to be judged")
    starts = range(len(windows) - origins, len(windows))
    panels = [panel.before(panel.origin - timedelta(days=days * (len(windows) - t))) for t in starts]
    return panels, windows[len(windows) - origins :]
