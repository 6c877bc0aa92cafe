"""What a bench found for one seed, kept under `.bench/` until the code it rests on changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".bench" / "kept"


def code_of(files: Sequence[str]) -> str:
    """Hash of the files named, relative to the project; a folder stands for the modules in it."""
    digest = hashlib.sha256()
    for name in files:
        path = ROOT / name
        for one in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(one.relative_to(ROOT).as_posix().encode() + one.read_bytes())
    return digest.hexdigest()[:12]


def kept(name: str, seed: int, rests_on: Sequence[str], make: Callable[[], dict[str, Any]], folder: Path = FOLDER) -> dict[str, Any]:
    """What `make` gives for a seed: read where the same code gave it before, and that is said; else made and kept."""
    path = folder / f"{name}-{seed}-{code_of(rests_on)}.json"
    if path.exists():
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        print(f"    {name}, seed {seed}: kept from before, the code it rests on is the same", flush=True)
        return found
    found = make()
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
    return found
