"""A release: the files of one week, made from tables alone, the same bytes from the same tables.

Nothing here opens a file: `store` keeps what is returned, beside, synced, then named in the ledger.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

import harmcast
from harmcast import tables
from harmcast.documents.manifest import FileSays, ReleaseManifest
from harmcast.documents.places_model import PlacesModel
from harmcast.publish.spreadsheet import neutral

NOTICE = "Decision support. A person decides. Not evidence. Not grounds for a stop, search or arrest."


@dataclass(frozen=True)
class UnitShape:
    """Where a places tool's units lie: rings in the force's metres and in WGS84, by cell.

    Attributes:
        crs: the projected system, e.g. EPSG:27700.
        side_m: side of square cells, m; null for a layer of polygons.
        outline, areas: rings (easting_m, northing_m), for drawing.
        cells_wgs84: cell -> rings (longitude, latitude), for the GeoJSON file.
        cells_m: cell -> rings in metres; empty for squares, whose corners follow from the centre and the side.
    """

    crs: str
    side_m: float | None
    outline: list[list[list[float]]]
    areas: dict[str, list[list[list[float]]]]
    cells_wgs84: dict[str, list[list[list[float]]]]
    cells_m: dict[str, list[list[list[float]]]] = field(default_factory=dict)


@dataclass(frozen=True)
class PlacesPart:
    """One places tool's share of a release: tables.FORECAST, tables.FORECAST_AREAS, the shape and the model's record."""

    name: str
    cells: pl.DataFrame
    areas: pl.DataFrame
    shape: UnitShape
    model: PlacesModel


def parquet(frame: pl.DataFrame) -> bytes:
    """The frame as Parquet, in groups of `tables.GROUP_ROWS`; the same bytes from the same frame, however it lies in memory."""
    out = io.BytesIO()
    frame.rechunk().write_parquet(out, compression="zstd", statistics=True, row_group_size=tables.GROUP_ROWS)
    return out.getvalue()


def csv(frame: pl.DataFrame) -> bytes:
    """The frame as CSV for people: six decimals at most, text that a spreadsheet cannot take for a formula."""
    rounded = frame.with_columns(pl.col(pl.Float64).round(6), *[neutral(c) for c, t in frame.schema.items() if t == pl.String])
    return rounded.write_csv().encode()


def document(value: Any) -> bytes:
    """JSON with sorted keys, readable, ending in a newline."""
    return (json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, default=str) + "\n").encode()


def geojson(part: PlacesPart) -> bytes:
    """The cells as GeoJSON (RFC 7946: WGS84, longitude first), the forecast's columns as properties."""
    features = []
    for row in part.cells.with_columns(pl.col(pl.Float64).round(6), pl.col(pl.Date).cast(pl.String)).iter_rows(named=True):
        rings = part.shape.cells_wgs84.get(row["cell"])
        if rings is None:
            continue
        features.append({"type": "Feature", "id": row["cell"], "geometry": {"type": "Polygon", "coordinates": rings}, "properties": row})
    collection = {"type": "FeatureCollection", "notice": NOTICE, "features": features}
    return (json.dumps(collection, sort_keys=True, separators=(",", ":")) + "\n").encode()


def map_document(part: PlacesPart) -> bytes:
    """What the map draws: outline, areas and, for layers, the units, in the force's metres."""
    shape = part.shape
    return (
        json.dumps(
            {"crs": shape.crs, "side_m": shape.side_m, "outline": shape.outline, "areas": shape.areas, "cells": shape.cells_m},
            sort_keys=True,
            separators=(",", ":"),
        )
        + "\n"
    ).encode()


def places_files(part: PlacesPart, weeks: pl.DataFrame) -> dict[str, bytes]:
    """Every file of one places tool; `weeks` is what was recorded before (tables.FORECAST_WEEKS)."""
    return {
        f"{part.name}_weeks.parquet": parquet(weeks),
        f"{part.name}.parquet": parquet(part.cells),
        f"{part.name}.csv": csv(part.cells),
        f"{part.name}.geojson": geojson(part),
        f"{part.name}_areas.parquet": parquet(part.areas),
        f"{part.name}_map.json": map_document(part),
        f"{part.name}_model.json": document(dict(part.model)),
    }


def read_model(content: bytes) -> PlacesModel:
    """A model's record as `places_files` wrote it."""
    found: PlacesModel = json.loads(content)
    return found


def dictionary(specs: Sequence[tables.Table] = tables.PUBLISHED) -> bytes:
    """What every column of the release means: type, unit, sensitivity, and what null says."""
    return document(
        {
            spec.name: {
                "says": spec.says,
                "key": list(spec.key),
                "columns": {
                    c.name: {"kind": c.kind, "unit": c.unit, "says": c.says, "sensitivity": c.sensitivity, **({"values": list(c.closed)} if c.closed else {})}
                    for c in spec.columns
                },
            }
            for spec in specs
        }
    )


@lru_cache(maxsize=1)
def code_version() -> str:
    """The version with the first 12 digits of the SHA-256 of the package's own source files."""
    digest = hashlib.sha256()
    root = Path(harmcast.__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{harmcast.__version__}+{digest.hexdigest()[:12]}"


def with_manifest(files: Mapping[str, bytes], about: ReleaseManifest) -> dict[str, bytes]:
    """The files and their `manifest.json`: SHA-256 and length of each, and `about` (week, origin, data hash, models, ...)."""
    listed: dict[str, FileSays] = {name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)} for name, content in sorted(files.items())}
    manifest: ReleaseManifest = {**about, "notice": NOTICE, "code_version": code_version(), "files": listed}
    return {**files, "manifest.json": document(manifest)}
