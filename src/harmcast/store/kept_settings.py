"""A state's settings and the files they name: as they stand, as they stood at each release, and how they are changed whole.

STATE/settings/               what holds now
STATE/settings-kept/<hash>/   a copy of each as it was taken, and as it stood at each release, named by its hash: a past week is made again from it
STATE/settings.next/          a change that is written but not yet in place; the next opening puts it there

The fact `settings_sha256` says which settings were taken: by `init`, by two people, or by an upgrade. Files that are others were
changed by hand: `log verify` names them, and nothing is run with them.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from harmcast import settings as settings_of
from harmcast.errors import StoreDamaged
from harmcast.settings import Settings, gone
from harmcast.store import files, operations, schema
from harmcast.store.operations import Operations, Writing

SETTINGS = "settings"
KEPT = "settings-kept"
NEXT = "settings.next"
BEFORE = "settings.before"
FILE = "settings.toml"
FACT = "settings_sha256"


def sha256_of(folder: Path) -> str:
    """One hash over the settings and every file they name: names and contents, in order of name."""
    whole = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        whole.update(f"{path.relative_to(folder).as_posix()} {files.sha256(path)}\n".encode())
    return whole.hexdigest()


def keep(root: Path) -> str:
    """Keeps a copy of the settings as they stand, if it is not kept yet; gives its hash."""
    sha256 = sha256_of(root / SETTINGS)
    place = root / KEPT / sha256
    if not place.is_dir():
        with files.new_folder(place, "The settings") as beside:
            shutil.copytree(root / SETTINGS, beside, dirs_exist_ok=True)
            for path in beside.rglob("*"):
                files.sync(path)
    return sha256


def take(tx: Writing, root: Path) -> str:
    """Says in the log that the settings as they stand are the state's, and keeps a copy; gives their hash."""
    sha256 = keep(root)
    operations.set_fact(tx, FACT, sha256)
    return sha256


def taken(database: Operations) -> str | None:
    """Hash of the settings that were taken; None for a state from before this was said. Raises StoreDamaged for a row that no entry wrote."""
    rows = database.checked(schema.facts, schema.facts.c.name == FACT)
    if not rows and database.has_lines(schema.facts, FACT):
        raise StoreDamaged(
            "The row that says which settings were taken is gone.",
            code="row_unwritten",
            next_step="Run `harmcast log verify`, which names it, and tell the data owner.",
        )
    return str(rows[0]["value"]) if rows else None


def must_be_taken(root: Path, database: Operations) -> None:
    """Raises StoreDamaged (`settings_by_hand`) where the settings are not those that were taken."""
    sha256 = taken(database)
    if sha256 is not None and sha256_of(root / SETTINGS) != sha256:
        raise StoreDamaged(
            "The settings were changed by hand: they are not those that were taken.",
            code="settings_by_hand",
            next_step=f"Put the files back: {KEPT}/{sha256} in the state holds them. Or have two people take these: `harmcast settings STATE --set FILE`.",
        )


def are_taken(root: Path, database: Operations) -> bool:
    """Whether the settings are those that were taken."""
    try:
        must_be_taken(root, database)
    except StoreDamaged:
        return False
    return True


def kept(root: Path, sha256: str) -> Path:
    """The folder of settings of that hash. Raises StoreDamaged if it is missing or not what was kept."""
    place = root / KEPT / sha256
    if not place.is_dir() or sha256_of(place) != sha256:
        raise StoreDamaged(
            "The settings that a release was made with are not what was kept.",
            code="settings_kept_damaged",
            next_step="Restore the newest backup and tell the data owner.",
        )
    return place


def read(folder: Path) -> tuple[Settings, list[str]]:
    """The settings in a folder, without those that have gone since, and which those are: a state's own lose them at its upgrade. Raises SettingsRefused."""
    path = folder / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return settings_of.read(path), []  # says what is wrong with it
    text, went = gone.without(text)
    return settings_of.parse(text, FILE), went


def strip_own(root: Path) -> None:
    """Takes the settings that have gone out of a state's own file."""
    path = root / SETTINGS / FILE
    text, _ = gone.without(path.read_text(encoding="utf-8"))
    files.write_bytes(path, text.encode())


def settle(root: Path) -> None:
    """Finishes a change that was cut off half way: `settings` is whole, either as before or as changed."""
    if not (root / SETTINGS).is_dir():
        for name in (NEXT, BEFORE):
            if (root / name).is_dir():
                (root / name).rename(root / SETTINGS)
                break


def put_in_place(root: Path) -> None:
    """Makes what is written in `settings.next` the settings of the state."""
    shutil.rmtree(root / BEFORE, ignore_errors=True)
    (root / SETTINGS).rename(root / BEFORE)
    (root / NEXT).rename(root / SETTINGS)
    files.sync(root)
    shutil.rmtree(root / BEFORE, ignore_errors=True)
