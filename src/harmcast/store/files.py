"""Files and folders that must be whole: written beside, synced with their folder, then given their name."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harmcast.errors import RunStopped


def sync(path: Path) -> None:
    """Waits until a file or folder is on disk."""
    handle = os.open(path, os.O_RDONLY)
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
        sync(beside)
        beside.replace(path)
        sync(path.parent)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise stopped(error, path.name) from error


def write_bytes(path: Path, content: bytes, mode: int | None = None) -> None:
    """Writes a file whole, of a mode where one is named. Raises: RunStopped (`disk_full`, `write_failed`)."""

    def write(beside: Path) -> None:
        beside.write_bytes(content)
        if mode is not None:
            beside.chmod(mode)

    write_whole(path, write)


def write_private(path: Path, content: bytes) -> None:
    """Writes a new file that nobody else may read, within a folder that is itself made whole. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(content)
        os.fsync(out.fileno())


@contextmanager
def new_folder(folder: Path, what: str) -> Iterator[Path]:
    """A folder to fill beside `folder`, which takes its name when the block ends well; else nothing of it stays.

    `folder` may be there and empty. Raises: RunStopped (`disk_full`, `write_failed`), of `what`.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield beside
        sync(beside)
        beside.rename(folder)
        sync(folder.parent)
    except OSError as error:
        raise stopped(error, what) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def sha256(path: Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
