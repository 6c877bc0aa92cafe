"""Every seeded fault is said with its own code, cause and next step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.faults import seeded

from harmcast.feed import connection


@pytest.fixture(scope="module")
def base() -> Iterator[Path]:
    with seeded.base() as folder:
        yield folder


def test_there_are_enough() -> None:
    assert len(seeded.CASES) >= 40


@pytest.mark.parametrize("code", sorted(seeded.CASES))
def test_a_seeded_fault_is_named(code: str, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection.patiently, "__defaults__", ((),))
    assert seeded.wrong_with(code, base) is None
