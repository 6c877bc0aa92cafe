"""Tables of counts of people that were closed for a quarter: rounded together, whole, never counted again. Answers read these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

# name of a table -> its columns; the last ones are counts. `group` "all" under attribute "everyone" is the total.
COLUMNS: dict[str, tuple[str, ...]] = {
    "tracked": ("attribute", "group", "with_conviction", "without_conviction", "people"),
    "bands": ("horizon_months", "band", "people", "followed"),
    "considered": ("attribute", "group", "decision", "people"),
    "decisions": ("decision", "reason", "decisions"),
    "follow_ups": ("step", "times"),
    "representations": ("kind", "outcome", "received"),
    "confusion": ("model", "period", "attribute", "group", "tp", "fp", "fn", "tn"),
}


@dataclass(frozen=True)
class ClosedTable:
    """One table as it was closed.

    Attributes:
        name: a key of `COLUMNS`.
        quarter: `2026-Q3`, or `opening` for the table closed when the first load was accepted.
        as_at: the day it counts at the end of; for answers the first day from which it may be said.
        closed_on: the day it was closed: nobody knew it before.
        rows: columns of `COLUMNS`; a count is a multiple of `base`, or null where it is not printed.
        base: what counts are rounded to.
        note: what the table counts, in words (who was flagged, within what time); empty where the name says it.
    """

    name: str
    quarter: str
    as_at: date
    closed_on: date
    rows: tuple[Mapping[str, Any], ...]
    base: int = 5
    note: str = ""
