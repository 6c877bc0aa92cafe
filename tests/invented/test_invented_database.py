"""The invented records in a database: filled, and moved on by a week."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from harmcast.errors import RunStopped
from harmcast.invented import database, making, slices

PLAN = making.Plan(300, 1.0, 8, date(2026, 11, 22), 2, crimes_a_year=12_000.0, county_share=0.3)


@pytest.fixture(scope="module")
def force() -> making.InventedForce:
    return making.make(PLAN)


@pytest.fixture
def source_url(request: pytest.FixtureRequest, store_url: str | None, tmp_path: Path) -> str:
    if store_url is None:
        return f"sqlite:///{tmp_path / 'source.db'}"
    return store_url.replace("postgresql://", "postgresql+psycopg://")


def counted(url: str) -> dict[str, int]:
    engine = sa.create_engine(url)
    _, tables = database.schema()
    with engine.connect() as connection:
        return {n: connection.execute(sa.select(sa.func.count()).select_from(t)).scalar_one() for n, t in tables.items()}


def held(url: str, name: str) -> pl.DataFrame:
    engine = sa.create_engine(url)
    _, tables = database.schema()
    with engine.connect() as connection:
        rows = [tuple(row) for row in connection.execute(sa.select(tables[name]))]
    return pl.DataFrame(rows, schema=[c.name for c in tables[name].columns], orient="row", infer_schema_length=None)


def test_weeks_applied_to_the_history_give_the_end(force: making.InventedForce, source_url: str) -> None:
    sends = making.sends(PLAN)
    rows = database.fill(source_url, slices.tables_of(force, sends[0], everything=True))
    assert rows["crimes"] == counted(source_url)["crimes"] > 5000
    for sent in sends[1:]:
        database.advance(source_url, slices.tables_of(force, sent, everything=False))
    end = slices.tables_of(force, sends[-1], everything=True)
    for name, key in (("crimes", "crime_ref"), ("charges", "charge_ref"), ("persons", "person_ref")):
        now = held(source_url, name).sort(key)
        expected = end[name].sort(key)
        assert now[key].to_list() == expected[key].to_list()
        if name != "persons":
            assert now["changed_at"].to_list() == expected["changed_at"].to_list()


def test_a_database_that_is_not_there_is_named(force: making.InventedForce) -> None:
    tables = slices.tables_of(force, making.sends(PLAN)[0], everything=True)
    with pytest.raises(RunStopped):
        database.fill("postgresql+psycopg://nobody@127.0.0.1:1/none", tables)
    with pytest.raises(RunStopped):
        database.fill("no address", tables)
