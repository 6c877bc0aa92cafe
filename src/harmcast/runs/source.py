"""A read of the force's database, handed to loading as a delivery, so that every rule of a delivery holds for it.

Where the read begins is told by what is held, not by a bookmark: the newest change of each table, less the lag. So a
read that was killed, a delivery that was refused and a backup restored all go on from where the records stand.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from harmcast.errors import FeedRefused, RunStopped, SettingsRefused
from harmcast.feed import connection, database, mapping, values
from harmcast.feed.database import CURSORS, KEYED, Source
from harmcast.progress import Progress, part, quiet
from harmcast.runs.load import LoadResult, load_delivery, note_refusal
from harmcast.runs.received import mapping_of
from harmcast.store import deliveries, keys
from harmcast.store import loads as waits
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.tables import CHARGES, CIRCUMSTANCES_TABLE, PERSONS, ROW

FOLDER = "incoming"
CLOCK_SLACK = timedelta(hours=2)  # the hour that comes twice in autumn, and a little


def load_from_database(state: State, actor: Actor, progress: Progress = quiet) -> list[LoadResult]:
    """Loads what an earlier run had read and not loaded, then reads and loads what changed since.

    Raises: FeedRefused, RunStopped (`source_unreachable`, `source_refuses`, `clock_set_back`, ...), StoreDamaged.
    """
    with state.run_lock("load", actor.account):
        waits.stop_if_waiting(state.operations)
        loads = []
        for folder in _pending(state):
            loads.append(_loaded(state, folder, actor, quiet))
            if loads[-1].waiting:
                return loads
        try:
            folder = connection.patiently(lambda: read(state, part(progress, 0.0, 0.6)))
        except FeedRefused as error:
            note_refusal(state, "the database", error, actor.account)
            raise
        return [*loads, _loaded(state, folder, actor, part(progress, 0.6, 1.0))]


def _loaded(state: State, folder: Path, actor: Actor, progress: Progress) -> LoadResult:
    """Loads a read; its files go once it is loaded or refused, because the source still holds them."""
    try:
        result = load_delivery(state, folder, actor.account, progress=progress)
    except FeedRefused:
        shutil.rmtree(folder)
        raise
    shutil.rmtree(folder)
    return result


def _pending(state: State) -> list[Path]:
    """Reads that are whole and wait; what was being made when a run was killed goes."""
    inbox = state.root / FOLDER
    inbox.mkdir(exist_ok=True)
    for path in inbox.iterdir():
        if path.name.startswith("."):
            shutil.rmtree(path)
    return sorted(inbox.iterdir())


def read(state: State, progress: Progress = quiet) -> Path:
    """Reads what changed in the source since what is held, as a delivery folder in `STATE/incoming`, which is there."""
    feed, zone = state.settings.feed, state.settings.force.timezone
    made_at = _made_at(state)
    inbox = state.root / FOLDER
    engine = connection.engine_of(feed)
    try:
        progress("Looking at the source's tables", 0.0)
        rules = mapping_of(state)
        if not isinstance(rules, mapping.Mapping):
            raise SettingsRefused("An SQL mapping is for delivered files.", code="mapping_invalid", next_step="Make views in the database instead.")
        sources = database.sources(engine, feed, rules, deliveries.columns_before(state.operations))
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="keys") as beside:
            comparing = beside.submit(lambda: list(_gone(state, engine, sources)))
            progress("Reading what changed", 0.1)
            wanted = [(source, since(state, source), None) for source in sources]
            rows = database.fetch(engine, feed, wanted, zone, inbox / ".reading")
            for more in _people_wanted(state, sources, rules, rows):
                name = more[0].name
                found = database.fetch(engine, feed, [more], zone, inbox / ".reading")[name]
                rows[name] = pl.concat([rows[name], found], how="diagonal_relaxed")
            progress("Comparing keys", 0.7)
            gone = [(table, _not_read(table, refs, sources, rules, rows), held) for table, refs, held in comparing.result()]
    finally:
        engine.dispose()
    database.refuse_too_many_gone([(t, len(refs), held) for t, refs, held in gone], feed.deleted_max_share)
    whole = {s.name for s in sources if CIRCUMSTANCES_TABLE.name in s.tables or (s.key is None and set(s.tables) & set(KEYED))}
    folder = inbox / f"sql-{made_at:%Y%m%dT%H%M%S}"
    return database.write_delivery(folder, rows, whole, [(t, refs) for t, refs, _ in gone], made_at)


def _made_at(state: State) -> datetime:
    """When the read is made, local time; after every delivery held. Raises RunStopped if the clock was set back."""
    now = datetime.fromisoformat(state.operations.now()).astimezone(ZoneInfo(state.settings.force.timezone))
    made_at = now.replace(tzinfo=None, microsecond=0)
    newest = deliveries.newest_made_at(state.operations)
    if newest is None or newest < made_at:
        return made_at
    if newest - made_at > CLOCK_SLACK:
        raise RunStopped(
            "The clock of this machine is before the newest delivery held.",
            code="clock_set_back",
            next_step="Set the clock right, then run again; nothing was read.",
        )
    return newest + timedelta(seconds=1)


def since(state: State, source: Source) -> datetime | None:
    """Where the read of a source begins; None: from the start, also where its columns are others than before."""
    if source.cursor is None:
        return None
    table = source.tables[0]
    before = deliveries.columns_before(state.operations).get(f"{source.file}/{table}")
    if before is None or set(before) != set(source.columns):
        return None
    column = CURSORS[table]
    if not state.records.parts(table):
        return None
    kept = state.records.versions(table, columns=[column, "deleted"]).filter(~pl.col("deleted"))
    return database.since_of(kept.select(pl.col(column).max()).item(), state.settings.feed.lag_days)


def _people_wanted(
    state: State, sources: list[Source], rules: mapping.Mapping, rows: dict[str, pl.DataFrame]
) -> Iterator[tuple[Source, None, list[str]]]:
    """People whose own row did not change, but who are charged now, or take over somebody merged: read by key.

    Looks at `rows` again after each read, until nobody is missing.
    """
    source = next((s for s in sources if s.tables == (PERSONS.name,) and s.key is not None and s.cursor is not None), None)
    if source is None or not state.records.parts(PERSONS.name):
        return
    asked: set[str] = set()
    while True:
        missing = _charged_not_held(state, sources, rules, rows) - asked
        if not missing:
            return
        asked |= missing
        yield source, None, sorted(missing)


def _charged_not_held(state: State, sources: list[Source], rules: mapping.Mapping, rows: dict[str, pl.DataFrame]) -> set[str]:
    charged = set(state.records.known(CHARGES.name, columns=["person_ref"])["person_ref"])
    charged |= set(_ours(CHARGES.name, "person_ref", sources, rules, rows))
    people = dict.fromkeys(state.records.known(PERSONS.name, columns=["person_ref"])["person_ref"])
    read_now = dict(zip(_ours(PERSONS.name, "person_ref", sources, rules, rows), _ours(PERSONS.name, "merged_into", sources, rules, rows), strict=True))
    wanted = charged | {into for ref, into in read_now.items() if into is not None and (ref in charged or ref in people)}
    missing = wanted - set(people) - set(read_now) - {None}
    blocked = keys.blocked(state.operations)
    return {ref for ref in missing if keys.erased_hash(state.secret, ref) not in blocked} if blocked else missing


def _ours(table: str, column: str, sources: list[Source], rules: mapping.Mapping, rows: dict[str, pl.DataFrame]) -> list[Any]:
    """Our column of what was read of a table, as text."""
    source = next((s for s in sources if table in s.tables), None)
    if source is None or rows[source.name].is_empty():
        return []
    raw = rows[source.name].with_columns(pl.int_range(1, pl.len() + 1).alias(ROW))
    made, _ = mapping.applied(raw, mapping.TABLES[table], rules.tables.get(table))
    if column not in made.columns:
        return [None] * made.height
    return values.reference(made[column])[0].str.strip_chars().to_list()


def _not_read(table: str, refs: pl.Series, sources: list[Source], rules: mapping.Mapping, rows: dict[str, pl.DataFrame]) -> pl.Series:
    """Keys that were gone when the keys were asked, less those that came back before their rows were read."""
    if refs.is_empty():
        return refs
    read_now = pl.Series(_ours(table, mapping.TABLES[table].key[0], sources, rules, rows), dtype=pl.String)
    return refs.filter(~refs.is_in(read_now.implode()))


def _gone(state: State, engine: Any, sources: list[Source]) -> Iterator[tuple[str, pl.Series, int]]:
    """Keys held that the source no longer has: (table, keys, how many are held). Asked beside the rows, on a line of its own."""
    for source in sources:
        table = source.tables[0]
        if source.key is None or not state.records.parts(table):
            continue
        held = state.records.known(table, columns=list(mapping.TABLES[table].key)).to_series(0)
        there = values.reference(connection.keys_there(engine, state.settings.feed.sql_schema, source.name, source.key))[0]
        gone = pl.DataFrame({"ref": held}).join(pl.DataFrame({"ref": there}), on="ref", how="anti")["ref"]
        yield table, gone.sort(), len(held)
