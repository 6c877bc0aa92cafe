"""What a bench rests on: the files its imports reach, and the measuring data where it reads them.

An import inside a function counts, and so does a module that is only named in a string, as a bench names the command line it starts.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {"harmcast": ROOT / "src" / "harmcast", "bench": ROOT / "bench"}
NAMED = re.compile(r"\b(?:harmcast|bench)(?:\.\w+)+")
KEEPERS = {"results.py", "rests_on.py", "figures.py"}  # they keep and print figures; none of them measures
COMMAND = "harmcast"  # a bench that starts the command line rests on all of it
DATA = "HARMCAST_DATA"


@cache
def files_of(module: str) -> frozenset[Path]:
    """The files `module` reaches: Python by its imports, and what lies beside them (templates, tables, styles)."""
    found: set[Path] = set()
    waiting = [module, f"{module}.__main__"]  # a package is started by its `__main__`
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        path = _file_of(name)
        if path is None:
            continue
        found.add(path)
        waiting += _named_in(path)
        if "." in name:
            waiting.append(name.rsplit(".", 1)[0])
    folders = {path.parent for path in found}
    beside = {p for folder in folders for p in folder.iterdir() if p.is_file() and p.suffix not in {".py", ".pyc"}}
    if FOLDERS["harmcast"] / "web" in folders:
        beside |= {p for p in (FOLDERS["harmcast"] / "web").rglob("*") if p.is_file() and p.suffix in {".html", ".css", ".js"} and "vendor" not in p.parts}
    beside |= {p for p in FOLDERS["bench"].glob("*/*.toml")}
    return frozenset(path for path in found | beside if not (path.parent == FOLDERS["bench"] and path.name in KEEPERS))


def source_hash(module: str, files: tuple[str, ...] = ()) -> str:
    """SHA-256, shortened to 16 digits, over the names and bytes of all that `module` reaches, and of `files` beside it that are there."""
    digest = hashlib.sha256()
    for path in sorted(files_of(module) | {ROOT / name for name in files if (ROOT / name).is_file()}):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def data_folder() -> Path:
    """Where the measuring data lie: HARMCAST_DATA, or beside the project."""
    return Path(os.environ.get(DATA, ROOT.parent / "shared" / "data"))


def data_hash(module: str) -> str | None:
    """SHA-256, shortened, of the measuring data; "" where they are not here, None where `module` reads none."""
    if not any(DATA in path.read_text(encoding="utf-8") for path in files_of(module) if path.suffix == ".py" and path.parent == FOLDERS["bench"] and path.name != "rests_on.py"):
        return None
    return _hash_of_data(data_folder())


@cache
def _hash_of_data(folder: Path) -> str:
    if not folder.is_dir():
        return ""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        with path.open("rb") as handle:
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + hashlib.file_digest(handle, "sha256").digest())
    return digest.hexdigest()[:16]


def _file_of(name: str) -> Path | None:
    room, *parts = name.split(".")
    if room not in FOLDERS:
        return None
    base = FOLDERS[room].joinpath(*parts)
    for path in (base.with_suffix(".py") if parts else base / "__init__.py", base / "__init__.py", base / "__main__.py"):
        if path.is_file():
            return path
    return None


def _is_the_command(node: ast.AST) -> bool:
    """`programs / "harmcast"`: a program in a folder; not `src / "harmcast"`, which is the folder of the source."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and isinstance(node.right, ast.Constant) and node.right.value == COMMAND):
        return False
    folder = node.left.right if isinstance(node.left, ast.BinOp) else node.left
    return not (isinstance(folder, ast.Constant) and folder.value == "src")


@cache
def _named_in(path: Path) -> tuple[str, ...]:
    """Modules that a file imports or names: each dotted name, and its parts, since the last may be a function."""
    names: list[str] = []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    sayings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings start nothing
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif _is_the_command(node) and path.is_relative_to(FOLDERS["bench"]):
            names.append("harmcast.cli")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in sayings and path != Path(__file__):
            names += NAMED.findall(node.value) if len(node.value) < 400 or "import" in node.value else []
    # `python -m bench.faults` and packages started whole
    package = [f"bench.{path.parent.name}.{p.stem}" for p in path.parent.glob("*.py")] if path.name == "__main__.py" else []
    if any(isinstance(node, ast.Attribute) and node.attr == "iter_modules" for node in ast.walk(tree)):  # each module of its own folder
        room = next(name for name, folder in FOLDERS.items() if path.is_relative_to(folder))
        package += [".".join((room, *p.relative_to(FOLDERS[room]).with_suffix("").parts)) for p in path.parent.glob("*.py")]
    return tuple(n for n in (*names, *package) if n.split(".")[0] in FOLDERS)
