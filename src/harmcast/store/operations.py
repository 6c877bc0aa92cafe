"""The operational database: ledger, log, decisions, releases, users. No write without its event.

SQLite beside the records by default (WAL, every commit synced), PostgreSQL by URL. The only way to write is

    with operations.writing(event) as tx:
        tx.execute(insert(...))

which appends the event to the hash chain in the same transaction: both stand, or neither. The web process and the
weekly run write at the same time; writers queue for a moment, readers never wait.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from harmcast.errors import HarmcastError, RunStopped, StoreDamaged
from harmcast.oversight import log
from harmcast.oversight.log import Entry, Event
from harmcast.store import schema

BUSY_MS = 30_000
CHAIN_LOCK = 0x6861726D  # advisory lock of PostgreSQL under which the chain grows


def database_url(setting: str | None, root: Path) -> sa.URL:
    """The database's address: SQLite in the state unless the settings name another."""
    if setting is None:
        return sa.URL.create("sqlite", database=str(root / "operations.db"))
    if setting.startswith("env:"):
        found = os.environ.get(setting[4:])
        if not found:
            raise RunStopped(
                "The address of the operational database is not in the environment.",
                code="store_url_missing",
                next_step=f"Set the variable {setting[4:]} (setting store.url) and run again.",
            )
        setting = found
    url = sa.make_url(setting)
    return url.set(drivername="postgresql+psycopg") if url.drivername in {"postgres", "postgresql"} else url


def engine_of(url: sa.URL) -> sa.Engine:
    """An engine whose writers take their turn and whose commits are on disk when they return."""
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20, hide_parameters=True)
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_MS / 1000, "check_same_thread": False}, hide_parameters=True)

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "secure_delete = ON",
            f"busy_timeout = {BUSY_MS}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begun(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("harmcast_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _named(error: exc.DBAPIError) -> HarmcastError | None:
    """What a person can act on, of a database error; None if it is a bug or the caller's own business."""
    words = str(error.orig).lower()
    if isinstance(error, exc.IntegrityError | exc.ProgrammingError | exc.DataError):
        return None
    if "malformed" in words or "not a database" in words or "corrupt" in words:
        return StoreDamaged(
            "The operational database is damaged.",
            code="operations_damaged",
            next_step="Stop, keep the file, restore the newest backup (`harmcast restore`), tell the data owner.",
        )
    if "readonly" in words or "read-only" in words or "unable to open database file" in words:
        return RunStopped(
            "The operational database may not be written: the state's folder is read-only to this account, or not there.",
            code="state_read_only",
            next_step="Check owner, mode and mount of the state's folder, then run again. To look at a copy, make it one that can be written: looking is logged.",
        )
    if isinstance(error, exc.OperationalError | exc.InterfaceError | exc.InternalError) or error.connection_invalidated:
        return RunStopped(
            "The operational database cannot be written or read, so nothing that must be logged can go on.",
            code="log_unavailable",
            next_step="Free disk space or start the database, then try again; nothing was half written.",
        )
    return None


@contextmanager
def translating() -> Iterator[None]:
    """Turns what the database says into errors that name who must act."""
    try:
        yield
    except exc.DBAPIError as error:
        named = _named(error)
        if named is None:
            raise
        raise named from error


def utc_now() -> datetime:
    return datetime.now(UTC)


class Writing:
    """One transaction that has its event. What was learnt on the way can be added to the event's detail."""

    def __init__(self, connection: sa.Connection, event: Event, at: str) -> None:
        self.connection = connection
        self.at = at
        self.events = [event]
        self.appended: list[Entry] = []

    def execute(self, statement: Any, rows: Any = None) -> sa.CursorResult[Any]:
        result: sa.CursorResult[Any] = self.connection.execute(statement, rows)
        return result

    def also(self, event: Event) -> None:
        """One more event of the same transaction."""
        self.events.append(event)

    def says(self, **facts: Any) -> None:
        """Adds facts (counts, names; never a record's value) to the first event."""
        self.events[0] = self.events[0].with_detail(**facts)

    def insert(self, table: sa.Table, **values: Any) -> int:
        """Inserts one row and gives its number."""
        key = self.execute(sa.insert(table).values(**values)).inserted_primary_key
        return int(key[0]) if key and isinstance(key[0], int) else 0


