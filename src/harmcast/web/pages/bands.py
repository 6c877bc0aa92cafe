"""What followed in each band: where the people of an earlier release stand now, with counts and intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl
from starlette.responses import Response

from harmcast.oversight.access import Action
from harmcast.statistics import share_interval
from harmcast.store.releases import Release
from harmcast.tables import BANDS
from harmcast.web import released, roster, unit_people
from harmcast.web.guard import Here, Pages
from harmcast.web.shell import page

pages = Pages()
LONGEST_RELEASES = 53
HIGH = ("high", "super high")


@dataclass(frozen=True)
class Followed:
    """People of one band then: how many are still scored, how many were high or super high in any release since, where they are now."""

    band: str
    people: int
    still: int
    reached: int | None
    low: float | None
    high: float | None
    now: dict[str, int]

    @property
    def share(self) -> float | None:
        return self.reached / self.people if self.people and self.reached is not None else None


def followed(first: Release, since: list[Release], tool: str) -> list[Followed]:
    """What followed for the people of `first`, over the releases `since`, the newest last."""
    columns = ["person_key", "band"]
    then = roster.columns(first, tool, columns).drop_nulls("band")
    later = [roster.columns(release, tool, columns) for release in since]
    ever = (
        pl.concat(later)
        .filter(pl.col("band").is_in(HIGH))
        .select("person_key")
        .unique()
        .with_columns(reached=pl.lit(True))
    )
    now = later[-1].rename({"band": "now"}).with_columns(still=pl.lit(True))
    table = then.join(ever, on="person_key", how="left").join(now, on="person_key", how="left")
    rows = []
    for band in BANDS:
        part = table.filter(pl.col("band") == band)
        reached = None if band in HIGH else int(part["reached"].fill_null(False).sum())
        ends = share_interval(reached, part.height) if reached is not None else None
        rows.append(
            Followed(
                band,
                part.height,
                int(part["still"].fill_null(False).sum()),
                reached,
                ends[0] if ends else None,
                ends[1] if ends else None,
                {name: int((part["now"] == name).sum()) for name in BANDS},
            )
        )
    return rows


WHAT = {
    "reached_high": "High harm reached at a later charge",
    "new_serious_event": "Charged with a new serious event",
}


def by_horizon(release: Release, tool: str) -> list[dict[str, Any]]:
    """What came of each band over whole horizons, from the records as the release published it; empty where it holds none."""
    name = f"{tool}_bands"
    if not released.has(release, name):
        return []
    rows = released.frame(release, name).rows(named=True)
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
        (window[0].manifest_sha256, window[-1].manifest_sha256, "followed"),
        lambda: followed(window[0], window[1:], tool.name) if len(window) > 1 else [],
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
