"""Tables of the force's database -> one delivery: a folder of Parquet files and a manifest, as if the force had sent it.

Read with dlt under a frozen contract: only the columns that our tables or the mapping name, no other, from the first
read on. Of a table with a change date only what changed since the newest change held, less a lag for late edits; keys
that are gone from the source are listed as deletions. What dlt writes on the way lies in a folder of its own that the
next read removes, so a dead connection or a batch half written leaves nothing behind.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from harmcast.errors import Fault, RunStopped, SettingsRefused
from harmcast.feed import connection, extract
from harmcast.feed.connection import ROWS_AT_ONCE, naming
from harmcast.feed.mapping import COORDINATES, TABLES
from harmcast.feed.mapping import Mapping as Columns
from harmcast.settings import Feed
from harmcast.tables import ACTIVITY, CHARGES, CRIMES, DELETIONS, PERSONS

CURSORS = {CRIMES.name: "changed_at", PERSONS.name: "changed_at", CHARGES.name: "changed_at",
           ACTIVITY.name: "started_at", DELETIONS.name: "deleted_at"}  # fmt: skip
KEYED = (CRIMES.name, PERSONS.name, CHARGES.name)
KEYS_AT_ONCE = 900


@dataclass(frozen=True)
class Source:
    """One table of the source: which of its columns are read, and how it is known what changed.

    Attributes:
        tables: our tables made of it.
        cursor: column of change dates; None: read whole each time.
        key: column of the key; None: the key is made of several, so absence is told by reading it whole.
    """

    name: str
    columns: tuple[str, ...]
    tables: tuple[str, ...]
    cursor: str | None
    key: str | None

    @property
    def file(self) -> str:
        return f"{self.name}.parquet"


# -- what is there -------------------------------------------------------------------------------


def _cursor_of(tables: Sequence[str], rules: Columns, kinds: Mapping[str, str | None]) -> str | None:
    if len(tables) != 1 or tables[0] not in CURSORS or (tables[0] in KEYED and _key_of(tables, rules) is None):
        return None
    column = CURSORS[tables[0]]
    rule = rules.tables.get(tables[0])
    if rule is not None:
        made = rule.rules().get(column)
        if made is None or len(made.sources) != 1 or made.codes:
            return None
        column = made.sources[0]
    return column if kinds.get(column) in {"date", "datetime"} else None


def _key_of(tables: Sequence[str], rules: Columns) -> str | None:
    if len(tables) != 1 or tables[0] not in KEYED:
        return None
    column = TABLES[tables[0]].key[0]
    rule = rules.tables.get(tables[0])
    if rule is None:
        return column
    made = rule.rules().get(column)
    plain = rule.key is None and made is not None and len(made.sources) == 1 and not made.codes and not made.hours
    return made.sources[0] if plain and made is not None else None


def _retyped(file: str, tables: Sequence[str], kinds: Mapping[str, str | None], before: Mapping[str, Mapping[str, str]]) -> list[Fault]:
    """Columns that now are of another kind than at the last read."""
    was = {column: kind for table in tables for column, kind in before.get(f"{file}/{table}", {}).items()}
    return [
        Fault("column_retyped", file, column=name, next_step="let it have the type it had")
        for name, kind in sorted(was.items())
        if kind != "empty" and kinds.get(name) not in {None, kind}
    ]


def sources(engine: Any, feed: Feed, rules: Columns, before: Mapping[str, Mapping[str, str]] | None = None) -> list[Source]:
    """The source tables that there are, with the columns to read.

    Args:
        before: file/table -> column -> kind, of the last read.
    Raises: FeedRefused with every column new, lost or of another type; SettingsRefused if none of the tables is there.
    """
    wanted: dict[str, list[str]] = {}
    for name in TABLES:
        rule = rules.tables.get(name)
        source = rule.file.rsplit(".", 1)[0] if rule is not None and rule.file else name
        wanted.setdefault(source, []).append(name)
    there = connection.tables(engine, feed.sql_schema, wanted)
    found, faults = [], []
    for source, tables in wanted.items():
        if source not in there:
            faults += [] if any(rules.tables.get(t) is None for t in tables) else [Fault("table_missing", source)]
            continue
        kinds = there[source]
        columns, drifted = _wanted_columns(source, tables, rules, list(kinds))
        faults += drifted + _retyped(f"{source}.parquet", tables, kinds, before or {})
        found.append(Source(source, columns, tuple(tables), _cursor_of(tables, rules, kinds), _key_of(tables, rules)))
    if not found and not faults:
        raise SettingsRefused(
            "None of the source's tables bears a name we know.",
            code="source_tables_missing",
            next_step="Set [feed] sql_schema, or name the tables in the mapping (file = \"NAME.parquet\").",
        )
    if faults:
        raise extract.refused(faults, "The read of the database")
    return found


def _wanted_columns(source: str, tables: list[str], rules: Columns, there: list[str]) -> tuple[tuple[str, ...], list[Fault]]:
    wanted: set[str] = set()
    allowed: set[str] = set()
    file = f"{source}.parquet"
    for name in tables:
        table, rule = TABLES[name], rules.tables.get(name)
        if rule is not None:
            wanted |= rule.wanted()
            allowed |= wanted | set(rule.ignore)
            continue
        needed = {column.name for column in table.columns if not column.optional}
        if set(COORDINATES) <= set(there):
            needed -= {"easting_m", "northing_m"}
        wanted |= needed
        allowed |= {*table.names, *(COORDINATES if "easting_m" in table.names else ())}
    faults = [
        Fault("column_lost", file, column=name, next_step="let it be read again, or change the mapping")
        for name in sorted(wanted - set(there))
    ]
    faults += [
        Fault("column_new", file, column=f"column {there.index(name) + 1}", next_step="map it, or list it under ignore")
        for name in sorted(set(there) - allowed)
    ]
    ignored = {column for name in tables if (rule := rules.tables.get(name)) is not None for column in rule.ignore} - wanted
    return tuple(name for name in there if name in allowed - ignored), faults


# -- reading -------------------------------------------------------------------------------------


def fetch(
    engine: Any,
    feed: Feed,
    wanted: Sequence[tuple[Source, datetime | None, Sequence[str] | None]],
    timezone: str,
    working: Path,
) -> dict[str, pl.DataFrame]:
    """Rows of each source: all, those changed since a moment, or those of the keys named.

    Raises: FeedRefused if a column or its type is not what was announced; RunStopped.
    """
    shutil.rmtree(working, ignore_errors=True)
    working.mkdir(parents=True)
    try:
        with naming():
            _run(engine, feed, wanted, working)
            return {source.name: _rows(working / "out" / "read" / source.name, source, timezone) for source, _, _ in wanted}
    finally:
        shutil.rmtree(working, ignore_errors=True)


def _dlt(working: Path) -> Any:
    """dlt without telemetry, without files outside `working`, and with the source's own column names."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["RUNTIME__LOG_LEVEL"] = "CRITICAL"
    os.environ.setdefault("DLT_DATA_DIR", str(working))
    os.environ.setdefault("DLT_PROJECT_DIR", str(working))
    try:
        import dlt
        from dlt.sources import sql_database  # noqa: F401 - it needs packages of its own
    except ImportError:
        raise RunStopped(
            "Reading a database needs packages that are not installed.",
            code="sql_extra_missing",
            next_step="Install harmcast with its extra: pip install 'harmcast[sql]'.",
        ) from None
    dlt.config["schema.naming"] = "direct"
    return dlt


