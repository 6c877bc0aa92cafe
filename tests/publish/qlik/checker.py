"""Is a folder for `qlik app build` what Qlik's specification, its own script and its tables say? Faults as sentences.

Shares nothing with the code that writes the folder but the tables' column names, read from the QVDs.
"""

from __future__ import annotations

import fnmatch
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.publish.qlik import expressions
from tests.publish.qlik.expressions import Agg, Call, FieldName

FACTS = json.loads((Path(__file__).parent / "facts.json").read_text())
DYNAMIC = {"qHyperCubeDef": "HyperCubeDef", "qListObjectDef": "ListObjectDef", "qChildListDef": "ChildListDef", "qStringExpression": "StringExpression"}
KINDS = {"string": str, "boolean": bool, "integer": int, "array": list, "object": dict, "number": (int, float)}
# What only clients write: not in the engine's specification. `id` is sn-map's, `tags` the client's own in a master item's meta.
OF_CLIENTS = {"NxAttrExprDef": {"id"}, "NxMetaDef": {"title", "description", "tags"}, "NxAppProperties": {"description"}}
SHEET = {"rank", "columns", "rows", "cells"}
VISUAL = {"visualization", "showTitles", "title", "subtitle", "footnote"}
OWN = {"table": {"totals"}, "map": {"gaLayers", "mapSettings"}, "filterpane": set(), "barchart": set(), "linechart": set(), "listbox": set()}
LINKED = re.compile(r"(_key|^tool)$")
ONCE = re.compile(r"^(lower|upper|chance_\w+|harm|list_group|baseline_weeks_seen_\w+|audit_(value|low|high|gap))$")
ISLANDS = re.compile(r"^about")
HEAD = ["// Decision support. A person decides. Not evidence. Not grounds for a stop, search or arrest.", "SET ErrorMode=1;", "SET DateFormat='YYYY-MM-DD';"]
ACCESS = [
    "Section Access;",
    "LOAD Upper(ACCESS) AS ACCESS, Upper(USERID) AS USERID, Upper(UNIT) AS UNIT FROM [lib://harmcast_access/section_access.csv] (txt, utf8, embedded labels, delimiter is ',');",
    "Section Application;",
]
ITEM = re.compile(r"([A-Za-z_]\w*)|Date\(Date#\(([a-z_]\w*),'YYYY-MM-DD'\)\) AS (\2)|Dual\(([a-z_]\w*),([a-z_]\w*)\) AS (\4)")
LOAD = re.compile(r"LOAD (?P<items>.+) FROM \[lib://harmcast/(?P<app>\w+)/\$\(vVersion\)/(?P<table>\w+)\.qvd\] \(qvd\);")
Folder = Mapping[str, bytes]
Columns = Mapping[str, Sequence[str]]


def faults(app: str, folder: Folder, columns: Columns, values: Mapping[str, set[str]]) -> list[str]:
    """Every fault found.

    Args:
        folder: file -> content of the app.
        columns: table -> fields of its QVD.
        values: field -> every value it has, of fields whose values measures name (grain, tool, ...).
    """
    found = list(_config(folder))
    documents: dict[str, Any] = {}
    for name, content in folder.items():
        if name.endswith(".json"):
            try:
                documents[name] = json.loads(content)
            except ValueError:
                found.append(f"{name}: not JSON")
    if missing := {"app-properties.json", "dimensions.json", "measures.json", "variables.json"} - documents.keys():
        return [*found, f"missing: {sorted(missing)}"]
    loaded, of_script = script(app, folder.get("script.qvs", b"").decode(), columns)
    found += of_script
    found += model(loaded)
    fields = {field for names in loaded.values() for field in names}
    found += _typed("app-properties", documents["app-properties.json"], "NxAppProperties")
    ids: list[str] = []
    names = {str(one.get("qName")) for one in documents["variables.json"]}
    for kind, root in (("dimensions", "GenericDimensionProperties"), ("measures", "GenericMeasureProperties"), ("variables", "GenericVariableProperties")):
        for one in documents[f"{kind}.json"]:
            where = f"{kind} {one.get('qMetaDef', {}).get('title')} {one.get('qMetaDef', {}).get('tags')}"
            found += _typed(where, one, root)
            found += _info(where, one, kind.removesuffix("s"), ids)
            if not str(one.get("qMetaDef", {}).get("description") or "").strip() or not str(one.get("qMetaDef", {}).get("title") or "").strip():
                found.append(f"{where}: no title or sentence")
    for one in documents["variables.json"]:
        found += expression(app, f"variable {one.get('qName')}", str(one.get("qDefinition", "")), fields, names, values, guarded=False)
    chosen = set()
    for one in documents["dimensions.json"]:
        defs = one.get("qDim", {}).get("qFieldDefs", [])
        chosen |= set(defs)
        found += [f"dimension {field}: no such field" for field in defs if field not in fields] + ([] if len(defs) == 1 else ["dimension: not one field"])
    for one in documents["measures.json"]:
        tags = one.get("qMetaDef", {}).get("tags", [])
        found += expression(app, f"measure {tags}", str(one.get("qMeasure", {}).get("qDef", "")), fields, names, values, guarded=True, chosen=chosen)
    library = {k: {str(one.get("qInfo", {}).get("qId")) for one in documents[f"{k}.json"]} for k in ("dimensions", "measures")}
    used: dict[str, set[str]] = {"dimensions": set(), "measures": set()}
    sheets = [name for name in documents if name.startswith("objects/")]
    if not sheets:
        found.append("no sheet")
    for name in sheets:
        found += _sheet(app, name, documents[name], ids, library, used, fields, names, values)
    found += [f"{kind}: never shown: {sorted(left)[:3]}" for kind in used if (left := library[kind] - used[kind])]
    found += [f"id twice: {one}" for one in {one for one in ids if ids.count(one) > 1}]
    return found


