"""What is past its time goes, everywhere, and that it went is recorded.

Forgetting a person rewrites every part and release that holds a row of theirs, without it, names the new files in one
transaction that also deletes the person's keys and writes one event a person, then unlinks the old files and clears
the database's free pages. Killed before that transaction, nothing happened; after it, the next run finishes.
The log, decisions and exports hold the random key alone, and what people wrote was encrypted under a key that is gone.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa

from harmcast.errors import StoreDamaged
from harmcast.oversight import review
from harmcast.oversight.log import Event
from harmcast.progress import Progress, part, quiet
from harmcast.store import durable, files, keys, ledger, operations, schema
from harmcast.store.kept import FOLDER as KEPT
from harmcast.store.ledger import Part
from harmcast.store.operations import Writing
from harmcast.store.records import FOLDER
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.tables import CHARGES, CIRCUMSTANCES_TABLE, GROUP_ROWS, PERSONS, PERSONS_PROTECTED

HOLD_PEOPLE = (PERSONS.name, PERSONS_PROTECTED.name, CHARGES.name, CIRCUMSTANCES_TABLE.name)
Qvd = Callable[[pl.DataFrame, str], bytes]
UNFINISHED = "erasure_unfinished"
LOADED_COLUMNS = ["person_ref", "review_group", "review_due_on", "changed_at", "merged_into"]


@dataclass(frozen=True)
class Forgotten:
    """What `forget` did, or on a dry run would do."""

    as_of: date
    people: dict[str, int]
    parts_rewritten: int
    releases_rewritten: int
    dry_run: bool
    keys: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        return sum(self.people.values())

    def document(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        return {**asdict(self), "as_of": self.as_of.isoformat(), "count": self.count}

    def lines(self) -> list[str]:
        """What is printed for people."""
        said = [f"{self.count:,} people {'are due' if self.dry_run else 'were forgotten'} on {self.as_of}."]
        said += [f"  {reason}: {count:,}" for reason, count in self.people.items()]
        if not self.dry_run and self.count:
            said.append(
                f"{self.parts_rewritten} parts and {self.releases_rewritten} releases were written again without them."
            )
        return said


def due(state: State, as_of: date) -> pl.DataFrame:
    """Who is to be forgotten on `as_of`, and why: `person_ref, reason`."""
    held = state.records.versions(PERSONS.name, columns=["person_ref"])
    known = state.records.known(PERSONS.name, columns=LOADED_COLUMNS)
    charged = state.records.known(CHARGES.name, columns=["person_ref"])
    found = review.due(held, known, charged, as_of, state.settings.retention.group_years)
    return review.with_merged(found, known)


def forget_due(
    state: State,
    as_of: date,
    actor: Actor,
    *,
    dry_run: bool = False,
    qvd: Qvd | None = None,
    progress: Progress = quiet,
) -> Forgotten:
    """Forgets everybody who is due, or on a dry run counts them.

    Args:
        qvd: writes a table as Qlik's file (`publish.qlik.qvd`); needed where releases hold such files about people.
    Raises: RunStopped, StoreDamaged; AccessDenied unless the data protection officer asks.
    """
    role = actor.acting("data_protection_officer") if not state.users.is_empty() else "operator"
    with state.run_lock("forget", actor.account):
        finish(state)
        found = due(state, as_of)
        people = {row["reason"]: row["len"] for row in found.group_by("reason").len().sort("reason").to_dicts()}
        by_ref = dict(keys.held(state.operations).iter_rows())
        known = tuple(sorted(by_ref[ref] for ref in found["person_ref"] if ref in by_ref))
        if dry_run or found.is_empty():
            return Forgotten(as_of, people, 0, 0, dry_run, known)
        return _forget(state, found, by_ref, as_of, actor, role, qvd, progress)


def _forget(
    state: State,
    found: pl.DataFrame,
    by_ref: dict[str, str],
    as_of: date,
    actor: Actor,
    role: str,
    qvd: Qvd | None,
    progress: Progress,
) -> Forgotten:
    reasons = dict(found.iter_rows())
    forgotten = {by_ref[ref]: reason for ref, reason in reasons.items() if ref in by_ref}
    swaps = _parts_without(state, found.select("person_ref"), part(progress, 0.0, 0.5))
    releases = _releases_without(state, set(forgotten), qvd, part(progress, 0.5, 0.8))
    exports = _exports_of(state, set(forgotten))
    event = Event(
        actor.account, role, "erasure", "people_forgotten", detail={"people": len(reasons), "as_of": as_of.isoformat()}
    )
    with state.operations.writing(event) as tx:
        for old, new in swaps:
            ledger.replace(tx, old, new)
        for name, sha256, size in releases:
            _name_release(tx, name, sha256, size)
        _drop_keys(state, tx, reasons)
        for key, reason in sorted(forgotten.items()):
            tx.also(Event(actor.account, role, "erasure", "person_forgotten", subject=key, detail={"reason": reason}))
        for number in exports:
            tx.execute(sa.update(schema.exports).where(schema.exports.c.id == number).values(path=None))
        operations.set_fact(tx, UNFINISHED, "yes")
    progress("Clearing what is left", 0.9)
    finish(state)
    people = {reason: list(reasons.values()).count(reason) for reason in sorted(set(reasons.values()))}
    return Forgotten(as_of, people, len(swaps), len(releases), False, tuple(sorted(forgotten)))


# -- parts ---------------------------------------------------------------------------------------


def _parts_without(state: State, gone: pl.DataFrame, progress: Progress) -> list[tuple[Part, Part | None]]:
    """Every part that holds a row of these people, and the part that takes its place (None: nothing is left of it)."""
    charges = state.records.versions(CHARGES.name, columns=["charge_ref", "person_ref"])
    their_charges = charges.join(gone, on="person_ref", how="semi").select("charge_ref").unique()
    held = [item for item in state.records.parts() if item.table_name in HOLD_PEOPLE]
    swaps: list[tuple[Part, Part | None]] = []
    for i, item in enumerate(held):
        progress("Writing records again", i / max(len(held), 1))
        rows = state.records.read(item)
        left = rows.join(gone, on="person_ref", how="anti", maintain_order="left")
        if item.table_name == CHARGES.name:
            left = left.join(their_charges, on="charge_ref", how="anti", maintain_order="left")
        if left.height == rows.height:
            continue
        revision = int(Path(item.name).name.split(".")[1]) + 1 if item.name.count(".") == 2 else 1
        new = (
            state.records.write(str(item.table_name), left, item.sequence, str(item.made_at), revision)
            if left.height
            else None
        )
        swaps.append((item, new))
    return swaps


def _drop_keys(state: State, tx: Writing, reasons: dict[str, str]) -> None:
    """Deletes the keys and leaves keyed hashes that block the return."""
    table = schema.person_keys
    for ref, reason in reasons.items():
        tx.execute(sa.delete(table).where(table.c.person_ref == ref))
        hashed = keys.erased_hash(state.secret, ref)
        tx.execute(sa.delete(schema.erased).where(schema.erased.c.ref_hash == hashed))
        tx.insert(schema.erased, ref_hash=hashed, table_name=PERSONS.name, erased_at=tx.at, reason=reason)


# -- releases ------------------------------------------------------------------------------------


def _releases_without(state: State, gone: set[str], qvd: Qvd | None, progress: Progress) -> list[tuple[str, str, int]]:
    """Releases that hold a row of these people, written again beside: (name, SHA-256 of the manifest, bytes)."""
    names = state.releases.names()
    found = []
    for i, name in enumerate(names):
        progress("Writing releases again", i / max(len(names), 1))
        folder = state.releases.folder / name
        contents = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        changed = {file: new for file, old in contents.items() if (new := _without(file, old, gone)) is not None}
        if not changed:
            continue
        changed |= _qlik_again(changed, contents, qvd)
        manifest = json.loads(contents["manifest.json"])
        for file, content in changed.items():
            manifest["files"][file] = {**manifest["files"].get(file, {}), **_note(content)}
        contents |= changed
        contents["manifest.json"] = (json.dumps(manifest, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()
        beside = state.releases.rewritten(name)
        durable.write_folder(beside, contents)
        found.append((name, files.sha256(beside / "manifest.json"), sum(map(len, contents.values()))))
    return found


def _qlik_again(changed: dict[str, bytes], contents: dict[str, bytes], qvd: Qvd | None) -> dict[str, bytes]:
    """Qlik's own files, made again from the tables beside them."""
    twins = {file: file.removesuffix(".parquet") + ".qvd" for file in changed if file.endswith(".parquet")}
    wanted = {file: twin for file, twin in twins.items() if twin in contents}
    if not wanted:
        return {}
    if qvd is None:
        raise ValueError("releases hold Qlik's files: hand over what writes them")
    return {twin: qvd(pl.read_parquet(io.BytesIO(changed[file])), Path(file).stem) for file, twin in wanted.items()}


