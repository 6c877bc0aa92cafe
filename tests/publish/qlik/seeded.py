"""Small faults put into a right folder, each of a kind that somebody could make: does the checker find every one?"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.publish.qlik import checker

Folder = dict[str, bytes]
Columns = dict[str, list[str]]
Seeded = tuple[str, Folder, Columns]


def seeded(app: str, folder: Mapping[str, bytes], columns: Mapping[str, list[str]]) -> Iterator[Seeded]:
    """Each fault by its kind, with the folder and the columns that have it and no other."""
    for kind, changed in (*_measures(folder), *_masters(folder), *_objects(folder), *_script(folder), *_files(folder)):
        if any(folder.get(name) != content for name, content in changed.items()):
            yield kind, {**folder, **changed}, dict(columns)
    for kind, other in _columns(columns):
        yield kind, dict(folder), other


def missed(app: str, folder: Mapping[str, bytes], columns: Mapping[str, list[str]], values: Mapping[str, set[str]]) -> tuple[dict[str, int], list[str]]:
    """How many faults of each kind were put in, and those that were not found. The folder itself has none, or nothing is proved."""
    assert not checker.faults(app, folder, columns, values)
    counted: dict[str, int] = {}
    left = []
    for kind, changed, names in seeded(app, folder, columns):
        counted[kind] = counted.get(kind, 0) + 1
        if not checker.faults(app, changed, names, values):
            left.append(kind)
    return counted, left


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _measures(folder: Mapping[str, bytes]) -> Iterator[tuple[str, Folder]]:
    """Faults in the definition of each measure in turn."""
    texts: dict[str, Callable[[str], str]] = {
        "a bracket is missing": lambda d: d.removesuffix(")"),
        "a field is misspelt": lambda d: re.sub(r" (\w+)\)", r" \1x)", d, count=1),
        "a function that Qlik has not": lambda d: re.sub(r"\b(Sum|Count|Only)\(", "Total(", d, count=1),
        "ends of ranges or chances added up": lambda d: re.sub(r"Only\((\{[^}]*>\}) (lower|upper|chance_\w+|audit_value|harm)\)", r"Sum(\1 \2)", d),
        "the grain is not named": lambda d: re.sub(r",?grain=\{'\w+'\},?", ",", d).replace("<,", "<").replace(",>", ">"),
        "the tool is not named": lambda d: re.sub(r"\{<tool=\{'\w+'\},", "{<", d),
        "the release is not named": lambda d: re.sub(r"release_key=\{'\$\(=vRelease\w*\)'\},", "", d) if "1<release_key" not in d else d,
        "a choice of week is not cleared": lambda d: re.sub(r",week=(?=[,>])", "", d),
        "a choice of cell is not cleared": lambda d: re.sub(r",cell=(?=[,>])", "", d),
        "a choice of area is not cleared": lambda d: re.sub(r",area=(?=[,>])", "", d),
        "a key of a choice is not cleared": lambda d: re.sub(r",(cell|area)_key=(?=[,>])", "", d),
        "a choice is cleared that it should follow": lambda d: re.sub(r"(grain=\{'(?:cell|area|recorded)'\})", r"\1,area=", d),
        "a tool that is not there": lambda d: re.sub(r"(tool=\{')\w+'", r"\1burglary'", d),
        "a grain that is not there": lambda d: re.sub(r"(grain=\{')\w+'", r"\1square'", d),
        "a variable that is not there": lambda d: d.replace("$(=vRelease", "$(=vWeek"),
        "a field in a set that is not there": lambda d: d.replace("<", "<colour=,", 1) if "{<" in d or "{1<" in d else d,
        "an alternate set mark": lambda d: d.replace("{<", "{State1<", 1),
    }
    made = json.loads(folder["measures.json"])
    for number, one in enumerate(made):
        for kind, change in texts.items():
            before = one["qMeasure"]["qDef"]
            after = change(before)
            if after != before:
                other = copy.deepcopy(made)
                other[number]["qMeasure"]["qDef"] = after
                yield kind, {"measures.json": _json(other)}


def _masters(folder: Mapping[str, bytes]) -> Iterator[tuple[str, Folder]]:
    """Faults in the properties of each master item in turn."""
    changes: dict[str, Callable[[dict[str, Any]], None]] = {
        "a property Qlik has not": lambda one: one["qInfo"].update(qIdent="x"),
        "a property of another type": lambda one: one["qInfo"].update(qType=7),
        "no id": lambda one: one["qInfo"].pop("qId"),
        "another type of item": lambda one: one["qInfo"].update(qType="story"),
        "no sentence": lambda one: one["qMetaDef"].update(description=""),
    }
    for name in ("measures.json", "dimensions.json"):
        made = json.loads(folder[name])
        for number in range(0, len(made), 5):
            for kind, change in changes.items():
                other = copy.deepcopy(made)
                change(other[number])
                yield kind, {name: _json(other)}
        if len(made) > 1:
            other = copy.deepcopy(made)
            other[1]["qInfo"]["qId"] = other[0]["qInfo"]["qId"]
            yield "an id twice", {name: _json(other)}
            yield "an item that is shown is gone", {name: _json(made[1:])}
            yield "an item that nothing shows", {name: _json([*made, {**copy.deepcopy(made[0]), "qInfo": {"qId": "8f14e45f-ceea-5a7a-9b1a-2a2f0d0e7c11", "qType": made[0]["qInfo"]["qType"]}}])}
    other = json.loads(folder["measures.json"])
    other[0]["qMeasure"]["qGrouping"] = "Z"
    yield "a value that no enumeration has", {"measures.json": _json(other)}
    other = json.loads(folder["dimensions.json"])
    other[0]["qDim"]["qFieldDefs"] = ["colour"]
    yield "a dimension of no field", {"dimensions.json": _json(other)}
    if variables := json.loads(folder["variables.json"]):
        variables[0]["qDefinition"] = variables[0]["qDefinition"].removesuffix(")")
        yield "a variable that cannot be read", {"variables.json": _json(variables)}
        yield "a variable is gone", {"variables.json": _json(variables[1:])}


def _objects(folder: Mapping[str, bytes]) -> Iterator[tuple[str, Folder]]:
    """Faults on each sheet, and in each thing on it."""
    for name in (name for name in folder if name.startswith("objects/")):
        tree = json.loads(folder[name])

        def changed(kind: str, change: Callable[[dict[str, Any]], None], tree: dict[str, Any] = tree, name: str = name) -> tuple[str, Folder]:
            other = copy.deepcopy(tree)
            change(other)
            return kind, {name: _json(other)}

        yield changed("two things on one place", lambda t: t["qProperty"]["cells"][1].update(col=t["qProperty"]["cells"][0]["col"], row=t["qProperty"]["cells"][0]["row"]))
        yield changed("a thing off the grid", lambda t: t["qProperty"]["cells"][-1].update(col=20, colspan=9))
        yield changed("a cell of another type", lambda t: t["qProperty"]["cells"][0].update(type="kpi"))
        yield changed("a cell without its thing", lambda t: t["qChildren"].pop())
        yield changed("a thing without a cell", lambda t: t["qProperty"]["cells"].pop())
        yield changed("a sheet without rows", lambda t: t["qProperty"].pop("rows"))
        for number, child in enumerate(tree["qChildren"]):
            kind = child["qProperty"]["visualization"]

            def of(change: Callable[[dict[str, Any]], Any], what: str, number: int = number) -> tuple[str, Folder]:
                return changed(what, lambda t: change(t["qChildren"][number]["qProperty"]) and None)

            yield of(lambda p: p.update(title=""), "a thing without a title")
            yield of(lambda p: p.update(visualization="pivot"), "shown as something else")
            yield of(lambda p: p.update(qShowAll=True), "a property that is not the engine's")
            yield of(lambda p: p.update(snapshot={}), "a property that no client writes")
            if kind == "table":
                yield of(lambda p: p["totals"].update(show=True), "a row of totals")
                yield of(lambda p: p["qHyperCubeDef"].update(qMode="straight"), "a mode of no hypercube")
                yield of(lambda p: p["qHyperCubeDef"].update(qInterColumnSortOrder=[0, 1, 2]), "columns sorted by that are not there") if len(
                    child["qProperty"]["qHyperCubeDef"]["qInterColumnSortOrder"]
                ) != 3 else of(lambda p: p["qHyperCubeDef"].update(qInterColumnSortOrder=[0]), "columns sorted by that are not there")
                yield of(lambda p: p["qHyperCubeDef"]["qMeasures"][0].update(qLibraryId="nowhere"), "a master item that is not there")
                yield of(lambda p: p["qHyperCubeDef"]["qInitialDataFetch"][0].update(qHeight=20_000), "too many cells at once")
                yield of(lambda p: p["qHyperCubeDef"].update(qSuppressMissing="yes"), "a flag that is text")
            if kind == "map":
                yield of(lambda p: p["mapSettings"].update(baseMap="default"), "a base map from outside")
                yield of(lambda p: p["gaLayers"][-1]["qHyperCubeDef"]["qDimensions"][0].pop("qAttributeExpressions"), "an area without an outline")
                yield of(lambda p: p["gaLayers"][-1]["qHyperCubeDef"]["qDimensions"][0]["qAttributeExpressions"][0].update(qExpression="shape"), "an outline of no field")
                yield of(lambda p: p["gaLayers"][-1].update(type="HeatLayer"), "a layer that is not there")
                yield of(lambda p: p["gaLayers"][-1].update(maximum=5), "a property that the layer has not")
            if kind == "filterpane":
                yield changed("a list box of no dimension", lambda t, n=number: t["qChildren"][n]["qChildren"][0]["qProperty"]["qListObjectDef"].update(qLibraryId="nowhere"))
                yield changed("filters that are none", lambda t, n=number: t["qChildren"][n].update(qChildren=[]))


def _script(folder: Mapping[str, bytes]) -> Iterator[tuple[str, Folder]]:
    """Faults in each line of the script in turn."""
    lines = folder["script.qvs"].decode().split("\r\n")

    def text(changed: list[str]) -> Folder:
        return {"script.qvs": "\r\n".join(changed).encode()}

    for number, line in enumerate(lines[:-1]):
        before, after = lines[:number], lines[number + 1 :]
        yield "a line of the script is gone", text([*before, *after])
        if line.endswith(";"):
            yield "a semicolon is missing", text([*before, line.removesuffix(";"), *after])
        if line.startswith("LOAD"):
            yield "LOAD *", text([*before, re.sub(r"LOAD .* FROM", "LOAD * FROM", line), *after])
            yield "a join", text([*before, f"LEFT JOIN {line}", *after])
            yield "a field is not loaded", text([*before, re.sub(r"LOAD \w+(\(.*?\))*( AS \w+)?, ", "LOAD ", line, count=1), *after])
            yield "a field twice", text([*before, re.sub(r"LOAD (\w+), ", r"LOAD \1, \1, ", line), *after]) if re.match(r"LOAD \w+, ", line) else text([*before, f"{line} //", *after])
            yield "another file", text([*before, line.replace(".qvd]", "s.qvd]").replace(".csv]", "s.csv]"), *after])
            yield "a library that is not the app's", text([*before, line.replace("lib://harmcast", "lib://other"), *after])
            yield "the time of day", text([*before, line.replace(" FROM", ", Now() AS loaded FROM", 1), *after])
        if "Date#(" in line:
            yield "a date left as text", text([*before, re.sub(r"Date\(Date#\((\w+),'YYYY-MM-DD'\)\) AS \w+", r"\1 AS other", line, count=1), *after])
            yield "a date of another form", text([*before, line.replace("'YYYY-MM-DD'", "'DD/MM/YYYY'"), *after])
        if "Dual(" in line:
            yield "an order that is lost", text([*before, re.sub(r"Dual\((\w+),\w+\) AS \w+", r"\1", line, count=1), *after])
        if re.search(r"LOAD release_key|, release_key,", line):
            yield "a key made dual", text([*before, line.replace("release_key", "Dual(release_key,is_newest) AS release_key", 1), *after])
    if "Upper(UNIT)" in folder["script.qvs"].decode():
        yield "section access not raised", {"script.qvs": folder["script.qvs"].replace(b"Upper(UNIT) AS UNIT", b"UNIT")}


def _files(folder: Mapping[str, bytes]) -> Iterator[tuple[str, Folder]]:
    for name in folder:
        if name.endswith(".json"):
            yield "a file that is cut off", {name: folder[name][: len(folder[name]) // 2]}
    config = folder["config.yml"].decode()
    for line in config.splitlines():
        if not line.startswith("#"):
            yield "a line of config.yml is gone", {"config.yml": config.replace(f"{line}\n", "", 1).encode()}
    yield "a connection made by a build", {"config.yml": (config + "connections: connections.yml\n").encode()}
    yield "a file that no pattern finds", {"objects/page.json": b"{}"}


def _columns(columns: Mapping[str, list[str]]) -> Iterator[tuple[str, Columns]]:
    for table, names in columns.items():
        yield "a QVD lacks a field", {**columns, table: names[:-1]}
        yield "a QVD has a field more", {**columns, table: [*names, "more"]}
        yield "a table that is not there", {name: held for name, held in columns.items() if name != table}


def bad_models() -> dict[str, dict[str, list[str]]]:
    """Models that Qlik would link wrongly."""
    return {
        "a synthetic key": {"facts": ["area_key", "cell_key", "n"], "dim_cell": ["cell_key", "area_key"]},
        "a circle": {"facts": ["area_key", "release_key"], "areas": ["area_key", "release_key2_key"], "dim_release": ["release_key", "release_key2_key"]},
        "two facts by two keys": {"one": ["area_key", "x_key"], "two": ["x_key", "b_key"], "three": ["b_key", "area_key"]},
        "an island": {"facts": ["a_key"], "dim": ["a_key"], "other": ["n"]},
        "a field in two tables": {"facts": ["a_key", "name"], "dim": ["name"]},
    }
