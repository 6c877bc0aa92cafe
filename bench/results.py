"""What a bench asked and got: printed for people, kept as JSON in `.bench/results/` for `python -m bench.promises`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

FOLDER = Path(".bench/results")


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


def saved(bench: str, rows: Sequence[Row]) -> int:
    """Prints each row, keeps them, and gives the exit code: 1 if one fell short."""
    for row in rows:
        print(f"{row.promise!s:>5}  {'met  ' if row.met else 'SHORT'}  {row.what}: asked {row.asked}; got {row.got}", flush=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    document = {"bench": bench, "commit": commit(), "rows": [asdict(row) for row in rows]}
    (FOLDER / f"{bench}.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0 if all(row.met for row in rows) else 1
