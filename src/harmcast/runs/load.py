"""One delivery -> records: read, check, compare with what is held, write parts, name them in the ledger.

Nothing exists until the last step, one transaction: a kill before it leaves files that the next run sweeps away. The first
load of a state, one after a new mapping and one whose effects are held then wait to be accepted (`runs.accept`); what
protects people counts at once.
For every file received = loaded + unchanged + superseded + quarantined + left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import date, datetime
from pathlib import Path

import polars as pl

from harmcast.documents.effects import Effect
from harmcast.errors import FeedRefused, HarmcastError, RunStopped
from harmcast.oversight.log import Event
from harmcast.progress import Progress, part, quiet
from harmcast.runs import comparison, effects, received
from harmcast.runs.compared import ORDER, compare, newest
from harmcast.runs.protective import protecting
from harmcast.runs.received import FileCount, LoadResult, Work
from harmcast.store import deliveries, keys, ledger, loads
from harmcast.store.ledger import Part
from harmcast.store.operations import Writing
from harmcast.store.records import FOLDER, held_columns
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.tables import (
    ACTIVITY,
    CHARGES,
    CIRCUMSTANCES_TABLE,
    CRIMES,
    DELETIONS,
    PERSONS,
    PERSONS_PROTECTED,
    ROW,
    Table,
)

__all__ = ["FileCount", "LoadResult", "load_delivery", "note_refusal"]

FAULTS_KEPT = 10_000
ROLE = "operator"  # deliveries are loaded in no other


def load_delivery(state: State, delivery: Path, actor: str = "system", progress: Progress = quiet) -> LoadResult:
    """Loads one delivery, or refuses it whole with every fault found; either is in the log.

    Raises: FeedRefused (the last good week stays); NotFit (`load_waiting`) while another load waits; RunStopped; StoreDamaged.
    """
    with state.run_lock("load", actor):
        loads.stop_if_waiting(state.operations)
        ledger.sweep(state.root, FOLDER, state.operations)
        work = None
        try:
            work = received.read(state, delivery, part(progress, 0.0, 0.5))
            compare(state, work, part(progress, 0.5, 0.7))
            work.effects = effects.effects_of(state, work, Actor(actor, actor, ((ROLE, None),)))
            effects.refuse(work.effects)
        except FeedRefused as error:
            error.came_from(delivery)
            note_refusal(state, delivery.name, error, actor, work.effects if work is not None else ())
            raise
        return _commit(state, work, actor, part(progress, 0.8, 1.0))


def try_delivery(state: State, delivery: Path, progress: Progress = quiet) -> LoadResult:
    """What a load would do and whether it would wait; nothing is written. Raises: FeedRefused; StoreDamaged."""
    work = received.read(state, delivery, part(progress, 0.0, 0.6))
    compare(state, work, part(progress, 0.6, 1.0))
    work.effects = effects.effects_of(state, work)
    effects.refuse(work.effects)
    return _result(state, work, None, [], _why_waits(state, work))


def _why_waits(state: State, work: Work) -> tuple[str, ...]:
    """Why this load does not count before somebody accepts it; empty: it counts at once."""
    changes = any(rows.height for rows in work.new.values()) or bool(work.tombstones)
    newest_made = deliveries.newest_made_at(state.operations)
    is_news = changes or newest_made is None or work.manifest.made_at > newest_made  # an old delivery again, changing nothing, waits for nobody
    before = loads.newest_accepted(state.operations)
    found = {
        "first_load": changes and before is None,
        "new_mapping": changes and before is not None and received.mapping_sha256(state) != before.mapping_sha256,
        "effects": is_news and any(effect.verdict == "hold" for effect in work.effects),
    }
    return tuple(why for why, holds in found.items() if holds)


# -- parts ---------------------------------------------------------------------------------------


def _known_on(table: Table, is_history: bool, made_on: date) -> pl.Expr:
    """The first day we can have known a row: of history as the record itself says, else when it was delivered."""
    made = pl.lit(made_on, pl.Date)
    if not is_history:
        return made
    said = {
        CRIMES.name: pl.col("recorded_at").dt.date(),
        CHARGES.name: pl.col("charged_on"),
        PERSONS.name: pl.col("changed_at").dt.date(),
        CIRCUMSTANCES_TABLE.name: pl.col("from_on"),
        ACTIVITY.name: pl.col("started_at").dt.date(),
    }[table.name]
    return pl.min_horizontal(said, made)


def _versioned(work: Work, table: Table, sequence: int, is_history: bool) -> pl.DataFrame:
    """The part's rows: new versions, then tombstones, in an order that depends on nothing but their content."""
    made_at = work.manifest.made_at
    rows = work.new.get(table.name, pl.DataFrame(schema={**table.schema(), "digest": pl.UInt64()}))
    rows = rows.drop(ROW, strict=False).with_columns(
        _known_on(table, is_history, made_at.date()).alias("known_on"), pl.lit(False).alias("deleted")
    )
    if table.name == CHARGES.name and is_history:
        rows = _with_results(rows, made_at.date())
    gone = [
        frame.with_columns(pl.lit(made_at.date(), pl.Date).alias("known_on"), pl.lit(True).alias("deleted"))
        for frame in work.tombstones.get(table.name, [])
    ]
    whole = pl.concat([rows, *gone], how="diagonal").with_columns(
        pl.lit(sequence, pl.Int32).alias("sequence"), pl.lit(made_at, pl.Datetime("us")).alias("made_at")
    )
    extra = sorted(set(whole.columns) - set(table.names) - set(_VERSION))
    names = [name for name in (*table.names, *extra, *_VERSION) if name in whole.columns]
    return whole.select(names).sort("known_on", *table.key, "deleted")


