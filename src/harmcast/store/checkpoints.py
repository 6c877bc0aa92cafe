"""The log's signed checkpoints, and its verification against them.

A checkpoint says: so many entries, the last with this hash. It is signed with the state's key and appended to
`checkpoints.jsonl` in the folder that `[log] checkpoint_dir` names, which should lie on another machine, together
with the public key. Checkpoints beside the log itself prove nothing against somebody who can write there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from harmcast.errors import RunStopped
from harmcast.oversight import log
from harmcast.oversight.log import Checkpoint, Event, LogFault
from harmcast.store import files, schema
from harmcast.store.state import State

FILE = "checkpoints.jsonl"
KEY_FILE = "checkpoint-key.pub"
SHOWN = 50


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


def write(state: State) -> Checkpoint | None:
    """Signs a checkpoint of the log as it is and appends it to the folder kept elsewhere; None if no folder is named.

    Raises: RunStopped (`disk_full`, `write_failed`) if the folder cannot be written.
    """
    folder = folder_of(state)
    if folder is None:
        return None
    key = (state.root / "signing.key").read_bytes()
    held = [row["line"] for row in state.operations.rows(sa.select(schema.checkpoints).order_by(schema.checkpoints.c.number))]
    last = Checkpoint.of_line(held[-1]) if held else None
    entry = state.operations.rows(sa.select(schema.events).order_by(schema.events.c.seq.desc()).limit(1))[0]
    point = log.signed(
        Checkpoint(
            number=last.number + 1 if last else 1,
            state_id=str(state.operations.fact("state_id")),
            seq=entry["seq"],
            hash=entry["hash"],
            at=entry["at"],
            previous=last.digest() if last else log.GENESIS,
        ),
        key,
    )
    event = Event("system", "operator", "run", "checkpoint_signed", detail={"number": point.number, "seq": point.seq})
    with state.operations.writing(event) as tx:
        tx.execute(sa.insert(schema.checkpoints).values(number=point.number, line=point.line()))
        _append(folder, held, point, log.public_key(key))
    return point


def _append(folder: Path, earlier: Sequence[str], point: Checkpoint, public_key: bytes) -> None:
    """Adds a line to the file; a new folder is given the earlier lines too, so that its file begins with the first."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        key_file = folder / KEY_FILE
        if not key_file.exists():
            files.write_whole(key_file, lambda path: _write(path, public_key.hex().encode()))
        path = folder / FILE
        before = path.read_text(encoding="utf-8").splitlines() if path.exists() else earlier
        # a line left by a run that was killed before its commit is written over by the same number
        kept = [line for line in before if Checkpoint.of_line(line).number < point.number]
        files.write_whole(path, lambda beside: _write(beside, ("\n".join([*kept, point.line()]) + "\n").encode()))
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
        return [Checkpoint.of_line(line) for line in lines if line], key
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


def verify(state: State, checkpoint: Path | None = None) -> Verified:
    """Looks for every sign of tampering, with the checkpoints named, else with those of the settings' folder."""
    path = checkpoint or folder_of(state)
    if path is None or (checkpoint is None and not (path / FILE).exists()):
        points: list[Checkpoint] = []
        key = None
    else:
        points, key = _points(path)
    entries = state.operations.entries()
    findings = log.verify(entries, points, key, str(state.operations.fact("state_id")))
    return Verified(len(entries), len(points), findings)
