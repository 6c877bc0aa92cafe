"""One delivery -> records: read, check, compare with what is held, write parts, name them in the ledger.

Nothing exists until the last step, one transaction: a kill before it leaves files that the next run sweeps away.
For every file received = loaded + unchanged + superseded + quarantined + left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa

from harmcast.errors import Fault, FeedRefused, HarmcastError, RunStopped
from harmcast.feed import checks, extract, mapping
from harmcast.feed.checks import Checked, Ground
from harmcast.feed.extract import Manifest
from harmcast.feed.mapping import TABLES, Mapping
from harmcast.oversight.log import Event
from harmcast.progress import Progress, part, quiet
from harmcast.store import keys, ledger, schema, versions
from harmcast.store.ledger import Part
from harmcast.store.operations import Writing
from harmcast.store.records import FOLDER, held_columns
from harmcast.store.state import State
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

ORDER = (CRIMES, CHARGES, PERSONS, CIRCUMSTANCES_TABLE, ACTIVITY)
FAULTS_KEPT = 10_000


@dataclass
class FileCount:
    """What became of the rows of one table of one file; `deleted` and `waiting` count keys held, not rows received."""

    file: str
    table: str
    received: int
    loaded: int = 0
    unchanged: int = 0
    superseded: int = 0
    quarantined: int = 0
    left_out: int = 0
    deleted: int = 0
    waiting: int = 0
    notes: dict[str, int] = field(default_factory=dict)

    @property
    def adds_up(self) -> bool:
        return self.received == self.loaded + self.unchanged + self.superseded + self.quarantined + self.left_out


@dataclass(frozen=True)
class LoadResult:
    """What a load did. `sequence` numbers it in the ledger; None: nothing changed."""

    delivery_id: str
    made_at: datetime
    complete: bool
    files: list[FileCount]
    quarantine: list[Fault]
    warnings: list[str]
    sequence: int | None
    parts: list[str]

    @property
    def changed_rows(self) -> int:
        return sum(count.loaded + count.deleted for count in self.files)

    def document(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        return {**asdict(self), "made_at": self.made_at.isoformat(), "changed_rows": self.changed_rows}


@dataclass
class _Work:
    """A delivery on its way: what was read of it and what it changes."""

    manifest: Manifest
    checked: dict[str, Checked]
    counts: dict[str, FileCount] = field(default_factory=dict)
    new: dict[str, pl.DataFrame] = field(default_factory=dict)
    tombstones: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    blocked: set[str] = field(default_factory=set)
    still_there: set[str] = field(default_factory=set)


def load_delivery(
    state: State, delivery: Path, actor: str = "system", role: str = "operator", progress: Progress = quiet
) -> LoadResult:
    """Loads one delivery, or refuses it whole with every fault found; either is in the log.

    Raises: FeedRefused (the last good week stays); RunStopped; StoreDamaged.
    """
    with state.run_lock("load", actor):
        ledger.sweep(state.root, FOLDER, state.operations)
        try:
            work = _read(state, delivery, part(progress, 0.0, 0.5))
            _compare(state, work, part(progress, 0.5, 0.8))
        except FeedRefused as error:
            note_refusal(state, delivery.name, error, actor, role)
            raise
        return _commit(state, work, actor, role, part(progress, 0.8, 1.0))


def mapping_of(state: State) -> Mapping:
    """The mapping the settings name; our names as they stand if they name none."""
    path = state.file("feed.mapping")
    return mapping.PLAIN if path is None else mapping.parse(path.read_text(encoding="utf-8"), path.name)


# -- reading and checking ------------------------------------------------------------------------


def _read(state: State, delivery: Path, progress: Progress) -> _Work:
    settings = state.settings
    manifest = extract.read_manifest(delivery, settings.force.timezone)
    progress("Proving the files", 0.0)
    faults = extract.file_faults(delivery, manifest, settings.feed.max_file_mb)
    faults += _repeated_id(state, manifest)
    if faults:
        raise extract.refused(faults)
    rules = mapping_of(state)
    ground = Ground(
        settings.force.timezone,
        settings.force.crs,
        manifest.made_at,
        settings.feed.quarantine_max_share,
        settings.feed.off_area_max_share,
        _inside(state),
    )
    before = columns_before(state)
    checked: dict[str, Checked] = {}
    for i, name in enumerate(manifest.files):
        progress(f"Reading {name}", i / len(manifest.files))
        found, file_faults = _check_file(delivery, name, manifest, rules, ground, before)
        faults += file_faults
        for each in found:
            if each.table in checked:
                faults.append(Fault("table_twice", name, next_step=f"{each.table} is made of another file too"))
            checked[each.table] = each
    faults += _missing_tables(state, manifest, checked, bool(faults))
    if faults:
        raise extract.refused(faults)
    return _Work(manifest, checked)


def _check_file(
    delivery: Path, name: str, manifest: Manifest, rules: Mapping, ground: Ground, before: dict[str, dict[str, str]]
) -> tuple[list[Checked], list[Fault]]:
    tables = rules.of_file(name)
    if not tables:
        return [], [Fault("file_unknown", name, next_step="name it after a table, or map it")]
    first = next((rule for rule in tables.values() if rule is not None), None)
    try:
        raw = extract.read_file(delivery, name, first.encoding if first else "utf-8", first.delimiter if first else ",")
    except FeedRefused as error:
        return [], list(error.faults)
    faults = [fault] if (fault := extract.rows_fault(raw, manifest)) else []
    found = []
    for table, rule in tables.items():
        elsewhere = {
            c for other, r in tables.items() if r is not None and other != table for c in (*r.wanted(), *r.ignore)
        }
        each = checks.check(raw, TABLES[table], rule, ground, elsewhere, before.get(f"{name}/{table}"))
        faults += each.faults
        found.append(each)
    return found, faults


def _repeated_id(state: State, manifest: Manifest) -> list[Fault]:
    table = schema.deliveries
    query = sa.select(table.c.content_sha256).where(
        table.c.delivery_id == manifest.delivery_id, table.c.standing != "refused"
    )
    if any(row["content_sha256"] != manifest.sha256 for row in state.operations.rows(query)):
        return [
            Fault("delivery_id_reused", extract.MANIFEST, next_step="another delivery bore this name: give it its own")
        ]
    return []


def columns_before(state: State) -> dict[str, dict[str, str]]:
    """Columns of each file and table in the last delivery loaded that held it."""
    files, deliveries = schema.delivery_files, schema.deliveries
    query = (
        sa.select(files.c.file, files.c.table_name, files.c.columns)
        .join(deliveries, deliveries.c.id == files.c.delivery)
        .where(deliveries.c.standing == "loaded")
        .order_by(files.c.id)
    )
    return {f"{row['file']}/{row['table_name']}": json.loads(row["columns"]) for row in state.operations.rows(query)}


def _missing_tables(state: State, manifest: Manifest, checked: dict[str, Checked], has_faults: bool) -> list[Fault]:
    """Tables that the tools need and have never had, or that a complete extract lacks."""
    if has_faults:
        return []
    held = {item.table_name for item in state.records.parts()}
    needed = {CRIMES.name} if state.settings.places_tools else set()
    if state.settings.people_tool is not None:
        needed |= {PERSONS.name, CHARGES.name}
    missing = sorted(needed - set(checked) - held)
    if manifest.complete:
        missing = sorted({*missing, *(str(name) for name in held - set(checked) if name in needed)})
    return [Fault("table_missing", table, next_step="a tool needs this table") for table in missing]


def _inside(state: State) -> checks.Inside | None:
    path = state.file("force.boundary")
    if path is None:
        return None
    import shapely

    from harmcast.stages.ground import layer_of

    boundary = shapely.union_all(layer_of(path.read_bytes(), state.settings.force.crs, "force.boundary").shapes)
    shapely.prepare(boundary)
    return lambda easting, northing: shapely.contains_xy(boundary, easting, northing)


# -- comparing with what is held -----------------------------------------------------------------


def _compare(state: State, work: _Work, progress: Progress) -> None:
    work.blocked = _erased(state, work.manifest.made_at)
    for i, table in enumerate(ORDER):
        if table.name in work.checked:
            progress(f"Comparing {table.name}", i / (len(ORDER) + 1))
            _compare_table(state, work, table)
    if DELETIONS.name in work.checked:
        _listed_deletions(state, work)
    for count in work.counts.values():
        if not count.adds_up:
            raise AssertionError(f"rows of {count.table} do not add up")


def _erased(state: State, made_at: datetime) -> set[str]:
    """Keyed hashes of erased references that a delivery made then may not bring back."""
    table = schema.erased
    query = sa.select(table.c.ref_hash).where(table.c.left_at.is_(None) | (table.c.left_at >= made_at.isoformat()))
    return {row["ref_hash"] for row in state.operations.rows(query)}


def _compare_table(state: State, work: _Work, table: Table) -> None:
    checked = work.checked.pop(table.name)
    work.checked[table.name] = replace(checked, rows=checked.rows.clear())
    count = FileCount(checked.file, table.name, checked.received, quarantined=checked.quarantined, notes=checked.notes)
    work.counts[table.name] = count
    all_keys = pl.concat([checked.rows.select(table.key), checked.held_keys])
    rows = _kept(state, work, table, checked.rows)
    count.left_out = checked.rows.height - rows.height
    columns = [name for name in rows.columns if name != ROW]
    rows = versions.with_digest(rows, columns)
    is_whole = work.manifest.complete or work.manifest.files[checked.file].get("complete") is True
    standing = state.records.standing(table.name, None if is_whole else rows)
    made_at = work.manifest.made_at
    found = versions.change(rows, standing, table, made_at, checked.keep)
    count.loaded, count.unchanged, count.superseded = found.loaded, found.unchanged, found.superseded
    if found.repeated:
        count.notes["key_repeated"] = found.repeated
    if table.name == CRIMES.name:
        _new_codes(state, work, found.rows)
    work.new[table.name] = found.rows
    if is_whole and not standing.is_empty():
        _absences(state, work, table, standing, all_keys, checked.keyless)


def _kept(state: State, work: _Work, table: Table, rows: pl.DataFrame) -> pl.DataFrame:
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


def _new_codes(state: State, work: _Work, rows: pl.DataFrame) -> None:
    """Offence codes never seen before are loaded and flagged; their weight is then filled by rule."""
    if not state.records.parts(CRIMES.name):
        return
    known = state.records.versions(CRIMES.name, columns=["offence_code"])["offence_code"].unique()
    new = sorted(set(rows["offence_code"].unique()) - set(known))
    if new:
        work.counts[CRIMES.name].notes["offence_code_new"] = len(new)
        work.warnings.append(f"{len(new)} offence code(s) never seen before were loaded; look at their harm weight.")


def _absences(
    state: State, work: _Work, table: Table, standing: pl.DataFrame, present: pl.DataFrame, keyless: int
) -> None:
    """Keys that a complete extract no longer holds were deleted at source."""
    if keyless:
        work.warnings.append(f"{table.name}: {keyless} row(s) without a readable key, so nothing is taken as deleted.")
        return
    if _newest(state, table) > work.manifest.made_at:
        work.warnings.append(f"{table.name}: a later extract is held, so nothing is taken as deleted.")
        return
    gone = versions.absent(standing, present, table, work.manifest.made_at)
    if gone.height:
        work.tombstones.setdefault(table.name, []).append(gone)
        work.counts[table.name].deleted += gone.height


def _newest(state: State, table: Table) -> datetime:
    """When the newest delivery that held this table was made."""
    files, deliveries = schema.delivery_files, schema.deliveries
    query = (
        sa.select(sa.func.max(deliveries.c.made_at).label("made_at"))
        .join(files, deliveries.c.id == files.c.delivery)
        .where(deliveries.c.standing != "refused", files.c.table_name == table.name)
    )
    found = state.operations.rows(query)[0]["made_at"]
    return datetime.fromisoformat(found) if found else datetime.min


def _listed_deletions(state: State, work: _Work) -> None:
    checked = work.checked[DELETIONS.name]
    count = FileCount(
        checked.file, DELETIONS.name, checked.received, quarantined=checked.quarantined, notes=checked.notes
    )
    work.counts[DELETIONS.name] = count
    for name in (CRIMES.name, CHARGES.name, PERSONS.name):
        table = TABLES[name]
        listed = checked.rows.filter(pl.col("table") == name).select("ref", "deleted_at", ROW)
        if listed.is_empty():
            continue
        wanted = listed.select(pl.col("ref").alias(table.key[0])).unique()
        standing = _standing_after(state, work, table, wanted)
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


def _standing_after(state: State, work: _Work, table: Table, wanted: pl.DataFrame) -> pl.DataFrame:
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


def _versioned(work: _Work, table: Table, sequence: int, is_history: bool) -> pl.DataFrame:
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


def _write(state: State, work: _Work, sequence: int, progress: Progress) -> list[Part]:
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


def _commit(state: State, work: _Work, actor: str, role: str, progress: Progress) -> LoadResult:
    sequence = state.records.latest() + 1
    written = _write(state, work, sequence, progress)
    _count_waiting(state, work)
    quarantine = [fault for checked in work.checked.values() for fault in checked.quarantine]
    result = LoadResult(
        work.manifest.delivery_id, work.manifest.made_at, work.manifest.complete, list(work.counts.values()),
        quarantine, work.warnings, sequence if written else None, [item.name for item in written],
    )  # fmt: skip
    progress("Naming it in the ledger", 0.95)
    event = Event(
        actor, role, "collection", "delivery_loaded", object=f"delivery:{result.delivery_id}",
        detail={f"{c.table}.{k}": v for c in result.files for k, v in asdict(c).items() if isinstance(v, int) and v},
    )  # fmt: skip
    with state.operations.writing(event) as tx:
        ledger.add(tx, written)
        _note_delivery(tx, work, result)
        new_people = work.new.get(PERSONS.name)
        if new_people is not None:
            keys.assign(tx, state.secret, new_people["person_ref"])
        if work.blocked:
            _forget_blocks(state, tx, work)
    progress("Loaded", 1.0)
    return result


def _count_waiting(state: State, work: _Work) -> None:
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
    work.counts[CHARGES.name].waiting = held.join(pl.concat(people), on="person_ref", how="anti").height


def _note_delivery(tx: Writing, work: _Work, result: LoadResult) -> None:
    columns = {table: checked.columns for table, checked in work.checked.items()}
    number = tx.insert(
        schema.deliveries,
        delivery_id=result.delivery_id,
        content_sha256=work.manifest.sha256,
        made_at=result.made_at.isoformat(),
        complete=result.complete,
        standing="loaded" if result.sequence else "again",
        sequence=result.sequence,
        loaded_at=tx.at,
        document=json.dumps({"warnings": result.warnings, "parts": result.parts}),
    )
    for count in result.files:
        values = asdict(count)
        values["table_name"] = values.pop("table")
        values["notes"] = json.dumps(values["notes"], sort_keys=True)
        tx.insert(schema.delivery_files, delivery=number, columns=json.dumps(columns[count.table]), **values)
    _note_quarantine(tx, number, work.checked.values())


def _note_quarantine(tx: Writing, number: int, checked: Iterable[Checked]) -> None:
    rows = [
        {
            "delivery": number,
            "file": f.where,
            "table_name": each.table,
            "row": f.row,
            "column": f.column,
            "rule": f.rule,
        }
        for each in checked
        for f in each.quarantine
    ]
    if rows:
        tx.execute(sa.insert(schema.quarantine), rows)


def _forget_blocks(state: State, tx: Writing, work: _Work) -> None:
    """An erased reference that has left the source is blocked no more, but for deliveries made before it left."""
    gone: set[str] = set()
    if _newest(state, PERSONS) > work.manifest.made_at:
        return
    if work.manifest.complete and {PERSONS.name, CHARGES.name} <= set(work.counts):
        gone = work.blocked - work.still_there
    if DELETIONS.name in work.checked:
        listed = work.checked[DELETIONS.name].rows.filter(pl.col("table") == PERSONS.name)["ref"]
        gone |= {keys.erased_hash(state.secret, ref) for ref in listed} & work.blocked
    for hashed in sorted(gone):
        left = schema.erased.c.left_at.is_(None) & (schema.erased.c.ref_hash == hashed)
        tx.execute(sa.update(schema.erased).where(left).values(left_at=work.manifest.made_at.isoformat()))
    if gone:
        tx.says(**{"erased.left_the_source": len(gone)})


def note_refusal(state: State, delivery: str, error: FeedRefused, actor: str, role: str) -> None:
    """Puts a refusal on record; what cannot be written does not hide the refusal itself."""
    event = Event(
        actor, role, "collection", "delivery_refused", object="delivery",
        detail={"code": error.code, "faults": len(error.faults)},
    )  # fmt: skip
    faults = [asdict(fault) for fault in error.faults[:FAULTS_KEPT]]
    try:
        with state.operations.writing(event) as tx:
            tx.insert(
                schema.deliveries,
                delivery_id=delivery[:200],
                standing="refused",
                loaded_at=tx.at,
                code=error.code[:60],
                document=json.dumps({"faults": faults}),
            )
    except HarmcastError as also:
        if not isinstance(also, RunStopped):
            raise
