"""What the apps for Qlik are made of, read by the functions that the pages read by: published releases, lists, checks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from harmcast import tables as record_tables
from harmcast import words
from harmcast.documents import verdict
from harmcast.documents.verdict import PlacesVerdict
from harmcast.oversight import findings
from harmcast.oversight import register as register_rules
from harmcast.publish import released, roster, track, verdicts
from harmcast.publish.qlik import areas, checks, people
from harmcast.publish.qlik.star import StarRow
from harmcast.settings import PeopleTool, PlacesTool
from harmcast.store import desk
from harmcast.store.reads import data_quality
from harmcast.store.releases import Release
from harmcast.store.state import State
from harmcast.words.tools import tool_title

UNSEEN = ("shadow", "stopped")
SAID = ("published", "held", "withdrawn")
SCORED = {"ours": "This tool", "plain": f"The {verdict.PLAIN[1]}", "best": "Best possible"}
LISTED = {"person_key": pl.String, "unit": pl.String, "list_part": pl.String, "list_part_order": pl.Int64, "list_place": pl.Int64}
SHOWN_DELIVERIES = 12


def may_be_seen(state: State, tool: str, today: date) -> bool:
    """Whether everyone trained may see a tool today: neither in shadow nor stopped, and nothing in the register against it."""
    registered = state.register.tool(tool, today)
    return registered.status not in UNSEEN and register_rules.standing(registered, state.register.entries(today), today).may_show


def people_may_leave(state: State, today: date) -> bool:
    """Whether the list of people may leave for Qlik: by setting, once the register names who controls and logs access there."""
    tool = state.settings.people_tool
    if not state.settings.web.qlik_people or tool is None or not may_be_seen(state, tool.name, today):
        return False
    control = register_rules.latest(state.register.entries(today), "qlik_control")
    return control is not None and control.made


def standings(history: Sequence[Release], horizon_weeks: int) -> list[areas.ReleaseStanding]:
    """Each week of a tool once: published where a revision of it is, else held or withdrawn; drafts are not said."""
    by_week: dict[str, Release] = {}
    for release in history:
        before = by_week.get(release.week)
        if release.standing in SAID and (before is None or before.standing != "published" or release.standing == "published"):
            by_week[release.week] = release
    return [_standing(by_week[week], horizon_weeks) for week in sorted(by_week)]


def _standing(release: Release, horizon_weeks: int) -> areas.ReleaseStanding:
    why = ", ".join(dict.fromkeys(findings.KINDS.get(one.kind, one.kind) for one in release.findings)) if release.standing == "held" else ""
    return areas.ReleaseStanding(release.tool, release.week, release.origin, horizon_weeks, release.standing, release.model or "", why)


def published_by_week(history: Sequence[Release]) -> list[Release]:
    """The newest published revision of each week, oldest first."""
    return list({release.week: release for release in history if release.standing == "published"}.values())


# -- areas -------------------------------------------------------------------------------------------


def areas_tables(state: State, today: date) -> dict[str, pl.DataFrame]:
    """The tables of the app about areas. Raises NotFit, StoreDamaged."""
    tools = [_places(state, tool) for tool in state.settings.places_tools if may_be_seen(state, tool.name, today)]
    return areas.tables(tools, state.settings.web.base_url)


def _places(state: State, tool: PlacesTool) -> areas.ToolForQlik:
    history = state.releases.history(tool.name, None)
    published = [release for release in published_by_week(history) if released.has(release, tool.name)]
    said = {one.week: one for one in standings(history, tool.horizon_weeks)}
    if not published:
        return areas.ToolForQlik(tool.name, tool_title(tool), list(said.values()))
    newest = published[-1]
    weeks = released.frame(newest, f"{tool.name}_weeks") if released.has(newest, f"{tool.name}_weeks") else None
    oldest = None if weeks is None else weeks["week"].min()
    over = {r.id for r in released.closed_before(published, newest, tool.horizon_weeks)}
    found: list[areas.PublishedForecast] = []
    outlines: dict[str, areas.Rings] = {}
    for release in reversed(published):
        cells = release.frame(tool.name)
        is_known = release.id in over and weeks is not None and isinstance(oldest, date) and release.origin >= oldest
        came = verdicts.counts(weeks, release.origin, tool.horizon_weeks) if is_known and weeks is not None else None
        found.append(areas.PublishedForecast(said[release.week], cells, release.frame(f"{tool.name}_areas"), came))
        if not set(cells["cell"].to_list()) <= outlines.keys():
            outlines = {**_outlines(release, tool.name), **outlines}
    return areas.ToolForQlik(tool.name, tool_title(tool), list(said.values()), found[::-1], weeks, outlines)


def _outlines(release: Release, tool: str) -> dict[str, areas.Rings]:
    document = json.loads(release.read(f"{tool}.geojson"))
    return {one["id"]: one["geometry"]["coordinates"] for one in document["features"]}


# -- people ------------------------------------------------------------------------------------------


def people_tables(state: State, today: date, base_url: str) -> dict[str, pl.DataFrame]:
    """The tables of the app about people: those on their unit's list, of a unit, not restricted. Raises NotFit, StoreDamaged."""
    tool = state.settings.people_tool
    assert tool is not None  # noqa: S101  asked by the caller
    history = published_by_week(state.releases.history(tool.name, None))
    said = standings(state.releases.history(tool.name, None), 52)
    listed = _listed(state, history, tool, today) if history else pl.DataFrame(schema=LISTED)
    names = ("person_key", "harm", "harm_unit", "band", "band_last_week", "chance_high_harm_12m", "no_chance", "incomplete")
    scored = {}
    for release in history[-roster.CHANGE_RELEASES :]:
        frame = release.frame(tool.name)
        scored[f"{tool.name}|{release.week}"] = frame.select(name for name in names if name in frame.columns).sort("person_key")
    decisions = desk.before(state.operations, today + timedelta(days=1), state.settings.force.timezone)
    newest = decisions.unique("person_key", keep="last", maintain_order=True).drop("unit")
    return people.tables(
        people.ListedPeople(tool.name, tool_title(tool), said, listed, scored, newest, roster.CHANCE_BANDS), base_url
    )


