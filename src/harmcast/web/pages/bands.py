"""What followed in each band: where the people of an earlier release stand now, with counts and intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl
from starlette.responses import Response

from harmcast.oversight.access import Action
from harmcast.store.releases import Release
from harmcast.tables import BANDS
from harmcast.web import released, roster, unit_people
from harmcast.web.guard import Here, Pages
from harmcast.web.shell import page

pages = Pages()
LONGEST_RELEASES = 53


@dataclass(frozen=True)
class BandMoves:
    """People of one band then: how many, how many are still scored, and their bands now."""

    band: str
    people: int
    still: int
    now: dict[str, int]


def moves(first: Release, last: Release, tool: str) -> list[BandMoves]:
    """Where the people of each band of `first` stand in `last`."""
    then, later = (roster.columns(release, tool, ["person_key", "band"]) for release in (first, last))
    table = then.drop_nulls("band").join(later.rename({"band": "now"}).with_columns(still=pl.lit(True)), on="person_key", how="left")
    parts = {band: table.filter(pl.col("band") == band) for band in BANDS}
    return [
        BandMoves(band, part.height, int(part["still"].fill_null(False).sum()), {name: int((part["now"] == name).sum()) for name in BANDS})
        for band, part in parts.items()
    ]


HIGH = BANDS[3:]  # nobody of them is asked about: they were high harm by then
WHAT = {
    "reached_high": "High harm reached at a later charge",
    "new_serious_event": "Charged with a new serious event",
}


def by_horizon(release: Release, tool: str) -> list[dict[str, Any]]:
    """What came of each band over whole horizons, from the records as the release published it; empty where it holds none."""
    name = f"{tool}_bands"
    if not released.has(release, name):
        return []
    rows = [row for row in released.frame(release, name).rows(named=True) if row["band"] not in HIGH]
    heads = list(dict.fromkeys((row["horizon_months"], row["what"], row["day"]) for row in rows))
    return [
        {
            "months": months,
            "title": WHAT.get(what, what.replace("_", " ").capitalize()),
            "day": day,
            "rows": [row for row in rows if (row["horizon_months"], row["what"]) == (months, what)],
        }
        for months, what, day in heads
    ]


@pages.get("/bands", Action.VIEW_TRACK_RECORD, view="bands_viewed")
def bands_page(visit: Here) -> Response:
    """The table: counts of people, none of them named."""
    tool, releases = visit.history()
    window = releases[-LONGEST_RELEASES:]
    rows = roster.small.get(
        (window[0].manifest_sha256, window[-1].manifest_sha256, "moves"),
        lambda: moves(window[0], window[-1], tool.name) if len(window) > 1 else [],
    )
    return page(
        visit,
        "bands",
        title="What followed in each band",
        about=unit_people.about(visit, tool, releases[-1]),
        first=window[0],
        last=window[-1],
        weeks=len(window) - 1,
        rows=rows,
        records=by_horizon(releases[-1], tool.name),
        bands=BANDS,
        small=visit.settings.fairness.small_number,
    )
