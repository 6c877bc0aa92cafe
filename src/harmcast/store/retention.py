"""What is past its time goes, everywhere, and that it went is recorded.

Forgetting a person rewrites every part and release that holds a row of theirs, without it, names the new files in one
transaction that also deletes the person's keys and writes one event a person, then unlinks the old files and clears
the database's free pages. Killed before that transaction, nothing happened; after it, the next run finishes.
The log, decisions and exports hold the random key alone, and what people wrote was encrypted under a key that is gone.

With them go people's files of releases older than `[retention] release_weeks` and copies of exports older than
`export_days`; backups older than `backup_days` are named, because they lie where only their keeper can remove them.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa

from harmcast.documents.plain import PlainRecord
from harmcast.errors import NotFit
from harmcast.oversight import review
from harmcast.oversight.log import Event
from harmcast.progress import Progress, part, quiet
from harmcast.store import kept_forms, keys, ledger, operations, schema
from harmcast.store.kept import FOLDER as KEPT
from harmcast.store.operations import Writing
from harmcast.store.records import FOLDER
from harmcast.store.rewrites import Qvd, holds_people, parts_without, releases_without
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.tables import CHARGES, PERSONS

UNFINISHED = "erasure_unfinished"
SHOWN = 50
ERASED_AFTER_DAYS = 14  # what left the source is hidden at once, and may come back so long
ERASED_A_RUN = (10, 0.01)  # so many, or this share of everybody held, go in one run without two people
LEFT_SOURCE_DAYS = 21  # the timer runs weekly: one week is left of the four before somebody is told
LOADED_COLUMNS = ["person_ref", "review_group", "review_due_on", "changed_at", "merged_into"]


@dataclass(frozen=True)
class Forgotten:
    """What `forget` did, or on a dry run would do.

    Attributes:
        people: reason -> how many; `due` names each by random key with the reason.
        old_releases: releases past their time that lose (or lost) their people's files.
        old_backups: backups past their time: whoever keeps them removes them.
    """

    as_of: date
    people: dict[str, int]
    due: tuple[tuple[str, str], ...]
    parts_rewritten: int
    releases_rewritten: int
    dry_run: bool
    old_releases: tuple[str, ...] = ()
    old_copies: int = 0
    old_backups: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        return sum(self.people.values())

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(key for key, _ in self.due)

    def document(self) -> PlainRecord:
        """The same, ready for JSON."""
        listed = [{"person_key": key, "reason": reason} for key, reason in self.due]
        return {**asdict(self), "as_of": self.as_of.isoformat(), "count": self.count, "due": listed}

    def lines(self) -> list[str]:
        """What is printed for people."""
        what = ("person is due", "people are due") if self.dry_run else ("person was forgotten", "people were forgotten")
        said = [f"{_number(self.count, *what)} on {self.as_of}."]
        said += [f"  {reason.replace('_', ' ')}: {count:,}" for reason, count in self.people.items()]
        if self.dry_run:
            said += [f"    {key}  {reason.replace('_', ' ')}" for key, reason in self.due[:SHOWN]]
            said += [f"    and {len(self.due) - SHOWN:,} more (--json names all)"] if len(self.due) > SHOWN else []
        going = "would lose" if self.dry_run else "lost"
        if self.old_releases:
            said.append(f"{_number(len(self.old_releases), 'release', 'releases')} past their time {going} the files about people.")
        if self.old_copies:
            said.append(f"{_number(self.old_copies, 'copy of an export', 'copies of exports')} past their time {'would go' if self.dry_run else 'went'}.")
        if not self.dry_run and (self.parts_rewritten or self.releases_rewritten):
            said.append(
                f"{_number(self.parts_rewritten, 'part', 'parts')} and {_number(self.releases_rewritten, 'release', 'releases')} were written again."
            )
        said += [f"Remove the backup {name}: it is older than the retention rule allows." for name in self.old_backups]
        return said


def _number(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def due(state: State, as_of: date) -> pl.DataFrame:
    """Who is to be forgotten on `as_of`, and why: `person_ref, reason`."""
    held = state.records.versions(PERSONS.name, columns=["person_ref"])
    known = state.records.known(PERSONS.name, columns=LOADED_COLUMNS)
    charged = state.records.known(CHARGES.name, columns=["person_ref"])
    found = review.due(held, known, charged, as_of, state.settings.retention.group_years)
    return review.with_merged(found, known)


def left_source_since(state: State, as_of: date) -> tuple[int, date | None]:
    """How many people the force has deleted, or left without a charge, are still held; and the first day that was known."""
    found = left_on(state, due(state, as_of))
    first = found["left_on"].min()
    return found.height, first if isinstance(first, date) else None


def left_on(state: State, found: pl.DataFrame) -> pl.DataFrame:
    """Of the people due, those who left the source, and the day that was known: `person_ref, left_on`.

    Somebody merged into one who left, and not deleted by name, left with the last of them.
    """
    gone = found.filter(pl.col("reason").is_in(review.LEFT_SOURCE)).select("person_ref")
    if gone.is_empty():
        return gone.with_columns(left_on=pl.lit(None, pl.Date))
    people = state.records.versions(PERSONS.name, columns=["person_ref", "deleted", "known_on"]).filter("deleted").select("person_ref", "known_on")
    charges = state.records.versions(CHARGES.name, columns=["charge_ref", "person_ref", "deleted", "known_on"])
    whose = charges.drop_nulls("person_ref").select("charge_ref", "person_ref").unique("charge_ref", keep="last", maintain_order=True)
    went = charges.filter("deleted").select("charge_ref", "known_on").join(whose, on="charge_ref", how="inner")  # a deletion names the charge alone
    days = pl.concat([people, went.select("person_ref", "known_on")]).group_by("person_ref").agg(left_on=pl.col("known_on").max())
    joined = gone.join(days, on="person_ref", how="left", maintain_order="left")
    return joined.with_columns(pl.col("left_on").fill_null(pl.col("left_on").max()))


def ripe(state: State, found: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The people due, without those who left the source less than 14 days ago: they are hidden, and may still come back."""
    young = left_on(state, found).filter((pl.col("left_on") > as_of - timedelta(days=ERASED_AFTER_DAYS)).fill_null(True))
    return found.join(young, on="person_ref", how="anti", maintain_order="left")


