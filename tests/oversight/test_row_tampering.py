"""The twelve kinds of tampering with rows of `bench.row_tampering`, in small: each is found, and the row or the entry is named."""

from __future__ import annotations

import pytest
from bench import row_tampering

TIMES = 4


def test_twelve_kinds() -> None:
    assert len({kind.__name__ for kind in row_tampering.KINDS}) == 12


@pytest.mark.parametrize("kind", row_tampering.KINDS, ids=lambda kind: kind.__name__)
def test_each_kind_is_found_and_named(kind: row_tampering.Tamper) -> None:
    tally = row_tampering.tried(kind, TIMES)
    assert (tally.tried, tally.found, tally.named) == (TIMES, TIMES, TIMES)
