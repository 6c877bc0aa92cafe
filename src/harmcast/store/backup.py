"""The whole state in one file with digests, and back again; a backup that is not whole is refused.

A tar file: every file of the state, each table of the operational database as JSON lines, and `backup.json` with the
SHA-256 of each; then one last line with the SHA-256 of everything before it. The file holds the state's secrets: keep it
as safe as the state. Restoring an older backup brings back who was forgotten since: run `harmcast forget` afterwards.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any, TypedDict

import sqlalchemy as sa

from harmcast.documents.plain import PlainRecord
from harmcast.errors import RunStopped, SettingsRefused, StoreDamaged
from harmcast.oversight.log import Event
from harmcast.store import checkpoints, files, kept_settings, operations, schema, state, upgrade, verify
from harmcast.store.operations import Operations
from harmcast.store.state import State
from harmcast.store.users import Actor

FORMAT = 1
MANIFEST = "backup.json"
LAST_LINE = b"\nharmcast backup sha256:"
LAST_LENGTH = len(LAST_LINE) + 64 + 1
LEFT_OUT = ("operations.db", "run.lock", "kept", "incoming", "logs", "qlik", "qlik-access")  # the last two are written again from the ledger
TABLES = "operations"
BATCH = 5_000


class BackupMember(TypedDict, total=False):
    """A file or table of a backup; `rows`: of a table alone."""

    sha256: str
    bytes: int
    rows: int


class BackupAbout(TypedDict):
    """A backup's list of contents, and the revision of its tables."""

    format: int
    revision: str
    members: dict[str, BackupMember]


@dataclass(frozen=True)
class BackedUp:
    """What was written or restored."""

    what: str
    file: str
    files: int
    rows: int
    sha256: str

    def document(self) -> PlainRecord:
        """The same, ready for JSON."""
        return asdict(self)

    def lines(self) -> list[str]:
        """What is printed for people."""
        said = [
            f"{self.what}: {self.files:,} files and {self.rows:,} rows of the operational database, every digest right."
        ]
        if self.what == "Restored":
            return [*said, "Next: harmcast forget, because people forgotten since that backup are held again."]
        return [
            *said,
            "It holds the state's secrets: keep it as safe as the state, and remove it after `[retention] backup_days`.",
        ]


# -- writing -------------------------------------------------------------------------------------


def back_up(made: State, file: Path, actor: Actor) -> BackedUp:
    """Writes the whole state into one file; its SHA-256 goes outside with a signed line.

    Raises: RunStopped (disk, a run at work; `witness_...` where the outside does not agree: the file stands), SettingsRefused if it exists.
    """
    if file.exists():
        raise SettingsRefused(
            "The file named for the backup is there already.", code="backup_exists", next_step="Name a new file."
        )
    if not file.resolve().parent.is_dir():
        raise SettingsRefused(
            "The folder named for the backup is not there.",
            code="backup_folder_missing",
            next_step="Mount its disk, or make the folder, and run again: a backup holds the state's secrets and goes nowhere unasked.",
        )
    with made.run_lock("backup", actor.account):
        listed: dict[str, BackupMember] = {}
        files.write_whole(file, lambda beside: _write(made, beside, listed))
        found = BackedUp(
            "Backed up", str(file), _file_count(listed), sum(n.get("rows", 0) for n in listed.values()), files.sha256(file)
        )
        made.operations.record(
            Event(
                actor.account,
                "operator",
                "administration",
                "backup_made",
                object=f"backup:{file.name}",
                detail={"sha256": found.sha256, "file": str(file.resolve())},
            )
        )
        checkpoints.write(made, backup=found.sha256)
    return found


def _file_count(listed: dict[str, BackupMember]) -> int:
    return sum("rows" not in note for note in listed.values())


