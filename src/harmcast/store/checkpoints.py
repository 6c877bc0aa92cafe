"""The log's signed checkpoints, and its verification against them.

A checkpoint says: so many entries, the last with this hash. It is signed with the state's key and appended to
`checkpoints.jsonl` in the folder that `[log] checkpoint_dir` names, which should lie on another machine, together
with the public key. The weekly run reads it before anything else and signs nothing that does not agree with it; a restored
backup is declared. Checkpoints beside the log itself prove nothing against somebody who can write there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from harmcast.errors import RunStopped
from harmcast.oversight import log
from harmcast.oversight.log import Checkpoint, Event, LogFault
from harmcast.store import files, schema
from harmcast.store.state import State
from harmcast.store.users import Actor

FILE = "checkpoints.jsonl"
KEY_FILE = "checkpoint-key.pub"
SHOWN = 50
SIGNED = "checkpoint_signed"
REFUSALS = {
    "checkpoint_foreign": "witness_foreign",
    "checkpoint_signature": "witness_key",
    "checkpoint_order": "witness_fork",
    "checkpoint_clock": "witness_fork",
    "tail_cut": "witness_ahead",
    "rewritten": "witness_fork",
}


@dataclass(frozen=True)
class Verified:
    """What a verification of the log found. `checkpoints` is 0 where none were looked at."""

    entries: int
    checkpoints: int
    findings: list[LogFault] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return not self.findings

    def document(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        return {"is_whole": self.is_whole, **asdict(self)}

    def lines(self) -> list[str]:
        """What is printed for people."""
        said = [f"{self.entries:,} entries, {self.checkpoints:,} signed checkpoints."]
        if not self.checkpoints:
            said.append("No checkpoint kept elsewhere was looked at: a cut tail or a whole rewrite cannot be seen.")
        if self.is_whole:
            return [*said, "The log is whole."]
        said += [f"  entry {found.seq}: {found.rule}: {found.says}" for found in self.findings[:SHOWN]]
        if len(self.findings) > SHOWN:
            said.append(f"  and {len(self.findings) - SHOWN} more")
        return [*said, "The log was tampered with. Next: keep everything as it is and tell the data owner."]


def folder_of(state: State) -> Path | None:
    """Where checkpoints go; None if the settings name no folder."""
    folder = state.settings.log.checkpoint_dir
    if folder is None:
        return None
    return folder if folder.is_absolute() else state.root / folder


def write(state: State, lost: tuple[int, int] | None = None, by: Event | None = None) -> Checkpoint | None:
    """Signs a checkpoint of the log as it is and appends it to the file kept elsewhere; None if no folder is named.

    What stands outside is read first and must agree with the log; outside is written before the log, and nothing there is ever rewritten.

    Raises: RunStopped (`witness_...`) if they do not agree; (`disk_full`, `write_failed`) if the folder cannot be written.
    """
    folder = folder_of(state)
    if folder is None:
        return None
    points, _ = _agreeing(state) if lost is None else _outside(folder)
    key = (state.root / "signing.key").read_bytes()
    last = points[-1] if points else None
    entry = state.operations.rows(sa.select(schema.events).order_by(schema.events.c.seq.desc()).limit(1))[0]
    point = log.signed(
        Checkpoint(
            number=last.number + 1 if last else 1,
            state_id=str(state.operations.fact("state_id")),
            seq=entry["seq"],
            hash=entry["hash"],
            at=entry["at"],
            previous=last.digest() if last else log.GENESIS,
            lost=lost,
        ),
        key,
    )
    _append(folder, point, log.public_key(key))
    event = by or Event("system", "operator", "run", SIGNED)
    with state.operations.writing(event.with_detail(number=point.number, seq=point.seq)):
        pass
    return point


def must_agree(state: State) -> None:
    """What stands outside agrees with the log, or nothing is run. Raises RunStopped, named for what is wrong."""
    if folder_of(state) is not None:
        _agreeing(state)


def declare_restore(state: State, actor: Actor, reason: str) -> Checkpoint | None:
    """Declares that an older backup was restored: which entries are lost is signed outside, and said by every later verification.

    Raises: AccessDenied unless the data protection officer or a supervisor declares it; RunStopped where nothing is to be declared, or
    where it is no restore: another state, another key, a checkpoint that was changed.
    """
    role = actor.acting("data_protection_officer", "supervisor")
    folder = folder_of(state)
    with state.run_lock("declare a restore", actor.account):
        points, _ = _outside(folder) if folder is not None else ([], None)
        faults = _faults(state, folder, points) if folder is not None else []
        if not points or not faults or {fault.rule for fault in faults} - {"witness_ahead", "witness_fork"}:
            raise RunStopped("There is no restore to declare.", code="no_restore", next_step="See `harmcast log verify`.")
        hashes = _hashes(state)
        shared = max((point.seq for point in points if hashes.get(point.seq) == point.hash), default=0)
        lost = (shared + 1, max(point.seq for point in points))
        event = Event(actor.account, role, "administration", "restore_declared", reason, object="log", detail={"lost": list(lost)})
        return write(state, lost, event)


def _agreeing(state: State) -> tuple[list[Checkpoint], bytes | None]:
    folder = folder_of(state)
    if folder is None:
        return [], None
    points, key = _outside(folder)
    faults = _faults(state, folder, points)
    if faults:
        raise RunStopped(
            f"What was signed outside does not agree with the log: {faults[0].says}.",
            code=faults[0].rule,
            next_step="Sign nothing. Restore the newest backup, or declare the restore (`harmcast log declare-restore`).",
        )
    return points, key


def outside(state: State) -> list[Checkpoint]:
    """The checkpoints that stand in the folder of the settings, oldest first."""
    folder = folder_of(state)
    return _outside(folder)[0] if folder is not None else []


def _outside(folder: Path) -> tuple[list[Checkpoint], bytes | None]:
    """Checkpoints of a folder, lines that were torn passed over; none where there is no file yet."""
    return _points(folder) if (folder / FILE).exists() else ([], None)


def _hashes(state: State) -> dict[int, str]:
    table = schema.events
    with state.operations.reading() as connection:
        return {seq: hashed for seq, hashed in connection.execute(sa.select(table.c.seq, table.c.hash))}


def _faults(state: State, folder: Path, points: Sequence[Checkpoint]) -> list[LogFault]:
    """Where the outside and the log disagree, by the names of the refusals."""
    known = _known(state)
    if known and not (folder / FILE).exists():
        return [LogFault("witness_missing", None, f"the log knows {known} checkpoints, and their file is gone")]
    key = log.public_key((state.root / "signing.key").read_bytes())
    found = log.checkpoint_faults(points, _hashes(state), key, str(state.operations.fact("state_id")))
    named = [replace(fault, rule=REFUSALS[fault.rule]) for fault in found]
    last = points[-1].number if points else 0
    if last < known:
        named.append(LogFault("witness_short", None, f"the log knows {known} checkpoints, and {last} are there"))
    return named


def _known(state: State) -> int:
    """How many checkpoints the log itself says were signed."""
    table = schema.events
    details = state.operations.rows(sa.select(table.c.detail).where(table.c.action.in_((SIGNED, "restore_declared"))))
    return max((int(json.loads(row["detail"])["number"]) for row in details), default=0)


def _append(folder: Path, point: Checkpoint, public_key: bytes) -> None:
    """Adds a line in one write, after whatever is there; a line torn by a crash stays and is passed over."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        key_file = folder / KEY_FILE
        if not key_file.exists():
            files.write_whole(key_file, lambda path: _write(path, public_key.hex().encode()))
        path = folder / FILE
        is_torn = path.exists() and not path.read_bytes().endswith(b"\n") and path.stat().st_size > 0
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(handle, (b"\n" if is_torn else b"") + point.line().encode() + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)
        files.sync_folder(folder)
    except OSError as error:
        raise files.stopped(error, "The checkpoint") from error


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _points(path: Path) -> tuple[list[Checkpoint], bytes]:
    """Checkpoints of a file or of the folder that holds it, and the public key beside them."""
    file = path / FILE if path.is_dir() else path
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        key = bytes.fromhex((file.parent / KEY_FILE).read_text(encoding="utf-8").strip())
        points = [point for line in lines if line and (point := _whole_line(line)) is not None]
        if lines and not points:
            raise ValueError("no line is a checkpoint")
        return points, key
    except OSError:
        raise RunStopped(
            "The checkpoints cannot be read.",
            code="checkpoints_missing",
            next_step=f"Name {FILE}; {KEY_FILE} must lie beside it.",
        ) from None
    except ValueError:
        raise RunStopped(
            "The checkpoints are not what was written.",
            code="checkpoints_unreadable",
            next_step="Take them from another copy; if every copy is so, tell the data owner.",
        ) from None


def _whole_line(line: str) -> Checkpoint | None:
    """A checkpoint of its line; None for one that a crash tore. A line taken away breaks the numbers of those after it."""
    try:
        return Checkpoint.of_line(line)
    except ValueError:
        return None


def verify(state: State, checkpoint: Path | None = None) -> Verified:
    """Looks for every sign of tampering, with the checkpoints named, else with those of the settings' folder."""
    folder = folder_of(state)
    entries = state.operations.entries()
    findings = log.broken_links(entries)
    if checkpoint is not None:
        points, key = _points(checkpoint)
        faults = log.checkpoint_faults(points, {e.seq: e.hash for e in entries}, key, str(state.operations.fact("state_id")))
        findings += [replace(fault, rule=REFUSALS[fault.rule]) for fault in faults]
    elif folder is not None:
        points, _ = _outside(folder)
        findings += _faults(state, folder, points)
    else:
        points = []
    return Verified(len(entries), len(points), findings)
