"""A load killed at any boundary, begun again, ends as one never disturbed."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

PATH = Path(__file__).parents[2] / "bench" / "faults" / "kill.py"
SPEC = importlib.util.spec_from_file_location("bench_kill", PATH)
assert SPEC is not None
assert SPEC.loader is not None
kill = importlib.util.module_from_spec(SPEC)
sys.modules["bench_kill"] = kill
SPEC.loader.exec_module(kill)


@pytest.mark.slow
def test_a_load_killed_and_begun_again_ends_the_same(tmp_path: Path) -> None:
    blank, deliveries = kill.prepare(tmp_path, size=60, weeks=2)
    clean = tmp_path / "clean"
    shutil.copytree(blank, clean)
    lived, passed = kill.run(clean, deliveries)
    assert lived
    expected = kill.summary(clean)
    assert expected["deliveries"] == ["week-0", "week-1"]
    assert expected["damaged"] == expected["log"] == []
    count = int(passed)
    assert count > 20
    boundaries = [count // 3, count - 1]
    assert kill.killed_at_boundaries(tmp_path, blank, deliveries, boundaries, expected) == []
