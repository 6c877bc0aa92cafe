"""Small faults put into the code where people could be hurt: does a test find each? By cosmic-ray, a room at a time.

    python -m bench.mutants                    60 faults drawn with a fresh seed in each room
    python -m bench.mutants people oversight   of these rooms
    python -m bench.mutants --drawn 10 --seed 4 people

Stopped in the middle it goes on where it was, with the same draw, while the code and the tests are the same (`--afresh`: a new draw). A fault that changes nothing a
caller could see is an equivalent: it stands in `bench/equivalents.toml` with its reason, and a room may have 5% of them.
"""

from __future__ import annotations

import argparse
import ast
import compileall
import hashlib
import json
import os
import py_compile
import random
import secrets
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.rests_on import ROOT
from bench.results import Row, saved

WORK = ROOT / ".bench" / "mutants"
EQUIVALENTS = ROOT / "bench" / "equivalents.toml"
SECONDS = 300.0  # a fault that makes a loop endless is killed by it
SOURCE = "src/harmcast"


@dataclass(frozen=True)
class Room:
    """Modules to put faults into, as paths or patterns below src/harmcast, and the tests that must find them."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


ROOMS = {
    "people": Room(("people/*.py",), ("tests/people",)),
    "oversight": Room(("oversight/*.py",), ("tests/oversight", "tests/runs/test_release_moves.py")),
    "transitions": Room(("transitions/*.py",), ("tests/transitions",)),
    "fairness": Room(("fairness/*.py",), ("tests/fairness",)),
    "feed-checks": Room(("feed/checks.py", "feed/values.py"), ("tests/feed/test_checks_at_boundaries.py", "tests/feed/test_values.py", "tests/feed/test_checks.py", "tests/feed/test_malformed.py", "tests/store/test_loading.py")),
    "retention": Room(("store/retention.py", "store/rewrites.py"), ("tests/store/test_rewrites.py", "tests/store/test_retention_at_boundaries.py", "tests/store/test_retention.py", "tests/store/test_erasure.py")),
    "release-rules": Room(("oversight/release_rules.py", "oversight/findings.py", "oversight/register.py"), ("tests/oversight/test_release_rules.py", "tests/oversight/test_register.py", "tests/oversight/test_frozen_oversight.py", "tests/runs/test_release_moves.py")),
    "rounding": Room(("fairness/rounding.py", "fairness/tallies.py", "fairness/printed.py"), ("tests/fairness/test_rounding.py", "tests/fairness/test_tallies.py", "tests/fairness/test_printed.py")),
    "ranges": Room(("transitions/ranges.py", "forecast/ranges.py"), ("tests/transitions/test_ranges_of_chances.py", "tests/forecast/test_ranges.py")),
    "choosing": Room(("forecast/choose.py", "evaluate/people_choose.py"), ("tests/forecast/test_choose.py", "tests/evaluate/test_landmarks_people.py")),
}


@dataclass(frozen=True)
class Fault:
    """One small fault: where, and what kind."""

    module: str
    line: int
    operator: str
    text: str

    def says(self) -> str:
        return f"{self.module}:{self.line} {self.operator.removeprefix('core/')}: {self.text}"


def modules_of(room: Room) -> list[str]:
    """The room's modules, relative to the project's root."""
    found = {p.relative_to(ROOT).as_posix() for pattern in room.modules for p in (ROOT / SOURCE).glob(pattern)}
    return sorted(name for name in found if not name.endswith("__init__.py"))


def hash_of(room: Room) -> str:
    """Of the room's modules and of their tests: another draw belongs to other code."""
    digest = hashlib.sha256()
    for name in files_of(room):
        digest.update(name.encode() + (ROOT / name).read_bytes())
    return digest.hexdigest()[:16]


