"""Backups: a drill that brings everything back, and kinds of corruption that must all be refused."""

from __future__ import annotations

import hashlib
import io
import random
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

from bench.faults import kill
from harmcast.errors import HarmcastError
from harmcast.store import backup
from harmcast.store.users import Actor

ACTOR = Actor("olu", "Olu", (("administrator", None),))
REFUSED = {"backup_damaged", "schema_newer"}


# -- the drill -----------------------------------------------------------------------------------


def drill(folder: Path, made: Path) -> list[str]:
    """A backup written and restored: files of record, keys, counts and log as they were, every row of every table there."""
    from harmcast.store.state import open_state

    before = kill.summary(made)
    state = open_state(made)
    entries = len(state.operations.entries())
    written = backup.back_up(state, folder / "drill.backup", ACTOR)
    state.close()
    result = backup.restore(folder / "drill.backup", folder / "drilled")
    wrong = [] if result.rows == written.rows else ["rows are missing"]
    wrong += [] if kill.summary(folder / "drilled") == before else ["what came back is not what was there"]
    again = open_state(folder / "drilled")
    actions = [entry.action for entry in again.operations.entries()[entries:]]
    again.close()
    wrong += [] if actions == ["state_restored"] else [f"the log goes on with {actions}"]
    shutil.rmtree(folder / "drilled")
    return wrong


def corrupted(folder: Path, made: Path, times: int = 1) -> tuple[int, list[str]]:
    """Backups corrupted in each kind, restored: (how many were tried, which were not refused by name or left something)."""
    from harmcast.store.state import open_state

    state = open_state(made)
    backup.back_up(state, folder / "whole.backup", ACTOR)
    state.close()
    whole = (folder / "whole.backup").read_bytes()
    wrong, tried = [], 0
    for kind, corrupt in KINDS.items():
        for number in range(times):
            tried += 1
            if (fault := let_in(folder, corrupt(whole, random.Random(f"{kind}{number}")))) is not None:
                wrong.append(f"{kind}: {fault}")
    return tried, wrong


def let_in(folder: Path, content: bytes) -> str | None:
    """What is wrong with how a broken backup is met; None if it is refused by name and leaves nothing behind."""
    file, target = folder / "broken.backup", folder / "restored"
    file.write_bytes(content)
    try:
        backup.restore(file, target)
    except HarmcastError as error:
        left = target.exists() or [path for path in folder.iterdir() if path.name.startswith(".restored")]
        return "something is left" if left else None if error.code in REFUSED else f"named {error.code}"
    shutil.rmtree(target)
    return "restored"


# -- kinds of corruption -------------------------------------------------------------------------


def resealed(change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]) -> Callable[[bytes, random.Random], bytes]:
    """A corruption of the contents under a last line that agrees."""

    def corrupt(content: bytes, _: random.Random) -> bytes:
        with tarfile.open(fileobj=io.BytesIO(content[: -backup.LAST_LENGTH])) as archive:
            members = [(m, archive.extractfile(m).read()) for m in archive]  # type: ignore[union-attr]
        change(members)
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for info, raw in members:
                info.size = len(raw)
                archive.addfile(info, io.BytesIO(raw))
        body = out.getvalue()
        return body + backup.LAST_LINE + hashlib.sha256(body).hexdigest().encode() + b"\n"

    return corrupt


def find(members: list[tuple[tarfile.TarInfo, bytes]], word: str) -> int:
    return next(i for i, (info, _) in enumerate(members) if word in info.name)


def rewritten(word: str, old: bytes, new: bytes) -> Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]:
    def change(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        i = find(members, word)
        info, raw = members[i]
        assert old in raw
        members[i] = (info, raw.replace(old, new, 1))

    return change


def renamed(to: str) -> Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]:
    def change(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        members[find(members, "crimes")][0].name = to

    return change


def linked(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    info = tarfile.TarInfo("records/link")
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    members.append((info, b""))


def flip(content: bytes, r: random.Random) -> bytes:
    at = r.randrange(len(content))
    return content[:at] + bytes([content[at] ^ (1 << r.randrange(8))]) + content[at + 1 :]


def zeroed(content: bytes, r: random.Random) -> bytes:
    at = r.randrange(len(content) - 600)
    return content[:at] + b"\x00" * 512 + content[at + 512 :] if any(content[at : at + 512]) else b"\x00" + content[1:]


KINDS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "empty": lambda c, r: b"",
    "cut": lambda c, r: c[: r.randrange(1, len(c))],
    "last_line_gone": lambda c, r: c[: -backup.LAST_LENGTH],
    "head_gone": lambda c, r: c[512:],
    "bit_flipped": flip,
    "block_zeroed": zeroed,
    "grown": lambda c, r: c + b"\x00" * 512,
    "grown_in_front": lambda c, r: b"\x00" * 512 + c,
    "block_moved": lambda c, r: c[512:1024] + c[:512] + c[1024:],
    "twice": lambda c, r: c + c,
    "noise": lambda c, r: r.randbytes(len(c)),
    "text": lambda c, r: b"not a backup",
    "list_gone": resealed(lambda members: members.pop(find(members, backup.MANIFEST)) and None),
    "list_garbled": resealed(rewritten(backup.MANIFEST, b'"format"', b'"farmot"')),
    "other_format": resealed(rewritten(backup.MANIFEST, b'"format": 1', b'"format": 9')),
    "later_version": resealed(rewritten(backup.MANIFEST, b'"revision": "', b'"revision": "9')),
    "member_gone": resealed(lambda members: members.pop(find(members, "crimes")) and None),
    "member_twice": resealed(lambda members: members.append(members[find(members, "crimes")])),
    "member_changed": resealed(rewritten("crimes.parquet", b"PAR1", b"PAR2")),
    "row_changed": resealed(rewritten("events.jsonl", b"state_made", b"state_Made")),
    "member_renamed": resealed(renamed("records/other.parquet")),
    "member_outside": resealed(renamed("../outside")),
    "member_absolute": resealed(renamed("/tmp/outside")),
    "link": resealed(linked),
}