_VERSION = ("known_on", "deleted", "sequence", "made_at", "digest")


def _with_results(rows: pl.DataFrame, made_on: date) -> pl.DataFrame:
    """History's charges as two versions where a result is held: as charged, and from the day of the result."""
    result_on = pl.min_horizontal(
        pl.max_horizontal(pl.coalesce("outcome_on", pl.col("changed_at").dt.date()), "known_on"),
        pl.lit(made_on, pl.Date),
    )
    has_result = pl.col("outcome") != "charged"
    first = rows.filter(~has_result | (result_on > pl.col("known_on")))
    first = first.with_columns(
        pl.lit("charged").alias("outcome"), pl.when(~has_result).then("outcome_on").alias("outcome_on")
    )
    return pl.concat([first, rows.filter(has_result).with_columns(result_on.alias("known_on"))])


def _write(state: State, work: Work, sequence: int, progress: Progress) -> list[Part]:
    made_at = work.manifest.made_at.isoformat()
    written = []
    for i, table in enumerate(ORDER):
        has_rows = table.name in work.new and work.new[table.name].height
        if not has_rows and not work.tombstones.get(table.name):
            continue
        progress(f"Writing {table.name}", i / len(ORDER))
        is_history = not state.records.parts(table.name)
        rows = _versioned(work, table, sequence, is_history)
        if table.name == PERSONS.name:
            apart = rows.select(*PERSONS_PROTECTED.names, *_VERSION)
            written.append(state.records.write(PERSONS_PROTECTED.name, apart, sequence, made_at))
            rows = rows.select(*held_columns(PERSONS), *_VERSION[:-1])
        written.append(state.records.write(table.name, rows, sequence, made_at))
    return written


# -- the one transaction -------------------------------------------------------------------------


def _commit(state: State, work: Work, actor: str, progress: Progress) -> LoadResult:
    sequence = ledger.last_number(state.operations) + 1
    why_waits = _why_waits(state, work)
    ahead = protecting(state.records, work) if why_waits else {}
    made_at = work.manifest.made_at.isoformat()
    at_once = [
        state.records.write(table, rows.with_columns(pl.lit(sequence, pl.Int32).alias("sequence")), sequence, made_at)
        for table, rows in ahead.items()
    ]
    sequence += bool(at_once)
    written = _write(state, work, sequence, progress)
    result = _result(state, work, sequence if written else None, written, why_waits)
    progress("Naming it in the ledger", 0.95)
    event = Event(
        actor, ROLE, "collection", "delivery_loaded", object=f"delivery:{result.delivery_id}",
        detail={f"{c.table}.{k}": v for c in result.files for k, v in asdict(c).items() if isinstance(v, int) and v},
    )  # fmt: skip
    with state.operations.writing(event) as tx:
        ledger.add(tx, at_once)
        ledger.add(tx, written, ledger.WAITING if why_waits else ledger.CURRENT)
        gone = _left_source(state, work)
        number = _note_delivery(tx, work, result, gone, received.mapping_sha256(state))
        if why_waits:
            tx.says(waits=list(why_waits), **{f"{item.table_name}.at_once": item.rows for item in at_once})
        else:
            let_count(state, tx, work.new.get(PERSONS.name), gone, work.manifest.made_at)
    progress("Loaded", 1.0)
    return replace(result, load=number)


def _result(state: State, work: Work, sequence: int | None, written: list[Part], why_waits: tuple[str, ...]) -> LoadResult:
    """What the load did, with the figures to be compared with the force's own where it is the first or newly mapped."""
    _count_waiting(state, work)
    is_compared = {"first_load", "new_mapping"} & set(why_waits)
    compared = comparison.comparison(effects.Seen(state, work)) if is_compared else []
    aside = [fault for checked in work.checked.values() for fault in checked.quarantine]
    lines_broken = dict.fromkeys(fault for fault in aside if fault.column is None)  # of one file that makes two tables once
    quarantine = [*lines_broken, *(fault for fault in aside if fault.column is not None)]
    return LoadResult(
        work.manifest.delivery_id, work.manifest.made_at, work.manifest.complete, list(work.counts.values()),
        quarantine, work.warnings, sequence, [item.name for item in written], None, why_waits, tuple(work.effects), tuple(compared),
    )  # fmt: skip