# -- the folder ----------------------------------------------------------------------------------------


def _config(folder: Folder) -> Iterator[str]:
    """`config.yml` by the few forms it has; every pattern finds a file and every file is found; no connection is made by a build."""
    wanted = {"script", "app-properties", "dimensions", "measures", "variables", "objects"}
    named: dict[str, list[str]] = {}
    last = ""
    for line in folder.get("config.yml", b"").decode().splitlines():
        if not line or line.startswith("#"):
            continue
        if match := re.fullmatch(r"([a-z-]+):(?: (\S+))?", line):
            last = match[1]
            named[last] = [match[2]] if match[2] else []
        elif (match := re.fullmatch(r"  - (\S+)", line)) and last:
            named[last].append(match[1])
        else:
            yield f"config.yml: unreadable: {line}"
    if named.keys() != wanted:
        yield f"config.yml: holds {sorted(named)}"
    patterns = [pattern for group in named.values() for pattern in group]
    for pattern in patterns:
        if not fnmatch.filter(folder, pattern):
            yield f"config.yml: {pattern} finds nothing"
    for name in folder:
        if name not in ("config.yml", "connections.example.yml") and not any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
            yield f"{name}: named by nothing in config.yml"


# -- the script ----------------------------------------------------------------------------------------


def script(app: str, text: str, columns: Columns) -> tuple[dict[str, list[str]], list[str]]:
    """What the script loads, table by table, and where it leaves its closed form."""
    lines = text.split("\r\n")
    found: list[str] = []
    wanted = [*HEAD, f"$(Must_Include=[lib://harmcast/{app}/latest.qvs])", *(ACCESS if app == "people" else [])]
    if lines[: len(wanted)] != wanted:
        found.append("script: its head is another")
    if lines[-1:] != [""]:
        found.append("script: its last line does not end")
    loaded: dict[str, list[str]] = {}
    body = lines[len(wanted) : -1]
    for label, line in itertools.zip_longest(body[::2], body[1::2], fillvalue=""):
        match, name = LOAD.fullmatch(line), label.removesuffix(":")
        if match is None or match["table"] != name or match["app"] != app or label != f"{name}:":
            found.append(f"script: not of the form: {label} {line[:60]}")
            continue
        items = re.findall(r"(?:[^,(]|\([^()]*(?:\([^()]*\)[^()]*)*\))+", match["items"])
        read, hidden = [], set()
        for item in items:
            one = ITEM.fullmatch(item.strip())
            if one is None:
                found.append(f"script: {name}: not a field: {item.strip()}")
                continue
            field = one[1] or one[3] or one[6]
            if field != field.lower() and field != "UNIT":
                found.append(f"script: {name}: {field} is not in lower case")
            if one[4] and LINKED.search(one[4]):
                found.append(f"script: {name}: {field} is a key made dual")
            hidden |= {one[5]} if one[5] else set()
            read.append(field)
        if name in loaded:
            found.append(f"script: {name} twice")
        if len(read) != len(set(read)):
            found.append(f"script: {name}: a field twice")
        loaded[name] = read
        if set(read) | hidden != set(columns.get(name, ())):
            found.append(f"script: {name}: its QVD has other fields")
    if set(loaded) != set(columns):
        found.append("script: it loads other tables than there are")
    return loaded, found


