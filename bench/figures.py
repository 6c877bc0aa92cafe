"""Figures that say for which code they hold: `make figures` runs what is stale, and only that, and writes docs/promises.md.

    python -m bench.figures            runs each bench whose figures no longer hold for this tree, one after the other
    python -m bench.figures --list     says what holds and what is stale; runs nothing
    python -m bench.figures --page     writes docs/promises.md from what is kept; runs nothing
    python -m bench.figures week feed  the same, of these benches alone

Stopped in the middle it goes on where it was: a bench that ended has kept its figures.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.rests_on import ROOT, data_hash, source_hash
from bench.results import FOLDER

PAGE = ROOT / "docs" / "promises.md"
HEAD = """# Promises, and what was measured

Each line was printed by a bench (`make bench-NAME`) at the commit named; a `+` after it means that files differed from it. A figure
**holds** while the files that the bench reaches by its imports, and its data, are the same as when it was measured; else it is *stale*
and says nothing of this tree. `make figures` measures again what is stale. A timing depends on the machine and on what else it did.
What is not in the table was not measured.

"""
TABLE = "| promise | what | asked | got | met | bench, commit | this tree |\n|---|---|---|---|---|---|---|\n"


@dataclass(frozen=True)
class Kept:
    """The figures one bench kept, and whether they hold for this tree."""

    bench: str
    module: str
    arguments: tuple[str, ...]
    commit: str
    rows: tuple[dict[str, object], ...]
    holds: bool


def kept(folder: Path = FOLDER) -> list[Kept]:
    """Every result held, by name; what a bench that is no more once measured says nothing."""
    there = {f"bench.{name}" for name in benches()}
    return [result for result in map(_read, sorted(folder.glob("*.json"))) if result.module in there]


def _read(path: Path) -> Kept:
    document = json.loads(path.read_text(encoding="utf-8"))
    module = document.get("module", "")
    rests_on = document.get("part") or module
    holds = bool(module) and document.get("source") == source_hash(rests_on, tuple(document.get("files", ()))) and _same_data(document.get("data"), data_hash(rests_on))
    return Kept(document["bench"], module, tuple(document.get("arguments", ())), document["commit"], tuple(document["rows"]), holds)


def _same_data(then: str | None, now: str | None) -> bool:
    """Data that are not here cannot speak against a figure: it holds by its code."""
    return then == now or now == ""


def benches() -> list[str]:
    """Every bench there is: a module of bench/ with a command line of its own that keeps figures."""
    own = [path.stem for path in sorted((ROOT / "bench").glob("*.py")) if path.name not in {"figures.py", "results.py", "rests_on.py"} and _is_bench(path)]
    whole = [path.parent.name for path in sorted((ROOT / "bench").glob("*/__main__.py")) if _is_bench(path)]
    return sorted({*own, *whole})


def _is_bench(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    return "saved(" in text and ("__main__" in text or path.name == "__main__.py")


def stale(names: Sequence[str] = ()) -> list[tuple[str, tuple[str, ...]]]:
    """What to run, as (module, arguments): each bench never measured, and each command whose figures no longer hold."""
    found = kept()
    wanted = list(names) or benches()
    todo: dict[tuple[str, tuple[str, ...]], None] = {}
    for name in wanted:
        module = f"bench.{name}"
        of_it = [result for result in found if result.module == module]
        if not of_it:
            todo[module, ()] = None
        elif any(not result.holds for result in of_it):
            whole = any(not result.arguments for result in of_it)
            for result in of_it:
                if not result.holds:
                    todo[module, () if whole else result.arguments] = None
    return list(todo)


def page(results: Sequence[Kept]) -> str:
    """The text of docs/promises.md."""
    lines = [(row, result) for result in results for row in result.rows]
    lines.sort(key=lambda line: (isinstance(line[0]["promise"], str), str(line[0]["promise"]).zfill(4), str(line[0]["what"])))
    holding = sum(result.holds for _, result in lines)
    short = sum(result.holds and not row["met"] for row, result in lines)
    said = f"**{holding} of {len(lines)} figures hold for this tree; {short} of them fall short of what was asked.**\n\n"
    return HEAD + said + TABLE + "".join(_line(row, result) for row, result in lines)


def _line(row: dict[str, object], result: Kept) -> str:
    cells = (
        row["promise"], row["what"], row["asked"], row["got"], "yes" if row["met"] else "**no**",
        f"{result.bench}, {result.commit}", "holds" if result.holds else "*stale*",
    )  # fmt: skip
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.figures", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="benches, e.g. week feed; default all")
    parser.add_argument("--list", action="store_true", help="say what holds and what is stale; run nothing")
    parser.add_argument("--page", action="store_true", help="write docs/promises.md; run nothing")
    asked = parser.parse_args()
    unknown = sorted(set(asked.names) - set(benches()))
    if unknown:
        parser.error(f"no such bench: {', '.join(unknown)}; there are {', '.join(benches())}")
    todo = stale(asked.names)
    if asked.list:
        for result in kept():
            print(f"{'holds' if result.holds else 'stale'}  {result.bench}, measured at {result.commit}, {len(result.rows)} figures")
        print(f"{len(todo)} to run: {', '.join(' '.join((m, *a)) for m, a in todo) or 'nothing'}")
        return 0
    short = 0
    for number, (module, arguments) in enumerate([] if asked.page else todo, 1):
        begun = time.monotonic()
        print(f"[{number}/{len(todo)}] {module} {' '.join(arguments)}", file=sys.stderr, flush=True)
        ended = subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT).returncode
        short |= ended
        print(f"[{number}/{len(todo)}] {module}: {'met' if not ended else f'exit {ended}'}, {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
        PAGE.write_text(page(kept()), encoding="utf-8")
    PAGE.write_text(page(kept()), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} is written.")
    return short


if __name__ == "__main__":
    sys.exit(main())
