"""The tables of the app about areas, from published forecasts. One fact table: two that share area and release would make a circle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from harmcast import words
from harmcast.publish.qlik import star

NO_AREA = "none named"
Rings = list[list[list[float]]]


@dataclass(frozen=True)
class ReleaseStanding:
    """One week of a tool and how it stands, newest revision. `says`: why it is held, in a few words."""

    tool: str
    week: str
    origin: date
    horizon_weeks: int
    standing: str
    model: str
    says: str = ""

    @property
    def key(self) -> str:
        return f"{self.tool}|{self.week}"


@dataclass(frozen=True)
class PublishedForecast:
    """A published release of a places tool: tables.FORECAST, tables.FORECAST_AREAS, and what came in each cell, if that is known."""

    release: ReleaseStanding
    cells: pl.DataFrame
    areas: pl.DataFrame
    came: Mapping[str, int] | None


@dataclass(frozen=True)
class ToolForQlik:
    """One places tool: every release that stands published, held or withdrawn, and the newest's weekly counts.

    Attributes:
        recorded: tables.FORECAST_WEEKS of the newest published release.
        outlines: cell -> rings (longitude, latitude) of every cell of any published release.
    """

    name: str
    title: str
    standings: Sequence[ReleaseStanding]
    published: Sequence[PublishedForecast] = ()
    recorded: pl.DataFrame | None = None
    outlines: Mapping[str, Rings] = field(default_factory=dict)


def tables(tools: Sequence[ToolForQlik], base_url: str | None) -> dict[str, pl.DataFrame]:
    """The tables of the app. Raises NotFit (`qlik_tables_unfit`) where Qlik would read them as something else."""
    facts = [rows for tool in tools for rows in _facts(tool)]
    keys = [rows.select("area_key") for rows in facts]
    areas = pl.concat(keys).drop_nulls().unique().sort("area_key") if keys else pl.DataFrame(schema={"area_key": pl.String})
    raw = {
        "facts": pl.concat(facts) if facts else star.frame("areas", "facts", pl.DataFrame({"grain": []})),
        "dim_cell": _cells(tools, base_url),
        "dim_area": areas.with_columns(area="area_key"),
        "dim_tool": pl.DataFrame([(t.name, t.title) for t in tools], schema=["tool", "tool_title"], orient="row"),
        "dim_release": releases(tools),
    }
    found = {name: star.frame("areas", name, rows) for name, rows in raw.items()}
    star.require_whole("areas", found)
    return found


def releases(tools: Sequence[ToolForQlik]) -> pl.DataFrame:
    """A row a week of each tool, oldest first; one row a tool, the newest published where there is one, says what is shown and held."""
    rows = []
    for tool in tools:
        newest = newest_published(tool.standings)
        says_at = newest or (tool.standings[-1] if tool.standings else None)
        for one in tool.standings:
            rows.append(
                {
                    "release_key": one.key,
                    "release_tool": one.tool,
                    "week": one.week,
                    "origin": one.origin,
                    "window_last_day": one.origin + timedelta(days=7 * one.horizon_weeks - 1),
                    "standing": one.standing,
                    "is_newest": int(one is newest),
                    "model": one.model,
                    "release_says": standing_says(tool.standings) if one is says_at else None,
                }
            )
    return star.frame("areas", "dim_release", pl.DataFrame(rows, infer_schema_length=None) if rows else pl.DataFrame({"release_key": []}))


def newest_published(standings: Sequence[ReleaseStanding]) -> ReleaseStanding | None:
    """The newest published of one tool's weeks, oldest first."""
    return next((one for one in reversed(standings) if one.standing == "published"), None)


def standing_says(standings: Sequence[ReleaseStanding]) -> str:
    """What is shown of a tool, and each later week that is held or withdrawn."""
    newest = newest_published(standings)
    later = [one for one in standings if newest is None or one.week > newest.week]
    said = [f"{one.week} is {one.standing}{f' ({one.says})' if one.says else ''}." for one in later]
    shown = "Nothing is published." if newest is None else f"Shown: {newest.week}, first day {words.day(newest.origin)}."
    return " ".join([*said, shown])


def _facts(tool: ToolForQlik) -> list[pl.DataFrame]:
    found = []
    for one in tool.published:
        cells = one.cells.with_columns(area_key=pl.col("area").fill_null(NO_AREA), cell_key=pl.lit(f"{tool.name}|") + pl.col("cell"))
        by_area = one.areas.filter(pl.col("area").is_not_null()).with_columns(area_key="area")
        force = one.areas.filter(pl.col("area").is_null())
        if one.came is not None:
            came = pl.DataFrame({"cell": list(one.came), "came": list(one.came.values())}, schema={"cell": pl.String, "came": pl.Int64})
            cells = cells.join(came, on="cell", how="left", maintain_order="left").with_columns(pl.col("came").fill_null(0))
            by_area = by_area.join(cells.group_by("area_key").agg(pl.col("came").sum()), on="area_key", how="left", maintain_order="left")
            force = force.with_columns(came=pl.lit(cells["came"].sum(), dtype=pl.Int64))
        found += [_of_release(rows, one.release, grain) for grain, rows in (("cell", cells), ("area", by_area), ("force", force))]
    if tool.recorded is not None and tool.published:
        newest = tool.published[-1]
        area = newest.cells.select("cell", area_key=pl.col("area").fill_null(NO_AREA), cell_key=pl.lit(f"{tool.name}|") + pl.col("cell"))
        counted = tool.recorded.join(area, on="cell", how="inner", maintain_order="left").rename({"week": "recorded_week"})
        found.append(_of_grain(counted, newest.release, "recorded"))
    return found


def _of_grain(rows: pl.DataFrame, release: ReleaseStanding, grain: str) -> pl.DataFrame:
    keyed = rows.with_columns(grain=pl.lit(grain), tool=pl.lit(release.tool), release_key=pl.lit(release.key))
    return star.frame("areas", "facts", keyed)


def _of_release(rows: pl.DataFrame, release: ReleaseStanding, grain: str) -> pl.DataFrame:
    """Rows of a release with its printed range in words."""
    ends = ["lower", "upper"]
    spans = rows.select(ends).unique()
    said = spans.with_columns(range_text=pl.Series([words.span(*pair) for pair in spans.iter_rows()], dtype=pl.String))
    return _of_grain(rows.join(said, on=ends, how="left", maintain_order="left"), release, grain)


def _cells(tools: Sequence[ToolForQlik], base_url: str | None) -> pl.DataFrame:
    rows = []
    for tool in tools:
        cells = sorted({cell for one in tool.published for cell in one.cells["cell"].to_list()})
        for cell in cells:
            rings = tool.outlines.get(cell)
            link = f"{base_url.rstrip('/')}/areas/{tool.name}/cells/{cell}" if base_url else None
            rows.append((f"{tool.name}|{cell}", cell, outline(rings) if rings else None, link))
    return pl.DataFrame(rows, schema=dict.fromkeys(("cell_key", "cell", "cell_polygon", "cell_link"), pl.String), orient="row")


def outline(rings: Rings) -> str:
    """Rings as GeoJSON coordinates in text that begins with a bracket: anything else Qlik's map sends to a place-name service."""
    return json.dumps([[[round(x, 6), round(y, 6)] for x, y in ring] for ring in rings], separators=(",", ":"))
