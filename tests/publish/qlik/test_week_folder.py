from __future__ import annotations

import io
import json
from datetime import date

import polars as pl
import pytest
from pyqvd import QvdTable

from harmcast import tables
from harmcast.publish.qlik import week_folder
from harmcast.publish.release_files import NOTICE, parquet

ORIGIN = date(2026, 11, 16)


def forecast(cells: int = 30) -> pl.DataFrame:
    whole = {"lower": 0, "upper": 3, "list_group": 1}
    rows = [
        {
            "cell": f"{400000 + 1000 * i}_290000",
            "place": f"Elmesk {i}: Mill Lane",
            "area": None if i % 7 == 0 else f"Area {i % 3} & Co <é>",
            "easting_m": 400500.0 + 1000 * i,
            "northing_m": 290500.0,
            "origin": ORIGIN,
            "horizon_weeks": 4,
            "expected": 0.1 + i / 7,
            "range_level": 0.8,
            "chance_any": 1 / (i + 2),
            "chance_top20": 0.5,
            "chance_top20_year": None if i == 3 else 0.4,
            "model": "empirical_bayes",
            "baseline_4w": float(i),
            "baseline_last_year": None if i == 3 else float(i),
            "baseline_52w": i / 3,
            "baseline_24m": i / 5,
            "baseline_weeks_seen_52w": 52,
            **whole,
        }
        for i in range(cells)
    ]
    return pl.DataFrame(rows, schema_overrides=tables.FORECAST.schema(rows[0]))


def scored() -> pl.DataFrame:
    rows = [
        {
            "person_key": f"k{i:03d}",
            "unit": [None, "Northfield LOMU", "Lye/Stour LOMU"][i % 3],
            "harm": None if i == 4 else float(i * 10),
            "harm_unit": "days",
            "band": None if i == 4 else "low",
            "band_last_week": None,
            "chance_high_harm_12m": i / 100,
            "reasons": '{"charges": ["CONNECT-17"]}',
        }
        for i in range(12)
    ]
    return pl.DataFrame(rows, schema_overrides=tables.SCORED_PEOPLE.schema(rows[0])).with_columns(
        *(
            pl.lit(None, dtype=pl.Float64).alias(c)
            for c in tables.SCORED_PEOPLE.names
            if c.startswith("chance") and c not in rows[0]
        )
    )


def release_files() -> dict[str, bytes]:
    return {
        "knife_injury.parquet": parquet(forecast()),
        "knife_injury_areas.parquet": parquet(pl.DataFrame({"area": ["x"]})),
        "iom.parquet": parquet(scored()),
        "scores.parquet": parquet(pl.DataFrame({"tool": ["iom"]})),
    }


def read_back(content: bytes) -> pl.DataFrame:
    """By pyqvd, which shares no line with the writer."""
    table = QvdTable.from_stream(io.BytesIO(content))
    rows = [[None if cell is None else cell.calculation_value for cell in row] for row in table.data]
    return pl.DataFrame(rows, schema=table.columns, orient="row", infer_schema_length=None)


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Date).dt.to_string("%Y-%m-%d"))


def test_every_qvd_read_back_by_another_reader_equals_its_parquet():
    files = week_folder.files_of(release_files(), "2026-W47", people=True, decisions=decisions())
    compared = 0
    for name, content in files.items():
        if not name.endswith(".qvd"):
            continue
        ours = as_text(pl.read_parquet(io.BytesIO(files[name.replace(".qvd", ".parquet")])))
        theirs = read_back(content)
        assert theirs.columns == ours.columns, name
        assert theirs.rows() == ours.rows(), name
        compared += 1
    assert compared == 6 + 3 * 3


def decisions() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "person_key": ["k001", "k002"],
            "unit": ["Northfield LOMU", "Lye/Stour LOMU"],
            "decided_on": [ORIGIN, ORIGIN],
            "decision": ["refer", "no change"],
            "reason_code": ["a", "b"],
            "own_judgement": ["same", None],
            "review_on": [date(2027, 2, 1), None],
        }
    )


def test_nothing_about_people_leaves_by_default():
    files = week_folder.files_of(release_files(), "2026-W47")
    assert not [name for name in files if "people" in name or "person" in name or "score" in name]
    assert b"k001" not in b"".join(files.values())
    assert "fact_score" not in json.loads(files["qlik/dictionary.json"])
    assert "SECTION ACCESS" not in files["qlik/load.qvs"].decode()


def test_one_folder_a_unit_holding_that_units_keys_alone():
    files = week_folder.files_of(release_files(), "2026-W47", people=True)
    held: dict[str, set[str]] = {}
    for name, content in files.items():
        if name.endswith("fact_score.parquet"):
            held[name.split("/")[2]] = set(pl.read_parquet(io.BytesIO(content))["person_key"])
    assert len(held) == 3
    assert sum(len(keys) for keys in held.values()) == 12 == len(set().union(*held.values()))
    whole = b"".join(v for k, v in files.items() if "/people/" in k)
    assert b"CONNECT-17" not in whole


def test_the_script_parts_people_by_unit_and_loads_every_file_there_is():
    files = week_folder.files_of(release_files(), "2026-W47", people=True, decisions=decisions())
    script = files["qlik/load.qvs"].decode()
    assert script.index("SECTION ACCESS") < script.index("SECTION APPLICATION") < script.index("dim_person:")
    for name in files:
        if name.endswith(".qvd"):
            assert name.removeprefix("qlik/") in script, name
    assert script.startswith(f"// {NOTICE}")


def test_no_two_tables_of_the_star_share_more_than_one_field_once_facts_are_one():
    facts = {c for name, s in week_folder.STAR.items() if name.startswith("fact") for c in s.columns}
    dims = {name: set(s.columns) for name, s in week_folder.STAR.items() if name.startswith("dim")}
    for name, columns in dims.items():
        assert len(columns & facts) <= 1, name
        assert all(len(columns & other) <= 1 for n, other in dims.items() if n != name), name


def test_the_dictionary_names_every_column_there_is():
    files = week_folder.files_of(release_files(), "2026-W47", people=True, decisions=decisions())
    words = json.loads(files["qlik/dictionary.json"])
    for name, content in files.items():
        if name.endswith(".parquet"):
            table = name.split("/")[-1].removesuffix(".parquet")
            assert set(pl.read_parquet(io.BytesIO(content)).columns) <= set(words[table]["columns"])


def test_the_same_release_gives_the_same_bytes():
    one, other = (week_folder.files_of(release_files(), "2026-W47", people=True) for _ in range(2))
    assert one == other


@pytest.mark.parametrize("pair", [("A/B", "A B"), ("..", "."), ("É", "È")])
def test_unit_folders_are_safe_and_never_shared(pair):
    one, other = map(week_folder.unit_folder, pair)
    assert one != other
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for name in (one, other))
