"""The force's own database: its address, an engine, its tables and keys, patience, and what its errors mean to a person.

The one place outside the store that speaks SQL: what it speaks to is the force's source, never our operational database.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import polars as pl

from harmcast.errors import Fault, FeedRefused, HarmcastError, RunStopped, SettingsRefused
from harmcast.feed import extract
from harmcast.settings import Feed

PAUSES_S = (2.0, 10.0)
ROWS_AT_ONCE = 100_000
_KINDS = (("Boolean", "flag"), ("DateTime", "datetime"), ("Date", "date"), ("Numeric", "number"), ("Integer", "number"), ("String", "text"))
T = TypeVar("T")


def _unreachable() -> RunStopped:
    return RunStopped(
        "The source database cannot be reached, or broke off.",
        code="source_unreachable",
        next_step="Start it or mend [feed] url, then run again: nothing was half loaded, the last good week stands.",
    )


def _named(error: Exception) -> HarmcastError | None:
    """What a person can act on, of whatever the read raised; None if it is a bug."""
    from sqlalchemy import exc

    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, HarmcastError):
            return seen
        if type(seen).__name__ == "DataValidationError":
            return contract_broken(str(getattr(seen, "table_name", "")))
        if type(seen).__name__ == "ResourceExtractionError" and isinstance(seen.__cause__, TypeError | ValueError):
            return contract_broken(str(getattr(seen, "pipe_name", "")))
        if isinstance(seen, exc.OperationalError | exc.InterfaceError | exc.InternalError):
            return _unreachable()
        if isinstance(seen, exc.DBAPIError) and seen.connection_invalidated:
            return _unreachable()
        if isinstance(seen, exc.DBAPIError | exc.NoSuchTableError):
            return RunStopped(
                "The source database refuses the read.",
                code="source_refuses",
                next_step="Let the account of [feed] url read the tables named in [feed] sql_schema.",
            )
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return None


def contract_broken(table: str) -> FeedRefused:
    """The refusal of a source whose columns or types are not those announced."""
    fault = Fault("contract_broken", table, next_step="columns or types are not those announced: look at what changed in the source")
    return extract.refused([fault], "The read of the database")


@contextmanager
def naming() -> Iterator[None]:
    """Turns what a read or a write of it raises into a named error, without what the database says of a value."""
    try:
        yield
    except HarmcastError:
        raise
    except OSError as error:
        raise RunStopped(
            "What was read could not be written.",
            code="disk_full" if error.errno == 28 else "write_failed",
            next_step="Free space, then run again: nothing was half loaded.",
        ) from error
    except Exception as error:
        named = _named(error)
        if named is None:
            raise
        raise named from None  # what the database says may hold a value


def address(feed: Feed) -> Any:
    """The source's address as SQLAlchemy has it. Raises SettingsRefused, RunStopped."""
    import sqlalchemy as sa

    text = feed.url
    if text is not None and text.startswith("env:"):
        text = os.environ.get(text[4:])
        if not text:
            raise RunStopped(
                "The address of the source database is not in the environment.",
                code="feed_url_missing",
                next_step="Set the variable that [feed] url names.",
            )
    if not text:
        raise SettingsRefused("[feed] source is sql and names no url.", code="feed_url_missing", next_step="Set [feed] url.")
    try:
        url = sa.make_url(text)
        return url.set(drivername="postgresql+psycopg") if url.drivername in {"postgres", "postgresql"} else url
    except sa.exc.ArgumentError:
        raise _bad_address() from None


def _bad_address() -> SettingsRefused:
    return SettingsRefused(
        "The source database's address is not one that can be opened.",
        code="database_address",
        next_step="Write [feed] url like postgresql+psycopg://user@host/name, and install its driver.",
    )


def engine_of(feed: Feed) -> Any:
    """An engine on the source that asks whether a connection lives before it is used."""
    import sqlalchemy as sa

    try:
        return sa.create_engine(address(feed), pool_pre_ping=True, hide_parameters=True)
    except (sa.exc.NoSuchModuleError, ImportError):
        raise _bad_address() from None


def tables(engine: Any, schema: str | None, wanted: Collection[str]) -> dict[str, dict[str, str | None]]:
    """The tables and views wanted that there are: column -> kind (`flag datetime date number text`), None for another kind."""
    import sqlalchemy as sa

    def kind_of(kind: Any) -> str | None:
        return next((word for made, word in _KINDS if isinstance(kind, getattr(sa, made))), None)

    with naming():
        look = sa.inspect(engine)
        there = {*look.get_table_names(schema=schema), *look.get_view_names(schema=schema)}
        return {
            name: {column["name"]: kind_of(column["type"]) for column in look.get_columns(name, schema=schema)}
            for name in wanted
            if name in there
        }


def can_read(engine: Any, schema: str | None, table: str, columns: Sequence[str]) -> str | None:
    """Asks a table or view for its columns and no row of it; the code of what stands against it, None: it can be read.

    Raises: RunStopped where the database itself is away.
    """
    import sqlalchemy as sa

    query: Any = sa.select(*(sa.column(name) for name in columns)).select_from(sa.table(table, schema=schema)).where(sa.false())
    try:
        with naming(), engine.connect() as connection:
            connection.execute(query)
    except HarmcastError as error:
        if error.code == "source_unreachable":
            raise
        return error.code
    except sa.exc.SQLAlchemyError:
        return "source_refuses"
    return None


def keys_there(engine: Any, schema: str | None, table: str, key: str) -> pl.Series:
    """Every value that a column of a table holds now, as text."""
    import sqlalchemy as sa

    query = sa.select(sa.table(table, sa.column(key), schema=schema).c[key])
    found: list[pl.Series] = [pl.Series(dtype=pl.String())]
    with naming(), engine.connect() as connection:
        if engine.dialect.name == "postgresql" and engine.dialect.driver == "psycopg":
            return _copied(connection, str(query.compile(engine)))
        result = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query)
        for part in result.partitions():
            found.append(pl.Series([row[0] for row in part]).cast(pl.String()).str.strip_chars())
    return pl.concat(found)


def _copied(connection: Any, query: str) -> pl.Series:
    """One column by PostgreSQL's COPY, thousands of keys a message: several times faster than row by row."""
    many = (
        "SELECT string_agg(key, chr(10)) FROM (SELECT CAST(one.key AS text) AS key, row_number() OVER () / 5000 AS part"
        f" FROM ({query}) AS one(key)) AS numbered GROUP BY part"
    )
    with connection.connection.driver_connection.cursor() as cursor, cursor.copy(f"COPY ({many}) TO STDOUT (FORMAT csv)") as copy:
        text = b"".join(copy)
    if not text:
        return pl.Series(dtype=pl.String())
    parts = pl.read_csv(text, has_header=False, infer_schema=False).to_series(0)
    return parts.str.split("\n").explode().str.strip_chars()


def patiently(work: Callable[[], T], pauses_s: Sequence[float] = PAUSES_S) -> T:
    """Does it again after a pause where the source broke off: reading is safe to repeat."""
    for pause in pauses_s:
        try:
            return work()
        except RunStopped as error:
            if error.code != "source_unreachable":
                raise
            time.sleep(pause)
    return work()