def model(loaded: Mapping[str, Sequence[str]]) -> list[str]:
    """Synthetic keys, circles, islands and fields that stand in two tables without being keys."""
    found = []
    edges = []
    for (one, left), (other, right) in itertools.combinations(loaded.items(), 2):
        shared = set(left) & set(right)
        if len(shared) > 1:
            found.append(f"model: {one} and {other} share {sorted(shared)}: a synthetic key")
        found += [f"model: {field} stands in {one} and {other}" for field in shared if not LINKED.search(field)]
        if shared:
            edges.append((one, other, next(iter(shared))))
    # tables and the fields that link them, as a graph: a circle is an edge more than a forest has
    nodes = {*loaded, *(f"field {key}" for *_, key in edges)}
    links = {(table, f"field {key}") for one, other, key in edges for table in (one, other)}
    parent = {node: node for node in nodes}

    def root(node: str) -> str:
        while parent[node] != node:
            node = parent[node]
        return node

    for table, key in sorted(links):
        a, b = root(table), root(key)
        if a == b:
            found.append(f"model: a circle through {table} and {key}")
        parent[a] = b
    groups: dict[str, list[str]] = {}
    for table in loaded:
        groups.setdefault(root(table), []).append(table)
    biggest = max(groups.values(), key=len, default=[])
    for group in groups.values():
        known = group == biggest or set(group) == {"deliveries", "rules"} or (len(group) == 1 and ISLANDS.match(group[0]))
        if not known:
            found.append(f"model: an island: {group}")
    return found


# -- expressions ---------------------------------------------------------------------------------------


def expression(
    app: str, where: str, text: str, fields: set[str], variables: set[str], values: Mapping[str, set[str]], *, guarded: bool, chosen: set[str] | None = None
) -> list[str]:
    """Where an expression cannot be read, names what is not there, adds what may not be added, or is moved by a choice it should not be."""
    try:
        node = expressions.read(text)
    except expressions.Unreadable as error:
        return [f"{where}: unreadable: {error}"]
    found = []
    for part in expressions.parts(node):
        if isinstance(part, Call):
            found += [f"{where}: no field {arg.name}" for arg in part.args if isinstance(arg, FieldName) and arg.name not in fields]
        if isinstance(part, Agg):
            found += _aggregation(app, where, part, fields, variables, values)
    if guarded:
        found += _guards(app, where, expressions.aggregations(node), chosen or set())
    return found


def _aggregation(app: str, where: str, one: Agg, fields: set[str], variables: set[str], values: Mapping[str, set[str]]) -> Iterator[str]:
    if one.field not in fields:
        yield f"{where}: no field {one.field}"
    if ONCE.match(one.field) and one.name not in ("Only", "Count"):
        yield f"{where}: {one.name} of {one.field}, which may not be added up"
    for field, named in one.rows.changes:
        if field not in fields:
            yield f"{where}: no field {field} in its set"
        for value in named or ():
            inner = re.fullmatch(r"\$\(=(\w+)\)", value)
            if inner and inner[1] not in variables:
                yield f"{where}: no variable {inner[1]}"
            if not inner and field in values and value not in values[field]:
                yield f"{where}: {field} is never {value}"


NARROWED = {
    "cell": {"area", "cell"}, "area": {"area"}, "force": set(), "recorded": {"area", "cell", "recorded_week"},
    "score": {"UNIT", "band", "chance_band", "list_part", "person_key"}, "decision": {"UNIT", "person_key"},
    "release": {"tool_title", "score_name", "score_origin"}, "pooled": {"tool_title", "score_name"},
}  # fmt: skip
KEYS_TOO = {"area": "area_key", "cell": "cell_key"}


def _guards(app: str, where: str, made: list[Agg], chosen: set[str]) -> Iterator[str]:
    """Rows of one grain, of one tool and release; whatever else people can choose is cleared."""
    if app not in ("areas", "people"):
        return
    for one in made:
        if one.rows.from_all:
            continue
        changes = dict(one.rows.changes)
        grain = (changes.get("grain") or ("",))[0]
        if grain not in NARROWED:
            yield f"{where}: names no grain"
            continue
        if app == "areas" and not changes.get("tool"):
            yield f"{where}: names no tool"
        if grain in ("cell", "area", "force", "score") and not re.fullmatch(r"\$\(=vRelease\w*\)", (changes.get("release_key") or ("",))[0]):
            yield f"{where}: names no release"
        cleared = {field for field, named in one.rows.changes if named is None}
        for field in sorted(chosen - NARROWED[grain]):
            if field not in cleared:
                yield f"{where}: a choice of {field} would move it"
            if field in KEYS_TOO and KEYS_TOO[field] not in cleared:
                yield f"{where}: a choice of {KEYS_TOO[field]} would move it"
        if narrowing := cleared & NARROWED[grain]:
            yield f"{where}: does not follow a choice of {sorted(narrowing)}"


