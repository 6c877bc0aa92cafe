"""Verification of a state: the chain of entries with the lines of rows behind it, the rows as they are, the files of record.

Streamed: entries beside lines in their order, then each kept table against its newest lines, then the ledger's files. What comes
of it against the lines kept outside is `checkpoints.py`'s; a state alone can only agree with itself.

| kind | what is wrong |
|---|---|
| sequence, link, content, clock, kind | the chain of entries itself |
| seal | an entry that nobody appended who held the state's secret |
| writes | an entry's lines are not those it vouches for |
| version | a line is not what was written, or no entry wrote it |
| row_changed, row_missing, row_unknown | a row is not its newest line, is gone, or has no line |
| row_gone_back | a row is as it was in an earlier version |
| file | a file of record is missing or not what the ledger names; the settings are not those that were taken |
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from harmcast.documents.plain import PlainRecord
from harmcast.errors import Fault, StoreDamaged
from harmcast.oversight import log
from harmcast.oversight.log import Entry
from harmcast.store import checkpoints, files, kept_settings, ledger, row_lines, schema
from harmcast.store.operations import Operations
from harmcast.store.releases import FOLDER as RELEASES
from harmcast.store.row_lines import RowLine
from harmcast.store.state import State

BATCH = 5_000
SHOWN = 50
NOWHERE = 2**63  # behind every entry: a line whose number is none
LIMITS = (
    "What this cannot see: whoever holds the service's account can forge from now on, and rewrite what came after the last line kept outside.",
    "Whoever holds every outside file too is found only by what was printed or mailed.",
)
UPGRADES = frozenset({"schema_upgraded", "state_made"})
Held = TypeVar("Held")
FIELDS = tuple(Entry.__dataclass_fields__)


@dataclass(frozen=True)
class StateFault:
    """One sign of tampering: its kind, the table and key of the row, and the entry of the log it touches."""

    kind: str
    table: str | None = None
    key: str | None = None
    event: int | None = None
    says: str = ""

    def document(self) -> PlainRecord:
        return {name: value for name, value in vars(self).items() if name != "says"}


@dataclass(frozen=True)
class Verification:
    """What a verification found: entries, rows and (`outside`) lines kept elsewhere that were looked at, the faults, and what to say."""

    events: int
    rows: int
    faults: tuple[StateFault, ...]
    outside: int = 0
    said: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        return not self.faults

    @property
    def exit_code(self) -> int:
        """24 on any fault; 25 where nothing outside was looked at, so that a rollback could not be seen."""
        return 24 if self.faults else 0 if self.outside else 25

    def document(self) -> PlainRecord:
        """The same, ready for JSON."""
        faults = [fault.document() for fault in self.faults]
        return {"whole": self.is_whole, "events": self.events, "rows": self.rows, "witnesses": self.outside, "faults": faults}

    def lines(self) -> list[str]:
        """What is printed for people."""
        said = [f"{self.events:,} entries, {self.rows:,} rows, {self.outside:,} lines kept outside."]
        said += self.said[:SHOWN]
        if len(self.said) > SHOWN:
            said.append(f"  and {len(self.said) - SHOWN} more")
        if self.faults:
            return [*said, "This is not what was written. Next: sign nothing, keep everything as it is, tell the data owner.", *LIMITS]
        agrees = "The log, its rows and its files are whole." if self.outside else "The state agrees with itself; a rollback cannot be seen."
        return [*said, agrees, *LIMITS]


def verify(state: State, checkpoint: Path | None = None, key: str | None = None) -> Verification:
    """Chain, rows and files, and the chain against the lines kept outside: those named, else those of the settings. `key`: its code on paper."""
    agreement = verify_state(state)
    outside = checkpoints.verify(state, checkpoint, key)
    more = [StateFault(fault.rule, None, None, fault.seq, fault.says) for fault in outside.faults]
    faults = (*agreement.faults, *more)
    lost = [f"A restore was declared: entries {p.lost[0]} to {p.lost[1]} were lost." for p in outside.points if p.lost]
    since = outside.points[0].at if outside.points else "never"
    looked = [f"Looked at outside: {', '.join(place.name for place in outside.places)}; the first line is of {since}."] if outside.places else []
    said = (*looked, *lost, *outside.notes, *with_actors(state.operations, faults))
    return replace(agreement, faults=faults, outside=len(outside.points), said=said)


def verify_state(state: State) -> Verification:
    """Every sign of tampering that the state alone can show. Raises RunStopped if it cannot be read."""
    agreement = verify_database(state.operations)
    return replace(agreement, faults=(*agreement.faults, *_file_faults(state)))


def must_be_whole(operations: Operations) -> None:
    """Raises StoreDamaged (`row_unwritten`) on the first look that finds chain or rows other than written: nothing is made of them."""
    agreement = verify_database(operations)
    if agreement.faults:
        raise StoreDamaged(
            f"{len(agreement.faults):,} rows or entries of the operational database are not what was written.",
            code="row_unwritten",
            next_step="Nothing is made of them. Run `harmcast log verify`, which names them, keep everything as it is, tell the data owner.",
            faults=tuple(Fault(fault.kind, f"{fault.table} {fault.key}" if fault.table else f"entry {fault.event}") for fault in agreement.faults),
        )


def verify_database(operations: Operations) -> Verification:
    """The chain, its lines and the rows of one database, all of one moment."""
    faults: list[StateFault] = []
    with operations.reading() as connection:
        if not operations.is_sqlite:
            connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        beside = _Beside(operations, _lines(connection), faults)
        faults += [StateFault(broken.rule, None, None, broken.seq, broken.says) for broken in log.broken_links(beside.entries(connection))]
        beside.finish()
        rows = 0
        for name in sorted(schema.KEPT):
            table = schema.metadata.tables[name]
            for row in connection.execute(sa.select(*map(_as_held, table.columns)).execution_options(yield_per=BATCH)).mappings():
                rows += 1
                faults += _row_faults(connection, row_lines.line(table, dict(row)), beside.newest)
        for (tab, key), (seq, hashed) in sorted(beside.newest.items()):
            if hashed != row_lines.digest(tab, key, None):
                faults.append(StateFault("row_missing", tab, key, seq, "is gone, and no entry says so"))
    return Verification(beside.count, rows, tuple(faults))


def _as_held(column: sa.Column[object]) -> sa.Label[str] | sa.Column[object]:
    """A column as the database holds it: a day that is none is a row that was changed, and no reason to stop."""
    return sa.type_coerce(column, sa.Text).label(column.name) if isinstance(column.type, sa.Date) else column


def _text(value: Held) -> Held:
    """A text column's value; where SQLite holds something else in it, its bytes as text, which no hash fits."""
    return value if value is None or isinstance(value, str | int) else repr(value)  # type: ignore[return-value]


