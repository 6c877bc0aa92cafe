"""A release as a data package (Frictionless, v2): for every table its path, its columns, what each means; and the rows' JSON Schema.

Hashes and lengths stay in `manifest.json` alone, which an erasure writes again with the tables.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import polars as pl

from harmcast import tables
from harmcast.documents.plain import PlainRecord
from harmcast.publish.release_files import NOTICE, document

NAME = "datapackage.json"
PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
_FIELD_TYPES = {"text": "string", "code": "string", "date": "date", "datetime": "datetime", "number": "number", "share": "number", "whole": "integer", "flag": "boolean"}
_JSON_TYPES = {"date": "string", "datetime": "string"}


def descriptor(files: Mapping[str, bytes], week: str) -> bytes:
    """The descriptor of a release's Parquet files; the same bytes from the same tables' columns."""
    resources = []
    for name in sorted(name for name in files if name.endswith(".parquet")):
        schema = pl.read_parquet_schema(io.BytesIO(files[name]))
        spec = _spec_of(name.removesuffix(".parquet").rsplit("/", 1)[-1], set(schema))
        known = {column.name: column for column in spec.columns} if spec else {}
        fields = [_field(column, kind, known.get(column)) for column, kind in schema.items()]
        key = {"primaryKey": list(spec.key)} if spec and spec.key else {}
        resources.append(
            {
                "name": name.removesuffix(".parquet").replace("/", "-").replace("_", "-").lower(),
                "path": name,
                "format": "parquet",
                "mediatype": "application/vnd.apache.parquet",
                **({"description": spec.says} if spec else {}),
                "schema": {"fields": fields, **key},
            }
        )
    return document({"$schema": PROFILE, "name": week.lower(), "title": f"Release {week}", "description": NOTICE, "resources": resources})


def row_schemas() -> bytes:
    """JSON Schema of a row of each published table, as JSON would hold it."""
    return document({"$schema": DRAFT, "title": "Rows of a release's tables", "description": NOTICE, "$defs": {spec.name: row_schema(spec) for spec in tables.PUBLISHED}})


def row_schema(spec: tables.Table) -> PlainRecord:
    """JSON Schema of a row of one table; columns that it does not name may be there."""
    properties = {}
    for column in spec.columns:
        kind = _FIELD_TYPES[column.kind]
        name = _JSON_TYPES.get(kind, kind)
        one: PlainRecord = {"type": name if column.required else [name, "null"], "description": f"{column.says}{f' ({column.unit})' if column.unit else ''}"}
        if kind in _JSON_TYPES:
            one["format"] = kind.replace("datetime", "date-time")
        if column.kind == "share":
            one |= {"minimum": 0, "maximum": 1}
        if column.closed:
            one["enum"] = [*column.closed, *([] if column.required else [None])]
        properties[column.name] = one
    return {"type": "object", "description": spec.says, "properties": properties, "required": [c.name for c in spec.columns if c.required]}


def _spec_of(name: str, columns: set[str]) -> tables.Table | None:
    """The table that a file holds: the one whose required columns it has, by the most columns known."""
    fits = [spec for spec in tables.PUBLISHED if {c.name for c in spec.columns if c.required} <= columns and set(spec.key) <= columns]
    return max(fits, key=lambda spec: len(set(spec.names) & columns), default=None)


def _field(name: str, kind: pl.DataType, column: tables.Column | None) -> PlainRecord:
    if column is None:
        plain = "integer" if kind.is_integer() else "number" if kind.is_float() else "boolean" if kind == pl.Boolean else "date" if kind == pl.Date else "datetime" if kind == pl.Datetime else "string"
        return {"name": name, "type": plain}
    constraints: PlainRecord = {**({"required": True} if column.required else {}), **({"enum": list(column.closed)} if column.closed else {})}
    found: PlainRecord = {"name": name, "type": _FIELD_TYPES[column.kind], "description": column.says}
    return {**found, **({"unit": column.unit} if column.unit else {}), **({"constraints": constraints} if constraints else {})}