# -- properties ----------------------------------------------------------------------------------------


def _typed(where: str, value: Any, name: str) -> list[str]:
    """Where a value is not what the specification says of a type."""
    if name in FACTS["enums"]:
        return [] if value in FACTS["enums"][name] else [f"{where}: {value} is no {name}"]
    if name not in FACTS["types"]:
        return []
    if not isinstance(value, dict):
        return [f"{where}: not a {name}"]
    found, props = [], FACTS["types"][name]
    for key, inner in value.items():
        if key in OF_CLIENTS.get(name, ()) or (name == "GenericObjectProperties" and (key in DYNAMIC or not key.startswith("q"))):
            continue
        if key not in props:
            if props or key.startswith("q"):
                found.append(f"{where}: {name} has no {key}")
            continue
        kind, of = props[key]
        if kind == "string" and of in FACTS["enums"]:
            found += _typed(f"{where}.{key}", inner, of)
        elif not isinstance(inner, KINDS[kind]) or (kind == "integer" and isinstance(inner, bool)):
            found.append(f"{where}.{key}: not {kind}")
        elif kind == "array":
            for item in inner:
                found += _typed(f"{where}.{key}", item, of) if of in FACTS["types"] or of in FACTS["enums"] else []
                if of in KINDS and not isinstance(item, KINDS[of]):
                    found.append(f"{where}.{key}: an item is not {of}")
        elif of in FACTS["types"]:
            found += _typed(f"{where}.{key}", inner, of)
    return found


def _info(where: str, one: Mapping[str, Any], kind: str, ids: list[str]) -> Iterator[str]:
    info = one.get("qInfo", {})
    ids.append(str(info.get("qId")))
    if info.get("qType") != kind:
        yield f"{where}: not a {kind}"
    try:
        if UUID(str(info.get("qId"))).version != 5:
            yield f"{where}: its id does not follow from its name"
    except ValueError:
        yield f"{where}: no id"


def _sheet(app: str, name: str, tree: Any, ids: list[str], library: Mapping[str, set[str]], used: dict[str, set[str]], fields: set[str], variables: set[str], values: Mapping[str, set[str]]) -> list[str]:
    top = tree.get("qProperty", {})
    found = [*_typed(name, top, "GenericObjectProperties"), *_info(name, top, "sheet", ids)]
    found += [f"{name}: no property {key}" for key in SHEET - top.keys()]
    found += [f"{name}: what is {key}?" for key in top.keys() - SHEET - {"qInfo", "qMetaDef", "qChildListDef"}]
    found += _grid(name, top)
    cells = {str(cell.get("name")): cell for cell in top.get("cells", [])}
    children = {str(one.get("qProperty", {}).get("qInfo", {}).get("qId")): one for one in tree.get("qChildren", [])}
    if cells.keys() != children.keys():
        found.append(f"{name}: cells and children are not the same")
    for key, one in children.items():
        kind = str(one["qProperty"].get("qInfo", {}).get("qType"))
        if key in cells and cells[key].get("type") != kind:
            found.append(f"{name}: a cell is of another type")
        found += _visual(app, f"{name} {kind}", one, kind, ids, library, used, fields, variables, values)
    return found


def _grid(name: str, top: Mapping[str, Any]) -> Iterator[str]:
    taken: set[tuple[int, int]] = set()
    for cell in top.get("cells", []):
        place = [cell.get(key) for key in ("col", "row", "colspan", "rowspan")]
        if not all(isinstance(n, int) and n >= 0 for n in place) or place[2] < 1 or place[3] < 1:
            yield f"{name}: a cell without a place"
            continue
        col, row, wide, high = place
        if col + wide > top.get("columns", 0) or row + high > top.get("rows", 0):
            yield f"{name}: a cell off the grid"
        here = {(x, y) for x in range(col, col + wide) for y in range(row, row + high)}
        if here & taken:
            yield f"{name}: two cells on one place"
        taken |= here


