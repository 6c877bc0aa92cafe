"""Every named error has its entry in the runbook, and the runbook names no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FAULTS = {"Fault", "fault", "_stop"}


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*_texts(node.body), *_texts(node.orelse))


def codes() -> set[str]:
    """Codes of errors and rules of whole files and settings, as written in the sources; forms of the web say theirs there."""
    found: set[str] = set()
    for path in (ROOT / "src").rglob("*.py"):
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
            found |= {text for keyword in call.keywords if keyword.arg == "code" for text in _texts(keyword.value)}
            if name in FAULTS and call.args and "web" not in path.parts:
                found |= set(_texts(call.args[0]))
            if name == "_damaged" and len(call.args) > 2:
                found |= set(_texts(call.args[2]))
    return {code for code in found if re.fullmatch(r"[a-z][a-z0-9_]+", code)}


def test_every_named_error_has_its_entry_and_no_other() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text()
    headings = re.findall(r"^### `([a-z0-9_]+)`$", text, re.MULTILINE)
    assert len(headings) == len(set(headings))
    assert codes() - set(headings) == set()
    assert set(headings) - codes() == set()


def test_every_entry_says_what_it_means_and_what_to_do() -> None:
    for entry in (ROOT / "docs" / "runbook.md").read_text().split("\n### ")[1:]:
        body = entry.split("\n## ")[0]
        means, _, do = body.split("\n", 1)[1].partition("Next: ")
        assert len(means.strip()) > 15, body
        assert len(do.strip()) > 8, body
