"""The walk through ASVS names tests: each of them must be there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "security.md"


def test_every_test_that_the_page_names_is_there() -> None:
    text = PAGE.read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", text))
    held = {name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.M)}
    assert len(named) > 50
    assert named <= held, sorted(named - held)
    files = set(re.findall(r"`(tests/[\w/]+\.py)`", text))
    assert all((ROOT / file).is_file() for file in files), files


def test_what_falls_short_is_said() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.count("short:") + text.count("Short:") >= 4
