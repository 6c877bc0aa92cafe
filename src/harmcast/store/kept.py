"""State kept only to be quick: losing any of it changes no number, so it is no file of record.

Each file begins with the code version that wrote it and a digest; another version's, or a damaged one, counts as lost.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from harmcast.store import files

FOLDER = "kept"


def keep(root: Path, name: str, version: str, content: bytes | memoryview) -> None:
    """Keeps `content` under a name, whole or not at all."""
    if kept(root, name, version) == content:
        return
    head = f"{version} {hashlib.sha256(content).hexdigest()}\n".encode()

    def write(beside: Path) -> None:
        with beside.open("wb") as file:
            file.writelines((head, content))

    files.write_whole(root / FOLDER / name, write)


def kept(root: Path, name: str, version: str) -> bytes | None:
    """What this version kept under a name; None if nothing, another version's, or not what was written."""
    path = root / FOLDER / name
    if not path.is_file():
        return None
    head, _, content = path.read_bytes().partition(b"\n")
    return content if head == f"{version} {hashlib.sha256(content).hexdigest()}".encode() else None
