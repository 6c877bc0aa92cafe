"""The invented force: what it sends is what it says, the same every time, with the truth beside it."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import shapely
from pyproj import Transformer

from harmcast import settings
from harmcast.errors import RunStopped
from harmcast.fairness.groups import GroupRules
from harmcast.invented import bad_rows, county, deliveries, making, offences
from harmcast.runs import neutral
from harmcast.tables import CHARGES, CRIMES, DELIVERED, OUTCOMES, PERSONS

TO = date(2026, 11, 22)
SMALL = {"people": 1500, "years": 2.0, "seed": 5, "to": TO, "weeks": 4, "crimes_a_year": 30_000.0, "area_km2": 300.0}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, making.Summary]:
    folder = tmp_path_factory.mktemp("invented") / "force"
    return folder, making.invent(folder, **SMALL)


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def table_of(folder: Path, name: str) -> pl.DataFrame:
    parquet = folder / f"{name}.parquet"
    return pl.read_parquet(parquet) if parquet.exists() else pl.read_csv(folder / f"{name}.csv", infer_schema=False)


def test_same_arguments_give_the_same_bytes_and_another_seed_does_not(made, tmp_path: Path) -> None:
    folder, _ = made
    making.invent(tmp_path / "again", **SMALL)
    assert digest(tmp_path / "again") == digest(folder)
    making.invent(tmp_path / "other", **{**SMALL, "seed": 6})
    assert digest(tmp_path / "other")["boundary.geojson"] != digest(folder)["boundary.geojson"]


def test_manifests_tell_rows_and_hashes(made) -> None:
    folder, summary = made
    names = sorted(path.name for path in (folder / "deliveries").iterdir())
    assert names == [sent.name for sent in summary.deliveries]
    assert names[0] == "0001-history"
    for sent in summary.deliveries:
        own = folder / "deliveries" / sent.name
        manifest = json.loads((own / "manifest.json").read_text())
        assert manifest["delivery_id"] == sent.name
        assert {Path(f).stem: entry["rows"] for f, entry in manifest["files"].items()} == sent.rows
        for file, entry in manifest["files"].items():
            assert hashlib.sha256((own / file).read_bytes()).hexdigest() == entry["sha256"]
            assert len(table_of(own, Path(file).stem)) == entry["rows"]


def test_tables_have_the_contract_s_columns(made) -> None:
    folder, _ = made
    for own in sorted((folder / "deliveries").iterdir()):
        for spec in DELIVERED:
            if (own / f"{spec.name}.parquet").exists() or (own / f"{spec.name}.csv").exists():
                assert table_of(own, spec.name).columns == spec.names
    history = pl.read_parquet(folder / "deliveries" / "0001-history" / "crimes.parquet")
    assert history.schema == CRIMES.schema()


def test_settings_and_layers_are_ready_for_init(made) -> None:
    folder, _ = made
    read = settings.read(folder / "settings.toml")
    assert read.force.invented
    for path in settings.named_files(read).values():
        assert (folder / path).is_file()
    boundary = shapely.from_geojson((folder / "boundary.geojson").read_text())
    areas = shapely.from_geojson((folder / "areas.geojson").read_text())
    hoods = json.loads((folder / "neighbourhoods.geojson").read_text())["features"]
    turn = Transformer.from_crs("EPSG:4326", "EPSG:27700", always_xy=True)
    flat = shapely.transform(boundary, lambda xy: np.column_stack(turn.transform(xy[:, 0], xy[:, 1])))
    assert shapely.area(flat) / 1e6 == pytest.approx(300, rel=0.01)
    assert shapely.area(shapely.symmetric_difference(shapely.union_all(areas.geoms), boundary)) < 1e-3 * boundary.area
    assert len(hoods) > 500
    assert {f["properties"]["deprivation_fifth"] for f in hoods} == {1, 2, 3, 4, 5}
    residents = sum(f["properties"]["residents"] for f in hoods)
    assert residents == pytest.approx(0.9e6, rel=0.05)
    census = neutral.read((folder / "neutral.csv").read_bytes(), GroupRules())
    for attribute in ("age_band", "sex", "ethnicity_self", "ethnicity_officer"):
        assert sum(row["residents"] for row in census if row["attribute"] == attribute) == pytest.approx(residents, abs=5)


def test_each_week_holds_only_what_came_since_the_last(made) -> None:
    folder, _ = made
    sends = deliveries.schedule(TO, 4)
    assert sends[-1].made_at == datetime(2026, 11, 23, 4)
    planted = pl.read_parquet(folder / "truth" / "bad_rows.parquet")
    for sent in sends[1:]:
        own = folder / "deliveries" / sent.name
        spoiled = planted.filter(pl.col("delivery") == sent.name)["ref"].to_list()
        crimes = table_of(own, "crimes").filter(~pl.col("crime_ref").is_in(spoiled))
        changed = crimes["changed_at"].str.to_datetime()
        assert (changed >= sent.since).all()
        assert (changed < sent.made_at).all()
        assert (crimes["recorded_at"].str.to_datetime() < sent.made_at).all()


def test_as_known_in_the_end_each_charge_has_a_person_and_one_life(made) -> None:
    folder, _ = made
    planted = pl.read_parquet(folder / "truth" / "bad_rows.parquet")
    gone = planted.filter(pl.col("kind").is_in(["person_never", "no_outcome"]))["ref"].to_list()
    owns = sorted((folder / "deliveries").iterdir())
    text = [table_of(own, "charges").with_columns(pl.all().cast(pl.String)) for own in owns]
    every = pl.concat(text).filter(~pl.col("charge_ref").is_in(gone))
    last = every.unique("charge_ref", keep="last", maintain_order=True)
    persons = pl.concat([table_of(own, "persons").with_columns(pl.all().cast(pl.String)) for own in owns])
    # the last delivery's latecomers come with the next one
    late = planted.filter((pl.col("kind") == "person_later") & (pl.col("delivery") == owns[-1].name))["ref"].to_list()
    assert set(last["person_ref"]) - set(persons["person_ref"]) - set(late) == set()
    assert last["outcome"].is_in(OUTCOMES).all()
    assert (last["happened_on"] <= last["charged_on"]).all()
    assert ((last["outcome"] == "charged") == last["outcome_on"].is_null()).all()
    moves = every.group_by("charge_ref").agg(pl.col("outcome").n_unique(), pl.col("charged_on").n_unique().alias("days"))
    assert moves["outcome"].max() >= 2
    assert moves["days"].max() == 1


def test_charges_of_two_people_under_one_reference_are_parted(made) -> None:
    folder, _ = made
    mixed = pl.read_parquet(folder / "truth" / "mixed.parquet")
    texts = [
        table_of(own, "charges").with_columns(pl.all().cast(pl.String))
        for own in sorted((folder / "deliveries").iterdir())
    ]
    last = pl.concat(texts).unique("charge_ref", keep="last", maintain_order=True)
    assert mixed.height >= 2
    for ref, own_ref, own_from in mixed.select("person_ref", "own_ref", "own_from").iter_rows():
        moved = last.filter(pl.col("person_ref") == own_ref)
        kept = last.filter(pl.col("person_ref") == ref)
        assert moved.height > 0
        assert (moved["charged_on"] >= own_from.isoformat()).all()
        assert (kept["charged_on"] < own_from.isoformat()).all()


def test_bad_rows_are_where_the_truth_says(made) -> None:
    folder, summary = made
    planted = pl.read_parquet(folder / "truth" / "bad_rows.parquet")
    assert set(planted["kind"]) <= set(bad_rows.FATES)
    for sent in summary.deliveries:
        crimes = table_of(folder / "deliveries" / sent.name, "crimes")
        rows = planted.filter((pl.col("delivery") == sent.name) & (pl.col("table") == "crimes"))
        assert crimes["crime_ref"].null_count() == rows.filter(pl.col("kind") == "no_key").height
        assert (crimes["offence_code"] == "999/99").sum() == rows.filter(pl.col("kind") == "unknown_code").height
        assert crimes["status"].null_count() == rows.filter(pl.col("kind") == "no_status").height
        for row, ref in rows.filter(pl.col("kind") == "off_area").select("row", "ref").iter_rows():
            assert crimes["crime_ref"][row - 1] == ref
        counted = planted.filter(pl.col("delivery") == sent.name)["kind"].value_counts()
        assert dict(counted.iter_rows()) == sent.bad_rows


def test_points_lie_inside_but_for_those_planted(made) -> None:
    folder, _ = made
    crimes = pl.read_parquet(folder / "deliveries" / "0001-history" / "crimes.parquet").drop_nulls("easting_m")
    planted = pl.read_parquet(folder / "truth" / "bad_rows.parquet").filter(pl.col("kind") == "off_area")
    kept = crimes.filter(~pl.col("crime_ref").is_in(planted["ref"].to_list()))
    boundary = shapely.from_geojson((folder / "boundary.geojson").read_text()).geoms[0]
    turn = Transformer.from_crs("EPSG:27700", "EPSG:4326", always_xy=True)
    lon, lat = turn.transform(kept["easting_m"].to_numpy(), kept["northing_m"].to_numpy())
    inside = shapely.contains_xy(boundary.buffer(0.006), lon, lat)  # late corrections may have been some way off
    assert inside.mean() > 0.999


def test_volumes_are_a_large_county_s(made) -> None:
    folder, _ = made
    crimes = pl.read_parquet(folder / "deliveries" / "0001-history" / "crimes.parquet")
    days = (crimes["recorded_at"].max() - crimes["recorded_at"].min()).total_seconds() / 86400
    windows = days / 28
    knife = crimes.filter(pl.col("weapon") == "knife")
    hurt = knife.filter(pl.col("injury").is_in(["minor", "serious", "fatal"]))
    serious = crimes.filter(
        pl.col("offence_code").is_in(offences.SERIOUS_VIOLENCE)
        | pl.col("offence_code").str.slice(0, 3).is_in(offences.SERIOUS_VIOLENCE)
    )
    assert knife.height / windows == pytest.approx(350, rel=0.12)
    assert 95 <= hurt.height / windows <= 135
    assert serious.height / windows == pytest.approx(205, rel=0.12)
    assert crimes.height / days * 365.25 == pytest.approx(30_000, rel=0.1)


def test_near_repeats_follow_their_parents(made) -> None:
    folder, _ = made
    pairs = pl.read_parquet(folder / "truth" / "near_repeats.parquet")
    crimes = pl.read_parquet(folder / "deliveries" / "0001-history" / "crimes.parquet").drop_nulls(["crime_ref", "easting_m"])
    place = crimes.select("crime_ref", "happened_from", "easting_m", "northing_m").unique("crime_ref")
    both = pairs.join(place, on="crime_ref").join(place, left_on="parent_ref", right_on="crime_ref", suffix="_parent")
    away = ((both["easting_m"] - both["easting_m_parent"]) ** 2 + (both["northing_m"] - both["northing_m_parent"]) ** 2).sqrt()
    later = (both["happened_from"] - both["happened_from_parent"]).dt.total_days()
    assert both.height > 1000
    assert away.median() < 250
    assert 4 < later.median() < 14


def test_protected_columns_miss_some_and_some_people_were_never_charged(made) -> None:
    folder, summary = made
    persons = pl.read_parquet(folder / "deliveries" / "0001-history" / "persons.parquet")
    assert persons.schema == PERSONS.schema()
    assert 0.1 < persons["ethnicity_self"].null_count() / persons.height < 0.25
    assert persons["ethnicity_officer"].null_count() < persons["ethnicity_self"].null_count()
    charges = pl.read_parquet(folder / "deliveries" / "0001-history" / "charges.parquet")
    assert charges.schema == CHARGES.schema()
    never = set(persons["person_ref"]) - set(charges["person_ref"])
    assert 0.04 < len(never) / persons.height < 0.15
    assert persons["merged_into"].drop_nulls().is_in(persons["person_ref"].implode()).all()
    assert summary.people_charged == round(1500 * 0.92)


def test_a_last_day_in_midweek_is_delivered_the_morning_after() -> None:
    sends = deliveries.schedule(date(2026, 11, 18), 3)
    assert [s.made_at.date().isoformat() for s in sends] == ["2026-11-02", "2026-11-09", "2026-11-16", "2026-11-19"]
    assert [s.since for s in sends] == [None, *[s.made_at for s in sends[:-1]]]
    assert len(deliveries.schedule(TO, 0)) == 1


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(RunStopped, match="not empty"):
        making.invent(tmp_path, **SMALL)
    with pytest.raises(ValueError, match="people"):
        making.invent(tmp_path / "new", **{**SMALL, "people": 3})


def test_a_smaller_county_has_its_share_of_people_and_neighbourhoods() -> None:
    whole, third = county.build(3), county.build(3, 300.0)
    assert (whole.outline.area, third.outline.area) == (pytest.approx(900e6), pytest.approx(300e6))
    assert (len(whole.neighbourhood_residents), len(third.neighbourhood_residents)) == (1600, 533)
    assert (whole.residents.sum(), third.residents.sum()) == (pytest.approx(2_700_000), pytest.approx(900_000))


def test_the_last_delivery_can_be_complete(tmp_path: Path) -> None:
    plan = {**SMALL, "people": 200, "years": 1.0, "weeks": 1, "bad_rows_share": 0.0, "complete_last": True, "known_people": 0}
    making.invent(tmp_path / "force", **plan)
    last = sorted((tmp_path / "force" / "deliveries").iterdir())[-1]
    manifest = json.loads((last / "manifest.json").read_text())
    assert manifest["complete"] is True
    history = pl.read_parquet(tmp_path / "force" / "deliveries" / "0001-history" / "crimes.parquet")
    whole = table_of(last, "crimes")
    deleted = table_of(last, "deletions")
    assert set(history["crime_ref"]) - set(whole["crime_ref"]) <= set(deleted["ref"])
