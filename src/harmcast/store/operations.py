"""The operational database: ledger, log, decisions, releases, users. No write without its event.

SQLite beside the records by default (WAL, every commit synced), PostgreSQL by URL. The only way to write is

    with operations.writing(event) as tx:
        tx.execute(insert(...))

which appends the event to the hash chain in the same transaction: both stand, or neither; each row of a kept table that
it changes becomes a line in `versions`, digested into the event's entry (`row_lines`). Reads that decide or name somebody
go through `checked`: a row that no entry wrote is refused. The web process and the weekly run write at the same time;
writers queue for a moment, readers never wait.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, overload
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import exc

from harmcast.errors import HarmcastError, RunStopped, StoreDamaged
from harmcast.oversight import log
from harmcast.oversight.log import Entry, Event
from harmcast.store import row_lines, schema
from harmcast.store.newest_lines import NewestLine, NewestLines
from harmcast.store.once import forget
from harmcast.store.row_lines import RowLine

BUSY_MS = 30_000
CHAIN_LOCK = 0x6861726D  # advisory lock of PostgreSQL under which the chain grows
COUNT_LOCK = CHAIN_LOCK + 1  # and under which counters without an event are counted
ADOPTED = "rows_adopted"  # the entry of an upgrade that vouches for the rows it found
AT_ONCE = 5_000  # keys in one question

Dml = sa.Insert | sa.Update | sa.Delete
# Of connection, table, which rows, and the lines that the transaction has written so far.
BeforeChange = Callable[[sa.Connection, sa.Table, "sa.ColumnElement[bool] | None", Sequence[RowLine]], None]


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


@contextmanager
def _rebuilding(connection: sa.Connection) -> Iterator[None]:
    """Foreign keys wait while SQLite makes tables anew: it cannot drop one that others refer to, and heeds the pragma
    only outside a transaction (https://sqlite.org/lang_altertable.html#otheralter). `check_references` asks for them instead."""
    raw: Any = connection.connection.driver_connection
    raw.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        raw.execute("PRAGMA foreign_keys = ON")


def check_references(connection: sa.Connection) -> None:
    """Raises StoreDamaged (`operations_damaged`) if a row refers to one that is not there. PostgreSQL never lets it come to that."""
    if connection.dialect.name == "sqlite" and (wrong := connection.exec_driver_sql("PRAGMA foreign_key_check").all()):
        raise StoreDamaged(
            f"{len(wrong):,} rows of the operational database refer to rows that are not there: {', '.join(sorted({row[0] for row in wrong}))}.",
            code="operations_damaged",
            next_step="Stop, keep the file, restore the newest backup (`harmcast restore`), tell the data owner.",
        )


# https://www.sqlite.org/rescode.html; https://www.postgresql.org/docs/current/errcodes-appendix.html
KINDS: dict[int | str, str] = {
    sqlite3.SQLITE_CORRUPT: "damaged", sqlite3.SQLITE_NOTADB: "damaged", "XX001": "damaged", "XX002": "damaged",
    sqlite3.SQLITE_READONLY: "read_only", sqlite3.SQLITE_CANTOPEN: "read_only", "25006": "read_only",
    sqlite3.SQLITE_FULL: "full", "53100": "full",
}  # fmt: skip


def _kind(problem: BaseException | None) -> str | None:
    """What a database says it cannot do, by its own code: SQLite's primary result code, or PostgreSQL's SQLSTATE."""
    code = getattr(problem, "sqlite_errorcode", None)
    return KINDS.get(code & 0xFF if isinstance(code, int) else str(getattr(problem, "sqlstate", None)))


def _named(error: exc.DBAPIError) -> HarmcastError | None:
    """What a person can act on, of a database error; None if it is a bug or the caller's own business."""
    if isinstance(error, exc.IntegrityError | exc.ProgrammingError | exc.DataError):
        return None
    kind = _kind(error.orig)
    if kind == "damaged":
        return StoreDamaged(
            "The operational database is damaged.",
            code="operations_damaged",
            next_step="Stop, keep the file, restore the newest backup (`harmcast restore`), tell the data owner.",
        )
    if kind == "read_only":
        return RunStopped(
            "The operational database may not be written: the state's folder is read-only to this account, or not there.",
            code="state_read_only",
            next_step="Check owner, mode and mount of the state's folder, then run again. To look at a copy, make it one that can be written: looking is logged.",
        )
    if kind == "full":
        return RunStopped(
            "The operational database could not be written: the disk is full.",
            code="disk_full",
            next_step="Free space or mend the disk, then run again; what stood before still stands.",
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


def unwritten(table: str) -> StoreDamaged:
    """A row, or a line of one, that no entry of the log wrote."""
    return StoreDamaged(
        f"A row of {table} is not what the log says was written.",
        code="row_unwritten",
        next_step="Nothing is decided on it. Run `harmcast log verify`, which names it, and tell the data owner.",
    )


@dataclass(frozen=True)
class Changed:
    """What a change did: how many rows, and the key of the one row inserted."""

    rowcount: int
    inserted_primary_key: Sequence[Any] | None = None


class Writing:
    """One transaction that has its event. What was learnt on the way can be added to the event's detail.

    `lines` are the versions of kept rows it wrote; the entry of `events[carrier]` vouches for them.
    """

    def __init__(self, connection: sa.Connection, event: Event, at: str, keyed: Callable[[str, str], str], before_change: BeforeChange | None = None) -> None:
        self.connection = connection
        self._before_change = before_change
        self.at = at
        self.keyed = keyed
        self.events = [event]
        self.carrier = 0
        self.lines: list[RowLine] = []
        self.appended: list[Entry] = []

    @overload
    def execute(self, statement: Dml, rows: Any = None) -> Changed: ...

    @overload
    def execute(self, statement: Any, rows: Any = None) -> sa.CursorResult[Any]: ...

    def execute(self, statement: Any, rows: Any = None) -> Any:
        """Runs a statement. A change of a kept table leaves a line for each row; KeyError for a table nobody declared.

        Raises: TypeError for a change of what is only added to; StoreDamaged (`row_unwritten`) where a row to be changed is
        not one that an entry wrote: its line would make a forged row a proper one.
        """
        if not isinstance(statement, Dml):
            return self.connection.execute(statement, rows)
        table = statement.table
        if not isinstance(statement, sa.Insert) and isinstance(table, sa.Table) and table.name in schema.ADDED_ONLY:
            raise TypeError(f"{table.name} is only added to")
        if not isinstance(table, sa.Table) or not schema.is_kept(table.name):
            result = self.connection.execute(statement, rows)
            many = rows is not None or not isinstance(statement, sa.Insert)
            return Changed(result.rowcount, None if many else result.inserted_primary_key)
        if self._before_change and not isinstance(statement, sa.Insert):
            self._before_change(self.connection, table, statement.whereclause, self.lines)
        changed = self.connection.execute(statement.returning(*table.columns), rows).mappings().all()
        gone = isinstance(statement, sa.Delete)
        self.lines += [row_lines.line(table, dict(row), gone) for row in changed]
        if not isinstance(statement, sa.Insert) or len(changed) != 1:
            return Changed(len(changed))
        return Changed(1, [changed[0][column.name] for column in table.primary_key.columns])

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

    def __init__(self, engine: sa.Engine, secret: bytes, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.engine = engine
        self.secret = secret
        self._now = now
        self._writer = engine.execution_options(harmcast_writes=True)
        self._newest = NewestLines()
        self._added: dict[str, list[dict[str, Any]]] = {}
        self._adding = Lock()
        self._proven: dict[int, dict[str, str]] = {}  # entry -> table and key -> hash of its newest line there
        self._proven_rowless: dict[int, frozenset[bytes]] = {}  # entry -> hashes of its lines of ROWLESS tables: there may be one a person

    @property
    def seal_key(self) -> bytes:
        """What entries are sealed with: of the state's secret, which the database does not hold."""
        return bytes.fromhex(self.keyed("seal", "entries"))

    def keyed(self, what: str, text: str) -> str:
        """Keyed hash (HMAC-SHA-256) of a text under the state's secret: nobody makes one with the database alone."""
        return hmac.new(self.secret, f"{what} {text}".encode(), hashlib.sha256).hexdigest()

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
    def writing(self, event: Event, is_rebuilding: bool = False) -> Iterator[Writing]:
        """A transaction that carries its event: it commits with the event in the chain, or leaves no trace.

        An upgrade of the schema is `is_rebuilding`: it may drop and rename tables that others refer to (`_rebuilding`).

        Raises: RunStopped (`log_unavailable`) or StoreDamaged; whatever the body raises rolls all back.
        """
        rebuilding = _rebuilding if is_rebuilding and self.is_sqlite else nullcontext
        with translating(), self._writer.connect() as connection, rebuilding(connection), connection.begin():
            if not self.is_sqlite:
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": CHAIN_LOCK})
            tx = Writing(connection, event, self.now(), self.keyed, None if is_rebuilding else self._written_before)
            yield tx
            tx.appended = self._append(tx)
        if tx.lines:
            forget()

    @contextmanager
    def unlogged(self) -> Iterator[sa.Connection]:
        """A transaction without an event: to fill an empty database with a backup, whose log comes with it, and to keep a form again within moments."""
        with translating(), self._writer.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def counting(self) -> Iterator[tuple[sa.Connection, str]]:
        """A transaction without an event, with its instant: for counters that the log does not vouch for and strangers can move."""
        with translating(), self._writer.connect() as connection, connection.begin():
            if not self.is_sqlite:
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": COUNT_LOCK})
            yield connection, self.now()

    def record(self, event: Event) -> int:
        """Appends one event and gives its number: for looking, which writes nothing else."""
        with self.writing(event) as tx:
            pass
        return tx.appended[-1].seq

    def _append(self, tx: Writing) -> list[Entry]:
        table, connection = schema.events, tx.connection
        last = connection.execute(
            sa.select(table.c.seq, table.c.hash, table.c.at).order_by(table.c.seq.desc()).limit(1)
        ).first()
        seq, prev_hash, last_at = (last.seq, last.hash, last.at) if last else (0, log.GENESIS, "")
        at = max(tx.at, last_at)  # a clock set back does not turn the log round
        key = self.seal_key
        entries = []
        for i, event in enumerate(tx.events):
            lines = tx.lines if i == tx.carrier else []
            writes = row_lines.writes(line.hash for line in lines) if lines else None
            entry = log.chained(event, seq + 1, at, prev_hash, writes, key)
            entries.append(entry)
            seq, prev_hash = entry.seq, entry.hash
        connection.execute(sa.insert(table), [vars(entry) for entry in entries])
        if tx.lines:
            carrier = entries[tx.carrier].seq
            held = [{"seq": carrier, "n": n, **vars(line)} for n, line in enumerate(tx.lines, 1)]
            connection.execute(sa.insert(schema.versions), held)
        return entries

    def entries(self) -> list[Entry]:
        """The log's entries in order."""
        return [Entry(**row) for row in self.rows(sa.select(schema.events).order_by(schema.events.c.seq))]

    def rows(self, query: sa.Select[*tuple[Any, ...]]) -> list[dict[str, Any]]:
        """The rows of a query, as dictionaries."""
        with self.reading() as connection:
            return [dict(row._mapping) for row in connection.execute(query)]

    def number(self, query: sa.Select[Any]) -> int:
        """The one number that a query gives; 0 where it is null."""
        with self.reading() as connection:
            return int(connection.execute(query).scalar_one() or 0)

    def checked(
        self, table: sa.Table, *where: sa.ColumnElement[bool], order_by: Sequence[Any] = (), connection: sa.Connection | None = None
    ) -> list[dict[str, Any]]:
        """Rows of a kept table, each as the newest line of the log says: for what decides or names somebody.

        Raises: StoreDamaged (`row_unwritten`) if a row is not what an entry wrote, or its entry is not the log's own.
        """
        with self.reading() if connection is None else nullcontext(connection) as reader:
            return self._checked(reader, table, sa.select(table).where(*where).order_by(*order_by))

    def _checked(self, reader: sa.Connection, table: sa.Table, query: sa.Select[Any], own: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """The rows of a query of one kept table. `own`: key -> hash of what this very transaction has written so far."""
        try:
            rows = [dict(row) for row in reader.execute(query).mappings()]
        except ValueError:  # a day that is none
            raise unwritten(table.name) from None
        lines = [line for line in (row_lines.line(table, row) for row in rows) if (own or {}).get(line.key) != line.hash]
        newest = {} if table.name in row_lines.ROWLESS else self._newest.of(reader, table.name)
        odd = [line for line in lines if not self._is_written(reader, line, newest)]
        exact = self._newest_lines(reader, table.name, [line.key for line in odd]) if odd else {}
        if not all(self._is_written(reader, line, exact) for line in odd):
            raise unwritten(table.name)
        return rows

    def _written_before(self, connection: sa.Connection, table: sa.Table, where: sa.ColumnElement[bool] | None, written: Sequence[RowLine]) -> None:
        """Raises StoreDamaged (`row_unwritten`) unless each row that is to be changed is one that an entry, or this transaction, wrote."""
        query = sa.select(table) if where is None else sa.select(table).where(where)
        self._checked(connection, table, query, {line.key: line.hash for line in written if line.tab == table.name})

    def added(self, table: sa.Table) -> list[dict[str, Any]]:
        """Every row of a table of ADDED_ONLY without its bytes, by number; each is checked when it is first read, and then held.

        Raises: StoreDamaged as `checked` does.
        """
        if table.name not in schema.ADDED_ONLY:
            raise KeyError(f"{table.name} is not only added to")
        with self._adding:
            held = self._added.setdefault(table.name, [])
            upto = held[-1]["id"] if held else 0
            kept = [column.name for column in table.columns if not isinstance(column.type, sa.LargeBinary)]
            held += [{name: row[name] for name in kept} for row in self.checked(table, table.c.id > upto, order_by=(table.c.id,))]
            return list(held)

    def _is_written(self, connection: sa.Connection, line: RowLine, newest: Mapping[str, NewestLine]) -> bool:
        """Whether a row's line is the newest of its key, written by an entry of ours."""
        seq, held = newest.get(line.key, (0, ""))
        return line.hash == held and self._vouches(connection, seq, line)

    def _vouches(self, connection: sa.Connection, seq: int, line: RowLine) -> bool:
        """Whether an entry of ours wrote this line as the newest of its key there."""
        proof = self._proof(connection, seq)
        if line.tab in row_lines.ROWLESS:
            return bytes.fromhex(line.hash) in self._proven_rowless.get(seq, ())
        return proof.get(f"{line.tab} {line.key}") == line.hash

    def has_lines(self, table: sa.Table, key: str | None = None) -> bool:
        """Whether the log ever wrote a row of a kept table (of a key); also where the row itself has gone since."""
        lines = schema.versions
        of_key = [] if key is None else [lines.c.key == key]
        return bool(self.rows(sa.select(lines.c.n).where(lines.c.tab == table.name, *of_key).limit(1)))

    def _newest_lines(self, connection: sa.Connection, tab: str, keys: Sequence[str]) -> dict[str, NewestLine]:
        """Entry and hash of the newest line of each key, as this transaction sees them."""
        table = schema.versions
        found: dict[str, NewestLine] = {}
        for first in range(0, len(keys), AT_ONCE):
            some = table.c.key.in_(keys[first : first + AT_ONCE])
            query = sa.select(table.c.key, table.c.seq, table.c.hash).where(table.c.tab == tab, some)
            for key, seq, held in connection.execute(query.order_by(table.c.seq, table.c.n)):
                found[key] = (seq, held)
        return found

    def _proof(self, connection: sa.Connection, seq: int) -> Mapping[str, str]:
        """Newest hash by table and key of the lines that an entry wrote; empty unless entry, seal and lines agree.

        Kept once proven: entries and lines are only ever added.
        """
        if seq not in self._proven:
            found = connection.execute(sa.select(schema.events).where(schema.events.c.seq == seq)).first()
            entry = Entry(**found._mapping) if found else None
            table = schema.versions
            lines = connection.execute(
                sa.select(table.c.tab, table.c.key, table.c.hash).where(table.c.seq == seq).order_by(table.c.n)
            ).all()
            if entry is None or not self.is_ours(entry) or entry.writes != row_lines.writes([held for _, _, held in lines]):
                return {}
            self._proven_rowless[seq] = frozenset(map(bytes.fromhex, [held for tab, _, held in lines if tab in row_lines.ROWLESS]))
            self._proven[seq] = {f"{tab} {key}": held for tab, key, held in lines if tab not in row_lines.ROWLESS}
        return self._proven[seq]

    def is_ours(self, entry: Entry) -> bool:
        """Whether an entry is what was written, by somebody who held the state's secret."""
        if log.digest(entry) != entry.hash:
            return False
        return entry.seal is not None and hmac.compare_digest(entry.seal, log.seal(self.seal_key, entry.hash))

    def as_of(self, table: sa.Table, day: date, timezone: str = "UTC") -> list[dict[str, Any]]:
        """The rows of a kept table as they stood at the end of a day in a zone, by key: of each its newest line by then.

        Rows that an upgrade adopted count from the day they were first written. Bytes and password hashes are digests.
        Raises: KeyError for a table whose rows no line holds; StoreDamaged (`row_unwritten`) for a line that no entry wrote.
        """
        if not schema.is_kept(table.name) or table.name in row_lines.ROWLESS:
            raise KeyError(f"no line holds a row of {table.name}")
        end = log.instant(datetime.combine(day + timedelta(days=1), time(), ZoneInfo(timezone)))
        lines, events = schema.versions, schema.events
        query = (
            sa.select(lines.c.seq, lines.c.key, lines.c.row, lines.c.hash, events.c.at, events.c.action)
            .join(events, events.c.seq == lines.c.seq)
            .where(lines.c.tab == table.name, sa.or_(events.c.at < end, events.c.action == ADOPTED))
            .order_by(lines.c.seq, lines.c.n)
        )
        first = schema.KEPT[table.name]
        found: dict[str, dict[str, Any]] = {}
        held = self.rows(query)
        self._must_be_vouched_for([(line["seq"], RowLine(table.name, line["key"], line["row"], line["hash"])) for line in held], table.name)
        for line in held:
            row = row_lines.values(table, line["row"]) if line["row"] is not None else None
            if line["at"] >= end and (row is None or first is None or row[first] is None or row[first] >= end or line["key"] in found):
                continue
            if row is None:
                found.pop(line["key"], None)
            else:
                found[line["key"]] = row
        return [found[key] for key in sorted(found)]

    def _must_be_vouched_for(self, lines: Sequence[tuple[int, RowLine]], tab: str) -> None:
        """Raises StoreDamaged (`row_unwritten`) unless each line is what was written, by the entry it stands under."""
        last = {(seq, line.key): line for seq, line in lines}  # an entry may write a row twice: its last line counts
        with self.reading() as connection:
            wrong = any(not line.is_whole or (line.row is None and not line.is_gone) for _, line in lines)
            if wrong or not all(self._vouches(connection, seq, line) for (seq, _), line in last.items()):
                raise unwritten(tab)

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
    put(tx, schema.facts, {"name": name}, {"value": value})


def put(writer: Writing | sa.Connection, table: sa.Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Writes the row of a key: changes the one there is, or adds it."""
    same = sa.and_(*(table.c[name] == value for name, value in key.items()))
    if writer.execute(sa.update(table).where(same).values(**values)).rowcount == 0:
        writer.execute(sa.insert(table).values(**key, **values))


def answer(tx: Writing, table: sa.Table, number: int, decision: str, by: str, *where: sa.ColumnElement[bool], **more: Any) -> bool:
    """Keeps a second person's answer to what somebody asked for; False if it was answered in between, or is not one of `where`."""
    still_open = sa.and_(table.c.id == number, table.c.decision.is_(None), *where)
    return tx.execute(sa.update(table).where(still_open).values(decision=decision, decided_by=by, decided_at=tx.at, **more)).rowcount == 1
