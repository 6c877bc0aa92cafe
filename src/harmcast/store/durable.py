"""Folders that are either whole or not there: written beside, every file synced, renamed, the parent synced."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from harmcast.store.files import stopped, sync


def write_folder(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Writes a folder of files whole; an older one of the name, left by a run that was stopped, is replaced.

    Raises: RunStopped (`disk_full`, `write_failed`); what stood before still stands.
    """
    beside = folder.with_name(f".{folder.name}.making")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        beside.mkdir(parents=True)
        for name, content in contents.items():
            target = beside / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            sync(target)
        for inner in {(beside / name).parent for name in contents} | {beside}:
            sync(inner)
        shutil.rmtree(folder, ignore_errors=True)
        beside.replace(folder)
        sync(folder.parent)
    except OSError as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise stopped(error, folder.name) from error
