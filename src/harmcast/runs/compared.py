"""What a delivery changes in what is held: table by table, then the deletions it lists."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import polars as pl

from harmcast.feed.mapping import TABLES
from harmcast.progress import Progress
from harmcast.runs.received import FileCount, Work, is_whole
from harmcast.store import deliveries, keys, versions
from harmcast.store.state import State
from harmcast.tables import (
    ACTIVITY,
    CHARGES,
    CIRCUMSTANCES_TABLE,
    CRIMES,
    DELETIONS,
    PERSONS,
    ROW,
    Table,
)

ORDER = (CRIMES, CHARGES, PERSONS, CIRCUMSTANCES_TABLE, ACTIVITY)


def compare(state: State, work: Work, progress: Progress) -> None:
    """Fills in what is new, unchanged, superseded, left out and deleted; every row of every file is accounted for."""
    work.blocked = keys.blocked(state.operations, work.manifest.made_at)
    for i, table in enumerate(ORDER):
        if table.name in work.checked:
            progress(f"Comparing {table.name}", i / (len(ORDER) + 1))
            _compare_table(state, work, table)
    if DELETIONS.name in work.checked:
        _listed_deletions(state, work)
    for count in work.counts.values():
        if not count.adds_up:
            raise AssertionError(f"rows of {count.table} do not add up")


def _compare_table(state: State, work: Work, table: Table) -> None:
    checked = work.checked.pop(table.name)
    work.checked[table.name] = replace(checked, rows=checked.rows.clear())
    count = FileCount.of(checked)
    work.counts[table.name] = count
    all_keys = pl.concat([checked.rows.select(table.key), checked.held_keys])
    rows = _kept(state, work, table, checked.rows)
    count.left_out = checked.rows.height - rows.height
    columns = [name for name in rows.columns if name != ROW]
    rows = versions.with_digest(rows, columns)
    whole = is_whole(work, table.name)
    standing = state.records.standing(table.name, None if whole else rows)
    made_at = work.manifest.made_at
    found = versions.change(rows, standing, table, made_at, checked.keep)
    count.loaded, count.unchanged, count.superseded = found.loaded, found.unchanged, found.superseded
    if found.repeated:
        count.notes["key_repeated"] = found.repeated
    if found.older:
        count.notes["changed_at_older"] = found.older
    if table.name == CRIMES.name:
        _new_codes(state, work, found.rows)
    work.new[table.name] = found.rows
    if whole and not standing.is_empty():
        _absences(state, work, table, standing, all_keys, checked.keyless)


def _kept(state: State, work: Work, table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows that may be kept: people only with a charge, nothing of the erased, circumstances of people held."""
    if "person_ref" not in table.names:
        return rows
    if work.blocked:
        hashes = {ref: keys.erased_hash(state.secret, ref) for ref in rows["person_ref"].unique()}
        erased = sorted(ref for ref, hashed in hashes.items() if hashed in work.blocked)
        work.still_there |= {hashes[ref] for ref in erased}
        rows = rows.filter(~pl.col("person_ref").is_in(erased))
    if table.name == CHARGES.name:
        return rows
    held = state.records.known(PERSONS.name, columns=["person_ref"])
    if table.name == CIRCUMSTANCES_TABLE.name:
        new = work.new.get(PERSONS.name)
        kept = pl.concat([held, new.select("person_ref")]) if new is not None else held
        return rows.join(kept.unique(), on="person_ref", how="semi", maintain_order="left")
    charged = [held, state.records.known(CHARGES.name, columns=["person_ref"])]
    if CHARGES.name in work.new:
        charged.append(work.new[CHARGES.name].select("person_ref"))
    return _with_merged(rows, pl.concat(charged).unique())


def _with_merged(rows: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """Rows of people charged, and of those they were merged into, however often."""
    while True:
        chosen = rows.join(kept, on="person_ref", how="semi", maintain_order="left")
        into = chosen.select(pl.col("merged_into").alias("person_ref")).drop_nulls()
        more = pl.concat([kept, into]).unique()
        if more.height == kept.height:
            return chosen
        kept = more


def _new_codes(state: State, work: Work, rows: pl.DataFrame) -> None:
    """Offence codes never seen before are loaded and flagged; their weight is then filled by rule."""
    if not state.records.parts(CRIMES.name):
        return
    known = state.records.versions(CRIMES.name, columns=["offence_code"])["offence_code"].unique()
    new = sorted(set(rows["offence_code"].unique()) - set(known))
    if new:
        work.counts[CRIMES.name].notes["offence_code_new"] = len(new)
        work.warnings.append(f"{len(new)} offence code(s) never seen before were loaded; look at their harm weight.")


def _absences(
    state: State, work: Work, table: Table, standing: pl.DataFrame, present: pl.DataFrame, keyless: int
) -> None:
    """Keys that a complete extract no longer holds were deleted at source."""
    if keyless:
        work.warnings.append(f"{table.name}: {keyless} row(s) without a readable key, so nothing is taken as deleted.")
        return
    if newest(state, table) > work.manifest.made_at:
        work.warnings.append(f"{table.name}: a later extract is held, so nothing is taken as deleted.")
        return
    gone = versions.absent(standing, present, table, work.manifest.made_at)
    if gone.height:
        work.tombstones.setdefault(table.name, []).append(gone)
        work.counts[table.name].deleted += gone.height


def newest(state: State, table: Table) -> datetime:
    """When the newest delivery that held this table was made."""
    return deliveries.newest_made_at(state.operations, table.name) or datetime.min


def _listed_deletions(state: State, work: Work) -> None:
    checked = work.checked[DELETIONS.name]
    count = FileCount.of(checked)
    work.counts[DELETIONS.name] = count
    for name in (CRIMES.name, CHARGES.name, PERSONS.name):
        table = TABLES[name]
        listed = checked.rows.filter(pl.col("table") == name).select("ref", "deleted_at", ROW)
        if listed.is_empty():
            continue
        wanted = listed.select(pl.col("ref").alias(table.key[0])).unique()
        standing = _standing_after(state, work, table, wanted)
        work.listed[name], work.unfound[name] = wanted.height, wanted.join(standing, on=list(table.key), how="anti").height
        going, unchanged, superseded = versions.deleted(listed, standing, table, work.manifest.made_at)
        already = pl.concat(work.tombstones[name]).select(table.key) if name in work.tombstones else None
        if already is not None:
            before = going.height
            going = going.join(already, on=list(table.key), how="anti", maintain_order="left")
            unchanged += before - going.height
        count.loaded += going.height
        count.unchanged += unchanged
        count.superseded += superseded
        if going.height:
            work.tombstones.setdefault(name, []).append(going)
            count.deleted += going.height


def _standing_after(state: State, work: Work, table: Table, wanted: pl.DataFrame) -> pl.DataFrame:
    """The newest version of each key wanted once this delivery's rows are in."""
    standing = state.records.standing(table.name, wanted)
    new = work.new.get(table.name)
    if new is None or new.is_empty():
        return standing
    key = list(table.key)
    fresh = new.select(*key, "changed_at", "digest").with_columns(
        pl.lit(work.manifest.made_at, pl.Datetime("us")).alias("made_at"), pl.lit(False).alias("deleted")
    )
    older = standing.join(fresh.select(key), on=key, how="anti")
    return pl.concat([older, fresh], how="diagonal")