def _note(content: bytes) -> dict[str, Any]:
    import hashlib

    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def _without(name: str, content: bytes, gone: set[str]) -> bytes | None:
    """The file without the rows of these people; None if it holds none. Raises StoreDamaged if it cannot be read."""
    if name.endswith(".qvd") or (not name.endswith(".parquet") and not any(key.encode() in content for key in gone)):
        return None
    if name.endswith(".parquet"):
        frame = pl.read_parquet(io.BytesIO(content))
        if "person_key" not in frame.columns:
            return None
        left = frame.filter(~pl.col("person_key").is_in(sorted(gone)))
        if left.height == frame.height:
            return None
        out = io.BytesIO()
        left.rechunk().write_parquet(out, compression="zstd", statistics=True, row_group_size=GROUP_ROWS)
        return out.getvalue()
    if name.endswith(".csv"):
        lines = content.decode().splitlines(keepends=True)
        return "".join(line for line in lines if not any(key in line for key in gone)).encode()
    raise StoreDamaged(
        f"The release file {name} names a person where no row can be taken out.",
        code="release_file_names_people",
        next_step="Tell whoever maintains harmcast; withdraw and remove that release by hand.",
    )


def _name_release(tx: Writing, name: str, sha256: str, size: int) -> None:
    path = f"releases/{name}"
    tx.execute(sa.update(schema.releases).where(schema.releases.c.path == path).values(manifest_sha256=sha256))
    tx.execute(sa.update(schema.ledger).where(schema.ledger.c.name == path).values(sha256=sha256, bytes=size))


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
        raw = connection.connection.driver_connection
        if state.operations.is_sqlite:
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
            raw.execute("VACUUM")  # type: ignore[union-attr]
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
            return
    engine = state.operations.engine.execution_options(isolation_level="AUTOCOMMIT")
    with operations.translating(), engine.connect() as connection:
        for table in (schema.person_keys, schema.erased, schema.exports):
            connection.execute(sa.text(f"VACUUM FULL {table.name}"))
