"""What a dashboard is made of in Qlik's own words: master items, tables, filters, charts, the map, sheets.

Property names are those of Qlik's engine specification and of its open visualisations; ids follow from names, so that building
an app again updates it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

NAMESPACE = UUID("6d0f6f3e-7f0c-5c58-9d0f-6c1f7a4d2b11")
COLUMNS, ROWS = 24, 12
MOST_MAP_CELLS = 50_000
PAGE_CELLS = 10_000
Json = dict[str, Any]
At = tuple[int, int, int, int]


def object_id(app: str, *names: str) -> str:
    """The id of a thing by its place: the same in every build."""
    return str(uuid5(NAMESPACE, "/".join((app, *names))))


@dataclass(frozen=True)
class Measure:
    """A master measure. `decimals`: of its number; None: text. `is_share`: shown in hundred."""

    name: str
    title: str
    says: str
    definition: str
    decimals: int | None = None
    is_share: bool = False

    def properties(self, app: str) -> Json:
        return {
            "qInfo": {"qId": object_id(app, "measure", self.name), "qType": "measure"},
            "qMeasure": {
                "qLabel": self.title,
                "qDef": self.definition,
                "qGrouping": "N",
                "qExpressions": [],
                "qActiveExpression": 0,
                "qNumFormat": number_format(self.decimals, self.is_share),
            },
            "qMetaDef": {"title": self.title, "description": self.says, "tags": [self.name]},
        }


@dataclass(frozen=True)
class Dimension:
    """A master dimension: one field."""

    field: str
    title: str
    says: str

    def properties(self, app: str) -> Json:
        return {
            "qInfo": {"qId": object_id(app, "dimension", self.field), "qType": "dimension"},
            "qDim": {"qGrouping": "N", "qFieldDefs": [self.field], "qFieldLabels": [self.title]},
            "qMetaDef": {"title": self.title, "description": self.says, "tags": [self.field]},
        }


@dataclass(frozen=True)
class Variable:
    """A variable: what a measure's set is told from what people chose."""

    name: str
    says: str
    definition: str

    def properties(self, app: str) -> Json:
        return {
            "qInfo": {"qId": object_id(app, "variable", self.name), "qType": "variable"},
            "qMetaDef": {"title": self.name, "description": self.says, "tags": []},
            "qName": self.name,
            "qComment": self.says,
            "qDefinition": self.definition,
            "qIncludeInBookmark": False,
        }


def number_format(decimals: int | None, is_share: bool = False) -> Json:
    if decimals is None:
        return {"qType": "U", "qnDec": 10, "qUseThou": 0}
    shape = ("0" if is_share else "# ##0") + ("." + "0" * decimals if decimals else "") + ("%" if is_share else "")
    return {"qType": "F", "qnDec": decimals, "qUseThou": 0 if is_share else 1, "qFmt": shape, "qDec": ".", "qThou": " "}


@dataclass(frozen=True)
class Placed:
    """A visualisation on a sheet: its name there, kind, place on the grid (column, row, columns, rows) and properties beyond those all have."""

    name: str
    kind: str
    at: At
    title: Any
    properties: Json
    children: tuple[Json, ...] = ()
    subtitle: str = ""


def expression(text: str) -> Json:
    """A text that Qlik works out."""
    return {"qStringExpression": {"qExpr": text}}


