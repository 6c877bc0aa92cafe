"""The three apps as folders for `qlik app build`: sheets, master items, script, from the tables they will load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from harmcast.publish.qlik import measures as m
from harmcast.publish.qlik import star
from harmcast.publish.qlik.objects import (
    Dimension,
    Json,
    Measure,
    Variable,
    area_map,
    chart,
    expression,
    filters,
    sheet_tree,
    table,
)
from harmcast.publish.qlik.script import ACCESS_LIBRARY, LIBRARY, script
from harmcast.publish.release_files import NOTICE, document

TITLES = {"areas": "harmcast: areas", "people": "harmcast: people", "checks": "harmcast: checks"}
CONFIG = """# qlik app build --app ID --config config.yml   (into an unpublished app; then publish over the one people see)
script: script.qvs
app-properties: app-properties.json
dimensions:
  - dimensions.json
measures:
  - measures.json
variables:
  - variables.json
objects:
  - objects/sheet-*.json
"""
CONNECTIONS = f"""# Made once by hand in Qlik, never by `qlik app build`, which would overwrite one of the same name: a folder connection
# called harmcast ({LIBRARY}) to the folder `qlik` of the state, as the server sees it.
connections:
  harmcast:
    connectionstring: /path/to/STATE/qlik
    type: folder
  harmcast_access:   # the app people alone ({ACCESS_LIBRARY}): whoever may write there decides who sees whom
    connectionstring: /path/to/STATE/qlik-access
    type: folder
