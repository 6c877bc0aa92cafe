"""The ten kinds of tampering of `make bench-answers`, in small: each is found, and the place is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from bench import tampering

TIMES = 40


def test_there_are_ten_kinds() -> None:
    assert len({kind.__name__ for kind in tampering.KINDS}) == 10


@pytest.mark.parametrize("kind", tampering.KINDS, ids=lambda kind: kind.__name__)
def test_every_one_is_found_and_said_where(kind: Callable[..., None]) -> None:
    tally = tampering.tried(kind, TIMES)
    assert tally.tried > TIMES * 0.9
    assert (tally.found, tally.placed) == (tally.tried, tally.tried)