def _lines(connection: sa.Connection) -> Iterator[tuple[int, RowLine]]:
    table = schema.versions
    query = sa.select(table.c.seq, table.c.tab, table.c.key, table.c.row, table.c.hash).order_by(table.c.seq, table.c.n)
    for seq, *line in connection.execute(query.execution_options(yield_per=BATCH)):
        yield seq if isinstance(seq, int) else NOWHERE, RowLine(*map(_text, line))


class _Beside:
    """Entries with the lines of each beside them; what does not fit goes to `faults`, the newest line of each key is kept."""

    def __init__(self, operations: Operations, lines: Iterator[tuple[int, RowLine]], faults: list[StateFault]) -> None:
        self.newest: dict[tuple[str, str], tuple[int, str]] = {}
        self.count = 0
        self._seal_key = operations.seal_key
        self._is_sealed = False
        self._lines = lines
        self._next = next(lines, None)
        self._faults = faults

    def entries(self, connection: sa.Connection) -> Iterator[Entry]:
        table = schema.events
        query = sa.select(*(table.c[name] for name in FIELDS)).order_by(table.c.seq).execution_options(yield_per=BATCH)
        for row in connection.execute(query):
            entry = Entry(*map(_text, row))
            self.count += 1
            self._look(entry)
            yield entry

    def _look(self, entry: Entry) -> None:
        if entry.seal is None:
            if self._is_sealed:
                self._fault("seal", entry.seq, "has no seal")
        else:
            if entry.seal != log.seal(self._seal_key, entry.hash):
                self._fault("seal", entry.seq, "was not appended by this state")
            if not self._is_sealed and entry.seq != 1 and entry.action not in UPGRADES:
                self._fault("seal", entry.seq, "is the first with a seal, and no upgrade")
            self._is_sealed = True
        hashes = [line.hash for line in self._take(entry.seq)]
        if (row_lines.writes(hashes) if hashes else None) != entry.writes:
            self._fault("writes", entry.seq, "has other lines than it vouches for")

    def _take(self, seq: int) -> Iterator[RowLine]:
        while self._next is not None and self._next[0] <= seq:
            owner, line = self._next
            self._next = next(self._lines, None)
            if owner < seq:
                self._faults.append(StateFault("version", line.tab, line.key, owner, "a line that no entry wrote"))
                continue
            if not line.is_whole:
                self._faults.append(StateFault("version", line.tab, line.key, owner, "a line that is not what was written"))
            self.newest[(line.tab, line.key)] = (owner, line.hash)
            yield line

    def finish(self) -> None:
        list(self._take(NOWHERE + 1))  # lines behind the last entry
        if self.count and not self._is_sealed:
            self._fault("seal", 1, "no entry has a seal")

    def _fault(self, kind: str, seq: int, says: str) -> None:
        self._faults.append(StateFault(kind, None, None, seq, says))