def _run(engine: Any, feed: Feed, wanted: Sequence[tuple[Source, datetime | None, Sequence[str] | None]], working: Path) -> None:
    dlt = _dlt(working)
    resources = []
    for source, since, keys in wanted:
        if keys is None:
            resources.append(_resource(dlt, engine, feed, source, since, None, source.name))
        else:
            chunks = [keys[i : i + KEYS_AT_ONCE] for i in range(0, len(keys), KEYS_AT_ONCE)]
            resources += [
                _resource(dlt, engine, feed, source, None, chunk, f"{source.name}_{i}") for i, chunk in enumerate(chunks)
            ]
    schema = dlt.Schema("source")  # the columns are given, so that the contract holds for the first read too
    for resource in resources:
        table = resource.compute_table_schema()
        for column in table["columns"].values():
            column.setdefault("data_type", "double")  # a floating number, of which dlt says nothing
        schema.update_table(table)
    pipeline = dlt.pipeline(
        "harmcast",
        pipelines_dir=str(working / "dlt"),
        destination=dlt.destinations.filesystem(bucket_url=(working / "out").as_uri()),
        dataset_name="read",
    )
    try:
        pipeline.run(
            resources,
            schema=schema,
            loader_file_format="parquet",
            schema_contract={"tables": "evolve", "columns": "freeze", "data_type": "freeze"},
        )
    except Exception:
        pipeline.abort_packages()
        raise