def cube(app: str, dimensions: Sequence[Dimension], measures: Sequence[Measure], *, sort: Sequence[int] = (), rows: int = 100) -> Json:
    """A hypercube of master items. `sort`: columns in the order they sort by; a measure sorts the highest first."""
    columns = len(dimensions) + len(measures)
    order = [*sort, *(n for n in range(columns) if n not in sort)]
    pages = [{"qLeft": 0, "qTop": 0, "qWidth": max(columns, 1), "qHeight": max(1, min(rows, PAGE_CELLS // max(columns, 1)))}]
    return {
        "qDimensions": [
            {
                "qLibraryId": object_id(app, "dimension", one.field),
                "qDef": {"qSortCriterias": [{"qSortByNumeric": 1, "qSortByAscii": 1, "qSortByLoadOrder": 1}]},
                "qNullSuppression": True,
            }
            for one in dimensions
        ],
        "qMeasures": [{"qLibraryId": object_id(app, "measure", one.name), "qSortBy": {"qSortByNumeric": -1}} for one in measures],
        "qInterColumnSortOrder": order,
        "qSuppressZero": bool(dimensions),
        "qSuppressMissing": True,
        "qMode": "S",
        "qInitialDataFetch": pages,
    }


def table(app: str, name: str, title: Any, at: At, dimensions: Sequence[Dimension], measures: Sequence[Measure], sort: Sequence[int] = (), subtitle: str = "") -> Placed:
    """A table without a row of totals: adding a column up is what its measures guard against."""
    own = {"qHyperCubeDef": cube(app, dimensions, measures, sort=sort), "totals": {"show": False, "position": "noTotals", "label": "Totals"}}
    return Placed(name, "table", at, title, own, subtitle=subtitle)


def chart(app: str, name: str, kind: str, title: str, at: At, dimensions: Sequence[Dimension], measure: Measure) -> Placed:
    return Placed(name, kind, at, title, {"qHyperCubeDef": cube(app, dimensions, [measure], rows=500)})


def filters(app: str, sheet_name: str, at: At, dimensions: Sequence[Dimension]) -> Placed:
    """A pane of list boxes."""
    boxes = tuple(
        {
            "qProperty": {
                "qInfo": {"qId": object_id(app, sheet_name, "filter", one.field), "qType": "listbox"},
                "qMetaDef": {"title": one.title},
                "title": one.title,
                "visualization": "listbox",
                "qListObjectDef": {
                    "qLibraryId": object_id(app, "dimension", one.field),
                    "qDef": {"qSortCriterias": [{"qSortByState": 1, "qSortByNumeric": 1, "qSortByAscii": 1, "qSortByLoadOrder": 1}]},
                    "qShowAlternatives": True,
                    "qInitialDataFetch": [{"qLeft": 0, "qTop": 0, "qWidth": 1, "qHeight": 100}],
                },
            },
            "qChildren": [],
        }
        for one in dimensions
    )
    return Placed("filters", "filterpane", at, "Choose", {"qChildListDef": {"qData": {"title": "/title"}}}, boxes)


def area_map(app: str, name: str, title: str, at: At, cell: Dimension, polygon: str, measures: Sequence[Measure], cells: int, wms: tuple[str, str] | None) -> Placed:
    """A map of cells by their own outlines: no base map from outside, and the force's own map service under it where there is one."""
    wanted = min(max(cells, 1), MOST_MAP_CELLS)
    rows = PAGE_CELLS // (1 + len(measures))
    shape = cube(app, [cell], measures)
    shape["qInitialDataFetch"] = [
        {"qLeft": 0, "qTop": top, "qWidth": 1 + len(measures), "qHeight": min(rows, wanted - top)} for top in range(0, wanted, rows)
    ]
    shape["qDimensions"][0]["qAttributeExpressions"] = [{"qExpression": polygon, "id": "locationOrLatitude"}]
    layers: list[Json] = [
        {
            "type": "AreaLayer",
            "cId": object_id(app, name, "cells")[:8],
            "qHyperCubeDef": shape,
            "color": {"auto": False, "mode": "byMeasure", "paletteColor": {"index": 6, "color": "#1d70b8"}},
        }
    ]
    if wms is not None:
        layers.insert(0, {"type": "GeodataLayer", "cId": object_id(app, name, "service")[:8], "dataType": "wms", "wms": _service(*wms)})
    return Placed(name, "map", at, title, {"gaLayers": layers, "mapSettings": {"baseMap": "none", "showScaleBar": True}})


def _service(url: str, layers: str) -> Json:
    named = [{"name": name.strip(), "selected": True} for name in layers.split(",") if name.strip()]
    return {"url": url, "attribution": "", "version": "1.3.0", "capabilities": {"layers": named, "transparent": True}}


def sheet_tree(app: str, name: str, title: str, says: str, rank: int, placed: Sequence[Placed]) -> Json:
    """A sheet with everything on it, as one property tree."""
    return {
        "qProperty": {
            "qInfo": {"qId": object_id(app, name), "qType": "sheet"},
            "qMetaDef": {"title": title, "description": says},
            "rank": rank,
            "columns": COLUMNS,
            "rows": ROWS,
            "cells": [
                {"name": object_id(app, name, one.name), "type": one.kind, **dict(zip(("col", "row", "colspan", "rowspan"), one.at, strict=True))}
                for one in placed
            ],
            "qChildListDef": {"qData": {"title": "/title"}},
        },
        "qChildren": [
            {
                "qProperty": {
                    "qInfo": {"qId": object_id(app, name, one.name), "qType": one.kind},
                    "qMetaDef": {},
                    "visualization": one.kind,
                    "showTitles": True,
                    "title": one.title,
                    "subtitle": one.subtitle,
                    **one.properties,
                },
                "qChildren": list(one.children),
            }
            for one in placed
        ],
    }