def list_hash(keys_named: Iterable[str]) -> str:
    """What two people name when they let a list of people be erased: 16 hexadecimal digits of the SHA-256 of their keys in order."""
    return hashlib.sha256("\n".join(sorted(keys_named)).encode()).hexdigest()[:16]


def _refuse_above_cap(state: State, named: Sequence[tuple[str, str]], actor: Actor, approve: str | None, second: str | None) -> None:
    """More of those who left the source than the cap go by two people who name the same list. Raises NotFit (`erasure_above_cap`)."""
    left = [key for key, reason in named if reason in review.LEFT_SOURCE]
    cap = max(ERASED_A_RUN[0], int(ERASED_A_RUN[1] * state.person_keys().height))
    wanted = list_hash(left)
    are_two = second not in (None, actor.account) or state.users.before_first()
    if len(left) > cap and not (are_two and approve in (wanted, list_hash(key for key, _ in named))):
        raise NotFit(
            f"{len(left):,} people left the source and are due to be erased; {cap:,} go in one run unasked.",
            code="erasure_above_cap",
            next_step=f"Look whether the source is whole. If they are truly gone, two people let the list go: harmcast forget STATE --approve {wanted}.",
        )


def forget_due(
    state: State,
    as_of: date,
    actor: Actor,
    *,
    dry_run: bool = False,
    left_source: bool = False,
    approve: str | None = None,
    second: str | None = None,
    qvd: Qvd | None = None,
    progress: Progress = quiet,
) -> Forgotten:
    """Forgets everybody who is due and removes what is past its time, or on a dry run counts both.

    Args:
        left_source: only people whom the force itself has deleted, or left without a charge: nothing is left to
            decide, so a timer's account may do it. Records overdue for review wait for the data protection officer.
        approve: hash of the list of people who left the source, or of everybody who is due as the page has it, named by two people where more
            left than a run erases.
        second: account of the second person, where two let this very list go.
        qvd: writes a table as Qlik's file (`publish.qlik.qvd`); needed where releases hold such files about people.
    Raises: RunStopped, StoreDamaged; AccessDenied unless the data protection officer asks, or the operator for a dry run or a timer as above; NotFit
        (`erasure_above_cap`).
    """
    is_timer = (left_source or dry_run) and actor.has("operator")
    role = "operator" if state.users.before_first() or is_timer else actor.acting("data_protection_officer")
    with state.run_lock("forget", actor.account):
        finish(state)
        found = ripe(state, due(state, as_of), as_of)
        if left_source:
            found = found.filter(pl.col("reason").is_in(review.LEFT_SOURCE))
        people = {row["reason"]: row["len"] for row in found.group_by("reason").len().sort("reason").to_dicts()}
        by_ref = dict(keys.held(state.operations).iter_rows())
        named = tuple(sorted((by_ref[ref], reason) for ref, reason in found.iter_rows() if ref in by_ref))
        old = _Old(_old_releases(state, as_of), _old_copies(state, as_of), tuple(_old_backups(state, as_of)))
        told = Forgotten(as_of, people, named, 0, 0, dry_run, old.releases, len(old.copies), old.backups)
        if dry_run or (found.is_empty() and not old.releases and not old.copies):
            return told
        _refuse_above_cap(state, named, actor, approve, second)
        return _forget(state, found, told, old, Event(actor.account, role, "erasure", "people_forgotten"), qvd, progress)