def files_of(room: Room) -> list[str]:
    """The room's modules and its tests, relative to the project's root."""
    tests = sorted(p for name in room.tests for p in ((ROOT / name).rglob("*.py") if (ROOT / name).is_dir() else [ROOT / name]))
    return [*modules_of(room), *(path.relative_to(ROOT).as_posix() for path in tests)]


def where_a_fault_says_nothing(text: str) -> set[int]:
    """Lines that no test can reach: annotations of arguments and results, imports for types."""
    lines: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        notes: list[ast.expr | ast.stmt | None] = []
        if isinstance(node, ast.arg):
            notes.append(node.annotation)
        elif isinstance(node, ast.FunctionDef):
            notes.append(node.returns)
        elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            notes.append(node)
        for note in notes:
            if note is not None:
                lines |= set(range(note.lineno, (note.end_lineno or note.lineno) + 1))
    return lines


def sizes_of_caches(text: str) -> set[int]:
    """Lines that say how many answers are held ready: no caller sees another number."""
    decorators = [one for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef) for one in node.decorator_list]
    return {one.lineno for one in decorators if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id == "lru_cache"}


def bare_annotations(text: str) -> set[int]:
    """Lines of names with a type and no value: never run."""
    bare = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.AnnAssign) and node.value is None]
    return {line for node in bare for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}


def _says_nothing(operator: str, line: int, text: str) -> bool:
    """`int | None` in an annotation reads as a sum of bits, a bare annotation is never run, and the size of a cache is nobody's to see: no faults at all."""
    is_number_unread = "Number" in operator and line in sizes_of_caches(text)
    return ("BitOr" in operator and line in where_a_fault_says_nothing(text)) or line in bare_annotations(text) or is_number_unread


def copied(folder: Path) -> None:
    """The tracked files, in a folder where faults may be put into them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    vendor = ROOT / SOURCE / "web" / "static" / "vendor"
    if vendor.is_dir():
        shutil.copytree(vendor, folder / SOURCE / "web" / "static" / "vendor", dirs_exist_ok=True)


def begun(name: str, room: Room, drawn: int, seed: int, afresh: bool) -> Path:
    """The room's folder with its copy and its draw: that of an interrupted run, or a new one."""
    folder = WORK / name
    stamp = folder / "draw.json"
    wanted = {"code": hash_of(room), "drawn": drawn}
    if not afresh and stamp.is_file() and {k: v for k, v in json.loads(stamp.read_text()).items() if k != "seed"} == wanted:
        for path in modules_of(room):  # one that was stopped in its middle left its fault behind
            shutil.copy2(ROOT / path, folder / "tree" / path)
        return folder
    from cosmic_ray.work_db import WorkDB, use_db

    tree = folder / "tree"
    copied(tree)
    python = f"{sys.executable} -m pytest -q -x -p no:cacheprovider -p bench.nearest_first {' '.join(room.tests)}"
    paths = ", ".join(f'"{path}"' for path in modules_of(room))
    (tree / "mutants.toml").write_text(
        f'[cosmic-ray]\nmodule-path = [{paths}]\ntimeout = {SECONDS}\nexcluded-modules = []\ntest-command = "{python}"\n\n'
        '[cosmic-ray.distributor]\nname = "local"\n'
    )
    compileall.compile_dir(tree, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)  # by content: a fault is never missed
    _cosmic_ray(tree, "init", "mutants.toml", "session.sqlite")
    with use_db(str(tree / "session.sqlite"), WorkDB.Mode.open) as session:
        items = sorted(session.work_items, key=lambda item: (str(item.mutations[0].module_path), item.mutations[0].start_pos, item.mutations[0].operator_name, item.mutations[0].occurrence))
        texts = {path: (tree / path).read_text() for path in modules_of(room)}
        there = [i for i in items if not _says_nothing(i.mutations[0].operator_name, i.mutations[0].start_pos[0], texts[str(i.mutations[0].module_path)])]
        session.clear()
        session.add_work_items(random.Random(seed).sample(there, min(drawn, len(there))))
    stamp.write_text(json.dumps({**wanted, "seed": seed}))
    return folder


