"""Places, streets, stations and postcodes of OS Open Names: CSV of 34 columns without a header, a file a 20 km square."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harmcast.errors import Fault, SettingsRefused
from harmcast.ground import grid_reference
from harmcast.ground.kinds import POSTCODE, SETTLEMENTS, STATION, STREET

COLUMNS = (
    "ID", "NAMES_URI", "NAME1", "NAME1_LANG", "NAME2", "NAME2_LANG", "TYPE", "LOCAL_TYPE", "GEOMETRY_X",
    "GEOMETRY_Y", "MOST_DETAIL_VIEW_RES", "LEAST_DETAIL_VIEW_RES", "MBR_XMIN", "MBR_YMIN", "MBR_XMAX", "MBR_YMAX",
    "POSTCODE_DISTRICT", "POSTCODE_DISTRICT_URI", "POPULATED_PLACE", "POPULATED_PLACE_URI", "POPULATED_PLACE_TYPE",
    "DISTRICT_BOROUGH", "DISTRICT_BOROUGH_URI", "DISTRICT_BOROUGH_TYPE", "COUNTY_UNITARY", "COUNTY_UNITARY_URI",
    "COUNTY_UNITARY_TYPE", "REGION", "REGION_URI", "COUNTRY", "COUNTRY_URI", "RELATED_SPATIAL_OBJECT",
    "SAME_AS_DBPEDIA", "SAME_AS_GEONAMES",
)  # fmt: skip
# Nothing else is read: a school, a hospital, a place of worship or a pub as the name of a cell would stain it.
_KEPT = {**{kind: kind for kind in SETTLEMENTS}, "Other Settlement": "Hamlet", STREET: STREET, "Section Of Named Road": STREET, STATION: STATION, POSTCODE: POSTCODE}
_SQUARE = re.compile(r"^[A-HJ-Z]{2}\d\d$")
_WAY_OUT = "Download OS Open Names as CSV, unpack it, and name its folder in [map] names."
_REACH_KM = 20_000.0


@dataclass(frozen=True)
class Place:
    """One name: what it is (a settlement's kind, STATION, STREET or POSTCODE), where, how far it reaches, and the place it is in.

    Attributes: `box`: west, south, east, north, m.
    """

    name: str
    kind: str
    easting_m: float
    northing_m: float
    box: tuple[float, float, float, float]
    populated_place: str

    @property
    def reach_m2(self) -> float:
        west, south, east, north = self.box
        return (east - west) * (north - south)


def read(folder: Path, near: Any, crs: str) -> list[Place]:
    """Names whose point lies in `near` (shapely, m), by kind and name. Raises SettingsRefused naming file and way out."""
    import shapely

    files = _files(folder, near.bounds, crs)
    found = [place for path in files for place in _of_file(path, near.bounds)]
    if not found:
        raise SettingsRefused(
            f"The folder of names {folder.name} holds no name near the force.", code="names_elsewhere", next_step=_WAY_OUT
        )
    inside = shapely.contains_xy(near, [p.easting_m for p in found], [p.northing_m for p in found])
    kept = {(p.kind, p.name, p.easting_m, p.northing_m): p for p, is_near in zip(found, inside, strict=True) if is_near}
    return [kept[key] for key in sorted(kept)]


def _files(folder: Path, bounds: tuple[float, float, float, float], crs: str) -> list[Path]:
    """The CSV files that may hold a name within the bounds: by the square that a file's name gives, else all of them."""
    data = next((p for p in (folder / "Data", folder / "DATA", folder / "data") if p.is_dir()), folder)
    files = sorted(p for p in data.glob("*") if p.suffix.lower() == ".csv") if data.is_dir() else []
    if not files:
        raise SettingsRefused(f"The folder of names {folder.name} holds no CSV file.", code="names_missing", next_step=_WAY_OUT)
    if crs.upper() != grid_reference.NATIONAL_GRID:
        return files
    return [path for path in files if not _SQUARE.match(path.stem.upper()) or _meets(path.stem, bounds)]


def _meets(name: str, bounds: tuple[float, float, float, float]) -> bool:
    """Whether a 20 km square such as SO84 meets the bounds: its figures are the even tens of kilometres of its corner."""
    square = grid_reference.square_of(name)
    if square is None:
        return True
    low_x, low_y = (int(v // _REACH_KM) * _REACH_KM for v in square[:2])
    return low_x <= bounds[2] and low_x + _REACH_KM >= bounds[0] and low_y <= bounds[3] and low_y + _REACH_KM >= bounds[1]


def _of_file(path: Path, bounds: tuple[float, float, float, float]) -> Iterator[Place]:
    import polars as pl

    try:
        frame = pl.read_csv(path, has_header=False, infer_schema=False, encoding="utf8")
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError):
        raise _bad(path, "names_unreadable", "is not a CSV file in UTF-8") from None
    if frame.width != len(COLUMNS):
        raise _bad(path, "names_columns", f"has {frame.width} columns instead of {len(COLUMNS)}")
    numbers = ("GEOMETRY_X", "GEOMETRY_Y", "MBR_XMIN", "MBR_YMIN", "MBR_XMAX", "MBR_YMAX")
    named = frame.rename(dict(zip(frame.columns, COLUMNS, strict=True))).filter(pl.col("LOCAL_TYPE").is_in(list(_KEPT)))
    named = named.with_columns(pl.col(numbers).cast(pl.Float64, strict=False))
    where = named.select(pl.col("GEOMETRY_X").is_null() | pl.col("GEOMETRY_Y").is_null()).to_series()
    if where.any():
        raise _bad(path, "names_coordinates", f"has {where.sum()} name(s) without coordinates that can be read")
    x, y = pl.col("GEOMETRY_X"), pl.col("GEOMETRY_Y")
    near = named.filter(x.is_between(bounds[0], bounds[2]), y.is_between(bounds[1], bounds[3]), pl.col("NAME1").is_not_null())
    wanted = ["NAME1", "LOCAL_TYPE", "GEOMETRY_X", "GEOMETRY_Y", "MBR_XMIN", "MBR_YMIN", "MBR_XMAX", "MBR_YMAX", "POPULATED_PLACE"]
    for name, kind, easting, northing, *box, populated in near.select(wanted).iter_rows():
        west, south, east, north = (easting, northing, easting, northing) if None in box else box
        yield Place(name.strip(), _KEPT[kind], easting, northing, (west, south, east, north), (populated or "").strip())


def _bad(path: Path, rule: str, what: str) -> SettingsRefused:
    return SettingsRefused(
        f"The file of names {path.name} {what}.", code=rule, faults=(Fault(rule, path.name),), next_step=_WAY_OUT
    )