def let_count(state: State, tx: Writing, people: pl.DataFrame | None, left_source: Iterable[str], made_at: datetime) -> None:
    """What follows from a load once it counts: new people get their keys, erased references that left the source are free."""
    if people is not None:
        keys.assign(tx, state.secret, people["person_ref"])
    gone = sorted(left_source)
    keys.unblock(tx, gone, made_at)
    if gone:
        tx.says(**{"erased.left_the_source": len(gone)})


def _count_waiting(state: State, work: Work) -> None:
    """Charges held whose person is not: they count once the person's row comes."""
    if CHARGES.name not in work.counts:
        return
    charges = [state.records.known(CHARGES.name, columns=["charge_ref", "person_ref"])]
    people = [state.records.known(PERSONS.name, columns=["person_ref"])]
    if CHARGES.name in work.new:
        charges.append(work.new[CHARGES.name].select("charge_ref", "person_ref"))
    if PERSONS.name in work.new:
        people.append(work.new[PERSONS.name].select("person_ref"))
    held = pl.concat(charges).unique("charge_ref", keep="last")
    for gone in work.tombstones.get(CHARGES.name, []):
        held = held.join(gone, on="charge_ref", how="anti")
    there = pl.concat(people)
    for gone in work.tombstones.get(PERSONS.name, []):
        there = there.join(gone, on="person_ref", how="anti")
    waiting = held.join(there, on="person_ref", how="anti")
    before = charges[0].join(people[0], on="person_ref", how="anti")
    count = work.counts[CHARGES.name]
    count.waiting, count.waiting_new = waiting.height, waiting.join(before, on="charge_ref", how="anti").height


def _note_delivery(tx: Writing, work: Work, result: LoadResult, left_source: set[str], mapping: str | None) -> int:
    columns = {table: checked.columns for table, checked in work.checked.items()}
    files = [
        {
            "table_name": count.table,
            "columns": json.dumps(columns[count.table]),
            **{name: value for name, value in asdict(count).items() if name not in {"table", "notes", "waiting_new"}},
            "notes": json.dumps(count.notes, sort_keys=True),
        }
        for count in result.files
    ]
    delivery = {
        "delivery_id": result.delivery_id,
        "content_sha256": work.manifest.sha256,
        "made_at": result.made_at.isoformat(),
        "complete": result.complete,
        "standing": "waiting" if result.waiting else "loaded" if result.sequence else "again",
        "sequence": result.sequence,
        "document": json.dumps(
            {
                "warnings": result.warnings,
                "parts": result.parts,
                "effects": [effect.document() for effect in result.effects],
                "why_waits": result.why_waits,
                "needs": max((effect.people for effect in result.effects if effect.verdict == "hold"), default=1),
                "left_source": sorted(left_source) if result.waiting else [],
                "comparison": [table.document() for table in result.comparison],
            }
        ),
        "accepted_by": None if result.waiting else "rule",
        "accepted_at": None if result.waiting else tx.at,
        "accept_reason": None if result.waiting else "no effect is held",
        "mapping_sha256": mapping,
    }
    set_aside = [(each.table, fault) for each in work.checked.values() for fault in each.quarantine]
    return deliveries.note(tx, delivery, files, set_aside)


def _left_source(state: State, work: Work) -> set[str]:
    """Keyed hashes of erased references that have left the source: blocked no more, but for deliveries made before."""
    gone: set[str] = set()
    if not work.blocked or newest(state, PERSONS) > work.manifest.made_at:
        return gone
    if work.manifest.complete and {PERSONS.name, CHARGES.name} <= set(work.counts):
        gone = work.blocked - work.still_there
    if DELETIONS.name in work.checked:
        listed = work.checked[DELETIONS.name].rows.filter(pl.col("table") == PERSONS.name)["ref"]
        gone |= {keys.erased_hash(state.secret, ref) for ref in listed} & work.blocked
    return gone


def note_refusal(state: State, delivery: str, error: FeedRefused, actor: str, found: Iterable[Effect] = ()) -> None:
    """Puts a refusal on record; what cannot be written does not hide the refusal itself."""
    event = Event(
        actor, ROLE, "collection", "delivery_refused", object="delivery",
        detail={"code": error.code, "faults": len(error.faults)},
    )  # fmt: skip
    try:
        with state.operations.writing(event) as tx:
            deliveries.note_refused(tx, delivery, error.code, error.faults[:FAULTS_KEPT], found)
    except HarmcastError as also:
        if not isinstance(also, RunStopped):
            raise