def _write(made: State, beside: Path, listed: dict[str, BackupMember]) -> None:
    handle = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w+b") as out:
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for name, content, rows in _tables(made.operations):
                _add(archive, name, content)
                listed[name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content), "rows": rows}
            for path in _state_files(made.root):
                name = path.relative_to(made.root).as_posix()
                content = path.read_bytes()
                _add(archive, name, content)
                listed[name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            about = {"format": FORMAT, "revision": upgrade.HEAD, "members": listed}
            _add(archive, MANIFEST, json.dumps(about, sort_keys=True).encode())
        out.flush()
        out.seek(0)
        digest = hashlib.file_digest(out, "sha256").hexdigest()
        out.seek(0, os.SEEK_END)
        out.write(LAST_LINE + digest.encode() + b"\n")


def _state_files(root: Path) -> list[Path]:
    found = []
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and not any(name == skip or name.startswith((f"{skip}/", f"{skip}-")) for skip in LEFT_OUT):
            found.append(path)
    return found


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    info.mode = 0o600
    archive.addfile(info, io.BytesIO(content))


def _tables(database: Operations) -> Iterator[tuple[str, bytes, int]]:
    """Each table as JSON lines, all of one moment."""
    with database.reading() as connection:
        if not database.is_sqlite:
            connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        for table in schema.metadata.sorted_tables:
            rows = connection.execute(sa.select(table).order_by(*table.primary_key.columns))
            lines = [json.dumps({k: _plain(v) for k, v in row._mapping.items()}, sort_keys=True) for row in rows]
            yield f"{TABLES}/{table.name}.jsonl", "".join(line + "\n" for line in lines).encode(), len(lines)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return {"base64": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    return value


def _typed(value: Any) -> Any:
    if isinstance(value, dict):
        if "base64" in value:
            return base64.b64decode(value["base64"])
        return date.fromisoformat(value["date"])
    return value


# -- restoring -----------------------------------------------------------------------------------


def restore(file: Path, target: Path) -> BackedUp:
    """Restores a state after checking every digest, the ledger's too, and the log.

    Raises: StoreDamaged (`backup_damaged`) for a backup that is not whole; SettingsRefused if the folder holds anything;
    RunStopped if the backup is of a later version or the database named is not empty.
    """
    state.must_be_new(target)
    sha256 = _whole(file)
    with files.new_folder(target, "The state") as beside:
        about, tables = _unpacked(file, beside)
        rows = _fill(beside, about, tables)
        _proved(beside)
    opened = state.open_state(target)
    opened.operations.record(
        Event("system", "operator", "administration", "state_restored", object="state", detail={"sha256": sha256})
    )
    opened.close()
    return BackedUp("Restored", str(file), _file_count(about["members"]), rows, sha256)


def _damaged(what: str) -> StoreDamaged:
    return StoreDamaged(
        f"The backup is not whole: {what}.",
        code="backup_damaged",
        next_step="Take another backup; tell the data owner if none is whole.",
    )


def _whole(file: Path) -> str:
    """SHA-256 of the file once its last line agrees with everything before it."""
    try:
        size = file.stat().st_size
        with file.open("rb") as handle:
            digest = hashlib.sha256()
            left = size - LAST_LENGTH
            while left > 0 and (block := handle.read(min(left, 1 << 20))):
                digest.update(block)
                left -= len(block)
            last = handle.read()
    except OSError:
        raise RunStopped("The backup cannot be read.", code="backup_missing", next_step="Name a backup file.") from None
    if last != LAST_LINE + digest.hexdigest().encode() + b"\n":
        raise _damaged("its last line does not agree with it")
    return files.sha256(file)


def _unpacked(file: Path, into: Path) -> tuple[BackupAbout, dict[str, bytes]]:
    """Files of the state written into a folder, tables in memory; every member against its digest."""
    tables: dict[str, bytes] = {}
    seen: dict[str, str] = {}
    about: BackupAbout | None = None
    try:
        with tarfile.open(file, mode="r:") as archive:
            for member in archive:
                name = member.name
                content = archive.extractfile(member)
                if content is None or not member.isreg() or not _is_safe(name) or name in seen:
                    raise _damaged("it holds something that no backup holds")
                raw = content.read()
                seen[name] = hashlib.sha256(raw).hexdigest()
                if name == MANIFEST:
                    about = json.loads(raw)
                elif name.startswith(f"{TABLES}/"):
                    tables[name] = raw
                else:
                    files.write_private(into / name, raw)
        if about is None or about["format"] != FORMAT:
            raise _damaged("its list of contents is missing or of another format")
        listed = {name: note["sha256"] for name, note in about["members"].items()}
    except (tarfile.TarError, ValueError, KeyError, TypeError, AttributeError, EOFError) as error:
        raise _damaged("it cannot be unpacked") from error
    seen.pop(MANIFEST)
    if seen != listed:
        raise _damaged("its contents are not those it lists")
    return about, tables


def _is_safe(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and name == path.as_posix()


def _fill(root: Path, about: BackupAbout, tables: dict[str, bytes]) -> int:
    """A fresh operational database with the backup's rows; gives how many."""
    settings = kept_settings.read(root / state.SETTINGS)[0]
    database = Operations(operations.engine_of(operations.database_url(settings.store.url, root)), (root / "secret").read_bytes())
    try:
        if upgrade.revision(database) is not None:
            raise RunStopped(
                "The database that the settings name is not empty.",
                code="store_in_use",
                next_step="Give an empty one (store.url).",
            )
        count = 0
        with operations.translating(), database.unlogged() as connection:
            upgrade.to_revision(connection, about["revision"])
            held = sa.MetaData()
            held.reflect(connection)
            for name in [table.name for table in held.sorted_tables if f"{TABLES}/{table.name}.jsonl" in tables]:
                rows = [
                    {key: _typed(value) for key, value in json.loads(line).items()}
                    for line in tables[f"{TABLES}/{name}.jsonl"].splitlines()
                ]
                target = schema.metadata.tables.get(name, held.tables[name])
                for i in range(0, len(rows), BATCH):
                    connection.execute(sa.insert(target), rows[i : i + BATCH])
                _number_on(connection, held.tables[name], rows)
                count += len(rows)
        return count
    finally:
        database.close()


def _number_on(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """PostgreSQL numbers new rows after the restored ones."""
    if connection.dialect.name != "postgresql" or not rows or "id" not in rows[0]:
        return
    connection.execute(
        sa.text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :last)"),
        {"name": table.name, "last": max(row["id"] for row in rows)},
    )


def _proved(root: Path) -> None:
    """The restored state's parts are those the ledger names, and its log holds."""
    restored = state.open_state(root)
    try:
        wrong = restored.if_accepted().records.verify()
        if wrong:
            raise _damaged(f"{len(wrong)} part(s) are not those that the ledger names")
        if verify.verify_database(restored.operations).faults:
            raise _damaged("its log does not hold, or rows are not what it says was written")
    finally:
        restored.close()
