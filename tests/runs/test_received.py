"""Whether a table came whole, which decides whether what is absent was deleted at source."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harmcast.runs.received import is_whole


@pytest.mark.parametrize(
    ("delivery", "notes", "whole"),
    [
        (False, ({"complete": True}, {"complete": True}), True),
        (False, ({"complete": True}, {}), False),  # one file of two is a part: nothing is taken as deleted
        (False, ({}, {"complete": True}), False),
        (False, ({"complete": True}, {"complete": "yes"}), False),  # true alone is a promise
        (False, ({},), False),
        (True, ({}, {}), True),
    ],
)
def test_a_table_is_whole_where_the_delivery_or_each_of_its_files_is(delivery: bool, notes: tuple[dict[str, object], ...], whole: bool) -> None:
    files = {f"part{k}.csv": note for k, note in enumerate(notes)}
    work: Any = SimpleNamespace(manifest=SimpleNamespace(complete=delivery, files=files), checked={"persons": SimpleNamespace(files=tuple(files))})
    assert is_whole(work, "persons") is whole