def _resource(
    dlt: Any, engine: Any, feed: Feed, source: Source, since: datetime | None, keys: Sequence[str] | None, name: str
) -> Any:
    from dlt.sources.sql_database import sql_table

    incremental = None
    if since is not None and source.cursor is not None:
        incremental = dlt.sources.incremental(source.cursor, initial_value=since, on_cursor_value_missing="include")

    def chosen(query: Any, table: Any) -> Any:
        return query.where(table.c[source.key].in_(list(keys or ()))) if keys is not None else query

    made = sql_table(
        engine,
        table=source.name,
        schema=feed.sql_schema,
        incremental=incremental,
        chunk_size=ROWS_AT_ONCE,
        backend="pyarrow",
        included_columns=list(source.columns),
        query_adapter_callback=chosen if keys is not None else None,
        write_disposition="append",
    )
    made = made.with_name(name)
    made.apply_hints(table_name=source.name)
    return made


def _rows(folder: Path, source: Source, timezone: str) -> pl.DataFrame:
    """What dlt wrote of one source as one frame; times that carry a zone become local."""
    found = sorted(folder.glob("**/*.parquet")) if folder.is_dir() else []
    if not found:
        return pl.DataFrame(schema=dict.fromkeys(source.columns, pl.Null()))
    rows = pl.concat([pl.read_parquet(path, glob=False) for path in found], how="diagonal_relaxed").select(source.columns)
    zoned = [name for name, kind in rows.schema.items() if isinstance(kind, pl.Datetime) and kind.time_zone]
    return rows.with_columns([pl.col(name).dt.convert_time_zone(timezone).dt.replace_time_zone(None) for name in zoned])


# -- the delivery --------------------------------------------------------------------------------


def write_delivery(
    folder: Path, read: Mapping[str, pl.DataFrame], whole: Collection[str], gone: Sequence[tuple[str, pl.Series]], made_at: datetime
) -> Path:
    """A read as a delivery folder, whole or not there.

    Args: `read`: rows a source; `whole`: sources that were read whole; `gone`: our tables, and keys of each that the source no longer has.
    Raises: RunStopped.
    """
    beside = folder.with_name(f".{folder.name}.making")
    shutil.rmtree(beside, ignore_errors=True)
    with naming():
        beside.mkdir(parents=True)
        notes = {}
        for name, rows in _with_gone(read, gone, made_at).items():
            path = beside / f"{name}.parquet"
            rows.write_parquet(path, compression="zstd", compression_level=1)
            with path.open("rb+") as handle:
                digest = hashlib.file_digest(handle, "sha256").hexdigest()
                os.fsync(handle.fileno())
            notes[path.name] = {"rows": rows.height, "sha256": digest, "complete": name in whole}
        manifest = {"delivery_id": folder.name, "made_at": made_at.isoformat(), "complete": False, "files": notes}
        with (beside / extract.MANIFEST).open("w", encoding="utf-8") as out:
            json.dump(manifest, out, indent=1)
            out.flush()
            os.fsync(out.fileno())
        beside.rename(folder)
    return folder


def _with_gone(read: Mapping[str, pl.DataFrame], gone: Sequence[tuple[str, pl.Series]], made_at: datetime) -> dict[str, pl.DataFrame]:
    frames = dict(read)
    deletions = [
        pl.DataFrame(
            {"ref": refs}, schema={"ref": pl.String()}
        ).select(pl.lit(table).alias("table"), "ref", pl.lit(made_at, pl.Datetime("us")).alias("deleted_at"), pl.lit("gone from the source").alias("reason"))
        for table, refs in gone
        if len(refs)
    ]  # fmt: skip
    if deletions:
        listed = frames.get(DELETIONS.name)
        if listed is not None and listed.height:
            deletions.insert(0, listed.select(DELETIONS.names).cast({"deleted_at": pl.Datetime("us")}))
        frames[DELETIONS.name] = pl.concat(deletions)
    return frames


def since_of(newest: datetime | date | None, lag_days: int) -> datetime | None:
    """The moment the next read begins: the newest change held, less the lag; None: from the start."""
    if newest is None:
        return None
    moment = newest if isinstance(newest, datetime) else datetime(newest.year, newest.month, newest.day)
    return moment - timedelta(days=lag_days)


def refuse_too_many_gone(gone: list[tuple[str, int, int]], most: float) -> None:
    """Raises FeedRefused if more of a table is gone than can be: an emptied or half-filled source, not deletions.

    Args: gone: (table, keys gone, keys held).
    """
    faults = [
        Fault("deletions_odd", table, next_step="look whether the source is whole; raise feed.deleted_max_share if it is")
        for table, count, held in gone
        if count > max(most * held, 5)
    ]
    if faults:
        raise extract.refused(faults, "The read of the database")
