"""What should make a reader doubt the counts: areas gone silent, crimes repeated under several references, snapped points."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from harmcast.places.counts import Filter, Panel, _relation, _text, matching

SILENT_CHANCE = 1e-4
YEAR_WEEKS = 52


def silent_areas(panel: Panel, weeks: int = 4) -> list[str]:
    """Policing areas without a single crime of the tool in the last `weeks`, where the year before makes that very unlikely.

    Unlikely: a chance under 1 in 10,000 if crime went on as in the 52 weeks before, counted as Poisson.
    """
    areas = np.array([area or "" for area in panel.units.areas])
    before = panel.weekly[-(YEAR_WEEKS + weeks) : -weeks]
    if not len(before):
        return []
    found = []
    for name in sorted(set(areas.tolist()) - {""}):
        own = areas == name
        usual = before[:, own].sum() / len(before) * weeks
        if panel.weekly[-weeks:, own].sum() == 0 and np.exp(-usual) < SILENT_CHANCE:
            found.append(name)
    return found


def repeated(crimes: Any, where: Filter, origin: date) -> dict[str, int]:
    """Crimes of the tool that share start, place and offence with another under a different reference.

    Many of them mean that the key is one per victim in effect: counts and their spread are inflated; the mapping should
    make the key from start and place, or drop the repeats.

    Returns: `crimes` of the tool before the origin with a place; `repeats` beyond the first of each start, place and offence.
    """
    relation, columns = _relation(crimes)
    keep = [f"({matching(where, columns)})", f"happened_from < DATE {_text(origin.isoformat())}", "easting_m IS NOT NULL"]
    if "status" in columns:
        keep.append("coalesce(status, 'recorded') <> 'cancelled'")
    inner = f"SELECT count(*) AS n FROM crimes WHERE {' AND '.join(keep)} GROUP BY happened_from, easting_m, northing_m, offence_code"
    found = relation.query("crimes", f"SELECT coalesce(sum(n), 0), coalesce(sum(n - 1), 0) FROM ({inner})").fetchall()
    return {"crimes": int(found[0][0]), "repeats": int(found[0][1])}


def snapped(crimes: Any, where: Filter, origin: date) -> dict[str, int]:
    """How far the places are points from a list: crimes of the tool with a place, and the distinct points they stand on.

    Few points for many crimes mean that places were moved to junctions or map points: cells near a snapping point gain
    what their neighbours lose, and a cell much smaller than the spacing of the points says little.
    """
    relation, columns = _relation(crimes)
    keep = f"({matching(where, columns)}) AND happened_from < DATE {_text(origin.isoformat())} AND easting_m IS NOT NULL"
    sql = f"SELECT count(*), count(DISTINCT (easting_m, northing_m)) FROM crimes WHERE {keep}"
    found = relation.query("crimes", sql).fetchall()
    return {"crimes": int(found[0][0]), "points": int(found[0][1])}
