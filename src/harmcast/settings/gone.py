"""Settings that went, without effect or replaced. A file that still has one is refused by name; a state's own file loses it at its upgrade."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from harmcast.errors import Fault

_RATIOS = "shares are judged as ratios: `ratio_concern`, `ratio_stop`, `records_ratio_concern`"
GONE = {
    "fairness.gap_judged_half_width": _RATIOS,
    "fairness.gap_concern": _RATIOS,
    "fairness.gap_stop": _RATIOS,
    "fairness.selection_ratio_concern": _RATIOS,
    "fairness.records_concern": _RATIOS,
    "fairness.records_judged_half_width": _RATIOS,
    "fairness.observed_ratio_concern": "came over said is judged by fixed bars, .8 to 1.25",
    "fairness.small_number": "counts of groups are rounded; the track record and the monitor go by `[people] small_number`",
    "tools.range_level": "printed ranges are made to hold 90 in 100 of what comes; every release says so in `range_level`",
    "tools.top_cells": "the list is 20 cells long, as `chance_top20` says",
    "release.concern_needs_reason": "a concern always needs two people: `harmcast lift`",
    "release.keep_places_weeks": "place releases hold nobody's data and are kept",
    "web.views_alarm": "people are counted, not pages: `people_a_day` and `people_in_7_days`",
    "web.wms": "the map is named under `[map]`",
}
_TABLE = re.compile(r"^\s*\[\[?\s*([A-Za-z0-9_.-]+)\s*\]?\]\s*(#.*)?$")


def found(document: Mapping[str, Any]) -> list[str]:
    """Which of `GONE` a read TOML document has."""
    has = []
    for dotted in GONE:
        section, key = dotted.split(".")
        node = document.get(section, {})
        if any(isinstance(one, Mapping) and key in one for one in (node if isinstance(node, list) else [node])):
            has.append(dotted)
    return has


def faults(document: Mapping[str, Any], name: str) -> tuple[Fault, ...]:
    """A fault for each, with what holds instead."""
    return tuple(Fault("setting_gone", name, column=dotted, next_step=f"take it out: {GONE[dotted]}") for dotted in found(document))


def without(text: str) -> tuple[str, list[str]]:
    """A settings text without them, all else as it stands, and which went. One written in a way not read here stays, to be refused by name."""
    try:
        had = found(tomllib.loads(text))
    except tomllib.TOMLDecodeError:
        return text, []
    section, kept, dropped = "", [], set()
    for line in text.splitlines(keepends=True):
        table = _TABLE.match(line)
        section = table.group(1) if table else section
        dotted = f"{section}.{line.split('=', 1)[0].strip()}"
        if dotted in had and "=" in line:
            dropped.add(dotted)
        else:
            kept.append(line)
    return "".join(kept), sorted(dropped)