def _cosmic_ray(tree: Path, *words: str) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{tree / 'src'}{os.pathsep}{tree}", "PYTHONDONTWRITEBYTECODE": "1"}
    program = Path(sys.executable).parent / "cosmic-ray"
    subprocess.run([program, *words], cwd=tree, env=environment, check=True, stdout=subprocess.DEVNULL)


def judged(folder: Path) -> tuple[int, list[Fault]]:
    """How many faults were tried, and those no test found."""
    from cosmic_ray.work_db import WorkDB, use_db
    from cosmic_ray.work_item import WorkerOutcome

    tried, alive = 0, []
    tree = folder / "tree"
    with use_db(str(tree / "session.sqlite"), WorkDB.Mode.open) as session:
        results = {job: result for job, result in session.results if result.worker_outcome is not WorkerOutcome.NO_TEST}  # NO_TEST: the change gave the same code
        for item in session.work_items:
            result = results.get(item.job_id)
            if result is None:
                continue
            tried += 1
            if not result.is_killed:
                (fault,) = item.mutations
                text = (tree / fault.module_path).read_text().splitlines()[fault.start_pos[0] - 1].strip()
                alive.append(Fault(str(fault.module_path), fault.start_pos[0], fault.operator_name, text))
    return tried, alive


def equivalents(file: Path = EQUIVALENTS) -> dict[tuple[str, str, str], str]:
    """(module, operator, text of the line) -> why no caller could see the fault."""
    if not file.is_file():
        return {}
    listed = tomllib.loads(file.read_text(encoding="utf-8")).get("equivalents", [])
    return {(one["module"], one["operator"], one["text"]): one["reason"] for one in listed}


def row_of(name: str, tried: int, alive: Sequence[Fault], seed: int, listed: dict[tuple[str, str, str], str]) -> Row:
    """The room's figure: killed of those that change anything."""
    same = [fault for fault in alive if (fault.module, fault.operator, fault.text) in listed]
    real = tried - len(same)
    killed = tried - len(alive)
    share = killed / real if real else 1.0
    met = share >= 0.9 and len(same) <= 0.05 * tried
    return Row(52, f"{name}: small faults found by its tests", "at least .90; equivalents at most 5%", f"{killed} of {real} = {share:.2f}; {len(same)} equivalent; seed {seed}", met)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.mutants", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rooms", nargs="*", help=f"of {', '.join(ROOMS)}; default all")
    parser.add_argument("--drawn", type=int, default=60, help="faults a room (default 60)")
    parser.add_argument("--seed", type=int, help="of the draw; default a fresh one, printed")
    parser.add_argument("--afresh", action="store_true", help="draw anew even where a run was interrupted")
    asked = parser.parse_args()
    unknown = sorted(set(asked.rooms) - set(ROOMS))
    if unknown:
        parser.error(f"no such room: {', '.join(unknown)}")
    short = 0
    for name in asked.rooms or ROOMS:
        seed = asked.seed if asked.seed is not None else secrets.randbelow(10**6)
        folder = begun(name, ROOMS[name], asked.drawn, seed, asked.afresh or asked.seed is not None)
        seed = json.loads((folder / "draw.json").read_text())["seed"]
        print(f"{name}: {asked.drawn} faults, seed {seed}", file=sys.stderr, flush=True)
        _cosmic_ray(folder / "tree", "exec", "mutants.toml", "session.sqlite")
        tried, alive = judged(folder)
        listed = equivalents()
        for fault in alive:
            reason = listed.get((fault.module, fault.operator, fault.text))
            print(f"  {'equivalent' if reason else 'ALIVE'}  {fault.says()}{f' ({reason})' if reason else ''}", flush=True)
        short |= saved(f"mutants-{name}", [row_of(name, tried, alive, seed, listed)], files=files_of(ROOMS[name]))
    return short


if __name__ == "__main__":
    sys.exit(main())