def _row_faults(connection: sa.Connection, line: RowLine, newest: dict[tuple[str, str], tuple[int, str]]) -> list[StateFault]:
    """What is wrong with a row as it is; its newest line is taken off the list."""
    seq, hashed = newest.pop((line.tab, line.key), (None, None))
    if hashed == line.hash:
        return []
    if hashed is None:
        return [StateFault("row_unknown", line.tab, line.key, None, "no entry wrote it")]
    table = schema.versions
    earlier = connection.execute(
        sa.select(table.c.seq).where(table.c.tab == line.tab, table.c.key == line.key, table.c.hash == line.hash)
    ).first()
    if earlier is not None:
        return [StateFault("row_gone_back", line.tab, line.key, seq, f"is as entry {earlier.seq} left it, not as entry {seq} did")]
    return [StateFault("row_changed", line.tab, line.key, seq, "is not what was written")]


def _file_faults(state: State) -> list[StateFault]:
    """Files that the ledger names and that are not there, or not what they were."""
    table = schema.ledger
    rows = state.operations.rows(sa.select(table).where(table.c.standing == ledger.CURRENT).order_by(table.c.id))
    found: list[StateFault] = []
    for row in rows:
        wrong = _wrong_file(state, row["kind"], row["name"], row["sha256"])
        if wrong:
            found.append(StateFault("file", table.name, str(row["id"]), _entry_of(state.operations, table, str(row["id"])), wrong))
    taken = state.operations.fact(kept_settings.FACT)
    if taken is not None and taken != kept_settings.sha256_of(state.root / kept_settings.SETTINGS):
        entry = _entry_of(state.operations, schema.facts, kept_settings.FACT)
        found.append(StateFault("file", kept_settings.SETTINGS, None, entry, "are not those that were taken: changed by hand"))
    return found


def _wrong_file(state: State, kind: str, name: str, sha256: str) -> str:
    """What is wrong with one file or folder of record, in words; empty if nothing is."""
    path = state.root / name
    if kind in ("part", "model", "statistics", "exploration"):
        return "" if path.is_file() and files.sha256(path) == sha256 else f"{name} is not the file that the ledger names"
    if kind != "release":
        return ""
    manifest = path / "manifest.json"
    if not manifest.is_file() or hashlib.sha256(manifest.read_bytes()).hexdigest() != sha256:
        return f"{name}/manifest.json is not what the ledger names"
    try:
        found = state.releases.named(name.removeprefix(f"{RELEASES}/"))
        for file in found[0].manifest()["files"] if found else ():
            found[0].read(file)
    except StoreDamaged as error:
        return error.message
    return ""


def _entry_of(operations: Operations, of: sa.Table, key: str) -> int | None:
    table = schema.versions
    query = sa.select(sa.func.max(table.c.seq).label("seq")).where(table.c.tab == of.name, table.c.key == key)
    found: int | None = operations.rows(query)[0]["seq"]
    return found


def with_actors(operations: Operations, faults: Iterable[StateFault]) -> list[str]:
    """Faults as lines for people: table, key, entry, who wrote it and when."""
    listed = list(faults)
    table = schema.events
    numbers = sorted({fault.event for fault in listed if fault.event is not None})
    query = sa.select(table.c.seq, table.c.actor, table.c.at).where(table.c.seq.in_(numbers))
    entries = {row["seq"]: f"entry {row['seq']} by {row['actor']}, {row['at']}" for row in operations.rows(query)}
    said = []
    for fault in listed:
        what = " ".join(filter(None, (fault.table, fault.key))) or "the log"
        place = entries.get(fault.event or 0, f"entry {fault.event}" if fault.event is not None else "no entry")
        said.append(f"  {fault.kind}: {what} ({place}): {fault.says}")
    return said
