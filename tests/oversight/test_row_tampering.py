"""The thirteen kinds of tampering with rows of `bench.row_tampering`, and the ways to take the log back of `bench.outside`, in small: each is found by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench import outside, row_tampering

TIMES = 4


def test_thirteen_kinds() -> None:
    assert len({kind.__name__ for kind in row_tampering.KINDS}) == 13


@pytest.mark.parametrize("kind", row_tampering.KINDS, ids=lambda kind: kind.__name__)
def test_each_kind_is_found_and_named(kind: row_tampering.Tamper) -> None:
    tally = row_tampering.tried(kind, TIMES)
    assert (tally.tried, tally.found, tally.named) == (TIMES, TIMES, TIMES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("outside")


@pytest.mark.parametrize("taking", outside.KINDS, ids=lambda taking: taking.__name__)
def test_each_way_to_take_the_log_back_is_refused_by_name_by_verify_and_by_the_next_week(taking: outside.Taking, folder: Path) -> None:
    assert outside.refused(taking, 2, folder) == (2, 2)
