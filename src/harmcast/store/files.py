"""Files that must be whole: written beside, synced with their folder, then given their name."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from harmcast.errors import RunStopped


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def stopped(error: OSError, what: str) -> RunStopped:
    """The error that an operator can act on when a file cannot be written."""
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    return RunStopped(
        f"{what} could not be written{': the disk is full' if full else ''}.",
        code="disk_full" if full else "write_failed",
        next_step="Free space or mend the disk, then run again; what stood before still stands.",
    )


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Calls `write` with a name beside `path`, syncs what it wrote, and moves it into place.

    A kill leaves either no file of that name or the whole file. Raises: RunStopped (`disk_full`, `write_failed`).
    """
    beside = path.with_name(f".{path.name}.writing")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(beside)
        with beside.open("rb+") as handle:
            os.fsync(handle.fileno())
        beside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise stopped(error, path.name) from error


def sha256(path: Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
