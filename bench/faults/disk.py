"""A disk that fails under the weekly run: a failed sync, no space, a file torn by a power cut.

Each time: the run stops with a named error, the last good week is still there to be served, and the same command run
again, once the disk is well, ends as one never disturbed. No space is a real file system that is too small where this
process may mount one; a failed sync is `os.fsync` failing in the child.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.faults import kill

CHILD = """
import errno, os, sys
from pathlib import Path
from bench.faults import disk
from bench.faults.by_command import week_by_command
disk.fail_sync(int(sys.argv[3]), getattr(errno, sys.argv[4]))
sys.exit(week_by_command(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[5]))
"""
ROOT = Path(__file__).parents[2]
NAMED = ("disk_full", "write_failed", "log_unavailable")


def fail_sync(at: int, number: int) -> None:
    """From the sync numbered `at` on, every sync of this process fails; 0: none does."""
    sync, passed = os.fsync, [0]

    def failing(handle: int) -> None:
        passed[0] += 1
        if at and passed[0] >= at:
            raise OSError(number, os.strerror(number))
        sync(handle)

    os.fsync = failing


def week(state: Path, delivery: Path, day: str, at: int = 0, error: str = "EIO") -> tuple[int, str]:
    """The weekly run as a command, a load that waits accepted by one more; gives its exit code and what it said of an error."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(state), str(delivery), str(at), error, day], capture_output=True, text=True, cwd=ROOT
    )
    return done.returncode, done.stderr


def served(state: Path) -> dict[str, bytes]:
    """Every file of the newest published releases, read as the pages read them: each against its digest."""
    from harmcast.store.state import open_state

    opened = open_state(state)
    try:
        found = {}
        for tool in opened.settings.tools:
            release = opened.releases.published(tool.name)
            if release is not None:
                found |= {f"{release.name}/{name}": release.read(name) for name in release.manifest()["files"]}
        return found
    finally:
        opened.close()


def failed_syncs(folder: Path, made: Path, delivery: Path, day: str, points: Sequence[int], expected: dict[str, Any]) -> list[str]:
    """A sync that fails, at each point, with an error of the disk and with no space."""
    wrong = []
    before = served(made)
    for point in points:
        for error in ("EIO", "ENOSPC"):
            copy = folder / f"sync-{point}-{error}"
            shutil.copytree(made, copy)
            code, said = week(copy, delivery, day, point, error)
            wrong += _judged(f"sync {point} {error}", code, said, before, copy)
            week(copy, delivery, day)
            wrong += [] if kill.summary(copy) == expected else [f"sync {point} {error}: another outcome after it was run again"]
            shutil.rmtree(copy)
    return wrong


def _judged(what: str, code: int, said: str, before: dict[str, bytes], state: Path) -> list[str]:
    wrong = [] if code == 25 and any(f"[{name}]" in said for name in NAMED) else [f"{what}: exit {code}, {said[-200:]}"]
    now = served(state)
    return wrong + ([] if before.items() <= now.items() or now.keys() != before.keys() else [f"{what}: the last week changed"])


@contextlib.contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path | None]:
    """A file system of so many kilobytes; None where this process may not mount one."""
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)], capture_output=True).returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)  # also where a test that failed left a file open


def no_space(folder: Path, made: Path, delivery: Path, day: str, spare_kb: Sequence[int], expected: dict[str, Any]) -> list[str] | None:
    """A disk with only so much to spare; then it is made larger. None: no such disk can be had here."""
    wrong: list[str] = []
    before = served(made)
    held = sum((path.stat().st_size + 4095) // 4096 * 4 for path in made.rglob("*") if path.is_file())
    for spare in spare_kb:
        with small_disk(folder / f"disk-{spare}", held + spare + 200) as disk:
            if disk is None:
                return None
            copy = disk / "state"
            shutil.copytree(made, copy)
            code, said = week(copy, delivery, day)
            subprocess.run(["mount", "-o", "remount,size=512m", str(disk)], check=True)
            if code == 0:
                continue  # it was enough
            wrong += _judged(f"{spare} KB to spare", code, said, before, copy)
            week(copy, delivery, day)
            wrong += [] if kill.summary(copy) == expected else [f"{spare} KB to spare: another outcome after it was run again"]
    return wrong


def torn(folder: Path, made: Path, delivery: Path, day: str, expected: dict[str, Any]) -> list[str]:
    """Files cut off by a power loss: those not yet in the ledger are written again, those in it are said to be damaged."""
    wrong = []
    copy = folder / "torn-unnamed"
    shutil.copytree(made, copy)
    for name in ("records/000009_crimes.parquet", "records/.000009_charges.parquet.writing", "releases/2099-W01/manifest.json"):
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_bytes(b"PAR1 torn")
    week(copy, delivery, day)
    wrong += [] if kill.summary(copy) == expected else ["torn before the ledger names it: another outcome"]
    copy = folder / "torn-named"
    shutil.copytree(made, copy)
    part = next((copy / "records").glob("*_crimes.parquet"))
    part.write_bytes(part.read_bytes()[:-64])
    before = served(copy)
    code, said = week(copy, delivery, day)
    wrong += [] if code == 24 and "[part_damaged]" in said else [f"torn after the ledger names it: exit {code}, {said[-200:]}"]
    wrong += [] if served(copy) == before else ["torn after the ledger names it: the last week is not served"]
    return wrong


__all__ = ["errno", "failed_syncs", "no_space", "torn"]
