"""What a bench asked and got: printed for people, kept as JSON in `docs/figures/` with what it rests on.

A figure holds for the code and the data it was measured on. Each result keeps the hash of the source files the bench reaches by its
imports, and of the measuring data where it reads them; `python -m bench.figures` says which still hold for this tree.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.rests_on import data_hash, source_hash

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "figures"


@dataclass(frozen=True)
class Row:
    """One figure. `promise` is the number of a promise, or a word where it has none of its own."""

    promise: int | str
    what: str
    asked: str
    got: str
    met: bool


def commit() -> str:
    """The commit measured, with a plus where files differ from it."""
    head = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True).stdout.strip()
    changed = subprocess.run(["git", "status", "--porcelain", "-uno", "src"], capture_output=True, text=True).stdout.strip()
    return (head or "unknown") + ("+" if changed else "")


def started() -> str:
    """The module that was started, e.g. `bench.week`; `bench.results` where nothing says."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    name: str = spec.name if spec is not None else "bench.results"
    return name.removesuffix(".__main__")


def saved(bench: str, rows: Sequence[Row], folder: Path = FOLDER, part: str | None = None, files: Sequence[str] = ()) -> int:
    """Prints each row, keeps them, and gives the exit code: 1 if one fell short.

    `part`: the module that alone made these rows, where the bench that was started has others; they rest on it. `files`: what they rest
    on beside it, as paths from the root.
    """
    for row in rows:
        print(f"{row.promise!s:>5}  {'met  ' if row.met else 'SHORT'}  {row.what}: asked {row.asked}; got {row.got}", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    module = started()
    document = {
        "bench": bench,
        "module": module,
        "arguments": sys.argv[1:],
        "commit": commit(),
        "part": part,
        "files": list(files),
        "source": source_hash(part or module, tuple(files)),
        "data": data_hash(part or module),
        "rows": [{**asdict(row), "met": bool(row.met)} for row in rows],  # numpy has its own
    }
    (folder / f"{bench}.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0 if all(row.met for row in rows) else 1
