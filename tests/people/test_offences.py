"""A code is known by the lists; one that was not read, or is in none though read, is counted by rows."""

from __future__ import annotations

import polars as pl

from harmcast.people import offences


def test_codes_that_are_read_and_in_no_list_count_with_those_not_read() -> None:
    codes = pl.Series("offence_code", ["008/06", "105A/01", "008", "010", "010/11", "999/99", "999/99", "Assault", None])
    assert offences.unknown(codes) == {"999/99": 2, "Assault": 1}