@dataclass(frozen=True)
class _Old:
    """What is past its time: release names, numbers of exports whose copy is kept, backups."""

    releases: tuple[str, ...]
    copies: tuple[int, ...]
    backups: tuple[str, ...]


def _forget(
    state: State, found: pl.DataFrame, told: Forgotten, old: _Old, event: Event, qvd: Qvd | None, progress: Progress
) -> Forgotten:
    reasons = dict(found.iter_rows())
    forgotten = dict(told.due)
    swaps = parts_without(state, found.select("person_ref"), part(progress, 0.0, 0.5)) if reasons else []
    releases = releases_without(state, set(forgotten), set(old.releases), qvd, part(progress, 0.5, 0.8))
    exports = {*_exports_of(state, set(forgotten)), *old.copies}
    event = event.with_detail(
        people=len(reasons), as_of=told.as_of.isoformat(), old_releases=list(old.releases), old_copies=len(old.copies)
    )
    with state.operations.writing(event) as tx:
        for was, new in swaps:
            ledger.replace(tx, was, new)
        for name, sha256, size in releases:
            _name_release(tx, name, sha256, size)
        _drop_keys(state, tx, reasons)
        for key, reason in sorted(forgotten.items()):
            tx.also(Event(event.actor, event.role, "erasure", "person_forgotten", subject=key, detail={"reason": reason}))
        for number in sorted(exports):
            tx.execute(sa.update(schema.exports).where(schema.exports.c.id == number).values(path=None))
        operations.set_fact(tx, UNFINISHED, "yes")
    progress("Clearing what is left", 0.9)
    finish(state)
    return replace(told, parts_rewritten=len(swaps), releases_rewritten=len(releases))


def _drop_keys(state: State, tx: Writing, reasons: dict[str, str]) -> None:
    """Deletes the keys and leaves keyed hashes that block the return."""
    table = schema.person_keys
    kept_forms.forget(tx.connection, list(tx.execute(sa.select(table.c.person_key).where(table.c.person_ref.in_(list(reasons)))).scalars()))
    for ref, reason in reasons.items():
        tx.execute(sa.delete(table).where(table.c.person_ref == ref))
        hashed = keys.erased_hash(state.secret, ref)
        tx.execute(sa.delete(schema.erased).where(schema.erased.c.ref_hash == hashed))
        tx.insert(schema.erased, ref_hash=hashed, table_name=PERSONS.name, erased_at=tx.at, reason=reason)