def _listed(state: State, history: list[Release], tool: PeopleTool, today: date) -> pl.DataFrame:
    everyone = roster.of_every_unit(state, history, tool.name, today)
    rows = roster.listed(state, everyone, state.settings, today, restricted_open=False).filter(~pl.col("closed"))
    return rows.select(
        "person_key",
        "unit",
        list_part=pl.col("part").replace_strict(roster.PARTS, return_dtype=pl.String),
        list_part_order="part",
        list_place=pl.int_range(1, pl.len() + 1).over("unit"),
    )


# -- checks ------------------------------------------------------------------------------------------


def checks_tables(state: State, today: date) -> dict[str, pl.DataFrame]:
    """The tables of the app about checks: track record, audit, data quality."""
    tools = [tool for tool in state.settings.tools if may_be_seen(state, tool.name, today)]
    scores, audit, said = [], [], []
    for tool in tools:
        history = state.releases.history(tool.name, None)
        published = released.history(state, tool.name)
        horizon = tool.horizon_weeks if isinstance(tool, PlacesTool) else 52
        said.append(f"{tool_title(tool)}: {areas.standing_says(standings(history, horizon))}")
        if isinstance(tool, PlacesTool) and published:
            scores += _scores(state, published, tool)
        audited = [release for release in published if f"{tool.name}_audit.json" in released.manifest(release).get("files", {})]
        if audited:
            audit += checks.audit_rows(json.loads(audited[-1].read(f"{tool.name}_audit.json")), tool.name, audited[-1].week)
    deliveries, rules = _deliveries(state)
    return checks.tables([(t.name, tool_title(t)) for t in tools], scores, audit, deliveries, rules, " ".join(said))


def _scores(state: State, history: list[Release], tool: PlacesTool) -> list[StarRow]:
    """The track record as its page has it: the verdict, each period that is over, each area."""
    judged = released.verdict_on(state, tool, history)
    assert isinstance(judged, PlacesVerdict)  # noqa: S101  a tool of places
    found: list[StarRow] = []
    for one in judged.periods:
        ends = () if one.low is None or one.high is None else (one.low, one.high)
        held = "" if not ends else "held" if one.in_range else "more came" if one.offences > ends[1] else "fewer came"
        for name, hits in (("ours", one.ours), ("plain", one.plain), ("best", one.best)):
            about: StarRow = {"score_grain": "release", "score_origin": one.origin, "score_name": SCORED[name], "score_windows": 1}
            ours: StarRow = {"score_range": words.span(*ends), "score_held": held} if name == "ours" and ends else {}
            if hits is not None:
                found.append({**about, "score_hits": hits, "score_crimes": one.offences, **ours})
    for key in ("ours", "plain", "best") if judged.compared else ():
        about = {"score_grain": "pooled", "score_name": SCORED[key], "score_windows": len(judged.compared)}
        says: StarRow = {"score_verdict": judged.headline, "score_says": judged.says} if key == "ours" else {}
        found.append({**about, "score_hits": judged.total(key), "score_crimes": round(judged.total("offences")), **says})
    origins = {one.origin for one in verdict.apart(judged.periods, tool.horizon_weeks)}
    for area in track.by_area(history, history[-1], tool.name, origins, tool.horizon_weeks, record_tables.LISTED_CELLS):
        about = {"score_grain": "area", "score_name": area.area, "score_windows": len(area.windows), "score_inside": area.inside}
        found.append({**about, "score_hits": float(area.caught), "score_crimes": area.recorded, "score_expected": area.expected})
    return [{"tool": tool.name, **row} for row in found]


def _deliveries(state: State) -> tuple[list[StarRow], list[StarRow]]:
    rows: list[StarRow] = []
    rules: list[StarRow] = []
    for held in data_quality.deliveries(state.operations, SHOWN_DELIVERIES):
        day = released.local(held.loaded_at, state.settings.force.timezone).date().isoformat()
        about: StarRow = {"delivery_key": str(held.id), "delivery": held.delivery_id, "delivery_day": day, "delivery_standing": held.standing}
        files = data_quality.files(state.operations, held.id)
        for file in files:
            counts = {f"rows_{name}": getattr(file, name) for name in ("received", *data_quality.PARTS)}
            rows.append({**about, "delivery_table": file.table_name, **counts})
        if not files:
            rows.append(about)
        for rule in data_quality.set_aside(state.operations, held.id):
            rules.append({"delivery_key": str(held.id), "rule": rule.rule, "rule_column": rule.column, "rule_rows": rule.count})
    return rows, rules
