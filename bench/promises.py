"""The table of promises in docs/promises.md, made from what the benches last got.

    python -m bench.promises

Each bench keeps `.bench/results/NAME.json` (see bench/results.py); what no bench has measured is not in the table.
"""

from __future__ import annotations

import json
from pathlib import Path

from bench.results import FOLDER

PAGE = Path("docs/promises.md")
HEAD = """# Promises, and what was measured

Each line was printed by a bench (`make bench-NAME`) at the commit named. A `+` after the commit means that files differed from it. A
timing depends on the machine and on what else it did. What is not in the table was not measured.

| promise | what | asked | got | met | bench, commit |
|---|---|---|---|---|---|
"""


def table(folder: Path = FOLDER) -> str:
    """The page's text."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    lines = [(row, result) for result in found for row in result["rows"]]
    lines.sort(key=lambda line: (isinstance(line[0]["promise"], str), str(line[0]["promise"]).zfill(4), line[0]["what"]))
    return HEAD + "".join(
        "| " + " | ".join(
            str(cell).replace("|", "\\|").replace("\n", " ")
            for cell in (row["promise"], row["what"], row["asked"], row["got"], "yes" if row["met"] else "**no**", f"{result['bench']}, {result['commit']}")
        ) + " |\n"
        for row, result in lines
    )  # fmt: skip


if __name__ == "__main__":
    PAGE.write_text(table(), encoding="utf-8")
    print(f"{PAGE} is written.")