def _visual(app: str, where: str, tree: Any, kind: str, ids: list[str], library: Mapping[str, set[str]], used: dict[str, set[str]], fields: set[str], variables: set[str], values: Mapping[str, set[str]]) -> list[str]:
    top = tree["qProperty"]
    found = [*_typed(where, top, "GenericObjectProperties"), *_info(where, top, kind, ids)]
    if kind not in OWN:
        return [*found, f"{where}: not a kind used"]
    if top.get("visualization") != kind:
        found.append(f"{where}: shown as something else")
    known = VISUAL | OWN[kind] | {"qInfo", "qMetaDef", *DYNAMIC}
    found += [f"{where}: what is {key}?" for key in top.keys() - known]
    title = top.get("title")
    if isinstance(title, dict):
        found += _typed(f"{where} title", title.get("qStringExpression"), "StringExpression")
        found += expression(app, f"{where} title", str(title.get("qStringExpression", {}).get("qExpr", "")), fields, variables, values, guarded=False)
    elif not str(title or "").strip():
        found.append(f"{where}: no title")
    for key, name in DYNAMIC.items():
        if key in top:
            found += _typed(f"{where}.{key}", top[key], name)
    cubes = [top["qHyperCubeDef"]] if "qHyperCubeDef" in top else []
    if kind in ("table", "barchart", "linechart") and not cubes:
        found.append(f"{where}: shows nothing")
    if kind == "table":
        found += [f"{where}: totals have no {key}" for key in top.get("totals", {}).keys() - set(FACTS["table"]["totals"])]
        if top.get("totals") != {"show": False, "position": "noTotals", "label": "Totals"}:
            found.append(f"{where}: a row of totals adds up what may not be")
    if kind == "map":
        for layer in top.get("gaLayers", []):
            found += _layer(where, layer, fields)
            cubes += [layer["qHyperCubeDef"]] if "qHyperCubeDef" in layer else []
        found += [f"{where}: mapSettings has no {key}" for key in top.get("mapSettings", {}).keys() - set(FACTS["map"]["settings"])]
        if top.get("mapSettings", {}).get("baseMap") != "none":
            found.append(f"{where}: a base map from outside")
    for one in cubes:
        found += _cube(where, one, library, used)
    if kind == "filterpane" and not tree.get("qChildren"):
        found.append(f"{where}: filters nothing")
    for child in tree.get("qChildren", []):
        found += _visual(app, f"{where} child", child, "listbox", ids, library, used, fields, variables, values)
    if kind == "listbox":
        found += _library(where, top.get("qListObjectDef", {}).get("qLibraryId"), "dimensions", library, used)
    return found


def _layer(where: str, layer: Mapping[str, Any], fields: set[str]) -> Iterator[str]:
    kind = str(layer.get("type"))
    if kind not in FACTS["map"]["layers"]:
        yield f"{where}: no layer {kind}"
        return
    for key in layer.keys() - set(FACTS["map"]["layers"][kind]):
        yield f"{where}: {kind} has no {key}"
    if kind == "GeodataLayer":
        for key in layer.get("wms", {}).keys() - set(FACTS["map"]["layers"]["wms"]):
            yield f"{where}: wms has no {key}"
        return
    drawn = [one for dim in layer.get("qHyperCubeDef", {}).get("qDimensions", []) for one in dim.get("qAttributeExpressions", [])]
    if [one.get("id") for one in drawn] != ["locationOrLatitude"]:
        yield f"{where}: a layer without an outline goes to a place-name service"
    for one in drawn:
        if one.get("qExpression") not in fields:
            yield f"{where}: no field {one.get('qExpression')}"


def _cube(where: str, one: Mapping[str, Any], library: Mapping[str, set[str]], used: dict[str, set[str]]) -> list[str]:
    found = _typed(f"{where} cube", one, "HyperCubeDef")
    dimensions, made = one.get("qDimensions", []), one.get("qMeasures", [])
    for dim in dimensions:
        found += _library(where, dim.get("qLibraryId"), "dimensions", library, used)
    for measure in made:
        found += _library(where, measure.get("qLibraryId"), "measures", library, used)
    if sorted(one.get("qInterColumnSortOrder", [])) != list(range(len(dimensions) + len(made))):
        found.append(f"{where}: sorts by columns that are not there")
    for page in one.get("qInitialDataFetch", []):
        if page.get("qWidth", 0) * page.get("qHeight", 0) > 10_000:
            found.append(f"{where}: fetches more than 10,000 cells at once")
    return found


def _library(where: str, one: Any, kind: str, library: Mapping[str, set[str]], used: dict[str, set[str]]) -> list[str]:
    used[kind].add(str(one))
    return [] if one in library[kind] else [f"{where}: no such master item in {kind}"]

