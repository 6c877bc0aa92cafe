"""Property facts derived from Qlik's published specifications, for the checker: `python -m tests.publish.qlik.derive_facts SPEC MAP TABLE`.

SPEC is `schema/engine-rpc.json` of github.com/qlik-oss/enigma-go, MAP and TABLE `api-specifications/properties.json` of sn-map and
sn-table there. Kept are names, types and allowed values of the properties that an app can hold: facts, not the files.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SOURCES = {
    "engine": "github.com/qlik-oss/enigma-go 30b9e0d35526df270cbaeab12ce87729d5ec799b schema/engine-rpc.json, QIX 12.2528.0",
    "map": "github.com/qlik-oss/sn-map 1e80d8193b50b3e30a6ee9885e9a2c9ac753f421 api-specifications/properties.json, 0.9.2",
    "table": "github.com/qlik-oss/sn-table 9d65bfafa5d3ef0ff356b748a3c90a52806e82c0 api-specifications/properties.json, 2.9.1",
    "build": "github.com/qlik-oss/corectl 38cdf7a4ff697892f89ef12b95019eb5129d1286 internal/object.go, internal/variable.go: what a folder must hold",
}
ROOTS = (
    "GenericObjectProperties", "GenericMeasureProperties", "GenericDimensionProperties", "GenericVariableProperties", "NxAppProperties",
    "HyperCubeDef", "ListObjectDef", "ChildListDef", "StringExpression",
)  # fmt: skip


def _name(reference: str | None) -> str | None:
    return reference.rsplit("/", 1)[-1] if reference else None


def engine(spec: dict[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Types with their properties (kind, type of the value or of its items), and the values that enumerations allow."""
    schemas = spec["components"]["schemas"]
    types: dict[str, Any] = {}
    enums: dict[str, list[str]] = {}
    left = list(ROOTS)
    while left:
        name = left.pop()
        if name in types or name in enums:
            continue
        one = schemas[name]
        if "oneOf" in one:
            enums[name] = sorted({text for value in one["oneOf"] for text in (value["title"], value.get("description", ""))} - {""})
            continue
        types[name] = {}
        for prop, value in one.get("properties", {}).items():
            of = _name(value.get("$ref")) or _name(value.get("items", {}).get("$ref"))
            types[name][prop] = [value["type"], of or value.get("items", {}).get("type")]
            if of:
                left.append(of)
    return {name: types[name] for name in sorted(types)}, {name: enums[name] for name in sorted(enums)}


def main(spec: Path, map_: Path, table: Path) -> None:
    types, enums = engine(json.loads(spec.read_text()))
    drawn = json.loads(map_.read_text())
    layers = {name: sorted(drawn["definitions"][name]["entries"]) for name in ("AreaLayer", "GeodataLayer", "wms")}
    settings = sorted(drawn["entries"]["properties"]["entries"]["mapSettings"]["entries"])
    listed = json.loads(table.read_text())["entries"]["properties"]["entries"]
    found = {
        "sources": SOURCES,
        "types": types,
        "enums": enums,
        "map": {"layers": layers, "settings": settings},
        "table": {"properties": sorted(listed), "totals": sorted(listed["totals"]["entries"])},
    }
    (Path(__file__).parent / "facts.json").write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(*(Path(text) for text in sys.argv[1:4]))