def _name_release(tx: Writing, name: str, sha256: str, size: int) -> None:
    path = f"releases/{name}"
    tx.execute(sa.update(schema.releases).where(schema.releases.c.path == path).values(manifest_sha256=sha256))
    tx.execute(sa.update(schema.ledger).where(schema.ledger.c.name == path).values(sha256=sha256, bytes=size))


def _old_releases(state: State, as_of: date) -> tuple[str, ...]:
    """Releases older than `[retention] release_weeks` that still hold a row a person."""
    before = as_of - timedelta(weeks=state.settings.retention.release_weeks)
    origins = sa.select(schema.releases.c.path, schema.releases.c.origin).where(schema.releases.c.origin < before).distinct()
    names = sorted({Path(row["path"]).name for row in state.operations.rows(origins) if row["path"]})
    return tuple(name for name in names if holds_people(state.releases.folder / name))


def _old_copies(state: State, as_of: date) -> tuple[int, ...]:
    """Exports whose copy was kept and is older than `[retention] export_days`, or than its own day of removal."""
    table, limit = schema.exports, (as_of - timedelta(days=state.settings.retention.export_days)).isoformat()
    rows = state.operations.rows(sa.select(table.c.id, table.c.at, table.c.remove_on).where(table.c.path.is_not(None)))
    return tuple(r["id"] for r in rows if r["at"][:10] < limit or (r["remove_on"] is not None and r["remove_on"] <= as_of))


def _old_backups(state: State, as_of: date) -> list[str]:
    """Backups older than `[retention] backup_days` that still lie where they were written."""
    table, limit = schema.events, (as_of - timedelta(days=state.settings.retention.backup_days)).isoformat()
    made = state.operations.rows(sa.select(table.c.at, table.c.detail).where(table.c.action == "backup_made").order_by(table.c.seq))
    paths = [Path(json.loads(row["detail"]).get("file", "")) for row in made if row["at"][:10] < limit]
    return sorted({str(path) for path in paths if path.is_absolute() and path.exists()})


def _exports_of(state: State, gone: set[str]) -> list[int]:
    """Exports whose copy was kept and holds one of these people."""
    query = sa.select(schema.exports.c.id, schema.exports.c.subjects).where(schema.exports.c.path.is_not(None))
    return [row["id"] for row in state.operations.rows(query) if gone & set(json.loads(row["subjects"]))]


# -- afterwards ----------------------------------------------------------------------------------


def finish(state: State) -> None:
    """Unlinks what the ledger no longer names and clears free pages; free if nothing is unfinished. Under the run lock."""
    state.releases.settle()
    if state.operations.fact(UNFINISHED) != "yes":
        return
    ledger.sweep(state.root, FOLDER, state.operations)
    shutil.rmtree(state.root / KEPT, ignore_errors=True)
    _drop_copies(state)
    _clear_pages(state)
    event = Event("system", "operator", "erasure", "erasure_finished")
    with state.operations.writing(event) as tx:
        operations.set_fact(tx, UNFINISHED, "no")


def _drop_copies(state: State) -> None:
    folder = state.root / "exports"
    if not folder.is_dir():
        return
    kept = {row["path"] for row in state.operations.rows(sa.select(schema.exports.c.path))}
    for path in _files(folder):
        if path.relative_to(state.root).as_posix() not in kept:
            path.unlink()


def _files(folder: Path) -> Iterable[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def _clear_pages(state: State) -> None:
    """Leaves no deleted row in free pages or the write-ahead log."""
    with operations.translating(), state.operations.engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        if state.operations.is_sqlite:
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            raw.execute("VACUUM")
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return
    engine = state.operations.engine.execution_options(isolation_level="AUTOCOMMIT")
    with operations.translating(), engine.connect() as connection:
        for table in (schema.person_keys, schema.erased, schema.exports):
            connection.execute(sa.text(f"VACUUM FULL {table.name}"))
