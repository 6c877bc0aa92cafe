from __future__ import annotations

import io
import json

import jsonschema
import polars as pl
import pytest

from harmcast import tables
from harmcast.publish import data_package
from harmcast.store.state import State

CELL = {
    "cell": "E400000N290000", "place": "Elmesk: Mill Lane", "area": None, "easting_m": 400500.0, "northing_m": 290500.0, "origin": "2026-11-16", "horizon_weeks": 4,
    "expected": 0.4, "lower": 0, "upper": 2, "range_level": 0.9, "chance_any": 0.3, "chance_top20": 0.1, "chance_top20_year": None, "list_group": 1, "dispersion": 0.2,
    "model": "dynamic_pool", "baseline_4w": 1.0, "baseline_last_year": None, "baseline_52w": 0.5, "baseline_24m": 0.5, "baseline_weeks_seen_4w": 4,
    "baseline_weeks_seen_last_year": 0, "baseline_weeks_seen_52w": 52, "baseline_weeks_seen_24m": 104,
}  # fmt: skip


def test_a_release_describes_every_table_it_holds_by_its_own_columns(own_weeks: State) -> None:
    release = own_weeks.releases.newest("knife_injury")
    assert release is not None
    package = json.loads(release.read("datapackage.json"))
    held = sorted(path.name for path in release.path.glob("*.parquet"))
    assert [one["path"] for one in package["resources"]] == held
    for one in package["resources"]:
        frame = pl.read_parquet(release.path / one["path"])
        assert [field["name"] for field in one["schema"]["fields"]] == frame.columns
        for key in one["schema"].get("primaryKey", []):
            assert key in frame.columns
    described = {one["path"]: one.get("description", "") for one in package["resources"]}
    assert described["knife_injury.parquet"].startswith("One places tool's release")
    assert described["iom.parquet"].startswith("The person tool's release")
    assert described["knife_injury_weeks.parquet"].startswith("What came")


def test_names_are_those_a_data_package_may_have(own_weeks: State) -> None:
    release = own_weeks.releases.newest("knife_injury")
    assert release is not None
    package = json.loads(release.read("datapackage.json"))
    names = [package["name"], *(one["name"] for one in package["resources"])]
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-._") for name in names)
    assert len(names) == len(set(names))
    kinds = {field["type"] for one in package["resources"] for field in one["schema"]["fields"]}
    assert kinds <= {"string", "number", "integer", "boolean", "date", "datetime"}


def test_rows_of_a_release_are_what_the_schema_says(own_weeks: State) -> None:
    release = own_weeks.releases.newest("knife_injury")
    assert release is not None
    schemas = json.loads(data_package.row_schemas())["$defs"]
    for name, table in (("knife_injury", "forecast"), ("knife_injury_areas", "forecast_areas"), ("knife_injury_weeks", "forecast_weeks"), ("iom", "iom"), ("scores", "scores")):
        jsonschema.Draft202012Validator.check_schema(schemas[table])
        validator = jsonschema.Draft202012Validator(schemas[table])
        rows = pl.read_parquet(io.BytesIO(release.read(f"{name}.parquet"))).head(40).with_columns(pl.col(pl.Date).cast(pl.String))
        assert rows.height > 0, name
        for row in rows.iter_rows(named=True):
            validator.validate(row)


@pytest.mark.parametrize(
    ("change", "path"),
    [({"chance_any": 1.2}, "chance_any"), ({"lower": None}, "lower"), ({"upper": 2.5}, "upper"), ({"expected": "0.4"}, "expected")],
)
def test_a_row_that_is_none_is_refused(change: dict[str, object], path: str) -> None:
    validator = jsonschema.Draft202012Validator(data_package.row_schema(tables.FORECAST))
    validator.validate(CELL)
    with pytest.raises(jsonschema.ValidationError) as refused:
        validator.validate({**CELL, **change})
    assert list(refused.value.path) == [path]