"""


def dictionary(app: str) -> bytes:
    """What every table and field of an app says."""
    return document({name: {"says": one.says, "fields": {f.name: f.says for f in one.fields}} for name, one in star.APPS[app].items()})


def app_files(app: str, tables: Mapping[str, pl.DataFrame], wms_url: str | None = None, wms_layers: str = "") -> dict[str, bytes]:
    """The folder of an app, made for the tools and cells of its tables; the same bytes from the same tables."""
    variables: Sequence[Variable] = ()
    if app == "areas":
        tools = list(tables["dim_tool"].select("tool", "tool_title").iter_rows())
        dimensions: Sequence[Dimension] = m.AREAS_DIMENSIONS
        variables = m.areas_variables([name for name, _ in tools])
        found = [one for name, title in tools for one in m.areas_measures(name, title).values()]
        cells = dict(tables["dim_cell"].group_by(pl.col("cell_key").str.split("|").list.first()).len().iter_rows())
        wms = (wms_url, wms_layers) if wms_url else None
        sheets = {name: _areas_sheet(name, title, rank, cells.get(name, 0), wms) for rank, (name, title) in enumerate(tools)}
    elif app == "people":
        tool = str(tables["dim_release"]["release_tool"][0])
        dimensions, variables, found = m.PEOPLE_DIMENSIONS, m.people_variables(tool), list(m.people_measures().values())
        sheets = {"people": _people_sheet()}
    else:
        dimensions, found = m.CHECKS_DIMENSIONS, list(m.checks_measures().values())
        sheets = _checks_sheets()
    return {
        "config.yml": CONFIG.encode(),
        "connections.example.yml": CONNECTIONS.encode(),
        "script.qvs": script(app).encode(),
        "app-properties.json": document({"qTitle": TITLES[app], "description": NOTICE}),
        "dimensions.json": document([one.properties(app) for one in dimensions]),
        "measures.json": document([one.properties(app) for one in found]),
        "variables.json": document([one.properties(app) for one in variables]),
        **{f"objects/sheet-{name}.json": document(one) for name, one in sheets.items()},
    }


def _head(measure: Measure) -> Json:
    return expression(f"={measure.definition}")


def _areas_sheet(tool: str, title: str, rank: int, cells: int, wms: tuple[str, str] | None) -> Json:
    made = m.areas_measures(tool, title)

    def of(*names: str) -> list[Measure]:
        return [made[f"{tool}_{name}"] for name in names]

    counts = ("expected", "baseline_4w", "baseline_last_year", "baseline_52w", "baseline_24m", "came")
    in_cell = ("place", "range", "expected", "chance_any", "baseline_4w", "baseline_last_year", "baseline_52w", "baseline_24m", "came", "list_group")
    more = ("lower", "upper", "chance_top20", "chance_top20_year", *(f"baseline_weeks_seen_{name}" for name in ("4w", "last_year", "52w", "24m")))
    placed = [
        table("areas", "force", _head(made[f"{tool}_says"]), (0, 0, 24, 2), [], of("week", "force_range", *(f"force_{n}" for n in counts), "force_lower", "force_upper", "says", "stale"), subtitle=NOTICE),
        filters("areas", tool, (0, 2, 3, 10), [m.AREA, m.WEEK]),
        area_map("areas", "map", "Cells by expected offences", (3, 2, 8, 5), m.CELL, "cell_polygon", of("cell_expected"), cells, wms),
        table("areas", "areas", "Areas, as printed: their ranges are their own", (11, 2, 8, 5), [m.AREA], of("area_range", *(f"area_{n}" for n in counts), "area_lower", "area_upper"), (2,)),
        chart("areas", "recorded", "barchart", "Recorded by week", (19, 2, 5, 5), [m.RECORDED_WEEK], made[f"{tool}_recorded"]),
        table("areas", "cells", "Cells: range first; ranges do not add up", (3, 7, 21, 5), [m.CELL, m.AREA], of(*(f"cell_{n}" for n in (*in_cell, *more))), (4,)),
    ]
    return sheet_tree("areas", tool, title, NOTICE, rank, placed)


def _people_sheet() -> Json:
    made = m.people_measures()
    shown = ("band", "band_last_week", "chance_band", "chance_high_harm_12m", "no_chance", "harm", "harm_unit", "list_part", "list_place", "decision", "decided_on", "reason_code", "own_judgement", "review_on", "link")
    counted = [made[name] for name in ("people", "people_with_chance", "people_without_chance", "people_incomplete")]
    placed = [
        table("people", "head", _head(made["about_says"]), (0, 0, 24, 2), [], [made["people_week"], made["about_says"], *counted], subtitle=NOTICE),
        filters("people", "people", (0, 2, 4, 10), [m.UNIT, m.BAND, m.CHANCE_BAND, m.LIST_PART, m.WEEK]),
        chart("people", "bands", "barchart", "People by band", (4, 2, 8, 4), [m.BAND], made["people"]),
        table("people", "chances", "People by band of chance", (12, 2, 12, 4), [m.CHANCE_BAND, m.BAND], counted),
        table("people", "list", "The unit's list, by part; inside a band of chance nobody is ranked", (4, 6, 20, 6), [m.PERSON, m.UNIT], [made[f"person_{n}"] for n in shown], (10,)),
    ]
    return sheet_tree("people", "people", "People", NOTICE, 0, placed)


def _checks_sheets() -> dict[str, Json]:
    made = m.checks_measures()

    def of(*names: str) -> list[Measure]:
        return [made[name] for name in names]

    head = _head(made["about_says"])
    right = [
        table("checks", "pooled", head, (0, 0, 24, 3), [m.TOOL_TITLE, m.SCORE_NAME], of("pooled_verdict", "pooled_hits", "pooled_crimes", "pooled_windows", "pooled_says"), (0,), NOTICE),
        filters("checks", "right", (0, 3, 3, 9), [m.TOOL_TITLE, m.SCORE_ORIGIN]),
        chart("checks", "hits", "linechart", "Share of offences in the 20 highest cells, by release: choose one tool", (3, 3, 10, 4), [m.SCORE_ORIGIN, m.SCORE_NAME], made["release_share"]),
        table("checks", "areas", "By area, windows that do not overlap", (13, 3, 11, 4), [m.TOOL_TITLE, m.SCORE_NAME], of("area_expected", "area_recorded", "area_caught", "area_inside", "area_windows")),
        table("checks", "releases", "By release", (3, 7, 21, 5), [m.TOOL_TITLE, m.SCORE_ORIGIN, m.SCORE_NAME], of("release_hits", "release_crimes", "release_share", "release_range", "release_held"), (1,)),
    ]
    bears = [
        table("checks", "verdicts", head, (0, 0, 24, 3), [m.TOOL_TITLE], of("audit_week", "audit_verdict", "audit_rows"), subtitle=NOTICE),
        filters("checks", "bears", (0, 3, 4, 9), [m.TOOL_TITLE, m.AUDIT_ATTRIBUTE, m.AUDIT_MEASURE, m.AUDIT_SCOPE]),
        table("checks", "figures", "Figures as printed; [c] is hidden. Counts stay on the audit page.", (4, 3, 20, 9), [m.TOOL_TITLE, m.AUDIT_SCOPE, m.AUDIT_ATTRIBUTE, m.AUDIT_GROUP, m.AUDIT_MEASURE], of("audit_text", "audit_low", "audit_high", "audit_ratio", "audit_ratio_low", "audit_ratio_high", "audit_row_verdict", "audit_value")),
    ]
    quality = [
        table("checks", "deliveries", head, (0, 0, 24, 6), [m.DELIVERY, m.DELIVERY_DAY, m.DELIVERY_TABLE], of("delivery_standing", *(f"rows_{n}" for n in ("received", "loaded", "unchanged", "superseded", "quarantined", "left_out"))), (0,), NOTICE),
        filters("checks", "quality", (0, 6, 4, 6), [m.DELIVERY_DAY, m.DELIVERY_TABLE]),
        table("checks", "rules", "Rows set aside, by rule", (4, 6, 20, 6), [m.DELIVERY, m.RULE, m.RULE_COLUMN], of("rule_rows", "about_says")),
    ]
    pages = {"right": ("Were we right?", right), "bears": ("Who bears it?", bears), "quality": ("Data quality", quality)}
    return {name: sheet_tree("checks", name, title, NOTICE, rank, placed) for rank, (name, (title, placed)) in enumerate(pages.items())}