class Operations:
    """The operational database of one state."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime] = utc_now) -> None:
        self.engine = engine
        self._now = now
        self._writer = engine.execution_options(harmcast_writes=True)

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    def close(self) -> None:
        self.engine.dispose()

    def now(self) -> str:
        """This instant as the database writes it."""
        return log.instant(self._now())

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection to read with. Looking at a person is an event of its own: `record` it first."""
        with translating(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, event: Event) -> Iterator[Writing]:
        """A transaction that carries its event: it commits with the event in the chain, or leaves no trace.

        Raises: RunStopped (`log_unavailable`) or StoreDamaged; whatever the body raises rolls all back.
        """
        with translating(), self._writer.connect() as connection, connection.begin():
            if not self.is_sqlite:
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": CHAIN_LOCK})
            tx = Writing(connection, event, self.now())
            yield tx
            tx.appended = self._append(connection, tx.events, tx.at)

    @contextmanager
    def unlogged(self) -> Iterator[sa.Connection]:
        """A transaction without an event: only to fill an empty database with a backup, whose log comes with it."""
        with translating(), self._writer.connect() as connection, connection.begin():
            yield connection

    def record(self, event: Event) -> int:
        """Appends one event and gives its number: for looking, which writes nothing else."""
        with self.writing(event) as tx:
            pass
        return tx.appended[-1].seq

    def _append(self, connection: sa.Connection, events: Sequence[Event], at: str) -> list[Entry]:
        table = schema.events
        last = connection.execute(
            sa.select(table.c.seq, table.c.hash, table.c.at).order_by(table.c.seq.desc()).limit(1)
        ).first()
        seq, prev_hash, last_at = (last.seq, last.hash, last.at) if last else (0, log.GENESIS, "")
        at = max(at, last_at)  # a clock set back does not turn the log round
        entries = []
        for event in events:
            entry = log.chained(event, seq + 1, at, prev_hash)
            entries.append(entry)
            seq, prev_hash = entry.seq, entry.hash
        connection.execute(sa.insert(table), [vars(entry) for entry in entries])
        return entries

    def entries(self, first: int = 1, last: int | None = None) -> list[Entry]:
        """The log's entries from `first` to `last`, both included, in order."""
        table = schema.events
        query = sa.select(table).where(table.c.seq >= first).order_by(table.c.seq)
        if last is not None:
            query = query.where(table.c.seq <= last)
        with self.reading() as connection:
            return [Entry(**row._mapping) for row in connection.execute(query)]

    def rows(self, query: sa.Select[Any]) -> list[dict[str, Any]]:
        """The rows of a query, as dictionaries."""
        with self.reading() as connection:
            return [dict(row._mapping) for row in connection.execute(query)]

    def fact(self, name: str) -> str | None:
        """A fact of the state by name, e.g. `state_id`; None if there is none."""
        with self.reading() as connection:
            return connection.execute(
                sa.select(schema.facts.c.value).where(schema.facts.c.name == name)
            ).scalar_one_or_none()


def count_from(tx: Writing, name: str, by: int) -> int:
    """Takes `by` numbers of a running count and gives the first of them."""
    counters = schema.counters
    held = tx.execute(sa.select(counters.c.value).where(counters.c.name == name)).scalar_one_or_none()
    if held is None:
        tx.execute(sa.insert(counters).values(name=name, value=by))
        return 1
    tx.execute(sa.update(counters).where(counters.c.name == name).values(value=held + by))
    return int(held) + 1


def set_fact(tx: Writing, name: str, value: str) -> None:
    """Writes a fact of the state."""
    changed = tx.execute(sa.update(schema.facts).where(schema.facts.c.name == name).values(value=value))
    if changed.rowcount == 0:
        tx.execute(sa.insert(schema.facts).values(name=name, value=value))
