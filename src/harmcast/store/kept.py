"""State kept only to be quick: losing any of it changes no number, so it is no file of record."""

from __future__ import annotations

from pathlib import Path

from harmcast.store import files

FOLDER = "kept"


def keep(root: Path, name: str, content: bytes) -> None:
    """Keeps `content` under a name, whole or not at all."""
    path = root / FOLDER / name
    if not path.is_file() or path.read_bytes() != content:
        files.write_whole(path, lambda beside: _write(beside, content))


def kept(root: Path, name: str) -> bytes | None:
    """What was kept under a name; None if nothing was."""
    path = root / FOLDER / name
    return path.read_bytes() if path.is_file() else None


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
