"""A delivery as received: its manifest and files proved, mapped and checked, every fault found before it is refused."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

import polars as pl

from harmcast.documents.comparison import Counts
from harmcast.documents.effects import Effect
from harmcast.documents.plain import PlainRecord
from harmcast.errors import Fault, FeedRefused, SettingsRefused
from harmcast.feed import checks, extract, mapping, placeholders, sql_mapping
from harmcast.feed.checks import CheckContext, Checked
from harmcast.feed.extract import Manifest, RawFile
from harmcast.feed.mapping import TABLES, Mapping
from harmcast.feed.sql_mapping import Limits, Made, SqlMapping
from harmcast.progress import Progress
from harmcast.settings import Feed
from harmcast.store import deliveries
from harmcast.store.state import State
from harmcast.tables import CHARGES, CRIMES, PERSONS


@dataclass
class FileCount:
    """What became of the rows of one table of one file; `deleted` and `waiting` count keys held, not rows received.

    `waiting` are all charges held whose person is not, `waiting_new` those of them that wait by this delivery.

    Of an SQL mapping `made` counts the rows it made of those received, and `unread` the rows received that could not be read;
    then made + unread, not received, are the rows that add up.
    """

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
    waiting_new: int = 0
    made: int | None = None
    unread: int = 0
    notes: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, checked: Checked) -> FileCount:
        """The count as the checks leave it."""
        received = checked.received if checked.made is None else checked.delivered
        return cls(
            checked.file, checked.table, received, quarantined=checked.quarantined, made=checked.made, unread=checked.unread, notes=checked.notes
        )

    @property
    def rows(self) -> int:
        """The rows to account for: received, or made of those and unread."""
        return self.received if self.made is None else self.made + self.unread

    @property
    def adds_up(self) -> bool:
        return self.rows == self.loaded + self.unchanged + self.superseded + self.quarantined + self.left_out


@dataclass(frozen=True)
class LoadResult:
    """What a load did.

    Attributes:
        sequence: of its parts in the ledger; None: nothing changed.
        load: its number, for `--load`; None on a dry run.
        why_waits: first_load, new_mapping, effects: why it does not count yet; empty: it counts.
        effects: what it does to the meaning of what is held.
        comparison: figures for comparing with the force's own, of a first or newly mapped load.
    """

    delivery_id: str
    made_at: datetime
    complete: bool
    files: list[FileCount]
    quarantine: list[Fault]
    warnings: list[str]
    sequence: int | None
    parts: list[str]
    load: int | None = None
    why_waits: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()
    comparison: tuple[Counts, ...] = ()

    @property
    def waiting(self) -> bool:
        return bool(self.why_waits)

    @property
    def changed_rows(self) -> int:
        return sum(count.loaded + count.deleted for count in self.files)

    def document(self) -> PlainRecord:
        """The same, ready for JSON."""
        return {**asdict(self), "made_at": self.made_at.isoformat(), "changed_rows": self.changed_rows, "waiting": self.waiting}


@dataclass
class Work:
    """A delivery on its way: what was read of it and what it changes.

    Attributes:
        checked: what the checks made of each table; the rows themselves are let go once compared.
        new, tombstones: by table, rows to be written and keys deleted at source.
        listed, unfound: by table, keys that the delivery lists as deleted, and how many of them name nothing that was ever held.
        effects: what it does to the meaning of what is held.
        blocked, still_there: keyed hashes of erased references, and of those the delivery still holds.
    """

    manifest: Manifest
    checked: dict[str, Checked]
    counts: dict[str, FileCount] = field(default_factory=dict)
    new: dict[str, pl.DataFrame] = field(default_factory=dict)
    tombstones: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    listed: dict[str, int] = field(default_factory=dict)
    unfound: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    blocked: set[str] = field(default_factory=set)
    still_there: set[str] = field(default_factory=set)
    effects: list[Effect] = field(default_factory=list)


def is_whole(work: Work, table: str) -> bool:
    """Whether what came of a table is the whole of it: what is absent was deleted at source."""
    return work.manifest.complete or all(work.manifest.files[file].get("complete") is True for file in work.checked[table].files)


def mapping_sha256(state: State) -> str | None:
    """SHA-256 of the mapping the settings name; None: none, our names are read as they stand."""
    path = state.file("feed.mapping")
    return None if path is None else hashlib.sha256(path.read_bytes()).hexdigest()


def mapping_of(state: State) -> Mapping | SqlMapping:
    """The mapping the settings name; our names as they stand if they name none. Raises SettingsRefused."""
    path = state.file("feed.mapping")
    if path is None:
        return mapping.PLAIN
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise SettingsRefused("The mapping is not UTF-8 text.", code="mapping_not_text", next_step="Save it as UTF-8.") from None
    return sql_mapping.parse(text, path.name) if path.suffix.lower() == ".sql" else mapping.parse(text, path.name)


def raw_files(delivery: Path, manifest: Manifest, feed: Feed) -> tuple[dict[str, RawFile], list[Fault]]:
    """Every file of a delivery as `[feed.files]` says it is written, and every fault of them."""
    raws: dict[str, RawFile] = {}
    faults: list[Fault] = []
    for name in manifest.files:
        form = feed.form_of(name)
        try:
            raws[name] = extract.read_file(delivery, name, form.encoding, form.delimiter, form.quote, feed.max_file_mb)
        except FeedRefused as error:
            faults += error.faults
            continue
        fault = extract.rows_fault(raws[name], manifest)
        faults += [fault] if fault else []
    return raws, faults


def by_sql(rules: SqlMapping, delivery: Path, manifest: Manifest, feed: Feed) -> tuple[list[Made], dict[str, RawFile]]:
    """The rows that an SQL mapping makes of a delivery, and its files. Raises FeedRefused with every fault."""
    raws, faults = raw_files(delivery, manifest, feed)
    if faults:
        raise extract.refused(faults)
    names = {name: form.name for name in raws if (form := feed.form_of(name)).name}
    return sql_mapping.run(rules, raws, names, Limits(feed.mapping_memory_mb, feed.mapping_seconds)), raws


def read(state: State, delivery: Path, progress: Progress) -> Work:
    """Everything a delivery holds, checked. Raises: FeedRefused, with every fault found."""
    settings = state.settings
    manifest = extract.read_manifest(delivery, settings.force.timezone)
    progress("Proving the files", 0.0)
    faults = extract.file_faults(delivery, manifest, settings.feed.max_file_mb)
    faults += _repeated_id(state, manifest)
    if faults:
        raise extract.refused(faults)
    rules = mapping_of(state)
    ground = CheckContext(
        settings.force.timezone,
        settings.force.crs,
        manifest.made_at,
        settings.feed.quarantine_max_share,
        settings.feed.off_area_max_share,
        _inside(state),
        settings.force.offence_codes == "home_office",
    )
    if isinstance(rules, SqlMapping):
        progress("Mapping", 0.1)
        made, raws = by_sql(rules, delivery, manifest, settings.feed)
        checked = {one.table: checks.check_made(one, raws, ground) for one in made}
        faults = list(dict.fromkeys(fault for each in checked.values() for fault in each.faults))  # a broken line of two tables is one
    else:
        checked, faults = _checked_files(state, delivery, manifest, rules, ground, progress)
    faults += _missing_tables(state, manifest, checked, bool(faults))
    if faults:
        raise extract.refused(faults)
    _unknown_dates(state, checked)
    return Work(manifest, checked)


def _checked_files(
    state: State, delivery: Path, manifest: Manifest, rules: Mapping, ground: CheckContext, progress: Progress
) -> tuple[dict[str, Checked], list[Fault]]:
    """Every file under a mapping of renames, or under our own names, checked, by table."""
    before = deliveries.columns_before(state.operations)
    checked: dict[str, Checked] = {}
    faults: list[Fault] = []
    for i, name in enumerate(manifest.files):
        progress(f"Reading {name}", i / len(manifest.files))
        found, file_faults = _check_file(delivery, name, manifest, rules, ground, before, state.settings.feed)
        faults += file_faults
        for each in found:
            if each.table in checked:
                faults.append(Fault("table_twice", name, next_step=f"{each.table} is made of another file too"))
            checked[each.table] = each
    return checked, faults


def _unknown_dates(state: State, checked: dict[str, Checked]) -> None:
    """Dates that stand for unknown count so, from here on; how many is noted."""
    if CHARGES.name in checked:
        each = checked[CHARGES.name]
        each.rows, notes = placeholders.unknown_offence_dates(each.rows)
        each.notes |= notes
    if PERSONS.name in checked:
        each = checked[PERSONS.name]
        known = [state.records.known(CHARGES.name, columns=["person_ref", "charged_on"])]
        if CHARGES.name in checked:
            known.append(checked[CHARGES.name].rows.select("person_ref", "charged_on"))
        each.rows, notes = placeholders.unknown_births(each.rows, pl.concat(known))
        each.notes |= {note: count + each.notes.get(note, 0) for note, count in notes.items()}


def _check_file(
    delivery: Path, name: str, manifest: Manifest, rules: Mapping, ground: CheckContext, before: dict[str, dict[str, str]], feed: Feed
) -> tuple[list[Checked], list[Fault]]:
    tables = rules.of_file(name)
    if not tables:
        return [], [Fault("file_unknown", name, next_step="name it after a table, or map it")]
    first = next((rule for rule in tables.values() if rule is not None), None)
    form = feed.form_of(name)
    encoding, delimiter = (first.encoding or form.encoding, first.delimiter or form.delimiter) if first else (form.encoding, form.delimiter)
    try:
        raw = extract.read_file(delivery, name, encoding, delimiter, form.quote, feed.max_file_mb)
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
    if deliveries.digests_of(state.operations, manifest.delivery_id) - {manifest.sha256}:
        return [
            Fault("delivery_id_reused", extract.MANIFEST, next_step="another delivery bore this name: give it its own")
        ]
    return []


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

    from harmcast.runs.force_area import layer_of

    boundary = shapely.union_all(layer_of(path.read_bytes(), state.settings.force.crs, "force.boundary").shapes)
    shapely.prepare(boundary)
    return lambda easting, northing: shapely.contains_xy(boundary, easting, northing)
