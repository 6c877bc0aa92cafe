"""The invented records in a database, as a records system would hold them: for the feed that reads SQL."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import polars as pl

from harmcast.errors import RunStopped
from harmcast.tables import DELIVERED, Table

_INDEXED = "changed_at"


def _columns(table: Table) -> list[Any]:
    import sqlalchemy as sa

    types: dict[str, sa.types.TypeEngine[Any]] = {
        "text": sa.Text(),
        "code": sa.Text(),
        "date": sa.Date(),
        "datetime": sa.DateTime(),
        "number": sa.Float(),
        "share": sa.Float(),
        "whole": sa.BigInteger(),
        "flag": sa.Boolean(),
    }
    return [
        sa.Column(column.name, types[column.kind], primary_key=column.name in table.key, index=column.name == _INDEXED)
        for column in table.columns
    ]


def schema(name: str | None = None) -> tuple[Any, dict[str, Any]]:
    """The tables of a delivery as SQLAlchemy tables, keyed, with `changed_at` indexed: (metadata, name -> table)."""
    import sqlalchemy as sa

    metadata = sa.MetaData(schema=name)
    return metadata, {table.name: sa.Table(table.name, metadata, *_columns(table)) for table in DELIVERED}


def _copy(connection: Any, target: str, frame: pl.DataFrame) -> None:
    """Rows into a table by PostgreSQL's COPY."""
    names = ", ".join(f'"{name}"' for name in frame.columns)
    cursor = connection.connection.driver_connection.cursor()
    with cursor, cursor.copy(f"COPY {target} ({names}) FROM STDIN WITH (FORMAT csv)") as copy:
        for part in frame.iter_slices(200_000):
            buffer = BytesIO()
            part.write_csv(buffer, include_header=False, datetime_format="%Y-%m-%dT%H:%M:%S", date_format="%Y-%m-%d")
            copy.write(buffer.getvalue())


def _put(connection: Any, table: Any, frame: pl.DataFrame, temporary: bool = False) -> None:
    import sqlalchemy as sa

    if connection.dialect.name != "postgresql":
        if temporary:
            keys = [column.name for column in table.primary_key]
            gone = table.delete().where(*[table.c[key] == sa.bindparam(f"b_{key}") for key in keys])
            connection.execute(gone, [{f"b_{k}": row[k] for k in keys} for row in frame.select(keys).to_dicts()])
        for part in frame.iter_slices(20_000):
            connection.execute(table.insert(), part.to_dicts())
        return
    target = connection.dialect.identifier_preparer.format_table(table)
    if not temporary:
        _copy(connection, target, frame)
        return
    connection.execute(sa.text(f"CREATE TEMPORARY TABLE incoming (LIKE {target}) ON COMMIT DROP"))
    _copy(connection, "incoming", frame)
    same = " AND ".join(f'old."{column.name}" = new."{column.name}"' for column in table.primary_key)
    connection.execute(sa.text(f"DELETE FROM {target} old USING incoming new WHERE {same}"))
    connection.execute(sa.text(f"INSERT INTO {target} SELECT * FROM incoming"))
    connection.execute(sa.text("DROP TABLE incoming"))


def _keyed(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    spec = next(table for table in DELIVERED if table.name == name)
    return frame.select(spec.names).unique(list(spec.key), keep="last", maintain_order=True)


def _engine(url: str) -> Any:
    import sqlalchemy as sa

    try:
        return sa.create_engine(url)
    except (sa.exc.ArgumentError, ImportError):
        raise RunStopped(
            "The database's address is not one that can be opened.",
            code="database_address",
            next_step="Write it like postgresql+psycopg://user@host/name.",
        ) from None


def fill(url: str, tables: Mapping[str, pl.DataFrame], name: str | None = None) -> dict[str, int]:
    """Creates the records system's tables and fills them; tables of these names are dropped first.

    Args:
        url: SQLAlchemy URL; PostgreSQL is filled by COPY, others row by row.
        tables: name -> rows, contract columns, no bad rows.
        name: database schema, made if absent.
    Returns: rows a table.
    Raises: RunStopped if the database cannot be reached.
    """
    import sqlalchemy as sa

    engine = _engine(url)
    metadata, targets = schema(name)
    rows: dict[str, int] = {}
    try:
        with engine.begin() as connection:
            if name and engine.dialect.name == "postgresql":
                connection.execute(sa.text(f'CREATE SCHEMA IF NOT EXISTS "{name}"'))
            metadata.drop_all(connection)
            metadata.create_all(connection)
            for table, frame in tables.items():
                kept = _keyed(table, frame)
                _put(connection, targets[table], kept)
                rows[table] = len(kept)
    except sa.exc.OperationalError:
        raise RunStopped(
            "The database cannot be reached.", code="database_unreachable", next_step="Start it, or mend its address."
        ) from None
    finally:
        engine.dispose()
    return rows


def advance(url: str, tables: Mapping[str, pl.DataFrame], name: str | None = None) -> dict[str, int]:
    """One week goes by in the records system: new rows come, changed ones are replaced, deleted ones go.

    Args:
        tables: one weekly delivery's tables without bad rows; `deletions` says which rows go.
    Returns: rows written a table.
    """
    import sqlalchemy as sa

    engine = _engine(url)
    _, targets = schema(name)
    rows: dict[str, int] = {}
    with engine.begin() as connection:
        for table, frame in tables.items():
            kept = _keyed(table, frame)
            if len(kept):
                _put(connection, targets[table], kept, temporary=True)
            rows[table] = len(kept)
        for table, ref in tables["deletions"].select("table", "ref").iter_rows() if "deletions" in tables else ():
            target = targets[table]
            key = next(iter(target.primary_key))
            connection.execute(sa.delete(target).where(key == ref))
    engine.dispose()
    return rows
