"""Compiled grounds: one file each, named by its content; the newest is shown, older ones stay while a release names them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from harmcast.oversight.log import Event
from harmcast.store import files, operations
from harmcast.store.operations import Operations

FOLDER = "ground"
CURRENT = "ground"


class Grounds:
    """The compiled grounds of one state."""

    def __init__(self, root: Path, database: Operations) -> None:
        self.folder = root / FOLDER
        self._operations = database

    def current(self) -> Path | None:
        """The ground that pages and the next week take; None before the first was compiled."""
        name = self._operations.fact(CURRENT)
        return self.named(name) if name else None

    def named(self, name: str) -> Path | None:
        """The ground of that name (twelve characters); None if it is not held."""
        path = self.folder / f"ground-{name}.sqlite"
        return path if path.is_file() else None

    def keep(self, write: Callable[[Path], Any], event: Event, in_use: Collection[str]) -> Path:
        """Writes a ground, names it by its content with its event, and makes it the current one; if `write` fails the last one stays.

        Args:
            write: writes the file at a path where nothing is.
            in_use: names that releases hold; of the other grounds only the new one stays.
        """
        beside = self.folder / ".made.sqlite"
        beside.unlink(missing_ok=True)
        files.write_whole(beside, write)
        name = files.sha256(beside)[:12]
        path = self.folder / f"ground-{name}.sqlite"
        beside.rename(path)
        files.sync(self.folder)
        with self._operations.writing(event) as tx:
            tx.says(ground=name)
            operations.set_fact(tx, CURRENT, name)
        for other in self.folder.glob("ground-*.sqlite"):
            if other != path and name_of(other) not in in_use:
                other.unlink()
        return path


def name_of(path: Path) -> str:
    """The twelve characters that name a ground's file."""
    return path.stem.removeprefix("ground-")
