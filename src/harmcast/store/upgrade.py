"""Brings the operational database to the schema of this version, in one transaction, with its event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from harmcast.errors import RunStopped
from harmcast.oversight.log import Event
from harmcast.store import row_lines, schema
from harmcast.store.operations import ADOPTED, Operations, Writing, check_references
from harmcast.store.row_lines import RowLine

HEAD = "0019"
MIGRATIONS = Path(__file__).with_name("migrations")


def _config(connection: sa.Connection | None) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def revision(operations: Operations) -> str | None:
    """The schema's revision; None for an empty database."""
    with operations.reading() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def to_revision(connection: sa.Connection, wanted: str) -> None:
    """Makes the schema of a revision in an empty database. Raises RunStopped (`schema_newer`) if it is not known."""
    from alembic import command
    from alembic.util import CommandError

    try:
        command.upgrade(_config(connection), wanted)
    except CommandError:
        raise RunStopped(
            "The backup was written by a later version of harmcast.",
            code="schema_newer",
            next_step="Install that version, or take a backup made by this one.",
        ) from None


def _is_known(held: str) -> bool:
    from alembic.script import ScriptDirectory

    return held in {script.revision for script in ScriptDirectory.from_config(_config(None)).walk_revisions()}


def upgrade(operations: Operations, event: Event) -> None:
    """Brings the schema up to date, where it is not.

    Killed on the way, the database is as before: both databases change schema inside the transaction.

    Raises: RunStopped (`schema_newer`) if a later version of harmcast wrote this state; StoreDamaged (`operations_damaged`)
    if rows would refer to rows that are not there.
    """
    held = revision(operations)
    if held == HEAD:
        return
    from alembic import command

    if held is not None and not _is_known(held):
        raise RunStopped(
            "The state was written by a later version of harmcast.",
            code="schema_newer",
            next_step="Install that version again, or restore a backup made by this one.",
        )
    with operations.writing(event.with_detail(from_revision=held, to_revision=HEAD), is_rebuilding=True) as tx:
        before = _vouched(tx.connection) if held is not None else None
        command.upgrade(_config(tx.connection), "head")
        check_references(tx.connection)
        if before is not None:
            _adopt(tx, event, before)


@dataclass(frozen=True)
class _Vouched:
    """What the log vouched for before an upgrade: every table there was (none before lines were kept), and the rows that were not what a line says."""

    tables: frozenset[str]
    newest: Mapping[tuple[str, str], str]
    wrong: frozenset[tuple[str, str]]


def _vouched(connection: sa.Connection) -> _Vouched:
    held = sa.MetaData()
    held.reflect(connection)
    names = frozenset(held.tables)
    if schema.versions.name not in names:
        return _Vouched(frozenset(), {}, frozenset())
    table = schema.versions
    query = sa.select(table.c.tab, table.c.key, table.c.hash).order_by(table.c.seq, table.c.n)
    newest = {(tab, key): hashed for tab, key, hashed in connection.execute(query)}
    lines = (line for name in sorted(names & set(schema.KEPT)) for line in _lines(connection, held.tables[name]))
    wrong = frozenset((line.tab, line.key) for line in lines if newest.get((line.tab, line.key)) != line.hash)
    return _Vouched(names, newest, wrong)


def _lines(connection: sa.Connection, table: sa.Table) -> Iterator[RowLine]:
    for row in connection.execute(sa.select(table).execution_options(yield_per=5_000)).mappings():
        yield row_lines.line(table, dict(row))


def _adopt(tx: Writing, event: Event, before: _Vouched) -> None:
    """One entry vouches for the rows that have no line yet, or that the upgrade itself changed; never for one that was wrong."""
    counts: Counter[str] = Counter()
    for name in sorted(schema.KEPT):
        for line in _lines(tx.connection, schema.metadata.tables[name]):
            known = (line.tab, line.key)
            if name not in before.tables or (known not in before.wrong and before.newest.get(known) != line.hash):
                tx.lines.append(line)
                counts[name] += 1
    if counts:
        tx.also(Event(event.actor, event.role, event.kind, ADOPTED, object="state", detail=dict(sorted(counts.items()))))
        tx.carrier = len(tx.events) - 1
